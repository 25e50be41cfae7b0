"""What a player of Hanabi can tell from its observation alone: cards, hints, and the chances of its own cards.

For a slot s of the own hand, with unseen[k] the copies of card k that are neither discarded, nor on a stack, nor in
another hand, and fits[s, k] whether hints leave card k open there,

    P(slot s holds k) = fits[s, k] unseen[k] / sum over k of the same.

Slots are taken one by one, as the scripted players of the literature do: that another own slot must hold a card is not
taken off. (Exact beliefs over whole hands are in `tacit.games.hanabi.beliefs`.)
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from tacit.games.hanabi.observation import sections
from tacit.games.hanabi.variant import COLOR_HINT, RANK_HINT, Variant


class Sight(NamedTuple):
    """What one player sees; `h` slots, `c` colors, `r` ranks; others are in order of seats.

    Attributes:
        colors, ranks: of the others' cards, one-hot; nothing where there is no card.
        color_told, rank_told: whether a hint named the color (the rank) of a card, for the others.
        playable, useless: of the others' cards: would score now; can never score again.
        held: whether there is a card in an own slot.
        safe, dead: chances that an own card would score now, and that it can never score again; 0 without a card.
        touched: own slots that the last move touched, if it was a hint of a color (first row) or of a rank (second).
        fireworks: cards on each stack.
        information, lives, deck: tokens and cards left.
    """

    colors: Bool[Array, "others h c"]
    ranks: Bool[Array, "others h r"]
    color_told: Bool[Array, "others h"]
    rank_told: Bool[Array, "others h"]
    playable: Bool[Array, "others h"]
    useless: Bool[Array, "others h"]
    held: Bool[Array, " h"]
    safe: Float[Array, " h"]
    dead: Float[Array, " h"]
    touched: Bool[Array, "2 h"]
    fireworks: Int[Array, " c"]
    information: Int[Array, ""]
    lives: Int[Array, ""]
    deck: Int[Array, ""]


def sight(variant: Variant, obs: Array) -> Sight:
    """Reads one player's observation, in either view."""
    at, seen = sections(variant), obs > 0
    n, h, c, r, b = variant.players, variant.hand_size, variant.colors, variant.ranks, variant.num_cards
    cards = seen[at.hands].reshape(n - 1, h, b)
    knowledge = seen[at.knowledge].reshape(n, h, b + c + r)
    height = jnp.where(seen[at.fireworks].reshape(c, r), 1 + jnp.arange(r)[None], 0).sum(axis=1)
    discards = seen[at.discards].astype(int) @ _of_card(variant)
    reached = jnp.arange(r)[None] < height[:, None]
    unseen = variant.full_deck - discards - reached.ravel() - cards.sum((0, 1))
    playable = (jnp.arange(r)[None] == height[:, None]).ravel()
    useless = (reached | _lost(variant, discards.reshape(c, r))).ravel()
    odds = jnp.where(knowledge[0, :, :b], jnp.maximum(unseen, 0)[None], 0).astype(float)
    by_color = cards.reshape(n - 1, h, c, r)
    kinds = seen[at.last_kind][jnp.array([COLOR_HINT, RANK_HINT])]
    return Sight(
        colors=by_color.any(3),
        ranks=by_color.any(2),
        color_told=knowledge[1:, :, b : b + c].any(2),
        rank_told=knowledge[1:, :, b + c :].any(2),
        playable=(cards & playable[None, None]).any(2),
        useless=(cards & useless[None, None]).any(2),
        held=knowledge[0, :, :b].any(1),
        safe=_chance(odds, playable),
        dead=_chance(odds, useless),
        touched=(kinds & seen[at.last_target][0])[:, None] & seen[at.last_touched][None],
        fireworks=height,
        information=seen[at.information].sum(),
        lives=seen[at.lives].sum(),
        deck=seen[at.deck].sum(),
    )


def _chance(odds: Float[Array, "h b"], which: Bool[Array, " b"]) -> Float[Array, " h"]:
    """The chance that a slot holds one of these cards; exactly 1 where it is certain, however division rounds."""
    all_cards, these = odds.sum(axis=1), odds @ which
    return jnp.where((these == all_cards) & (these > 0), 1.0, these / jnp.maximum(all_cards, 1))


def _of_card(variant: Variant) -> np.ndarray:
    """Which card each bit of the discards is about, one-hot `[D, b]`."""
    return np.repeat(np.eye(variant.num_cards, dtype=int), variant.full_deck, axis=0)


def _lost(variant: Variant, discards: Int[Array, "c r"]) -> Bool[Array, "c r"]:
    """Cards that can never be played: all copies of their rank, or of one needed before it, were discarded."""
    return jnp.cumsum(discards == np.array(variant.copies)[None], axis=1) > 0
