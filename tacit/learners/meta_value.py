"""The meta-value: what the future of both players' learning is worth to each, from where their policies stand now.

    U_i(x_0) = E[(1 - g_i) sum_{t >= 0} g_i^t f_i(x_{t+1})]

with x_t the joint logits after t steps of learning, f_i the average reward per round of player i, and g_i its
meta-discount. A network gives `Q` quantiles of it, for every pair of meta-discounts. Each player's policy passes
through the same layers, which then mix it with its meta-discount, and then with what they made of the other's:

    h_i = gelu(N_own gelu(D_policy sigmoid(x_i))),  gelu(D_discount g_i)
    k_i = gelu(N_mix ((1 + a_i) h_i + b_i))
    U_i = D_output tanh(N_last gelu(N_other (k_i, k_j)))

D is affine; N is linear, then standardized over the units, scaled and shifted. The role (a_i, b_i) tells the players
apart; while it is 0, as it begins, they share one function.

Source: Cooijmans et al. 2023 (arXiv 2307.08863), the network and losses of its public code (matrix.ipynb). Departure:
weights begin normal where that code has orthogonal ones.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tacit import nets
from tacit.games.matrix import PLAYERS


class Affine(NamedTuple):
    """An affine layer."""

    weight: Float[Array, "out in"]
    bias: Float[Array, " out"]


class Standardized(NamedTuple):
    """A linear layer, standardized over its units; the scale is 1 + gain."""

    weight: Float[Array, "out in"]
    gain: Float[Array, " out"]
    bias: Float[Array, " out"]


class MetaValue(NamedTuple):
    """The network's parameters, `H` units wide."""

    policy: Affine
    own: Standardized
    discount: Affine
    mix: Standardized
    other: Standardized
    last: Standardized
    output: Affine
    role_gain: Float[Array, "2H 2 1"]
    role_bias: Float[Array, "2H 2 1"]


def init(key: PRNGKeyArray, size: int, hidden: int, quantiles: int) -> MetaValue:
    """A network for policies of `size` logits. The key is consumed."""

    def array(*shape: int) -> Any:
        return jax.ShapeDtypeStruct(shape, float)

    def affine(inputs: int, outputs: int) -> Affine:
        return Affine(array(outputs, inputs), array(outputs))

    def standardized(inputs: int) -> Standardized:
        return Standardized(array(hidden, inputs), array(hidden), array(hidden))

    shapes = MetaValue(
        policy=affine(size, hidden),
        own=standardized(hidden),
        discount=affine(1, hidden),
        mix=standardized(2 * hidden),
        other=standardized(2 * hidden),
        last=standardized(hidden),
        output=affine(hidden, quantiles),
        role_gain=array(2 * hidden, PLAYERS, 1),
        role_bias=array(2 * hidden, PLAYERS, 1),
    )
    return nets.drawn(key, shapes)


def _times(weight: Float[Array, "out in"], x: Float[Array, "in 2 B"]) -> Float[Array, "out 2 B"]:
    return (weight @ x.reshape(len(x), -1)).reshape(-1, *x.shape[1:])


def _affine(layer: Affine, x: Float[Array, "in 2 B"]) -> Float[Array, "out 2 B"]:
    return _times(layer.weight, x) + layer.bias[:, None, None]


def _standardized(layer: Standardized, x: Float[Array, "in 2 B"]) -> Float[Array, "out 2 B"]:
    # Centering the weights centers what they give; and a product with ones sums faster than a sum over the first axis.
    x = _times(layer.weight - layer.weight.mean(0, keepdims=True), x)
    average = jnp.full((1, len(x)), 1 / len(x), x.dtype)
    unit = x * jax.lax.rsqrt(_times(average, jnp.square(x)) + 1e-6)
    return (1 + layer.gain)[:, None, None] * unit + layer.bias[:, None, None]


