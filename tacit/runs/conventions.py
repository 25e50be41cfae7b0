"""Conventions as a computation: models from their names, their figures, tables and pictures."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tacit.errors import SettingError
from tacit.evaluation import action_matrix, conventions, conventions_bits
from tacit.evaluation.action_matrix import ActionMatrix
from tacit.evaluation.conventions import KINDS, KNOWN, Figure
from tacit.evaluation.conventions_settings import Plan
from tacit.evaluation.cross_play import Model
from tacit.evaluation.cross_play_settings import Plan as Meeting
from tacit.games.base import Game
from tacit.games.hanabi.rules import HanabiGame
from tacit.runs import cross_play, exhibits
from tacit.runs.computation import Computation, Say

MOST = 200  # that are watched, pairs among them
P = "p"  # of the permutation test
PAIRS = "pairs"  # the group of all of them
DRAWN = 12  # matrices on a page
Parts = dict[str, dict[str, Figure]]


class Seen(NamedTuple):
    """What came of watching one model, or one pair."""

    name: str
    group: str
    parts: Parts
    matrix: ActionMatrix


def computation(plan: Plan, seed: int) -> Computation:
    """Conventions as what goes into a run folder.

    Raises:
        InputError: the models or the game do not fit; the line says why.
    """
    watched(plan)
    return Computation(measured, plan, 1, seed)


def watched(plan: Plan) -> tuple[HanabiGame, list[tuple[Model, Model]]]:
    """The game, and who plays with whom: twins, and all ordered pairs of different models where that is asked for.

    Raises:
        SettingError: see `tacit.runs.cross_play.entering`; or there are too many pairs, or none.
        Misfit: the game is not Hanabi, too.
        RunError: a run folder is missing or damaged.
    """
    game, models = cross_play.entering(Meeting(plan.game, 1, plan.sampled, plan.models), 2 if plan.pairs else 1)
    checked = conventions.hanabi_only(game)
    together = [(one, one) for one in models]
    if plan.pairs:
        together += [(one, other) for one in models for other in models if one is not other]
    if len(together) > MOST:
        raise SettingError(f"{len(models)} models in pairs are {len(together)}; {MOST} at most can be watched")
    return checked, together


def measured(plan: Plan, seeds: int, seed: int, say: Say) -> dict[str, Any]:
    """Watches everybody; see `result`."""
    del seeds
    game, together = watched(plan)
    found = []
    for place, (one, other) in enumerate(together):
        found.append(seen(game, one, other, plan, seed))
        say(f"{found[-1].name} watched, {place + 1} of {len(together)}")
    return result(game, found, plan.games)


def seen(game: Game, one: Model, other: Model | None = None, plan: Plan | None = None, seed: int = 0) -> Seen:
    """What comes of watching a model with its twin, or with another one in all seats but the first.

    Raises:
        Misfit: see `tacit.evaluation.conventions.watch`.
    """
    checked, plan = conventions.hanabi_only(game), plan or Plan()
    moves = conventions.watch(checked, one, other, plan.games, seed, plan.hands, plan.epsilon)
    partner = other or one
    name, group = (one.name, one.group) if partner is one else (f"{one.name} + {partner.name}", PAIRS)
    matrix = action_matrix.action_matrix(checked, moves.action, seed)
    return Seen(name, group, conventions.figures(checked, moves), matrix)


def result(game: HanabiGame, found: Sequence[Seen], games: int) -> dict[str, Any]:
    """What came of it, as plain data.

    The keys: `models` and `groups`; `figures`, of each model the parts of `tacit.evaluation.conventions.figures` with
    means and standard errors over games, and `colors`, its asymmetry, that of chance alone, and p; `over`, the same
    means over the models of each group of several, with standard errors over models; `moves`, their names; `matrices`,
    of each model the counts of pairs of moves; `exact`, whether hands were listed.
    """
    several = {one.group: [other for other in found if other.group == one.group] for one in found}
    several = {group: members for group, members in several.items() if len(members) > 1}
    content: dict[str, Any] = {
        "models": [one.name for one in found],
        "groups": [one.group for one in found],
        "games_of_each": games,
        "exact": conventions_bits.listed(game),
        "figures": {one.name: _plain(_parts(one)) for one in found},
        "over": {group: _plain(_over(members)) for group, members in several.items()},
        "moves": action_matrix.labels(game),
        "matrices": {one.name: one.matrix.counts.tolist() for one in found},
    }
    return content | {"exhibits": shown(found, content)}


def _parts(one: Seen) -> Parts:
    of_colors = {"asymmetry": one.matrix.asymmetry, "by chance": one.matrix.by_chance, P: one.matrix.p}
    return {**one.parts, "colors": {name: Figure(value, None) for name, value in of_colors.items()}}


def _over(members: Sequence[Seen]) -> Parts:
    """Means over models, with standard errors over models; without, over pairs, which share their models."""
    each = [_parts(one) for one in members]
    independent = members[0].group != PAIRS
    names = {part: [name for name in figures if name != P] for part, figures in each[0].items()}  # p has no mean
    return {part: {name: _mean([of[part][name] for of in each], independent) for name in names[part]} for part in names}


def _mean(each: Sequence[Figure], independent: bool) -> Figure:
    values = np.array([figure.mean for figure in each if figure.mean is not None])
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if independent and len(values) > 1 else None
    return Figure(float(values.mean()) if len(values) else None, error)


def _plain(parts: Parts) -> dict[str, dict[str, Any]]:
    return {part: {name: figure._asdict() for name, figure in each.items()} for part, each in parts.items()}


Rows = list[list[Any]]
HEAD_PLAYS = ("model", "score", "plays", *KNOWN, "sure", "likely", "unlikely", "chance", "scored", "above", "se")
WORDS_PLAYS = (
    "Cards played in a game: of how many the rules told color and rank (both), one of them, or neither, counting what "
    "hints and counts leave; how many were sure, likely (1/2 and more) and unlikely to score by the rules; their mean "
    "chance, the share that scored, and how far that is above the chance: moves told more than the rules do. se: "
    "standard error over games, or over models in the rows of groups."
)
HEAD_BITS = ("model", "by the rules", "beyond", "se", "at most", *KINDS, "held", "colors", "chance", "p")
WORDS_BITS = (
    "Bits that a move tells its listener about the hand, on average: by the rules of the game, and beyond them to "
    "whoever knows the policy (at least, and at most; the same where hands can be listed), also by kind of move; held: "
    "what the mover could have read from the moves before. colors: how far play is from treating colors alike, what "
    "chance alone makes of that, and the share of random renamings that are as far."
)


def rows_plays(content: dict[str, Any]) -> Rows:
    """The rows of the table with `HEAD_PLAYS`: groups of several models, then each model."""
    rows = []
    for name, found in _each(content):
        plays = found["plays"]
        figures = ["in a game", *(f"known: {known}" for known in KNOWN), "certain", "likely", "unlikely"]
        figures += ["chance by the rules", "scored", "above the rules"]
        means = [plays[figure]["mean"] for figure in figures]
        rows.append([name, found["games"]["score"]["mean"], *means, plays["above the rules"]["se"]])
    return rows


def rows_bits(content: dict[str, Any]) -> Rows:
    """The rows of the table with `HEAD_BITS`: groups of several models, then each model."""
    rows = []
    for name, found in _each(content):
        beyond = found["beyond"]
        means = [found["by_rules"]["all"]["mean"], beyond["all"]["mean"], beyond["all"]["se"]]
        means += [found["at_most"]["all"]["mean"], *(beyond[kind]["mean"] for kind in KINDS)]
        colors = found["colors"]
        means += [found["held"]["all"]["mean"], colors["asymmetry"]["mean"], colors["by chance"]["mean"]]
        rows.append([name, *means, colors[P]["mean"] if P in colors else None])
    return rows


def _each(content: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    groups = [(f"{group} (mean)", found) for group, found in content["over"].items()]
    return [*groups, *content["figures"].items()]


def shown(found: Sequence[Seen], content: dict[str, Any]) -> list[exhibits.Exhibit]:
    """The page: both tables, what each kind of move tells, and which move follows which."""
    names = [one.name for one in found]
    told = [[one.parts["beyond"][kind].mean for kind in KINDS] for one in found]
    pictures = [
        exhibits.table("What was known of the cards played", HEAD_PLAYS, rows_plays(content), WORDS_PLAYS),
        exhibits.table("What moves tell, in bits", HEAD_BITS, rows_bits(content), WORDS_BITS),
        exhibits.heat_map("Bits beyond the rules, by kind of move", names, KINDS, np.array(told, float)),
    ]
    for one in found[:DRAWN]:
        title = f"{one.name}: P(next player's move | move before it, in rows)"
        pictures.append(exhibits.heat_map(title, content["moves"], content["moves"], one.matrix.probabilities))
    return pictures
