"""The command line. Nothing heavy is imported before a command needs it.

Exit status: 0 done (for `reproduce`: every target reached), 1 internal error, 2 bad usage or input (one line),
3 a run stopped itself and kept its state, 4 a target missed or not judged, 128 + n ended by signal n.
"""

import contextlib
import dataclasses
import errno
import math
import os
import pathlib
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tacit.command_line import HELP, Command, Common, Section, fail, parse, prepare, print_json
from tacit.commands import EVALUATIONS, export
from tacit.errors import InputError, Interrupted, Paused, SettingError, Stopped
from tacit.settings import options, setting, unknown

STOP_AFTER = setting(
    0.0, "training stops itself after so long, with its state kept for --resume; 0 is never", unit="minutes", low=0.0
)
DONE, INTERNAL, USAGE, STOPPED, MISSED = 0, 1, 2, 3, 4
KINDS = ("games", "learners", "players", "policies", "recipes")


@dataclasses.dataclass(frozen=True)
class ReproduceOptions(Common):
    """Options of `tacit reproduce`."""

    quick: bool = setting(False, "a minute on two cores; says which targets it cannot judge")
    full: bool = setting(False, "the paper's own budget, or more")
    seeds: int = setting(0, "seeds of every row; 0 takes the recipe's own number", low=0, high=10**6)
    resume: str = setting("", "go on in this run folder")
    stop_after: float = STOP_AFTER


@dataclasses.dataclass(frozen=True)
class TrainOptions(Common):
    """Options of `tacit train`."""

    seeds: int = setting(8, "runs side by side", low=1, high=10**6)
    iterations: int = setting(200, "iterations of the learner", low=1, high=10**9)
    against: str = setting("", "a learner or scripted player for the other seats; its settings are --opponent.*")
    precision: int = setting(32, "bits of the real numbers", choices=(32, 64))
    resume: str = setting("", "go on in this run folder")
    stop_after: float = STOP_AFTER


@dataclasses.dataclass(frozen=True)
class ReportOptions(Common):
    """Options of `tacit report`."""


LIST = Command("list", "What there is, one line each.", Common, f"[{'|'.join(KINDS)}]", 0, 1)
REPRODUCE = Command(
    "reproduce",
    "A published result: runs it and prints published beside measured.",
    ReproduceOptions,
    "RECIPE...",
    0,
    99,
)
TRAIN = Command("train", "Any learner on any game it fits.", TrainOptions, "LEARNER GAME", 0, 2)
EVALUATE = Command("evaluate", "Learning rules and policies against each other.", Common, "KIND ...", 1, 99)
REPORT = Command("report", "One self-contained HTML page with the plots of a run.", ReportOptions, "RUN...", 1, 99)
BENCH = Command("bench", "Speed, beside a plain version of the same thing.", Common, "[NAME...]", 0, 99)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command line and returns its exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _dispatch(argv)
        sys.stdout.flush()  # so that a reader who has gone is noticed here
        return status
    except InputError as error:
        fail(str(error))
        return USAGE
    except Stopped as stop:
        fail(str(stop))
        return STOPPED
    except Interrupted as stop:
        fail(str(stop))
        return 128 + stop.number
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:  # whoever read our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except OSError as error:
        fail(f"{error.filename or 'writing'}: {error.strerror}")
        return STOPPED if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO) else USAGE


def entry() -> None:
    """The `tacit` program."""
    try:
        sys.exit(main())
    except Exception:
        import traceback

        traceback.print_exc()
        sys.exit(INTERNAL)


def _dispatch(argv: list[str]) -> int:
    if not argv or argv[0] in ("-h", "--help"):
        sys.stdout.write(_overview())
        return DONE if argv else USAGE
    if argv[0] == "--version":
        from tacit import __version__

        sys.stdout.write(f"tacit {__version__}\n")
        return DONE
    if argv[0] not in COMMANDS:
        raise SettingError(unknown("command", argv[0], COMMANDS))
    return COMMANDS[argv[0]][1](argv[1:])


def _overview() -> str:
    lines = [f"  {command.name:<10} {command.line}" for command, _ in COMMANDS.values()]
    return "usage: tacit COMMAND ... (--help of a command shows its options)\n\n" + "\n".join(lines) + "\n"


