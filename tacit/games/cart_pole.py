"""A pole on a cart: pushed left or right, the cart is to keep the pole up and itself on the track.

    total = cart + pole
    force' = (force + pole l w^2 sin a) / total
    w. = (g sin a - cos a force') / (l (4/3 - pole cos^2 a / total))
    v. = force' - pole l w. cos a / total

with a the angle, w its speed, l half the pole's length; a step adds dt times (v, v., w, w.) to (x, v, a, w).

Source: Barto, Sutton and Anderson 1983, with the constants and the explicit Euler steps of Gym's CartPole-v1; 200
steps, as in the public code of Lu et al. 2023 (luchris429/adversarial-cheap-talk).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tacit.games.base import Game, settle
from tacit.settings import setting
from tacit.types import Discrete, Level, Outcome, Real, Spec

POSITION, SPEED, ANGLE, TURNING = range(4)
GRAVITY, CART, POLE, HALF, PUSH, SECONDS = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
TRACK, LEAN = 2.4, 0.20943951  # meters and radians (12 degrees) from the middle at which an episode ends
AT_FIRST = 0.05


class CartState(NamedTuple):
    """Where the cart is and how fast, how the pole leans and how fast that changes."""

    moving: Float[Array, "4"]
    time: Int[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class CartPole(Game):
    """Every step pays 1. The episode ends when the pole leans too far or the cart leaves the track."""

    length: int = setting(200, "steps after which an episode is cut off", unit="steps", low=1, high=10**6)
    discount: float = setting(0.99, "weight of the next step against this one", unit="per step", low=0.0, high=1.0)

    @property
    def spec(self) -> Spec:
        return Spec(1, Real((4,)), Discrete(2), self.length, (0.0, 1.0))

    def sample_level(self, key: PRNGKeyArray) -> Level:
        """How the cart and the pole move at first, as they are seen. The key is consumed."""
        return jax.random.uniform(key, (4,), minval=-AT_FIRST, maxval=AT_FIRST)

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> CartState:
        moving = self.sample_level(key) if level is None else level
        return CartState(moving, jnp.int32(0), jnp.bool_(False), jnp.bool_(False))

    def observe(self, state: CartState) -> Float[Array, "1 4"]:
        return state.moving[None]

    def step(self, key: PRNGKeyArray, state: CartState, action: Int[Array, "1"]) -> tuple[CartState, Outcome]:
        del key
        moving = moved(state.moving, action[0])
        terminated = (jnp.abs(moving[POSITION]) > TRACK) | (jnp.abs(moving[ANGLE]) > LEAN)
        time = state.time + 1
        new = CartState(moving, time, terminated, (time >= self.length) & ~terminated)
        return settle(state, new, jnp.ones(1))

    @property
    def sizes(self) -> tuple[float, ...]:
        """A tenth of a radian is much, so that angles are small beside the other numbers."""
        return 1.0, 1.0, 0.1, 1.0

    def sample_goal(self, key: PRNGKeyArray) -> Float[Array, "1"]:
        """Where the cart is to be: anywhere on the track."""
        return jax.random.uniform(key, (1,), minval=-TRACK, maxval=TRACK)

    def place(self, state: CartState) -> Float[Array, "1"]:
        """Where the cart is."""
        return state.moving[POSITION, None]


def moved(moving: Float[Array, "4"], action: Int[Array, ""]) -> Float[Array, "4"]:
    """Position, speed, angle and its speed after a step; action 1 pushes to the right."""
    _, speed, angle, turning = moving
    push = jnp.where(action == 1, PUSH, -PUSH)
    total, cos, sin = CART + POLE, jnp.cos(angle), jnp.sin(angle)
    pushed = (push + POLE * HALF * turning**2 * sin) / total
    faster = (GRAVITY * sin - cos * pushed) / (HALF * (4.0 / 3.0 - POLE * cos**2 / total))
    slower = pushed - POLE * HALF * faster * cos / total
    return moving + SECONDS * jnp.stack([speed, slower, turning, faster])


def cart_pole() -> CartPole:
    """Two hundred steps."""
    return CartPole()
