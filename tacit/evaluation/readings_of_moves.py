"""How games are read in which moves are seen by others, and so can be messages: two-step games, levers, Hanabi, ...

A move does something beside being seen. So it can be set to another one in the middle of play, where the rules allow
any, to see who acts on it; but what follows from that is not its meaning alone.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from tacit.errors import Misfit
from tacit.evaluation.message_meaning import Meaning, declared
from tacit.evaluation.readings import NOTHING_PRIVATE, Reading, following
from tacit.evaluation.talk import NONE, Names
from tacit.games.hanabi.moves import name as hanabi_name
from tacit.games.hanabi.variant import HanabiState
from tacit.games.levers import LeverState
from tacit.games.matrix import MatrixState
from tacit.games.two_step import TwoStepState
from tacit.types import State, Step


class Moves(Reading):
    """Games in which everybody's last move is seen by all."""

    mute = False

    @property
    def acts(self) -> bool:
        return True

    def message(self, state: State, action: Int[Array, " P"]) -> Int[Array, " P"]:
        del state
        return action

    def said(self, action: Int[Array, " P"], message: Int[Array, " P"], here: Bool[Array, " P"]) -> Int[Array, " P"]:
        return jnp.where(here, message, action).astype(action.dtype)


class OpeningReading(Moves):
    """Player 1 knows its card and opens; player 2 sees the opening and replies."""

    about = "the card of who opens"

    @property
    def acts(self) -> bool:
        """Unless all openings pay alike: then they are mere talk."""
        payoff = np.asarray(self.game.rewards)
        return bool((payoff != payoff[:, :, :1]).any())

    def names(self) -> Names:
        sizes = self.game.sizes
        cards, openings, replies = (tuple(map(str, range(n))) for n in (sizes.first, sizes.openings, sizes.replies))
        words = [
            tuple(f"{kind} {each}" for each in of) for kind, of in zip(WORDS, (cards, openings, replies), strict=True)
        ]
        return Names(words[0], ("anything",), words[1], words[2])

    def meaning(self) -> Meaning | None:
        """What the game itself declares its openings to mean, if it does."""
        return self.game.meaning() if hasattr(self.game, "meaning") else None

    def speaks(self, state: TwoStepState, action: Int[Array, "2"]) -> Bool[Array, "2"]:
        del action
        return jnp.array([True, False]) & (state.opening < 0)

    def listener(self, state: TwoStepState) -> Int[Array, "2"]:
        del state
        return jnp.array([1, 0])

    def private(self, state: TwoStepState) -> Int[Array, "2"]:
        return jnp.full(2, state.first)

    def answers(self, steps: Step, listener: Int[Array, "T 2"]) -> Int[Array, "T 2"]:
        moved = super().answers(steps, listener)
        return jnp.where(moved == NONE, NONE, moved - self.game.sizes.openings)

    def own(self, steps: Step) -> Int[Array, "T 2"]:
        return jnp.full(steps.action.shape, NONE)


