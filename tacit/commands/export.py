"""`tacit export`: what a run learned, to be handed on."""

import dataclasses
import functools
import pathlib
from typing import Any

from tacit.command_line import Command, Common, parse, prepare, print_json
from tacit.commands.computed import print_table
from tacit.errors import SettingError
from tacit.settings import setting


@dataclasses.dataclass(frozen=True)
class Options(Common):
    """Options of `tacit export`."""

    level: int = setting(0, "of a learner of levels, which one; 0 is the highest", low=0, high=1000)
    games: int = setting(1000, "games of each ordered pair of seeds, by which it is scored", low=1, high=10**5)
    out: str = setting("runs", "folder for the new folder")


COMMAND = Command(
    "export",
    "What a run learned as a folder NAME to hand on: parameters, where they come from, and what they score.",
    Options,
    "RUN NAME",
    2,
    2,
)


def run(argv: list[str]) -> int:
    """Writes the folder, scores what is in it and says where it is; the exit status.

    Raises:
        InputError: the run or the name is refused; one line says why.
    """
    parsed = parse(COMMAND, argv)
    options: Options = parsed.options
    source, name = parsed.words
    if name != pathlib.Path(name).name or name.startswith(".") or ":" in name:
        raise SettingError(f"NAME must be a plain name of a folder below --out, got {name!r}")
    prepare()
    from tacit import terminal
    from tacit.runs.export import export

    target = pathlib.Path(options.out) / name
    with terminal.Teller() as teller:
        say = functools.partial(teller.console.print, markup=False)
        about = export(pathlib.Path(source), target, options.level, options.games, options.seed, say)
    if options.json:
        print_json({"policy": str(target), **about})
    else:
        _show(about)
    teller.console.print(str(target), markup=False)
    return 0


def _show(about: dict[str, Any]) -> None:
    """Prints what was scored."""
    from rich.console import Console

    score, engine = about["score"], about["engine"]
    means = [["self-play", score["self_play"]], ["cross-play", score["cross_play"]]]
    means += [[f"self-play on {engine['name']}", engine]] if engine else []
    rows = [[name, figure["mean"], figure["se"]] for name, figure in means]
    print_table(Console(), f"Mean score, {score['games']} games", ("of", "mean", "se over seeds"), rows)
    if engine:
        Console().print(f"{engine['differing']} of these games differ between the two engines.")
