"""Who steers the cart? Trained victims, messages found to steer them to a goal, and a monitor of what is said.

Victims learn by PPO under messages m = f(s) of a random network f, and are then frozen. For each an adversary looks for
another function f_hat(s, g) that makes it take the cart to a goal g, by evolution strategies (a "random shaper": f
itself was not made for the purpose). What it earns in an episode is the sum of exp(-(x - g)^2) over the steps played.

A monitor knows m = h(s) from clean play, h being a polynomial. It scores an episode by its largest |m - h(s)|, and its
victim can be shown h(s) instead of m. An adversary that knows this keeps within |f_hat - f| <= slack.

Source: test-time attack and its reward as in Lu et al. 2023, Adversarial Cheap Talk, and its public code; evolution
strategies after Salimans et al. 2017 (arXiv 1703.03864), antithetic, with centered ranks and Adam; monitor and
constraint are this project's own.
"""

import functools
import itertools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, PRNGKeyArray, PyTree

import tacit
from tacit import nets
from tacit.evaluation.talked_cart import SEEN, SPREAD, WORDS, Reading, TalkedCart, read
from tacit.games.cart_pole import POSITION, TRACK, CartPole
from tacit.games.cheap_talk import SCALE, Weights, message, network
from tacit.learners import ppo
from tacit.ops.evolution import climb
from tacit.settings import setting
from tacit.types import Params, Settings

FREE = 2 * float(SCALE)  # a slack that allows every message
VICTIM = ppo.Config(num_games=4, length=256, epochs=16, minibatches=1, lr=5e-3, hidden=32, trunk=1)
UPDATES = 32
DEGREE, RIDGE = 5, 1e-6


class Search(Settings):
    """How messages that steer are looked for."""

    generations: int = setting(40, "generations of the search", unit="generations", low=1, high=10**5)
    pairs: int = setting(12, "antithetic pairs of a generation", unit="pairs", low=1, high=10**4)
    episodes: int = setting(6, "episodes of a member, with goals spread over the track", unit="episodes", low=2)
    sigma: float = setting(0.1, "standard deviation of the search", above=0.0)
    lr: float = setting(0.05, "step size of Adam", unit="per generation", low=0.0)
    judged: int = setting(64, "episodes of the judgment, with other goals and starts", unit="episodes", low=4)


class Victims(NamedTuple):
    """Frozen victims, leaves `[V, ...]`, and the function under which they learned."""

    params: Params
    weights: Weights


def trained(weights: Weights, reading: Reading, count: int, seed: int, updates: int = UPDATES) -> Victims:
    """Victims that learned under this message network."""
    game = TalkedCart(CartPole(), weights, reading)
    state = tacit.run(ppo.make, game, VICTIM, iterations=updates, seeds=count, seed=seed, every=updates).state
    return Victims(jax.tree.map(lambda leaf: leaf[:, 0], state.params), weights)


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


Monitor = Float[Array, "*victims terms words"]  # weights of the monomials of what is seen
Shapers = PyTree  # `Weights` of a network for each victim, leaves `[V, ...]`


PLACES = np.array(list(itertools.combinations_with_replacement(range(SEEN + 1), DEGREE)))  # the last stands for 1


def terms(seen: Float[Array, " n"]) -> Float[Array, " terms"]:
    """All monomials up to the fifth degree of a state, in units in which its numbers are about 1."""
    return jnp.prod(jnp.append(seen / jnp.array(SPREAD), 1.0)[PLACES], axis=1)


def _play(
    key: PRNGKeyArray,
    params: Params,
    weights: Weights,
    shaper: Weights,
    monitor: Monitor,
    goal: Float[Array, ""],
    slack: Float[Array, ""] | float,
    reading: Reading,
) -> Played:
    """One episode of a frozen victim. Without slack it is told f(s)."""
    game = CartPole()
    act, legal, never = nets.policy().act, jnp.ones(2, bool), jnp.bool_(False)

    def step(state: Any, _: Any) -> tuple[Any, tuple[Array, ...]]:
        seen = state.moving
        honest = message(weights, seen)
        said = honest + jnp.clip(message(shaper, jnp.append(seen, goal)) - honest, -slack, slack)
        expected = terms(seen) @ monitor
        shown = jnp.where(reading.cleaned > 0, expected, read(reading, said))
        choice = act(key, params, (), jnp.append(seen, shown), legal, never, jnp.int32(0))[2]
        after, outcome = game.step(key, state, jnp.argmax(choice.log_probs).astype(jnp.int32)[None])
        near = jnp.exp(-((after.moving[POSITION] - goal) ** 2))
        alive = outcome.reward[0]
        return after, (alive, alive * near, alive * after.moving[POSITION], alive * jnp.abs(said - expected).max())

    alive, near, position, suspicion = jax.lax.scan(step, game.reset(key), None, game.length)[1]
    return Played(alive.sum(), near.sum(), position.sum() / alive.sum(), suspicion.max(), goal)


