"""How games are read for what is said in them: who says something, to whom, what about, and what is done upon it.

A `Reading` is one game's answers to that. `READINGS` names them as text, by the class of the game: those of messages,
and those of moves that others see (`--channel actions`). An answer is given for all P players of one state at once; the
functions are pure and are compiled with the game's play.
"""

import abc
import dataclasses
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from tacit.errors import Misfit
from tacit.evaluation.message_meaning import Meaning
from tacit.evaluation.talk import NONE, Names
from tacit.games.base import Game
from tacit.games.wired import Wired
from tacit.registry import Entry, load
from tacit.types import Action, Settings, State, Step

NOTHING_PRIVATE = "nothing"  # what the private state is where no player knows what the other does not
CHANNELS = ("messages", "actions")
READINGS: dict[str, dict[str, Entry]] = {
    "messages": {
        "Referential": Entry("tacit.evaluation.readings_of_messages:ReferentialReading", "which object is meant"),
        "SwitchRiddle": Entry("tacit.evaluation.readings_of_messages:RiddleReading", "how many have been in the room"),
        "ColorDigit": Entry("tacit.evaluation.readings_of_messages:ColorDigitReading", "the own digit and its color"),
        "MultiStepDigits": Entry("tacit.evaluation.readings_of_messages:DigitReading", "the own digit"),
        "Witness": Entry("tacit.evaluation.readings_of_moves:WitnessReading", "the object that is seen"),
        "PhoneBooth": Entry("tacit.evaluation.readings_of_messages:BoothReading", "which exit is right"),
    },
    "actions": {
        "TwoStepGame": Entry("tacit.evaluation.readings_of_moves:OpeningReading", "the opener's card"),
        "LeverGame": Entry("tacit.evaluation.readings_of_moves:LeverReading", "nothing private"),
        "MatrixGame": Entry("tacit.evaluation.readings_of_moves:MatrixReading", "nothing private"),
        "HanabiGame": Entry(
            "tacit.evaluation.readings_of_moves:HanabiReading", "which cards of the listener can be played"
        ),
    },
}


class Reading(Settings, abc.ABC):
    """How one kind of game is read.

    Attributes:
        game: the game.
        about: what the private state is, in words.
        settable: whether another message can be put in the place of one in the middle of play.
        mute: whether a message can be taken away, so that nothing arrives.
    """

    game: Any = dataclasses.field(metadata={"traced": True})
    about: ClassVar[str]
    settable: ClassVar[bool] = True
    mute: ClassVar[bool] = True

    @property
    def acts(self) -> bool:
        """Whether a message is a move that does something beside being seen."""
        return False

    @abc.abstractmethod
    def names(self) -> Names:
        """What the numbers below stand for."""

    def meaning(self) -> Meaning | None:
        """What the game declares its messages to mean."""
        return None

    @abc.abstractmethod
    def speaks(self, state: State, action: Any) -> Bool[Array, " P"]:
        """Who says something that somebody will hear."""

    @abc.abstractmethod
    def listener(self, state: State) -> Int[Array, " P"]:
        """Who hears each player."""

    @abc.abstractmethod
    def private(self, state: State) -> Int[Array, " P"]:
        """What each player knows, if it speaks, that its listener does not."""

    def public(self, state: State) -> Int[Array, " P"]:
        """What both know."""
        del state
        return jnp.zeros(self.game.spec.num_players, int)

    @abc.abstractmethod
    def message(self, state: State, action: Any) -> Int[Array, " P"]:
        """The number of what each player says."""

    @abc.abstractmethod
    def said(self, action: Any, message: Int[Array, " P"], here: Bool[Array, " P"]) -> Any:
        """The joint action with other messages `here`; M, the number of messages, is to say nothing."""

    def move(self, action: Any) -> Int[Array, "*T P"]:
        """What each player does, messages apart, at one step or at several."""
        return action.move if isinstance(action, Action) else action

    def answers(self, steps: Step, listener: Int[Array, "T P"]) -> Int[Array, "T P"]:
        """What the listener of each message did upon it, from a whole episode, leaves `[T, ...]`.

        Its next move, unless a game says otherwise.
        """
        return jnp.take_along_axis(following(self.move(steps.action), steps), listener, axis=1)

    def own(self, steps: Step) -> Int[Array, "T P"]:
        """What the speaker of each message did next itself: its next move, unless a game says otherwise."""
        return following(self.move(steps.action), steps)


class ByBits(Reading):
    """Games whose messages are bits, the second head of an action, heard by others at the next step."""

    def message(self, state: State, action: Action) -> Int[Array, " P"]:
        del state
        sent = action.message > 0.5
        return (sent * (1 << jnp.arange(sent.shape[-1]))[None]).sum(-1)

    def said(self, action: Action, message: Int[Array, " P"], here: Bool[Array, " P"]) -> Action:
        bits = (message[:, None] >> jnp.arange(action.message.shape[-1])[None]) & 1
        return action._replace(message=jnp.where(here[:, None], bits.astype(float), action.message))

    def speaks(self, state: State, action: Any) -> Bool[Array, " P"]:
        del action
        return self.game.legal(state).message[:, 0] & self.game.talk


def following(moves: Int[Array, "T P"], steps: Step) -> Int[Array, "T P"]:
    """What is done at the next step of an episode; `NONE` where there is none."""
    over = jnp.logical_or(steps.state.terminated, steps.state.truncated)
    last = jnp.concatenate([over[1:], jnp.ones_like(over[:1])])
    return jnp.where(last[:, None], NONE, jnp.roll(moves, -1, axis=0)).astype(int)


def bits_of(bits: int) -> tuple[tuple[str, ...], np.ndarray]:
    """The names of all messages of so many bits, their first bit first, and their symbols `[M, bits]`."""
    symbols = np.arange(2**bits)[:, None] >> np.arange(bits) & 1
    return tuple("".join(map(str, row)) for row in symbols), symbols


def reading_of(game: Game, channel: str) -> Reading:
    """How a game is read.

    Raises:
        Misfit: its players neither send messages nor, for the channel "actions", see each other's moves.
    """
    if isinstance(game, Wired):
        raise Misfit("its players talk in real numbers, and an audit reads bits, hints and moves")
    kinds = [kind.__name__ for kind in type(game).__mro__]
    for name in kinds:
        if name in READINGS[channel]:
            return load("reading", READINGS[channel], name)(game)
    other = next(each for each in CHANNELS if each != channel)
    if any(name in READINGS[other] for name in kinds):
        raise Misfit(f"{kinds[0]} has nothing to read in channel {channel}; audit it with --channel {other}")
    known = ", ".join(name for table in READINGS.values() for name in table)
    raise Misfit(f"players of {kinds[0]} have neither messages nor moves that an audit can read (it reads {known})")
