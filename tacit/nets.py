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
from tacit.types import Carry, Discrete, Policy, Real, Spec


def flatten(obs: PyTree) -> Float[Array, " n"]:
    """All that one player sees, as one vector."""
    return jnp.concatenate([jnp.ravel(leaf).astype(float) for leaf in jax.tree.leaves(obs)])


def ends(spec: Spec, rule: str) -> tuple[int, int]:
    """How many numbers one player sees, and how many actions it has: the two ends of its network.

    Raises:
        Misfit: the game's actions are not one choice among several.
    """
    if not isinstance(spec.action, Discrete):
        raise Misfit(f"{rule} needs discrete actions, and this game has {spec.action}")
    seen = jax.tree.leaves(spec.observation, is_leaf=lambda tree: isinstance(tree, Real))
    return sum(math.prod(space.shape) for space in seen), spec.action.n


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


def affine(layer: eqx.nn.Linear, x: Float[Array, " n"]) -> Float[Array, " m"]:
    """The layer's output.

    Mapped over many inputs this is a product of rows; the layer itself makes one of columns, whose result must then be
    turned over, which takes as long again.
    """
    assert layer.bias is not None
    return x @ layer.weight.T + layer.bias


def remember(cell: eqx.nn.GRUCell, x: Float[Array, " n"], memory: Float[Array, " hidden"]) -> Float[Array, " hidden"]:
    """A GRU's next memory. It is what the cell returns, by products of rows (see `affine`)."""
    assert cell.bias is not None
    assert cell.bias_n is not None
    new = jnp.split(x @ cell.weight_ih.T + cell.bias, 3)
    old = jnp.split(memory @ cell.weight_hh.T, 3)
    reset, stay = jax.nn.sigmoid(new[0] + old[0]), jax.nn.sigmoid(new[1] + old[1])
    fresh = jnp.tanh(new[2] + reset * (old[2] + cell.bias_n))
    return fresh + stay * (memory - fresh)


def feed(layers: tuple[eqx.nn.Linear, ...], x: Float[Array, " n"], relu: bool = False) -> Float[Array, " m"]:
    """Runs layers one after another, tanh (or ReLU) between them."""
    return affine(layers[-1], through(layers[:-1], x, relu))


def through(layers: tuple[eqx.nn.Linear, ...], x: Float[Array, " n"], relu: bool = False) -> Float[Array, " m"]:
    """Runs layers one after another, tanh (or ReLU) after each."""
    for layer in layers:
        x = jax.nn.relu(affine(layer, x)) if relu else jnp.tanh(affine(layer, x))
    return x


class ActorCritic(eqx.Module):
    """Action logits and a value from what one player sees, through a GRU where it has a memory.

    Without memory: two perceptrons of two hidden layers, of which the first `trunk` are one and the same. With it:
    embedding, GRU, then two heads of one hidden layer (of none, on a `trunk` of two layers before the GRU). Where it
    also guesses what is not seen (`Game.guesses`), it does so from the actor's last hidden layer, so that what a guess
    needs is there for the choice of an action.
    """

    actor: tuple[eqx.nn.Linear, ...]
    critic: tuple[eqx.nn.Linear, ...]
    embed: tuple[eqx.nn.Linear, ...]
    memory: eqx.nn.GRUCell | None
    guess: eqx.nn.Linear | None
    relu: bool = eqx.field(static=True)

    def __init__(
        self,
        inputs: int,
        actions: int,
        hidden: int,
        recurrent: bool,
        trunk: int = 0,
        guesses: int = 0,
        relu: bool = False,
    ) -> None:
        key = jax.random.key(0)  # the leaves are drawn by `drawn`

        def layers(*sizes: int) -> tuple[eqx.nn.Linear, ...]:
            return tuple(eqx.nn.Linear(i, o, key=key) for i, o in itertools.pairwise(sizes))

        together = max(trunk, int(recurrent))
        body = (hidden if together else inputs, *(hidden,) * (2 - together))
        self.actor, self.critic = layers(*body, actions), layers(*body, 1)
        self.embed = layers(inputs, *(hidden,) * together)
        self.memory = eqx.nn.GRUCell(hidden, hidden, key=key) if recurrent else None
        self.guess = eqx.nn.Linear(hidden, guesses, key=key) if guesses else None
        self.relu = relu

    def __call__(self, obs: PyTree, carry: Carry) -> tuple[Carry, Float[Array, " A"], Float[Array, ""]]:
        return self.guessing(obs, carry)[:3]

    def guessing(
        self, obs: PyTree, carry: Carry
    ) -> tuple[Carry, Float[Array, " A"], Float[Array, ""], Float[Array, " guesses"]]:
        """The same, and the logits of all guesses."""
        x = through(self.embed, flatten(obs), self.relu)
        if self.memory is not None:
            x = carry = remember(self.memory, x, carry)
        acting = through(self.actor[:-1], x, self.relu)
        guesses = jnp.zeros(0) if self.guess is None else affine(self.guess, acting)
        return carry, affine(self.actor[-1], acting), feed(self.critic, x, self.relu)[0], guesses


def actor_critic(
    key: PRNGKeyArray,
    spec: Spec,
    hidden: int,
    recurrent: bool,
    rule: str,
    trunk: int = 0,
    guesses: int = 0,
    relu: bool = False,
) -> ActorCritic:
    """An `ActorCritic` for one player of a game, with so many logits of guesses. The key is consumed.

    Raises:
        Misfit: the game's actions are not one choice among several.
    """
    shapes = eqx.filter_eval_shape(ActorCritic, *ends(spec, rule), hidden, recurrent, trunk, guesses, relu)
    net = drawn(key, shapes)
    quiet = 0.01 * net.actor[-1].weight  # so that play begins nearly uniform
    return eqx.tree_at(lambda x: x.actor[-1].weight, net, quiet)


@functools.cache
def policy(*memory: int, guessing: bool = False) -> Policy:
    """The policy whose parameters are a network with a memory of this shape, if any.

    Networks of equal memory have the same policy, and so share programs.

    Args:
        guessing: its extras are a pair, and the second of it the logits of an `ActorCritic`'s guesses.
    """

    def init_carry() -> Carry:
        return jnp.zeros(memory) if memory else ()

    def act(
        key: PRNGKeyArray, params: Any, carry: Carry, obs: PyTree, legal: Array, fresh: Array, given: Any = None
    ) -> tuple[Carry, Array, PyTree]:
        carry = jax.tree.map(lambda leaf: jnp.where(fresh, 0.0, leaf), carry)
        carry, logits, value, *guesses = (params.guessing if guessing else params)(obs, carry)
        action, choice = categorical.choose(key, categorical.log_probs(logits, legal), value, given)
        return carry, action, (choice, *guesses) if guessing else choice

    return Policy(init_carry, act)
