"""Payoffs between learning rules: what each earns against each, from first to last update or at the end.

Two rules meet in many trials, each from fresh policies; in each both learn from the same play. A trial of N updates
gives N + 1 values: of the policies at its start, and after each update. Two protocols read them:

    mean   the mean over the N values after the first: what a rule earns while it learns
    last   the value after the last update: what it has learned

Source: "mean" is the meta-episode of Lu et al. 2022 (M-FOS) and its public code, whose first step is played but not
counted; "last" is the protocol of the notebook of Cooijmans et al. 2023 (Meta-Value Learning). Their tables differ
mostly because of that, so every table here names its protocol.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tacit.errors import Misfit
from tacit.evaluation.statistics import Summary, bootstrap_means
from tacit.games.base import Game
from tacit.games.matrix import MatrixGame

PROTOCOLS = ("mean", "last")
DRAWS = 2000  # bootstrap samples behind an interval


class Payoffs(NamedTuple):
    """What every rule earned against every rule by one protocol.

    Attributes:
        rules: their labels, R of them.
        row: `[R, R, S]`, what the rule of the row earned in each trial against the rule of the column.
        column: `[R, R, S]`, what the rule of the column earned in the same trials.
        symmetric: the seats do not differ. Where they do, the rule of the row sits in the first one.
        protocol: "mean" or "last".
    """

    rules: tuple[str, ...]
    row: np.ndarray
    column: np.ndarray
    symmetric: bool
    protocol: str


def two_players(game: Game) -> Game:
    """`game`, if two play it.

    Raises:
        Misfit: more or fewer do.
    """
    if game.spec.num_players != 2:
        raise Misfit(f"payoffs between pairs of rules need a game for 2, not for {game.spec.num_players}")
    return game


def is_symmetric(game: Any) -> bool:
    """Whether both seats of a two-player matrix game have the same payoffs (of other games that is not known: no)."""
    return isinstance(game, MatrixGame) and game.symmetric


def pairs(rules: int, symmetric: bool) -> list[tuple[int, int]]:
    """Which rules have to meet, the first of a pair in the first seat: i <= j if seats do not differ, else all."""
    return [(i, j) for i in range(rules) for j in range(rules) if i <= j or not symmetric]


def per_trial(values: np.ndarray, protocol: str) -> np.ndarray:
    """What both players earned in each trial, `[S, 2]`.

    Args:
        values: `[N + 1, S, 2]`, average rewards per round at the start and after each of N updates.
    """
    return values[1:].mean(axis=0) if protocol == "mean" else values[-1]


def table(rules: Sequence[str], symmetric: bool, cells: Mapping[tuple[int, int], np.ndarray], protocol: str) -> Payoffs:
    """The table from its cells.

    Args:
        cells: `[N + 1, S, 2]` for each of `pairs`, average rewards per round. If seats do not differ, what a rule
            earns against itself is the mean of both seats.
    """
    size, trials = len(rules), next(iter(cells.values())).shape[1]
    row, column = np.zeros((2, size, size, trials))
    for (i, j), values in cells.items():
        earned = per_trial(values, protocol)
        if symmetric and i == j:
            earned = np.repeat(earned.mean(axis=1, keepdims=True), 2, axis=1)
        row[i, j], column[i, j] = earned.T
        if symmetric:
            row[j, i], column[j, i] = earned.T[::-1]
    return Payoffs(tuple(rules), row, column, symmetric, protocol)


def summaries(payoffs: Payoffs, seed: int = 0) -> list[list[Summary]]:
    """Mean of every cell `[R][R]` for the rule of the row, with standard deviation and bootstrap interval over trials.

    A single trial has neither.
    """
    count = payoffs.row.shape[2]
    mean = payoffs.row.mean(axis=2)
    if count == 1:
        return [[Summary(1, float(value), None, None, None) for value in line] for line in mean]
    low, high = np.quantile(_drawn(payoffs.row, DRAWS, seed), [0.025, 0.975], axis=0)
    each = np.stack([mean, payoffs.row.std(axis=2, ddof=1), low, high], axis=2).tolist()
    return [[Summary(count, *figures) for figures in line] for line in each]


def one_population(payoffs: Payoffs) -> np.ndarray:
    """What a rule earns in a single population that plays this game, `[R, R, S]`.

    If seats differ, everyone sits in each half of the time: the mean of the row's payoff in the first seat and in the
    second one, where it is the column's rule that the row's meets.
    """
    return payoffs.row if payoffs.symmetric else (payoffs.row + payoffs.column.swapaxes(0, 1)) / 2


def drawn_tables(payoffs: Payoffs, draws: int, seed: int = 0) -> np.ndarray:
    """Tables `[draws, R, R]` of a population from bootstrap samples of the trials.

    All cells of one table are of the same trials, which began from the same policies.
    """
    return _drawn(one_population(payoffs), draws, seed)


def _drawn(payoff: np.ndarray, draws: int, seed: int) -> np.ndarray:
    return bootstrap_means(np.moveaxis(payoff, 2, 0), draws, seed)
