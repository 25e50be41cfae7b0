"""Listeners that take messages at their word, for games that declare what messages mean.

What such a listener earns in the place of the one that was trained tells how much of a channel's worth is in
conventions.
"""

import functools
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from tacit.evaluation.message_meaning import Meaning
from tacit.evaluation.message_metrics import shares
from tacit.games.base import Game
from tacit.games.phone_booth import DOWN, LEFT, RECEIVER, RIGHT, ROWS, UP, PhoneBooth
from tacit.games.two_step import TwoStepGame
from tacit.ops import categorical
from tacit.types import Action, Carry, Params, Policy

REPLIES = 1  # the seat of who replies in two-step games
NOTHING = -1


def literal_listener(game: Game, meaning: Meaning | None) -> tuple[int, Policy, Params] | None:
    """The seat of who listens, and a policy for it that takes messages at their word; None where there is none."""
    if meaning is None:
        return None
    if isinstance(game, PhoneBooth):
        return RECEIVER, receiver(game.receiver_room - 1, game.length, game.width), ()
    if isinstance(game, TwoStepGame):
        return REPLIES, TABLE, jnp.asarray(replies(game, meaning))
    return None


class Told(NamedTuple):
    """What the literal receiver remembers: the exit it was told of, and its steps so far."""

    exit: Int[Array, ""]
    steps: Int[Array, ""]


@functools.cache
def receiver(far: int, length: int, width: int) -> Policy:
    """Waits in its booth to be told an exit and leaves by it, or by any, once it has only just the time to leave.

    Args:
        far: x of the exits.
        length: steps of an episode.
        width: columns of the grids that are seen.
    """

    def act(
        key: Any, params: Params, carry: Told, obs: Any, legal: Any, fresh: Array, given: Any = None
    ) -> tuple[Carry, Any, Any]:
        del params, given
        told, steps = jnp.where(fresh, NOTHING, carry.exit), jnp.where(fresh, 0, carry.steps)
        heard = (obs.message[0] > 0.5).astype(jnp.int32)
        told = jnp.where((told == NOTHING) & (obs.received[0] > 0), heard, told)
        guess = (categorical.uniform(key) < 0.5).astype(jnp.int32)
        told = jnp.where((told == NOTHING) & (length - steps <= far + 1), guess, told)
        cells = ROWS * width
        x = obs.view[2 * cells : 3 * cells].reshape(ROWS, width).sum(0).argmax()  # where it is
        leaves = jnp.where(x < far, RIGHT, jnp.where(told == 0, UP, DOWN))
        move = jnp.where(told == NOTHING, LEFT, leaves).astype(jnp.int32)
        action = Action(move, jnp.zeros(1)) if isinstance(legal, Action) else move
        return Told(told, steps + 1), action, ()

    return Policy(lambda: Told(jnp.int32(NOTHING), jnp.int32(0)), act)


def replies(game: TwoStepGame, meaning: Meaning) -> Float[np.ndarray, "n A"]:
    """The best reply in each information set to the belief that messages are true, as rows for `TABLE`.

    A message is an opening; where the meaning has more messages than there are openings, what arrives of it.
    """
    sizes, shown = game.sizes, game.shown
    prior = np.asarray(game.prior)[:, :, None]
    said = shown if len(meaning.claim) > sizes.openings else np.broadcast_to(np.arange(sizes.openings), shown.shape)
    taken = prior * meaning.literal[0][meaning.claim[said], np.arange(sizes.first)[:, None, None]]  # [c1, c2, a1]
    payoff = np.asarray(game.rewards)
    earns = np.zeros((2, game.num_sets, sizes.replies))  # taking openings at their word, and as telling nothing
    for how, weight in enumerate((taken, np.broadcast_to(prior, taken.shape))):
        np.add.at(earns[how], shown, weight[..., None] * payoff)
    believed = np.zeros(game.num_sets)
    np.add.at(believed, shown, taken)
    best = np.where(believed[:, None] > 0, earns[0], earns[1])
    chosen = np.isclose(best, best.max(-1, keepdims=True), rtol=1e-6, atol=1e-9)
    table = np.zeros((sizes.first + game.num_sets + 1, sizes.openings + sizes.replies + 1))
    table[:, -1] = 1.0  # waiting
    sets = slice(sizes.first, sizes.first + game.num_sets)
    table[sets, sizes.openings : -1] = shares(chosen)
    table[sets, -1] = 0.0
    return table.astype(np.float32)


def _look_up(
    key: Any, params: Params, carry: Carry, obs: Any, legal: Any, fresh: Any, given: Any = None
) -> tuple[Carry, Any, Any]:
    del fresh, given
    chances = jnp.where(legal, obs @ params, 0.0)
    lowest = jnp.finfo(chances.dtype).min
    return carry, categorical.sample(key, jnp.where(chances > 0, jnp.log(chances), lowest)), ()


TABLE = Policy(lambda: (), _look_up)
"""Acts with the chances in a table `[observations, actions]`, where observations are one-hot."""


def with_literal_listener(
    game: Game, meaning: Meaning | None, seats: tuple[tuple[Policy, Params], ...]
) -> tuple[tuple[Policy, Params], ...] | None:
    """The same players but for who listens; None where there is no literal listener."""
    found = literal_listener(game, meaning)
    if found is None:
        return None
    seat, policy, params = found
    return tuple((policy, params) if place == seat else each for place, each in enumerate(seats))
