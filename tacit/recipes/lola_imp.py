"""LOLA in iterated matching pennies, exact gradients (LOLA table 3, right half)."""

from collections.abc import Mapping

import numpy as np

from tacit.evaluation.memory_one import cooperation, final_values
from tacit.recipes.base import Budget, Measured, Recipe, Target, deviation, share
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

PAPER = "Foerster et al. 2018, Learning with Opponent-Learning Awareness, table 3"


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Spread over seeds of player 1's value (in a zero-sum game its mean says nothing), and its policies."""
    found = {}
    for row, run in runs.items():
        first = final_values(run)[:, 0]
        spread = deviation(first)
        error = spread / max(2 * (len(first) - 1), 1) ** 0.5
        found[f"{row}: sd of player 1's reward"] = Measured(spread, error, "se over seeds", len(first))
        near = np.abs(cooperation(run)[:, 0] - 0.5) <= 0.05
        found[f"{row}: % of its probabilities near 1/2"] = share(near)
    return found


RECIPE = Recipe(
    name="lola-imp",
    title="LOLA finds the equilibrium of iterated matching pennies; naive learners do not",
    paper=PAPER,
    rows={
        "naive": Experiment("naive", "imp", seeds=1000),
        "LOLA": Experiment("lola", "imp", seeds=1000),
    },
    measure=measure,
    targets=(
        Target(
            "naive: sd of player 1's reward",
            PAPER,
            low=0.3,
            reason="whoever was lucky at the start stays ahead",
            published=0.37,
        ),
        Target(
            "LOLA: sd of player 1's reward",
            PAPER,
            high=0.05,
            reason="all seeds at the value of the game",
            published=0.02,
        ),
        Target(
            "naive: % of its probabilities near 1/2",
            PAPER,
            high=5.0,
            reason="within 0.05 of the only equilibrium; the paper does not define its percentage of Nash",
            published=0.0,
        ),
        Target(
            "LOLA: % of its probabilities near 1/2",
            PAPER,
            low=94.0,
            reason="within 0.05 of the only equilibrium; the paper does not define its percentage of Nash",
            published=98.8,
        ),
    ),
    quick=Budget(seeds=200),
    full=Budget(seeds=10_000),
    notes=("The discount is 0.9, as in the paper; the look-ahead rate must be 1 (with 0.5 LOLA fails here).",),
)
