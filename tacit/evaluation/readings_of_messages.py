"""How games with messages are read: the referential game, the switch riddle, digits, the phone booth."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from tacit.errors import Misfit
from tacit.evaluation.message_meaning import Meaning, declared
from tacit.evaluation.readings import ByBits, Reading, bits_of, following
from tacit.evaluation.talk import NONE, Names
from tacit.games import phone_booth, referential
from tacit.games.color_digit import COLORS
from tacit.games.digit_pairs import PairState
from tacit.games.multi_step_digits import DIGITS as TEN
from tacit.games.phone_booth import BoothState
from tacit.games.referential import ReferentialState
from tacit.games.switch_riddle import RiddleState
from tacit.types import Action, Step

MOST_STATES = 2**12  # objects, as private states


class ReferentialReading(ByBits):
    """The speaker knows the target; the listener's answer is the object that it picks."""

    about = "the object that is meant"

    def names(self) -> Names:
        if self.game.objects > MOST_STATES:
            raise Misfit(f"{self.game.objects} objects are too many to audit; {MOST_STATES} are the most")
        place = self.game.values ** np.arange(self.game.attributes)
        attributes = np.arange(self.game.objects)[:, None] // place % self.game.values
        objects = tuple("object " + "-".join(map(str, row)) for row in attributes)
        messages, symbols = bits_of(self.game.bits)
        return Names(objects, ("anything",), messages, objects, (), attributes, symbols)

    def listener(self, state: ReferentialState) -> Int[Array, "2"]:
        del state
        return jnp.array([referential.LISTENER, referential.SPEAKER])

    def private(self, state: ReferentialState) -> Int[Array, "2"]:
        return jnp.full(2, state.level.candidates[state.level.target])

    def answers(self, steps: Step, listener: Int[Array, "T 2"]) -> Int[Array, "T 2"]:
        picked = super().answers(steps, listener)
        objects = jnp.take_along_axis(steps.state.level.candidates, jnp.maximum(picked, 0), axis=1)
        return jnp.where(picked == NONE, NONE, objects)

    def own(self, steps: Step) -> Int[Array, "T 2"]:
        return jnp.full(steps.action.move.shape, NONE)  # the speaker does nothing else


class RiddleReading(ByBits):
    """Who is in the room sets the switch; what it may be about is how many different prisoners have been there.

    The visitor does not know that number for sure, and who hears him knows the day, too.
    """

    about = "how many prisoners have been in the room"

    def names(self) -> Names:
        count = tuple(f"{number + 1} been there" for number in range(self.game.num_players))
        messages, symbols = bits_of(self.game.bits)
        answers = ("tells", *(f"says {message}" for message in messages))
        return Names(
            count, tuple(f"day {day + 1}" for day in range(self.game.days)), messages, answers, (), None, symbols
        )

    def speaks(self, state: RiddleState, action: Action) -> Bool[Array, " P"]:
        told = (action.move * self.game.in_room(state)).any()
        return self.game.in_room(state) & self.game.talk & ~told & (state.day < self.game.days - 1)

    def listener(self, state: RiddleState) -> Int[Array, " P"]:
        tomorrow = state.visits[jnp.minimum(state.day + 1, self.game.days - 1)]
        return jnp.full(self.game.num_players, tomorrow)

    def private(self, state: RiddleState) -> Int[Array, " P"]:
        seen = (state.seen | self.game.in_room(state)).sum()
        return jnp.full(self.game.num_players, jnp.maximum(seen - 1, 0))

    def public(self, state: RiddleState) -> Int[Array, " P"]:
        return jnp.full(self.game.num_players, state.day)

    def answers(self, steps: Step, listener: Int[Array, "T P"]) -> Int[Array, "T P"]:
        said = (steps.action.message > 0.5) * (1 << jnp.arange(self.game.bits))[None, None]
        both = jnp.where(steps.action.move > 0, 0, 1 + said.sum(-1))
        return jnp.take_along_axis(following(both, steps), listener, axis=1)

    def own(self, steps: Step) -> Int[Array, "T P"]:
        return jnp.full(steps.action.move.shape, NONE)  # he may not be there for days


