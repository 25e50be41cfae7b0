"""Curricula in small mazes: five ways to choose levels, with as many steps to learn from for each student."""

import functools
import pathlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from tacit.evaluation import mazes
from tacit.evaluation.statistics import summarize
from tacit.games.maze_held_out import find, levels
from tacit.learners import curriculum
from tacit.recipes import curricula
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_seeds
from tacit.recipes.curricula import ACCEL, DR, METHODS, OWN, ROBUST, SFL
from tacit.recipes.maze_pictures import walked
from tacit.runs import exhibits
from tacit.runs.experiment import Experiment
from tacit.runs.policies import run_in
from tacit.runs.training import Finished

DCD = "facebookresearch/dcd, results/minigrid_ood, mazes of 60 blocks"
SFL_DATA = "amacrutherford/sampling-for-learnability, sfl/data/eval/results/minigrid"
PAIRED = "PAIRED"
UPDATES = 200  # of every student, of 32 x 64 steps each
CYCLES = {DR: UPDATES, ROBUST: 254, ACCEL: 469, SFL: UPDATES}  # those without learning, too
STUDENT = {
    "num_games": 32, "length": 64, "recurrent": True, "hidden": 64, "epochs": 5, "minibatches": 1, "lr": 1e-3,
}  # fmt: skip
RULES = {"walls": 18}  # drawn with replacement: as dense as 60 walls in 13 by 13 cells
BUFFER = {"capacity": 500, "replay": 0.8}
SEARCH = {"search_every": 50, "searches": 8, "search_length": 300, "capacity": 32}
FAMILIES = ("PerfectMaze7", "FourRooms7", "Corridor7", "Crossing7")
RANDOM, PERFECT, WORST = "random levels", "perfect mazes", "worst tenth of random levels"
LEVELS, DRAWN, EPISODES = 500, 100, 10
SETTINGS = {
    DR: METHODS[DR],
    ROBUST: BUFFER,
    ACCEL: BUFFER | METHODS[ACCEL],
    SFL: METHODS[SFL] | SEARCH,
}


class Rates(NamedTuple):
    """Solve rates of one method's students, by seed."""

    random: Float[np.ndarray, " S"]
    worst: Float[np.ndarray, " S"]
    families: dict[str, Float[np.ndarray, " S"]]


def rates(run: Finished) -> Rates:
    """On random levels that can be solved, on the worst tenth of them, and in mazes that nobody learned on.

    Students draw their actions, as in training. The families' horizon is minimax's (`HeldOut.length`).
    """
    return _rates(run.folder.path)


@functools.lru_cache(maxsize=16)
def _rates(path: pathlib.Path) -> Rates:
    run = run_in(path)
    steps = [
        mazes.of_seeds(run, mazes.solvable(run.game, LEVELS), run.game.length, EPISODES, seed=seed) for seed in (1, 2)
    ]
    found, again = (mazes.solve_rates(each, run.game.length) for each in steps)
    families = {}
    for name in FAMILIES:
        horizon = find(name).length
        those = mazes.of_seeds(run, levels(name, DRAWN), horizon, EPISODES)
        families[name] = mazes.solve_rates(those, horizon).mean(1)
    return Rates(again.mean(1), mazes.worst(found, again, (10.0,))[:, 0], families)


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Every method's solve rates, and what one gains over another."""
    each = {name: rates(run) for name, run in runs.items()}
    measured = {_solves(name): over_seeds(found.random) for name, found in each.items()}
    measured |= {f"{name}: {PERFECT}": over_seeds(found.families["PerfectMaze7"]) for name, found in each.items()}
    for better, worse in ((ACCEL, DR), (ROBUST, DR)):
        gain = each[better].families["PerfectMaze7"] - each[worse].families["PerfectMaze7"]
        measured[_gain(better, worse, PERFECT)] = over_seeds(gain)
    return measured | {_gain(SFL, DR, WORST): over_seeds(each[SFL].worst - each[DR].worst)}


