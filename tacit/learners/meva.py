"""MeVa: meta-value learning, which climbs the worth of both players' learning to come.

From the joint logits x each player moves by the gradient of its corrected meta-value, the present and the future:

    V_i(x) = (1 - g_i) f_i(x) + g_i U_i(x)
    x_i <- x_i + lr dV_i/dx_i            (f and U as unnormalized values; the other by the same rule, or by its own)

U (`tacit.learners.meta_value`) is learned along such paths, from `length` steps of exploring at a time: policies begin
normal and climb U with the signs of some of its last features flipped; from every `stride`-th point of that walk a
path of `stride` steps is followed without exploring, under fresh meta-discounts (drawn from the arcsine law), and U
moves to the lambda-returns of that path, which a slowly following copy of the network completes. Nothing is
differentiated through learning: the gradient of U has learned what learning does. With a meta-discount of 0 this is
naive learning.

Source: Cooijmans, Aghajohari and Courville 2023 (arXiv 2307.08863); matrix.ipynb of its public code
(MetaValueLearning/MetaValueLearning), whose defaults are used. Departures: the slow copy begins equal to the network.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.games.matrix import PLAYERS, MatrixGame
from tacit.games.matrix_derivatives import ME
from tacit.games.matrix_exact import closed_form, num_logits
from tacit.learners import learned, meta_value
from tacit.learners.meta_game import MetaGame
from tacit.learners.meta_paths import Meeting, Paths, Walkers, direction, symmetric
from tacit.learners.meta_value import MetaValue
from tacit.learners.tabular import TABULAR
from tacit.ops.optimizer import descend
from tacit.settings import setting
from tacit.types import Learner, Metrics, Params, Policy, Settings

SOURCE = "MeVa code"
PLAYING = 0.95  # meta-discount in play


class Config(Settings):
    """Settings of MeVa."""

    lr: float = setting(
        1.0, "step size of the policies on the unnormalized value", unit="per update", source=SOURCE, low=0.0
    )
    value_lr: float = setting(1e-3, "step size of Adam", unit="per update of the network", source=SOURCE, low=0.0)
    weight_decay: float = setting(0.01, "weight decay, as a share of that step size", source=SOURCE, low=0.0)
    num_games: int = setting(128, "meta-episodes of a batch", unit="meta-episodes", source=SOURCE, low=1)
    stride: int = setting(
        10, "steps of a path, and of exploring between paths", unit="updates", source=SOURCE, low=1, high=10**4
    )
    decay: float = setting(0.9, "lambda of the returns", source=SOURCE, low=0.0, high=1.0)
    slow: float = setting(0.99, "what the slow copy keeps of itself", unit="per update", source=SOURCE, low=0.0, high=1)
    flip: float = setting(0.0625, "chance that exploring flips the sign of a feature", source=SOURCE, low=0.0, high=1.0)
    hidden: int = setting(128, "width of the network", unit="units", source=SOURCE, low=1)
    quantiles: int = setting(64, "quantiles of the meta-value", unit="quantiles", source=SOURCE, low=1)
    init_std: float = setting(1.0, "standard deviation of the initial logits", source=SOURCE, low=0.0)


class State(NamedTuple):
    """The network, its slow copy (which plays) and the optimizer."""

    net: MetaValue
    slow: MetaValue
    opt_state: PyTree


def discounts(key: PRNGKeyArray, count: int) -> Float[Array, "B 2"]:
    """Meta-discounts from the arcsine law on [0, 1], one for each player. The key is consumed."""
    return jnp.square(jnp.sin(0.5 * jnp.pi * jax.random.uniform(key, (count, PLAYERS))))


def make(game: Game, config: Config) -> Learner:
    """A MeVa learner: against the opponent of a meta-game as player 1, or of both players in meta-self-play.

    Raises:
        Misfit: the game is not a meta-game.
    """
    if not isinstance(game, MetaGame):
        raise Misfit(f"meva needs a meta-game (a matrix game and how the other learns), not {type(game).__name__}")
    inner = closed_form(game.inner, "meva")
    meeting = Meeting(inner, config.lr, game.rules()[0] if game.num_players == 1 else None)
    optimizer = optax.adamw(config.value_lr, b2=0.99, weight_decay=config.weight_decay)
    count = config.num_games

    def init(key: PRNGKeyArray) -> State:
        net = meta_value.init(key, num_logits(inner), config.hidden, config.quantiles)
        return State(net, net, optimizer.init(net))

    def step(key: PRNGKeyArray, state: State) -> tuple[State, Metrics]:
        begin_key, discount_key, sign_key, walk_key = jax.random.split(key, 4)
        discount = discounts(discount_key, count)
        flipped = jax.random.bernoulli(sign_key, config.flip, (config.hidden, PLAYERS, count))
        signs = jnp.where(flipped, -1.0, 1.0)
        begun = meeting.begin(begin_key, count, config.init_std)

        def stretch(carry: tuple[State, Walkers], key: PRNGKeyArray) -> Any:
            state, walkers = carry
            explore_key, fresh_key, follow_key, learn_key = jax.random.split(key, 4)
            walkers = meeting.explore(explore_key, state.net, walkers, discount, signs, config.stride)
            fresh = discounts(fresh_key, count)
            paths = meeting.follow(follow_key, state.net, walkers, fresh, config.stride)
            state, metrics = update(learn_key, state, paths)
            return (state, walkers), metrics

        keys = jax.random.split(walk_key, max(1, game.length // config.stride))
        (state, _), metrics = jax.lax.scan(stretch, (state, begun), keys)
        return state, jax.tree.map(lambda leaf: leaf.mean(0), metrics)

    def update(key: PRNGKeyArray, state: State, paths: Paths, carry: Any = ()) -> tuple[State, Metrics]:
        del key, carry
        (lost, miss), gradient = jax.value_and_grad(loss, has_aux=True)(state.net, state.slow, paths, config)
        apart = jnp.where(symmetric(inner), 0.0, 1.0) if meeting.rule is None else 1.0
        gradient = gradient._replace(role_gain=apart * gradient.role_gain, role_bias=apart * gradient.role_bias)
        net, opt_state = descend(optimizer, gradient, state.opt_state, state.net)
        slow = jax.tree.map(lambda a, b: config.slow * a + (1 - config.slow) * b, state.slow, net)
        told = {"loss": lost, "td_error": miss, "reward": paths.reward[-1].mean(0)}
        return State(net, slow, opt_state), told

    def policy(state: State) -> tuple[tuple[Policy, Params], ...]:
        return ((_policy(inner, config.lr), state.slow),) * game.num_players

    def with_params(state: State, seat: int, params: Params) -> State:
        del seat
        return state._replace(net=params, slow=params)

    return Learner(init, step, policy, update, with_params)


def loss(net: MetaValue, slow: MetaValue, paths: Paths, config: Config) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """The quantile loss of the meta-value along paths, and its root mean square error at their first points."""
    length, count, _, size = paths.reward.shape[0], *paths.logits.shape[1:]

    def along(net: MetaValue, logits: Float[Array, "T B 2 n"]) -> Float[Array, "Q 2 T B"]:
        every = jnp.broadcast_to(paths.discount, (length, count, PLAYERS)).reshape(-1, PLAYERS)
        seen = meta_value.features(net, logits.reshape(-1, PLAYERS, size), every)
        return meta_value.quantiles(net, seen).reshape(-1, PLAYERS, length, count)

    after = jnp.transpose(along(slow, paths.logits[1:]), (2, 0, 1, 3))
    reward = jnp.transpose(paths.reward, (0, 2, 1))
    wanted = meta_value.targets(reward, after, paths.discount.T, config.decay)
    predicted = along(net, paths.logits[:-1])
    wanted = jax.lax.stop_gradient(jnp.transpose(wanted, (1, 2, 0, 3)))
    miss = (predicted - wanted)[:, :, 0].mean(0)
    flat = (config.quantiles, PLAYERS * length * count)
    return meta_value.quantile_loss(predicted.reshape(flat), wanted.reshape(flat)), jnp.sqrt(jnp.square(miss).mean())


def _policy(inner: MatrixGame, lr: Float[Array, ""] | float) -> Policy:
    """How MeVa acts in a meta-game, as one of the players of which it sees both policies: by its next logits."""

    def act(
        key: PRNGKeyArray, params: MetaValue, carry: Any, obs: Any, legal: Any, fresh: Any, given: Any = None
    ) -> tuple[Any, Float[Array, " n"], tuple[()]]:
        del key, legal, fresh
        joint = jax.scipy.special.logit(jnp.clip(obs, 1e-7, 1 - 1e-7)).reshape(PLAYERS, -1)
        along, _ = direction(inner, params, joint[None], jnp.full((1, PLAYERS), PLAYING))
        return carry, joint[ME] + lr * along[0, ME] if given is None else given, ()

    return Policy(TABULAR.init_carry, act)


class Played(Settings):
    """Settings of MeVa in play."""

    agents: Any = learned.AGENTS
    agent: int = learned.WHICH
    lr: float = setting(1.0, "step size on the unnormalized value", unit="per update", source=SOURCE, low=0.0)
    meta_discount: float = setting(PLAYING, "weight of the future", source=SOURCE, low=0.0, high=1.0)
    init_std: float = setting(1.0, "standard deviation of the initial logits", source=SOURCE, low=0.0)


def play(game: Game, config: Played, seats: Sequence[int] | None = None) -> Learner:
    """MeVa in play: climbs the corrected meta-value that was learned.

    Raises:
        Misfit: the game has no closed form, or the agents were trained for another one.
    """
    inner = closed_form(game, "meva")
    if config.agents[0].policy.weight.shape[2] != num_logits(inner):
        raise Misfit("these MeVa agents were trained on another kind of game (one round, or many)")

    def climb(key: PRNGKeyArray, seat: int, net: MetaValue, own: Array, joint: Float[Array, "2 n"]) -> Array:
        """Player 1 of the network is who was trained; only two that were trained together keep their seats."""
        del key
        swapped = len(config.agents) < PLAYERS and seat == 1
        seen = joint[::-1] if swapped else joint
        along, _ = direction(inner, net, seen[None], jnp.full((1, PLAYERS), config.meta_discount))
        return own + config.lr * along[0, 0 if swapped else seat]

    return learned.in_play("meva", inner, config, climb, seats, config.init_std)
