"""The few networks. Every leaf of a network is an array, so that a learner's state scans, maps and differentiates."""

import functools
import itertools
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from tacit.errors import Misfit
from tacit.ops import categorical
from tacit.types import Carry, Choice, Discrete, Policy, Real, Spec


def flatten(obs: PyTree) -> Float[Array, " n"]:
    """All that one player sees, as one vector."""
    return jnp.concatenate([jnp.ravel(leaf).astype(float) for leaf in jax.tree.leaves(obs)])


def drawn(key: PRNGKeyArray, module: PyTree) -> PyTree:
    """`module` with all its leaves drawn afresh: weights normal with variance 1 / inputs, biases 0.

    All numbers come from one draw: compiling one draw a layer takes longer than many trainings here do. (Orthogonal
    weights, which the PPO literature uses, take several seconds of compilation and made no difference.)

    Args:
        key: consumed.
        module: only the shapes of its leaves are read; weights are `[outputs, inputs]`.
    """
    leaves, form = jax.tree.flatten(module)
    normal = jax.random.normal(key, (sum(math.prod(leaf.shape) for leaf in leaves),))
    filled, used = [], 0
    for leaf in leaves:
        size = math.prod(leaf.shape)
        weights = normal[used : used + size].reshape(leaf.shape)
        filled.append(weights / leaf.shape[1] ** 0.5 if leaf.ndim == 2 else jnp.zeros(leaf.shape))
        used += size
    return jax.tree.unflatten(form, filled)


def feed(layers: tuple[eqx.nn.Linear, ...], x: Float[Array, " n"]) -> Float[Array, " m"]:
    """Runs layers one after another, tanh between them."""
    for layer in layers[:-1]:
        x = jnp.tanh(layer(x))
    return layers[-1](x)


class ActorCritic(eqx.Module):
    """Action logits and a value from what one player sees, through a GRU where it has a memory.

    Without memory: two separate perceptrons of two hidden layers, or, on a `trunk`, of one after a first in common.
    With it: embedding, GRU, then two heads of one.
    """

    actor: tuple[eqx.nn.Linear, ...]
    critic: tuple[eqx.nn.Linear, ...]
    embed: tuple[eqx.nn.Linear, ...]
    memory: eqx.nn.GRUCell | None

    def __init__(self, inputs: int, actions: int, hidden: int, recurrent: bool, trunk: bool = False) -> None:
        key = jax.random.key(0)  # the leaves are drawn by `drawn`

        def layers(*sizes: int) -> tuple[eqx.nn.Linear, ...]:
            return tuple(eqx.nn.Linear(i, o, key=key) for i, o in itertools.pairwise(sizes))

        together = recurrent or trunk
        body = (hidden, hidden) if together else (inputs, hidden, hidden)
        self.actor, self.critic = layers(*body, actions), layers(*body, 1)
        self.embed = layers(inputs, hidden) if together else ()
        self.memory = eqx.nn.GRUCell(hidden, hidden, key=key) if recurrent else None

    def __call__(self, obs: PyTree, carry: Carry) -> tuple[Carry, Float[Array, " A"], Float[Array, ""]]:
        x = flatten(obs)
        if self.embed:
            x = jnp.tanh(self.embed[0](x))
        if self.memory is not None:
            x = carry = self.memory(x, carry)
        return carry, feed(self.actor, x), feed(self.critic, x)[0]


def actor_critic(
    key: PRNGKeyArray, spec: Spec, hidden: int, recurrent: bool, rule: str, trunk: bool = False
) -> ActorCritic:
    """An `ActorCritic` for one player of a game. The key is consumed.

    Raises:
        Misfit: the game's actions are not one choice among several.
    """
    if not isinstance(spec.action, Discrete):
        raise Misfit(f"{rule} needs discrete actions, and this game has {spec.action}")
    seen = jax.tree.leaves(spec.observation, is_leaf=lambda tree: isinstance(tree, Real))
    inputs = sum(math.prod(space.shape) for space in seen)
    shapes = eqx.filter_eval_shape(ActorCritic, inputs, spec.action.n, hidden, recurrent, trunk)
    net = drawn(key, shapes)
    quiet = 0.01 * net.actor[-1].weight  # so that play begins nearly uniform
    return eqx.tree_at(lambda x: x.actor[-1].weight, net, quiet)


@functools.cache
def policy(*memory: int) -> Policy:
    """The policy whose parameters are a network with a memory of this shape, if any.

    Networks of equal memory have the same policy, and so share programs.
    """

    def init_carry() -> Carry:
        return jnp.zeros(memory) if memory else ()

    def act(
        key: PRNGKeyArray, params: Any, carry: Carry, obs: PyTree, legal: Array, fresh: Array, given: Any = None
    ) -> tuple[Carry, Array, Choice]:
        carry = jax.tree.map(lambda leaf: jnp.where(fresh, 0.0, leaf), carry)
        carry, logits, value = params(obs, carry)
        action, choice = categorical.choose(key, categorical.log_probs(logits, legal), value, given)
        return carry, action, choice

    return Policy(init_carry, act)
