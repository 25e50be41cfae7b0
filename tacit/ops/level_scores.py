"""What makes a level worth playing again, judged by episodes on it.

Only episodes that ended count: of each the mean over its steps, and of these the mean. A level on which none ended has
the score minus infinity. With A the advantages, V the student's values, R returns without discounting:

    max-mc                 R_max - V(o_t)          R_max: the highest return ever seen on the level
    positive-value-loss    max(A_t, 0)
    value-loss             |A_t|
    true-regret            R_best - R              of each episode; R_best: the highest return that the level allows
    learnability           p (1 - p)               p: the share of episodes with a return above 0

Sources: Jiang et al. 2021 (Prioritized Level Replay; Replay-Guided Adversarial Environment Design), as computed by
JaxUED (DramaCow/jaxued, src/jaxued/utils.py); Rutherford et al. 2024 (learnability).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

SCORES = ("max-mc", "positive-value-loss", "value-loss", "true-regret", "learnability")


class Episodes(NamedTuple):
    """What one level's play says, leaves `[T]`.

    Attributes:
        fresh: an episode begins with this step. ended: it ends with it.
    """

    reward: Float[Array, " T"]
    fresh: Bool[Array, " T"]
    ended: Bool[Array, " T"]


def returns(episodes: Episodes) -> Float[Array, " T"]:
    """The sum of rewards of the episode so far, this step included."""

    def add(so_far: Array, step: tuple[Array, Array]) -> tuple[Array, Array]:
        reward, fresh = step
        total = jnp.where(fresh, 0.0, so_far) + reward
        return total, total

    return jax.lax.scan(add, jnp.float32(0.0), (episodes.reward, episodes.fresh))[1]


def highest(episodes: Episodes, gained: Float[Array, " T"]) -> Float[Array, ""]:
    """The highest return of an episode that ended; minus infinity where none did."""
    return jnp.where(episodes.ended, gained, -jnp.inf).max()


def mean_over_steps(episodes: Episodes, value: Float[Array, " T"]) -> Float[Array, ""]:
    """The mean over ended episodes of the mean over their steps; minus infinity where none ended."""

    def add(carry: tuple[Array, ...], step: tuple[Array, Array, Array]) -> tuple[tuple[Array, ...], None]:
        inside, steps, total, count = carry
        value, fresh, ended = step
        inside, steps = jnp.where(fresh, 0.0, inside) + value, jnp.where(fresh, 0.0, steps) + 1
        return (inside, steps, total + jnp.where(ended, inside / steps, 0.0), count + ended.astype(jnp.int32)), None

    nothing = jnp.float32(0.0)
    start = (nothing, nothing, nothing, jnp.int32(0))
    (_, _, total, count), _ = jax.lax.scan(add, start, (value, episodes.fresh, episodes.ended))
    return jnp.where(count > 0, total / jnp.maximum(count, 1).astype(float), -jnp.inf)


def mean_over_episodes(episodes: Episodes, value: Float[Array, " T"]) -> Float[Array, ""]:
    """The mean over ended episodes of what stands at their last step; minus infinity where none ended."""
    count = episodes.ended.sum()
    total = jnp.where(episodes.ended, value, 0.0).sum()
    return jnp.where(count > 0, total / jnp.maximum(count, 1).astype(float), -jnp.inf)


def learnability(episodes: Episodes, gained: Float[Array, " T"]) -> Float[Array, ""]:
    """How far from settled success is: p (1 - p); minus infinity where no episode ended."""
    share = mean_over_episodes(episodes, (gained > 0).astype(float))
    return jnp.where(share >= 0, share * (1 - share), -jnp.inf)
