"""The pet and the light: self-play finds a code of its own; Off-Belief Learning and Other-Play do without any."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tacit import games
from tacit.evaluation import two_step
from tacit.evaluation.pairings import Summary, summarize
from tacit.evaluation.two_step import Ladder, shares
from tacit.games.pet_light import OPENINGS, PETS, REPLIES, SETS
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_runs, over_seeds
from tacit.runs import exhibits
from tacit.runs.computation import Computation, Computed, Say
from tacit.settings import setting
from tacit.types import Settings

PAPER = "the cheap-talk example of Hu et al. 2021 (Off-Belief Learning); Other-Play is of Hu et al. 2020"
OWN = "by arithmetic from the payoffs of tacit's pet-light"
ON, OFF = OPENINGS.index("light on"), OPENINGS.index("light off")
SMALLEST = 1e-9  # what counts as equal in 64 bits


class Wanted(Settings):
    """What is computed on the game."""

    temperature: float = setting(0.01, "temperature of the softmax", unit="payoff", above=0.0)
    levels: int = setting(5, "levels above uniform play", low=2, high=1000)
    iterations: int = setting(1000, "updates of the exact policy gradient", low=1, high=10**6)


def strangers(settings: Wanted, seeds: int, seed: int, say: Say) -> dict[str, Any]:
    """Levels of Off-Belief Learning, and self-play and Other-Play by search and by gradient, with their cross-play.

    Returns:
        "values" `[levels + 1, S]` of the levels; "told", how differently level 1 uses the light for the two pets
        (largest difference of log-probabilities); cross-play matrices `[S, S]` by method.
    """
    game = games.make("pet-light")
    say("levels of Off-Belief Learning")
    levels = two_step.ladder(game, settings.temperature, settings.levels, seeds, seed)
    light = levels.policies.first[1][:, [ON, OFF]]
    matrices = {}
    for other_play, name in ((False, "self-play"), (True, "other-play")):
        say(name)
        matrices[f"{name}, searched"] = two_step.searched(game, seeds, seed, other_play)
        matrices[f"{name}, climbed"] = two_step.climbed(game, seeds, seed, settings.iterations, other_play)
    return {
        "values": levels.values.tolist(),
        "told": float(np.ptp(light)),
        "matrices": {name: matrix.tolist() for name, matrix in matrices.items()},
        "exhibits": [*_policies(levels), _methods(levels, matrices)],
    }


def _policies(levels: Ladder) -> list[exhibits.Exhibit]:
    """Level 1, move by move."""
    chances, worth = (np.exp(each[1]) for each in levels.policies), (each[0] for each in levels.worth)
    parts = zip(("Alice", "Bob"), (PETS, SETS), (OPENINGS, REPLIES), chances, worth, strict=True)
    return [
        exhibits.table(
            f"Level 1: {player}",
            ["on seeing", "", *moves],
            [
                [there if kind == "probability" else "", kind, *table[row].tolist()]
                for row, there in enumerate(seen)
                for kind, table in (("probability", chance), ("worth", q))
            ],
            "Probability of each move, and its expected payoff as the player believes it.",
        )
        for player, seen, moves, chance, q in parts
    ]


def _methods(levels: Ladder, matrices: Mapping[str, np.ndarray]) -> exhibits.Exhibit:
    rows: list[list[Any]] = []
    for level, each in enumerate(levels.values):
        rows.append([f"Off-Belief Learning, level {level}", float(each.mean()), float(each.mean()), 0.0])
    for name, matrix in matrices.items():
        told = summarize(matrix)
        rows.append([name, told.self_play.mean, told.cross_play.mean, told.cross_play.se])
    head = ["method", "self-play", "cross-play", "its standard error over runs"]
    return exhibits.table("With oneself and with a stranger", head, rows, "Expected payoffs.")


def measure(runs: Mapping[str, Computed]) -> dict[str, Measured]:
    """Levels over runs; self-play and cross-play with standard errors over runs."""
    result = runs["strangers"].result
    values, told = np.array(result["values"]), _summaries(result)
    found = {
        "OBL: level 1": over_seeds(values[1]),
        "OBL: level 1, how much the light tells": Measured(result["told"], None, "exact", 1),
        "OBL: farthest of the higher levels from 5": over_seeds(np.abs(values[2:] - 5.0).max(axis=0)),
    }
    for name in ("self-play", "other-play"):
        best = told[f"{name}, searched"]
        found |= {
            f"{name}: with itself": over_runs(best.self_play),
            f"{name}: with strangers": over_runs(best.cross_play),
        }
    return found


def details(runs: Mapping[str, Computed]) -> list[str]:
    """What runs of the exact policy gradient come to."""
    result = runs["strangers"].result
    lines = []
    for name, told in _summaries(result).items():
        if name.endswith("climbed"):
            ends = shares(np.diagonal(result["matrices"][name]))
            means = f"with itself {told.self_play.mean:.3f}, with strangers {told.cross_play.mean:.3f}"
            lines.append(f"Exact policy gradient, {name.removesuffix(', climbed')}: {means}; runs end with {ends}.")
    return lines


def _summaries(result: Mapping[str, Any]) -> dict[str, Summary]:
    return {name: summarize(np.array(matrix)) for name, matrix in result["matrices"].items()}


RECIPE = Recipe(
    name="pet-light",
    title="The pet and the light: self-play agrees on a code that no stranger can read; OBL and Other-Play do without",
    paper=PAPER,
    rows={"strangers": Computation(strangers, Wanted(), seeds=64)},
    measure=measure,
    targets=(
        Target(
            "OBL: level 1", OWN, low=5 - 1e-4, high=5 + 1e-4, reason="showing the pet pays 10 - 5; no code is known"
        ),
        Target(
            "OBL: level 1, how much the light tells",
            OWN,
            high=SMALLEST,
            reason="on and off are worth the same for either pet, so their log-probabilities are equal",
        ),
        Target(
            "OBL: farthest of the higher levels from 5",
            OWN,
            high=1e-4,
            reason="a light that tells nothing at level 1 tells nothing at level 2, and so on",
        ),
        Target("self-play: with itself", OWN, low=10 - 1e-4, high=10 + 1e-4, reason="the light is free and tells all"),
        Target(
            "self-play: with strangers",
            OWN,
            low=-1.5,
            high=1.5,
            reason="two codes, chosen by the toss of a coin: 10 with half of the others, -10 with the other half",
        ),
        Target("other-play: with itself", OWN, low=5 - 1e-4, high=5 + 1e-4, reason="no code survives renaming"),
        Target("other-play: with strangers", OWN, low=5 - 1e-4, high=5 + 1e-4, reason="the same for all"),
    ),
    quick=Budget(seeds=32),
    full=Budget(seeds=256),
    judged_quick=True,
    notes=(
        "The example's structure is the paper's; its payoffs could not be checked, so nothing published stands beside.",
        "Self-play and Other-Play are best policies by exhaustive search, any one among equals. The exact policy "
        "gradient, shown below, need not find them.",
    ),
    details=details,
)
