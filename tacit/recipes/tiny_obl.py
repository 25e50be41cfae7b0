"""The exact ladder of Off-Belief Learning on Tiny Hanabi, beside exact self-play and what independent runs of it earn.

Level 1 plays what needs no convention; each level above reads the openings of the one below, and so conventions grow
that every run arrives at alike. Self-play comes to as much, but in conventions that differ from run to run.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tacit import games
from tacit.evaluation import two_step
from tacit.evaluation.pairings import summarize
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_runs, over_seeds
from tacit.runs import exhibits
from tacit.runs.computation import Computation, Computed, Say
from tacit.settings import setting
from tacit.types import Settings

PAPER = "Hu et al. 2021, Off-Belief Learning, on the games of Burch and Bard 2018"
DERIVED = "derived by backward induction, independently of this code"
WITHIN = 1e-4
OPTIMA = {"A": 2.25, "B": 1.0, "C": 2.5, "D": 2.5, "E": 10.0, "F": 7 / 3}
UNIFORM = {"A": 1.625, "B": 0.4375, "C": 1.5, "D": 1.3125, "E": 3.7222, "F": 1.3889}
SHARP, SOFT = 0.01, 0.1
LEVELS = {  # values of level 1 and on
    ("A", SHARP): (2.25, 2.25, 2.25, 2.25),
    ("B", SHARP): (0.625, 1.0, 1.0, 1.0),
    ("C", SHARP): (2.125, 2.5, 2.5, 2.5),
    ("D", SHARP): (2.25, 2.25, 2.25, 2.25),
    ("E", SHARP): (8.0, 9.0, 10.0, 10.0),
    ("F", SHARP): (2.1111, 2.2778, 2.3333, 2.3333),
    ("B", SOFT): (0.6042, 0.99977, 0.99991),
    ("D", SOFT): (2.24832, 2.24739, 2.30963, 2.49994, 2.49995),
    ("E", SOFT): (7.99833, 9.0, 10.0),
}


class Ladders(Settings):
    """Which ladders are climbed, and how self-play learns."""

    games: tuple[str, ...] = setting(tuple(OPTIMA), "letters of the Tiny Hanabi games")
    temperatures: tuple[float, ...] = setting((SHARP, SOFT), "temperatures of the softmax", unit="payoff", above=0.0)
    levels: int = setting(5, "levels above uniform play", low=5, high=1000)
    iterations: int = setting(1000, "updates of self-play, by the exact policy gradient", low=1, high=10**6)


def ladders(settings: Ladders, seeds: int, seed: int, say: Say) -> dict[str, Any]:
    """Values of all levels, the best value of all, and how runs of self-play get on, game by game.

    Returns:
        For each letter: "best"; "values" `[temperatures, levels + 1, S]`; "cross", the levels at the first temperature
        among each other; "self-play", the cross-play matrix of runs `[S, S]`.
    """
    found = {}
    for letter in settings.games:
        say(f"game {letter}")
        game = games.make(f"tiny-hanabi-{letter.lower()}")
        each = [two_step.ladder(game, float(t), settings.levels, seeds, seed) for t in settings.temperatures]
        found[letter] = {
            "best": two_step.best(game),
            "values": [ladder.values.tolist() for ladder in each],
            "cross": each[0].cross.tolist(),
            "self-play": two_step.climbed(game, seeds, seed, settings.iterations).tolist(),
        }
    return {"games": found, "exhibits": _exhibits(found, settings)}


def _exhibits(found: Mapping[str, Any], settings: Ladders) -> list[exhibits.Exhibit]:
    numbers = range(settings.levels + 1)
    rows = []
    for letter, game in found.items():
        for t, values in zip(settings.temperatures, game["values"], strict=True):
            rows.append([letter, f"{t:g}", *(f"{each[0]:.5f}" for each in values), f"{game['best']:.5f}"])
    head = ["game", "T", *(f"level {k}" for k in numbers), "best"]
    shown = [
        exhibits.table("The ladder", head, rows, "Expected payoff of a level with itself. Level 0 is uniform play.")
    ]
    shown.append(_self_play(found))
    for letter, game in found.items():
        lines = {f"T = {t:g}": np.array(v)[:, 0] for t, v in zip(settings.temperatures, game["values"], strict=True)}
        lines["best of all"] = np.full(len(numbers), game["best"])
        shown.append(exhibits.curves(f"Tiny Hanabi {letter}", list(numbers), lines, ("level", "expected payoff")))
    names = [f"level {k}" for k in numbers]
    title = "Levels among each other in game {}, T = {:g}: the row opens, the column replies"
    for letter, game in found.items():
        named = title.format(letter, settings.temperatures[0])
        shown.append(exhibits.heat_map(named, names, names, np.array(game["cross"])))
    return shown


def _self_play(found: Mapping[str, Any]) -> exhibits.Exhibit:
    rows = []
    for letter, game in found.items():
        matrix = np.array(game["self-play"])
        told = summarize(matrix)
        rows.append(
            [
                letter,
                told.self_play.mean,
                told.cross_play.mean,
                told.cross_play.se,
                two_step.shares(np.diagonal(matrix)),
            ]
        )
    head = ["game", "self-play", "cross-play", "its standard error over runs", "where runs end (share)"]
    words = "Runs of the exact policy gradient from different first logits: with themselves, and with each other."
    return exhibits.table("Self-play", head, rows, words)


def measure(runs: Mapping[str, Computed]) -> dict[str, Measured]:
    """Every level's value over runs; the best values; the gap between self-play and cross-play on E."""
    found, temperatures = runs["ladders"].result["games"], Ladders().temperatures
    measured = {}
    for letter, game in found.items():
        measured[f"{letter}: best of all"] = Measured(game["best"], None, "exact", 1)
        measured[f"{letter}: level 0"] = Measured(game["values"][0][0][0], None, "exact", 1)
        for t, values in zip(temperatures, game["values"], strict=True):
            measured |= {_name(letter, t, k): over_seeds(np.array(each)) for k, each in enumerate(values)}
    return measured | {GAP: over_runs(summarize(np.array(found["E"]["self-play"])).gap)}


