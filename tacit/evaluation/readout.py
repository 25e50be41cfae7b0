"""What policies do in a matrix game: how often they cooperate after each outcome, and how often they get there."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tacit.errors import Misfit
from tacit.evaluation import memory_one
from tacit.evaluation.play import play
from tacit.games.base import Game
from tacit.games.matrix import STATES, MatrixGame
from tacit.scale import precision_of
from tacit.types import Params, Policy, Step, Trained


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


def read_out(run: Trained) -> ReadOut:
    """Plays whole episodes with the policies a run ended with, and counts.

    Raises:
        Misfit: the game is not a two-player matrix game.
    """
    if not isinstance(run.game, MatrixGame):
        raise Misfit(f"read-outs after CC, CD, DC, DD need a two-player matrix game, not {type(run.game).__name__}")
    chance, count, reward = play(run, _counted)
    with precision_of(run.state):
        asked = np.asarray(_asked(run.make, run.game, run.config, run.state))
    return ReadOut(np.where(count > 0, chance, asked), count / count.sum(axis=2, keepdims=True), reward)


def _counted(played: Step) -> tuple[Array, Array, Array]:
    """P(action 0) and the number of steps by player and state `[P, 5]`, and the mean reward `[P]`."""
    chance = jnp.exp(played.extras.log_probs[..., 0])
    count = played.obs.sum((0, 1))
    seen = jnp.sum(chance[..., None] * played.obs, (0, 1)) / jnp.maximum(count, 1)
    return seen, count, played.reward.mean((0, 1))


@functools.partial(jax.jit, static_argnames="make")
def _asked(make: Any, game: Game, config: Any, states: Any) -> Float[Array, "S P 5"]:
    """What policies without memory would do in each state; NaN for those with one."""
    key, legal = jax.random.key(0), jnp.ones(2, bool)

    def ask(policy: Policy, params: Params, obs: Float[Array, "5"]) -> Float[Array, ""]:
        extras = policy.act(key, params, policy.init_carry(), obs, legal, jnp.bool_(False), jnp.int32(0))[2]
        return jnp.exp(extras.log_probs[0])

    def one(state: Any) -> Float[Array, "P 5"]:
        found = []
        for policy, params in make(game, config).policy(state):
            forgets = not jax.tree.leaves(policy.init_carry())
            each = jax.vmap(functools.partial(ask, policy, params))(jnp.eye(len(STATES)))
            found.append(each if forgets else jnp.full(len(STATES), jnp.nan))
        return jnp.stack(found)

    return jax.vmap(one)(states)


def closed_read_out(run: Trained) -> ReadOut:
    """The same for a run in closed form, without play; visits are discounted. One-shot games have only the start."""
    shape = (*memory_one.final_logits(run).shape[:2], len(STATES))
    cooperation, visits = np.full(shape, np.nan), np.zeros(shape)
    found = memory_one.cooperation(run)
    cooperation[:, :, -found.shape[2] :], visits[:, :, -found.shape[2] :] = found, memory_one.visited(run)
    return ReadOut(cooperation, visits, memory_one.final_values(run))
