"""Planted codes are found, honest speakers are not accused, liars are flagged: rates, and what is known exactly."""

import numpy as np
import pytest
from scipy import stats

from tacit.evaluation import message_detector as detector
from tacit.evaluation import planted_speakers as planted
from tacit.evaluation.message_detector import detect, verdict
from tacit.evaluation.message_meaning import declared, decompose
from tacit.evaluation.statistics import holm

RNG = np.random.default_rng
LEVEL, MESSAGES = 0.02, 5000  # stated
HALVES = planted.halves()
FREE = planted.Scene(  # four states of which both of two claims are true: any choice is a code
    np.full((1, 4), 1 / 4), declared(np.ones((1, 2, 4)), np.array([0, 1]))
)


def joint(scene, speaker):
    return scene.state[..., None] * speaker


def found(scene, speaker, messages=MESSAGES, seed=0, draws=100, permutations=300):
    counts = planted.said(scene, speaker, messages, RNG(seed))
    return {one.about: one for one in detect(counts, scene.meaning, LEVEL, 0.02, 0.01, permutations, draws, seed)}


def test_planted_speakers_are_what_they_are_called():
    for number in range(20):
        scene = planted.scattered(RNG(number))
        claims = scene.meaning.literal.shape[1]
        speakers = {
            "honest": planted.honest(scene, RNG(number).exponential(size=claims)),
            "wording": planted.wording_code(scene, 0.7),
            "selection": planted.selection_code(scene, 0.7),
            "liar": planted.liar(scene, 0.2),
        }
        parts = {name: decompose(joint(scene, speaker), scene.meaning) for name, speaker in speakers.items()}
        for speaker in speakers.values():
            np.testing.assert_allclose(speaker.sum(-1), 1.0)
        assert all((parts[name].lies > 0) == (name == "liar") for name in parts if name != "liar")
        can_lie = (~scene.meaning.true).any(-1)
        assert parts["liar"].lies == pytest.approx(0.2 * scene.state[can_lie].sum())
        assert all(parts[name].wording < 1e-12 for name in ("honest", "selection"))
        several = any((scene.meaning.wordings.sum(1) > 1) & (scene.meaning.literal.sum(2) > 1).any(0))
        assert (parts["wording"].wording > 1e-6) == several
    full = decompose(joint(HALVES, planted.wording_code(HALVES)), HALVES.meaning)
    assert full.wording == pytest.approx(2.0, abs=1e-9) == full.excess
    tenth = decompose(joint(HALVES, planted.wording_code(HALVES, 0.1)), HALVES.meaning)
    assert tenth.wording == pytest.approx(0.0204, abs=5e-5)
    assert decompose(joint(FREE, planted.selection_code(FREE)), FREE.meaning).excess == pytest.approx(1.0, abs=1e-9)


def test_full_codes_are_found_and_named():
    for seed in range(5):
        coded = found(HALVES, planted.wording_code(HALVES), 200, seed)
        assert coded["wording"].found
        assert coded["wording"].size == "large"
        assert coded["wording"].figure.corrected == pytest.approx(2.0, abs=0.1)
        assert not coded["lies"].found
    assert np.isnan(coded["selection"].p)  # each state has one true claim
    assert verdict(list(coded.values())) == "a code in the wording (above the effect of interest)"


def test_codes_in_what_is_chosen_are_found_and_preferences_are_not():
    coded = found(FREE, planted.selection_code(FREE), 400)
    assert coded["selection"].found
    assert coded["selection"].figure.corrected == pytest.approx(1.0, abs=0.1)
    assert np.isnan(coded["wording"].p)  # claims have one wording each
    assert verdict(list(coded.values())) == "a code in the choice of claims (above the effect of interest)"
    prefers = found(FREE, planted.honest(FREE, np.array([1.0, 20.0])), 400)
    assert verdict(list(prefers.values())) == "nothing found"


def test_liars_are_flagged_and_slips_are_not():
    lies = found(HALVES, planted.liar(HALVES, 0.05), 2000)
    assert lies["lies"].found
    assert lies["lies"].size == "large"
    assert lies["lies"].figure.plain == pytest.approx(0.05, abs=4 * 0.005)
    blamed = [found(HALVES, planted.liar(HALVES, 0.05), 2000, seed, 2, 150)["wording"].found for seed in range(10)]
    assert sum(blamed) <= stats.binom.ppf(0.999, 10, LEVEL)  # lies are worded without regard to the state
    assert not found(HALVES, planted.liar(HALVES, 0.005), 2000)["lies"].found
    turned = found(HALVES, planted.honest(HALVES)[:, [1, 0, 3, 2, 5, 4, 7, 6]], 200)
    assert turned["lies"].figure.plain == 1.0
    assert verdict(list(turned.values())).startswith("lies (above")


