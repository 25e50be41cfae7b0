"""The published mazes of 13 by 13 cells: domain randomization, robust PLR, ACCEL, SFL and PAIRED at published budgets.

The budgets, 30,000 cycles or 3e8 steps, are for one GPU (`--full`). The default mode learns for a few cycles, tests,
and shows its curves: it says that a method runs here, and not how well it does.
"""

import functools
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from tacit.evaluation import mazes
from tacit.recipes import curricula
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_seeds
from tacit.recipes.curricula import ACCEL, DR, METHODS, ROBUST, SFL
from tacit.runs import exhibits
from tacit.runs.experiment import Experiment
from tacit.runs.policies import run_in
from tacit.runs.training import Finished

SEVEN = ("SixteenRooms", "Labyrinth", "Labyrinth2", "StandardMaze", "StandardMaze2", "Crossing", "SmallCorridor")
TWELVE = (*SEVEN, "SixteenRooms2", "StandardMaze3", "FourRooms", "LargeCorridor", "PerfectMazeMedium")
OF_25, OF_60 = (f"facebookresearch/dcd, results/minigrid_ood, {walls} blocks" for walls in (25, 60))
SFL_DATA = "amacrutherford/sampling-for-learnability, sfl/data/eval/results/minigrid"
FEW, PUBLISHED, SFL_UPDATES = 12, 30_000, 4578  # cycles; SFL's are of 256 x 256 steps
LEVELS, DRAWN, EPISODES = 1000, 20, 5
STUDENT = {
    "num_games": 32, "length": 256, "epochs": 5, "minibatches": 1, "recurrent": True, "hidden": 256, "decay": 0.98,
    "lr": 1e-4, "entropy_weight": 1e-3, "anneal": PUBLISHED,
}  # fmt: skip
OF_SFL = {
    "num_games": 256, "length": 256, "epochs": 4, "minibatches": 4, "recurrent": True, "hidden": 256, "decay": 0.95,
    "lr": 2.5e-4, "entropy_weight": 0.0, "clip": 0.04, "discount": 0.99, "anneal": SFL_UPDATES, "capacity": 1000,
    "searches": 98, "search_length": 2000,
}  # fmt: skip
FULL = Budget(seeds=5, raised=PUBLISHED)
FULL_BUFFER = Budget(seeds=5, raised=PUBLISHED, learner={"fill": 0.5})
SOON: dict[str, Any] = {"fill": 0.02}  # replays begin within the few cycles of the default mode
FEW_SEARCHES: dict[str, Any] = {"searches": 4, "search_length": 1000, "capacity": 32}
CHEAP = {"num_games": 4, "epochs": 1, "minibatches": 1, "hidden": 32}  # what the quick mode changes
GAIN = "episodes solved in play: last minus first"
MEAN, WORST = "mean solve rate of {} held-out mazes", "worst tenth of random levels of 60 walls"


@functools.lru_cache(maxsize=4)
def _held_out(path: pathlib.Path, names: tuple[str, ...]) -> dict[str, Float[np.ndarray, " S"]]:
    found = mazes.held_out(run_in(path), names, EPISODES, DRAWN)
    return {name: score.long for name, score in found.items()}


def _worst(run: Finished) -> Float[np.ndarray, " S"]:
    """By two plays of each level, one to find the worst."""
    levels = mazes.solvable(run.game, LEVELS)
    found, again = (
        mazes.solve_rates(mazes.of_seeds(run, levels, run.game.length, EPISODES, seed=seed), run.game.length)
        for seed in (1, 2)
    )
    return mazes.worst(found, again, (10.0,))[:, 0]


def _measured(name: str, names: tuple[str, ...], runs: Mapping[str, Finished]) -> dict[str, Measured]:
    run = runs[name]
    solved = curricula.by_seed(run, "solved")
    measured = {GAIN: over_seeds(np.nanmean(solved[-3:], axis=0) - np.nanmean(solved[:3], axis=0))}
    if names:
        each = _held_out(run.folder.path, names)
        return measured | {MEAN.format(len(names)): over_seeds(np.mean(list(each.values()), axis=0))}
    return measured | {WORST: over_seeds(_worst(run))}


