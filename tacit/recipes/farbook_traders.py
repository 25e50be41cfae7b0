"""What simple rules earn in FarBook, what a rule would earn that saw the hidden pressure, and PPO beside them.

No adversary talks here. With the far book hidden and with it shown but silent, PPO learns to trade.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tacit.evaluation import farbook
from tacit.games.farbook import FarBook
from tacit.learners import TRADERS
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_seeds
from tacit.registry import load
from tacit.runs import exhibits
from tacit.runs.computation import Computation, Say
from tacit.runs.experiment import Experiment
from tacit.settings import setting
from tacit.types import Settings

OWN = "tacit's specification: an earlier program of the same rules, 512 episodes"
INSIDER = "goes with the hidden pressure"
EARNED = {  # mean and standard error
    "trade-at-random": (-51.8, 0.7),
    "holder": (0.0, 0.0),
    "buyer": (-0.2, 1.3),
    "imbalance-trader": (17.4, 0.7),
    "flow-trader": (23.2, 0.9),
    INSIDER: (28.9, 0.8),
}
LEARNED = {"PPO, far book hidden": 0, "PPO, far book silent": 4}
AHEAD = "PPO, far book hidden: ahead of the flow trader"
EPISODES = 2048


class Traders(Settings):
    """How many episodes are played."""

    episodes: int = setting(EPISODES, "episodes of each rule", unit="episodes", low=2, high=10**6)


def rules(settings: Traders, seeds: int, seed: int, say: Say) -> dict[str, Any]:
    """Mean return of each rule and its standard error over `episodes` episodes, for each of `seeds` seeds."""
    found: dict[str, Any] = {}
    for each in range(seeds):
        say(f"{settings.episodes} episodes of each rule")
        returns = farbook.returns_of_rules(
            FarBook(), [load("player", TRADERS, n) for n in TRADERS], seed + each, settings.episodes
        )
        insider = farbook.returns_of_rules(farbook.Revealed(), [farbook.INSIDER], seed + each, settings.episodes)
        for name, values in zip(EARNED, np.concatenate([returns, insider]), strict=True):
            found.setdefault(name, []).append(float(values.mean()))
            found.setdefault(f"{name}: error", []).append(float(values.std(ddof=1) / len(values) ** 0.5))
    return {"rules": found, "exhibits": []}


def measure(runs: Mapping[str, Any]) -> dict[str, Measured]:
    """Rules over seeds; runs of PPO by their likeliest actions, over seeds."""
    found = runs["rules"].result["rules"]
    measured = {f"{name}: return": over_seeds(np.array(found[name])) for name in EARNED}
    played = {name: farbook.returns_of_runs(runs[name], 1, EPISODES).mean(1) for name in LEARNED}
    flow = farbook.returns_of_rules(FarBook(), [load("player", TRADERS, "flow-trader")], 1, EPISODES).mean()
    measured |= {f"{name}: return": over_seeds(values) for name, values in played.items()}
    return measured | {AHEAD: over_seeds(played["PPO, far book hidden"] - flow)}


def details(runs: Mapping[str, Any]) -> list[str]:
    """Each run of PPO while it learned."""
    lines = []
    for name in LEARNED:
        last = runs[name].metrics["return"][-1, :, 0]
        lines.append(f"{name}: sampled actions at the end of training, by seed: {', '.join(f'{x:.1f}' for x in last)}.")
    return lines


def _exhibits(runs: Mapping[str, Any]) -> list[exhibits.Exhibit]:
    found = runs["rules"].result["rules"]
    lines = {}
    for name in LEARNED:
        curve = runs[name].metrics["return"][:, :, 0].mean(1)
        lines[name] = curve
    count = len(next(iter(lines.values())))
    lines |= {name: np.full(count, found[name][0]) for name in ("imbalance-trader", "flow-trader", INSIDER)}
    every = runs[next(iter(LEARNED))].experiment.iterations / count
    labels = ("updates", "return of an episode, ticks")
    return [exhibits.curves("PPO learns to trade", [every * (i + 1) for i in range(count)], lines, labels)]


def _targets() -> list[Target]:
    found = []
    for name, (mean, error) in EARNED.items():
        # ours have four times the episodes, so half the standard error: the difference has 1.12 times theirs
        slack = max(3 * 1.12 * error, 1e-6)
        reason = "within 3 standard errors of the difference" if error else "who never trades neither gains nor pays"
        found.append(Target(f"{name}: return", OWN, mean - slack, mean + slack, reason, mean, error or None))
    for name in LEARNED:
        reason = "what was set out to be earned by likeliest actions; it is the flow trader's"
        found.append(Target(f"{name}: return", "tacit's specification", low=23.0, reason=reason))
    found.append(Target(AHEAD, "tacit's specification", low=0.0, reason="it can learn the rule, and more"))
    return found


def _ppo(levels: int) -> Experiment:
    learner = {"num_games": 16, "length": 200, "epochs": 8, "minibatches": 1, "lr": 3e-3, "hidden": 32}
    return Experiment("ppo", "farbook", "", learner, {"far_levels": levels}, iterations=200, seeds=4, every=10)


RECIPE = Recipe(
    name="farbook-traders",
    title="Simple rules and PPO trade at an order book in which nobody talks",
    paper="no publication: a game of tacit's own",
    rows={"rules": Computation(rules, Traders(), seeds=2)} | {name: _ppo(levels) for name, levels in LEARNED.items()},
    measure=measure,
    targets=tuple(_targets()),
    quick=Budget(seeds=2, iterations=60),
    full=Budget(seeds=8, raised=400),
    notes=("Returns are undiscounted, in ticks per episode of 200 steps. PPO learns with a discount of 0.95.",),
    details=details,
    exhibits=_exhibits,
)
