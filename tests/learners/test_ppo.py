"""PPO: replay equals play, advantages across episode ends, probe games with known answers, and no hang."""

import dataclasses
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tacit
from tacit import games
from tacit.errors import Misfit, SettingError
from tacit.evaluation.cross_play import cross_play, models_of
from tacit.evaluation.play import play
from tacit.games.on_turn import OnTurn
from tacit.games.probes import LENGTHS
from tacit.learners import naive_pg, ppo
from tacit.loops import joint, per_player, rollout, start, unroll
from tacit.types import Bits, Spec

SMALL = {"num_games": 4, "length": 16, "hidden": 8, "minibatches": 2, "epochs": 1}
GAME = games.make("ipd", length=5)  # episodes end three times inside every window


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("recurrent", [False, True])
def test_the_first_ratio_is_one_with_episode_ends_inside_the_window(recurrent, shared):
    config = ppo.Config(**SMALL, recurrent=recurrent, shared=shared)
    result = tacit.run(ppo.make, GAME, config, iterations=3, seeds=2)
    assert result.metrics["ratio_error"].max() <= 1e-5
    assert np.isfinite(result.metrics["return"]).all()  # episodes did end


def together(policy, keys, params, **seen):
    return joint((policy, policy))(keys, (params, params), **seen)


@functools.partial(jax.jit, static_argnums=0)
def played_by(policy, params):
    live = start(jax.random.key(0), GAME, (policy, policy), 4)
    act = functools.partial(together, policy, params=params)
    return live, rollout(jax.random.key(1), GAME, act, live, 16)


replayed = jax.jit(unroll, static_argnums=0)


def test_replaying_a_recurrent_policy_equals_stepping_it():
    learner = ppo.make(GAME, ppo.Config(**SMALL, recurrent=True))
    policy, params = learner.policy(learner.init(jax.random.key(3)))[0]
    params = jax.tree.map(lambda leaf: 3 * leaf, params)  # far from the nearly uniform start
    live, (after, step) = played_by(policy, params)
    own = jax.tree.map(lambda leaf: leaf[0], per_player(step, (0,)))
    carries, extras = replayed(policy, params, live.carry[0], own)
    np.testing.assert_allclose(extras.log_prob, own.extras.log_prob, atol=1e-5)
    np.testing.assert_allclose(extras.value, own.extras.value, atol=1e-5)
    np.testing.assert_allclose(jax.tree.map(lambda leaf: leaf[-1], carries), after.carry[0], atol=1e-5)
    # the test of the test: clearing the memory one step late is seen
    late = own._replace(fresh=jnp.roll(own.fresh, 1, axis=0))
    assert np.abs(replayed(policy, params, live.carry[0], late)[1].log_prob - own.extras.log_prob).max() > 1e-3


@functools.partial(jax.jit, static_argnums=0)
def value_ahead(policy, *args):
    return policy.act(*args)[2].value


@pytest.mark.parametrize("recurrent", [False, True])
def test_advantages_against_a_loop_over_steps(recurrent):
    learner = ppo.make(GAME, ppo.Config(**SMALL, recurrent=recurrent))
    policy, params = learner.policy(learner.init(jax.random.key(3)))[0]
    params = jax.tree.map(lambda leaf: 3 * leaf, params)
    live, (_, step) = played_by(policy, params)
    own = jax.tree.map(lambda leaf: leaf[0], per_player(step, (0,)))
    found = jax.jit(ppo.advantages, static_argnums=0)(policy, params, own, live.carry[0], 0.9, 0.8)
    carries = replayed(policy, params, live.carry[0], own)[0]
    legal = jnp.ones(2, bool)
    for b in range(2):
        later = 0.0
        for t in reversed(range(16)):
            carry = jax.tree.map(lambda leaf, t=t, b=b: leaf[t, b], carries)
            args = (jax.random.key(0), params, carry, own.next_obs[t, b], legal, jnp.bool_(False), jnp.int32(0))
            ahead = value_ahead(policy, *args)  # an iterated game is cut, not ended: what follows still counts
            delta = own.reward[t, b] + 0.9 * ahead - own.extras.value[t, b]
            later = delta + 0.9 * 0.8 * (0.0 if own.truncated[t, b] else later)
            np.testing.assert_allclose(found[t, b], later, atol=1e-4)


def solved(kind, recurrent):
    game = games.make("probe", kind=kind)
    config = ppo.Config(num_games=32, length=12, hidden=16, minibatches=2, lr=1e-2, recurrent=recurrent)
    result = tacit.run(ppo.make, game, config, iterations=150, every=150, seeds=2)
    return play(result, lambda step: (step.reward[-1].mean(), step.extras.value[..., 0], step.obs[..., 0, 0]))


PROBES = [(kind, False) for kind in LENGTHS if kind != "remembered"] + [("matched", True), ("remembered", True)]


