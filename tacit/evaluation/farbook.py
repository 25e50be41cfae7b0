"""What traders earn in FarBook: rules, one that sees the hidden pressure, and policies that learned."""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from tacit.evaluation.cross_play import greedy
from tacit.games.farbook import CORE, BookState, FarBook
from tacit.learners.traders import RULE, Trader
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
