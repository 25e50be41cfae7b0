"""Cheap talk discovery and utilization: two players find a channel that nobody pointed out, and then use it.

Each player has a recurrent network of values Q and, for what it says, of one number m. Whole episodes are played, moves
by softmax(Q / temperature) mixed with some random ones. An update is one gradient step down, per episode,

    sum over steps and players of (y_t - Q(u_t))^2 / 2
    y_t = r_t + discount ((1 - decay) max_u Q'_{t+1}(u) + decay y_{t+1})  [not ended]

where Q' is of networks that follow those that learn slowly, and go through the same moves. They are executed, too.
There are two stages; in the first, decay is 0.

    discovery       what is said is the hint that is given. Rewards r_t are those of fictitious transitions: what the
                    receiver cannot see, the right exit, is drawn anew before each step, so that no hint can come to
                    mean anything (Off-Belief Learning), and
                        r_t  +=  beta I(A; O'),      A uniform, the sender's move; O' what the receiver sees next
                        loss -=  kappa sum_t I(A; O'),    A of softmax(Q / temperature)
                    The reward leads both to where something can be heard, and the loss makes hints equally likely.
    utilization     the plain rewards, and what is said is logistic(m + noise e), which stays attached: its sender
                    learns from the errors of its hearer (DIAL). In some episodes of an update (`guided`) the channel is
                    used as it was found: until something is heard, players move like those at the end of discovery.
                    The largest Q' counts as at most what the right exit pays.

Source: Lo et al. 2023 (Cheap Talk Discovery and Utilization in Multi-Agent Reinforcement Learning), sections 4 and 5.
Departures: Q' follows in small steps, and is executed; returns reach farther than a step (`decay`); batches of fresh
episodes, and no replay; the source's cure for players who unlearn where the channel is, a second replay of episodes in
which a message was delivered, is what guided episodes stand for. Gated recurrent units and a layer where the source has
an LSTM and two dueling layers of 128. A fictitious transition differs from the real one in the right exit alone, which
is averaged, not drawn; what is hidden from the sender, the receiver's place, is as it is: where no hint has a meaning
to the receiver, it can have none for the sender.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from tacit.errors import Misfit, SettingError
from tacit.evaluation import phone_booth
from tacit.games.base import Game
from tacit.games.phone_booth import MOVES, RECEIVER, RIGHT_EXIT, SENDER, BoothState, PhoneBooth
from tacit.learners.ctdu_policy import CHOOSE, PLAYERS, Stage, copied, drawn, followed, policy_of, talkers
from tacit.learners.dial import of_chosen, over
from tacit.loops import rollout, start, unstack
from tacit.ops.agreed import agreed
from tacit.ops.optimizer import adam, descend
from tacit.ops.returns import q_lambda
from tacit.settings import setting
from tacit.types import Action, Carry, Learner, Metrics, Params, Policy, Settings, Step


class Config(Settings):
    """Settings of cheap talk discovery and utilization."""

    discovery: int = setting(10, "iterations of discovery, before those of utilization", unit="iterations", low=0)
    lr: float = setting(1e-3, "step size of Adam", unit="per update", low=0.0)
    num_games: int = setting(32, "episodes of an update", unit="episodes", source="Lo et al.", low=1)
    updates: int = setting(100, "updates of an iteration, which ends with a test", unit="updates", low=1)
    temperature: float = setting(
        0.1, "temperature of the softmax over Q in discovery", unit="payoff", source="Lo et al.", above=0.0
    )
    use_temperature: float = setting(0.01, "the same in utilization", unit="payoff", above=0.0)
    decay: float = setting(0.9, "lambda of the returns in utilization (the source: 0)", low=0.0, high=1.0)
    epsilon: float = setting(0.1, "share of random moves (the source: 0)", low=0.0, high=1.0)
    pays: str = setting(
        "information",
        "what discovery is rewarded for: what can be heard, that both stand in booths that work, or nothing",
        choices=("information", "booths", "nothing"),
    )
    beta: float = setting(2.0, "weight of that reward", unit="payoff per bit", source="Lo et al.", low=0.0)
    kappa: float = setting(
        1.0, "weight of the information that hints carry in the loss", unit="per bit", source="Lo et al.", low=0.0
    )
    sampled: bool = setting(False, "information is that of a draw of what booths lose, not of its probability")
    obl: bool = setting(True, "discovery learns from fictitious transitions")
    dial: bool = setting(True, "in utilization, what is said carries gradients; otherwise it is the hint given")
    guided: int = setting(
        16, "those of an update in utilization in which the channel is used as it was found", unit="episodes", low=0
    )
    anew: bool = setting(True, "networks of utilization begin anew, and not as those of discovery ended")
    noise: float = setting(0.5, "standard deviation of the channel's noise while learning (DIAL: 2)", low=0.0)
    follow: float = setting(
        0.01,
        "step of the networks that judge towards those that learn (the source: a copy every 100 updates)",
        unit="per update",
        above=0.0,
        high=1.0,
    )
    max_norm: float = setting(10.0, "largest norm of a gradient", above=0.0)
    hidden: int = setting(32, "width of the layers (the source: 128)", unit="units", low=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.guided > self.num_games:
            raise SettingError(f"guided must be at most num_games, {self.num_games}, got {self.guided}")

    @property
    def optimizer(self) -> optax.GradientTransformation:
        """Adam behind a clip of the gradient's norm."""
        return adam(self.lr, max_norm=self.max_norm)


