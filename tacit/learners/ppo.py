"""Proximal policy optimization: independent learners or shared parameters, feed-forward or recurrent.

Each iteration plays `length` steps of `num_games` games, estimates advantages, and takes several passes of minibatch
gradient steps on

    min(r A, clip(r, 1 - clip, 1 + clip) A) - value_weight (V - target)^2 / 2 + entropy_weight entropy ,

r being the ratio of new to old action probability. Actions are one choice among several, or a row of real numbers drawn
from a normal distribution (`tacit.nets_gaussian`). Independent players differ in nothing but their parameters; with
`shared` they use one set and learn from all seats together. With `movers_only` they do so from the moves of whoever is
on turn (`tacit.games.on_turn`), which is all there is to learn from where one moves at a time and all are paid alike.

With `other_play` players learn under names of their own (`tacit.games.symmetry`); `equivariant` networks give equal
actions equal chances under any names (`tacit.nets_equivariant`). With `guess` the network also learns to guess what its
player does not see and the game can tell in training (`Game.guesses`).

Source: Schulman et al. 2017 (equations 7 and 9), Schulman et al. 2016 (advantages); details as in CleanRL's ppo.py
and PureJaxRL; guesses as in SAD's public code. Departures: the value loss is clipped, and the step size annealed, only
where that is asked for; weights begin normal, not orthogonal; the truncated end of an episode counts with the
value of what it led to, in the middle of a window as at its edge. A recurrent learner replays whole windows from the
memories they began with and cuts minibatches along games; a feed-forward one shuffles all steps.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from tacit import nets, nets_equivariant, nets_gaussian
from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.games.on_turn import OnTurn
from tacit.games.symmetry import Relabeled
from tacit.loops import Live, joint, per_player, rollout, stack, start, unroll
from tacit.ops.minibatch import shuffled
from tacit.ops.optimizer import adam, descend
from tacit.ops.policy_gradient import clipped_surrogate
from tacit.ops.returns import gae
from tacit.settings import setting
from tacit.types import Carry, Learner, Metrics, Params, Policy, Real, Settings, Step, Trajectory

DEEP = 128  # so wide, networks are most of the work


class Config(Settings):
    """Settings of PPO."""

    lr: float = setting(2.5e-3, "step size of Adam", unit="per minibatch", low=0.0)
    num_games: int = setting(32, "games played side by side", unit="games", low=1)
    length: int = setting(128, "steps between updates", unit="steps", source="CleanRL", low=1)
    epochs: int = setting(4, "passes over each batch", unit="passes", source="CleanRL", low=1)
    minibatches: int = setting(4, "parts of a batch", unit="minibatches", source="CleanRL", low=1)
    discount: float | None = setting(None, "weight of the next step; the game's own where not given", low=0.0, high=1.0)
    decay: float = setting(0.95, "lambda of the advantages", source="CleanRL", low=0.0, high=1.0)
    clip: float = setting(0.2, "how far the ratio may pay", source="CleanRL", above=0.0)
    entropy_weight: float = setting(0.01, "weight of the entropy", source="CleanRL", low=0.0)
    anneal: int = setting(
        0, "iterations over which step size and weight of the entropy fall to 0; 0 keeps them", unit="iterations", low=0
    )
    normalize: bool = setting(True, "advantages of a minibatch with mean 0 and variance 1; else in units of payoff")
    value_weight: float = setting(0.5, "weight of the value loss", source="CleanRL", low=0.0)
    max_norm: float = setting(0.5, "largest norm of a gradient", source="CleanRL", above=0.0)
    clip_values: bool = setting(False, "values may pay no more for their change than ratios", source="Baselines, PPO2")
    hidden: int = setting(64, "width of the layers", unit="units", source="CleanRL", low=1)
    recurrent: bool = setting(False, "remember, with a GRU")
    equivariant: bool = setting(False, "score each action by what is seen of it, with the same weights for all")
    trunk: int = setting(0, "how many of the two hidden layers actor and critic share", unit="layers", low=0, high=2)
    relu: bool = setting(False, "rectified units; else tanh")
    shared: bool = setting(False, "one set of parameters for all players")
    guess: bool = setting(False, "learn to guess, too, what players do not see and games can tell in training")
    guess_weight: float = setting(0.25, "weight of the loss of guesses", source="SAD, public code", low=0.0)
    movers_only: bool = setting(
        False, "shared parameters, and they play and learn as whoever is on turn: nobody's waiting is learned from"
    )
    other_play: bool = setting(
        False, "every player has names of its own for what the rules treat alike, redrawn each episode"
    )

    def further(self, params: Params, policy: Policy) -> Float[Array, ""] | float:
        """What is added to the loss: nothing, unless settings of another kind want something."""
        del params, policy
        return 0.0


class State(NamedTuple):
    """Parameters and optimizer with a leading axis of learners (all seats, or 1 where they share), and the games."""

    params: Params
    opt_state: PyTree
    live: Live
    iteration: Int[Array, ""]


class Batch(NamedTuple):
    """What a gradient step needs, leaves `[T, B, ...]`, and the memories at the start, leaves `[1, B, ...]`.

    Attributes:
        answers: `[T, B, n]` the right guesses, where any are asked for.
    """

    trajectory: Trajectory
    advantage: Float[Array, "T B"]
    target: Float[Array, "T B"]
    carry: Carry
    answers: PyTree = ()


def annealed(config: Config, iteration: Int[Array, ""]) -> Config:
    """The settings that hold in an iteration."""
    if not config.anneal:
        return config
    left = jnp.maximum(1.0 - iteration / config.anneal, 0.0)
    return dataclasses.replace(config, lr=config.lr * left, entropy_weight=config.entropy_weight * left)


def loss(params: Params, policy: Policy, batch: Batch, config: Config) -> tuple[Float[Array, ""], Metrics]:
    """PPO's loss of one player, to be minimized, on one minibatch, within which advantages are normalized."""
    carry = jax.tree.map(lambda leaf: leaf[0], batch.carry)
    said: Any = unroll(policy, params, carry, batch.trajectory)[1]
    new = said[0] if config.guess else said
    ratio = jnp.exp(new.log_prob - batch.trajectory.extras.log_prob)
    advantage = batch.advantage
    if config.normalize:
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    surrogate = clipped_surrogate(ratio, advantage, config.clip).mean()
    wrong = jnp.square(new.value - batch.target)
    if config.clip_values:
        old = batch.trajectory.extras.value
        held = old + jnp.clip(new.value - old, -config.clip, config.clip)
        wrong = jnp.maximum(wrong, jnp.square(held - batch.target))
    value_loss = 0.5 * wrong.mean()
    entropy = new.entropy.mean()
    total = -surrogate + config.value_weight * value_loss - config.entropy_weight * entropy
    metrics = {"value_loss": value_loss, "entropy": entropy, "ratio_error": jnp.abs(ratio - 1).max()}
    if config.guess:
        metrics["guess_loss"] = guess_loss(said[1], batch.answers)
        total += config.guess_weight * metrics["guess_loss"]
    return total + config.further(params, policy), metrics


