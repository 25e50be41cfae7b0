"""What learned Off-Belief levels come to in a two-step game: each run's levels as tables, and whom they play well with.

A network that plays both seats is asked once for everything that can be seen, and the table that comes out is judged
exactly: nothing is played.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tacit.evaluation.two_step import meet
from tacit.games.two_step import TwoStepGame
from tacit.games.two_step_exact import Joint
from tacit.types import Trained


def cross_play_of_levels(run: Trained) -> np.ndarray:
    """Expected payoff of each level's runs with each other, `[levels, S, S]`, the row in seat 1.

    Args:
        run: of the learner `obl` in a two-step game.
    """
    return np.asarray(_cross_play(run.state.levels, run.game, run.config.temperature))


@functools.partial(jax.jit, static_argnums=1)
def _cross_play(levels: Any, game: TwoStepGame, temperature: Float[Array, ""]) -> Float[Array, "L S S"]:
    policies = jax.vmap(jax.vmap(lambda net: table(net, game, temperature)))(levels)  # leaves [S, L, ...]
    return jax.vmap(functools.partial(meet, game), 1)(policies)


def table(net: Any, game: TwoStepGame, temperature: Float[Array, ""] | float) -> Joint:
    """The joint policy of a network of action values, as log-probabilities."""
    cards, openings = game.sizes.first, game.sizes.openings
    logits = jax.vmap(net)(jnp.eye(cards + game.num_sets + 1)) / temperature
    opening, reply = logits[:cards, :openings], logits[cards:-1, openings:-1]
    return Joint(jax.nn.log_softmax(opening), jax.nn.log_softmax(reply))
