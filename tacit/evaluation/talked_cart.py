"""A cart and pole with two columns beside what is seen, and what a victim may do with columns that it suspects.

A message is a deterministic function of what is seen of the state, and is appended to it; it changes neither rewards
nor dynamics. For comparison the columns can also hold noise, or something that is truly worth having: the two speeds,
which are then shown nowhere else. Victims defend themselves by what they do with the columns (`DEFENSES`).

Source: the setting of Lu et al. 2023, Adversarial Cheap Talk (arXiv 2211.11030); projection after Bharti et al. 2022,
Provable Defense against Backdoor Policies in Reinforcement Learning; the other defenses are this project's own.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tacit.games.around import Around, of_inner
from tacit.games.cart_pole import SPEED, TURNING
from tacit.games.cheap_talk import Weights, message, widened
from tacit.learners import victim
from tacit.loops import stack
from tacit.settings import setting
from tacit.types import Level, Outcome, Params, Policy, Spec, State

SEEN, WORDS = 4, 2  # columns of the state, and of the message
SPREAD = (1.0, 1.0, 0.1, 1.0)  # of the states whose messages are shuffled in
FAR = 3.0  # standard deviations to which slopes are penalized


class Channel(NamedTuple):
    """What the columns beside the state hold; numbers, so that one program serves all.

    Attributes:
        weights: of the message network.
        noise: they say what would be said in some other state, drawn anew in each step.
        speeds: they hold the two speeds, which the state then shows as 0.
    """

    weights: Weights
    noise: Array | float = 0.0
    speeds: Array | float = 0.0


class Reading(NamedTuple):
    """What a victim does with these columns; numbers, so that one program serves all.

    Attributes:
        heard: 0 for each column that it sees as 0, always.
        dropped: share of steps in which each column is 0 while it learns.
        shuffled: while it learns it sees what would be said in some other state.
        quantized: it sees -pi or pi, by the sign, always.
        penalty: weight of the squared slope of its log odds along the columns, while it learns.
        cleaned: once it has learned, it sees what a monitor expects instead.
        projected: once it has learned, it sees what is left of all its columns in the main directions of clean play.
    """

    heard: tuple[float, float] = (1.0, 1.0)
    dropped: float = 0.0
    shuffled: float = 0.0
    quantized: float = 0.0
    penalty: float = 0.0
    cleaned: float = 0.0
    projected: float = 0.0


Record = TypeVar("Record", Channel, Reading)


def together(records: Sequence[Record]) -> Record:
    """Several records as one, with a new leading axis."""
    return stack([jax.tree.map(jnp.float32, each) for each in records])


def told(channel: Channel, seen: Float[Array, " n"], source: Float[Array, " n"]) -> tuple[Array, Array]:
    """The state as it is shown, and what stands beside it, which is said of `source`."""
    speeds = jnp.array([SPEED, TURNING])
    said = jnp.where(channel.speeds > 0, source[speeds], message(channel.weights, source))
    return jnp.where(channel.speeds > 0, seen.at[speeds].set(0.0), seen), said


MASKED = Reading(heard=(0.0, 0.0))
DEFENSES = {  # of each the readings of its members, which decide by majority
    "none": (Reading(),),
    "mask": (MASKED,),
    "dropout": (Reading(dropped=0.5),),
    "shuffle": (Reading(shuffled=1.0),),
    "quantize": (Reading(quantized=1.0),),
    "penalty": (Reading(penalty=1.0),),
    "ensemble": (MASKED, Reading(heard=(1.0, 0.0)), Reading(heard=(0.0, 1.0))),
    "project": (Reading(projected=1.0),),
    "sanitize": (Reading(cleaned=1.0),),
}


def read(reading: Reading, said: Float[Array, " words"]) -> Float[Array, " words"]:
    """What a victim that has learned sees of these columns."""
    signs = jnp.where(said > 0, jnp.pi, -jnp.pi)
    shown = jnp.where(reading.quantized > 0, signs, said)
    return jnp.where(jnp.stack(reading.heard) > 0, shown, 0.0)


class TalkedState(NamedTuple):
    """A cart, and what a defense has drawn for this step."""

    inner: State
    kept: Bool[Array, " words"]
    other: Float[Array, " seen"]  # some other state

    terminated = of_inner("terminated")
    truncated = of_inner("truncated")


class TalkedCart(Around):
    """A cart whose player sees the state and then two columns, as its defense lets it, while it learns."""

    channel: Any = dataclasses.field(metadata={"traced": True})
    reading: Any = dataclasses.field(default=Reading(), metadata={"traced": True})

    @property
    def spec(self) -> Spec:
        return widened(self.inner, WORDS)

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> TalkedState:
        return self._drawn(key, self.inner.reset(key, level))

    def observe(self, state: TalkedState) -> Float[Array, "1 columns"]:
        seen = self.inner.observe(state.inner)[0]
        elsewhere = (self.reading.shuffled + self.channel.noise) > 0
        shown, said = told(self.channel, seen, jnp.where(elsewhere, state.other, seen))
        return jnp.append(shown, read(self.reading, jnp.where(state.kept, said, 0.0)))[None]

    def step(self, key: PRNGKeyArray, state: TalkedState, action: Int[Array, "1"]) -> tuple[TalkedState, Outcome]:
        inner, outcome = self.inner.step(key, state.inner, action)
        return self._drawn(key, inner), outcome

    def _drawn(self, key: PRNGKeyArray, inner: Any) -> TalkedState:
        kept_key, other_key = jax.random.split(jax.random.fold_in(key, 1))
        kept = jax.random.uniform(kept_key, (WORDS,)) >= self.reading.dropped
        return TalkedState(inner, kept, jnp.array(SPREAD) * jax.random.normal(other_key, (SEEN,)))


class Guarded(victim.Config):
    """Settings of a victim whose policy is to be flat along the message, wherever that may be."""

    penalty: float = setting(0.0, "weight of the squared slope of the log odds", low=0.0)
    points: int = setting(0, "inputs at which slopes are taken; 0: there is no penalty", unit="inputs", low=0)

    def further(self, params: Params, policy: Policy) -> Float[Array, ""] | float:
        """The penalty: mean squared slope at normal states and uniform messages, in normalized units."""
        if not self.points:
            return 0.0
        key = jax.random.key(0)  # the same inputs always
        states = jax.random.normal(key, (self.points, SEEN))
        words = jax.random.uniform(jax.random.fold_in(key, 1), (self.points, WORDS), minval=-FAR, maxval=FAR)

        def log_odds(words: Array, state: Array) -> Array:
            said = policy.act(key, params, (), jnp.append(state, words), jnp.ones(2, bool), jnp.bool_(False))[2]
            return said.log_probs[1] - said.log_probs[0]

        return self.penalty * jnp.square(jax.vmap(jax.grad(log_odds))(words, states)).sum(1).mean()
