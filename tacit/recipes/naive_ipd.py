"""Naive learners in the iterated prisoner's dilemma, exact and sampled (LOLA table 3, NL-Ex and NL-PG)."""

from collections.abc import Mapping

from tacit.evaluation.memory_one import final_values
from tacit.evaluation.readout import read_out
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_agents
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

PAPER = "Foerster et al. 2018, Learning with Opponent-Learning Awareness, table 3"


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Average reward per round after the last update; of the sampled learners, in fresh episodes of 150 rounds."""
    return {
        "exact: reward": over_agents(final_values(runs["exact"])),
        "sampled: reward": over_agents(read_out(runs["sampled"]).reward),
    }


RECIPE = Recipe(
    name="naive-ipd",
    title="Naive learners always defect in the iterated prisoner's dilemma",
    paper=PAPER,
    rows={
        "exact": Experiment("naive", "ipd", seeds=1000),
        "sampled": Experiment("naive-pg", "ipd", seeds=32),
    },
    measure=measure,
    targets=(
        Target(
            "exact: reward",
            PAPER,
            high=-1.95,
            reason="mutual defection pays -2; a few starts end elsewhere",
            published=-1.98,
            published_spread=0.14,
        ),
        Target(
            "sampled: reward",
            PAPER,
            high=-1.95,
            reason="mutual defection pays -2; a few starts end elsewhere",
            published=-1.98,
            published_spread=0.00,
        ),
    ),
    quick=Budget(seeds=8),
    full=Budget(seeds=1000),
    judged_quick=True,
    notes=(
        "The paper's sampled learners are actor-critics with batches of 4000; ours are REINFORCE with batches of 64.",
    ),
)
