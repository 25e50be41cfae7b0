"""Off-Belief Learning from play: a ladder of levels, each of which reads the others' actions as the level below.

Level k learns what its actions are worth when the past was played by level k - 1 and the future is played by itself.
Whenever player i acts, what it cannot see is drawn afresh from its belief, and a fictitious round goes on from there
(`ops.fictitious`) until i is on turn again and sees o'; for the real observation and action it is taught

    y = r' + (1 - done') discount^P V(o'),     V(o) = sum_a pi(a | o) Q(o, a),     pi(a | o) = softmax(Q(o, .) / T)_a
    loss = (y - Q(o, a))^2 / 2

The belief of level 1 is the grounded one, which takes no action for a hint (`Game.sample_hidden`). That of a higher
level is exact, too: it follows the actions of the others through the level below (`obl_beliefs`). What is played in
earnest, level k's own policy with some exploration, only decides where it learns.

All levels are learned in one run, one after another, each beginning with the network of the one below. One network
plays all seats. There is no replay and no second network: a batch is played, and judged, by the network that learns.

Source: Hu et al. 2021 (Off-Belief Learning), sections 4 and 5, in the form of two steps that the paper has for two
players; learning without replay as in Gallici et al. 2024 (PQN). Departures: beliefs are exact, not learned; the
network has no memory; the released code lets waiting players learn, too, by one-step targets that come to the same; the
error is squared, as the minimum of Huber's loss is no expectation; the targets have T > 0, as the definition has.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from tacit import nets_value
from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.games.on_turn import OnTurn, TurnBased
from tacit.learners.obl_beliefs import agreed, along
from tacit.learners.ppo import play_metrics
from tacit.loops import Live, joint, rollout, start
from tacit.nets_value import Soft, soft_value
from tacit.ops import categorical
from tacit.ops.fictitious import Round, expected_round, play_round
from tacit.ops.minibatch import shuffled
from tacit.ops.optimizer import adam, descend
from tacit.settings import setting
from tacit.types import Carry, Learner, Metrics, Params, Policy, Settings, State, Step, Trained


class Config(Settings):
    """Settings of Off-Belief Learning."""

    levels: int = setting(1, "levels that are learned one after another", unit="levels", low=1, high=20)
    updates: int = setting(200, "iterations of each level", unit="iterations", low=1)
    temperature: float = setting(0.1, "T of the softmax over Q", unit="payoff", above=0.0)
    expected: bool = setting(
        False, "weigh all that may be hidden and all replies instead of drawing them, which only tiny games allow"
    )
    epsilon: float = setting(0.1, "share of random moves in play", low=0.0, high=1.0)
    lr: float = setting(1e-3, "step size of Adam at the start of a level; it falls to 0", unit="per minibatch", low=0.0)
    num_games: int = setting(256, "games played side by side", unit="games", low=1)
    length: int = setting(16, "moves of each between updates", unit="moves", low=1)
    epochs: int = setting(1, "passes over each batch", unit="passes", low=1)
    minibatches: int = setting(4, "parts of a batch", unit="minibatches", low=1)
    discount: float | None = setting(None, "weight of the next move; the game's own where not given", low=0.0, high=1.0)
    max_norm: float = setting(10.0, "largest norm of a gradient", above=0.0)
    hidden: int = setting(128, "width of the layers", unit="units", low=1)

    def level(self, iteration: Int[Array, ""]) -> Int[Array, ""]:
        """Which level learns in an iteration; the first is 0 here."""
        return jnp.minimum(iteration // self.updates, self.levels - 1)

    def optimizer(self, iteration: Int[Array, ""] | int = 0) -> optax.GradientTransformation:
        """Adam with the step size of an iteration."""
        done = jnp.asarray(iteration, float) / self.updates
        left = jnp.clip(1.0 - (done - self.level(jnp.asarray(iteration))), 0.0, 1.0)
        return adam(self.lr * left, max_norm=self.max_norm)


class Ladder(NamedTuple):
    """The levels and where their learning stands.

    Attributes:
        levels: their networks, leaves `[levels, ...]`; those above the present one are still as they began.
        opt_state: of the present one.
        live: the games being played.
        evidence: `[B, P, H]` what the actions of the others have told each player; H is 0 where one level is all.
        iteration: how many are done.
    """

    levels: Params
    opt_state: PyTree
    live: Live
    evidence: Float[Array, "B P H"]
    iteration: Int[Array, ""]


class Lesson(NamedTuple):
    """What a decision teaches: the value of an action, seen from where it was taken."""

    obs: PyTree
    action: Int[Array, ""]
    target: Float[Array, ""]


class Explorer(NamedTuple):
    """The parameters of play in earnest: those of the policy, and the share of random moves."""

    soft: Soft
    epsilon: Float[Array, ""]


def explore(
    key: PRNGKeyArray, params: Any, carry: Carry, obs: PyTree, legal: Array, fresh: Array, given: Any = None
) -> tuple[Carry, Array, tuple[()]]:
    """How one player acts in earnest (`tacit.types.Act`); nothing is reported, as nobody reads it."""
    del fresh, given
    log_probs = soft_value(params.soft, obs, legal)[1]
    mixed = (1 - params.epsilon) * jnp.exp(log_probs) + params.epsilon * legal / legal.sum()
    return carry, categorical.sample(key, jnp.log(mixed)), ()


def make(game: Game, config: Config, seats: Sequence[int] | None = None) -> Learner:
    """An Off-Belief learner. A run has `levels * updates` iterations; in further ones nothing is learned.

    Raises:
        Misfit: the game is not turn-based, hides nothing, or cannot list what it hides although that is needed (above
            level 1, and where all is weighed); or the learner is to play beside another one.
    """
    players = game.spec.num_players
    if seats is not None and tuple(seats) != tuple(range(players)):
        raise Misfit("obl learns how a whole team plays, and cannot learn beside another rule")
    if not isinstance(game, TurnBased):
        raise Misfit(f"obl needs a turn-based game of hidden cards (hanabi, tiny-hanabi-e), not {type(game).__name__}")
    moves = OnTurn(game)
    num_hypotheses = len(jax.tree.leaves(game.hypotheses().hidden())[0]) if config.levels > 1 else 0
    policy = nets_value.policy()
    explorer = joint((Policy(policy.init_carry, explore),))

    def opening(key: PRNGKeyArray) -> tuple[Live, Float[Array, "B P H"]]:
        """Fresh games, and no evidence."""
        live = start(key, moves, (policy,), config.num_games)
        return live, jnp.zeros((config.num_games, players, num_hypotheses))

    def init(key: PRNGKeyArray) -> Ladder:
        net_key, game_key = jax.random.split(key)
        net: Any = nets_value.action_values(net_key, game.spec, config.hidden, "obl")
        levels = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (config.levels, *leaf.shape)), net)
        return Ladder(levels, config.optimizer().init(net), *opening(game_key), jnp.int32(0))

    def step(key: PRNGKeyArray, state: Ladder) -> tuple[Ladder, Metrics]:
        begin_key, play_key, learn_key = jax.random.split(key, 3)
        live, evidence = opening(begin_key)
        state = begun(state, live, evidence, config)
        playing = Explorer(soft(state, config.level(state.iteration), config), jnp.asarray(config.epsilon, float))
        act = functools.partial(explorer, params=(playing,))
        live, played = rollout(play_key, moves, act, state.live, config.length)
        return update(learn_key, state._replace(live=live), played, state.live.carry)

    def update(key: PRNGKeyArray, state: Ladder, played: Step, carry: Carry) -> tuple[Ladder, Metrics]:
        del carry
        believe_key, round_key, learn_key = jax.random.split(key, 3)
        level = config.level(state.iteration)
        evidence, supposed = believed(believe_key, state, played)
        params, keys = soft(state, level, config), jax.random.split(round_key, played.fresh.shape)
        teach = functools.partial(lesson, game=game, params=params, config=config)
        batch = jax.vmap(jax.vmap(teach))(keys, played.state, played.obs[:, :, 0], played.action[:, :, 0], supposed)
        optimizer = config.optimizer(state.iteration)
        net, opt_state, error = learned(learn_key, params.net, state.opt_state, optimizer, batch, config)
        metrics = play_metrics(game, played, players) | {"loss": error, "level": (level + 1).astype(float)}
        return Ladder(_written(state.levels, level, net), opt_state, state.live, evidence, state.iteration + 1), metrics

    def believed(key: PRNGKeyArray, state: Ladder, played: Step) -> tuple[Float[Array, "B P H"], PyTree]:
        """The evidence afterwards, and what the player on turn supposes at each step, leaves `[T, B, ...]`."""
        keys = jax.random.split(key, played.fresh.shape)

        def by_rules() -> tuple[Array, PyTree]:
            suppose = functools.partial(supposed_by_rules, game=game, expected=config.expected)
            return state.evidence, jax.vmap(jax.vmap(suppose))(keys, played.state)

        def by_level_below() -> tuple[Array, PyTree]:
            suppose = functools.partial(supposed_under, game=game, expected=config.expected)
            return along(
                keys, game, soft(state, config.level(state.iteration) - 1, config), state.evidence, played, suppose
            )

        if config.levels == 1:
            return by_rules()
        return jax.lax.cond(agreed(state.iteration < config.updates), by_rules, by_level_below)

    def policies(state: Ladder) -> tuple[tuple[Policy, Params], ...]:
        return ((policy, soft(state, config.level(state.iteration - 1), config)),) * players

    def with_params(state: Ladder, seat: int, params: Soft) -> Ladder:
        del seat
        level = config.level(jnp.maximum(state.iteration - 1, 0))
        return state._replace(levels=_written(state.levels, level, params.net))

    return Learner(init, step, policies, update, with_params, deep=not config.expected)


def soft(state: Ladder, level: Int[Array, ""] | int, config: Config) -> Soft:
    """The policy of a level; the first is 0 here, and is what stands in for one below it."""
    net = jax.tree.map(lambda leaf: leaf[jnp.maximum(level, 0)], state.levels)
    return Soft(net, jnp.asarray(config.temperature, float))


def begun(state: Ladder, live: Live, evidence: Float[Array, "B P H"], config: Config) -> Ladder:
    """Where a level begins: the network of the one below, a fresh optimizer, fresh games; else, the state as it is."""
    level = config.level(state.iteration)
    below: Any = soft(state, level - 1, config).net
    new = Ladder(_written(state.levels, level, below), config.optimizer().init(below), live, evidence, state.iteration)
    anew = (level > 0) & (state.iteration == level * config.updates)
    return jax.tree.map(lambda a, b: jnp.where(anew, a, b), new, state)


class At(NamedTuple):
    """A run as it stood after one of its levels (`tacit.types.Trained`)."""

    make: Callable[..., Learner]
    game: Any
    config: Config
    state: Ladder


def at_level(run: Trained, level: int) -> At:
    """The run whose policy is that of a level; the first is 1."""
    done = jnp.full_like(run.state.iteration, level * run.config.updates)
    return At(run.make, run.game, run.config, run.state._replace(iteration=done))


def supposed_by_rules(key: PRNGKeyArray, state: State, *, game: Any, expected: bool) -> PyTree:
    """What the player on turn supposes by the rules alone: its belief, or a draw from it."""
    player = game.on_turn(state)
    return game.hypotheses().grounded(state, player) if expected else game.sample_hidden(key, state, player)


def supposed_under(key: PRNGKeyArray, belief: Float[Array, " H"], *, game: Any, expected: bool) -> PyTree:
    """The same with a belief that follows the others' actions."""
    index = jax.random.categorical(key, belief)
    return belief if expected else jax.tree.map(lambda leaf: leaf[index], game.hypotheses().hidden())


