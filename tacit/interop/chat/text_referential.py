"""The referential game with named attributes: "the small red circle"."""

import functools
import itertools
import random
from collections.abc import Mapping

import numpy as np

from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.games.referential import LISTENER, SPEAKER, Referential, ReferentialState
from tacit.interop.chat.text import TextGame, only, words_of
from tacit.types import Action

ATTRIBUTES = {
    "color": ("red", "green", "blue", "yellow", "black", "white", "orange", "purple"),
    "shape": ("circle", "square", "triangle", "star", "cross", "heart", "ring", "arrow"),
    "size": ("tiny", "small", "medium", "large", "huge", "giant", "short", "tall"),
    "pattern": ("plain", "striped", "dotted", "checked", "wavy", "cracked", "shiny", "rough"),
}
FORMS = ("{}", "it is {}", "look for {}", "the target: {}")


class ReferentialText(TextGame):
    """The speaker knows the target and says something; the listener picks one of the objects it sees.

    A claim is the set of values that a message names ("red", "red circle"), true of all objects that have them.
    """

    about = "the object that is meant"

    def __init__(self, game: Game, coded: bool = False) -> None:
        """Names the objects.

        Raises:
            Misfit: there are more attributes or values than names.
        """
        super().__init__(game)
        assert isinstance(game, Referential)
        self.coded = coded
        names = list(ATTRIBUTES.values())
        if game.attributes > len(names) or game.values > len(names[0]):
            raise Misfit(
                f"objects of up to {len(names)} attributes with {len(names[0])} values each have names,"
                f" got {game.attributes} with {game.values}"
            )
        self.values = [each[: game.values] for each in names[: game.attributes]]
        self.objects = [self._named(number) for number in range(game.objects)]

    def _named(self, number: int) -> str:
        return " ".join(
            of[number // self.game.values**place % self.game.values] for place, of in enumerate(self.values)
        )

    def rules(self, seat: int) -> str:
        attributes = "; ".join(f"{name}: {', '.join(of)}" for name, of in zip(ATTRIBUTES, self.values, strict=False))
        what = (
            "You are the speaker. You see the target object, and send one message to the listener."
            if seat == SPEAKER
            else "You are the listener. You hear one message from the speaker, who sees the target, and pick an object."
        )
        lines = [
            "This is a game of two players who work together, a speaker and a listener.",
            f"Objects have these attributes. {attributes}.",
            f"The listener sees {self.game.candidates} different objects, and one of them is the target.",
            "Both of you get 1 point if the listener picks the target, and 0 otherwise.",
            what,
        ]
        if self.coded:
            lines.append(
                f"A message is a word of {self.game.bits} digits, 0 or 1. Your partner was trained with another, and"
                " uses these words in its own way."
            )
        return "\n".join(lines)

    def show(self, state: ReferentialState, seat: int) -> str:
        seen = [self.objects[number] for number in state.level.candidates]
        if seat == SPEAKER:
            return f"The target is: {seen[int(state.level.target)]}."
        return f"The objects are: {'; '.join(seen)}."

    def actions(self, state: ReferentialState, seat: int) -> dict[str, int]:
        if seat == LISTENER and int(state.time) > 0:
            return {self.objects[number]: place for place, number in enumerate(state.level.candidates)}
        return {"wait": 0}

    def action_of(self, seat: int, move: int, message: str) -> Action:
        bits = self.bits(message) if self.coded and seat == SPEAKER else np.zeros(self.game.bits)
        return Action(np.int32(move), bits)

    def speaks(self, state: ReferentialState, seat: int) -> bool:
        return seat == SPEAKER and int(state.time) == 0

    def claim(self, message: str) -> str | None:
        words = words_of(message)
        named = [only(set(words) & set(of), words) for of in self.values]
        ambiguous = any(len(set(words) & set(of)) > 1 for of in self.values)
        return None if ambiguous or self.coded else " ".join(filter(None, named)) or None

    def wordings(self, claim: str) -> tuple[str, ...]:
        return tuple(form.format(claim) for form in FORMS)

    @functools.cached_property
    def literal(self) -> Mapping[str, tuple[str, ...]] | None:
        if self.coded:
            return None
        found = {}
        for some in itertools.product(*(("", *of) for of in self.values)):
            if claim := " ".join(filter(None, some)):
                fit = [(one,) if one else of for one, of in zip(some, self.values, strict=True)]
                named = itertools.product(*reversed(fit))  # the first attribute changes fastest, as in the game
                found[claim] = tuple(" ".join(reversed(each)) for each in named)
        return found

    @functools.cached_property
    def vocabulary(self) -> tuple[str, ...]:
        if not self.coded:
            return super().vocabulary
        return tuple(f"{number:0{self.game.bits}b}" for number in range(2**self.game.bits))

    def bits(self, message: str) -> np.ndarray:
        return np.array([float(digit) for digit in message or "0" * self.game.bits])

    def said(self, seat: int, action: Action) -> tuple[int, str]:
        bits = "".join(str(int(bit > 0.5)) for bit in np.asarray(action.message))
        return int(action.move), bits if seat == SPEAKER else ""

    def private(self, state: ReferentialState, seat: int) -> str:
        del seat
        return self.objects[int(state.level.candidates[state.level.target])]

    def follow(self, state: ReferentialState, seat: int, claim: str | None, draw: random.Random) -> str:
        actions = tuple(self.actions(state, seat))
        fit = [each for each in actions if claim is not None and set(claim.split()) <= set(each.split())]
        return draw.choice(fit or actions)
