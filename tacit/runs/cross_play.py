"""Cross-play as a computation: its models from their names, the matrix, its tables and its pictures.

Models are named by a word each:

    runs/ppo-levers-001         what a run learned: one model for each of its seeds
    runs/ppo-levers-001:0,3     some of its seeds
    hanabi-small-obl-2          agents that come with the package (`tacit list policies`); seeds as above
    cautious                    a scripted player (`tacit list players`)
    bots                        all scripted players of Hanabi
"""

import itertools
import pathlib
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from tacit import settings
from tacit.errors import Misfit, SettingError
from tacit.evaluation import pairings
from tacit.evaluation.cross_play import CrossPlay, Model, cross_play, model, seeing
from tacit.evaluation.cross_play_settings import Plan
from tacit.games.base import Game
from tacit.games.wired import Wired
from tacit.learners import EXECUTED, HANABI_BOTS, PLAYERS, SHAPERS
from tacit.loops import player as part_of
from tacit.policies import POLICIES, place
from tacit.runs import exhibits, policies
from tacit.runs.computation import Computation, Say
from tacit.runs.experiment import board, rule
from tacit.runs.experiment import game as game_named
from tacit.runs.policies import Loaded
from tacit.settings import unknown

GROUPS = {"bots": tuple(HANABI_BOTS)}
MOST = 200  # models; their matrix is square
MOST_TOLD = 60  # letters about one setting in a message
SEEDS = re.compile(r"(?P<name>.+):(?P<seeds>\d+(,\d+)*)")


class Entered(NamedTuple):
    """A word that was understood: what it is called, and a run with its chosen seeds or a scripted player."""

    label: str
    run: Loaded | None
    seeds: tuple[int, ...]


def computation(plan: Plan, seed: int) -> Computation:
    """Cross-play as what goes into a run folder.

    Raises:
        InputError: the models or the game do not fit; the line says why.
    """
    entering(plan)
    return Computation(matrix, plan, 1, seed)


def entering(plan: Plan, fewest: int = 2) -> tuple[Game, list[Model]]:
    """The game of a cross-play, and the models that meet in it, so many or more.

    Raises:
        SettingError: a name is unknown, a model is given twice, there are too few or too many, or no game is named.
        Misfit: they learned different games or the same with different rules, or do not fit what is asked.
        RunError: a run folder is missing or damaged.
    """
    words = [name for word in plan.models for name in GROUPS.get(word, (word,))]
    entered = [_entered(word, words) for word in words]
    game = _common_game(plan, entered)
    models = [one for each in entered for one in _models(each, game, plan.sampled)]
    names = [one.name for one in models]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise SettingError(f"{twice} is given twice; every model meets its own twin without that")
    if not fewest <= len(models) <= MOST:
        line = f"this needs {fewest} to {MOST} models, got {len(models)}"
        raise SettingError(f"{line}: name {'fewer' if len(models) > MOST else 'more, or a run of more seeds'}")
    return game, models


def _entered(word: str, words: Sequence[str]) -> Entered:
    """What a word stands for; `words` are all, since two runs may have folders of the same name."""
    name, chosen = _parted(word)
    if word in PLAYERS:
        return Entered(word, None, ())
    if name in POLICIES or "/" in name or (name and pathlib.Path(name).is_dir()):
        run = _loaded(place(name) if name in POLICIES else pathlib.Path(name))
        alike = {other for other in (_parted(word)[0] for word in words) if _last(other) == _last(name)}
        label = name if len(alike) > 1 else _last(name)
        return Entered(label, run, _seeds(chosen, run, label))
    line = unknown("model", name, [*PLAYERS, *POLICIES, *GROUPS])
    raise SettingError(f"{line}, a run folder, or some of its seeds as in runs/ppo-levers-001:0,3")


def _parted(word: str) -> tuple[str, str]:
    """The name and the chosen seeds in a word."""
    found = SEEDS.fullmatch(word)
    return (found["name"], found["seeds"]) if found else (word, "")


def _last(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2]


def _loaded(path: pathlib.Path) -> Loaded:
    """The policies of a run, every seat's."""
    found = policies.load(path) if (path / "policy.json").exists() else policies.of(policies.run_in(path))
    playable(found, path.name)
    return found


def playable(found: Loaded, name: str) -> None:
    """Checks that policies can meet others.

    Raises:
        Misfit: they do not play a game, or only some of its seats.
    """
    experiment = found.experiment
    if experiment.learner in SHAPERS:
        raise Misfit(f"{name} learned how to shape learners, not how to play a game; see tacit evaluate payoffs")
    if experiment.against:
        alone = f"tacit train {experiment.learner} {experiment.game}"
        raise Misfit(f"{name} learned against {experiment.against}; only whole teams are models ({alone})")


