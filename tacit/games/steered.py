"""A cart that somebody else wants to stand at a goal of its own, and talks to whoever drives it.

The player sees the state and a message that depends on the goal, too, but never the goal. A step is paid by how near
the cart is to the goal, `exp(-(position - goal)^2)`: that is what the adversary earns, not the player. Over 200 steps a
cart that stays in the middle earns 73.8 in the mean, whatever the goals are.

Source: Lu et al. 2023, Adversarial Cheap Talk (arXiv 2211.11030), test-time setting of its public code.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from tacit.games.around import Around, of_inner
from tacit.games.cart_pole import POSITION, TRACK
from tacit.games.cheap_talk import beside, widened
from tacit.types import Level, Outcome, Spec, State


class SteeredState(NamedTuple):
    """A cart, and where it is wanted."""

    inner: State
    goal: Float[Array, ""]

    terminated = of_inner("terminated")
    truncated = of_inner("truncated")


class SteeredCart(Around):
    """The game that a trained victim is put into. A level is a goal; goals are uniform on the track.

    Attributes:
        weights: of a message network that reads the state and the goal.
    """

    weights: Any = dataclasses.field(metadata={"traced": True})

    @property
    def spec(self) -> Spec:
        return widened(self.inner, self.weights[-1][1].shape[0])

    def sample_level(self, key: PRNGKeyArray) -> Level:
        return jax.random.uniform(key, (), minval=-TRACK, maxval=TRACK)

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> SteeredState:
        goal_key, inner_key = jax.random.split(key)
        return SteeredState(self.inner.reset(inner_key), self.sample_level(goal_key) if level is None else level)

    def observe(self, state: SteeredState) -> Float[Array, "1 columns"]:
        seen = self.inner.observe(state.inner)
        known = jnp.concatenate([seen, jnp.broadcast_to(state.goal, (len(seen), 1))], axis=-1)
        return beside(self.weights, seen, known)

    def legal(self, state: SteeredState) -> PyTree:
        return self.inner.legal(state.inner)

    def step(self, key: PRNGKeyArray, state: SteeredState, action: PyTree) -> tuple[SteeredState, Outcome]:
        inner, outcome = self.inner.step(key, state.inner, action)
        near = jnp.exp(-jnp.square(inner.moving[POSITION] - state.goal))
        over = state.terminated | state.truncated
        return SteeredState(inner, state.goal), outcome._replace(reward=jnp.where(over, 0.0, near)[None])