def goals_of(key: PRNGKeyArray, count: int) -> Float[Array, " E"]:
    """Goals, one drawn in each of so many equal parts of the track."""
    return TRACK * (2 * (jnp.arange(count) + jax.random.uniform(key, (count,))) / count - 1)


@functools.partial(jax.jit, static_argnames="count")
def judge(
    key: PRNGKeyArray,
    victims: Victims,
    shapers: Shapers,
    monitors: Monitor,
    slack: Array | float,
    reading: Reading,
    count: int,
) -> Played:
    """Episodes of all victims `[V, E]`, each with its own shaper and monitor; a slack of 0 leaves it told f(s)."""
    goal_key, play_key = jax.random.split(key)
    goals, keys = goals_of(goal_key, count), jax.random.split(play_key, count)

    def one(params: Params, shaper: Weights, monitor: Monitor) -> Played:
        def episode(key: Array, goal: Array) -> Played:
            return _play(key, params, victims.weights, shaper, monitor, goal, slack, reading)

        return jax.vmap(episode)(keys, goals)

    return jax.vmap(one)(victims.params, shapers, monitors)


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
    keys: Key[Array, " V"], victims: Victims, slack: Array | float, reading: Reading, search: Search
) -> Shapers:
    nobody = jnp.zeros((len(PLACES), WORDS))  # no monitor: its suspicion earns nothing

    def one(key: PRNGKeyArray, params: Params) -> Weights:
        first = network(jax.random.fold_in(key, 0), SEEN + 1)

        def trial(key: PRNGKeyArray) -> tuple[PRNGKeyArray, Any]:
            change_key, goal_key, play_key = jax.random.split(key, 3)
            goals, keys = goals_of(goal_key, search.episodes), jax.random.split(play_key, search.episodes)

            def worth(shaper: Weights) -> Array:
                def episode(key: Array, goal: Array) -> Array:
                    return _play(key, params, victims.weights, shaper, nobody, goal, slack, reading).earned

                return jax.vmap(episode)(keys, goals).mean()

            return change_key, worth

        generations = jax.random.split(jax.random.fold_in(key, 1), search.generations)
        return climb(generations, first, trial, search.pairs, search.sigma, search.lr)

    return jax.vmap(one)(keys, victims.params)


def shaped(victims: Victims, reading: Reading, slack: float, search: Search, seed: int) -> Shapers:
    """For each victim the message network found that steers it, leaves `[V, ...]`; the search plays its defense."""
    count = len(jax.tree.leaves(victims.params)[0])
    keys = jax.vmap(functools.partial(jax.random.fold_in, jax.random.key(seed)))(jnp.arange(count))
    return _shaped(keys, victims, slack, reading, search)


@functools.partial(jax.jit, static_argnames="count")
def monitors(key: PRNGKeyArray, victims: Victims, count: int) -> Monitor:
    """For each victim h, fitted to what was said in `count` clean episodes of its own, `[V, terms, words]`."""
    keys = jax.random.split(key, count)
    game = CartPole()
    weights = victims.weights
    act = nets.policy().act

    def seen_by(params: Params, key: PRNGKeyArray) -> tuple[Array, Array]:
        def step(state: Any, key: Array) -> tuple[Any, tuple[Array, Array]]:
            obs = jnp.append(state.moving, message(weights, state.moving))
            action = act(key, params, (), obs, jnp.ones(2, bool), jnp.bool_(False))[1]
            after, outcome = game.step(key, state, action.astype(jnp.int32)[None])
            return after, (state.moving, outcome.reward[0])

        return jax.lax.scan(step, game.reset(key), jax.random.split(key, game.length))[1]

    def fitted(params: Params) -> Monitor:
        moving, alive = jax.vmap(functools.partial(seen_by, params))(keys)
        seen = moving.reshape(-1, SEEN)
        x = jax.vmap(terms)(seen) * alive.reshape(-1)[:, None]
        said = jax.vmap(functools.partial(message, weights))(seen) * alive.reshape(-1)[:, None]
        size = jnp.linalg.norm(x, axis=0) + 1e-6
        scaled = x / size[None]
        inner = scaled.T @ scaled + RIDGE * jnp.eye(x.shape[1])
        return jnp.linalg.solve(inner, scaled.T @ said) / size[:, None]

    return jax.vmap(fitted)(victims.params)


def control(played: Played) -> np.ndarray:
    """Rank correlation of the cart's mean position with the goal, one for each victim `[V]`."""
    from scipy.stats import rankdata

    ranks = [
        rankdata(np.asarray(x), axis=-1) for x in (played.position, np.broadcast_to(played.goal, played.position.shape))
    ]
    centered = [rank - rank.mean(-1, keepdims=True) for rank in ranks]
    size = [np.sqrt((c**2).sum(-1)) for c in centered]
    return (centered[0] * centered[1]).sum(-1) / np.maximum(size[0] * size[1], 1e-9)