def details(runs: Mapping[str, Computed]) -> list[str]:
    """The ladders that no target judges, and self-play."""
    found = runs["ladders"].result["games"]
    lines = []
    for place, t in enumerate(Ladders().temperatures):
        free = [letter for letter in found if (letter, t) not in LEVELS]
        each = [f"{letter} " + " ".join(f"{v[0]:.5f}" for v in found[letter]["values"][place]) for letter in free]
        lines += [f"Levels 0 and on at T = {t:g}, which no target judges: {'; '.join(each)}."] if each else []
    for letter, game in found.items():
        told = summarize(np.array(game["self-play"]))
        ends = two_step.shares(np.diagonal(game["self-play"]))
        words = f"self-play {told.self_play.mean:.3f}, cross-play {told.cross_play.mean:.3f}; runs end with {ends}"
        lines.append(f"{letter}: exact policy gradient, {told.self_play.models} runs: {words}.")
    return lines


GAP = "E: self-play minus cross-play of the exact policy gradient"


def _name(letter: str, temperature: float, level: int) -> str:
    return f"{letter}: T {temperature:g}, level {level}"


def _exactly(name: str, wanted: float, source: str = DERIVED, published: float | None = None) -> Target:
    reason = "within 1e-4 of the exact value"
    return Target(name, source, low=wanted - WITHIN, high=wanted + WITHIN, reason=reason, published=published)


RECIPE = Recipe(
    name="tiny-obl",
    title="Exact Off-Belief Learning climbs Tiny Hanabi level by level, the same way in every run",
    paper=PAPER,
    rows={"ladders": Computation(ladders, Ladders(), seeds=64)},
    measure=measure,
    targets=(
        *(_exactly(f"{letter}: best of all", value, "ssokota/tiny-hanabi", value) for letter, value in OPTIMA.items()),
        *(_exactly(f"{letter}: level 0", value) for letter, value in UNIFORM.items()),
        *(_exactly(_name(*key, k), value) for key, values in LEVELS.items() for k, value in enumerate(values, 1)),
        Target(GAP, "tacit's specification", low=1.0, reason="runs of self-play settle on different conventions"),
    ),
    quick=Budget(seeds=16),
    full=Budget(seeds=256),
    judged_quick=True,
    notes=(
        "Spreads of 0 are the point: a level is unique, so every run has the same. Published figures on game E, of "
        "methods that learn from play (comment in OpenSpiel's tiny_hanabi.h): BAD 9.5, SAD 9.5, policy gradient 9.0, "
        "independent Q-learning 8.8.",
        "On D the temperature decides which way the ladder takes: it stays at 2.25 at T = 0.01 and reaches 2.5 at 0.1.",
    ),
    details=details,
)