def lesson(
    key: PRNGKeyArray,
    state: State,
    obs: PyTree,
    action: Int[Array, ""],
    supposed: PyTree,
    *,
    game: Any,
    params: Soft,
    config: Config,
) -> Lesson:
    """What who was on turn learns from a real move by fictitious rounds in which it supposes something of the unseen.

    Args:
        supposed: what is hidden, or the belief about it where all is weighed.
    """
    moves, mover = OnTurn(game), game.on_turn(state)
    discount = game.discount if config.discount is None else config.discount

    def log_probs(state: State) -> Float[Array, " A"]:
        return soft_value(params, moves.observe(state)[0], moves.legal(state)[0])[1]

    def worth(came: Round) -> Float[Array, ""]:
        seen, may = (jax.tree.map(lambda leaf: leaf[mover], each(came.state)) for each in (game.observe, game.legal))
        return came.reward[0] + jnp.where(came.ended, 0.0, came.discount * soft_value(params, seen, may)[0])

    def drawn(hidden: PyTree) -> Float[Array, ""]:
        return worth(play_round(key, moves, game.with_hidden(state, mover, hidden), action, log_probs, discount))

    def weighed(hidden: PyTree) -> Float[Array, ""]:
        start = game.with_hidden(state, mover, hidden)
        return expected_round(key, moves, start, action, log_probs, discount, worth)

    if not config.expected:
        return Lesson(obs, action, drawn(supposed))
    return Lesson(obs, action, jnp.exp(supposed) @ jax.vmap(weighed)(game.hypotheses().hidden()))


