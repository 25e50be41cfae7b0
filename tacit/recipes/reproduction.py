"""Running a recipe: its rows one after another in one run folder, then the table of published beside measured."""

import contextlib
import dataclasses
import math
import pathlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from tacit.errors import Interrupted, RunError, Stopped
from tacit.learners import SHAPERS
from tacit.recipes import RECIPES
from tacit.recipes.base import MODES, Measured, Recipe, Row, Target
from tacit.registry import load
from tacit.runs import computation, experiment, policies, store, training
from tacit.runs.computation import Computation, Computed
from tacit.runs.experiment import ROW
from tacit.runs.store import RunFolder
from tacit.runs.training import Finished, Progress


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a recipe: the JSON object of `tacit reproduce`, and what the pictures need."""

    recipe: Recipe
    mode: str
    folder: RunFolder
    runs: Mapping[str, Finished | Computed]
    json: dict[str, Any]
    lines: list[str]

    @property
    def reached(self) -> bool:
        """Every target was judged and reached."""
        return all(target["reached"] for target in self.json["targets"])


def recipe_named(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        SettingError: there is none; the line names the nearest one.
    """
    return load("recipe", RECIPES, name)


def new_reproduction(parent: pathlib.Path, recipe: Recipe, mode: str, seeds: int | None, seed: int) -> RunFolder:
    """A new run folder with one folder below `rows/` for each row of the recipe.

    Raises:
        SettingError: the recipe needs more seeds.
        RunError: it cannot be made.
    """
    rows = {name: _as_dict(row) for name, row in recipe.experiments(mode, seeds, seed).items()}
    folder = RunFolder.create(parent, recipe.name)
    store.write_json(folder.path / "config.json", {"recipe": recipe.name, "mode": mode, "rows": rows})
    options = [f"--{mode}"] if mode != "default" else []
    options += [f"--{name}={value}" for name, value in (("seeds", seeds), ("seed", seed)) if value]
    command = ["tacit", "reproduce", recipe.name, *options]  # of this recipe alone, whatever ran beside it
    folder.note(kind="recipe", status="new", started=store.now(), command=command)
    return folder


def reproduce(
    folder: RunFolder, tell: Callable[[Progress], None], begin: Callable[[str], None], until: float = math.inf
) -> Outcome:
    """Runs what is left of a recipe's rows, measures, and judges.

    Args:
        tell: called with the progress of each row.
        begin: called with the name of each row before it.
        until: the time (`time.monotonic`) from which on training stops; computations and measuring are not cut.

    Raises:
        RunError: the folder is not a recipe's, busy or damaged.
        Stopped, Interrupted: a row did not end; it goes on from there the next time.
    """
    config = store.read_json(folder.path / "config.json")
    rows, mode = config.get("rows"), config.get("mode")
    if not isinstance(rows, dict) or config.get("recipe") not in list(RECIPES) or mode not in MODES:
        raise RunError(f"{folder.path} is not a recipe's run folder")
    recipe = recipe_named(config["recipe"])
    if list(rows) != list(recipe.rows) or not all(isinstance(row, dict) for row in rows.values()):
        raise RunError(f"{folder.path} is damaged or of another version: its rows are not those of {recipe.name}")
    began = time.monotonic()
    with folder.lock():
        wanted = {name: _from_dict(content, recipe.rows[name]) for name, content in rows.items()}
        folder.note(status="running")
        runs, before = {}, folder.status().get("wall_seconds", 0.0)

        def spent() -> float:
            return round(before + time.monotonic() - began, 3)

        for number, (name, row) in enumerate(wanted.items(), 1):
            begin(name)
            try:
                runs[name] = _row(folder, number, _with_learned(row, runs), tell, until)
            except (Interrupted, Stopped) as stop:
                folder.note_stop(stop, spent())
                raise
            folder.note(wall_seconds=spent())  # in case the process is killed
        measured = recipe.measure(runs)
        lines = recipe.details(runs) if recipe.details else []
        shown = recipe.exhibits(runs) if recipe.exhibits else []
        seconds = spent()
        judged = mode != "quick" or recipe.judged_quick
        outcome = {
            "recipe": recipe.name,
            "mode": mode,
            "seeds": max(row.seeds for row in wanted.values()),
            "wall_seconds": seconds,
            "run": str(folder.path),
            "targets": [_compared(target, measured[target.name], judged) for target in recipe.targets],
        }
        about = {"title": recipe.title, "details": [*recipe.notes, *lines], "exhibits": shown}
        store.write_json(folder.path / "outcome.json", outcome | about)
        folder.note(status="done", ended=store.now(), reason="finished", wall_seconds=seconds)
    return Outcome(recipe, mode, folder, runs, outcome, lines)


def _as_dict(row: Row) -> dict[str, Any]:
    return computation.as_dict(row) if isinstance(row, Computation) else experiment.as_dict(row)


def _from_dict(content: dict[str, Any], like: Row) -> Row:
    return computation.from_dict(content, like) if isinstance(like, Computation) else experiment.from_dict(content)


def _row(
    folder: RunFolder, number: int, row: Row, tell: Callable[[Progress], None], until: float
) -> Finished | Computed:
    """Runs a row in its own folder, goes on with it, or reads it back."""
    computed = isinstance(row, Computation)
    name = row.compute.__name__ if computed else pathlib.Path(row.learner).name
    place = RunFolder(folder.path / "rows" / f"{number:02d}-{name}")
    if not (place.path / "config.json").exists():
        place.path.mkdir(parents=True, exist_ok=True)
        place.note(status="new", started=store.now())
        store.write_json(place.path / "config.json", _as_dict(row))
    done = place.status().get("status") == "done"

    def say(words: str) -> None:
        tell(Progress(row, words=words))

    if computed:
        return computation.read_back(place) if done else computation.work(place, row, say)
    if done:
        with contextlib.suppress(RunError):  # its end is lost: it is computed again, from the newest checkpoint left
            return training.read_back(place)
    finished = training.train(place, tell, until)
    if row.learner in SHAPERS:  # later rows may play what was learned
        policies.save(finished)
    return finished


def _with_learned(row: Row, runs: Mapping[str, Finished | Computed]) -> Row:
    """The row with the folders of earlier rows in place of their names (`row:NAME`)."""
    if isinstance(row, Computation):
        return row
    changes = {
        seat: str(runs[name.removeprefix(ROW)].folder.path)
        for seat in ("learner", "against")
        if (name := getattr(row, seat)).startswith(ROW)
    }
    return dataclasses.replace(row, **changes)


def _finite(value: float | None) -> float | None:
    """A figure for JSON, which has no NaN; None where a single seed has no spread."""
    return value if value is not None and math.isfinite(value) else None


def _compared(target: Target, measured: Measured, judged: bool) -> dict[str, Any]:
    entry = {
        "name": target.name,
        "published": target.published,
        "published_spread": target.published_spread,
        "source": target.source,
        "verified": target.verified,
        "measured": _finite(measured.value),
        "spread": _finite(measured.spread),
        "spread_kind": measured.spread_kind,
        "n": measured.n,
        "rule": target.rule,
        "reached": target.reached(measured.value) if judged else None,
    }
    if not judged:
        entry["why"] = "not judged: the quick mode is too small for it"
    return entry