class State(NamedTuple):
    """What changes.

    Attributes:
        scout: the networks of discovery, leaves `[P, ...]`, which then guide.
        net: those of utilization.
        slow: averages of the present stage's over the last updates: they judge, and they execute.
        opt_state: the optimizer's.
        update: how many updates are done.
    """

    scout: Params
    net: Params
    slow: Params
    opt_state: PyTree
    update: Int[Array, ""]


class Lesson(NamedTuple):
    """What an update asks for.

    Attributes:
        stage: how players act.
        levels: `[B]` right exits.
        moves: `[T, B, P]` to make instead of chosen ones, if any.
        paid: from what was played to rewards `[T, B, P]`.
        most: the largest value that may follow.
        decay: lambda of the returns.
    """

    stage: Stage
    levels: Int[Array, " B"]
    moves: Int[Array, "T B 2"] | None
    paid: Callable[[Step], Float[Array, "T B 2"]]
    most: float
    decay: Float[Array, ""] | float


def stage_of(config: Config, uses: Bool[Array, ""] | bool, executes: bool = False) -> Stage:
    """How both players act in discovery or in utilization."""
    on = jnp.asarray(uses)
    temperature = jnp.where(on, config.use_temperature, config.temperature)
    epsilon, noise = jnp.asarray(config.epsilon, float), jnp.asarray(config.noise, float)
    return Stage(temperature, epsilon, noise, on & config.dial, jnp.asarray(executes))


def play(
    key: PRNGKeyArray,
    game: PhoneBooth,
    config: Config,
    net: Params,
    stage: Stage,
    levels: Int[Array, " B"],
    moves: Int[Array, "T B 2"] | None = None,
) -> Step:
    """Whole episodes. With the same key and moves they are the same, but for what is said.

    Args:
        moves: to make instead of chosen ones, `CHOOSE` where they are to be chosen.
    """
    policy, params = policy_of(config.hidden), talkers(net, stage)
    everyone = jax.vmap(policy.act, (0, 0, 0, 0, 0, None, 0))

    def act(keys: Any, carry: Any, obs: Any, legal: Any, fresh: Any, given: Any) -> Any:
        return everyone(keys, params, carry, obs, legal, fresh, given)

    start_key, play_key = jax.random.split(key)
    live = start(start_key, game, (policy,) * PLAYERS, len(levels), levels)
    live = live._replace(carry=jax.tree.map(lambda *each: jnp.stack(each, 1), *live.carry))
    given = None if moves is None else Action(moves, None)
    return rollout(play_key, game, act, live, game.spec.max_length, given=given, reset=False)[1]


def fictitious(game: PhoneBooth, state: BoothState, action: Action) -> Float[Array, "2"]:
    """What the step pays where the receiver does not know the right exit: its reward is the mean over both."""

    def with_exit(right: Array) -> Array:
        return game.step(jax.random.key(0), state._replace(exit=right), action)[1].reward

    real, supposed = with_exit(state.exit), jax.vmap(with_exit)(game.all_levels())
    return real.at[RECEIVER].set(supposed[:, RECEIVER].mean())


