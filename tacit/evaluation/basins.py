"""Basins of learning: where a rule in closed form ends, by where both players start."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tacit.games.matrix import STATES, MatrixGame
from tacit.games.matrix_exact import normalized_values
from tacit.loops import Make

GRID = 25  # starts along each axis
EDGE = 0.02  # the outermost starts stay this far from certainty


class Basins(NamedTuple):
    """Where learning leads from a grid of starts.

    Attributes:
        reward: `[G, G]`, player 1's final average reward, by start on the second (rows) and first axis (columns).
        paths: for some starts, `[K, 2]` positions on the two axes.
        labels: what the axes are.
    """

    reward: np.ndarray
    paths: list[np.ndarray]
    labels: tuple[str, str]


def basins(make: Make, game: MatrixGame, config: Any, iterations: int) -> Basins:
    """Runs a rule from a grid of starts.

    One-shot games: the axes are the two players' probabilities of action 0. Iterated games: both players start with
    the same reactive policy, and the axes are its probability of action 0 after the other's C and after its D (the
    first round like after C); the paths show the means of player 1's entries for those, all ten logits being free to
    move.
    """
    ticks = np.linspace(EDGE, 1 - EDGE, GRID)
    across, up = (axis.ravel() for axis in np.meshgrid(ticks, ticks))
    if game.length == 1:
        start = np.stack([across, up], axis=1)[:, :, None]
        labels = ("{}, player 1", "{}, player 2")
    else:
        start = np.stack([across, up, across, up, across], axis=1)[:, None].repeat(2, axis=1)
        labels = ("{} after the other's C", "{} after the other's D")
    logits = np.log(start / (1 - start))
    paths, reward = _follow(make, game, config, logits, iterations)
    paths = 1 / (1 + np.exp(-np.asarray(paths, np.float64)))  # [G * G, K, 2, n]
    if game.length == 1:
        positions = paths[:, :, :, 0]
    else:
        positions = np.stack([paths[:, :, 0, [0, 2]].mean(-1), paths[:, :, 0, [1, 3]].mean(-1)], -1)
    chosen = [row * GRID + column for row in range(2, GRID, 5) for column in range(2, GRID, 5)]
    action = f"P({game.action_names[0]})"
    return Basins(
        np.asarray(reward).reshape(GRID, GRID),
        [positions[i] for i in chosen],
        (labels[0].format(action), labels[1].format(action)),
    )


@functools.partial(jax.jit, static_argnames=("make", "iterations"))
def _follow(make: Any, game: MatrixGame, config: Any, logits: Float[Array, "G 2 n"], iterations: int) -> Any:
    learner = make(game, config)
    key = jax.random.key(0)

    def one(logits: Float[Array, "2 n"]) -> tuple[Array, Array]:
        state = learner.init(key)
        for seat in range(2):
            spread = jnp.broadcast_to(logits[seat], (len(STATES),)) if game.length == 1 else logits[seat]
            state = learner.with_params(state, seat, spread)

        def step(state: Any, _: None) -> tuple[Any, Array]:
            state, _metrics = learner.step(key, state)
            return state, state.logits

        state, path = jax.lax.scan(step, state, None, length=iterations)
        return jnp.concatenate([logits[None], path]), normalized_values(game, state.logits)[0]

    return jax.vmap(one)(logits)
