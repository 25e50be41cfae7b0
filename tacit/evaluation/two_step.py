"""What exact learners come to in a two-step game: the ladder of Off-Belief levels, and runs that meet each other.

Everything is computed in 64 bits and nothing is played: a cross-play matrix holds expected payoffs, row in seat 1.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, PRNGKeyArray

from tacit import loops
from tacit.games import two_step_exact as exact
from tacit.games.two_step import TwoStepGame
from tacit.games.two_step_exact import Joint
from tacit.learners import exact_obl, exact_pg
from tacit.learners.two_step import normalized
from tacit.scale import precision

SPECK = 1e-9  # of payoff, by which a search tells equals apart


class Ladder(NamedTuple):
    """The levels of exact Off-Belief Learning, 0 (uniform play) to L.

    Attributes:
        values: `[L + 1, S]`, of each level and run; all runs of a level are equal.
        cross: `[L + 1, L + 1]`, the level of the row opens and that of the column replies.
        policies: log-probabilities of all levels, leaves `[L + 1, ...]`.
        worth: what each level thinks its moves are worth (Q), leaves `[L, ...]`, of level 1 and on.
    """

    values: np.ndarray
    cross: np.ndarray
    policies: Joint
    worth: Joint


def best(game: TwoStepGame, other_play: bool = False) -> float:
    """What the best of all joint policies earns, with a partner under the same names or (Other-Play) under others.

    >>> from tacit import games
    >>> best(games.make("pet-light")), best(games.make("pet-light"), other_play=True)
    (10.0, 5.0)
    """
    with precision(64):
        return float(_best(game, other_play))


def ladder(game: TwoStepGame, temperature: float, levels: int, seeds: int = 1, seed: int = 0) -> Ladder:
    """The ladder as the learner `exact-obl` climbs it, one level per iteration.

    >>> from tacit import games
    >>> ladder(games.make("tiny-hanabi-e"), 0.01, 3).values[:, 0].round(4).tolist()
    [3.7222, 8.0, 9.0, 10.0]
    """
    with precision(64):
        config = exact_obl.Config(temperature=temperature)
        run = loops.run(exact_obl.make, game, config, iterations=levels, seeds=seeds, seed=seed)
        policies = _levels(game, config, levels)
        cross = np.asarray(meet(game, policies))
        values = np.concatenate([np.full((1, seeds), cross[0, 0]), run.metrics["value"]])
        worth = _worths(game, policies)
        return Ladder(values, cross, *jax.tree.map(np.asarray, (policies, worth)))


def climbed(
    game: TwoStepGame, seeds: int, seed: int = 0, iterations: int = 1000, other_play: bool = False
) -> np.ndarray:
    """Cross-play `[S, S]` of runs of the exact policy gradient that begin with different logits."""
    with precision(64):
        config = exact_pg.Config(other_play=other_play)
        run = loops.run(exact_pg.make, game, config, iterations=iterations, seeds=seeds, seed=seed, every=iterations)
        return np.asarray(meet(game, normalized(run.state)))


def searched(game: TwoStepGame, seeds: int, seed: int = 0, other_play: bool = False) -> np.ndarray:
    """Cross-play `[S, S]` of best policies, each found by a search that takes any one among equals."""
    with precision(64):
        keys = jax.random.split(jax.random.key(seed), seeds)
        return np.asarray(meet(game, _searched(keys, game, other_play)))


def shares(values: np.ndarray) -> str:
    """Which payoffs runs ended with, and which share of them, in words.

    >>> shares(np.array([9.0, 10.0, 10.0, 10.0]))
    '9 (25 %), 10 (75 %)'
    """
    each, counts = np.unique(np.round(values, 2), return_counts=True)
    return ", ".join(f"{value:g} ({100 * n / len(values):.0f} %)" for value, n in zip(each, counts, strict=True))


def _worth(game: TwoStepGame, other_play: bool) -> Float[Array, "c1 a1 i a2"]:
    return exact.other_play(game) if other_play else exact.tensor(game)


@functools.partial(jax.jit, static_argnums=1)
def _best(game: TwoStepGame, other_play: bool) -> Float[Array, ""]:
    return exact.best(_worth(game, other_play)).value


@functools.partial(jax.jit, static_argnums=2)
def _searched(keys: Key[Array, " S"], game: TwoStepGame, other_play: bool) -> Joint:
    worth, sizes = _worth(game, other_play), game.sizes

    def one(key: PRNGKeyArray) -> Joint:
        found = exact.best(worth + SPECK * jax.random.uniform(key, worth.shape))
        moves = jax.nn.one_hot(found.opening, sizes.openings), jax.nn.one_hot(found.reply, sizes.replies)
        return Joint(*map(jnp.log, moves))

    return jax.lax.map(one, keys)


@functools.partial(jax.jit, static_argnums=2)
def _levels(game: TwoStepGame, config: exact_obl.Config, count: int) -> Joint:
    """Levels 0 to `count`, leaves `[count + 1, ...]`."""

    def climb(below: Joint, _: None) -> tuple[Joint, Joint]:
        above = exact_obl.level_above(game, below, config.temperature)
        return above, above

    first = exact.uniform(game)
    rest = jax.lax.scan(climb, first, length=count)[1]
    return jax.tree.map(lambda one, others: jnp.concatenate([one[None], others]), first, rest)


@jax.jit
def _worths(game: TwoStepGame, levels: Joint) -> Joint:
    """Q of the moves of each level but the first, leaves `[L, ...]`."""
    below, second = levels.first[:-1], levels.second[1:]
    replies = jax.vmap(lambda first: exact.reply_values(game, exact.belief(game, first)))(below)
    return Joint(jax.vmap(functools.partial(exact.opening_values, game))(second), replies)


@jax.jit
def meet(game: TwoStepGame, policies: Joint) -> Float[Array, "k k"]:
    """Expected payoff of every pair of policies, leaves `[k, ...]`."""
    openings, replies = jnp.exp(policies.first), jnp.exp(policies.second)
    return exact.weighted("xaib,sxa,tib->st", exact.tensor(game), openings, replies)
