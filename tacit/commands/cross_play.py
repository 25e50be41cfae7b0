"""`tacit evaluate cross-play`: do policies that never trained together play well together?"""

import dataclasses
from typing import Any

from tacit.command_line import Command, Common
from tacit.commands.computed import evaluate_models, print_table
from tacit.evaluation.cross_play_settings import Meeting, Plan
from tacit.settings import setting


@dataclasses.dataclass(frozen=True)
class Options(Common, Meeting):
    """Options of `tacit evaluate cross-play`."""

    seed: int = setting(0, "of the levels that all pairs play and of all luck", low=0, high=2**32 - 1)


COMMAND = Command(
    "evaluate cross-play",
    "Do policies that never trained together play well together? All ordered pairs of runs (RUN, or RUN:0,3 for some "
    "of its seeds) and scripted players (NAME, or bots for all of Hanabi), on the same levels.",
    Options,
    "MODEL...",
    1,
    1000,
)
SHOWN = 16  # models up to which the matrix is printed


def run(argv: list[str]) -> int:
    """Lets models meet and shows their matrix.

    Raises:
        InputError: a model, the game or an option is refused; one line says why.
    """
    return evaluate_models(argv, COMMAND, Plan, "cross_play", _show)


def _show(result: dict[str, Any]) -> None:
    """Prints the figures, and the matrix where it is small."""
    from rich.console import Console

    from tacit.runs.cross_play import HEAD, HEAD_MEASURED, WORDS, rows, rows_measured

    console = Console(width=max(Console().width, 116))
    title = f"Cross-play, {result['games_of_each_pair']} games of each ordered pair"
    print_table(console, title, HEAD, rows(result), WORDS)
    if result["measured"]:
        every = [row for row in rows_measured(result) if row[0] == "all"]
        print_table(console, "How games ended", HEAD_MEASURED, every)
    names = result["models"]
    if len(names) > SHOWN:
        console.print(f"The matrix of {len(names)} models is in the report.")
        return
    head = ("model", *(str(place) for place in range(len(names))))
    square = [
        [f"{place} {name}", *(f"{score:.2f}" for score in row)]
        for place, (name, row) in enumerate(zip(names, result["matrix"], strict=True))
    ]
    print_table(console, "Mean score, row in seat 0, column in all other seats", head, square)
