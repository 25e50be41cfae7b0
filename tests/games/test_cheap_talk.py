"""What cheap talk may do, and what it leaves as it is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit import games
from tacit.errors import Misfit
from tacit.games.cart_pole import CartPole
from tacit.games.cheap_talk import SCALE, CheapTalk, Noise, columns, message, network
from tacit.games.normalized import Normalized, Statistics, nothing_seen, seen_too
from tacit.games.steered import Steered

CART = CartPole()
ACTIONS = jax.random.bernoulli(jax.random.key(5), 0.5, (30, 1)).astype(jnp.int32)


@jax.jit
def play(game, key):
    """States, observations and rewards of 30 steps with fixed actions."""

    def one(state, action):
        after, outcome = game.step(key, state, action)
        return after, (game.inside(state), game.observe(state), outcome.reward)

    return jax.lax.scan(one, game.reset(key), ACTIONS)[1]


@given(st.integers(0, 2**31 - 1))
@settings(max_examples=10)
def test_play_is_the_same_whatever_is_said(seed):
    key = jax.random.key(seed)
    one, other = (CheapTalk.of(CART, network(jax.random.key(seed + k), 4)) for k in (1, 2))
    states, seen, reward = play(one, key)
    for left, right in zip(jax.tree.leaves((states, reward)), jax.tree.leaves(play(other, key)[::2]), strict=True):
        np.testing.assert_array_equal(left, right)
    np.testing.assert_array_equal(seen[:, 0, :4], states.moving)  # the state is shown as it is
    assert np.abs(seen[:, 0, 4:] - play(other, key)[1][:, 0, 4:]).max() > 0


def test_the_state_alone_decides_what_is_said():
    talk = CheapTalk.of(CART, network(jax.random.key(0), 4))
    state = CART.reset(jax.random.key(1))
    later = state._replace(time=jnp.int32(77))  # what is not seen of a state does not count
    np.testing.assert_array_equal(talk.observe(state), talk.observe(later))
    np.testing.assert_array_equal(talk.observe(state)[0, 4:], message(talk.weights, state.moving))
    assert np.abs(talk.observe(state)[0, 4:]).max() <= SCALE
    assert talk.spec.observation.shape == (6,)


def test_zeros_say_nothing():
    silent = jax.tree.map(jnp.zeros_like, network(jax.random.key(0), 4, words=3))
    np.testing.assert_array_equal(CheapTalk.of(CART, silent).observe(CART.reset(jax.random.key(0)))[0, 4:], 0)


def test_a_function_of_something_else_is_refused():
    with pytest.raises(Misfit, match="a function of the 4 numbers that are seen, and this network reads 5"):
        CheapTalk.of(CART, network(jax.random.key(0), 5))
    with pytest.raises(Misfit, match="needs a game that shows one row of numbers"):
        columns(games.make("maze"))


def test_noise_leaves_the_game_alone_and_is_new_in_each_step():
    key = jax.random.key(9)
    states, seen, reward = play(Noise(CART), key)
    plain = play(CheapTalk.of(CART, network(key, 4)), key)
    for left, right in zip(jax.tree.leaves((states, reward)), jax.tree.leaves(plain[::2]), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-5)  # two programs, which may round differently
    state = Noise(CART).reset(key)
    again = Noise(CART).step(jax.random.key(10), state, ACTIONS[0])[0]
    assert np.abs(again.said - state.said).min() > 0
    assert seen.shape == (30, 1, 6)


def test_statistics_are_those_of_all_rows():
    rows = jax.random.normal(jax.random.key(0), (90, 3)) * jnp.array([[1.0, 5.0, 0.1]]) + jnp.array([[0.0, 2.0, -1.0]])
    known = nothing_seen(3)
    for part in (rows[:10], rows[10:17], rows[17:]):
        known = seen_too(known, part)
    assert known.count == 90
    np.testing.assert_allclose(known.mean, rows.mean(0), atol=1e-5)
    np.testing.assert_allclose(known.variance, rows.var(0), rtol=1e-4)


def test_what_is_normalized_can_be_read_back():
    known = Statistics(jnp.float32(5), jnp.array([1.0, 0.0, -2.0, 3.0]), jnp.array([4.0, 1.0, 0.0, 9.0]))
    game, state = Normalized(CART, known), CART.reset(jax.random.key(2))
    np.testing.assert_allclose(game.observe(state)[0, 2], (state.moving[2] + 2) / 1e-2, rtol=1e-5)
    np.testing.assert_allclose(game.raw(game.observe(state))[0], state.moving, atol=1e-5)


def test_a_goal_pays_by_distance_and_is_not_shown():
    game = Steered(CART, network(jax.random.key(0), 5))
    state = game.reset(jax.random.key(1), jnp.float32(1.5))
    after, outcome = game.step(jax.random.key(2), state, ACTIONS[0])
    np.testing.assert_allclose(outcome.reward[0], np.exp(-((float(after.inner.moving[0]) - 1.5) ** 2)), rtol=1e-6)
    np.testing.assert_array_equal(game.observe(state)[0, :4], state.inner.moving)
    silent = Steered(CART, jax.tree.map(jnp.zeros_like, game.weights))
    elsewhere = state._replace(goal=jnp.float32(-1.0))
    np.testing.assert_array_equal(silent.observe(state), silent.observe(elsewhere))
    assert np.abs(game.observe(state) - game.observe(elsewhere)).max() > 0
    over = state._replace(inner=state.inner._replace(terminated=jnp.bool_(True)))
    assert game.step(jax.random.key(2), over, ACTIONS[0])[1].reward[0] == 0


def test_goals_are_anywhere_on_the_track():
    goals = jax.vmap(Steered(CART, ()).sample_level)(jax.random.split(jax.random.key(0), 1000))
    assert -2.4 <= goals.min() < -2.2
    assert 2.2 < goals.max() <= 2.4
    # what staying in the middle earns, as the specification has it: 200 sqrt(pi) erf(2.4) / 4.8
    grid = np.linspace(-2.4, 2.4, 100_001)
    assert 200 * np.exp(-(grid**2)).mean() == pytest.approx(73.8, abs=0.05)
