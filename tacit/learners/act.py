"""Adversarial cheap talk: what to say to a learner that it learns better, worse, or to obey.

An adversary's message is a function f of the state that is fixed while a victim learns (`tacit.games.cheap_talk`). It
is found by evolution: in each generation members of a population try their functions on fresh victims,

    help      F = mean return over all updates of a victim
    disrupt   F = - that
    backdoor  F = mean over episodes of a trained, frozen victim of sum_t exp(-|place - goal|^2),
              under another function f^(s, goal) that takes the place of f and evolves with it

and the mean of the population climbs the gradient estimated from that (`tacit.ops.evolution`). Nothing of the adversary
changes while a victim learns. Victims of a generation differ only by what is said to them: all members have the same
seeds, or (`own`) each pair of opposite members has its own and is compared within itself, so that one generation asks
many kinds of victims. The next generation has new ones.

A trained victim costs far more than its episodes, so that each is tried with several f^, and f^ climbs by which of them
the same victim obeys most.

Source: Lu et al. 2023, Adversarial Cheap Talk (arXiv 2211.11030), algorithms 1 and 2, and its public code. Departures:
smaller populations and message networks, a start at random weights instead of 0, a larger sigma and step size, ranks
instead of z-scores (an option), fitness over all updates where the code's runs for "disrupt" take the last, several f^
of each member where the code has one, and as options victims of each pair's own and changes in units of what is read.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from tacit import scale
from tacit.errors import Misfit
from tacit.evaluation.cross_play import greedy
from tacit.games.base import Game
from tacit.games.cheap_talk import CheapTalk, Weights, columns, message, network
from tacit.games.steered import Steered, goal_numbers
from tacit.learners import victim
from tacit.learners.victim_presets import PRESETS
from tacit.loops import episodes
from tacit.ops.evolution import ascent, centered_ranks, changes, decayed, paired, z_scores
from tacit.ops.optimizer import adam, descend
from tacit.settings import setting
from tacit.types import Carry, Learner, Metrics, Params, Policy, Settings, Step

CODE = "ACT code"


class Config(Settings):
    """Settings of adversarial cheap talk."""

    objective: str = setting("help", "what messages are to do to victims", choices=("help", "disrupt", "backdoor"))
    population: int = setting(16, "members, in pairs of opposite changes (the ACT code: 1024)", unit="members", low=2)
    victims: int = setting(1, "victims of each member", unit="victims", source=CODE, low=1)
    updates: int = setting(32, "updates of a victim", unit="updates", source=CODE, low=1)
    last: int = setting(0, "fitness is of so many last updates alone; 0: of all", unit="updates", low=0)
    own: bool = setting(False, "each pair of members has victims of its own; else all members have the same")
    block: int = setting(8, "members tried at a time; a GPU takes all, a processor's cache holds few", low=1)
    sigma: float = setting(0.1, "standard deviation of the changes, at first", above=0.0)
    sigma_decay: float = setting(1.0, "what is left of it after each generation", above=0.0, high=1.0)
    sigma_floor: float = setting(0.0, "what it does not fall below", low=0.0)
    lr: float = setting(0.05, "step size of Adam, at first", unit="per generation", low=0.0)
    lr_decay: float = setting(1.0, "what is left of it after each generation", above=0.0, high=1.0)
    lr_floor: float = setting(0.0, "what it does not fall below", unit="per generation", low=0.0)
    ranks: bool = setting(True, "climb ranks of fitness; else its z-scores")
    words: int = setting(2, "numbers of a message", unit="numbers", source=CODE, low=1)
    hidden: int = setting(16, "width of the two layers of a message network (the ACT code: 64)", unit="units", low=1)
    steep: float = setting(1.0, "the last weights begin so many times larger; large: messages jump", above=0.0)
    units: bool = setting(False, "changes in units of what is read: weights of what is small change more")
    tries: int = setting(16, "f^ of each member, in pairs, for a backdoor (the ACT code: 1)", unit="functions", low=2)
    episodes: int = setting(16, "episodes of a trained victim with each f^ (the ACT code: 64)", unit="episodes", low=1)
    victim: str = setting("cart-pole", "task of the public code whose victims these are", choices=tuple(PRESETS))
    raw: bool = setting(False, "victims see numbers as they are; else with mean 0 and variance 1, messages too")
    length: int = setting(0, "steps between a victim's updates; 0: as the public code has it", unit="steps", low=0)
    epochs: int = setting(0, "passes of a victim over each batch; 0: as there", unit="passes", low=0)


PUBLIC_CODE = Config(
    population=1024,
    block=1024,
    sigma=0.04,
    sigma_decay=0.999,
    sigma_floor=0.01,
    lr=0.01,
    lr_decay=0.999,
    lr_floor=0.001,
    ranks=False,
    hidden=64,
)
"""The evolution of the public code's CartPole (and of evosax 0.0.4, whose defaults it takes), for 2049 generations."""