def bonus(key: PRNGKeyArray, game: PhoneBooth, state: BoothState, config: Config) -> Float[Array, ""]:
    """What discovery is paid for being in a state, before its weight. The key is consumed."""
    if config.pays == "booths":
        return (game.line(state)[0] > 0).astype(float)
    uniform = jnp.full(len(MOVES), 1 / len(MOVES))
    return phone_booth.informed(game, state, uniform, key if config.sampled else None)


def squared(
    net: Params, slow: Params, key: PRNGKeyArray, game: PhoneBooth, config: Config, lesson: Lesson
) -> tuple[Float[Array, ""], Step]:
    """Half the squared errors of values, summed over steps, mean over players and episodes; and what was played."""
    stage, levels, moves, paid, most, decay = lesson
    played = play(key, game, config, net, stage, levels, moves)
    judged = play(key, game, config, slow, stage, levels, played.action.move)
    value = jnp.minimum(judged.extras.values.max(-1), most)
    ahead = jnp.concatenate([value[1:], jnp.zeros_like(value[:1])])
    ended = jnp.broadcast_to((played.terminated | played.truncated)[..., None], value.shape)
    each = jax.vmap(jax.vmap(q_lambda, (1, 1, 1, 1, None, None), 1), (1, 1, 1, 1, None, None), 1)
    target = each(paid(played), ahead, ended, jnp.zeros_like(ended), game.discount, decay)
    error = jnp.square(jax.lax.stop_gradient(target) - of_chosen(played.extras.values, played.action.move))
    return 0.5 * jnp.where(over(played)[..., None], 0.0, error).sum(0).mean(), played


def discovery_loss(
    net: Params, slow: Params, key: PRNGKeyArray, game: Any, config: Config
) -> tuple[Float[Array, ""], Step]:
    """The loss of discovery, a mean over players and episodes played. The key is consumed."""
    level_key, play_key, line_key = jax.random.split(key, 3)
    levels = jax.vmap(game.sample_level)(jax.random.split(level_key, config.num_games))
    keys = jax.random.split(line_key, (game.spec.max_length, config.num_games))

    def each(of_step: Callable[..., Array]) -> Callable[..., Array]:
        return jax.vmap(jax.vmap(of_step))

    def paid(played: Step) -> Float[Array, "T B 2"]:
        pay = each(functools.partial(fictitious, game))
        reward = pay(played.state, played.action) if config.obl else played.reward
        if config.pays == "nothing":
            return reward
        extra = each(lambda key, state: bonus(key, game, state, config))(keys, played.state)
        return reward + config.beta * extra[..., None]

    lesson = Lesson(stage_of(config, False), levels, None, paid, jnp.inf, 0.0)
    error, played = squared(net, slow, play_key, game, config, lesson)

    def told(key: Array, state: BoothState, probs: Array) -> Array:
        return phone_booth.informed(game, state, probs, key if config.sampled else None)

    information = each(told)(keys, played.state, played.extras.probs[:, :, SENDER])
    information = jnp.where(over(played), 0.0, information).sum(0).mean()
    return error - config.kappa * information, played


def ways(
    key: PRNGKeyArray, game: PhoneBooth, config: Config, scout: Params, levels: Int[Array, " B"]
) -> Int[Array, "T B 2"]:
    """How episodes are to begin: the moves of the players of discovery until something is heard, in `guided` of them.

    After that, and in all others, moves are to be chosen.
    """
    found = play(key, game, config, scout, stage_of(config, False), levels)
    sought = (jnp.cumsum(found.state.received, axis=0) == 0) & (jnp.arange(len(levels)) < config.guided)[None]
    return jnp.where(sought[..., None], found.action.move, CHOOSE)


def utilization_loss(
    net: Params, slow: Params, key: PRNGKeyArray, game: Any, config: Config, scout: Params
) -> tuple[Float[Array, ""], Step]:
    """The loss of utilization, a mean over players and episodes, and those played. The key is consumed."""
    level_key, play_key = jax.random.split(key)
    levels = jax.vmap(game.sample_level)(jax.random.split(level_key, config.num_games))
    moves = ways(play_key, game, config, scout, levels)  # the same key: booths lose the same hints
    lesson = Lesson(stage_of(config, True), levels, moves, lambda played: played.reward, RIGHT_EXIT, config.decay)
    return squared(net, slow, play_key, game, config, lesson)


