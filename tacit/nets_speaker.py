"""A recurrent network for players who hear and speak."""

import itertools
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from tacit import nets


class Form(NamedTuple):
    """All that a policy's program depends on."""

    players: int
    moves: int
    bits: int  # of a message that a player sends
    heard: int  # numbers that reach a player in a step
    rial: bool
    hidden: int
    layers: int
    view_layers: int = 0

    @property
    def messages(self) -> int:
        """What the network says of messages: a number for each bit or, in RIAL, the value of each message."""
        return 2**self.bits if self.rial else self.bits


class Memory(NamedTuple):
    """What a player keeps from step to step. Of moves and messages, one more than there are stands for none."""

    hidden: Float[Array, "layers units"]
    move: Int[Array, ""]
    message: Int[Array, ""]  # read by RIAL


class CNet(eqx.Module):
    """Values of moves and what is said, from what a player sees, hears and did, and which player it is.

    What it is told of begins with its view, which goes through layers of its own first, if there are any.
    """

    view: tuple[eqx.nn.Linear, ...]
    inputs: eqx.nn.Linear
    heard: eqx.nn.Linear
    memory: tuple[eqx.nn.GRUCell, ...]
    head: tuple[eqx.nn.Linear, eqx.nn.Linear]

    def __init__(self, seen: int, form: Form) -> None:
        key, units = jax.random.key(0), form.hidden  # the leaves are drawn by `nets.drawn`
        itself = form.players + form.moves + 1 + (form.messages + 1) * form.rial
        sizes = (seen - 1, *form.view_layers * (units,))  # what is seen beside the view is whether a message came
        self.view = tuple(eqx.nn.Linear(i, o, key=key) for i, o in itertools.pairwise(sizes))
        self.inputs = eqx.nn.Linear(sizes[-1] + 1 + itself, units, key=key)
        self.heard = eqx.nn.Linear(form.heard, units, key=key)
        self.memory = tuple(eqx.nn.GRUCell(units, units, key=key) for _ in range(form.layers))
        self.head = (eqx.nn.Linear(units, units, key=key), eqx.nn.Linear(units, form.moves + form.messages, key=key))

    def __call__(
        self, told: Float[Array, " n"], heard: Float[Array, " m"], hidden: Float[Array, "layers units"]
    ) -> tuple[Float[Array, "layers units"], Float[Array, " out"]]:
        if self.view:
            view, rest = jnp.split(told, [self.view[0].weight.shape[1]])
            for layer in self.view:
                view = jax.nn.relu(nets.affine(layer, view))
            told = jnp.concatenate([view, rest])
        x, after = self.inputs(told) + jax.nn.relu(self.heard(heard)), []
        for cell, before in zip(self.memory, hidden, strict=True):
            x = cell(x, before)
            after.append(x)
        return jnp.stack(after), self.head[1](jax.nn.relu(self.head[0](x)))
