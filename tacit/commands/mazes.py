"""`tacit evaluate mazes`: which mazes do agents solve that they never saw?"""

import dataclasses
from typing import Any

from tacit.command_line import Command, Common
from tacit.commands.computed import evaluate_models, print_exhibit
from tacit.evaluation.mazes_settings import Plan, Testing
from tacit.settings import setting


@dataclasses.dataclass(frozen=True)
class Options(Common, Testing):
    """Options of `tacit evaluate mazes`."""

    seed: int = setting(0, "of the levels that are drawn and of all luck", low=0, high=2**32 - 1)


COMMAND = Command(
    "evaluate mazes",
    "Which mazes do the agents of these runs solve that they never saw? Solve rates in 250 steps and at the longer "
    "horizons of the published tables, what is missing to the best return, and their ways.",
    Options,
    "RUN...",
    1,
    100,
)


def run(argv: list[str]) -> int:
    """Tests runs and shows what came of it.

    Raises:
        InputError: a run, a maze, a level or an option is refused; one line says why.
    """
    return evaluate_models(argv, COMMAND, Plan, "mazes", _show)


def _show(result: dict[str, Any]) -> None:
    from rich.console import Console

    console = Console(width=max(Console().width, 100))
    for exhibit in result["exhibits"]:
        if exhibit["kind"] == "table":
            print_exhibit(console, exhibit)
