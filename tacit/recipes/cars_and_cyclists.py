"""Cars and cyclists: in iterated chicken, who shapes goes straight and who merely learns swerves.

The passive car swerves, and the cyclist who learned that it does goes straight. Every rule meets every rule; on the
table of payoffs a population of naive learners is invaded; memory-one players that mutate show what evolves.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tacit.evaluation import replicator
from tacit.recipes import meta
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_seeds
from tacit.runs.computation import Computation
from tacit.runs.evolution_result import Wanted, evolution

PAPER = "Lu et al. 2022 (M-FOS) and Cooijmans et al. 2023 (MeVa), iterated chicken; the dynamics are tacit's reading"
OWN = "tacit's specification"
GAME = "iterated-chicken"
SMALL = {"lr": 0.04}  # the notebook's steps of size 1 are on the normalized value, (1 - 0.96) times ours
SMALL_LOLA = {"lr": 0.04, "rate": 0.04}

TRAINED = {
    "train against NL": meta.train(GAME, "naive", opponent=SMALL, iterations=600),
    "train against itself": meta.train(GAME, naive_lr=0.04, **meta.SELF_PLAY),
}
RULES: meta.Rules = {
    "NL": ("naive", SMALL),
    "LOLA": ("lola", SMALL_LOLA),
    "M-FOS": (meta.learned("train against itself"), {}),
    "M-FOS, trained against NL": (meta.learned("train against NL"), {}),
}
MEETINGS = meta.pairings(GAME, RULES)
EXPLOITED = "NL v M-FOS, trained against NL"
PARTNERS = "M-FOS v the partner it trained with"


def measure(runs: Mapping[str, Any]) -> dict[str, Measured]:
    """What a shaper and a naive learner earn in the end, and two shapers on the way; who invades; what evolves."""
    end = runs[EXPLOITED].metrics["value"][-1]  # [S, P]
    found = {
        "M-FOS v NL, in the end: M-FOS": over_seeds(end[:, 1]),
        "M-FOS v NL, in the end: NL": over_seeds(end[:, 0]),
    }
    found |= meta.figures(runs, {PARTNERS: ("1", "2")})
    two = meta.table(runs, RULES).row.mean(axis=2)[np.ix_([0, 3], [0, 3])]
    shares = replicator.ends_of(two, np.array([[0.99, 0.01]]))[0]
    invaded = Measured(float(shares[1]), None, "sd over trials of each pair", meta.TRIALS)
    found["share of the M-FOS that was trained against NL, from 1 %"] = invaded
    late = runs["evolution"].result["late"]
    return found | {
        "evolution: payoff": Measured(
            late["payoff"]["mean"], late["payoff"]["sd"], "sd over populations", late["payoff"]["n"]
        )
    }


def details(runs: Mapping[str, Any]) -> list[str]:
    """The table, and which reasoning evolves."""
    kinds = runs["evolution"].result["late"]["kinds"]
    shares = ", ".join(f"{name} {100 * kind['mean']:.0f} %" for name, kind in kinds.items() if kind["mean"] >= 0.005)
    return [
        *meta.lines(meta.table(runs, RULES)),
        f"Reasoning that evolved among memory-one players (swerving is cooperation): {shares}.",
    ]


RECIPE = Recipe(
    name="cars-and-cyclists",
    title="Cars and cyclists: who shapes goes straight, who merely learns swerves, and two shapers do not crash",
    paper=PAPER,
    rows={
        **TRAINED,
        **MEETINGS,
        "evolution": Computation(evolution, Wanted(game=GAME), seeds=8),
        PARTNERS: meta.meet(GAME, meta.learned("train against itself")),
    },
    measure=measure,
    targets=(
        meta.near("M-FOS v NL, in the end: M-FOS", 0.970, 0.05, "the cyclist goes straight", meta.RERUN),
        meta.near("M-FOS v NL, in the end: NL", -1.027, 0.05, "the car swerves", meta.RERUN),
        Target(
            f"{PARTNERS}: 1",
            meta.RERUN,
            low=-1.0,
            reason="no worse than swerving for ever: a crash costs 100",
            published=-0.007,
            published_spread=0.129,
        ),
        Target(
            "share of the M-FOS that was trained against NL, from 1 %",
            OWN,
            low=0.01,
            reason="it invades a population of naive learners, which it exploits",
        ),
        Target(
            "evolution: payoff",
            OWN,
            low=-5.0,
            reason="crashes become rare: what crashes (-100) dies out",
        ),
    ),
    scaled=tuple(TRAINED),
    quick=Budget(seeds=2, iterations=40),
    full=Budget(seeds=10, iterations=1024, learner={"num_games": 4096}),
    notes=(
        "The table is of means over the 100 counted steps. The first two targets are of last policies, as in the "
        "notebook.",
        "In the table, M-FOS v M-FOS are strangers as well as partners: two that both learned to go straight crash.",
    ),
    details=details,
)
