"""Read-outs of memory-one policies: how often they cooperate, and what they are worth, in closed form."""

import functools

import jax
import numpy as np
from jaxtyping import Array, Float

from tacit.games.matrix import SWAPPED, MatrixGame
from tacit.games.matrix_exact import normalized_values, visits
from tacit.runs.training import Finished, precision


def visited(run: Finished) -> np.ndarray:
    """Discounted share of rounds that begin in each state, as each agent sees it, `[S, P, n]`."""
    logits = final_logits(run)
    if logits.shape[2] == 1:
        return np.ones_like(logits)
    with precision(run.experiment):
        first = np.asarray(_visits(run.resolved.game, logits))
    return np.stack([first, first[:, list(SWAPPED)]], axis=1)


@jax.jit
def _visits(game: MatrixGame, logits: Float[Array, "S P n"]) -> Float[Array, "S n"]:
    return jax.vmap(functools.partial(visits, game))(logits)


def cooperation(run: Finished) -> np.ndarray:
    """P(C) of every agent at the end of a run in closed form, `[S, P, n]`: after CC, CD, DC, DD, and at the start."""
    logits = final_logits(run).astype(np.float64)
    return 1 / (1 + np.exp(-logits))


def final_logits(run: Finished) -> np.ndarray:
    """The agents' logits at the end of a run in closed form, `[S, P, n]`."""
    state = run.state
    rules = state if isinstance(state, tuple) and not hasattr(state, "logits") else (state,)
    return np.concatenate([np.asarray(rule.logits) for rule in rules], axis=1)


def final_values(run: Finished) -> np.ndarray:
    """Average reward per round of every agent at the end of a run in closed form, `[S, P]`."""
    with precision(run.experiment):
        return np.asarray(_values(run.resolved.game, final_logits(run)))


@jax.jit
def _values(game: MatrixGame, logits: Float[Array, "S P n"]) -> Float[Array, "S P"]:
    return jax.vmap(functools.partial(normalized_values, game))(logits)
