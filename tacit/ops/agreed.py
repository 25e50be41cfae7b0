"""Branches of runs side by side: one that all take together is not computed both ways."""

from typing import Any

import jax
from jaxtyping import Array, Bool


@jax.custom_batching.custom_vmap
def agreed(flag: Bool[Array, ""]) -> Bool[Array, ""]:
    """A flag that is equal in all runs side by side: a branch on it stays a branch, where both would be computed."""
    return flag


@agreed.def_vmap
def _(size: int, batched: Any, flags: Bool[Array, "..."]) -> tuple[Array, bool]:
    del size, batched
    return flags.all(), False
