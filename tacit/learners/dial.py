"""Learning to communicate: messages that carry gradients back to their senders (DIAL), or that are actions (RIAL).

Players have one recurrent network in common, or each its own, and play whole episodes. An update:

    play a batch of episodes, moves epsilon-greedy in Q, and messages sent                     (rollout)
    go through the same moves with Q', a copy of the network made every `sync` updates         (rollout, moves given)
    y_t = r_t                              where the episode ended
          r_t + discount v'_{t+1}          otherwise
    one gradient step down  sum over steps and players of (y_t - Q(u_t))^2 / 2, plus what RIAL says of messages

    DIAL    a message is what the network says, through the channel (`tacit.games.channel`): logistic(m + noise e), e
            normal. It stays attached: its sender learns from the errors of whoever hears it. v' = max_u Q'(u), and Q'
            hears its own messages. Where messages are executed, they are bits: m > 0.
    RIAL    a message is an action, epsilon-greedy in values Q_m of its own: plus (y_t - Q_m(m_t))^2 / 2 where one could
            be sent. Nothing crosses to another player. v' = (max_u Q'(u) + max_m Q'_m(m)) / 2, or max_u Q'(u) where
            nothing can be sent, and Q' hears the messages that were sent.

What a player sees, hears, did last, and which player it is, are added up and remembered by gated recurrent units. An
iteration is `updates` such updates and then a test of play as it is executed: greedy, in bits, without noise.

Source: Foerster et al. 2016 (Learning to Communicate with Deep Multi-Agent Reinforcement Learning), sections 4 to 6;
halves of squared errors and the averaged v' are from its public code, iassael/learning-to-communicate. Departures: one
layer of 64 units where the source has two of 128 (`hidden`, `layers`), Adam where it has RMSProp, a bound on the
gradient's norm where it has one on each element, normal first weights, and no batch normalization of messages. RIAL
hears bits, not one of 2^bits. An episode that is cut off counts as ended.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from tacit import nets
from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.games.channel import Channel, Heard, discretize, send
from tacit.loops import rollout, start, unstack
from tacit.nets_speaker import CNet, Form, Memory
from tacit.ops import categorical
from tacit.ops.optimizer import adam, descend
from tacit.settings import setting
from tacit.types import (
    Action,
    Bits,
    Carry,
    Discrete,
    Learner,
    Level,
    Metrics,
    Params,
    Policy,
    Real,
    Settings,
    Spec,
    Step,
)


class Config(Settings):
    """Settings of DIAL."""

    lr: float = setting(1e-3, "step size of Adam", unit="per update", low=0.0)
    num_games: int = setting(32, "episodes of an update", unit="episodes", source="DIAL", low=1)
    updates: int = setting(100, "updates of an iteration, which ends with a test", unit="updates", low=1)
    tests: int = setting(256, "episodes of a test, where the game cannot list its levels", unit="episodes", low=1)
    epsilon: float = setting(0.05, "share of random actions", source="DIAL", low=0.0, high=1.0)
    unit: str = setting(
        "dru", "what messages go through while players learn", source="DIAL", choices=("dru", "straight", "gumbel")
    )
    noise: float = setting(2.0, "standard deviation of the channel's noise (dru and straight)", source="DIAL", low=0.0)
    temperature: float = setting(1.0, "temperature of the channel (gumbel)", above=0.0)
    sync: int = setting(100, "updates between copies of the network that judges", unit="updates", source="DIAL", low=1)
    max_norm: float = setting(10.0, "largest norm of a gradient", above=0.0)
    hidden: int = setting(64, "width of the layers (the source: 128)", unit="units", low=1)
    layers: int = setting(1, "recurrent layers, one upon the other (the source: 2)", unit="layers", low=1, high=8)
    view_layers: int = setting(
        0, "layers that a view goes through on its own (the source: 2, for images)", unit="layers", low=0, high=8
    )
    shared: bool = setting(True, "one set of parameters for all players")

    rial: ClassVar[bool] = False


class RialConfig(Config):
    """Settings of RIAL, whose channel carries bits as they are."""

    unit: ClassVar[str] = "dru"  # not read
    noise: ClassVar[float] = 0.0
    temperature: ClassVar[float] = 1.0
    rial: ClassVar[bool] = True


class State(NamedTuple):
    """What changes: the networks (with a leading axis of players where each has its own) and the optimizer.

    Attributes:
        net: the network that plays and learns.
        slow: the one that judges.
        opt_state: the optimizer's.
        iteration: how many updates are done.
    """

    net: Params
    slow: Params
    opt_state: PyTree
    iteration: Int[Array, ""]


class Speaker(NamedTuple):
    """The parameters of a player's policy.

    Attributes:
        net: its network.
        seat: which player it is, one of P.
        epsilon: share of random actions.
        channel: what its messages go through while it learns.
        executes: its messages are bits, as when nobody learns.
    """

    net: CNet
    seat: Float[Array, " P"]
    epsilon: Float[Array, ""]
    channel: Channel
    executes: Bool[Array, ""]


class Outputs(NamedTuple):
    """The extras of a policy: values of moves; and the message before noise or, in RIAL, values of messages."""

    move: Float[Array, " A"]
    message: Float[Array, " M"]


def greedy_but(
    key: PRNGKeyArray, values: Float[Array, " A"], legal: Bool[Array, " A"], epsilon: Float[Array, ""]
) -> Int[Array, ""]:
    """The best legal choice or, with probability epsilon, any legal one. The key is consumed."""
    coin, draw = jax.random.split(key)
    lowest = jnp.finfo(values.dtype).min
    best = jnp.argmax(jnp.where(legal, values, lowest)).astype(jnp.int32)
    return jnp.where(categorical.uniform(coin) < epsilon, categorical.sample(draw, jnp.where(legal, 0.0, lowest)), best)


def as_bits(message: Int[Array, ""], bits: int) -> Float[Array, " bits"]:
    """A message by its number, lowest bit first."""
    return ((message >> jnp.arange(bits)) & 1).astype(float)


def number_of(message: Float[Array, "... bits"]) -> Int[Array, "..."]:
    """The number of a message."""
    return message.astype(jnp.int32) @ (1 << jnp.arange(message.shape[-1], dtype=jnp.int32))


@functools.cache
def policy_of(form: Form) -> Policy:
    """The policy whose parameters are a `Speaker`. Given moves alone, it sends messages of its own."""

    def init_carry() -> Memory:
        return Memory(jnp.zeros((form.layers, form.hidden)), jnp.int32(form.moves), jnp.int32(form.messages))

    def say(key: PRNGKeyArray, params: Any, said: Float[Array, " M"]) -> Float[Array, " bits"]:
        """DIAL's message: numbers through which errors come back while players learn, bits when they execute."""
        return jnp.where(params.executes, discretize(said), send(key, said, params.channel))

    def choose(key: PRNGKeyArray, params: Any, said: Float[Array, " M"]) -> Float[Array, " bits"]:
        """RIAL's message: an action like any other."""
        return as_bits(greedy_but(key, said, jnp.ones(form.messages, bool), params.epsilon), form.bits)

    def act(
        key: PRNGKeyArray, params: Any, carry: Carry, obs: PyTree, legal: Any, fresh: Array, given: Any = None
    ) -> tuple[Memory, Action, Outputs]:
        carry = jax.tree.map(lambda empty, kept: jnp.where(fresh, empty, kept), init_carry(), carry)
        told = [nets.flatten((obs.view, obs.received)), params.seat, jax.nn.one_hot(carry.move, form.moves + 1)]
        if form.rial:
            told.append(jax.nn.one_hot(carry.message, form.messages + 1))
        hidden, out = params.net(jnp.concatenate(told), obs.message, carry.hidden)
        outputs = Outputs(out[: form.moves], out[form.moves :])
        move_key, message_key = jax.random.split(key)
        move = greedy_but(move_key, outputs.move, legal.move, params.epsilon) if given is None else given.move
        if given is not None and given.message is not None:
            message = given.message
        else:
            message = (choose if form.rial else say)(message_key, params, outputs.message)
        sent = jnp.where(legal.message[0] & form.rial, number_of(message), form.messages)
        return Memory(hidden, move, sent), Action(move, message), outputs

    return Policy(init_carry, act)