def _list(argv: list[str]) -> int:
    parsed = parse(LIST, argv)
    kinds = parsed.words or list(KINDS)
    if kinds[0] not in KINDS:
        raise SettingError(unknown("list", kinds[0], KINDS))
    from tacit.games import FAMILIES, GAMES
    from tacit.learners import LEARNERS, PLAYERS
    from tacit.policies import POLICIES
    from tacit.recipes import RECIPES

    named = GAMES | FAMILIES
    registries = {"games": named, "learners": LEARNERS, "players": PLAYERS, "policies": POLICIES, "recipes": RECIPES}
    found = {kind: {name: entry.line for name, entry in registries[kind].items()} for kind in kinds}
    if parsed.options.json:
        print_json(found)
        return DONE
    for kind, lines in found.items():
        sys.stdout.write(f"{kind}\n" + "".join(f"  {name:<24} {line}\n" for name, line in lines.items()))
    return DONE


def _reproduce(argv: list[str]) -> int:
    parsed = parse(REPRODUCE, argv)
    options: ReproduceOptions = parsed.options
    from tacit.recipes import RECIPES

    if options.quick and options.full:
        raise SettingError("--quick and --full exclude each other")
    if bool(parsed.words) == bool(options.resume):
        raise SettingError("usage: tacit reproduce RECIPE... or tacit reproduce --resume RUN; see tacit list recipes")
    for name in parsed.words:
        if name not in RECIPES:
            raise SettingError(unknown("recipe", name, RECIPES))
    prepare()
    from tacit.recipes import reproduction
    from tacit.runs.store import RunFolder

    mode = "quick" if options.quick else "full" if options.full else "default"
    if options.resume:
        outcomes = [_one_reproduction(RunFolder.open(pathlib.Path(options.resume)), options)]
    else:
        outcomes = []
        for name in parsed.words:
            recipe = reproduction.recipe_named(name)
            place = pathlib.Path(options.out)
            folder = reproduction.new_reproduction(place, recipe, mode, options.seeds or None, options.seed)
            outcomes.append(_one_reproduction(folder, options))
    if options.json:
        each = [outcome.json for outcome in outcomes]
        print_json(each[0] if len(each) == 1 else {"recipes": each})
    return DONE if all(outcome.reached for outcome in outcomes) else MISSED


def _one_reproduction(folder: Any, options: ReproduceOptions) -> Any:
    from tacit import terminal
    from tacit.recipes.reproduction import reproduce
    from tacit.runs import report

    with terminal.Teller() as teller, _paused(f"tacit reproduce --resume {folder.path}"):
        outcome = reproduce(folder, teller.tell, teller.begin, _until(options))
    recipe = outcome.recipe
    if not options.json:
        terminal.show_outcome(recipe.title, recipe.paper, outcome.json, (*recipe.notes, *outcome.lines))
    page = report.write([folder.path])
    teller.console.print(f"{outcome.json['wall_seconds']:.1f} s; {page}", markup=False)
    return outcome


def _train(argv: list[str]) -> int:
    words = [word for word in argv[:2] if not word.startswith("-")]
    if len(words) == 2:
        return _train_new(words, argv[2:])
    parsed = parse(TRAIN, argv)
    if parsed.words or not parsed.options.resume:
        raise SettingError("usage: tacit train LEARNER GAME or tacit train --resume RUN; see tacit list")
    may = {name: getattr(parsed.options, name) for name in ("json", "resume", "stop_after")}
    if parsed.options != TrainOptions(**may):
        raise SettingError(
            "--resume goes on with the run's own settings; only --json and --stop-after may be given beside it"
        )
    prepare()
    from tacit.runs.store import RunFolder

    return _run(RunFolder.open(pathlib.Path(parsed.options.resume)), parsed.options)


