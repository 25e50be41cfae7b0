"""Q-learning from play: alone or as a team (VDN), feed-forward or recurrent, on what was just played or from replay.

Each iteration plays `length` steps of `num_games` games, taking the best action but for a share of random ones, and
then takes several passes of minibatch gradient steps on

    (Q(o_t, a_t) - G_t)^2 / 2 ,    G_t = r_t + discount ((1 - decay) max_a Q(o_{t+1}, a) + decay G_{t+1}) ,

the targets G being those of the network at the start of the iteration. Layers are normalized, which is what keeps this
from diverging without the two remedies of deep Q-learning, old games and an old network. Both are there as an option:
with `replay`, batches are windows drawn from those of the last iterations, each gone through from the memory it began
with, whose first `burn_in` steps only bring that memory up to date; and G is what a network copied every `sync`
iterations says of the action that the present one prefers.

Players learn by themselves (`mixing` "independent", each its own parameters or, with `shared`, one set from all seats),
or as a team (`mixing` "sum"): then Q is the sum of all players' values, and learns what they gain on average, in games
of common reward what all gain. A team has one set of parameters. `movers_only` and `other_play` are as in PPO.

Source: Gallici et al. 2024 (PQN), section 4 and algorithm 1; Sunehag et al. 2018 (the sum); Kapturowski et al. 2019
(R2D2, replay of windows); van Hasselt et al. 2016 (double Q). Departures: normalized layers have no scale and shift of
their own; targets are made once an iteration, not once a pass; windows are drawn evenly, not by priority; values are
neither rescaled nor split in two heads.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from tacit import nets_greedy
from tacit.errors import Misfit, SettingError
from tacit.games.base import Game
from tacit.learners.ppo import DEEP, as_learned, guess_loss, play_metrics
from tacit.loops import Live, joint, per_player, rollout, stack, start, unroll
from tacit.nets_greedy import Explorer, Thought
from tacit.ops.minibatch import shuffled
from tacit.ops.optimizer import adam, descend
from tacit.ops.replay import empty, games_first, keep, replayed
from tacit.ops.returns import q_lambda
from tacit.settings import setting
from tacit.types import Carry, Learner, Metrics, Params, Policy, Settings, Step, Trajectory


class Config(Settings):
    """Settings of the value learner."""

    lr: float = setting(1e-3, "step size of Adam", unit="per minibatch", low=0.0)
    anneal: int = setting(0, "iterations over which the step size falls to 0; 0 keeps it", unit="iterations", low=0)
    num_games: int = setting(32, "games played side by side", unit="games", low=1)
    length: int = setting(32, "steps between updates", unit="steps", low=1)
    epochs: int = setting(2, "passes over each batch", unit="passes", low=1)
    minibatches: int = setting(4, "parts of a batch", unit="minibatches", low=1)
    discount: float | None = setting(None, "weight of the next step; the game's own where not given", low=0.0, high=1.0)
    decay: float = setting(0.65, "lambda of the returns", source="PQN, Atari", low=0.0, high=1.0)
    epsilon: float = setting(0.1, "share of random moves", low=0.0, high=1.0)
    spread: float = setting(
        0.0, "in each episode the share is epsilon ** (1 + spread u), u uniform; 7 in the public code of SAD", low=0.0
    )
    explore: int = setting(
        0, "iterations over which the share of random moves falls from 1 to epsilon", unit="iterations", low=0
    )
    max_norm: float = setting(10.0, "largest norm of a gradient", source="PQN", above=0.0)
    hidden: int = setting(64, "width of the layers", unit="units", low=1)
    recurrent: bool = setting(False, "remember, with a GRU")
    mixing: str = setting(
        "independent",
        "what is learned: each player's value by itself, or the sum of all as the team's (VDN)",
        choices=("independent", "sum"),
    )
    shared: bool = setting(False, "one set of parameters for all players")
    movers_only: bool = setting(
        False, "shared parameters, and they play and learn as whoever is on turn: nobody's waiting is learned from"
    )
    other_play: bool = setting(
        False, "every player has names of its own for what the rules treat alike, redrawn each episode"
    )
    guess: bool = setting(False, "learn to guess, too, what players do not see and games can tell in training")
    guess_weight: float = setting(0.25, "weight of the loss of guesses", source="SAD, public code", low=0.0)
    replay: int = setting(0, "iterations whose windows are kept to learn from; 0: only the newest", low=0)
    sync: int = setting(
        10, "with replay, iterations between copies of the network that judges", unit="iterations", low=1
    )
    burn_in: int = setting(0, "first steps of a window that only refresh the memory", unit="steps", low=0)

    @property
    def alike(self) -> bool:
        """Whether all players have the same parameters."""
        return self.shared or self.movers_only or self.mixing == "sum"


class Windows(NamedTuple):
    """What some players, side by side, did in some games, and what they could do next. Leaves `[G, T, B, ...]`.

    Attributes:
        trajectory: what they did; nothing beside it (`extras`).
        next_legal: what was allowed after each step.
        answers: the right guesses, leaves `[G, T, B, n]`.
        memory: before the first step, leaves `[G, 1, B, ...]`.
    """

    trajectory: Trajectory
    next_legal: PyTree
    answers: Int[Array, "G T B n"]
    memory: Carry


class State(NamedTuple):
    """What changes: networks and optimizer with a leading axis of learners (all seats, or 1 where they share).

    Attributes:
        net: the network that plays and learns.
        slow: with replay, the one that judges; else `()`.
        opt_state: the optimizer's.
        live: the games being played.
        kept: with replay, past windows; else `()`.
        iteration: how many are done.
    """

    net: Params
    slow: Params
    opt_state: PyTree
    live: Live
    kept: Any
    iteration: Int[Array, ""]


def thoughts(judge: Policy, net: Params, windows: Windows) -> tuple[Carry, Thought]:
    """The memories after each step and what is thought before it, by each player."""
    memory = jax.tree.map(lambda leaf: leaf[:, 0], windows.memory)
    return jax.vmap(functools.partial(unroll, judge, net))(memory, windows.trajectory)


def loss(net: Params, judge: Policy, batch: tuple[Windows, Float[Array, "G T B"]], config: Config) -> Array:
    """Half the mean squared error of the values of what was done: each player's, or the team's, which is their sum.

    The cross-entropy of guesses is added, where any are asked for.
    """
    windows, target = batch
    action = windows.trajectory.action
    values, guesses = thoughts(judge, net, windows)[1]
    chosen = jnp.arange(values.shape[-1])[None, None, None] == action[..., None]
    value = jnp.sum(jnp.where(chosen, values, 0.0), -1)
    if config.mixing == "sum":
        value, target = value.sum(0), target[0]
    error = 0.5 * jnp.square(value - target)[..., config.burn_in :, :].mean()
    if not config.guess:
        return error
    kept = [jnp.concatenate(leaf[:, config.burn_in :]) for leaf in (guesses, windows.answers)]
    return error + config.guess_weight * guess_loss(*kept)


def targets(
    judge: Policy, net: Params, slow: Params, windows: Windows, config: Config, discount: Any, truncates: bool
) -> Float[Array, "G T B"]:
    """Lambda-returns of each player, or of the team, the same for all of them.

    Args:
        net: says which action is best in what a step led to.
        slow: says what that is worth.
        truncates: episodes may be cut off. Otherwise what a step led to is what the next one saw, unless nothing
            follows, and only what the last one led to is looked at by itself.
    """
    steps = windows.trajectory

    def ahead(net: Params) -> Float[Array, "G T B A"]:
        """Values of what each step led to."""
        after, (values, _) = thoughts(judge, net, windows)
        asked = (after, steps.next_obs, windows.next_legal)
        if not truncates:
            asked = jax.tree.map(lambda leaf: leaf[:, -1:], asked)

        def value(memory: Carry, obs: PyTree, legal: PyTree) -> Float[Array, " A"]:
            return judge.act(jax.random.key(0), net, memory, obs, legal, jnp.bool_(False))[2].values

        found = jax.vmap(jax.vmap(jax.vmap(value)))(*asked)
        return found if truncates else jnp.concatenate([values[:, 1:], found], 1)

    now = ahead(net)
    best = jax.vmap(jax.vmap(jax.vmap(nets_greedy.best)))(now, windows.next_legal)
    value = jnp.sum(jnp.where(best, ahead(slow) if config.replay else now, 0.0), -1)
    paid = steps.reward
    if config.mixing == "sum":
        value = jnp.broadcast_to(value.sum(0), value.shape)
        paid = jnp.broadcast_to(paid.mean(0), paid.shape)
    over_time = jax.vmap(q_lambda, (1, 1, 1, 1, None, None), 1)
    returns = jax.vmap(over_time, (0, 0, 0, 0, None, None))
    return returns(paid, value, steps.terminated, steps.truncated, discount, config.decay)


def _check(game: Game, config: Config, seats: Sequence[int] | None) -> None:
    """Whether the settings fit each other and the game."""
    if config.mixing == "sum" and seats is not None:
        raise Misfit("mixing sum is for players that learn together; with it, pqn cannot meet another rule")
    if config.burn_in >= config.length:
        raise SettingError(f"burn_in must be less than length, {config.length}, got {config.burn_in}")
    if config.burn_in and not config.recurrent:
        raise SettingError(f"burn_in must be 0 without recurrent, got {config.burn_in}")
    if config.guess and not game.guesses[0]:
        raise Misfit(f"pqn has nothing to guess in {type(game).__name__}")


def windows_of(game: Game, step: Step, memory: Carry, own: Sequence[int]) -> Windows:
    """What these players did in a rollout, side by side. `memory` has leaves `[B, ...]`, one entry for each."""
    next_legal = jax.vmap(jax.vmap(game.legal))(step.next_state)
    answers = jax.vmap(jax.vmap(game.answers))(step.state)
    together = per_player(step._replace(extras=(next_legal, answers)), own)
    next_legal, answers = together.extras
    memory = jax.tree.map(lambda leaf: leaf[:, None], stack(memory))
    return Windows(together._replace(extras=()), next_legal, answers, memory)


def learned(
    key: PRNGKeyArray,
    net: Params,
    opt_state: PyTree,
    windows: Windows,
    target: Float[Array, "G T B"],
    judge: Policy,
    config: Config,
    left: Any,
) -> tuple[Params, PyTree, Metrics]:
    """The network of one learner after some passes over a batch.

    Args:
        left: share of the step size.
    """
    batch = (windows, target)
    if not config.recurrent:  # steps are independent: one long row of them
        row = (len(target), 1, target[0].size)
        batch = jax.tree.map(lambda leaf: leaf.reshape(*row, *leaf.shape[3:]), batch)
    optimizer = adam(config.lr * left, max_norm=config.max_norm)

    def descent(carry: Any, minibatch: Any) -> Any:
        net, opt_state = carry
        error, gradient = jax.value_and_grad(loss)(net, judge, minibatch, config)
        return descend(optimizer, gradient, opt_state, net), error

    def epoch(carry: Any, key: PRNGKeyArray) -> Any:
        return jax.lax.scan(descent, carry, shuffled(key, batch, config.minibatches, axis=2))

    (net, opt_state), errors = jax.lax.scan(epoch, (net, opt_state), jax.random.split(key, config.epochs))
    return net, opt_state, {"loss": errors.mean(), "target": target.mean()}


def make(game: Game, config: Config, seats: Sequence[int] | None = None) -> Learner:
    """A value learner for these seats (all, unless given).

    Raises:
        Misfit: the game's actions are not one choice among several, or do not fit what else is asked.
        SettingError: a batch cannot be cut into that many minibatches, or a window is refreshed from end to end.
    """
    players = game.spec.num_players
    _check(game, config, seats)
    game = as_learned(game, config, seats, "pqn")
    seats = tuple(range(players)) if seats is None else tuple(seats)
    own, learners = (0,) if config.movers_only else seats, 1 if config.alike else len(seats)
    shape = (config.hidden,) if config.recurrent else ()
    policy, judge = nets_greedy.policy(*shape), nets_greedy.judge(*shape)
    discount = game.discount if config.discount is None else config.discount

    def init(key: PRNGKeyArray) -> State:
        net_key, game_key = jax.random.split(key)
        guesses = config.guess * math.prod(game.guesses)
        sizes = (game.spec, config.hidden, config.recurrent, guesses)
        net: Any = jax.vmap(lambda key: nets_greedy.values(key, *sizes, "pqn"))(jax.random.split(net_key, learners))
        live = start(game_key, game, (policy,) * game.spec.num_players, config.num_games)
        state = State(net, (), jax.vmap(adam(config.lr).init)(net), live, (), jnp.int32(0))
        if not config.replay:
            return state
        shapes = jax.eval_shape(lambda: games_first(play(game_key, state)[1], memories(live.carry)))
        return state._replace(slow=net, kept=empty(shapes, config.replay))

    def of(state: State, seat: int) -> Explorer:
        net = jax.tree.map(lambda leaf: leaf[0 if config.alike else seat], state.net)
        done = jnp.minimum(state.iteration / max(config.explore, 1), 1.0) if config.explore else 1.0
        return Explorer(net, jnp.asarray(1.0 - done * (1.0 - config.epsilon)), jnp.asarray(config.spread, float))

    def memories(carry: Carry) -> Carry:
        return tuple(carry[seat].memory for seat in own)

    def play(key: PRNGKeyArray, state: State) -> tuple[Live, Step]:
        everyone, each = joint((policy,) * len(own)), tuple(of(state, i) for i in range(len(own)))
        return rollout(key, game, lambda keys, **seen: everyone(keys, each, **seen), state.live, config.length)

    def step(key: PRNGKeyArray, state: State) -> tuple[State, Metrics]:
        play_key, learn_key = jax.random.split(key)
        live, played = play(play_key, state)
        return update(learn_key, state._replace(live=live), played, state.live.carry)

    def update(key: PRNGKeyArray, state: State, played: Step, carry: Carry) -> tuple[State, Metrics]:
        draw_key, key = jax.random.split(key)
        kept, batch, memory = state.kept, played, memories(carry)
        if config.replay:
            kept = keep(kept, games_first(played, memory), state.iteration)
            size = played.fresh.shape[1]
            filled = size * jnp.minimum(state.iteration + 1, config.replay)
            batch, memory = replayed(draw_key, game, kept, size, filled)
        # one learner of all players, or one of each
        split = (lambda leaf: leaf[None]) if config.alike else (lambda leaf: leaf[:, None])
        windows = jax.tree.map(split, windows_of(game, batch, memory, own))
        left = jnp.maximum(1.0 - state.iteration / config.anneal, 0.0) if config.anneal else 1.0

        def learn(key: PRNGKeyArray, net: Params, slow: Params, opt_state: PyTree, windows: Windows) -> Any:
            target = targets(judge, net, slow, windows, config, discount, game.truncates)
            return learned(key, net, opt_state, windows, target, judge, config, left)

        keys = jax.random.split(key, learners)
        net, opt_state, metrics = jax.vmap(learn)(keys, state.net, state.slow, state.opt_state, windows)
        synced = (state.iteration + 1) % config.sync == 0
        slow = jax.tree.map(lambda old, new: jnp.where(synced, new, old), state.slow, net) if config.replay else ()
        new = State(net, slow, opt_state, state.live, kept, state.iteration + 1)
        return new, play_metrics(game, played, players) | metrics

    def policies(state: State) -> tuple[tuple[Policy, Params], ...]:
        return tuple((policy, of(state, i)) for i in range(len(seats)))

    def with_params(state: State, seat: int, params: Params) -> State:
        row = 0 if config.alike else seat
        return state._replace(net=jax.tree.map(lambda rows, new: rows.at[row].set(new), state.net, params.net))

    return Learner(init, step, policies, update, with_params, deep=config.hidden >= DEEP)
