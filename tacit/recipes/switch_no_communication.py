"""Three prisoners without a switch: what the same learners reach when nobody hears anything."""

from collections.abc import Mapping

from tacit.recipes import switch
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_seeds, share
from tacit.runs.training import Finished

ALONE = "no communication"
MOST = 0.73


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Whether a test was ever too good, and the last ones."""
    tests = switch.tests(runs[ALONE])
    return {
        f"% of seeds with a test above {MOST}": share(tests.max(0) > MOST),
        "mean of the last 10 tests": over_seeds(switch.last_tests(runs[ALONE])),
    }


RECIPE = Recipe(
    name="switch-no-communication",
    title="Three prisoners who see no switch stay below 0.73 of the oracle's return",
    paper=switch.PAPER,
    rows={ALONE: switch.row(rules={"talk": False})},
    measure=measure,
    targets=(
        Target(
            f"% of seeds with a test above {MOST}",
            "a search over policies, without proof that none is better: 0.722",
            high=0.0,
            reason="the best policies known without communication reach 0.722; a test above would be a leak",
        ),
        Target(
            "mean of the last 10 tests",
            switch.BY_ENUMERATION,
            low=0.65 - 0.05,
            high=MOST,
            reason="telling on the last day, whatever happened, is worth 0.65; and the bound above",
        ),
    ),
    quick=Budget(seeds=2, iterations=8),
    full=Budget(seeds=20),
    notes=("As dial-switch-3, but no message ever arrives (`--game.no-talk`).",),
    details=lambda runs: [switch.told(name, run) for name, run in runs.items()],
    exhibits=lambda runs: [switch.curves("Tests, exact", runs)],
)
