"""Two players find a telephone that nobody pointed out."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tacit.recipes import phone_booth
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_seeds, share
from tacit.runs.training import Finished

CTDL, OBL = "CTDL", "OBL without information"
LENGTH = 10  # iterations of 100 updates of 32 episodes
EVEN = 0.05  # bits
NOTHING = {"pays": "nothing", "kappa": 0.0}


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Who finds the booth, how soon, and what the sender does in it."""
    last = {name: phone_booth.found(run)[-1] for name, run in runs.items()}
    return {
        "% of seeds whose sender goes straight to the booth": share(last[CTDL] == phone_booth.STEPS),
        "steps until the sender is in the booth": over_seeds(last[CTDL]),
        "unevenness of {hint up, hint down, else} in the booth, bits": over_seeds(
            phone_booth.uneven(phone_booth.in_booth(runs[CTDL]))
        ),
        f"{OBL}: % of seeds whose sender goes straight to the booth": share(last[OBL] == phone_booth.STEPS),
    }


def details(runs: Mapping[str, Finished]) -> list[str]:
    """Each seed's last test."""
    each = {name: np.round(phone_booth.found(run)[-1], 1) for name, run in runs.items()}
    return [
        f"{name}: steps until the sender is in the booth, by seed: {values.tolist()}." for name, values in each.items()
    ]


def exhibits(runs: Mapping[str, Finished]) -> list[dict[str, Any]]:
    """How soon, and what is done in the booth."""
    words = "steps until the sender is in the booth"
    return [
        phone_booth.curves("Greedy tests, exact", runs, "found", words),
        phone_booth.moves_shown(runs[CTDL]),
    ]


def _row(seeds: int, **changes: Any) -> Any:
    return phone_booth.row("phone-booth", LENGTH, seeds, discovery=LENGTH, **changes)


RECIPE = Recipe(
    name="phone-booth-discovery",
    title="Two players find a telephone that nobody pointed out",
    paper=phone_booth.PAPER,
    rows={CTDL: _row(10), OBL: _row(3, **NOTHING)},
    measure=measure,
    targets=(
        Target(
            "% of seeds whose sender goes straight to the booth",
            phone_booth.OWN,
            low=100.0,
            reason="all of them: greedily, and for both exits, it is there after three steps",
        ),
        Target(
            "steps until the sender is in the booth",
            phone_booth.PAPER + ", figure",
            high=3.0,
            reason="the fewest that there can be",
            published=3.0,
        ),
        Target(
            "unevenness of {hint up, hint down, else} in the booth, bits",
            phone_booth.PAPER + ", figure 3: about 1/3 each",
            high=EVEN,
            reason="near 0, what the capacity of the line asks for; without one of the hints it would be 0.585",
            published=0.0,
        ),
        Target(
            f"{OBL}: % of seeds whose sender goes straight to the booth",
            phone_booth.PAPER + ", figure: 16 to 20 steps",
            high=0.0,
            reason="nothing leads there but the information",
            published=0.0,
        ),
    ),
    quick=Budget(seeds=2, iterations=2),
    full=Budget(seeds=20, raised=25),
    notes=("Tests are greedy and exact, on both exits. An iteration is of 3,200 episodes.",),
    details=details,
    exhibits=exhibits,
)
