"""Levers again and again: what strangers can agree on once they see what the other pulled."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from tacit import games
from tacit.evaluation import repeated_levers
from tacit.evaluation.cross_play import cross_play, models_of
from tacit.evaluation.levers import OneApart, one_apart
from tacit.evaluation.pairings import Summary, summarize
from tacit.loops import Result
from tacit.recipes.base import Budget, Measured, Recipe, Target
from tacit.runs import exhibits
from tacit.runs.computation import Computation, Say
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished
from tacit.types import Trained

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


@dataclasses.dataclass(frozen=True)
class Nothing:
    """No settings."""


def values(settings: Nothing, seeds: int, seed: int, say: Say) -> dict[str, Any]:
    """What strangers can earn, exactly; nothing is drawn at random."""
    del settings, seeds, seed, say
    ways = {
        "0.9 for ever": repeated_levers.always_low,
        "stick or copy": repeated_levers.stick_or_copy,
        "best": lambda form: repeated_levers.plan(form).value,
        "best, seats known": repeated_levers.seats_known,
    }
    found = {name: {str(rounds): way(form(rounds)) for rounds in ROUNDS} for name, way in ways.items()}
    rows = [[rounds, *(found[name][str(rounds)] for name in ways)] for rounds in ROUNDS]
    caption = "Expected payoff of all rounds, of players who share no names. Exact."
    return {"values": found, "exhibits": [exhibits.table("What strangers can earn", ["rounds", *ways], rows, caption)]}


RESTARTS = 2  # a run of Other-Play is the best of so many restarts, by its own return in training
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
            "num_games": 256,
            "minibatches": 8,
            "epochs": 3,
            "hidden": 8,
            "lr": 2.5e-3,
            "decay": 0.5,
            "entropy_weight": 0.02,
            "anneal": 100,
        },
        iterations=100,
        seeds=5 * RESTARTS,
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
    met = repeated_levers.played(chosen(runs[OTHER_PLAY]), games.make(GAME, length=PLAYED))
    error = float(met.value.std(ddof=1)) / len(met.value) ** 0.5 if len(met.value) > 1 else np.nan
    mean = float(met.value.mean())
    found[f"{OTHER_PLAY}: return"] = Measured(mean, error, "se over runs", len(met.value))
    distance = abs(mean - repeated_levers.plan(form(PLAYED)).value) / error
    found[f"{OTHER_PLAY}: standard errors from the best"] = Measured(distance, None, "se over runs", len(met.value))
    for name, run in ((OTHER_PLAY, chosen(runs[OTHER_PLAY])), (SELF_PLAY, runs[SELF_PLAY])):
        summary = _crossed(run)
        for short, figure in (("SP", summary.self_play), ("XP", summary.cross_play)):
            value = np.nan if figure.mean is None else figure.mean
            found[f"{name}: {short}"] = Measured(value, figure.se, "se over runs", figure.models)
    return found


def chosen(run: Finished) -> Result:
    """The best of each group of restarts by its return over the last tenth of training: Other-Play's own objective."""
    late = run.metrics["return"][-max(1, len(run.metrics["return"]) // 10) :]
    own = np.nan_to_num(late.mean(axis=(0, 2)), nan=-np.inf)  # [S]
    groups = np.array_split(np.arange(len(own)), max(1, len(own) // RESTARTS))
    best = np.array([group[own[group].argmax()] for group in groups])
    return Result(run.make, run.game, run.config, jax.tree.map(lambda leaf: leaf[best], run.state), {})


def _exact(way: str, rounds: int) -> str:
    return f"{way}, {rounds} rounds"


def _crossed(run: Trained) -> Summary:
    """Every run with every other's partner, under the game's own names."""
    models = models_of(run, "run", sampled=True)
    return summarize(cross_play(games.make(GAME, length=PLAYED), models, games=1000).matrix)


def details(runs: Mapping[str, Any]) -> list[str]:
    """What each run of Other-Play earns, and each restart."""
    lines = []
    for words, run in (("runs", chosen(runs[OTHER_PLAY])), ("restarts", runs[OTHER_PLAY])):
        met = repeated_levers.played(run, games.make(GAME, length=PLAYED))
        each, error = ", ".join(f"{value:.2f}" for value in np.sort(met.value)[::-1]), met.error.mean()
        lines.append(f"Other-Play, returns of {PLAYED} rounds, all {words}: {each} (standard error {error:.2f} each).")
    return lines


def shown(runs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """How soon two players match."""
    wanted = form(PLAYED)
    met = repeated_levers.played(chosen(runs[OTHER_PLAY]), games.make(GAME, length=PLAYED))
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
    quick=Budget(seeds=2 * RESTARTS, iterations=40, learner={"anneal": 40}),
    full=Budget(seeds=20 * RESTARTS),
    scaled=tuple(TRAINED),
    least=2 * RESTARTS,
    details=details,
    exhibits=shown,
)
