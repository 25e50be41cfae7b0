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

A vector is written as bit fields into words of 32, and the words are taken apart at the end: that costs less than
writing every number, and the words are what to keep where many observations are kept (`packed`).

Sources: hanabi-learning-environment, hanabi_lib/canonical_encoders.cc; the belief, facebookresearch/hanabi_SAD,
hanabi_lib ("V0 belief").
"""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int8, UInt8, UInt32

from tacit.games.hanabi.cards import bits
from tacit.games.hanabi.variant import NOTHING, PLAY, HanabiState, LastMove, Variant

WORD = 32
Field = tuple[UInt32[Array, " P"], int]  # bits of each observer's vector, lowest first, and how many they are


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
    """What all players see: 0 or 1 in the canonical view, real numbers in [0, 1] in the one with beliefs."""
    seen = unpacked(variant, packed(variant, state))
    return seen if variant.view == "canonical" else _with_beliefs(variant, state, seen)


def packed(variant: Variant, state: HanabiState) -> UInt32[Array, "P words"]:
    """What all players see in the canonical view, 32 numbers to a word: what to keep of many games."""
    words, filled = [jnp.zeros(variant.players, jnp.uint32)], 0
    for values, width in _fields(variant, state):
        words[-1] = words[-1] | (values << filled)
        filled += width
        if filled >= WORD:
            filled -= WORD
            words.append(values >> (width - filled) if filled else jnp.zeros_like(values))
    return jnp.stack(words if filled else words[:-1], axis=1)


def unpacked(variant: Variant, words: UInt32[Array, "P words"]) -> UInt8[Array, "P length"]:
    """The numbers of packed observations, each 0 or 1."""
    places = jnp.arange(WORD, dtype=jnp.uint32)[None, None]
    bits = (words[..., None] >> places).astype(jnp.uint8) & 1
    return bits.reshape(len(words), -1)[:, : sections(variant).length]


def _fields(variant: Variant, state: HanabiState) -> list[Field]:
    """A canonical observation as bit fields, in the order of `Sections`."""
    n, h, c, r, b = variant.players, variant.hand_size, variant.colors, variant.ranks, variant.num_cards
    colors, ranks = state.color_mask.astype(jnp.uint32), state.rank_mask.astype(jnp.uint32)
    cards = ranks * sum((colors >> k & 1) << (k * r) for k in range(c))  # a copy of the ranks for each color
    about = [
        (_around(cards), b),
        (_around(jnp.where(state.color_hinted, colors, 0)), c),
        (_around(jnp.where(state.rank_hinted, ranks, 0)), r),
    ]
    hands, missing = _around(_bit(state.hands)), _around(state.hands[:, -1] < 0).astype(jnp.uint32)
    tops = _bit(state.fireworks - jnp.int8(1))
    return [
        *((hands[:, player, slot], b) for player in range(1, n) for slot in range(h)),
        *((missing[:, player], 1) for player in range(n)),
        *_thermometer(n, state.deck.sum(dtype=jnp.int8), variant.stock_size),
        *((_all(n, tops[color]), r) for color in range(c)),
        *_thermometer(n, state.information, variant.information),
        *_thermometer(n, state.lives, variant.lives),
        *(_thermometer(n, state.discards[card], variant.copies[card % r])[0] for card in range(b)),
        *_last_move(variant, state.last),
        *((values[:, player, slot], width) for player in range(n) for slot in range(h) for values, width in about),
    ]


def _last_move(variant: Variant, last: LastMove) -> list[Field]:
    n, h = variant.players, variant.hand_size
    target = jnp.where(last.target < 0, NOTHING, jax.lax.rem(last.actor + last.target, jnp.int8(n)))
    players = jnp.arange(n, dtype=jnp.int8)
    actor, target = (_around((player == players).astype(jnp.uint32)) for player in (last.actor, target))
    brought = last.gained & (last.kind == PLAY)
    return [
        *((actor[:, player], 1) for player in range(n)),
        (_all(n, _bit(last.kind)), 4),
        *((target[:, player], 1) for player in range(n)),
        (_all(n, _bit(last.color)), variant.colors),
        (_all(n, _bit(last.rank)), variant.ranks),
        (_all(n, last.touched.astype(jnp.uint32)), h),
        (_all(n, _bit(last.slot)), h),
        (_all(n, _bit(last.card)), variant.num_cards),
        (_all(n, last.scored.astype(jnp.uint32)), 1),
        (_all(n, brought.astype(jnp.uint32)), 1),
    ]


def _around(values: Array) -> Array:
    """What is about each player `[P, ...]`, as each observer counts players: `[P, P, ...]`."""
    return jnp.stack([jnp.roll(values, -observer, axis=0) for observer in range(len(values))])


def _all(players: int, value: UInt32[Array, ""]) -> UInt32[Array, " P"]:
    """What all observers see alike."""
    return jnp.broadcast_to(value, players)


def _bit(number: Int8[Array, "*shape"]) -> UInt32[Array, "*shape"]:
    """The bit of that number; none for `NOTHING`."""
    return (jnp.uint32(1) << (number + jnp.int8(1)).astype(jnp.uint32)) >> 1


def _thermometer(players: int, number: Int8[Array, ""], size: int) -> list[Field]:
    """As many ones as the number says, then zeros, in fields that fit a word."""
    fields = []
    for start in range(0, size, WORD // 2):
        width = min(WORD // 2, size - start)
        ones = jnp.clip(number - jnp.int8(start), 0, width).astype(jnp.uint32)
        fields.append((_all(players, (jnp.uint32(1) << ones) - 1), width))
    return fields


def _with_beliefs(variant: Variant, state: HanabiState, seen: UInt8[Array, "P length"]) -> Float[Array, "P length"]:
    """The same vectors with beliefs for the cards that hints leave open, written over them slot by slot.

    (That is in place; put together anew, the long vectors of real numbers would cost several times as much.)
    """
    n, h, b = variant.players, variant.hand_size, variant.num_cards
    beliefs = _around(_beliefs(variant, state)).reshape(n, n * h, b)
    real, first = seen.astype(float), sections(variant).knowledge.start
    for place in range(n * h):
        start = first + place * (b + variant.colors + variant.ranks)
        real = jax.lax.dynamic_update_slice(real, beliefs[:, place], (0, start))
    return real


def _beliefs(variant: Variant, state: HanabiState) -> Float[Array, "P h b"]:
    """How likely each card is in each slot by hints and public counts; all 0 where there is no card."""
    height = jnp.arange(variant.ranks, dtype=jnp.int8)[None] < state.fireworks[:, None]
    full = jnp.asarray(variant.full_deck).reshape(variant.colors, variant.ranks)
    left = full - state.discards.reshape(full.shape) - height.astype(jnp.int8)
    colors, ranks = bits(state.color_mask, variant.colors), bits(state.rank_mask, variant.ranks)
    of_rank = jnp.where(colors[..., None], left[None, None], 0).sum(-2, dtype=jnp.int8)
    total = jnp.where(ranks, of_rank, 0).sum(-1, dtype=jnp.int8)
    open_to = colors[..., :, None] & ranks[..., None, :]
    weights = jnp.where(open_to, left[None, None], 0).reshape(*total.shape, variant.num_cards)
    return weights.astype(float) / jnp.maximum(total, 1).astype(float)[..., None]
