"""Evolution of memory-one players: which way of reasoning emerges when whatever earns more is copied, and errs.

A population of N players, five probabilities of C each, lives for generations. In each, everyone plays everyone else;
an action comes out as the other one with a small chance (`noise`). What an encounter pays is known in closed form
(`tacit.games.matrix_exact`). Then the next generation is made, by one of two rules, w being the strength of selection
and f_i a player's mean payoff against all others:

    exponential    everyone is a copy of a parent drawn with probability proportional to exp(w f)
    fermi          everyone compares with another player j drawn at random, and becomes a copy of it with probability
                   1 / (1 + exp(-w (f_j - f_i)))

Last, with a chance of `mutation`, one player mutates: into a fresh random one, or by a small step in logits. At most
one newcomer a generation means that only its own encounters have to be computed anew.

Source: the question and the mutation at intervals are those of Nowak and Sigmund 1992 (Tit for tat in heterogeneous
populations) and 1993 (A strategy of win-stay, lose-shift), who have infinite populations without the closed form of a
discounted game; the rules of copying are those of finite populations, Traulsen et al. 2006 and 2008. Random newcomers
are drawn as theirs are: probabilities from the U-shaped density 1 / (pi sqrt(p (1 - p))).
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray

from tacit.errors import Misfit
from tacit.evaluation.evolution_settings import KINDS, Config
from tacit.evaluation.payoffs import is_symmetric
from tacit.games.base import Game
from tacit.games.matrix import SWAPPED, MatrixGame
from tacit.games.matrix_exact import closed_form, values_seen
from tacit.learners import PLAYERS
from tacit.registry import load

CLASSIC = tuple(load("player", PLAYERS, name) for name in KINDS)
OTHER = "other"
NEAR = 0.25  # root mean square difference of the probabilities after CC, CD, DC, DD up to which a player is of a kind
EDGE = 1e-3  # steps in logits start at least this far from 0 and 1, which they could never leave
TRACED = ("noise", "strength", "mutation", "step")

jax.tree_util.register_dataclass(
    Config, TRACED, [field.name for field in dataclasses.fields(Config) if field.name not in TRACED]
)


class Population(NamedTuple):
    """N players and what each earns against each: probabilities of C `[N, 5]` and payoffs `[N, N]`."""

    players: Float[Array, "N 5"]
    payoffs: Float[Array, "N N"]


class Evolution(NamedTuple):
    """What was seen at K moments of S populations.

    Attributes:
        generation: `[K]`.
        payoff: `[K, S]`, mean payoff per round.
        cooperation: `[K, S]`, share of rounds in which a player intended or happened to play C.
        kinds: `[K, S, 7]`, shares of players of each of `KINDS`, and of others.
        players: `[S, N, 5]`, who lived in the end.
    """

    generation: np.ndarray
    payoff: np.ndarray
    cooperation: np.ndarray
    kinds: np.ndarray
    players: np.ndarray


def evolve(game: Game, config: Config, seeds: int, seed: int = 0) -> Evolution:
    """Lets `seeds` populations live side by side.

    Raises:
        Misfit: the game is no iterated matrix game with equal seats.
    """
    fitting = iterated(game)
    every = max(1, config.generations // config.rows)
    rows = config.generations // every
    keys = jax.random.split(jax.random.key(seed), seeds)
    seen, players = _evolve(fitting, config, keys, rows, every)
    payoff, cooperation, kinds = (np.asarray(part).swapaxes(0, 1) for part in seen)
    return Evolution(np.arange(rows + 1) * every, payoff, cooperation, kinds, np.asarray(players))


def iterated(game: Game) -> MatrixGame:
    """`game`, if memory-one players can evolve in it.

    Raises:
        Misfit: they cannot; the line says which games fit.
    """
    found = closed_form(game, "evolution")
    if found.length == 1 or not is_symmetric(found):
        raise Misfit("evolution needs an iterated game in which both seats earn alike (ipd, iterated-chicken, ...)")
    return found


def encounter(
    game: MatrixGame, mine: Float[Array, "5"], theirs: Float[Array, "5"], noise: Float[Array, ""] | float
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """What I earn per round and how often I cooperate, from both players' probabilities of C and the noise.

    >>> from tacit.games.matrix import ipd
    >>> import jax.numpy as jnp
    >>> [round(float(x), 3) for x in encounter(ipd(), jnp.ones(5), jnp.zeros(5), 0.0)]
    [-3.0, 1.0]
    """
    own_action = jnp.array([1.0, 1.0, 0.0, 0.0], mine.dtype)
    payoff, cooperation = _meeting(game, jnp.stack([game.rewards[0], own_action]), noise, mine, theirs)
    return payoff, cooperation


def _meeting(
    game: MatrixGame,
    counted: Float[Array, "2 4"],
    noise: Float[Array, ""] | float,
    mine: Float[Array, "5"],
    theirs: Float[Array, "5"],
) -> Float[Array, "2"]:
    """Two things that are counted at CC, CD, DC, DD (mine first), per round of an encounter."""
    seen = jnp.stack([mine, theirs[jnp.array(SWAPPED)]])
    logits = jax.scipy.special.logit((1 - noise) * seen + noise * (1 - seen))
    discount = jnp.asarray(game.discount, seen.dtype)
    return (1 - discount) * values_seen(counted, discount, False, logits)


def kinds(players: Float[Array, "N 5"]) -> Float[Array, " kinds"]:
    """Shares of players of each of `KINDS`, and of others: the nearest kind, if it is within `NEAR`."""
    classic = jnp.array([player.params[:4] for player in CLASSIC], players.dtype)
    apart = jnp.sqrt(jnp.mean((players[:, None, :4] - classic[None]) ** 2, axis=2))
    nearest = jnp.where(apart.min(axis=1) <= NEAR, apart.argmin(axis=1), len(KINDS))
    return jax.nn.one_hot(nearest, len(KINDS) + 1, dtype=players.dtype).mean(axis=0)


@functools.partial(jax.jit, static_argnames=("rows", "every"))
def _evolve(game: MatrixGame, config: Config, keys: Key[Array, " S"], rows: int, every: int) -> tuple[Any, Array]:
    def one(key: PRNGKeyArray) -> tuple[Any, Array]:
        first_key, life_key = jax.random.split(key)
        players = _first(first_key, config)
        payoffs = _all_pairs(functools.partial(encounter, game, noise=config.noise), players)[0]

        def row(population: Population, keys: Key[Array, " every"]) -> tuple[Population, Any]:
            population, _ = jax.lax.scan(lambda p, k: (_generation(k, game, config, p), None), population, keys)
            return population, _look(game, config, population.players)

        life = jax.random.split(life_key, (rows, every))
        after, seen = jax.lax.scan(row, Population(players, payoffs), life)
        seen = jax.tree.map(lambda x, rest: jnp.concatenate([x[None], rest]), _look(game, config, players), seen)
        return seen, after.players

    return jax.vmap(one)(keys)


def _look(game: MatrixGame, config: Config, players: Float[Array, "N 5"]) -> tuple[Array, Array, Array]:
    """Mean payoff and cooperation over all pairs of different players, and the shares of the kinds."""
    each = _all_pairs(functools.partial(encounter, game, noise=config.noise), players)
    different = 1 - jnp.eye(config.players, dtype=players.dtype)
    payoff, cooperation = ((values * different).sum() / different.sum() for values in each)
    return payoff, cooperation, kinds(players)


def _all_pairs(of_two: Callable[..., Any], players: Float[Array, "N 5"]) -> Any:
    """What comes of every player (first axis) with every player (second axis)."""
    return jax.vmap(lambda mine: jax.vmap(lambda theirs: of_two(mine, theirs))(players))(players)


def _generation(key: PRNGKeyArray, game: MatrixGame, config: Config, population: Population) -> Population:
    """The next generation."""
    copy_key, who_key, whether_key, new_key = jax.random.split(key, 4)
    size = config.players
    earned = (population.payoffs.sum(axis=1) - jnp.diagonal(population.payoffs)) / (size - 1)
    parents = _parents(copy_key, config, earned)
    players = population.players[parents]
    payoffs = population.payoffs[parents][:, parents]
    who = jax.random.randint(who_key, (), 0, size)
    newcomer = _newcomer(new_key, config, players[who])
    players = players.at[who].set(jnp.where(jax.random.bernoulli(whether_key, config.mutation), newcomer, players[who]))
    meet = functools.partial(_meeting, game, game.rewards, config.noise, players[who])
    row, column = jax.vmap(meet)(players).T
    return Population(players, payoffs.at[who].set(row).at[:, who].set(column))


def _parents(key: PRNGKeyArray, config: Config, earned: Float[Array, " N"]) -> Int[Array, " N"]:
    """Whose copy each player of the next generation is."""
    if config.selection == "exponential":
        return jax.random.choice(key, config.players, earned.shape, p=jax.nn.softmax(config.strength * earned))
    model_key, copy_key = jax.random.split(key)
    own = jnp.arange(config.players)
    model = (own + jax.random.randint(model_key, own.shape, 1, config.players)) % config.players
    copies = jax.random.bernoulli(copy_key, jax.nn.sigmoid(config.strength * (earned[model] - earned)))
    return jnp.where(copies, model, own)


def _newcomer(key: PRNGKeyArray, config: Config, player: Float[Array, "5"]) -> Float[Array, "5"]:
    """A mutant of this player: a step in logits away, or drawn afresh where steps have no size."""
    logits = jax.scipy.special.logit(jnp.clip(player, EDGE, 1 - EDGE))
    stepped = jax.nn.sigmoid(logits + config.step * jax.random.normal(key, player.shape))
    return jnp.where(config.step > 0, stepped, _random(key, player.shape))


def _random(key: PRNGKeyArray, shape: tuple[int, ...]) -> Array:
    """Probabilities from the density 1 / (pi sqrt(p (1 - p)))."""
    return jnp.sin(jnp.pi / 2 * jax.random.uniform(key, shape)) ** 2


def _first(key: PRNGKeyArray, config: Config) -> Float[Array, "N 5"]:
    """Everyone at first: one random player, or one of the kinds."""
    if config.start == "random":
        return jnp.tile(_random(key, (1, 5)), (config.players, 1))
    return jnp.tile(jnp.array(CLASSIC[KINDS.index(config.start)].params, float)[None], (config.players, 1))
