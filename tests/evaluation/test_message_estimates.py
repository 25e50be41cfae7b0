"""Estimates from counts: biases and distributions that are known, intervals that cover, tests that keep their level."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tacit.errors import InputError
from tacit.evaluation import message_estimates as estimates
from tacit.evaluation.message_metrics import entropy, information, information_given

RNG = np.random.default_rng


def drawn(seed, samples, probs):
    """Counts of so many samples."""
    return RNG(seed).multinomial(samples, np.ravel(probs)).reshape(np.shape(probs))


def test_counts_are_those_of_the_samples():
    x, y = np.array([0, 1, 1, 2]), np.array([1, 0, 0, 1])
    np.testing.assert_array_equal(estimates.count((x, y), (3, 3)), [[0, 1, 0], [2, 0, 0], [0, 1, 0]])
    with pytest.raises(InputError, match="column 0 must have values of 0 to 1, got 0 to 2"):
        estimates.count((x, y), (2, 2))


@pytest.mark.parametrize("samples", [500, 2000])
def test_the_bias_is_the_one_that_is_known(samples):
    """Eight states, two claims of four states and four wordings each, an honest speaker: two contexts of 4 x 4."""
    honest = np.full((2, 4, 4), 1 / 32)
    counts = RNG(0).multinomial(samples, honest.ravel(), 400).reshape(400, 2, 4, 4)
    plain = information_given(counts)
    known = 2 * 3 * 3 / (2 * samples * np.log(2))
    error = plain.std() / 20
    assert plain.mean() == pytest.approx(known, abs=4 * error + 0.01 * known)
    corrected = np.array([estimates.jackknifed(one, information_given) for one in counts[:100]])
    assert abs(corrected.mean()) < 4 * corrected.std() / 10 + 0.02 * known
    chance = information_given(estimates.shuffled(counts[0], 400, RNG(1)))
    assert chance.mean() == pytest.approx(known, abs=4 * chance.std() / 20 + 0.03 * known)  # counts of one sample only


def test_the_jackknife_of_an_entropy_in_closed_form():
    counts = np.array([5, 3, 2, 0])
    without = (
        0.5 * entropy(counts - [1, 0, 0, 0])
        + 0.3 * entropy(counts - [0, 1, 0, 0])
        + 0.2 * entropy(counts[:3] - [0, 0, 1])
    )
    assert estimates.jackknifed(counts, entropy) == pytest.approx(10 * entropy(counts) - 9 * without, abs=1e-12)


@given(st.integers(0, 1000))
def test_random_pairings_keep_the_margins(seed):
    counts = drawn(seed, 40, RNG(seed).dirichlet(np.full(18, 0.4))).reshape(3, 2, 3)
    tables = estimates.shuffled(counts, 20, RNG(seed))
    np.testing.assert_array_equal(tables.sum(2), np.broadcast_to(counts.sum(1), (20, 3, 3)))
    np.testing.assert_array_equal(tables.sum(3), np.broadcast_to(counts.sum(2), (20, 3, 2)))
    assert (tables >= 0).all()


def test_random_pairings_are_those_of_shuffled_samples():
    counts = np.array([[[3, 1, 0], [1, 2, 4]]])
    x, y = np.nonzero(counts[0])
    x, y = np.repeat(x, counts[0][x, y]), np.repeat(y, counts[0][x, y])
    generator = RNG(0)
    by_hand = np.array([estimates.count((x, generator.permutation(y)), (2, 3)) for _ in range(2000)])
    tables = estimates.shuffled(counts, 2000, generator)[:, 0]
    np.testing.assert_allclose(tables.mean(0), by_hand.mean(0), atol=4 * 2 / np.sqrt(1000))
    both = [np.unique(t[:, 0] @ np.array([100, 10, 1]), return_counts=True) for t in (tables, by_hand)]
    shared = np.intersect1d(both[0][0], both[1][0])
    table = np.array([[n[values == value][0] for value in shared] for values, n in both])
    assert stats.chi2_contingency(table).pvalue > 1e-4


def test_p_values_of_an_honest_speaker_are_spread_evenly_and_a_coded_one_is_found():
    ps = [estimates.information_from(drawn(seed, 200, np.full((2, 4, 4), 1 / 32)), 99, 2, seed).p for seed in range(60)]
    assert stats.kstest(ps, "uniform").pvalue > 1e-3
    coded = np.stack([np.eye(4), np.eye(4)]) / 8
    found = estimates.information_from(drawn(0, 200, coded), 200, 100)
    assert found.samples == 200
    assert found.p == pytest.approx(1 / 201)
    assert found.by_chance == pytest.approx(2 * 9 / (2 * 200 * np.log(2)), rel=0.2)
    assert found.corrected == pytest.approx(2.0, abs=0.05)
    assert found.low <= found.corrected <= found.high


def test_a_tenth_of_a_code_is_worth_what_is_computed_for_it():
    coded = (0.9 / 4 + 0.1 * np.stack([np.eye(4), np.eye(4)])) / 8
    assert information_given(coded) == pytest.approx(0.0204, abs=5e-5)
    found = estimates.information_from(drawn(1, 5000, coded))
    assert found.p < 0.005
    assert found.low < 0.0204 < found.high


def test_nothing_can_be_told_where_nothing_varies():
    found = estimates.information_from(np.array([[[7, 0], [5, 0]]]), 50, 50)
    assert (found.plain, found.corrected, found.low, found.high, found.by_chance, found.p) == (0, 0, 0, 0, 0, 1)


@pytest.mark.parametrize("told", [0.0, 0.3, 0.9])
def test_intervals_cover_about_as_often_as_they_say(told):
    probs = told * np.eye(4) / 4 + (1 - told) / 16
    counts = RNG(3).multinomial(400, probs.ravel(), 100).reshape(100, 4, 4)
    found = [estimates.estimates(one, information, 200, RNG(0))[0] for one in counts]
    covered = np.mean([one.low <= information(probs) <= one.high for one in found])
    assert covered >= 0.95 - 4 * np.sqrt(0.95 * 0.05 / 100)


def test_several_figures_at_once_are_each_of_them():
    counts = drawn(5, 300, np.full((3, 4), 1 / 12))

    def both(tables):
        return np.stack([information(tables), entropy(tables.sum(-1))], axis=-1)

    at_once = estimates.estimates(counts, both, 50, RNG(0))
    alone = estimates.estimates(counts, information, 50, RNG(0))
    assert at_once[0][:5] == pytest.approx(alone[0][:5])
    assert at_once[1].plain == pytest.approx(float(entropy(counts.sum(1))))


def test_blocks_change_nothing(monkeypatch):
    counts = drawn(6, 300, np.full((2, 3, 4), 1 / 24))
    whole = estimates.information_from(counts, 20, 50)
    monkeypatch.setattr(estimates, "MOST_ENTRIES", 100)
    assert estimates.information_from(counts, 20, 50) == whole


def test_what_a_channel_is_worth():
    generator = RNG(0)
    decks = generator.normal(10.0, 3.0, 60)  # games differ much, and the channel is worth 1
    found = estimates.return_change(decks + generator.normal(1.0, 0.5, 60), decks)
    assert found.pairs == 60
    assert 0 < found.low < 1 < found.high < 2
    assert found.p == pytest.approx(1 / 1001)
    unused = estimates.return_change(decks, decks)
    assert unused == (60, 0.0, 0.0, 0.0, 1.0)


def test_what_cannot_be_estimated_is_refused():
    with pytest.raises(InputError, match="an estimate needs 2 samples or more, got 1"):
        estimates.information_from(np.array([[[1, 0], [0, 0]]]))
    with pytest.raises(InputError, match="returns must be 2 pairs or more, got 3 and 2"):
        estimates.return_change(np.zeros(3), np.zeros(2))
