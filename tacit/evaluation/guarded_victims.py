"""Victims that defend themselves learn on the cart and pole, beside messages, noise, or what they need to see.

What a message does to learning is the change of a victim's mean return over all its updates. Of a change, a defense
takes away the share

    1 - (J_clean - J_defended) / (J_clean - J_none)

J_clean being the return beside columns that say 0, J_none that beside messages without a defense. An ensemble's return
while it learns is the mean over its members, each of which learns by itself.

Source: the attacks of Lu et al. 2023, Adversarial Cheap Talk (arXiv 2211.11030); the benchmark is this project's own.
"""

import functools
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, PyTree

import tacit
from tacit.evaluation.held_out_victims import quiet
from tacit.evaluation.talked_cart import DEFENSES, Channel, Guarded, Reading, TalkedCart, together
from tacit.games.cart_pole import CartPole
from tacit.games.cheap_talk import Weights
from tacit.learners import act
from tacit.runs.computation import Say

POINTS = 64  # inputs at which slopes are penalized
CLEAN, RANDOM, ALLY, NOISE, SPEEDS = "columns of 0", "random network", "ally", "noise", "speeds"


class Group(NamedTuple):
    """Victims of one defense, each of several members, beside one channel.

    Attributes:
        params: what their policies read, leaves `[V, M, ...]`.
        returns: mean return of their members over all updates `[V]`.
        seconds: that the training of one victim took, its members one after another.
    """

    params: PyTree
    returns: Float[np.ndarray, " V"]
    seconds: float


@functools.partial(jax.jit, static_argnames=("updates", "points"))
def _taught(
    keys: Key[Array, " V"], channels: Channel, reading: Reading, updates: int, points: int
) -> tuple[PyTree, Float[Array, "V updates"]]:
    config = Guarded(penalty=reading.penalty, points=points)

    def one(key: Array, channel: Channel) -> tuple[PyTree, Array]:
        trained, curve = act.taught(key, TalkedCart(CartPole(), channel, reading), config, updates)
        params = jax.tree.map(lambda leaf: leaf[0], trained.learner.params)
        return (params, trained.known), curve

    return jax.vmap(one)(keys, channels)


class Member(NamedTuple):
    """What victims of one reading learned beside one channel: see `Group`, without the axis of members."""

    params: PyTree
    returns: Float[np.ndarray, " V"]
    seconds: float


def taught(keys: Key[Array, " V"], channels: Sequence[Channel], reading: Reading, block: int, updates: int) -> Member:
    """Victims after training, so many at a time; `channels` has one entry for each of them."""
    told = together(channels)
    points, pieces, spent = POINTS if reading.penalty else 0, [], []
    for first in range(0, len(keys), block):
        part = jax.tree.map(lambda leaf, first=first: leaf[first : first + block], (keys, told))
        began = time.perf_counter()
        pieces.append(jax.block_until_ready(_taught(*part, reading, updates, points)))
        spent.append((time.perf_counter() - began) / len(pieces[-1][1]))
    params, curves = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *pieces)
    return Member(params, np.asarray(curves, float).mean(1), min(spent))  # a program's first call compiles it


def plainest(channel: str, reading: Reading) -> tuple[str, Reading]:
    """A channel and a reading beside which the same is learned, and which is learned once for all."""
    reading = reading._replace(cleaned=0.0, projected=0.0)  # these come after learning
    if channel != SPEEDS and not any(reading.heard):
        return CLEAN, Reading()
    if channel == CLEAN:
        return CLEAN, Reading(penalty=reading.penalty)  # 0 is 0, dropped or shuffled
    return channel, reading._replace(shuffled=0.0) if channel == NOISE else reading


def learned(
    channels: dict[str, list[Channel]], seed: int, block: int, updates: int, say: Say
) -> dict[str, dict[str, Group]]:
    """All defenses beside all channels."""
    keys = keys_of(seed, len(channels[CLEAN]))
    known: dict[tuple[str, Reading], Member] = {}

    def member(channel: str, reading: Reading) -> Member:
        same = plainest(channel, reading)
        if same not in known:
            say(f"victims beside {same[0]}, {len(known) + 1}")
            known[same] = taught(keys, channels[same[0]], same[1], block, updates)
        return known[same]

    def group(members: Sequence[Member]) -> Group:
        params = jax.tree.map(lambda *leaves: jnp.stack(leaves, 1), *(each.params for each in members))
        return Group(params, np.mean([each.returns for each in members], 0), sum(each.seconds for each in members))

    return {
        channel: {name: group([member(channel, each) for each in readings]) for name, readings in DEFENSES.items()}
        for channel in channels
    }


def keys_of(seed: int, count: int) -> Key[Array, " V"]:
    """One key for each victim; equal ones learn by the same luck, whatever their defense and channel."""
    return jax.vmap(functools.partial(jax.random.fold_in, jax.random.key(seed)))(jnp.arange(count))


def ally(generations: int, seed: int) -> Weights:
    """A message network that helps undefended victims to learn, found by `act`."""
    config = act.Config(objective="help")
    found = tacit.run(act.make, CartPole(), config, iterations=generations, seed=seed, every=generations)
    return act.adversaries(found.state)[0].training


def channels_of(networks: Sequence[Weights], helper: Weights | None) -> dict[str, list[Channel]]:
    """What each victim finds beside the state, by channel; `networks` has the random network of each."""
    helped = {} if helper is None else {ALLY: [Channel(helper) for _ in networks]}
    return {
        CLEAN: [Channel(quiet(each)) for each in networks],
        RANDOM: [Channel(each) for each in networks],
        **helped,
        NOISE: [Channel(each, noise=1.0) for each in networks],
        SPEEDS: [Channel(each, speeds=1.0) for each in networks],
    }


def taken_away(clean: Any, none: Any, defended: Any) -> float:
    """The share of a channel's effect that a defense takes away; means over victims of each."""
    return float(1.0 - (np.mean(clean) - np.mean(defended)) / (np.mean(clean) - np.mean(none)))
