"""How an evaluation that is one computation ends: it is computed in a run folder, shown, and its page is written."""

import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from tacit.command_line import Common, print_json


def carry_out(options: Common, name: str, wanted: Any, show: Callable[[dict[str, Any]], None]) -> int:
    """Computes, shows the result or prints it as JSON, and says where the page is; the exit status.

    Args:
        name: what new run folders are called after.
        wanted: a `tacit.runs.computation.Computation`.
        show: prints a result for people.
    """
    from tacit import terminal
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
