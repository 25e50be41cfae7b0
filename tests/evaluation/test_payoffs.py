"""Tables of payoffs from trials: which pairs meet, what counts by each protocol, and how sure it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from tacit import games
from tacit.errors import Misfit
from tacit.evaluation.payoffs import (
    drawn_tables,
    is_symmetric,
    one_population,
    pairs,
    per_trial,
    summaries,
    table,
    two_players,
)
from tacit.evaluation.statistics import bootstrap_interval, bootstrap_means
from tacit.games import GAMES
from tacit.games.matrix import MatrixGame

SYMMETRIC = {"imp": False, "matching-pennies": False}


def cells(rules, symmetric, trials=6, updates=4, seed=0):
    generator = np.random.default_rng(seed)
    return {pair: generator.normal(size=(updates + 1, trials, 2)) for pair in pairs(rules, symmetric)}


@pytest.mark.parametrize("name", [name for name in GAMES if name not in ("commons", "probe")])
def test_seats_differ_only_in_matching_pennies(name):
    game = games.make(name)
    if isinstance(game, MatrixGame):
        assert is_symmetric(game) is SYMMETRIC.get(name, True)
    else:
        assert not is_symmetric(game)  # not known


def test_one_changed_payoff_makes_seats_differ():
    assert not is_symmetric(games.make("ipd", payoff=(-1.0, -1.0, -3.0, 0.0, 0.0, -2.9, -2.0, -2.0)))
    assert not is_symmetric(games.make("ipd", payoff=(-1.0, -1.1, -3.0, 0.0, 0.0, -3.0, -2.0, -2.0)))


def test_games_for_more_than_two_are_refused():
    with pytest.raises(Misfit, match="a game for 2, not for 4"):
        two_players(games.make("commons"))


def test_which_pairs_meet():
    assert pairs(3, True) == [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    assert pairs(2, False) == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_the_first_values_count_by_neither_protocol():
    values = np.arange(12.0).reshape(3, 2, 2)  # the start, and two updates
    np.testing.assert_array_equal(per_trial(values, "mean"), [[6, 7], [8, 9]])
    np.testing.assert_array_equal(per_trial(values, "last"), [[8, 9], [10, 11]])


def test_the_seats_of_a_cell_go_to_their_rules():
    given = cells(2, True)
    found = table(("a", "b"), True, given, "last")
    np.testing.assert_array_equal(found.row[0, 1], given[0, 1][-1, :, 0])
    np.testing.assert_array_equal(found.row[1, 0], given[0, 1][-1, :, 1])
    np.testing.assert_array_equal(found.column[0, 1], found.row[1, 0])
    np.testing.assert_array_equal(found.row[0, 0], given[0, 0][-1].mean(axis=1))  # seats do not differ
    np.testing.assert_array_equal(one_population(found), found.row)

    given = cells(2, False)
    found = table(("a", "b"), False, given, "mean")
    np.testing.assert_array_equal(found.row[1, 0], given[1, 0][1:, :, 0].mean(axis=0))
    np.testing.assert_array_equal(found.column[1, 0], given[1, 0][1:, :, 1].mean(axis=0))
    expected = (found.row[0, 1] + found.column[1, 0]) / 2  # a in the first seat, then a in the second one
    np.testing.assert_array_equal(one_population(found)[0, 1], expected)
    np.testing.assert_array_equal(one_population(found)[1, 1], (found.row[1, 1] + found.column[1, 1]) / 2)


def test_a_zero_sum_game_pays_a_population_nothing_in_the_mean():
    given = {pair: values * np.array([1, 0]) - values[:, :, :1] * np.array([0, 1]) for pair, values in
             cells(3, False).items()}  # fmt: skip
    found = one_population(table(("a", "b", "c"), False, given, "mean"))
    np.testing.assert_allclose(found + found.swapaxes(0, 1), 0, atol=1e-12)


def test_every_cell_has_its_interval():
    found = table(("a", "b"), True, cells(2, True, trials=40), "mean")
    each = summaries(found)
    for i, j in np.ndindex(2, 2):
        values = found.row[i, j]
        assert each[i][j].n == 40
        assert each[i][j].mean == pytest.approx(values.mean())
        assert each[i][j].sd == pytest.approx(values.std(ddof=1))
        np.testing.assert_allclose(each[i][j][3:], bootstrap_interval(values, 2000, 0))
    alone = summaries(table(("a",), True, cells(1, True, trials=1), "mean"))[0][0]
    assert alone.n == 1
    assert alone[2:] == (None, None, None)


def test_drawn_tables_keep_trials_together():
    found = table(("a", "b"), True, cells(2, True, trials=30), "last")
    shifted = found._replace(row=found.row + 5 * found.row[:1, :1])  # every cell with the same luck
    drawn = drawn_tables(shifted, 400)
    assert drawn.shape == (400, 2, 2)
    assert np.corrcoef(drawn[:, 0, 0], drawn[:, 1, 1])[0, 1] > 0.8
    np.testing.assert_allclose(drawn.mean(axis=0), shifted.row.mean(axis=2), atol=0.3)


@given(some.integers(1, 40), some.integers(1, 60), some.integers(0, 5))
def test_bootstrap_means_are_those_of_samples_one_by_one(count, draws, seed):
    values = np.random.default_rng(9).normal(size=(count, 2))
    generator = np.random.default_rng(seed)
    one_by_one = [values[generator.integers(0, count, count)].mean(axis=0) for _ in range(draws)]
    np.testing.assert_allclose(bootstrap_means(values, draws, seed), one_by_one, atol=1e-12)
