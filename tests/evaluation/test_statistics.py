"""Statistics over seeds: known numbers, and intervals that cover as often as they say."""

import numpy as np
import pytest

from tacit.evaluation.statistics import bootstrap_interval, holm, interquartile_mean, summarize


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (range(1, 9), 4.5),  # 3, 4, 5, 6
        ([0, 1, 2, 1000], 1.5),
        ([5, 1, 9], 5.0),  # nothing to cut: the mean
        ([[8, 1], [3, 2]], 2.5),  # in any order and shape
        ([7], 7.0),
        ([-1000, 1, 2, 3, 1000], 2.0),  # a quarter of five, rounded down, is one at each end
    ],
)
def test_known_interquartile_means(values, expected):
    assert interquartile_mean(np.array(values)) == expected


def test_a_summary_holds_what_it_says():
    values = np.array([1.0, 2.0, 4.0, 9.0])
    found = summarize(values)
    assert (found.n, found.mean) == (4, 4.0)
    assert found.sd == pytest.approx(np.sqrt((9 + 4 + 0 + 25) / 3))
    assert 1 <= found.low < 4 < found.high <= 9
    assert summarize(values) == found
    many = np.random.default_rng(0).normal(size=50)
    assert summarize(many, seed=1) != summarize(many, seed=2)


def test_seeds_that_reported_nothing_are_left_out():
    assert summarize(np.array([np.nan, 1.0, 2.0, np.nan, 4.0, 9.0])) == summarize(np.array([1.0, 2.0, 4.0, 9.0]))
    assert summarize(np.array([np.nan, 3.0])) == (1, 3.0, None, None, None)
    empty = summarize(np.array([np.nan, np.nan]))
    assert empty.n == 0
    assert np.isnan(empty.mean)
    assert empty[2:] == (None, None, None)


def test_intervals_of_equal_values_have_no_width():
    assert bootstrap_interval(np.full(5, 2.5), 50, 0) == (2.5, 2.5)


def test_intervals_cover_the_mean_about_as_often_as_they_say():
    samples = np.random.default_rng(0).normal(3.0, 2.0, (200, 30))
    intervals = np.array([bootstrap_interval(sample, 200, seed) for seed, sample in enumerate(samples)])
    covered = np.mean((intervals[:, 0] <= 3) & (intervals[:, 1] >= 3))
    # a percentile interval of 30 values is sqrt(29/30) 1.96 / 2.045 as wide as it should be and covers 93 %;
    # four standard errors of a share of 200 are 7 points
    assert 0.86 <= covered <= 0.995
    width = np.diff(intervals, axis=1).mean()
    assert width == pytest.approx(2 * 1.96 * 2 / np.sqrt(30), rel=0.1)


def test_holm_by_hand():
    given_ = np.array([0.01, 0.04, np.nan, 0.03, 0.6])
    np.testing.assert_allclose(holm(given_), [0.04, 0.09, np.nan, 0.09, 0.6])
    np.testing.assert_array_equal(holm(np.array([np.nan])), [np.nan])
    np.testing.assert_array_equal(holm(np.array([0.9, 0.8])), [1.0, 1.0])
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
