"""Victims of cheap talk: PPO on normalized observations, with the settings of the public code.

PPO (`tacit.learners.ppo`) on a game of which it sees `(x - mean) / sqrt(variance + 1e-4)`, message columns included.
Mean and variance are of all that it has seen so far. An iteration is: play, learn, and take what was seen into account.
With `raw`, an option of the public code too, numbers are seen as they are.

Source: Lu et al. 2023, Adversarial Cheap Talk (arXiv 2211.11030), and its public code: all data of a rollout as one
batch, values clipped as ratios are, weights begin as Flax's do. Departures: the statistics change between rollouts, not
within them, and begin with those of a rollout of nobody's learning, so that a batch is learned from as it was seen;
the last transition of a rollout is learned from, too; the cut at the end of an episode counts with the value of what
follows, not as its end.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
from jaxtyping import PRNGKeyArray

from tacit import nets
from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.games.cheap_talk import columns
from tacit.games.normalized import Normalized, Statistics, normalized, nothing_seen, seen_too
from tacit.learners import ppo
from tacit.loops import joint, rollout
from tacit.settings import setting
from tacit.types import Carry, Learner, Metrics, Params, Policy, Step

CODE = "ACT code"


class Config(ppo.Config):
    """Settings of a victim: those of `ppo`, with the defaults of the public code on CartPole."""

    lr: float = setting(5e-3, "step size of Adam", unit="per minibatch", source=CODE, low=0.0)
    num_games: int = setting(4, "games played side by side", unit="games", source=CODE, low=1)
    length: int = setting(256, "steps between updates", unit="steps", source=CODE, low=1)
    epochs: int = setting(16, "passes over each batch", unit="passes", source=CODE, low=1)
    minibatches: int = setting(1, "parts of a batch", unit="minibatches", source=CODE, low=1)
    hidden: int = setting(32, "width of the layers", unit="units", source=CODE, low=1)
    trunk: int = setting(
        2, "how many of the two hidden layers actor and critic share", unit="layers", source=CODE, low=0, high=2
    )
    clip_values: bool = setting(True, "values may pay no more for their change than ratios", source=CODE)
    raw: bool = setting(False, "see numbers as they are; else with mean 0 and variance 1")


class State(NamedTuple):
    """What PPO holds, and what was seen so far."""

    learner: ppo.State
    known: Statistics


def make(game: Game, config: Config, seats: Sequence[int] | None = None) -> Learner:
    """A victim, for a game of one player who sees a row of numbers.

    Raises:
        Misfit: the game is not of one player, shows something else, or does not fit PPO.
    """
    if game.spec.num_players != 1:
        raise Misfit(f"victim needs a game of one player, and {type(game).__name__} has {game.spec.num_players}")
    shown = columns(game)

    def inner(known: Statistics) -> tuple[Normalized, Learner]:
        shown_so = Normalized(game, known)
        return shown_so, ppo.make(shown_so, config, seats)

    def played(key: PRNGKeyArray, state: State) -> tuple[ppo.State, Step]:
        shown_so, learner = inner(state.known)
        ((policy, params),) = learner.policy(state.learner)
        everyone = joint((policy,))

        def act(keys: Any, **seen: Any) -> Any:
            return everyone(keys, (params,), **seen)

        live, steps = rollout(key, shown_so, act, state.learner.live, config.length)
        return state.learner._replace(live=live), steps

    def taken_in(known: Statistics, steps: Step) -> Statistics:
        if config.raw:  # statistics of nothing change nothing (but for the smallest variance)
            return known
        return seen_too(known, Normalized(game, known).raw(steps.obs).reshape(-1, shown))

    def init(key: PRNGKeyArray) -> State:
        start_key, net_key, play_key = jax.random.split(key, 3)
        known = nothing_seen(shown)
        learner = inner(known)[1].init(start_key)
        params = jax.tree.map(lambda leaf: leaf[0], learner.params)
        fresh = jax.tree.map(lambda leaf: leaf[None], nets.drawn(net_key, params))
        state = State(learner._replace(params=fresh), known)
        after, steps = played(play_key, state)
        return State(after, taken_in(known, steps))

    def step(key: PRNGKeyArray, state: State) -> tuple[State, Metrics]:
        play_key, learn_key = jax.random.split(key)
        after, steps = played(play_key, state)
        return update(learn_key, State(after, state.known), steps, state.learner.live.carry)

    def update(key: PRNGKeyArray, state: State, steps: Step, carry: Carry) -> tuple[State, Metrics]:
        learner, metrics = inner(state.known)[1].update(key, state.learner, steps, carry)
        return State(learner, taken_in(state.known, steps)), metrics

    def policy(state: State) -> tuple[tuple[Policy, Params], ...]:
        ((acting, params),) = inner(state.known)[1].policy(state.learner)
        return ((reading(acting), (params, state.known)),)

    def with_params(state: State, seat: int, params: Params) -> State:
        weights, known = params
        return State(inner(known)[1].with_params(state.learner, seat, weights), known)

    return Learner(init, step, policy, update, with_params)


@functools.cache
def reading(acting: Policy) -> Policy:
    """The policy that normalizes what it sees itself; its parameters are the other's, and the statistics."""

    def act(key: Any, params: Any, carry: Carry, obs: Any, legal: Any, fresh: Any, given: Any = None) -> Any:
        weights, known = params
        return acting.act(key, weights, carry, normalized(known, obs), legal, fresh, given)

    return Policy(acting.init_carry, act)