def form_of(spec: Spec, config: Config) -> tuple[Form, int]:
    """The form of the policies for a game, and how many numbers a player sees beside what it hears.

    Raises:
        Misfit: players do not choose a move and bits to send, or hear nothing.
    """
    rule, action = "rial" if config.rial else "dial", spec.action
    if not (isinstance(action, Action) and isinstance(action.move, Discrete) and isinstance(action.message, Bits)):
        raise Misfit(f"{rule} needs players who choose one of several moves and send bits; this game has {action}")
    if not isinstance(spec.observation, Heard):
        raise Misfit(f"{rule} needs players who hear what was sent to them; this game shows {spec.observation}")
    view, heard, _ = spec.observation
    seen = 1 + sum(math.prod(space.shape) for space in jax.tree.leaves(view, is_leaf=lambda x: isinstance(x, Real)))
    bits = action.message.n
    sizes = (config.hidden, config.layers, config.view_layers)
    return Form(spec.num_players, action.move.n, bits, heard.shape[0], config.rial, *sizes), seen


def speakers(net: Params, players: int, config: Config, executes: bool) -> Speaker:
    """All players, leaves `[P, ...]`; only a network that they share has no such axis."""
    off = jnp.zeros(players)
    channel = jax.tree.map(lambda leaf: off + leaf, Channel(config.unit, config.noise, config.temperature))
    epsilon = off if executes else off + config.epsilon
    return Speaker(net, jnp.eye(players), epsilon, channel, jnp.full(players, executes))


