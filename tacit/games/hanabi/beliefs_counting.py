"""The grounded belief over a hand in closed form: exact numbers of ways, samples, probabilities and entropy.

A way to fill a hand is a choice of different physical cards, one for each slot, that the hints allow there. Ways are
counted without listing them. For a set S of slots let n(S) be the number of unseen physical cards that fit in all of
them. Choosing for each slot on its own counts choices that use a card twice; taking these out by inclusion and
exclusion over the group B of slots that share the card of the newest slot s of S gives

    ways(S) = sum over B with s in B, B a subset of S, of  (-1)^(|B| - 1) (|B| - 1)! n(B) ways(S - B),  ways({}) = 1

(the moment-cumulant form of Moebius inversion on partitions; for two slots: n(1) n(2) - n(12)). All numbers are whole
and exact: sums may run over in between, but 32-bit arithmetic wraps around and the result is below 2^31.

A hand is drawn by its number: ways are ordered by the cards of their slots, oldest first, and the way with a uniform
number is looked up slot by slot. So samples are exact and independent, no proposal is weighted or rejected, and no
draw can end in a hand that cannot be completed. The public code of OBL draws slot by slot in proportion to the cards
left and drops what does not work out, which is biased (`beliefs_particles` has that proposal with its weights).
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int8, Int32, PRNGKeyArray

from tacit.errors import Misfit
from tacit.games.hanabi.beliefs import Facts, Player, facts
from tacit.games.hanabi.variant import NOTHING, HanabiState, Variant


def sample(key: PRNGKeyArray, game: Variant, state: HanabiState, player: Player, num: int) -> Int8[Array, "num h"]:
    """Independent hands of `player` from its grounded belief. The key is consumed.

    Raises:
        Misfit: the ways to fill a hand are too many for 32 bits (no variant with a usual hand).
    """
    check(game)
    known = facts(game, state, player)
    numbers = jax.random.randint(key, (num,), 0, num_ways(known), jnp.int32)
    return jax.vmap(functools.partial(way, known))(numbers)


def check(game: Variant) -> None:
    """Sees to it that ways can be counted.

    Raises:
        Misfit: they are too many for 32 bits.
    """
    if (most := math.perm(game.deck_size, game.hand_size)) >= 2**31:
        raise Misfit(
            f"ways to fill a hand are counted up to 2^31, and {game.hand_size} slots out of {game.deck_size} "
            f"cards have {most}; take smaller hands"
        )


def num_ways(known: Facts) -> Int32[Array, ""]:
    """In how many ways the unseen cards can make up the hand."""
    shared = _fit_in_all(known.fits)
    return _ways(known.unseen @ shared + _empty(known.held))[-1]


def way(known: Facts, number: Int32[Array, ""]) -> Int8[Array, " h"]:
    """The hand of the way with this number, 0 <= number < `num_ways`; every hand has as many numbers as ways."""
    shared, empty, unseen, hand = _fit_in_all(known.fits), _empty(known.held), known.unseen, []
    for slot in range(len(known.held)):
        newer = shared[:, : shared.shape[1] >> (slot + 1)]  # sets of the slots that are still to be filled
        cards = (unseen @ newer + empty[: newer.shape[1]])[None] - newer  # that remain once one of each is taken
        ways_after = jax.vmap(_ways)(cards)[:, -1]
        ways = jnp.where(known.fits[slot], unseen * ways_after, 0)
        upto = jnp.cumsum(ways)
        card = jnp.sum(upto <= number)
        taken = jnp.arange(len(ways)) == card  # nothing where the slot is empty
        left = number - jnp.sum(taken * (upto - ways))
        number = jnp.where(known.held[slot], left // jnp.maximum(jnp.sum(taken * unseen), 1), number)
        unseen = unseen - taken
        hand.append(jnp.where(known.held[slot], card, NOTHING))
    return jnp.stack(hand).astype(jnp.int8)


def slot_marginals(game: Variant, state: HanabiState, player: Player) -> Float[Array, "h b"]:
    """Probability of each card in each slot under the grounded belief; a row of zeros where there is no card.

    Raises:
        Misfit: as in `sample`.
    """
    check(game)
    known = facts(game, state, player)
    shared = _fit_in_all(known.fits)
    cards = known.unseen @ shared + _empty(known.held)
    total, without = _ways(cards)[-1], jax.vmap(_ways)(cards[None] - shared)  # ways for each set once a copy is gone
    others = (shared.shape[1] - 1) ^ (1 << np.arange(len(known.held))[::-1])
    ways = jnp.where(known.fits, known.unseen[None] * without[:, others].T, 0)
    return ways / total


def hand_entropy(game: Variant, state: HanabiState, player: Player) -> Float[Array, ""]:
    """Entropy in nats of the grounded belief over hands.

    With k_c the number of copies of card c in the hand and m_c those unseen, a hand has the probability
    prod_c m_c (m_c - 1) ... (m_c - k_c + 1) / Z, so the entropy is log Z less the expected logarithm of the product;
    it needs the distribution of each k_c alone, which is counted over the sets of slots that c could fill.

    Raises:
        Misfit: as in `sample`.
    """
    check(game)
    known = facts(game, state, player)
    shared = _fit_in_all(known.fits)
    cards = known.unseen @ shared + _empty(known.held)
    rest = jax.vmap(_ways)(cards[None] - known.unseen[:, None] * shared)[:, ::-1]  # for the other slots, without c
    sizes = np.array([slots.bit_count() for slots in range(shared.shape[1])])
    copies = jnp.arange(len(known.held))
    falling = jnp.cumprod(jnp.maximum(known.unseen[:, None] - copies[None], 0), axis=1)
    orders = jnp.concatenate([jnp.ones_like(falling[:, :1]), falling], axis=1)[:, sizes]  # m (m - 1) ... by set
    total = _ways(cards)[-1].astype(float)
    probability = (shared * orders * rest) / total
    return jnp.log(total) - jnp.sum(probability * jnp.log(jnp.maximum(orders, 1).astype(float)))


def _fit_in_all(fits: Bool[Array, "h b"]) -> Int32[Array, "b sets"]:
    """For each card and each set of slots, 1 where the card fits in all of them; the newest slot is bit 0 of a set."""
    table = jnp.ones((fits.shape[1], 1), jnp.int32)
    for slot in reversed(range(len(fits))):
        table = jnp.concatenate([table, table * fits[slot][:, None]], axis=1)
    return table


def _empty(held: Bool[Array, " h"]) -> Int32[Array, " sets"]:
    """1 where a set is one slot without a card: there is one way to leave it empty."""
    single = np.arange(1 << len(held))[:, None] == 1 << np.arange(len(held))[None, ::-1]
    return jnp.sum(single & ~held[None], axis=1, dtype=jnp.int32)


def _ways(cards: Int32[Array, " sets"]) -> Int32[Array, " sets"]:
    """For each set of slots, the ways to fill it, from how many cards fit in all slots of each set."""
    ways = jnp.ones_like(cards[:1])
    while (size := len(ways)) < len(cards):  # the next slot, with every set of those before
        signs, rest = _groups(size)
        terms = signs * cards[None, size : 2 * size] * ways[rest]
        ways = jnp.concatenate([ways, terms.sum(axis=1, dtype=jnp.int32)])
    return ways


@functools.cache
def _groups(size: int) -> tuple[np.ndarray, np.ndarray]:
    """For each set S and each set B of the same slots, (-1)^|B| |B|! where B is a part of S, else 0; and S - B."""
    whole, part = np.arange(size)[:, None], np.arange(size)[None, :]
    inside = (part & ~whole) == 0
    weight = [(-1) ** slots.bit_count() * math.factorial(slots.bit_count()) for slots in range(size)]
    return np.where(inside, weight, 0).astype(np.int32), np.where(inside, whole ^ part, 0)
