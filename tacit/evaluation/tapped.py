"""A game whose channel is tapped: what was said is seen on its way, and something else may be delivered in its place.

What is delivered follows a law, a random draw from

    by_message[m]       where the law looks at what was said
    by_state[o, x]      where it does not: at what is public and what the speaker knows

over all M messages and, as the last one, nothing. A law is numbers alone, so that all of them are one compiled program:
no change at all is the law that delivers m where m was said. A tap says when it holds: always, or for one message of
one player. The game inside has the same luck under every law.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from tacit.evaluation.readings import Reading
from tacit.games.around import Around, of_inner
from tacit.games.channel import SILENCE, Heard
from tacit.types import Level, Outcome, State

ALWAYS = -1  # the step of a tap that holds at every step


class Law(NamedTuple):
    """What is delivered. Rows need not sum to 1.

    Attributes:
        blind: whether it does not look at what was said.
        by_message: `[M, M + 1]`.
        by_state: `[O, X, M + 1]`.
    """

    blind: Any
    by_message: Any
    by_state: Any


class Tap(NamedTuple):
    """A level of a tapped game: the inner game's, and when the law holds: at this step, for what this player says."""

    inner: Level
    step: Int[Array, ""]
    player: Int[Array, ""]


class TappedState(NamedTuple):
    """A tapped game being played.

    Attributes:
        inner: the game.
        tap: when the law holds.
        time: steps so far.
        spoke: `[P]` who said something at the last step that somebody would hear.
        sent, delivered: `[P]` the messages.
        hushed: whether something was said and nothing delivered.
    """

    inner: State
    tap: Tap
    time: Int[Array, ""]
    spoke: Bool[Array, " P"]
    sent: Int[Array, " P"]
    delivered: Int[Array, " P"]
    hushed: Bool[Array, ""]

    terminated = of_inner("terminated")
    truncated = of_inner("truncated")


class Tapped(Around):
    """The game with a law on its channel."""

    reading: Any = dataclasses.field(metadata={"traced": True})
    law: Any = dataclasses.field(metadata={"traced": True})

    @classmethod
    def of(cls, reading: Reading, law: Law) -> "Tapped":
        """The game that is read, with this law."""
        return cls(reading.game, reading, law)

    def sample_level(self, key: PRNGKeyArray) -> Tap:
        return Tap(self.inner.sample_level(key), jnp.int32(ALWAYS), jnp.int32(0))

    def shuffled(self, key: PRNGKeyArray) -> Tap:
        return Tap(self.inner.shuffled(key), jnp.int32(ALWAYS), jnp.int32(0))

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> TappedState:
        tap = self.sample_level(key) if level is None else level
        nobody = jnp.zeros(self.spec.num_players, bool)
        number = jnp.zeros(self.spec.num_players, jnp.int32)
        inner = self.inner.reset(key, tap.inner)
        return TappedState(inner, tap, jnp.int32(0), nobody, number, number, jnp.bool_(False))

    def observe(self, state: TappedState) -> PyTree:
        """As in the game inside; where nothing was delivered, as if nobody had spoken."""
        seen = self.inner.observe(state.inner)
        if not isinstance(seen, Heard):
            return seen
        message = jnp.where(state.hushed, SILENCE, seen.message)
        return seen._replace(message=message, received=jnp.where(state.hushed, 0.0, seen.received))

    def legal(self, state: TappedState) -> PyTree:
        return self.inner.legal(state.inner)

    def step(self, key: PRNGKeyArray, state: TappedState, action: PyTree) -> tuple[TappedState, Outcome]:
        law_key, inner_key = jax.random.split(key)
        players = jnp.arange(self.spec.num_players)
        spoke = self.reading.speaks(state.inner, action)
        sent = jnp.clip(self.reading.message(state.inner, action), 0, self.law.by_message.shape[0] - 1)
        known = self.reading.public(state.inner), self.reading.private(state.inner)
        blind, by_message, by_state = jax.tree.map(jnp.asarray, self.law)
        odds = jnp.where(blind, by_state[known], by_message[sent])
        here = spoke & ((state.tap.step == ALWAYS) | ((state.tap.step == state.time) & (state.tap.player == players)))
        delivered = jnp.where(here, _drawn(law_key, odds), sent)
        inner, outcome = self.inner.step(inner_key, state.inner, self.reading.said(action, delivered, here))
        hushed = (here & (delivered == odds.shape[-1] - 1)).any()
        told = (spoke, sent.astype(jnp.int32), delivered.astype(jnp.int32), hushed)
        return TappedState(inner, state.tap, state.time + 1, *told), outcome


def _drawn(key: PRNGKeyArray, odds: Float[Array, "P n"]) -> Int[Array, " P"]:
    """A draw from each row, exactly where a row has one entry that is not 0."""
    upto = jnp.cumsum(odds, axis=-1)
    draw = jax.random.uniform(key, (len(odds), 1)) * upto[:, -1:]
    return jnp.minimum((upto <= draw).sum(-1), odds.shape[-1] - 1)


def untouched(publics: int, states: int, messages: int) -> Law:
    """The law that delivers what was said."""
    same = np.eye(messages, messages + 1, dtype=np.float32)
    return Law(np.bool_(False), same, np.zeros((publics, states, messages + 1), np.float32))


def reworded(law: Law, by_message: Float[np.ndarray, "M M"]) -> Law:
    """A law that looks at what was said."""
    return law._replace(by_message=_padded(by_message))


def replaced(law: Law, by_state: Float[np.ndarray, "O X M"]) -> Law:
    """A law that does not."""
    return law._replace(blind=np.bool_(True), by_state=_padded(np.broadcast_to(by_state, _inner(law.by_state))))


def hushed(law: Law) -> Law:
    """The law that delivers nothing."""
    nothing = np.zeros(law.by_state.shape, np.float32)
    nothing[..., -1] = 1.0
    return law._replace(blind=np.bool_(True), by_state=nothing)


def _inner(table: np.ndarray) -> tuple[int, ...]:
    return (*table.shape[:-1], table.shape[-1] - 1)


def _padded(table: np.ndarray) -> np.ndarray:
    """The same odds, and none of nothing."""
    return np.concatenate([table, np.zeros((*table.shape[:-1], 1))], axis=-1).astype(np.float32)
