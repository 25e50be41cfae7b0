"""A recurrent network for players who say numbers, and hear what the others said at the step before.

With memory h of the step before, messages v_j (and signatures k_j) that the others sent then, and whether they did,
g_j in {0, 1}, a player i hears

    mean         c = sum_{j != i} g_j v_j / (P - 1)                                        (CommNet, IC3Net)
    attention    c = sum_j a_j v_j,  a = softmax over j with g_j = 1 of (q . k_j / sqrt d),  q = W_q h    (TarMAC)
    none         c = 0

and then x = tanh(W [o, i]) + C c,  h' = GRU(x, h); moves, talk, value and what it says are read from h'.

Source: Sukhbaatar et al. 2016 (CommNet), Singh et al. 2018 (IC3Net), Das et al. 2019 (TarMAC). Departure: a GRU.
"""

import functools
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from tacit import nets
from tacit.ops import categorical
from tacit.types import Action, Carry, Choice, Policy

POOLS = ("mean", "attention", "none")


class Form(NamedTuple):
    """All that a policy's program depends on."""

    players: int
    moves: int
    pool: str
    gate: bool
    hidden: int
    signature: int = 0  # 0 where nobody attends
    value: int = 0  # 0 where nobody hears

    @property
    def width(self) -> int:
        """Numbers of a message: whether it was sent, the sender's signature, what it says."""
        return 1 + self.signature + self.value


class Communicator(eqx.Module):
    """The network; a layer that the form has no use for is None."""

    embed: eqx.nn.Linear
    memory: eqx.nn.GRUCell
    actor: tuple[eqx.nn.Linear, eqx.nn.Linear]
    critic: tuple[eqx.nn.Linear, eqx.nn.Linear]
    says: eqx.nn.Linear | None
    query: eqx.nn.Linear | None
    hears: eqx.nn.Linear | None

    def __init__(self, seen: int, form: Form) -> None:
        key, units = jax.random.key(0), form.hidden  # the leaves are drawn by `nets.drawn`
        layer = functools.partial(eqx.nn.Linear, key=key)
        self.embed = layer(seen + form.players, units)
        self.memory = eqx.nn.GRUCell(units, units, key=key)
        self.actor = (layer(units, units), layer(units, form.moves + 2 * form.gate))
        self.critic = (layer(units, units), layer(units, 1))
        self.says = layer(units, form.signature + form.value) if form.value else None
        self.query = layer(units, form.signature) if form.signature else None
        self.hears = layer(form.value, units, use_bias=False) if form.value else None

    def sees(self, view: PyTree, seat: Float[Array, " P"]) -> Float[Array, " units"]:
        """What the player in this seat (one-hot) makes of what the game shows it."""
        return jnp.tanh(nets.affine(self.embed, jnp.concatenate([nets.flatten(view), seat])))

    def remember(
        self,
        x: Float[Array, " units"],
        messages: Float[Array, "P width"],
        seat: Float[Array, " P"],
        hidden: Float[Array, " units"],
        form: Form,
    ) -> Float[Array, " units"]:
        """The next memory of the player in this seat, from what it sees (`sees`) and hears."""
        if self.hears is not None:
            heard = self.shares(messages, seat, hidden, form) @ messages[:, 1 + form.signature :]
            x = x + heard @ self.hears.weight.T
        return nets.remember(self.memory, x, hidden)

    def shares(
        self, messages: Float[Array, "P width"], seat: Float[Array, " P"], hidden: Float[Array, " units"], form: Form
    ) -> Float[Array, " P"]:
        """How much of each player's message is in what the player in this seat hears; 0 of one that was not sent."""
        sent = messages[:, 0] > 0
        if self.query is None:
            return jnp.where(sent, 1.0 - seat, 0.0) / (form.players - 1)
        scores = messages[:, 1 : 1 + form.signature] @ nets.affine(self.query, hidden) / form.signature**0.5
        return softmax_of(scores, sent)

    def message(self, hidden: Float[Array, " units"], talks: Bool[Array, ""], form: Form) -> Float[Array, " width"]:
        """What is sent by a player with this (new) memory; all 0 if it is silent."""
        if self.says is None:
            return jnp.zeros(form.width)
        said = jnp.concatenate([jnp.ones(1), nets.affine(self.says, hidden)])
        return jnp.where(talks, said, 0.0)


def softmax_of(scores: Float[Array, " n"], among: Bool[Array, " n"]) -> Float[Array, " n"]:
    """Softmax over some of the scores, 0 elsewhere; all 0 where there are none. Derivatives are finite everywhere."""
    highest = jax.lax.stop_gradient(jnp.max(jnp.where(among, scores, -jnp.inf), initial=jnp.finfo(scores.dtype).min))
    weight = jnp.where(among, jnp.exp(jnp.where(among, scores - highest, 0.0)), 0.0)
    return weight / jnp.maximum(weight.sum(), 1.0)  # the largest weight is 1, if there is any


def drawn(key: PRNGKeyArray, seen: int, form: Form) -> Communicator:
    """A network for players who see so many numbers. The key is consumed."""
    net: Any = nets.drawn(key, eqx.filter_eval_shape(Communicator, seen, form))
    quiet = 0.01 * net.actor[-1].weight  # so that play begins nearly uniform
    return eqx.tree_at(lambda x: x.actor[-1].weight, net, quiet)


class Player(NamedTuple):
    """The parameters of a policy: the network that all share, and which player it is, one of P."""

    net: Communicator
    seat: Float[Array, " P"]


def number_of(action: Action, form: Form) -> Int[Array, "*n"]:
    """The choice that was taken, by its number: 2 move + talk where there is a gate, else the move."""
    talks = (action.message[..., 0] > 0).astype(action.move.dtype)
    return 2 * action.move + talks if form.gate else action.move


def talks_in(number: Int[Array, "*n"], form: Form) -> Bool[Array, "*n"]:
    """Whether who makes this choice talks."""
    return number % 2 == 1 if form.gate else jnp.ones_like(number, bool)


def choose(
    key: PRNGKeyArray, net: Communicator, hidden: Float[Array, " units"], legal: Action, given: Any, form: Form
) -> tuple[Int[Array, ""], Choice]:
    """The choice of a player with this (new) memory, by its number. The key is consumed."""
    logits, may = nets.feed(net.actor, hidden), legal.move
    if form.gate:
        moves, talk = logits[: form.moves], logits[form.moves :]
        logits, may = (moves[:, None] + talk[None]).ravel(), jnp.repeat(may, 2)
    value = nets.feed(net.critic, hidden)[0]
    return categorical.choose(key, categorical.log_probs(logits, may), value, given)


@functools.cache
def policy_of(form: Form) -> Policy:
    """The policy whose parameters are a `Player`, in a game with a line (`tacit.games.wired`).

    It makes one choice, of a move and, with a gate, of talk or silence. What is given may be a whole action, of which
    the numbers said are not read, or the number of a choice.
    """

    def init_carry() -> Carry:
        return jnp.zeros(form.hidden)

    def act(
        key: PRNGKeyArray, params: Any, carry: Carry, obs: PyTree, legal: Any, fresh: Array, given: Any = None
    ) -> tuple[Carry, Action, Choice]:
        net, seat = params
        hidden = jnp.where(fresh, 0.0, carry)
        hidden = net.remember(net.sees(obs.view, seat), obs.messages, seat, hidden, form)
        number = number_of(given, form) if isinstance(given, Action) else given
        number, choice = choose(key, net, hidden, legal, number, form)
        message = net.message(hidden, talks_in(number, form), form)
        return hidden, Action(number // 2 if form.gate else number, message), choice

    return Policy(init_carry, act)
