"""A cart and pole with messages beside what is seen, which its player may keep from itself while it learns.

A message is a deterministic function of what is seen of the state, and is appended to it; it changes neither rewards
nor dynamics. Victims may defend themselves by what they do with these columns (`DEFENSES`).

Source: the setting of Lu et al. 2023, Adversarial Cheap Talk (arXiv 2211.11030); the defenses are this project's own.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tacit.games.around import Around, of_inner
from tacit.games.cheap_talk import message, widened
from tacit.types import Level, Outcome, Spec, State

SEEN, WORDS = 4, 2  # columns of the state, and of the message


class TalkedState(NamedTuple):
    """A cart, and what a defense has drawn for this step."""

    inner: State
    kept: Bool[Array, " words"]
    other: Float[Array, " seen"]  # some other state

    terminated = of_inner("terminated")
    truncated = of_inner("truncated")


SPREAD = (1.0, 1.0, 0.1, 1.0)  # of the states whose messages are shuffled in


class Reading(NamedTuple):
    """What a victim does with the columns of a message; numbers, so that one program serves all.

    Attributes:
        masked: it sees 0 instead, always.
        dropped: share of steps in which each column is 0 while it learns.
        shuffled: while it learns it sees what would be said in some other state.
        quantized: it sees -pi or pi, by the sign, always.
        cleaned: once it has learned, it sees what a monitor expects instead.
    """

    masked: float = 0.0
    dropped: float = 0.0
    shuffled: float = 0.0
    quantized: float = 0.0
    cleaned: float = 0.0


DEFENSES = {
    "none": Reading(),
    "mask": Reading(masked=1.0),
    "dropout": Reading(dropped=0.5),
    "shuffle": Reading(shuffled=1.0),
    "quantize": Reading(quantized=1.0),
    "sanitize": Reading(cleaned=1.0),
}


def read(reading: Reading, said: Float[Array, " words"]) -> Float[Array, " words"]:
    """What a victim that has learned sees of a message."""
    signs = jnp.where(said > 0, jnp.pi, -jnp.pi)
    return jnp.where(reading.masked > 0, 0.0, jnp.where(reading.quantized > 0, signs, said))


class TalkedCart(Around):
    """A cart whose player sees the state and then a message, as its defense lets it, while it learns.

    Attributes:
        weights: of the message network. reading: the defense.
    """

    weights: Any = dataclasses.field(metadata={"traced": True})
    reading: Any = dataclasses.field(default=Reading(), metadata={"traced": True})

    @property
    def spec(self) -> Spec:
        return widened(self.inner, WORDS)

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> TalkedState:
        return self._drawn(key, self.inner.reset(key, level))

    def observe(self, state: TalkedState) -> Float[Array, "1 columns"]:
        seen = self.inner.observe(state.inner)[0]
        said = message(self.weights, jnp.where(self.reading.shuffled > 0, state.other, seen))
        said = jnp.where(state.kept, said, 0.0)
        return jnp.append(seen, read(self.reading, said))[None]

    def step(self, key: PRNGKeyArray, state: TalkedState, action: Int[Array, "1"]) -> tuple[TalkedState, Outcome]:
        inner, outcome = self.inner.step(key, state.inner, action)
        return self._drawn(key, inner), outcome

    def _drawn(self, key: PRNGKeyArray, inner: Any) -> TalkedState:
        kept_key, other_key = jax.random.split(jax.random.fold_in(key, 1))
        kept = jax.random.uniform(kept_key, (WORDS,)) >= self.reading.dropped
        return TalkedState(inner, kept, jnp.array(SPREAD) * jax.random.normal(other_key, (SEEN,)))