class Improved(NamedTuple):
    """Networks after an update, their optimizer's state, and metrics."""

    net: Params
    opt_state: PyTree
    metrics: Metrics


def descended(net: Params, opt_state: PyTree, loss: Callable[..., Any], config: Config) -> Improved:
    """A step down a loss, which maps networks to itself and what was played."""
    (error, played), gradient = jax.value_and_grad(loss, has_aux=True)(net)
    heard = played.next_state.received.any(0).mean(dtype=float)
    metrics = {"loss": error, "return": played.gained[-1].mean(0), "heard": heard}
    return Improved(*descend(config.optimizer, gradient, opt_state, net), metrics)


def discovered(state: State, key: PRNGKeyArray, game: PhoneBooth, config: Config) -> tuple[State, Metrics]:
    """An update of discovery."""
    slow = followed(state.slow, state.scout, config.follow)
    loss = functools.partial(discovery_loss, slow=slow, key=key, game=game, config=config)
    scout, opt_state, metrics = descended(state.scout, state.opt_state, loss, config)
    return State(scout, state.net, slow, opt_state, state.update + 1), metrics


def used(state: State, key: PRNGKeyArray, game: PhoneBooth, config: Config) -> tuple[State, Metrics]:
    """An update of utilization."""
    since = state.update - config.discovery * config.updates
    scout = copied(since == 0, state.slow, state.scout)
    net = copied((since == 0) & (not config.anew), scout, state.net)
    slow = followed(copied(since == 0, net, state.slow), net, config.follow)
    opt_state = copied(since == 0, config.optimizer.init(net), state.opt_state)
    loss = functools.partial(utilization_loss, slow=slow, key=key, game=game, config=config, scout=scout)
    net, opt_state, metrics = descended(net, opt_state, loss, config)
    return State(scout, net, slow, opt_state, state.update + 1), metrics


def make(game: Game, config: Config, seats: Sequence[int] | None = None) -> Learner:
    """Both players of a phone booth maze whose hints carry messages of the sender's own (`messages`).

    Raises:
        Misfit: it is another game, or the players are to meet another rule.
    """
    if seats is not None:
        raise Misfit("players of ctdu learn together, from play of their own; they cannot meet another rule")
    if not isinstance(game, PhoneBooth):
        raise Misfit(f"ctdu needs a phone booth maze, not {type(game).__name__}")
    if not game.messages:
        raise Misfit("ctdu needs hints that carry messages of the sender's own: set messages of the game")
    policy = policy_of(config.hidden)

    def init(key: PRNGKeyArray) -> State:
        scout, net = (drawn(each, game.spec, config.hidden) for each in jax.random.split(key))
        return State(scout, net, scout, config.optimizer.init(scout), jnp.int32(0))

    def step(key: PRNGKeyArray, state: State) -> tuple[State, Metrics]:
        keys = jax.random.split(key, config.updates)
        first = agreed(state.update < config.discovery * config.updates)
        stages = (functools.partial(stage, game=game, config=config) for stage in (discovered, used))
        discovers, uses = (functools.partial(jax.lax.scan, stage, xs=keys) for stage in stages)
        state, metrics = jax.lax.cond(first, discovers, uses, state)
        pair, params = zip(*policies(state), strict=True)
        score = phone_booth.score(game, pair, params)
        tests = {"test": score.value, "found": score.found, "visits": score.visits}
        return state, jax.tree.map(lambda each: each.mean(0), metrics) | tests

    def update(key: PRNGKeyArray, state: State, played: Step, carry: Carry) -> tuple[State, Metrics]:
        del key, state, played, carry
        raise Misfit("players of ctdu learn from play of their own alone")

    def now(state: State) -> Bool[Array, ""]:
        """Whether utilization has begun."""
        return state.update > config.discovery * config.updates

    def policies(state: State) -> tuple[tuple[Policy, Params], ...]:
        """As they are executed."""
        players = talkers(state.slow, stage_of(config, now(state), executes=True))
        return tuple((policy, each) for each in unstack(players, PLAYERS))

    def with_params(state: State, seat: int, params: Params) -> State:
        return state._replace(slow=jax.tree.map(lambda rows, new: rows.at[seat].set(new), state.slow, params.net))

    return Learner(init, step, policies, update, with_params)
