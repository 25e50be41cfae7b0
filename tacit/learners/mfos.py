"""M-FOS: learning, over many meta-episodes, how to shape a learner.

A meta-player sees the policies that both players just used and answers with its own next policy; proximal policy
optimization improves how it answers by the return of whole meta-episodes (`tacit.learners.meta_game`), through which
the opponent goes on learning. Nothing is differentiated through the opponent: that is what model-free means.

    actor       mean and variance of the next logits = W2 tanh(W1 [own, other's policy] + b1) + b2, variance softplus
    returns     G_t = r_t + discount G_{t+1}, normalized over the batch;  advantage = G - critic
    objective   min(r A, clip(r) A) - value_weight (critic - G)^2 + entropy_weight entropy, `epochs` passes, whole batch

With two meta-players (meta-self-play), all games of an iteration are against naive learners with a probability that
falls from 1 by `anneal` per iteration, and otherwise between the two, which have separate networks. With a floor under
it (which the paper does not have) they keep in practice against naive learners.

Source: Lu et al. 2022 (Model-Free Opponent Shaping); main_mfos_ppo.py, main_mfos_self.py and ppo.py of its public
code. Departures: weights begin normal with the standard deviation of that code's uniform ones; the whole batch is the
minibatch but may be smaller than the published 4096.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from tacit import nets
from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.games.matrix import PLAYERS
from tacit.games.matrix_exact import closed_form, num_logits
from tacit.learners import learned
from tacit.learners.meta_game import MetaGame
from tacit.loops import joint, per_player, player, rollout, start
from tacit.ops.optimizer import descend
from tacit.ops.policy_gradient import clipped_surrogate
from tacit.ops.returns import to_go
from tacit.settings import setting
from tacit.types import Carry, Learner, Metrics, Params, Policy, Settings, Step

SELF_PLAY = True  # without an opponent to shape, the two seats shape each other
LOG_TWO_PI = 1.8378770664093453


class Config(Settings):
    """Settings of M-FOS."""

    lr: float = setting(2e-3, "step size of Adam", unit="per pass", source="M-FOS code (self-play: 0.0002)", low=0.0)
    num_games: int = setting(256, "meta-episodes of a batch (the M-FOS code: 4096)", unit="meta-episodes", low=1)
    epochs: int = setting(4, "passes over each batch", unit="passes", source="M-FOS code", low=1)
    clip: float = setting(0.2, "how far the ratio may pay", source="M-FOS code", above=0.0)
    entropy_weight: float = setting(0.01, "weight of the entropy", source="M-FOS code", low=0.0)
    value_weight: float = setting(0.5, "weight of the critic's squared error", source="M-FOS code", low=0.0)
    hidden: int = setting(256, "width of the one layer", unit="units", source="M-FOS code", low=1)
    naive_lr: float = setting(
        1.0, "step size of naive opponents (self-play only)", unit="per update", source="M-FOS code", low=0.0
    )
    naive_floor: float = setting(
        0.0, "what the share of naive opponents never falls below (self-play only)", low=0.0, high=1.0
    )
    anneal: float = setting(
        0.0015,
        "what the share of naive opponents loses (self-play only)",
        unit="per iteration",
        source="M-FOS code",
        low=0.0,
        high=1.0,
    )


class Normal(NamedTuple):
    """The extras of a policy over real actions: log-probability of the action taken, and value."""

    log_prob: Float[Array, ""]
    value: Float[Array, ""]


class MetaActorCritic(eqx.Module):
    """Mean, variance and value from what a meta-player sees; actor and critic share nothing."""

    actor: tuple[eqx.nn.Linear, ...]
    critic: tuple[eqx.nn.Linear, ...]

    def __init__(self, inputs: int, actions: int, hidden: int) -> None:
        key = jax.random.key(0)  # the leaves are drawn by `nets.drawn`

        def layers(outputs: int) -> tuple[eqx.nn.Linear, ...]:
            return eqx.nn.Linear(inputs, hidden, key=key), eqx.nn.Linear(hidden, outputs, key=key)

        self.actor, self.critic = layers(2 * actions), layers(1)


def init_params(key: PRNGKeyArray, inputs: int, actions: int, hidden: int) -> Any:
    """A meta-player's network. The key is consumed."""
    shapes = eqx.filter_eval_shape(MetaActorCritic, inputs, actions, hidden)
    return jax.tree.map(lambda leaf: leaf / 3**0.5, nets.drawn(key, shapes))


