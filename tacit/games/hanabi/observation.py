"""What the players of Hanabi see: the reference engine's vector, and the variant of it with beliefs.

Everything is relative to the observer: it is player 0, the next one player 1, ... With `n` players, `h` slots, `c`
colors, `r` ranks, `b = c r` cards and `D` cards in the deck, the parts are (numbers are 0 or 1):

- hands: for the others, for each slot, which card it is `[n - 1, h, b]`; nothing of the observer's own cards;
- missing: whose hand is short of a card `[n]`;
- deck: cards left, as a thermometer `[D - n h]`;
- fireworks: for each color, which rank is on top `[c, r]`;
- information, lives: tokens left, as thermometers;
- discards: for each card a thermometer as long as there are copies of it `[D]`;
- last_...: the last move: who made it, its kind, whom it told (seen from the observer), the color or rank told, the
  slots that were touched; the slot and the card that were played or discarded; whether it scored, and whether a play
  brought an information token. All 0 before the first move;
- knowledge: for each player, for each slot, which cards it may be by the hints alone `[b]`, whether a hint named its
  color `[c]` and its rank `[r]`, and which: `[n, h, b + c + r]`.

In the view `v0-belief` the `b` numbers of a slot's knowledge are probabilities: what hints leave open, weighted by
how many copies are neither discarded nor on a stack (cards in hands are not taken off, so that all players agree).

Sources: hanabi-learning-environment, hanabi_lib/canonical_encoders.cc; the belief, facebookresearch/hanabi_SAD,
hanabi_lib ("V0 belief").
"""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int8, UInt8

from tacit.games.hanabi.moves import one_hot
from tacit.games.hanabi.variant import NOTHING, PLAY, HanabiState, Variant


class Sections(NamedTuple):
    """Where each part of an observation is, in order."""

    hands: slice
    missing: slice
    deck: slice
    fireworks: slice
    information: slice
    lives: slice
    discards: slice
    last_actor: slice
    last_kind: slice
    last_target: slice
    last_color: slice
    last_rank: slice
    last_touched: slice
    last_slot: slice
    last_card: slice
    last_scored: slice
    last_gained: slice
    knowledge: slice

    @property
    def length(self) -> int:
        """Numbers of an observation."""
        return self.knowledge.stop


def sections(variant: Variant) -> Sections:
    """Where each part of an observation of this variant is."""
    n, h, c, r, b = variant.players, variant.hand_size, variant.colors, variant.ranks, variant.num_cards
    last = (n, 4, n, c, r, h, h, b, 1, 1)
    board = (variant.stock_size, b, variant.information, variant.lives)
    sizes = ((n - 1) * h * b, n, *board, variant.deck_size, *last, n * h * (b + c + r))
    return Sections(*(slice(start, stop) for start, stop in itertools.pairwise(itertools.accumulate(sizes, initial=0))))


def observe(variant: Variant, state: HanabiState) -> UInt8[Array, "P length"] | Float[Array, "P length"]:
    """What all players see: 0 or 1 in the canonical view; real numbers in [0, 1] in the view with beliefs."""
    dtype = jnp.uint8 if variant.view == "canonical" else jnp.result_type(float)
    count = variant.players

    def flat(values: Array) -> Array:
        """Numbers of each observer `[P, ...]` as rows."""
        return values.reshape(count, -1).astype(dtype)

    def everyone(values: Array) -> Array:
        """Numbers that all observers see alike, as rows."""
        return jnp.broadcast_to(values.reshape(1, -1), (count, values.size)).astype(dtype)

    tops = one_hot(state.fireworks - jnp.int8(1), variant.ranks)
    board = [
        _thermometer(state.deck.sum(dtype=jnp.int8), variant.stock_size),
        tops,
        _thermometer(state.information, variant.information),
        _thermometer(state.lives, variant.lives),
        _discards(variant, state),
    ]
    return jnp.concatenate(
        [
            flat(one_hot(_around(state.hands)[:, 1:], variant.num_cards)),
            flat(_around(state.hands[:, -1] < 0)),
            *map(everyone, board),
            *_last_move(variant, state, flat, everyone),
            flat(_around(_knowledge(variant, state))),
        ],
        axis=1,
    )


def _around(values: Array) -> Array:
    """What is about each player `[P, ...]`, as each observer counts players: `[P, P, ...]`."""
    return jnp.stack([jnp.roll(values, -observer, axis=0) for observer in range(len(values))])


def _thermometer(number: Int8[Array, ""], size: int) -> Bool[Array, " {size}"]:
    """As many ones as the number says, then zeros."""
    return jnp.arange(size, dtype=jnp.int8) < number


def _discards(variant: Variant, state: HanabiState) -> Bool[Array, "c n"]:
    counts = state.discards.reshape(variant.colors, variant.ranks)
    shown = [
        counts[:, rank, None] > jnp.arange(copies, dtype=jnp.int8)[None] for rank, copies in enumerate(variant.copies)
    ]
    return jnp.concatenate(shown, axis=1)


def _last_move(variant: Variant, state: HanabiState, flat: Callable, everyone: Callable) -> list[Array]:
    last, count = state.last, jnp.int8(variant.players)
    target = last.actor + last.target
    target = jnp.where(last.target < 0, NOTHING, jnp.where(target >= count, target - count, target))
    return [
        flat(_around(one_hot(last.actor, variant.players))),
        everyone(one_hot(last.kind, 4)),
        flat(_around(one_hot(target, variant.players))),
        everyone(one_hot(last.color, variant.colors)),
        everyone(one_hot(last.rank, variant.ranks)),
        everyone(_bits(last.touched, variant.hand_size)),
        everyone(one_hot(last.slot, variant.hand_size)),
        everyone(one_hot(last.card, variant.num_cards)),
        everyone(last.scored),
        everyone(last.gained & (last.kind == PLAY)),
    ]


def _bits(mask: UInt8[Array, "*shape"], size: int) -> Bool[Array, "*shape {size}"]:
    """The lowest bits of a mask, lowest first."""
    places = jnp.arange(size, dtype=jnp.uint8).reshape((1,) * mask.ndim + (size,))
    return (jnp.right_shift(mask[..., None], places) & 1) == 1


def _knowledge(variant: Variant, state: HanabiState) -> Array:
    """What is publicly known of all cards, `[P, h, b + c + r]`."""
    colors, ranks = _bits(state.color_mask, variant.colors), _bits(state.rank_mask, variant.ranks)
    cards = (colors[..., :, None] & ranks[..., None, :]).reshape(*colors.shape[:2], variant.num_cards)
    if variant.view == "v0-belief":
        heights = state.fireworks[:, None] > jnp.arange(variant.ranks, dtype=jnp.int8)[None]
        unseen = jnp.asarray(variant.full_deck) - state.discards - heights.ravel().astype(jnp.int8)
        weights = jnp.where(cards, unseen[None, None].astype(float), 0.0)
        cards = weights / jnp.maximum(weights.sum(-1, keepdims=True), 1.0)
    revealed = (colors & state.color_hinted[..., None], ranks & state.rank_hinted[..., None])
    return jnp.concatenate([cards, *(part.astype(cards.dtype) for part in revealed)], axis=-1)
