"""M-FOS from sampled play: a meta-agent with a memory learns how to shape a learner that learns from what they play.

    opponent begins anew;  memory = empty                                        a meta-episode:
    repeat `inner_episodes` times
        play `inner_length` steps of `num_games` games                           (rollout)
        opponent learns from them                                                (its own rule)
        memory := what is kept of it
    proximal policy optimization on the whole meta-episode, `epochs` passes, whole batch

What is kept between inner episodes (`memory`):

    summary     s = sigmoid(W mean_b h_T + b), h the GRU of a third branch that reads the finished episode; s multiplies
                the features of actor and (detached) critic in the next one, where their own GRUs begin empty: M-FOS
    carry       the GRUs go on: Shaper
    average     the GRUs go on from their mean over the batch: Shaper, with the memories of all games combined
    none        nothing: the control without a memory of earlier inner episodes (Good Shepherd)

The opponent learns from the whole batch, so what follows an inner episode is the mean return over the batch:

    G_t = r_t + discount G_{t+1},    G_T = foresight mean_b G_0 of the next inner episode

normalized over the batch; advantage = G - critic. Nothing is differentiated through the opponent. With foresight 0 the
meta-agent learns to play inner episodes well, whatever the opponent learns from them: the control without shaping.

Source: Lu et al. 2022 (Model-Free Opponent Shaping), section 5, and src/coin_game/ of its public code; Khan et al. 2024
(Scaling Opponent Shaping to High Dimensional Games) and ucl-dark/pax for Shaper and Good Shepherd. Departures: two
dense layers read an observation where the M-FOS code has two circular convolutions and one; the opponent is any rule
of this library, where it is a PPO of 80 whole-batch passes; Shaper has one GRU for actor and critic and is trained by
evolution; Good Shepherd is feed-forward. `foresight` is ours.
"""

import dataclasses
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from tacit import nets
from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.learners.sampled_meta_game import (
    ME,
    OTHER,
    SampledMetaGame,
    Seen,
    as_the_game,
    looking_at_the_game,
    meta_agents,
)
from tacit.loops import joint, rollout, start
from tacit.ops import categorical
from tacit.ops.optimizer import descend
from tacit.ops.policy_gradient import clipped_surrogate
from tacit.settings import setting
from tacit.types import Carry, Choice, Learner, Metrics, Params, Policy, Settings, Step

MEMORIES = ("summary", "carry", "average", "none")


class Config(Settings):
    """Settings of M-FOS from sampled play."""

    memory: str = setting("summary", "what is kept between inner episodes", choices=MEMORIES)
    inner_episodes: int = setting(16, "inner episodes of a meta-episode", unit="episodes", source="M-FOS code", low=1)
    inner_length: int = setting(16, "steps of an inner episode", unit="steps", source="M-FOS code", low=1)
    num_games: int = setting(64, "games side by side, the opponent's batch (the M-FOS code: 512)", unit="games", low=1)
    lr: float = setting(2e-3, "step size of Adam (the M-FOS code: 0.0002)", unit="per pass", low=0.0)
    epochs: int = setting(4, "passes over each batch (the M-FOS code: 16)", unit="passes", low=1)
    discount: float = setting(
        0.995, "weight of the meta-agent's next step", unit="per step", source="M-FOS code", low=0.0, high=1.0
    )
    foresight: float = setting(
        1.0, "weight of the inner episodes to come; with 0 nothing is shaped", source="M-FOS code", low=0.0, high=1.0
    )
    clip: float = setting(0.2, "how far the ratio may pay", source="M-FOS code", above=0.0)
    value_weight: float = setting(0.5, "weight of the critic's squared error", source="M-FOS code", low=0.0)
    entropy_weight: float = setting(0.0, "weight of the entropy", source="M-FOS code", low=0.0)
    hidden: int = setting(16, "width of layers and memories", unit="units", source="M-FOS code", low=1)


