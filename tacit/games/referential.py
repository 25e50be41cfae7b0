"""A referential game: a speaker sees an object and sends a message; a listener picks the object from several.

There are values^attributes objects, each described by one value of each attribute. The speaker sees the target, says
`bits` bits, and the listener sees the target among so many candidates, all different and in random order, and picks
one: both are paid 1 if it is the target. Where all objects are candidates this is Lewis' signaling game.

With M = 2^bits messages the best that can be done is to say in which of M equal classes the target is. The value is
the mean number of different classes among the candidates, divided by their number (`best`).

Source: Lewis 1969 (signaling); Lazaridou et al. 2017 (referential games). Departures: two steps, as a message is heard
at the step after it was said.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tacit.errors import SettingError
from tacit.games.base import Game, settle
from tacit.games.channel import MOST_BITS, SILENCE, Heard, deliver, heard_space
from tacit.settings import setting
from tacit.types import Action, Bits, Discrete, Level, Outcome, Real, Spec

SPEAKER, LISTENER = 0, 1
MOST = 2**16  # objects


class Pick(NamedTuple):
    """A level: the objects to choose from, and which of them is meant."""

    candidates: Int[Array, " C"]
    target: Int[Array, ""]


class ReferentialState(NamedTuple):
    """What there is to choose from, and what was said."""

    level: Pick
    said: Float[Array, " n"]
    time: Int[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class Referential(Game):
    """The game, in two steps: the speaker speaks, and the listener picks. Who is not on turn can only make move 0.

    Raises:
        SettingError: there are more candidates than objects, or too many objects.
    """

    attributes: int = setting(2, "attributes of an object", unit="attributes", low=1, high=16)
    values: int = setting(4, "values of each attribute", unit="values", low=2, high=256)
    candidates: int = setting(4, "objects to choose from", unit="objects", low=2, high=1024)
    bits: int = setting(4, "width of the message", unit="bits", low=1, high=MOST_BITS)
    talk: bool = setting(True, "the message arrives")
    discount: float = setting(1.0, "weight of the next step against this one", unit="per step", low=0.0, high=1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.candidates <= self.objects <= MOST:
            raise SettingError(
                f"objects must be at least the {self.candidates} candidates and at most {MOST},"
                f" got {self.values}^{self.attributes} = {self.objects}"
            )

    @property
    def objects(self) -> int:
        """N."""
        return self.values**self.attributes

    @property
    def best(self) -> float:
        """What best play earns: the mean number of classes among the candidates, divided by their number."""
        classes = 2**self.bits if self.talk else 1
        small, larger = divmod(self.objects, classes)  # classes as equal as can be; some may have no object
        sizes = [(small, classes - larger), (small + 1, larger)]
        every = math.comb(self.objects, self.candidates)
        hit = sum(n * (every - math.comb(self.objects - size, self.candidates)) for size, n in sizes if n)
        return hit / every / self.candidates

    @property
    def truncates(self) -> bool:
        return False

    @property
    def spec(self) -> Spec:
        seen = heard_space(Real((self.candidates, self.attributes * self.values), 0.0, 1.0), self.bits)
        return Spec(2, seen, Action(Discrete(self.candidates), Bits(self.bits)), 2, (0.0, 1.0))

    def sample_level(self, key: PRNGKeyArray) -> Pick:
        object_key, target_key = jax.random.split(key)
        among = jax.random.permutation(object_key, self.objects)[: self.candidates].astype(jnp.int32)
        return Pick(among, jax.random.randint(target_key, (), 0, self.candidates))

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> ReferentialState:
        pick = self.sample_level(key) if level is None else level
        said = jnp.full(self.bits, SILENCE, float)
        return ReferentialState(Pick(*pick), said, jnp.int32(0), jnp.bool_(False), jnp.bool_(False))

    def described(self, number: Int[Array, "*n"]) -> Float[Array, "*n m"]:
        """Objects of these numbers as values of their attributes, one-hot, attribute after attribute."""
        place = jnp.array([self.values**i for i in range(self.attributes)], jnp.int32)
        value = number[..., None] // place.reshape(*[1] * number.ndim, -1) % self.values
        return jax.nn.one_hot(value, self.values).reshape(*number.shape, -1)

    def observe(self, state: ReferentialState) -> Heard:
        """The speaker sees the target in the first row and nothing in the others, the listener all candidates."""
        objects = self.described(state.level.candidates)
        first = jnp.arange(self.candidates)[:, None] == 0
        target = jnp.where(first, objects[state.level.target][None], 0.0)
        hears = jnp.array([[False], [True]]) & (state.time > 0) & self.talk
        return Heard(jnp.stack([target, objects]), *deliver(state.said[None], hears))

    def legal(self, state: ReferentialState) -> Action:
        picks = jnp.array([[False], [True]]) & (state.time > 0)
        wait = jnp.arange(self.candidates)[None] == 0
        return Action(picks | wait, jnp.array([[True], [False]]) & (state.time == 0))

    def step(self, key: PRNGKeyArray, state: ReferentialState, action: Action) -> tuple[ReferentialState, Outcome]:
        del key
        over = state.time > 0
        found = over & (action.move[LISTENER] == state.level.target)
        said = action.message[SPEAKER].astype(float)
        new = ReferentialState(state.level, said, state.time + 1, over, jnp.bool_(False))
        return settle(state, new, jnp.full(2, found.astype(float)))


def referential() -> Referential:
    """One of four candidates, of sixteen objects with two attributes; four bits are enough to name each."""
    return Referential()
