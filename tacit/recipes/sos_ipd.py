"""Stable opponent shaping and its neighbors in the iterated prisoner's dilemma (SOS, IPD experiment)."""

from collections.abc import Mapping

from tacit.evaluation.memory_one import final_values
from tacit.recipes.base import Budget, Measured, Recipe, Target, deviation, over_agents
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

PAPER = "Letcher et al. 2019, Stable Opponent Shaping in Differentiable Games; the authors' notebook"
STEPS = 100  # updates in the notebook


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Average rewards after the last update, and SOS beside LOLA from the same starts."""
    values = {row: final_values(run) for row, run in runs.items()}
    apart = (values["SOS"] - values["LOLA"]).mean(axis=1)
    error = deviation(apart) / len(apart) ** 0.5
    found = {f"{row}: reward": over_agents(value) for row, value in values.items()}
    return found | {"SOS minus LOLA": Measured(float(apart.mean()), error, "se over seeds", len(apart))}


def _row(learner: str, **changes: str) -> Experiment:
    return Experiment(learner, "ipd", learner_settings=dict(changes), iterations=STEPS, seeds=1000)


RECIPE = Recipe(
    name="sos-ipd",
    title="Stable opponent shaping keeps LOLA's cooperation; competitive gradient descent defects like naive learners",
    paper=PAPER,
    rows={
        "naive": _row("naive"),
        "CGD": _row("cgd"),
        "LOLA": _row("lola", form="taylor"),
        "SOS": _row("sos"),
    },
    measure=measure,
    targets=(
        Target("naive: reward", PAPER, high=-1.9, reason="the notebook's figure: defection, loss near 2"),
        Target("CGD: reward", PAPER, high=-1.9, reason="the notebook's figure: beside the naive learners"),
        Target("LOLA: reward", PAPER, low=-1.15, reason="the notebook's figure: cooperation, loss near 1"),
        Target("SOS: reward", PAPER, low=-1.15, reason="the notebook's figure: cooperation, loss near 1"),
        Target(
            "SOS minus LOLA",
            PAPER,
            low=-0.05,
            high=0.05,
            reason="the paper's conclusion: as good as LOLA where LOLA is good",
        ),
    ),
    quick=Budget(seeds=200),
    full=Budget(seeds=10_000),
    notes=("The paper gives these results as curves only; the rules are read off them, to one digit.",),
)