def features(
    net: MetaValue, logits: Float[Array, "B 2 n"], discount: Float[Array, "B 2"], hold: bool = False
) -> Float[Array, "H 2 B"]:
    """What the last layer of each player reads, between -1 and 1. Batches come last inside: that is fastest.

    Args:
        hold: no gradient passes from a player's features to the other's logits.
    """
    policy, g = jnp.transpose(jax.nn.sigmoid(logits), (2, 1, 0)), discount.T[None]
    own = jax.nn.gelu(_standardized(net.own, jax.nn.gelu(_affine(net.policy, policy))))
    mine = jnp.concatenate([own, jax.nn.gelu(_affine(net.discount, g))])
    mine = jax.nn.gelu(_standardized(net.mix, (1 + net.role_gain) * mine + net.role_bias))
    theirs = mine[:, ::-1]
    both = jnp.concatenate([mine, jax.lax.stop_gradient(theirs) if hold else theirs])
    return jnp.tanh(_standardized(net.last, jax.nn.gelu(_standardized(net.other, both))))


def quantiles(net: MetaValue, seen: Float[Array, "H 2 B"]) -> Float[Array, "Q 2 B"]:
    """Quantiles of the meta-value, from the features."""
    return _affine(net.output, seen)


def mean(net: MetaValue, seen: Float[Array, "H 2 B"]) -> Float[Array, "2 B"]:
    """Mean of the quantiles, from the features."""
    return _affine(Affine(net.output.weight.mean(0, keepdims=True), net.output.bias.mean(0, keepdims=True)), seen)[0]


def ahead(
    net: MetaValue,
    logits: Float[Array, "B 2 n"],
    discount: Float[Array, "B 2"],
    signs: Float[Array, "H 2 B"] | None = None,
) -> Float[Array, "B 2 n"]:
    """Derivative of each player's meta-value by its own logits.

    With the other's features held, the sum over players has just these derivatives: one pass backwards gives both.

    Args:
        signs: 1 or -1 for each of the features, which changes what it finds worth climbing.
    """

    def total(logits: Float[Array, "B 2 n"]) -> Float[Array, ""]:
        seen = features(net, logits, discount, hold=True)
        return mean(net, seen if signs is None else signs * seen).sum()

    return jax.grad(total)(logits)


def targets(
    reward: Float[Array, "T 2 B"],
    after: Float[Array, "T Q 2 B"],
    discount: Float[Array, "2 B"],
    decay: Float[Array, ""] | float,
) -> Float[Array, "T Q 2 B"]:
    """Lambda-returns along a path of learning, a sample of the meta-value for each quantile.

        G_t = (1 - g) r_t + g ((1 - decay) U(x_{t+1}) + decay G_{t+1}),     G_T = U(x_T)

    Args:
        reward: r_t = f(x_{t+1}), what the policies *after* step t bring.
        after: quantiles of U(x_{t+1}), of the slow network.
    """

    def back(later: Float[Array, "Q 2 B"], inputs: tuple[Array, Array]) -> tuple[Array, Array]:
        r_t, u = inputs
        g_t = ((1 - discount) * r_t)[None] + discount[None] * ((1 - decay) * u + decay * later)
        return g_t, g_t

    return jax.lax.scan(back, after[-1], (reward, after), reverse=True)[1]


def quantile_loss(predicted: Float[Array, "Q N"], samples: Float[Array, "M N"]) -> Float[Array, ""]:
    """Quantile regression with Huber's loss: sum over quantiles, mean over samples and cases.

    Source: Dabney et al. 2018, equation 10, with midpoints (q + 1/2) / Q.
    """
    count = len(predicted)
    level = ((jnp.arange(count, dtype=predicted.dtype) + 0.5) / count)[:, None, None]
    miss = samples[None] - predicted[:, None]
    size = jnp.abs(miss)
    huber = jnp.where(size <= 1, 0.5 * jnp.square(size), size - 0.5)
    return jnp.sum(jnp.abs(level - (miss < 0)) * huber) / miss[0].size
