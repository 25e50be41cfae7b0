"""Who steers the cart? Trained victims, messages found to steer them to a goal, and a monitor of what is said.

Victims learned under messages m = f(s) and are then frozen. For each an adversary looks for another function
f_hat(s, g) that makes it take the cart to a goal g, by evolution strategies against that very victim and its defense (a
"random shaper" where f was not made for the purpose). What it earns in an episode is the sum of exp(-(x - g)^2) over
the steps played.

A monitor knows m = h(s) from clean play, h being a polynomial. It scores an episode by its largest |m - h(s)|, and its
victim can be shown h(s) instead of m. An adversary that knows this keeps within |f_hat - f| <= slack. All columns of
clean play, in units of their spread, also have main directions (as many as the state has columns, since messages are
functions of it); a victim can be shown what is left of its columns in these.

Source: test-time attack and its reward as in Lu et al. 2023, Adversarial Cheap Talk, and its public code; evolution
strategies after Salimans et al. 2017 (arXiv 1703.03864), antithetic, with centered ranks and Adam; main directions
after Bharti et al. 2022, Provable Defense against Backdoor Policies in Reinforcement Learning; monitor and constraint
are this project's own.
"""

import functools
import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, PRNGKeyArray, PyTree

from tacit import nets
from tacit.evaluation.talked_cart import SEEN, SPREAD, WORDS, Channel, Reading, read, together, told
from tacit.games.cart_pole import POSITION, TRACK, CartPole
from tacit.games.cheap_talk import SCALE, Weights, message, network
from tacit.learners import victim
from tacit.ops.evolution import climb
from tacit.settings import setting
from tacit.types import Params, Settings

FREE = 2 * float(SCALE)  # a slack that allows every message
DEGREE, RIDGE = 5, 1e-6


class Search(Settings):
    """How messages that steer are looked for."""

    generations: int = setting(60, "generations of the search", unit="generations", low=1, high=10**5)
    pairs: int = setting(12, "antithetic pairs of a generation", unit="pairs", low=1, high=10**4)
    episodes: int = setting(6, "episodes of a member, with goals spread over the track", unit="episodes", low=2)
    sigma: float = setting(0.1, "standard deviation of the search", above=0.0)
    lr: float = setting(0.05, "step size of Adam", unit="per generation", low=0.0)
    judged: int = setting(64, "episodes of the judgment, with other goals and starts", unit="episodes", low=4)


class Victims(NamedTuple):
    """Frozen victims that decide by the majority of their members.

    Attributes:
        params: what the members' policies read, leaves `[V, M, ...]`.
        channels: beside which they learned, without noise, leaves `[V, ...]`.
    """

    params: Params
    channels: Channel


class Played(NamedTuple):
    """Episodes, leaves `[..., E]`.

    Attributes:
        steps: how many were played. earned: the adversary's reward. position: the cart's mean position while it played.
        suspicion: the largest |m - h(s)|. goal: that was wanted.
    """

    steps: Array
    earned: Array
    position: Array
    suspicion: Array
    goal: Array


class Logs(NamedTuple):
    """What is known of the clean play of each victim, leaves `[V, ...]`.

    Attributes:
        expected: weights of the monomials of the state, whose sum is h(s); None: there is no monitor.
        center: means of all columns. across: the projection of what is apart from them to their main directions.
    """

    expected: Float[Array, "*victims terms words"] | None
    center: Float[Array, "*victims columns"]
    across: Float[Array, "*victims columns columns"]


Shapers = PyTree  # `Weights` of a network for each victim, leaves `[V, ...]`
ACT = victim.reading(nets.policy()).act


PLACES = np.array(list(itertools.combinations_with_replacement(range(SEEN + 1), DEGREE)))  # the last stands for 1


def terms(seen: Float[Array, " n"]) -> Float[Array, " terms"]:
    """All monomials up to the fifth degree of a state, in units in which its numbers are about 1."""
    return jnp.prod(jnp.append(seen / jnp.array(SPREAD), 1.0)[PLACES], axis=1)


def _shown(
    said: Float[Array, " words"], seen: Float[Array, " n"], logs: Logs, expected: Any, reading: Reading
) -> Float[Array, " columns"]:
    """All that a member sees."""
    shown = read(reading, said) if expected is None else jnp.where(reading.cleaned > 0, expected, read(reading, said))
    columns = jnp.append(seen, shown)
    return jnp.where(reading.projected > 0, logs.center + (columns - logs.center) @ logs.across, columns)