def learned(
    key: PRNGKeyArray,
    net: Params,
    opt_state: PyTree,
    optimizer: optax.GradientTransformation,
    batch: Lesson,
    config: Config,
) -> tuple[Params, PyTree, Float[Array, ""]]:
    """The network after some passes over a batch, leaves `[T, B, ...]`, and the mean loss."""
    batch = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), batch)

    def descent(carry: Any, minibatch: Lesson) -> Any:
        net, opt_state = carry
        error, gradient = jax.value_and_grad(loss)(net, minibatch)
        return descend(optimizer, gradient, opt_state, net), error

    def epoch(carry: Any, key: PRNGKeyArray) -> Any:
        return jax.lax.scan(descent, carry, shuffled(key, batch, config.minibatches, axis=0))

    (net, opt_state), errors = jax.lax.scan(epoch, (net, opt_state), jax.random.split(key, config.epochs))
    return net, opt_state, errors.mean()


def loss(net: Any, batch: Lesson) -> Float[Array, ""]:
    """Half the mean squared error of the values of the actions taken, leaves `[N, ...]`."""
    values = jax.vmap(net)(batch.obs)
    chosen = jnp.arange(values.shape[1])[None] == batch.action[:, None]
    return 0.5 * jnp.mean(jnp.square(jnp.where(chosen, values, 0.0).sum(axis=1) - batch.target))


def _written(levels: Params, level: Int[Array, ""], net: Params) -> Params:
    return jax.tree.map(lambda leaf, new: leaf.at[level].set(new), levels, net)
