"""What learned policies do in a matrix game: how often they cooperate after each outcome, and how often they get there."""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from tacit.errors import Misfit
from tacit.evaluation import memory_one
from tacit.games.base import Game
from tacit.games.matrix import STATES, MatrixGame
from tacit.loops import joint, rollout, start
from tacit.runs.training import Finished, precision
from tacit.types import Params, Policy


class ReadOut(NamedTuple):
    """Read-outs of every seed and player, `[S, P, 5]`: after CC, CD, DC, DD (own action first), and at the start.

    Attributes:
        cooperation: probability of action 0; where a state was never visited, what the policy would do there (NaN for
            policies with a memory, of which that cannot be asked).
        visits: share of the steps that began in each state.
        reward: `[S, P]`, mean reward per step.
    """

    cooperation: np.ndarray
    visits: np.ndarray
    reward: np.ndarray


def read_out(run: Finished, num_games: int = 64, seed: int = 1) -> ReadOut:
    """Plays whole episodes with the policies a run ended with, and counts.

    Raises:
        Misfit: the game is not a two-player matrix game.
    """
    if not isinstance(run.resolved.game, MatrixGame):
        raise Misfit(f"read-outs after CC, CD, DC, DD need a two-player matrix game, not {run.experiment.game}")
    with precision(run.experiment):
        keys = jax.random.split(jax.random.key(seed), run.experiment.seeds)
        found = _each(run.resolved.make, run.resolved.game, run.resolved.config, keys, run.state, num_games)
    return ReadOut(*(np.asarray(part) for part in found))


def closed_read_out(run: Finished) -> ReadOut:
    """The same for a run in closed form, without play; visits are discounted. One-shot games have only the start."""
    shape = (run.experiment.seeds, 2, len(STATES))
    cooperation, visits = np.full(shape, np.nan), np.zeros(shape)
    found = memory_one.cooperation(run)
    cooperation[:, :, -found.shape[2] :], visits[:, :, -found.shape[2] :] = found, memory_one.visited(run)
    return ReadOut(cooperation, visits, memory_one.final_values(run))


@functools.partial(jax.jit, static_argnames=("make", "num_games"))
def _each(make: Any, game: Game, config: Any, keys: PRNGKeyArray, states: Any, num_games: int) -> ReadOut:
    learner = make(game, config)
    return jax.vmap(lambda key, state: _played(key, game, learner.policy(state), num_games))(keys, states)


def _played(key: PRNGKeyArray, game: Game, seats: Sequence[tuple[Policy, Params]], num_games: int) -> Any:
    """Read-outs of one set of policies: P(C), visits and reward."""
    policies, params = zip(*seats, strict=True)
    everyone = joint(policies)
    start_key, play_key = jax.random.split(key)
    live = start(start_key, game, policies, num_games)
    _, played = rollout(
        play_key, game, lambda keys, **seen: everyone(keys, params, **seen), live, game.spec.max_length, reset=False
    )
    chance = jnp.exp(played.extras.log_probs[..., 0])
    count = played.obs.sum((0, 1))
    seen = jnp.einsum("tbp,tbps->ps", chance, played.obs) / jnp.maximum(count, 1)
    unseen = jnp.stack([_asked(*seat) for seat in seats])
    return jnp.where(count > 0, seen, unseen), count / count.sum(1, keepdims=True), played.reward.mean((0, 1))


def _asked(policy: Policy, params: Params) -> Float[Array, "5"]:
    """What a policy without memory would do in each state; NaN for one with a memory."""
    if jax.tree.leaves(policy.init_carry()):
        return jnp.full(len(STATES), jnp.nan)
    key, legal = jax.random.key(0), jnp.ones(2, bool)

    def ask(obs: Float[Array, "5"]) -> Float[Array, ""]:
        extras = policy.act(key, params, policy.init_carry(), obs, legal, jnp.bool_(False), jnp.int32(0))[2]
        return jnp.exp(extras.log_probs[0])

    return jax.vmap(ask)(jnp.eye(len(STATES)))
