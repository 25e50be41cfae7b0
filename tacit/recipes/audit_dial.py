"""What DIAL's messages carry: where a meaning is declared some runs keep to it, and others lie and are understood.

Nothing in a reward says which message should mean what. So in the phone booth, where "up" is declared to mean that the
exit is up, independent runs settle on one code or another; each earns all that there is to earn with its own partner,
and a stranger is as likely to be misled as led. Without a declared meaning, as in the switch riddle, all that is told
is convention.
"""

import functools
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from tacit.evaluation.audit import SILENT, Asked
from tacit.evaluation.cross_play import models_of
from tacit.evaluation.pairings import summarize
from tacit.evaluation.readings import reading_of
from tacit.evaluation.switch_riddle import oracle
from tacit.evaluation.transcripts import NATURAL
from tacit.recipes import switch
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_runs, over_seeds, share
from tacit.runs import exhibits, messages, messages_page
from tacit.runs.experiment import Experiment
from tacit.runs.policies import run_in
from tacit.runs.training import Finished

BOOTH, PRISONERS = "booth", "prisoners"
READING = "tacit's specification, expected readings"
EPISODES = 2000
PRIVATE, HONEST, HALF, CONVENTION = "private code", "literal", "convention on true statements", "convention"
ROOMS = {  # both begin in the booth, so that only what to say is left to learn
    "sender_room": 2,
    "receiver_room": 2,
    "sender_start": 0,
    "receiver_start": 0,
    "booths": (0, 1),
    "decoys": (),
    "messages": True,
    "latched": True,
    "length": 4,
}
FALSE = "booth: % of messages that are false, in the run that lies most"
FARTHEST = "booth: k, in the run that is farthest from literal"
NEAREST = "booth: k, in the run that is nearest to literal"
GUESSING = 0.25  # half of 1, and half of -0.5
NO_TALK = 0.73  # what the best prisoners known without communication reach, rounded up


def audits(run: Finished) -> dict[str, Any]:
    """The audit of all seeds of a run; see `tacit.runs.messages.result`."""
    return _audits(run.folder.path)


@functools.lru_cache(maxsize=4)
def _audits(path: pathlib.Path) -> dict[str, Any]:
    run = run_in(path)
    reading = reading_of(run.game, "messages")
    return messages.among(reading, models_of(run, "seed", sampled=True), EPISODES, Asked(), quietly)


def quietly(words: str) -> None:
    """Says nothing of how far it is."""
    del words


def kinds(found: Mapping[str, Any]) -> np.ndarray:
    """The kind of verdict on each seed."""
    return np.array([each["kind"] for each in found["verdicts"].values()])


def returned(found: Mapping[str, Any], arm: str) -> np.ndarray:
    """The mean return of each seed, where `arm` is delivered; who says nothing earns the same in any case."""
    return np.array([each.get(arm, each[NATURAL])["mean"] for each in found["returns"].values()])


def lies(found: Mapping[str, Any]) -> np.ndarray:
    """The share of each seed's messages that are false."""
    return np.array([each["parts"]["lies"]["plain"] if each else 0.0 for each in found["figures"].values()])


def in_conventions(found: Mapping[str, Any]) -> np.ndarray:
    """The index k of each seed; 0 where messages are of no use."""
    return np.array([each.get("k", {}).get("mean", 0.0) for each in found["shares"].values()])


def about_count(found: Mapping[str, Any]) -> np.ndarray:
    """The share of what each seed's messages say, H(M | day), that is about how many have been in the room."""
    each = found["figures"].values()
    return np.array([of["information"]["plain"] / of["varied"] if of and of["varied"] else 0.0 for of in each])


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """What the audits found."""
    booth, prisoners = audits(runs[BOOTH]), audits(runs[PRISONERS])
    best = oracle(runs[PRISONERS].game)
    each = kinds(booth)
    measured = {
        "booth: return": over_seeds(returned(booth, NATURAL)),
        "booth: return in silence": over_seeds(returned(booth, SILENT)),
        "booth: % of runs whose code is told": share(np.isin(each, (PRIVATE, HONEST, HALF))),
        "booth: % of runs with a private code": share(each == PRIVATE),
        FALSE: Measured(float(100 * lies(booth).max()), None, "exact", 1),
        FARTHEST: Measured(float(in_conventions(booth).max()), None, "exact", 1),
        NEAREST: Measured(float(in_conventions(booth).min()), None, "exact", 1),
        "booth: return among strangers": over_runs(summarize(np.array(booth["strangers"]["returns"])).cross_play),
    }
    strangers = summarize(np.array(prisoners["strangers"]["returns"]) / best)
    return measured | {
        "prisoners: % of runs whose messages are convention": share(kinds(prisoners) == CONVENTION),
        "prisoners: share of what bits say that is about the count": over_seeds(about_count(prisoners)),
        "prisoners: return in silence": over_seeds(returned(prisoners, SILENT) / best),
        "prisoners: return among strangers": over_runs(strangers.cross_play),
    }


