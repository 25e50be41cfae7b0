"""An audit of what is said: how much it tells, of what kind that is, who acts on it, and what it is worth.

Of samples, one message of each episode is taken, since several are not independent. All p-values of one report, of
information, of the three questions of `message_detector` and of every change of return, are adjusted together (Holm),
so that a report on players whose messages do nothing accuses them of anything with at most the chance `level`.

What is delivered in place of what was said (`tapped`), on the same episodes:

    canonical         the first wording of the claim that was made                    J_can
    synonyms          the next wording of the same claim, the first after the last    J_syn
    shuffled          a message as often as it is said where the same is public       J_shuf
    uniform           any message
    silent            nothing                                                         J_0
    grounded speaker  any true message, all alike                                     J_pi0
    literal listener  what was said, to a listener that takes it at its word          J_lit

    w = (J - J_can) / (J - J_0)      the share of the channel's worth that is in the wording
    k = (J - J_lit) / (J - J_0)      that is in conventions; above 1 where the literal listener does worse than without
    g = (J - J_0) - (J_out - J_out,0)   what strangers make less of the channel (`out`), in return

with J_shuf in the place of J_0 where a message cannot be taken away. They are given where J is above J_0 for sure.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from tacit.evaluation.listening import Influence
from tacit.evaluation.message_detector import Finding, detect
from tacit.evaluation.message_estimates import (
    Change,
    Estimate,
    count,
    estimates,
    information_from,
    return_change,
)
from tacit.evaluation.message_meaning import Parts, parts_from
from tacit.evaluation.message_metrics import (
    bag_of_symbols_disentanglement,
    context_independence,
    entropy,
    positional_disentanglement,
    shares,
    topographic_similarity,
)
from tacit.evaluation.statistics import bootstrap_interval, bootstrap_means, holm
from tacit.evaluation.talk import NONE, Talk, one_each
from tacit.evaluation.transcripts import NATURAL

LEAST_EPISODES = 50  # in which something is said
MOST_MEANINGS = 256  # whose distances are compared
CANONICAL, SYNONYMS, SHUFFLED, UNIFORM, SILENT = "canonical", "synonyms", "shuffled", "uniform", "silent"
GROUNDED, LITERAL = "grounded-speaker", "literal-listener"
Returns = Mapping[str, Float[np.ndarray, " E"]]


class Asked(NamedTuple):
    """How carefully figures are taken.

    Attributes:
        level: chance to accuse players whose messages do nothing of anything.
        least: smallest effect of interest, in bits a message.
        permutations: random pairings. draws: of the bootstrap, and of signs of changes. seed: of all draws.
    """

    level: float = 0.02
    least: float = 0.02
    permutations: int = 1000
    draws: int = 1000
    seed: int = 0


USUAL = Asked()


class Told(NamedTuple):
    """What messages tell, from one message of each episode, in bits; None where there is nothing to ask.

    Attributes:
        messages: how many.
        of_state: H(X | O), all that there is to tell.
        varied: H(M | O), all that messages say, about whatever it may be.
        entropy: H(M).
        information: I(M; X | O).
        coordination, consistency: I(M; A) of the listener's next action and of the speaker's own.
        independence: context independence of message and listener's action.
        similarity, positional, bag: topographic similarity and disentanglement of each state's usual message; NaN where
            states or messages are not made of parts, or nothing varies.
        parts: the decomposition, where a meaning is declared.
        findings: the answers of the detector; adjusted among themselves alone.
    """

    messages: int
    of_state: float
    varied: float
    entropy: Estimate
    information: Estimate
    coordination: Estimate | None
    consistency: Estimate | None
    independence: float
    similarity: float
    positional: float
    bag: float
    parts: Parts | None
    findings: tuple[Finding, ...]


class Mean(NamedTuple):
    """A mean over n, with its 95 % bootstrap interval."""

    n: int
    mean: float
    low: float
    high: float


def told(talk: Talk, asked: Asked = USUAL) -> Told:
    """What messages tell.

    Raises:
        InputError: the table of what was said would be too large.
        Misfit: some state has no true message.
    """
    rows = one_each(talk, asked.seed)
    counts = rows.counts()
    drawn = (asked.permutations, asked.draws, asked.seed)
    generator = np.random.default_rng(asked.seed)
    meaning = talk.meaning
    findings = []
    if meaning is not None:
        findings = detect(
            counts,
            meaning,
            asked.level,
            asked.least,
            permutations=asked.permutations,
            draws=asked.draws,
            seed=asked.seed,
        )
    return Told(
        len(rows.episode),
        _given(counts.sum(-1)),
        _given(counts.sum(-2)),
        estimates(counts.sum((0, 1)), entropy, asked.draws, generator)[0],
        information_from(counts, *drawn),
        _together(rows, rows.answer, len(talk.names.answers), drawn),
        _together(rows, rows.own, len(talk.names.own), drawn),
        _independence(rows),
        *_forms(talk, counts),
        None if meaning is None else parts_from(counts, meaning, asked.draws, asked.seed),
        tuple(findings),
    )


def _given(weights: np.ndarray) -> float:
    """H(Y | Z), from weights `[Z, Y]`."""
    return float((shares(weights.sum(-1)) * entropy(weights)).sum())


def _together(rows: Talk, acts: np.ndarray, kinds: int, drawn: tuple[int, int, int]) -> Estimate | None:
    """I(M; A), where anything was done."""
    done = acts != NONE
    if kinds == 0 or done.sum() < LEAST_EPISODES:
        return None
    return information_from(count((rows.message[done], acts[done]), (len(rows.names.messages), kinds))[None], *drawn)


def _independence(rows: Talk) -> float:
    done = rows.answer != NONE
    if not done.any():
        return float("nan")
    sizes = len(rows.names.messages), len(rows.names.answers)
    return context_independence(count((rows.message[done], rows.answer[done]), sizes))


def _forms(talk: Talk, counts: np.ndarray) -> tuple[float, float, float]:
    """Topographic similarity and both disentanglements of the message that each state usually has."""
    nothing = float("nan")
    attributes, symbols = talk.names.attributes, talk.names.symbols
    by_state = counts.sum(0)
    met = np.flatnonzero(by_state.sum(1))[:MOST_MEANINGS]
    if attributes is None or symbols is None or len(met) < 3:
        return nothing, nothing, nothing
    both = attributes[met], symbols[by_state[met].argmax(1)]
    return topographic_similarity(*both), positional_disentanglement(*both), bag_of_symbols_disentanglement(*both)


class Audit(NamedTuple):
    """Everything that was found about one set of players.

    Attributes:
        name: theirs.
        talk: the record.
        told: what messages tell; None where too little was said to ask.
        influences: of one message on its listener ("message", "any", "wording"); empty where that was not asked.
        returns: of all episodes, by what was delivered.
        changes: of the mean return, natural less altered.
        worth: J - J_0; None where no return without messages is known.
        used: whether play is better for what is said; None where that is not known.
        shares: w and k; empty where the channel is not used.
        p: of every test, as it is and adjusted for all of them.
        findings: of the detector, adjusted for all tests of the report.
        asked: how it was asked.
    """

    name: str
    talk: Talk | None
    told: Told | None
    influences: Mapping[str, Mean]
    returns: Returns
    changes: Mapping[str, Change]
    worth: Change | None
    used: bool | None
    shares: Mapping[str, Mean]
    p: Mapping[str, tuple[float, float]]
    findings: tuple[Finding, ...]
    asked: Asked


def put_together(
    name: str, talk: Talk | None, returns: Returns, influence: Influence | None = None, asked: Asked = USUAL
) -> Audit:
    """The audit of a record, of returns by what was delivered, and of what setting messages did."""
    found = None
    if talk is not None and len(np.unique(talk.episode)) >= LEAST_EPISODES:
        found = told(talk, asked)
    changes = {
        arm: return_change(returns[NATURAL], altered, max(asked.draws, asked.permutations), asked.seed)
        for arm, altered in returns.items()
        if arm != NATURAL
    }
    p = _adjusted(found, changes)
    worth = changes.get(SILENT, changes.get(SHUFFLED))
    without = SILENT if SILENT in changes else SHUFFLED
    used = None if worth is None else bool(worth.mean > 0 and p[_changed(without)][1] <= asked.level)
    findings = () if found is None else tuple(_judged(each, p, asked.level) for each in found.findings)
    return Audit(
        name,
        talk,
        found,
        {} if influence is None else _influences(influence, asked),
        returns,
        changes,
        worth,
        used,
        _shares(returns, without, asked) if used else {},
        p,
        findings,
        asked,
    )


def _influences(influence: Influence, asked: Asked) -> dict[str, Mean]:
    each = {"message": influence.of_message, "any": influence.of_any, "wording": influence.of_wording}
    return {name: mean_of(values, asked) for name, values in each.items() if values is not None}


def mean_of(values: np.ndarray, asked: Asked) -> Mean:
    """A mean with its interval."""
    return Mean(len(values), float(values.mean()), *bootstrap_interval(values, asked.draws, asked.seed))


def _changed(arm: str) -> str:
    return f"return, {arm}"


def _adjusted(found: Told | None, changes: Mapping[str, Change]) -> dict[str, tuple[float, float]]:
    """Every p-value of a report, as it is and by Holm's method; NaN is no test."""
    each: dict[str, float] = {}
    if found is not None:
        for name in ("information", "coordination", "consistency"):
            figure: Estimate | None = getattr(found, name)
            if figure is not None:
                each[name] = figure.p
        each |= {finding.about: finding.p for finding in found.findings}
    each |= {_changed(arm): change.p for arm, change in changes.items()}
    adjusted = holm(np.array([*each.values()], float))
    return {name: (p, float(of_all)) for (name, p), of_all in zip(each.items(), adjusted, strict=True)}


def _judged(finding: Finding, p: Mapping[str, tuple[float, float]], level: float) -> Finding:
    adjusted = p[finding.about][1]
    return finding._replace(adjusted=adjusted, found=bool(adjusted <= level))


def _shares(returns: Returns, without: str, asked: Asked) -> dict[str, Mean]:
    """The shares w and k with bootstrap intervals; an episode is drawn with all its returns."""
    found = {}
    for name, arm in (("w", CANONICAL), ("k", LITERAL)):
        if arm in returns:
            each = np.stack([returns[NATURAL], returns[arm], returns[without]], axis=1)
            drawn = bootstrap_means(each, asked.draws, asked.seed)
            spread = (drawn[:, 0] - drawn[:, 1]) / (drawn[:, 0] - drawn[:, 2])
            own, altered, nothing = each.mean(0)
            interval = np.quantile(spread, [0.025, 0.975])
            found[name] = Mean(len(each), float((own - altered) / (own - nothing)), *map(float, interval))
    return found
