"""Distributions over discrete actions: masked log-probabilities, sampling, entropy."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tacit.types import Choice


def log_probs(logits: Float[Array, " A"], legal: Bool[Array, " A"]) -> Float[Array, " A"]:
    """Log-softmax over the legal actions; illegal ones get the lowest finite number (so that 0 log 0 is 0, not NaN)."""
    lowest = jnp.finfo(logits.dtype).min
    return jnp.where(legal, jax.nn.log_softmax(jnp.where(legal, logits, lowest)), lowest)


def entropy(log_probs: Float[Array, " A"]) -> Float[Array, ""]:
    """Entropy in nats."""
    return -jnp.sum(jnp.exp(log_probs) * log_probs)


def uniform(key: PRNGKeyArray) -> Float[Array, ""]:
    """One number in [0, 1), read from the bits of the key itself. The key is consumed.

    The words of a key that came out of `jax.random.split` or `fold_in` are already random, so hashing them once more
    buys nothing; on a CPU that hash is most of the cost of playing a small game. The mixing (the finalizer of
    MurmurHash3) changes no distribution; it only keeps a key made from a small seed from giving 0.
    """
    words = jax.random.key_data(key)
    bits = words[0] ^ ((words[1] << 16) | (words[1] >> 16))
    bits = (bits ^ (bits >> 16)) * jnp.uint32(0x85EBCA6B)
    bits = (bits ^ (bits >> 13)) * jnp.uint32(0xC2B2AE35)
    bits = bits ^ (bits >> 16)
    return (bits >> 8).astype(jnp.float32) * jnp.float32(2**-24)


def sample(key: PRNGKeyArray, log_probs: Float[Array, " A"]) -> Int[Array, ""]:
    """An action with these log-probabilities, by inversion. The key is consumed; it must come from a split."""
    probs = jnp.exp(log_probs.astype(jnp.float32))
    size = len(probs)
    if size == 2:
        return (uniform(key) * (probs[0] + probs[1]) >= probs[0]).astype(jnp.int32)
    upto = probs @ np.triu(np.ones((size, size), np.float32))  # running sums; a library cumsum costs more at this size
    # u < 1, so u * total stays below the total and an action of probability 0 is never the first to exceed it
    return jnp.sum(upto <= uniform(key) * upto[-1]).astype(jnp.int32)


def choose(
    key: PRNGKeyArray, log_probs: Float[Array, " A"], value: Float[Array, ""], given: Int[Array, ""] | None
) -> tuple[Int[Array, ""], Choice]:
    """Takes the given action, or samples one, and reports it as a policy's extras. The key is consumed."""
    action = sample(key, log_probs) if given is None else given
    taken = jnp.where(jnp.arange(len(log_probs)) == action, log_probs, 0.0)  # fuses, where a gather would not
    return action, Choice(jnp.sum(taken), log_probs, entropy(log_probs), value)


def choose_of_two(
    key: PRNGKeyArray, logit: Float[Array, ""], legal: Bool[Array, "2"], given: Int[Array, ""] | None
) -> tuple[Int[Array, ""], Choice]:
    """`choose` between two actions with the logits (logit, 0), without value; half the work. The key is consumed."""
    lowest = jnp.finfo(logit.dtype).min
    both = jnp.stack([jax.nn.log_sigmoid(logit), jax.nn.log_sigmoid(-logit)])
    log_probs = jnp.where(legal, jnp.where(legal.all(), both, 0.0), lowest)
    action = sample(key, log_probs) if given is None else given
    of_action = jax.nn.log_sigmoid(jnp.where(action == 0, logit, -logit))  # all that a replay needs to compute
    log_prob = jnp.where(legal.all(), of_action, 0.0)
    return action, Choice(log_prob, log_probs, entropy(log_probs), jnp.zeros(()))
