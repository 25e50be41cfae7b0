"""Beliefs of a Hanabi player about its own hand from counts and hints alone, by enumeration of all hands.

The grounded belief takes every action of the others as chosen without regard to what it could tell:

    B_G(hand) = ways(hand) / sum of ways,    ways(hand) = prod over cards of  m (m - 1) ... (m - k + 1)

for every hand that fits the hints, where the player has not seen m copies of a card and the hand holds k of them. It
depends on hint masks and visible cards alone, not on who hinted what, or when; the order of the deck never enters.
`beliefs_by_slot` has the same belief without enumeration, in variants of any size; `beliefs_policy` adds what the
others' actions tell when their policies are known.

Source: Hu et al. 2021 (Off-Belief Learning), section 4, the belief of a policy that ignores what it sees. Departure:
"uniform over legal moves" is not such a policy, because which hints are legal depends on the hand that is hinted.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Int32, PyTree

from tacit.errors import Misfit
from tacit.games.hanabi.cards import bits, one_hot
from tacit.games.hanabi.moves import legal
from tacit.games.hanabi.variant import NOTHING, HanabiState, Variant

MOST_HANDS = 20_000  # that are enumerated

Player = int | Int[Array, ""]


class Facts(NamedTuple):
    """What a player knows of its own hand by the rules.

    Attributes:
        unseen: copies of each card that it has not seen, those in its own hand included.
        fits: whether the hints allow a card in a slot; nothing fits where there is no card.
        held: whether there is a card in a slot.
    """

    unseen: Int32[Array, " b"]
    fits: Bool[Array, "h b"]
    held: Bool[Array, " h"]


def facts(game: Variant, state: HanabiState, player: Player) -> Facts:
    """What `player` knows of its own hand. The hand itself is used only to know which cards lie elsewhere."""
    hand = state.hands[player]
    own = one_hot(hand, game.num_cards).sum(axis=0, dtype=jnp.int32)
    colors = bits(state.color_mask[player], game.colors)
    ranks = bits(state.rank_mask[player], game.ranks)
    held = hand != NOTHING
    fits = (colors[:, :, None] & ranks[:, None, :]).reshape(len(hand), game.num_cards) & held[:, None]
    return Facts(state.deck.astype(jnp.int32) + own, fits, held)


def num_hypotheses(game: Variant) -> int:
    """Rows of `hypotheses`: b^h whole hands, and b^(h - 1) that lack the newest card, as the last round knows them."""
    return game.num_cards**game.hand_size + game.num_cards ** (game.hand_size - 1)


def hypotheses(game: Variant) -> np.ndarray:
    """All hands, `[H, h]` int8, possible or not: whole ones in counting order, then those without a newest card (-1).

    Raises:
        Misfit: they are more than `MOST_HANDS`.
    """
    if num_hypotheses(game) > MOST_HANDS:
        raise Misfit(
            f"a belief by enumeration holds at most {MOST_HANDS} hands, and hands of {game.hand_size} out of "
            f"{game.num_cards} cards are {num_hypotheses(game)}, too many to list"
        )
    return _hypotheses(game.num_cards, game.hand_size)


@functools.cache
def _hypotheses(num_cards: int, hand_size: int) -> np.ndarray:
    whole = np.indices((num_cards,) * hand_size, dtype=np.int8).reshape(hand_size, -1).T
    short = whole[::num_cards].copy()
    short[:, -1] = NOTHING
    return np.concatenate([whole, short])


def grounded(game: Variant, state: HanabiState, player: Player) -> Float[Array, " H"]:
    """The grounded belief of `player` over its own hand: log-probabilities of `hypotheses`, -inf where impossible.

    Raises:
        Misfit: there are too many hands.
    """
    hands = jnp.asarray(hypotheses(game))
    log_ways = jax.vmap(functools.partial(log_num_ways, facts(game, state, player)))(hands)
    return log_ways - jax.nn.logsumexp(log_ways)


def log_num_ways(known: Facts, hand: Int[Array, " h"]) -> Float[Array, ""]:
    """Logarithm of the number of ways in which the unseen cards can make up this hand; -inf where it cannot be."""
    present = hand >= 0
    card = jnp.where(present, hand, 0)
    before = jnp.tril(hand[:, None] == hand[None, :], -1).sum(axis=1)  # the same card in an older slot
    copies = known.unseen[card] - before
    fits = jnp.take_along_axis(known.fits, card[:, None].astype(jnp.int32), axis=1)[:, 0]
    possible = jnp.where(present, fits & (copies > 0), ~known.held)
    logs = jnp.where(present, jnp.log(jnp.maximum(copies, 1).astype(float)), 0.0)
    return jnp.where(possible.all(), logs.sum(), -jnp.inf)


def index_before(game: Variant, slot: Int[Array, ""], card: Int32[Array, ""]) -> Int32[Array, " H"]:
    """For each hypothesis about the hand now, the one before this card left its slot: cards after it moved up."""
    cards = jnp.asarray(hypotheses(game), jnp.int32)[:, :-1]  # the newest is not among those before
    kept = jnp.arange(game.hand_size - 1)
    place = game.hand_size - 1 - kept - (kept >= slot).astype(jnp.int32)  # older cards count more
    return jnp.sum(cards * game.num_cards ** place[None], axis=1) + card * game.num_cards ** (game.hand_size - 1 - slot)


def revealed(game: Variant, state: HanabiState, player: Player, action: Int[Array, ""], kept: PyTree) -> PyTree:
    """What is kept about each hypothesis, leaves `[H, ...]`, after an own action: a card played or discarded shows.

    Hypotheses that had another card there are forgotten, later cards move up, and a new one inherits what was kept.
    """
    lost, slot = slot_emptied(game, state, player, action)
    before = index_before(game, slot, state.hands[player, slot].astype(jnp.int32))
    return jax.tree.map(lambda leaf: jnp.where(lost, leaf[before], leaf), kept)


def slot_emptied(
    game: Variant, state: HanabiState, player: Player, action: Int[Array, ""]
) -> tuple[Bool[Array, ""], Int[Array, ""]]:
    """Whether an action of `player` takes a card out of its hand, and the slot it takes it from (0 otherwise)."""
    lost = legal(game, state)[player, action] & (action < 2 * game.hand_size)
    return lost, jnp.where(lost, action % game.hand_size, 0)


def consistent(game: Variant, state: HanabiState, player: Player, hand: Int[Array, " h"]) -> Bool[Array, ""]:
    """Whether `player` could hold this hand for all it knows by counts and hints (see `redealt` for the reason)."""
    return jnp.isfinite(log_num_ways(facts(game, state, player), hand))


def marginals(game: Variant, log_weights: Float[Array, " H"]) -> Float[Array, "h b"]:
    """Probability of each card in each slot under a belief over `hypotheses`; a row of zeros where there is no card."""
    size, slots, weights = game.num_cards, range(game.hand_size), jnp.exp(log_weights)
    whole = weights[: size**game.hand_size].reshape((size,) * game.hand_size)  # one axis for each slot
    short = weights[size**game.hand_size :].reshape((size,) * (game.hand_size - 1))
    rows = [whole.sum([other for other in slots if other != slot]) for slot in slots]
    for slot in slots[:-1]:
        rows[slot] = rows[slot] + short.sum([other for other in slots[:-1] if other != slot])
    return jnp.stack(rows)


def entropy(log_weights: Float[Array, " H"]) -> Float[Array, ""]:
    """Entropy in nats of a belief over hands."""
    weights = jnp.exp(log_weights)
    return -jnp.sum(weights * jnp.where(weights > 0, log_weights, 0.0))
