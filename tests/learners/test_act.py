"""Victims learn as PPO does, from normalized observations; adversaries climb what victims are worth to them."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games, loops, nets
from tacit.errors import Misfit, SettingError
from tacit.games.cart_pole import CartPole
from tacit.games.cheap_talk import CheapTalk, network
from tacit.games.normalized import Normalized
from tacit.learners import act, ppo, victim
from tacit.ops.evolution import population
from tacit.types import Trajectory

CART = CartPole()
TALK = CheapTalk.of(CART, network(jax.random.key(0), 4))
SMALL = victim.Config(num_games=2, length=16, epochs=2, hidden=4)


@pytest.fixture(scope="module")
def learned():
    """A small victim at first and after two updates, what the last one told, and the same from the middle on."""
    learner = victim.make(TALK, SMALL)
    step = jax.jit(learner.step)
    first = jax.jit(learner.init)(jax.random.key(1))
    middle, _ = step(jax.random.key(2), first)
    return first, middle, *step(jax.random.key(3), middle), learner


def test_what_is_played_is_what_is_learned_from(learned):
    assert learned[3]["ratio_error"] < 1e-5  # the statistics did not change in between


def test_statistics_are_of_all_that_was_seen(learned):
    first, middle, last, _, _ = learned
    assert [float(state.known.count) for state in (first, middle, last)] == [32, 64, 96]
    assert (last.known.variance > 0).all()
    assert np.abs(last.known.mean[4:]).max() > 0  # messages among it


def test_the_policy_normalizes_what_it_sees(learned):
    _, _, last, _, learner = learned
    ((policy, params),) = learner.policy(last)
    ((plain, weights),) = ppo.make(TALK, SMALL).policy(last.learner)
    seen = TALK.observe(CART.reset(jax.random.key(4)))[0]
    rest = (), jnp.ones(2, bool), jnp.bool_(True), jnp.int32(1)
    told = policy.act(jax.random.key(0), params, rest[0], seen, *rest[1:])[2]
    shown = (seen - last.known.mean) / jnp.sqrt(last.known.variance + 1e-4)
    wanted = plain.act(jax.random.key(0), weights, rest[0], shown, *rest[1:])[2]
    np.testing.assert_allclose(told.log_probs, wanted.log_probs, atol=1e-5)
    again = learner.with_params(last, 0, params)
    np.testing.assert_array_equal(again.known.mean, last.known.mean)
    for left, right in zip(jax.tree.leaves(again.learner.params), jax.tree.leaves(last.learner.params), strict=True):
        np.testing.assert_array_equal(left, right)


def test_without_statistics_all_is_seen_as_it_is():
    learner = victim.make(TALK, dataclasses.replace(SMALL, raw=True))
    state, _ = jax.jit(learner.step)(jax.random.key(2), jax.jit(learner.init)(jax.random.key(1)))
    assert float(state.known.count) == 0
    shown = Normalized(TALK, state.known).observe(CART.reset(jax.random.key(4)))
    np.testing.assert_allclose(shown, TALK.observe(CART.reset(jax.random.key(4))), rtol=1e-4)


def test_values_are_clipped_as_ratios_are():
    """With clipping, the loss of a value that has moved by 1 is that of one that has moved by 0.2, if that is worse."""

    def lost(new, old, target, clip_values):
        held = old + np.clip(new - old, -0.2, 0.2)
        return max((new - target) ** 2, (held - target) ** 2) / 2 if clip_values else (new - target) ** 2 / 2

    policy = nets.policy()
    params = nets.actor_critic(jax.random.key(0), CART.spec, 2, False, "ppo")
    seen, legal = jnp.full((1, 1, 4), 0.3), jnp.ones((1, 1, 2), bool)
    said = policy.act(jax.random.key(0), params, (), seen[0, 0], legal[0, 0], jnp.bool_(True), jnp.int32(0))[2]
    extras = jax.tree.map(lambda leaf: leaf[None, None], said._replace(value=said.value - 1.0))
    none = jnp.zeros((1, 1), bool)
    steps = Trajectory(seen, legal, none, jnp.zeros((1, 1), int), extras, jnp.zeros((1, 1)), none, none, seen)
    for target in (-3.0, 0.5, 3.0):
        batch = ppo.Batch(steps, jnp.zeros((1, 1)), jnp.full((1, 1), target), ())
        for clip_values in (False, True):
            _, told = ppo.loss(params, policy, batch, ppo.Config(clip_values=clip_values))
            new = float(said.value)
            assert float(told["value_loss"]) == pytest.approx(lost(new, new - 1.0, target, clip_values), rel=1e-4)


def test_settings_are_those_of_the_public_code():
    told = victim.Config()
    assert (told.lr, told.num_games, told.length, told.epochs, told.hidden) == (0.005, 4, 256, 16, 32)
    assert (told.minibatches, told.clip_values, told.decay, told.entropy_weight) == (1, True, 0.95, 0.01)


def test_what_does_not_fit_is_refused():
    with pytest.raises(SettingError, match="its size must be even; got 5"):
        act.make(CART, act.Config(population=5))
    for name, objective, why in (
        ("farbook", "backdoor", "FarBook has no goals to which a player could be steered"),
        ("maze", "help", "needs a game that shows one row of numbers"),
        ("ipd", "help", "needs a game of one player, and MatrixGame has 2"),
    ):
        with pytest.raises(Misfit, match=why):
            act.make(games.make(name), act.Config(objective=objective))


def test_the_mean_climbs_the_changes_that_paid():
    learner = act.make(CART, act.Config(population=4, lr=0.1))
    state = learner.init(jax.random.key(0))
    z = jax.tree.map(
        lambda leaf: jnp.stack([jnp.ones_like(leaf), 0 * leaf, -jnp.ones_like(leaf), 0 * leaf]), state.mean
    )
    after, told = learner.update(jax.random.key(0), state, (z, jnp.array([3.0, 2.0, 1.0, 2.0])), ())
    for old, new in zip(jax.tree.leaves(state.mean), jax.tree.leaves(after.mean), strict=True):
        np.testing.assert_allclose(new - old, 0.1, rtol=1e-3)  # Adam's first step is of the step size
    for old, kept in zip(jax.tree.leaves(state.mean), jax.tree.leaves(after.start), strict=True):
        np.testing.assert_array_equal(old, kept)
    assert (float(told["fitness"]), float(told["best"])) == (2.0, 3.0)


def test_a_pair_shares_its_luck_and_all_f_of_later_share_that_of_their_member():
    """How easily a victim learns and obeys says nothing of what it is told."""
    learner = act.make(CART, act.Config(objective="backdoor", population=4, tries=4, own=True))
    state = learner.init(jax.random.key(0))
    key = jax.random.key(1)
    z = act.Said(
        act.changes(key, state.mean.training, 4),
        jax.vmap(lambda key: act.changes(key, state.mean.later, 4))(jax.random.split(key, 4)),
    )
    worth = jax.random.uniform(key, (4, 4))
    luck = jnp.array([0.0, 64.0, 0.0, 64.0])[:, None]
    told = [learner.update(key, state, (z, found), ())[0].mean for found in (worth, worth + luck)]
    for plain, lucky, before in zip(*map(jax.tree.leaves, (*told, state.mean)), strict=True):
        np.testing.assert_array_equal(plain, lucky)
        assert not np.array_equal(plain, before)


def test_victims_of_a_generation(monkeypatch):
    monkeypatch.setattr(act, "fitness", lambda key, *_: jax.random.uniform(key))
    found = {}
    monkeypatch.setattr(act, "centered_ranks", lambda worth: found.setdefault("worth", worth))
    for own in (False, True):
        found.clear()
        learner = act.make(CART, act.Config(population=6, victims=2, own=own))
        _, told = learner.step(jax.random.key(1), learner.init(jax.random.key(0)))
        assert (float(told["spread"]) > 0) == own  # all have the same; or each pair its own
        np.testing.assert_array_equal(found["worth"] if own else found["worth"] - found["worth"][0], np.zeros(6))


def test_weights_of_small_numbers_change_more():
    state = act.make(CART, act.Config(objective="backdoor")).init(jax.random.key(0))
    far = act.apart(CART, act.Config(units=True), state.mean)
    np.testing.assert_allclose(far.training[0][0], np.tile([[1], [1], [10], [1]], 16), rtol=1e-6)
    np.testing.assert_allclose(far.later[0][0], np.tile([[1], [1], [10], [1], [1]], 16), rtol=1e-6)  # and the goal
    z = jax.tree.map(lambda leaf: jnp.ones((2, *leaf.shape)), state.mean.training)
    moved = act.members(act.Said(state.mean.training, ()), act.Said(z, ()), act.Said(far.training, ()))
    for leaf, mean, by in zip(*map(jax.tree.leaves, (moved.training, state.mean.training, far.training)), strict=True):
        np.testing.assert_allclose(leaf, np.stack([mean + by] * 2), rtol=1e-6)
    for each in (far.training[0][1], *jax.tree.leaves(far.training[1:])):
        np.testing.assert_array_equal(each, 1)
    for leaf in jax.tree.leaves(act.apart(CART, act.Config(), state.mean)):
        np.testing.assert_array_equal(leaf, 1)


def test_settings_of_the_evolution_are_those_of_the_public_code():
    told = act.PUBLIC_CODE
    assert (told.population, told.victims, told.updates, told.words, told.hidden) == (1024, 1, 32, 2, 64)
    assert (told.sigma, told.sigma_decay, told.sigma_floor) == (0.04, 0.999, 0.01)
    assert (told.lr, told.lr_decay, told.lr_floor, told.ranks) == (0.01, 0.999, 0.001, False)


@pytest.fixture
def cheap(monkeypatch):
    """A member is worth the first of its biases, which are 0 in the mean at first."""
    monkeypatch.setattr(act, "fitness", lambda *given: given[-1].training[0][1][0])


def test_members_come_nearer_and_steps_become_smaller(cheap):
    config = act.Config(population=6, sigma=0.5, sigma_decay=0.9, sigma_floor=0.1, lr=0.4, lr_decay=0.8, lr_floor=0.05)
    learner = act.make(CART, config)
    first = learner.init(jax.random.key(0))
    spread = {}
    for generation, sigma, lr in ((0, 0.5, 0.4), (3, 0.5 * 0.9**3, 0.4 * 0.8**3), (100, 0.1, 0.05)):
        state, told = learner.step(jax.random.key(1), first._replace(generation=jnp.int32(generation)))
        spread[generation] = float(told["spread"]) / sigma
        step = state.mean.training[0][1] - first.mean.training[0][1]
        np.testing.assert_allclose(np.abs(step[0]), lr, rtol=1e-3)  # Adam's first
        assert int(state.generation) == generation + 1
    np.testing.assert_allclose(list(spread.values()), spread[0], rtol=1e-4)


def test_members_divided_among_devices_are_worth_the_same(cheap):
    config = act.Config(population=6, hidden=5, block=2)
    learner = act.make(CART, config)
    state, keys = learner.init(jax.random.key(0)), jax.random.split(jax.random.key(1), 3)
    whole, parts = (jax.jit(jax.vmap(step, (0, None)))(keys, state) for step in (learner.step, learner.divided))
    for left, right in zip(jax.tree.leaves(whole), jax.tree.leaves(parts), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6)
    # one seed does not fill two devices, so a run divides the members
    run = list(loops.chunks(act.make, CART, config, iterations=2, seeds=(0,)))[-1].state
    assert len(run.generation.sharding.device_set) == 2
    lane = jax.random.fold_in(jax.random.key(0), 0)
    alone = learner.init(jax.random.fold_in(lane, 0))
    for i in range(2):
        alone, _ = jax.jit(learner.step)(jax.random.fold_in(lane, i + 1), alone)
    for left, right in zip(jax.tree.leaves(run.mean), jax.tree.leaves(alone.mean), strict=True):
        np.testing.assert_allclose(left[0], right, rtol=1e-5, atol=1e-6)


def test_the_same_state_has_the_same_message_while_a_victim_learns(learned):
    """Games that begin alike and go alike, before the victim learned and after: equal messages, bit for bit."""
    first, _, last, _, learner = learned
    level = jnp.broadcast_to(jnp.array([0.01, -0.02, 0.03, 0.04]), (3, 4))
    given = jnp.broadcast_to(jnp.array([0, 1, 1, 0, 1, 0])[:, None, None], (6, 3, 1))

    @jax.jit
    def seen(state):
        ((policy, params),) = learner.policy(state)
        everyone, live = loops.joint((policy,)), loops.start(jax.random.key(0), TALK, (policy,), 3, level)
        return loops.rollout(
            jax.random.key(0), TALK, lambda keys, **rest: everyone(keys, (params,), **rest), live, 6, level, given
        )[1]

    before, after = seen(first), seen(last)
    assert np.abs(before.extras.log_prob - after.extras.log_prob).max() > 0  # it has learned in between
    np.testing.assert_array_equal(before.obs, after.obs)
    np.testing.assert_array_equal(before.obs, np.broadcast_to(before.obs[:, :1], before.obs.shape))
    assert np.abs(np.diff(before.obs[:, 0, 0, 4:], axis=0)).min() > 0  # other states have others
    np.testing.assert_array_equal(before.obs[:, :, 0, :4], before.state.moving)  # and are shown as they are


def test_nothing_of_an_adversary_goes_from_update_to_update():
    """What a victim's run carries along has the same form whatever the message's network, and so holds none of it."""
    key = jax.random.key(0)

    def carried(width):
        talk = CheapTalk.of(CART, network(key, 4, hidden=width))
        state, _ = jax.eval_shape(lambda key: act.taught(key, talk, SMALL, 2), key)
        return jax.tree.structure(state), [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(state)]

    assert carried(3) == carried(11)


TINY = act.Config(population=4, updates=2, length=16, epochs=1, episodes=4, block=2)


@pytest.mark.long
@pytest.mark.parametrize(
    ("task", "objective"),
    [
        *(("cart-pole", objective) for objective in ("help", "disrupt", "backdoor")),
        *((task, objective) for task in ("pendulum", "reacher") for objective in ("help", "backdoor")),
    ],
)
def test_a_run_goes_on_where_it_stopped(task, objective):
    other = {} if task == "cart-pole" else {"victim": "pendulum", "length": 210, "population": 2}
    game, config = games.make(task), act.Config(**{**vars(TINY), **other, "objective": objective})
    whole = list(loops.chunks(act.make, game, config, iterations=3, seeds=(0, 1)))[-1].state
    part = list(loops.chunks(act.make, game, config, iterations=1, seeds=(0, 1)))[-1].state
    after = list(loops.chunks(act.make, game, config, iterations=3, seeds=(0, 1), state=part, done=1))[-1].state
    for left, right in zip(jax.tree.leaves(whole), jax.tree.leaves(after), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.long
def test_members_meet_the_same_victims():
    """Without changes all members are worth the same, and helping is the opposite of disrupting."""
    still = act.Config(**{**vars(TINY), "sigma": 1e-30})
    learner = act.make(CART, still)
    state, told = jax.jit(learner.step)(jax.random.key(1), learner.init(jax.random.key(0)))
    assert float(told["spread"]) == 0.0
    said = act.Said(state.start.training, ())
    worth = {
        objective: float(
            act.fitness(jax.random.key(5), CART, act.Config(**{**vars(TINY), "objective": objective}), said)
        )
        for objective in ("help", "disrupt")
    }
    assert worth["help"] == -worth["disrupt"] > 0


@pytest.mark.long
def test_a_generation_is_what_its_members_are_worth_each_with_one_function():
    """No victim meets anything else than its member's message, from its first step to its last."""
    learner = act.make(CART, TINY)
    state, key = learner.init(jax.random.key(0)), jax.random.key(1)
    change_key, try_key, _ = jax.random.split(key, 3)
    z = act.changes(change_key, state.mean, TINY.population)
    members = population(state.mean, TINY.sigma, z)
    (seed,) = jax.random.split(try_key, 1)
    worth = jax.jit(lambda said: act.fitness(seed, CART, TINY, said))
    found = jnp.stack([worth(jax.tree.map(lambda leaf, i=i: leaf[i], members)) for i in range(TINY.population)])
    assert float(found.std()) > 0
    wanted, _ = learner.update(key, state, (z, found), ())
    after, told = jax.jit(learner.step)(key, state)
    np.testing.assert_allclose(told["fitness"], found.mean(), rtol=1e-5)
    for left, right in zip(jax.tree.leaves(after), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-6)


def test_updates_in_which_no_episode_ended_do_not_count():
    none = jnp.nan
    for curve, last, wanted in ([1, 3], 0, 2), ([none, 2, 4], 0, 3), ([1, 2, none], 1, 2), ([1, none, 3], 2, 3):
        assert act.counted(jnp.array(curve, float), last) == wanted
