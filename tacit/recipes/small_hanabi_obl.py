"""Off-Belief Learning on small Hanabi: three levels, each above reading the hints of the one below, runs alike."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tacit.learners import obl
from tacit.recipes import hanabi
from tacit.recipes.base import Budget, Measured, Recipe, Target
from tacit.recipes.hanabi import BOMBED, over_models
from tacit.runs import exhibits
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

PAPER = "Hu et al. 2021, Off-Belief Learning (there on full Hanabi); the variant is that of Bard et al. 2020"
OWN = "tacit's specification"
LEVELS, UPDATES = 3, 600
GAP = 0.15  # of a score that is at most 10
ROW = "levels"
SETTINGS = {
    "levels": LEVELS,
    "updates": UPDATES,
    "temperature": 0.02,
    "epsilon": 0.05,
    "lr": 1e-3,
    "num_games": 256,
    "length": 16,
    "epochs": 2,
    "minibatches": 32,
    "hidden": 64,
}


def crossed(run: Finished) -> dict[str, Any]:
    """Cross-play of all levels of all seeds."""
    return hanabi.crossed(run, {_name(level): obl.at_level(run, level) for level in range(1, LEVELS + 1)})


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """SP, XP and their gap for each level, and how many games were bombed."""
    figures, found = crossed(runs[ROW])["figures"], {}
    for level in range(1, LEVELS + 1):
        of, name = figures[_name(level)], _name(level)
        each = {"SP": of["self_play"], "XP": of["cross_play"], "SP - XP": of["gap"]}
        found |= {f"{name}: {key}": over_models(figure) for key, figure in each.items()}
        found[f"{name}: % bombed, XP"] = over_models(of["measured"][BOMBED]["cross_play"], 100.0)
    rise = [found[f"{_name(level + 1)}: XP"].value - found[f"{_name(level)}: XP"].value for level in range(1, LEVELS)]
    return found | {RISE: Measured(float(np.min(rise)), None, "sd over seeds", runs[ROW].experiment.seeds)}


def _name(level: int) -> str:
    return f"level {level}"


RISE = "least rise of XP from level to level"


def shown(runs: Mapping[str, Finished]) -> list[exhibits.Exhibit]:
    """The table of all levels, and who scores what with whom."""
    return crossed(runs[ROW])["exhibits"]


def _targets(level: int) -> tuple[Target, ...]:
    name = _name(level)
    measured = "measured, not claimed: no figures are published for this variant"
    return (
        Target(f"{name}: SP", OWN, low=0.0, high=10.0, reason=measured),
        Target(f"{name}: XP", OWN, low=0.0, high=10.0, reason=measured),
        Target(f"{name}: SP - XP", OWN, high=GAP, reason="a level is unique, so its runs differ by errors alone"),
        Target(f"{name}: % bombed, XP", OWN, low=0.0, high=100.0, reason=measured),
    )


RECIPE = Recipe(
    name="small-hanabi-obl",
    title="Off-Belief Learning on small Hanabi: each level plays better, and with strangers almost as well",
    paper=PAPER,
    rows={ROW: Experiment("obl", "hanabi-small", "", SETTINGS, iterations=LEVELS * UPDATES, seeds=6)},
    measure=measure,
    targets=(
        *(target for level in range(1, LEVELS + 1) for target in _targets(level)),
        Target(RISE, OWN, low=0.0, reason="reading what the level below would have meant helps"),
    ),
    quick=Budget(seeds=2, learner={"updates": 20}, iterations=60),
    full=Budget(seeds=10),
    least=2,
    notes=(
        "The beliefs of all levels are exact: hands are listed, and weighed by what the level below would have done.",
        "Six seeds and not five: they share two processor cores evenly.",
    ),
    exhibits=shown,
)
