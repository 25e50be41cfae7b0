"""What messages do to victims that no adversary ever met: how they learn, and how far they obey.

Victims of different channels have the same seeds, so channels are compared victim by victim: a paired t test of two
sides for each, and Holm's correction over all that are made together. Victims tell about one adversary; what holds of
adversaries in general is told by the spread over several.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from jaxtyping import Array, Float, Key

from tacit.evaluation.statistics import holm
from tacit.games.base import Game
from tacit.games.cheap_talk import CheapTalk, Noise, Weights
from tacit.learners import act, victim
from tacit.loops import stack
from tacit.scale import spread
from tacit.types import Step

BLOCK = 16  # victims that learn at a time on a device
DROWNED = 1e12  # a variance beside which every message is nothing
HELD_OUT = 10**9  # adversaries' own victims come from smaller seeds


class Comparison(NamedTuple):
    """Victims under one channel less the same victims under another, `count` of them.

    Attributes:
        p: of the paired t test.
        corrected: Holm's, over all comparisons made together.
    """

    mean: float
    error: float
    p: float
    corrected: float


def compare(differences: Sequence[np.ndarray]) -> list[Comparison]:
    """Each row of differences, `[count]`, tested against 0, all together."""
    p = [float(np.asarray(scipy.stats.ttest_1samp(each, 0.0))[1]) for each in differences]
    p = [1.0 if np.isnan(x) else x for x in p]
    corrected = holm(np.array(p)).tolist()
    means = [(float(d.mean()), float(d.std(ddof=1) / len(d) ** 0.5)) for d in differences]
    return [Comparison(*told, *both) for told, both in zip(means, zip(p, corrected, strict=True), strict=True)]


def interval(values: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean by Student's t; NaN of a single value."""
    if len(values) < 2:
        return float("nan"), float("nan")
    slack = scipy.stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
    return float(values.mean() - slack), float(values.mean() + slack)


def blocks(count: int, devices: int = 1) -> list[list[int]]:
    """Numbers from 0 on in blocks of equal size; the last one is filled up from the first, so that one program serves.

    Of what is computed for them, one block after another, the first `count` are wanted. Each device has as many.
    """
    size = min(BLOCK * devices, -(-count // devices) * devices)
    return [(np.arange(first, first + size) % count).tolist() for first in range(0, count, size)]


def quiet(said: Weights) -> Weights:
    """Weights of the same shapes that always say 0."""
    return jax.tree.map(jnp.zeros_like, said)


@functools.partial(jax.jit, static_argnames=("updates", "channel"))
def _learn(
    game: Game, keys: Array, said: Any, config: victim.Config, updates: int, channel: str
) -> tuple[victim.State, Float[Array, "N updates"]]:
    def talked(said: Any) -> Game:
        if channel == "message":
            return CheapTalk.of(game, said)
        return Noise(game) if channel == "noise" else game

    return jax.vmap(lambda key, said: act.taught(key, talked(said), config, updates))(keys, said)


def learned(
    game: Game,
    said: Sequence[Weights | None],
    numbers: Sequence[int],
    seed: int,
    config: victim.Config,
    updates: int,
    channel: str = "message",
) -> tuple[victim.State, Float[np.ndarray, "N updates"]]:
    """Victims after training, leaves `[N, ...]`, and the mean return of the episodes that each update saw end.

    Args:
        said: what each is told.
        numbers: which victim each is; equal ones have the same seed, whatever they are told.
        seed: of all victims.
    """
    keys = jax.vmap(functools.partial(jax.random.fold_in, jax.random.key(seed + HELD_OUT)))(jnp.array(numbers))
    devices = jax.devices()
    states, curves = [], []
    for rows in blocks(len(numbers), len(devices)):
        told = stack([said[i] for i in rows]) if channel == "message" else jnp.zeros(len(rows))
        each = spread((keys[jnp.array(rows)], told))
        trained, curve = _learn(game, *each, config, updates, channel)
        states.append(jax.device_put(trained, devices[0]))
        curves.append(np.asarray(curve))
    together = jax.tree.map(lambda *leaves: jnp.concatenate(leaves)[: len(numbers)], *states)
    return together, np.concatenate(curves)[: len(numbers)]


class Obeyed(NamedTuple):
    """How far frozen victims did what the goal asked for, one entry per victim.

    Attributes:
        reward: mean over episodes of the adversary's reward.
        correlation: of the ranks of an episode's mean place and of its goal, a mean over the numbers of a goal.
    """

    reward: np.ndarray
    correlation: np.ndarray


def reached(game: Game, played: Step) -> tuple[Float[Array, " B"], Float[Array, "B n"], Float[Array, "B n"]]:
    """Of whole episodes of a steered game: the adversary's reward, the mean place while each went on, and its goal."""
    alive = (1.0 - (played.state.inner.terminated | played.state.inner.truncated))[..., None]
    place = jax.vmap(jax.vmap(game.place))(played.next_state.inner)
    return played.gained[-1, :, 0], (place * alive).sum(0) / alive.sum(0), played.state.goal[0]


@functools.partial(jax.jit, static_argnames="count")
def _steer(game: Game, key: Array, trained: victim.State, config: victim.Config, later: Weights, count: int) -> Any:
    def one(trained: victim.State, key: Array) -> Any:
        return reached(game, act.steered(key, game, trained, config, later, count))

    victims = jax.tree.leaves(trained)[0].shape[0]
    return jax.vmap(one)(trained, jax.random.split(key, victims))


def obeyed(
    game: Game, trained: victim.State, later: Weights, seed: int, config: victim.Config, count: int = 64
) -> Obeyed:
    """How far victims obey f^, each in `count` episodes with goals of their own."""
    return obedience(*_steer(game, asking(seed), trained, config, later, count))


def asking(seed: int) -> Key[Array, ""]:
    """The key of the episodes in which victims are asked to obey, whoever asks."""
    return jax.random.key(seed + HELD_OUT + 1)


def obedience(reward: Any, place: Any, goal: Any) -> Obeyed:
    """From what was `reached` by each of several victims, leaves `[N, B, ...]`."""
    reward, place, goal = (np.asarray(x, float) for x in (reward, place, goal))
    correlations = [
        [rank_correlation(*pair) for pair in zip(x.T, g.T, strict=True)] for x, g in zip(place, goal, strict=True)
    ]
    return Obeyed(reward.mean(1), np.mean(correlations, axis=1))


def rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's; 0 where one of them never changes."""
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    return float(np.corrcoef(scipy.stats.rankdata(x), scipy.stats.rankdata(y))[0, 1])


def deaf(trained: victim.State, columns: int) -> victim.State:
    """The same victims, to whom all but the first `columns` of what they see arrive as 0."""
    known = trained.known
    spread = jnp.where(jnp.arange(known.variance.shape[-1]) < columns, known.variance, DROWNED)
    return trained._replace(known=known._replace(variance=spread))
