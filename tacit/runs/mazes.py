"""Tests in mazes as a computation: runs from their folders, their figures, tables and pictures."""

import pathlib
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from tacit.errors import InputError, Misfit
from tacit.evaluation import mazes
from tacit.evaluation.mazes_settings import Plan
from tacit.evaluation.statistics import summarize
from tacit.games.maze import Maze
from tacit.games.maze_held_out import find, levels
from tacit.games.maze_levels import MazeLevel, render, several
from tacit.loops import player
from tacit.runs import exhibits, plots_mazes
from tacit.runs.computation import Computation, Say
from tacit.runs.policies import run_in
from tacit.runs.training import Finished

OWN = "own levels"
PICTURES = 12  # mazes whose ways are drawn


def computation(plan: Plan, seed: int) -> Computation:
    """Tests as what goes into a run folder.

    Raises:
        InputError: a run, a maze or a level does not fit; the line says why.
    """
    chosen(plan, seed)
    entering(plan)
    return Computation(measured, plan, 1, seed)


def entering(plan: Plan) -> dict[str, Finished]:
    """The runs, by their paths.

    Raises:
        RunError: a folder is missing, damaged or a recipe's. Misfit: a run learned another game.
    """
    runs = {name: run_in(pathlib.Path(name)) for name in plan.models}
    for name, run in runs.items():
        if not isinstance(run.game, Maze):
            raise Misfit(f"{name} learned {type(run.game).__name__}, and not the maze")
    return runs


def chosen(plan: Plan, seed: int) -> dict[str, tuple[MazeLevel, int]]:
    """The mazes and their longer horizons, by name.

    Raises:
        SettingError: there is no such maze. InputError: the file cannot be read, or a level in it is wrong.
    """
    found = {name: (levels(name, plan.drawn, seed), max(find(name).length, mazes.SHORT)) for name in plan.mazes}
    if plan.levels:
        try:
            text = pathlib.Path(plan.levels).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"levels cannot be read from {plan.levels}: {error}") from None
        texts = [part for part in re.split(r"\n[ \t]*\n", text) if part.strip()]
        if not texts:
            raise InputError(f"{plan.levels} holds no level")
        try:
            found[OWN] = (several(texts), mazes.SHORT)
        except InputError as error:
            raise InputError(f"{plan.levels}: {error}") from None
    return found


def measured(plan: Plan, seeds: int, seed: int, say: Say) -> dict[str, Any]:
    """Tests all runs. The keys: `runs`, of each the `mazes` with `short`, `long` and `regret` by seed, and `worst`."""
    del seeds
    tested: dict[str, Any] = {}
    ways = []
    runs = entering(plan)
    for name, run in runs.items():
        figures = {}
        for maze, (each, length) in chosen(plan, seed).items():
            score = mazes.scored(run, each, length, plan.episodes, seed)
            figures[maze] = {field: values.tolist() for field, values in score._asdict().items()}
            if len(ways) < PICTURES:
                first = player(0, each)
                way = mazes.ways(run, several([render(first)]), length, seed)[0][0]
                steps = f"{len(way) - 1} steps" if way[-1] == tuple(first.goal.tolist()) else f"not in {length} steps"
                of = [pathlib.Path(name).name] if len(runs) > 1 else []
                ways.append(("\n".join([*of, maze, steps]), render(first), way))
            say(f"{name}: {maze} tested")
        tested[name] = {"mazes": figures} | ({"worst": worst(run, plan, seed)} if plan.random else {})
    return {"runs": tested, "exhibits": shown(tested, ways)}


def worst(run: Finished, plan: Plan, seed: int) -> dict[str, list[float]]:
    """Solve rates, by seed, of the worst percent of random levels like those that were learned on."""
    those = mazes.solvable(run.game, plan.random, seed)
    found, again = (
        mazes.solve_rates(mazes.of_seeds(run, those, run.game.length, plan.episodes, key), run.game.length)
        for key in (seed, seed + 1)
    )
    rates = mazes.worst(found, again)
    return {f"{percent:g} %": rates[:, i].tolist() for i, percent in enumerate(mazes.WORST)}


def shown(tested: dict[str, Any], ways: Sequence[tuple[str, str, Any]]) -> list[exhibits.Exhibit]:
    """The page: solve rates, the worst levels where asked for, and ways."""
    short = {name: pathlib.Path(name).name for name in tested}
    called = short if len(set(short.values())) == len(short) else {name: name for name in tested}
    rows = []
    for name, found in tested.items():
        for maze, score in found["mazes"].items():
            of_seeds = summarize(np.array(score["short"]))
            means = [float(np.mean(score[field])) for field in ("short", "long", "regret")]
            rows.append([called[name], maze, *means[:1], of_seeds.low, of_seeds.high, *means[1:], of_seeds.n])
    head = ("run", "maze", "in 250 steps", "low", "high", "longer", "regret", "seeds")
    caption = (
        "Share of plays that reach the goal in 250 steps (JaxUED), with a 95 % bootstrap interval over seeds, and at "
        "the longer horizon (minimax, DCD); regret: the best return in 250 steps less the mean of those had."
    )
    pictures = [exhibits.table("Solve rates", head, rows, caption)]
    if any("worst" in found for found in tested.values()):
        lines = [
            [called[name], *(float(np.mean(v)) for v in found["worst"].values())] for name, found in tested.items()
        ]
        percents = [f"{percent:g} %" for percent in mazes.WORST]
        words = "Solve rate of the worst levels: found by one play of each, rated by another."
        pictures.append(exhibits.table("Worst random levels", ["run", *percents], lines, words))
    labels, texts, walked = zip(*ways, strict=True)
    return [*pictures, plots_mazes.mazes("One way of the first seed through each maze", texts, labels, walked)]