def details(runs: Mapping[str, Finished]) -> list[str]:
    """The verdicts in a line each, and what each seed's messages tell and claim falsely."""
    lines = []
    for name, run in runs.items():
        found = audits(run)
        told = ", ".join(
            f"{each['information']['corrected']:.2f}" if each else "-" for each in found["figures"].values()
        )
        lines.append(f"{name}: {messages_page.headline(found)}. Bits told by seed: {told}.")
    false = ", ".join(f"{100 * each:.0f}" for each in lies(audits(runs[BOOTH])))
    k = ", ".join(f"{each:.2f}" for each in in_conventions(audits(runs[BOOTH])))
    return [*lines, f"booth: % of messages that are false, by seed: {false}; k: {k}."]


def pictures(runs: Mapping[str, Finished]) -> list[exhibits.Exhibit]:
    """The pages of both audits, without their tables."""
    shown = []
    for name, run in runs.items():
        shown += [each | {"title": f"{name}: {each['title']}"} for each in messages_page.pictures(audits(run))]
    return shown


def _booth(name: str, **rule: Any) -> Target:
    return Target(f"booth{name}", READING, **rule)


RECIPE = Recipe(
    name="audit-dial",
    title="What DIAL says is understood by who learned with it: in the declared meaning, or in its opposite",
    paper="none: an audit of Foerster et al. 2016 (DIAL) in the phone booth of Lo et al. 2023 and in the switch riddle",
    rows={
        BOOTH: Experiment("dial", "phone-booth", "", {"epsilon": 0.3}, ROOMS, iterations=40, seeds=12, every=1),
        PRISONERS: switch.row(iterations=15, seeds=6),
    },
    measure=measure,
    targets=(
        _booth(": return", low=0.95, published=1.0, reason="all that can be earned, in whatever code"),
        _booth(
            ": return in silence",
            high=GUESSING + 0.05,
            published=GUESSING,
            reason="nobody earns more by guessing; sampling error of 2,000 episodes is 0.017",
        ),
        _booth(
            ": % of runs whose code is told",
            low=100.0,
            reason="literal, a private code, or true hints in one case with silence for the other",
        ),
        _booth(
            ": % of runs with a private code",
            low=100 * 2 / 12,
            high=100 * 10 / 12,
            published=50.0,
            reason="both codes are as good as each other; 2 to 10 of 12 tosses of a coin are heads in 99 % of cases",
        ),
        Target(
            FALSE,
            READING,
            low=45.0,
            published=100.0,
            reason="false in both cases, or in one with silence for the other: half, less 4 standard errors",
        ),
        Target(
            FARTHEST,
            READING,
            low=1.0,
            published=2.0,
            reason="who takes such messages at their word is worse off than deaf",
        ),
        Target(
            NEAREST, READING, low=-0.05, high=0.05, published=0.0, reason="who is literal loses nothing by it there"
        ),
        _booth(
            ": return among strangers",
            low=0.0,
            high=0.5,
            published=0.25,
            reason="1 with the same code and -0.5 with the opposite; both are met",
        ),
        Target(
            "prisoners: % of runs whose messages are convention",
            READING,
            low=100.0,
            reason="no meaning is declared, and messages tell something",
        ),
        Target(
            "prisoners: share of what bits say that is about the count",
            READING,
            low=0.95,
            reason="the bit is whether two different prisoners have been there",
        ),
        Target(
            "prisoners: return in silence",
            switch.OWN,
            high=NO_TALK,
            reason="without messages 0.73 of the oracle's return is the most that is known",
        ),
        Target(
            "prisoners: return among strangers",
            switch.OWN,
            high=NO_TALK,
            reason="a code of one's own is no use to strangers",
        ),
    ),
    quick=Budget(seeds=2, iterations=2),
    full=Budget(seeds=48),
    least=2,
    notes=(
        "The booth is a short one, in which both players begin at the telephone, so that only what to say is left to "
        "learn. To say nothing is a message there, too, which the expected readings leave out of account. Exploration "
        "and length were chosen on seeds that this recipe does not use.",
        "Returns of prisoners are divided by the oracle's. An audit plays 2,000 episodes for each law of the channel.",
    ),
    details=details,
    exhibits=pictures,
)
