"""An experiment: everything that determines a run's numbers, as plain data that round-trips through its file."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

from tacit import games, settings
from tacit.errors import RunError, SettingError
from tacit.learners import LEARNERS, PLAYERS, SAMPLED_SHAPERS, SHAPERS, TALKERS
from tacit.policies import POLICIES, place
from tacit.registry import load
from tacit.settings import setting, unknown

ROW = "row:"  # begins the name of a rule that an earlier row of the same recipe learned


@dataclasses.dataclass(frozen=True)
class Experiment:
    """One learner (or two, against each other) on one game, for so many iterations and seeds.

    The settings are those that differ from the defaults, by name.
    """

    learner: str
    game: str
    against: str = ""
    learner_settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    game_settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    against_settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    iterations: int = setting(200, "iterations of the learner", low=1, high=10**9)
    seeds: int = setting(8, "runs side by side", low=1, high=10**6)
    seed: int = setting(0, "where their randomness starts", low=0, high=2**32 - 1)
    precision: int = setting(32, "bits of the real numbers", choices=(32, 64))
    every: int = setting(0, "iterations to a row of metrics; 0 chooses by their number", low=0, high=10**9)

    def __post_init__(self) -> None:
        settings.check(self)


@dataclasses.dataclass(frozen=True)
class Resolved:
    """What an experiment names: the function that makes the learner, the game and the learner's settings."""

    make: Any
    game: Any
    config: Any


def rule(name: str, changes: dict[str, Any]) -> tuple[Any, Any]:
    """The `make` function and the settings of a learner, of a scripted player, or of a rule that was itself learned.

    Args:
        name: of a learner or a player; or, for a rule that was learned and now plays, of a trained policy that comes
            with the package, or the path of a run.

    Raises:
        SettingError: the name or a setting is unknown, or a value is refused.
        RunError: the run folder is missing, damaged, or holds no rule that was learned.
    """
    if "/" in name or name in POLICIES:
        from tacit.runs.policies import learned_rule

        return learned_rule(place(name) if name in POLICIES else pathlib.Path(name), changes)
    if name in LEARNERS:
        learner = load("learner", LEARNERS, name)
        return learner.make, settings.replace(learner.Config(), changes)
    if name not in PLAYERS:
        raise SettingError(unknown("learner or player", name, [*LEARNERS, *PLAYERS, *POLICIES]))
    from tacit.learners.scripted import Config
    from tacit.learners.versus import Scripted

    return Scripted(load("player", PLAYERS, name)), settings.replace(Config(), changes)


class Contestant(NamedTuple):
    """A learning rule as it was typed: what it is called in tables, its name, and the settings that it changes."""

    label: str
    name: str
    settings: dict[str, Any]


def contestant(text: str, game_name: str) -> Contestant:
    """The rule in a text such as `naive` or `lola:form=taylor,rate=0.5`.

    Settings that equal the default are left out, so that equal rules have equal labels.

    Args:
        game_name: the game it is to play.

    Raises:
        SettingError: a name or a setting is unknown, or a value is refused; the line says what is allowed.
    """
    if game_name not in games.GAMES:
        raise SettingError(unknown("game", game_name, games.GAMES))
    name, changes = modified(text, lambda name: rule(name, {})[1])
    refuse_untrained(name)
    default = settings.as_dict(rule(name, {})[1])
    changes = {key: value for key, value in changes.items() if value != default[key]}
    label = name.rstrip("/").rpartition("/")[2]  # of a path, its last part
    if changes:
        label += ":" + ",".join(f"{key}={_shown(value)}" for key, value in sorted(changes.items()))
    return Contestant(label, name, changes)


def board(text: str) -> tuple[str, dict[str, Any]]:
    """Name and changed rules of the game in a text such as `imp` or `imp:discount=0.96`.

    Raises:
        SettingError: a name or a rule is unknown, or a value is refused.
    """
    return modified(text, lambda name: game(name, {}))


def modified(text: str, default: Callable[[str], Any]) -> tuple[str, dict[str, Any]]:
    """Name and changes of `NAME` or `NAME:SETTING=VALUE,...`; the numbers of a list are separated by slashes.

    Args:
        default: from a name to the settings that it starts from.

    Raises:
        SettingError: a name or a setting is unknown, or a value is refused.
    """
    name, colon, rest = text.partition(":")
    record = default(name)
    described = {option.name: option for option in settings.options(type(record))}
    changes: dict[str, Any] = {}
    for part in rest.split(",") if colon else ():
        key, equals, value = part.partition("=")
        key = key.replace("-", "_")
        if not equals:
            raise SettingError(f"{text!r}: {part!r} must be SETTING=VALUE, as in lola:form=taylor,rate=0.5")
        if key not in described:
            raise SettingError(unknown(f"setting of {name}", key, described))
        if key in changes:
            raise SettingError(f"{text!r}: {key} is given twice")
        changes[key] = _value(described[key], value)
    settings.replace(record, changes)
    return name, changes