def guess_loss(logits: Float[Array, "T B m"], answers: Int[Array, "T B n"]) -> Float[Array, ""]:
    """Mean cross-entropy of guesses, in nats, over what there is to guess (answers from 0 on)."""
    each = jax.nn.log_softmax(logits.reshape(*answers.shape, -1))
    asked = answers >= 0
    right = jnp.take_along_axis(each, jnp.maximum(answers, 0)[..., None].astype(int), axis=-1)[..., 0]
    return -jnp.where(asked, right, 0.0).sum() / jnp.maximum(asked.sum(), 1)


def advantages(
    policy: Policy,
    params: Params,
    trajectory: Trajectory,
    carry: Carry,
    discount: Any,
    decay: Any,
    truncates: bool = True,
) -> Float[Array, "T B"]:
    """Advantages of one player, with the value of what each step led to, across the ends of episodes.

    Args:
        truncates: episodes may be cut off. Otherwise what a step led to is what the next one saw, whose value is
            known, and only the last step's is computed.
    """
    after = unroll(policy, params, carry, trajectory)[0]

    def value_of(carry: Carry, obs: PyTree, legal: PyTree, action: PyTree) -> Float[Array, ""]:
        return policy.act(jax.random.key(0), params, carry, obs, legal, jnp.bool_(False), action)[2].value

    axes = 0 if jax.tree.leaves(after) else None
    each = jax.vmap(jax.vmap(value_of, (axes, 0, 0, 0)), (axes, 0, 0, 0))
    asked = (after, trajectory.next_obs, trajectory.legal, trajectory.action)
    if truncates:
        next_value = each(*asked)
    else:
        last = each(*jax.tree.map(lambda leaf: leaf[-1:], asked))
        next_value = jnp.concatenate([trajectory.extras.value[1:], last])
    ends = (trajectory.terminated, trajectory.truncated)
    return jax.vmap(gae, (1, 1, 1, 1, 1, None, None), 1)(
        trajectory.reward, trajectory.extras.value, next_value, *ends, discount, decay
    )


