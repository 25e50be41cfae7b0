"""Self-play, cross-play and their standard errors over models, against loops and against known distributions."""

import hypothesis
import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import strategies as st

from tacit.evaluation.pairings import Figure, between, cross_play_of, self_play_of, summarize

scores = st.floats(-5, 25, width=32)
MATRIX = np.array([[24.0, 2.0, 3.0, 0.0], [1.0, 23.0, 8.0, 0.0], [4.0, 6.0, 25.0, 0.0], [0.0, 0.0, 0.0, 20.0]])


def plain_jackknife(statistic, matrix):
    """The standard error as its formula reads."""
    keep = [[i for i in range(len(matrix)) if i != k] for k in range(len(matrix))]
    values = np.array([statistic(matrix[np.ix_(kept, kept)]) for kept in keep])
    return np.sqrt((len(matrix) - 1) / len(matrix) * ((values - values.mean()) ** 2).sum())


def off_diagonal_mean(matrix):
    pairs = [matrix[i, j] for i in range(len(matrix)) for j in range(len(matrix)) if i != j]
    return np.mean(pairs)


def test_known_figures():
    found = summarize(MATRIX)
    assert found.self_play.mean == 23.0
    assert found.cross_play.mean == 2.0
    assert found.gap.mean == 21.0
    assert (found.self_play.pairs, found.cross_play.pairs, found.cross_play.models) == (4, 12, 4)
    assert found.worst == 3
    assert found.without_worst.mean == 4.0
    assert found.pairs_se == pytest.approx(np.std([2, 3, 0, 1, 8, 0, 4, 6, 0, 0, 0, 0], ddof=1) / 12**0.5)


@hypothesis.given(arrays.arrays(np.float64, (5, 5), elements=scores))
def test_errors_leave_out_one_model_after_another(matrix):
    found = summarize(matrix)
    assert found.cross_play.se == pytest.approx(plain_jackknife(off_diagonal_mean, matrix), abs=1e-9)
    assert found.self_play.se == pytest.approx(np.diagonal(matrix).std(ddof=1) / 5**0.5, abs=1e-9)
    gap = plain_jackknife(lambda m: np.diagonal(m).mean() - off_diagonal_mean(m), matrix)
    assert found.gap.se == pytest.approx(gap, abs=1e-9)


@hypothesis.given(arrays.arrays(np.float64, (6, 6), elements=scores))
def test_of_cross_play_it_is_twice_that_of_the_own_means(matrix):
    own = (matrix.sum(0) + matrix.sum(1) - 2 * np.diagonal(matrix)) / 10
    wanted = 2 * 5 / 4 * own.std(ddof=1) / 6**0.5
    assert cross_play_of(matrix).se == pytest.approx(wanted, abs=1e-9)


def test_the_error_is_how_far_cross_play_of_other_models_would_be():
    """Scores that are sums of both models' skills: the error over pairs misses most of the spread, ours does not."""
    generator = np.random.default_rng(0)
    skills = generator.normal(size=(500, 8))
    found = [summarize(skill[:, None] + skill[None]) for skill in skills]
    spread = np.std([one.cross_play.mean for one in found])
    assert np.mean([one.cross_play.se**2 for one in found]) ** 0.5 == pytest.approx(spread, rel=0.25)
    assert np.mean([one.pairs_se for one in found]) < 0.4 * spread


def test_the_diagonal_is_no_cross_play():
    assert cross_play_of(MATRIX + 100 * np.eye(4)) == cross_play_of(MATRIX)
    assert self_play_of(MATRIX * np.eye(4)) == self_play_of(MATRIX)


def test_between_groups_both_orders_count():
    found = between(MATRIX, [0, 1], [2, 3])
    assert found.mean == np.mean([3, 0, 8, 0, 4, 6, 0, 0])
    assert (found.models, found.pairs) == (4, 8)
    left = [np.mean([8, 0, 6, 0]), np.mean([3, 0, 4, 0])]  # without 0, without 1
    right = [np.mean([0, 0, 0, 0]), np.mean([3, 8, 4, 6])]  # without 2, without 3
    assert found.se == pytest.approx((np.var(left) + np.var(right)) ** 0.5)
    assert between(MATRIX, [0], [1, 2]).se is None  # without its only model a group has no mean


@pytest.mark.parametrize(("count", "has"), [(1, (False, False)), (2, (True, False)), (3, (True, True))])
def test_too_few_models_have_no_error(count, has):
    found = summarize(MATRIX[:count, :count])
    assert (found.self_play.se is not None, found.cross_play.se is not None) == has
    assert (found.cross_play.mean is None) == (count == 1)
    assert (found.worst is None) == (count < 3)
    assert count > 2 or found.without_worst == Figure(None, None, 0, 0)
