"""The grounded belief over a hand slot by slot, in variants of any size: samples, probabilities, marginals, entropy.

Of two slots, either nothing fits in both, or all that fits in one fits in the other. For whatever hint came while both
cards were in the hand, it either told them the same, or touched one of them alone, and then nothing fits in both; and
what only the older card was told narrows it further. So the slots can be filled in order of how few cards fit (in play:
the oldest first), and the number of copies that are left for slot t,

    N_t = copies unseen that fit in t, less one for each earlier slot whose cards all fit in t,

is the same whatever the earlier slots hold. Then a card drawn for each slot in proportion to the copies left of it
makes an exact sample of the hand, there are prod_t N_t ways to fill it, and

    P(x in t) = (m_x - sum over earlier slots s of P(x in s)) / N_t    where x fits in t, with m_x the copies unseen.

Facts that do not come from play may have slots that share only some cards. Then N_t varies, slots may find no card, and
a hand that `propose` draws stands for the belief only with its weight prod_t N_t: `resample` by it (sequential
importance resampling). Weights from elsewhere are used in the same way, such as how likely a partner's action was.

Source: after the sampler of Off-Belief Learning's public code (rlcc/r2d2_actor.cc, sampleCards). Departure: that one
draws in proportion to the copies unseen, whatever earlier slots took, unless a card has run out, which makes hands of
equal cards too likely.
"""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Int8, Int32, PRNGKeyArray, UInt32

from tacit.games.hanabi.beliefs import Facts, Player, facts, log_num_ways
from tacit.games.hanabi.cards import below, one_hot
from tacit.games.hanabi.variant import NOTHING, HanabiState, Variant


def sample(key: PRNGKeyArray, game: Variant, state: HanabiState, player: Player, num: int) -> Int8[Array, "num h"]:
    """Independent hands of `player` from its grounded belief. The key is consumed."""
    known = facts(game, state, player)
    return jax.vmap(functools.partial(propose, known=known))(jax.random.split(key, num))[0]


def log_prob(game: Variant, state: HanabiState, player: Player, hand: Int[Array, " h"]) -> Float[Array, ""]:
    """Log-probability of a hand of `player` under its grounded belief; -inf where it cannot be."""
    known = facts(game, state, player)
    return log_num_ways(known, hand) - jnp.log(copies_left(known).astype(float)).sum()


def marginals(game: Variant, state: HanabiState, player: Player) -> Float[Array, "h b"]:
    """Probability of each card in each slot under the grounded belief; a row of zeros where there is no card."""
    known = facts(game, state, player)

    def fill(left: Float[Array, " b"], fits: Bool[Array, " b"]) -> tuple[Array, Array]:
        """Draws, on average, one of the copies that are left on average."""
        fitting = jnp.where(fits, left, 0.0)
        share = fitting / jnp.maximum(fitting.sum(), 1.0)
        return jnp.maximum(left - share, 0.0), share

    order = _fewest_first(known)
    shares = jax.lax.scan(fill, known.unseen.astype(float), known.fits[order])[1]
    return jnp.zeros_like(shares).at[order].set(shares)


def entropy(game: Variant, state: HanabiState, player: Player) -> Float[Array, ""]:
    """Entropy in nats of the grounded belief over hands.

    A hand's logarithm of ways is a sum of log(m_x - k) over its cards, with k copies of x in earlier slots. How many
    copies of one card have been drawn is a Markov chain through the slots, so the expectation needs each card alone.
    """
    known, drawn = facts(game, state, player), jnp.arange(max(game.copies) + 1)
    left = jnp.maximum(known.unseen[:, None] - drawn[None], 0).astype(float)  # [b, k]
    logs = jnp.log(jnp.maximum(left, 1.0))

    def fill(chances: Float[Array, "b k"], slot: tuple[Array, Array]) -> tuple[Array, Array]:
        fits, copies = slot
        taken = jnp.where(fits[:, None], chances * left / copies, 0.0)
        return chances - taken + jnp.roll(taken, 1, axis=1), jnp.sum(taken * logs)

    order, copies = _fewest_first(known), copies_left(known).astype(float)
    none_drawn = jnp.zeros_like(left).at[:, 0].set(1.0)
    expected = jax.lax.scan(fill, none_drawn, (known.fits[order], copies[order]))[1]
    return jnp.log(copies).sum() - expected.sum()


def copies_left(known: Facts) -> Int32[Array, " h"]:
    """For each slot, how many copies fit that the slots filled before it leave; 1 where there is no card.

    Their product is the number of ways to fill the hand.
    """
    fits, order = known.fits, _fewest_first(known)
    place = jnp.argsort(order)
    earlier = (place[:, None] < place[None, :]) & known.held[:, None]
    inside = jnp.all(~fits[:, None] | fits[None, :], axis=2)  # [s, t]: all that fits in s fits in t
    copies = jnp.sum(jnp.where(fits, known.unseen[None], 0), axis=1)
    copies -= jnp.sum(earlier & inside, axis=0, dtype=jnp.int32)
    return jnp.where(known.held, copies, 1)


def propose(key: PRNGKeyArray, known: Facts) -> tuple[Int8[Array, " h"], Float[Array, ""]]:
    """A hand drawn slot by slot, and the logarithm of its weight (the same for all hands, if the facts come from play).

    Where no card was left for a slot, it is -1 and the weight -inf. The key is consumed.
    """

    def fill(unseen: Int32[Array, " b"], slot: tuple[UInt32[Array, ""], Array, Array]) -> tuple[Array, tuple]:
        word, fits, held = slot
        upto = jnp.cumsum(jnp.where(fits, unseen, 0))
        found = held & (upto[-1] > 0)
        number = below(word, upto[-1].astype(jnp.int8)).astype(jnp.int32)
        card = jnp.where(found, jnp.sum(upto <= number, dtype=jnp.int8), jnp.int8(NOTHING))
        log_copies = jnp.where(found, jnp.log(jnp.maximum(upto[-1], 1).astype(float)), -jnp.inf)
        taken = one_hot(card, len(unseen)).astype(jnp.int32)
        return unseen - taken, (card, jnp.where(held, log_copies, 0.0))

    order = _fewest_first(known)
    words = jax.random.bits(key, order.shape)
    _, (cards, log_copies) = jax.lax.scan(fill, known.unseen, (words, known.fits[order], known.held[order]))
    return jnp.zeros_like(cards).at[order].set(cards), log_copies.sum()


def resample(key: PRNGKeyArray, log_weights: Float[Array, " N"], num: int) -> Int[Array, " num"]:
    """Indices of `num` particles, each as often as its weight says but for less than one. The key is consumed.

    They are drawn at equal distances from one random beginning (systematic resampling, Kitagawa 1996).
    """
    upto = jnp.cumsum(jax.nn.softmax(log_weights))
    places = (jnp.arange(num) + jax.random.uniform(key)) / num * upto[-1]
    return jnp.minimum(jnp.searchsorted(upto, places, side="right"), len(log_weights) - 1)


def effective_sample_size(log_weights: Float[Array, " N"]) -> Float[Array, ""]:
    """How many equally weighted particles are worth as much as these: (sum w)^2 / sum w^2; 0 where none has weight."""
    most = log_weights.max()
    weights = jnp.exp(log_weights - jnp.where(jnp.isfinite(most), most, 0.0))
    return weights.sum() ** 2 / jnp.maximum(jnp.sum(weights**2), jnp.finfo(weights.dtype).tiny)


def _fewest_first(known: Facts) -> Int[Array, " h"]:
    """The slots in order of how few cards fit, older ones first among equals."""
    return jnp.argsort(known.fits.sum(axis=1))
