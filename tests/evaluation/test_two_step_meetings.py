"""Ladders and meetings of exact learners in two-step games."""

import numpy as np

from tacit import games
from tacit.evaluation import two_step
from tacit.evaluation.pairings import summarize
from tacit.recipes import tiny_obl
from tacit.runs import exhibits


def test_levels_meet_each_other():
    """On E, level 1 opens safely for 8 whoever replies; level 3 opens with a code that level 1 cannot read."""
    found = two_step.ladder(games.make("tiny-hanabi-e"), 0.01, 4, seeds=2)
    assert found.cross.shape == (5, 5)
    assert found.policies.first.shape == (5, 2, 3)
    np.testing.assert_allclose(found.values, np.repeat(np.diagonal(found.cross)[:, None], 2, axis=1), atol=1e-12)
    np.testing.assert_allclose(found.cross[1, 1:], [8, 8, 8, 8], atol=1e-6)
    assert found.cross[3, 1] < 7
    np.testing.assert_allclose(np.diagonal(found.cross), [3.7222, 8, 9, 10, 10], atol=1e-4)


def test_what_moves_are_worth_to_level_1():
    """A light tells nothing, so Bob would bail; bailing pays 1, and showing the pet 10 - 5."""
    worth = two_step.ladder(games.make("pet-light"), 0.01, 2).worth
    np.testing.assert_allclose(worth.first[0], [[0.5, 0.5, 1, 5]] * 2, atol=1e-9)
    np.testing.assert_allclose(worth.second[0, :2], [[0.5, 0, 0]] * 2, atol=1e-9)
    np.testing.assert_allclose(worth.second[0, 3:], [[-4.5, 5, -15], [-4.5, -15, 5]], atol=1e-9)


def test_searches_take_any_code_and_strangers_need_none():
    game = games.make("pet-light")
    codes = two_step.searched(game, 12)
    np.testing.assert_allclose(np.diagonal(codes), 10, atol=1e-9)
    assert set(np.round(codes.ravel(), 6)) == {-10, 10}
    same = codes[0] > 0
    assert 0 < same.sum() < 12  # both codes were found
    np.testing.assert_array_equal(codes > 0, same[:, None] == same[None, :])
    np.testing.assert_allclose(two_step.searched(game, 12, other_play=True), 5, atol=1e-9)


def test_runs_that_climb_meet_each_other():
    game = games.make("tiny-hanabi-b")
    found = two_step.climbed(game, 20, iterations=400)
    assert found.shape == (20, 20)
    assert found.max() < two_step.best(game) + 1e-12
    assert summarize(found).gap.mean > 0.2
    assert np.round(np.diagonal(found), 1).min() >= 0.7


def test_exhibits_of_a_ladder_are_drawn():
    settings = tiny_obl.Ladders(games=("B",), iterations=5)
    told = []
    result = tiny_obl.ladders(settings, 2, 0, told.append)
    assert told == ["game B"]
    kinds = [exhibit["kind"] for exhibit in result["exhibits"]]
    assert kinds == ["table", "table", "curves", "heat-map"]
    pages = [exhibits.html(exhibit) for exhibit in result["exhibits"]]
    assert "0.62500" in pages[0]
    assert "best of all" in pages[2]
