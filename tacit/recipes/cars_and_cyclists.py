"""Cars and cyclists: in iterated chicken, who shapes goes straight and who merely learns swerves.

The passive car swerves, and the cyclist who learned that it does goes straight. Every rule meets every rule; on the
table of payoffs a population of naive learners is invaded; memory-one players that mutate show what evolves.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tacit.evaluation import replicator
from tacit.recipes import meta
from tacit.recipes.base import Budget, Measured, Recipe, Target
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


def measure(runs: Mapping[str, Any]) -> dict[str, Measured]:
    """What shapers and naive learners earn, who is left where one in a hundred is M-FOS, and what evolves."""
    rows = {name: tuple(name.split(" v ")) for name in MEETINGS}
    found = meta.figures(runs, {name: (f"1, {a}", f"2, {b}") for name, (a, b) in rows.items()})
    two = meta.table(runs, RULES).row.mean(axis=2)[np.ix_([0, 3], [0, 3])]
    end = replicator.ends_of(two, np.array([[0.99, 0.01]]))[0]
    found["share of the M-FOS that was trained against NL, from 1 %"] = Measured(float(end[1]), None, "", meta.TRIALS)
    late = runs["evolution"].result["late"]
    for name in ("payoff", "cooperation"):
        figure = late[name]
        found[f"evolution: {name}"] = Measured(figure["mean"], figure["sd"], "sd over populations", figure["n"])
    return found


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
    rows={**TRAINED, **MEETINGS, "evolution": Computation(evolution, Wanted(game=GAME), seeds=8)},
    measure=measure,
    targets=(
        Target(
            "NL v M-FOS, trained against NL: 2, M-FOS, trained against NL",
            meta.RERUN,
            low=0.85,
            reason="the cyclist goes straight nearly always",
            published=0.970,
        ),
        Target(
            "NL v M-FOS, trained against NL: 1, NL",
            meta.RERUN,
            low=-1.2,
            high=-0.85,
            reason="the car swerves nearly always, and seldom crashes",
            published=-1.027,
        ),
        Target(
            "M-FOS v M-FOS: 1, M-FOS",
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
    details=details,
)
