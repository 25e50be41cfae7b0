"""What a move makes of a game of Hanabi, and how games end.

Everything is written as comparisons, selections and sums over the few slots, colors and cards, without look-ups: mapped
over many games, these become loops that a processor runs through without a branch.

Source: hanabi-learning-environment, hanabi_lib/hanabi_state.cc (ApplyMove, AddToFireworks, EndOfGameStatus).
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int8, UInt8, UInt32

from tacit.games.hanabi.cards import colors_and_ranks, one_hot
from tacit.games.hanabi.deal import next_card
from tacit.games.hanabi.variant import (
    COLOR_HINT,
    COMPLETE,
    DISCARD,
    NOTHING,
    OUT_OF_CARDS,
    OUT_OF_LIVES,
    PLAY,
    RANK_HINT,
    RUNNING,
    HanabiState,
    LastMove,
    Variant,
)


class Move(NamedTuple):
    """One move, as its parts; `NOTHING` where one does not apply."""

    kind: Int8[Array, ""]
    slot: Int8[Array, ""]
    target: Int8[Array, ""]
    color: Int8[Array, ""]
    rank: Int8[Array, ""]


class Used(NamedTuple):
    """The card that was played or discarded (`NOTHING` at a hint), and what it did."""

    card: Int8[Array, ""]
    stack: Bool[Array, " c"]  # whether it has this color
    scored: Bool[Array, ""]
    lost: Bool[Array, ""]  # a life
    gained: Bool[Array, ""]  # an information token


class Known(NamedTuple):
    """What hints have said about all cards, and which slots the last one touched."""

    color_mask: UInt8[Array, "P h"]
    rank_mask: UInt8[Array, "P h"]
    color_hinted: Bool[Array, "P h"]
    rank_hinted: Bool[Array, "P h"]
    touched: UInt8[Array, ""]


def score(state: HanabiState) -> Int8[Array, ""]:
    """Cards on the stacks; 0 once the lives are gone."""
    return jnp.where(state.lives == 0, jnp.int8(0), state.fireworks.sum(dtype=jnp.int8))


def end_code(variant: Variant, state: HanabiState) -> Int8[Array, ""]:
    """`RUNNING`, or how the game ended: `OUT_OF_LIVES`, `OUT_OF_CARDS` or `COMPLETE`."""
    complete = (state.fireworks == variant.ranks).all()
    late = jnp.where(state.turns_left == 0, jnp.int8(OUT_OF_CARDS), jnp.int8(RUNNING))
    return jnp.where(state.lives == 0, jnp.int8(OUT_OF_LIVES), jnp.where(complete, jnp.int8(COMPLETE), late))


def uses(variant: Variant, state: HanabiState) -> Int8[Array, "P h"]:
    """What each card in a hand is good for: 0 it can be played now, 1 it was played already, 2 neither; -1 no card."""
    colors, ranks = colors_and_ranks(variant, state.hands)
    height = jnp.where(one_hot(colors, variant.colors), state.fireworks, 0).sum(-1, dtype=jnp.int8)
    use = jnp.where(ranks == height, jnp.int8(0), jnp.where(ranks < height, jnp.int8(1), jnp.int8(2)))
    return jnp.where(state.hands < 0, jnp.int8(NOTHING), use)


def allowed(variant: Variant, state: HanabiState, move: Move, new: HanabiState) -> Bool[Array, ""]:
    """Whether the move that led from `state` to `new` was legal: read off what it used and touched."""
    of_card = (new.last.card >= 0) & ((move.kind == PLAY) | (state.information < variant.information))
    of_hint = (new.last.touched > 0) & (state.information > 0)
    return (of_card | of_hint) & ~state.terminated


def moved(variant: Variant, word: UInt32[Array, ""], state: HanabiState, move: Move) -> HanabiState:
    """The game after a move, which is taken to be legal; the word is random, for the card that is drawn."""
    draws = (move.kind == PLAY) | (move.kind == DISCARD)
    used, known = _used(variant, state, move), _hinted(variant, state, move)
    drawn = jnp.where(draws, next_card(variant, word, state), NOTHING)
    there, no = drawn >= 0, jnp.bool_(False)
    slots = jnp.arange(variant.hand_size, dtype=jnp.int8)[None]
    shift = one_hot(state.player, variant.players)[:, None] & draws & (slots >= move.slot)
    deck, following = state.deck - one_hot(drawn, variant.num_cards).astype(jnp.int8), state.player + jnp.int8(1)
    emptied = jnp.where(there & (deck == 0).all(), jnp.int8(variant.players), NOTHING)
    new = HanabiState(
        deck=deck,
        order=state.order,
        dealt=state.dealt + there.astype(jnp.int8),
        hands=_shifted(shift, state.hands, drawn),
        color_mask=_shifted(shift, known.color_mask, jnp.where(there, 2**variant.colors - 1, 0)),
        rank_mask=_shifted(shift, known.rank_mask, jnp.where(there, 2**variant.ranks - 1, 0)),
        color_hinted=_shifted(shift, known.color_hinted, no),
        rank_hinted=_shifted(shift, known.rank_hinted, no),
        fireworks=state.fireworks + (used.stack & used.scored).astype(jnp.int8),
        discards=state.discards + (one_hot(used.card, variant.num_cards) & ~used.scored).astype(jnp.int8),
        information=state.information + used.gained.astype(jnp.int8) - (~draws).astype(jnp.int8),
        lives=state.lives - used.lost.astype(jnp.int8),
        player=jnp.where(following == variant.players, jnp.int8(0), following),
        turns_left=jnp.where(state.turns_left < 0, emptied, state.turns_left - jnp.int8(1)),
        last=_last(state, move, used, known),
        terminated=no,
        truncated=no,
    )
    return new._replace(terminated=end_code(variant, new) != RUNNING)


def _last(state: HanabiState, move: Move, used: Used, known: Known) -> LastMove:
    return LastMove(
        actor=state.player,
        kind=move.kind,
        target=move.target,
        color=move.color,
        rank=move.rank,
        touched=known.touched,
        slot=move.slot,
        card=used.card,
        scored=used.scored,
        gained=used.gained,
    )


def _used(variant: Variant, state: HanabiState, move: Move) -> Used:
    slots = jnp.arange(variant.hand_size, dtype=jnp.int8)[None]
    here = one_hot(state.player, variant.players)[:, None] & (slots == move.slot)
    card = jnp.where(here, state.hands - jnp.int8(NOTHING), 0).sum(dtype=jnp.int8) + jnp.int8(NOTHING)
    color, rank = colors_and_ranks(variant, card)
    stack, is_play = one_hot(color, variant.colors), move.kind == PLAY
    scored = is_play & (jnp.where(stack, state.fireworks, 0).sum(dtype=jnp.int8) == rank)
    completed = scored & (rank == variant.ranks - 1)
    gained = (move.kind == DISCARD) | (completed & (state.information < variant.information))
    return Used(card, stack, scored, is_play & ~scored, gained)


def _shifted(shift: Bool[Array, "P h"], values: Array, last: Array) -> Array:
    """Where a card left, later ones move down and the new one comes last."""
    end = jnp.broadcast_to(last.astype(values.dtype), (len(values), 1))
    return jnp.where(shift, jnp.concatenate([values[:, 1:], end], axis=1), values)


def _hinted(variant: Variant, state: HanabiState, move: Move) -> Known:
    """What is known of all cards after a hint, which is nothing new after any other move."""
    target = state.player + move.target
    target = jnp.where(target >= variant.players, target - jnp.int8(variant.players), target)
    told = one_hot(target, variant.players)[:, None]
    colors, ranks = colors_and_ranks(variant, state.hands)
    by_color, by_rank = told & (move.kind == COLOR_HINT), told & (move.kind == RANK_HINT)
    of_color, of_rank = by_color & (colors == move.color), by_rank & (ranks == move.rank)
    slots = jnp.left_shift(jnp.uint8(1), jnp.arange(variant.hand_size, dtype=jnp.uint8))[None]
    return Known(
        color_mask=_narrowed(state.color_mask, by_color, of_color, move.color),
        rank_mask=_narrowed(state.rank_mask, by_rank, of_rank, move.rank),
        color_hinted=state.color_hinted | of_color,
        rank_hinted=state.rank_hinted | of_rank,
        touched=jnp.where(of_color | of_rank, slots, 0).sum(dtype=jnp.uint8),
    )


def _narrowed(
    mask: UInt8[Array, "P h"], told: Bool[Array, "P 1"], fits: Bool[Array, "P h"], value: Int8[Array, ""]
) -> UInt8[Array, "P h"]:
    """Values that remain possible where a hint told which cards have this one."""
    bit = jnp.left_shift(jnp.uint8(1), jnp.maximum(value, 0).astype(jnp.uint8))
    return jnp.where(told, mask & jnp.where(fits, bit, ~bit), mask)
