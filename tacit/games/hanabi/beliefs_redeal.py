"""Dealing a player another hand, checked: which card, in which slot, contradicts which fact.

Compiled code uses `HanabiGame.with_hidden`, which believes what it is told, and `beliefs.consistent`.
"""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from tacit.errors import InputError
from tacit.games.hanabi.beliefs import Facts, facts
from tacit.games.hanabi.rules import HanabiGame
from tacit.games.hanabi.variant import COLORS, NOTHING, HanabiState, Variant


def redealt(game: HanabiGame, state: HanabiState, player: int, hand: Sequence[int]) -> HanabiState:
    """The game in which `player` holds this hand instead, cards as numbers, oldest first, -1 where there is none.

    Raises:
        InputError: there is no such player, or the hand contradicts what the player knows; one line says why.
    """
    if not 0 <= player < game.players:
        raise InputError(f"no player {player}: players are 0 to {game.players - 1}")
    if len(hand) != game.hand_size:
        raise InputError(f"a hand has {game.hand_size} slots (-1 for an empty one), got {len(hand)} cards")
    known = facts(game, state, player)
    for slot, card in enumerate(hand):
        if reason := _misfit(game, state, known, player, slot, card):
            raise InputError(f"slot {slot} of player {player} {reason}")
    if reason := _too_many(game, state, known, player, hand):
        raise InputError(reason)
    return game.with_hidden(state, player, jnp.asarray(hand, jnp.int8))


def name(game: Variant, card: int) -> str:
    """A card in the notation of the reference engine: R1 is the red 1."""
    return f"{COLORS[card // game.ranks]}{card % game.ranks + 1}"


def _misfit(game: HanabiGame, state: HanabiState, known: Facts, player: int, slot: int, card: int) -> str | None:
    """Why this card cannot be in this slot, or None."""
    if not NOTHING <= card < game.num_cards:
        raise InputError(f"no card {card}: cards are 0 to {game.num_cards - 1}, -1 for an empty slot")
    if not known.held[slot]:
        return None if card == NOTHING else f"is empty and cannot hold {name(game, card)}"
    if card == NOTHING:
        return "holds a card and cannot be empty"
    color, rank = divmod(card, game.ranks)
    colors = [COLORS[k] for k in range(game.colors) if int(state.color_mask[player, slot]) >> k & 1]
    if COLORS[color] not in colors:
        return f"cannot hold {name(game, card)}: by the hints, its color is {' or '.join(colors)}"
    ranks = [k for k in range(game.ranks) if int(state.rank_mask[player, slot]) >> k & 1]
    if rank not in ranks:
        return f"cannot hold {name(game, card)}: by the hints, its rank is {' or '.join(str(k + 1) for k in ranks)}"
    return None


def _too_many(game: HanabiGame, state: HanabiState, known: Facts, player: int, hand: Sequence[int]) -> str | None:
    """Which card the hand holds more often than there are copies that the player has not seen, or None."""
    for card in sorted(set(hand) - {NOTHING}):
        held, unseen, copies = hand.count(card), int(known.unseen[card]), int(game.full_deck[card])
        if held > unseen:
            color, rank = divmod(card, game.ranks)
            elsewhere = int(np.sum(np.asarray(state.hands) == card) - np.sum(np.asarray(state.hands[player]) == card))
            seen = {
                "on the stacks": int(int(state.fireworks[color]) > rank),
                "discarded": int(state.discards[card]),
                "in other hands": elsewhere,
            }
            where = ", ".join(f"{count} {place}" for place, count in seen.items() if count)
            return (
                f"player {player} cannot hold {held} of {name(game, card)}: {unseen} of {copies} unseen"
                f"{f' ({where})' if where else ''}"
            )
    return None
