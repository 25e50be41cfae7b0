"""Players who learn to talk in real numbers: CommNet, IC3Net and TarMAC as one recurrent communicator, by PPO.

All players share one network and know their seat. At each step a player says a vector read from its memory, and at the
next one hears the others' (`tacit.nets_communicator`): their mean (`pool` mean, CommNet), those that it attends to
(attention, TarMAC), or nothing (none, the baseline). With a `gate` (IC3Net) it chooses at each step, beside its move,
whether it talks; what is not sent is 0.

Each iteration plays `length` steps of `num_games` games and takes several passes of minibatch steps on PPO's loss (see
`tacit.learners.ppo`), with one ratio for each player's choice of move and talk. What was said is not an action: in the
loss all players of a game are replayed together, from the memories and messages with which the window began, and every
message is computed anew from its sender's memory. So the loss of those who hear changes what is said to them.

Source: Sukhbaatar et al. 2016 (CommNet), Singh et al. 2018 (IC3Net), Das et al. 2019 (TarMAC). Departures: PPO where
they have REINFORCE or actor-critic; a GRU, not an LSTM; one round of messages a step, heard at the next step (as in
IC3Net), so that every player can act alone on what it sees and hears; CommNet and TarMAC have several rounds.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from tacit import nets
from tacit.errors import Misfit, SettingError
from tacit.games.base import Game
from tacit.games.wired import Wired
from tacit.learners import ppo
from tacit.loops import Live, per_player, rollout, stack, start, unstack
from tacit.nets_communicator import POOLS, Communicator, Form, Player, choose, drawn, number_of, policy_of, talks_in
from tacit.ops.minibatch import shuffled
from tacit.ops.optimizer import adam, descend
from tacit.ops.policy_gradient import clipped_surrogate
from tacit.settings import setting
from tacit.types import Action, Carry, Choice, Learner, Metrics, Params, Policy, Settings, Spec, Step

RULE = "communicator"


class Config(Settings):
    """Settings of communicators."""

    pool: str = setting("mean", "how what others say is put together; none: nobody hears anything", choices=POOLS)
    gate: bool = setting(False, "players choose at each step whether they talk", source="IC3Net")
    value: int = setting(32, "numbers that a player says at a step", unit="numbers", source="TarMAC", low=1)
    signature: int = setting(
        16, "numbers of a message's signature, which attention looks at", unit="numbers", source="TarMAC", low=1
    )
    hidden: int = setting(32, "width of the layers and of the memory (IC3Net: 128)", unit="units", low=1)
    team: bool = setting(False, "everybody learns from the mean of all players' rewards, not from its own")
    lr: float = setting(2.5e-3, "step size of Adam", unit="per minibatch", low=0.0)
    num_games: int = setting(32, "games played side by side", unit="games", low=1)
    length: int = setting(24, "steps between updates; gradients cross messages within them", unit="steps", low=1)
    epochs: int = setting(4, "passes over each batch", unit="passes", source="CleanRL", low=1)
    minibatches: int = setting(4, "parts of a batch, cut along games", unit="minibatches", source="CleanRL", low=1)
    discount: float | None = setting(None, "weight of the next step; the game's own where not given", low=0.0, high=1.0)
    decay: float = setting(0.95, "lambda of the advantages", source="CleanRL", low=0.0, high=1.0)
    clip: float = setting(0.2, "how far the ratio may pay", source="CleanRL", above=0.0)
    entropy_weight: float = setting(0.01, "weight of the entropy", source="CleanRL", low=0.0)
    value_weight: float = setting(0.5, "weight of the value loss", source="CleanRL", low=0.0)
    max_norm: float = setting(0.5, "largest norm of a gradient", source="CleanRL", above=0.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gate and self.pool == "none":
            raise SettingError("gate must be off where nobody hears anything (pool none)")


class State(NamedTuple):
    """The network, its optimizer, and the games being played."""

    net: Communicator
    opt_state: PyTree
    live: Live


class Batch(NamedTuple):
    """What a gradient step needs, leaves `[T, B, P, ...]` (`fresh`: `[T, B]`), and what the window began with.

    Attributes:
        number: which choice was made (`nets_communicator.number_of`).
        carry, said: leaves `[1, B, P, ...]`, memories and messages before the first step.
    """

    view: PyTree
    legal: PyTree
    fresh: Array
    number: Int[Array, "T B P"]
    log_prob: Float[Array, "T B P"]
    advantage: Float[Array, "T B P"]
    target: Float[Array, "T B P"]
    carry: Float[Array, "1 B P units"]
    said: Float[Array, "1 B P width"]


def form_of(spec: Spec, config: Config) -> Form:
    """The form of the network for a game with or without a line."""
    move = spec.action.move if isinstance(spec.action, Action) else spec.action
    deaf, attends = config.pool == "none", config.pool == "attention"
    sizes = (config.hidden, attends * config.signature, (not deaf) * config.value)
    return Form(spec.num_players, move.n, config.pool, config.gate, *sizes)


def wired(game: Game, config: Config) -> Wired:
    """The game on whose line these communicators talk: what they learn and play.

    Raises:
        Misfit: players do not choose one of several moves, or there is only one of them.
    """
    narrow = Wired.of(game, 1, RULE)
    return dataclasses.replace(narrow, width=form_of(narrow.spec, config).width)


def everybody(net: Communicator, players: int) -> Player:
    """All players, who share the network; only `seat` has a leading axis."""
    return Player(net, jnp.eye(players))


ALL = Player(None, 0)  # type: ignore[arg-type]  # the axes of `everybody`


def replay(net: Communicator, form: Form, batch: Batch) -> Choice:
    """What all players of games say of their choices, leaves `[T, B, P, ...]`; messages are computed anew.

    Nothing is detached within the window: what a player says of its choices depends on the others' memories, too. Only
    memories and messages run through time, one small step after another.
    """
    seats = jnp.eye(form.players)

    def one(before: Any, now: Any) -> tuple[Array, Array]:
        """One step of one game: what its players remember after it, and what they say."""
        x, fresh, number = now
        hidden, heard = (jnp.where(fresh, 0.0, each) for each in before)
        hidden = jax.vmap(net.remember, (0, None, 0, 0, None))(x, heard, seats, hidden, form)
        return hidden, jax.vmap(net.message, (0, 0, None))(hidden, talks_in(number, form), form)

    def through(before: Any, now: Any) -> Any:
        after = jax.vmap(one)(before, now)
        return after, after[0]

    def chosen(hidden: Array, legal: Any, number: Array) -> Choice:
        return choose(jax.random.key(0), net, hidden, legal, number, form)[1]  # nothing is drawn

    x = jax.vmap(jax.vmap(lambda view: jax.vmap(net.sees)(view, seats)))(batch.view)
    began = (batch.carry[0], batch.said[0])
    hidden = jax.lax.scan(through, began, (x, batch.fresh, batch.number))[1]
    return jax.vmap(jax.vmap(jax.vmap(chosen)))(hidden, batch.legal, batch.number)


def loss(net: Communicator, form: Form, batch: Batch, config: Config) -> tuple[Float[Array, ""], Metrics]:
    """PPO's loss, to be minimized, mean over all players and steps; advantages are normalized over the minibatch."""
    new = replay(net, form, batch)
    ratio = jnp.exp(new.log_prob - batch.log_prob)
    advantage = (batch.advantage - batch.advantage.mean()) / (batch.advantage.std() + 1e-8)
    surrogate = clipped_surrogate(ratio, advantage, config.clip).mean()
    value_loss = 0.5 * jnp.square(new.value - batch.target).mean()
    entropy = new.entropy.mean()
    total = -surrogate + config.value_weight * value_loss - config.entropy_weight * entropy
    return total, {"value_loss": value_loss, "entropy": entropy, "ratio_error": jnp.abs(ratio - 1).max()}


