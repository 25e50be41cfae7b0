"""Far orders that move the traders, and with them the price: an adversary of FarBook that never trades.

Victims learn by PPO under the far orders of a random network, and are then frozen. The adversary holds one lot, g = 1
or -1, and looks by evolution strategies for far orders, a function of public numbers and g, that earn it

    J = g (p_T - p_0)

ticks. Both goals are played under the same chance, so J is half the difference that the goal makes to the price.
Traders who share the book see the same far orders, and push together.

Source: this project's own design; evolution strategies after Salimans et al. 2017 (arXiv 1703.03864).
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PRNGKeyArray, PyTree

import tacit
from tacit import nets
from tacit.evaluation.cross_play import greedy
from tacit.games.cheap_talk import Weights, message, network
from tacit.games.farbook import FarBook
from tacit.learners import ppo
from tacit.loops import episodes
from tacit.ops.evolution import climb
from tacit.settings import setting
from tacit.types import Params, Settings

PUBLIC = 8  # numbers that an adversary sees, its goal among them
VICTIM = ppo.Config(num_games=16, length=200, epochs=8, minibatches=1, lr=3e-3, hidden=32)


class Search(Settings):
    """How far orders that move the price are looked for."""

    generations: int = setting(150, "generations of the search", unit="generations", low=1, high=10**5)
    pairs: int = setting(8, "antithetic pairs of a generation", unit="pairs", low=1, high=10**4)
    episodes: int = setting(16, "episodes of a member, each with both goals", unit="episodes", low=1)
    sigma: float = setting(0.1, "standard deviation of the search", above=0.0)
    lr: float = setting(0.05, "step size of Adam", unit="per generation", low=0.0)
    judged: int = setting(512, "episodes of the judgment, each with both goals", unit="episodes", low=2)


class Talker(NamedTuple):
    """Far orders as a network of public numbers, in the form in which FarBook asks for them."""

    weights: Weights

    def __call__(self, public: Float[Array, " n"]) -> Float[Array, " far"]:
        """Real numbers, one for each far level."""
        return message(self.weights, public)


def talker(key: PRNGKeyArray, game: FarBook) -> Talker:
    """A random one. The key is consumed."""
    return Talker(network(key, PUBLIC, 2 * game.far_levels))


def trained(game: FarBook, count: int, seed: int, updates: int) -> Params:
    """Traders that learned in this book, leaves `[V, ...]`."""
    state = tacit.run(ppo.make, game, VICTIM, iterations=updates, seeds=count, seed=seed, every=updates).state
    return jax.tree.map(lambda leaf: leaf[:, 0], state.params)


class Moved(NamedTuple):
    """What far orders did, for each episode `[..., E]`.

    Attributes:
        earned: J, the mean of both goals, in ticks. held: mean position of the traders times the goal, in lots.
        returns: what a trader gained, in ticks. fills: lots of the adversary that were executed.
    """

    earned: Array
    held: Array
    returns: Array
    fills: Array


def _play(key: PRNGKeyArray, game: FarBook, params: Params, orders: Talker, count: int) -> Moved:
    """Episodes of frozen traders, all alike, who take their likeliest actions."""
    players = game.num_players
    asked = dataclasses.replace(game, talker=orders, goals=False)
    policies = (greedy(nets.policy()),) * players

    def toward(goal: Array) -> tuple[Array, Array, Array, Array]:
        book = _Aimed(**{f.name: getattr(asked, f.name) for f in dataclasses.fields(asked)}, goal=goal)
        played = episodes(key, book, policies, (params,) * players, count)[1]
        last = jax.tree.map(lambda leaf: leaf[-1], played.next_state)
        held = played.next_state.held.astype(float).mean((0, 2))
        return goal * last.price.astype(float), goal * held, played.gained[-1].mean(-1), last.fills

    return Moved(*(each.mean(0) for each in jax.vmap(toward)(jnp.array([1.0, -1.0]))))


class _Aimed(FarBook):
    """The book of an adversary whose goal is given."""

    goal: Any = dataclasses.field(default=0.0, metadata={"traced": True})

    def sample_level(self, key: PRNGKeyArray) -> Array:
        """The goal. The key is not needed."""
        del key
        return jnp.asarray(self.goal, float)


@functools.partial(jax.jit, static_argnames="count")
def judge(key: PRNGKeyArray, game: FarBook, victims: Params, orders: PyTree, count: int) -> Moved:
    """Episodes of all victims `[V, E]`, each with far orders of its own, leaves `[V, ...]`."""
    return jax.vmap(lambda params, own: _play(key, game, params, own, count))(victims, orders)


@jax.jit
def shaped(keys: Key[Array, " V"], game: FarBook, victims: Params, search: Search) -> PyTree:
    """For each victim the far orders found that move it, leaves `[V, ...]`."""

    def one(key: PRNGKeyArray, params: Params) -> Talker:
        def trial(key: PRNGKeyArray) -> tuple[PRNGKeyArray, Any]:
            change_key, play_key = jax.random.split(key)

            def worth(orders: Talker) -> Array:
                return _play(play_key, game, params, orders, search.episodes).earned.mean()

            return change_key, worth

        first = talker(jax.random.fold_in(key, 0), game)
        generations = jax.random.split(jax.random.fold_in(key, 1), search.generations)
        return climb(generations, first, trial, search.pairs, search.sigma, search.lr)

    return jax.vmap(one)(keys, victims)
