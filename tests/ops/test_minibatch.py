"""Minibatches: everything once, nothing twice, whole rows together."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit.errors import SettingError
from tacit.ops.minibatch import shuffled

cut = jax.jit(shuffled, static_argnums=(2, 3))


@pytest.mark.parametrize("count", [1, 3, 12])
@pytest.mark.parametrize("axis", [0, 1])
def test_every_index_occurs_exactly_once(count, axis, strict):
    index = np.arange(12, dtype=np.int32)[None]
    batch = {"index": index, "wide": 10 * index.repeat(2, axis=0).astype(np.float32)}
    batch = {name: jnp.asarray(leaf.T if axis == 0 else leaf) for name, leaf in batch.items()}
    parts = cut(jax.random.key(0), batch, count, axis)
    size = 12 // count
    assert parts["index"].shape == ((count, size, 1) if axis == 0 else (count, 1, size))
    assert sorted(np.asarray(parts["index"]).ravel().tolist()) == list(range(12))
    wide = np.moveaxis(np.asarray(parts["wide"]), 1 + axis, 1)  # leaves stay side by side
    np.testing.assert_array_equal(wide, 10.0 * np.asarray(parts["index"]).reshape(count, size, 1).repeat(2, axis=2))


def test_orders_differ_and_all_places_are_alike():
    orders = np.asarray(
        jax.jit(jax.vmap(functools.partial(shuffled, batch=jnp.arange(6), count=2, axis=0)))(
            jax.random.split(jax.random.key(0), 6000)
        )
    ).reshape(6000, 6)
    assert len(np.unique(orders, axis=0)) > 700  # of 720
    frequency = np.array([(orders == index).mean(axis=0) for index in range(6)])
    assert np.abs(frequency - 1 / 6).max() < 4 * np.sqrt(5 / 36 / 6000)  # four standard errors of a frequency


def test_a_batch_that_cannot_be_cut_is_refused():
    with pytest.raises(SettingError, match="batch of 12, got 5"):
        shuffled(jax.random.key(0), jnp.zeros((3, 12)), 5, 1)
