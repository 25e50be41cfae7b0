"""Playing the policies that were learned, to measure something on it."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float, Key, PRNGKeyArray, PyTree

from tacit.errors import Misfit
from tacit.evaluation.cross_play import greedy
from tacit.games.base import Game
from tacit.loops import episodes, joint, rollout, start
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


def greedily(run: Trained) -> Float[np.ndarray, "S P"]:
    """What greedy policies gain on every level of their game, each as likely as any other: the mean of each seat.

    It is exact where all of the game's chance is in its levels.

    Raises:
        Misfit: the game does not list its levels.
    """
    if run.game.all_levels() is None:
        raise Misfit(f"{type(run.game).__name__} does not list its levels; play a sample of games instead")
    with precision_of(run.state):
        return np.asarray(_on_all_levels(run.make, run.game, run.config, run.state))


@functools.partial(jax.jit, static_argnums=0)
def _on_all_levels(make: Any, game: Game, config: Any, states: State) -> Float[Array, "S P"]:
    learner, levels, key = make(game, config), game.all_levels(), jax.random.key(0)

    def one(state: State) -> Float[Array, " P"]:
        policies, params = zip(*learner.policy(state), strict=True)
        everyone = joint([greedy(policy) for policy in policies])

        def act(keys: Any, **seen: Any) -> Any:
            return everyone(keys, params, **seen)

        live = start(key, game, policies, len(jax.tree.leaves(levels)[0]), levels)
        return rollout(key, game, act, live, game.spec.max_length, reset=False)[0].gained.mean(0)

    return jax.vmap(one)(states)