def as_learned(game: Game, config: Any, seats: Sequence[int] | None, rule: str) -> Game:
    """The game as it is played to learn.

    Args:
        config: settings with the fields `other_play`, `movers_only` and `recurrent`.

    Raises:
        Misfit: the game or the other settings do not allow these.
    """
    alone = {"other-play": config.other_play, "movers-only": config.movers_only}
    for option in (name for name, wanted in alone.items() if wanted and seats is not None):
        raise Misfit(f"{option} is for players that learn together; with it, {rule} cannot meet another rule")
    if config.movers_only and config.recurrent:
        raise Misfit("movers-only is for players without memory: a recurrent one would tell each what only others see")
    played = Relabeled.of(game, rule) if config.other_play else game
    return OnTurn.of(played, rule) if config.movers_only else played


def _network(game: Game, config: Config) -> tuple[Policy, Policy, Callable[[PRNGKeyArray], Params]]:
    """The policy as it plays and as it learns (where it may guess, too), and what draws its parameters."""
    if config.guess and config.equivariant:
        raise Misfit("guess is for networks that are not equivariant")
    things, answers = game.guesses
    if config.guess and not things:
        raise Misfit(f"ppo has nothing to guess in {type(game).__name__}")
    rows = (nets_equivariant.shown(game.spec, "ppo")[0],) if config.equivariant else ()
    family = nets_gaussian if isinstance(game.spec.action, Real) else nets
    guesses = config.guess * things * answers
    plain = functools.partial(family.actor_critic, trunk=config.trunk, guesses=guesses, relu=config.relu)
    network = nets_equivariant.equivariant if config.equivariant else plain
    memory = (*rows, config.hidden) if config.recurrent else ()
    policy = family.policy(*memory)
    student = family.policy(*memory, guessing=True) if config.guess else policy
    return policy, student, lambda key: network(key, game.spec, config.hidden, config.recurrent, "ppo")


def play_metrics(game: Game, played: Step, players: int) -> Metrics:
    """Reward and return of each player, and what the game measures of episodes, as means over those that ended."""
    ended = played.terminated | played.truncated
    returns = jnp.nanmean(jnp.where(ended[..., None], played.gained, jnp.nan), (0, 1))
    paid = {"reward": played.reward.mean((0, 1)), "return": returns}
    measured = jax.vmap(jax.vmap(game.measure))(played.next_state)
    of_ended = {name: jnp.nanmean(jnp.where(ended, each, jnp.nan)) for name, each in measured.items()}
    return {name: jnp.broadcast_to(each, players) for name, each in paid.items()} | of_ended


