"""Off-Belief Learning from play: a ladder of levels, each of which reads the others' actions as the level below.

Level k learns what its actions are worth when the past was played by level k - 1 and the future is played by itself.
Whenever player i acts, what it cannot see is drawn afresh from its belief, and a fictitious round goes on from there
(`ops.fictitious`) until i is on turn again and sees o'; for the real observation and action it is taught

    y = r' + (1 - done') discount^P V(o'),     V(o) = sum_a pi(a | o) Q(o, a),     pi(a | o) = softmax(Q(o, .) / T)_a
    loss = (y - Q(o, a))^2 / 2

The belief of level 1 is the grounded one, which takes no action for a hint (`Game.sample_hidden`). That of a higher
level follows the actions of the others through the level below: exactly, where all that may be hidden can be listed
(`obl_beliefs`), by sampled hands with weights (`obl_particles`), or by a network that has learned what actions tell
(`obl_belief_net`). What is played in earnest, level k's own policy with some exploration, only decides where it learns.

All levels are learned in one run, one after another (`obl_ladder`), each beginning with the network of the one below.
Where beliefs are learned, one network of them watches each level before the next one begins. One network of values
plays all seats. There is no replay and no second network: a batch is played, and judged, by the network that learns.

Source: Hu et al. 2021 (Off-Belief Learning), sections 4 and 5, in the form of two steps that the paper has for two
players; learning without replay as in Gallici et al. 2024 (PQN). Departures: beliefs are exact where they can be; the
network of values has no memory; the released code lets waiting players learn, too, by one-step targets that come to the
same; the error is squared, as the minimum of Huber's loss is no expectation; the targets have T > 0, as the definition
has.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from tacit import nets_value
from tacit.errors import Misfit, SettingError
from tacit.games.base import Game
from tacit.games.on_turn import OnTurn, TurnBased
from tacit.learners import obl_belief_net as belief_net
from tacit.learners.obl_beliefs import Beliefs, exact, supposed_by_rules
from tacit.learners.obl_ladder import At, Ladder, Schedule, Watcher, at_level, begun
from tacit.learners.obl_particles import particles
from tacit.learners.ppo import play_metrics
from tacit.loops import Live, joint, rollout, start
from tacit.nets_value import Soft, soft_value
from tacit.ops import categorical
from tacit.ops.agreed import agreed
from tacit.ops.fictitious import Round, expected_round, play_round
from tacit.ops.minibatch import shuffled
from tacit.ops.optimizer import adam, descend
from tacit.settings import setting
from tacit.types import Carry, Learner, Metrics, Params, Policy, Settings, State, Step

__all__ = ["At", "Config", "Ladder", "at_level", "make"]


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
    draws: int = setting(
        1,
        "times that the unseen and what comes of it are drawn for each move; it learns their mean",
        unit="draws",
        low=1,
    )
    epochs: int = setting(1, "passes over each batch", unit="passes", low=1)
    minibatches: int = setting(4, "parts of a batch", unit="minibatches", low=1)
    discount: float | None = setting(None, "weight of the next move; the game's own where not given", low=0.0, high=1.0)
    max_norm: float = setting(10.0, "largest norm of a gradient", above=0.0)
    hidden: int = setting(128, "width of the layers", unit="units", low=1)
    belief: str = setting(
        "exact",
        "beliefs above level 1: all that may be hidden is listed, or sampled and weighed, or a network learns them "
        "from watching the level below",
        choices=("exact", "particles", "learned"),
    )
    particles: int = setting(64, "hands that are sampled for each player, if they are", unit="hands", low=1)
    doubt: float | None = setting(
        None,
        "share of moves of the level below that beliefs take for random; a network takes what it saw",
        low=0.0,
        high=1.0,
    )
    belief_updates: int = setting(
        200, "iterations between two levels in which beliefs are learned, if they are", unit="iterations", low=1
    )
    belief_lr: float = setting(
        1e-3, "step size of Adam for them at first; it falls to 0", unit="per minibatch", low=0.0
    )
    belief_hidden: int = setting(128, "width and memory of the network of beliefs", unit="units", low=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.expected and self.belief != "exact":
            raise SettingError(f"expected weighs all that may be hidden, which takes belief exact, got {self.belief}")
        if self.expected and self.draws > 1:
            raise SettingError(
                f"expected weighs all that may be hidden and draws nothing; draws must be 1, got {self.draws}"
            )

    @property
    def schedule(self) -> Schedule:
        """When a level is learned and watched."""
        watched = self.belief == "learned" and self.levels > 1
        return Schedule(self.levels, self.updates, self.belief_updates if watched else 0)

    def optimizer(self, iteration: Int[Array, ""] | int = 0) -> optax.GradientTransformation:
        """Adam with the step size of an iteration."""
        return adam(self.lr * self.schedule.left(jnp.asarray(iteration)), max_norm=self.max_norm)

    def belief_optimizer(self, iteration: Int[Array, ""] | int = 0) -> optax.GradientTransformation:
        """The same for the network of beliefs."""
        return adam(self.belief_lr * self.schedule.left_to_watch(jnp.asarray(iteration)), max_norm=self.max_norm)


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


def beliefs_of(game: Any, config: Config) -> Beliefs | None:
    """Beliefs above level 1; None where there is no such level.

    Raises:
        Misfit: the game is none whose beliefs can be had in this way.
    """
    if config.levels == 1:
        return None
    if config.belief == "learned":
        return belief_net.learned(game, config.belief_hidden)
    return particles(game, config.particles) if config.belief == "particles" else exact(game, config.expected)


def make(game: Game, config: Config, seats: Sequence[int] | None = None) -> Learner:
    """An Off-Belief learner. A run has `config.schedule.end(levels)` iterations; in further ones nothing is learned.

    Raises:
        Misfit: the game is not turn-based, hides nothing, or cannot list what it hides although that is needed (exact
            beliefs above level 1, and where all is weighed); beliefs about it cannot be learned; or the learner is to
            play beside another one.
    """
    players, schedule = game.spec.num_players, config.schedule
    if seats is not None and tuple(seats) != tuple(range(players)):
        raise Misfit("obl learns how a whole team plays, and cannot learn beside another rule")
    if not isinstance(game, TurnBased):
        raise Misfit(f"obl needs a turn-based game of hidden cards (hanabi, tiny-hanabi-e), not {type(game).__name__}")
    moves, beliefs, policy = OnTurn(game), beliefs_of(game, config), nets_value.policy()
    explorer = joint((Policy(policy.init_carry, explore),))
    fresh, fresh_watcher = config.optimizer().init, config.belief_optimizer().init

    def opening(key: PRNGKeyArray) -> tuple[Live, PyTree]:
        """Fresh games, and nothing told."""
        live, memory = start(key, moves, (policy,), config.num_games), () if beliefs is None else beliefs.begin()
        return live, jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (config.num_games, *leaf.shape)), memory)

    def init(key: PRNGKeyArray) -> Ladder:
        net_key, game_key, belief_key = jax.random.split(key, 3)
        net: Any = nets_value.action_values(net_key, game.spec, config.hidden, "obl")
        levels = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (config.levels, *leaf.shape)), net)
        watcher = Watcher((), ())
        if schedule.watching:
            believer: Any = belief_net.belief_net(belief_key, game, config.belief_hidden)
            watcher = Watcher(believer, fresh_watcher(believer))
        return Ladder(levels, fresh(net), *opening(game_key), watcher, jnp.int32(0))

    def step(key: PRNGKeyArray, state: Ladder) -> tuple[Ladder, Metrics]:
        begin_key, play_key, learn_key = jax.random.split(key, 3)
        state = begun(state, *opening(begin_key), schedule, fresh, fresh_watcher)
        playing = Explorer(soft(state, schedule.level(state.iteration), config), jnp.asarray(config.epsilon, float))
        act = functools.partial(explorer, params=(playing,))
        live, played = rollout(play_key, moves, act, state.live, config.length)
        return update(learn_key, state._replace(live=live), played, state.live.carry)

    def update(key: PRNGKeyArray, state: Ladder, played: Step, carry: Carry) -> tuple[Ladder, Metrics]:
        del carry
        level = schedule.level(state.iteration)
        metrics = play_metrics(game, played, players) | {"level": (level + 1).astype(float)}
        improve = functools.partial(improved, game=game, beliefs=beliefs, config=config)
        if schedule.watching:
            watch = functools.partial(watched, game=game, config=config)
            watching = agreed(schedule.watched(state.iteration) >= 0)
            state, learned = jax.lax.cond(watching, watch, improve, key, state, played)
        else:
            state, learned = improve(key, state, played)
        return state._replace(iteration=state.iteration + 1), metrics | learned

    def policies(state: Ladder) -> tuple[tuple[Policy, Params], ...]:
        return ((policy, soft(state, schedule.level(state.iteration - 1), config)),) * players

    def with_params(state: Ladder, seat: int, params: Soft) -> Ladder:
        del seat
        return state.written(schedule.level(jnp.maximum(state.iteration - 1, 0)), params.net)

    return Learner(init, step, policies, update, with_params, deep=not config.expected)


def soft(state: Ladder, level: Int[Array, ""] | int, config: Config) -> Soft:
    """The policy of a level; the first is 0 here, and is what stands in for one below it."""
    return Soft(state.network(level), jnp.asarray(config.temperature, float))


def improved(
    key: PRNGKeyArray, state: Ladder, played: Step, *, game: Any, beliefs: Beliefs | None, config: Config
) -> tuple[Ladder, Metrics]:
    """What the values of the present level learn from a batch of play."""
    believe_key, round_key, learn_key = jax.random.split(key, 3)
    level = config.schedule.level(state.iteration)
    memory, supposed = believed(believe_key, state, played, game=game, beliefs=beliefs, config=config)
    params, keys = soft(state, level, config), jax.random.split(round_key, (*played.fresh.shape, config.draws))
    teach = functools.partial(lesson, game=game, params=params, config=config)
    seen = played.obs[:, :, 0], played.action[:, :, 0]
    often = jax.vmap(teach, (0, None, None, None, 0))
    targets = jax.vmap(jax.vmap(often))(keys, played.state, *seen, supposed).target
    batch = Lesson(*seen, targets.mean(axis=2))
    optimizer = config.optimizer(state.iteration)
    net, opt_state, error = learned(learn_key, params.net, state.opt_state, optimizer, batch, config)
    state = state.written(level, net)._replace(opt_state=opt_state, memory=memory)
    return state, {"loss": error} | (_nothing("belief_loss", "counting_loss") if config.schedule.watching else {})


def believed(
    key: PRNGKeyArray, state: Ladder, played: Step, *, game: Any, beliefs: Beliefs | None, config: Config
) -> tuple[PyTree, PyTree]:
    """What is remembered after a batch of play, and what was supposed at each step, `[T, B, draws, ...]`."""
    keys = jax.random.split(key, (*played.fresh.shape, config.draws))

    def by_rules() -> tuple[PyTree, PyTree]:
        suppose = jax.vmap(functools.partial(supposed_by_rules, game, config.expected), (0, None))
        return state.memory, jax.vmap(jax.vmap(suppose))(keys, played.state)

    if beliefs is None:
        return by_rules()
    below = soft(state, config.schedule.level(state.iteration) - 1, config)
    below = below if config.doubt is None else below._replace(doubt=jnp.asarray(config.doubt, float))
    by_level_below = functools.partial(beliefs.along, keys, below, state.watcher.net, state.memory, played)
    return jax.lax.cond(agreed(state.iteration < config.updates), by_rules, by_level_below)


def watched(key: PRNGKeyArray, state: Ladder, played: Step, *, game: Any, config: Config) -> tuple[Ladder, Metrics]:
    """What the network of beliefs learns from a batch of play."""
    seen, optimizer = belief_net.watched(game, state.memory, played), config.belief_optimizer(state.iteration)
    parts = math.gcd(config.minibatches, config.num_games)  # whole games, which the memory runs through
    net, opt_state, errors = belief_net.studied(key, *state.watcher, optimizer, seen, config.epochs, parts)
    state = state._replace(memory=belief_net.contexts(net, seen)[0], watcher=Watcher(net, opt_state))
    return state, {"belief_loss": errors[0], "counting_loss": errors[1]} | _nothing("loss")


def _nothing(*names: str) -> Metrics:
    """Metrics that have nothing to report."""
    return dict.fromkeys(names, jnp.full((), jnp.nan))


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
