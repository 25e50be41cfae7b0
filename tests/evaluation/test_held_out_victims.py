"""Tests over held-out victims, against known numbers; victims of the same number have the same seed."""

import jax
import numpy as np
import pytest
import scipy.stats

from tacit.evaluation import held_out_victims as held_out
from tacit.evaluation.held_out_victims import compare, interval, rank_correlation
from tacit.games.cart_pole import CartPole
from tacit.games.cheap_talk import network
from tacit.learners import victim

CART = CartPole()


def test_differences_are_tested_in_pairs():
    generator = np.random.default_rng(0)
    left, right = generator.normal(0.5, 1, 64), generator.normal(0, 1, 64)
    (told,) = compare([left - right])
    assert told.p == pytest.approx(scipy.stats.ttest_rel(left, right)[1])
    assert (told.mean, told.corrected) == (pytest.approx((left - right).mean()), told.p)
    assert told.error == pytest.approx(scipy.stats.sem(left - right))


def test_no_difference_at_all_proves_nothing():
    with np.errstate(all="ignore"):
        (told,) = compare([np.zeros(8)])
    assert told.p == told.corrected == 1.0


def test_intervals_are_students():
    # of 1, 2, 3: 2 +- 4.3027 / sqrt(3)
    assert interval(np.array([1.0, 2.0, 3.0])) == (pytest.approx(2 - 2.4841, abs=1e-3), pytest.approx(4.4841, abs=1e-3))
    assert np.isnan(interval(np.array([1.0]))).all()


def test_rank_correlations_are_spearmans():
    x, y = np.array([1.0, 5.0, 2.0, 9.0, 2.0]), np.array([0.1, 0.4, 0.3, 0.2, 0.5])
    assert rank_correlation(x, y) == pytest.approx(scipy.stats.spearmanr(x, y)[0])
    assert rank_correlation(np.ones(5), y) == 0.0


@pytest.mark.long
def test_victims_of_a_number_are_the_same_whatever_they_are_told():
    said, config = network(jax.random.key(0), 4), victim.Config(num_games=2, length=16, epochs=1, hidden=4)
    silent = held_out.quiet(said)
    trained, curves = held_out.learned(CART, [said, silent, silent, said], [0, 0, 1, 1], 3, config, 2)
    again = held_out.learned(CART, [silent, said], [1, 0], 3, config, 2)[1]
    np.testing.assert_array_equal(curves[[2, 0]], again)
    assert curves.shape == (4, 2)
    assert np.abs(curves[0] - curves[1]).max() > 0
    # the first play of the silent pair is of victims with other seeds; what is not heard cannot steer
    later = network(jax.random.key(1), 5)
    deaf = held_out.deaf(trained, 4)
    told = [held_out.obeyed(CART, deaf, each, 3, config, 4).reward for each in (later, held_out.quiet(later))]
    np.testing.assert_allclose(told[0], told[1], atol=1e-3)
    plain = held_out.learned(CART, [None], [0], 3, config, 2, "none")[1]
    noisy = held_out.learned(CART, [None], [0], 3, config, 2, "noise")[1]
    assert plain.shape == noisy.shape == (1, 2)
