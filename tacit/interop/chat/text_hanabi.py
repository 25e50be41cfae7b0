"""Hanabi in words: hints are moves; a message beside each move is an option, and no rule of the game."""

import functools
from typing import Any

import jax
import numpy as np

from tacit.games.base import Game
from tacit.games.hanabi import moves
from tacit.games.hanabi.text import render
from tacit.games.hanabi.variant import COLORS, HanabiState
from tacit.interop.chat.text import TextGame


class HanabiText(TextGame):
    """Who is on turn hints, plays or discards, and, with `talk`, says something to the next player.

    Nothing is declared to mean anything here: hints are true by the rules, and what they tell beyond that is for
    `tacit evaluate conventions`. Without talk each move is a message to the next player.
    """

    about = "which of the listener's cards can be played"

    def __init__(self, game: Game, talk: bool) -> None:
        super().__init__(game)
        self.talk = talk
        self.legal = jax.jit(functools.partial(moves.legal, self.game))
        self.move_names = [moves.name(self.game, number) for number in range(self.game.num_moves + 1)]

    def rules(self, seat: int) -> str:
        game: Any = self.game
        counts = ", ".join(f"{count} of rank {rank + 1}" for rank, count in enumerate(game.copies))
        lines = [
            f"This is Hanabi, a card game of {game.players} players who work together. You are player {seat}.",
            f"Cards have one of {game.colors} colors ({', '.join(COLORS[: game.colors])}) and a rank from 1 to"
            f" {game.ranks}; of each color there are {counts}. You see the others' cards, and not your own.",
            "Each color has a stack that is built from rank 1 upward. In your turn you play a card, discard one, or"
            " hint. A card that does not fit on its stack costs a life; with the last life the game is lost, and the"
            " score is 0. The score is the number of cards on all stacks.",
            f"A hint names a color or a rank and shows all such cards of one player; it costs one of"
            f" {game.information} information tokens. A discard, or a finished stack, brings one back.",
            "Slot 0 is a player's oldest card, and new cards come last. In hints +1 is the next player.",
        ]
        if self.talk:
            lines.append("With your move you may send a message to the next player.")
        return "\n".join(lines)

    def show(self, state: HanabiState, seat: int) -> str:
        return render(self.game, state, viewer=seat)

    def actions(self, state: HanabiState, seat: int) -> dict[str, int]:
        allowed = np.asarray(self.legal(state))[seat]
        return {self.move_names[number]: int(number) for number in np.flatnonzero(allowed)}

    def action_of(self, seat: int, move: int, message: str) -> np.int32:
        del seat, message
        return np.int32(move)

    def speaks(self, state: HanabiState, seat: int) -> bool:
        return self.talk and seat == int(state.player)

    def private(self, state: HanabiState, seat: int) -> str:
        hand = state.hands[self.listener(state, seat)].astype(int)
        color, rank = np.maximum(hand, 0) // self.game.ranks, np.maximum(hand, 0) % self.game.ranks
        fits = np.flatnonzero((hand >= 0) & (state.fireworks[color] == rank))
        return "playable: " + (", ".join(map(str, fits)) or "none")

    def public(self, state: HanabiState) -> str:
        return "no hints left" if int(state.information) == 0 else "hints possible"
