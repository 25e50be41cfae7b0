"""Cheap talk to learners with a table: what do messages that are functions of the state change? Nothing, exactly.

Of a learner whose table has a row for each symbol seen, all rows alike at first, each step touching the visited row
alone: under any function f of the state the symbols (s, f(s)) are as many as the states s, and nothing depends on
their names. With the same random numbers it therefore visits the same states, does the same and holds the same values,
bit for bit. When f is later exchanged for another function, what is seen is a symbol that was trained or one that never
was, whose row is as it was at first.

Where one of these conditions does not hold (a row shared between symbols, rows that differ at first, a message that is
not a function of the state) the values differ; these cases show that the comparison can fail.

Source: the statement and its proof are this project's own; Lu et al. 2023, Adversarial Cheap Talk (arXiv 2211.11030),
has a result of this kind on tabular learners.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from tacit.games.around import Around, of_inner
from tacit.games.frozen_lake import CELLS, FrozenLake
from tacit.learners import tables
from tacit.types import Level, Outcome, Real, Spec, State

BITS = 2
LABELS = 2**BITS


class LabeledState(NamedTuple):
    """A lake, and the message that goes with it."""

    inner: State
    label: Int[Array, ""]

    terminated = of_inner("terminated")
    truncated = of_inner("truncated")


class Labeled(Around):
    """A lake each cell of which has a label, shown beside it in two bits.

    Attributes:
        labels: of the cells, 0 to 3.
        noisy: labels are drawn anew at each step instead: a channel that no function of the state is.
    """

    labels: Any = dataclasses.field(metadata={"traced": True})
    noisy: bool = False

    @property
    def spec(self) -> Spec:
        return self.inner.spec._replace(observation=Real((CELLS + BITS,), 0.0, 1.0))

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> LabeledState:
        return self._with_label(key, self.inner.reset(key, level))

    def observe(self, state: LabeledState) -> Float[Array, "1 seen"]:
        return jnp.concatenate([self.inner.observe(state.inner), as_bits(state.label)[None]], axis=1)

    def step(self, key: PRNGKeyArray, state: LabeledState, action: Int[Array, "1"]) -> tuple[LabeledState, Outcome]:
        inner, outcome = self.inner.step(key, state.inner, action)
        return self._with_label(key, inner), outcome

    def _with_label(self, key: PRNGKeyArray, inner: Any) -> LabeledState:
        drawn = jax.random.randint(jax.random.fold_in(key, 1), (), 0, LABELS) if self.noisy else self.labels[inner.cell]
        return LabeledState(inner, drawn)


def as_bits(label: Int[Array, ""]) -> Float[Array, " bits"]:
    """A label as numbers that are 0 or 1, the first of them counting double."""
    return jnp.stack([label >> 1, label & 1]).astype(float)


class Trained(NamedTuple):
    """What runs of one learner came to; leaves begin with the axes of functions and seeds.

    Attributes:
        first, last: `[..., L, cells, A]` what the learner holds of each cell under each label, before and after; L is 1
            without messages.
        returns: `[..., episodes]` along the way.
    """

    first: Array
    last: Array
    returns: Array


@functools.partial(jax.jit, static_argnames="episodes")
def alone(game: FrozenLake, config: tables.Config, keys: Array, episodes: int) -> Trained:
    """Runs without any message, one for each key; leaves `[S, ...]`."""
    return jax.vmap(lambda key: _one(game, config, key, jnp.eye(CELLS)[None], episodes))(keys)


@functools.partial(jax.jit, static_argnames=("episodes", "noisy"))
def talked_to(
    game: FrozenLake, config: tables.Config, keys: Array, labels: Int[Array, "F cells"], episodes: int, noisy: bool
) -> Trained:
    """Runs under each of these functions of the state, with the same keys under each; leaves `[F, S, ...]`."""
    told = [jnp.tile(as_bits(jnp.int32(label)), (CELLS, 1)) for label in range(LABELS)]
    seen = jnp.stack([jnp.concatenate([jnp.eye(CELLS), bits], axis=1) for bits in told])

    def under(labels: Array, key: PRNGKeyArray) -> Trained:
        return _one(Labeled(game, labels, noisy), config, key, seen, episodes)

    return jax.vmap(lambda one: jax.vmap(functools.partial(under, one))(keys))(labels)


def _one(game: Any, config: tables.Config, key: PRNGKeyArray, seen: Array, episodes: int) -> Trained:
    learner = tables.make(game, config)

    def held(state: Any) -> Array:
        look = functools.partial(tables.sight, config)
        return jax.vmap(jax.vmap(lambda obs: tables.values(state.table[0], look(obs))))(seen)

    def step(state: State, iteration: Array) -> tuple[State, Array]:
        state, metrics = learner.step(jax.random.fold_in(key, iteration), state)
        return state, metrics["return"][0]

    begun = learner.init(key)
    state, returns = jax.lax.scan(step, begun, jnp.arange(1, episodes + 1))
    return Trained(held(begun), held(state), returns)


class Influence(NamedTuple):
    """How far messages changed a learner.

    Attributes:
        values: largest difference of a value from the run without messages, under any function and seed.
        between: the same from the run under a constant message.
        returns: largest difference of an episode's return.
        others: largest change, since the start, of a value under a label that is not the cell's own: what an adversary
            who exchanges its function after training can reach beside the trained values.
        learned: mean return of the last tenth of the episodes, without messages.
    """

    values: float
    between: float
    returns: float
    others: float
    learned: float


def influence(
    game: FrozenLake,
    config: tables.Config,
    labels: Int[np.ndarray, "F cells"],
    seeds: int,
    seed: int,
    episodes: int,
    noisy: bool = False,
) -> Influence:
    """Trains without and with messages, and compares; the first of the functions `labels` is to be constant."""
    keys = jax.vmap(functools.partial(jax.random.fold_in, jax.random.key(seed)))(jnp.arange(seeds))
    plain = jax.tree.map(np.asarray, alone(game, config, keys, episodes))
    heard = dataclasses.replace(config, bits=BITS)
    told = jax.tree.map(np.asarray, talked_to(game, heard, keys, jnp.asarray(labels), episodes, noisy))
    own = labels[:, None] == np.arange(LABELS)[:, None]  # [F, L, cells]
    values = np.where(own[:, None, :, :, None], told.last, 0).sum(2)
    return Influence(
        _largest(values - plain.last[:, 0]),
        _largest(values - values[:1]),
        _largest(told.returns - plain.returns),
        _largest(np.where(own[:, None, :, :, None], 0, told.last - told.first)),
        float(plain.returns[:, -max(1, episodes // 10) :].mean()),
    )


def _largest(difference: np.ndarray) -> float:
    return float(np.abs(difference).max())


def functions(count: int, seed: int) -> Int[np.ndarray, "F cells"]:
    """A constant function and `count` random ones from cells to labels."""
    drawn = np.random.default_rng(seed).integers(0, LABELS, (count, CELLS))
    return np.concatenate([np.zeros((1, CELLS), int), drawn]).astype(np.int32)
