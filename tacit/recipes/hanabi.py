"""What recipes of Hanabi share: the cross-play of a row's seeds, its figures and its pictures."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tacit.evaluation.cross_play import cross_play, models_of
from tacit.recipes.base import Measured
from tacit.runs import exhibits, store
from tacit.runs.cross_play import result
from tacit.runs.training import Finished
from tacit.types import Trained

GAMES = 1000  # of each ordered pair
KEPT = "cross-play.json"
BOMBED, BEFORE = "bombed", "score_before_bomb"  # what the game measures
CURVES = {
    "return": "self-play score",
    "score_before_bomb": "score before the bomb",
    "bombed": "share of games bombed",
}
HEAD = ("row", "seeds", "SP", "se", "XP", "se", "SP - XP", "se", "bombed, SP", "bombed, XP", "before the bomb, XP")
WORDS = (
    "SP: a seed with its own twin; XP: two different seeds, over ordered pairs. All play the same decks, greedily. se: "
    "standard error over seeds, by leaving out one after another. A bombed game counts 0; the last column is what was "
    "on the stacks all the same."
)


def crossed(run: Finished, stages: Mapping[str, Trained] | None = None) -> dict[str, Any]:
    """Cross-play of the seeds of a run (`tacit.runs.cross_play.result`), played once and kept in its folder.

    Args:
        stages: the run as it stood at several times, by name, all of which meet; as it is in the end, unless given.
    """
    place = run.folder.path / KEPT
    if not place.exists():
        models = [one for name, stage in (stages or {"seed": run}).items() for one in models_of(stage, name)]
        store.write_json(place, result(cross_play(run.game, models, GAMES)))
    return store.read_json(place)


def figures(row: str, run: Finished) -> dict[str, Measured]:
    """SP, XP, their gap, how many games were bombed, and the score in spite of bombs, by the row's name and theirs."""
    found = crossed(run)["figures"]["all"]
    bombed, before = found["measured"][BOMBED], found["measured"][BEFORE]
    return {
        f"{row}: SP": over_models(found["self_play"]),
        f"{row}: XP": over_models(found["cross_play"]),
        f"{row}: SP - XP": over_models(found["gap"]),
        f"{row}: % bombed, SP": over_models(bombed["self_play"], 100.0),
        f"{row}: % bombed, XP": over_models(bombed["cross_play"], 100.0),
        f"{row}: score before the bomb, SP": over_models(before["self_play"]),
    }


def over_models(figure: Mapping[str, Any], scale: float = 1.0) -> Measured:
    """A figure of a cross-play (`tacit.runs.cross_play.result`), with its standard error."""
    spread = None if figure["se"] is None else scale * figure["se"]
    return Measured(scale * figure["mean"], spread, "se over seeds (jackknife)", figure["models"])


def shown(runs: Mapping[str, Finished]) -> list[exhibits.Exhibit]:
    """The figures of all rows in one table, then the matrix of each."""
    rows, pictures = [], []
    for name, run in runs.items():
        content = crossed(run)
        found = content["figures"]["all"]
        pairs = [found["self_play"], found["cross_play"], found["gap"]]
        ends = [found["measured"][BOMBED]["self_play"], found["measured"][BOMBED]["cross_play"]]
        before = found["measured"][BEFORE]["cross_play"]
        each = [figure[part] for figure in pairs for part in ("mean", "se")]
        rows.append([name, len(content["models"]), *each, *(figure["mean"] for figure in (*ends, before))])
        matrix = next(part for part in content["exhibits"] if part["kind"] == "heat-map")
        pictures.append(matrix | {"title": f"{name}. {matrix['title']}"})
    return [exhibits.table("Self-play and cross-play", HEAD, rows, WORDS), *pictures]


def curves(run: Finished) -> list[exhibits.Exhibit]:
    """What was learned, over the moves of a seed, and the score over seconds, too; of sampled play, as in training."""
    return curves_of(run.metrics, run.config.num_games * run.config.length)


def curves_of(metrics: Mapping[str, np.ndarray], batch: int) -> list[exhibits.Exhibit]:
    """The same of metrics `[rows, S, ...]` of iterations with so many moves of a seed."""
    pictures, moves = [], metrics["iteration"] * batch
    for name, words in CURVES.items():
        each = metrics[name].reshape(*metrics[name].shape[:2], -1).mean(axis=2)
        told = np.isfinite(each).all(axis=1)
        over = {"moves": moves, "seconds": metrics["wall"]} if name == "return" else {"moves": moves}
        lines = {f"seed {seed}": values for seed, values in enumerate(each[told].T)}
        for unit, x in over.items():
            if told.any():
                title = f"{words.capitalize()}, over {unit}"
                pictures.append(exhibits.curves(title, x[told].tolist(), lines, (unit, words)))
    return pictures
