"""DIAL finds the best protocol of three prisoners."""

from collections.abc import Mapping
from typing import Any

from tacit.recipes import channels, switch
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_runs, over_seeds
from tacit.runs.training import Finished

DIAL, QUIET = "DIAL", "DIAL, no noise"
SOON = 1000  # updates
CLOCK = f"seconds of {SOON:,} updates of all seeds, with compilation"
NO_TALK = 0.73  # what the best players known without communication reach, rounded up


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """How soon and how well; what noise is for; what strangers make of each other."""
    run, quiet = runs[DIAL], runs[QUIET]
    summary = switch.crossed(run)[0]
    return {
        f"% of seeds solved within {SOON:,} updates": switch.solved_within(run, SOON),
        "mean of the last 10 tests": over_seeds(switch.last_tests(run)),
        CLOCK: switch.clock(run, SOON),
        f"{QUIET}: what bits lose": switch.numbers_against_bits(quiet),
        "runs among strangers": over_runs(summary.cross_play),
    }


def exhibits(runs: Mapping[str, Finished]) -> list[dict[str, Any]]:
    """Tests, what was said, the protocol, the channel, strangers."""
    run = runs[DIAL]
    return [
        switch.curves("Tests of DIAL, exact", {DIAL: run}),
        *switch.speech(run),
        channels.histograms(runs),
        switch.crossed(run)[1],
    ]


RECIPE = Recipe(
    name="dial-switch-3",
    title="DIAL finds the best protocol of three prisoners and one switch",
    paper=switch.PAPER,
    rows={DIAL: switch.row(), QUIET: switch.row(seeds=5, noise=0.0)},
    measure=measure,
    targets=(
        Target(
            f"% of seeds solved within {SOON:,} updates",
            switch.OWN,
            low=100.0,
            reason="a test of 0.999 or more; the best protocol is as good as the oracle's",
        ),
        Target(
            "mean of the last 10 tests",
            switch.PAPER + ", figure: the optimum within 5,000 updates",
            low=0.99,
            reason="learning goes on after the solution is found, and dips are counted",
        ),
        Target(CLOCK, switch.OWN, high=60.0, reason="on two cores of a laptop; depends on the machine"),
        Target(
            f"{QUIET}: what bits lose",
            switch.PAPER + ", appendix C: without noise messages stay central",
            low=1e-6,
            reason="more than nothing on average: numbers that noise never pulled apart do not survive as bits",
        ),
        Target(
            "runs among strangers",
            switch.OWN,
            high=NO_TALK,
            reason="a code of one's own is worth no more to strangers than no code (0.73 at most)",
        ),
    ),
    quick=Budget(seeds=2, iterations=4),
    full=Budget(seeds=20, learner={"hidden": 128, "layers": 2, "lr": 5e-4}),
    least=2,
    notes=(
        "Returns are normalized: divided by the oracle's, 540/729. Every test is exact, over all 729 sequences of "
        "visits, greedy and in bits. An update is of 32 episodes.",
    ),
    details=lambda runs: [switch.told(name, run) for name, run in runs.items()],
    exhibits=exhibits,
)
