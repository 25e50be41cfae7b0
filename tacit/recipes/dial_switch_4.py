"""Four prisoners and one switch: one bit cannot count to three, and what DIAL makes of it all the same."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tacit.evaluation import riddle_protocols
from tacit.recipes import switch
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_seeds
from tacit.runs.training import Finished

DIAL, RIAL, ALONE = "DIAL", "RIAL", "no communication"
FOUR = {"num_players": 4}
LENGTH = 500  # iterations
TESTS = 1024  # episodes of a test on the way; what is judged is exact
BEST_KNOWN = 0.9235


def exact(run: Finished) -> np.ndarray:
    """Each seed's normalized return at the end, over all sequences of visits."""
    return riddle_protocols.scores(run.game, riddle_protocols.protocols_of(run))


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Exact returns at the end, and their order."""
    ends = {name: exact(run) for name, run in runs.items()}
    return {
        f"{DIAL}: at the end": over_seeds(ends[DIAL]),
        f"{DIAL}: at the end, the aim": over_seeds(ends[DIAL]),
        f"{DIAL} minus {RIAL}": over_seeds(ends[DIAL] - ends[RIAL]),
        f"{RIAL} minus {ALONE}": over_seeds(ends[RIAL] - ends[ALONE]),
    }


def exhibits(runs: Mapping[str, Finished]) -> list[dict[str, Any]]:
    """Tests, and what was said."""
    return [switch.curves(f"Tests of {TESTS} episodes", runs), *switch.speech(runs[DIAL])]


def details(runs: Mapping[str, Finished]) -> list[str]:
    """Each seed: exactly at the end, and on the way there."""
    lines = []
    for name, run in runs.items():
        ends, last = (", ".join(f"{x:.4f}" for x in each) for each in (exact(run), switch.last_tests(run)))
        lines.append(f"{name}: each seed at the end: {ends}; mean of its last 10 tests: {last}.")
    return lines


def _row(learner: str, talk: bool = True) -> Any:
    return switch.row(learner, LENGTH, 5, FOUR | ({} if talk else {"talk": False}), tests=TESTS)


RECIPE = Recipe(
    name="dial-switch-4",
    title="Four prisoners and one switch: DIAL before RIAL before no communication",
    paper=switch.PAPER,
    rows={DIAL: _row("dial"), RIAL: _row("rial"), ALONE: _row("dial", talk=False)},
    measure=measure,
    targets=(
        Target(f"{DIAL}: at the end", switch.OWN, low=0.85, reason="within 50,000 updates"),
        Target(
            f"{DIAL}: at the end, the aim",
            "the best protocol that a search over prisoners who all act alike found: 0.9235",
            low=0.92,
            reason="all but the best protocol known; one bit cannot carry the count, so 1 is out of reach",
        ),
        Target(
            f"{DIAL} minus {RIAL}", switch.PAPER + ", figure", low=0.0, reason="only DIAL with sharing is clearly best"
        ),
        Target(f"{RIAL} minus {ALONE}", switch.PAPER + ", figure", low=0.0, reason="a code of some kind beats none"),
    ),
    quick=Budget(seeds=1, iterations=2),
    notes=(
        "Returns are normalized: divided by the oracle's, 0.780602. At the end they are exact, over all 1,048,576 "
        "sequences of visits; tests on the way are of 1,024 drawn ones.",
        f"The best protocol that a search over prisoners who all act alike found is worth {BEST_KNOWN}. Those of DIAL "
        "know who they are, and three of the five default seeds do better: 0.938, 0.936 and 0.926.",
    ),
    details=details,
    exhibits=exhibits,
)
