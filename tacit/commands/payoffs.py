"""`tacit evaluate payoffs`: what learning rules earn against each other, and what a population of them would adopt."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

from tacit.command_line import Command, Common, parse, prepare, print_json
from tacit.errors import SettingError
from tacit.games import GAMES
from tacit.settings import setting, unknown


@dataclasses.dataclass(frozen=True)
class Options(Common):
    """Options of `tacit evaluate payoffs`."""

    game: str = setting("ipd", "game for two, its rules changed as in imp:discount=0.96")
    seeds: int = setting(1000, "trials of every pair", low=1, high=10**6)
    updates: int = setting(100, "updates of every rule in a trial", low=1, high=10**7)
    protocol: str = setting(
        "mean",
        "mean over the updates, or the last joint policy; both are kept, the population lives by this one",
        choices=("mean", "last"),
    )
    resume: str = setting("", "go on in this run folder, with its own rules and settings")


COMMAND = Command(
    "evaluate payoffs",
    "What learning rules earn against each other, and what a population would adopt. A rule is a learner or a scripted "
    "player, its settings changed as in lola:form=taylor,rate=0.5.",
    Options,
    "RULE...",
    0,
    99,
)
NEW_ONLY = ("game", "seeds", "updates", "seed", "out")  # what a table that goes on has already


def run(argv: Sequence[str]) -> int:
    """Fills a table, or what is left of one, shows it, and writes its page."""
    parsed = parse(COMMAND, argv)
    options: Options = parsed.options
    if bool(parsed.words) == bool(options.resume):
        raise SettingError(
            "usage: tacit evaluate payoffs RULE... or tacit evaluate payoffs --resume RUN; see tacit list"
        )
    if options.resume and any(getattr(options, name) != getattr(Options(), name) for name in NEW_ONLY):
        raise SettingError(
            "--resume goes on with the table's own settings; only --protocol and --json may be given too"
        )
    name = options.game.partition(":")[0]
    if name not in GAMES:
        raise SettingError(unknown("game", name, GAMES))
    prepare()
    from tacit.runs import payoff_results, payoff_table, report, store
    from tacit.terminal import Teller

    if options.resume:
        folder = store.RunFolder.open(pathlib.Path(options.resume))
        plan = payoff_table.plan_in(folder)
    else:
        numbers = {"updates": options.updates, "seeds": options.seeds, "seed": options.seed}
        plan = payoff_table.plan_of(parsed.words, options.game, **numbers)
        folder = payoff_table.new_table(pathlib.Path(options.out), plan)
    with Teller() as teller:
        tables = payoff_table.fill(folder, teller.tell, teller.begin)
        found = payoff_results.result(plan, tables, options.protocol)
        store.write_json(folder.path / payoff_table.RESULT, found)
        page = report.write([folder.path])
        if options.json:
            print_json({"run": str(folder.path), **{key: x for key, x in found.items() if key != "exhibits"}})
        else:
            _show(found)
        teller.console.print(str(page), markup=False)
    return 0


def _show(found: dict[str, Any]) -> None:
    """Prints the table by the chosen protocol, and what becomes of a population."""
    from rich.console import Console
    from rich.table import Table

    from tacit.runs.payoff_results import PROTOCOL_WORDS

    console = Console(width=max(Console().width, 100))
    words = PROTOCOL_WORDS[found["protocol"]].format(found["updates"]).capitalize()
    over = f"{found['trials']} trials of each pair"
    table = Table(
        title=f"Average reward per round on {found['game']}",
        caption=f"{words}; {over}.\nIn brackets: {found['interval']}.",
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("" if found["symmetric"] else "in the first seat")
    for rule in found["rules"]:
        table.add_column(f"against {rule}", justify="right")
    cells = iter(found["tables"][found["protocol"]])
    for rule in found["rules"]:
        table.add_row(rule, *(_cell(next(cells)) for _ in found["rules"]))
    console.print(table)
    if len(found["rules"]) > 1:
        _show_population(console, found["population"])


def _cell(cell: dict[str, Any]) -> str:
    if cell["low"] is None:
        return f"{cell['mean']:.3f}"
    return f"{cell['mean']:.3f}\n({cell['low']:.3f} to {cell['high']:.3f})"


def _show_population(console: Any, population: dict[str, Any]) -> None:
    """Prints in lines where a population ends, who invades whom, and which rules are stable."""
    lines = ["A population in which what earns more spreads (replicator dynamics):"]
    for start in population["starts"]:
        left = ", ".join(f"{share:.0%} {rule}" for rule, share in start["ends"].items() if share > 0.005)
        earned = f"mean payoff {start['payoff_first']:.3f} to {start['payoff_last']:.3f}"
        lines.append(f"  from {start['from']}: {left}; {earned}")
    for part in population["invasions"]:
        if part["invades"] or part["probability"] > 0.05:
            lines.append(f"  {part['rule']} invades {part['into']} in {part['probability']:.0%} of the drawn tables")
    stable = [f"{part['rule']} ({part['probability']:.0%})" for part in population["stable"] if part["stable"]]
    lines.append(f"  evolutionarily stable, and in how many of the drawn tables: {', '.join(stable) or 'none'}")
    ends = [f"{part['probability']:.0%} {part['ends']}" for part in population["basins"]]
    lines.append(f"  from anywhere: {'; '.join(ends)}")
    for line in lines:
        console.print(line, markup=False, highlight=False)
