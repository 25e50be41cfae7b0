"""The phone booth maze: one player knows the right exit, another can take it, and a telephone joins two booths.

Sender and receiver have a room each, a corridor with niches. The receiver must leave by the right one of two exits, one
up and one down at the far end of its room, which pays both 1 (the wrong one -0.5); only the sender is shown which it
is. Hints pass while the sender is in a booth that works and the receiver in its own; they look like booths that do not
work, and nobody is told that there is such a thing. So the channel must first be found, and then be used.

Booths may have a price for each hint, and may lose hints with a probability.

Source: Lo et al. 2023 (cheap talk discovery and utilization), section 4, figures 2 and 7 and table 4; there is no
public code. Places of booths are read off figure 2. Inferred: nothing was heard is halfway between the two hints, a
hint is heard for one step (`latched` for ever), its price is paid where it could be heard, and both pay it. Departures:
what was heard is shown as a message, 0 for up and 1 for down (there -1 and 1), with a number that says whether there
was one; the episode's end by the clock only cuts it off.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from tacit.errors import SettingError
from tacit.games.base import Game, settle
from tacit.games.channel import SILENCE, Heard, deliver, heard_space
from tacit.settings import setting
from tacit.types import Action, Bits, Discrete, Level, Outcome, Real, Spec

SENDER, RECEIVER = 0, 1
UP, DOWN, LEFT, RIGHT, WAIT, HINT_UP, HINT_DOWN = MOVES = range(7)
STEPS = np.array([(0, -1), (0, 1), (-1, 0), (1, 0), (0, 0), (0, 0), (0, 0)], np.int32)  # of x and y, by move
ROWS, CORRIDOR = 3, 1  # niches are above and below the corridor
RIGHT_EXIT, WRONG_EXIT = 1.0, -0.5  # what they pay


class BoothState(NamedTuple):
    """Where both are, and what the receiver heard last."""

    place: Int[Array, "2 2"]  # x and y of sender and receiver
    exit: Int[Array, ""]  # the right one: 0 up, 1 down
    message: Float[Array, "1"]
    received: Bool[Array, ""]
    time: Int[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class PhoneBooth(Game):
    """The maze. A level is the right exit, 0 up and 1 down.

    Places are x (from 0 on, from left to right) and y (0 above the corridor, 1 in it, 2 below).

    Raises:
        SettingError: something lies outside its room, or there is not one price and one loss for each booth.
    """

    sender_room: int = setting(
        8, "length of the sender's room", unit="cells", source="Lo et al. table 4", low=2, high=64
    )
    receiver_room: int = setting(
        4, "length of the receiver's room", unit="cells", source="Lo et al. table 4", low=2, high=64
    )
    sender_start: int = setting(4, "x at which the sender begins", source="Lo et al. table 4", low=0, high=63)
    receiver_start: int = setting(2, "x at which the receiver begins", source="Lo et al. table 4", low=0, high=63)
    booths: tuple[int, ...] = setting(
        (7, 1), "x and y of each booth that works", source="Lo et al. figure 2", low=0, high=63
    )
    price: tuple[float, ...] = setting((0.0,), "what a hint costs in each of them", source="Lo et al. table 4", low=0.0)
    loss: tuple[float, ...] = setting(
        (0.0,), "probability with which each of them loses a hint", source="Lo et al. table 4", low=0.0, high=1.0
    )
    decoys: tuple[int, ...] = setting(
        (0, 0, 2, 2), "x and y of each booth that does not work", source="Lo et al. figure 2", low=0, high=63
    )
    latched: bool = setting(False, "a hint is heard until the next one, and not for one step")
    messages: bool = setting(False, "whoever hints says a message of its own, and not up or down")
    talk: bool = setting(True, "the telephone works")
    length: int = setting(20, "steps of an episode", unit="steps", source="Lo et al. table 4", low=1, high=10**6)
    discount: float = setting(
        0.99,
        "weight of the next step against this one",
        unit="per step",
        source="Lo et al. section 4",
        low=0.0,
        high=1.0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.booths) % 2 or len(self.decoys) % 2:
            raise SettingError("booths and decoys must have an x and a y each, so an even count of numbers")
        for name, value in (("price", self.price), ("loss", self.loss)):
            if 2 * len(value) != len(self.booths):
                raise SettingError(
                    f"{name} must have a number for each of {len(self.booths) // 2} booths, got {len(value)}"
                )
        for x, y in [*_pairs(self.booths), *_pairs(self.decoys)]:
            if x >= self.sender_room or y >= ROWS:
                raise SettingError(f"a booth at x {x}, y {y} lies outside a room of {self.sender_room} by {ROWS} cells")
        if self.sender_start >= self.sender_room or self.receiver_start >= self.receiver_room:
            raise SettingError(
                f"players must begin in rooms of {self.sender_room} and {self.receiver_room} cells,"
                f" got x {self.sender_start} and {self.receiver_start}"
            )

    @property
    def width(self) -> int:
        """Columns of the grids that are shown: those of the longer room."""
        return max(self.sender_room, self.receiver_room)

    @property
    def spec(self) -> Spec:
        moves = Discrete(len(MOVES))
        action = Action(moves, Bits(1)) if self.messages else moves
        lowest = -float("inf")
        if all(isinstance(price, float) for price in self.price):  # unknown while they are traced
            lowest = min(WRONG_EXIT, -max(self.price, default=0.0))
        seen = heard_space(Real((3 * ROWS * self.width + 2,), 0.0, 1.0), 1)
        return Spec(2, seen, action, self.length, (lowest, RIGHT_EXIT))

    @property
    def open(self) -> np.ndarray:
        """Which cells of both rooms are no walls, `[2, y, x]`; none beyond a room."""
        cells = np.zeros((2, ROWS, self.width), bool)
        cells[SENDER, CORRIDOR, : self.sender_room] = cells[RECEIVER, CORRIDOR, : self.receiver_room] = True
        cells[RECEIVER, :, self.receiver_room - 1] = True  # the exits
        return cells | self.booth

    @property
    def booth(self) -> np.ndarray:
        """Which cells of both rooms are booths, `[2, y, x]`."""
        cells = np.zeros((2, ROWS, self.width), bool)
        for x, y in [*_pairs(self.booths), *_pairs(self.decoys)]:
            cells[SENDER, y, x] = True
        cells[RECEIVER, CORRIDOR, 0] = True
        return cells

    def sample_level(self, key: PRNGKeyArray) -> Int[Array, ""]:
        return jax.random.randint(key, (), 0, 2)

    def all_levels(self) -> Int[Array, "2"]:
        """Both exits; all chance is in them where no booth loses hints."""
        return jnp.arange(2)

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> BoothState:
        place = jnp.array([(self.sender_start, CORRIDOR), (self.receiver_start, CORRIDOR)], jnp.int32)
        right = self.sample_level(key) if level is None else level
        message = jnp.full(1, SILENCE, float)
        return BoothState(place, right, message, jnp.bool_(False), jnp.int32(0), jnp.bool_(False), jnp.bool_(False))

    def observe(self, state: BoothState) -> Heard:
        """Walls, booths and oneself in the own room, row after row, and the sender's exit; and what was heard."""
        x, y = state.place[:, 0, None, None], state.place[:, 1, None, None]
        row, column = np.arange(ROWS)[None, :, None], np.arange(self.width)[None, None]
        grids = jnp.stack([jnp.asarray(~self.open), jnp.asarray(self.booth), (row == y) & (column == x)], axis=1)
        right = jnp.stack([jnp.arange(2) == state.exit, jnp.zeros(2, bool)])
        view = jnp.concatenate([grids.reshape(2, -1), right], axis=1).astype(float)
        hears = jnp.array([[False], [True]]) & state.received
        return Heard(view, *deliver(state.message[None], hears))

    def step(self, key: PRNGKeyArray, state: BoothState, action: PyTree) -> tuple[BoothState, Outcome]:
        move = action.move if isinstance(action, Action) else action
        place = self._moved(state.place, move)
        chance, price = self.line(state)
        hints = (move[SENDER] == HINT_UP) | (move[SENDER] == HINT_DOWN)
        arrives = hints & jax.random.bernoulli(key, chance)
        said = action.message[SENDER] if isinstance(action, Action) else (move[SENDER] == HINT_DOWN)[None]
        message = jnp.where(arrives, said.astype(float), state.message if self.latched else SILENCE)
        received = arrives | (state.received & self.latched)
        out = place[RECEIVER, 1] != CORRIDOR
        right = place[RECEIVER, 1] == 2 * state.exit
        reward = jnp.where(out, jnp.where(right, RIGHT_EXIT, WRONG_EXIT), 0.0) - jnp.where(hints, price, 0.0)
        time = state.time + 1
        new = BoothState(place, state.exit, message, received, time, out, ~out & (time >= self.length))
        return settle(state, new, jnp.full(2, reward))

    def line(self, state: BoothState) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """The probability that a hint arrives and what it costs, where both are; 0 where no line joins them."""
        booths = jnp.array(_pairs(self.booths), jnp.int32).reshape(-1, 2)
        at = (booths == state.place[SENDER][None]).all(axis=1) & self.answered(state) & self.talk
        kept = jnp.array([1.0 - loss for loss in self.loss], float)
        return jnp.where(at, kept, 0.0).sum(), jnp.where(at, jnp.array(self.price, float), 0.0).sum()

    def answered(self, state: BoothState) -> Bool[Array, ""]:
        """Whether the receiver is in its booth."""
        return (state.place[RECEIVER] == jnp.array([0, CORRIDOR], jnp.int32)).all()

    def _moved(self, place: Int[Array, "2 2"], move: Int[Array, "2"]) -> Int[Array, "2 2"]:
        """Places after a step; who would step into a wall stays."""
        last = jnp.array([[self.width - 1, ROWS - 1]], jnp.int32)
        target = jnp.clip(place + jnp.asarray(STEPS)[move], 0, last)
        free = jnp.asarray(self.open)[jnp.arange(2), target[:, 1], target[:, 0]]
        return jnp.where(free[:, None], target, place)

    def measure(self, state: BoothState) -> dict[str, Array]:
        """Whether the receiver left."""
        return {"left": state.terminated.astype(float)}


def _pairs(numbers: tuple[int, ...]) -> list[tuple[int, int]]:
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def single() -> PhoneBooth:
    """One booth that works, at the end of a corridor, and two that do not."""
    return PhoneBooth()


def multi() -> PhoneBooth:
    """Three booths that work: one loses half of the hints, one has a price, and one, farther away, is perfect."""
    return PhoneBooth(
        sender_room=5,
        receiver_room=3,
        sender_start=3,
        receiver_start=1,
        booths=(3, 0, 4, 1, 1, 1),
        price=(0.0, 0.4, 0.0),
        loss=(0.5, 0.0, 0.0),
        decoys=(),
    )
