"""A game in which somebody else wants things to be at a goal of its own, and talks to whoever plays.

The player sees the state and a message that depends on the goal, too, but never the goal. A step is paid by how near
things came to it, `exp(-|place - goal|^2)` (see `Game.place`): that is what the adversary earns, not the player. In 200
steps a cart that stays in the middle earns 73.8 in the mean, whatever the goals are.

Source: Lu et al. 2023, Adversarial Cheap Talk (arXiv 2211.11030), test-time setting of its public code. Departures: in
all games the place is that to which a step led (there so on the cart alone), and the pendulum's goals are on its circle
(there both of a goal's numbers are the cosine of its angle, so that most goals cannot be reached).
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from tacit.games.around import Around, of_inner
from tacit.games.base import Game
from tacit.games.cheap_talk import beside, widened
from tacit.types import Level, Outcome, Spec, State


def goal_numbers(game: Game) -> int:
    """How many numbers a goal is.

    Raises:
        Misfit: the game has no goals.
    """
    return jax.eval_shape(game.sample_goal, jax.random.key(0)).shape[0]


class SteeredState(NamedTuple):
    """A game being played, and where things are wanted in it."""

    inner: State
    goal: Float[Array, " n"]

    terminated = of_inner("terminated")
    truncated = of_inner("truncated")


class Steered(Around):
    """The game that a trained victim is put into. A level is a goal.

    Attributes:
        weights: of a message network that reads the state and the goal.
    """

    weights: Any = dataclasses.field(metadata={"traced": True})

    @property
    def spec(self) -> Spec:
        return widened(self.inner, self.weights[-1][1].shape[0])._replace(reward_range=(0.0, 1.0))

    def sample_level(self, key: PRNGKeyArray) -> Level:
        return self.inner.sample_goal(key)

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> SteeredState:
        goal_key, inner_key = jax.random.split(key)
        return SteeredState(self.inner.reset(inner_key), self.sample_level(goal_key) if level is None else level)

    def observe(self, state: SteeredState) -> Float[Array, "1 columns"]:
        seen = self.inner.observe(state.inner)
        known = jnp.concatenate([seen, jnp.broadcast_to(state.goal, (len(seen), jnp.size(state.goal)))], axis=-1)
        return beside(self.weights, seen, known)

    def legal(self, state: SteeredState) -> PyTree:
        return self.inner.legal(state.inner)

    def step(self, key: PRNGKeyArray, state: SteeredState, action: PyTree) -> tuple[SteeredState, Outcome]:
        inner, outcome = self.inner.step(key, state.inner, action)
        near = jnp.exp(-jnp.square(self.inner.place(inner) - state.goal).sum())
        over = state.terminated | state.truncated
        return SteeredState(inner, state.goal), outcome._replace(reward=jnp.where(over, 0.0, near)[None])