class Said(NamedTuple):
    """Weights of the message networks: f, and f^ that takes its place later (the same f where there is no goal)."""

    training: Weights
    later: Weights | tuple[()]


class State(NamedTuple):
    """The mean of the population, its optimizer, and where it began."""

    mean: Said
    opt_state: PyTree
    start: Said
    generation: Int[Array, ""]


def adversaries(state: State, which: str = "mean") -> list[Said]:
    """What each of several says, from a run's state, leaves `[S, ...]`: in the end ("mean") or at first ("start")."""
    said = jax.tree.map(np.asarray, getattr(state, which))  # of one device
    return [jax.tree.map(lambda leaf, k=k: jnp.asarray(leaf[k]), said) for k in range(len(state.generation))]


def victims_of(config: Config) -> victim.Config:
    """The settings of the victims."""
    preset = PRESETS[config.victim]
    length, epochs = config.length or preset.length, config.epochs or preset.epochs
    return dataclasses.replace(preset, length=length, epochs=epochs, raw=config.raw)


def taught(
    key: PRNGKeyArray, game: Game, config: victim.Config, updates: int
) -> tuple[victim.State, Float[Array, " updates"]]:
    """A fresh victim after so many updates in a game, and the mean return of the episodes that each update saw end.

    The key is consumed.
    """
    learner = victim.make(game, config)
    init_key, learn_key = jax.random.split(key)

    def update(state: victim.State, key: PRNGKeyArray) -> tuple[victim.State, Array]:
        state, metrics = learner.step(key, state)
        return state, metrics["return"][0]

    return jax.lax.scan(update, learner.init(init_key), jax.random.split(learn_key, updates))


def steered(
    key: PRNGKeyArray, game: Game, trained: victim.State, config: victim.Config, later: Weights, count: int
) -> Step:
    """Episodes of a frozen victim, by its likeliest actions, with goals that only the messages know."""
    asked = Steered(game, later)
    ((policy, params),) = victim.make(asked, config).policy(trained)
    return episodes(key, asked, (greedy(policy),), (params,), count)[1]


def fitness(key: PRNGKeyArray, game: Game, config: Config, said: Said) -> Float[Array, "*tries"]:
    """What one victim is worth to a member; for a backdoor, with each of its f^. The key is consumed."""
    learn_key, test_key = jax.random.split(key)
    trained, curve = taught(learn_key, CheapTalk.of(game, said.training), victims_of(config), config.updates)
    if config.objective == "backdoor":

        def obeyed(later: Weights) -> Float[Array, ""]:
            played = steered(test_key, game, trained, victims_of(config), later, config.episodes)
            return played.gained[-1].mean()

        return jax.vmap(obeyed)(said.later)
    value = counted(curve, config.last)
    return value if config.objective == "help" else -value


def counted(curve: Float[Array, " updates"], last: int) -> Float[Array, ""]:
    """The mean of the last returns of a victim (0: of all), of updates in which episodes ended (else they are NaN).

    Where none ended in the last updates, it is the newest return there is; NaN, where no episode ended at all.
    """
    newest = curve[jnp.argmax(jnp.where(jnp.isnan(curve), -1, jnp.arange(len(curve))))]
    ended = ~jnp.isnan(curve[-last:])
    return jnp.where(ended.any(), jnp.nanmean(curve[-last:]), newest)


def apart(game: Game, config: Config, mean: Said) -> Said:
    """How far members are apart in each weight: 1, or in units of what it reads (`Game.sizes`)."""

    def of(weights: Weights) -> Weights:
        (first, bias), *rest = jax.tree.map(jnp.ones_like, weights)
        read = jnp.array(game.sizes) if config.units and game.sizes else jnp.ones(1)
        return (first.at[: len(read)].divide(read[:, None]), bias), *rest

    return Said(*(of(weights) if weights else () for weights in mean))


def members(mean: Said, z: Said, far: Said) -> Said:
    """The mean changed by z, `far` as much: leaves `[N, ...]` of f, and `[N, tries, ...]` of f^."""

    def moved(mean: Weights, z: Weights, far: Weights) -> Weights:
        return jax.tree.map(lambda mean, z, far: mean + far * z, mean, z, far)

    one_each = jax.vmap(moved, (None, 0, None))
    several = jax.vmap(one_each, (None, 0, None))
    later = several(mean.later, z.later, far.later) if mean.later else ()
    return Said(one_each(mean.training, z.training, far.training), later)


