"""Equivariant networks and Other-Play in PPO: names make no difference, and what does not fit is refused."""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tacit
from tacit import games
from tacit.errors import Misfit
from tacit.games.symmetry import Relabeled
from tacit.learners import naive, ppo
from tacit.learners.versus import Pair, Versus
from tacit.loops import episodes

GAME = games.make("repeated-levers", length=5)
SMALL = {"num_games": 8, "length": 5, "hidden": 4, "minibatches": 2, "epochs": 1}


@functools.partial(jax.jit, static_argnums=0)
def acted(policy, params, obs, legal):
    """Extras of one player's decisions over time, `[T, ...]`; actions are given."""

    def step(carry, seen):
        after, _, extras = policy.act(jax.random.key(0), params, carry, seen, legal, jnp.bool_(False), jnp.int32(0))
        return after, extras

    return jax.lax.scan(step, policy.init_carry(), obs)[1]


@pytest.mark.parametrize("recurrent", [False, True])
def test_what_is_renamed_is_scored_alike(recurrent):
    learner = ppo.make(GAME, ppo.Config(**SMALL, recurrent=recurrent, equivariant=True))
    policy, params = learner.policy(learner.init(jax.random.key(0)))[0]
    obs, order = jax.random.normal(jax.random.key(1), (5, 10, 3)), jax.random.permutation(jax.random.key(2), 10)
    plain, renamed = (acted(policy, params, seen, jnp.ones(10, bool)) for seen in (obs, obs[:, order]))
    np.testing.assert_allclose(renamed.log_probs, plain.log_probs[:, order], atol=1e-5)
    np.testing.assert_allclose(renamed.value, plain.value, atol=1e-5)
    assert np.ptp(plain.log_probs, axis=1).min() > 0.05  # it does tell actions apart


def test_equal_levers_have_equal_chances_until_one_is_pulled():
    learner = ppo.make(GAME, ppo.Config(**SMALL, recurrent=True, equivariant=True))
    policy, params = learner.policy(learner.init(jax.random.key(0)))[0]
    state = GAME.reset(jax.random.key(0))
    later = GAME.step(jax.random.key(0), state, jnp.array([3, 5]))[0]
    obs = jnp.stack([GAME.observe(each)[0] for each in (state, later)])
    first, second = np.exp(acted(policy, params, obs, jnp.ones(10, bool)).log_probs)
    np.testing.assert_allclose(first[1:], first[1], atol=1e-6)
    np.testing.assert_allclose(second[[1, 2, 4, 6, 7, 8, 9]], second[1], atol=1e-6)
    assert len({round(float(second[i]), 4) for i in (0, 1, 3, 5)}) == 4


def test_replay_and_play_agree():
    config = ppo.Config(**SMALL, recurrent=True, equivariant=True, other_play=True, shared=True)
    result = tacit.run(ppo.make, GAME, config, iterations=3, seeds=2)
    assert result.metrics["ratio_error"].max() < 1e-5


def test_other_play_is_play_under_names_of_ones_own():
    """A learner with `other_play` begins as one without it does on the game under other names."""
    config = ppo.Config(**SMALL, other_play=True)
    there, here = ppo.make(GAME, config), ppo.make(Relabeled(GAME), dataclasses.replace(config, other_play=False))
    one, other = (jax.jit(learner.init)(jax.random.key(0)) for learner in (there, here))
    jax.tree.map(np.testing.assert_array_equal, jax.tree.leaves(one.live.state), jax.tree.leaves(other.live.state))
    assert (one.live.state.symmetry[:, 0] != one.live.state.symmetry[:, 1]).any()


def test_names_make_no_difference_to_an_equivariant_policy():
    learner = ppo.make(GAME, ppo.Config(**SMALL, recurrent=True, equivariant=True, shared=True))
    policies, params = zip(*learner.policy(learner.init(jax.random.key(0))), strict=True)
    play = jax.jit(lambda game: episodes(jax.random.key(1), game, policies, params, 4096)[1].reward[:, :, 0].sum(0))
    same, own = (np.asarray(play(game)) for game in (GAME, Relabeled(GAME)))
    error = np.sqrt((same.var() + own.var()) / 4096)
    assert abs(same.mean() - own.mean()) < 4 * error


def test_annealing_ends_at_rest():
    config = ppo.Config(**SMALL, anneal=2)
    learner = ppo.make(GAME, config)
    step = jax.jit(learner.step)
    states = [jax.jit(learner.init)(jax.random.key(0))]
    for i in range(4):
        states.append(step(jax.random.key(i), states[-1])[0])
    weights = [state.params.actor[0].weight for state in states]
    moved = [float(jnp.abs(new - old).max()) for old, new in itertools.pairwise(weights)]
    assert moved[0] > moved[1] > 0
    assert moved[2] == moved[3] == 0
    half = ppo.annealed(config, jnp.int32(1))
    assert float(half.lr) == pytest.approx(config.lr / 2)
    assert float(half.entropy_weight) == pytest.approx(config.entropy_weight / 2)


def test_what_does_not_fit_is_refused():
    with pytest.raises(Misfit, match="ppo needs a game with symmetries for other-play; MatrixGame declares none"):
        ppo.make(games.make("ipd"), ppo.Config(other_play=True))
    with pytest.raises(Misfit, match="ppo needs a row of numbers for each action where its network is equivariant"):
        ppo.make(games.make("ipd"), ppo.Config(equivariant=True))
    with pytest.raises(Misfit, match="with it, ppo cannot meet another rule"):
        Versus(ppo.make, naive.make)(GAME, Pair(ppo.Config(other_play=True), naive.Config()))
