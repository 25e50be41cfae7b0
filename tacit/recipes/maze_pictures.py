"""Mazes as recipes show them: the ways of what was learned through mazes that it never saw."""

from collections.abc import Mapping, Sequence

import jax

from tacit.evaluation import mazes
from tacit.games.maze_held_out import find, levels
from tacit.games.maze_levels import render, stacked
from tacit.loops import player
from tacit.runs import exhibits, plots_mazes
from tacit.runs.training import Finished


def walked(title: str, runs: Mapping[str, Finished], names: Sequence[str], seed: int = 0) -> exhibits.Exhibit:
    """The way of each run's student of one seed through the first level of each of these held-out mazes.

    Mazes must be of one size; the horizon is the longest of theirs (`HeldOut.length`).
    """
    drawn = stacked([player(0, levels(name, 1)) for name in names])
    length = max(find(name).length for name in names)
    texts, labels, ways = [], [], []
    for method, run in runs.items():
        each = mazes.ways(run, drawn, length)[seed]
        for i, (name, way) in enumerate(zip(names, each, strict=True)):
            goal = tuple(jax.device_get(drawn.goal[i]).tolist())
            steps = f"{len(way) - 1} steps" if way[-1] == goal else f"not in {length} steps"
            texts.append(render(player(i, drawn)))
            labels.append(f"{method}\n{name}: {steps}")
            ways.append(way)
    return plots_mazes.mazes(title, texts, labels, ways)
