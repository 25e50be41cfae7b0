"""Far orders that move the traders, and with them the price: an adversary of FarBook that never trades.

Traders learn by PPO beside far orders that know no goal, and are then frozen. The adversary holds one lot, g = 1 or -1,
and looks by evolution strategies for far orders, a function of public numbers and g, that earn it

    J = g (p_T - p_0)

ticks. Both goals are played under the same chance, so J is half the difference that the goal makes to the price.
The price has noise of its own (about 9 ticks), beside which a few lots of a trader are little. The search therefore
climbs the sum of the impacts of all trades, which are exact expectations (`tacit.evaluation.book_impact`). It has the
mean of J, but for what the last trades would still have done after the end, and a small part of its noise.

Traders who share the book are copies of one: they see the same far orders, take their likeliest actions, and so act as
one.

What could be reached at best is measured by a `Puppeteer`, which sees everything, knows the trader's network, tries
many far orders in every step and shows those whose answer it likes best.

Source: this project's own design; evolution strategies after Salimans et al. 2017 (arXiv 1703.03864).
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray, PyTree

import tacit
from tacit import nets
from tacit.evaluation.book_impact import Impact
from tacit.evaluation.cross_play import greedy
from tacit.games.cheap_talk import SCALE, Weights, message, network
from tacit.games.farbook import CORE, MOST_LOTS, SHOWN, BookState, FarBook
from tacit.learners import ppo
from tacit.loops import episodes
from tacit.ops.evolution import climb
from tacit.settings import setting
from tacit.types import Params, Settings

PUBLIC, MEAN_FLOW, GOAL = 8, 5, 7  # numbers that an adversary sees, and two of their places
VICTIM = ppo.Config(num_games=16, length=200, epochs=8, minibatches=1, lr=3e-3, hidden=32)
OFFERS = 64  # far orders that a puppeteer tries in a step


class Search(Settings):
    """How far orders that move the price are looked for."""

    generations: int = setting(100, "generations of the search", unit="generations", low=1, high=10**5)
    pairs: int = setting(8, "antithetic pairs of a generation", unit="pairs", low=1, high=10**4)
    episodes: int = setting(4, "episodes of a member, each with both goals", unit="episodes", low=1)
    sigma: float = setting(0.1, "standard deviation of the search", above=0.0)
    lr: float = setting(0.05, "step size of Adam", unit="per generation", low=0.0)
    judged: int = setting(256, "episodes of the judgment, each with both goals", unit="episodes", low=2)


class Talker(NamedTuple):
    """Far orders as a network of public numbers, in the form in which FarBook asks for them."""

    weights: Weights

    def __call__(self, public: Float[Array, " n"]) -> Float[Array, " far"]:
        """Real numbers, one for each far level."""
        return message(self.weights, public)


def talker(key: PRNGKeyArray, game: FarBook, knows: bool = True) -> Talker:
    """A random one; unless it `knows` it, the goal makes no difference to it. The key is consumed."""
    (weight, bias), *rest = network(key, PUBLIC, 2 * game.far_levels)
    return Talker(((weight if knows else weight.at[GOAL].set(0.0), bias), *rest))


def nobody(game: FarBook) -> Talker:
    """Who places no orders, in the form of `talker`."""
    return _drawn(talker(jax.random.key(0), game), jnp.zeros(PUBLIC), -SCALE * jnp.ones(2 * game.far_levels))


def helper(game: FarBook) -> Talker:
    """Who fills the far bids where more was bought than sold of late, and the far asks where less was.

    A trader wants to know that (see `flow-trader`), and can read it from its other columns. In the form of `talker`.
    """
    return _drawn(
        talker(jax.random.key(0), game), jnp.zeros(PUBLIC).at[MEAN_FLOW].set(1.0), jnp.zeros(2 * game.far_levels)
    )


def _drawn(like: Talker, column: Float[Array, " n"], always: Float[Array, " far"]) -> Talker:
    """Far orders by hand: bids grow and asks shrink with the weighed public numbers, and `always` is added."""
    (first, _), (second, _), (last, _) = (tuple(jnp.zeros_like(leaf) for leaf in layer) for layer in like.weights)
    side = jnp.repeat(jnp.array([1.0, -1.0]), len(always) // 2)
    first = first.at[:, 0].set(column).at[:, 1].set(-column)
    second = second.at[0, 0].set(1.0).at[1, 1].set(1.0)
    last = last.at[0].set(SHARP * side).at[1].set(-SHARP * side)
    return Talker(((first, jnp.zeros(first.shape[1])), (second, jnp.zeros(second.shape[1])), (last, always)))


SHARP = 2.0  # a mean flow of a tenth of a lot moves far orders by half of all that is possible


def trained(game: FarBook, count: int, seed: int, updates: int) -> Params:
    """Traders that learned in this book, leaves `[V, ...]`."""
    state = tacit.run(ppo.make, game, VICTIM, iterations=updates, seeds=count, seed=seed, every=updates).state
    return jax.tree.map(lambda leaf: leaf[:, 0], state.params)


class Moved(NamedTuple):
    """What far orders did, for each episode `[..., E]`.

    Attributes:
        earned: J, the mean of both goals, in ticks. expected: the sum of the impacts of the traders' trades, times the
            goal; it has the same mean, and less noise.
        held: mean position of a trader times the goal, in lots. returns: what a trader gained, in ticks.
        fills: lots of the adversary that were executed.
    """

    earned: Array
    expected: Array
    held: Array
    returns: Array
    fills: Array


class Crowd(NamedTuple):
    """Traders who act as one: how many, and what their trades do to the price (see `book_impact.Impact`)."""

    size: Array
    pressures: Array
    lasting: Array
    worth: Array


def crowd(size: int, known: Impact) -> Crowd:
    """So many, of whom that is known."""
    tables = (known.pressures, known.lasting, known.worth)
    return Crowd(jnp.int32(size), *(jnp.asarray(table, jnp.float32) for table in tables))


def deaf(game: FarBook, victims: Params) -> Params:
    """The same traders, `[V, ...]`, who always see the far book of others alone."""
    always = game.background / SHOWN

    def silenced(layer: Any) -> Any:
        far = layer.weight[..., CORE:]
        weight, bias = layer.weight.at[..., CORE:].set(0.0), layer.bias + always * far.sum(-1)
        return eqx.tree_at(lambda old: (old.weight, old.bias), layer, (weight, bias))

    return eqx.tree_at(lambda net: net.actor[0], victims, silenced(victims.actor[0]))


class Aimed(FarBook):
    """The book of an adversary whose goal is given, and of one trader who stands for a crowd that acts as one.

    Attributes:
        size: of the crowd; all of them trade what the one does.
    """

    goal: Any = dataclasses.field(default=0.0, metadata={"traced": True})
    size: Any = dataclasses.field(default=1, metadata={"traced": True})

    @classmethod
    def of(cls, game: FarBook, **more: Any) -> "Aimed":
        """The same book, with what is new."""
        return cls(**{f.name: getattr(game, f.name) for f in dataclasses.fields(FarBook)} | more)

    def sample_level(self, key: PRNGKeyArray) -> Array:
        """The goal. The key is not needed."""
        del key
        return jnp.asarray(self.goal, float)

    def taken(self, traded: Int[Array, " P"]) -> Int[Array, "2"]:
        return self.size * super().taken(traded)


class Puppeteer(Aimed):
    """The book of an adversary that sees everything, knows the traders' network and tries out what it would answer.

    Attributes:
        params: of the traders' network.
        offers: `[N, 2 far_levels]` lots, the far orders that it tries.
        wishes: `[A, N, x, q_b, q_a]` how it likes each action where the goal is 1, in the form of `Impact.worth`.
        pressures: as in `Impact`.
    """

    params: Any = dataclasses.field(default=(), metadata={"traced": True})
    offers: Any = dataclasses.field(default=(), metadata={"traced": True})
    wishes: Any = dataclasses.field(default=(), metadata={"traced": True})
    pressures: Any = dataclasses.field(default=(), metadata={"traced": True})

    def placed(self, state: BookState) -> Float[Array, " far"]:
        own, shared = state.held[:1].astype(float) / self.limit, self._shared(state)
        seen = jnp.concatenate([shared[:6], own, shared[6:]])
        far = (self.honest(state)[None] + self.offers) / SHOWN
        answers = jax.vmap(lambda far: self.params(jnp.append(seen, far), ())[1].argmax())(far)
        up = state.goal > 0  # what a buy is to this goal, a sale is to the other, on the other side of the book
        pressure = jnp.abs(state.goal * state.pressure - self.pressures).argmin()
        bid, ask = jnp.where(up, state.queue, state.queue[::-1])
        held = jnp.where(up, state.held[0], -state.held[0]) + self.limit
        liked = self.wishes[:, pressure, held, bid, ask]
        return self.offers[jnp.where(up, liked, liked[::-1])[answers].argmax()]


def offers(game: FarBook, seed: int) -> Array:
    """Far orders to be tried: one side full, the other, none, both, and random ones of nothing or all at each level."""
    far = game.far_levels
    sides = [[1] * far + [0] * far, [0] * far + [1] * far, [0] * 2 * far, [1] * 2 * far]
    drawn = np.random.default_rng(seed).integers(0, 2, (OFFERS - len(sides), 2 * far))
    return jnp.asarray(MOST_LOTS * np.concatenate([sides, drawn]), jnp.float32)


def wishes(crowd: Crowd) -> dict[str, Array]:
    """Of puppeteers, by name: one who reckons with obedience ever after, one who reckons with it half, and a third.

    The third wants no move of the price, but traders to hold what it holds: it likes them to buy, or else to hold.
    """
    now = jnp.broadcast_to(crowd.lasting[:, :, None], crowd.worth.shape)
    now = now.at[2, :, -1].set(0.0).at[0, :, 0].set(0.0)  # what a limit forbids
    positions = jnp.broadcast_to(jnp.arange(3.0)[:, None, None, None, None], crowd.worth.shape)
    return {"patient": crowd.worth, "hasty": (crowd.worth + now) / 2, "for positions": positions}


def _moved(key: PRNGKeyArray, book: Callable[[Array], Aimed], params: Params, crowd: Crowd, count: int) -> Moved:
    """Episodes of frozen traders, who do the likeliest, in the books of both goals."""

    def aimed(goal: Array) -> Moved:
        played = episodes(key, book(goal), (greedy(nets.policy()),), (params,), count)[1]
        held, before = played.next_state.held[..., 0], played.state.held[..., 0]
        action, queue = jnp.sign(held - before) + 1, played.state.queue
        pressure = jnp.abs(played.state.pressure[..., None] - crowd.pressures[None, None]).argmin(-1)
        impacts = crowd.lasting[action, pressure, queue[..., 0], queue[..., 1]]
        last = jax.tree.map(lambda leaf: leaf[-1], played.next_state)
        earned, expected = goal * last.price.astype(float), goal * impacts.sum(0)
        return Moved(earned, expected, goal * held.astype(float).mean(0), played.gained[-1, :, 0], last.fills)

    return Moved(*(each.mean(0) for each in jax.vmap(aimed)(jnp.array([1.0, -1.0]))))


def _told(key: PRNGKeyArray, game: FarBook, params: Params, orders: Talker, crowd: Crowd, count: int) -> Moved:
    asked = dataclasses.replace(game, talker=orders)
    return _moved(key, lambda goal: Aimed.of(asked, goal=goal, size=crowd.size), params, crowd, count)


@functools.partial(jax.jit, static_argnames="count")
def judge(key: PRNGKeyArray, game: FarBook, victims: Params, orders: PyTree, crowd: Crowd, count: int) -> Moved:
    """Episodes of all victims `[V, E]`, a crowd of each, with far orders of its own, leaves `[V, ...]`."""
    return jax.vmap(lambda params, own: _told(key, game, params, own, crowd, count))(victims, orders)


@functools.partial(jax.jit, static_argnames="count")
def puppets(
    key: PRNGKeyArray, game: FarBook, victims: Params, tried: Array, wishes: Array, crowd: Crowd, count: int
) -> Moved:
    """Episodes of all victims `[V, E]`, each with a puppeteer of its own; see there for what is tried and liked."""

    def one(params: Params) -> Moved:
        more = {"params": params, "offers": tried, "wishes": wishes, "pressures": crowd.pressures, "size": crowd.size}
        return _moved(key, lambda goal: Puppeteer.of(game, goal=goal, **more), params, crowd, count)

    return jax.vmap(one)(victims)


@jax.jit
def shaped(
    keys: Key[Array, " V"], game: FarBook, victims: Params, first: PyTree, crowd: Crowd, search: Search
) -> PyTree:
    """For each victim the far orders found that move it, leaves `[V, ...]`; it begins from `first`, likewise."""

    def one(key: PRNGKeyArray, params: Params, first: Talker) -> Talker:
        numbers, talker_of = ravel_pytree(first)  # one draw for all: compiling one a layer takes far longer

        def trial(key: PRNGKeyArray) -> tuple[PRNGKeyArray, Any]:
            change_key, play_key = jax.random.split(key)

            def worth(numbers: Array) -> Array:
                return _told(play_key, game, params, talker_of(numbers), crowd, search.episodes).expected.mean()

            return change_key, worth

        generations = jax.random.split(key, search.generations)
        return talker_of(climb(generations, numbers, trial, search.pairs, search.sigma, search.lr))

    return jax.vmap(one)(keys, victims, first)
