"""The phone booth maze in words: a sender who is shown the exit, a receiver who can take it, and a telephone."""

import functools
import random
from collections.abc import Mapping, Sequence

import jax
import numpy as np

from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.games.phone_booth import DOWN, HINT_DOWN, HINT_UP, LEFT, RIGHT, SENDER, UP, WAIT, BoothState
from tacit.interop.chat.text import TextGame, only, words_of
from tacit.types import Action

MOVES = {"up": UP, "down": DOWN, "left": LEFT, "right": RIGHT, "wait": WAIT}
SPEAK = "speak"
EXITS = ("exit up", "exit down")
NAMES = {"up": 0, "upper": 0, "top": 0, "north": 0, "down": 1, "lower": 1, "bottom": 1, "south": 1}
FORMS = ("{}", "the right one is {}", "take {}", "please use {}")


class BoothText(TextGame):
    """The sender may move or speak; what it says arrives where a telephone joins it with the receiver.

    The game's own telephone knows two hints. A message that claims "exit down" is its second, all others its first;
    a trained receiver hears that alone, and a language model the words.
    """

    about = "which exit is right"

    def __init__(self, game: Game, coded: bool = False) -> None:
        """Reads the rules.

        Raises:
            Misfit: hints are kept and may be lost, so that nobody can tell an old one from a new one.
        """
        super().__init__(game)
        if self.game.latched and any(self.game.loss):
            raise Misfit("hints that are kept (latched) and may be lost are not told in words; set loss to 0")
        self.coded = coded
        self.keeps = self.game.latched
        self.line = jax.jit(lambda state: self.game.line(state)[0])

    def rules(self, seat: int) -> str:
        game = self.game
        lines = [
            "This is a game of two players who work together, a sender and a receiver, in two rooms.",
            "The receiver leaves its room by one of two exits, up or down at its right end. By the right exit both of"
            " you get 1 point, by the wrong one -0.5, and then the game ends.",
            f"It ends after {game.length} steps without points, too. Only the sender is shown which exit is right.",
            "Rooms have telephone booths. What the sender says is heard by the receiver at the next step, if both are"
            " in booths that are joined; some may be out of order.",
        ]
        if seat == SENDER:
            cells = [f"({x}, {y})" for y, x in np.argwhere(game.booth[SENDER])]
            lines.append(
                f"You are the sender. Your room is a corridor, (0, 1) to ({game.sender_room - 1}, 1) from left to"
                f" right; y is 0 above it and 2 below. There are booths at {', '.join(cells)}. To say something choose"
                f' the action "{SPEAK}".'
            )
            if any(price > 0 for price in game.price):
                lines.append(f"A call may cost points: {', '.join(f'{price:g}' for price in game.price)} by booth.")
        else:
            end = game.receiver_room - 1
            lines.append(
                f"You are the receiver. Your room is a corridor, (0, 1) to ({end}, 1) from left to right. Your booth is"
                f" (0, 1); the exits are up and down from ({end}, 1)."
            )
        return "\n".join(lines)

    def show(self, state: BoothState, seat: int) -> str:
        x, y = state.place[seat]
        booth = " in a booth" if self.game.booth[seat, y, x] else ""
        exit_ = f" The right exit is: {('up', 'down')[int(state.exit)]}." if seat == SENDER else ""
        return f"You are at ({x}, {y}){booth}. Step {int(state.time) + 1} of {self.game.length}.{exit_}"

    def actions(self, state: BoothState, seat: int) -> dict[str, int]:
        del state
        return MOVES | ({SPEAK: HINT_UP} if seat == SENDER else {})

    def action_of(self, seat: int, move: int, message: str) -> Action | np.int32:
        bit = self.bits(message)
        if seat == SENDER and move >= HINT_UP:
            move = HINT_DOWN if bit[0] > 0 else HINT_UP
        return Action(np.int32(move), bit) if self.game.messages else np.int32(move)

    def speaks(self, state: BoothState, seat: int) -> bool:
        del state
        return seat == SENDER

    def sends(self, state: BoothState, seat: int, action: str) -> bool:
        del state
        return seat == SENDER and action == SPEAK

    def arrived(self, before: BoothState, after: BoothState) -> bool:
        """Where hints are kept, whether there was a line says it, as what was received before is still there."""
        return bool(self.line(before) > 0) if self.keeps else bool(after.received)

    def claim(self, message: str) -> str | None:
        words = words_of(message)
        return only({EXITS[NAMES[word]] for word in words if word in NAMES}, words)

    def wordings(self, claim: str) -> tuple[str, ...]:
        return tuple(form.format(claim) for form in FORMS)

    @functools.cached_property
    def literal(self) -> Mapping[str, tuple[str, ...]]:
        return {each: (each,) for each in EXITS}

    def bits(self, message: str) -> np.ndarray:
        return np.array([float(self.claim(message) == EXITS[1])])

    def said(self, seat: int, action: Action | np.ndarray) -> tuple[int, str]:
        move = int(action.move if isinstance(action, Action) else action)
        if seat != SENDER or move < HINT_UP:
            return (move if move < HINT_UP else WAIT), ""
        down = float(action.message[0]) > 0.5 if isinstance(action, Action) else move == HINT_DOWN
        return HINT_UP, EXITS[int(down)]

    def follow(self, state: BoothState, seat: int, claim: str | None, draw: random.Random) -> str:
        """The sender speaks; the receiver waits for a claim half of the time, and then leaves by it or by chance."""
        if seat == SENDER:
            return SPEAK
        if claim is None and 2 * int(state.time) < self.game.length:
            return "wait"
        at_exits = int(state.place[seat][0]) == self.game.receiver_room - 1
        leave = draw.choice(("up", "down")) if claim is None else claim.removeprefix("exit ")
        return leave if at_exits else "right"

    def private(self, state: BoothState, seat: int) -> str:
        del seat
        return EXITS[int(state.exit)]

    def answer(self, actions: Sequence[str], ended: bool) -> str | None:
        return f"leaves {actions[-1]}" if ended and actions and actions[-1] in ("up", "down") else None
