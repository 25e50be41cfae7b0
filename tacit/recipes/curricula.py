"""Curricula of levels as recipes see them: the methods as settings of one trainer, and what they show over time."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from tacit.games.maze_levels import render
from tacit.runs import exhibits, plots_mazes
from tacit.runs.training import Finished

OWN = "tacit's specification"
DR, PLR, ROBUST, ACCEL, SFL, SAMPLR = "domain randomization", "PLR", "robust PLR", "ACCEL", "SFL", "SAMPLR"
METHODS: dict[str, dict[str, Any]] = {
    DR: {"capacity": 0},
    PLR: {"robust": False},
    ROBUST: {},
    ACCEL: {"mutate": True},
    SFL: {"score": "learnability", "priority": "uniform", "mixed": True, "search_every": 100},
    SAMPLR: {"belief": "grounded"},
}
"""How each method differs from the trainer's defaults."""


def last(run: Finished, metric: str, share: float = 0.5) -> Float[np.ndarray, " S"]:
    """A metric's mean over the last part of a run, by seed; rows that had nothing to report are left out."""
    rows = run.metrics[metric].reshape(*run.metrics[metric].shape[:2], -1)[..., 0]
    return np.nanmean(rows[-max(1, int(len(rows) * share)) :], axis=0)


def curve(title: str, runs: Mapping[str, Finished], metric: str, words: str) -> exhibits.Exhibit:
    """A metric over the cycles of play, the mean of all seeds of each run; gaps where it had nothing to report."""
    longest = max(runs.values(), key=lambda run: len(run.metrics["iteration"]))
    lines = {name: by_seed(run, metric).mean(axis=1) for name, run in runs.items() if metric in run.metrics}
    return exhibits.curves(title, longest.metrics["iteration"].tolist(), lines, ("cycles", words))


def highest(title: str, run: Finished, count: int = 12) -> exhibits.Exhibit:
    """The mazes of highest score in the first seed's buffer at the end."""
    buffer = jax.tree.map(lambda leaf: np.asarray(leaf[0]), run.state.buffer)
    places = np.argsort(-buffer.score, kind="stable")[: min(count, int(buffer.size))]
    drawn = [render(jax.tree.map(lambda leaf, place=place: leaf[place], buffer.levels)) for place in places]
    return plots_mazes.mazes(title, drawn, [f"score {buffer.score[place]:.2f}" for place in places])


def by_seed(run: Finished, metric: str) -> Float[np.ndarray, "rows S"]:
    """A metric with one figure for each seed."""
    rows = run.metrics[metric]
    return rows.reshape(*rows.shape[:2], -1)[..., 0]
