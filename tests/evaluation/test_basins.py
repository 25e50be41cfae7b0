"""Basins of learning: where naive learners end, by where they start."""

import functools

import numpy as np

from tacit import games
from tacit.evaluation.basins import EDGE, GRID, basins
from tacit.learners import naive


@functools.cache
def chicken():
    # a step of 0.01 times a slope of 100 / 4 is far below the size of the logits, so that nobody is thrown across
    return basins(naive.make, games.make("chicken"), naive.Config(lr=0.01), iterations=3000)


def test_in_chicken_whoever_starts_bolder_ends_going_straight():
    found = chicken()
    assert found.reward.shape == (GRID, GRID)
    assert found.labels == ("P(swerve), player 1", "P(swerve), player 2")
    rows, columns = np.indices((GRID, GRID))  # player 2's start and player 1's
    clear = (np.maximum(rows, columns) > 12) & (np.abs(rows - columns) > 6)
    bold_first, bold_second = clear & (columns < rows), clear & (rows < columns)
    assert (found.reward[bold_first] > 0.5).all()  # on the way to +1; the odd crash costs 100
    assert (found.reward[bold_second] < -0.5).all()  # and to -1
    # where both start alike they stay alike, and go straight so seldom that a crash costs little
    assert (np.abs(np.diag(found.reward)) < 0.1).all()


def test_paths_lead_from_their_starts_to_opposite_corners():
    found = chicken()
    ticks = np.linspace(EDGE, 1 - EDGE, GRID)[2::5]
    starts = np.array([path[0] for path in found.paths])
    np.testing.assert_allclose(starts, [(across, up) for up in ticks for across in ticks], atol=1e-5)
    for path in found.paths:
        assert path.shape == (3001, 2)
        first, second = path[0]
        if first < 0.3 and second > 0.5:
            assert path[-1][0] < 0.1
            assert path[-1][1] > 0.9
        if second < 0.3 and first > 0.5:
            assert path[-1][0] > 0.9
            assert path[-1][1] < 0.1


def test_in_the_dilemma_naive_learners_end_in_defection_from_almost_everywhere():
    found = basins(naive.make, games.make("ipd"), naive.Config(), iterations=40)
    assert found.labels == ("P(C) after the other's C", "P(C) after the other's D")
    # beside the corner of tit-for-tat cooperation is kept
    assert (found.reward < -1.9).mean() > 0.5
    assert found.reward[0, -1] > -1.5
    assert found.reward[-1, 0] < -1.9
    start = found.paths[0][0]
    np.testing.assert_allclose(start, [np.linspace(EDGE, 1 - EDGE, GRID)[2]] * 2, atol=1e-5)
    assert len(found.paths) == 25