def make(game: Game, config: Config, seats: Sequence[int] | None = None) -> Learner:
    """A PPO learner for these seats (all, unless given).

    Raises:
        Misfit: the game's actions are neither one choice among several nor a row of real numbers without bounds, or do
            not fit what else is asked.
        SettingError: a batch cannot be cut into that many minibatches.
    """
    players, alike = game.spec.num_players, config.shared or config.movers_only
    game = as_learned(game, config, seats, "ppo")
    seats = tuple(range(players)) if seats is None else tuple(seats)
    own, learners = (0,) if config.movers_only else seats, 1 if alike else len(seats)
    policy, student, network = _network(game, config)
    discount = game.discount if config.discount is None else config.discount

    def init(key: PRNGKeyArray) -> State:
        net_key, game_key = jax.random.split(key)
        keys = jax.random.split(net_key, learners)
        params: Any = jax.vmap(network)(keys)
        live = start(game_key, game, (policy,) * game.spec.num_players, config.num_games)
        return State(params, jax.vmap(adam(config.lr).init)(params), live, jnp.int32(0))

    def of(params: Params, seat: int) -> Params:
        return jax.tree.map(lambda leaf: leaf[0 if alike else seat], params)

    def act(params: Params) -> Any:
        everyone = joint((policy,) * len(own))
        each = tuple(of(params, i) for i in range(len(own)))
        return lambda keys, **seen: everyone(keys, each, **seen)

    def step(key: PRNGKeyArray, state: State) -> tuple[State, Metrics]:
        play_key, learn_key = jax.random.split(key)
        live, played = rollout(play_key, game, act(state.params), state.live, config.length)
        return update(learn_key, state._replace(live=live), played, state.live.carry)

    def update(key: PRNGKeyArray, state: State, played: Step, carry: Carry) -> tuple[State, Metrics]:
        def grouped(tree: PyTree, time: int) -> PyTree:
            """Leaves `[N, (T,) B, ...]` with the seats that share parameters side by side."""
            if not alike:
                return tree
            axis = 1 + time
            return jax.tree.map(lambda leaf: jnp.concatenate(list(leaf), axis=axis - 1)[None], tree)

        trajectory = grouped(per_player(played, own), 1)
        remembered = grouped(stack([carry[seat] for seat in own]), 0)
        keys = jax.random.split(key, learners)
        now = annealed(config, state.iteration)
        known = (state.params, state.opt_state, trajectory, remembered, grouped(answers(played), 1))
        params, opt_state, metrics = jax.vmap(functools.partial(learn, now))(keys, *known)
        return State(params, opt_state, state.live, state.iteration + 1), play_metrics(game, played, players) | metrics

    def answers(played: Step) -> PyTree:
        if not config.guess:
            return ()
        return jnp.moveaxis(jax.vmap(jax.vmap(game.answers))(played.state)[:, :, jnp.array(own)], 2, 0)

    def learn(
        now: Config,
        key: PRNGKeyArray,
        params: Params,
        opt_state: PyTree,
        trajectory: Trajectory,
        carry: Carry,
        right: PyTree,
    ) -> tuple[Params, PyTree, Metrics]:
        advantage = advantages(policy, params, trajectory, carry, discount, config.decay, game.truncates)
        before = jax.tree.map(lambda leaf: leaf[None], carry)
        batch = Batch(trajectory, advantage, advantage + trajectory.extras.value, before, right)
        if not config.recurrent:  # steps are independent: one long row of them
            batch = jax.tree.map(lambda leaf: leaf.reshape(1, -1, *leaf.shape[2:]), batch)

        optimizer = adam(now.lr, max_norm=now.max_norm)

        def descent(carry: Any, minibatch: Batch) -> Any:
            params, opt_state = carry
            gradient, metrics = jax.grad(loss, has_aux=True)(params, student, minibatch, now)
            return descend(optimizer, gradient, opt_state, params), metrics

        def epoch(carry: Any, key: PRNGKeyArray) -> Any:
            if config.minibatches == 1:  # the order of a batch means nothing
                carry, metrics = descent(carry, batch)
                return carry, jax.tree.map(lambda leaf: leaf[None], metrics)
            return jax.lax.scan(descent, carry, shuffled(key, batch, config.minibatches, axis=1))

        (params, opt_state), metrics = jax.lax.scan(epoch, (params, opt_state), jax.random.split(key, config.epochs))
        first = metrics["ratio_error"][0, 0]  # before any step: replay and play must agree
        return params, opt_state, jax.tree.map(jnp.mean, metrics) | {"ratio_error": first}

    def policies(state: State) -> tuple[tuple[Policy, Params], ...]:
        return tuple((policy, of(state.params, i)) for i in range(len(seats)))

    def with_params(state: State, seat: int, params: Params) -> State:
        row = 0 if alike else seat
        return state._replace(params=jax.tree.map(lambda rows, new: rows.at[row].set(new), state.params, params))

    return Learner(init, step, policies, update, with_params, deep=config.hidden >= DEEP)
