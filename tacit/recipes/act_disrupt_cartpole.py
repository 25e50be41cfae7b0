"""Two numbers that say nothing new are to keep PPO from learning the cart and pole."""

from collections.abc import Mapping

from tacit.recipes import act
from tacit.recipes.base import Budget, Measured, Recipe
from tacit.runs import exhibits
from tacit.runs.training import Finished

CONTROLS = (act.NONE, act.CONSTANT, act.START, act.NETWORKS)


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Losses of held-out victims and their p values."""
    return act.measured(act.learned(runs[act.ROW].folder.path, CONTROLS), -1.0, CONTROLS)


def details(runs: Mapping[str, Finished]) -> list[str]:
    """Each adversary by itself."""
    return act.lines(act.learned(runs[act.ROW].folder.path, CONTROLS), -1.0)


def _exhibits(runs: Mapping[str, Finished]) -> list[exhibits.Exhibit]:
    return act.shown(runs[act.ROW], act.learned(runs[act.ROW].folder.path, CONTROLS))


RECIPE = Recipe(
    name="act-disrupt-cartpole",
    title="Messages that are functions of the state are to keep PPO from learning",
    paper=act.PAPER,
    rows={act.ROW: act.adversaries("disrupt")},
    measure=measure,
    targets=tuple(act.targets(CONTROLS)),
    quick=act.QUICK,
    full=Budget(seeds=8, raised=200, learner={"population": 64, "victims": 4, "block": 64}),
    notes=(
        "Losses are of the mean return over all updates of a victim, on the same victims; no adversary met them. "
        "Any network at random costs a victim something, so a loss against the constant message alone shows nothing: "
        "what counts is the loss against an adversary's own start and against random networks.",
        "Earlier trials with this budget found no disruption (two settings, one adversary each). The full mode has the "
        "larger populations, several victims a member and more generations that were named as the next thing to try.",
    ),
    details=details,
    exhibits=_exhibits,
)