def _value(option: settings.Option, text: str) -> Any:
    """A typed value; what cannot be read stays text, and is refused like any other wrong value."""
    if isinstance(option.default, tuple):
        each = dataclasses.replace(option, default=option.default[0])
        return tuple(_value(each, part) for part in text.split("/"))
    if isinstance(option.default, bool):
        return {"true": True, "false": False}.get(text.lower(), text)
    with contextlib.suppress(ValueError):
        return (
            text if isinstance(option.default, str) else int(text) if isinstance(option.default, int) else float(text)
        )
    return text


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return "/".join(map(_shown, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def check_names(learner: str, game: str, against: str) -> None:
    """Refuses names that do not exist, before anything heavy is imported.

    Raises:
        SettingError: one is unknown; the line names the nearest one.
    """
    for name in (learner, against):
        if name and "/" not in name and name not in (known := [*LEARNERS, *PLAYERS, *POLICIES]):
            raise SettingError(unknown("learner or player", name, known))
    games.check_name(game)


def game(name: str, changes: dict[str, Any]) -> Any:
    """The game of that name with some rules changed.

    Raises:
        SettingError: the name or a rule is unknown, or a value is refused.
    """
    return games.make(name, **changes)


def resolve(experiment: Experiment) -> Resolved:
    """What an experiment names, ready to run.

    Raises:
        SettingError: a name or a setting is unknown, or a value is refused.
    """
    from tacit import scale
    from tacit.learners.versus import Pair, Versus

    scale.prepare()  # before anything that starts a backend
    board = game(experiment.game, experiment.game_settings)
    make, config = rule(experiment.learner, experiment.learner_settings)
    if not experiment.against and experiment.learner in PLAYERS:
        raise SettingError(
            f"{experiment.learner} learns nothing; name a learner and play it --against {experiment.learner}"
        )
    refuse_untrained(experiment.against)
    others = rule(experiment.against, experiment.against_settings) if experiment.against else None
    if experiment.learner in SHAPERS:
        return Resolved(make, _meta_game(experiment.learner, config, board, others), config)
    if others is None:
        if experiment.learner in TALKERS:
            board = load("learner", LEARNERS, experiment.learner).wired(board, config)
        return Resolved(make, board, config)
    return Resolved(Versus(make, others[0]), board, Pair(config, others[1]))


def _meta_game(learner: str, config: Any, board: Any, others: tuple[Any, Any] | None) -> Any:
    """What a shaper plays: the meta-game against the other rule's learning, or against itself."""
    from tacit.games.matrix_exact import closed_form
    from tacit.learners import naive
    from tacit.learners.meta_game import MetaGame
    from tacit.learners.sampled_meta_game import SampledMetaGame

    if learner in SAMPLED_SHAPERS:
        if others is None:
            raise SettingError(f"{learner} learns to shape a learner; name one: --against ppo")
        return SampledMetaGame(board, *others)
    inner = closed_form(board, learner)
    if others is not None:
        return MetaGame(inner, *others)
    practice = naive.Config(lr=getattr(config, "naive_lr", naive.Config().lr))
    return MetaGame(inner, config=practice, num_players=2)


def refuse_untrained(name: str) -> None:
    """Refuses a rule that is itself learned where it would have to play.

    Raises:
        SettingError: it is; the line says how to get one that was trained.
    """
    if name in SHAPERS:
        trained = " or ".join(policy for policy in POLICIES if policy.startswith(name))
        ways = f"name the folder of a run that trained it (tacit train {name} ...)" + (
            trained and f", or take {trained}"
        )
        raise SettingError(f"{name} is itself learned: {ways}")


def as_dict(experiment: Experiment) -> dict[str, Any]:
    """All settings of an experiment written out, defaults too; `from_dict` gives an equal run back.

    Those of a rule that another row of a recipe has yet to learn (`row:NAME`) stay as they are.
    """
    full = dataclasses.asdict(experiment)
    full["game_settings"] = settings.as_dict(game(experiment.game, experiment.game_settings))
    for seat in ("learner", "against"):
        name, changes = full[seat], full[f"{seat}_settings"]
        if name and not name.startswith(ROW):
            full[f"{seat}_settings"] = settings.as_dict(rule(name, changes)[1])
    return full


def from_dict(content: dict[str, Any]) -> Experiment:
    """The experiment in a `config.json`.

    Raises:
        RunError: a part is missing or left over, or a value is refused.
    """
    names = {field.name for field in dataclasses.fields(Experiment)}
    if odd := sorted(content.keys() ^ names):
        raise RunError(f"config.json is damaged or of another version: {', '.join(odd)}")
    for name, value in content.items():
        wanted = dict if name.endswith("_settings") else str if name in ("learner", "game", "against") else object
        if not isinstance(value, wanted):
            raise RunError(f"config.json is damaged: {name} cannot be {value!r}")
    try:
        return Experiment(**content)
    except (SettingError, TypeError) as error:
        raise RunError(f"config.json is damaged: {error}") from None
