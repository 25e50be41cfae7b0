"""Color-digit: two players see a written digit in one of two colors, send one bit each, and then choose one bit each.

With the digit d and color c of each, and the players' choices a, both get r1 + r2:

    r1 = 2 (-1)^(a1 + c1 + d2) + (-1)^(a1 + d1 + c2),        r2 = 2 (-1)^(a2 + c2 + d1) + (-1)^(a2 + d2 + c1)

So what one must say is the parity of its digit, which is worth 4; its color, which is easier to see, is worth 2; and
without messages there is nothing to earn.

Source: Foerster et al. 2016, section 6.3, and the public code (iassael/learning-to-communicate, ColorDigit.lua).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from tacit.games.channel import Heard, heard_space
from tacit.games.digit_pairs import PLAYERS, DigitPair, PairState
from tacit.types import Action, Bits, Discrete, Real, Spec

COLORS = 2
BEST = 4.0  # what both together earn on average who say their parities: nobody can earn more


class ColoredImages(NamedTuple):
    """A level: the numbers of both players' images, and their colors."""

    image: Int[Array, "2"]
    color: Int[Array, "2"]


class ColorDigit(DigitPair):
    """The game. A player sees two planes of pixels; its image is in that of its color, and the other is 0."""

    @property
    def spec(self) -> Spec:
        plane = self.images.pixels.shape[1:]
        seen = heard_space(Real((COLORS, *plane), 0.0, 1.0), self.bits)
        return Spec(PLAYERS, seen, Action(Discrete(2), Bits(self.bits)), self.length, (-6.0, 6.0))

    def sample_level(self, key: PRNGKeyArray) -> ColoredImages:
        image_key, color_key = jax.random.split(key)
        return ColoredImages(self.drawn(image_key), jax.random.randint(color_key, (PLAYERS,), 0, COLORS))

    def observe(self, state: PairState) -> Heard:
        plane = state.level.color[:, None] == jnp.arange(COLORS)[None]
        picture = self.pictures(state.level.image)
        return self.heard(state, jnp.where(plane[:, :, None, None], picture[:, None], 0.0))

    def pays(self, level: ColoredImages, move: Int[Array, "2"]) -> Float[Array, ""]:
        digit, color = self.digits(level.image), level.color
        strong = move + color + digit[::-1]
        weak = move + digit + color[::-1]
        return jnp.sum(2.0 * _sign(strong) + _sign(weak))


def _sign(number: Int[Array, "2"]) -> Float[Array, "2"]:
    """(-1)^number."""
    return 1.0 - 2.0 * (number & 1).astype(float)


def color_digit() -> ColorDigit:
    """Color-digit with the 8x8 digits."""
    return ColorDigit()
