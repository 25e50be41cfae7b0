"""What recipes of Off-Belief Learning on Hanabi share: the levels of a run and how they play with each other."""

from collections.abc import Mapping, Sequence
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
    return figures_of([crossed(run)["figures"][name(level)] for level in _levels(run)])


def figures_of(levels: Sequence[Mapping[str, Any]]) -> dict[str, Measured]:
    """The same of what `tacit.runs.cross_play.result` says of each level's seeds."""
    found = {}
    for level, of in enumerate(levels, 1):
        bombed, before = of["measured"][BOMBED], of["measured"][BEFORE]
        each = {
            "SP": over_models(of["self_play"]),
            "XP": over_models(of["cross_play"]),
            "SP - XP": over_models(of["gap"]),
            "% bombed, XP": over_models(bombed["cross_play"], 100.0),
            "score before the bomb, XP": over_models(before["cross_play"]),
        }
        found |= {f"{name(level)}: {what}": figure for what, figure in each.items()}
    xp = [found[f"{name(level)}: XP"] for level in range(1, len(levels) + 1)]
    return found | {RISE: Measured(float(np.diff([one.value for one in xp]).min()), None, "sd over seeds", xp[0].n)}
