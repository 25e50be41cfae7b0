"""Reading command lines: every mistake becomes one line that says what is wrong and what is allowed.

Options come from described records (`tacit.settings`). tyro parses them and renders their help; since it explains
errors in boxes of several lines, names, types and ranges are checked here first.
"""

import contextlib
import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from tacit.errors import SettingError
from tacit.settings import Option, options, problem, setting, unknown, words

HELP = ("-h", "--help")


@dataclasses.dataclass(frozen=True)
class Common:
    """Options of every command."""

    json: bool = setting(False, "print one JSON object on standard output and nothing else there")
    seed: int = setting(0, "where all randomness starts", low=0, high=2**32 - 1)
    out: str = setting("runs", "folder for run folders")


class Section(NamedTuple):
    """A settings record whose options carry a prefix, such as `--learner.lr`, with the values they start from."""

    prefix: str
    record: Any


class Command(NamedTuple):
    """What a command takes.

    Attributes:
        name: as typed after `tacit`.
        line: what it does, in one line.
        record: class of its own options; fields are described with `setting`.
        positional: what its plain words are called in the usage line ("RECIPE...").
        least, most: how many plain words it takes.
        sections: further options, by prefix.
    """

    name: str
    line: str
    record: type
    positional: str = ""
    least: int = 0
    most: int = 0
    sections: tuple[Section, ...] = ()


class Parsed(NamedTuple):
    """A command line that was understood: plain words, the command's own options, and what each section changes."""

    words: list[str]
    options: Any
    changes: Mapping[str, dict[str, Any]]


def wants_help(argv: Sequence[str]) -> bool:
    """Whether a command line asks for help."""
    return any(word in HELP for word in argv)


def parse(command: Command, argv: Sequence[str]) -> Parsed:
    """Reads the words after a command's name.

    Raises:
        SettingError: a word is unknown, missing, or refused; the line says what is allowed.
        SystemExit: help was asked for and shown (status 0).
    """
    if wants_help(argv):
        show_help(command)
        raise SystemExit(0)
    plain, rest, given = _scan(argv, _flags(command))
    if not command.least <= len(plain) <= command.most:
        raise SettingError(f"usage: tacit {command.name} {command.positional}".rstrip() + f", got {_counted(plain)}")
    record = _tyro(command, rest)
    changes = {
        section.prefix: {
            option.name: getattr(getattr(record, section.prefix), option.name)
            for option in options(type(section.record))
            if f"--{section.prefix}.{_dashed(option.name)}" in given
        }
        for section in command.sections
    }
    own = {option.name: getattr(record, option.name) for option in options(command.record)}
    return Parsed(plain, command.record(**own), changes)


def show_help(command: Command) -> None:
    """Prints a command's help: every option with its default, allowed values, unit and source."""
    _tyro(command, ["--help"])


def _counted(plain: Sequence[str]) -> str:
    return f"{len(plain)} word{'' if len(plain) == 1 else 's'}" + (f" ({' '.join(plain)})" if plain else "")


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _flags(command: Command) -> dict[str, Option]:
    flags = {f"--{_dashed(option.name)}": option for option in options(command.record)}
    for section in command.sections:
        flags |= {f"--{section.prefix}.{_dashed(o.name)}": o for o in options(type(section.record))}
    return flags


def _scan(argv: Sequence[str], flags: Mapping[str, Option]) -> tuple[list[str], list[str], set[str]]:
    """Splits words into plain ones and options, checking every option.

    Returns:
        Plain words, the words that belong to options, and the options that were given.
    """
    plain: list[str] = []
    rest: list[str] = []
    given: set[str] = set()
    queue = list(argv)
    while queue:
        word = queue.pop(0)
        if not word.startswith("-") or word == "-" or _is_number(word):
            plain.append(word)
            continue
        name, equals, value = word.partition("=")
        flag, wanted = _flag(_dashed(name), flags)
        if flag in given:
            raise SettingError(f"{flag} is given twice")
        given.add(flag)
        if equals and isinstance(flags[flag].default, bool):
            raise SettingError(f"{flag} takes no value, got {value!r}; switched off it is {_negated(flag)}")
        if equals:
            queue.insert(0, value)
        count = _count(flags[flag], queue)
        taken, queue = queue[:count], queue[count:]
        _check(flag, flags[flag], taken)
        rest += [flag if wanted else _negated(flag), *taken]
    return plain, rest, given


