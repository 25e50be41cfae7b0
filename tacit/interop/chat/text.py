"""What a game must say of itself so that a language model can play it, and be listened to."""

import abc
import functools
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import PyTree

from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.types import State

NEGATIONS = {"not", "no", "never", "don", "dont", "won", "wont", "neither", "nor", "cannot", "isn", "isnt", "without"}
"""Words whose sentences are not taken for claims; of a word like "won't" the first part is read."""


class TextGame(abc.ABC):
    """A game as text. States are those of the game with numpy leaves; a state always belongs to a running episode.

    Four functions are for whoever plays: `rules`, `show`, `actions` and `action_of`; the others are for the channel
    and the audit.

    Attributes:
        game: what is played.
        talk: whether there are messages beside actions.
        announces: messages are said before actions are chosen, all at the same time.
        coded: messages are the game's own bits, as a trained partner sends and hears them.
        keeps: what was heard is shown to trained players until something else is.
        about: what the private state is, in words.
    """

    talk = True
    announces = False
    coded = False
    keeps = False
    about = ""

    def __init__(self, game: Game) -> None:
        self.game: Any = game

    @property
    def players(self) -> int:
        """How many play."""
        return self.game.spec.num_players

    # For who plays.

    @abc.abstractmethod
    def rules(self, seat: int) -> str:
        """The rules as this seat is told them."""

    @abc.abstractmethod
    def show(self, state: State, seat: int) -> str:
        """What this seat sees now, messages left out."""

    @abc.abstractmethod
    def actions(self, state: State, seat: int) -> dict[str, int]:
        """What this seat may do, by name the move of the game; where there is but one, nobody is asked."""

    @abc.abstractmethod
    def action_of(self, seat: int, move: int, message: str) -> PyTree:
        """The game's action of a seat that makes this move and says this."""

    def told(self, state: State, chosen: Sequence[str], rewards: Sequence[float], seat: int) -> str:
        """What this seat sees of a step that was made, as a line; empty, if `show` has it all."""
        del state, chosen, rewards, seat
        return ""

    # For the channel.

    def speaks(self, state: State, seat: int) -> bool:
        """Whether this seat can say something now."""
        del state, seat
        return self.talk

    def sends(self, state: State, seat: int, action: str) -> bool:
        """Whether it does, if this is its action."""
        del action
        return self.speaks(state, seat)

    def listener(self, state: State, seat: int) -> int:
        """Who hears this seat."""
        del state
        return (seat + 1) % self.players

    def arrived(self, before: State, after: State) -> bool:
        """Whether what was said in the state before arrives in the one after."""
        del before, after
        return True

    def claim(self, message: str) -> str | None:
        """What a plain message claims; None, if it claims nothing that is understood."""
        del message
        return None

    def follow(self, state: State, seat: int, claim: str | None, draw: random.Random) -> str:
        """The action of somebody who takes the last claim that was heard at its word.

        Raises:
            Misfit: nothing follows from claims in this game.
        """
        del state, seat, claim, draw
        raise Misfit(f"there is no literal partner in {type(self.game).__name__}; name another --partner")

    def wordings(self, claim: str) -> tuple[str, ...]:
        """Messages that make a claim, the plain one first."""
        return (claim,)

    @functools.cached_property
    def literal(self) -> Mapping[str, tuple[str, ...]] | None:
        """The private states that each claim is true of; None where nothing is declared."""
        return None

    @functools.cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """What may be said where only words of a list may be: the plain wordings of all claims."""
        return tuple(self.wordings(claim)[0] for claim in self.literal or {})

    def bits(self, message: str) -> np.ndarray:
        """The game's own bits of a message."""
        del message
        raise Misfit(f"{type(self.game).__name__} has no messages of bits")

    def said(self, seat: int, action: PyTree) -> tuple[int, str]:
        """Move and message in an action of the game, as a trained player chose it."""
        del seat
        return int(action), ""

    # For the audit.

    @abc.abstractmethod
    def private(self, state: State, seat: int) -> str | None:
        """What this seat knows and its listener does not; None where that is what it means to do."""

    def public(self, state: State) -> str:
        """What all know, as far as messages may depend on it."""
        del state
        return "always"

    def answer(self, actions: Sequence[str], ended: bool) -> str | None:
        """What a listener made of a message, from all actions that it chose afterwards."""
        del ended
        return actions[0] if actions else None


def words_of(message: str) -> list[str]:
    """The words of a message in small letters."""
    return re.findall(r"[a-z]+|\d+", message.casefold())


def only(found: set[str], words: Sequence[str]) -> str | None:
    """The one thing that a message names; None if it names several, none, or denies something."""
    return next(iter(found)) if len(found) == 1 and not NEGATIONS & set(words) else None


def on_host(state: State) -> State:
    """A state with numpy leaves."""
    return jax.tree.map(np.asarray, state)