class DigitReading(ByBits):
    """Each player knows its own image; the answer is what the other does at the last step."""

    about = "the own digit"
    colors = 1
    moves = TEN

    def names(self) -> Names:
        messages, symbols = bits_of(self.game.bits)
        digits = [f"digit {digit}" for digit in range(TEN)]
        states = tuple(digits if self.colors == 1 else [f"{d}, color {c}" for d in digits for c in range(self.colors)])
        attributes = np.stack([np.repeat(np.arange(TEN), self.colors), np.tile(np.arange(self.colors), TEN)], 1)
        moves = tuple(f"move {move}" for move in range(self.moves))
        steps = tuple(f"step {step + 1}" for step in range(self.game.length))
        return Names(states, steps, messages, moves, moves, attributes, symbols)

    def listener(self, state: PairState) -> Int[Array, "2"]:
        del state
        return jnp.array([1, 0])

    def private(self, state: PairState) -> Int[Array, "2"]:
        return self.game.digits(state.level)

    def public(self, state: PairState) -> Int[Array, "2"]:
        return jnp.full(2, state.time)

    def answers(self, steps: Step, listener: Int[Array, "T 2"]) -> Int[Array, "T 2"]:
        del listener
        return jnp.broadcast_to(steps.action.move[self.game.length - 1][::-1], steps.action.move.shape)


class ColorDigitReading(DigitReading):
    """The same with colored digits."""

    about = "the own digit and its color"
    colors = COLORS
    moves = 2

    def private(self, state: PairState) -> Int[Array, "2"]:
        return COLORS * self.game.digits(state.level.image) + state.level.color


class BoothReading(Reading):
    """The sender knows the exit and says up, down or nothing; the receiver's answer is the exit by which it leaves.

    Hints are declared to mean what they are called. A message of the sender's own is shown to the receiver in the same
    way, 0 for up and 1 for down, and is declared to mean that. To say nothing, where something could be heard, is a
    message, too, which claims nothing: a sender that hints in one case alone tells both.
    """

    about = "which exit is right"

    def names(self) -> Names:
        moves = ("up", "down", "left", "right", "wait", "hint up", "hint down")
        exits, said, left = ("exit up", "exit down"), ("up", "down", "nothing"), ("leaves up", "leaves down")
        return Names(exits, ("always",), said, left, moves, silence=QUIET)

    def meaning(self) -> Meaning:
        return declared(np.array([[[1, 0], [0, 1], [1, 1]]]), np.arange(3))

    def speaks(self, state: BoothState, action: Any) -> Bool[Array, "2"]:
        del action
        return jnp.array([True, False]) & (self.game.line(state)[0] > 0)

    def listener(self, state: BoothState) -> Int[Array, "2"]:
        del state
        return jnp.array([phone_booth.RECEIVER, phone_booth.SENDER])

    def private(self, state: BoothState) -> Int[Array, "2"]:
        return jnp.full(2, state.exit)

    def message(self, state: BoothState, action: Any) -> Int[Array, "2"]:
        del state
        move = self.move(action)
        said = action.message[:, 0] > 0.5 if isinstance(action, Action) else move == phone_booth.HINT_DOWN
        return jnp.where(move >= phone_booth.HINT_UP, said, QUIET).astype(int)

    def said(self, action: Any, message: Int[Array, "2"], here: Bool[Array, "2"]) -> Any:
        move, hint = self.move(action), message < QUIET
        hints = move >= phone_booth.HINT_UP
        move = jnp.where(here & hint & ~hints, phone_booth.HINT_UP, move)
        move = jnp.where(here & ~hint & hints, phone_booth.WAIT, move)
        if isinstance(action, Action):
            bit = jnp.where((here & hint)[:, None], message[:, None] == 1, action.message > 0.5)
            return Action(move, bit.astype(float))
        return jnp.where(here & hint, phone_booth.HINT_UP + message, move)

    def answers(self, steps: Step, listener: Int[Array, "T 2"]) -> Int[Array, "T 2"]:
        y = steps.next_state.place[-1, phone_booth.RECEIVER, 1]
        left = jnp.where(y == phone_booth.CORRIDOR, NONE, y // 2)
        return jnp.full(listener.shape, left)


QUIET = 2  # the message of a sender that could be heard and does not hint
