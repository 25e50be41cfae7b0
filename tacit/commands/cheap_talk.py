"""`tacit evaluate cheap-talk`: does talk that was bred for some victims work on others, too?"""

import dataclasses
from typing import Any

from tacit.command_line import Command, Common
from tacit.commands.computed import evaluate_models, print_exhibit
from tacit.evaluation.transfer_settings import Plan, Trying
from tacit.settings import setting


@dataclasses.dataclass(frozen=True)
class Options(Common, Trying):
    """Options of `tacit evaluate cheap-talk`."""

    seed: int = setting(0, "of all victims and episodes", low=0, high=2**32 - 1)


COMMAND = Command(
    "evaluate cheap-talk",
    "Does what an adversary says (a run of act) also work on victims that it was not bred for: of other seeds, widths, "
    "step sizes and units, and without normalization? Each against the same victim under a constant message.",
    Options,
    "RUN",
    1,
    1,
)


def run(argv: list[str]) -> int:
    """Tries a run's adversaries and shows what came of it.

    Raises:
        InputError: the run or an option is refused; one line says why.
    """
    return evaluate_models(argv, COMMAND, Plan, "cheap_talk", _show)


def _show(result: dict[str, Any]) -> None:
    from rich.console import Console

    console = Console(width=max(Console().width, 120))
    for exhibit in result["exhibits"]:
        print_exhibit(console, exhibit)
