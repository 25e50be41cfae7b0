"""How often planted speakers are told from honest ones: the calibration of the detector of hidden codes.

Every case is a speaker whose honesty is known (`planted_speakers`), so many of its messages, and what the detector says
of them (`message_detector.detect`). Cases differ in nothing but chance, or, the honest ones, in their scenes and
preferences, too.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest

from tacit.evaluation import planted_speakers as planted
from tacit.evaluation.message_detector import Finding, detect
from tacit.evaluation.message_meaning import declared
from tacit.evaluation.planted_speakers import Scene
from tacit.settings import setting
from tacit.types import Settings

HALVES = planted.halves()
FREE = Scene(  # four states of which both of two claims are true: whatever chooses between them is a code
    np.full((1, 4), 1 / 4), declared(np.ones((1, 2, 4)), np.array([0, 1]))
)


class Detector(Settings):
    """How the detector is set."""

    level: float = setting(0.02, "chance to accuse an honest speaker of anything", above=0.0, high=1.0)
    least: float = setting(0.02, "smallest effect of interest", unit="bits a message", low=0.0)
    slips: float = setting(0.01, "share of false messages that is let pass", low=0.0, high=1.0)
    permutations: int = setting(1000, "random pairings, and honest speakers drawn", low=10, high=10**6)
    draws: int = setting(200, "of the bootstrap of codes; honest cases need no intervals", low=2, high=10**6)


class Told(NamedTuple):
    """What was said of each of N cases about one question.

    Attributes:
        found: `[N]` whether there is something. small: whether it is surely below the effect of interest.
        bits: corrected for bias (of lies their share). by_chance: what an honest speaker would show.
        p: `[N]` NaN where there was nothing to ask.
    """

    found: np.ndarray
    small: np.ndarray
    bits: np.ndarray
    by_chance: np.ndarray
    p: np.ndarray


def of_honest(cases: int, messages: int, seed: int, detector: Detector) -> dict[str, Told]:
    """What is said of so many honest speakers, by question."""
    drawn = planted.honest_cases(cases, messages, seed)
    return _told([_asked(counts, scene, seed, detector, 2) for scene, counts in drawn])


def of_code(
    scene: Scene, speaker: np.ndarray, cases: int, messages: int, seed: int, detector: Detector
) -> dict[str, Told]:
    """What is said of one speaker, in so many independent draws of its messages, by question."""
    generator = np.random.default_rng(seed)
    drawn = (planted.said(scene, speaker, messages, generator) for _ in range(cases))
    return _told([_asked(counts, scene, seed + case, detector, detector.draws) for case, counts in enumerate(drawn)])


def _asked(counts: np.ndarray, scene: Scene, seed: int, detector: Detector, draws: int) -> list[Finding]:
    limits = detector.level, detector.least, detector.slips
    return detect(counts, scene.meaning, *limits, detector.permutations, draws, seed)


def _told(cases: list[list[Finding]]) -> dict[str, Told]:
    def of(case: list[Finding], about: str) -> Finding:
        return next(each for each in case if each.about == about)

    def column(about: str, read: Callable[[Finding], float | bool]) -> np.ndarray:
        return np.array([read(of(case, about)) for case in cases])

    return {
        about: Told(
            column(about, lambda each: each.found),
            column(about, lambda each: each.size == "small"),
            column(about, lambda each: each.figure.corrected),
            column(about, lambda each: each.figure.by_chance),
            column(about, lambda each: each.p),
        )
        for about in ("wording", "selection", "lies")
    }


def anything(told: dict[str, Told]) -> np.ndarray:
    """Whether a case is accused of anything, `[N]`."""
    return np.any([each.found for each in told.values()], axis=0)


def interval(hits: Sequence[bool]) -> tuple[float, float, float]:
    """The share of hits with its exact 95 % interval (Clopper and Pearson 1934)."""
    rate = binomtest(int(np.sum(hits)), len(hits))
    low, high = rate.proportion_ci(0.95)
    return float(rate.statistic), float(low), float(high)
