"""The arm: steps reckoned by hand, what a step costs, when the goal is reached, and where goals are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit.games.cheap_talk import network
from tacit.games.reacher import Reacher, ReacherLevel, tip
from tacit.games.steered import Steered, goal_numbers

GAME = Reacher()
step = jax.jit(lambda game, state, action: game.step(jax.random.key(0), state, action))


def placed(angles, goal):
    return GAME.reset(jax.random.key(0), ReacherLevel(jnp.float32(angles), jnp.float32(goal)))


def test_two_steps_reckoned_by_hand():
    state = placed([0.0, np.pi / 2], [-1.0, 0.0])  # the tip at (1, 1)
    np.testing.assert_allclose(
        GAME.observe(state)[0], [1, 0, 0, 1, 0, 0, -1, 0, -2, -1], atol=1e-6
    )  # cosines, sines, speeds, goal, the way to it
    push = jnp.array([[np.arctanh(0.5), -1e3]])  # half strength, and all of it the other way
    state, outcome = step(GAME, state, push)
    np.testing.assert_allclose(state.angles, [0.0, np.pi / 2], atol=1e-6)  # speeds change first, angles a step later
    np.testing.assert_allclose(state.speeds, [0.05, -0.1], rtol=1e-5)
    assert float(outcome.reward[0]) == pytest.approx(-(4 + 1) - (0.25 + 1), abs=1e-5)
    state, outcome = step(GAME, state, jnp.zeros((1, 2)))
    np.testing.assert_allclose(state.angles, [0.005, np.pi / 2 - 0.01], atol=1e-6)
    np.testing.assert_allclose(state.speeds, [0.045, -0.09], rtol=1e-5)
    x, y = np.cos(0.005) + np.sin(0.01), np.sin(0.005) + np.cos(0.01)
    assert float(outcome.reward[0]) == pytest.approx(-((x + 1) ** 2 + y**2), abs=1e-5)
    np.testing.assert_allclose(GAME.place(state), [x, y], rtol=1e-6)


@pytest.mark.parametrize(("apart", "over"), [(0.29, True), (0.31, False)])
def test_it_ends_at_the_goal(apart, over):
    state, outcome = step(GAME, placed([0.0, 0.0], [2.0 - apart, 0.0]), jnp.zeros((1, 2)))
    assert bool(outcome.terminated) is bool(state.terminated) is over
    assert float(outcome.reward[0]) == pytest.approx(-(apart**2), abs=1e-5)
    assert not outcome.truncated


def test_goals_are_uniform_in_the_disc():
    goals = np.asarray(jax.vmap(GAME.sample_goal)(jax.random.split(jax.random.key(0), 4000)))
    far = np.linalg.norm(goals, axis=1)
    assert far.max() <= 2.0
    # A quarter of the disc is within half its radius: 1000, with a standard deviation of sqrt(4000 * 3 / 16) = 27.4.
    assert abs((far < 1).sum() - 1000) < 5 * 27.4
    np.testing.assert_allclose(goals.mean(0), 0.0, atol=5 / 4000**0.5)  # each number has the variance 1


def test_what_doing_nothing_and_pushing_down_the_slope_earn():
    """Tip and goal each have squares of 2 in the mean, so nothing costs 4 a step until an end; a rule reaches goals."""

    @jax.jit
    @jax.vmap
    def earned(key, strength):
        def one(state, _):
            angles = state.angles
            slope = jnp.stack([-jnp.sin(angles), jnp.cos(angles)], axis=1) @ (state.goal - tip(angles))
            return GAME.step(key, state, jnp.arctanh(strength * jnp.clip(slope, -1.0, 1.0))[None])

        state, outcome = jax.lax.scan(one, GAME.reset(key), None, GAME.length)
        return outcome.reward.sum(), outcome.reward[0, 0], state.terminated

    keys = jax.random.split(jax.random.key(0), 1000)
    (nothing, rule), (first, _), (_, reached) = (
        np.asarray(found, float).reshape(2, -1)
        for found in earned(jnp.tile(keys, 2), jnp.repeat(jnp.array([0.0, 0.9]), 1000))
    )
    assert first.mean() == pytest.approx(-4.0, abs=5 * first.std() / 1000**0.5)
    assert nothing.mean() == pytest.approx(-782, abs=5 * nothing.std() / 1000**0.5)  # as the page says
    assert rule.mean() == pytest.approx(-97, abs=5 * rule.std() / 1000**0.5)
    assert reached.mean() > 0.97


def test_an_arm_is_steered_by_two_numbers_and_its_own_goal_counts_for_nothing():
    assert goal_numbers(GAME) == 2
    game = Steered(GAME, network(jax.random.key(0), 12))
    state = game.reset(jax.random.key(1), jnp.array([0.5, -0.5]))
    after, outcome = step(game, state, jnp.ones((1, 2)))
    apart = np.asarray(tip(after.inner.angles)) - [0.5, -0.5]
    assert float(outcome.reward[0]) == pytest.approx(np.exp(-(apart**2).sum()), rel=1e-5)
    assert game.spec.observation.shape == (12,)
    elsewhere = state._replace(goal=jnp.array([0.5, 0.5]))
    np.testing.assert_array_equal(game.observe(state)[0, :10], game.observe(elsewhere)[0, :10])
    assert np.abs(game.observe(state) - game.observe(elsewhere)).max() > 0
