"""Handing a policy on: what a run learned as a folder of its own, with where it came from and what it scores.

The folder holds `policy.safetensors` and `policy.json` alone, the numbers in the precision in which they were learned.
It is named wherever a run folder is, and scored as it was read back from there.
"""

import dataclasses
import math
import pathlib
from typing import Any

from tacit import registry
from tacit.errors import InputError, Misfit, RunError, SettingError
from tacit.evaluation.cross_play import Model, cross_play
from tacit.evaluation.cross_play_settings import Plan
from tacit.games.base import Game
from tacit.games.hanabi.rules import HanabiGame
from tacit.interop import hle
from tacit.learners import LEARNERS
from tacit.runs import cross_play as named
from tacit.runs import engine, policies, store
from tacit.runs.computation import Say
from tacit.runs.training import Finished

FIGURES = ("self_play", "cross_play", "gap", "measured")  # of those of a cross-play


def export(source: pathlib.Path, target: pathlib.Path, level: int, games: int, seed: int, say: Say) -> dict[str, Any]:
    """Writes the policies of a run's seeds into a new folder and scores them.

    Args:
        source: a run folder; of a recipe, that of a row.
        target: the new folder.
        level: of a learner of levels, which one; 0 is the highest.
        games: of each ordered pair of seeds, on our engine and, of twins, on the reference engine of Hanabi.
        seed: of the decks that they play.

    Returns:
        What was added to `policy.json`: `origin` (recipe, mode and row), `level`, `learning` (iterations and moves of a
        seed), `score` (see `tacit.runs.cross_play.result`) and `engine` (see
        `tacit.runs.engine.result`; None for other games, and where that engine is not installed).

    Raises:
        InputError: the run is none, has not finished or has no such level, learned no policy that can be scored, or the
            new folder exists.
    """
    run = policies.run_in(source)
    stage, level = _stage(run, level)
    named.playable(policies.of(stage), source.name)
    if run.game.spec.num_players < 2:
        line = f"{source.name} learned {run.experiment.game}, a game of one"
        raise Misfit(f"{line}; what is exported is scored by how it plays with others")
    if target.exists():
        raise RunError(f"{target} exists; remove it first, or choose another name")
    about: dict[str, Any] = {"origin": _origin(source), "level": level or None, "learning": _learning(run, level)}
    target.mkdir(parents=True)
    policies.save(stage, target, about)
    say(f"{target} is written; now it plays {games} games of each pair")
    game, models = named.entering(Plan(models=(str(target),)), 1)
    about |= {"score": _score(game, models, games, seed), "engine": _on_engine(game, models, games, seed, say)}
    store.write_json(target / "policy.json", store.read_json(target / "policy.json") | about)
    return about


def _stage(run: Finished, level: int) -> tuple[Finished, int]:
    """The run as it stood after a level, and that level; 0 for a learner without levels.

    Raises:
        InputError: there is no such level, or it was not learned to its end.
    """
    name = run.experiment.learner
    at_level = getattr(registry.load("learner", LEARNERS, name), "at_level", None)
    if at_level:
        level = level or run.config.levels
        return dataclasses.replace(run, state=at_level(run, level).state), level
    if level:
        raise SettingError(f"{name} learns no levels, so there is no level {level}")
    if run.folder.status().get("status") != "done":
        raise RunError(f"{run.folder.path} has not finished; go on with --resume")
    return run, 0


def _origin(source: pathlib.Path) -> dict[str, Any]:
    """The recipe whose row this is, if it is one's."""
    above = source.resolve().parent.parent / "config.json"
    config = store.read_json(above) if above.exists() else {}
    return {"recipe": config.get("recipe"), "mode": config.get("mode"), "row": source.resolve().name}


def _learning(run: Finished, level: int) -> dict[str, Any]:
    """What it took a seed: iterations, and moves where the settings tell."""
    config = run.config
    iterations = config.schedule.end(level) if level else run.experiment.iterations
    batch = [getattr(config, part, 0) for part in ("num_games", "length")]
    return {"iterations": iterations, "moves": iterations * math.prod(batch) or None}


def _score(game: Game, models: list[Model], games: int, seed: int) -> dict[str, Any]:
    found = named.result(cross_play(game, models, games, seed))["figures"]["all"]
    return {"games": games, "seed": seed, **{name: found[name] for name in FIGURES}}


def _on_engine(game: Game, models: list[Model], games: int, seed: int, say: Say) -> dict[str, Any] | None:
    """What twins score on the reference engine; None where that cannot be had."""
    if not isinstance(game, HanabiGame):
        return None
    try:
        hle.library()
    except InputError as error:
        say(f"not scored on the reference engine: {error}")
        return None
    found = engine.result([engine.scored(game, one, games, seed) for one in models])
    each = {name: of["mean"] for name, of in found["scores"].items()}
    told = {"name": found["engine"], "games": games, "seed": seed, "differing": found["differing"], "each": each}
    return told | found["over"]["all"]
