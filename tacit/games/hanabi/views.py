"""The view with beliefs from the canonical one, so that policies of either can play at one table."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tacit.games.hanabi.observation import sections
from tacit.games.hanabi.variant import Variant


def with_beliefs(variant: Variant, obs: Array) -> Float[Array, " length"]:
    """One player's observation in the view `v0-belief`, equal to the last bit, from its canonical one."""
    at, b, kinds = sections(variant), variant.num_cards, variant.colors + variant.ranks
    of_card = np.repeat(np.eye(b, dtype=np.int32), np.asarray(variant.full_deck), axis=0)
    tops = obs[at.fireworks].astype(jnp.int32).reshape(variant.colors, variant.ranks)
    stacked = jnp.flip(jnp.cumsum(jnp.flip(tops, 1), 1), 1).reshape(b)
    left = jnp.asarray(variant.full_deck, jnp.int32) - obs[at.discards].astype(jnp.int32) @ of_card - stacked
    knowledge = obs[at.knowledge].reshape(-1, b + kinds)
    weights = knowledge[:, :b].astype(jnp.int32) * left[None]
    beliefs = weights.astype(float) / jnp.maximum(weights.sum(1, keepdims=True), 1).astype(float)
    believed = jnp.concatenate([beliefs, knowledge[:, b:].astype(float)], axis=1)
    return jnp.concatenate([obs[: at.knowledge.start].astype(float), believed.reshape(-1)])
