"""Channels: how a message leaves its sender, what becomes of it on the way, and who hears it.

A message is the second head of an action, `Action(move, message)`. A learner computes one real number a bit, its logit
m. When it plays, the bits themselves are sent, and while it learns, numbers between 0 and 1 through which its hearers'
errors reach it:

    discretize   1{m > 0}                                       when it plays
    dru          logistic(m + noise * e),      e normal         the discretize/regularize unit of DIAL
    straight     1{m + noise * e > 0}, with the gradient of dru
    gumbel       logistic((m + l) / temperature),  l logistic   two-way Gumbel-softmax

The game stores what was sent and shows it at the next step as `Heard`; nothing in it is detached, so differentiating a
rollout differentiates through the channel. Where nothing was received the message is `SILENCE`, halfway between the
bits (the logistic of an empty channel).

Source: Foerster et al. 2016, section 5.2 (the unit) and appendix C (noise); Jang et al. 2017 (Gumbel-softmax); Bengio
et al. 2013 (straight-through). Departure: the unit is wholly the sender's, so the game sees numbers in [0, 1]; in the
public code the channel carries m + noise * e, and the receiver applies the logistic, which is the same function.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, PyTree

from tacit.settings import setting
from tacit.types import Real, Settings, Space

SILENCE = 0.5  # each bit of a message that nobody sent
MOST_BITS = 8  # of one message in the games here


class Heard(NamedTuple):
    """What a player observes in a game with messages.

    Attributes:
        view: what it sees of the game itself.
        message: `[n]` numbers in [0, 1], those sent to it at the step before; `SILENCE` where nothing arrived.
        received: `[1]` 1 if something arrived, else 0.
    """

    view: PyTree
    message: Array
    received: Array


def heard_space(view: PyTree, bits: int) -> PyTree:
    """The space of a `Heard` whose view has this space."""
    message: Space = Real((bits,), 0.0, 1.0)
    return Heard(view, message, Real((1,), 0.0, 1.0))  # type: ignore[arg-type]


class Channel(Settings):
    """How messages are sent while their sender learns. Their width and their hearers are rules of the game."""

    unit: str = setting(
        "dru",
        "what messages go through while learning",
        source="DIAL section 5.2",
        choices=("dru", "straight", "gumbel"),
    )
    noise: float = setting(
        2.0, "standard deviation of the channel's noise while learning (dru and straight)", source="DIAL", low=0.0
    )
    temperature: float = setting(1.0, "temperature of the channel while learning (gumbel)", above=0.0)


def regularize(key: PRNGKeyArray, logits: Float[Array, "*n"], noise: Float[Array, ""] | float) -> Float[Array, "*n"]:
    """The discretize/regularize unit while learning. The key is consumed."""
    return jax.nn.sigmoid(logits + noise * jax.random.normal(key, logits.shape, logits.dtype))


def discretize(logits: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """The bits that are sent when a learner plays."""
    return (logits > 0).astype(logits.dtype)


def straight_through(hard: Float[Array, "*n"], soft: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Exactly the value of `hard`, with the gradient of `soft`."""
    return jax.lax.stop_gradient(hard) + (soft - jax.lax.stop_gradient(soft))


def gumbel(key: PRNGKeyArray, logits: Float[Array, "*n"], temperature: Float[Array, ""] | float) -> Float[Array, "*n"]:
    """A relaxed draw of bits that are 1 with probability logistic(m). The key is consumed.

    The difference of two Gumbel variables is a logistic one, so two of them are not drawn.
    """
    return jax.nn.sigmoid((logits + jax.random.logistic(key, logits.shape, logits.dtype)) / temperature)


def send(key: PRNGKeyArray, logits: Float[Array, "*n"], channel: Channel) -> Float[Array, "*n"]:
    """What is sent while learning, numbers in [0, 1]. The key is consumed."""
    if channel.unit == "gumbel":
        return gumbel(key, logits, channel.temperature)
    soft = regularize(key, logits, channel.noise)
    # The logistic is above a half exactly where its argument is above 0.
    return soft if channel.unit == "dru" else straight_through((soft > 0.5).astype(soft.dtype), soft)


def others(num_players: int) -> Bool[Array, "P P"]:
    """Who hears whom where everybody hears everybody else: row i is what i hears."""
    return ~jnp.eye(num_players, dtype=bool)


def lost(key: PRNGKeyArray, hears: Bool[Array, "P J"], chance: Float[Array, ""] | float) -> Bool[Array, "P J"]:
    """`hears` after each message is lost with this chance on its way to each hearer. The key is consumed."""
    return hears & ~jax.random.bernoulli(key, chance, hears.shape)


def deliver(
    messages: Float[Array, "J n"], hears: Bool[Array, "P J"]
) -> tuple[Float[Array, "P n"], Float[Array, "P 1"]]:
    """What each of P players receives of J senders: the mean of the messages that it hears, and whether there was one.

    From one sender that is its message itself.
    """
    weight = hears.astype(messages.dtype)
    count = weight.sum(axis=1, keepdims=True)
    mean = (weight[:, :, None] * messages[None]).sum(axis=1) / jnp.maximum(count, 1.0)
    return jnp.where(count > 0, mean, SILENCE), (count > 0).astype(messages.dtype)


def deliver_apart(
    messages: Float[Array, "J n"], hears: Bool[Array, "P J"]
) -> tuple[Float[Array, "P m"], Float[Array, "P 1"]]:
    """The same, but messages stay apart: J places of n numbers for each player, `SILENCE` where it hears nothing."""
    places = jnp.where(hears[:, :, None], messages[None], SILENCE)
    return places.reshape(hears.shape[0], -1), hears.any(axis=1, keepdims=True).astype(messages.dtype)
