"""Gradient steps through Optax."""

import jax
import optax
from jaxtyping import Array, Float, PyTree

from tacit.types import Params


def adam(
    lr: Float[Array, ""] | float, *, eps: Float[Array, ""] | float = 1e-5, max_norm: Float[Array, ""] | float = 0.5
) -> optax.GradientTransformation:
    """Adam behind a clip of the gradient's global norm."""
    return optax.chain(optax.clip_by_global_norm(max_norm), optax.adam(lr, eps=eps))


def descend(
    optimizer: optax.GradientTransformation, gradient: PyTree, state: PyTree, params: Params
) -> tuple[Params, PyTree]:
    """One step down the gradient. Optax mixes whole and real numbers, so it runs under standard promotion."""
    with jax.numpy_dtype_promotion("standard"):
        changes, state = optimizer.update(gradient, state, params)
        return optax.apply_updates(params, changes), state
