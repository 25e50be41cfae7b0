"""Fruit choice: which of two fruits is right is never shown, and so it matters which levels one learns on.

At the end of a row of rooms lie an apple and a banana. On an apple level the apple pays `apple` and the banana nothing;
on a banana level the banana pays `banana` and the apple nothing. Eating ends the episode. Apple levels come with the
probability `apple_right`: that is the ground truth of what the levels leave to chance (the aleatoric parameter), and a
curriculum that prefers some levels to others distorts it. To an agent that knows nothing else the apple is worth
`apple_right` `apple`, and the banana (1 - `apple_right`) `banana`.

The way there must be learned, too. Doors between rooms are locked: standing at one, a kick opens it half the time; a
kick anywhere else costs health. `TwoFruits` is the last decision alone, whose values as a game are known exactly.

Source: Jiang et al. 2022 (SAMPLR), section on stochastic fruit choice, in MiniHack. Neither its rules nor its numbers
could be checked against the text; the rooms of 3 by 3 cells and all numbers here are this game's own.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tacit.errors import SettingError
from tacit.games.base import Game, settle
from tacit.games.coin import below
from tacit.settings import setting
from tacit.types import Discrete, Level, Outcome, Real, Spec

APPLE, BANANA = 0, 1  # also which fruit is right, and the arms of `TwoFruits`
NOTHING = 2  # was eaten
ACTIONS = ("north", "south", "east", "west", "kick", "eat")
NORTH, SOUTH, EAST, WEST, KICK, EAT = range(len(ACTIONS))
SIDE = 3  # cells of a room in a row
CELLS = SIDE * SIDE
START = 3  # the cell where an episode begins: the west end of the middle row


class FruitLevel(NamedTuple):
    """A row of rooms. Cells are numbered row by row.

    Attributes:
        rooms: how many there are.
        doors: the row of each room's door to the east; those of the last room and beyond lead nowhere.
        fruits: the cells of apple and banana in the last room.
        right: which fruit pays.
    """

    rooms: Int[Array, ""]
    doors: Int[Array, " most"]
    fruits: Int[Array, "2"]
    right: Int[Array, ""]


class FruitState(NamedTuple):
    """An episode: the level, where the agent is, whether this room's door is open, and what was eaten."""

    level: FruitLevel
    room: Int[Array, ""]
    cell: Int[Array, ""]
    open: Bool[Array, ""]
    health: Int[Array, ""]
    eaten: Int[Array, ""]
    time: Int[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class Fruit(Game):
    """What both forms of the choice have in common: payoffs, the ground truth, and beliefs about it."""

    apple_right: float = setting(0.7, "probability that the apple is right", low=0.0, high=1.0)
    apple: float = setting(3.0, "what the right apple pays", low=0.0)
    banana: float = setting(5.0, "what the right banana pays", low=0.0)

    @property
    def truncates(self) -> bool:
        """Running out of time is an end by the rules."""
        return False

    @property
    def _range(self) -> tuple[float, float]:
        known = isinstance(self.apple, float) and isinstance(self.banana, float)  # unless they are traced
        return (0.0, max(self.apple, self.banana)) if known else (-float("inf"), float("inf"))

    def drawn(self, key: PRNGKeyArray) -> Int[Array, ""]:
        """Which fruit is right, by the ground truth. The key is consumed."""
        return jnp.where(jax.random.uniform(key) < self.apple_right, jnp.int32(APPLE), BANANA)

    def paid(self, eaten: Int[Array, ""], right: Int[Array, ""]) -> Float[Array, ""]:
        """What eating pays where this fruit is right."""
        worth = jnp.where(right == APPLE, self.apple, self.banana)
        return jnp.where(eaten == right, worth, 0.0)

    def best(self, level: Level, discount: Any = 1.0) -> Float[Array, ""]:
        """The highest return that a level allows to an agent that knows which fruit is right, the way not counted."""
        del discount
        return self.paid(level.right, level.right)

    def measure_level(self, level: Level) -> dict[str, Array]:
        """Whether the apple is right."""
        return {"apple_right": (level.right == APPLE).astype(float)}

    def measure(self, state: Any) -> dict[str, Array]:
        """Whether the apple was eaten, and whether the banana was."""
        return {name: (state.eaten == fruit).astype(float) for name, fruit in (("apple", APPLE), ("banana", BANANA))}

    def hidden(self, state: Any, player: int | Int[Array, ""]) -> Int[Array, ""]:
        """Which fruit is right."""
        del player
        return state.level.right

    def with_hidden(self, state: Any, player: int | Int[Array, ""], hidden: Int[Array, ""]) -> Any:
        del player
        return state._replace(level=state.level._replace(right=hidden))

    def sample_hidden(self, key: PRNGKeyArray, state: Any, player: int | Int[Array, ""]) -> Int[Array, ""]:
        """A draw from the exact belief: as nothing tells which fruit is right before the end, from the ground truth."""
        del state, player
        return self.drawn(key)


class FruitChoice(Fruit):
    """Fruit choice at the end of a row of rooms.

    Raises:
        SettingError: there are fewer rooms at most than at least.
    """

    rooms: int = setting(8, "most rooms of a level", unit="rooms", source="SAMPLR, as remembered", low=1, high=64)
    fewest: int = setting(1, "fewest rooms of a level; every number up to the most is equally likely", low=1, high=64)
    health: int = setting(10, "kicks elsewhere than at a door that end the episode", unit="kicks", low=1)
    length: int = setting(150, "steps of an episode", unit="steps", low=1, high=10**6)
    discount: float = setting(0.995, "weight of the next step against this one", unit="per step", low=0.0, high=1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.fewest > self.rooms:
            raise SettingError(f"fewest must be <= rooms ({self.rooms}), got {self.fewest}")

    @property
    def spec(self) -> Spec:
        return Spec(1, Real((SIDE + 3 * CELLS + 4,), 0.0, 1.0), Discrete(len(ACTIONS)), self.length, self._range)

    @property
    def held_out(self) -> "FruitChoice":
        """The longest row alone."""
        return dataclasses.replace(self, fewest=self.rooms)

    def sample_level(self, key: PRNGKeyArray) -> FruitLevel:
        right_key, key = jax.random.split(key)
        words = jax.random.bits(key, (self.rooms + 3,))
        apple, banana = below(words[1], CELLS), below(words[2], CELLS - 1)
        fruits = jnp.stack([apple, banana + (banana >= apple).astype(jnp.int32)])  # on different cells
        rooms = self.fewest + below(words[0], self.rooms - self.fewest + 1)
        return FruitLevel(rooms, below(words[3:], SIDE), fruits, self.drawn(right_key))

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> FruitState:
        on: FruitLevel = self.sample_level(key) if level is None else level
        no, none = jnp.bool_(False), jnp.int32(0)
        return FruitState(on, none, jnp.int32(START), no, jnp.int32(self.health), jnp.int32(NOTHING), none, no, no)

    def observe(self, state: FruitState) -> Float[Array, "1 34"]:
        cells, level, last = jnp.arange(CELLS), state.level, self._last(state)
        door = (jnp.arange(SIDE) == level.doors[state.room]) & ~last
        fruits = (cells[None] == level.fruits[:, None]) & last
        flags = jnp.concatenate([cells == state.cell, door, fruits.ravel(), jnp.stack([state.open, last])])
        left = jnp.stack([state.health.astype(float) / self.health, state.time.astype(float) / self.length])
        return jnp.concatenate([flags.astype(float), left])[None]

    def step(self, key: PRNGKeyArray, state: FruitState, action: Int[Array, "1"]) -> tuple[FruitState, Outcome]:
        move, level, last = action[0], state.level, self._last(state)
        x, y = jax.lax.rem(state.cell, jnp.int32(SIDE)), jax.lax.div(state.cell, jnp.int32(SIDE))
        at_door = ~last & (x == SIDE - 1) & (y == level.doors[state.room])
        kicks, passes = move == KICK, (move == EAST) & at_door & state.open
        to_x = x + (move == EAST).astype(jnp.int32) - (move == WEST).astype(jnp.int32)
        to_y = y + (move == SOUTH).astype(jnp.int32) - (move == NORTH).astype(jnp.int32)
        to_x, to_y = jnp.where(passes, 0, jnp.clip(to_x, 0, SIDE - 1)), jnp.clip(to_y, 0, SIDE - 1)
        gives_way = (jax.random.bits(key) & 1) > 0
        health = state.health - (kicks & ~at_door).astype(jnp.int32)
        found = (move == EAT) & last & (state.cell == level.fruits)
        eaten = jnp.where(found[APPLE], APPLE, jnp.where(found[BANANA], BANANA, NOTHING))
        time = state.time + 1
        new = FruitState(
            level,
            state.room + passes.astype(jnp.int32),
            to_y * SIDE + to_x,
            (state.open | (kicks & at_door & gives_way)) & ~passes,
            health,
            eaten,
            time,
            found.any() | (health <= 0) | (time >= self.length),
            jnp.bool_(False),
        )
        return settle(state, new, self.paid(eaten, level.right)[None])

    def measure_level(self, level: FruitLevel) -> dict[str, Array]:
        """Whether the apple is right, and how many rooms there are."""
        return super().measure_level(level) | {"rooms": level.rooms.astype(float)}

    def measure(self, state: FruitState) -> dict[str, Array]:
        """Which fruit was eaten, and the share of doors that were passed or, where there was none, 1."""
        doors = jnp.maximum(state.level.rooms - 1, 1).astype(float)
        passed = jnp.where(state.level.rooms > 1, state.room.astype(float) / doors, 1.0)
        return super().measure(state) | {"doors_passed": passed}

    def _last(self, state: FruitState) -> Bool[Array, ""]:
        return state.room == state.level.rooms - 1


class TwoFruitsLevel(NamedTuple):
    """All there is to a level of the last decision alone: which fruit pays."""

    right: Int[Array, ""]


class TwoFruitsState(NamedTuple):
    """An episode of one choice."""

    level: TwoFruitsLevel
    eaten: Int[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class TwoFruits(Fruit):
    """The last decision alone: one of two actions, apple or banana, and nothing to see."""

    discount: float = setting(1.0, "weight of the next step against this one; there is none", low=0.0, high=1.0)

    @property
    def spec(self) -> Spec:
        return Spec(1, Real((1,), 0.0, 1.0), Discrete(2), 1, self._range)

    def sample_level(self, key: PRNGKeyArray) -> TwoFruitsLevel:
        return TwoFruitsLevel(self.drawn(key))

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> TwoFruitsState:
        on: TwoFruitsLevel = self.sample_level(key) if level is None else level
        return TwoFruitsState(on, jnp.int32(NOTHING), jnp.bool_(False), jnp.bool_(False))

    def observe(self, state: TwoFruitsState) -> Float[Array, "1 1"]:
        del state
        return jnp.ones((1, 1))

    def step(self, key: PRNGKeyArray, state: TwoFruitsState, action: Int[Array, "1"]) -> tuple[TwoFruitsState, Outcome]:
        del key
        eaten = action[0].astype(jnp.int32)
        new = TwoFruitsState(state.level, eaten, jnp.bool_(True), jnp.bool_(False))
        return settle(state, new, self.paid(eaten, state.level.right)[None])


class RegretGame(NamedTuple):
    """The solution of the game of a student that minimizes regret and a teacher that maximizes it.

    Attributes:
        student: probability that the student eats the apple.
        teacher: probability that the teacher's level is an apple level.
        regret: the value of the game, R_A R_B / (R_A + R_B).
    """

    student: float
    teacher: float
    regret: float


def regret_game(apple: float, banana: float) -> RegretGame:
    """Solved exactly: with p the probability of the apple, regret is R_A (1 - p) on apple levels and R_B p on others.

    Both are equal at p = R_A / (R_A + R_B); the student is indifferent where R_A P(apple level) = R_B P(banana level).
    """
    both = apple + banana
    return RegretGame(apple / both, banana / both, apple * banana / both)


def grounded_return(game: Any, apple: Any, banana: Any) -> Any:
    """Expected return, under the ground truth, of who eats the apple and the banana with these probabilities."""
    return game.apple_right * game.apple * apple + (1 - game.apple_right) * game.banana * banana


def fruit_choice() -> FruitChoice:
    """Up to eight rooms, and payoffs under which the apple is better: 0.7 x 3 against 0.3 x 5."""
    return FruitChoice()


def two_fruits() -> TwoFruits:
    """The same payoffs, and nothing but the choice."""
    return TwoFruits()