def details(runs: Mapping[str, Finished]) -> list[str]:
    """How much every student learned from, and how much play it took."""
    lines = []
    for name, run in runs.items():
        cycles = run.experiment.iterations
        learned = run.metrics["learned"] if "learned" in run.metrics else np.ones((1, 1))
        share = float(learned.mean())
        lines.append(f"{name}: {cycles} cycles of play, about {share * cycles:.0f} of them learned from.")
    return lines


def shown(runs: Mapping[str, Finished]) -> list[exhibits.Exhibit]:
    """Solve rates with intervals, and what the levels were like over time."""
    head = ["method", RANDOM, WORST, *FAMILIES]
    rows = []
    for name, run in runs.items():
        found = rates(run)
        rows.append([name, *map(_interval, (found.random, found.worst, *found.families.values()))])
    caption = "Mean solve rate over seeds, with a 95 % bootstrap interval. Families of size 7 were never learned on."
    curves = (
        ("Solved in play as it learns", "solved", "share of episodes"),
        ("Walls of the levels learned on", "level_walls", "walls"),
        ("Shortest ways of the levels learned on", "level_steps", "steps"),
        ("Levels learned on that can be solved", "level_solvable", "share"),
        ("Scores in the buffer", "score", "mean score"),
    )
    pictures = [curricula.curve(title, runs, metric, words) for title, metric, words in curves]
    kept = [name for name, run in runs.items() if run.resolved.make is curriculum.make and run.config.capacity]
    drawn = [curricula.highest(f"{name}: levels of highest score, seed 0", runs[name]) for name in kept]
    way = walked(
        "One way of each method's first student through mazes never learned on", runs, ("PerfectMaze7", "Crossing7")
    )
    return [exhibits.table("Solve rates", head, rows, caption), way, *pictures, *drawn]


def _interval(values: Float[np.ndarray, " S"]) -> str:
    found = summarize(values)
    return f"{found.mean:.3f} ({found.low:.3f} to {found.high:.3f})"


def _row(method: str) -> Experiment:
    settings = STUDENT | SETTINGS[method]
    return Experiment("curriculum", "maze-small", "", settings, RULES, iterations=CYCLES[method], seeds=5, every=10)


def _solves(name: str) -> str:
    return f"{name}: {RANDOM}"


def _gain(better: str, worse: str, where: str) -> str:
    return f"{better} minus {worse}: {where}"


def _more(name: str, source: str, published: float) -> Target:
    reason = "more than nothing, in smaller mazes and with far less learning than published"
    return Target(name, source, low=0.0, reason=reason, published=published)


RECIPE = Recipe(
    name="maze-small",
    title="Five curricula in small mazes, with as many steps to learn from for each student",
    paper="Jiang et al. 2021 (robust PLR); Parker-Holder et al. 2022 (ACCEL); Rutherford et al. 2024 (SFL)",
    rows={method: _row(method) for method in SETTINGS}
    | {PAIRED: Experiment("paired", "maze-small", "", STUDENT, RULES, iterations=UPDATES, seeds=5, every=10)},
    measure=measure,
    targets=(
        *(
            Target(_solves(name), OWN, low=0.5, reason="more than twice what play solves before it learned anything")
            for name in (*SETTINGS, PAIRED)
        ),
        _more(_gain(ACCEL, DR, PERFECT), DCD, 0.452),
        _more(_gain(ROBUST, DR, PERFECT), DCD, 0.170),
        _more(_gain(SFL, DR, WORST), SFL_DATA, 0.019),
    ),
    quick=Budget(seeds=2, iterations=3),
    full=Budget(seeds=20),
    notes=(
        "Solve rates are means over seeds and levels, 10 plays of each, of students who draw their actions. Random "
        "levels are those that can be solved. Every student learns from 200 batches of 2,048 steps; methods that judge "
        "levels by play that is not learned from play more.",
        "Published figures are of mazes of 13 by 13 cells (perfect mazes: 19 by 19) after 250 million steps and more.",
    ),
    details=details,
    exhibits=shown,
)
