"""A buffer of levels worth playing again: their scores, how long ago each was drawn, and the highest return seen.

The chance of level i, out of all that are kept, is

    P_i = (1 - staleness) S_i + staleness C_i

    C_i proportional to the number of draws since level i was last drawn
    S_i proportional to (1 / rank_i)^(1 / temperature), the highest score having rank 1          `rank`
                        score_i^(1 / temperature), negative scores counting as 0                 `proportional`
                        exp(score_i) among the `top` levels of highest score, 0 for all others   `top`
                        1                                                                        `uniform`

Levels of a batch are drawn one after another, so that one that was just drawn is no longer stale. A new level takes the
first free place; in a full buffer it takes that of the level with the smallest P, if its own score is higher.

Source: Jiang et al. 2021 (Prioritized Level Replay); details as in JaxUED (DramaCow/jaxued,
src/jaxued/level_sampler.py, commit 0f8f1284), with whose weights these agree. Departure: where a level is met again,
the highest return that was seen on it is kept.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tacit.errors import Misfit
from tacit.types import Level

LOWEST = float(np.finfo(np.float32).min)  # the score of nothing: a state must be finite
PRIORITIES = ("rank", "proportional", "top", "uniform")


class LevelBuffer(NamedTuple):
    """Up to N levels, the first `size` of which are there.

    Attributes:
        levels: leaves `[N, ...]`.
        score: `[N]`, the lowest number where nothing is.
        best: `[N]` highest undiscounted return seen on each.
        seen: `[N]` the number of draws and insertions when each was last drawn or inserted.
        count: the number of draws and insertions so far.
    """

    levels: Level
    score: Float[Array, " N"]
    best: Float[Array, " N"]
    seen: Int[Array, " N"]
    size: Int[Array, ""]
    count: Int[Array, ""]

    @property
    def here(self) -> Bool[Array, " N"]:
        """Which places are taken."""
        return jnp.arange(len(self.score)) < self.size


class Priority(NamedTuple):
    """How chances follow from scores and from how long ago a level was drawn."""

    kind: str
    temperature: Float[Array, ""] | float
    staleness: Float[Array, ""] | float
    top: int


class Judged(NamedTuple):
    """Levels that were just played, leaves `[B, ...]`, with score and highest return of each."""

    levels: Level
    score: Float[Array, " B"]
    best: Float[Array, " B"]


def empty(like: Level, capacity: int) -> LevelBuffer:
    """A buffer of such levels (only the shapes of `like`, one level, are read) with nothing in it."""
    levels = jax.tree.map(lambda leaf: jnp.zeros((capacity, *leaf.shape), leaf.dtype), like)
    lowest, never = jnp.full(capacity, LOWEST), jnp.zeros(capacity, jnp.int32)
    return LevelBuffer(levels, lowest, lowest, never, jnp.int32(0), jnp.int32(0))


def score_weights(buffer: LevelBuffer, priority: Priority) -> Float[Array, " N"]:
    """S, which sums to 1. Equal scores rank in the order of their places."""
    here = buffer.here
    if priority.kind == "uniform":
        return _shares(here.astype(float))
    if priority.kind == "proportional":
        return _shares(jnp.where(here, jnp.maximum(buffer.score, 0.0), 0.0) ** (1 / priority.temperature), here)
    order = jnp.argsort(-buffer.score)
    rank = jnp.zeros_like(order).at[order].set(jnp.arange(1, len(order) + 1))
    if priority.kind == "top":
        highest = jnp.where(here & (rank <= priority.top), buffer.score, -jnp.inf)
        return jax.nn.softmax(highest)
    return _shares(jnp.where(here, 1 / rank.astype(float), 0.0) ** (1 / priority.temperature))


def staleness_weights(buffer: LevelBuffer) -> Float[Array, " N"]:
    """C, which sums to 1; all alike where all were drawn just now."""
    return _shares(jnp.where(buffer.here, buffer.count - buffer.seen, 0).astype(float), buffer.here)


def _shares(weights: Float[Array, " N"], otherwise: Bool[Array, " N"] | None = None) -> Float[Array, " N"]:
    total = weights.sum()
    shares = weights / total
    if otherwise is None:
        return shares
    return jnp.where(total > 0, shares, otherwise.astype(float) / otherwise.astype(float).sum())


def weights(buffer: LevelBuffer, priority: Priority) -> Float[Array, " N"]:
    """P, the chance of each place to be drawn next."""
    by_score, by_age = score_weights(buffer, priority), staleness_weights(buffer)
    return (1 - priority.staleness) * by_score + priority.staleness * by_age


def draw(
    key: PRNGKeyArray, buffer: LevelBuffer, priority: Priority, count: int
) -> tuple[LevelBuffer, Int[Array, " B"]]:
    """The places of `count` levels, drawn one after another; what was drawn is no longer stale. The key is consumed."""
    by_score = score_weights(buffer, priority)  # stays as it is meanwhile

    def one(buffer: LevelBuffer, uniform: Float[Array, ""]) -> tuple[LevelBuffer, Int[Array, ""]]:
        chances = (1 - priority.staleness) * by_score + priority.staleness * staleness_weights(buffer)
        up_to = jnp.cumsum(chances)
        place = jnp.minimum(jnp.searchsorted(up_to, uniform * up_to[-1], side="right"), buffer.size - 1)
        return _touched(buffer, place), place

    return jax.lax.scan(one, buffer, jax.random.uniform(key, (count,)))


def _touched(buffer: LevelBuffer, place: Int[Array, ""]) -> LevelBuffer:
    count = buffer.count + 1
    return buffer._replace(seen=buffer.seen.at[place].set(count), count=count)


def levels_at(buffer: LevelBuffer, places: Int[Array, " B"]) -> Level:
    """The levels in these places, leaves `[B, ...]`."""
    return jax.tree.map(lambda leaf: leaf[places], buffer.levels)


def update(buffer: LevelBuffer, places: Int[Array, " B"], judged: Judged) -> LevelBuffer:
    """What a new play of levels in the buffer says of them. Of a place that comes twice, the last score counts."""

    # One after another: what a scatter leaves where indices repeat is not defined.
    def one(buffer: LevelBuffer, inputs: tuple[Array, Array, Array]) -> tuple[LevelBuffer, None]:
        place, score, best = inputs
        return buffer._replace(score=buffer.score.at[place].set(score), best=buffer.best.at[place].max(best)), None

    return jax.lax.scan(one, buffer, (places, judged.score, judged.best))[0]


def insert(buffer: LevelBuffer, judged: Judged, priority: Priority, distinct: bool = True) -> LevelBuffer:
    """Offers new levels to the buffer, one after another. What was not scored (minus infinity) is not kept.

    Args:
        distinct: a level that is there already only has its score renewed.

    Raises:
        Misfit: the levels have another form than the buffer's, or are larger or smaller.
    """
    _check(buffer, judged.levels)

    def one(buffer: LevelBuffer, new: Judged) -> tuple[LevelBuffer, None]:
        smallest = jnp.argmin(weights(buffer, priority))
        place = jnp.where(buffer.size < len(buffer.score), buffer.size, smallest)
        taken = buffer.score[place] < new.score
        best = new.best
        if distinct:
            equal = _equal(buffer, new.levels)
            known = equal.any()
            place, taken = jnp.where(known, jnp.argmax(equal), place), taken | known
            best = jnp.where(known, jnp.maximum(best, buffer.best[place]), best)
        count = buffer.count + 1
        where = jnp.where(taken, place, len(buffer.score))  # beyond the end: nothing is written
        put = LevelBuffer(
            jax.tree.map(lambda leaf, value: leaf.at[where].set(value, mode="drop"), buffer.levels, new.levels),
            buffer.score.at[where].set(new.score, mode="drop"),
            buffer.best.at[where].set(best, mode="drop"),
            buffer.seen.at[where].set(count, mode="drop"),
            jnp.maximum(buffer.size, jnp.where(taken, place + 1, 0)),
            count,
        )
        return put, None

    return jax.lax.scan(one, buffer, judged)[0]


def _equal(buffer: LevelBuffer, level: Level) -> Bool[Array, " N"]:
    """Where this very level is."""
    same = buffer.here
    for kept, leaf in zip(jax.tree.leaves(buffer.levels), jax.tree.leaves(level), strict=True):
        same = same & (kept == leaf[None]).reshape(len(kept), -1).all(axis=1)
    return same


def _check(buffer: LevelBuffer, levels: Level) -> None:
    """Refuses levels that are not of the buffer's form and size, which arrays of other shapes might hide."""
    held, new = (
        {jax.tree_util.keystr(path): leaf.shape[1:] for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]}
        for tree in (buffer.levels, levels)
    )
    if held.keys() != new.keys():
        odd = min(held.keys() ^ new.keys())
        raise Misfit(f"the buffer and the levels offered to it are of different games: only one of them has {odd}")
    for part, shape in held.items():
        if new[part] != shape:
            raise Misfit(f"{part} of the levels offered is {list(new[part])}, and of those in the buffer {list(shape)}")


def keep_best(buffer: LevelBuffer, judged: Judged) -> LevelBuffer:
    """The buffer's levels and new ones, as many as it holds of those with the highest scores, in this order.

    What was not scored (minus infinity) is not kept.

    Raises:
        Misfit: the levels have another form than the buffer's, or are larger or smaller.
    """
    _check(buffer, judged.levels)
    score = jnp.concatenate([buffer.score, judged.score])
    kept, places = jax.lax.top_k(score, len(buffer.score))
    joined = jax.tree.map(lambda old, new: jnp.concatenate([old, new])[places], buffer.levels, judged.levels)
    best = jnp.concatenate([buffer.best, judged.best])[places]
    count = buffer.count + len(judged.score)
    size = (kept > LOWEST).sum().astype(jnp.int32)
    return LevelBuffer(
        joined, jnp.maximum(kept, LOWEST), jnp.maximum(best, LOWEST), jnp.full_like(buffer.seen, count), size, count
    )
