"""The calibration's cases are what they are called, and are judged one by one as by the detector."""

import numpy as np
import pytest
from scipy.stats import beta

from tacit.errors import SettingError
from tacit.evaluation import planted_exact, planted_rates
from tacit.evaluation import planted_speakers as planted
from tacit.evaluation.message_detector import detect
from tacit.evaluation.message_meaning import in_contexts
from tacit.evaluation.message_metrics import information_given
from tacit.evaluation.planted_rates import FREE, HALVES, Detector
from tacit.recipes import audit_planted

FAST = Detector(permutations=100, draws=20)


def test_a_case_is_what_the_detector_says_of_it():
    told = planted_rates.of_code(HALVES, planted.wording_code(HALVES, 0.1), 3, 1000, 5, FAST)
    generator = np.random.default_rng(5)
    for case in range(3):
        counts = planted.said(HALVES, planted.wording_code(HALVES, 0.1), 1000, generator)
        for finding in detect(counts, HALVES.meaning, 0.02, 0.02, 0.01, 100, 20, 5 + case):
            of_case = [each[case] for each in told[finding.about]]
            known = [finding.found, finding.size == "small", finding.figure.corrected, finding.figure.by_chance]
            np.testing.assert_array_equal(of_case, [*known, finding.p])


def test_codes_and_lies_are_found_where_they_are():
    full = planted_rates.of_code(HALVES, planted.wording_code(HALVES), 3, 200, 0, FAST)
    assert full["wording"].found.all()
    assert not full["wording"].small.any()
    assert not full["lies"].found.any()
    assert np.isnan(full["selection"].p).all()
    chosen = planted_rates.of_code(FREE, planted.selection_code(FREE), 3, 200, 0, FAST)
    assert chosen["selection"].found.all()
    assert planted_rates.anything(chosen).all()
    liars = planted_rates.of_code(HALVES, planted.liar(HALVES, 0.2), 3, 500, 0, FAST)
    assert liars["lies"].found.all()
    np.testing.assert_allclose(liars["lies"].bits, 0.2, atol=4 * (0.2 * 0.8 / 500) ** 0.5)


def test_honest_cases_are_those_of_the_planted_speakers():
    told = planted_rates.of_honest(6, 300, 1, FAST)
    assert planted_rates.anything(told).sum() <= 1  # at a level of 2 %: more than 1 of 6 has a chance of 0.6 %
    again = planted_rates.of_honest(6, 300, 1, FAST)
    np.testing.assert_array_equal(told["wording"].p, again["wording"].p)
    level_1 = planted_rates.of_honest(6, 300, 1, Detector(permutations=100, draws=20, level=1.0))
    assert planted_rates.anything(level_1).all()


def test_a_level_of_nothing_is_refused():
    with pytest.raises(SettingError, match="level must be > 0"):
        Detector(level=0.0)


def test_exact_figures():
    assert planted_exact.largest_gap(50, 3) < 1e-12
    assert max(map(abs, planted_exact.influences())) < 1e-12
    for found, known in planted_exact.closed_forms().values():
        assert found == pytest.approx(known, abs=1e-12)


def test_intervals_are_exact():
    share, low, high = planted_rates.interval([True] * 9 + [False])
    assert share == 0.9
    assert (low, high) == pytest.approx((beta.ppf(0.025, 9, 2), beta.ppf(0.975, 10, 1)))
    assert planted_rates.interval([True] * 4)[2] == 1.0


def test_the_bits_that_chance_shows_are_known_exactly():
    """Against the first orders of 1 / N, against samples, and against pairings at random."""
    for messages in (2000, 20000):
        n = messages / 2  # of each claim: 4 states in 4 wordings
        second = (1 - 2 * 16 + 256) / (12 * n**2)
        expected = (9 / (2 * n) + second) / np.log(2)
        assert planted_exact.expected_by_chance(messages) == pytest.approx(expected, rel=1e-3)
    generator = np.random.default_rng(0)
    counts = np.stack([planted.said(HALVES, planted.honest(HALVES), 60, generator) for _ in range(4000)])
    plain = information_given(in_contexts(counts, HALVES.meaning))
    assert planted_exact.expected_by_chance(60) == pytest.approx(plain.mean(), abs=4 * plain.std() / 4000**0.5)
    told = planted_rates.of_code(HALVES, planted.honest(HALVES), 4, 2000, 0, Detector(permutations=1000, draws=5))
    targets = {target.name: target for target in audit_planted.RECIPE.targets}
    assert targets["honest, 2000 messages: bits of wording by chance"].reached(float(told["wording"].by_chance.mean()))
