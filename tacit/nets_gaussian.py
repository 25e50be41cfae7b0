"""Normally distributed actions: real numbers drawn around what a network aims at.

    a ~ N(mean(x), diag(std)^2),    log std a vector of its own, the same whatever is seen

All numbers of an action are independent, so log-densities and entropies are sums over them. Actions are of any size: a
game that wants them within bounds squashes them itself.

Source: the public code of Lu et al. 2023, Adversarial Cheap Talk (log std begins at 0 and is clipped to [-10, 2]).
"""

import functools
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from tacit import nets
from tacit.errors import Misfit
from tacit.types import Carry, Discrete, Draw, Policy, Real, Spec

LEAST, MOST = -10.0, 2.0  # of the log of a standard deviation
PER_NUMBER = 0.5 * math.log(2 * math.pi)  # of a log-density


class Gaussian(eqx.Module):
    """Means and a value from what one player sees, and standard deviations that do not depend on it."""

    net: nets.ActorCritic
    log_std: Float[Array, " A"]


def actor_critic(key: PRNGKeyArray, spec: Spec, hidden: int, recurrent: bool, rule: str, **shape: Any) -> Gaussian:
    """A `Gaussian` for one player of a game, its means near 0 and its standard deviations 1. The key is consumed.

    Args:
        shape: what else `nets.actor_critic` may be told.

    Raises:
        Misfit: an action is something else than one row of numbers of any size.
    """
    space = spec.action
    if not isinstance(space, Real) or len(space.shape) != 1 or math.isfinite(space.low) or math.isfinite(space.high):
        raise Misfit(f"{rule} draws one row of real numbers without bounds, and this game asks for {space}")
    numbers = space.shape[0]
    net = nets.actor_critic(key, spec._replace(action=Discrete(numbers)), hidden, recurrent, rule, **shape)
    return Gaussian(net, jnp.zeros(numbers))


def log_density(action: Float[Array, " A"], mean: Float[Array, " A"], log_std: Float[Array, " A"]) -> Float[Array, ""]:
    """Log-density of an action, in nats."""
    return -jnp.sum(0.5 * jnp.square((action - mean) * jnp.exp(-log_std)) + log_std + PER_NUMBER)


def entropy(log_std: Float[Array, " A"]) -> Float[Array, ""]:
    """Differential entropy in nats."""
    return jnp.sum(log_std + 0.5 + PER_NUMBER)


@functools.cache
def policy(*memory: int, guessing: bool = False) -> Policy:
    """The policy whose parameters are a `Gaussian` with a memory of this shape, if any.

    Args:
        guessing: its extras are a pair, and the second of it the logits of its guesses.
    """
    plain = nets.policy(*memory)

    def act(
        key: PRNGKeyArray, params: Any, carry: Carry, obs: PyTree, legal: Array, fresh: Array, given: Any = None
    ) -> tuple[Carry, Array, PyTree]:
        del legal
        carry = jax.tree.map(lambda leaf: jnp.where(fresh, 0.0, leaf), carry)
        carry, mean, value, *guesses = (params.net.guessing if guessing else params.net)(obs, carry)
        log_std = jnp.clip(params.log_std, LEAST, MOST)
        action = mean + jnp.exp(log_std) * jax.random.normal(key, mean.shape) if given is None else given
        draw = Draw(log_density(action, mean, log_std), mean, entropy(log_std), value)
        return carry, action, (draw, *guesses) if guessing else draw

    return Policy(plain.init_carry, act)