def _no_carry() -> Carry:
    return ()


def heads(params: Any, obs: Float[Array, "m N"]) -> tuple[Array, Array, Array]:
    """Mean `[n, N]`, variance `[n, N]` and value `[N]`. Whoever computes many puts them last, which is fastest."""

    def feed(layers: Any) -> Float[Array, "outputs N"]:
        first, last = layers
        hidden = jnp.tanh(first.weight @ obs + first.bias[:, None])
        return last.weight @ hidden + last.bias[:, None]

    mean, raw = jnp.split(feed(params.actor), 2)
    return mean, jax.nn.softplus(raw), feed(params.critic)[0]


def log_prob(
    action: Float[Array, "n N"], mean: Float[Array, "n N"], variance: Float[Array, "n N"]
) -> Float[Array, " N"]:
    """Log-density of normal actions."""
    return -0.5 * jnp.sum(jnp.square(action - mean) / variance + jnp.log(variance) + LOG_TWO_PI, axis=0)


def _act(
    key: PRNGKeyArray, params: Any, carry: Carry, obs: Float[Array, " m"], legal: Any, fresh: Any, given: Any = None
) -> tuple[Carry, Float[Array, " n"], Normal]:
    del legal, fresh
    mean, variance, value = heads(params, obs[:, None])
    noise = jax.random.normal(key, (len(mean), 1))
    action = mean + jnp.sqrt(variance) * noise if given is None else given[:, None]
    return carry, action[:, 0], Normal(log_prob(action, mean, variance)[0], value[0])


POLICY = Policy(_no_carry, _act)
"""A meta-player: normal logits whose mean and variance its network gives."""


class State(NamedTuple):
    """Parameters and optimizer, leaves `[P, ...]`, and how many iterations were done."""

    params: Params
    opt_state: PyTree
    iteration: Int[Array, ""]


class Batch(NamedTuple):
    """What one meta-player learns from; leaves `[T, ..., B]`, the meta-episodes last."""

    obs: Float[Array, "T m B"]
    action: Float[Array, "T n B"]
    log_prob: Float[Array, "T B"]
    target: Float[Array, "T B"]  # normalized return
    advantage: Float[Array, "T B"]


def loss(params: Params, batch: Batch, config: Config) -> tuple[Float[Array, ""], Metrics]:
    """PPO's loss of one meta-player, to be minimized, on one step of all meta-episodes (leaves without `T`)."""
    mean, variance, value = heads(params, batch.obs)
    ratio = jnp.exp(log_prob(batch.action, mean, variance) - batch.log_prob)
    surrogate = clipped_surrogate(ratio, batch.advantage, config.clip).mean()
    value_loss = jnp.square(value - batch.target).mean()
    entropy = 0.5 * jnp.sum(jnp.log(variance) + LOG_TWO_PI + 1, axis=0).mean()
    total = -surrogate + config.value_weight * value_loss - config.entropy_weight * entropy
    return total, {"value_loss": value_loss, "entropy": entropy, "ratio_error": jnp.abs(ratio - 1).max()}


def whole_gradient(params: Params, batch: Batch, config: Config) -> tuple[Params, Metrics]:
    """Gradient and figures of the mean loss over all steps, taken step by step: what is in use stays in the cache."""

    def add(total: Any, part: Batch) -> tuple[Any, None]:
        return jax.tree.map(jnp.add, total, jax.grad(loss, has_aux=True)(params, part, config)), None

    shapes = jax.eval_shape(lambda part: jax.grad(loss, has_aux=True)(params, part, config), player(0, batch))
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    total = jax.lax.scan(add, zeros, batch)[0]
    return jax.tree.map(lambda leaf: leaf / len(batch.target), total)