def _flag(name: str, flags: Mapping[str, Option]) -> tuple[str, bool]:
    """The option a word names, and False where it is negated (`--no-json`)."""
    if name in flags:
        return name, True
    for flag, option in flags.items():
        if isinstance(option.default, bool) and name == _negated(flag):
            return flag, False
    raise SettingError(unknown("option", name, flags))


def _negated(flag: str) -> str:
    prefix, dot, name = flag.removeprefix("--").rpartition(".")
    return f"--{prefix}{dot}no-{name}"


def _is_number(word: str) -> bool:
    with contextlib.suppress(ValueError):
        float(word)
        return True
    return False


def _count(option: Option, following: Sequence[str]) -> int:
    """How many of the following words belong to an option."""
    if isinstance(option.default, bool):
        return 0
    if not isinstance(option.default, tuple):
        return 1
    count = 0
    while count < len(following) and (not following[count].startswith("-") or _is_number(following[count])):
        count += 1
    return count


def _check(flag: str, option: Option, taken: Sequence[str]) -> None:
    """Refuses words that are not values of this option."""
    named = dataclasses.replace(option, name=flag)
    if isinstance(option.default, bool):
        return
    if not taken:
        raise SettingError(f"{flag} needs {words(option)}")
    kind = option.default[0] if isinstance(option.default, tuple) else option.default
    if isinstance(kind, str) and taken[0].startswith("-"):  # the next option: the value is missing
        raise SettingError(f"{flag} needs {words(option)}, got {taken[0]}")
    if option.default is None and taken[0] == "None":
        return
    convert = {int: int, str: str}.get(type(kind), float)
    try:
        values = tuple(convert(word) for word in taken)
    except ValueError:
        raise SettingError(f"{flag} must be {words(option)}, got {' '.join(taken)}") from None
    if found := problem(named, values if isinstance(option.default, tuple) else values[0]):
        raise SettingError(found)


def _tyro(command: Command, argv: Sequence[str]) -> Any:
    """Lets tyro read words that were checked, or show help."""
    import tyro

    fields: list[Any] = [_field(option, option.default) for option in options(command.record)]
    for section in command.sections:
        inner = [_field(o, getattr(section.record, o.name)) for o in options(type(section.record))]
        record = dataclasses.make_dataclass(section.prefix, inner, frozen=True)
        record.__doc__ = f"Settings of {type(section.record).__module__}."
        fields.append((section.prefix, record, dataclasses.field(default_factory=record)))
    record = dataclasses.make_dataclass("options", fields, frozen=True)
    usage = f"tacit {command.name} {command.positional}".rstrip()
    try:
        return tyro.cli(record, args=list(argv), prog=usage, description=command.line)
    except SystemExit as stop:
        if stop.code in (None, 0):
            raise
        raise SettingError(f"tacit {command.name} does not understand {' '.join(argv)}") from None


def _field(option: Option, default: Any) -> tuple[str, Any, Any]:
    import tyro

    notes = [option.allowed, option.unit, f"from: {option.source}" if option.source else ""]
    aside = "; ".join(note for note in notes if note)
    text = option.help + (f" [{aside}]" if aside else "")
    kind = Annotated[option.type, tyro.conf.arg(help=text)]
    return option.name, kind, dataclasses.field(default=default)


def prepare() -> None:
    """Sets up what a command that computes needs: flags, all cores, and the cache of compiled programs."""
    from tacit import scale

    scale.prepare()
    scale.use_all_cores()
    scale.cache_programs()


def print_json(content: Any) -> None:
    """Prints one JSON object on standard output."""
    sys.stdout.write(json.dumps(content) + "\n")


def fail(message: str) -> None:
    """Prints one line on standard error."""
    print(f"tacit: {' '.join(str(message).split())}", file=sys.stderr)  # noqa: T201
