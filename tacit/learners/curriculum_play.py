"""Play on given levels, and what it says of them: the parts of a curriculum's cycle that need no buffer's chances.

See `tacit.learners.curriculum` for the rule and its sources.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from tacit import buffers
from tacit.buffers import Judged, LevelBuffer, Priority
from tacit.games.base import Game
from tacit.learners import ppo
from tacit.loops import Live, joint, per_player, player, rollout, start
from tacit.ops import level_scores
from tacit.ops.level_scores import Episodes
from tacit.types import Learner, Level, Step


class Setup(NamedTuple):
    """What stays the same in a run: the game, the settings (`curriculum.Config`), and the student's PPO."""

    game: Game
    config: Any
    student: Learner

    @property
    def priority(self) -> Priority:
        """How chances follow from scores."""
        config = self.config
        return Priority(config.priority, config.temperature, config.staleness, config.top)


def random_levels(key: PRNGKeyArray, game: Game, count: int) -> Level:
    """So many levels as the game draws them, leaves `[count, ...]`. The key is consumed."""
    return jax.vmap(game.sample_level)(jax.random.split(key, count))


def play(key: PRNGKeyArray, setup: Setup, student: ppo.State, levels: Level, length: int) -> tuple[Live, Live, Step]:
    """New episodes on these levels, one after another on each: the games before and after, and the steps."""
    ((policy, params),) = setup.student.policy(student)
    everyone = joint((policy,))

    def act(keys: Any, **seen: Any) -> Any:
        return everyone(keys, (params,), **seen)

    first = start(jax.random.fold_in(key, 0), setup.game, (policy,), setup.config.num_games, levels)
    return first, *rollout(key, setup.game, act, first, length, levels=levels)


def judged(setup: Setup, student: ppo.State, levels: Level, first: Live, played: Step, before: Array) -> Judged:
    """Levels with their scores.

    Args:
        first: the games before.
        played: leaves `[T, B, ...]`, as learned from; real ends are read from the states that followed.
        before: `[B]` the highest return seen on each level so far, minus infinity for a new one.
    """
    game, config = setup.game, setup.config
    values, advantage = played.extras.value[:, :, 0], jnp.zeros_like(played.reward[:, :, 0])
    if config.score in ("positive-value-loss", "value-loss"):
        ((policy, params),) = setup.student.policy(student)
        discount = game.discount if config.discount is None else config.discount
        steps = player(0, per_player(played, (0,)))
        carry = first.carry[0]
        advantage = ppo.advantages(policy, params, steps, carry, discount, config.decay, truncates=True)

    def one(level: Level, episodes: Episodes, value: Array, advantage: Array, before: Array) -> tuple[Array, Array]:
        gained = level_scores.returns(episodes)
        best = jnp.maximum(before, level_scores.highest(episodes, gained))
        if config.score == "true-regret":
            score = level_scores.mean_over_episodes(episodes, game.best(level) / config.scale - gained)
        elif config.score == "learnability":
            score = level_scores.learnability(episodes, gained)
        else:
            each = {"max-mc": best - value, "positive-value-loss": jnp.maximum(advantage, 0.0)}
            score = level_scores.mean_over_steps(episodes, each.get(config.score, jnp.abs(advantage)))
        return score, best

    ended: Any = played.next_state
    episodes = Episodes(played.reward[:, :, 0], played.fresh, ended.terminated | ended.truncated)
    score, best = jax.vmap(one, (0, 1, 1, 1, 0))(levels, episodes, values, advantage, before)
    return Judged(levels, score, best)


def searched(key: PRNGKeyArray, setup: Setup, student: ppo.State, like: LevelBuffer) -> LevelBuffer:
    """A buffer with the best of many random levels. The key is consumed."""

    def batch(found: LevelBuffer, key: PRNGKeyArray) -> tuple[LevelBuffer, None]:
        level_key, play_key = jax.random.split(key)
        levels = random_levels(level_key, setup.game, setup.config.num_games)
        first, _, played = play(play_key, setup, student, levels, setup.config.search_length)
        before = jnp.full(setup.config.num_games, -jnp.inf)
        return buffers.keep_best(found, judged(setup, student, levels, first, played, before)), None

    nothing = like._replace(score=jnp.full_like(like.score, buffers.LOWEST), size=jnp.int32(0))
    return jax.lax.scan(batch, nothing, jax.random.split(key, setup.config.searches))[0]
