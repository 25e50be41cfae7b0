"""Statistics over seeds: every figure with its n, its mean and a spread that is named."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

MOST_DRAWN = 2**16  # seeds drawn at a time; their counts then fit into a processor's cache


class Summary(NamedTuple):
    """Mean, standard deviation and a 95 % bootstrap interval of the mean, over n values."""

    n: int
    mean: float
    sd: float | None
    low: float | None
    high: float | None


def summarize(values: np.ndarray, draws: int = 2000, seed: int = 0) -> Summary:
    """What several seeds gave; the bootstrap is seeded, so that the same values give the same interval.

    Args:
        values: one per seed; NaN (nothing reported) is left out.
    """
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return Summary(0, float("nan"), None, None, None)
    if len(values) == 1:
        return Summary(1, float(values[0]), None, None, None)
    low, high = bootstrap_interval(values, draws, seed)
    return Summary(len(values), float(values.mean()), float(values.std(ddof=1)), low, high)


def bootstrap_interval(values: np.ndarray, draws: int, seed: int) -> tuple[float, float]:
    """95 % percentile interval of the mean."""
    low, high = np.quantile(bootstrap_means(values, draws, seed), [0.025, 0.975])
    return float(low), float(high)


def bootstrap_means(values: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Means of so many bootstrap samples, `[draws, ...]`.

    Args:
        values: `[n, ...]`, one entry per seed. A seed is drawn with everything it gave, so figures that come from the
            same seeds vary together, as they do from one set of seeds to another.
    """
    count, generator = len(values), np.random.default_rng(seed)
    means = []
    for first in range(0, draws, block := max(1, MOST_DRAWN // count)):
        rows = min(block, draws - first)
        drawn = generator.integers(0, count, (rows, count)) + count * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count)
        means.append(np.tensordot(times, values, 1) / count)
    return np.concatenate(means)


def interquartile_mean(values: np.ndarray) -> float:
    """Mean of the middle half of the values (the quarter at each end is cut, rounded down).

    Source: Agarwal et al. 2021 (Deep RL at the edge of the statistical precipice), section 4.3.
    """
    ordered = np.sort(np.asarray(values, float).ravel())
    cut = len(ordered) // 4
    return float(ordered[cut : len(ordered) - cut].mean())


def holm(p_values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """P-values adjusted for there being n tests, by Holm's step-down method; NaN is no test."""
    adjusted = np.full(len(p_values), np.nan)
    order = [i for i in np.argsort(p_values) if not np.isnan(p_values[i])]
    steps = np.array([(len(order) - rank) * p_values[i] for rank, i in enumerate(order)])
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0) if order else []
    return adjusted
