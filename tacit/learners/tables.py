"""Learning in a table, one row for each thing seen: Q-learning, SARSA, Monte Carlo, or the policy gradient.

What is seen is one-hot, followed by some bits. Both together are a symbol s, and the table has a row for each. After
every episode its steps are gone through in order, once, with G the return from a step on:

    q-learning       Q[s, a] <- Q[s, a] + lr (r + discount max_b Q[s', b] - Q[s, a])
    sarsa            Q[s, a] <- Q[s, a] + lr (r + discount Q[s', a'] - Q[s, a])
    monte-carlo      Q[s, a] <- Q[s, a] + lr (G - Q[s, a])
    policy-gradient  h[s, b] <- h[s, b] + lr G (1{a = b} - softmax(h[s])_b)     for all b

The first three play the best action but for a share `epsilon` of random ones, ties being as likely as each other; the
last plays softmax(h). Nothing follows what ended by the rules; where an episode was only cut off, SARSA expects its
next action, and G counts no more.

With `memory` other than "table" rows are shared between symbols, so that what is learned of one reaches others:
"linear" adds a row of the one-hot part and a row of each bit that is 1; "hashed" gives several symbols one row of
`buckets`; "normalized" has a row for the one-hot part alone, but divides what is seen by its length, bits included.

Source: Sutton and Barto 2018, sections 6.5, 6.4, 5.4 and 13.3. Departures: policies change between episodes, not within
them, and the policy gradient is not weighted by discount^t.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Num, PRNGKeyArray

from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.loops import episodes, per_player, player
from tacit.ops import categorical
from tacit.settings import setting
from tacit.types import Carry, Discrete, Learner, Metrics, Params, Policy, Real, Settings, Step, Trajectory


class Config(Settings):
    """Settings of learning in a table."""

    rule: str = setting(
        "q-learning", "how it learns", choices=("q-learning", "sarsa", "monte-carlo", "policy-gradient")
    )
    lr: float = setting(0.1, "step size", unit="per step", low=0.0)
    epsilon: float = setting(0.1, "share of random actions; none in the policy gradient", low=0.0, high=1.0)
    num_games: int = setting(1, "episodes between changes of the policy", unit="games", low=1)
    bits: int = setting(0, "how many entries at the end of what is seen are bits, not one-hot", unit="bits", low=0)
    memory: str = setting("table", "what has a row of its own", choices=("table", "linear", "hashed", "normalized"))
    buckets: int = setting(101, "rows of a hashed table", unit="rows", low=1)
    init_std: float = setting(0.0, "standard deviation of the first entries, which else are 0", low=0.0)


class State(NamedTuple):
    """The tables of the seats that learn."""

    table: Float[Array, "seats rows A"]


class Sight(NamedTuple):
    """Which rows speak to what is seen, and how loud; values are their weighted sum."""

    row: Int[Array, "... k"]
    strength: Float[Array, "... k"]


class Lesson(NamedTuple):
    """One step of play, as it is learned from."""

    here: Sight
    there: Sight
    action: Int[Array, ""]
    next_action: Int[Array, ""]
    goes_on: Bool[Array, ""]  # a next action was taken in the same episode
    reward: Float[Array, ""]
    terminated: Bool[Array, ""]
    gain: Float[Array, ""]  # G
    counts: Bool[Array, ""]  # the step was played before the end


def rows(config: Config, seen: int) -> int:
    """How many rows there are for `seen` entries."""
    first = seen - config.bits
    return {"table": first * 2**config.bits, "linear": seen, "hashed": config.buckets, "normalized": first}[
        config.memory
    ]


def sight(config: Config, obs: Num[Array, " n"]) -> Sight:
    """The rows of what is seen."""
    first = len(obs) - config.bits
    place, bits = jnp.argmax(obs[:first]).astype(jnp.int32), obs[first:]
    symbol = place
    for bit in range(config.bits):
        symbol = 2 * symbol + bits[bit].astype(jnp.int32)
    alone = jnp.ones(1)
    if config.memory == "linear":
        places = jnp.arange(first, len(obs), dtype=jnp.int32)
        return Sight(jnp.append(place, places), jnp.append(alone, bits))
    if config.memory == "normalized":
        return Sight(place[None], alone / jnp.sqrt(jnp.sum(obs**2)))
    if config.memory == "hashed":
        mixed = symbol.astype(jnp.uint32) * jnp.uint32(2654435761)  # Knuth's multiplicative hash
        return Sight(jax.lax.rem(mixed >> 8, jnp.uint32(config.buckets)).astype(jnp.int32)[None], alone)
    return Sight(symbol[None], alone)


def values(table: Float[Array, "rows A"], seen: Sight) -> Float[Array, " A"]:
    """What the table says of something seen."""
    return seen.strength @ table[seen.row]


def log_probs(config: Config, value: Float[Array, " A"], legal: Bool[Array, " A"]) -> Float[Array, " A"]:
    """How likely each action is with these values."""
    if config.rule == "policy-gradient":
        return categorical.log_probs(value, legal)
    usable = jnp.where(legal, value, -jnp.inf)
    best = legal & (usable == usable.max())
    chance = config.epsilon * legal / legal.sum() + (1 - config.epsilon) * best / best.sum()
    return jnp.where(legal & (chance > 0), jnp.log(jnp.maximum(chance, 1e-30)), jnp.finfo(value.dtype).min)


def change(config: Config, discount: Any, table: Float[Array, "rows A"], lesson: Lesson) -> Float[Array, " A"]:
    """What a step adds to the values of what was seen, before the step size."""
    here = values(table, lesson.here)
    taken = jax.nn.one_hot(lesson.action, len(here))
    if config.rule == "policy-gradient":
        return lesson.gain * (taken - jax.nn.softmax(here))
    target = lesson.gain
    if config.rule != "monte-carlo":
        there = values(table, lesson.there)
        after = there.max()
        if config.rule == "sarsa":
            expected = jnp.exp(log_probs(config, there, jnp.ones(len(there), bool))) @ there
            after = jnp.where(lesson.goes_on, there[lesson.next_action], expected)
        target = lesson.reward + discount * jnp.where(lesson.terminated, 0.0, after)
    return taken * (target - here)


def learn(config: Config, discount: Any, table: Float[Array, "rows A"], lessons: Lesson) -> Float[Array, "rows A"]:
    """The table after lessons `[N]`, one after another."""

    def one(table: Array, lesson: Lesson) -> tuple[Array, None]:
        step = jnp.where(lesson.counts, config.lr * change(config, discount, table, lesson), 0.0)
        return table.at[lesson.here.row].add(jnp.outer(lesson.here.strength, step)), None

    return jax.lax.scan(one, table, lessons)[0]


def lessons_of(config: Config, discount: Any, played: Trajectory) -> Lesson:
    """One player's steps `[T, B]` as lessons `[B T]`, game after game."""
    ended = played.terminated | played.truncated
    before = jnp.concatenate([jnp.zeros_like(ended[:1]), ended[:-1]])
    counts = played.fresh | ~before  # an ended game stays as it is

    def back(after: Array, step: tuple[Array, Array]) -> tuple[Array, Array]:
        reward, over = step
        gain = reward + discount * jnp.where(over, 0.0, after)
        return gain, gain

    gain = jax.lax.scan(back, jnp.zeros_like(played.reward[0]), (played.reward, ended), reverse=True)[1]
    look = jax.vmap(jax.vmap(functools.partial(sight, config)))
    last = jnp.zeros_like(ended[:1])
    goes_on = jnp.concatenate([~ended[:-1], last])
    next_action = jnp.concatenate([played.action[1:], played.action[-1:]])
    done = (played.action, next_action, goes_on, played.reward, played.terminated, gain, counts)
    each = Lesson(look(played.obs), look(played.next_obs), *done)
    return jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1).reshape(-1, *leaf.shape[2:]), each)