def _seeds(text: str, run: Loaded, label: str) -> tuple[int, ...]:
    """The chosen seeds of a run; all, unless some are named."""
    count = run.experiment.seeds
    seeds = tuple(int(part) for part in text.split(",")) if text else tuple(range(count))
    if wrong := [seed for seed in seeds if seed >= count]:
        raise SettingError(f"{label} has seeds 0 to {count - 1}, not {wrong[0]}")
    if len(set(seeds)) < len(seeds):
        raise SettingError(f"{label}:{text} names a seed twice")
    return seeds


def _common_game(plan: Plan, entered: Sequence[Entered]) -> Game:
    """The game in which all meet.

    Raises:
        SettingError: none is named, or the name or a rule is refused.
        Misfit: a run learned another one; the line says in what they differ.
    """
    games = [(each.label, _title(each.run), each.run.game) for each in entered if each.run is not None]
    if plan.game:
        games.insert(0, ("--game", plan.game.partition(":")[0], game_named(*board(plan.game))))
    if not games:
        raise SettingError("scripted players alone do not say in what game they meet; name it, as in --game hanabi")
    first, name, game = games[0]
    for label, other_name, other in games[1:]:
        if game.shown_in(other) is not None:
            continue
        if other.shown_in(game) is not None:  # who learned by more sees it there, too
            first, name, game = label, other_name, other
            continue
        if _kind(other) != _kind(game):
            raise Misfit(f"{first} is of {name} and {label} of {other_name}; only policies of one game can meet")
        one, two = _rules(game), _rules(other)
        if differing := [_told(key, one[key], two[key]) for key in one if one[key] != two[key]]:
            names = f"{first} is of {name} and {label} of {other_name}"
            raise Misfit(f"{names}, by different rules: {', '.join(differing)}")
    return game


def _title(run: Loaded) -> str:
    """What the game that was learned is called: by its name, and whether its players had a line of their own."""
    return run.experiment.game + (" with a line" if isinstance(run.game, Wired) else "")


def _kind(game: Game) -> tuple[type, ...]:
    return (type(game), type(game.inner)) if isinstance(game, Wired) else (type(game),)


def _rules(game: Game) -> dict[str, Any]:
    """The rules of a game, and of the one inside."""
    return settings.as_dict(game) | (settings.as_dict(game.inner) if isinstance(game, Wired) else {})


def _told(key: str, one: Any, other: Any) -> str:
    """How a setting differs; long lists are only named."""
    words = f"{key} {one} and {other}"
    return words if len(words) < MOST_TOLD else key


def _models(each: Entered, game: Game, sampled: bool) -> Iterator[Model]:
    """One model for each seed of a run, or the scripted player, which always acts as its rule says."""
    if each.run is None:
        make, config = rule(each.label, {})
        learner = make(game, config)
        functions, params = zip(*learner.policy(learner.init(jax.random.key(0))), strict=True)
        yield model(each.label, each.label, functions, params, sampled=True)
        return
    functions = [seeing(policy, game, each.run.game) for policy, _ in each.run.seats]
    sampled = sampled or each.run.experiment.learner in EXECUTED
    for seed in each.seeds:
        params = [part_of(seed, leaves) for _, leaves in each.run.seats]
        yield model(f"{each.label}:{seed}", each.label, functions, params, sampled)


def matrix(plan: Plan, seeds: int, seed: int, say: Say) -> dict[str, Any]:
    """Plays everybody with everybody; see `result`."""
    del seeds
    game, models = entering(plan)
    return result(cross_play(game, models, plan.games, seed, say=say))


def result(played: CrossPlay) -> dict[str, Any]:
    """What came of it, as plain data.

    The keys: `models` and `groups`, of each row and column; `matrix` and `sd`, mean and standard deviation (over games)
    of the score of each ordered pair, row in seat 0; `returns`, the mean return of each seat; `measured`, the means of
    what else was measured; `figures`, SP, XP and their gap for all models and for each group of several; `between`, XP
    of each pair of groups.
    """
    square, games = played.matrix, played.scores.shape[2]
    groups = list(dict.fromkeys(played.groups))
    members = {group: [i for i, of in enumerate(played.groups) if of == group] for group in groups}
    several = {name: of for name, of in members.items() if 1 < len(of) < len(square)}
    each = {"all": range(len(square))} | several
    figures = {name: pairings.summarize(square[np.ix_(of, of)]) for name, of in each.items()}
    pairs = {
        pair: pairings.between(square, *(members[name] for name in pair)) for pair in itertools.combinations(groups, 2)
    }
    content: dict[str, Any] = {
        "models": list(played.models),
        "groups": list(played.groups),
        "games_of_each_pair": games,
        "matrix": square.tolist(),
        "sd": (played.scores.std(axis=2, ddof=1) if games > 1 else np.zeros_like(square)).tolist(),
        "returns": np.moveaxis(played.returns, 2, 0).tolist(),
        "measured": {name: values.mean(axis=2).tolist() for name, values in played.measured.items()},
        "figures": {name: _summary(found, played, each[name]) for name, found in figures.items()},
        "between": [{"groups": list(pair), **_figure(found)} for pair, found in pairs.items()],
    }
    return content | {"exhibits": _exhibits(played, content)}


