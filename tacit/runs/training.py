"""Training in a run folder: compiled pieces; between them metrics, checkpoints, signals, a look at the numbers."""

import contextlib
import dataclasses
import functools
import math
import pathlib
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np

from tacit import loops
from tacit.errors import Interrupted, Paused, RunError, Stopped
from tacit.runs import checkpoint, metrics, store
from tacit.runs.experiment import Experiment, Resolved, as_dict, from_dict, resolve
from tacit.runs.store import RunFolder
from tacit.scale import precision
from tacit.types import State

SAVE_EVERY = 2.0  # seconds between checkpoints, longer where saving takes long
SHARE = 0.03  # of the time that saving may take
CHUNK = 0.5  # seconds of a compiled piece


class Progress(NamedTuple):
    """What a run tells while it goes on: a piece that was done, or a line of words (all that a computation tells)."""

    experiment: Any
    iteration: int = 0
    rows: dict[str, np.ndarray] | None = None
    seconds: float = 0.0
    words: str = ""


@dataclasses.dataclass(frozen=True)
class Finished:
    """A run and how far it came: its folder, what it is, and its newest state (leaves `[S, ...]`)."""

    folder: RunFolder
    experiment: Experiment
    resolved: Resolved
    state: State

    @property
    def make(self) -> loops.Make:
        return self.resolved.make

    @property
    def game(self) -> Any:
        return self.resolved.game

    @property
    def config(self) -> Any:
        return self.resolved.config

    @functools.cached_property
    def metrics(self) -> dict[str, np.ndarray]:
        """All rows of its metrics, leaves `[rows, S, ...]`, read from its folder."""
        return metrics.read(self.folder.path / "metrics.jsonl")


def new_run(parent: pathlib.Path, name: str, experiment: Experiment) -> RunFolder:
    """A new run folder for an experiment, after checking that everything it names exists and fits.

    Raises:
        SettingError, Misfit: what it names does not exist, is refused, or does not fit together.
        RunError: the folder cannot be made.
    """
    with precision(experiment.precision):
        _check_fit(resolve(experiment), experiment)
    folder = RunFolder.create(parent, name)
    store.write_json(folder.path / "config.json", as_dict(experiment))
    folder.note(status="new", started=store.now())
    return folder


def experiment_of(folder: RunFolder) -> Experiment:
    """What a run folder is about.

    Raises:
        RunError: its configuration is missing or damaged.
    """
    return from_dict(store.read_json(folder.path / "config.json"))


def train(folder: RunFolder, tell: Callable[[Progress], None], until: float = math.inf) -> Finished:
    """Runs what a folder is about to its end, from the newest usable checkpoint on.

    Args:
        tell: called after every piece and with every line of words.
        until: the time (`time.monotonic`) from which on it stops, once a piece was done.

    Raises:
        RunError: the folder is busy or damaged.
        Paused: its time is up before its end.
        Stopped: a number was not finite or the disk is full.
        Interrupted: a signal came.
    """
    experiment = experiment_of(folder)
    with folder.lock(), precision(experiment.precision), caught_signals() as signals:
        resolved = resolve(experiment)
        try:
            return _train(folder, experiment, resolved, signals, tell, until)
        except (Interrupted, Paused) as stop:
            folder.note(status="interrupted", ended=store.now(), reason=str(stop))
            raise
        except BrokenPipeError:  # whoever was told about it has gone
            raise
        except (Stopped, OSError) as error:
            full = isinstance(error, OSError)
            reason = f"{folder.path}: {error.strerror}; the last checkpoint is kept" if full else str(error)
            with contextlib.suppress(OSError):
                folder.note(status="failed", ended=store.now(), reason=reason)
            raise Stopped(reason) from None


