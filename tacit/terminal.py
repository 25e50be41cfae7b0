"""What runs and recipes look like in a terminal: progress on standard error, tables on standard output."""

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from tacit.runs.exhibits import counted
from tacit.runs.metrics import MAIN_METRICS
from tacit.runs.training import Progress as Told

QUIET = 5.0  # seconds between lines where no bar can be drawn


def figures(rows: Mapping[str, np.ndarray]) -> str:
    """The latest row of the metrics that matter, in a few words: mean over seeds by player, and the seeds' spread."""
    names = [name for name in MAIN_METRICS if name in rows] or list(rows)[:2]
    parts = []
    for name in names:
        if len(rows[name]):
            latest = rows[name][-1].reshape(rows[name].shape[1], -1)  # [S, players]
            if np.isfinite(latest).all():
                means = "/".join(f"{x:.3f}" for x in latest.mean(axis=0)[:4])
                spread = f" (sd over seeds {latest.std(axis=0).mean():.2f})" if len(latest) > 1 else ""
                parts.append(f"{name} {means}{spread}")
    return ", ".join(parts)


class Teller:
    """Shows how runs go on: a bar in a terminal, a line now and then elsewhere, nothing when quiet."""

    def __init__(self, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet, soft_wrap=True)
        self.bar: Progress | None = None
        self.task: Any = None
        self.label = ""
        self.last_line = -QUIET

    def __enter__(self) -> "Teller":
        return self

    def __exit__(self, *error: object) -> None:
        self._close()

    def begin(self, label: str) -> None:
        """What the following progress is about."""
        self._close()
        self.label = label
        self.last_line = -QUIET  # the first piece is told at once

    def tell(self, told: Told) -> None:
        """Takes a piece of progress, or words."""
        if told.words:
            self.console.print(told.words, markup=False)
            return
        if told.iteration == 0:
            self.console.print(f"{self.label}: compiling (kept for the next time)", markup=False)
        elif self.console.is_terminal:
            self._draw(told)
        elif time.monotonic() - self.last_line > QUIET or told.iteration == told.experiment.iterations:
            self.last_line = time.monotonic()
            share = f"{told.iteration}/{told.experiment.iterations}"
            self.console.print(f"{self.label}: {share} {figures(told.rows or {})}".rstrip(), markup=False)

    def _draw(self, told: Told) -> None:
        if self.bar is None:
            columns = (TextColumn("{task.description}"), BarColumn(20), TextColumn("{task.completed}/{task.total}"))
            ends = (TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.fields[figures]}"))
            self.bar = Progress(*columns, *ends, console=self.console)
            self.bar.start()
            self.task = self.bar.add_task(self.label, total=told.experiment.iterations, figures="")
        self.bar.update(self.task, completed=told.iteration, figures=figures(told.rows or {}))
        if told.iteration == told.experiment.iterations:
            self._close()

    def _close(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


def number(value: float | None, digits: int = 4) -> str:
    """A figure for a table, to so many significant digits; a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}g}"


def show_outcome(title: str, paper: str, outcome: Mapping[str, Any], notes: Sequence[str]) -> None:
    """Prints a recipe's table: published beside measured, the rule, and whether it was reached."""
    console = Console(width=max(Console().width, 116))
    table = Table(title=title, caption=paper, title_justify="left", caption_justify="left")
    for column in ("target", "published", "measured", "over", "rule", "reached"):
        right = column in ("published", "measured", "over")
        table.add_column(column, justify="right" if right else "left", no_wrap=column != "target")
    reasons: dict[str, list[str]] = {}
    for target in outcome["targets"]:
        unverified = "" if target["verified"] or target["published"] is None else " [unverified]"
        published = _with_spread(target["published"], target["published_spread"]) + unverified
        measured = _with_spread(target["measured"], target["spread"])
        bounds, _, reason = target["rule"].partition(": ")
        kind, _, units = target["spread_kind"].partition(" over ")
        over = counted(target["n"], units) if units else kind
        verdict = {True: "yes", False: "MISSED", None: "not judged"}[target["reached"]]
        row = (target["name"], published, measured, over, bounds, verdict)
        table.add_row(*(part.replace("[", r"\[") for part in row))
        reasons.setdefault(reason, []).append(target["name"])
    console.print(table)
    shown = [target["spread_kind"] for target in outcome["targets"] if target["spread"] is not None]
    spreads = sorted({kind for kind in shown if " over " in kind})
    lines = [f"In brackets: {', '.join(spreads)}."] if spreads else []
    lines += [f"{'; '.join(names)}: {reason}." for reason, names in reasons.items() if reason]
    for line in (*lines, *notes):
        console.print(line, markup=False, highlight=False)


def _with_spread(value: float | None, spread: float | None) -> str:
    return number(value) + (f" ({number(spread, 2)})" if spread is not None else "")


def out(text: str) -> None:
    """Prints plain text on standard output."""
    sys.stdout.write(text + "\n")


def show_summary(summary: Mapping[str, Any]) -> None:
    """Prints what a training run ended with."""
    console = Console()
    table = Table(title=f"{summary['run']}: {summary['experiment']}", title_justify="left")
    for column in ("figure", "mean", "spread", "n"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for name, figure in summary["figures"].items():
        table.add_row(
            name, number(figure["mean"]), f"{number(figure['sd'])} ({figure['spread_kind']})", str(figure["n"])
        )
    console.print(table)
