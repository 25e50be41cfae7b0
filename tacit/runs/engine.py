"""Scores on the reference engine of Hanabi itself, as a computation: models from their names, beside our own engine.

Each model plays with its twin on the same decks on both engines, greedily. Where both have the same rules and show the
same, no game of the two differs; a score that was measured on one of them then holds for the other.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tacit.evaluation.conventions import hanabi_only
from tacit.evaluation.cross_play import Model, cross_play, greedy, levels_of
from tacit.evaluation.cross_play_settings import Plan as Meeting
from tacit.evaluation.engine_settings import Plan
from tacit.games.hanabi.rules import HanabiGame
from tacit.games.hanabi.variant import COMPLETE, OUT_OF_LIVES
from tacit.interop import hle
from tacit.runs import cross_play as named
from tacit.runs import exhibits
from tacit.runs.computation import Computation, Say

OVER_GAMES, OVER_MODELS = "se over games", "se over models"


class Scored(NamedTuple):
    """One model's games with its twin, `[N]` each, in order of the decks.

    Attributes:
        theirs: how they ended on the reference engine.
        ours: their scores on our engine.
    """

    model: Model
    theirs: hle.Scores
    ours: np.ndarray

    @property
    def differing(self) -> int:
        """Games whose scores differ."""
        return int((self.theirs.score != self.ours).sum())


def computation(plan: Plan, seed: int) -> Computation:
    """Scores on the reference engine as what goes into a run folder.

    Raises:
        InputError: the models or the game do not fit, or the engine is not installed; the line says why.
    """
    entering(plan)
    hle.library()
    return Computation(scores, plan, 1, seed)


def entering(plan: Plan) -> tuple[HanabiGame, list[Model]]:
    """The game, and who plays it.

    Raises:
        InputError: see `tacit.runs.cross_play.entering`; or the game is not Hanabi.
    """
    game, models = named.entering(Meeting(plan.game, 1, False, plan.models), 1)
    return hanabi_only(game), models


def scores(plan: Plan, seeds: int, seed: int, say: Say) -> dict[str, Any]:
    """Lets everybody play with its twin on both engines; see `result`."""
    del seeds
    game, models = entering(plan)
    found = []
    for place, one in enumerate(models):
        found.append(scored(game, one, plan.games, seed))
        say(f"{one.name} scored, {place + 1} of {len(models)}")
    return result(found)


def scored(game: HanabiGame, one: Model, games: int = 1000, seed: int = 0) -> Scored:
    """Lets a model play with its twin on both engines, on the decks that cross-play has for this seed.

    Raises:
        InputError: the reference engine is not installed.
    """
    policies, params = (tuple(part) for part in zip(*one.seats, strict=True))
    alike = one._replace(seats=tuple(zip(map(greedy, policies), params, strict=True)))
    theirs = hle.score_on_hle(policies, params, game, levels_of(game, games, seed))
    return Scored(one, theirs, cross_play(game, [alike], games, seed).scores[0, 0])


def result(found: Sequence[Scored]) -> dict[str, Any]:
    """What came of it, as plain data.

    The keys: `models` and `groups`; `scores`, of each model its mean on the reference engine with the standard error
    over games, the shares of games that were bombed and that were perfect, the cards on the stacks in spite of bombs,
    moves to a game, the mean on our own engine and in how many games the two differ; `over`, for each group of several
    models and for all the mean score with its standard error over models; `differing`, games in all.
    """
    groups = {one.model.group: [other for other in found if other.model.group == one.model.group] for one in found}
    several = {name: of for name, of in groups.items() if 1 < len(of) < len(found)}
    content: dict[str, Any] = {
        "engine": hle.version(),
        "models": [one.model.name for one in found],
        "groups": [one.model.group for one in found],
        "games_of_each": len(found[0].ours),
        "scores": {one.model.name: _of(one) for one in found},
        "over": {name: _over(of) for name, of in ({"all": found} | several).items()},
        "differing": sum(one.differing for one in found),
    }
    return content | {"exhibits": [exhibits.table(TITLE, HEAD, rows(content), WORDS)]}


def _of(one: Scored) -> dict[str, Any]:
    theirs = one.theirs
    return {
        **_figure(theirs.score, OVER_GAMES),
        "bombed": float((theirs.end == OUT_OF_LIVES).mean()),
        "perfect": float((theirs.end == COMPLETE).mean()),
        "score_before_bomb": float(theirs.stacks.mean()),
        "moves": float(theirs.moves.mean()),
        "ours": float(one.ours.mean()),
        "differing": one.differing,
    }


def _over(members: Sequence[Scored]) -> dict[str, Any]:
    return _figure(np.array([one.theirs.score.mean() for one in members]), OVER_MODELS)


def _figure(values: np.ndarray, kind: str) -> dict[str, Any]:
    """Mean and standard error of independent numbers."""
    error = float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else None
    return {"mean": float(values.mean()), "se": error, "n": len(values), "spread_kind": kind}


TITLE = "Scores on the reference engine"
HEAD = ("model", "n", "score", "se", "bombed", "perfect", "before the bomb", "moves", "our engine", "games that differ")
WORDS = (
    "score: mean over games on hanabi-learning-environment, greedy play with the twin; se: of a model over its games, "
    "of several over models. Our engine: the same decks on it."
)


def rows(content: dict[str, Any]) -> list[list[Any]]:
    """The rows of the table with `HEAD`: every model, then every group."""
    keys = ("bombed", "perfect", "score_before_bomb", "moves", "ours", "differing")
    games = content["games_of_each"]
    each = [[name, games, of["mean"], of["se"], *(of[key] for key in keys)] for name, of in content["scores"].items()]
    over = content["over"].items() if len(each) > 1 else ()
    return each + [[name, of["n"], of["mean"], of["se"], *[None] * len(keys)] for name, of in over]
