"""Sequential importance resampling of a Hanabi player's own hand: a proposal with its weights, and resampling.

Slots are filled oldest first, each with a card drawn in proportion to the copies left that fit. That alone is biased
(a card needed by a later slot may be taken too early), so a hand carries the weight

    w = prod over slots of  (copies left that fit there),      w = 0 where a slot finds none,

whose ratio to the proposal is the number of ways of the hand: weighted hands stand for the grounded belief, and
hands resampled in proportion to w come from it as the particles grow many; their bias falls with one over the number
of particles. `beliefs_counting.sample` is exact and costs less; this is the published way to draw, a check on the
exact one, and what is left to do when weights come from elsewhere, such as the likelihood of a partner's action.

Source: the sampler of Off-Belief Learning's public code, completed by the weights that it omits.
"""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Int8, Int32, Key, PRNGKeyArray

from tacit.games.hanabi.beliefs import Facts, Player, facts
from tacit.games.hanabi.variant import NOTHING, HanabiState, Variant


def propose(key: PRNGKeyArray, known: Facts) -> tuple[Int8[Array, " h"], Float[Array, ""]]:
    """A hand and the logarithm of its weight: -inf, and -1 in a slot, where no card was left. The key is consumed."""

    def fill(
        unseen: Int32[Array, " b"], slot: tuple[Key[Array, ""], Array, Array]
    ) -> tuple[Array, tuple[Array, Array]]:
        key, fits, held = slot
        copies = jnp.where(fits, unseen, 0)
        upto = jnp.cumsum(copies)
        number = jax.random.randint(key, (), 0, jnp.maximum(upto[-1], 1), jnp.int32)
        alive = upto[-1] > 0
        card = jnp.where(held & alive, jnp.sum(upto <= number), NOTHING).astype(jnp.int8)
        found = jnp.where(alive, jnp.log(jnp.maximum(upto[-1], 1).astype(float)), -jnp.inf)
        taken = jnp.arange(len(unseen), dtype=jnp.int8) == card
        return unseen - taken, (card, jnp.where(held, found, 0.0))

    keys = jax.random.split(key, len(known.held))
    _, (hand, log_weights) = jax.lax.scan(fill, known.unseen, (keys, known.fits, known.held))
    return hand, log_weights.sum()


def effective_sample_size(log_weights: Float[Array, " N"]) -> Float[Array, ""]:
    """How many equally weighted particles are worth as much as these: (sum w)^2 / sum w^2, 0 where none has weight."""
    most = log_weights.max()
    weights = jnp.exp(log_weights - jnp.where(jnp.isfinite(most), most, 0.0))
    return weights.sum() ** 2 / jnp.maximum(jnp.sum(weights**2), jnp.finfo(weights.dtype).tiny)


def resample(key: PRNGKeyArray, log_weights: Float[Array, " N"], num: int) -> Int[Array, " num"]:
    """Indices of `num` particles drawn in proportion to their weights, with replacement. The key is consumed."""
    return jax.random.categorical(key, log_weights, shape=(num,))


def sample_by_resampling(
    key: PRNGKeyArray, game: Variant, state: HanabiState, player: Player, num: int, particles: int = 64
) -> tuple[Int8[Array, "num h"], Float[Array, ""]]:
    """Hands of `player`, about from its grounded belief, and the particles' effective sample size.

    The key is consumed. Where hints are tight and particles few, hands repeat; an effective sample size of 0 says that
    all were dead ends.
    """
    propose_key, draw_key = jax.random.split(key)
    known = facts(game, state, player)
    hands, log_weights = jax.vmap(functools.partial(propose, known=known))(jax.random.split(propose_key, particles))
    return hands[resample(draw_key, log_weights, num)], effective_sample_size(log_weights)
