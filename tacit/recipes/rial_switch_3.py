"""RIAL finds a protocol of three prisoners, later than DIAL."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tacit.recipes import switch
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_seeds
from tacit.runs.training import Finished

RIAL, DIAL = "RIAL", "DIAL"
SIZE = {"hidden": 128, "layers": 2, "lr": 5e-4}  # as in the source


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """How well RIAL ends, and how much later than DIAL it gets there."""
    most = max(run.experiment.iterations * run.config.updates for run in runs.values())
    after = {name: np.minimum(switch.solved_after(run), most) for name, run in runs.items()}
    return {
        "RIAL: mean of the last 10 tests": over_seeds(switch.last_tests(runs[RIAL])),
        "updates until solved, RIAL minus DIAL": over_seeds(after[RIAL] - after[DIAL]),
    }


def exhibits(runs: Mapping[str, Finished]) -> list[dict[str, Any]]:
    """Tests, and what was said."""
    return [switch.curves("Tests, exact", runs), *switch.speech(runs[RIAL])]


RECIPE = Recipe(
    name="rial-switch-3",
    title="RIAL finds a protocol of three prisoners and one switch, later than DIAL",
    paper=switch.PAPER,
    rows={RIAL: switch.row("rial", seeds=5, **SIZE), DIAL: switch.row(seeds=5, **SIZE)},
    measure=measure,
    targets=(
        Target(
            "RIAL: mean of the last 10 tests",
            switch.PAPER + ", figure: the optimum within 5,000 updates",
            low=0.97,
            reason="all but the optimum, from rewards alone",
        ),
        Target(
            "updates until solved, RIAL minus DIAL",
            switch.PAPER + ", figure: DIAL with shared parameters is the fastest",
            low=1.0,
            reason="slower than DIAL; a seed that is never solved counts with all updates",
        ),
    ),
    quick=Budget(seeds=2, iterations=3, learner={"hidden": 64, "layers": 1}),
    full=Budget(seeds=20),
    notes=(
        "Returns are normalized: divided by the oracle's, 540/729. Every test is exact, over all 729 sequences of "
        "visits, greedy and in bits. An update is of 32 episodes.",
        "Both rules have the network of the source: two recurrent layers of 128 units, step size 0.0005.",
    ),
    details=lambda runs: [switch.told(name, run) for name, run in runs.items()],
    exhibits=exhibits,
)
