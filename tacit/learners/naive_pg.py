"""Naive learning from sampled play: each player follows its own policy gradient as if the others stood still.

    theta_i <- theta_i + lr d/dtheta_i  mean_b sum_t box(sum_{k <= t} log pi_i(a_k)) discount^t r_i,t

estimated from a batch of whole episodes with a per-step mean as baseline: REINFORCE, written with DiCE so that the
same objective serves LOLA-DiCE. Any number of players, tabular policies.

Source: Foerster et al. 2018 (LOLA), section 4.3 (NL-PG); settings as the naive run of the LOLA-DiCE code.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
from jaxtyping import Array, Float, PRNGKeyArray

from tacit.games.base import Game
from tacit.learners import tabular
from tacit.loops import episodes, per_player, unroll
from tacit.ops.policy_gradient import dice
from tacit.ops.returns import normalized
from tacit.settings import setting
from tacit.types import Learner, Metrics, Params, Policy, Settings, Step, Trajectory


class Config(Settings):
    """Settings of naive policy gradient."""

    lr: float = setting(
        0.2, "step size on the unnormalized return", unit="per update", source="LOLA-DiCE script", low=0.0
    )
    num_games: int = setting(64, "episodes per update", unit="games", source="LOLA-DiCE script", low=2)
    init_std: float = setting(
        0.447, "standard deviation of the initial logits", source="LOLA-DiCE code: 1/sqrt(5)", low=0.0
    )


class State(NamedTuple):
    """The logits of the seats that learn."""

    logits: Array  # [seats, ...]


def objective(logits: Array, trajectory: Trajectory, discount: Any) -> Float[Array, ""]:
    """One player's DiCE objective of whole episodes, leaves `[T, B, ...]`, when only its own learning is seen."""
    log_prob = unroll(tabular.TABULAR, logits, (), trajectory)[1].log_prob
    return dice(log_prob, trajectory.reward, discount)


def make(game: Game, config: Config, seats: Sequence[int] | None = None) -> Learner:
    """A naive policy-gradient learner. An iteration plays whole episodes, from reset to end.

    Raises:
        Misfit: the game does not show a vector or does not take one of several actions.
    """
    seats = tuple(range(game.spec.num_players)) if seats is None else tuple(seats)

    def init(key: PRNGKeyArray) -> State:
        keys = jax.random.split(key, len(seats))
        return State(jax.vmap(lambda k: tabular.init(k, game, config.init_std, "naive-pg"))(keys))

    def step(key: PRNGKeyArray, state: State) -> tuple[State, Metrics]:
        policies, params = zip(*policy(state), strict=True)
        carry, played = episodes(key, game, policies, params, config.num_games)
        return update(key, state, played, carry)

    def update(key: PRNGKeyArray, state: State, played: Step, carry: Any) -> tuple[State, Metrics]:
        del key, carry
        gradient = jax.vmap(jax.grad(objective), (0, 0, None))(state.logits, per_player(played, seats), game.discount)
        measured = {"reward": played.reward.mean((0, 1)), "value": normalized(played.reward, game.discount)}
        return State(state.logits + config.lr * gradient), measured

    def policy(state: State) -> tuple[tuple[Policy, Params], ...]:
        return tuple((tabular.TABULAR, state.logits[i]) for i in range(len(seats)))

    def with_params(state: State, seat: int, params: Params) -> State:
        return State(state.logits.at[seat].set(params))

    return Learner(init, step, policy, update, with_params)
