"""Finds and runs the benchmarks beside the package: scripts that time tacit and a plain version in one run."""

import contextlib
import os
import pathlib
import runpy
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from tacit.errors import SettingError

FOLDER = pathlib.Path(__file__).parent.parent / "benchmarks"


def names() -> list[str]:
    """The benchmarks there are.

    Raises:
        SettingError: this is an installed package without its checkout.
    """
    found = sorted(path.stem.replace("_", "-") for path in FOLDER.glob("*.py"))
    if not found:
        raise SettingError("benchmarks are scripts of the source checkout, and this package was installed without it")
    return found


def run(name: str) -> dict[str, Any]:
    """Runs a benchmark: its `measure()` returns figures by name. What is printed meanwhile goes to standard error."""
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))  # benchmarks share their timing
    with _aside():
        return runpy.run_path(str(FOLDER / f"{name.replace('-', '_')}.py"))["measure"]()


@contextlib.contextmanager
def _aside() -> Iterator[None]:
    """Sends standard output to standard error, by its number: JaxMARL prints when imported, past `sys.stdout`."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def text(name: str, figures: Mapping[str, Any]) -> str:
    """A benchmark's figures as lines."""
    lines = [
        f"  {key:<48} {value:.4g}" if isinstance(value, float) else f"  {key:<48} {value}"
        for key, value in figures.items()
    ]
    return "\n".join([name, *lines]) + "\n"
