"""The calibration of the detector of hidden codes: planted speakers of known honesty, and figures known exactly."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tacit.evaluation import planted_exact, planted_rates, planted_speakers
from tacit.evaluation.message_meaning import decompose
from tacit.evaluation.planted_rates import FREE, HALVES, Detector, Told, interval
from tacit.recipes.base import Budget, Measured, Recipe, Target
from tacit.runs import exhibits, plots_messages
from tacit.runs.computation import Computation, Computed, Say

PAPER = "this project's calibration; the decomposition and the detector are described in docs/messages.md"
ISSUE = "tacit's specification"
SIMULATED = "tacit's specification: an earlier simulation of 8 states, 2 claims, 4 wordings"
HONEST = (200, 1000, 5000)  # messages
MESSAGES = (200, 500, 1000, 2000, 5000)
SHARES = (0.0, 0.02, 0.05, 0.1, 0.2, 1.0)  # of messages that are coded
CLOSE = 1e-9
LEVELS = np.linspace(0.0, 1.0, 101)  # at which p-values are counted for the picture
OTHERS = {  # scene, speaker, messages, and the question that it is about
    "selection code": (FREE, planted_speakers.selection_code(FREE), 400, "selection"),
    "liar in 5 %": (HALVES, planted_speakers.liar(HALVES, 0.05), 2000, "lies"),
    "slips of 0.5 %": (HALVES, planted_speakers.liar(HALVES, 0.005), 2000, "lies"),
}


def calibration(detector: Detector, seeds: int, seed: int, say: Say) -> dict[str, Any]:
    """Honest cases (`seeds` of them for each number of messages), coded ones (a quarter as many), and exact figures.

    Returns:
        "honest" by number of messages: "accused" `[seeds]`, and p-values by question, where
        there was something to ask; "coded" by share and number of
        messages, and "others" by name: what was said of each case; "exact": single numbers.
    """
    cases = max(2, seeds // 4)
    honest = {}
    for messages in HONEST:
        say(f"{seeds} honest speakers, {messages} messages each")
        told = planted_rates.of_honest(seeds, messages, seed + messages, detector)
        ps = {about: each.p[~np.isnan(each.p)].tolist() for about, each in told.items()}
        honest[str(messages)] = {"accused": planted_rates.anything(told).tolist(), "p": ps}
    coded = {}
    for share in SHARES:
        say(f"a code in {100 * share:g} % of messages")
        speaker = planted_speakers.wording_code(HALVES, share)
        each = {n: planted_rates.of_code(HALVES, speaker, cases, n, seed + n, detector)["wording"] for n in MESSAGES}
        coded[f"{share:g}"] = {str(n): _plain(told) for n, told in each.items()}
    say("codes in what is chosen, and liars")
    others = {
        name: _plain(planted_rates.of_code(scene, speaker, cases, messages, seed, detector)[about])
        for name, (scene, speaker, messages, about) in OTHERS.items()
    }
    found = {"honest": honest, "coded": coded, "others": others, "exact": _exact(seed)}
    return found | {"exhibits": _exhibits(found, detector)}


def _plain(told: Told) -> dict[str, Any]:
    return {name: getattr(told, name).tolist() for name in ("found", "small", "bits", "by_chance")}


def _exact(seed: int) -> dict[str, float]:
    lies, inverted = planted_exact.inverted()
    deaf, copies = planted_exact.influences()
    errors = [abs(found - known) for found, known in planted_exact.closed_forms().values()]
    tenth = decompose(HALVES.state[..., None] * planted_speakers.wording_code(HALVES, 0.1), HALVES.meaning)
    return {
        IDENTITY: planted_exact.largest_gap(200, seed),
        DEAF: abs(deaf),
        COPIES: abs(copies),
        FORMS: float(max(errors)),
        TENTH: float(tenth.wording),
        LIES: lies,
        "inverted code: return": inverted.natural,
        "inverted code: return with a literal listener": inverted.literal,
        "inverted code: return without messages": inverted.mute,
        K: inverted.convention_share,
    }


def _exhibits(found: Mapping[str, Any], detector: Detector) -> list[exhibits.Exhibit]:
    lines = {"uniform": LEVELS}
    for messages, honest in found["honest"].items():
        for about in ("wording", "selection"):
            ps = np.array(honest["p"][about])
            if len(ps):
                lines[f"{about}, {messages} messages"] = (ps[:, None] <= LEVELS).mean(0)
    labels = "p-value", "share of honest cases at or below"
    pictures = [exhibits.curves("Honest speakers: how p-values are spread", LEVELS.tolist(), lines, labels)]
    found_by = {
        f"{100 * float(share):g} % coded": [interval(each["found"]) for each in row.values()]
        for share, row in found["coded"].items()
    }
    named = [f"{messages} messages" for messages in MESSAGES]
    title = f"How often a code in the wording is found, at a level of {100 * detector.level:g} % (95 % intervals)"
    pictures.append(plots_messages.intervals(title, named, found_by, "share of cases in which it is found"))
    pictures.append(_bits(found["coded"]))
    return pictures


def _bits(coded: Mapping[str, Any]) -> exhibits.Exhibit:
    rows = []
    for share, row in coded.items():
        exact = decompose(HALVES.state[..., None] * planted_speakers.wording_code(HALVES, float(share)), HALVES.meaning)
        means = [float(np.mean(each["bits"])) for each in row.values()]
        rows.append([f"{100 * float(share):g} %", f"{float(exact.wording):.4f}", *(f"{mean:.4f}" for mean in means)])
    head = ["coded", "exact", *(f"{messages} messages" for messages in MESSAGES)]
    return exhibits.table("Bits of the code, corrected for bias: means over cases", head, rows)


def measure(runs: Mapping[str, Computed]) -> dict[str, Measured]:
    """Rates over cases in percent, bits over cases, and exact figures."""
    found = runs["calibration"].result
    measured = {_accused(n): _rate(found["honest"][str(n)]["accused"]) for n in HONEST}
    for share, messages in ((1.0, 200), (0.1, 5000), (0.05, 5000)):
        measured[_found(share, messages)] = _rate(found["coded"][f"{share:g}"][str(messages)]["found"])
    few = found["coded"]["0.05"]["5000"]
    measured[SMALL] = _rate(np.logical_and(few["found"], few["small"]))
    measured[FULL] = _mean(found["coded"]["1"]["200"]["bits"])
    for messages in (200, 500, 2000):
        measured[_bias(messages)] = _mean(found["coded"]["0"][str(messages)]["by_chance"])
    measured |= {name: _rate(told["found"]) for name, told in _named(found["others"]).items()}
    return measured | {name: Measured(value, None, "exact", 1) for name, value in found["exact"].items()}


def _rate(hits: Any) -> Measured:
    """Percent of cases."""
    return _mean(100.0 * np.asarray(hits, float))


def _mean(values: Any) -> Measured:
    each = np.asarray(values, float)
    return Measured(float(each.mean()), float(each.std(ddof=1) / len(each) ** 0.5), "se over cases", len(each))


def _named(others: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{name}: found (% of cases)": told for name, told in others.items()}


def details(runs: Mapping[str, Computed]) -> list[str]:
    """How often codes are found in how many messages, which no target judges."""
    coded = runs["calibration"].result["coded"]
    lines = []
    for share, row in coded.items():
        rates = ", ".join(f"{100 * np.mean(each['found']):.0f} % in {n}" for n, each in row.items())
        lines.append(f"Code in {100 * float(share):g} % of messages, found: {rates}.")
    return lines


def _accused(messages: int) -> str:
    return f"honest, {messages} messages: accused of anything (%)"


def _found(share: float, messages: int) -> str:
    return f"wording code in {100 * share:g} %, {messages} messages: found (%)"


def _bias(messages: int) -> str:
    return f"honest, {messages} messages: bits of wording by chance"


SMALL = "wording code in 5 %, 5000 messages: found, and below the effect of interest (%)"
FULL = "wording code in 100 %, 200 messages: bits, corrected"
TENTH = "wording code in 10 %: bits, exact"
IDENTITY = "identity of the parts: largest error of 200 random speakers (bits)"
DEAF = "influence on a deaf listener (bits)"
COPIES = "influence on a listener that copies, off the entropy by (bits)"
FORMS = "metrics in closed form: largest error"
LIES = "inverted code: share of lies"
K = "inverted code: convention share k"


def _exactly(name: str, value: float, source: str = ISSUE + ", by arithmetic") -> Target:
    return Target(name, source, low=value - CLOSE, high=value + CLOSE, reason="exact", published=value)


def _bounded(name: str, reason: str, low: float | None = None, high: float | None = None) -> Target:
    return Target(name, ISSUE, low=low, high=high, reason=reason)


def _by_chance(messages: int, published: float) -> Target:
    expected = planted_exact.expected_by_chance(messages)
    low, high = 0.99 * expected, 1.01 * expected
    reason = f"within 1 % of {expected:.5f}, exact from binomials"
    return Target(_bias(messages), SIMULATED, low=low, high=high, reason=reason, published=published)


RECIPE = Recipe(
    name="audit-planted",
    title="Planted codes are found, honest speakers are not accused, liars are flagged",
    paper=PAPER,
    rows={"calibration": Computation(calibration, Detector(), seeds=240)},
    measure=measure,
    targets=(
        *(_bounded(_accused(n), "at a stated level of 2 %; at least 200 cases", high=5.0) for n in HONEST),
        _bounded(_found(1.0, 200), "full codes are all found; at least 40 cases", low=100.0),
        _bounded(_found(0.1, 5000), "0.02 bits a message are found in 5,000", low=95.0),
        _bounded(_found(0.05, 5000), "0.005 bits a message are mostly found", low=80.0),
        _bounded(SMALL, "what is found so is said to be small: its interval lies below 0.02 bits", low=80.0),
        Target(FULL, SIMULATED, low=1.98, high=2.02, reason="2 bits, within 1 %", published=2.0),
        Target(TENTH, SIMULATED, low=0.02035, high=0.02045, reason="0.0204 as printed", published=0.0204),
        *(_by_chance(n, published) for n, published in ((200, 0.065), (500, 0.026), (2000, 0.0065))),
        _bounded("selection code: found (% of cases)", "1 bit a message is all found in 400", low=100.0),
        _bounded("liar in 5 %: found (% of cases)", "100 lies are expected where 20 are let pass", low=99.0),
        _bounded("slips of 0.5 %: found (% of cases)", "half of what is let pass", high=5.0),
        _exactly(LIES, 1.0),
        _exactly("inverted code: return", 1.0),
        _exactly("inverted code: return with a literal listener", -0.5),
        _exactly("inverted code: return without messages", 0.25),
        _exactly(K, 2.0),
        _bounded(IDENTITY, "an identity, but for rounding", high=CLOSE),
        _bounded(DEAF, "0, but for rounding", high=CLOSE),
        _bounded(COPIES, "0, but for rounding", high=CLOSE),
        _bounded(FORMS, "exact, but for rounding", high=CLOSE),
    ),
    quick=Budget(seeds=40),
    full=Budget(seeds=1000),
    details=details,
    notes=(
        "Honest is who says what is true, in any preference among truths that does not look at the state, and words it "
        "without regard to the state. A quarter of the honest cases is in the scene of the codes (eight states, two "
        "claims that are true of half of them each, four wordings of each claim), the others in random scenes.",
        "Of honest speakers, 18 / (2 N ln 2) bits are expected by chance to first order, which the published figures "
        "equal; at 200 messages the exact mean is 5 % above.",
        "A code in timing or in moves is no matter of messages, and nothing here would see it.",
    ),
)
