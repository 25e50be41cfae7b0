"""A network of action values, and the policy that draws actions in proportion to exp(Q / T)."""

import functools
import itertools
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, PyTree

from tacit import nets
from tacit.nets import affine
from tacit.ops import categorical
from tacit.types import Carry, Choice, Policy, Spec


class ActionValues(eqx.Module):
    """Q of every action from what one player sees: two hidden layers, each normalized and rectified."""

    layers: tuple[eqx.nn.Linear, ...]

    def __init__(self, inputs: int, actions: int, hidden: int) -> None:
        key = jax.random.key(0)  # the leaves are drawn by `nets.drawn`
        self.layers = tuple(
            eqx.nn.Linear(i, o, key=key) for i, o in itertools.pairwise((inputs, hidden, hidden, actions))
        )

    def __call__(self, obs: PyTree) -> Float[Array, " A"]:
        return self.rest(affine(self.layers[0], nets.flatten(obs)))

    def rest(self, x: Float[Array, " hidden"]) -> Float[Array, " A"]:
        """Q from what comes out of the first layer, which is linear."""
        for layer in self.layers[1:]:
            x = affine(layer, jax.nn.relu(normalized(x)))
        return x


def normalized(x: Float[Array, " n"]) -> Float[Array, " n"]:
    """The same numbers with mean 0 and variance 1."""
    centered = x - x.mean()
    return centered * jax.lax.rsqrt(jnp.square(centered).mean() + 1e-5)


class Soft(NamedTuple):
    """The parameters of a policy that follows action values.

    Attributes:
        net: the network.
        temperature: T in units of Q.
        doubt: the share of its moves that whoever reads them takes for random ones; none, unless given.
    """

    net: ActionValues
    temperature: Float[Array, ""]
    doubt: Float[Array, ""] | None = None


def action_values(key: PRNGKeyArray, spec: Spec, hidden: int, rule: str) -> ActionValues:
    """An `ActionValues` network for one player of a game. The key is consumed.

    Raises:
        Misfit: the game's actions are not one choice among several.
    """
    return nets.drawn(key, eqx.filter_eval_shape(ActionValues, *nets.ends(spec, rule), hidden))


def soft_value(params: Soft, obs: PyTree, legal: Bool[Array, " A"]) -> tuple[Float[Array, ""], Float[Array, " A"]]:
    """Expected Q of the policy, and the log-probabilities of its actions."""
    values = params.net(obs)
    log_probs = categorical.log_probs(values / params.temperature, legal)
    return jnp.sum(jnp.exp(log_probs) * values), log_probs


@functools.cache
def policy() -> Policy:
    """The policy with parameters `Soft`: it draws from softmax(Q / T) over the legal actions and remembers nothing."""

    def init_carry() -> Carry:
        return ()

    def act(
        key: PRNGKeyArray, params: Any, carry: Carry, obs: PyTree, legal: Array, fresh: Array, given: Any = None
    ) -> tuple[Carry, Array, Choice]:
        del fresh
        value, log_probs = soft_value(params, obs, legal)
        action, choice = categorical.choose(key, log_probs, value, given)
        return carry, action, choice

    return Policy(init_carry, act)