def make(game: Game, config: Config, seats: Sequence[int] | None = None) -> Learner:
    """A communicator of all players of a game that `wired` gave its line.

    Raises:
        Misfit: the game has no line, or one of another width; or players are to meet another rule.
    """
    if seats is not None:
        raise Misfit(f"players of a {RULE} talk among themselves alone; they cannot meet another rule")
    if not isinstance(game, Wired):
        raise Misfit(f"{RULE} learns on games with a line of its own: {RULE}.wired(game, config)")
    form, players = form_of(game.spec, config), game.spec.num_players
    if game.width != form.width:
        raise Misfit(f"{RULE} says {form.width} numbers at a time with these settings; the line carries {game.width}")
    policy, optimizer = policy_of(form), adam(config.lr, max_norm=config.max_norm)
    discount = game.discount if config.discount is None else config.discount
    seen = nets.ends(game.inner.spec._replace(action=game.spec.action.move), RULE)[0]

    def init(key: PRNGKeyArray) -> State:
        net_key, game_key = jax.random.split(key)
        net: Any = drawn(net_key, seen, form)
        return State(net, optimizer.init(net), start(game_key, game, (policy,) * players, config.num_games))

    def act(net: Communicator) -> Any:
        everyone = jax.vmap(policy.act, (0, ALL, 0, 0, 0, None, 0))

        def all_players(keys: Any, carry: Any, obs: Any, legal: Any, fresh: Any, given: Any) -> Any:
            after, *done = everyone(keys, everybody(net, players), stack(carry), obs, legal, fresh, given)
            return unstack(after, players), *done

        return all_players

    def step(key: PRNGKeyArray, state: State) -> tuple[State, Metrics]:
        play_key, learn_key = jax.random.split(key)
        live, played = rollout(play_key, game, act(state.net), state.live, config.length)
        return update(learn_key, state._replace(live=live), played, state.live.carry)

    def update(key: PRNGKeyArray, state: State, played: Step, carry: Carry) -> tuple[State, Metrics]:
        batch = batch_of(state.net, played, carry)

        def descent(carry: Any, minibatch: Batch) -> Any:
            net, opt_state = carry
            gradient, metrics = jax.grad(loss, has_aux=True)(net, form, minibatch, config)
            return descend(optimizer, gradient, opt_state, net), metrics

        def epoch(carry: Any, key: PRNGKeyArray) -> Any:
            return jax.lax.scan(descent, carry, shuffled(key, batch, config.minibatches, axis=1))

        keys = jax.random.split(key, config.epochs)
        (net, opt_state), metrics = jax.lax.scan(epoch, (state.net, state.opt_state), keys)
        first = metrics["ratio_error"][0, 0]  # before any step: replay and play must agree
        told = {"talks": played.action.message[..., 0].mean((0, 1))} if config.gate else {}
        told |= jax.tree.map(jnp.mean, metrics) | {"ratio_error": first}
        return State(net, opt_state, state.live), ppo.play_metrics(game, played, players) | told

    def batch_of(net: Communicator, played: Step, carry: Carry) -> Batch:
        """What there is to learn from steps, and from what all players remembered before them."""
        remembered = stack(carry)  # [P, B, units]
        reward = jnp.broadcast_to(played.reward.mean(2, keepdims=True), played.reward.shape)
        learned = played._replace(reward=reward) if config.team else played
        judged = jax.vmap(ppo.advantages, (None, ALL, 0, 0, None, None, None))
        own = per_player(learned, range(players))
        advantage = judged(policy, everybody(net, players), own, remembered, discount, config.decay, game.truncates)
        advantage = jnp.moveaxis(advantage, 0, 2)
        began = (jnp.swapaxes(remembered, 0, 1)[None], played.state.said[:1])
        seen = (played.obs.view, played.legal, played.fresh, number_of(played.action, form))
        return Batch(*seen, played.extras.log_prob, advantage, advantage + played.extras.value, *began)

    def policies(state: State) -> tuple[tuple[Policy, Params], ...]:
        return tuple((policy, Player(state.net, seat)) for seat in jnp.eye(players))

    def with_params(state: State, seat: int, params: Params) -> State:
        del seat  # the network is everybody's
        return state._replace(net=params.net)

    return Learner(init, step, policies, update, with_params, deep=config.hidden >= ppo.DEEP)
