"""MeVa in the iterated prisoner's dilemma: it extorts naive learners, and cooperates with LOLA and with itself."""

from collections.abc import Mapping

import numpy as np

from tacit.evaluation.memory_one import final_values
from tacit.recipes import meta
from tacit.recipes.base import Budget, Measured, Recipe, Target, deviation
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

PAPER = "Cooijmans, Aghajohari and Courville 2023, Meta-Value Learning (arXiv 2307.08863)"
TABLE = "table of its notebook, matrix.ipynb (1024 trials, 300 updates, the last policies)"
LAPTOP = {"hidden": 32, "quantiles": 16, "num_games": 32, "value_lr": 0.003}
NOTEBOOK = {"hidden": 128, "quantiles": 64, "num_games": 128, "value_lr": 0.001}


def train(against: str = "") -> Experiment:
    """A row that learns the meta-value against a rule, or of both players."""
    return Experiment("meva", "ipd", against, LAPTOP, iterations=400, seeds=4)


def meet(row: str, against: str) -> Experiment:
    """A row in which what was learned there plays a rule; each trial draws one of the trained agents."""
    return Experiment(meta.learned(row), "ipd", against, iterations=300, seeds=1024, every=300)


TRAINED = {
    "train against naive": train("naive"),
    "train against LOLA": train("lola"),
    "train against itself": train(),
}
MEETINGS = {
    "v naive": meet("train against naive", "naive"),
    "v LOLA": meet("train against LOLA", "lola"),
    "v itself": meet("train against itself", meta.learned("train against itself")),
}
NAMES = {"v naive": ("MeVa", "naive"), "v LOLA": ("MeVa", "LOLA"), "v itself": ("MeVa", "MeVa, seat 2")}


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Average reward per round of both players' last policies; the spread is that of the trained agents."""
    found = {}
    for row, names in NAMES.items():
        value, agent = final_values(runs[row]), np.asarray(runs[row].state[0].agent)
        each = np.stack([value[agent == k].mean(axis=0) for k in np.unique(agent)])
        for player, name in enumerate(names):
            spread = deviation(each[:, player])
            kind = f"sd over {len(each)} trained agents"
            found[f"{row}: {name}"] = Measured(float(value[:, player].mean()), spread, kind, len(value))
    return found


def _near(name: str, published: float, error: float) -> Target:
    why = "with a quarter of its batch and of its network's width, and two fifths of its iterations"
    return meta.near(name, published, 0.1, why, TABLE, published_spread=error)


RECIPE = Recipe(
    name="meva-ipd",
    title="MeVa, which climbs the worth of learning to come, extorts naive learners and cooperates with shapers",
    paper=PAPER,
    rows={**TRAINED, **MEETINGS},
    measure=measure,
    targets=(
        _near("v naive: MeVa", -0.551, 0.002),
        _near("v naive: naive", -1.999, 0.004),
        _near("v LOLA: MeVa", -1.145, 0.003),
        _near("v LOLA: LOLA", -1.032, 0.001),
        _near("v itself: MeVa", -1.052, 0.003),
    ),
    scaled=tuple(TRAINED),
    quick=Budget(seeds=2, iterations=20),
    full=Budget(seeds=10, learner=NOTEBOOK),
    notes=(
        "The step size of the network is three times the notebook's, to make do with fewer iterations.",
        "Published spreads are standard errors over trials, ours standard deviations over the trained agents.",
    ),
)
