"""How far a trained, frozen victim can be steered by an agent that learns what to say to this very victim.

For each victim a fresh PPO agent, itself on normalized observations, plays the game in which messages are actions
(`tacit.games.frozen_victim`), and is then judged by its likeliest actions in the episodes in which f^ is judged, too
(`tacit.evaluation.held_out_victims.obeyed`). What that measures depends on what victims heard while they learned:

    Oracle PPO      the f of an adversary
    Random Shaper   a random f, another one for each victim: how far nobody's preparation helps
    (no attack)     f = 0, a constant message: victims that never heard anything

Theory gives these no order. The best messages to a victim are worth no less than any f^, but PPO need not find them.

Source: Lu et al. 2023, Adversarial Cheap Talk (arXiv 2211.11030), algorithms 3 and 4, and its public code, whose
settings these are. Departure: in algorithm 3 evolution looks for the f under which PPO then earns most, over its
updates; here f is one that evolved together with an f^ (algorithm 2), and the agent takes the place of f^ alone.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from tacit.evaluation import held_out_victims as held_out
from tacit.evaluation.cross_play import greedy
from tacit.evaluation.held_out_victims import Obeyed
from tacit.games.base import Game
from tacit.games.cheap_talk import Noise, columns
from tacit.games.frozen_victim import FrozenVictim
from tacit.games.steered import Steered
from tacit.learners import act, victim
from tacit.learners.victim_presets import ORACLE_UPDATES, ORACLES, UPDATES
from tacit.loops import episodes


def settings_of(config: act.Config) -> tuple[victim.Config, int]:
    """An agent's settings and updates: the public code's, shortened as much as its victims are, and as raw as they."""
    task, victims = config.victim, act.victims_of(config)
    own = dataclasses.replace(ORACLES[task], length=victims.length, epochs=victims.epochs, raw=victims.raw)
    return own, max(1, config.updates * ORACLE_UPDATES[task] // UPDATES[task])


def alone_with(game: Game, trained: victim.State, config: victim.Config) -> FrozenVictim:
    """The game in which what the player does is what one victim is told, which takes its likeliest actions."""
    words = trained.known.mean.shape[-1] - columns(game)
    ((policy, params),) = victim.make(Noise(game, words), config).policy(trained)  # as in any game of that width
    return FrozenVictim(Steered(game, ()), greedy(policy), params, words)


def learned(
    key: PRNGKeyArray, asked: PRNGKeyArray, game: FrozenVictim, own: victim.Config, updates: int, count: int
) -> tuple[Any, Float[Array, " updates"]]:
    """What is reached in so many episodes by an agent that has learned, and what it earned in each update.

    Args:
        key: of what it learns from. asked: of the episodes. Both are consumed.
    """
    agent, curve = act.taught(key, game, own, updates)
    ((policy, params),) = victim.make(game, own).policy(agent)
    played = episodes(asked, game, (greedy(policy),), (params,), count)[1]
    return held_out.reached(game.inner.inner, played), curve


@functools.partial(jax.jit, static_argnames=("updates", "count"))
def _learned(
    game: Game, keys: Any, trained: victim.State, configs: tuple[victim.Config, victim.Config], updates: int, count: int
) -> Any:
    def one(keys: Any, trained: victim.State) -> Any:
        key, asked = keys
        return learned(key, asked, alone_with(game, trained, configs[0]), configs[1], updates, count)

    return jax.vmap(one)(keys, trained)


def _rows(tree: Any, rows: Sequence[int]) -> Any:
    return jax.tree.map(lambda leaf: leaf[jnp.array(rows)], tree)


class Shaped(NamedTuple):
    """How far victims obey those who learned to speak to them, and what these earned while they learned.

    Attributes:
        curves: mean reward of the episodes that each update saw end; NaN where none did.
    """

    obeyed: Obeyed
    curves: Float[np.ndarray, "N updates"]


def shaped(game: Game, trained: victim.State, seed: int, config: act.Config, count: int = 64) -> Shaped:
    """What an agent reaches that learns by itself against each of these victims, leaves `[N, ...]`.

    Agents of a number have the same seed, whatever their victims heard, and are judged in the `count` episodes in which
    `held_out_victims.obeyed` judges.

    Args:
        seed: of all agents and episodes.
        config: the adversary's whose victims these are.
    """
    victims, (own, updates) = jax.tree.leaves(trained)[0].shape[0], settings_of(config)
    agents = jax.random.key(seed + held_out.HELD_OUT + 3)
    keys = jax.random.split(agents, victims), jax.random.split(held_out.asking(seed), victims)
    found = []
    for rows in held_out.blocks(victims):
        chosen = _rows((keys, trained), rows)
        found.append(_learned(game, *chosen, (act.victims_of(config), own), updates, count))
    reached, curves = jax.tree.map(lambda *leaves: jnp.concatenate(leaves)[:victims], *found)
    return Shaped(held_out.obedience(*reached), np.asarray(curves))


def mean_curve(several: Sequence[Shaped]) -> Float[np.ndarray, " updates"]:
    """Over all agents whose games ended in an update; NaN where none did."""
    curves = np.concatenate([each.curves for each in several])
    told = ~np.isnan(curves)
    gaps = np.full(curves.shape[1], np.nan)
    return np.divide(np.nansum(curves, 0), told.sum(0), out=gaps, where=told.any(0))
