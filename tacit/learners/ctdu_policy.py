"""How players of the phone booth maze act while they find the telephone, while they use it, and when they execute.

They are two recurrent networks of values of moves, and of one number that the sender says when it hints.
"""

import functools
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, PyTree

from tacit import nets
from tacit.games.channel import discretize, regularize
from tacit.games.phone_booth import HINT_DOWN, MOVES
from tacit.nets_speaker import CNet, Form, Memory
from tacit.ops import categorical
from tacit.types import Action, Carry, Params, Policy, Spec

PLAYERS = 2
CHOOSE = -1  # stands for a move that is not given


class Stage(NamedTuple):
    """How players act, leaves `[]` or `[P]`.

    Attributes:
        temperature: of the softmax over Q.
        epsilon: share of random moves.
        noise: on what is said.
        says: what is said is the network's own, and not the hint.
        executes: moves are the best, and messages bits.
    """

    temperature: Float[Array, "*P"]
    epsilon: Float[Array, "*P"]
    noise: Float[Array, "*P"]
    says: Bool[Array, "*P"]
    executes: Bool[Array, "*P"]


class Talker(NamedTuple):
    """The parameters of a player's policy: its network, which player it is, and how it acts."""

    net: CNet
    seat: Float[Array, " P"]
    stage: Stage


class Outputs(NamedTuple):
    """The extras of a policy: values of moves, their probabilities in play, and the message before noise."""

    values: Float[Array, " A"]
    probs: Float[Array, " A"]
    message: Float[Array, " bits"]


@functools.cache
def policy_of(hidden: int) -> Policy:
    """The policy whose parameters are a `Talker`. Of given moves, it makes its own in place of `CHOOSE`."""

    def init_carry() -> Memory:
        return Memory(jnp.zeros((1, hidden)), jnp.int32(len(MOVES)), jnp.int32(0))

    def act(
        key: PRNGKeyArray, params: Any, carry: Carry, obs: PyTree, legal: Any, fresh: Array, given: Any = None
    ) -> tuple[Memory, Action, Outputs]:
        del legal
        stage: Stage = params.stage
        carry = jax.tree.map(lambda empty, kept: jnp.where(fresh, empty, kept), init_carry(), carry)
        told = [obs.view, obs.received, params.seat, jax.nn.one_hot(carry.move, len(MOVES) + 1)]
        memory, out = params.net(jnp.concatenate(told), obs.message, carry.hidden)
        values, said = out[: len(MOVES)], out[len(MOVES) :]
        move_key, message_key = jax.random.split(key)
        probs = (1 - stage.epsilon) * jax.nn.softmax(values / stage.temperature) + stage.epsilon / len(MOVES)
        drawn = categorical.sample(move_key, jnp.log(probs))
        move = jnp.where(stage.executes, jnp.argmax(values).astype(jnp.int32), drawn)
        move = move if given is None else jnp.where(given.move == CHOOSE, move, given.move)
        own = jnp.where(stage.executes, discretize(said), regularize(message_key, said, stage.noise))
        hint = (move == HINT_DOWN)[None].astype(own.dtype)
        action = Action(move, jnp.where(stage.says, own, hint))
        return Memory(memory, move, carry.message), action, Outputs(values, probs, said)

    return Policy(init_carry, act)


def talkers(net: Params, stage: Stage) -> Talker:
    """Both players, leaves `[P, ...]`."""
    return Talker(net, jnp.eye(PLAYERS), jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (PLAYERS,)), stage))


def drawn(key: PRNGKeyArray, spec: Spec, hidden: int) -> Params:
    """Both players' first networks. The key is consumed."""
    form = Form(PLAYERS, len(MOVES), 1, 1, False, hidden, 1)
    shapes = eqx.filter_eval_shape(CNet, 1 + spec.observation.view.shape[0], form)
    net: Any = jax.vmap(functools.partial(nets.drawn, module=shapes))(jax.random.split(key, PLAYERS))
    quiet = net.head[1].weight.at[:, : len(MOVES)].mul(0.01)  # so that play begins nearly uniform
    return eqx.tree_at(lambda x: x.head[1].weight, net, quiet)


def copied(now: Bool[Array, ""], new: PyTree, old: PyTree) -> PyTree:
    """The new networks, if now is the time, or else the old ones."""
    return jax.tree.map(lambda new, old: jnp.where(now, new, old), new, old)


def followed(slow: Params, net: Params, step: Float[Array, ""] | float) -> Params:
    """The networks that judge, a step (a share of the way) nearer to those that learn."""
    return jax.tree.map(lambda old, new: old + step * (new - old), slow, net)