class Branch(eqx.Module):
    """Two dense layers and a GRU."""

    layers: tuple[eqx.nn.Linear, eqx.nn.Linear]
    gru: eqx.nn.GRUCell

    def __init__(self, inputs: int, hidden: int) -> None:
        key = jax.random.key(0)  # the leaves are drawn by `nets.drawn`
        self.layers = eqx.nn.Linear(inputs, hidden, key=key), eqx.nn.Linear(hidden, hidden, key=key)
        self.gru = eqx.nn.GRUCell(hidden, hidden, key=key)

    def __call__(self, state: Float[Array, " H"], seen: Float[Array, "T n"]) -> Float[Array, "T H"]:
        """The GRU's states after each of these steps."""
        for layer in self.layers:
            seen = jax.nn.relu(jax.vmap(layer)(seen))

        def remember(state: Array, x: Array) -> tuple[Array, Array]:
            state = self.gru(x, state)
            return state, state

        return jax.lax.scan(remember, state, seen)[1]


class MetaActorCritic(eqx.Module):
    """A meta-agent's networks; `trajectory` and `summary` are there only where a summary is made."""

    actor: Branch
    critic: Branch
    choice: eqx.nn.Linear
    worth: eqx.nn.Linear
    trajectory: Branch | None
    summary: eqx.nn.Linear | None

    def __init__(self, inputs: int, actions: int, hidden: int, summarizes: bool) -> None:
        key = jax.random.key(0)
        self.actor, self.critic = Branch(inputs, hidden), Branch(inputs, hidden)
        self.choice, self.worth = eqx.nn.Linear(hidden, actions, key=key), eqx.nn.Linear(hidden, 1, key=key)
        self.trajectory = Branch(inputs, hidden) if summarizes else None
        self.summary = eqx.nn.Linear(hidden, hidden, key=key) if summarizes else None


class Memory(NamedTuple):
    """What a meta-agent remembers in a game: its GRUs' states, and the summary of the inner episode before."""

    actor: Float[Array, "*B H"]
    critic: Float[Array, "*B H"]
    summary: Float[Array, "*B H"]


def empty(*shape: int) -> Memory:
    """The memory at the beginning of a meta-episode, leaves of this shape."""
    return Memory(jnp.zeros(shape), jnp.zeros(shape), jnp.ones(shape))


def decide(
    net: MetaActorCritic, memory: Memory, seen: Float[Array, "T n"]
) -> tuple[Memory, Float[Array, "T A"], Float[Array, " T"]]:
    """Memory after, logits and values of some steps of one game, within one inner episode."""
    actor, critic = net.actor(memory.actor, seen), net.critic(memory.critic, seen)
    logits = jax.vmap(net.choice)(jax.nn.relu(actor) * memory.summary[None])
    value = jax.vmap(net.worth)(jax.nn.relu(critic) * jax.lax.stop_gradient(memory.summary)[None])
    return Memory(actor[-1], critic[-1], memory.summary), logits, value[:, 0]


def kept(net: MetaActorCritic, memory: Memory, seen: Float[Array, "T B n"], kind: str) -> Memory:
    """What all games' memories, leaves `[B, H]`, become between two inner episodes. `kind` is one of `MEMORIES`."""
    if kind == "carry":
        return memory
    if kind == "average":
        return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf.mean(0), leaf.shape), memory)
    begun = empty(*memory.actor.shape)
    if net.trajectory is None or net.summary is None:
        return begun
    last = jax.vmap(net.trajectory, (0, 1))(begun.actor, seen)[:, -1]
    summary = jax.nn.sigmoid(net.summary(last.mean(0)))
    return begun._replace(summary=jnp.broadcast_to(summary, last.shape))


