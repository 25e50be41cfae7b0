"""Cards of Hanabi as numbers: one-hot, their colors and ranks, their names; and numbers drawn for them."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int8, UInt8, UInt32

from tacit.games.hanabi.variant import COLORS, NOTHING, Variant


def one_hot(number: Int8[Array, "*shape"], size: int) -> Bool[Array, "*shape {size}"]:
    """Whether each of 0..size - 1 is the number."""
    return number[..., None] == jnp.arange(size, dtype=jnp.int8).reshape((1,) * number.ndim + (size,))


def bits(mask: UInt8[Array, "*shape"], size: int) -> Bool[Array, "*shape {size}"]:
    """The lowest bits of a mask, from bit 0 on."""
    return (mask[..., None] >> jnp.arange(size, dtype=mask.dtype).reshape((1,) * mask.ndim + (size,))) & 1 == 1


def colors_and_ranks(variant: Variant, cards: Int8[Array, "*shape"]) -> tuple[Array, Array]:
    """Colors and ranks of cards, int8 of the same shape; `NOTHING` where there is no card."""
    ranks = jnp.int8(variant.ranks)
    there = cards >= 0
    return jnp.where(there, jax.lax.div(cards, ranks), NOTHING), jnp.where(there, jax.lax.rem(cards, ranks), NOTHING)


def card_name(variant: Variant, card: int) -> str:
    """A card's color and rank, such as `R1`; `--` where there is none."""
    return "--" if card < 0 else f"{COLORS[card // variant.ranks]}{card % variant.ranks + 1}"


def below(word: UInt32[Array, ""], count: Int8[Array, ""]) -> Int8[Array, ""]:
    """A whole number in [0, count) from 32 random bits; chances differ by less than count in 2^26."""
    return (((word >> 6) * count.astype(jnp.uint32)) >> 26).astype(jnp.int8)
