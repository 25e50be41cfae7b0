"""The pole on a cart: known first steps, the equations of motion solved another way, and where episodes end."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.games.cart_pole import CART, GRAVITY, HALF, POLE, PUSH, SECONDS, CartPole, moved

step = jax.jit(lambda game, state, action: game.step(jax.random.key(0), state, jnp.array([action], jnp.int32)))


def by_forces(moving, action):
    """Both accelerations at once, from the two equations of motion as a linear system.

    Along the track: (M + m) a + m l cos(q) w' = F + m l w^2 sin(q); about the pivot: cos(q) a + 4/3 l w' = g sin(q).
    """
    _, speed, angle, turning = moving
    push = PUSH if action == 1 else -PUSH
    matrix = np.array([[CART + POLE, POLE * HALF * np.cos(angle)], [np.cos(angle), 4 / 3 * HALF]])
    right = [push + POLE * HALF * turning**2 * np.sin(angle), GRAVITY * np.sin(angle)]
    slower, faster = np.linalg.solve(matrix, right)
    return moving + SECONDS * np.array([speed, slower, turning, faster])


def test_the_first_step_from_rest():
    """A push from rest: 10 / 1.1 accelerates the whole, and the pole falls back (as Gym's CartPole-v1 does)."""
    np.testing.assert_allclose(moved(jnp.zeros(4), jnp.int32(1)), [0.0, 0.19512195, 0.0, -0.29268293], rtol=1e-6)
    np.testing.assert_allclose(moved(jnp.zeros(4), jnp.int32(0)), [0.0, -0.19512195, 0.0, 0.29268293], rtol=1e-6)


def test_steps_by_the_equations_of_motion():
    generator = np.random.default_rng(0)
    states = generator.uniform([-2, -3, -0.2, -3], [2, 3, 0.2, 3], (50, 4))
    actions = generator.integers(0, 2, 50)
    found = jax.vmap(moved)(jnp.asarray(states, jnp.float32), jnp.asarray(actions))
    wanted = [by_forces(state, action) for state, action in zip(states, actions, strict=True)]
    np.testing.assert_allclose(found, wanted, atol=2e-6)


def test_left_and_right_are_alike():
    state = jnp.array([0.3, -0.5, 0.1, 0.7])
    np.testing.assert_allclose(moved(state, jnp.int32(1)), -moved(-state, jnp.int32(0)), rtol=1e-6)


@pytest.mark.parametrize(("place", "last"), [(0, 2.4), (2, 12 * np.pi / 180)])
def test_where_it_ends(place, last):
    game = games.make("cart-pole")
    state = game.reset(jax.random.key(0))
    for value, over in ((0.99 * last, False), (1.01 * last, True), (-1.01 * last, True)):
        after, outcome = step(game, state._replace(moving=jnp.zeros(4).at[place].set(value)), 0)
        assert bool(outcome.terminated) is over
        assert float(outcome.reward[0]) == 1.0
        assert not after.truncated


def test_time_is_up():
    game = CartPole(length=3)
    state = game.reset(jax.random.key(0))
    assert (np.abs(state.moving) <= 0.05).all()
    for count in (1, 2, 3):
        state, outcome = step(game, state, count % 2)
        assert bool(outcome.truncated) is (count == 3)
    assert not outcome.terminated
