"""What a cross-play matrix says: self-play, cross-play, and how sure both are.

With M[i, j] the mean score of model i in seat 0 and model j in all other seats,

    SP = mean of M[i, i]        XP = mean of M[i, j] over i != j        gap = SP - XP .

The independent draws are the K models, not the games (of which there can be any number) and not the K (K - 1) ordered
pairs (each model is in 2 (K - 1) of them). So a standard error is that of leaving out one model after another, its row
and its column:

    se^2 = (K - 1) / K sum_k (T_(-k) - mean T_(-k))^2        (the jackknife; of SP it is sd / sqrt(K))

For XP this is 2 (K - 1) / (K - 2) times the naive standard error of the models' own means, since each pair hangs on two
models. Between two groups of models the sums of both are added. Papers have given the standard deviation of the ordered
pairs over the square root of their number; `pairs_se` is that, for comparison.

Source: the jackknife of U-statistics, Arvesen 1969. Definitions of SP and XP: Hu et al. 2020, section 5.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np


class Figure(NamedTuple):
    """A mean over ordered pairs of models, its standard error over models, and how many of both there were.

    Attributes:
        mean: None where there are no such pairs.
        se: None where leaving out a model would leave no pair.
    """

    mean: float | None
    se: float | None
    models: int
    pairs: int


class Summary(NamedTuple):
    """What a matrix says.

    Attributes:
        self_play, cross_play, gap: SP, XP and SP - XP.
        pairs_se: of XP, by the standard deviation over ordered pairs.
        worst: index of the model that plays worst with the others, None for fewer than three models.
        without_worst: XP of the others.
    """

    self_play: Figure
    cross_play: Figure
    gap: Figure
    pairs_se: float | None
    worst: int | None
    without_worst: Figure


def summarize(matrix: np.ndarray) -> Summary:
    """Self-play and cross-play of the models of a matrix `[K, K]`.

    >>> found = summarize(np.array([[10.0, 1.0, 3.0], [2.0, 8.0, 0.0], [6.0, 0.0, 9.0]]))
    >>> found.self_play.mean, found.cross_play.mean, found.gap.mean, found.worst
    (9.0, 2.0, 7.0, 1)
    """
    matrix = np.asarray(matrix, float)
    count = len(matrix)
    off = matrix[~np.eye(count, dtype=bool)]
    pairs_se = float(off.std(ddof=1) / len(off) ** 0.5) if len(off) > 1 else None
    worst, others = None, np.arange(count)
    if count > 2:
        own = (matrix.sum(axis=0) + matrix.sum(axis=1) - 2 * np.diagonal(matrix)) / (2 * (count - 1))
        worst = int(own.argmin())
        others = np.delete(others, worst)
    return Summary(
        self_play_of(matrix),
        cross_play_of(matrix),
        _figure(matrix, lambda m, of: _difference(_diagonal(m, of), _off_diagonal(m, of)), [range(count)]),
        pairs_se,
        worst,
        cross_play_of(matrix[np.ix_(others, others)]) if worst is not None else Figure(None, None, 0, 0),
    )


def self_play_of(matrix: np.ndarray) -> Figure:
    """SP of the models of a matrix `[K, K]`."""
    return _figure(matrix, _diagonal, [range(len(matrix))])._replace(pairs=len(matrix))


def cross_play_of(matrix: np.ndarray) -> Figure:
    """XP of the models of a matrix `[K, K]`."""
    return _figure(matrix, _off_diagonal, [range(len(matrix))])


def between(matrix: np.ndarray, first: Sequence[int], second: Sequence[int]) -> Figure:
    """XP of the models of one group with those of another, in both orders of the seats.

    Args:
        matrix: `[K, K]`.
        first, second: which models are in each group; no model is in both.
    """

    def both(matrix: np.ndarray, left: Sequence[int]) -> float | None:
        one, other = [i for i in first if i in left], [i for i in second if i in left]
        if not one or not other:
            return None
        return float((matrix[np.ix_(one, other)].mean() + matrix[np.ix_(other, one)].mean()) / 2)

    found = _figure(matrix, both, [first, second])
    return found._replace(pairs=2 * len(first) * len(second))


Statistic = Callable[[np.ndarray, Sequence[int]], float | None]


def _diagonal(matrix: np.ndarray, models: Sequence[int]) -> float | None:
    return float(np.diagonal(matrix)[list(models)].mean()) if len(models) else None


def _off_diagonal(matrix: np.ndarray, models: Sequence[int]) -> float | None:
    part = matrix[np.ix_(models, models)]
    return float(part[~np.eye(len(part), dtype=bool)].mean()) if len(part) > 1 else None


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _figure(matrix: np.ndarray, statistic: Statistic, groups: Sequence[Sequence[int]]) -> Figure:
    """A statistic with its jackknife standard error; each group is a sample of its own."""
    models = [i for group in groups for i in group]
    variance = 0.0
    for group in groups:
        without = [statistic(matrix, [i for i in models if i != k]) for k in group]
        told = [value for value in without if value is not None]
        if len(told) < len(without) or len(without) < 2:
            variance = float("nan")
        else:
            variance += float(np.var(told)) * (len(told) - 1)
    se = None if np.isnan(variance) else variance**0.5
    return Figure(statistic(matrix, models), se, len(models), len(models) * (len(models) - 1))