@pytest.mark.parametrize(("kind", "recurrent"), PROBES)
def test_probe_games_are_solved(kind, recurrent):
    reward, value, sign = solved(kind, recurrent)  # [S], [S, T, B], [S, T, B]
    answers = {"seen": sign, "later": np.array([[0.9], [1.0]]), "remembered": np.array([[0.81], [0.9], [1.0]])}
    np.testing.assert_allclose(value - answers.get(kind, 1.0), 0.0, atol=0.1)
    if kind in ("chosen", "matched", "remembered"):
        assert reward.min() > 0.9


def test_naive_policy_gradient_solves_the_probe_it_can():
    """Its policy is a row of logits for each thing seen, so it needs a sign to see; it has no values to check."""
    game = games.make("probe", kind="matched")
    result = tacit.run(naive_pg.make, game, naive_pg.Config(lr=2.0), iterations=100, seeds=2)
    assert result.metrics["reward"][-1].min() > 0.9


def test_shared_players_have_one_set_of_parameters():
    for shared in (False, True):
        learner = ppo.make(GAME, ppo.Config(**SMALL, shared=shared))
        first, second = (params for _, params in learner.policy(learner.init(jax.random.key(0))))
        assert eq(first, second) == shared


def eq(first, second):
    return all(np.array_equal(a, b) for a, b in zip(*map(jax.tree.leaves, (first, second)), strict=True))


def test_parameters_can_be_put_in_place():
    learner = ppo.make(GAME, ppo.Config(**SMALL))
    state = learner.init(jax.random.key(0))
    (_, first), (_, second) = learner.policy(state)
    state = learner.with_params(state, 0, second)
    (_, now), (_, still) = learner.policy(state)
    assert eq(now, second)
    assert eq(still, second)
    assert not eq(now, first)


def test_what_does_not_fit_is_refused():
    with pytest.raises(SettingError, match="minibatches must divide"):
        tacit.run(ppo.make, GAME, ppo.Config(**(SMALL | {"minibatches": 7})), iterations=1)

    class Saying(type(GAME)):
        @property
        def spec(self):
            return Spec(2, super().spec.observation, Bits(3), 5, (-3.0, 0.0))

    with pytest.raises(Misfit, match="discrete actions"):
        ppo.make(Saying(), ppo.Config(**SMALL)).init(jax.random.key(0))


@pytest.mark.timeout(240)
def test_eight_seeds_mapped_end_twenty_times():
    """JAX 0.10's CPU backend can wait for ever here unless its scheduler is off, which the library sees to."""
    for seed in range(20):
        result = tacit.run(ppo.make, GAME, ppo.Config(**SMALL), iterations=20, every=20, seeds=8, seed=seed)
        assert np.isfinite(result.metrics["reward"]).all()


TURNS = games.make("hanabi-very-small")
MOVERS = ppo.Config(num_games=16, length=24, hidden=8, minibatches=1, epochs=1, movers_only=True)


def without_values(params):
    """The same policy; what it thinks of any position is 0."""
    return eqx.tree_at(lambda net: net.critic, params, jax.tree.map(jnp.zeros_like, params.critic))


@jax.jit
def gradients():
    """PPO's gradient from the moves alone, and from everybody's view of the same games."""
    policy, params = ppo.make(TURNS, MOVERS).policy(ppo.make(TURNS, MOVERS).init(jax.random.key(0)))[0]
    params = jax.tree.map(lambda leaf: 3 * leaf, without_values(params))
    found = []
    given = None
    for board, players in ((OnTurn.of(TURNS, "a test"), 1), (TURNS, 2)):
        team = joint((policy,) * players)
        live = start(jax.random.key(1), board, (policy,) * players, 16)
        act = functools.partial(
            lambda keys, team, size, **seen: team(keys, (params,) * size, **seen), team=team, size=players
        )
        step = rollout(jax.random.key(2), board, act, live, 24, given=given)[1]
        if given is None:
            mover = jax.vmap(jax.vmap(TURNS.on_turn))(step.state)[..., None]
            given = jnp.where(jnp.arange(2)[None, None] == mover, step.action, TURNS.num_moves)
        own = per_player(step, range(players))
        side_by_side = jax.tree.map(lambda leaf: jnp.concatenate(list(leaf), axis=1), own)
        advantage = ppo.advantages(policy, params, side_by_side, (), 0.9, 1.0, truncates=False)
        batch = ppo.Batch(side_by_side, advantage, advantage, ())
        config = dataclasses.replace(MOVERS, value_weight=0.0)
        found.append((jax.grad(ppo.loss, has_aux=True)(params, policy, batch, config)[0].actor, advantage))
    return found


def test_moves_alone_teach_a_policy_what_all_views_do():
    """Waiting has no alternative, so its views only thin the mean: each of two players has every second one.

    That is exact where advantages are returns: with values, each is what the next view says, whose it may be.
    """
    (alone, returns), (everybody, twice) = gradients()
    np.testing.assert_allclose(twice[:, :16], returns, atol=1e-6)
    np.testing.assert_allclose(twice[:, 16:], returns, atol=1e-6)
    assert max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(alone)) > 1e-3
    jax.tree.map(lambda one, half: np.testing.assert_allclose(one, 2 * half, atol=1e-6), alone, everybody)


