"""Settings: frozen records whose fields carry a default, a meaning, a range and a source.

Games and learner configurations are settings. From their fields the command line, `--help`, the run folder and the
documentation are made, so a field is described in exactly one place. Real numbers are leaves of a pytree: they may be
traced, and a sweep over them compiles once. Whole numbers, switches and names are static: they shape the program.

Nothing here imports JAX: the command line reads its own options through the same descriptions.
"""

import dataclasses
import difflib
import math
import typing
from collections.abc import Iterable
from typing import Any

from tacit.errors import SettingError


@dataclasses.dataclass(frozen=True)
class Option:
    """One field of a settings record, as the command line and the documentation see it."""

    name: str
    type: Any
    default: Any
    help: str
    unit: str
    source: str
    low: float | None
    high: float | None
    open_low: bool
    open_high: bool
    choices: tuple[str, ...] | tuple[int, ...]

    @property
    def allowed(self) -> str:
        """The allowed values in words, or an empty string where everything of the type is allowed."""
        if self.choices:
            return "one of " + ", ".join(map(str, self.choices))
        bounds = []
        if self.low is not None:
            bounds.append(f"{'>' if self.open_low else '>='} {_plain(self.low)}")
        if self.high is not None:
            bounds.append(f"{'<' if self.open_high else '<='} {_plain(self.high)}")
        return " and ".join(bounds)


def setting(
    default: Any,
    help: str,
    *,
    unit: str = "",
    source: str = "",
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
    choices: tuple[str, ...] | tuple[int, ...] = (),
) -> Any:
    """A field of a settings record.

    Args:
        default: used when nothing is given. A `float` (or a tuple of them) makes the field a pytree leaf, anything
            else (whole number, switch, name) makes it static.
        help: what it does, one sentence without a full stop.
        unit: of the number ("steps", "per update"); empty where it has none.
        source: paper, table or file the default comes from.
        low, high: smallest and largest allowed value. above, below: the same with the bound itself excluded.
        choices: the allowed values of a field of names or whole numbers.
    """
    first = default[0] if isinstance(default, tuple) and default else default
    described = {
        "help": help,
        "unit": unit,
        "source": source,
        "low": low if above is None else above,
        "high": high if below is None else below,
        "open_low": above is not None,
        "open_high": below is not None,
        "choices": choices,
    }
    described["traced"] = isinstance(first, float) or default is None
    described["convert"] = _as_default(default)
    return dataclasses.field(default=default, metadata=described)


def _plain(bound: float) -> str:
    return str(bound) if isinstance(bound, int) else f"{bound:g}"


def _as_default(default: Any) -> Any:
    """Whole numbers given for a real setting become real, so that they are never traced as integers."""

    def convert(value: Any) -> Any:
        if isinstance(value, list):
            value = tuple(value)
        if isinstance(value, tuple) and isinstance(default, tuple):
            return tuple(_to_float(v) if isinstance(default[0], float) else v for v in value)
        return _to_float(value) if isinstance(default, float) or default is None else value

    return convert


def _same(value: Any) -> Any:
    return value


def _to_float(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def check(record: Any) -> None:
    """Checks every described field of a record; traced values are trusted, they were checked before.

    Raises:
        SettingError: a value has the wrong type or lies outside its range; one line names them all.
    """
    each = (problem(option, getattr(record, option.name)) for option in options(type(record)))
    problems = [found for found in each if found]
    if problems:
        raise SettingError("; ".join(problems))


def options(cls: type) -> tuple[Option, ...]:
    """The described fields of a settings class, in order."""
    hints = typing.get_type_hints(cls, include_extras=True)
    found = []
    for field in dataclasses.fields(cls):
        if "help" in field.metadata:
            described = {k: v for k, v in field.metadata.items() if k in Option.__dataclass_fields__}
            found.append(Option(name=field.name, type=hints[field.name], default=field.default, **described))
    return tuple(found)


def replace(settings: Any, changes: dict[str, Any]) -> Any:
    """`settings` with some fields changed.

    Raises:
        SettingError: a name is unknown (the nearest one is named) or a value is refused.
    """
    described = {option.name: option for option in options(type(settings))}
    for name in changes:
        if name not in described:
            raise SettingError(unknown("setting", name, described))
    convert = {field.name: field.metadata.get("convert", _same) for field in dataclasses.fields(settings)}
    given = {name: convert[name](value) for name, value in changes.items()}
    each = (problem(described[name], value) for name, value in given.items())
    if problems := [found for found in each if found]:
        raise SettingError("; ".join(problems))
    return dataclasses.replace(settings, **given)


def as_dict(settings: Any) -> dict[str, Any]:
    """All settings by name, for the run folder (`replace` of the defaults with it gives the record back)."""
    return {option.name: getattr(settings, option.name) for option in options(type(settings))}


def unknown(kind: str, name: str, allowed: Iterable[str]) -> str:
    """The one line that says a name is unknown, which one may be meant, and what is allowed."""
    allowed = sorted(allowed)
    near = difflib.get_close_matches(name, allowed, n=1)
    meant = f" (did you mean {near[0]}?)" if near else ""
    return f"unknown {kind} {name!r}{meant}; allowed: {', '.join(allowed) or 'none'}"


def problem(option: Option, value: Any) -> str | None:
    """What is wrong with a value, in words, or None."""
    if value is None and option.default is None:
        return None
    if isinstance(option.default, tuple):
        if not isinstance(value, tuple) or _fixed_length(option) not in (None, len(value)):
            return f"{option.name} must be {words(option)}, got {value!r}"
        for item in value:
            if found := problem(dataclasses.replace(option, default=option.default[0]), item):
                return found
        return None
    if not isinstance(value, int | float | str | tuple | list | dict | None):  # an array, perhaps traced
        return None
    wanted = float if option.default is None else type(option.default)
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        return f"{option.name} must be {words(option)}, got {value!r}"
    if option.choices and value not in option.choices:
        return f"{option.name} must be {option.allowed}, got {value!r}"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{option.name} must be finite, got {value!r}"
    if isinstance(value, int | float) and not isinstance(value, bool) and not _inside(option, value):
        return f"{option.name} must be {option.allowed}, got {value!r}"
    return None


def _fixed_length(option: Option) -> int | None:
    arguments = typing.get_args(option.type)
    return None if Ellipsis in arguments else len(arguments)


def _inside(option: Option, value: float) -> bool:
    low = option.low is None or (value > option.low if option.open_low else value >= option.low)
    high = option.high is None or (value < option.high if option.open_high else value <= option.high)
    return low and high


def words(option: Option) -> str:
    """The wanted type in plain words."""
    if isinstance(option.default, tuple):
        count = _fixed_length(option)
        kind = {float: "numbers", str: "names"}.get(type(option.default[0]), "whole numbers")
        return f"{count if count is not None else 'a list of'} {kind}"
    names = {float: "a number", int: "a whole number", bool: "true or false", str: "a name", type(None): "a number"}
    return names[type(option.default)]
