"""The pendulum: steps reckoned by hand, its mirror image, its energy, and what standing upright pays."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from tacit import games
from tacit.games.pendulum import Pendulum, Swinging, swung

step = jax.jit(lambda game, state, action: game.step(jax.random.key(0), state, jnp.full((1, 1), action)))


def moving(angle, speed):
    return Swinging(jnp.float32(angle), jnp.float32(speed))


@pytest.mark.parametrize(
    ("angle", "speed", "action", "after"),
    [
        (np.pi / 2, 0.0, 0.0, (np.pi / 2, 0.735)),  # 0.05 * 3 * 9.8 / 2: gravity alone
        (0.0, 0.0, 1e3, (0.0, 0.15)),  # 0.05 * 3: the motor alone, at its strongest
        (0.0, 2.0, np.arctanh(-0.5), (0.1, 1.925)),  # half of it against the turn
        (np.pi, 1.0, 0.0, (np.pi + 0.05, 1.0)),  # hanging: nothing pulls
    ],
)
def test_steps_reckoned_by_hand(angle, speed, action, after):
    np.testing.assert_allclose(swung(moving(angle, speed), jnp.float32(action)), after, atol=1e-5)


def test_left_and_right_are_alike():
    one, other = swung(moving(0.4, -1.5), jnp.float32(0.7)), swung(moving(-0.4, 1.5), jnp.float32(-0.7))
    np.testing.assert_allclose(jnp.stack(one), -jnp.stack(other), rtol=1e-6)


def test_energy_without_the_motor():
    """w^2 / 2 + 14.7 cos a is kept by the motion; of an Euler step it changes by squares of the step alone."""
    generator = np.random.default_rng(0)
    angles, speeds = generator.uniform([-np.pi, -5], [np.pi, 5], (50, 2)).T

    def energy(angle, speed):
        return speed**2 / 2 + 14.7 * np.cos(angle)

    found = jax.vmap(swung)(Swinging(jnp.float32(angles), jnp.float32(speeds)), jnp.zeros(50))
    gained = energy(*(np.asarray(x, float) for x in found)) - energy(angles, speeds)
    pull = 14.7 * np.sin(angles)
    second = 0.05**2 * (pull**2 - 14.7 * np.cos(angles) * speeds**2) / 2  # of Taylor's series
    np.testing.assert_allclose(gained, second, atol=0.05**3 / 6 * 14.7 * 5**3 + 1e-4)  # its next term at most


def test_standing_upright_pays_one_and_hanging_nothing():
    game = games.make("pendulum", length=3)
    for angle, paid in ((0.0, 1.0), (np.pi, 0.0), (np.pi / 3, 0.75)):
        state, outcome = step(game, game.reset(jax.random.key(0), moving(angle, 0.0)), 0.0)
        assert float(outcome.reward[0]) == pytest.approx(paid, abs=1e-6)
        np.testing.assert_allclose(game.observe(state)[0, :2], [np.cos(angle), np.sin(angle)], atol=1e-6)
    state = game.reset(jax.random.key(0))
    for count in (1, 2, 3):
        state, outcome = step(game, state, 0.0)
        assert bool(outcome.truncated) is (count == 3)
    assert not outcome.terminated


def test_it_begins_anywhere_and_goals_are_on_its_circle():
    keys = jax.random.split(jax.random.key(0), 2000)
    first = jax.vmap(Pendulum().sample_level)(keys)
    for values, far in ((first.angle, np.pi), (first.speed, 1.0)):
        assert -far <= values.min() < -0.98 * far
        assert 0.98 * far < values.max() <= far
    goals = np.asarray(jax.vmap(Pendulum().sample_goal)(keys))
    np.testing.assert_allclose(np.linalg.norm(goals, axis=1), 1.0, rtol=1e-6)
    # In each quarter about a fourth, 500 with a standard deviation of 19.4. In the public code both numbers are the
    # cosine, and two of the quarters have no goals.
    quarters = np.unique(goals > 0, axis=0, return_counts=True)[1]
    assert (np.abs(quarters - 500) < 5 * 19.4).all()
    # What standing still at any angle earns a step: exp(-|place - goal|^2) = exp(2 cos - 2) in the mean over goals.
    earned = np.exp(-np.square(goals - [0.6, 0.8]).sum(1))
    assert earned.mean() == pytest.approx(np.exp(-2) * scipy.special.i0(2), abs=5 * earned.std() / 2000**0.5)
