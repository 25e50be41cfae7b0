"""Naive learners over-use a commons; a planner keeps it alive."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Array

from tacit.evaluation.play import play
from tacit.games.commons import plan
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_seeds
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished
from tacit.types import Step

CLAIM = "the tragedy of the commons (Hardin 1968); the planner's figures by exact value iteration"


def _totals(played: Step) -> tuple[Array, Array]:
    """Harvest of all players over an episode, and the stock it ends with, both means over games."""
    return played.reward.sum((0, 2)).mean(), played.state.stock[-1].mean()


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """What is harvested, as a share of what a planner would, and what is left."""
    found = {}
    for row, run in runs.items():
        best = plan(run.game)
        harvest, stock = play(run, _totals)
        found[f"{row}: harvest / planner's"] = over_seeds(np.asarray(harvest) / best.harvest)
        found[f"{row}: stock left"] = over_seeds(np.asarray(stock, float))
    return found


def details(runs: Mapping[str, Finished]) -> list[str]:
    """What the planner would do."""
    game = runs["naive"].game
    best = plan(game)
    harvest, kept = f"{best.harvest:g} units in {game.length} rounds", f"{best.stock:.1f} of {game.capacity} on average"
    return [f"For comparison, a planner harvests {harvest} and keeps {kept}."]


def _targets(row: str) -> tuple[Target, ...]:
    return (
        Target(f"{row}: harvest / planner's", CLAIM, high=0.5, reason="over-use costs everyone more than half"),
        Target(f"{row}: stock left", CLAIM, high=1.0, reason="the stock is gone, or one unit remains"),
    )


RECIPE = Recipe(
    name="commons",
    title="Independent learners use up a commons that a planner would keep",
    paper=CLAIM,
    rows={
        "naive": Experiment("naive-pg", "commons", learner_settings={"lr": 1.0}, seeds=32),
        "PPO": Experiment("ppo", "commons", learner_settings={"length": 100}, iterations=40, seeds=8),
    },
    measure=measure,
    targets=(*_targets("naive"), *_targets("PPO")),
    quick=Budget(seeds=4),
    full=Budget(seeds=128),
    judged_quick=True,
    details=details,
)
