"""The phone booth maze: what players earn there, when they find a telephone, and what it can carry.

Source: Lo et al. 2023 (cheap talk discovery and utilization), sections 4 and 6.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.games.phone_booth import HINT_DOWN, HINT_UP, MOVES, SENDER, BoothState, PhoneBooth
from tacit.loops import joint, rollout, start
from tacit.ops import information
from tacit.types import Params, Policy

EXITS = 2
GUESSED = 0.25  # the return of leaving by either exit without knowing which is right


def heard(game: PhoneBooth, state: BoothState, key: PRNGKeyArray | None = None) -> Float[Array, "7 3"]:
    """The probability, for each move of the sender, that the receiver hears nothing, up, and down at the next step.

    It stays in its place, and nothing was heard before.

    Args:
        key: where given, it is drawn once for each move whether it arrives, as the published figure has it, instead of
            the probabilities. It is consumed.
    """
    hint = jnp.array([[move == HINT_UP, move == HINT_DOWN] for move in MOVES])
    chance = jnp.where(hint, game.line(state)[0], 0.0)
    if key is not None:
        chance = jax.random.bernoulli(key, chance).astype(chance.dtype)
    return jnp.concatenate([1.0 - chance.sum(axis=1, keepdims=True), chance], axis=1)


def informed(
    game: PhoneBooth, state: BoothState, probs: Float[Array, "7"], key: PRNGKeyArray | None = None
) -> Float[Array, ""]:
    """I(A1; O2) in bits: what the receiver's next observation tells of the sender's move, drawn from `probs`."""
    return information.through(probs, heard(game, state, key))


class Score(NamedTuple):
    """How two players do, a mean over both exits (and over draws, where booths lose hints).

    Attributes:
        value: the undiscounted return.
        by_exit: that for each of the right exits.
        found: steps until the sender is in a booth that works; all steps of an episode where that never happens.
        visits: `[booths]` steps of an episode at whose end the sender is in each booth that works.
    """

    value: Float[Array, ""]
    by_exit: Float[Array, "2"]
    found: Float[Array, ""]
    visits: Float[Array, " booths"]


def score(game: Game, policies: Sequence[Policy], params: Sequence[Params], draws: int = 1, seed: int = 0) -> Score:
    """How these two players do; pure, so that it can be compiled and mapped over seeds.

    It is exact where they draw nothing and no booth loses hints; otherwise take many `draws`.

    Raises:
        Misfit: it is another game.
    """
    if not isinstance(game, PhoneBooth):
        raise Misfit(f"this needs the phone booth maze, not {type(game).__name__}")
    everyone = joint(policies)

    def act(keys: Array, **seen: Any) -> Any:
        return everyone(keys, params, **seen)

    level = jnp.tile(jnp.arange(EXITS), draws)
    start_key, play_key = jax.random.split(jax.random.key(seed))
    live = start(start_key, game, policies, len(level), level)
    step = rollout(play_key, game, act, live, game.length, level, reset=False)[1]

    place = step.next_state.place[:, :, SENDER, None]  # [T, B, 1, 2]
    booths = np.reshape(np.array(game.booths, np.int32), (-1, 2))
    on = ~(step.state.terminated | step.state.truncated)
    at = (place == booths[None, None]).all(axis=3) & on[:, :, None]  # [T, B, booths]
    ever = at.any(axis=2)
    found = jnp.where(ever.any(axis=0), 1 + jnp.argmax(ever, axis=0), game.length)
    returns = step.reward[..., 0].sum(axis=0)
    by_exit = returns.reshape(draws, EXITS).mean(axis=0)
    return Score(by_exit.mean(), by_exit, found.mean(dtype=float), at.sum(axis=0).mean(axis=0, dtype=float))