def meta_policy(hidden: int) -> Policy:
    """The policy of a meta-agent within an inner episode; what lies between them is done by `kept`."""

    def init_carry() -> Memory:
        return empty(hidden)

    def act(
        key: Any, params: Any, carry: Memory, obs: Seen, legal: Any, fresh: Any, given: Any = None
    ) -> tuple[Carry, Any, Choice]:
        del fresh
        after, logits, value = decide(params, carry, nets.flatten(obs)[None])
        action, choice = categorical.choose(key, categorical.log_probs(logits[0], legal), value[0], given)
        return after, action, choice

    return Policy(init_carry, act)


class Own(NamedTuple):
    """What a meta-agent saw and did in a meta-episode, leaves `[E, T, B, ...]`: inner episodes, steps, games."""

    seen: Float[Array, "E T B n"]
    legal: Bool[Array, "E T B A"]
    action: Int[Array, "E T B"]
    log_prob: Float[Array, "E T B"]


def flat(seen: Seen) -> Float[Array, "T B n"]:
    """What one player saw, as vectors."""
    return jax.vmap(jax.vmap(nets.flatten))(seen)


def own_part(played: Step) -> Own:
    """What the meta-agent saw and did in the steps of a meta-episode, leaves `[E, T, B, P, ...]`."""
    obs, *rest = meta_agents((played.obs, played.legal, played.action, played.extras.log_prob), 3)
    return Own(jax.vmap(flat)(obs), *rest)


def replayed(net: MetaActorCritic, own: Own, kind: str) -> Choice:
    """What a network says of the actions of a meta-episode, leaves `[E, T, B, ...]`."""

    def inner_episode(memory: Memory, own: Own) -> tuple[Memory, Choice]:
        after, logits, value = jax.vmap(decide, (None, 0, 1), (0, 1, 1))(net, memory, own.seen)
        said = jax.vmap(jax.vmap(said_of))(logits, own.legal, value, own.action)
        return kept(net, after, own.seen, kind), said

    def said_of(logits: Any, legal: Any, value: Any, action: Any) -> Choice:
        return categorical.choose(jax.random.key(0), categorical.log_probs(logits, legal), value, action)[1]

    begun = empty(own.seen.shape[2], net.choice.weight.shape[1])
    return jax.lax.scan(inner_episode, begun, own)[1]


def returns(reward: Float[Array, "E T B"], discount: Any, foresight: Any) -> Float[Array, "E T B"]:
    """Returns over inner episodes: a game's own rewards in the present one, the mean over the batch of later ones."""

    def inner_episode(later: Array, reward: Array) -> tuple[Array, Array]:
        def back(after: Array, r_t: Array) -> tuple[Array, Array]:
            g_t = r_t + discount * after
            return g_t, g_t

        first, g = jax.lax.scan(back, jnp.broadcast_to(later, reward[0].shape), reward, reverse=True)
        return foresight * first.mean(), g

    return jax.lax.scan(inner_episode, jnp.zeros_like(reward[0, 0, 0]), reward, reverse=True)[1]


def loss(net: MetaActorCritic, own: Own, target: Float[Array, "E T B"], config: Config) -> tuple[Array, Metrics]:
    """PPO's loss on a whole meta-episode, to be minimized."""
    said = replayed(net, own, config.memory)
    ratio = jnp.exp(said.log_prob - own.log_prob)
    surrogate = clipped_surrogate(ratio, jax.lax.stop_gradient(target - said.value), config.clip).mean()
    value_loss, entropy = jnp.square(said.value - target).mean(), said.entropy.mean()
    total = -surrogate + config.value_weight * value_loss - config.entropy_weight * entropy
    return total, {"value_loss": value_loss, "entropy": entropy, "ratio_error": jnp.abs(ratio - 1).max()}