def _play(
    key: PRNGKeyArray,
    victims: Victims,
    shaper: Weights,
    logs: Logs,
    goal: Float[Array, ""],
    slack: Float[Array, ""] | float,
    readings: Reading,
) -> Played:
    """One episode of one frozen victim (leaves without their first axis). Without slack it is told f(s).

    Args:
        readings: of its members, leaves `[M]`.
    """
    game = CartPole()
    legal, never = jnp.ones(2, bool), jnp.bool_(False)

    def step(state: Any, _: Any) -> tuple[Any, tuple[Array, ...]]:
        seen = state.moving
        shown, honest = told(victims.channels, seen, seen)
        said = honest + jnp.clip(message(shaper, jnp.append(seen, goal)) - honest, -slack, slack)
        expected = None if logs.expected is None else terms(shown) @ logs.expected

        def vote(params: Params, reading: Reading) -> Array:
            choice = ACT(key, params, (), _shown(said, shown, logs, expected, reading), legal, never, jnp.int32(0))[2]
            return choice.log_probs[1] > choice.log_probs[0]

        right = jax.vmap(vote)(victims.params, readings).mean() > 0.5
        after, outcome = game.step(key, state, right.astype(jnp.int32)[None])
        near = jnp.exp(-((after.moving[POSITION] - goal) ** 2))
        alive = outcome.reward[0]
        wrong = jnp.zeros(()) if expected is None else alive * jnp.abs(said - expected).max()
        return after, (alive, alive * near, alive * after.moving[POSITION], wrong)

    alive, near, position, suspicion = jax.lax.scan(step, game.reset(key), None, game.length)[1]
    return Played(alive.sum(), near.sum(), position.sum() / alive.sum(), suspicion.max(), goal)


def goals_of(key: PRNGKeyArray, count: int) -> Float[Array, " E"]:
    """Goals, one drawn in each of so many equal parts of the track."""
    return TRACK * (2 * (jnp.arange(count) + jax.random.uniform(key, (count,))) / count - 1)


@functools.partial(jax.jit, static_argnames="count")
def _judge(
    key: PRNGKeyArray,
    victims: Victims,
    shapers: Shapers,
    logs: Logs,
    slack: Array | float,
    readings: Reading,
    count: int,
) -> Played:
    goal_key, play_key = jax.random.split(key)
    goals, keys = goals_of(goal_key, count), jax.random.split(play_key, count)

    def one(victims: Victims, shaper: Weights, logs: Logs) -> Played:
        return jax.vmap(lambda key, goal: _play(key, victims, shaper, logs, goal, slack, readings))(keys, goals)

    return jax.vmap(one)(victims, shapers, logs)


def judge(
    key: PRNGKeyArray,
    victims: Victims,
    shapers: Shapers,
    logs: Logs,
    slack: float,
    readings: Sequence[Reading],
    count: int,
) -> Played:
    """Episodes of all victims `[V, E]`, each with its own shaper and logs; a slack of 0 leaves it told f(s)."""
    return _judge(key, victims, shapers, logs, slack, together(readings), count)


@jax.jit
def oracle(key: PRNGKeyArray, goals: Float[Array, " E"]) -> Float[Array, " E"]:
    """What a controller earns that balances the pole and takes the cart to the goal."""
    game = CartPole()

    def episode(key: PRNGKeyArray, goal: Array) -> Array:
        def step(state: Any, _: Any) -> tuple[Any, Array]:
            x, v, angle, turning = state.moving
            away = jnp.clip(x - goal, -1.0, 1.0)
            right = angle + 0.3 * turning + 0.2 * (away + v) > 0
            after, outcome = game.step(key, state, right.astype(jnp.int32)[None])
            return after, outcome.reward[0] * jnp.exp(-((after.moving[POSITION] - goal) ** 2))

        return jax.lax.scan(step, game.reset(key), None, game.length)[1].sum()

    return jax.vmap(episode)(jax.random.split(key, len(goals)), goals)