def _train_new(names: list[str], argv: list[str]) -> int:
    from tacit.runs.experiment import check_names

    against = _value_of("--against", argv)
    learner, game = names
    check_names(learner, game, against)
    prepare()
    from tacit.runs import experiment
    from tacit.runs.training import new_run

    sections = [Section("learner", experiment.rule(learner, {})[1]), Section("game", experiment.game(game, {}))]
    if against:
        sections.append(Section("opponent", experiment.rule(against, {})[1]))
    named = f"train {learner} {game}"
    command = TRAIN._replace(name=named, positional="", most=0, sections=tuple(sections))
    parsed = parse(command, argv)
    options: TrainOptions = parsed.options
    if options.resume:
        raise SettingError("--resume goes on with the run's own settings: tacit train --resume RUN")
    wanted = experiment.Experiment(
        learner,
        game,
        against,
        parsed.changes["learner"],
        parsed.changes["game"],
        parsed.changes.get("opponent", {}),
        options.iterations,
        options.seeds,
        options.seed,
        options.precision,
    )
    parts = (pathlib.Path(learner).name, against and f"vs-{pathlib.Path(against).name}", game)
    name = "-".join(part for part in parts if part).replace(":", "-")  # not all systems allow it in a folder's name
    return _run(new_run(pathlib.Path(options.out), name, wanted), options)


def _value_of(flag: str, argv: Sequence[str]) -> str:
    """The value of an option that has to be known before the others can be read."""
    for word, following in zip(argv, [*argv[1:], ""], strict=False):
        if word == flag:
            return following
        if word.startswith(f"{flag}="):
            return word.partition("=")[2]
    return ""


def _run(folder: Any, options: TrainOptions) -> int:
    from tacit import terminal
    from tacit.runs import policies, report
    from tacit.runs.training import train

    with terminal.Teller() as teller, _paused(f"tacit train --resume {folder.path}"):
        teller.begin(folder.path.name)
        finished = train(folder, teller.tell, _until(options))
    policies.save(finished)
    page = report.write([folder.path])
    summary = report.summary(finished)
    if options.json:
        print_json(summary)
    else:
        terminal.show_summary(summary)
    teller.console.print(str(page), markup=False)
    return DONE


def _until(options: TrainOptions | ReproduceOptions) -> float:
    """When training stops itself, on the clock that never goes back."""
    return time.monotonic() + 60.0 * options.stop_after if options.stop_after else math.inf


@contextlib.contextmanager
def _paused(resume: str) -> Iterator[None]:
    """Says how a run that used up its time goes on."""
    try:
        yield
    except Paused as stop:
        raise Paused(f"{stop}; go on with: {resume}") from None


def _report(argv: list[str]) -> int:
    parsed = parse(REPORT, argv)
    prepare()
    from tacit.runs import report

    page = report.write([pathlib.Path(word) for word in parsed.words])
    if parsed.options.json:
        print_json({"report": str(page)})
    else:
        sys.stdout.write(f"{page}\n")
    return DONE


def _evaluate(argv: list[str]) -> int:
    from tacit.registry import load

    if not argv or argv[0] in HELP:
        usage = "usage: tacit evaluate KIND ... (--help of a kind shows its options)"
        lines = [usage, "", EVALUATE.line, ""]
        lines += [f"  {name:<12} {entry.line}" for name, entry in EVALUATIONS.items()]
        lines += ["", "every kind takes", *(f"  --{option.name:<10} {option.help}" for option in options(Common))]
        sys.stdout.write("\n".join(lines) + "\n")
        return DONE if argv else USAGE
    return load("evaluation", EVALUATIONS, argv[0]).run(argv[1:])


def _bench(argv: list[str]) -> int:
    parsed = parse(BENCH, argv)
    from tacit import bench

    names = parsed.words or list(bench.names())
    for name in names:
        if name not in bench.names():
            raise SettingError(unknown("benchmark", name, bench.names()))
    prepare()
    results = {}
    for name in names:
        results[name] = bench.run(name)
        if not parsed.options.json:
            sys.stdout.write(bench.text(name, results[name]))
    if parsed.options.json:
        print_json(results)
    return DONE


COMMANDS: dict[str, tuple[Command, Callable[[list[str]], int]]] = {
    "list": (LIST, _list),
    "reproduce": (REPRODUCE, _reproduce),
    "train": (TRAIN, _train),
    "evaluate": (EVALUATE, _evaluate),
    "export": (export.COMMAND, export.run),
    "report": (REPORT, _report),
    "bench": (BENCH, _bench),
}
