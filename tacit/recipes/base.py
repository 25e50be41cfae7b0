"""What a recipe is: a published result as data, and how near we came to it."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from tacit.errors import SettingError
from tacit.evaluation.pairings import Figure
from tacit.runs.computation import Computation
from tacit.runs.experiment import Experiment

MODES = ("quick", "default", "full")
Row = Experiment | Computation  # what a recipe runs: a training, or a computation that trains nothing


@dataclasses.dataclass(frozen=True)
class Nothing:
    """The settings of a computation that has none."""


class Measured(NamedTuple):
    """A figure of ours: its value, its spread, what that spread is, and over how many it was taken.

    The kind of spread is "exact", and the spread None, where nothing was drawn at random.
    """

    value: float
    spread: float | None
    spread_kind: str
    n: int


@dataclasses.dataclass(frozen=True)
class Target:
    """One figure of a published result, or of a claim, and the rule by which ours is judged.

    Attributes:
        name: what it is, unique within its recipe.
        source: paper, table, code or reasoning it comes from.
        low, high: the interval in which ours must lie (at least one end); the rule is stated before the run.
        reason: why this interval.
        published: the published figure, if there is one. published_spread: its spread, as published.
        verified: False where the figure was remembered and could not be checked against a text.
    """

    name: str
    source: str
    low: float | None = None
    high: float | None = None
    reason: str = ""
    published: float | None = None
    published_spread: float | None = None
    verified: bool = True

    @property
    def rule(self) -> str:
        """The rule in words: bounds, then the reason."""
        if self.low is not None and self.high is not None:
            bounds = f"{self.low:g} to {self.high:g}"
        else:
            bounds = f">= {self.low:g}" if self.low is not None else f"<= {self.high:g}"
        return f"{bounds}: {self.reason}" if self.reason else bounds

    def reached(self, value: float) -> bool:
        """Whether a measured value satisfies the rule."""
        return bool((self.low is None or value >= self.low) and (self.high is None or value <= self.high))


@dataclasses.dataclass(frozen=True)
class Budget:
    """What a mode changes about the rows: seeds, and of experiments iterations and settings of the learner.

    Attributes:
        iterations: at most so many, whatever the row says.
        raised: at least so many, where the published number is out of reach of the default mode.
        settings: of computations.
    """

    seeds: int | None = None
    iterations: int | None = None
    raised: int | None = None
    learner: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A published result: what is run, what is measured on it, and the targets.

    Attributes:
        name: as on the command line.
        title: one line.
        paper: where it was published.
        rows: what the default mode runs, by name, in order: experiments, or computations (`tacit.runs.computation`).
        measure: from the finished rows (`Finished` for an experiment, `Computed` for a computation) to one `Measured`
            per target that can be measured.
        targets: what is compared, in order.
        quick, full: how those modes differ from the default. judged_quick: the quick mode judges its targets too.
        notes: what a reader must know beside the numbers.
        details: from the finished rows to lines printed below the table (failed seeds, say).
        exhibits: from the finished rows to what the report page shows of them together (`tacit.runs.exhibits`).
        scaled: names of the rows that modes and `--seeds` change; all, unless given.
        least: how many seeds it needs at least.
    """

    name: str
    title: str
    paper: str
    rows: Mapping[str, Row]
    measure: Callable[[Mapping[str, Any]], Mapping[str, Measured]]
    targets: tuple[Target, ...]
    quick: Budget = Budget()
    full: Budget = Budget()
    judged_quick: bool = False
    notes: tuple[str, ...] = ()
    details: Callable[[Mapping[str, Any]], list[str]] | None = None
    exhibits: Callable[[Mapping[str, Any]], list[dict[str, Any]]] | None = None
    scaled: tuple[str, ...] = ()
    least: int = 1

    def experiments(self, mode: str, seeds: int | None, seed: int) -> dict[str, Row]:
        """The rows of a mode, with another number of seeds if one is given.

        Raises:
            SettingError: the recipe needs more seeds.
        """
        if seeds is not None and seeds < self.least:
            raise SettingError(f"{self.name} needs at least {self.least} seeds, got {seeds}")
        budget = {"quick": self.quick, "default": Budget(), "full": self.full}[mode]
        rows = {}
        for name, row in self.rows.items():
            free = not self.scaled or name in self.scaled
            rows[name] = _within(row, budget if free else Budget(), seeds if free else None, seed)
        return rows


def _within(row: Row, budget: Budget, seeds: int | None, seed: int) -> Row:
    changes: dict[str, Any] = {"seed": seed, "seeds": seeds or budget.seeds or row.seeds}
    if isinstance(row, Experiment):
        changes["learner_settings"] = {**row.learner_settings, **budget.learner}
        if budget.iterations is not None:
            changes["iterations"] = min(budget.iterations, row.iterations)
        if budget.raised is not None:
            changes["iterations"] = max(budget.raised, row.iterations)
    elif budget.settings:
        changes["settings"] = dataclasses.replace(row.settings, **budget.settings)
    return dataclasses.replace(row, **changes)


def deviation(values: np.ndarray) -> float:
    """Standard deviation; NaN where there is only one value."""
    return float(values.std(ddof=1)) if len(values) > 1 else float("nan")


def over_seeds(values: np.ndarray) -> Measured:
    """Mean and standard deviation of one value per seed."""
    return Measured(
        float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else None, "sd over seeds", len(values)
    )


def over_agents(values: np.ndarray) -> Measured:
    """Mean and standard deviation over all agents, `[S, P]`: two of a run count as two, as in the LOLA tables."""
    flat = values.ravel()
    return Measured(float(flat.mean()), float(flat.std(ddof=1)), "sd over agents", flat.size)


def over_runs(figure: Figure) -> Measured:
    """A figure of runs that met, with its standard error; NaN where a run alone has nobody to meet."""
    value = float("nan") if figure.mean is None else figure.mean
    return Measured(value, figure.se, "se over runs", figure.models)


def share(hits: np.ndarray) -> Measured:
    """Percentage of hits, with its standard error over seeds `[S, ...]`."""
    each = 100.0 * hits.reshape(len(hits), -1).mean(axis=1)
    error = float(each.std(ddof=1) / len(each) ** 0.5) if len(each) > 1 else None
    return Measured(float(each.mean()), error, "se over seeds", len(each))
