"""Replay: rollouts that are kept, and windows drawn from them.

Games are kept as their states, from which what was seen follows: a state is small, and an observation is not.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray, PyTree

from tacit.games.base import Game
from tacit.types import Carry, Step


class Kept(NamedTuple):
    """Replay: windows of the last iterations, one after another along the first axis, `[replay * B, T, ...]`.

    Games are kept as their states, from which what was seen follows: a state is small, and an observation is not.

    Attributes:
        step: without what was seen, and without what nobody reads.
        memory: what was remembered at the start, leaves `[replay * B, ...]`, one entry for each player that learns.
    """

    step: Step
    memory: Carry


def games_first(step: Step, memory: Carry) -> Kept:
    """A rollout as it is kept."""
    bare = step._replace(obs=(), legal=(), extras=(), gained=(), next_obs=())
    return Kept(jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, 1), bare), memory)


def empty(like: Kept, replay: int) -> Kept:
    """Room for so many rollouts of the form of `like`, which may be shapes alone."""
    return jax.tree.map(lambda leaf: jnp.zeros((replay * leaf.shape[0], *leaf.shape[1:]), leaf.dtype), like)


def keep(kept: Kept, newest: Kept, iteration: Int[Array, ""]) -> Kept:
    """Puts a rollout in place of the oldest one."""
    size, room = len(newest.step.fresh), len(kept.step.fresh)
    first = (iteration * size) % room
    return jax.tree.map(lambda old, new: jax.lax.dynamic_update_slice_in_dim(old, new, first, 0), kept, newest)


def replayed(key: PRNGKeyArray, game: Game, kept: Kept, size: int, filled: Int[Array, ""]) -> tuple[Step, Carry]:
    """`size` windows drawn evenly from the first `filled`, as a rollout in which all is seen again."""

    def at(state: PyTree) -> tuple[PyTree, PyTree]:
        return game.observe(state), game.legal(state)

    which = jax.random.randint(key, (size,), 0, filled)
    step, memory = jax.tree.map(lambda leaf: leaf[which], kept)
    step = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, 1), step)
    (obs, legal), (next_obs, _) = (jax.vmap(jax.vmap(at))(state) for state in (step.state, step.next_state))
    return step._replace(obs=obs, legal=legal, next_obs=next_obs), memory
