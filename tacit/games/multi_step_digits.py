"""Multi-step digits: two players see a written digit each and must name the other's after a few messages.

At every step each sends a message, and names a digit. Only what is named at the last step counts: both get one half for
each who named the other's digit. Four bits are more than the log2(10) = 3.32 that ten digits need: in five steps of one
bit (the fifth comes too late to be heard), or two steps of four.

Source: Foerster et al. 2016, section 6.3, and the public code (iassael/learning-to-communicate, ColorDigit.lua, level
"many_bits").
"""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from tacit.games.channel import MOST_BITS, Heard, heard_space
from tacit.games.digit_pairs import PLAYERS, DigitPair, PairState
from tacit.settings import setting
from tacit.types import Action, Bits, Discrete, Real, Spec

DIGITS = 10


class MultiStepDigits(DigitPair):
    """The game. A level is the numbers of both players' images."""

    length: int = setting(5, "steps of an episode", unit="steps", source="ColorDigit.lua", low=2, high=100)
    bits: int = setting(1, "width of a message", unit="bits", source="ColorDigit.lua", low=1, high=MOST_BITS)

    @property
    def spec(self) -> Spec:
        seen = heard_space(Real(self.images.pixels.shape[1:], 0.0, 1.0), self.bits)
        return Spec(PLAYERS, seen, Action(Discrete(DIGITS), Bits(self.bits)), self.length, (0.0, 1.0))

    def sample_level(self, key: PRNGKeyArray) -> Int[Array, "2"]:
        return self.drawn(key)

    def observe(self, state: PairState) -> Heard:
        return self.heard(state, self.pictures(state.level))

    def pays(self, level: Int[Array, "2"], move: Int[Array, "2"]) -> Float[Array, ""]:
        return jnp.mean((move == self.digits(level)[::-1]).astype(float))


def multi_step_digits() -> MultiStepDigits:
    """Five steps of one bit, with the 8x8 digits."""
    return MultiStepDigits()
