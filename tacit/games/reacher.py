"""An arm of two links that is to reach a goal with its tip.

    w'   = 0.9 w + 0.1 tanh u        a' = a + 0.1 w
    tip  = (cos a_1 + cos a_2, sin a_1 + sin a_2)

with a the angles of the two links, both measured from the same direction, w their speeds and u the two actions, any
real numbers. A step pays -|tip - goal|^2 - |tanh u|^2, the tip being where the step led it. The episode ends when it is
within 0.3 of the goal. Goals are uniform in the disc that the arm can reach, of radius 2.

Source: the public code of Lu et al. 2023, Adversarial Cheap Talk (luchris429/adversarial-cheap-talk). Departure: there
the first episode of each game begins at a random time.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tacit.games.base import Game, settle
from tacit.settings import setting
from tacit.types import Level, Outcome, Real, Spec

LINKS = 2  # of length 1
SECONDS, DAMPING, NEAR = 0.1, 0.9, 0.3


class ReacherLevel(NamedTuple):
    """How the arm is bent at first, and where the goal is."""

    angles: Float[Array, "2"]
    goal: Float[Array, "2"]


class ReacherState(NamedTuple):
    """The arm, the goal, and for how many steps it has been played."""

    angles: Float[Array, "2"]
    speeds: Float[Array, "2"]
    goal: Float[Array, "2"]
    time: Int[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class Reacher(Game):
    """Every step costs by the distance from the goal and by the effort, until the goal is reached."""

    length: int = setting(200, "steps after which an episode is cut off", unit="steps", low=1, high=10**6)
    discount: float = setting(0.99, "weight of the next step against this one", unit="per step", low=0.0, high=1.0)

    @property
    def spec(self) -> Spec:
        return Spec(1, Real((10,)), Real((LINKS,)), self.length, (-18.0, 0.0))

    def sample_level(self, key: PRNGKeyArray) -> Level:
        """Any angles, and a goal anywhere within reach. The key is consumed."""
        angle_key, goal_key = jax.random.split(key)
        angles = jax.random.uniform(angle_key, (LINKS,), minval=-jnp.pi, maxval=jnp.pi)
        return ReacherLevel(angles, self.sample_goal(goal_key))

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> ReacherState:
        angles, goal = self.sample_level(key) if level is None else level
        return ReacherState(angles, jnp.zeros(LINKS), goal, jnp.int32(0), jnp.bool_(False), jnp.bool_(False))

    def observe(self, state: ReacherState) -> Float[Array, "1 10"]:
        bent = jnp.cos(state.angles), jnp.sin(state.angles)
        return jnp.concatenate([*bent, state.speeds, state.goal, state.goal - tip(state.angles)])[None]

    def step(self, key: PRNGKeyArray, state: ReacherState, action: Float[Array, "1 2"]) -> tuple[ReacherState, Outcome]:
        del key
        effort, time = jnp.tanh(action[0]), state.time + 1
        angles = state.angles + SECONDS * state.speeds
        speeds = DAMPING * state.speeds + SECONDS * effort
        apart = jnp.sum(jnp.square(tip(angles) - state.goal))
        there = apart < NEAR**2
        new = ReacherState(angles, speeds, state.goal, time, there, (time >= self.length) & ~there)
        return settle(state, new, -apart[None] - jnp.sum(jnp.square(effort)))

    def sample_goal(self, key: PRNGKeyArray) -> Float[Array, "2"]:
        """Where the tip is to be: anywhere within reach, each spot as likely as any other."""
        far_key, angle_key = jax.random.split(key)
        angle = jax.random.uniform(angle_key, maxval=2.0 * jnp.pi)
        return LINKS * jnp.sqrt(jax.random.uniform(far_key)) * jnp.stack([jnp.cos(angle), jnp.sin(angle)])

    def place(self, state: ReacherState) -> Float[Array, "2"]:
        """Where the tip is."""
        return tip(state.angles)


def tip(angles: Float[Array, "2"]) -> Float[Array, "2"]:
    """Where the tip is of an arm that is fixed at (0, 0)."""
    return jnp.stack([jnp.cos(angles).sum(), jnp.sin(angles).sum()])


def reacher() -> Reacher:
    """Two hundred steps."""
    return Reacher()
