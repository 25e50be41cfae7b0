"""Games of simultaneous moves in words: matrix games and levers, with what players announce before each round."""

import abc
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tacit.games.base import Game
from tacit.games.levers import LeverState
from tacit.games.matrix import STATES, MatrixState
from tacit.interop.chat.text import TextGame, only, words_of

WORDS = {"C": "cooperate", "D": "defect"}
FORMS = ("I will {}", "my plan is to {}", "expect me to {}", "this round I {}")
NOTHING = "nothing private"


class RoundsText(TextGame):
    """Two players choose at the same time, again and again, and may announce something before.

    An announcement claims what its sender will do. So the private state is what it means to do, taken to be what it
    does next, and a false claim is a broken word.
    """

    about = "what the speaker will do"
    announces = True

    def __init__(self, game: Game, talk: bool) -> None:
        super().__init__(game)
        self.talk = talk

    @property
    @abc.abstractmethod
    def names(self) -> tuple[str, ...]:
        """Of all moves, by number."""

    def rules(self, seat: int) -> str:
        length = self.game.length
        how = "once" if length == 1 else f"{length} times" if not self.game.truncates else "again and again"
        lines = [f"This is a game of two players, who choose at the same time, {how}.", *self.pays(seat)]
        if self.talk:
            lines.append(
                "Before each choice both of you send a message to the other, at the same time. Nobody is bound by it."
            )
        return "\n".join([*lines, "Try to get as many points as you can in all."])

    @abc.abstractmethod
    def pays(self, seat: int) -> list[str]:
        """What this seat gets, in lines."""

    def show(self, state: Any, seat: int) -> str:
        del seat
        return f"It is round {int(state.round) + 1}."

    def actions(self, state: Any, seat: int) -> dict[str, int]:
        del state, seat
        return {name: number for number, name in enumerate(self.names)}

    def action_of(self, seat: int, move: int, message: str) -> np.int32:
        del seat, message
        return np.int32(move)

    def told(self, state: Any, chosen: Sequence[str], rewards: Sequence[float], seat: int) -> str:
        other = 1 - seat
        return (
            f"Round {int(state.round) + 1}: you chose {chosen[seat]} and got {rewards[seat]:g}, the other chose"
            f" {chosen[other]} and got {rewards[other]:g}."
        )

    def wordings(self, claim: str) -> tuple[str, ...]:
        return tuple(form.format(claim) for form in FORMS)

    @functools.cached_property
    def literal(self) -> Mapping[str, tuple[str, ...]] | None:
        return {name: (name,) for name in self.names} if self.talk else None

    def private(self, state: Any, seat: int) -> str | None:
        del state, seat
        return None if self.talk else NOTHING


class MatrixText(RoundsText):
    """Matrix games. A message claims an action if it names it in any form and does not speak of the other alone."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(str(WORDS.get(name, name)) for name in self.game.action_names)

    def pays(self, seat: int) -> list[str]:
        rewards = np.asarray(self.game.rewards)
        rows = [(own, other) for own in range(2) for other in range(2)]
        joint = [own * 2 + other if seat == 0 else other * 2 + own for own, other in rows]
        return [
            f"You {self.names[own]}, the other chooses {self.names[other]}: you get {rewards[seat, at]:g}, the other"
            f" {rewards[1 - seat, at]:g}."
            for (own, other), at in zip(rows, joint, strict=True)
        ]

    def claim(self, message: str) -> str | None:
        words = words_of(message)
        if {"you", "your"} & set(words) and not {"i", "me", "my", "we", "us"} & set(words):
            return None
        return only({name for name in self.names if _forms(name) & set(words)}, words)

    def public(self, state: MatrixState) -> str:
        last = STATES[int(state.last)]
        return last if last == "start" else f"after {last}"


def _forms(name: str) -> set[str]:
    """A verb or a noun in the forms that English has for it, where it is regular."""
    stem = name.removesuffix("e")
    return {name, name + "s", *(start + end for start in (name, stem) for end in ("ed", "ing", "ion"))}


class LeverText(RoundsText):
    """Levers; a message claims a lever if it names one number."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"lever {number}" for number in range(self.game.num_levers))

    def pays(self, seat: int) -> list[str]:
        del seat
        each = ", ".join(f"{name} {pay:g}" for name, pay in zip(self.names, self.game.payoffs, strict=True))
        return [f"Each of you pulls a lever. If it is the same one, both get what it pays ({each}), and else nothing."]

    def claim(self, message: str) -> str | None:
        words = words_of(message)
        found = {f"lever {int(word)}" for word in words if word.isdecimal() and len(word) < 6}
        named = only(found, words)
        return named if named in self.names else None

    def wordings(self, claim: str) -> tuple[str, ...]:
        return tuple(form.format(f"pull {claim}") for form in FORMS)

    def public(self, state: LeverState) -> str:
        return "first round" if int(state.round) == 0 else "later rounds"
