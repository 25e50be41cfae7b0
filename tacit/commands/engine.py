"""`tacit evaluate engine`: what do policies score on the reference engine of Hanabi itself?"""

import dataclasses
from typing import Any

from tacit.command_line import Command, Common
from tacit.commands.computed import evaluate_models, print_table
from tacit.evaluation.engine_settings import Plan, Scoring
from tacit.settings import setting


@dataclasses.dataclass(frozen=True)
class Options(Common, Scoring):
    """Options of `tacit evaluate engine`."""

    seed: int = setting(0, "of the decks that all play", low=0, high=2**32 - 1)


COMMAND = Command(
    "evaluate engine",
    "What do policies score on the reference engine of Hanabi itself (hanabi-learning-environment), and on ours? Runs "
    "(RUN, or RUN:0,3 for some of their seeds), trained policies and scripted players (NAME, or bots for all), each "
    "greedily with its twin, on the same decks.",
    Options,
    "MODEL...",
    1,
    1000,
)


def run(argv: list[str]) -> int:
    """Scores models and shows their scores.

    Raises:
        InputError: a model, the game or an option is refused, or the engine is missing; one line says why.
    """
    return evaluate_models(argv, COMMAND, Plan, "engine", _show)


def _show(result: dict[str, Any]) -> None:
    """Prints the table, and how many games differ."""
    from rich.console import Console

    from tacit.runs.engine import HEAD, TITLE, WORDS, rows

    console = Console(width=max(Console().width, 130))
    print_table(console, TITLE, HEAD, rows(result), WORDS)
    games = result["games_of_each"] * len(result["models"])
    console.print(f"{result['differing']} of {games} games differ between {result['engine']} and our engine.")
