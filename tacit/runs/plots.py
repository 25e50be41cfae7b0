"""Pictures of runs, as SVG text. Needs matplotlib (the extra `plot`)."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from tacit.errors import InputError
from tacit.evaluation.basins import Basins
from tacit.games.matrix import STATES
from tacit.runs.metrics import MAIN_METRICS

LABELS = {
    "value": "value (average reward per round,\nor of an undiscounted game)",
    "reward": "reward per step",
    "return": "return of an episode",
}
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")  # told apart by everyone


def available() -> bool:
    """Whether matplotlib is installed."""
    import importlib.util

    return importlib.util.find_spec("matplotlib") is not None


def figure(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Any, Any]:
    """A figure and its axes, `[rows, columns]`.

    Raises:
        InputError: matplotlib is missing; the line says how to install it.
    """
    if not available():
        raise InputError("pictures need matplotlib; install it with: pip install 'tacit[plot]'")
    import matplotlib

    matplotlib.use("agg")
    matplotlib.rcParams["svg.hashsalt"] = "tacit"  # equal pictures for equal runs
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(width, height), layout="constrained")
    return drawn, drawn.subplots(rows, columns, squeeze=False)


def as_svg(drawn: Any) -> str:
    """The figure as an SVG element."""
    buffer = io.StringIO()
    drawn.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def learning_curves(rows: Mapping[str, Mapping[str, np.ndarray]]) -> str | None:
    """One panel per metric that every run has: mean over seeds and players, band from 10 % to 90 % of the seeds.

    Args:
        rows: metrics of each run by name, leaves `[rows, S, ...]`.
    """
    shared = set.intersection(*(set(metrics) for metrics in rows.values())) - {"iteration", "wall"}
    names = [name for name in MAIN_METRICS if name in shared] or sorted(shared)[:1]
    if not names:
        return None
    drawn, axes = figure(5.2 * len(names) + 0.4, 3.6, 1, len(names))
    for axis, name in zip(axes[0], names, strict=True):
        for color, (label, metrics) in zip(_cycle(len(rows)), rows.items(), strict=True):
            values = metrics[name].reshape(*metrics[name].shape[:2], -1).mean(axis=2)  # [rows, S]
            told = np.isfinite(values).all(axis=1)  # rows in which nothing was reported are left out
            iteration, values = metrics["iteration"][told], values[told]
            low, high = np.quantile(values, [0.1, 0.9], axis=1)
            axis.plot(iteration, values.mean(axis=1), color=color, label=f"{label} (n={values.shape[1]})")
            axis.fill_between(iteration, low, high, color=color, alpha=0.2, linewidth=0)
        axis.set_xlabel("iteration")
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.set_ylabel(LABELS.get(name, name))
        axis.grid(alpha=0.3)
    axes[0, 0].legend(fontsize=8)
    return as_svg(drawn)


def meetings(rows: Mapping[str, Mapping[str, np.ndarray]], columns: int = 4) -> str:
    """One panel for each pair of rules: what both players earn by update, mean and middle 80 % over seeds.

    Args:
        rows: metrics of each pair by name, with values `[rows, S, 2]`.
    """
    lines = -(-len(rows) // columns)
    columns = min(columns, len(rows))
    drawn, axes = figure(2.7 * columns + 0.4, 2.4 * lines + 0.3, lines, columns)
    for axis, (name, metrics) in zip(axes.ravel(), rows.items(), strict=False):
        iteration, values = metrics["iteration"], metrics["value"]
        for player in range(2):
            low, high = np.quantile(values[:, :, player], [0.1, 0.9], axis=1)
            label = f"player {player + 1} (n={values.shape[1]})"
            axis.plot(iteration, values[:, :, player].mean(axis=1), color=COLORS[player], label=label)
            axis.fill_between(iteration, low, high, color=COLORS[player], alpha=0.2, linewidth=0)
        axis.set_title(name, fontsize=9)
        axis.grid(alpha=0.3)
        axis.set_xlabel("update", fontsize=8)
    for axis in axes.ravel()[len(rows) :]:
        axis.set_visible(False)
    axes[0, 0].set_ylabel(LABELS["value"], fontsize=8)
    axes[0, 0].legend(fontsize=7)
    return as_svg(drawn)


def read_outs(probabilities: Mapping[str, np.ndarray], visits: Mapping[str, np.ndarray], action: str) -> str:
    """P(action 0 | state) of each run as a picture: mean over seeds in color and figures, spread below.

    Args:
        probabilities: `[S, P, 5]` (or `[S, P, 1]` for one-shot games, which only start) by run.
        visits: share of steps in each state, likewise; states with less than 1 % are hatched.
    """
    states = next(iter(probabilities.values())).shape[2]
    names = [*(f"after {state}" for state in STATES[:-1]), "at the start"][-states:]
    height = sum(values.shape[1] for values in probabilities.values())
    drawn, axes = figure(2.2 + 1.05 * states, 0.55 * height + 1.0)
    axis, row, labels = axes[0, 0], 0, []
    for name, values in probabilities.items():
        for player in range(values.shape[1]):
            labels.append(f"{name}, player {player + 1}")
            for state in range(states):
                _cell(axis, row, state, values[:, player, state], visits[name][:, player, state])
            row += 1
    axis.set_xlim(-0.5, states - 0.5)
    axis.set_ylim(row - 0.5, -0.5)
    axis.set_xticks(range(states), names)
    axis.set_yticks(range(row), labels)
    axis.tick_params(length=0)
    axis.set_title(
        f"P({action})" + ("" if states == 1 else ", own action first; hatched: under 1 % of steps"), fontsize=9
    )
    return as_svg(drawn)


def _cell(axis: Any, row: int, column: int, values: np.ndarray, visits: np.ndarray) -> None:
    from matplotlib.patches import Rectangle

    mean, spread = float(np.nanmean(values)), float(np.nanstd(values))
    shade = (1 - mean * 0.75, 1 - mean * 0.45, 1.0)
    hatch = "///" if np.mean(visits) < 0.01 else None
    axis.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=shade, edgecolor="#bbbbbb", hatch=hatch))
    axis.text(column, row, f"{mean:.2f}\n±{spread:.2f}", ha="center", va="center", fontsize=7, linespacing=1.3)


def portrait(panels: Mapping[str, Basins], limits: tuple[float, float]) -> str:
    """Where learning leads: final reward by starting point as color, and some of the ways there, one panel per rule.

    Args:
        limits: rewards at the ends of the color scale.
    """
    drawn, axes = figure(3.9 * len(panels) + 0.7, 3.9, 1, len(panels))
    shown = None
    for axis, (name, found) in zip(axes[0], panels.items(), strict=True):
        extent = (0.0, 1.0, 0.0, 1.0)
        shown = axis.imshow(found.reward, origin="lower", extent=extent, cmap="cividis", vmin=limits[0], vmax=limits[1])
        for path in found.paths:
            axis.plot(path[:, 0], path[:, 1], color="white", linewidth=0.8, alpha=0.8)
            axis.plot(*path[-1], "o", color="white", markersize=3)
        axis.set_xlabel(found.labels[0])
        axis.set_ylabel(found.labels[1])
        axis.set_title(name, fontsize=9)
        axis.set_xlim(0, 1)
        axis.set_ylim(0, 1)
    drawn.colorbar(shown, ax=axes[0].tolist(), label="final average reward", shrink=0.9)
    return as_svg(drawn)


def _cycle(count: int) -> list[str]:
    return [COLORS[i % len(COLORS)] for i in range(count)]
