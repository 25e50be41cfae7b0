"""What exact learners come to in a two-step game: the ladder of Off-Belief levels, and runs that meet each other.

Everything is computed in 64 bits and nothing is played: a cross-play matrix holds expected payoffs, row in seat 1.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from tacit import loops
from tacit.games import two_step_exact as exact
from tacit.games.two_step import TwoStepGame
from tacit.games.two_step_exact import Joint
from tacit.learners import exact_obl, exact_pg
from tacit.learners.two_step import normalized
from tacit.scale import precision


class Ladder(NamedTuple):
    """The levels of exact Off-Belief Learning, 0 (uniform play) to L.

    Attributes:
        values: `[L + 1, S]`, of each level and run; all runs of a level are equal.
        cross: `[L + 1, L + 1]`, the level of the row opens and that of the column replies.
        policies: log-probabilities of all levels, leaves `[L + 1, ...]`.
    """

    values: np.ndarray
    cross: np.ndarray
    policies: Joint


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
        cross = _meet(exact.tensor(game), policies)
        first = np.full((1, seeds), float(cross[0, 0]))
        return Ladder(
            np.concatenate([first, run.metrics["value"]]), np.asarray(cross), jax.tree.map(np.asarray, policies)
        )


def climbed(
    game: TwoStepGame, seeds: int, seed: int = 0, iterations: int = 3000, other_play: bool = False
) -> np.ndarray:
    """Cross-play `[S, S]` of runs of the exact policy gradient that begin with different logits."""
    with precision(64):
        config = exact_pg.Config(other_play=other_play)
        run = loops.run(exact_pg.make, game, config, iterations=iterations, seeds=seeds, seed=seed, every=iterations)
        return np.asarray(_meet(exact.tensor(game), jax.vmap(normalized)(run.state)))


def searched(game: TwoStepGame, seeds: int, seed: int = 0, other_play: bool = False) -> np.ndarray:
    """Cross-play `[S, S]` of best policies, each found by a search that takes any one among equals."""
    with precision(64):
        keys = jax.random.split(jax.random.key(seed), seeds)
        found = jax.lax.map(lambda key: _searched(key, game, other_play), keys)
        return np.asarray(_meet(exact.tensor(game), found))


SPECK = 1e-9  # of payoff, by which a search tells equals apart


def _searched(key: PRNGKeyArray, game: TwoStepGame, other_play: bool) -> Joint:
    worth = exact.other_play(game) if other_play else exact.tensor(game)
    best = exact.best(worth + SPECK * jax.random.uniform(key, worth.shape))
    sizes = game.sizes
    moves = jax.nn.one_hot(best.opening, sizes.openings), jax.nn.one_hot(best.reply, sizes.replies)
    return Joint(*map(jnp.log, moves))


def _levels(game: TwoStepGame, config: exact_obl.Config, count: int) -> Joint:
    """Levels 0 to `count`, leaves `[count + 1, ...]`."""

    def climb(below: Joint, _: None) -> tuple[Joint, Joint]:
        return exact_obl.level_above(game, below, config.temperature), below

    last, lower = jax.lax.scan(climb, exact.uniform(game), length=count)
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), lower, jax.tree.map(lambda x: x[None], last))


@jax.jit
def _meet(tensor: Float[Array, "c1 a1 i a2"], policies: Joint) -> Float[Array, "k k"]:
    return jnp.einsum("xaib,sxa,tib->st", tensor, jnp.exp(policies.first), jnp.exp(policies.second))


def shares(values: np.ndarray) -> str:
    """Which payoffs runs ended with, and which share of them, in words.

    >>> shares(np.array([9.0, 10.0, 10.0, 10.0]))
    '9 (25 %), 10 (75 %)'
    """
    each, counts = np.unique(np.round(values, 2), return_counts=True)
    return ", ".join(f"{value:g} ({100 * n / len(values):.0f} %)" for value, n in zip(each, counts, strict=True))
