"""A branch that all runs side by side take together is computed one way."""

import jax
import jax.numpy as jnp
import numpy as np

from tacit.ops.agreed import agreed


def test_a_flag_that_all_runs_share_stays_a_branch():
    def step(flag, x):
        return jax.lax.cond(agreed(flag), lambda: x + 1, lambda: x * 2)

    traced = str(jax.make_jaxpr(jax.vmap(step))(jnp.array([True, True]), jnp.ones(2)))
    assert "cond" in traced
    np.testing.assert_array_equal(jax.vmap(step)(jnp.array([False, False]), jnp.ones(2)), [2, 2])