def _shown(name: str, names: tuple[str, ...], runs: Mapping[str, Finished]) -> list[exhibits.Exhibit]:
    run = runs[name]
    curves = (
        ("Solved in play as it learns", "solved", "share of episodes"),
        ("Walls of the levels learned on", "level_walls", "walls"),
        ("Shortest ways of the levels learned on", "level_steps", "steps"),
        ("Scores in the buffer", "score", "mean score"),
    )
    told = [curve for curve in curves if curve[1] in run.metrics]  # who keeps no levels has no scores
    pictures = [curricula.curve(title, {name: run}, metric, words) for title, metric, words in told]
    if getattr(run.config, "capacity", 0):
        pictures.append(curricula.highest("Levels of highest score, seed 0", run))
    if not names:
        return pictures
    rows = [[maze, float(rates.mean())] for maze, rates in _held_out(run.folder.path, names).items()]
    caption = "Horizons are those of the published tables (minimax, DCD)."
    return [exhibits.table("Solve rates of held-out mazes", ["maze", "solve rate"], rows, caption), *pictures]


def _recipe(
    name: str,
    method: str,
    title: str,
    row: Experiment,
    paper: str,
    names: tuple[str, ...],
    target: Target,
    full: Budget = FULL,
) -> Recipe:
    learns = Target(GAIN, curricula.OWN, low=0.0, reason="it does not do worse than at first")
    return Recipe(
        name=name,
        title=title,
        paper=paper,
        rows={method: row},
        measure=functools.partial(_measured, method, names),
        targets=(target, learns),
        quick=Budget(seeds=1, iterations=3, learner=CHEAP),
        full=full,
        notes=(
            f"The default mode runs {row.iterations} cycles, the full one {full.raised:,}. A run that was interrupted "
            "goes on from its last checkpoint (tacit reproduce --resume FOLDER), in as many pieces as needed.",
            "Students have a GRU of 256 units and no convolutions.",
        ),
        exhibits=functools.partial(_shown, method, names),
    )


def _row(learner: str, seeds: int = 2, walls: int = 25, **changes: Any) -> Experiment:
    rules = {"walls": walls}
    return Experiment(learner, "maze", "", STUDENT | changes, rules, iterations=FEW, seeds=seeds, every=1)


def _mean(names: tuple[str, ...], source: str, published: float, spread: float) -> Target:
    reason = "not below the published mean by more than its standard deviation over seeds"
    low = round(published - spread, 3)
    return Target(MEAN.format(len(names)), source, low=low, reason=reason, published=published, published_spread=spread)


MAZE_DR = _recipe(
    "maze-dr",
    DR,
    "Domain randomization in mazes of 13 by 13 cells",
    _row("curriculum", **METHODS[DR]),
    "Jiang et al. 2021, Replay-Guided Adversarial Environment Design",
    SEVEN,
    _mean(SEVEN, OF_25, 0.428, 0.137),
)
MAZE_PLR = _recipe(
    "maze-plr",
    ROBUST,
    "Robust PLR in mazes of 13 by 13 cells",
    _row("curriculum", **METHODS[ROBUST] | SOON),
    "Jiang et al. 2021, Replay-Guided Adversarial Environment Design",
    SEVEN,
    _mean(SEVEN, OF_25, 0.677, 0.233),
    FULL_BUFFER,
)
MAZE_ACCEL = _recipe(
    "maze-accel",
    ACCEL,
    "ACCEL in mazes of 13 by 13 cells, from empty rooms",
    _row("curriculum", walls=0, **METHODS[ACCEL] | SOON),
    "Parker-Holder et al. 2022, Evolving Curricula with Regret-Based Environment Design",
    TWELVE,
    _mean(TWELVE, OF_60, 0.875, 0.079),
    FULL_BUFFER,
)
MAZE_PAIRED = _recipe(
    "maze-paired",
    "PAIRED",
    "PAIRED in mazes of 13 by 13 cells",
    _row("paired"),
    "Dennis et al. 2020, Emergent Complexity and Zero-shot Transfer via Unsupervised Environment Design",
    SEVEN,
    _mean(SEVEN, OF_25, 0.330, 0.134),
)
MAZE_SFL = _recipe(
    "maze-sfl",
    SFL,
    "SFL in mazes of 13 by 13 cells and 60 walls",
    _row("curriculum", walls=60, **METHODS[SFL] | FEW_SEARCHES),
    "Rutherford et al. 2024, No Regrets",
    (),
    Target(
        WORST,
        SFL_DATA,
        low=0.937,
        reason="not below the published mean by more than its standard deviation over seeds",
        published=0.953,
        published_spread=0.016,
    ),
    Budget(seeds=5, raised=SFL_UPDATES, learner=OF_SFL),
)
