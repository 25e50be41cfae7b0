"""Shuffling a batch into minibatches."""

import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray, PyTree

from tacit.errors import SettingError


def shuffled(key: PRNGKeyArray, batch: PyTree, count: int, axis: int) -> PyTree:
    """`batch` permuted along an axis and cut into `count` equal parts along it.

    Args:
        key: consumed.
        batch: every leaf has the same size, a multiple of `count`, along `axis`.

    Returns:
        Leaves with a new leading axis of size `count`.

    Raises:
        SettingError: `count` does not divide the size.
    """
    size = jax.tree.leaves(batch)[0].shape[axis]
    if size % count:
        raise SettingError(f"minibatches must divide the batch of {size}, got {count}")
    # one sort of random numbers; that two of them are equal, and so keep their order, changes nothing here
    order = jnp.argsort(jax.random.bits(key, (size,))).reshape(count, size // count)
    return jax.vmap(lambda part: jax.tree.map(lambda leaf: leaf.take(part, axis=axis), batch))(order)
