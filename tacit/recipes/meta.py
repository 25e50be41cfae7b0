"""What the recipes of M-FOS share: training rows, rows in which what was learned meets a rule, and their figures.

A row that trains is an experiment with a shaper; a row of meta-episodes lets the trained agents (`row:NAME`) meet a
rule for one uncounted step and 100 counted ones, each trial with one of the agents, drawn anew.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tacit.evaluation import payoffs
from tacit.evaluation.payoffs import Payoffs
from tacit.recipes.base import Measured, Target, deviation
from tacit.runs.experiment import ROW, Experiment
from tacit.runs.training import Finished

STEPS = 100  # of a meta-episode that count
TRIALS = 1000  # fresh meta-episodes of a figure
SELF_PLAY = {"lr": 5e-4, "anneal": 0.004, "iterations": 1200}  # a small batch bears a larger step than published
TAYLOR = {"form": "taylor"}  # the LOLA of the M-FOS code
RERUN = "MeVa notebook's table (Cooijmans et al. 2023): an independent rerun of M-FOS, its protocol not given"


def train(game: str, against: str = "", iterations: int = 1000, seeds: int = 6, **changes: Any) -> Experiment:
    """A row that trains M-FOS against a rule, or (with `SELF_PLAY`) against itself.

    Args:
        changes: settings of M-FOS; those of the opponent and the game under `opponent` and `rules`.
    """
    opponent, rules = changes.pop("opponent", {}), changes.pop("rules", {})
    changes = {"num_games": 64} | changes
    return Experiment("mfos", game, against, changes, rules, opponent, iterations=iterations, seeds=seeds)


def meet(game: str, rule: str, against: str = "", **changes: Any) -> Experiment:
    """A row of fresh meta-episodes between two rules (or, without `against`, between a rule's own two seats)."""
    mine, opponent, rules = (changes.get(name, {}) for name in ("mine", "opponent", "rules"))
    return Experiment(rule, game, against, mine, rules, opponent, iterations=STEPS + 1, seeds=TRIALS, every=1)


Rules = Mapping[str, tuple[str, dict[str, Any]]]  # what each is called, its name and its settings


def pairings(game: str, rules: Rules) -> dict[str, Experiment]:
    """One row of fresh meta-episodes for each pair of rules of a symmetric game, a rule's own kind included.

    Where trained agents meet their own kind, both are drawn: partners that did not train together meet too.
    """
    names = list(rules)
    return {
        f"{names[i]} v {names[j]}": meet(
            game, rules[names[i]][0], rules[names[j]][0], mine=rules[names[i]][1], opponent=rules[names[j]][1]
        )
        for i, j in payoffs.pairs(len(names), symmetric=True)
    }


def table(runs: Mapping[str, Any], rules: Rules) -> Payoffs:
    """The table of payoffs from the finished rows of `pairings`."""
    names = list(rules)
    cells = {
        (i, j): runs[f"{names[i]} v {names[j]}"].metrics["value"] for i, j in payoffs.pairs(len(names), symmetric=True)
    }
    return payoffs.table(names, True, cells, "mean")


def lines(found: Payoffs) -> list[str]:
    """The table in words, one line for each rule."""
    return [
        f"{rule}: "
        + ", ".join(f"{cell.mean:.3f} against {other}" for cell, other in zip(row, found.rules, strict=True))
        for rule, row in zip(found.rules, payoffs.summaries(found), strict=True)
    ]


def learned(row: str) -> str:
    """The name of the rule that a row learned."""
    return ROW + row


def rewards(run: Finished) -> np.ndarray:
    """Mean reward of both players over the counted steps of each meta-episode, `[S, P]`."""
    return run.metrics["value"][1:].mean(axis=0)


def by_agent(run: Finished) -> np.ndarray:
    """The same, averaged over the meta-episodes of each trained agent, `[K, P]`."""
    agent = np.asarray((run.state[0] if type(run.state) is tuple else run.state).agent)
    each = rewards(run)
    return np.stack([each[agent == k].mean(axis=0) for k in np.unique(agent)])


def figures(runs: Mapping[str, Finished], rows: Mapping[str, tuple[str, str]]) -> dict[str, Measured]:
    """Mean reward of both players in these rows, by "ROW: PLAYER"; the spread is that of the trained agents.

    Args:
        rows: for each row, what its two players are called.
    """
    found = {}
    for row, names in rows.items():
        each = rewards(runs[row])
        agents = by_agent(runs[row]) if _has_agents(runs[row]) else None
        for player, name in enumerate(names):
            spread = deviation(each[:, player] if agents is None else agents[:, player])
            kind = "sd over meta-episodes" if agents is None else f"sd over {len(agents)} trained agents"
            found[f"{row}: {name}"] = Measured(float(each[:, player].mean()), spread, kind, len(each))
    return found


def _has_agents(run: Finished) -> bool:
    return hasattr(run.state[0] if type(run.state) is tuple else run.state, "agent")


def near(name: str, published: float, within: float, why: str, source: str = RERUN, **more: Any) -> Target:
    """A target within a distance of a published figure."""
    reason = f"within {within:g} of the published figure: {why}"
    return Target(name, source, published - within, published + within, reason, published, **more)
