"""Cheap talk around a game: a message is appended to what a player sees, and changes nothing else.

    x = (s, m),    m = f(s) = 2 pi tanh(network(s))

The message is a function of what is seen of the state, and of nothing else: the same state has the same message while a
player learns, rewards and dynamics are those of the game inside, and its columns are shown as they are.

`Noise`, which appends random numbers instead, is no cheap talk; it is there to compare with.

Source: Lu et al. 2023, Adversarial Cheap Talk (arXiv 2211.11030), and its public code (a tanh head times 2 pi, two
numbers). Departures: message networks have two layers of 16, not 64, and begin normal with variance 1 / inputs.
"""

import dataclasses
import itertools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from tacit.errors import Misfit
from tacit.games.around import Around, Reshown, of_inner
from tacit.games.base import Game
from tacit.settings import setting
from tacit.types import Level, Outcome, Real, Spec, State

SCALE = 2 * jnp.pi

Weights = tuple[tuple[Float[Array, "_ _"], Float[Array, " _"]], ...]


def network(key: PRNGKeyArray, inputs: int, words: int = 2, hidden: int = 16, steep: Array | float = 1.0) -> Weights:
    """Random weights of a message network: two layers of ReLU and a tanh head. The key is consumed.

    Weights are normal with variance 1 / inputs (LeCun), the last ones times `steep`.
    """
    sizes = list(itertools.pairwise((inputs, hidden, hidden, words)))
    keys = jax.random.split(key, len(sizes))
    drawn = [jax.random.normal(k, size) / size[0] ** 0.5 for k, size in zip(keys, sizes, strict=True)]
    drawn[-1] = steep * drawn[-1]
    return tuple((weight, jnp.zeros(weight.shape[1])) for weight in drawn)


def message(weights: Weights, seen: Float[Array, " n"]) -> Float[Array, " words"]:
    """What the network says of what is seen: numbers between -2 pi and 2 pi."""
    for weight, bias in weights[:-1]:
        seen = jax.nn.relu(seen @ weight + bias)
    weight, bias = weights[-1]
    return SCALE * jnp.tanh(seen @ weight + bias)


def beside(weights: Weights, seen: Float[Array, "P n"], read: Float[Array, "P m"]) -> Float[Array, "P columns"]:
    """What each player sees, and after it what the network says of what it reads."""
    return jnp.concatenate([seen, jax.vmap(message, (None, 0))(weights, read)], axis=-1)


def columns(game: Game) -> int:
    """How many numbers a player sees.

    Raises:
        Misfit: it sees something else than one row of numbers.
    """
    seen = game.spec.observation
    if not isinstance(seen, Real) or len(seen.shape) != 1:
        raise Misfit(f"cheap talk needs a game that shows one row of numbers, and this one shows {seen}")
    return seen.shape[0]


def widened(game: Game, words: int) -> Spec:
    """What a game promises, with so many numbers beside what it shows.

    Raises:
        Misfit: the game shows something else than one row of numbers.
    """
    return game.spec._replace(observation=Real((columns(game) + words,)))


class CheapTalk(Reshown):
    """A game whose players see a message of what they see beside it.

    Attributes:
        weights: of the message network.
    """

    weights: Any = dataclasses.field(metadata={"traced": True})

    @classmethod
    def of(cls, game: Game, weights: Weights) -> "CheapTalk":
        """The game with messages.

        Raises:
            Misfit: the game shows no row of numbers, or the network reads more or less than that row.
        """
        shown, read = columns(game), weights[0][0].shape[0]
        if shown != read:
            raise Misfit(f"a message is a function of the {shown} numbers that are seen, and this network reads {read}")
        return cls(game, weights)

    @property
    def spec(self) -> Spec:
        return widened(self.inner, self.weights[-1][1].shape[0])

    def observe(self, state: State) -> Float[Array, "P columns"]:
        seen = self.inner.observe(state)
        return beside(self.weights, seen, seen)


class NoisyState(NamedTuple):
    """A game being played, and the numbers beside it in this step."""

    inner: State
    said: Float[Array, "P words"]

    terminated = of_inner("terminated")
    truncated = of_inner("truncated")


class Noise(Around):
    """A game whose players see random numbers beside it, drawn anew in each step: uniform from -2 pi to 2 pi."""

    words: int = setting(2, "random numbers", low=1)

    @property
    def spec(self) -> Spec:
        return widened(self.inner, self.words)

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> NoisyState:
        return NoisyState(self.inner.reset(key, level), self._drawn(key))

    def observe(self, state: NoisyState) -> Float[Array, "P columns"]:
        return jnp.concatenate([self.inner.observe(state.inner), state.said], axis=-1)

    def legal(self, state: NoisyState) -> PyTree:
        return self.inner.legal(state.inner)

    def step(self, key: PRNGKeyArray, state: NoisyState, action: PyTree) -> tuple[NoisyState, Outcome]:
        inner, outcome = self.inner.step(key, state.inner, action)
        return NoisyState(inner, self._drawn(key)), outcome

    def _drawn(self, key: PRNGKeyArray) -> Float[Array, "P words"]:
        shape = self.inner.spec.num_players, self.words  # the game inside has the key itself, as without noise
        return jax.random.uniform(jax.random.fold_in(key, 1), shape, minval=-SCALE, maxval=SCALE)
