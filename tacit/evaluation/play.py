"""Playing the policies that were learned, to measure something on it."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Key, PRNGKeyArray, PyTree

from tacit.games.base import Game
from tacit.loops import episodes
from tacit.scale import precision_of
from tacit.types import State, Step, Trained


def play(run: Trained, measure: Callable[[Step], PyTree], num_games: int = 64, seed: int = 1) -> PyTree:
    """Plays whole episodes with every seed's policies and measures them.

    Args:
        measure: from one seed's steps, leaves `[T, B, ...]`, to what is wanted (a module-level function: programs are
            cached by it).

    Returns:
        What `measure` gave, leaves `[S, ...]`.
    """
    with precision_of(run.state):
        keys = jax.random.split(jax.random.key(seed), len(jax.tree.leaves(run.state)[0]))
        found = _each(run.make, run.game, run.config, measure, num_games, keys, run.state)
    return jax.tree.map(np.asarray, found)


@functools.partial(jax.jit, static_argnums=(0, 3, 4))
def _each(
    make: Any, game: Game, config: Any, measure: Any, num_games: int, keys: Key[Array, " S"], states: State
) -> PyTree:
    learner = make(game, config)

    def one(key: PRNGKeyArray, state: State) -> PyTree:
        policies, params = zip(*learner.policy(state), strict=True)
        return measure(episodes(key, game, policies, params, num_games)[1])

    return jax.vmap(one)(keys, states)
