"""Replicator dynamics: what a population would adopt if whatever earns more spreads.

With A[i, j] what rule i earns against rule j, x the shares of the rules in a large population that meets at random,
f = A x what each rule earns there and f_mean = x . f,

    continuous    x_i' = x_i (f_i - f_mean)
    discrete      x_i <- x_i (f_i + c) / (f_mean + c), with c so large that no rule earns less than nothing

The first one is integrated in log-shares, y_i' = f_i and x = softmax(y), by the classical Runge-Kutta method: shares
stay positive and sum to 1, and a rule that has almost died out keeps all digits of its share. Adding a constant to all
payoffs changes nothing in the first one and slows the second one down, which is why its c has a fixed rule here.

Source: Taylor and Jonker 1978; Hofbauer and Sigmund 1998 (Evolutionary Games and Population Dynamics), chapters 7 and
6 (evolutionary stability); Maynard Smith 1982 for the conditions of invasion.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

STEP = 0.5  # of the integration, in units of time in which the largest difference of payoffs multiplies shares by e
LONG = 500.0  # such units after which a path counts as having come to its end
PRESENT = 0.01  # share from which on a rule counts as present at the end
AT_REST = 1e-4  # of the largest difference of payoffs: slower than that, shares stand still
MUTANTS = 0.01  # share of those who try to invade


class Band(NamedTuple):
    """Shares over time under uncertain payoffs: median and the middle 90 % of the drawn tables, `[K, R]` each."""

    median: np.ndarray
    low: np.ndarray
    high: np.ndarray


class End(NamedTuple):
    """One way in which a population ends.

    Attributes:
        present: which rules are left, by index; empty where shares go on changing.
        probability: share of the starts that end so.
        shares: `[R]`, mean composition there.
    """

    present: tuple[int, ...]
    probability: float
    shares: np.ndarray


class Basins(NamedTuple):
    """Where populations end, by where they start: the ends, most frequent first; starts `[N, R]` and each one's end."""

    ends: tuple[End, ...]
    starts: np.ndarray
    end: np.ndarray


def spread(payoffs: np.ndarray) -> float:
    """The largest difference between payoffs; 1 where there is none. Time is counted in units of its inverse."""
    return float(np.max(payoffs) - np.min(payoffs)) or 1.0


@functools.partial(jax.jit, static_argnames="steps")
def replicator(
    payoffs: Float[Array, "R R"], start: Float[Array, " R"], time: Float[Array, ""] | float, steps: int
) -> Float[Array, "K R"]:
    """Shares at `steps + 1` moments from 0 to `time`, the continuous dynamics.

    >>> import jax.numpy as jnp
    >>> hawk_dove = jnp.array([[-1.0, 2.0], [0.0, 1.0]])  # V = 2, C = 4: half of them hawks
    >>> bool(jnp.allclose(replicator(hawk_dove, jnp.array([0.01, 0.99]), 40.0, 200)[-1], 0.5, atol=1e-3))
    True
    """
    width = jnp.asarray(time, payoffs.dtype) / steps

    def slope(logs: Float[Array, " R"]) -> Float[Array, " R"]:
        return payoffs @ jax.nn.softmax(logs)

    def step(logs: Float[Array, " R"], _: None) -> tuple[Float[Array, " R"], Float[Array, " R"]]:
        first = slope(logs)
        second = slope(logs + width / 2 * first)
        third = slope(logs + width / 2 * second)
        fourth = slope(logs + width * third)
        logs = jax.nn.log_softmax(logs + width / 6 * (first + 2 * second + 2 * third + fourth))
        return logs, jnp.exp(logs)

    return jnp.concatenate([start[None], jax.lax.scan(step, jnp.log(start), None, length=steps)[1]])


@functools.partial(jax.jit, static_argnames="generations")
def discrete_replicator(
    payoffs: Float[Array, "R R"], start: Float[Array, " R"], generations: int, offset: Float[Array, ""] | float
) -> Float[Array, "K R"]:
    """Shares in `generations + 1` generations, the discrete dynamics.

    Args:
        offset: c, what everyone earns beside; `safe_offset` keeps every payoff positive.
    """
    fitness = payoffs + jnp.asarray(offset, payoffs.dtype)

    def step(shares: Float[Array, " R"], _: None) -> tuple[Float[Array, " R"], Float[Array, " R"]]:
        grown = shares * (fitness @ shares)
        shares = grown / grown.sum()
        return shares, shares

    return jnp.concatenate([start[None], jax.lax.scan(step, start, None, length=generations)[1]])


