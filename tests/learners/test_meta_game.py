"""The meta-game against known figures of fixed policies, and its bookkeeping step by step."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.games.matrix_exact import normalized_values
from tacit.learners import lola
from tacit.learners.meta_game import MetaGame
from tacit.learners.scripted import _extortion
from tacit.loops import joint, rollout, start
from tacit.types import Policy

GAMES = 2048


def fixed(key, params, carry, obs, legal, fresh, given=None):
    del key, obs, legal, fresh, given
    return carry, params, ()


FIXED = Policy(lambda: (), fixed)


@functools.partial(jax.jit, static_argnums=0)
def against_naive(make, params, key):
    """Mean reward of a policy that never changes, and of the naive learner it meets, over whole meta-episodes."""
    game = MetaGame(make("ipd"))
    live = start(key, game, (FIXED,), GAMES)
    after, played = rollout(
        key, game, lambda keys, **seen: joint((FIXED,))(keys, (params,), **seen), live, game.length, reset=False
    )
    theirs = (played.state.theirs[1:].sum((0, 1)) + after.state.theirs.sum(0)) / (game.length * GAMES)
    return played.reward.mean(), theirs[0]


@pytest.mark.parametrize(
    ("chances", "mine", "theirs"),
    [
        ((1, 0, 1, 0, 1), -1.031, -1.030),  # tit-for-tat
        (_extortion(2), -0.830, -1.491),
        (_extortion(3), -0.775, -1.654),
        (_extortion(5), -0.757, -1.801),
        (_extortion(10), -0.858, -1.923),
        ((0, 0, 0, 0, 0), -1.986, -2.005),
        ((1, 1, 1, 1, 1), -2.984, -0.009),
        ((1, 0, 0, 1, 1), -2.295, -0.987),  # win-stay lose-shift
    ],
)
def test_what_fixed_policies_get_out_of_a_naive_learner(chances, mine, theirs):
    """Known figures: mean over 100 learning steps, probabilities kept in [0.001, 0.999]; independent computation."""
    chances = jnp.clip(jnp.array(chances, float), 0.001, 0.999)
    found = against_naive(games.make, jnp.log(chances / (1 - chances)), jax.random.key(0))
    # the learner's random start makes a standard error of 0.35 / sqrt(2048) at most, here and in the figures
    assert np.allclose(found, (mine, theirs), atol=0.025)


def test_a_reset_plays_one_uncounted_step():
    game = MetaGame(games.make("ipd"))
    state = jax.jit(game.reset)(jax.random.key(1))
    assert int(state.round) == 0
    assert not state.truncated
    rule = game.rules()[0]
    learned, _ = rule.update(jax.random.key(0), state.opponents[0]._replace(logits=state.other), _pair(state), ())
    assert jnp.allclose(learned.logits, state.opponents[0].logits, atol=1e-4)
    assert jnp.allclose(game.observe(state)[0], jax.nn.sigmoid(jnp.concatenate([state.own[0], state.other[0]])))
    assert float(jnp.abs(state.opponents[0].logits - state.other).max()) > 0.01


def _pair(state):
    return jnp.stack([state.own[0], state.other[0]])


def test_the_opponent_learns_from_the_step_that_was_just_played():
    """Simultaneous learning: its update uses the policy chosen in this very step, and acts in the next."""
    game = MetaGame(games.make("ipd"), lola.make, lola.Config(form="taylor"))
    state = jax.jit(game.reset)(jax.random.key(2))
    action = jax.random.normal(jax.random.key(3), (1, 5))
    after, outcome = jax.jit(game.step)(jax.random.key(4), state, action)
    met = state.opponents[0].logits[0]
    pair = jnp.stack([action[0], met])
    assert jnp.allclose(outcome.reward[0], normalized_values(game.inner, pair)[0], atol=1e-6)
    assert jnp.allclose(after.theirs[0], normalized_values(game.inner, pair)[1], atol=1e-6)
    learned, _ = game.rules()[0].update(jax.random.key(0), state.opponents[0], pair, ())
    assert jnp.allclose(after.opponents[0].logits, learned.logits, atol=1e-4)
    assert jnp.allclose(after.other[0], met)


@pytest.mark.parametrize("mutual", [True, False])
def test_two_meta_players_meet_each_other_or_their_own_opponents(mutual):
    game = MetaGame(games.make("imp"), num_players=2)
    state = jax.jit(game.reset)(jax.random.key(5), jnp.bool_(mutual))
    action = jax.random.normal(jax.random.key(6), (2, 5))
    after, outcome = jax.jit(game.step)(jax.random.key(7), state, action)
    assert jnp.allclose(outcome.reward + after.theirs, 0, atol=1e-6)  # whoever met, the game is zero-sum
    if mutual:
        assert jnp.array_equal(after.other, action[::-1])
        assert jnp.allclose(outcome.reward, normalized_values(game.inner, action), atol=1e-6)
    else:
        met = jnp.stack([opponent.logits[0] for opponent in state.opponents])
        assert jnp.array_equal(after.other, met)
        second = normalized_values(game.inner, jnp.stack([met[1], action[1]]))[1]  # player 2 sits in seat 2
        assert jnp.allclose(outcome.reward[1], second, atol=1e-6)


def test_a_meta_episode_is_cut_after_its_length_and_then_pays_nothing():
    game = MetaGame(games.make("chicken"), length=3)
    state, step = jax.jit(game.reset)(jax.random.key(0)), jax.jit(game.step)
    rewards = []
    for _ in range(4):
        state, outcome = step(jax.random.key(1), state, jnp.full((1, 1), 2.0))
        rewards.append(float(outcome.reward[0]))
    assert bool(outcome.truncated)
    assert not outcome.terminated
    assert rewards[2] != 0.0
    assert rewards[3] == 0.0
