"""What recipes of Off-Belief Learning on Hanabi share: the levels of a run and how they play with each other."""

from typing import Any

import numpy as np

from tacit.learners import obl
from tacit.recipes import hanabi
from tacit.recipes.base import Measured
from tacit.recipes.hanabi import BEFORE, BOMBED, over_models
from tacit.runs.training import Finished

RISE = "least rise of XP from level to level"


def name(level: int) -> str:
    """What a level is called; the first is 1."""
    return f"level {level}"


def crossed(run: Finished) -> dict[str, Any]:
    """Cross-play of all levels of all seeds."""
    return hanabi.crossed(run, {name(level): obl.at_level(run, level) for level in _levels(run)})


def _levels(run: Finished) -> range:
    return range(1, run.config.levels + 1)


def figures(run: Finished) -> dict[str, Measured]:
    """For each level SP, XP, their gap, bombs and the score in spite of them; and the least rise from one to the next.

    It takes two levels at least, and two seeds.
    """
    content, found = crossed(run)["figures"], {}
    for level in map(name, _levels(run)):
        of = content[level]
        bombed, before = of["measured"][BOMBED], of["measured"][BEFORE]
        found |= {
            f"{level}: SP": over_models(of["self_play"]),
            f"{level}: XP": over_models(of["cross_play"]),
            f"{level}: SP - XP": over_models(of["gap"]),
            f"{level}: % bombed, XP": over_models(bombed["cross_play"], 100.0),
            f"{level}: score before the bomb, XP": over_models(before["cross_play"]),
        }
    steps = np.diff([found[f"{name(level)}: XP"].value for level in _levels(run)])
    return found | {RISE: Measured(float(steps.min()), None, "sd over seeds", run.experiment.seeds)}
