"""Moves of Hanabi: their numbers, which are legal and why others are not, and their names.

Numbers are those of the reference engine (hanabi-learning-environment, hanabi_game.cc, ConstructMove), with `h` cards
of a hand, `n` players, `c` colors, `r` ranks: discard slot i is `i`, play slot i is `h + i`, the hint of a color to
the player `offset` seats on is `2 h + (offset - 1) c + color`, the hint of a rank
`2 h + (n - 1) c + (offset - 1) r + rank`. Waiting comes after all of them.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from tacit.errors import InputError
from tacit.games.hanabi.cards import colors_and_ranks, one_hot
from tacit.games.hanabi.variant import (
    COLOR_HINT,
    COLORS,
    DISCARD,
    NOTHING,
    PLAY,
    RANK_HINT,
    HanabiState,
    Variant,
)

WAIT = 4  # a kind of action that is no move


class Moves(NamedTuple):
    """What each action of a variant is, `[num_moves + 1]` each; `NOTHING` where a part does not apply."""

    kind: np.ndarray
    slot: np.ndarray
    target: np.ndarray
    color: np.ndarray
    rank: np.ndarray


def moves(variant: Variant) -> Moves:
    """All actions of a variant, in the order of their numbers."""
    hand, others = range(variant.hand_size), range(1, variant.players)
    rows = [(DISCARD, slot, NOTHING, NOTHING, NOTHING) for slot in hand]
    rows += [(PLAY, slot, NOTHING, NOTHING, NOTHING) for slot in hand]
    rows += [(COLOR_HINT, NOTHING, target, color, NOTHING) for target in others for color in range(variant.colors)]
    rows += [(RANK_HINT, NOTHING, target, NOTHING, rank) for target in others for rank in range(variant.ranks)]
    rows += [(WAIT, NOTHING, NOTHING, NOTHING, NOTHING)]
    return Moves(*np.array(rows, np.int8).T)


def legal(variant: Variant, state: HanabiState) -> Bool[Array, "P A"]:
    """Which actions each player may choose: waiting alone for who is not on turn, and for all once the game is over."""
    turn = (jnp.arange(variant.players, dtype=jnp.int8) == state.player) & ~state.terminated
    held = state.hands >= 0
    colors, ranks = colors_and_ranks(variant, state.hands)
    hints = [
        jnp.roll(one_hot(values, size).any(1), -offset, axis=0)
        for values, size in ((colors, variant.colors), (ranks, variant.ranks))
        for offset in range(1, variant.players)
    ]
    groups = [
        held & (state.information < variant.information),
        held,
        jnp.concatenate(hints, axis=1) & (state.information > 0),
    ]
    return jnp.concatenate([jnp.concatenate(groups, axis=1) & turn[:, None], ~turn[:, None]], axis=1)


def name(variant: Variant, action: int) -> str:
    """An action in words, such as "play slot 0" or "hint rank 1 to player +1"; colors are R, Y, G, W, B.

    Raises:
        InputError: the variant has no such action.
    """
    if not 0 <= action <= variant.num_moves:
        raise InputError(f"no action {action}: this variant has moves 0 to {variant.num_moves - 1}, then waiting")
    kind, slot, target, color, rank = (int(part[action]) for part in moves(variant))
    words = {
        PLAY: f"play slot {slot}",
        DISCARD: f"discard slot {slot}",
        COLOR_HINT: f"hint color {COLORS[color]} to player +{target}",
        RANK_HINT: f"hint rank {rank + 1} to player +{target}",
        WAIT: "wait",
    }
    return words[kind]


def check(variant: Variant, state: HanabiState, action: int) -> None:
    """Checks a move of who is on turn, outside of compiled code.

    Raises:
        InputError: it is not legal; the line says why.
    """
    move = name(variant, action)
    kind, slot, target, color, rank = (int(part[action]) for part in moves(variant))
    if bool(state.terminated):
        raise InputError(f"cannot {move}: the game has ended")
    if kind == WAIT:
        raise InputError("cannot wait: this player is on turn")
    player = int(state.player)
    if kind in (PLAY, DISCARD):
        if int(state.hands[player, slot]) < 0:
            raise InputError(f"cannot {move}: there is no card")
        if kind == DISCARD and int(state.information) == variant.information:
            raise InputError(f"cannot {move}: all {variant.information} information tokens are there")
        return
    if int(state.information) == 0:
        raise InputError(f"cannot {move}: no information token is left")
    cards = np.asarray(state.hands)[(player + target) % variant.players]
    values, wanted = (cards // variant.ranks, color) if kind == COLOR_HINT else (cards % variant.ranks, rank)
    if not ((cards >= 0) & (values == wanted)).any():
        raise InputError(f"cannot {move}: it touches no card")
