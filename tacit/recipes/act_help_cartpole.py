"""Two numbers that say nothing new make PPO learn the cart and pole faster."""

from collections.abc import Mapping

from tacit.recipes import act
from tacit.recipes.base import Budget, Measured, Recipe
from tacit.runs import exhibits
from tacit.runs.training import Finished

CONTROLS = (act.NONE, act.CONSTANT, act.NOISE)
JUDGED = (act.NONE, act.CONSTANT)


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Effects on held-out victims and their p values."""
    return act.measured(act.learned(runs[act.ROW].folder.path, CONTROLS), 1.0, JUDGED)


def details(runs: Mapping[str, Finished]) -> list[str]:
    """Each adversary by itself."""
    return act.lines(act.learned(runs[act.ROW].folder.path, CONTROLS), 1.0)


def _exhibits(runs: Mapping[str, Finished]) -> list[exhibits.Exhibit]:
    return act.shown(runs[act.ROW], act.learned(runs[act.ROW].folder.path, CONTROLS))


RECIPE = Recipe(
    name="act-help-cartpole",
    title="Messages that are functions of the state help PPO to learn",
    paper=act.PAPER,
    rows={act.ROW: act.adversaries("help")},
    measure=measure,
    targets=tuple(act.targets(JUDGED)),
    quick=act.QUICK,
    full=Budget(seeds=8, raised=200),
    notes=(
        "Effects are of the mean return over all updates of a victim, on the same victims with and without "
        "messages; no adversary met them. Noise is no cheap talk, and is there to compare with.",
    ),
    details=details,
    exhibits=_exhibits,
)
