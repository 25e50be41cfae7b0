"""The switch riddle: n prisoners, one room with a switch, and one of them must say when all have been there.

Every day one prisoner is drawn, with replacement, and led into the room. He sees how the last visitor left the switch
(a message of one bit), sets it anew, and may tell that all have been in the room: everybody is then paid 1 if that is
so, and -1 if not, and it is over. After the last day it is over, too, and pays nothing. Nobody outside sees or does
anything, and nobody is told the date (who can count knows it).

With n = 3 one bit is enough: "two different prisoners have been here". `tacit.evaluation.switch_riddle` has exact
values.

Source: Foerster et al. 2016, section 6.2, and the public code (iassael/learning-to-communicate, Switch.lua), whose
horizon is 4 n - 6 days.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tacit.errors import SettingError
from tacit.games.base import Game, settle
from tacit.games.channel import MOST_BITS, SILENCE, Heard, deliver, heard_space
from tacit.settings import setting
from tacit.types import Action, Bits, Discrete, Level, Outcome, Real, Spec

NONE, TELL = 0, 1  # moves
MOST_LISTED = 4096  # sequences of visits


class RiddleState(NamedTuple):
    """The riddle on some day. Who is led into the room on which day is drawn at the beginning, and nobody knows it."""

    visits: Int[Array, " T"]
    seen: Bool[Array, " P"]  # who has been in the room before today
    switch: Float[Array, " n"]  # as the last visitor left it
    day: Int[Array, ""]  # from 0
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class SwitchRiddle(Game):
    """The riddle for any number of prisoners. A level is who visits the room on each day, `[T]`.

    Raises:
        SettingError: there are fewer days than prisoners, so that nobody could ever truly tell.
    """

    num_players: int = setting(3, "prisoners", unit="players", source="DIAL section 6.2", low=2, high=64)
    length: int = setting(0, "days of an episode; 0 for 4 n - 6", unit="days", source="Switch.lua", low=0, high=1000)
    bits: int = setting(1, "width of a message", unit="bits", source="DIAL section 6.2", low=1, high=MOST_BITS)
    talk: bool = setting(True, "messages arrive; otherwise nobody ever sees the switch")
    discount: float = setting(
        1.0, "weight of the next day against this one", unit="per day", source="DIAL section 6.2", low=0.0, high=1.0
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.days < self.num_players:
            raise SettingError(
                f"length must be at least the {self.num_players} days in which all can visit the room, got {self.days}"
            )

    @property
    def days(self) -> int:
        """T, the horizon."""
        return self.length or 4 * self.num_players - 6

    @property
    def truncates(self) -> bool:
        return False

    @property
    def spec(self) -> Spec:
        seen = heard_space(Real((1,), 0.0, 1.0), self.bits)
        return Spec(self.num_players, seen, Action(Discrete(2), Bits(self.bits)), self.days, (-1.0, 1.0))

    def sample_level(self, key: PRNGKeyArray) -> Int[Array, " T"]:
        return jax.random.randint(key, (self.days,), 0, self.num_players)

    def all_levels(self) -> Int[Array, "N T"] | None:
        """Every sequence of visits, where there are few."""
        count = self.num_players**self.days
        if count > MOST_LISTED:
            return None
        place = self.num_players ** jnp.arange(self.days - 1, -1, -1)
        return (jnp.arange(count)[:, None] // place[None] % self.num_players).astype(jnp.int32)

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> RiddleState:
        visits = self.sample_level(key) if level is None else level
        never = jnp.zeros(self.num_players, bool)
        switch = jnp.full(self.bits, SILENCE, float)
        return RiddleState(visits, never, switch, jnp.int32(0), jnp.bool_(False), jnp.bool_(False))

    def in_room(self, state: RiddleState) -> Bool[Array, " P"]:
        """Who is in the room today."""
        today = jnp.arange(self.days) == jnp.minimum(state.day, self.days - 1)  # mapped, indexing would be slower
        return jnp.arange(self.num_players) == jnp.where(today, state.visits, 0).sum(dtype=jnp.int32)

    def observe(self, state: RiddleState) -> Heard:
        """A view of one number: 1 in the room, 0 outside."""
        inside = self.in_room(state)[:, None]
        hears = inside & (state.day > 0) & self.talk
        return Heard(inside.astype(float), *deliver(state.switch[None], hears))

    def legal(self, state: RiddleState) -> Action:
        """Only who is in the room may tell, and sets the switch."""
        inside = self.in_room(state)[:, None]
        return Action(jnp.concatenate([jnp.ones_like(inside), inside], axis=1), inside)

    def step(self, key: PRNGKeyArray, state: RiddleState, action: Action) -> tuple[RiddleState, Outcome]:
        del key
        inside = self.in_room(state)
        seen = state.seen | inside
        told = jnp.any(inside & (action.move == TELL))
        reward = jnp.where(told, jnp.where(seen.all(), 1.0, -1.0), 0.0)
        switch = jnp.where(inside[:, None], action.message.astype(float), 0.0).sum(axis=0)
        day = state.day + 1
        new = RiddleState(state.visits, seen, switch, day, told | (day >= self.days), jnp.bool_(False))
        return settle(state, new, jnp.full(self.num_players, reward))

    def measure(self, state: RiddleState) -> dict[str, Array]:
        """Whether all had been in the room when it ended, and after how many days that was."""
        return {"all_visited": state.seen.all().astype(float), "days": state.day.astype(float)}


def switch_riddle() -> SwitchRiddle:
    """Three prisoners, six days, one bit."""
    return SwitchRiddle()
