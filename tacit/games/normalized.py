"""A game whose players see numbers of mean 0 and variance 1, by statistics that whoever plays has collected."""

import dataclasses
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from tacit.games.around import Reshown
from tacit.types import State

SMALLEST = 1e-4  # added to every variance


class Statistics(NamedTuple):
    """Mean and variance of what was seen, and how often something was."""

    count: Float[Array, ""]
    mean: Float[Array, " columns"]
    variance: Float[Array, " columns"]


def nothing_seen(columns: int) -> Statistics:
    """Statistics before anything was seen, which change nothing (but for the smallest variance)."""
    return Statistics(jnp.zeros(()), jnp.zeros(columns), jnp.ones(columns))


def seen_too(known: Statistics, rows: Float[Array, "N columns"]) -> Statistics:
    """Statistics of what was seen before and of these rows together (Chan et al. 1979)."""
    more = jnp.asarray(len(rows), float)
    count = known.count + more
    apart = rows.mean(0) - known.mean
    spread = known.variance * known.count + rows.var(0) * more + apart**2 * known.count * more / count
    return Statistics(count, known.mean + apart * more / count, spread / count)


def normalized(known: Statistics, obs: Float[Array, "*N columns"]) -> Float[Array, "*N columns"]:
    """What is seen, with mean 0 and variance 1 by these statistics."""
    shape = (1,) * (obs.ndim - 1) + known.mean.shape
    return (obs - known.mean.reshape(shape)) / _std(known).reshape(shape)


def _std(known: Statistics) -> Float[Array, " columns"]:
    return jnp.sqrt(known.variance + SMALLEST)


class Normalized(Reshown):
    """A game of which `(x - mean) / sqrt(variance + 1e-4)` is seen, column by column.

    Attributes:
        known: the statistics, which play does not change.
    """

    known: Any = dataclasses.field(metadata={"traced": True})

    def raw(self, obs: Float[Array, "*N columns"]) -> Float[Array, "*N columns"]:
        """What was seen, as the game inside shows it."""
        shape = (1,) * (obs.ndim - 1) + self.known.mean.shape
        return obs * _std(self.known).reshape(shape) + self.known.mean.reshape(shape)

    def observe(self, state: State) -> Float[Array, "P columns"]:
        return normalized(self.known, self.inner.observe(state))