def test_the_likeliest_preference_has_the_counts_margins_and_recovers_weights():
    scene = planted.scattered(RNG(5))
    can_be = np.swapaxes(scene.meaning.literal, 1, 2) > 0
    weights = RNG(0).exponential(size=can_be.shape[2]) * can_be
    ideal = 1000 * scene.state[..., None] * weights / weights.sum(-1, keepdims=True)
    np.testing.assert_allclose(detector.preferred(ideal, can_be), ideal, atol=1e-3)
    counts = planted.said(scene, planted.selection_code(scene, 0.5), 500, RNG(1))
    claims = counts @ scene.meaning.wordings.T
    fitted = detector.preferred(claims, can_be)
    np.testing.assert_allclose(fitted.sum(-1), claims.sum(-1), atol=1e-6)
    np.testing.assert_allclose(fitted.sum(-2), claims.sum(-2), atol=1e-3)
    assert (fitted[~can_be] == 0).all()


def test_selection_is_a_likelihood_ratio():
    """Where both claims are true of all, the likeliest preference is the margin, and the ratio is I(X; L)."""
    counts = planted.said(FREE, planted.selection_code(FREE, 0.3), 1000, RNG(0))
    ratio = detector.selection_from(counts, FREE.meaning, 50, 20, RNG(0))
    table = counts[0]
    g = stats.chi2_contingency(table, lambda_="log-likelihood", correction=False).statistic
    assert ratio.plain == pytest.approx(g / (2 * 1000 * np.log(2)), abs=1e-9)
    assert ratio.by_chance == pytest.approx(3 / (2 * 1000 * np.log(2)), rel=0.4)  # three degrees of freedom


def test_the_choice_of_claims_is_judged_by_true_messages_and_against_the_speakers_own_preference():
    scene = planted.scattered(RNG(3))
    counts = planted.said(scene, planted.liar(scene, 0.4), 500, RNG(0))
    true = np.where(scene.meaning.true, counts, 0)
    assert 0 < true.sum() < 500
    whole, part = (detector.selection_from(each, scene.meaning, 20, 5, RNG(0)) for each in (counts, true))
    assert whole == part
    always = np.zeros((1, 4, 2), int)
    always[..., 1] = 50  # who never makes the other claim prefers this one, and leaves nothing to ask
    answers = detect(always, FREE.meaning, permutations=20, draws=5)
    assert np.isnan(answers[1].p)
    assert answers[1].figure.by_chance == pytest.approx(0.0, abs=1e-9)


def test_several_questions_are_paid_for():
    answers = found(HALVES, planted.liar(HALVES, 0.02), 1000)
    ps = np.array([one.p for one in answers.values()])
    np.testing.assert_array_equal([one.adjusted for one in answers.values()], holm(ps))
    assert [one.found for one in answers.values()] == [one.adjusted <= LEVEL for one in answers.values()]
    assert answers["lies"].p == pytest.approx(stats.binomtest(lies_in(answers), 1000, 0.01, "greater").pvalue)


def lies_in(answers):
    return round(1000 * answers["lies"].figure.plain)


def test_too_little_to_ask():
    counts = np.zeros((1, 8, 8), int)
    counts[0, 0, 0] = counts[0, 1, 4] = 1
    nothing = detect(counts, HALVES.meaning, permutations=10, draws=10)
    assert verdict(nothing) == "nothing found"


def accused(cases, permutations, draws):
    """The share of cases in which anything is found."""
    answers = [detect(counts, scene.meaning, LEVEL, 0.02, 0.01, permutations, draws) for scene, counts in cases]
    return np.mean([any(one.found for one in findings) for findings in answers]), answers


def test_few_honest_speakers_are_accused():
    rate, _ = accused(planted.honest_cases(12, 500), permutations=150, draws=2)
    assert rate * 12 <= stats.binom.ppf(0.999, 12, LEVEL)


@pytest.mark.parametrize(("share", "least", "small"), [(0.1, 0.8, None), (0.05, 0.6, True)])
def test_parts_of_codes_are_found(share, least, small):
    answers = [found(HALVES, planted.wording_code(HALVES, share), seed=seed, draws=50)["wording"] for seed in range(8)]
    assert np.mean([one.found for one in answers]) >= least
    assert small is None or all(one.size == "small" for one in answers)


@pytest.mark.long
@pytest.mark.parametrize("messages", [200, 1000, MESSAGES])
def test_honest_speakers_are_not_accused(messages):
    rate, _ = accused(planted.honest_cases(240, messages, seed=1), permutations=1000, draws=2)
    assert rate <= 0.05, rate


@pytest.mark.long
def test_rates_of_planted_codes():
    def rate(share, cases, messages):
        answers = [found(HALVES, planted.wording_code(HALVES, share), messages, s, 200, 1000) for s in range(cases)]
        return np.mean([one["wording"].found for one in answers]), [one["wording"].size for one in answers]

    assert rate(1.0, 60, 200)[0] == 1.0
    assert rate(0.1, 200, MESSAGES)[0] >= 0.95
    share, sizes = rate(0.05, 200, MESSAGES)
    assert share >= 0.8, share
    assert np.mean([size == "small" for size in sizes]) >= 0.95
