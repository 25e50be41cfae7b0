"""Which columns of what one sees matter? An audit of logged play, and how well it tells messages from the rest.

Messages that are functions of the state say nothing of what comes next that the other columns do not. So one group of
columns after another is left out, and what comes next is predicted without it. The score of a group is

    max_t  R2_t(all columns) - R2_t(all but the group)

on held-out steps, over the targets t: the changes of all columns outside the group, and the discounted rewards of the
next steps. The models are ridge regressions on all monomials up to the third degree of the action and of the columns,
cut at 4 standard deviations.

Two columns that say the same are each dispensable: a message that copies a column makes both look like talk, and no
audit of play alone can tell which of them the world reads. It takes somebody's word: columns may be declared to be the
state's. A declared group is left out together with all other columns that copy one of its own (which correlate with
it by more than 0.999 in size), so that it keeps its score; a copy that was not declared scores nothing.

Source: this project's own.
"""

import functools
import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from tacit.games import cheap_talk
from tacit.games.cart_pole import LEAN, TRACK, CartPole

DEGREE, RIDGE, HELD_OUT = 3, 1e-3, 0.3
ALIKE = 0.999  # correlation of copies
STILL = 1e-6  # variances up to this, in units of a column's own, are those of columns that do not change
MOST = 4.0  # standard deviations; rare values beyond would rule the cubes
HORIZON, DISCOUNT = 30, 0.95
WIDE = (TRACK, 2.0, LEAN, 2.0)  # where logged play begins, so that every column can matter
CORE = ("position", "speed", "angle", "turning")


class Log(NamedTuple):
    """Steps of play: columns before and after `[N, c]`, the action `[N]`, and what was gained from there `[N]`."""

    before: Float[np.ndarray, "N c"]
    after: Float[np.ndarray, "N c"]
    action: Int[np.ndarray, " N"]
    gained: Float[np.ndarray, " N"]


@functools.partial(jax.jit, static_argnames="count")
def _random_play(key: Array, count: int) -> tuple[Array, Array, Array, Array]:
    """From states drawn widely: the state, the first action, the next state, and discounted rewards of random play."""
    game = CartPole()

    def one(key: Array) -> tuple[Array, Array, Array, Array]:
        begin_key, act_key = jax.random.split(key)
        first = jax.random.uniform(begin_key, (4,), minval=-1.0) * jnp.array(WIDE)
        actions = jax.random.bernoulli(act_key, 0.5, (HORIZON,)).astype(jnp.int32)

        def step(state: Any, action: Array) -> tuple[Any, tuple[Array, Array]]:
            state, outcome = game.step(key, state, action[None])
            return state, (state.moving, outcome.reward[0])

        moving, reward = jax.lax.scan(step, game.reset(key, first), actions)[1]
        return first, actions[0], moving[0], reward @ DISCOUNT ** jnp.arange(HORIZON)

    return jax.vmap(one)(jax.random.split(key, count))


def said(channel: str, seen: Float[np.ndarray, "N 4"], seed: int) -> Float[np.ndarray, "N 2"]:
    """The messages of a channel on these states.

    "network" is a random one, "steps" one so steep that it jumps, "edges" how near the end is in position and angle
    (what a value model would like to know), "copy" two columns of the state.
    """
    if channel == "edges":
        return np.abs(seen[:, [0, 2]]) / np.array([TRACK, LEAN])
    if channel == "copy":
        return seen[:, np.random.default_rng(seed).permutation(4)[:2]]
    weights = cheap_talk.network(jax.random.key(seed), 4, steep=20.0 if channel == "steps" else 1.0)
    return np.asarray(jax.vmap(functools.partial(cheap_talk.message, weights))(jnp.asarray(seen, jnp.float32)), float)


class Layout(NamedTuple):
    """Columns in random order: what was logged, and the groups that the audit scores.

    Attributes:
        groups: column numbers by name. matters: whether each is to be kept.
    """

    log: Log
    groups: dict[str, list[int]]
    matters: dict[str, bool]


