"""The run folder: created once, locked while written, every file whole or not there at all."""

import datetime
import fcntl
import functools
import json
import os
import pathlib
import platform
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from typing import Any

import tacit
from tacit.errors import Interrupted, Paused, RunError, Stopped

SCHEMA = 1


def write(path: pathlib.Path, content: bytes) -> None:
    """Writes a file atomically: under a temporary name, flushed to disk, then renamed."""
    temporary = path.with_name(f".{path.name}.part")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_json(path: pathlib.Path, content: dict[str, Any]) -> None:
    """Writes a JSON file atomically; NaN and infinities are refused."""
    write(path, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def read_json(path: pathlib.Path) -> dict[str, Any]:
    """Reads a JSON object.

    Raises:
        RunError: the file is missing or is not a JSON object.
    """
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        raise RunError(f"{path.parent} is not a run folder: it has no {path.name}") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RunError(f"{path} cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise RunError(f"{path} is damaged: it holds no JSON object")
    return content


class RunFolder:
    """One run on disk.

    Its files: `run.json` (status), `config.json` (the experiment, all defaults written out), `provenance.json`,
    `metrics.jsonl` (one row a line, append only), `checkpoints/`, `result.json` (what a computation gave),
    `policy.safetensors` with `policy.json`, `report.html`.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path

    @staticmethod
    def create(parent: pathlib.Path, name: str) -> "RunFolder":
        """A new folder `name-NNN` with the next free number; never an existing one.

        Raises:
            RunError: the folder cannot be made.
        """
        try:
            parent.mkdir(parents=True, exist_ok=True)
            for number in range(1, 1_000_000):
                path = parent / f"{name}-{number:03d}"
                try:
                    path.mkdir()
                except FileExistsError:
                    continue
                return RunFolder(path)
        except OSError as error:
            raise RunError(f"cannot make a run folder in {parent}: {error.strerror}") from None
        raise RunError(f"{parent} holds a million runs of {name}; choose another --out")

    @staticmethod
    def open(path: pathlib.Path) -> "RunFolder":
        """An existing run.

        Raises:
            RunError: there is none, or a newer version wrote it.
        """
        if not path.is_dir():
            raise RunError(f"there is no run folder {path}")
        folder = RunFolder(path)
        schema = folder.status().get("schema")
        if not isinstance(schema, int) or schema > SCHEMA:
            raise RunError(f"{path} has schema {schema!r}; this version reads up to {SCHEMA}")
        return folder

    def status(self) -> dict[str, Any]:
        """What `run.json` says."""
        return read_json(self.path / "run.json")

    def note(self, **changes: Any) -> None:
        """Rewrites `run.json` with some entries changed."""
        path = self.path / "run.json"
        before = read_json(path) if path.exists() else {"schema": SCHEMA, "run": self.path.name, "command": sys.argv}
        write_json(path, before | changes)

    def note_stop(self, stop: Interrupted | Stopped, wall_seconds: float) -> None:
        """Notes that a run of several parts stopped, and how long it went on; a full disk does not hide the reason."""
        status = "interrupted" if isinstance(stop, Interrupted | Paused) else "failed"
        with suppress(OSError):
            self.note(status=status, ended=now(), reason=str(stop), wall_seconds=round(wall_seconds, 3))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the folder for this process.

        Raises:
            RunError: another process holds it; the line says which.
        """
        path = self.path / ".lock"
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.read(file, 1000).decode(errors="replace").strip() or "another process"
                raise RunError(f"{self.path} is busy: {holder} is writing it") from None
            os.ftruncate(file, 0)
            os.pwrite(file, f"process {os.getpid()} on {socket.gethostname()}, since {now()}".encode(), 0)
            yield
        finally:
            os.close(file)


def now() -> str:
    """The time, in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


@functools.cache
def provenance() -> dict[str, Any]:
    """What the numbers of a run may depend on beside its configuration."""
    import jax

    devices = jax.devices()
    return {
        "tacit": tacit.__version__,
        "git": _git(),
        "python": platform.python_version(),
        **{package: version(package) for package in ("jax", "jaxlib", "equinox", "optax", "numpy")},
        "machine": platform.machine(),
        "platform": devices[0].platform,
        "device": devices[0].device_kind,
        "device_count": len(devices),
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
    }


def _git() -> str | None:
    """The commit of the checkout this package runs from, with a plus if it was changed; None outside a checkout."""
    here = pathlib.Path(__file__).parent
    ask = ["git", "-C", str(here), "describe", "--always", "--dirty=+", "--exclude=*", "--abbrev=12"]
    try:
        return subprocess.run(ask, capture_output=True, text=True, check=True, timeout=5).stdout.strip() or None
    except (OSError, subprocess.SubprocessError):
        return None
