"""How an evaluation that is one computation goes: it is computed in a run folder, shown, and its page is written."""

import dataclasses
import importlib
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from tacit.command_line import Command, Common, parse, prepare, print_json

Show = Callable[[dict[str, Any]], None]
"""Prints a result for people."""


def evaluate_models(argv: list[str], command: Command, plan: type, module: str, show: Show) -> int:
    """Reads a command line whose words are models, evaluates these by their plan and shows what came of it.

    Args:
        command: its options are `Common`, a seed, and the fields of a plan but for its `models`.
        plan: the record of the evaluation in full.
        module: of `tacit.runs`, with `computation(plan, seed)`; imported once the command line has been read.

    Returns:
        The exit status.

    Raises:
        InputError: a model, the game or an option is refused; one line says why.
    """
    parsed = parse(command, argv)
    options: Any = parsed.options
    chosen = {field.name: getattr(options, field.name) for field in dataclasses.fields(plan) if field.name != "models"}
    wanted = plan(**chosen, models=tuple(parsed.words))
    prepare()
    runs = importlib.import_module(f"tacit.runs.{module}")
    return carry_out(options, module.replace("_", "-"), runs.computation(wanted, options.seed), show)


def carry_out(options: Common, name: str, wanted: Any, show: Show, hint: str = "") -> int:
    """Computes, shows the result or prints it as JSON, and says where the page is; the exit status.

    Args:
        name: what new run folders are called after.
        wanted: a `tacit.runs.computation.Computation`.
        show: prints a result for people.
        hint: what may be done next, with {run} for the run folder.

    Raises:
        Stopped: the result says under the key "stopped" why it is not whole. It is shown and kept.
    """
    from tacit import terminal
    from tacit.errors import Stopped
    from tacit.runs import computation, report
    from tacit.runs.training import Progress

    folder = computation.new_computation(pathlib.Path(options.out), name, wanted)
    with terminal.Teller() as teller:
        found = computation.work(folder, wanted, lambda words: teller.tell(Progress(wanted, words=words)))
    page = report.write([folder.path])
    if options.json:
        content = {key: value for key, value in found.result.items() if key != "exhibits"}
        print_json({"run": str(folder.path), **computation.as_dict(wanted), **content})
    else:
        show(found.result)
    teller.console.print(str(page), markup=False)
    if hint:
        teller.console.print(hint.format(run=folder.path), markup=False)
    if found.result.get("stopped"):
        raise Stopped(found.result["stopped"])
    return 0


def print_table(
    console: Any, title: str, head: Sequence[str], rows: Sequence[Sequence[Any]], caption: str = ""
) -> None:
    """Prints a table; the first column is text."""
    from rich.table import Table

    from tacit.terminal import number

    table = Table(title=title, caption=caption or None, title_justify="left", caption_justify="left")
    for place, name in enumerate(head):
        table.add_column(name, justify="right" if place else "left", no_wrap=not place)
    for row in rows:
        table.add_row(*(cell.replace("[", r"\[") if isinstance(cell, str) else number(cell, 3) for cell in row))
    console.print(table)


def print_exhibit(console: Any, exhibit: dict[str, Any]) -> None:
    """Prints a table of a page."""
    print_table(console, exhibit["title"], exhibit["head"], rounded(exhibit["rows"]), exhibit["caption"])


def rounded(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Cells with three digits after the point, and none that is -0."""
    return [[round(cell, 3) + 0.0 if isinstance(cell, float) else cell for cell in row] for row in rows]
