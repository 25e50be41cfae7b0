"""Dealing a player another hand, checked: which card, in which slot, contradicts which fact.

Compiled code uses `HanabiGame.with_hidden`, which believes what it is told, and `beliefs.consistent`.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from tacit.errors import InputError
from tacit.games.hanabi.beliefs import facts
from tacit.games.hanabi.cards import card_name
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
    hand = [int(card) for card in hand]
    shown, known = jax.tree.map(np.asarray, (state, facts(game, state, player)))
    for slot, card in enumerate(hand):
        if not NOTHING <= card < game.num_cards:
            raise InputError(f"no card {card}: cards are 0 to {game.num_cards - 1}, -1 for an empty slot")
        masks = int(shown.color_mask[player, slot]), int(shown.rank_mask[player, slot])
        if reason := _misfit(game, bool(known.held[slot]), masks, card):
            raise InputError(f"slot {slot} of player {player} {reason}")
    for card in sorted({*hand} - {NOTHING}):
        if hand.count(card) > known.unseen[card]:
            seen = _where_seen(game, shown, player, card)
            raise InputError(
                f"player {player} cannot hold {hand.count(card)} of {card_name(game, card)}: {known.unseen[card]} of "
                f"{game.full_deck[card]} unseen{f' ({seen})' if seen else ''}"
            )
    return game.with_hidden(state, player, jnp.asarray(hand, jnp.int8))


def _misfit(game: Variant, held: bool, masks: tuple[int, int], card: int) -> str | None:
    """Why this card cannot be in a slot of which the hints leave these colors and ranks, or None."""
    if not held:
        return None if card == NOTHING else f"is empty and cannot hold {card_name(game, card)}"
    if card == NOTHING:
        return "holds a card and cannot be empty"
    colors = [COLORS[k] for k in range(game.colors) if masks[0] >> k & 1]
    ranks = [str(k + 1) for k in range(game.ranks) if masks[1] >> k & 1]
    color, rank = card_name(game, card)
    if color not in colors:
        return f"cannot hold {color}{rank}: by the hints, its color is {' or '.join(colors)}"
    if rank not in ranks:
        return f"cannot hold {color}{rank}: by the hints, its rank is {' or '.join(ranks)}"
    return None


def _where_seen(game: Variant, state: HanabiState, player: int, card: int) -> str:
    """Where the copies lie that the player has seen."""
    color, rank = divmod(card, game.ranks)
    seen = {
        "on the stacks": int(state.fireworks[color] > rank),
        "discarded": int(state.discards[card]),
        "in other hands": int(np.sum(np.delete(state.hands, player, axis=0) == card)),
    }
    return ", ".join(f"{count} {place}" for place, count in seen.items() if count)