def safe_offset(payoffs: np.ndarray) -> float:
    """The c with which the smallest payoff becomes the spread of the payoffs, and the largest one twice that."""
    return spread(payoffs) - float(np.min(payoffs))


def uncertain_path(tables: np.ndarray, start: np.ndarray, time: float, steps: int) -> Band:
    """Shares over time under each of several tables `[D, R, R]` (bootstrap draws, say): their middle and edges."""
    each = np.asarray(_paths(jnp.asarray(tables, float), jnp.asarray(start, float), time, steps))
    low, median, high = np.quantile(each, [0.05, 0.5, 0.95], axis=0)
    return Band(median, low, high)


@functools.partial(jax.jit, static_argnames="steps")
def _paths(
    tables: Float[Array, "D R R"], start: Float[Array, " R"], time: Float[Array, ""] | float, steps: int
) -> Float[Array, "D K R"]:
    return jax.vmap(lambda table: replicator(table, start, time, steps))(tables)


def basins(payoffs: np.ndarray, starts: int = 1000, seed: int = 0) -> Basins:
    """Follows populations that start anywhere, uniformly on the simplex, to their ends."""
    first = np.random.default_rng(seed).dirichlet(np.ones(len(payoffs)), starts)
    last = ends_of(payoffs, first)
    fitness = last @ payoffs.T
    moving = np.abs(last * (fitness - (last * fitness).sum(axis=1, keepdims=True))).max(axis=1)
    settled = moving < AT_REST * spread(payoffs)
    found: dict[tuple[int, ...], list[int]] = {}
    for number, (shares, still) in enumerate(zip(last, settled, strict=True)):
        key = tuple(np.flatnonzero(shares > PRESENT).tolist()) if still else ()
        found.setdefault(key, []).append(number)
    ordered = sorted(found.items(), key=lambda item: -len(item[1]))
    end = np.zeros(starts, int)
    for place, (_, numbers) in enumerate(ordered):
        end[numbers] = place
    ends = tuple(End(key, len(numbers) / starts, last[numbers].mean(axis=0)) for key, numbers in ordered)
    return Basins(ends, first, end)


def ends_of(payoffs: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The shares `[N, R]` long after each of these starts `[N, R]`."""
    return np.asarray(_ends(jnp.asarray(payoffs, float), jnp.asarray(starts, float), LONG / spread(payoffs)), float)


@jax.jit
def _ends(
    payoffs: Float[Array, "R R"], starts: Float[Array, "N R"], time: Float[Array, ""] | float
) -> Float[Array, "N R"]:
    return jax.vmap(lambda start: replicator(payoffs, start, time, int(LONG / STEP))[-1])(starts)


def invades(payoffs: np.ndarray) -> np.ndarray:
    """Whether a few of rule j spread in a population of rule i, `[..., j, i]`, for payoffs `[..., R, R]`.

    They do if A[j, i] > A[i, i], or if these are equal and A[j, j] > A[i, j]: then it decides how rare encounters with
    their own kind go.
    """
    resident = np.diagonal(payoffs, axis1=-2, axis2=-1)
    at_first, among_rare = resident[..., None, :], resident[..., :, None]
    equal = payoffs == at_first
    return (payoffs > at_first) | (equal & (among_rare > np.swapaxes(payoffs, -1, -2)))


def is_stable(payoffs: np.ndarray) -> np.ndarray:
    """Whether no other rule can invade or drift into a population of rule i, `[..., i]`, for payoffs `[..., R, R]`.

    Each other rule j must have A[i, i] > A[j, i], or A[i, i] = A[j, i] and A[i, j] > A[j, j]: evolutionary stability
    against the other rules of the table. Mixtures of several mutants that all equal the resident are not tried.
    """
    resident = np.diagonal(payoffs, axis1=-2, axis2=-1)
    first, own_kind = resident[..., None, :], resident[..., :, None]
    resists = (first > payoffs) | ((first == payoffs) & (np.swapaxes(payoffs, -1, -2) > own_kind))
    return (resists | np.eye(payoffs.shape[-1], dtype=bool)).all(axis=-2)


def almost_all(resident: int, rules: int) -> np.ndarray:
    """The shares `[R]` of a population of one rule in which all others together hold 1 %."""
    if rules == 1:
        return np.ones(1)
    shares = np.full(rules, MUTANTS / (rules - 1))
    shares[resident] = 1 - MUTANTS
    return shares
