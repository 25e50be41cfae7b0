"""Figures of messages from samples: corrected for their bias, with an interval, and beside what chance alone gives.

Information that is computed from the counts of N samples is too high on average, where X and Y are independent by about

    (|X| - 1) (|Y| - 1) / (2 N ln 2)  bits, times the number of contexts if it is given something.

So each figure comes in three forms: plain, from the counts as they are; corrected, with the jackknife's estimate of the
bias taken off,

    N f(counts) - (N - 1) mean over samples of f(counts without the sample) ,

and by chance, the mean of what it is where x and y are paired at random within each context. The same pairings give a
permutation p-value, (1 + how many are as high) / (1 + how many there are). The interval is a basic bootstrap, 2 f -
quantiles of f over resampled counts, which takes the bias off, too. Corrected figures and intervals may be below 0, as
unbiased estimates of nothing must be half of the time.

Samples must be independent: one message of an episode, or all that is said in it as one message. Where a speaker keeps
to one style for an episode, messages of one episode are no independent samples, and p-values are too low.

Random pairings have the margins of the table, so they are drawn as tables (row by row, hypergeometric), and their cost
does not grow with N.

Sources: Miller 1955 (bias); Zahl 1977 (jackknife of entropies); Efron and Tibshirani 1993, chapters 10 and 13; Phipson
and Smyth 2010 (the 1 in p-values); Holm 1979.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tacit.errors import InputError
from tacit.evaluation.message_metrics import information_given
from tacit.evaluation.statistics import bootstrap_interval

Figure = Callable[[np.ndarray], np.ndarray]  # tables [..., *table] to figures [...], or [..., F] at once
MOST_ENTRIES = 2**21  # of tables at a time
ROUNDING = 1e-12  # figures that differ by less are equal


class Estimate(NamedTuple):
    """A figure from samples.

    Attributes:
        samples: N.
        plain: of the counts as they are.
        corrected: with its bias taken off.
        low, high: 95 % interval.
        by_chance: mean of the plain figure where nothing is told. NaN where that was not asked for.
        p: how likely such a figure is where nothing is told. NaN where that was not asked for, and 1 where nothing can
            be told, because nothing varies.
    """

    samples: int
    plain: float
    corrected: float
    low: float
    high: float
    by_chance: float
    p: float


def count(columns: Sequence[np.ndarray], sizes: Sequence[int]) -> Int[np.ndarray, "..."]:
    """How often each combination of values was seen, `[*sizes]`, from columns of whole numbers, one of N for each axis.

    Raises:
        InputError: there are values for which there is no place.
    """
    for number, (column, size) in enumerate(zip(columns, sizes, strict=True)):
        if len(column) and not 0 <= column.min() <= column.max() < size:
            raise InputError(
                f"column {number} must have values of 0 to {size - 1}, got {column.min()} to {column.max()}"
            )
    cells = np.ravel_multi_index(tuple(columns), tuple(sizes))
    return np.bincount(cells, minlength=int(np.prod(sizes))).reshape(sizes)


def information_from(
    counts: Int[np.ndarray, "Z X Y"], permutations: int = 1000, draws: int = 1000, seed: int = 0
) -> Estimate:
    """I(X; Y | Z) in bits from the counts of N samples; Z is a single row where nothing is given.

    Raises:
        InputError: there are fewer than two samples.
    """
    generator = np.random.default_rng(seed)
    null = information_given(shuffled(counts, permutations, generator))
    return estimates(counts, information_given, draws, generator)[0]._replace(
        by_chance=float(null.mean()), p=p_value(float(information_given(counts)), null)
    )


def estimates(
    counts: Int[np.ndarray, "..."], figure: Figure, draws: int, generator: np.random.Generator
) -> list[Estimate]:
    """Figures of a table of counts, without what chance gives.

    Args:
        figure: takes tables of counts with any axes before, and gives one number for each or several.

    Raises:
        InputError: there are fewer than two samples.
    """
    samples = int(counts.sum())
    if samples < 2:
        raise InputError(f"an estimate needs 2 samples or more, got {samples}")
    plain = np.atleast_1d(figure(counts))
    corrected = np.atleast_1d(jackknifed(counts, figure))
    resampled = _in_blocks(figure, generator.multinomial(samples, counts.ravel() / samples, draws), counts.shape)
    high, low = 2 * plain - np.quantile(resampled.reshape(draws, -1), [0.025, 0.975], axis=0)
    nan = float("nan")
    each = zip(plain, corrected, low, high, strict=True)
    return [Estimate(samples, *(float(value) for value in values), by_chance=nan, p=nan) for values in each]


def jackknifed(counts: Int[np.ndarray, "..."], figure: Figure) -> Float[np.ndarray, "*F"]:
    """A figure of counts with the jackknife's estimate of its bias taken off."""
    flat = counts.ravel()
    cells, samples = np.flatnonzero(flat), flat.sum()
    without = flat - (cells[:, None] == np.arange(len(flat)))
    mean = np.tensordot(flat[cells] / samples, _in_blocks(figure, without, counts.shape), 1)
    return np.asarray(samples * figure(counts) - (samples - 1) * mean)


