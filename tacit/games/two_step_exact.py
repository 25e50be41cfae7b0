"""Two-step games in closed form: values, beliefs, best responses and the best policies of all.

A joint policy is a table of log-probabilities for each player. Its value is linear in either table,

    J = sum T[c1, a1, i, a2] pi_1(a1 | c1) pi_2(a2 | i),
    T[c1, a1, i, a2] = sum over c2 with i(c1, c2, a1) = i of prior(c1, c2) payoff[c1, c2, a1, a2],

so a best policy can be found among those that toss no coin. Probabilities stay logarithms until the last moment: a
sharp softmax makes openings of probability e^-1000, and what player 2 is to believe after one is well defined.

Under Other-Play the tensor is averaged over player 2's names; J_OP is its value, and all of the above holds for it.
"""

import functools
import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from tacit.errors import InputError, Misfit
from tacit.games.base import Game
from tacit.games.two_step import TwoStepGame

MOST_OPENERS = 2**20  # policies of player 1 that a search may go through

weighted = functools.partial(jnp.einsum, precision="highest")
"""Sums of products, without the short numbers that accelerators multiply by default: a sharp softmax shows them."""


class Joint(NamedTuple):
    """Both players' policies as log-probabilities."""

    first: Float[Array, "c1 a1"]
    second: Float[Array, "i a2"]


class Best(NamedTuple):
    """A joint policy that tosses no coin, and what it earns.

    Attributes:
        opening: player 1's move for each of its cards.
        reply: player 2's move in each information set.
    """

    value: Float[Array, ""]
    opening: Int[Array, " c1"]
    reply: Int[Array, " i"]


def two_step(game: Game, rule: str) -> TwoStepGame:
    """`game`, if it is a two-step game whose rules nobody changed.

    Raises:
        Misfit: it is not; the line names the rule that asked and the games that fit.
    """
    if not (isinstance(game, TwoStepGame) and type(game).step is TwoStepGame.step):
        fitting = "a two-step game (tiny-hanabi-a to tiny-hanabi-f, pet-light)"
        raise Misfit(f"{rule} computes everything exactly and needs {fitting}, not {type(game).__name__}")
    return game


def uniform(game: TwoStepGame) -> Joint:
    """Every move with equal probability."""
    sizes = game.sizes
    first = jnp.full((sizes.first, sizes.openings), -np.log(sizes.openings))
    return Joint(first, jnp.full((game.num_sets, sizes.replies), -np.log(sizes.replies)))


def tensor(game: TwoStepGame) -> Float[Array, "c1 a1 i a2"]:
    """T: what each move of player 1 and each move of player 2 contribute to the value together."""
    led_to = np.eye(game.num_sets)[game.shown]  # [c1, c2, a1, i]
    return weighted("xy,xyab,xyai->xaib", game.prior, game.rewards, jnp.asarray(led_to, float))


def other_play(game: TwoStepGame) -> Float[Array, "c1 a1 i a2"]:
    """T with player 2 under other names than player 1, averaged over all names."""
    whole = tensor(game)
    each = [whole[:, :, game.renamed_sets(g)][..., list(g.replies)] for g in game.relabelings]
    return jnp.stack(each).mean(0)


def value(tensor: Float[Array, "c1 a1 i a2"], joint: Joint) -> Float[Array, ""]:
    """Expected payoff of a joint policy.

    >>> from tacit.games.tiny_hanabi import tiny_hanabi_b
    >>> game = tiny_hanabi_b()
    >>> float(value(tensor(game), uniform(game)))
    0.4375
    """
    return weighted("xaib,xa,ib->", tensor, jnp.exp(joint.first), jnp.exp(joint.second))


def belief(game: TwoStepGame, first: Float[Array, "c1 a1"]) -> Float[Array, "i c1 c2 a1"]:
    """What player 2 believes of deal and opening in each information set, if player 1 plays the policy `first`.

    Args:
        first: log-probabilities; -inf is allowed.

    Returns:
        Probabilities that sum to 1 in each information set. Where `first` never leads, the grounded belief stands in
        (that of a player 1 whose moves tell nothing), and where nothing leads, all histories are alike.
    """
    here = game.shown == np.arange(game.num_sets)[:, None, None, None]  # [i, c1, c2, a1]
    dealt = jnp.broadcast_to(jnp.log(game.prior)[:, :, None], game.shown.shape)
    flat = jnp.full(here.shape, 1.0 / game.shown.size)
    return _posterior(here, dealt + first[:, None, :], _posterior(here, dealt, flat))


def _posterior(
    here: np.ndarray, log_weight: Float[Array, "c1 c2 a1"], otherwise: Float[Array, "i c1 c2 a1"]
) -> Float[Array, "i c1 c2 a1"]:
    """Weights normalized within each information set; `otherwise` where all of them are 0."""
    log_weight = jnp.where(here, log_weight[None], -jnp.inf)
    reached = jnp.isfinite(log_weight).any((1, 2, 3), keepdims=True)
    safe = jnp.where(reached, log_weight, 0.0)
    return jnp.where(reached, jax.nn.softmax(safe, axis=(1, 2, 3)), otherwise)


def reply_values(game: TwoStepGame, believed: Float[Array, "i c1 c2 a1"]) -> Float[Array, "i a2"]:
    """Q of player 2's moves under a belief."""
    return weighted("ixya,xyab->ib", believed, game.rewards)


def opening_values(game: TwoStepGame, second: Float[Array, "i a2"]) -> Float[Array, "c1 a1"]:
    """Q of player 1's moves if player 2 follows the policy `second` (log-probabilities)."""
    dealt = game.prior.sum(1)
    share = jnp.where(dealt > 0, 1 / jnp.where(dealt > 0, dealt, 1.0), 0.0)  # a card that is never dealt: all alike
    return share[:, None] * weighted("xaib,ib->xa", tensor(game), jnp.exp(second))


def best_opening(tensor: Float[Array, "c1 a1 i a2"], second: Float[Array, "i a2"]) -> Best:
    """The best response of player 1 to a policy of player 2, beside that policy's likeliest moves."""
    each = weighted("xaib,ib->xa", tensor, jnp.exp(second))
    return Best(each.max(1).sum(), each.argmax(1), second.argmax(1))


def best_reply(tensor: Float[Array, "c1 a1 i a2"], first: Float[Array, "c1 a1"]) -> Best:
    """The best response of player 2 to a policy of player 1, beside that policy's likeliest moves."""
    each = weighted("xaib,xa->ib", tensor, jnp.exp(first))
    return Best(each.max(1).sum(), first.argmax(1), each.argmax(1))


def best(tensor: Float[Array, "c1 a1 i a2"]) -> Best:
    """A best joint policy: all policies of player 1 that toss no coin, each with player 2's best response.

    Raises:
        InputError: there are too many of them.
    """
    cards, moves = tensor.shape[:2]
    if moves**cards > MOST_OPENERS:
        raise InputError(f"{moves} moves for {cards} cards make {moves**cards} policies; searched are {MOST_OPENERS}")
    every = jnp.asarray(list(itertools.product(range(moves), repeat=cards)))
    found = jax.lax.map(lambda opening: best_reply(tensor, jnp.log(jax.nn.one_hot(opening, moves))), every)
    return jax.tree.map(lambda leaf: leaf[found.value.argmax()], found)
