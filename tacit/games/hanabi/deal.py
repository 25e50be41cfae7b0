"""Dealing: decks in a fixed order, the deal of a game, and the next card."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int8, UInt32

from tacit.errors import InputError
from tacit.games.hanabi.cards import below, card_name
from tacit.games.hanabi.variant import NOTHING, HanabiState, Variant


def all_cards(variant: Variant) -> np.ndarray:
    """All cards of the deck by their number, `[D]`."""
    return np.repeat(np.arange(variant.num_cards, dtype=np.int8), variant.full_deck)


def level(variant: Variant, cards: Sequence[int]) -> Int8[Array, " D"]:
    """The level whose deck begins with these cards: none, those of the deal, or more.

    Raises:
        InputError: the deck has no such card or not so many, or these are not all cards of the deal.
    """
    deal = variant.players * variant.hand_size
    if 0 < len(cards) < deal:
        raise InputError(f"a level has no card or all {deal} cards of the deal fixed, got {len(cards)}")
    for card in cards:
        if not 0 <= card < variant.num_cards:
            raise InputError(f"no card {card}: this variant has cards 0 to {variant.num_cards - 1}")
        found, most = list(cards).count(card), int(variant.full_deck[card])
        if found > most:
            raise InputError(f"{card_name(variant, card)} is {found} times in the level, and the deck has {most}")
    return jnp.asarray([*cards, *[NOTHING] * (variant.deck_size - len(cards))], jnp.int8)


def num_words(variant: Variant) -> int:
    """Random words to give to `deal`: a power of two, as these compile in a third of the time of other counts."""
    return 1 << (variant.players * variant.hand_size - 1).bit_length()


def deal(variant: Variant, words: UInt32[Array, " n"], order: Int8[Array, " D"]) -> Int8[Array, "P h"]:
    """The hands of a new game: the first cards of the order where it is fixed, else drawn without replacement."""
    count = variant.players * variant.hand_size
    drawn = jnp.asarray(all_cards(variant))[_distinct(words[:count], variant.deck_size)]
    return jnp.where(order[0] >= 0, order[:count], drawn).reshape(variant.players, variant.hand_size)


def next_card(variant: Variant, word: UInt32[Array, ""], state: HanabiState) -> Int8[Array, ""]:
    """The card that is dealt next, drawn where the order does not fix it; `NOTHING` where the deck is empty."""
    left = state.deck.sum(dtype=jnp.int8)
    drawn = (jnp.cumsum(state.deck, dtype=jnp.int8) <= below(word, left)).sum(dtype=jnp.int8)
    here = jnp.arange(variant.deck_size, dtype=jnp.int8) == state.dealt
    fixed = jnp.where(here, state.order, 0).sum(dtype=jnp.int8)
    return jnp.where(left == 0, NOTHING, jnp.where(fixed >= 0, fixed, drawn))


def _distinct(words: UInt32[Array, " n"], size: int) -> Int8[Array, " n"]:
    """Different numbers in [0, size), all sequences equally likely.

    Draw i picks among what the earlier ones left; read backwards, each moves those at or above it one up.
    """
    picks = [below(words[i], jnp.int8(size - i)) for i in range(len(words))]
    for i in reversed(range(len(picks))):
        for j in range(i + 1, len(picks)):
            picks[j] = picks[j] + (picks[j] >= picks[i]).astype(jnp.int8)
    return jnp.stack(picks)