def make(game: Game, config: Config, seats: Sequence[int] | None = None) -> Learner:
    """A learner with a table for each of these seats (all, unless given). An iteration plays whole episodes.

    Raises:
        Misfit: the game does not show a vector longer than the bits, or does not take one of several actions.
    """
    seats = tuple(range(game.spec.num_players)) if seats is None else tuple(seats)
    seen, taken = game.spec.observation, game.spec.action
    if not (isinstance(seen, Real) and len(seen.shape) == 1 and isinstance(taken, Discrete)):
        raise Misfit(f"tables needs a vector to see and one of several actions; this game has {seen} and {taken}")
    if seen.shape[0] <= config.bits:
        raise Misfit(f"tables was told of {config.bits} bits, and all that is seen are {seen.shape[0]} numbers")

    def act(
        key: Any, params: Params, carry: Carry, obs: Any, legal: Any, fresh: Any, given: Any = None
    ) -> tuple[Carry, Array, categorical.Choice]:
        del fresh
        value = values(params, sight(config, obs))
        chances = log_probs(config, value, legal)
        worth = jnp.zeros(()) if config.rule == "policy-gradient" else jnp.exp(chances) @ value
        return carry, *categorical.choose(key, chances, worth, given)

    acting = Policy(lambda: (), act)

    def init(key: PRNGKeyArray) -> State:
        shape = (len(seats), rows(config, seen.shape[0]), taken.n)
        return State(config.init_std * jax.random.normal(key, shape))

    def step(key: PRNGKeyArray, state: State) -> tuple[State, Metrics]:
        policies, params = zip(*policy(state), strict=True)
        carry, played = episodes(key, game, policies, params, config.num_games)
        return update(key, state, played, carry)

    def update(key: PRNGKeyArray, state: State, played: Step, carry: Any) -> tuple[State, Metrics]:
        del key, carry
        each = jax.vmap(functools.partial(lessons_of, config, game.discount))(per_player(played, seats))
        table = jax.vmap(functools.partial(learn, config, game.discount))(state.table, each)
        return State(table), {"return": played.gained[-1].mean(0)}

    def policy(state: State) -> tuple[tuple[Policy, Params], ...]:
        return tuple((acting, player(i, state.table)) for i in range(len(seats)))

    def with_params(state: State, seat: int, params: Params) -> State:
        return State(state.table.at[seat].set(params))

    return Learner(init, step, policy, update, with_params)
