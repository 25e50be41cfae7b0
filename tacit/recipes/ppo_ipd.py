"""Independent PPO in the iterated prisoner's dilemma: unconditional defection."""

from collections.abc import Mapping

import numpy as np

from tacit.evaluation.readout import ReadOut, read_out
from tacit.games.matrix import STATES
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_agents
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

CLAIM = "the field's common finding that independent learners always defect; no published table"
VISITED = 0.01  # share of steps from which on a state counts as visited


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """The largest P(C) in a visited state over all agents, and the reward."""
    found = read_out(runs["PPO"])
    visited = np.where(found.visits >= VISITED, found.cooperation, -np.inf)
    worst = visited.max(axis=(1, 2))  # [S]
    spread = float(worst.std(ddof=1)) if len(worst) > 1 else None
    return {
        "largest P(C) in a visited state": Measured(float(worst.max()), spread, "sd over seeds", len(worst)),
        "reward": over_agents(found.reward),
    }


def details(runs: Mapping[str, Finished]) -> list[str]:
    """P(C) in every state, visited or not."""
    found: ReadOut = read_out(runs["PPO"])
    words = []
    for i, state in enumerate(STATES):
        chance, share = found.cooperation[:, :, i], found.visits[:, :, i].mean()
        words.append(
            f"{state} {np.nanmean(chance):.3f} (largest {np.nanmax(chance):.3f}, {100 * share:.1f} % of steps)"
        )
    return ["P(C) after each state, mean over agents: " + "; ".join(words) + "."]


RECIPE = Recipe(
    name="ppo-ipd",
    title="Independent PPO defects unconditionally in the iterated prisoner's dilemma",
    paper=CLAIM,
    rows={"PPO": Experiment("ppo", "ipd", iterations=60, seeds=8)},
    measure=measure,
    targets=(
        Target(
            "largest P(C) in a visited state",
            CLAIM,
            high=0.1,
            reason="states in at least 1 % of steps; untouched ones keep their start values and are shown below",
        ),
        Target("reward", CLAIM, high=-1.95, reason="mutual defection pays -2"),
    ),
    quick=Budget(seeds=2),
    full=Budget(seeds=32),
    judged_quick=True,
    details=details,
)
