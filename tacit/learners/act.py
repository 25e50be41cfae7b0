"""Adversarial cheap talk: what to say to a learner that it learns better, worse, or to obey.

An adversary's message is a function f of the state that is fixed while a victim learns (`tacit.games.cheap_talk`). It
is found by evolution: in each generation members of a population try their functions on fresh victims,

    help      F = mean return over all updates of a victim
    disrupt   F = - that
    backdoor  F = mean over episodes of a trained, frozen victim of sum_t exp(-|place - goal|^2),
              under another function f^(s, goal) that takes the place of f and evolves with it

and the mean of the population climbs the gradient estimated from that (`tacit.ops.evolution`). Victims of a generation
differ only by what is said to them: all members have the same seeds, and the next generation has new ones. Nothing of
the adversary changes while a victim learns.

Source: Lu et al. 2023, Adversarial Cheap Talk (arXiv 2211.11030), algorithms 1 and 2, and its public code. Departures:
smaller populations and message networks, a start at random weights instead of 0, a larger sigma and step size, ranks
instead of z-scores (an option), and fitness over all updates where the code's runs for "disrupt" take the last.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from tacit import scale
from tacit.evaluation.cross_play import greedy
from tacit.games.base import Game
from tacit.games.cheap_talk import CheapTalk, Weights, columns, message, network
from tacit.games.steered import Steered, goal_numbers
from tacit.learners import victim
from tacit.learners.victim_presets import PRESETS
from tacit.loops import episodes
from tacit.ops.evolution import ascent, centered_ranks, changes, decayed, paired, population, z_scores
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
    episodes: int = setting(64, "episodes of a trained victim, for a backdoor", unit="episodes", source=CODE, low=1)
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
    said = getattr(state, which)
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


def fitness(key: PRNGKeyArray, game: Game, config: Config, said: Said) -> Float[Array, ""]:
    """What one victim is worth to a member. The key is consumed."""
    learn_key, test_key = jax.random.split(key)
    trained, curve = taught(learn_key, CheapTalk.of(game, said.training), victims_of(config), config.updates)
    if config.objective == "backdoor":
        played = steered(test_key, game, trained, victims_of(config), said.later, config.episodes)
        return played.gained[-1].mean()
    value = jnp.nanmean(curve[-config.last :])  # all, where `last` is 0; in an update may no episode have ended
    return value if config.objective == "help" else -value


def make(game: Game, config: Config) -> Learner:
    """An adversary that talks to victims in a game. An iteration is one generation.

    Raises:
        Misfit: the game shows no row of numbers; or a backdoor is asked for where there are no goals.
        SettingError: the population is of odd size.
    """
    seen, _ = columns(game), paired(config.population)
    goal = goal_numbers(game) if config.objective == "backdoor" else 0

    def init(key: PRNGKeyArray) -> State:
        first_key, later_key = jax.random.split(key)
        shape = config.words, config.hidden, config.steep
        later = network(later_key, seen + goal, *shape) if goal else ()
        mean = Said(network(first_key, seen, *shape), later)
        return State(mean, optimizer(jnp.int32(0)).init(mean), mean, jnp.int32(0))

    def sigma(generation: Int[Array, ""]) -> Float[Array, ""]:
        return decayed(config.sigma, config.sigma_decay, config.sigma_floor, generation)

    def optimizer(generation: Int[Array, ""]) -> Any:
        return adam(decayed(config.lr, config.lr_decay, config.lr_floor, generation), eps=1e-8, max_norm=jnp.inf)

    def step(key: PRNGKeyArray, state: State, divided: bool = False) -> tuple[State, Metrics]:
        change_key, try_key, learn_key = jax.random.split(key, 3)
        z = changes(change_key, state.mean, config.population)
        members = population(state.mean, sigma(state.generation), z)
        keys = jax.random.split(try_key, config.victims)

        def worth(said: Said) -> Float[Array, ""]:
            return jax.vmap(lambda key: fitness(key, game, config, said))(keys).mean()

        def found(members: Said) -> Float[Array, " N"]:
            return jax.lax.map(worth, members, batch_size=config.block)

        tried = scale.divided(found, members) if divided else found(members)
        return update(learn_key, state, (z, tried), ())

    def update(key: PRNGKeyArray, state: State, experience: Any, carry: Carry) -> tuple[State, Metrics]:
        del key, carry
        z, found = experience
        shaped = (centered_ranks if config.ranks else z_scores)(found)
        downhill = jax.tree.map(jnp.negative, ascent(z, shaped, sigma(state.generation)))
        mean, opt_state = descend(optimizer(state.generation), downhill, state.opt_state, state.mean)
        told = {"fitness": found.mean(), "best": found.max(), "spread": found.std()}
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
