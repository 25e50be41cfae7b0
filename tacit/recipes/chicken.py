"""Cars and cyclists: one-shot chicken, played again after every update (the M-FOS code's chicken, without M-FOS)."""

from collections.abc import Mapping

from tacit.recipes.base import Budget, Measured, Recipe, Target, deviation
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

PAPER = "Lu et al. 2022, Model-Free Opponent Shaping, chicken; figures from an independent rerun of its code's protocol"
TAYLOR = {"form": "taylor"}


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Mean reward over the 100 updates after a first, uncounted one."""
    found = {}
    for row, run in runs.items():
        counted = run.metrics["value"][1:].mean(axis=0)  # [S, P]
        for player in range(2):
            each = counted[:, player]
            measured = Measured(float(each.mean()), deviation(each), "sd over seeds", len(each))
            found[f"{row}: player {player + 1}"] = measured
    return found


def _row(learner: str, against: str = "") -> Experiment:
    changes = TAYLOR if learner == "lola" else {}
    return Experiment(learner, "chicken", against, changes, iterations=101, seeds=4096, every=1)


def _target(row: str, player: int, rerun: float, within: float, why: str) -> Target:
    reason = f"within {within:g} of the rerun ({rerun:g}): {why}"
    return Target(
        f"{row}: player {player}", PAPER, low=rerun - within, high=rerun + within, reason=reason, published=rerun
    )


RECIPE = Recipe(
    name="chicken",
    title="Cars and cyclists: who shapes goes straight, the naive swerve, and two shapers crash",
    paper=PAPER,
    rows={
        "naive v naive": _row("naive"),
        "LOLA v naive": _row("lola", "naive"),
        "LOLA v LOLA": _row("lola"),
    },
    measure=measure,
    targets=(
        _target("naive v naive", 1, -0.004, 0.03, "one of the two ends up going straight, by initialization"),
        _target("LOLA v naive", 1, 0.939, 0.03, "the shaper goes straight"),
        _target("LOLA v naive", 2, -0.975, 0.03, "the naive learner swerves"),
        _target("LOLA v LOLA", 1, -86.8, 3.0, "both count on the other to swerve"),
    ),
    quick=Budget(seeds=512),
    full=Budget(seeds=16_384),
    notes=("Published beside ours: the rerun's figures; the paper's own table could not be read.",),
)