def meta_episode(
    key: PRNGKeyArray, game: SampledMetaGame, config: Config, net: MetaActorCritic
) -> tuple[Step, PyTree, Memory]:
    """Plays a meta-episode.

    Returns:
        The steps, the opponent's learning state *before* each inner episode, and the meta-agent's memory then; leaves
        `[E, T, B, ...]`, `[E, ...]` and `[E, B, H]`. Parts nobody reads cost nothing.
    """
    game = dataclasses.replace(game, length=config.inner_length)
    rule, mine = game.rule("mfos-recurrent"), meta_policy(config.hidden)

    def inner_episode(carry: Any, key: PRNGKeyArray) -> Any:
        memory, opponent = carry
        start_key, play_key, learn_key = jax.random.split(key, 3)
        ((theirs, params),) = rule.policy(opponent)
        players = (mine, looking_at_the_game(theirs))
        live = start(start_key, game, players, config.num_games)
        live = live._replace(carry=(memory, live.carry[OTHER]))
        everyone = joint(players)

        def act(keys: Any, **seen: Any) -> Any:
            return everyone(keys, (net, params), **seen)

        after, played = rollout(play_key, game, act, live, config.inner_length, reset=False)
        learned, _ = rule.update(learn_key, opponent, as_the_game(played), live.carry)
        memory_after = kept(net, after.carry[ME], flat(meta_agents(played.obs, 2)), config.memory)
        return (memory_after, learned), (played, opponent, memory)

    first_key, key = jax.random.split(key)
    begun = empty(config.num_games, config.hidden), rule.init(first_key)
    return jax.lax.scan(inner_episode, begun, jax.random.split(key, config.inner_episodes))[1]


class State(NamedTuple):
    """The meta-agent's networks and their optimizer."""

    net: Params
    opt_state: PyTree


def make(game: Game, config: Config) -> Learner:
    """A meta-agent in seat 1, against an opponent that learns from play. An iteration is one batch of meta-episodes.

    Raises:
        Misfit: the game is not a sampled meta-game, or its opponent does not learn from play.
        SettingError: inner episodes are longer than the game.
    """
    if not isinstance(game, SampledMetaGame):
        raise Misfit(f"mfos-recurrent needs a sampled meta-game (a game and a learner), not {type(game).__name__}")
    game = dataclasses.replace(game, length=config.inner_length)
    game.rule("mfos-recurrent")
    optimizer = optax.adam(config.lr)

    def init(key: PRNGKeyArray) -> State:
        inputs = jax.eval_shape(lambda key: nets.flatten(meta_agents(game.observe(game.reset(key)), 0)), key)
        sizes = (inputs.shape[0], game.spec.action.n, config.hidden, config.memory == "summary")
        net = nets.drawn(key, eqx.filter_eval_shape(MetaActorCritic, *sizes))
        return State(net, optimizer.init(net))

    def step(key: PRNGKeyArray, state: State) -> tuple[State, Metrics]:
        played, _, _ = meta_episode(key, game, config, state.net)
        return update(key, state, played, ())

    def update(key: PRNGKeyArray, state: State, played: Step, carry: Carry) -> tuple[State, Metrics]:
        del key, carry
        own = own_part(played)
        g = returns(played.reward[..., ME], config.discount, config.foresight)
        target = (g - g.mean()) / (g.std() + 1e-5)

        def epoch(state: State, _: None) -> tuple[State, Metrics]:
            gradient, metrics = jax.grad(loss, has_aux=True)(state.net, own, target, config)
            return State(*descend(optimizer, gradient, state.opt_state, state.net)), metrics

        state, metrics = jax.lax.scan(epoch, state, None, length=config.epochs)
        first = metrics["ratio_error"][0]  # before any step: replay and play must agree
        reward = played.reward.mean((0, 1, 2))
        told = {"reward": reward[None, ME], "opponent_reward": reward[None, OTHER]}
        return state, told | jax.tree.map(jnp.mean, metrics) | {"ratio_error": first}

    def policy(state: State) -> tuple[tuple[Policy, Params], ...]:
        return ((meta_policy(config.hidden), state.net),)

    def with_params(state: State, seat: int, params: Params) -> State:
        del seat
        return state._replace(net=params)

    return Learner(init, step, policy, update, with_params)
