"""Information in bits: entropy, mutual information, and the capacity of a channel that is known."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float
from numpy import log


def entropy(probs: Float[Array, " n"]) -> Float[Array, ""]:
    """-sum p log2 p, with 0 log 0 = 0; its gradient is finite everywhere."""
    known = probs > 0
    return -jnp.sum(jnp.where(known, probs * jnp.log(jnp.where(known, probs, 1.0)), 0.0)) / log(2)


def mutual_information(joint: Float[Array, "X Y"]) -> Float[Array, ""]:
    """I(X; Y) = H(X) + H(Y) - H(X, Y) of a joint distribution."""
    return entropy(joint.sum(axis=1)) + entropy(joint.sum(axis=0)) - entropy(joint.ravel())


def through(sent: Float[Array, " X"], received: Float[Array, "X Y"]) -> Float[Array, ""]:
    """I(X; Y) where x is sent with these probabilities and y received with `received[x, y]`, rows of sum 1."""
    return mutual_information(sent[:, None] * received)


class Capacity(NamedTuple):
    """The most information that a channel carries, in bits, and how often each x is then sent."""

    bits: Float[Array, ""]
    sent: Float[Array, " X"]


def capacity(received: Float[Array, "X Y"], iterations: int = 1000) -> Capacity:
    """The maximum of `through` over all ways to send, by Blahut and Arimoto's iteration.

    It climbs p(x) <- p(x) exp(D(x)), normalized, D(x) being the divergence of row x from what is received on average.
    (Where rows are equal, how often each of them is sent depends on the start, which is uniform.)
    """

    def divergence(sent: Float[Array, " X"]) -> Float[Array, " X"]:
        average = sent @ received
        known = received > 0
        ratio = jnp.where(known, received, 1.0) / jnp.where(known, average[None], 1.0)
        return jnp.sum(received * jnp.log(ratio), axis=1)

    def climb(sent: Float[Array, " X"], _: None) -> tuple[Float[Array, " X"], None]:
        return jax.nn.softmax(jnp.log(sent) + divergence(sent)), None

    start = jnp.full(len(received), 1 / len(received), received.dtype)
    sent = jax.lax.scan(climb, start, None, iterations)[0]
    return Capacity(through(sent, received), sent)
