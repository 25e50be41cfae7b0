"""M-MAML: the initial policy from which naive learning, against a learner, does best.

    theta_0 and log alpha climb the mean over t < length of V_1(theta_t, phi_t),
    where theta_{t+1} = theta_t + alpha dV_1/dtheta_t, and phi learns by its own rule from the same pair

The gradient goes through the whole sequence of both players' learning: the baseline that shapes by where it begins,
and not by how it learns. In play (`play`) it is a naive learner that begins at theta_0.

Source: Kim et al. 2021 (Meta-MAPG), whose ablation without peer learning it is, as implemented in the public code of
M-FOS (Lu et al. 2022): Adam 0.01, 1000 iterations, 100 steps, and in play a step size of 1 whatever alpha was learned.
Departure: alpha is learned as its logarithm, so that it stays positive.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.games.matrix import START, STATES
from tacit.games.matrix_exact import closed_form, normalized_values, num_logits
from tacit.learners import exact, learned, naive
from tacit.learners.meta_game import MetaGame
from tacit.learners.tabular import TABULAR
from tacit.learners.versus import joint_logits
from tacit.ops.optimizer import descend
from tacit.settings import setting
from tacit.types import Learner, Metrics, Params, Policy, Settings

SELF_PLAY = False  # it learns against an opponent, never without one


class Config(Settings):
    """Settings of M-MAML."""

    lr: float = setting(0.01, "step size of Adam", unit="per iteration", source="M-FOS code", low=0.0)
    num_games: int = setting(64, "meta-episodes of a batch", unit="meta-episodes", low=1)
    first_lr: float = setting(1.0, "step size alpha before it is learned", unit="per update", above=0.0)
    init_std: float = setting(1.0, "standard deviation of theta_0 before it is learned", low=0.0)
    fixed: bool = setting(False, "the policy stays as it begins: the best one among those that do not learn")


class Start(NamedTuple):
    """What is learned: where naive learning begins, and how fast it goes."""

    logits: Float[Array, "5"]  # of a one-shot game only the last counts
    log_lr: Float[Array, ""]


class State(NamedTuple):
    """The start and its optimizer."""

    start: Start
    opt_state: PyTree


def _act(
    key: PRNGKeyArray, params: Start, carry: Any, obs: Any, legal: Any, fresh: Any, given: Any = None
) -> tuple[Any, Any, Any]:
    return TABULAR.act(key, params.logits, carry, obs, legal, fresh, given)


POLICY = Policy(TABULAR.init_carry, _act)
"""The policy that M-MAML begins with."""


def _stepping(lr: Any) -> naive.Config:
    """Settings of naive learning with a step size that may be traced."""
    return naive.Config(lr=lr)


def mean_value(start: Start, game: MetaGame, fixed: bool, key: PRNGKeyArray) -> Float[Array, ""]:
    """Mean over one meta-episode of the average reward per round of a naive learner that starts here."""
    inner, rule = game.inner, game.rules()[0]
    mine = naive.make(inner, _stepping(0.0 if fixed else jnp.exp(start.log_lr)), (0,))
    me = exact.State(start.logits[None, START - num_logits(inner) + 1 :])

    def meet(carry: Any, key: PRNGKeyArray) -> Any:
        me, they = carry
        joint = joint_logits(inner, (*mine.policy(me), *rule.policy(they)))
        value = normalized_values(inner, joint)[0]
        return (mine.update(key, me, joint, ())[0], rule.update(key, they, joint, ())[0]), value

    first_key, key = jax.random.split(key)
    keys = jax.random.split(key, game.length)
    return jax.lax.scan(meet, (me, rule.init(first_key)), keys)[1].mean()


def make(game: Game, config: Config) -> Learner:
    """An M-MAML learner for player 1 of a meta-game.

    Raises:
        Misfit: the game is not a meta-game with one meta-player.
    """
    if not isinstance(game, MetaGame) or game.num_players > 1:
        raise Misfit("m-maml learns against an opponent; name one: tacit train m-maml ipd --against naive")
    optimizer = optax.adam(config.lr)

    def init(key: PRNGKeyArray) -> State:
        logits = config.init_std * jax.random.normal(key, (len(STATES),))
        start = Start(logits, jnp.log(jnp.asarray(config.first_lr, float)))
        return State(start, optimizer.init(start))

    def loss(start: Start, keys: Any) -> Float[Array, ""]:
        return -jax.vmap(functools.partial(mean_value, start, game, config.fixed))(keys).mean()

    def step(key: PRNGKeyArray, state: State) -> tuple[State, Metrics]:
        return update(key, state, jax.random.split(key, config.num_games), ())

    def update(key: PRNGKeyArray, state: State, keys: Any, carry: Any) -> tuple[State, Metrics]:
        del key, carry
        lost, gradient = jax.value_and_grad(loss)(state.start, keys)
        start, opt_state = descend(optimizer, gradient, state.opt_state, state.start)
        return State(start, opt_state), {"reward": -lost[None], "own_lr": jnp.exp(start.log_lr)}

    def policy(state: State) -> tuple[tuple[Policy, Params], ...]:
        return ((POLICY, state.start),)

    def with_params(state: State, seat: int, params: Params) -> State:
        del seat
        return state._replace(start=params)

    return Learner(init, step, policy, update, with_params)


class Played(Settings):
    """Settings of M-MAML in play."""

    agents: Any = learned.AGENTS
    agent: int = learned.WHICH
    learned_lr: bool = setting(False, "go on with the learned step size instead of `lr`", source="off: M-FOS code")
    lr: float = setting(1.0, "step size", unit="per update", source="M-FOS code", low=0.0)
    random_first: bool = setting(False, "play random logits first, as M-FOS does in its uncounted step")


class InPlay(NamedTuple):
    """An M-MAML agent that plays: its logits, where they begin, its step size, and which of the trained ones it is."""

    logits: Float[Array, "seats n"]
    start: Float[Array, "seats n"]
    begun: Bool[Array, ""]  # it has played its start
    lr: Float[Array, ""]
    agent: Int[Array, ""]


def play(game: Game, config: Played, seats: Sequence[int] | None = None) -> Learner:
    """M-MAML in play: naive learning from a start that was learned.

    Raises:
        Misfit: the game has no closed form.
    """
    inner = closed_form(game, "m-maml")
    seats = learned.only_first_unless_symmetric("m-maml", inner, seats)
    starts: Start = config.agents[0]

    def init(key: PRNGKeyArray) -> InPlay:
        agent_key, logits_key = jax.random.split(key)
        agent = learned.choose(agent_key, starts.log_lr, config.agent)
        logits = starts.logits[agent, START - num_logits(inner) + 1 :]
        lr = jnp.exp(starts.log_lr[agent]) if config.learned_lr else jnp.asarray(config.lr, float)
        start = jnp.broadcast_to(logits, (len(seats), len(logits)))
        first = jax.random.normal(logits_key, start.shape) if config.random_first else start
        return InPlay(first, start, jnp.bool_(not config.random_first), lr, agent)

    def rule(state: InPlay) -> tuple[Learner, exact.State]:
        return naive.make(inner, _stepping(state.lr), seats), exact.State(state.logits)

    def update(key: PRNGKeyArray, state: InPlay, joint: Float[Array, "2 n"], carry: Any = ()) -> Any:
        learner, logits = rule(state)
        after, metrics = learner.update(key, logits, joint, carry)
        moved = jnp.where(state.begun, after.logits, state.start)
        return state._replace(logits=moved, begun=jnp.bool_(True)), metrics

    def step(key: PRNGKeyArray, state: InPlay) -> tuple[InPlay, Metrics]:
        return update(key, state, state.logits)

    def policy(state: InPlay) -> tuple[tuple[Policy, Params], ...]:
        learner, logits = rule(state)
        return learner.policy(logits)

    def with_params(state: InPlay, seat: int, params: Params) -> InPlay:
        learner, logits = rule(state)
        return state._replace(logits=learner.with_params(logits, seat, params).logits)

    return Learner(init, step, policy, update, with_params, exact=True)
