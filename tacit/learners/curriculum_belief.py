"""What SAMPLR adds to a curriculum: steps that are supposed, under a belief about what a level hides.

See `tacit.learners.curriculum` for the rule and its source.
"""

from typing import Any

import jax
from jaxtyping import PRNGKeyArray, PyTree

from tacit.games.around import Around
from tacit.games.base import Game
from tacit.ops import fictitious
from tacit.types import Level, Step


class Supposing(Around):
    """A game of which steps are supposed: what one led to is not what the next one saw."""

    @property
    def truncates(self) -> bool:
        return True

    def inside(self, state: Any) -> Any:
        return state

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> Any:
        return self.inner.reset(key, level)

    def observe(self, state: Any) -> PyTree:
        return self.inner.observe(state)

    def legal(self, state: Any) -> PyTree:
        return self.inner.legal(state)

    def step(self, key: PRNGKeyArray, state: Any, action: PyTree) -> Any:
        return self.inner.step(key, state, action)


def supposed(key: PRNGKeyArray, game: Game, played: Step, belief: str) -> Step:
    """Steps as they would have been, had the hidden been drawn from the belief anew before each of them.

    Args:
        key: that of the rollout (so that chance outside of what is hidden is the same); what it was split into for
            draws of beliefs is new.
        played: of one player, leaves `[T, B, ...]`.
        belief: `grounded`, the game's exact belief; `own`, what really is hidden, which changes nothing.

    Returns:
        The steps with other rewards, ends and next observations. The real end of an episode cuts it off, if it was not
        supposed to end there.
    """
    shape = played.terminated.shape
    chance = jax.random.split(jax.random.split(key, 3)[1], shape)  # as `loops.rollout` draws it
    draws = jax.random.split(jax.random.fold_in(key, 1), shape)

    def one(step_key: PRNGKeyArray, draw_key: PRNGKeyArray, state: Any, action: Any) -> Any:
        hidden = game.hidden(state, 0) if belief == "own" else game.sample_hidden(draw_key, state, 0)
        came = fictitious.take(step_key, game, game.with_hidden(state, 0, hidden), action, game.discount)
        return came.reward, came.state.terminated, came.state.truncated, game.observe(came.state)

    reward, terminated, truncated, next_obs = jax.vmap(jax.vmap(one))(chance, draws, played.state, played.action)
    cut = (truncated | played.terminated | played.truncated) & ~terminated
    return played._replace(reward=reward, terminated=terminated, truncated=cut, next_obs=next_obs)
