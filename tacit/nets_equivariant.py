"""A network that treats all actions alike: it scores each by what is seen of it, with the same weights.

For a game that shows a row of numbers for each action, `[A, k]`. Rename the actions, and scores and memories are
renamed with them: equal actions stay equal until something happened to one of them. An action hears of the others
through what is pooled over all of them (mean and maximum, by component):

    z_a = (x_a - mean x) / sd x                      what sets the action apart from the others
    e_a = tanh(W [z_a, mean x, pool h])              h_a = GRU(e_a, h_a)  or  tanh(V [e_a, pool e])
    logit_a = actor [h_a, pool h] + w z_a            value = critic pool h

Source: Zaheer et al. 2017 (Deep Sets), section 3, for layers that commute with permutations; the memory per action is
tacit's own.
"""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tacit import nets
from tacit.errors import Misfit
from tacit.types import Carry, Discrete, Real, Spec

LEANING = 0.3  # what the weights w begin with


class Equivariant(eqx.Module):
    """Action logits and a value from a row of numbers for each action, through a GRU for each where it has a memory."""

    embed: eqx.nn.Linear
    body: eqx.nn.GRUCell | eqx.nn.Linear
    actor: tuple[eqx.nn.Linear, ...]
    critic: tuple[eqx.nn.Linear, ...]
    lean: Float[Array, " k"]

    def __init__(self, features: int, hidden: int, recurrent: bool) -> None:
        key = jax.random.key(0)  # the leaves are drawn by `nets.drawn`

        def layers(*sizes: int) -> tuple[eqx.nn.Linear, ...]:
            return tuple(eqx.nn.Linear(i, o, key=key) for i, o in itertools.pairwise(sizes))

        self.embed = eqx.nn.Linear(2 * features + (2 * hidden if recurrent else 0), hidden, key=key)
        self.body = eqx.nn.GRUCell(hidden, hidden, key=key) if recurrent else eqx.nn.Linear(3 * hidden, hidden, key=key)
        self.actor, self.critic = layers(3 * hidden, hidden, 1), layers(2 * hidden, hidden, 1)
        self.lean = jnp.zeros(features)

    def __call__(self, obs: Float[Array, "A k"], carry: Carry) -> tuple[Carry, Float[Array, " A"], Float[Array, ""]]:
        apart = _standardized(obs)
        seen = [apart, jnp.broadcast_to(obs.mean(axis=0), obs.shape)]
        if isinstance(self.body, eqx.nn.GRUCell):
            rows = jax.vmap(self.body)(self._embedded([*seen, _pooled(carry)]), carry)
            carry = rows
        else:
            embedded = self._embedded(seen)
            rows = jnp.tanh(jax.vmap(self.body)(jnp.concatenate([embedded, _pooled(embedded)], axis=1)))
        pooled = _pooled(rows)
        logits = jax.vmap(lambda row: nets.feed(self.actor, row)[0])(jnp.concatenate([rows, pooled], axis=1))
        return carry, logits + apart @ self.lean, nets.feed(self.critic, pooled[0])[0]

    def _embedded(self, parts: list[Array]) -> Float[Array, "A hidden"]:
        return jnp.tanh(jax.vmap(self.embed)(jnp.concatenate(parts, axis=1)))


def _standardized(rows: Float[Array, "A n"]) -> Float[Array, "A n"]:
    """Each column with mean 0 and standard deviation 1, or all 0 where it says the same of every action."""
    return (rows - rows.mean(axis=0, keepdims=True)) * jax.lax.rsqrt(rows.var(axis=0, keepdims=True) + 1e-6)


def _pooled(rows: Float[Array, "A n"]) -> Float[Array, "A m"]:
    """Mean and maximum over actions, the same for each."""
    pooled = jnp.concatenate([rows.mean(axis=0), rows.max(axis=0)])
    return jnp.broadcast_to(pooled, (len(rows), len(pooled)))


def shown(spec: Spec, rule: str) -> tuple[int, int]:
    """How many actions a player has, A, and how many numbers it sees of each, k.

    Raises:
        Misfit: the game does not show a row of numbers for each of several actions.
    """
    seen, taken = spec.observation, spec.action
    if isinstance(seen, Real) and isinstance(taken, Discrete) and len(seen.shape) == 2 and seen.shape[0] == taken.n:
        return taken.n, seen.shape[1]
    needs = "needs a row of numbers for each action where its network is equivariant"
    raise Misfit(f"{rule} {needs}; this game shows {seen} and takes {taken}")


def equivariant(key: PRNGKeyArray, spec: Spec, hidden: int, recurrent: bool, rule: str) -> Equivariant:
    """An `Equivariant` network for one player of a game; its memory is `[A, hidden]`. The key is consumed.

    Other networks here begin with nearly uniform play. This one begins by leaning to actions whose numbers are larger
    than others': where players must do the same and all actions are equal, uniform play is a saddle, and what it is
    left by, a liking for what was done before or a dislike of it, would differ from run to run.

    Raises:
        Misfit: the game does not show a row of numbers for each of several actions.
    """
    net = nets.drawn(key, eqx.filter_eval_shape(Equivariant, shown(spec, rule)[1], hidden, recurrent))
    return eqx.tree_at(lambda x: x.lean, net, jnp.full_like(net.lean, LEANING))
