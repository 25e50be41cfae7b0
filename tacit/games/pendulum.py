"""A pendulum that is to stand upright, with a motor too weak to lift it at once: it must be swung up.

    dw/dt = 3 g / (2 l) sin a + 3 / (m l^2) tanh u
    da/dt = w

with a the angle from upright, w its speed and u the action, any real number; the torque is tanh u. In a step both go on
by 0.05 s times their rate at its beginning (explicit Euler, which does not quite keep energy); speeds have no limit. A
step pays (cos a + 1) / 2 of the angle that it led to.

Source: the public code of Lu et al. 2023, Adversarial Cheap Talk (luchris429/adversarial-cheap-talk), after Gym's
Pendulum. Departures: there the first episode of each game begins at a random time, and the last step of an episode pays
for the next one's first angle.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tacit.games.base import Game, settle
from tacit.settings import setting
from tacit.types import Level, Outcome, Real, Spec

GRAVITY, MASS, LENGTH, SECONDS = 9.8, 1.0, 1.0, 0.05
FASTEST = 1.0  # at first, radians per second


class Swinging(NamedTuple):
    """How the pendulum stands and moves."""

    angle: Float[Array, ""]
    speed: Float[Array, ""]


class PendulumState(NamedTuple):
    """A pendulum, and for how many steps it has been played."""

    moving: Swinging
    time: Int[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class Pendulum(Game):
    """Every step pays by how upright it stands, from 0 to 1. Episodes are cut off, and have no other end."""

    length: int = setting(200, "steps after which an episode is cut off", unit="steps", low=1, high=10**6)
    discount: float = setting(0.95, "weight of the next step against this one", unit="per step", low=0.0, high=1.0)

    @property
    def spec(self) -> Spec:
        return Spec(1, Real((3,)), Real((1,)), self.length, (0.0, 1.0))

    def sample_level(self, key: PRNGKeyArray) -> Level:
        """How it moves at first: any angle, a speed of at most 1. The key is consumed."""
        angle_key, speed_key = jax.random.split(key)
        angle = jax.random.uniform(angle_key, minval=-jnp.pi, maxval=jnp.pi)
        return Swinging(angle, jax.random.uniform(speed_key, minval=-FASTEST, maxval=FASTEST))

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> PendulumState:
        moving = self.sample_level(key) if level is None else level
        return PendulumState(moving, jnp.int32(0), jnp.bool_(False), jnp.bool_(False))

    def observe(self, state: PendulumState) -> Float[Array, "1 3"]:
        return jnp.append(self.place(state), state.moving.speed)[None]

    def step(
        self, key: PRNGKeyArray, state: PendulumState, action: Float[Array, "1 1"]
    ) -> tuple[PendulumState, Outcome]:
        del key
        moving, time = swung(state.moving, action[0, 0]), state.time + 1
        new = PendulumState(moving, time, jnp.bool_(False), time >= self.length)
        return settle(state, new, (jnp.cos(moving.angle)[None] + 1.0) / 2.0)

    def sample_goal(self, key: PRNGKeyArray) -> Float[Array, "2"]:
        """Where the tip is to be: at any angle."""
        angle = jax.random.uniform(key, maxval=2.0 * jnp.pi)
        return jnp.stack([jnp.cos(angle), jnp.sin(angle)])

    def place(self, state: PendulumState) -> Float[Array, "2"]:
        """Where the tip is: cosine and sine of the angle."""
        return jnp.stack([jnp.cos(state.moving.angle), jnp.sin(state.moving.angle)])


def swung(moving: Swinging, action: Float[Array, ""]) -> Swinging:
    """Angle and speed after a step."""
    angle, speed = moving
    faster = 1.5 * GRAVITY / LENGTH * jnp.sin(angle) + 3.0 / (MASS * LENGTH**2) * jnp.tanh(action)
    return Swinging(angle + SECONDS * speed, speed + SECONDS * faster)


def pendulum() -> Pendulum:
    """Two hundred steps."""
    return Pendulum()
