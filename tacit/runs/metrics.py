"""Rows of metrics: one JSON object a line, append only; a line that was cut off is dropped on reading."""

import json
import os
import pathlib

import numpy as np

from tacit.errors import RunError

MAIN_METRICS = ("value", "return", "reward")  # those that say how well the players do
MAX_NUMBERS = 50_000  # seeds times rows, so that writing them costs nothing and a file stays a few megabytes


def every_for(iterations: int, seeds: int) -> int:
    """How many iterations go into one row, so that a run has at most 2000 rows and a file stays small."""
    rows = min(2000, max(50, MAX_NUMBERS // max(seeds, 1)))
    return max(1, -(-iterations // rows))


def append(path: pathlib.Path, done: int, every: int, metrics: dict[str, np.ndarray], wall: float) -> None:
    """Appends rows of `every` iterations each (the last row of a run may be of fewer).

    Args:
        done: iterations after the last of these rows.
        metrics: leaves `[rows, S, ...]`.
        wall: seconds since the run began.
    """
    rows = len(next(iter(metrics.values()), ()))
    with path.open("a") as file:
        for i in range(rows):
            parts = [f'"iteration":{done - (rows - 1 - i) * every}', f'"wall":{wall:.3f}']
            parts += [f"{json.dumps(name)}:{_text(values[i])}" for name, values in metrics.items()]
            file.write("{" + ",".join(parts) + "}\n")


def _text(values: np.ndarray) -> str:
    """Nested JSON lists with seven significant digits, null where there was nothing to report.

    One formatting call for all numbers: a thousand seeds write a hundred thousand of them.
    """
    shape = "%.7g"
    for size in reversed(values.shape):
        shape = "[" + ",".join([shape] * size) + "]"
    text = shape % tuple(values.ravel().tolist())
    return (
        text
        if np.isfinite(values).all()
        else text.replace("-inf", "null").replace("inf", "null").replace("nan", "null")
    )


def size(path: pathlib.Path) -> int:
    """Bytes written so far."""
    return path.stat().st_size if path.exists() else 0


def settle(path: pathlib.Path) -> int:
    """Flushes what was written to the disk, so that no checkpoint is newer than its rows; returns the bytes."""
    with path.open("a") as file:
        os.fsync(file.fileno())
    return size(path)


def truncate(path: pathlib.Path, length: int) -> None:
    """Cuts the file back to what a checkpoint saw, so that no iteration appears twice.

    Raises:
        RunError: the file is shorter than that.
    """
    if size(path) < length:
        raise RunError(f"{path} is damaged: {size(path)} bytes, but the checkpoint saw {length}")
    if path.exists():
        with path.open("r+b") as file:
            file.truncate(length)


def read(path: pathlib.Path) -> dict[str, np.ndarray]:
    """All rows as arrays: `iteration` `[rows]`, each metric `[rows, S, ...]` (NaN where nothing was reported).

    Raises:
        RunError: a line other than the last is damaged, or the rows do not go together.
    """
    rows = []
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            rows.append(json.loads(line))
        except ValueError:
            if number < len(lines):
                raise RunError(f"{path}, line {number}, is damaged") from None
    if not rows:
        return {}
    try:
        return {name: np.array([row[name] for row in rows], float) for name in rows[0]}
    except (KeyError, TypeError, ValueError):
        raise RunError(f"{path} is damaged: its rows differ") from None
