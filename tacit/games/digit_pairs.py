"""What games of two players who see a written digit each have in common: images, messages, and when they arrive."""

import abc
import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tacit.games.base import Game, settle
from tacit.games.channel import MOST_BITS, SILENCE, Heard, deliver, others
from tacit.games.digit_images import PARTS, Images, images
from tacit.settings import setting
from tacit.types import Action, Level, Outcome

PLAYERS = 2


class PairState(NamedTuple):
    """Two digits and what was said last."""

    level: Level
    said: Float[Array, "2 n"]
    time: Int[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class DigitPair(Game):
    """Two players see a written digit each and send messages; what they do at the last step pays both alike.

    Images of one's own are read when the game is made. Both players' messages of a step reach the other at the next
    one; those of the last step reach nobody.

    Raises:
        InputError: the images cannot be read.
    """

    length: int = setting(2, "steps of an episode", unit="steps", source="DIAL section 6.3", low=2, high=100)
    bits: int = setting(1, "width of a message", unit="bits", source="DIAL section 6.3", low=1, high=MOST_BITS)
    talk: bool = setting(True, "messages arrive")
    data: str = setting("", "folder with MNIST's IDX files; the 8x8 digits of scikit-learn where none is named")
    part: str = setting("training", "which of the images are drawn", choices=PARTS)
    discount: float = setting(1.0, "weight of the next step against this one", unit="per step", low=0.0, high=1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.data:  # the small ones are read when they are needed, and not on the way to a game with other images
            images(self.data, self.part)

    @property
    def images(self) -> Images:
        """The images that are drawn from."""
        return images(self.data, self.part)

    @property
    def held_out(self) -> "DigitPair":
        """The same game with the images that are not drawn while players learn."""
        return dataclasses.replace(self, part="unseen")

    @property
    def truncates(self) -> bool:
        return False

    def drawn(self, key: PRNGKeyArray) -> Int[Array, "2"]:
        """Numbers of two images, each as likely as any other. The key is consumed."""
        return jax.random.randint(key, (PLAYERS,), 0, len(self.images.digit))

    def digits(self, number: Int[Array, "2"]) -> Int[Array, "2"]:
        """What images of these numbers show."""
        return jnp.asarray(self.images.digit)[number].astype(int)

    def pictures(self, number: Int[Array, "2"]) -> Float[Array, "2 rows columns"]:
        """The images of these numbers, from 0 to 1."""
        pixels = jnp.asarray(self.images.pixels)[number]
        return pixels.astype(float) * np.float32(1 / self.images.brightest)

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> PairState:
        level = self.sample_level(key) if level is None else level
        said = jnp.full((PLAYERS, self.bits), SILENCE, float)
        return PairState(level, said, jnp.int32(0), jnp.bool_(False), jnp.bool_(False))

    def heard(self, state: PairState, view: Float[Array, "2 ..."]) -> Heard:
        """What the players observe, given what they see."""
        return Heard(view, *deliver(state.said, others(PLAYERS) & (state.time > 0) & self.talk))

    def legal(self, state: PairState) -> Action:
        """Every move is allowed at every step; only what is said before the last step can be heard."""
        speak = jnp.full((PLAYERS, 1), state.time < self.length - 1)
        return Action(jnp.ones((PLAYERS, self.spec.action.move.n), bool), speak)

    def step(self, key: PRNGKeyArray, state: PairState, action: Action) -> tuple[PairState, Outcome]:
        del key
        time = state.time + 1
        over = time >= self.length
        paid = jnp.where(over, self.pays(state.level, action.move), 0.0)
        new = PairState(state.level, action.message.astype(float), time, over, jnp.bool_(False))
        return settle(state, new, jnp.full(PLAYERS, paid))

    @abc.abstractmethod
    def pays(self, level: Level, move: Int[Array, "2"]) -> Float[Array, ""]:
        """What each of both is paid for the moves of the last step."""
