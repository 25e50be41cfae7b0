"""Fruit choice at the end of a row of rooms: what is learned where the way must be found and the right fruit is hidden.

Every method's student is tested as it plays on rows of eight rooms, drawn by the ground truth. What counts is which
fruit is eaten by those who learned the way; who did not is shown.
"""

import functools
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float

from tacit.evaluation.play import play
from tacit.games.fruit import APPLE, BANANA, grounded_return
from tacit.loops import Result
from tacit.recipes import curricula
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_seeds, share
from tacit.recipes.curricula import DR, METHODS, OWN, PLR, ROBUST, SAMPLR
from tacit.runs import exhibits
from tacit.runs.experiment import Experiment
from tacit.runs.policies import run_in
from tacit.runs.training import Finished
from tacit.types import Step

LEVELS = 256  # on which each seed is tested, one episode on each
FOUND = 0.9  # of them, on which who learned the way eats some fruit
CYCLES = 800
STUDENT = {
    "num_games": 32, "length": 160, "epochs": 4, "minibatches": 4, "lr": 1e-3, "entropy_weight": 0.003, "scale": 10.0,
    "capacity": 400, "replay": 0.5, "hidden": 64,
}  # fmt: skip
MAIN = "q 0.7, R_A 3, R_B 5"
OTHERS = {
    "q 0.7, R_A 3, R_B 10": {"banana": 10.0},
    "q 0.85, R_A 3, R_B 10": {"apple_right": 0.85, "banana": 10.0},
}
COMPARED = (DR, PLR, ROBUST, SAMPLR)


class Eaten(NamedTuple):
    """Shares of test episodes, by seed."""

    apple: Float[np.ndarray, " S"]
    banana: Float[np.ndarray, " S"]

    @property
    def any(self) -> Float[np.ndarray, " S"]:
        """In which some fruit was eaten."""
        return self.apple + self.banana


def _counted(step: Step) -> dict[str, Array]:
    last: Any = jax.tree.map(lambda leaf: leaf[-1], step.next_state)
    return {name: (last.eaten == fruit).mean() for name, fruit in (("apple", APPLE), ("banana", BANANA))}


def eaten(run: Finished) -> Eaten:
    """What each seed eats on the longest rows of rooms."""
    return _eaten(run.folder.path)


@functools.lru_cache(maxsize=16)
def _eaten(path: pathlib.Path) -> Eaten:
    run = run_in(path)
    return Eaten(**play(Result(run.make, run.game.held_out, run.config, run.state, {}), _counted, LEVELS))


def _name(method: str, rules: str = MAIN) -> str:
    return method if rules == MAIN else f"{method}, {rules}"


