"""Payoffs between naive learners and LOLA, by the protocols of two published tables of payoffs.

Figures are average rewards per round. In the protocol of M-FOS they are means over 100 updates after a first, uncounted
one, with LOLA in its Taylor form; in that of the Meta-Value Learning notebook they are of the last joint policy after
300 updates, with LOLA in the form of its paper.
"""

from collections.abc import Mapping

import numpy as np

from tacit.evaluation.memory_one import final_values
from tacit.evaluation.payoffs import per_trial
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_seeds
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

RERUN = "protocol of Lu et al. 2022 (M-FOS) and its public code; figures from an independent float64 rerun, 4096 trials"
NOTEBOOK = "Cooijmans et al. 2023 (Meta-Value Learning), public notebook matrix.ipynb, stored output of 1024 trials"
TAYLOR = {"form": "taylor"}
LIKE_MFOS = {"discount": 0.96}  # of matching pennies in the M-FOS code; LOLA's has 0.9
# The notebook's iterated chicken takes steps of size 1 on the normalized value, (1 - 0.96) times ours.
SMALL, SMALL_LOLA = {"lr": 0.04}, {"lr": 0.04, "rate": 0.04}
LAST = "last"  # begins the names of rows that count at their end alone


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Mean over seeds for both players of every row; where both follow the same rule, of the mean over both seats."""
    found: dict[str, Measured] = {}
    for row, run in runs.items():
        if row.startswith(LAST):
            found |= _figures(row, run, final_values(run))
        else:
            values = run.metrics["value"]
            found |= _figures(row, run, per_trial(values, "mean"))
            found |= _figures(f"{row}, at the end", run, per_trial(values, "last"))
    return found


def _figures(name: str, run: Finished, earned: np.ndarray) -> dict[str, Measured]:
    """The figures of one row from what both players earned, `[S, 2]`."""
    if not run.experiment.against and run.experiment.game != "imp":  # there the seats differ
        return {name: over_seeds(earned.mean(axis=1))}
    return {f"{name}: player {player + 1}": over_seeds(earned[:, player]) for player in range(2)}


def _mean(learner: str, against: str = "", game: str = "ipd") -> Experiment:
    """A row that counts from its second to its last value."""
    changes, rules = TAYLOR if learner == "lola" else {}, LIKE_MFOS if game == "imp" else {}
    return Experiment(learner, game, against, changes, rules, iterations=101, seeds=4096, every=1)


def _last(learner: str, against: str = "", game: str = "ipd") -> Experiment:
    """A row that counts at its end."""
    small = game == "iterated-chicken"
    changes = (SMALL_LOLA if learner == "lola" else SMALL) if small else {}
    others = SMALL if small and against else {}
    return Experiment(learner, game, against, changes, {}, others, iterations=300, seeds=4096)


def _near(name: str, source: str, published: float, within: float, spread: float | None = None) -> Target:
    why = "three standard errors of the difference" if source == NOTEBOOK else "more than two such runs differ by"
    return Target(
        name,
        source,
        low=published - within,
        high=published + within,
        reason=f"within {within:g} of it: {why}",
        published=published,
        published_spread=spread,
    )


RECIPE = Recipe(
    name="rule-payoffs",
    title="What naive learners and LOLA earn against each other, while they learn and in the end",
    paper="tables of Lu et al. 2022 (M-FOS) and of Cooijmans et al. 2023 (Meta-Value Learning)",
    rows={
        "NL v NL": _mean("naive"),
        "LOLA v NL": _mean("lola", "naive"),
        "LOLA v LOLA": _mean("lola"),
        "matching pennies, NL v NL": _mean("naive", game="imp"),
        "matching pennies, LOLA v NL": _mean("lola", "naive", game="imp"),
        "matching pennies, LOLA v LOLA": _mean("lola", game="imp"),
        "last of 300, NL v NL": _last("naive"),
        "last of 300, LOLA v NL": _last("lola", "naive"),
        "last of 300, LOLA v LOLA": _last("lola"),
        "last of 300, chicken, NL v NL": _last("naive", game="iterated-chicken"),
        "last of 300, chicken, LOLA v NL": _last("lola", "naive", game="iterated-chicken"),
        "last of 300, chicken, LOLA v LOLA": _last("lola", game="iterated-chicken"),
    },
    measure=measure,
    targets=(
        _near("NL v NL", RERUN, -1.981, 0.02),
        _near("LOLA v NL: player 1", RERUN, -1.302, 0.02),
        _near("LOLA v NL: player 2", RERUN, -1.519, 0.02),
        _near("LOLA v LOLA", RERUN, -1.093, 0.02),
        _near("NL v NL, at the end", RERUN, -1.988, 0.02),
        _near("LOLA v NL, at the end: player 1", RERUN, -1.323, 0.02),
        _near("LOLA v NL, at the end: player 2", RERUN, -1.427, 0.02),
        _near("LOLA v LOLA, at the end", RERUN, -1.051, 0.02),
        _near("matching pennies, NL v NL: player 1", RERUN, 0.0, 0.02),
        _near("matching pennies, LOLA v NL: player 1", RERUN, -0.193, 0.02),
        _near("matching pennies, LOLA v NL: player 2", RERUN, 0.193, 0.02),
        _near("matching pennies, LOLA v LOLA: player 1", RERUN, 0.0, 0.03),
        _near("last of 300, NL v NL", NOTEBOOK, -1.988, 0.012, 0.003),
        _near("last of 300, LOLA v NL: player 1", NOTEBOOK, -1.357, 0.05, 0.014),
        _near("last of 300, LOLA v NL: player 2", NOTEBOOK, -1.377, 0.05, 0.015),
        _near("last of 300, LOLA v LOLA", NOTEBOOK, -1.041, 0.02, 0.005),
        _near("last of 300, chicken, NL v NL", NOTEBOOK, -0.049, 0.08, 0.023),
        _near("last of 300, chicken, LOLA v NL: player 1", NOTEBOOK, 0.377, 0.06, 0.017),
        _near("last of 300, chicken, LOLA v NL: player 2", NOTEBOOK, -0.402, 0.06, 0.017),
        _near("last of 300, chicken, LOLA v LOLA", NOTEBOOK, -1.641, 1.25, 0.369),
    ),
    quick=Budget(seeds=256),
    full=Budget(seeds=16_384),
    notes=(
        "NL is the naive learner. Spreads of the notebook's figures are standard errors, ours standard deviations.",
        "The paper of M-FOS could not be read; its table agrees with the rerun as far as it is remembered.",
        "Two LOLA learners in matching pennies have not converged after 100 updates at this discount: a wide spread.",
    ),
)
