"""Levers again and again: what strangers can agree on once they see what the other pulled."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tacit import games
from tacit.evaluation import repeated_levers
from tacit.evaluation.cross_play import cross_play, models_of
from tacit.evaluation.levers import OneApart, one_apart
from tacit.evaluation.pairings import Summary, summarize
from tacit.recipes.base import Budget, Measured, Nothing, Recipe, Target, over_runs
from tacit.runs import exhibits
from tacit.runs.computation import Computation, Say
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

PAPER = "Hu et al. 2020, Other-Play for Zero-Shot Coordination, the repeated game; values by tacit's dynamic program"
OWN = "tacit's specification"
DERIVED = "derived independently of tacit, by arithmetic and by a dynamic program over fewer strategies"
GAME = "repeated-levers"
ROUNDS = (10, 20, 50, 100)
PLAYED = 20  # rounds in which learned policies meet
KNOWN = {  # of both ways to play
    "best": {10: 9.0, 20: 18.767, 50: 48.767, 100: 98.767},
    "stick or copy": {10: 8.224, 20: 18.222, 100: 98.222},
}


def form(rounds: int) -> OneApart:
    """Ten levers, pulled so many times."""
    return one_apart(games.make(GAME, length=rounds))


def values(settings: Nothing, seeds: int, seed: int, say: Say) -> dict[str, Any]:
    """What strangers can earn, exactly; nothing is drawn at random."""
    del settings, seeds, seed, say
    ways = {
        "0.9 for ever": repeated_levers.always_low,
        "stick or copy": repeated_levers.stick_or_copy,
        "best": lambda form: repeated_levers.plan(form).value,
        "best, seats known": repeated_levers.seats_known,
    }
    found = {name: {str(rounds): float(way(form(rounds))) for rounds in ROUNDS} for name, way in ways.items()}
    rows = [[rounds, *(found[name][str(rounds)] for name in ways)] for rounds in ROUNDS]
    caption = "Expected payoff of all rounds, of players who share no names. Exact."
    return {"values": found, "exhibits": [exhibits.table("What strangers can earn", ["rounds", *ways], rows, caption)]}


SELF_PLAY, OTHER_PLAY = "self-play", "Other-Play"
SMALL = {"length": PLAYED, "recurrent": True, "shared": True}
TRAINED = {
    OTHER_PLAY: Experiment(
        "ppo",
        GAME,
        learner_settings={
            **SMALL,
            "other_play": True,
            "equivariant": True,
            "num_games": 96,
            "minibatches": 4,
            "hidden": 16,
            "lr": 3e-3,
            "decay": 0.8,
            "anneal": 150,
        },
        iterations=150,
        seeds=5,
    ),
    SELF_PLAY: Experiment(
        "ppo",
        GAME,
        learner_settings={**SMALL, "num_games": 32, "minibatches": 2, "hidden": 16, "lr": 8e-3},
        iterations=150,
        seeds=8,
    ),
}


def measure(runs: Mapping[str, Any]) -> dict[str, Measured]:
    """The exact values; what is learned, with partners and with strangers; and how near it comes to the best."""
    exact = runs["values"].result["values"]
    found = {_exact(way, t): Measured(exact[way][str(t)], None, "exact", 1) for way in KNOWN for t in KNOWN[way]}
    met = repeated_levers.played(runs[OTHER_PLAY], games.make(GAME, length=PLAYED))
    error = float(met.value.std(ddof=1)) / len(met.value) ** 0.5 if len(met.value) > 1 else np.nan
    mean = float(met.value.mean())
    found[f"{OTHER_PLAY}: return"] = Measured(mean, error, "se over runs", len(met.value))
    distance = abs(mean - repeated_levers.plan(form(PLAYED)).value) / error if error else np.nan
    found[f"{OTHER_PLAY}: standard errors from the best"] = Measured(distance, None, "se over runs", len(met.value))
    for name in TRAINED:
        summary = _crossed(runs[name])
        for short, figure in (("SP", summary.self_play), ("XP", summary.cross_play)):
            found[f"{name}: {short}"] = over_runs(figure)
    return found


def _exact(way: str, rounds: int) -> str:
    return f"{way}, {rounds} rounds"


def _crossed(run: Finished) -> Summary:
    """Every run with every other's partner, under the game's own names."""
    models = models_of(run, "run", sampled=True)
    return summarize(cross_play(games.make(GAME, length=PLAYED), models, games=1000).matrix)


def details(runs: Mapping[str, Any]) -> list[str]:
    """What each run of Other-Play earns."""
    met = repeated_levers.played(runs[OTHER_PLAY], games.make(GAME, length=PLAYED))
    each = ", ".join(f"{value:.2f}" for value in met.value)
    return [f"Returns of the runs of Other-Play: {each} (standard error {met.error.mean():.2f} each)."]


def shown(runs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """How soon two players match."""
    wanted = form(PLAYED)
    met = repeated_levers.played(runs[OTHER_PLAY], games.make(GAME, length=PLAYED))
    lines = {
        "best": repeated_levers.plan(wanted).matched,
        "stick or copy": repeated_levers.stick_or_copy_matched(wanted),
        "learned with Other-Play, mean over runs": met.matched.mean(axis=0),
    }
    rounds = list(range(1, PLAYED + 1))
    return [exhibits.curves("How often both pull the same lever", rounds, lines, ("round", "share of games"))]


def _known(way: str, rounds: int, value: float) -> Target:
    return Target(
        _exact(way, rounds),
        DERIVED,
        low=value - 1e-3,
        high=value + 1e-3,
        reason="within 0.001, as it is known to three decimals",
        published=value,
    )


RECIPE = Recipe(
    name="repeated-levers",
    title="Strangers who see each other's pulls agree on a lever, and learn to within a fifth of the best",
    paper=PAPER,
    rows={"values": Computation(values, Nothing(), seeds=1), **TRAINED},
    measure=measure,
    targets=(
        *(_known(way, rounds, value) for way, known in KNOWN.items() for rounds, value in known.items()),
        Target(
            f"{OTHER_PLAY}: return",
            OWN,
            low=18.567,
            high=18.967,
            reason="within 0.2 of the best of 20 rounds, 18.767; stick or copy earns 18.222",
        ),
        Target(
            f"{OTHER_PLAY}: standard errors from the best",
            OWN,
            high=2.0,
            reason="as near as the spread of the runs lets one say",
        ),
        Target(f"{OTHER_PLAY}: XP", OWN, low=18.567, reason="strangers play as well as partners"),
        Target(f"{SELF_PLAY}: SP", OWN, low=19.5, reason="partners agree on a lever before they start"),
        Target(f"{SELF_PLAY}: XP", OWN, high=10.0, reason="and strangers on none"),
    ),
    quick=Budget(seeds=2, iterations=40, learner={"anneal": 40}),
    full=Budget(seeds=20),
    scaled=tuple(TRAINED),
    details=details,
    exhibits=shown,
)
