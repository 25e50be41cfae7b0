"""Replicator dynamics: equilibria and conserved quantities that are known, and the published tables as populations."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

from tacit.evaluation import replicator as dynamics
from tacit.evaluation.replicator import (
    almost_all,
    basins,
    discrete_replicator,
    ends_of,
    invades,
    is_stable,
    replicator,
    safe_offset,
    uncertain_path,
)

HAWK_DOVE = np.array([[-1.0, 2.0], [0.0, 1.0]])  # V = 2, C = 4: V / C hawks
ROCK_PAPER_SCISSORS = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])
COORDINATION = np.array([[2.0, 0.0], [0.0, 1.0]])  # unstable at a third of the first
# NL, LOLA and M-FOS as remembered from Lu et al. 2022 (M-FOS rows) with an independent rerun of the others, and the
# same block of the MeVa notebook's stored output (last joint policy)
REMEMBERED = np.array([[-1.98, -1.52, -2.14], [-1.30, -1.09, -2.09], [-0.51, -0.73, -1.01]])
NOTEBOOK = np.array([[-1.99, -1.38, -2.02], [-1.36, -1.04, -1.02], [-0.56, -1.02, -1.01]])


def path(payoffs, start, time, steps):
    return np.asarray(replicator(jnp.asarray(payoffs, float), jnp.asarray(start, float), time, steps))


def test_hawks_and_doves_end_at_the_interior_equilibrium(x64):
    for first in (0.01, 0.3, 0.99):
        shares = path(HAWK_DOVE, [first, 1 - first], 40.0, 400)
        np.testing.assert_allclose(shares[-1], [0.5, 0.5], atol=1e-8)
    cheaper = np.array([[-0.5, 2.0], [0.0, 1.0]])  # C = 3
    np.testing.assert_allclose(path(cheaper, [0.1, 0.9], 80.0, 800)[-1], [2 / 3, 1 / 3], atol=1e-8)


def test_one_step_follows_the_equation(x64):
    shares = np.array([0.2, 0.5, 0.3])
    found = path(REMEMBERED, shares, 1e-4, 1)[-1]
    fitness = REMEMBERED @ shares
    np.testing.assert_allclose((found - shares) / 1e-4, shares * (fitness - shares @ fitness), atol=1e-4)


def test_rock_paper_scissors_goes_round_with_a_conserved_product(x64):
    shares = path(ROCK_PAPER_SCISSORS, [0.5, 0.3, 0.2], 60.0, 6000)
    product = shares.prod(axis=1)
    np.testing.assert_allclose(product, 0.03, rtol=1e-6)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-12)
    assert (np.diff(np.sign(shares[:, 0] - 1 / 3)) != 0).sum() > 10  # it crosses the middle again and again
    (end,) = basins(ROCK_PAPER_SCISSORS, 50).ends
    assert end.present == ()  # it does not settle


@pytest.mark.parametrize(("payoffs", "ends_at"), [(REMEMBERED, -1.01), (NOTEBOOK, -1.01)], ids=["M-FOS", "MeVa"])
def test_mfos_takes_over_the_published_tables(payoffs, ends_at):
    shares = path(payoffs, [0.98, 0.01, 0.01], 2000.0, 8000)
    earned = np.einsum("ti,ij,tj->t", shares, payoffs, shares)
    assert shares[-1, 2] > 0.99
    assert earned[-1] == pytest.approx(ends_at, abs=0.005)
    if payoffs is REMEMBERED:
        assert earned[0] == pytest.approx(-1.95, abs=0.01)
        assert shares[80, 2] > 0.99  # long over by time 20
    assert is_stable(payoffs).tolist() == [False, False, True]
    assert invades(payoffs)[2].tolist() == [True, True, False]


def test_the_discrete_dynamics_end_where_the_continuous_ones_do(x64):
    for payoffs, start in ((HAWK_DOVE, [0.1, 0.9]), (REMEMBERED, [0.98, 0.01, 0.01]), (COORDINATION, [0.3, 0.7])):
        found = discrete_replicator(jnp.asarray(payoffs), jnp.asarray(start), 2000, safe_offset(payoffs))
        np.testing.assert_allclose(found[-1], ends_of(payoffs, np.array([start]))[0], atol=1e-3)
    fitness = HAWK_DOVE + safe_offset(HAWK_DOVE)
    assert fitness.min() == 3
    assert fitness.max() == 6
    shares = np.array([0.1, 0.9])
    second = discrete_replicator(jnp.asarray(HAWK_DOVE), jnp.asarray(shares), 1, safe_offset(HAWK_DOVE))[1]
    np.testing.assert_allclose(second, shares * (fitness @ shares) / (shares @ fitness @ shares))


def test_basins_of_a_coordination_game_are_as_large_as_the_simplex_is_cut():
    found = basins(COORDINATION, 2000)
    assert [end.present for end in found.ends] == [(0,), (1,)]
    # the first wins from shares above 1/3; three standard errors of a share of 2000
    assert found.ends[0].probability == pytest.approx(2 / 3, abs=0.032)
    agree = (found.starts[:, 0] > 1 / 3) == (found.end == 0)
    assert agree.all()
    (mixed,) = basins(HAWK_DOVE, 100).ends
    assert mixed.present == (0, 1)
    np.testing.assert_allclose(mixed.shares, 0.5, atol=1e-3)


def test_invasion_and_stability_where_first_encounters_tie():
    # rows: tit-for-tat, always C, always D; the first two cannot be told apart without D
    payoffs = np.array([[3.0, 3.0, 0.9], [3.0, 3.0, 0.0], [1.1, 5.0, 1.0]])
    assert invades(payoffs).tolist() == [[False, False, False], [False, False, False], [False, True, False]]
    assert is_stable(payoffs).tolist() == [False, False, True]  # always C can drift into tit-for-tat
    tied = np.array([[1.0, 0.0], [1.0, 2.0]])
    assert invades(tied).tolist() == [[False, False], [True, False]]
    assert is_stable(tied).tolist() == [False, True]


tables = arrays(np.float64, (3, 3), elements=some.integers(-3, 3).map(float))


@given(tables)
def test_stable_rules_cannot_be_invaded(payoffs):
    stable, entered = is_stable(payoffs), invades(payoffs)
    assert not np.diagonal(entered).any()
    assert not (stable & entered.any(axis=0)).any()
    batch = np.stack([payoffs, payoffs.T])
    np.testing.assert_array_equal(invades(batch)[0], entered)
    np.testing.assert_array_equal(is_stable(batch)[0], stable)


@given(tables, some.integers(0, 2))
def test_rare_mutants_grow_exactly_where_they_earn_more(payoffs, resident):
    shares = path(payoffs, almost_all(resident, 3), 1e-2, 1)
    for mutant in set(range(3)) - {resident}:
        advantage = payoffs[mutant, resident] - payoffs[resident, resident]
        if abs(advantage) >= 1:  # 1 % of mutants of payoffs between -3 and 3 cannot turn that round
            assert invades(payoffs)[mutant, resident] == (shares[1, mutant] > shares[0, mutant])


@given(tables, some.floats(-10, 10))
def test_what_everyone_earns_beside_changes_nothing(payoffs, beside):
    start = [0.5, 0.3, 0.2]
    np.testing.assert_allclose(path(payoffs, start, 3.0, 60), path(payoffs + beside, start, 3.0, 60), atol=1e-4)


def test_a_band_holds_the_middle_of_the_drawn_paths():
    tables = np.array([REMEMBERED + shift * np.eye(3) for shift in np.linspace(-0.2, 0.2, 21)])
    band = uncertain_path(tables, np.array([0.98, 0.01, 0.01]), 10.0, 40)
    each = np.stack([path(table, [0.98, 0.01, 0.01], 10.0, 40) for table in tables])
    np.testing.assert_allclose(band.median, np.median(each, axis=0), atol=1e-5)
    assert (((each >= band.low - 1e-6) & (each <= band.high + 1e-6)).mean(axis=0)[1:] >= 0.89).all()
    certain = uncertain_path(np.stack([REMEMBERED] * 3), np.array([0.98, 0.01, 0.01]), 10.0, 40)
    np.testing.assert_allclose(certain.low, certain.high, atol=1e-6)


def test_a_population_of_almost_one_rule():
    np.testing.assert_allclose(almost_all(1, 3), [0.005, 0.99, 0.005])
    assert almost_all(0, 1).tolist() == [1.0]
    assert dynamics.spread(np.zeros((2, 2))) == 1.0
