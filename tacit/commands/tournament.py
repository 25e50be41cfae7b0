"""`tacit evaluate tournament`: everybody meets everybody, in closed form or turn by turn."""

import dataclasses
import functools
from typing import Any

from tacit.command_line import Command, Common, parse, prepare
from tacit.commands.computed import carry_out
from tacit.evaluation.rules import Event, Tournament
from tacit.settings import setting


@dataclasses.dataclass(frozen=True)
class TournamentOptions(Common, Event):
    """Options of `tacit evaluate tournament`."""

    seeds: int = setting(
        1, "tournaments, each with its own randomness, over which places are counted", low=1, high=10**5
    )


COMMAND = Command(
    "evaluate tournament",
    "A round robin, as Axelrod's: scripted players, typed memory-one vectors, learned policies, library strategies.",
    TournamentOptions,
    "ENTRANT...",
    0,
    1000,
)
SHOWN = 40  # lines of the table in a terminal


def run(argv: list[str]) -> int:
    """Plays a tournament and shows its table.

    Raises:
        InputError: an entrant, the game or an option is refused; one line says why.
    """
    parsed = parse(COMMAND, argv)
    options: TournamentOptions = parsed.options
    event = {field.name: getattr(options, field.name) for field in dataclasses.fields(Event)}
    plan = Tournament(**event, entrants=tuple(parsed.words) or ("first",))
    prepare()
    from tacit.runs import tournament

    wanted = tournament.computation(plan, 1 if plan.exact else options.seeds, options.seed)
    return carry_out(options, "tournament", wanted, functools.partial(_show, plan))


def _show(plan: Tournament, result: dict[str, Any]) -> None:
    """Prints the ranking."""
    from rich.console import Console
    from rich.table import Table

    from tacit.runs.tournament import HEAD
    from tacit.terminal import number

    words = [plan.game, f"{plan.turns} turns"]
    words += [f"noise {plan.noise:g}"] if plan.noise else []
    words += [f"ending {plan.ending:g}"] if plan.ending else []
    words += ["expected scores"] if plan.exact else [f"{plan.repetitions} repetitions"]
    console = Console(width=max(Console().width, 100))
    exhibit = result["exhibits"][0]
    table = Table(title=", ".join(words), caption=exhibit["caption"], title_justify="left", caption_justify="left")
    head = [*HEAD, "share at last"] if plan.ecological else HEAD
    for name in head:
        table.add_column(name, justify="left" if name == "entrant" else "right")
    for row in exhibit["rows"][:SHOWN]:
        rank, name, median, mean, spread, n, places = row
        last = [f"{result['shares'][name][-1]:.3f}"] if plan.ecological else []
        figures = (f"{median:.4f}", f"{mean:.4f}", number(spread, 2), str(n))
        table.add_row(str(rank), name.replace("[", r"\["), *figures, places, *last)
    console.print(table)
    if len(exhibit["rows"]) > SHOWN:
        console.print(f"{len(exhibit['rows']) - SHOWN} more are in the report.")
