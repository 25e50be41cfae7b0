"""`tacit evaluate evolution`: which memory-one reasoning emerges where whatever earns more is copied, and errs."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

from tacit.command_line import Command, Common, parse, prepare, print_json
from tacit.errors import SettingError
from tacit.evaluation.evolution_settings import Config
from tacit.games import GAMES
from tacit.settings import setting, unknown


@dataclasses.dataclass(frozen=True)
class Options(Config, Common):
    """Options of `tacit evaluate evolution`."""

    game: str = setting("ipd", "iterated matrix game, its rules changed as in ipd:discount=0.99")
    seeds: int = setting(8, "populations side by side", low=1, high=10**5)


COMMAND = Command("evaluate evolution", "Which memory-one reasoning emerges from selection and mutation.", Options)


def run(argv: Sequence[str]) -> int:
    """Lets populations evolve in a run folder, shows what emerged, and writes the page."""
    options: Options = parse(COMMAND, argv).options
    name = options.game.partition(":")[0]
    if name not in GAMES:
        raise SettingError(unknown("game", name, GAMES))
    prepare()
    from tacit.evaluation.evolution import iterated
    from tacit.runs import report
    from tacit.runs.computation import Computation, new_computation, work
    from tacit.runs.evolution_result import Wanted, evolution
    from tacit.runs.experiment import board, game
    from tacit.terminal import Teller

    iterated(game(*board(options.game)))
    wanted = Wanted(**{field.name: getattr(options, field.name) for field in dataclasses.fields(Wanted)})
    computation = Computation(evolution, wanted, options.seeds, options.seed)
    folder = new_computation(pathlib.Path(options.out), f"evolution-{name}", computation)
    with Teller() as teller:
        found = work(folder, computation, lambda words: teller.console.print(words, markup=False)).result
        page = report.write([folder.path])
        if options.json:
            print_json({"run": str(folder.path), **{key: part for key, part in found.items() if key != "exhibits"}})
        else:
            _show(found)
        teller.console.print(str(page), markup=False)
    return 0


def _show(found: dict[str, Any]) -> None:
    """Prints means over the later half of the generations."""
    from rich.console import Console
    from rich.table import Table

    from tacit.terminal import number

    late = found["late"]
    title = f"Evolution on {found['game']}, generations {late['since_generation']} to {found['generation'][-1]}"
    table = Table(title=title, title_justify="left")
    for column in ("figure", "mean", "sd over populations", "n"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    rows = {"payoff per round": late["payoff"], "share of rounds with C": late["cooperation"]}
    rows |= {f"share of {name}": part for name, part in late["kinds"].items()}
    for name, part in rows.items():
        table.add_row(name, number(part["mean"], 3), number(part["sd"], 2), str(part["n"]))
    Console().print(table)
