"""Gradient ascent on the expected payoff of a one-shot lever game: a joint-action learner, and two that fail.

    maximize  sum_ab P(a, b) pay(a, b) + entropy_weight H(P),        P = softmax(theta)  over joint actions

With Other-Play, pay is that of players who do not share names: player 2's are drawn anew for each update. Afterwards
each player acts by its own marginal of P, without knowing what the other takes.

A softmax over joint actions makes the objective linear in P, so that nothing stands between a start and the best joint
action. With `independent`, P is the product of two policies, with `shared`, of one with itself: what is good for a
player then depends on the other, and Other-Play leads most starts to the worse maximum (`tacit.evaluation.levers`).

Source: Hu et al. 2020 ("Other-Play" for Zero-Shot Coordination), section 3, and its public notebook (its `JAL` switch
is `joint` against `independent`). The term is Claus and Boutilier's (1998). Departure: in the notebook both
independent policies descend one loss, each with an optimizer of its own; here one optimizer moves both.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.games.levers import PLAYERS, LeverGame
from tacit.ops import categorical
from tacit.ops.optimizer import descend
from tacit.settings import setting
from tacit.types import Carry, Learner, Metrics, Params, Policy, Settings


class Config(Settings):
    """Settings of the joint-action learner."""

    policy: str = setting(
        "joint",
        "one softmax over joint actions, one for each player, or one for both",
        choices=("joint", "independent", "shared"),
    )
    other_play: bool = setting(False, "the players share no names of levers that pay alike")
    relabelings: int = setting(
        1, "drawn names per update of Other-Play; 0 takes the mean over all", source="Other-Play notebook", low=0
    )
    lr: float = setting(0.05, "step size of Adam", unit="per update", source="Other-Play notebook", low=0.0)
    entropy_weight: float = setting(
        -0.02, "weight of the entropy of joint actions; below 0 it is a penalty", source="Other-Play notebook"
    )
    init_std: float = setting(1.0, "standard deviation of the initial logits", source="Other-Play notebook", low=0.0)


class State(NamedTuple):
    """Logits: `[A A]` of joint actions, `[2, A]` of both players, or `[1, A]` of either."""

    logits: Array
    opt_state: PyTree


def distribution(logits: Array) -> Float[Array, "A A"]:
    """The log-probabilities of joint actions."""
    if logits.ndim == 1:
        size = round(len(logits) ** 0.5)
        return jax.nn.log_softmax(logits).reshape(size, size)
    each = jax.nn.log_softmax(logits, axis=1)
    return each[0][:, None] + each[-1][None]


def marginals(logits: Array) -> Float[Array, "2 A"]:
    """The log-probabilities of each player's own actions."""
    joint = distribution(logits)
    return jnp.stack([jax.nn.logsumexp(joint, axis=1), jax.nn.logsumexp(joint, axis=0)])


def objective(logits: Array, pay: Float[Array, "A A"], entropy_weight: Float[Array, ""] | float) -> Float[Array, ""]:
    """Expected payoff and weighted entropy, to be maximized."""
    log_probs = distribution(logits)
    probs = jnp.exp(log_probs)
    return jnp.sum(probs * pay) - entropy_weight * jnp.sum(probs * log_probs)


def _no_carry() -> Carry:
    return ()


def _act(
    key: PRNGKeyArray, params: Float[Array, " A"], carry: Carry, obs: Any, legal: Array, fresh: Array, given: Any = None
) -> tuple[Carry, Array, categorical.Choice]:
    del obs, fresh
    action, choice = categorical.choose(key, categorical.log_probs(params, legal), jnp.zeros(()), given)
    return carry, action, choice


MARGINAL = Policy(_no_carry, _act)
"""Acts by one distribution, whatever it sees; the parameters are its log-probabilities `[A]`."""


def make(game: Game, config: Config, seats: Sequence[int] | None = None) -> Learner:
    """A joint-action learner, or a variant of it. It learns for both players at once, in closed form.

    Raises:
        Misfit: the game is no lever game of one round, or the learner is to have only one seat.
    """
    if not isinstance(game, LeverGame) or game.length != 1:
        raise Misfit("joint-action needs a lever game of one round (levers, with any payoffs)")
    if seats is not None and tuple(seats) != tuple(range(PLAYERS)):
        raise Misfit("joint-action learns for both players at once; it cannot play against another learner")
    size, optimizer = game.num_levers, optax.adam(config.lr)
    shape = {"joint": (size * size,), "independent": (PLAYERS, size), "shared": (1, size)}[config.policy]

    def init(key: PRNGKeyArray) -> State:
        logits = config.init_std * jax.random.normal(key, shape)
        return State(logits, optimizer.init(logits))

    def pay(key: PRNGKeyArray) -> Float[Array, "A A"]:
        if not (config.other_play and config.relabelings):
            return game.matrix(config.other_play)
        names = jax.vmap(game.sample_symmetry)(jax.random.split(key, config.relabelings))
        return jnp.mean(jax.vmap(lambda name: game.matrix()[:, game.inverse(name)])(names), axis=0)

    def update(key: PRNGKeyArray, state: State, experience: Any = None, carry: Any = ()) -> tuple[State, Metrics]:
        del experience, carry
        gradient = jax.grad(objective)(state.logits, -pay(key), -config.entropy_weight)
        own = jnp.exp(marginals(state.logits))
        measured = {
            "value": jnp.full(PLAYERS, jnp.sum(jnp.exp(distribution(state.logits)) * game.matrix())),
            "apart": own[0] @ game.matrix() @ own[1],
            "other_play": own[0] @ game.matrix(other_play=True) @ own[1],
        }
        return State(*descend(optimizer, gradient, state.opt_state, state.logits)), measured

    def step(key: PRNGKeyArray, state: State) -> tuple[State, Metrics]:
        return update(key, state)

    def policy(state: State) -> tuple[tuple[Policy, Params], ...]:
        return tuple((MARGINAL, own) for own in marginals(state.logits))

    def with_params(state: State, seat: int, params: Params) -> State:
        each = marginals(state.logits).at[seat].set(jax.nn.log_softmax(params))
        if config.policy == "joint":
            return state._replace(logits=(each[0][:, None] + each[1][None]).ravel())
        return state._replace(logits=each if config.policy == "independent" else each[seat][None])

    return Learner(init, step, policy, update, with_params, exact=True)