def play(
    key: PRNGKeyArray,
    game: Game,
    config: Config,
    net: Params,
    num_games: int,
    given: Any = None,
    levels: Level | None = None,
    executes: bool = False,
) -> Step:
    """Whole episodes. With the same key and the same moves they are the same, the noise on messages too.

    Args:
        given: actions to take, or moves alone (then messages are the players' own).
        levels: leaves `[B, ...]`, drawn by the game where not given.
        executes: greedily, in bits.
    """
    players = game.spec.num_players
    policy = policy_of(form_of(game.spec, config)[0])
    axes = Speaker._make((None if config.shared else 0, 0, 0, 0, 0))
    everyone = jax.vmap(policy.act, (0, axes, 0, 0, 0, None, 0))
    params = speakers(net, players, config, executes)

    def act(keys: Any, carry: Any, obs: Any, legal: Any, fresh: Any, given: Any) -> Any:
        return everyone(keys, params, carry, obs, legal, fresh, given)

    start_key, play_key = jax.random.split(key)
    live = start(start_key, game, (policy,) * players, num_games, levels)
    live = live._replace(carry=jax.tree.map(lambda *each: jnp.stack(each, 1), *live.carry))
    return rollout(play_key, game, act, live, game.spec.max_length, given=given, reset=False)[1]


def targets(judged: Step, reward: Float[Array, "T B P"], discount: Any, rial: bool) -> Float[Array, "T B P"]:
    """What the values of moves (and RIAL's of messages) should have been, after whole episodes.

    Args:
        judged: the episodes as the slow network went through them.
    """
    lowest = jnp.finfo(reward.dtype).min
    value = jnp.where(judged.legal.move, judged.extras.move, lowest).max(-1)
    if rial:
        both = 0.5 * (value + judged.extras.message.max(-1))
        value = jnp.where(judged.legal.message[..., 0], both, value)
    ahead = jnp.concatenate([value[1:], jnp.zeros_like(value[:1])])
    ended = (judged.terminated | judged.truncated)[..., None]
    return jax.lax.stop_gradient(reward + discount * jnp.where(ended, 0.0, ahead))


def of_chosen(values: Float[Array, "T B P n"], chosen: Int[Array, "T B P"]) -> Float[Array, "T B P"]:
    """The value of what was chosen."""
    return jnp.sum(values * jax.nn.one_hot(chosen, values.shape[-1], dtype=values.dtype), -1)


