"""Which move follows which: counted by hand, and colors that are treated alike or not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.evaluation.action_matrix import action_matrix, labels
from tacit.games.hanabi import HanabiGame

GAME = HanabiGame(colors=3, ranks=2, hand=2)  # discards 0 and 1, plays 2 and 3, colors 4 to 6, ranks 7 and 8
PLAY_0, HINT_R, HINT_Y, HINT_G, HINT_1 = 2, 4, 5, 6, 7
SIZE = GAME.num_moves


def test_pairs_are_counted_within_games():
    actions = np.array([[HINT_R, PLAY_0, HINT_1, -1], [HINT_R, HINT_1, HINT_R, PLAY_0]])
    found = action_matrix(GAME, actions)
    pairs = {(HINT_R, PLAY_0): 2, (PLAY_0, HINT_1): 1, (HINT_R, HINT_1): 1, (HINT_1, HINT_R): 1}
    wanted = np.zeros((SIZE, SIZE))
    for pair, times in pairs.items():
        wanted[pair] = times
    np.testing.assert_array_equal(found.counts, wanted)
    assert found.probabilities[HINT_R, PLAY_0] == pytest.approx(2 / 3)
    assert np.isnan(found.probabilities[HINT_Y]).all()  # never made
    assert found.probabilities[HINT_1].sum() == 1


def test_names():
    assert labels(GAME) == [
        *("discard 0", "discard 1", "play 0", "play 1"),
        *("hint R", "hint Y", "hint G", "hint 1", "hint 2"),
    ]
    three = HanabiGame(players=3, colors=1, ranks=1, hand=1)
    assert labels(three) == ["discard 0", "play 0", "hint R to +1", "hint R to +2", "hint 1 to +1", "hint 1 to +2"]


def test_one_color_alone_is_as_asymmetric_as_can_be():
    """All pairs are of red: in the mean over namings a third stays, and two thirds are other pairs."""
    found = action_matrix(GAME, np.full((50, 9), HINT_R))
    assert found.asymmetry == pytest.approx(2 / 3)
    assert found.by_chance < 0.2  # fifty games, each in a color drawn for it
    assert found.p == 0.01


def test_what_is_named_no_color_is_symmetric():
    found = action_matrix(GAME, np.tile([PLAY_0, HINT_1, 0, 3], (4, 1)))
    assert (found.asymmetry, found.by_chance, found.p) == (0, 0, 1)
    one = action_matrix(HanabiGame(colors=1, hand=2), np.full((4, 9), HINT_R))
    assert (one.asymmetry, one.by_chance, one.p) == (0, 0, 1)  # there is nothing to rename


GAMES = st.lists(st.lists(st.integers(0, SIZE - 1), min_size=6, max_size=6), min_size=1, max_size=5).map(np.array)
RENAMED = np.array([0, 1, 2, 3, HINT_G, HINT_R, HINT_Y, 7, 8])


@given(GAMES)
def test_names_of_colors_do_not_matter(actions):
    found, again = action_matrix(GAME, actions), action_matrix(GAME, RENAMED[actions])
    assert found.asymmetry == pytest.approx(again.asymmetry)
    assert 0 <= found.asymmetry <= 1
    np.testing.assert_array_equal(again.counts[np.ix_(RENAMED, RENAMED)], found.counts)
    everyone = np.concatenate([actions, RENAMED[actions], RENAMED[RENAMED[actions]]])
    swapped = np.array([0, 1, 2, 3, HINT_Y, HINT_R, HINT_G, 7, 8])[everyone]
    assert action_matrix(GAME, np.concatenate([everyone, swapped])).asymmetry == pytest.approx(0, abs=1e-12)


def test_who_treats_colors_alike_is_seldom_called_asymmetric():
    """p is uniform then: of 60 players that hint at random, 3 have one of at most 0.05 (sd 1.7)."""
    generator = np.random.default_rng(0)
    found = [action_matrix(GAME, generator.integers(2, SIZE, (20, 12)), seed).p for seed in range(60)]
    assert np.sum(np.array(found) <= 0.05) <= 3 + 4 * 1.7
    assert np.mean(found) == pytest.approx(0.5, abs=4 * 12**-0.5 / 60**0.5)