@jax.jit
def _shaped(
    keys: Key[Array, " V"], victims: Victims, logs: Logs, slack: Array | float, readings: Reading, search: Search
) -> Shapers:
    def one(key: PRNGKeyArray, victims: Victims, logs: Logs) -> Weights:
        first = network(jax.random.fold_in(key, 0), SEEN + 1)

        def trial(key: PRNGKeyArray) -> tuple[PRNGKeyArray, Any]:
            change_key, goal_key, play_key = jax.random.split(key, 3)
            goals, keys = goals_of(goal_key, search.episodes), jax.random.split(play_key, search.episodes)

            def worth(shaper: Weights) -> Array:
                def episode(key: Array, goal: Array) -> Array:
                    return _play(key, victims, shaper, logs, goal, slack, readings).earned

                return jax.vmap(episode)(keys, goals).mean()

            return change_key, worth

        generations = jax.random.split(jax.random.fold_in(key, 1), search.generations)
        return climb(generations, first, trial, search.pairs, search.sigma, search.lr)

    return jax.vmap(one)(keys, victims, logs)


def shaped(
    victims: Victims, logs: Logs, readings: Sequence[Reading], slack: float, search: Search, seed: int
) -> Shapers:
    """For each victim the message network found that steers it, leaves `[V, ...]`; the search plays its defense."""
    count = len(jax.tree.leaves(victims.params)[0])
    keys = jax.vmap(functools.partial(jax.random.fold_in, jax.random.key(seed)))(jnp.arange(count))
    silent = logs._replace(expected=None)  # no monitor: suspicion earns nothing
    return _shaped(keys, victims, silent, slack, together(readings), search)


@functools.partial(jax.jit, static_argnames="count")
def logs_of(key: PRNGKeyArray, victims: Victims, count: int) -> Logs:
    """What `count` clean episodes of each victim tell, of its first member, without a defense."""
    keys = jax.random.split(key, count)
    game = CartPole()

    def seen_by(victims: Victims, key: PRNGKeyArray) -> tuple[Array, Array]:
        params = jax.tree.map(lambda leaf: leaf[0], victims.params)

        def step(state: Any, key: Array) -> tuple[Any, tuple[Array, Array]]:
            obs = jnp.concatenate(told(victims.channels, state.moving, state.moving))
            action = ACT(key, params, (), obs, jnp.ones(2, bool), jnp.bool_(False))[1]
            after, outcome = game.step(key, state, action.astype(jnp.int32)[None])
            return after, (obs, outcome.reward[0])

        return jax.lax.scan(step, game.reset(key), jax.random.split(key, game.length))[1]

    def known(victims: Victims) -> Logs:
        rows, alive = jax.vmap(functools.partial(seen_by, victims))(keys)
        rows, alive = rows.reshape(-1, SEEN + WORDS), alive.reshape(-1)
        return Logs(_fitted(rows[:, :SEEN], rows[:, SEEN:], alive), *_directions(rows, alive))

    return jax.vmap(known)(victims)


def _fitted(seen: Float[Array, "N n"], said: Float[Array, "N words"], alive: Float[Array, " N"]) -> Array:
    """Weights of the monomials of what is seen, for what is said; rows count where a game was alive."""
    x = jax.vmap(terms)(seen) * alive[:, None]
    size = jnp.linalg.norm(x, axis=0) + 1e-6
    scaled = x / size[None]
    inner = scaled.T @ scaled + RIDGE * jnp.eye(x.shape[1])
    return jnp.linalg.solve(inner, scaled.T @ (said * alive[:, None])) / size[:, None]


def _directions(rows: Float[Array, "N columns"], alive: Float[Array, " N"]) -> tuple[Array, Array]:
    """The mean of all columns, and the projection to their main directions in units of their spread."""
    share = (alive / alive.sum())[:, None]
    center = (share * rows).sum(0)
    apart = rows - center[None]
    spread = jnp.sqrt((share * apart**2).sum(0)) + 1e-6
    standard = apart / spread[None]
    main = jnp.linalg.eigh((share * standard).T @ standard)[1][:, -SEEN:]  # in rising order
    return center, main @ main.T * spread[None] / spread[:, None]


def control(played: Played) -> np.ndarray:
    """Rank correlation of the cart's mean position with the goal, one for each victim `[V]`."""
    from scipy.stats import rankdata

    ranks = [
        rankdata(np.asarray(x), axis=-1) for x in (played.position, np.broadcast_to(played.goal, played.position.shape))
    ]
    centered = [rank - rank.mean(-1, keepdims=True) for rank in ranks]
    size = [np.sqrt((c**2).sum(-1)) for c in centered]
    return (centered[0] * centered[1]).sum(-1) / np.maximum(size[0] * size[1], 1e-9)
