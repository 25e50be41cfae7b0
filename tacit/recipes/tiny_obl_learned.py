"""Off-Belief Learning from play on Tiny Hanabi: networks climb the ladder that backward induction gives, all runs alike.

A level is unique only where its runs resolve every tie alike. On these games an error of Q moves the odds of the next
level's beliefs by exp(error / T), so all that may be hidden is weighed, not drawn: what is left is what networks cannot
fit.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tacit.evaluation import two_step
from tacit.evaluation.pairings import summarize
from tacit.evaluation.two_step_learned import cross_play_of_levels
from tacit.recipes.base import Budget, Measured, Recipe, Target
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

PAPER = "Hu et al. 2021, Off-Belief Learning, on the games of Burch and Bard 2018"
LETTERS, LEVELS, UPDATES, TEMPERATURE = "ABCDEF", 3, 400, 0.1
PERCENT = 1.0  # of the game's best value
SETTINGS = {
    "levels": LEVELS,
    "updates": UPDATES,
    "temperature": TEMPERATURE,
    "expected": True,
    "epsilon": 1.0,
    "lr": 5e-3,
    "num_games": 32,
    "length": 2,
    "minibatches": 1,
    "hidden": 64,
}


def _game(letter: str) -> str:
    return f"tiny-hanabi-{letter.lower()}"


def _row(letter: str) -> Experiment:
    return Experiment("obl", _game(letter), "", SETTINGS, iterations=LEVELS * UPDATES, seeds=5)


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """How far each level is from the exact one, and its runs from each other, in percent of the best value."""
    found = {}
    for letter in LETTERS:
        run = runs[_named(letter)]
        best, exact = two_step.best(run.game), _exact(run)
        for level, matrix in enumerate(cross_play_of_levels(run)):
            off = 100 * np.abs(np.diagonal(matrix) - exact[level]) / best
            found[_self_play(letter, level)] = Measured(float(off.max()), None, "worst of all runs", len(off))
            apart = 100 * np.abs(np.diagonal(matrix)[:, None] - matrix).max() / best
            found[_gap(letter, level)] = Measured(float(apart), None, "worst of all pairs", len(off))
    return found


def details(runs: Mapping[str, Finished]) -> list[str]:
    """The values themselves."""
    lines = []
    for letter in LETTERS:
        run = runs[_named(letter)]
        each = zip(cross_play_of_levels(run), _exact(run), strict=True)
        words = [_words(matrix, exact) for matrix, exact in each]
        lines.append(f"{letter}: levels 1 to {LEVELS}: {'; '.join(words)}.")
    return lines


def _words(matrix: np.ndarray, exact: float) -> str:
    told = summarize(matrix)
    crossed = "-" if told.cross_play.mean is None else f"{told.cross_play.mean:.4f}"
    return f"self-play {told.self_play.mean:.4f}, cross-play {crossed} (exact {exact:.4f})"


def _exact(run: Finished) -> Any:
    """Values of the exact levels, from the first on."""
    return two_step.ladder(run.game, float(run.config.temperature), LEVELS).values[1:, 0]


def _named(letter: str) -> str:
    return f"game {letter}"


def _self_play(letter: str, level: int) -> str:
    return f"{letter}, level {level + 1}: self-play off by, % of best"


def _gap(letter: str, level: int) -> str:
    return f"{letter}, level {level + 1}: cross-play off by, % of best"


def _targets() -> list[Target]:
    source, found = "tacit's specification; exact values by backward induction", []
    for letter in LETTERS:
        for level in range(LEVELS):
            reason = "the worst run is that near to the exact level"
            found.append(Target(_self_play(letter, level), source, high=PERCENT, reason=reason))
            reason = "the worst pair earns that nearly what its first run earns with itself"
            found.append(Target(_gap(letter, level), source, high=PERCENT, reason=reason))
    return found


RECIPE = Recipe(
    name="tiny-obl-learned",
    title="Off-Belief Learning from play: networks climb the exact ladder on Tiny Hanabi, the same way in every run",
    paper=PAPER,
    rows={_named(letter): _row(letter) for letter in LETTERS},
    measure=measure,
    details=details,
    targets=tuple(_targets()),
    quick=Budget(seeds=2),
    full=Budget(seeds=20),
    judged_quick=True,
    notes=(
        "Openings are random while it learns, so every opening is met often; what is learned does not depend on it.",
        "Drawn instead of weighed, beliefs and replies leave errors that break ties at random: on E, levels 2 and 3 "
        "then end at 9 or 10 by chance, and strangers earn 7.",
    ),
)