def _figure(found: pairings.Figure) -> dict[str, Any]:
    return {**found._asdict(), "spread_kind": "se over models (jackknife)"}


def _summary(found: pairings.Summary, played: CrossPlay, of: Sequence[int]) -> dict[str, Any]:
    others = {name: pairings.summarize(values.mean(axis=2)[np.ix_(of, of)]) for name, values in played.measured.items()}
    return {
        "self_play": _figure(found.self_play),
        "cross_play": _figure(found.cross_play) | {"se_over_ordered_pairs": found.pairs_se},
        "gap": _figure(found.gap),
        "worst": None if found.worst is None else played.models[of[found.worst]],
        "cross_play_without_worst": _figure(found.without_worst),
        "measured": {
            name: {"self_play": _figure(part.self_play), "cross_play": _figure(part.cross_play)}
            for name, part in others.items()
        },
    }


HEAD = ("models", "n", "SP", "se", "XP", "se", "XP se by pairs", "SP - XP", "se", "XP without the worst")
WORDS = (
    "SP: mean score of a model with its own twin; XP: mean score of two different models, over ordered pairs. "
    "se: standard error over models, by leaving out one after another."
)
AXES = ("in seat 0", "in all other seats")
HEAD_MEASURED = ("models", "measure", "self-play", "se", "cross-play", "se")


def rows(content: dict[str, Any]) -> list[list[Any]]:
    """The rows of the table with `HEAD`: all models, then each group."""
    table = []
    for name, found in content["figures"].items():
        sp, xp, gap = found["self_play"], found["cross_play"], found["gap"]
        figures = [sp["mean"], sp["se"], xp["mean"], xp["se"], xp["se_over_ordered_pairs"], gap["mean"], gap["se"]]
        table.append([name, sp["models"], *figures, found["cross_play_without_worst"]["mean"]])
    return table


def rows_measured(content: dict[str, Any]) -> list[list[Any]]:
    """The rows of the table with `HEAD_MEASURED`: what else was measured, of all models and of each group."""
    table = []
    for name, found in content["figures"].items():
        for what, part in found["measured"].items():
            sp, xp = part["self_play"], part["cross_play"]
            table.append([name, what.replace("_", " "), sp["mean"], sp["se"], xp["mean"], xp["se"]])
    return table


def _exhibits(played: CrossPlay, content: dict[str, Any]) -> list[exhibits.Exhibit]:
    """The page: figures, the matrix, the groups, and what else was measured."""
    overall = content["figures"]["all"]
    sp, xp = (_words(overall[key]) for key in ("self_play", "cross_play"))
    title = f"Mean score: self-play (framed) {sp}, cross-play {xp}"
    shown = [
        exhibits.table("Self-play and cross-play", HEAD, rows(content), WORDS),
        exhibits.square(title, played.models, played.matrix, played.groups, AXES),
    ]
    if content["measured"]:
        shown.append(exhibits.table("How games ended", HEAD_MEASURED, rows_measured(content)))
    for name, values in content["measured"].items():
        title = f"Mean over games: {name.replace('_', ' ')}"
        shown.append(exhibits.square(title, played.models, np.array(values), played.groups, AXES))
    if content["between"] and len(content["between"]) < len(played.models) ** 2 / 4:
        head, caption = ("one", "other", "XP", "se", "ordered pairs"), "Both orders of the seats."
        cells = [[*part["groups"], part["mean"], part["se"], part["pairs"]] for part in content["between"]]
        shown.append(exhibits.table("Cross-play between groups", head, cells, caption))
    return shown


def _words(figure: dict[str, Any]) -> str:
    if figure["mean"] is None:
        return "-"
    return f"{figure['mean']:.3g}" + ("" if figure["se"] is None else f" (se {figure['se']:.2g})")