def _returned(run: Finished, found: Eaten) -> Float[np.ndarray, " S"]:
    return grounded_return(run.game, found.apple, found.banana)


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Who learned the way, and what they eat; where nobody did, what all of them eat."""
    measured = {}
    for name, run in runs.items():
        found = eaten(run)
        way = found.any >= FOUND
        those = way | ~way.any()
        measured[_way(name)] = share(way)
        measured[_return(name)] = over_seeds(_returned(run, found)[those])
        measured[_bananas(name)] = over_seeds((found.banana / np.maximum(found.any, 1e-9))[those])
    return measured


def details(runs: Mapping[str, Finished]) -> list[str]:
    """Every seed, those that learned nothing among them."""
    lines = []
    for name, run in runs.items():
        found = eaten(run)
        each = [f"{a:.2f} {b:.2f} ({r:.2f})" for a, b, r in zip(*found, _returned(run, found), strict=True)]
        lines.append(f"{name}: apple, banana (return) by seed: {', '.join(each)}.")
    return lines


def shown(runs: Mapping[str, Finished]) -> list[exhibits.Exhibit]:
    """Learning and curricula over time, and every seed at its end."""
    main = {name: run for name, run in runs.items() if name in COMPARED}
    rows = []
    for name, run in runs.items():
        found = eaten(run)
        rows += [[name, str(s), *row] for s, row in enumerate(zip(*found, _returned(run, found).tolist(), strict=True))]
    head = ["method", "seed", "eats the apple", "eats the banana", "return"]
    rows = [[name, seed, *map(float, figures)] for name, seed, *figures in rows]
    curves = (
        ("Doors passed, in play as it learns", "doors_passed", "share"),
        ("Apples eaten, in play as it learns", "apple", "share of episodes"),
        ("Bananas eaten, in play as it learns", "banana", "share of episodes"),
        ("Apple levels among those learned on", "level_apple_right", "share"),
        ("Rooms of the levels learned on", "level_rooms", "rooms"),
        ("Scores in the buffer", "score", "mean score, in tenths of payoff"),
    )
    table = exhibits.table(
        f"{LEVELS} rows of eight rooms", head, rows, "Shares of episodes; return under the ground truth."
    )
    return [table, *(curricula.curve(title, main, metric, words) for title, metric, words in curves)]


def _row(method: str, rules: Mapping[str, float], seeds: int = 5) -> Experiment:
    settings = STUDENT | METHODS[method]
    return Experiment("curriculum", "fruit-choice", "", settings, dict(rules), iterations=CYCLES, seeds=seeds, every=25)


def _way(name: str) -> str:
    return f"{name}: % of seeds that eat on {FOUND:.0%} of the rows"


def _return(name: str) -> str:
    return f"{name}: return of those"


def _bananas(name: str) -> str:
    return f"{name}: bananas among what those eat"


def _found_way(name: str) -> Target:
    return Target(_way(name), OWN, low=80.0, reason="at least four of five")


def _near(name: str, best: float) -> Target:
    return Target(_return(name), OWN, low=0.95 * best, reason=f"at least 95 % of the best, {best:g}")


def _wrong(name: str) -> Target:
    return Target(_return(name), OWN, low=1.4, high=1.6, reason="the banana, 1.5, though the apple is better")


SECOND, THIRD = OTHERS
RECIPE = Recipe(
    name="fruit-choice",
    title="Replayed levels teach the wrong fruit; under the ground truth (SAMPLR) they teach the right one",
    paper="Jiang et al. 2022, Grounding Aleatoric Uncertainty for Unsupervised Environment Design",
    rows={_name(method): _row(method, {}, 10 if method == DR else 5) for method in COMPARED}
    | {_name(method, rules): _row(method, OTHERS[rules]) for rules in OTHERS for method in (ROBUST, SAMPLR)},
    measure=measure,
    targets=(
        *(_found_way(_name(method)) for method in COMPARED),
        Target(_return(SAMPLR), OWN, low=2.0, reason="the apple, 2.1, which is better"),
        _wrong(ROBUST),
        Target(_bananas(ROBUST), OWN, low=0.9, reason="robust PLR replays banana levels, which pay most"),
        Target(_return(DR), OWN, low=2.0, reason="on levels as they come who learns the way learns the right fruit"),
        _near(_name(ROBUST, SECOND), 3.0),
        _near(_name(SAMPLR, SECOND), 3.0),
        _wrong(_name(ROBUST, THIRD)),
        _near(_name(SAMPLR, THIRD), 2.55),
    ),
    quick=Budget(seeds=2, iterations=50),
    full=Budget(seeds=10, raised=2 * CYCLES),
    notes=(
        "q is the probability that the apple is right, R_A and R_B what the right apple and banana pay. Returns are "
        "under the ground truth, by shares of episodes with either fruit, of play as it learns (not greedy).",
        "Figures of those who learned the way are of all seeds where none did. Robust PLR and SAMPLR learn from about "
        "half of their cycles, the others from all of them.",
        "Whether domain randomization learns the way depends on its entropy bonus, too: these rows do not show that it "
        "needs a curriculum.",
    ),
    details=details,
    exhibits=shown,
)
