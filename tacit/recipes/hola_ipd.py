"""Second-order LOLA in the iterated prisoner's dilemma, exact gradients (LOLA table 4)."""

from collections.abc import Mapping

import numpy as np

from tacit.evaluation.memory_one import final_values
from tacit.recipes.base import Budget, Measured, Recipe, Target, deviation, over_agents, over_seeds
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

PAPER = "Foerster et al. 2018, Learning with Opponent-Learning Awareness, table 4"
SLOW = {"lr": 0.5}  # the learning rate that table 4 states; look-ahead rate and updates are not stated


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Average rewards after the last update, and what the second order is worth against LOLA."""
    both, mixed = final_values(runs["LOLA v LOLA"]), final_values(runs["LOLA v 2nd order"])
    gain = mixed[:, 1].mean() - both.mean()
    error = float(np.hypot(deviation(mixed[:, 1]), deviation(both.mean(axis=1))) / len(both) ** 0.5)
    return {
        "LOLA v LOLA: reward": over_agents(both),
        "LOLA v 2nd order: LOLA's reward": over_seeds(mixed[:, 0]),
        "LOLA v 2nd order: 2nd order's reward": over_seeds(mixed[:, 1]),
        "gain from 2nd order against LOLA": Measured(float(gain), error, "se over seeds", len(both)),
        "2nd order v itself: reward": over_agents(final_values(runs["2nd order v itself"])),
    }


RECIPE = Recipe(
    name="hola-ipd",
    title="Higher orders of LOLA: nothing is gained by seeing through LOLA's shaping",
    paper=PAPER,
    rows={
        "LOLA v LOLA": Experiment("lola", "ipd", learner_settings=SLOW, seeds=1000),
        "LOLA v 2nd order": Experiment(
            "lola", "ipd", against="hola", learner_settings=SLOW, against_settings=SLOW, seeds=1000
        ),
        "2nd order v itself": Experiment("hola", "ipd", learner_settings=SLOW, seeds=1000),
    },
    measure=measure,
    targets=(
        Target(
            "LOLA v LOLA: reward",
            PAPER,
            low=-1.07,
            high=-1.01,
            reason="within 0.03 of the published figure",
            published=-1.04,
        ),
        Target(
            "LOLA v 2nd order: LOLA's reward",
            PAPER,
            low=-1.24,
            high=-1.04,
            reason="within 0.1 of the published figure: the paper states neither look-ahead rate nor number of updates",
            published=-1.14,
        ),
        Target(
            "LOLA v 2nd order: 2nd order's reward",
            PAPER,
            low=-1.27,
            high=-1.07,
            reason="within 0.1 of the published figure: the paper states neither look-ahead rate nor number of updates",
            published=-1.17,
        ),
        Target(
            "gain from 2nd order against LOLA",
            PAPER,
            high=0.0,
            reason="the paper's conclusion: no incentive to see further",
            published=-0.13,
        ),
        Target(
            "2nd order v itself: reward",
            "not published",
            low=-1.9,
            high=-1.04,
            reason="shaping is not lost, but nothing is won over LOLA with itself",
        ),
    ),
    quick=Budget(seeds=200),
    full=Budget(seeds=10_000),
)