def _train(
    folder: RunFolder,
    experiment: Experiment,
    resolved: Resolved,
    signals: list[int],
    tell: Callable[[Progress], None],
    until: float,
) -> Finished:
    rows_path, saved = folder.path / "metrics.jsonl", folder.path / "checkpoints"
    every = experiment.every or metrics.every_for(experiment.iterations, experiment.seeds)
    state, done, wall = None, 0, 0.0
    if any(saved.glob("*.json")):
        state, record, refused = checkpoint.restore(saved, _expected(resolved, experiment))
        for line in refused:
            tell(Progress(experiment, words=f"{line}; going on from the one before"))
        _check_devices(folder, experiment, resolved)
        done, wall, length = record["iteration"], record.get("wall"), record.get("metrics_bytes")
        if not isinstance(wall, float) or not isinstance(length, int) or length < 0:
            raise RunError(f"{folder.path} is damaged: the record of iteration {done} lacks wall or metrics_bytes")
        metrics.truncate(rows_path, length)
    else:
        rows_path.unlink(missing_ok=True)
        store.write_json(folder.path / "provenance.json", store.provenance())
    folder.note(status="running", resumed_at=done)
    began, started, last_save, cost = done, time.monotonic() - wall, time.monotonic(), 0.0
    pieces = loops.chunks(
        resolved.make,
        resolved.game,
        resolved.config,
        iterations=experiment.iterations,
        seeds=range(experiment.seeds),
        seed=experiment.seed,
        every=every,
        state=state,
        done=done,
        seconds=CHUNK,
    )
    for piece in pieces:
        done, state, wall = piece.iteration, piece.state, time.monotonic() - started
        finished = done == experiment.iterations
        metrics.append(rows_path, done, every, piece.metrics, wall)
        tell(Progress(experiment, done, piece.metrics, piece.seconds))
        due = time.monotonic() - last_save > max(SAVE_EVERY, cost / SHARE)
        late = time.monotonic() >= until and done > began
        if due or finished or signals or late:
            last_save = time.monotonic()
            record = {"wall": wall, "metrics_bytes": metrics.settle(rows_path)}
            _save(folder, done, state, record, piece.metrics)
            cost = time.monotonic() - last_save
        if signals and not finished:
            raise Interrupted(signals[0])
        if late and not finished:
            raise Paused(f"time is up after {done} of {experiment.iterations} iterations; the state is kept")
    folder.note(status="done", ended=store.now(), reason="finished", wall_seconds=round(wall, 3))
    return Finished(folder, experiment, resolved, checkpoint.on_host(state))


def read_back(folder: RunFolder) -> Finished:
    """A run as its newest usable checkpoint has it, whether that was its end or not.

    Raises:
        RunError: there is none; or the run is done and its end is lost.
    """
    experiment = experiment_of(folder)
    with precision(experiment.precision):
        resolved = resolve(experiment)
        state, record, refused = checkpoint.restore(folder.path / "checkpoints", _expected(resolved, experiment))
    if folder.status().get("status") == "done" and record["iteration"] < experiment.iterations:
        why = refused[0] if refused else f"the newest checkpoint is of iteration {record['iteration']}"
        raise RunError(f"{folder.path} has lost its end ({why}); tacit train --resume {folder.path} computes it again")
    return Finished(folder, experiment, resolved, state)


def _save(folder: RunFolder, done: int, state: State, record: dict[str, Any], last: dict[str, np.ndarray]) -> None:
    """Writes a checkpoint, unless the state is not finite.

    Raises:
        Stopped: it is not; the checkpoint before stays.
        OSError: there is no room for it; likewise.
    """
    held = checkpoint.on_host(state)
    if bad := checkpoint.not_finite(held):
        tail = {name: np.asarray(rows)[-1:].tolist() for name, rows in last.items()}
        report = {"iteration": done, "not_finite": bad, "metrics": str(tail)}
        store.write_json(folder.path / "nan_report.json", report)
        raise Stopped(f"iteration {done}: {bad[0]} is not finite (see nan_report.json); earlier checkpoints are kept")
    checkpoint.save(folder.path / "checkpoints", done, held, record)


def _check_devices(folder: RunFolder, experiment: Experiment, resolved: Resolved) -> None:
    """Refuses to go on with another number of devices, which would end in other bits."""
    before = store.read_json(folder.path / "provenance.json").get("device_count")
    after = len(jax.devices())
    most = max(before if isinstance(before, int) else 1, after)
    alone = experiment.seeds == 1 and resolved.make(resolved.game, resolved.config).divided is None
    if before != after and most > 1 and not alone:
        raise RunError(
            f"{folder.path} was begun on {before} devices and this process has {after}; "
            f"set JAX_NUM_CPU_DEVICES={before} to go on with equal numbers"
        )


def _expected(resolved: Resolved, experiment: Experiment) -> State:
    """Shapes and dtypes of the learner's state."""
    learner = resolved.make(resolved.game, resolved.config)
    return jax.eval_shape(jax.vmap(learner.init), _keys(experiment))


def _check_fit(resolved: Resolved, experiment: Experiment) -> None:
    """Goes through one iteration without computing it, which finds what does not fit together."""
    learner = resolved.make(resolved.game, resolved.config)
    jax.eval_shape(jax.vmap(learner.step), _keys(experiment), _expected(resolved, experiment))


def _keys(experiment: Experiment) -> Any:
    return jax.eval_shape(functools.partial(jax.random.split, num=experiment.seeds), jax.random.key(0))


@contextlib.contextmanager
def caught_signals() -> Iterator[list[int]]:
    """Collects SIGTERM, SIGINT and SIGUSR1 instead of dying by them; a second one of a kind ends at once."""
    received: list[int] = []
    watched = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
    before: dict[int, Any] = {}

    def catch(number: int, frame: Any) -> None:
        del frame
        received.append(number)
        signal.signal(number, signal.SIG_DFL)

    with contextlib.suppress(ValueError):  # outside the main thread signals cannot be caught
        for number in watched:
            before[number] = signal.signal(number, catch)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
