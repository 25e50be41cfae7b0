"""Two players find a telephone, and then learn what to say."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tacit.recipes import phone_booth
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_seeds
from tacit.runs.training import Finished

CTDUL, SILENT, BLIND, PLAIN = "CTDUL", "without DIAL", "without information", "without OBL"
FIND = 7  # iterations of discovery
LENGTH = 40  # iterations in all
FEW = 3  # seeds of a row beside it
FIGURE = phone_booth.PAPER + ", figure 4"


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Who leaves by the right exit."""
    last = {name: over_seeds(run.metrics["test"][-1]) for name, run in runs.items()}
    return {
        f"% of seeds solved (greedy return >= {phone_booth.SOLVED})": phone_booth.solved(runs[CTDUL]),
        f"{CTDUL}: return": last[CTDUL],
        f"{SILENT}: return": last[SILENT],
        f"{BLIND}: return": last[BLIND],
        f"{PLAIN}: return": last[PLAIN],
    }


def details(runs: Mapping[str, Finished]) -> list[str]:
    """Each seed's last test."""
    return [
        f"{name}: greedy return, by seed: {np.round(run.metrics['test'][-1], 3).tolist()}."
        for name, run in runs.items()
    ]


def exhibits(runs: Mapping[str, Finished]) -> list[dict[str, Any]]:
    """How soon, and what is said of which exit."""
    title = "What is heard (0 to 1) when either exit is right, greedy"
    return [
        phone_booth.curves("Greedy tests, exact", runs, "test", "return, mean over both exits"),
        phone_booth.by_seed(title, ("up is right", "down is right"), phone_booth.said(runs[CTDUL])),
    ]


def _row(seeds: int, **changes: Any) -> Any:
    return phone_booth.row("phone-booth", LENGTH, seeds, **{"discovery": FIND, **changes})


RECIPE = Recipe(
    name="phone-booth-utilization",
    title="Two players find a telephone, and then learn what to say",
    paper=phone_booth.PAPER,
    rows={
        CTDUL: _row(10),
        SILENT: _row(FEW, dial=False),
        BLIND: _row(FEW, pays="nothing", kappa=0.0),
        PLAIN: _row(FEW, obl=False),
    },
    measure=measure,
    targets=(
        Target(
            f"% of seeds solved (greedy return >= {phone_booth.SOLVED})",
            phone_booth.OWN,
            low=80.0,
            reason="at least 8 of 10; the published mean is that of two seeds solved out of four",
            published=50.0,
        ),
        Target(
            f"{CTDUL}: return",
            FIGURE,
            low=0.62,
            reason="not below the published mean; guessing is worth 0.25, and knowing 1",
            published=0.62,
            published_spread=0.2,
        ),
        Target(
            f"{SILENT}: return",
            FIGURE,
            high=0.5,
            reason="nearer to guessing (0.25) than to knowing; published 0.2 to 0.28",
            published=0.22,
        ),
        Target(
            f"{BLIND}: return",
            FIGURE,
            high=0.25,
            reason="who never finds the telephone can only guess",
            published=0.25,
        ),
        Target(
            f"{PLAIN}: return",
            FIGURE,
            low=0.25,
            reason="more than guessing: the published curve climbs to 0.55 to 0.6, below CTDUL",
            published=0.58,
        ),
    ),
    quick=Budget(seeds=1, iterations=10),
    full=Budget(seeds=20, raised=64),
    notes=("Tests are greedy and exact, on both exits. An iteration is of 3,200 episodes.",),
    details=details,
    exhibits=exhibits,
)