@pytest.mark.parametrize("recurrent", [False, True])
def test_what_follows_is_known_where_no_episode_is_cut_off(recurrent):
    learner = ppo.make(TURNS, ppo.Config(**SMALL, shared=True, recurrent=recurrent))

    @jax.jit
    def both(key):
        policy, params = learner.policy(learner.init(key))[0]
        params = jax.tree.map(lambda leaf: 3 * leaf, params)
        live = start(key, TURNS, (policy, policy), 4)
        step = rollout(key, TURNS, functools.partial(together, policy, params=params), live, 24)[1]
        own = jax.tree.map(lambda leaf: leaf[0], per_player(step, (0,)))
        found = [ppo.advantages(policy, params, own, live.carry[0], 0.9, 0.8, cut) for cut in (True, False)]
        return found, step.terminated.sum()

    (asked, known), ends = both(jax.random.key(3))
    assert ends > 4
    np.testing.assert_allclose(known, asked, atol=1e-5)


def test_advantages_count_in_units_of_payoff_unless_they_are_normalized():
    learner = ppo.make(GAME, ppo.Config(**SMALL))
    policy, params = learner.policy(learner.init(jax.random.key(3)))[0]
    live, (_, step) = played_by(policy, params)
    own = jax.tree.map(lambda leaf: leaf[0], per_player(step, (0,)))
    advantage = own.reward - 0.5
    batch = ppo.Batch(own, advantage, own.extras.value, live.carry[0])
    for normalize, expected in ((False, -advantage.mean()), (True, 0.0)):  # ratios are 1, and values on target
        config = ppo.Config(**SMALL, entropy_weight=0.0, normalize=normalize)
        np.testing.assert_allclose(ppo.loss(params, policy, batch, config)[0], expected, atol=1e-5)


def test_movers_play_all_seats():
    result = tacit.run(ppo.make, TURNS, MOVERS, iterations=2, seeds=2)
    assert result.metrics["reward"].shape == (2, 2, 2)  # iterations, seeds, players
    assert result.metrics["ratio_error"].max() <= 1e-5
    model = models_of(result, "ppo")[1]
    (_, first), (_, second) = model.seats
    assert eq(first, second)
    assert cross_play(TURNS, [model], games=4).matrix.shape == (1, 1)


def test_a_trunk_is_one_layer_for_actor_and_critic():
    config = dataclasses.replace(MOVERS, trunk=1)
    learner = ppo.make(TURNS, config)
    (_, net), _ = learner.policy(learner.init(jax.random.key(0)))
    widths = [[layer.weight.shape for layer in layers] for layers in (net.embed, net.actor, net.critic)]
    assert widths == [[(8, 106)], [(8, 8), (11, 8)], [(8, 8), (1, 8)]]
    assert tacit.run(ppo.make, TURNS, config, iterations=1).metrics["ratio_error"].max() <= 1e-5


def test_movers_only_is_refused_where_it_misleads():
    with pytest.raises(Misfit, match="players without memory"):
        ppo.make(TURNS, ppo.Config(movers_only=True, recurrent=True))
    with pytest.raises(Misfit, match="cannot meet another rule"):
        ppo.make(TURNS, ppo.Config(movers_only=True), seats=(0,))
    with pytest.raises(Misfit, match="MatrixGame does not say who moves"):
        ppo.make(GAME, ppo.Config(movers_only=True))


def test_the_loss_of_guesses_by_hand():
    logits = jnp.log(jnp.array([[[0.5, 0.25, 0.25, 0.1, 0.1, 0.8]]]))  # one step, one game, two things, three answers
    both, one, none = (ppo.guess_loss(logits, jnp.array([[right]])) for right in ([0, 2], [1, -1], [-1, -1]))
    np.testing.assert_allclose(both, -(np.log(0.5) + np.log(0.8)) / 2, rtol=1e-6)
    np.testing.assert_allclose(one, -np.log(0.25), rtol=1e-6)  # where there is no card, nothing is asked
    assert none == 0.0


REMEMBERING = {"recurrent": True, "shared": True, "other_play": True}


@pytest.mark.parametrize("setting", [REMEMBERING, {"movers_only": True, "trunk": 1}])
def test_guessing_is_learned_beside_playing(setting):
    """Two cards of one color: what is told of them and of the stack says much about their use, so guesses get good."""
    config = ppo.Config(num_games=16, length=24, hidden=16, minibatches=2, epochs=2, **setting)
    config = dataclasses.replace(config, guess=True, guess_weight=1.0, lr=5e-3)
    result = tacit.run(ppo.make, TURNS, config, iterations=60, seeds=1)
    found = result.metrics["guess_loss"][:, 0]
    assert result.metrics["ratio_error"].max() <= 1e-5
    assert found[0] < 1.5 * np.log(3)  # it begins as a guess at random
    assert found[-10:].mean() < 0.6 * np.log(3)


def test_guesses_that_nobody_can_answer_are_refused():
    with pytest.raises(Misfit, match="nothing to guess in MatrixGame"):
        ppo.make(GAME, ppo.Config(guess=True))
    with pytest.raises(Misfit, match="not equivariant"):
        ppo.make(TURNS, ppo.Config(guess=True, equivariant=True))
