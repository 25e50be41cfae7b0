"""Renamed colors: how observations, legal moves and actions of Hanabi look when colors have other names.

A permutation g of the colors calls color k `g[k]`. Slots, ranks, tokens and players keep theirs. The game commutes with
it: a deck and actions under new names bring observations and legal moves under new names, and the same rewards.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, Int8

from tacit.games.hanabi.observation import sections
from tacit.games.hanabi.variant import Variant


class Colored(NamedTuple):
    """Which entries of a vector are about a color. Entry i is about `color[i]`, and so many entries on comes the next.

    The same entry for color k is at `first[i] + k * width[i]`; where nothing is about a color, `width` is 0.
    """

    color: np.ndarray
    first: np.ndarray
    width: np.ndarray

    @classmethod
    def blocks(cls, length: int, colors: int, blocks: list[tuple[int, int]]) -> "Colored":
        """A vector in which, for each `(start, width)`, blocks of this width follow, one for each color."""
        color, first, widths = np.zeros(length, int), np.arange(length), np.zeros(length, int)
        for start, width in blocks:
            here = slice(start, start + colors * width)
            color[here] = np.repeat(np.arange(colors), width)
            first[here] = start + np.tile(np.arange(width), colors)
            widths[here] = width
        return cls(color, first, widths)

    def under(self, symmetry: Int8[Array, " c"]) -> Int[Array, " length"]:
        """Where each entry is found under other names of the colors."""
        color = symmetry.astype(int)[self.color]
        return jnp.asarray(self.first) + color * self.width


def _observations(variant: Variant) -> Colored:
    parts, c, r = sections(variant), variant.colors, variant.ranks
    cards = range(parts.hands.start, parts.hands.stop, c * r)
    slots = range(parts.knowledge.start, parts.knowledge.stop, c * r + c + r)
    blocks = [(start, r) for start in (*cards, parts.fireworks.start, parts.last_card.start, *slots)]
    blocks += [(parts.discards.start, sum(variant.copies)), (parts.last_color.start, 1)]
    blocks += [(start + c * r, 1) for start in slots]
    return Colored.blocks(parts.length, c, blocks)


def _actions(variant: Variant) -> Colored:
    first, c = 2 * variant.hand_size, variant.colors
    hints = [(first + other * c, 1) for other in range(variant.players - 1)]
    return Colored.blocks(variant.num_moves + 1, c, hints)


def inverse(symmetry: Int8[Array, " c"]) -> Int8[Array, " c"]:
    """The permutation that takes this one back."""
    return jnp.argsort(symmetry).astype(jnp.int8)


def relabeled_observation(variant: Variant, symmetry: Int8[Array, " c"], obs: Array) -> Array:
    """One player's observation, as it looks under the new names."""
    return obs[_observations(variant).under(inverse(symmetry))]


def relabeled_legal(variant: Variant, symmetry: Int8[Array, " c"], legal: Bool[Array, " A"]) -> Bool[Array, " A"]:
    """One player's legal actions, under the new names."""
    return legal[_actions(variant).under(inverse(symmetry))]


def relabeled_action(variant: Variant, symmetry: Int8[Array, " c"], action: Int[Array, ""]) -> Int[Array, ""]:
    """One player's action, under the new names."""
    return _actions(variant).under(symmetry)[action].astype(action.dtype)
