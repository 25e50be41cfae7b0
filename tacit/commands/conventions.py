"""`tacit evaluate conventions`: what do Hanabi players tell each other that the rules do not?"""

import dataclasses
from typing import Any

from tacit.command_line import Command, Common
from tacit.commands.computed import evaluate_models, print_exhibit
from tacit.evaluation.conventions_settings import Plan, Watching
from tacit.settings import setting


@dataclasses.dataclass(frozen=True)
class Options(Common, Watching):
    """Options of `tacit evaluate conventions`."""

    seed: int = setting(0, "of the decks that all play and of all luck", low=0, high=2**32 - 1)


COMMAND = Command(
    "evaluate conventions",
    "What do Hanabi players tell each other that the rules do not? Runs (RUN, or RUN:0,3 for some of their seeds) and "
    "scripted players (NAME, or bots for all) at play with their twins: what they knew of the cards they played, the "
    "bits their moves tell, and which move follows which.",
    Options,
    "MODEL...",
    1,
    1000,
)


def run(argv: list[str]) -> int:
    """Watches models and shows what came of it.

    Raises:
        InputError: a model, the game or an option is refused; one line says why.
    """
    return evaluate_models(argv, COMMAND, Plan, "conventions", _show)


def _show(result: dict[str, Any]) -> None:
    """Prints both tables; the matrices are on the page."""
    from rich.console import Console

    console = Console(width=max(Console().width, 140))
    for exhibit in result["exhibits"][:2]:
        print_exhibit(console, exhibit)