def against(worth: Float[Array, " N"]) -> Float[Array, " N"]:
    """What each member is worth more than its opposite, which met the same victims."""
    first, second = jnp.split(worth, 2)
    return jnp.concatenate([first - second, second - first])


def make(game: Game, config: Config) -> Learner:
    """An adversary that talks to victims in a game. An iteration is one generation.

    Raises:
        Misfit: the game is not of one player or shows no row of numbers; or a backdoor is asked for where there are no
            goals.
        SettingError: the population is of odd size.
    """
    if game.spec.num_players != 1:
        raise Misfit(f"act needs a game of one player, and {type(game).__name__} has {game.spec.num_players}")
    seen, _ = columns(game), paired(config.population)
    goal = goal_numbers(game) if config.objective == "backdoor" and paired(config.tries) else 0

    def init(key: PRNGKeyArray) -> State:
        first_key, later_key = jax.random.split(key)
        shape = config.words, config.hidden, config.steep
        drawn = Said(network(first_key, seen, *shape), network(later_key, seen + goal, *shape) if goal else ())
        mean = jax.tree.map(jnp.multiply, drawn, apart(game, config, drawn))
        return State(mean, optimizer(jnp.int32(0)).init(mean), mean, jnp.int32(0))

    def sigma(generation: Int[Array, ""]) -> Float[Array, ""]:
        return decayed(config.sigma, config.sigma_decay, config.sigma_floor, generation)

    def optimizer(generation: Int[Array, ""]) -> Any:
        return adam(decayed(config.lr, config.lr_decay, config.lr_floor, generation), eps=1e-8, max_norm=jnp.inf)

    def changed(key: PRNGKeyArray, mean: Said) -> Said:
        z = changes(key, mean.training, config.population)
        if not goal:
            return Said(z, ())
        keys = jax.random.split(jax.random.fold_in(key, 1), config.population)
        return Said(z, jax.vmap(lambda key: changes(key, mean.later, config.tries))(keys))

    def step(key: PRNGKeyArray, state: State, divided: bool = False) -> tuple[State, Metrics]:
        change_key, try_key, learn_key = jax.random.split(key, 3)
        z = changed(change_key, state.mean)
        far = jax.tree.map(lambda each: sigma(state.generation) * each, apart(game, config, state.mean))
        pairs = paired(config.population)
        keys = jax.random.split(try_key, (pairs if config.own else 1, config.victims))
        each = jnp.tile(jnp.broadcast_to(keys, (pairs, config.victims)), (2, 1))  # of a pair, the same

        def worth(one: tuple[Said, Array]) -> Float[Array, "*tries"]:
            said, keys = one
            return jax.vmap(lambda key: fitness(key, game, config, said))(keys).mean(0)

        def found(asked: tuple[Said, Array]) -> Array:
            return jax.lax.map(worth, asked, batch_size=config.block)

        asked = members(state.mean, z, far), each
        return update(learn_key, state, (z, scale.divided(found, asked) if divided else found(asked)), ())

    def update(key: PRNGKeyArray, state: State, experience: Any, carry: Carry) -> tuple[State, Metrics]:
        del key, carry
        z, found = experience
        shaped, width = centered_ranks if config.ranks else z_scores, sigma(state.generation)
        mine = found.mean(1) if goal else found
        uphill = Said(ascent(z.training, shaped(against(mine) if config.own else mine), width), ())
        if goal:  # of the f^ of a member, which share its victims, those are better that its victims obey
            each = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), z.later)
            uphill = uphill._replace(later=ascent(each, jax.vmap(shaped)(found).reshape(-1), width))
        downhill = jax.tree.map(jnp.negative, uphill)
        still = jax.tree.map(jnp.zeros_like, state.mean)
        moved, opt_state = descend(optimizer(state.generation), downhill, state.opt_state, still)
        mean = jax.tree.map(lambda mean, moved, far: mean + far * moved, state.mean, moved, apart(game, config, still))
        told = {"fitness": found.mean(), "best": mine.max(), "spread": mine.std()}
        return State(mean, opt_state, state.start, state.generation + 1), told

    def policy(state: State) -> tuple[tuple[Policy, Params], ...]:
        return ((SPEAKER, state.mean.training),)

    def with_params(state: State, seat: int, params: Params) -> State:
        del seat
        return state._replace(mean=state.mean._replace(training=params))

    return Learner(init, step, policy, update, with_params, divided=functools.partial(step, divided=True))


def _speak(key: Any, params: Any, carry: Carry, obs: Any, legal: Any, fresh: Any, given: Any = None) -> Any:
    del key, legal, fresh
    return carry, message(params, obs) if given is None else given, ()


SPEAKER = Policy(lambda: (), _speak)
"""Says what the message network says; its parameters are the weights."""
