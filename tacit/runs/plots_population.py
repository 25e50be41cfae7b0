"""Pictures of populations: payoffs with intervals, shares over time with their uncertainty, basins of three rules.

Like those of `tacit.runs.exhibits` they are made from plain data that stands in a result: the functions here make the
data, and `KINDS` draws it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tacit.evaluation.replicator import Band, Basins
from tacit.evaluation.statistics import Summary
from tacit.runs import plots

CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 3**0.5 / 2]])  # of the triangle in which three shares are a point
Exhibit = dict[str, Any]


def payoff_map(title: str, rules: Sequence[str], cells: Sequence[Sequence[Summary]]) -> Exhibit:
    """A table of payoffs as colors, with mean and interval in the cells."""
    each = [[[cell.mean, cell.low, cell.high] for cell in line] for line in cells]
    return {"kind": "payoff-map", "title": title, "rules": list(rules), "cells": each}


def share_paths(title: str, rules: Sequence[str], time: np.ndarray, panels: Mapping[str, Band]) -> Exhibit:
    """Shares over time, one panel for each start: the median and the middle 90 % of the drawn tables."""
    drawn = {name: np.stack(band).round(5).tolist() for name, band in panels.items()}  # [median low high, K, R]
    return {
        "kind": "share-paths",
        "title": title,
        "rules": list(rules),
        "time": np.asarray(time).round(4).tolist(),
        "panels": drawn,
    }


def triangle(title: str, rules: Sequence[str], basins: Basins, paths: np.ndarray, words: Sequence[str]) -> Exhibit:
    """Three shares as points of a triangle: starts colored by their end, and paths `[N, K, 3]` from some of them.

    Args:
        words: what each end is called.
    """
    return {
        "kind": "triangle",
        "title": title,
        "rules": list(rules),
        "starts": basins.starts.round(4).tolist(),
        "end": basins.end.tolist(),
        "words": list(words),
        "paths": np.asarray(paths, float).round(4).tolist(),
    }


def _payoff_map(exhibit: Exhibit) -> str:
    cells = np.array(exhibit["cells"], float)  # [R, R, mean low high]
    size = len(cells)
    drawn, axes = plots.figure(1.25 * size + 3.0, 0.62 * size + 1.4)
    axis = axes[0, 0]
    image = axis.imshow(cells[:, :, 0], cmap="cividis", aspect="auto")
    middle = (cells[:, :, 0].min() + cells[:, :, 0].max()) / 2
    for i, j in np.ndindex(size, size):
        mean, low, high = cells[i, j]
        words = f"{mean:.3f}" + (f"\n{low:.3f} to {high:.3f}" if np.isfinite(low) else "")
        ink = "black" if mean > middle else "white"
        axis.text(j, i, words, ha="center", va="center", fontsize=7, color=ink, linespacing=1.4)
    axis.set_xticks(range(size), exhibit["rules"], fontsize=8, rotation=20 if size > 3 else 0)
    axis.set_yticks(range(size), exhibit["rules"], fontsize=8)
    axis.set_xlabel("against")
    axis.tick_params(length=0)
    drawn.colorbar(image, ax=axis, label="average reward per round", shrink=0.9)
    return plots.as_svg(drawn)


def _share_paths(exhibit: Exhibit) -> str:
    panels = exhibit["panels"]
    columns = min(len(panels), 3)
    rows = -(-len(panels) // columns)
    drawn, axes = plots.figure(3.6 * columns + 1.6, 2.7 * rows + 0.5, rows, columns)
    for axis in axes.ravel()[len(panels) :]:
        axis.set_visible(False)
    for axis, (name, band) in zip(axes.ravel(), panels.items(), strict=False):
        median, low, high = np.array(band, float)
        for number, rule in enumerate(exhibit["rules"]):
            color = plots.COLORS[number % len(plots.COLORS)]
            style = "-" if number < len(plots.COLORS) else "--"
            axis.fill_between(exhibit["time"], low[:, number], high[:, number], color=color, alpha=0.25, linewidth=0)
            axis.plot(exhibit["time"], median[:, number], style, color=color, label=rule)
        axis.set_title(name, fontsize=9)
        axis.set_ylim(-0.02, 1.02)
        axis.set_xlabel("time")
        axis.grid(alpha=0.3)
    for axis in axes[:, 0]:
        axis.set_ylabel("share")
    drawn.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right upper", fontsize=8)
    return plots.as_svg(drawn)


def _triangle(exhibit: Exhibit) -> str:
    drawn, axes = plots.figure(6.4, 4.6)
    axis = axes[0, 0]
    starts, end = np.array(exhibit["starts"]) @ CORNERS, np.array(exhibit["end"])
    for number, words in enumerate(exhibit["words"]):
        color = plots.COLORS[number % len(plots.COLORS)]
        axis.scatter(*starts[end == number].T, s=7, color=color, alpha=0.45, linewidths=0, label=words)
    for path in exhibit["paths"]:
        points = np.array(path) @ CORNERS
        axis.plot(*points.T, color="black", linewidth=0.8)
        axis.plot(*points[0], ".", color="black", markersize=3)
    axis.plot(*CORNERS[[0, 1, 2, 0]].T, color="black", linewidth=1)
    for corner, rule, below in zip(CORNERS, exhibit["rules"], (True, True, False), strict=True):
        axis.annotate(rule, corner, xytext=(0, -14 if below else 6), textcoords="offset points", ha="center")
    axis.set_aspect("equal")
    axis.set_axis_off()
    axis.margins(0.08)
    drawn.legend(loc="outside right upper", fontsize=8, markerscale=2, title="left at the end")
    return plots.as_svg(drawn)


KINDS: dict[str, Callable[[Exhibit], str]] = {
    "payoff-map": _payoff_map,
    "share-paths": _share_paths,
    "triangle": _triangle,
}