def layout(channel: str, seed: int, count: int) -> Layout:
    """Logged random play with columns of all kinds in random order.

    The four columns of the state, of which one speed is read with noise; another reading of it, with noise of its own,
    that is worth having; a message of two columns, a function of the first four; two columns of plain noise, and one
    that wanders by itself.
    """
    generator = np.random.default_rng(seed)
    before, action, after, gained = (np.asarray(x, float) for x in _random_play(jax.random.key(seed), count))
    blurred = int(generator.choice([1, 3]))
    pairs = [side + _noise(generator, count, blurred) for side in (before, after)]
    second = [side[:, [blurred]] + generator.normal(0, 1.0, (count, 1)) for side in (before, after)]
    talk = [said(channel, side, seed) for side in pairs]
    noise = [generator.normal(size=(count, 2)) for _ in range(2)]
    wander = generator.normal(size=(count, 1))
    wandered = [wander, 0.95 * wander + 0.31 * generator.normal(size=(count, 1))]
    parts = {"message": talk, "second reading": second, "noise": noise, "wandering": wandered}
    parts = {name: [side[:, [i]] for side in pairs] for i, name in enumerate(CORE)} | parts
    names = [name for name, part in parts.items() for _ in range(part[0].shape[1])]
    order = generator.permutation(len(names))
    sides = [np.concatenate([part[i] for part in parts.values()], axis=1)[:, order] for i in range(2)]
    places = {name: [k for k, column in enumerate(order) if names[column] == name] for name in parts}
    matters = {name: name in (*CORE, "second reading") for name in parts}
    return Layout(Log(sides[0], sides[1], action.astype(int), gained), places, matters)


def _noise(generator: np.random.Generator, count: int, column: int) -> Float[np.ndarray, "N 4"]:
    noise = np.zeros((count, 4))
    noise[:, column] = generator.normal(0, 1.0, count)
    return noise


def relevance(log: Log, groups: dict[str, list[int]], declared: Sequence[str] = ()) -> dict[str, float]:
    """The score of each group, of which some may be declared to be the state's; see the module's first lines."""
    columns = np.column_stack([np.clip(_standard(log.before), -MOST, MOST), 2.0 * log.action - 1])
    terms = [
        c
        for degree in range(DEGREE + 1)
        for c in itertools.combinations_with_replacement(range(columns.shape[1]), degree)
    ]
    features = np.stack([np.prod(columns[:, list(term)], axis=1) for term in terms], axis=1)
    targets = _standard(np.column_stack([log.after - log.before, log.gained]))
    cut = int(len(columns) * (1 - HELD_OUT))
    train, held_out = features[:cut], features[cut:]
    gram, right = train.T @ train, train.T @ targets[:cut]
    spread = ((targets[cut:] - targets[:cut].mean(0)) ** 2).mean(0)
    spread = np.where(spread > STILL, spread, np.inf)  # of what never changes there is nothing to explain

    def explained(without: list[int]) -> Float[np.ndarray, " targets"]:
        kept = [i for i, term in enumerate(terms) if not set(term) & set(without)]
        weights = np.linalg.solve(gram[np.ix_(kept, kept)] + RIDGE * cut * np.eye(len(kept)), right[kept])
        left = ((targets[cut:] - held_out[:, kept] @ weights) ** 2).mean(0) / spread
        return np.maximum(1 - left, 0.0)  # what cannot be predicted at all tells nothing

    best = explained([])
    found = {}
    for name, own in groups.items():
        without = own + _copies(log.before, own, groups, declared) if name in declared else own
        gain = np.delete(best - explained(without), without)
        found[name] = float(gain.max())
    return found


def _copies(
    columns: Float[np.ndarray, "N c"], own: list[int], groups: dict[str, list[int]], declared: Sequence[str]
) -> list[int]:
    """Columns of groups that are not declared, and that copy one of these."""
    standard = _standard(columns)
    alike = np.abs(standard.T @ standard) > ALIKE * len(columns)
    others = [column for name, group in groups.items() if name not in declared for column in group]
    return [column for column in others if alike[column, own].any()]


def _standard(values: Float[np.ndarray, "N c"]) -> Float[np.ndarray, "N c"]:
    return (values - values.mean(0)) / np.maximum(values.std(0), 1e-9)


def auroc(scores: Float[np.ndarray, " n"], positive: Bool[np.ndarray, " n"]) -> float:
    """The chance that a positive one has the higher score, equal ones counting half."""
    scores, positive = np.asarray(scores, float), np.asarray(positive, bool)
    above = scores[positive][:, None] - scores[~positive][None]
    return float((above > 0).mean() + 0.5 * (above == 0).mean())