class WitnessReading(OpeningReading):
    """The witness sees an object and says of one attribute, in some wording, whether it is there.

    The rules fill in the truth: a message that is set, or delivered in place of another, has its attribute and its
    wording, and says of that attribute what is so.
    """

    about = "the object that is seen"

    def names(self) -> Names:
        game = self.game
        objects = tuple("object " + "".join(map(str, row)) for row in game.objects)
        claims = [f"{'no ' if claim % 2 == 0 else ''}{claim // 2 + 1}" for claim in game.claims]
        wording = np.arange(len(claims)) % game.wordings
        said = tuple(f"{claim} ({word})" for claim, word in zip(claims, wording, strict=True))
        answers = tuple("names " + name.removeprefix("object ") for name in objects)
        symbols = np.stack([game.claims // 2, game.claims % 2, wording], axis=1)
        return Names(objects, ("anything",), said, answers, (), game.objects, symbols)

    def meaning(self) -> Meaning:
        return declared(self.game.literal, self.game.claims)

    def message(self, state: TwoStepState, action: Int[Array, "2"]) -> Int[Array, "2"]:
        opening = jnp.clip(action, 0, self.game.sizes.openings - 1)
        return jnp.asarray(self.game.shown)[state.first, state.second, opening].astype(int)

    def said(self, action: Int[Array, "2"], message: Int[Array, "2"], here: Bool[Array, "2"]) -> Int[Array, "2"]:
        wordings = self.game.wordings
        attribute, wording = message // (2 * wordings), message % wordings
        return jnp.where(here, attribute * wordings + wording, action).astype(action.dtype)


WORDS = ("card", "opening", "reply")


Rounds = LeverState | MatrixState


class LeverReading(Moves):
    """Both pull, see what was pulled, and pull again; each pull is a message about nothing but the next ones."""

    about = NOTHING_PRIVATE

    def names(self) -> Names:
        if self.game.length < 2:
            raise Misfit("levers are pulled once here, and nobody sees it before it is over; name repeated-levers")
        levers = tuple(f"lever {number}" for number in range(self.game.num_levers))
        return Names(("nothing private",), ("later rounds", "first round"), levers, levers, levers)

    def speaks(self, state: Rounds, action: Int[Array, "2"]) -> Bool[Array, "2"]:
        del action
        return jnp.full(2, state.round < self.game.length - 1)

    def listener(self, state: Rounds) -> Int[Array, "2"]:
        del state
        return jnp.array([1, 0])

    def private(self, state: Rounds) -> Int[Array, "2"]:
        del state
        return jnp.zeros(2, int)

    def public(self, state: Any) -> Int[Array, "2"]:
        return jnp.full(2, state.round == 0).astype(int)


class MatrixReading(LeverReading):
    """Both move, see what the other did, and move again. What is public is what both did before."""

    def names(self) -> Names:
        if self.game.length < 2:
            raise Misfit("this game is played once, and nobody sees a move before it is over; name an iterated one")
        moves = tuple(self.game.action_names)
        return Names(
            ("nothing private",), ("after CC", "after CD", "after DC", "after DD", "start"), moves, moves, moves
        )

    def public(self, state: Any) -> Int[Array, "2"]:
        return jnp.full(2, state.last)


class HanabiReading(Moves):
    """Who is on turn moves; who is hinted, or else the next player, learns what it may of its own cards.

    The private state is which of the listener's cards could be played now: the mover sees it, and the listener does
    not. Hints are true by the rules, and what they say of a hand is not said in these terms, so nothing is declared
    here; bits by the rules and beyond them are those of `conventions_bits`.
    """

    about = "which of the listener's cards can be played"
    settable = False

    def names(self) -> Names:
        slots = range(self.game.hand_size)
        masks = [[slot for slot in slots if mask >> slot & 1] for mask in range(2**self.game.hand_size)]
        states = tuple("playable: " + (", ".join(map(str, mask)) or "none") for mask in masks)
        words = tuple(hanabi_name(self.game, number) for number in range(self.game.num_moves))
        return Names(states, ("hints possible", "no hints left"), words, words, words)

    def speaks(self, state: HanabiState, action: Int[Array, " P"]) -> Bool[Array, " P"]:
        del action
        return jnp.arange(self.game.players) == state.player

    def listener(self, state: HanabiState) -> Int[Array, " P"]:
        return jnp.full(self.game.players, (state.player + 1) % self.game.players).astype(int)

    def own(self, steps: Step) -> Int[Array, "T P"]:
        """The speaker's next move is that of its next turn."""
        moves = steps.action
        for _ in range(self.game.players):
            moves = following(moves, steps)
        return moves

    def private(self, state: HanabiState) -> Int[Array, " P"]:
        """Of the next player's hand; with two players that is whoever hears."""
        hand = state.hands[(state.player.astype(int) + 1) % self.game.players].astype(int)
        color, rank = jnp.maximum(hand, 0) // self.game.ranks, jnp.maximum(hand, 0) % self.game.ranks
        fits = (hand >= 0) & (state.fireworks[color] == rank)
        mask = (fits * (1 << jnp.arange(self.game.hand_size))).sum()
        return jnp.full(self.game.players, mask)

    def public(self, state: HanabiState) -> Int[Array, " P"]:
        return jnp.full(self.game.players, state.information == 0).astype(int)
