"""Evolution strategies: a gradient of fitness from pairs of opposite changes (OpenAI-ES).

    theta_i = theta + sigma z_i,  theta - sigma z_i,    z_i ~ N(0, I)
    g       = 1 / (N sigma) sum_i u_i z_i               over all N members, u the shaped fitness

Source: Salimans et al. 2017, Evolution Strategies as a Scalable Alternative to Reinforcement Learning.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray, PyTree

from tacit.errors import SettingError
from tacit.ops.optimizer import adam, descend


def paired(size: int) -> int:
    """How many pairs a population is.

    Raises:
        SettingError: it is of odd size.
    """
    if size % 2:
        raise SettingError(f"a population is made of pairs, so its size must be even; got {size}")
    return size // 2


def changes(key: PRNGKeyArray, mean: PyTree, size: int) -> PyTree:
    """Standard normal changes of every number in `mean`, leaves `[N, ...]`: the second half opposes the first.

    The key is consumed.
    """
    leaves, form = jax.tree.flatten(mean)
    keys, pairs = jax.random.split(key, len(leaves)), paired(size)
    half = [jax.random.normal(k, (pairs, *leaf.shape)) for k, leaf in zip(keys, leaves, strict=True)]
    return jax.tree.unflatten(form, [jnp.concatenate([z, -z]) for z in half])


def population(mean: PyTree, sigma: Array | float, z: PyTree) -> PyTree:
    """The members, leaves `[N, ...]`."""
    return jax.tree.map(lambda leaf, change: leaf[None] + sigma * change, mean, z)


def decayed(
    first: Array | float, decay: Array | float, floor: Array | float, generation: Int[Array, ""]
) -> Float[Array, ""]:
    """`first * decay^generation`, or `floor` where that is more."""
    return jnp.maximum(first * decay ** generation.astype(float), floor)


def centered_ranks(fitness: Float[Array, " N"]) -> Float[Array, " N"]:
    """Ranks from -0.5, the worst, to 0.5; equal ones share theirs, and what is no number is worst."""
    known = jnp.where(jnp.isnan(fitness), -jnp.inf, fitness)
    mine, other = known[:, None], known[None]
    below = (mine > other).sum(1) + 0.5 * ((mine == other).sum(1) - 1)
    return below / (len(fitness) - 1) - 0.5


def z_scores(fitness: Float[Array, " N"]) -> Float[Array, " N"]:
    """Fitness with mean 0 and variance 1; all 0 where all are equal."""
    known = jnp.where(jnp.isnan(fitness), jnp.nanmin(fitness), fitness)
    apart, std = known - known.mean(), known.std()
    return jnp.where(std > 1e-6 * jnp.abs(known).max(), apart / jnp.maximum(std, 1e-30), 0.0)


def ascent(z: PyTree, shaped: Float[Array, " N"], sigma: Array | float) -> PyTree:
    """The gradient of mean fitness, to be climbed, in the form of `mean`."""
    return jax.tree.map(lambda change: jnp.tensordot(shaped, change, 1) / (len(shaped) * sigma), z)


Trial = Callable[[PRNGKeyArray], tuple[PRNGKeyArray, Callable[[Any], Float[Array, ""]]]]
"""From a generation's key to the key of its changes, and to what a member is worth in it: the same luck for all."""


def climb(
    keys: Key[Array, " G"], mean: PyTree, trial: Trial, pairs: int, sigma: Array | float, lr: Array | float
) -> PyTree:
    """The mean after a generation for each key: by ranks of fitness, and steps of Adam that are not cut."""
    optimizer = adam(lr, max_norm=1e9)

    def generation(carry: Any, key: PRNGKeyArray) -> tuple[Any, None]:
        mean, opt_state = carry
        change_key, worth = trial(key)
        z = changes(change_key, mean, 2 * pairs)
        found = jax.vmap(worth)(population(mean, sigma, z))
        downhill = jax.tree.map(jnp.negative, ascent(z, centered_ranks(found), sigma))
        return descend(optimizer, downhill, opt_state, mean), None

    return jax.lax.scan(generation, (mean, optimizer.init(mean)), keys)[0][0]
