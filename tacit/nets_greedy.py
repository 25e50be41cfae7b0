"""Action values with or without a memory, and the policy that takes the best action but for a share of random ones."""

import functools
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, PyTree

from tacit import nets
from tacit.nets import affine, remember
from tacit.ops import categorical
from tacit.types import Carry, Choice, Policy, Spec


class Remembered(NamedTuple):
    """What a player keeps from step to step: its memory, if any, and its share of random moves in this episode."""

    memory: PyTree
    epsilon: Float[Array, ""]


class Thought(NamedTuple):
    """What a network makes of what a player sees: the values of all actions, and the logits of all guesses."""

    values: Float[Array, " A"]
    guesses: Float[Array, " m"]


class RecurrentValues(eqx.Module):
    """Q of every action from what one player sees: two layers, each normalized and rectified, then one more.

    With a memory, a GRU stands between the two. What is not seen (`Game.guesses`) is guessed from where Q is read off.
    """

    first: eqx.nn.Linear
    memory: eqx.nn.GRUCell | None
    second: eqx.nn.Linear
    values: eqx.nn.Linear
    guess: eqx.nn.Linear | None

    def __init__(self, inputs: int, actions: int, hidden: int, recurrent: bool, guesses: int) -> None:
        key = jax.random.key(0)  # the leaves are drawn by `nets.drawn`
        self.first, self.second = eqx.nn.Linear(inputs, hidden, key=key), eqx.nn.Linear(hidden, hidden, key=key)
        self.memory = eqx.nn.GRUCell(hidden, hidden, key=key) if recurrent else None
        self.values = eqx.nn.Linear(hidden, actions, key=key)
        self.guess = eqx.nn.Linear(hidden, guesses, key=key) if guesses else None

    def __call__(self, obs: PyTree, memory: PyTree) -> tuple[PyTree, Thought]:
        x = jax.nn.relu(jax.nn.standardize(affine(self.first, nets.flatten(obs)), epsilon=1e-5))
        if self.memory is not None:
            x = memory = remember(self.memory, x, memory)
        x = jax.nn.relu(jax.nn.standardize(affine(self.second, x), epsilon=1e-5))
        guesses = jnp.zeros(0) if self.guess is None else affine(self.guess, x)
        return memory, Thought(affine(self.values, x), guesses)


class Explorer(NamedTuple):
    """The parameters of a policy by action values.

    Attributes:
        net: the action values.
        epsilon: share of random moves.
        spread: in each episode that share is epsilon ** (1 + spread u), u uniform in [0, 1).
    """

    net: RecurrentValues
    epsilon: Float[Array, ""]
    spread: Float[Array, ""]


def values(key: PRNGKeyArray, spec: Spec, hidden: int, recurrent: bool, guesses: int, rule: str) -> RecurrentValues:
    """A network of action values for one player of a game, with so many logits of guesses. The key is consumed.

    Raises:
        Misfit: the game's actions are not one choice among several.
    """
    shapes = eqx.filter_eval_shape(RecurrentValues, *nets.ends(spec, rule), hidden, recurrent, guesses)
    return nets.drawn(key, shapes)


def best(values: Float[Array, " A"], legal: Bool[Array, " A"]) -> Bool[Array, " A"]:
    """Which action is the best legal one, true once; of equally good ones, the first."""
    return jnp.arange(len(values)) == jnp.argmax(jnp.where(legal, values, jnp.finfo(values.dtype).min))


@functools.cache
def policy(*memory: int) -> Policy:
    """The policy whose parameters are an `Explorer` with a memory of this shape, if any."""

    def act(
        key: PRNGKeyArray, params: Any, carry: Carry, obs: PyTree, legal: Array, fresh: Array, given: Any = None
    ) -> tuple[Carry, Array, Choice]:
        after, (values, _) = params.net(obs, _cleared(carry.memory, fresh))
        drawn = params.epsilon ** (1.0 + params.spread * categorical.uniform(jax.random.fold_in(key, 0)))
        epsilon = jnp.where(fresh, drawn, carry.epsilon)
        greedy = best(values, legal)
        probs = epsilon * legal / legal.sum() + (1.0 - epsilon) * greedy
        log_probs = jnp.where(probs > 0, jnp.log(jnp.where(probs > 0, probs, 1.0)), jnp.finfo(probs.dtype).min)
        action, choice = categorical.choose(key, log_probs, jnp.sum(jnp.where(greedy, values, 0.0)), given)
        return Remembered(after, epsilon), action, choice

    return Policy(lambda: Remembered(_empty(memory), jnp.zeros(())), act)


@functools.cache
def judge(*memory: int) -> Policy:
    """What stands in for `policy` where games are gone through again.

    Its parameters are a network, its carry the memory alone, its extras a `Thought`.
    """

    def act(
        key: PRNGKeyArray, params: Any, carry: Carry, obs: PyTree, legal: Array, fresh: Array, given: Any = None
    ) -> tuple[Carry, Any, Thought]:
        del key, legal
        after, thought = params(obs, _cleared(carry, fresh))
        return after, given, thought

    return Policy(functools.partial(_empty, memory), act)


def _empty(memory: tuple[int, ...]) -> PyTree:
    return jnp.zeros(memory) if memory else ()


def _cleared(memory: PyTree, fresh: Array) -> PyTree:
    return jax.tree.map(lambda leaf: jnp.where(fresh, 0.0, leaf), memory)
