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
    with pytest.raises(Misfit, match="FarBook has no goals to which a player could be steered"):
        act.make(games.make("farbook"), act.Config(objective="backdoor"))
    with pytest.raises(Misfit, match="needs a game that shows one row of numbers"):
        act.make(games.make("maze"), act.Config())


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
