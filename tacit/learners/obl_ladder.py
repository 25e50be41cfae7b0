"""The ladder of Off-Belief levels that one run climbs: when each is learned and watched, and what is handed up.

A run is cut into the iterations of level 1, then, where beliefs are learned, those in which a network watches level 1,
then the iterations of level 2, and so on; the highest level is not watched.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, PyTree

from tacit.errors import InputError
from tacit.loops import Live
from tacit.types import Learner, Params, Trained


class Schedule(NamedTuple):
    """When a run learns what.

    Attributes:
        levels: how many.
        updates: iterations in which a level learns.
        watching: iterations in which it is then watched; 0 where nobody does.
    """

    levels: int
    updates: int
    watching: int

    def end(self, level: int) -> int:
        """Iterations until a level has been learned; the first is 1. That of the highest is the length of a run."""
        return (level - 1) * (self.updates + self.watching) + self.updates

    def level(self, iteration: Int[Array, ""]) -> Int[Array, ""]:
        """Which level plays in an iteration; the first is 0 here."""
        return jnp.minimum(iteration // (self.updates + self.watching), self.levels - 1)

    def since(self, iteration: Int[Array, ""]) -> Int[Array, ""]:
        """Iterations since that level began."""
        return iteration - self.level(iteration) * (self.updates + self.watching)

    def watched(self, iteration: Int[Array, ""]) -> Int[Array, ""]:
        """Iterations for which it has been watched; below 0 before, and where it never is."""
        never = (self.level(iteration) == self.levels - 1) | (self.watching == 0)
        return jnp.where(never, -1, self.since(iteration) - self.updates)

    def left(self, iteration: Int[Array, ""]) -> Array:
        """The share of a level's learning that is still to come, from 1 down to 0."""
        return jnp.clip(1.0 - self.since(iteration).astype(float) / self.updates, 0.0, 1.0)

    def left_to_watch(self, iteration: Int[Array, ""]) -> Array:
        """The same of watching it."""
        return jnp.clip(1.0 - self.watched(iteration).astype(float) / max(self.watching, 1), 0.0, 1.0)


class Watcher(NamedTuple):
    """A network of beliefs and its optimizer; both are `()` where none is learned."""

    net: Params
    opt_state: PyTree


class Ladder(NamedTuple):
    """The levels and where their learning stands.

    Attributes:
        levels: their networks, leaves `[levels, ...]`; those above the present one are still as they began.
        opt_state: of the present one.
        live: the games being played.
        memory: what the actions of the others have told each player, leaves `[B, P, ...]`; `()` where one level is all.
        watcher: what has watched the level below, or watches the present one.
        iteration: how many are done.
    """

    levels: Params
    opt_state: PyTree
    live: Live
    memory: PyTree
    watcher: Watcher
    iteration: Int[Array, ""]

    def network(self, level: Int[Array, ""] | int) -> Any:
        """That of a level; the first is 0 here, and stands in for one below it."""
        return jax.tree.map(lambda leaf: leaf[jnp.maximum(level, 0)], self.levels)

    def written(self, level: Int[Array, ""], net: Params) -> "Ladder":
        """The ladder with the network of a level replaced."""
        return self._replace(levels=jax.tree.map(lambda leaf, new: leaf.at[level].set(new), self.levels, net))


Fresh = Callable[[Params], PyTree]
"""A fresh optimizer's state for a network."""


def begun(state: Ladder, live: Live, memory: PyTree, schedule: Schedule, fresh: Fresh, fresh_watcher: Fresh) -> Ladder:
    """Where a level begins: the network of the one below, a fresh optimizer, fresh games; else, the state as it is.

    Where it begins to be watched: fresh games, and a fresh optimizer for who watches.
    """
    level = schedule.level(state.iteration)
    begins = (level > 0) & (schedule.since(state.iteration) == 0)
    watched = schedule.watched(state.iteration) == 0

    below = state.network(level - 1)
    state = _where(begins, state.written(level, below)._replace(opt_state=fresh(below)), state)
    state = _where(begins | watched, state._replace(live=live, memory=memory), state)
    if not schedule.watching:
        return state
    watcher = state.watcher._replace(opt_state=fresh_watcher(state.watcher.net))
    return _where(watched, state._replace(watcher=watcher), state)


def _where(flag: Bool[Array, ""], new: Ladder, old: Ladder) -> Ladder:
    return jax.tree.map(lambda a, b: a if a is b else jnp.where(flag, a, b), new, old)


class At(NamedTuple):
    """A run as it stood after one of its levels (`tacit.types.Trained`)."""

    make: Callable[..., Learner]
    game: Any
    config: Any
    state: Ladder


def at_level(run: Trained, level: int) -> At:
    """The run whose policy is that of a level; the first is 1.

    Raises:
        InputError: the run has no such level, or has not come to its end.
    """
    schedule: Schedule = run.config.schedule
    if not 1 <= level <= schedule.levels:
        has = "level 1 alone" if schedule.levels == 1 else f"levels 1 to {schedule.levels}"
        raise InputError(f"no level {level}: the run has {has}")
    wanted, done = schedule.end(level), int(np.min(run.state.iteration))
    if done < wanted:
        raise InputError(f"level {level} was not learned: it ends after {wanted} iterations, and the run has {done}")
    iteration = jnp.full_like(run.state.iteration, wanted)
    return At(run.make, run.game, run.config, run.state._replace(iteration=iteration))