def make(game: Game, config: Config) -> Learner:
    """An M-FOS learner for all meta-players of a meta-game.

    Raises:
        Misfit: the game is not a meta-game.
    """
    if not isinstance(game, MetaGame):
        raise Misfit(f"mfos needs a meta-game (a matrix game and an opponent that learns), not {type(game).__name__}")
    spec = game.spec
    optimizer = optax.adam(config.lr)
    policies = (POLICY,) * spec.num_players
    everyone = joint(policies)

    def init(key: PRNGKeyArray) -> State:
        def one(key: PRNGKeyArray) -> Any:
            return init_params(key, spec.observation.shape[0], spec.action.shape[0], config.hidden)

        params = jax.vmap(one)(jax.random.split(key, spec.num_players))
        return State(params, jax.vmap(optimizer.init)(params), jnp.int32(0))

    def step(key: PRNGKeyArray, state: State) -> tuple[State, Metrics]:
        start_key, play_key, learn_key, mode_key = jax.random.split(key, 4)
        naive_share = jnp.maximum(1 - config.anneal * state.iteration, config.naive_floor)
        mutual = (jax.random.uniform(mode_key) >= naive_share) & (spec.num_players == PLAYERS)
        levels: Bool[Array, " B"] = jnp.broadcast_to(mutual, (config.num_games,))
        live = start(start_key, game, policies, config.num_games, levels)
        params = tuple(player(i, state.params) for i in range(spec.num_players))

        def act(keys: Any, **seen: Any) -> Any:
            return everyone(keys, params, **seen)

        met, played = rollout(play_key, game, act, live, game.length, reset=False)
        state, metrics = update(learn_key, state, played, live.carry)
        reward = played.reward.mean((0, 1))
        theirs = (played.state.theirs[1:].sum((0, 1)) + met.state.theirs.sum(0)) / played.reward[..., 0].size
        told = {"reward": reward, "opponent_reward": theirs}
        alone = jnp.where(mutual, jnp.nan, reward), jnp.where(mutual, reward, jnp.nan)
        split = (
            dict(zip(("reward_v_naive", "reward_v_self"), alone, strict=True)) if spec.num_players == PLAYERS else {}
        )
        return state, told | split | metrics

    def update(key: PRNGKeyArray, state: State, played: Step, carry: Carry) -> tuple[State, Metrics]:
        del key, carry
        trajectory = per_player(played, range(spec.num_players))
        # one agent after another: their networks are large enough to be worth whole matrix products of their own
        params, opt_state, metrics = jax.lax.map(lambda one: learn(*one), (state.params, state.opt_state, trajectory))
        return State(params, opt_state, state.iteration + 1), metrics

    def learn(params: Params, opt_state: PyTree, trajectory: Any) -> tuple[Params, PyTree, Metrics]:
        returns = jax.vmap(to_go, (1, None), 1)(trajectory.reward, game.discount)
        target = (returns - returns.mean()) / (returns.std() + 1e-5)
        said = trajectory.extras
        seen, done = jnp.moveaxis(trajectory.obs, 1, 2), jnp.moveaxis(trajectory.action, 1, 2)
        batch = Batch(seen, done, said.log_prob, target, target - said.value)

        def epoch(carry: Any, _: None) -> Any:
            params, opt_state = carry
            gradient, metrics = whole_gradient(params, batch, config)
            return descend(optimizer, gradient, opt_state, params), metrics

        (params, opt_state), metrics = jax.lax.scan(epoch, (params, opt_state), None, length=config.epochs)
        first = metrics["ratio_error"][0]  # before any step: replay and play must agree
        return params, opt_state, jax.tree.map(jnp.mean, metrics) | {"ratio_error": first}

    def policy(state: State) -> tuple[tuple[Policy, Params], ...]:
        return tuple((POLICY, player(i, state.params)) for i in range(spec.num_players))

    def with_params(state: State, seat: int, params: Params) -> State:
        return state._replace(params=jax.tree.map(lambda rows, new: rows.at[seat].set(new), state.params, params))

    return Learner(init, step, policy, update, with_params, deep=True)


class Played(Settings):
    """Settings of M-FOS in play."""

    agents: Any = learned.AGENTS
    agent: int = learned.WHICH


def play(game: Game, config: Played, seats: Sequence[int] | None = None) -> Learner:
    """M-FOS in play: a learning rule that answers what both players just did by its trained network.

    It begins with random logits, as it was trained to: the first step of a meta-episode is not counted.

    Raises:
        Misfit: the game has no closed form, or the agents were trained for another one.
    """
    inner = closed_form(game, "mfos")
    if config.agents[0].actor[0].weight.shape[2] != 2 * num_logits(inner):
        raise Misfit("these M-FOS agents were trained on another kind of game (one round, or many)")

    def answer(key: PRNGKeyArray, seat: int, params: Params, own: Array, joint: Float[Array, "2 n"]) -> Array:
        del own
        obs = jax.nn.sigmoid(jnp.concatenate([joint[seat], joint[1 - seat]]))
        return _act(key, params, (), obs, None, None)[1]

    return learned.in_play("mfos", inner, config, answer, seats)
