"""Read-outs of memory-one policies: how often they cooperate, and what they are worth, in closed form."""

import functools
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float

from tacit.games.matrix import SWAPPED, MatrixGame
from tacit.games.matrix_exact import normalized_values, visits
from tacit.learners.versus import joint_logits
from tacit.scale import precision_of
from tacit.types import Trained


def visited(run: Trained) -> np.ndarray:
    """Discounted share of rounds that begin in each state, as each agent sees it, `[S, P, n]`."""
    logits = final_logits(run)
    if logits.shape[2] == 1:
        return np.ones_like(logits)
    with precision_of(run.state):
        first = np.asarray(_visits(run.game, logits))
    return np.stack([first, first[:, list(SWAPPED)]], axis=1)


@jax.jit
def _visits(game: MatrixGame, logits: Float[Array, "S P n"]) -> Float[Array, "S n"]:
    return jax.vmap(functools.partial(visits, game))(logits)


def cooperation(run: Trained) -> np.ndarray:
    """P(C) of every agent at the end of a run in closed form, `[S, P, n]`: after CC, CD, DC, DD, and at the start."""
    logits = final_logits(run).astype(np.float64)
    return 1 / (1 + np.exp(-logits))


def final_logits(run: Trained) -> np.ndarray:
    """The agents' logits at the end of a run in closed form, `[S, P, n]`."""
    with precision_of(run.state):
        return np.asarray(_logits(run.make, run.game, run.config, run.state))


@functools.partial(jax.jit, static_argnames="make")
def _logits(make: Any, game: MatrixGame, config: Any, states: Any) -> Float[Array, "S P n"]:
    learner = make(game, config)
    return jax.vmap(lambda state: joint_logits(game, learner.policy(state)))(states)


def final_values(run: Trained) -> np.ndarray:
    """Average reward per round of every agent at the end of a run in closed form, `[S, P]`."""
    with precision_of(run.state):
        return np.asarray(_values(run.game, final_logits(run)))


@jax.jit
def _values(game: MatrixGame, logits: Float[Array, "S P n"]) -> Float[Array, "S P"]:
    return jax.vmap(functools.partial(normalized_values, game))(logits)
