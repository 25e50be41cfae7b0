"""What traders earn in FarBook: rules, one that sees the hidden pressure, learned policies; and logs of random play."""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from tacit.evaluation.column_audit import Log
from tacit.evaluation.cross_play import greedy
from tacit.games.farbook import CORE, BookState, FarBook
from tacit.learners.traders import RULE, TRADE_AT_RANDOM, Trader
from tacit.loops import episodes
from tacit.types import Trained


class Revealed(FarBook):
    """FarBook that shows the hidden pressure where time would stand: what a rule could earn that knew it."""

    def observe(self, state: BookState) -> Float[Array, "P seen"]:
        return super().observe(state).at[:, CORE - 1].set(state.pressure)


INSIDER = Trader(CORE - 1, 0.3)
"""Goes with the hidden pressure, in `Revealed`."""


@functools.partial(jax.jit, static_argnames="count")
def _returns(game: FarBook, params: Sequence[Array], key: PRNGKeyArray, count: int) -> Array:
    return jax.vmap(lambda each: episodes(key, game, (RULE,), (each,), count)[1].gained[-1, :, 0])(jnp.stack(params))


def returns_of_rules(game: FarBook, traders: Sequence[Trader], seed: int, count: int) -> np.ndarray:
    """Undiscounted returns `[traders, count]` of rules, in ticks; all meet the same chance."""
    params = [trader.seated(game, (0,))[1][0] for trader in traders]
    return np.asarray(_returns(game, params, jax.random.key(seed), count))


def returns_of_runs(trained: Trained, seed: int, count: int) -> np.ndarray:
    """Undiscounted returns `[S, count]` of runs' likeliest actions, in ticks, under the same chance as the rules'."""
    learner = trained.make(trained.game, trained.config)
    ((policy, _),) = learner.policy(jax.tree.map(lambda leaf: leaf[0], trained.state))

    def one(state: Any) -> Array:
        ((_, params),) = learner.policy(state)
        return episodes(jax.random.key(seed), trained.game, (greedy(policy),), (params,), count)[1].gained[-1, :, 0]

    return np.asarray(jax.jit(jax.vmap(one))(trained.state))


GROUPS = {
    "queues": [0, 1, 2],
    "last move": [3],
    "flow": [4, 5],
    "position": [6],
    "time": [7],
    "far orders": list(range(CORE, CORE + 8)),
}
"""Columns of a trader's view that an audit tries together, with four far levels on each side."""

AHEAD, DISCOUNT = 30, 0.95  # steps whose rewards an audit predicts, and their weight


@functools.partial(jax.jit, static_argnames="count")
def _random_play(game: FarBook, params: Array, key: PRNGKeyArray, count: int) -> tuple[Array, ...]:
    played = episodes(key, game, (RULE,), (params,), count)[1]
    return played.obs[:, :, 0], played.next_obs[:, :, 0], played.action[:, :, 0], played.reward[:, :, 0]


def logged(game: FarBook, seed: int, count: int) -> Log:
    """`count` episodes of one trader who acts at random, as `tacit.evaluation.column_audit` reads them."""
    params = TRADE_AT_RANDOM.seated(game, (0,))[1][0]
    found = _random_play(game, params, jax.random.key(seed), count)
    before, after, action, reward = (np.asarray(each, float) for each in found)
    kept = len(reward) - AHEAD
    gained = np.sum([DISCOUNT**k * reward[k : k + kept] for k in range(AHEAD)], axis=0)
    rows = [each[:kept].reshape(kept * count, -1) for each in (before, after, action, gained)]
    return Log(rows[0], rows[1], rows[2][:, 0].astype(int) - 1, rows[3][:, 0])
