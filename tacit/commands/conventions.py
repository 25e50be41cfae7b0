"""`tacit evaluate conventions`: what do Hanabi players tell each other that the rules do not?"""

import dataclasses
from typing import Any

from tacit.command_line import Command, Common, parse, prepare
from tacit.commands.computed import carry_out, print_table
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
    parsed = parse(COMMAND, argv)
    options: Options = parsed.options
    watching = {field.name: getattr(options, field.name) for field in dataclasses.fields(Watching)}
    plan = Plan(**watching, models=tuple(parsed.words))
    prepare()
    from tacit.runs import conventions

    wanted = conventions.computation(plan, options.seed)
    return carry_out(options, "conventions", wanted, _show)


def _show(result: dict[str, Any]) -> None:
    """Prints both tables; the matrices are on the page."""
    from rich.console import Console

    console = Console(width=max(Console().width, 140))
    for exhibit in result["exhibits"][:2]:
        rows = [[round(cell, 3) + 0.0 if isinstance(cell, float) else cell for cell in row] for row in exhibit["rows"]]
        print_table(console, exhibit["title"], exhibit["head"], rows, exhibit["caption"])