def shuffled(
    counts: Int[np.ndarray, "Z X Y"], draws: int, generator: np.random.Generator
) -> Int[np.ndarray, "draws Z X Y"]:
    """Tables of the same samples with x and y paired at random within each z."""
    contexts, rows, columns = counts.shape
    found = np.zeros((draws, contexts, rows, columns), int)
    open_ = np.broadcast_to(counts.sum(1), (draws, contexts, columns)).copy()  # y that no x has yet
    for x in range(rows):
        wanted = np.broadcast_to(counts.sum(2)[:, x], (draws, contexts)).copy()
        rest = open_.sum(2)
        for y in range(columns):
            rest = rest - open_[..., y]
            found[..., x, y] = generator.hypergeometric(open_[..., y], rest, wanted)
            wanted -= found[..., x, y]
        open_ -= found[..., x, :]
    return found


def p_value(value: float, null: Float[np.ndarray, " draws"]) -> float:
    """(1 + how many draws are as high) / (1 + how many there are)."""
    return float((1 + (null >= value - ROUNDING).sum()) / (1 + len(null)))


class Change(NamedTuple):
    """What a channel is worth: a mean difference of returns over `pairs` games, its 95 % interval and p-value."""

    pairs: int
    mean: float
    low: float
    high: float
    p: float


def return_change(
    natural: Float[np.ndarray, " n"], altered: Float[np.ndarray, " m"], draws: int = 1000, seed: int = 0
) -> Change:
    """J(natural) - J(altered), from games that were played twice: as they are, and with messages altered.

    Args:
        natural, altered: returns of the same games (or seeds) in the same order.

    Raises:
        InputError: they are not pairs, or fewer than two.
    """
    if len(natural) != len(altered) or len(natural) < 2:
        raise InputError(f"returns must be 2 pairs or more, got {len(natural)} and {len(altered)}")
    difference = natural - altered
    # Where messages do not matter, either game of a pair may as well have been the altered one.
    signs = np.random.default_rng(seed).integers(0, 2, (draws, len(difference))) * 2 - 1
    mean = float(difference.mean())
    p = p_value(abs(mean), np.abs(signs @ difference / len(difference)))
    return Change(len(difference), mean, *bootstrap_interval(difference, draws, seed), p)


def _in_blocks(figure: Figure, tables: Int[np.ndarray, "n cells"], shape: tuple[int, ...]) -> np.ndarray:
    """A figure of many tables, `[n, ...]`, a block at a time."""
    block = max(1, MOST_ENTRIES // tables.shape[1])
    parts = [tables[first : first + block] for first in range(0, len(tables), block)]
    return np.concatenate([figure(part.reshape(-1, *shape)) for part in parts])
