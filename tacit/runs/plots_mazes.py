"""Pictures of mazes and of the ways of those who walked them, from plain data. Needs matplotlib (the extra `plot`)."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tacit.games.maze_levels import AGENT, FORWARD, GOAL, WALL
from tacit.runs.plots import COLORS, as_svg, figure

PER_ROW = 6
INCHES = 1.5  # of a maze's side
WAY, AIM, START = COLORS[0], COLORS[2], COLORS[1]


def mazes(
    title: str,
    levels: Sequence[str],
    labels: Sequence[str] = (),
    ways: Sequence[Sequence[tuple[int, int]]] = (),
    caption: str = "",
) -> dict[str, Any]:
    """An exhibit of mazes side by side, each with a label and perhaps the way of an agent.

    Args:
        levels: as text (`tacit.games.maze_levels.render`).
        ways: the cells that the agent was on one after another, as x and y.
    """
    walked = [[[int(x), int(y)] for x, y in way] for way in ways]
    return {
        "kind": "mazes",
        "title": title,
        "levels": list(levels),
        "labels": list(labels),
        "ways": walked,
        "caption": caption,
    }


def draw(exhibit: dict[str, Any]) -> str:
    """The exhibit as an SVG element."""
    levels = exhibit["levels"]
    columns = min(PER_ROW, len(levels))
    rows = -(-len(levels) // columns)
    lines = 1 + max((label.count("\n") for label in exhibit["labels"]), default=0)
    drawn, axes = figure(INCHES * columns, (INCHES + 0.15 * max(2, lines)) * rows, rows, columns)
    for i, axis in enumerate(axes.flat):
        axis.set_axis_off()
        if i < len(levels):
            way = exhibit["ways"][i] if exhibit["ways"] else []
            _draw(axis, levels[i].splitlines(), way)
            axis.set_title(exhibit["labels"][i] if exhibit["labels"] else "", fontsize=7, pad=3)
    return as_svg(drawn)


def _draw(axis: Any, rows: Sequence[str], way: Sequence[Sequence[int]]) -> None:
    """Walls are dark, the goal is a square, the agent a triangle that looks where it does, its way a line."""
    height, width = len(rows), len(rows[0])
    shade = np.ones((height + 2, width + 2)) * 0.25  # walled in
    shade[1:-1, 1:-1] = [[0.25 if mark == WALL else 0.97 for mark in row] for row in rows]
    axis.imshow(shade, cmap="gray", vmin=0, vmax=1, extent=(-1.5, width + 0.5, height + 0.5, -1.5))
    size = 60.0 / max(height, width)
    for y, row in enumerate(rows):
        for x, mark in enumerate(row):
            if mark == GOAL:
                axis.plot(x, y, "s", color=AIM, markersize=size)
            elif mark in AGENT:
                dx, dy = FORWARD[AGENT.index(mark)]
                angle = -np.degrees(np.arctan2(dx, -dy))  # a triangle points up, and y points down
                axis.plot(x, y, marker=(3, 0, angle), color=START, markersize=size)
    if len(way) > 1:
        line = np.array(way, float)
        axis.plot(line[:, 0], line[:, 1], color=WAY, linewidth=1.2, alpha=0.8)


KINDS = {"mazes": draw}