def over(step: Step) -> Bool[Array, "T B"]:
    """Which steps of whole episodes were made after the end."""
    return jnp.logical_or(step.state.terminated, step.state.truncated)


def loss(net: Params, slow: Params, key: PRNGKeyArray, game: Game, config: Config) -> tuple[Float[Array, ""], Step]:
    """Half the squared errors of values, summed over the steps of an episode, mean over players and episodes played.

    The key is consumed.
    """
    played = play(key, game, config, net, config.num_games)
    given = played.action if config.rial else Action(played.action.move, None)
    judged = play(key, game, config, slow, config.num_games, given)
    target = targets(judged, played.reward, game.discount, config.rial)
    error = jnp.square(target - of_chosen(played.extras.move, played.action.move))
    if config.rial:
        of_sent = jnp.square(target - of_chosen(played.extras.message, number_of(played.action.message)))
        error = error + jnp.where(played.legal.message[..., 0], of_sent, 0.0)
    return 0.5 * jnp.where(over(played)[..., None], 0.0, error).sum(0).mean(), played


def make(game: Game, config: Config, seats: Sequence[int] | None = None) -> Learner:
    """A DIAL or, with `RialConfig`, a RIAL learner of all players of a game.

    Raises:
        Misfit: players send no bits, hear nothing, or are to meet another rule.
    """
    if seats is not None:
        raise Misfit("players of dial and rial learn together, from play of their own; they cannot meet another rule")
    players, optimizer = game.spec.num_players, adam(config.lr, max_norm=config.max_norm)
    form, seen = form_of(game.spec, config)

    def init(key: PRNGKeyArray) -> State:
        draw = functools.partial(nets.drawn, module=eqx.filter_eval_shape(CNet, seen, form))
        net: Any = draw(key) if config.shared else jax.vmap(draw)(jax.random.split(key, players))
        return State(net, net, optimizer.init(net), jnp.int32(0))

    def improved(state: State, key: PRNGKeyArray) -> tuple[State, Metrics]:
        copied = state.iteration % config.sync == 0
        slow = jax.tree.map(lambda new, old: jnp.where(copied, new, old), state.net, state.slow)
        (error, played), gradient = jax.value_and_grad(loss, has_aux=True)(state.net, slow, key, game, config)
        net, opt_state = descend(optimizer, gradient, state.opt_state, state.net)
        return State(net, slow, opt_state, state.iteration + 1), {"loss": error, "return": played.gained[-1].mean(0)}

    def step(key: PRNGKeyArray, state: State) -> tuple[State, Metrics]:
        learn_key, test_key = jax.random.split(key)
        state, metrics = jax.lax.scan(improved, state, jax.random.split(learn_key, config.updates))
        exam = game.held_out
        levels = exam.all_levels()
        count = config.tests if levels is None else len(jax.tree.leaves(levels)[0])
        tested = play(test_key, exam, config, state.net, count, None, levels, True).gained[-1].mean(0)
        return state, jax.tree.map(lambda each: each.mean(0), metrics) | {"test": tested}

    def update(key: PRNGKeyArray, state: State, played: Step, carry: Carry) -> tuple[State, Metrics]:
        del key, state, played, carry
        raise Misfit("players of dial and rial learn from play of their own alone")

    def policies(state: State) -> tuple[tuple[Policy, Params], ...]:
        """As they are executed."""
        net = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (players, *leaf.shape)), state.net)
        everyone = speakers(net if config.shared else state.net, players, config, True)
        return tuple((policy_of(form), each) for each in unstack(everyone, players))

    def with_params(state: State, seat: int, params: Params) -> State:
        if config.shared:
            return state._replace(net=params.net)
        return state._replace(net=jax.tree.map(lambda rows, new: rows.at[seat].set(new), state.net, params.net))

    return Learner(init, step, policies, update, with_params, deep=config.view_layers > 0)


class Rial:
    """The learner `rial`: the same rule with other settings."""

    Config = RialConfig
    make = staticmethod(make)
