"""The hands a Hanabi player may hold, as hypotheses that evidence is kept about (`tacit.games.hypotheses`)."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Int8

from tacit.games.hanabi import beliefs, moves, observation
from tacit.games.hanabi.cards import one_hot
from tacit.games.hanabi.variant import HanabiState, Variant
from tacit.games.hypotheses import Views


@dataclasses.dataclass(frozen=True)
class HandHypotheses:
    """All hands of a variant, in the order of `beliefs.hypotheses`.

    Raises:
        Misfit: they are too many.
    """

    variant: Variant

    def __post_init__(self) -> None:
        beliefs.hypotheses(self.variant)

    @property
    def place(self) -> slice:
        """Where an observation shows the others' hands."""
        return observation.sections(self.variant).hands

    def hidden(self) -> Int8[Array, "H h"]:
        return jnp.asarray(beliefs.hypotheses(self.variant))

    def grounded(self, state: HanabiState, player: Int[Array, ""]) -> Float[Array, " H"]:
        return beliefs.grounded(self.variant, state, player)

    def views(self, state: HanabiState, viewer: Int[Array, ""], player: Int[Array, ""]) -> Views:
        return views(self.variant, state, viewer, player, self.hidden())

    def revealed(
        self, state: HanabiState, player: Int[Array, ""], action: Int[Array, ""], evidence: Float[Array, " H"]
    ) -> Float[Array, " H"]:
        return beliefs.revealed(self.variant, state, player, action, evidence)


def views(
    variant: Variant, state: HanabiState, viewer: Int[Array, ""], player: Int[Array, ""], hands: Int8[Array, "H h"]
) -> Views:
    """What `viewer` sees if `player` holds each of these hands, be they all there are or some."""
    place, others = observation.sections(variant).hands, variant.players - 1
    seen = observation.observe(variant, state)[viewer].astype(float)
    shown = one_hot(hands, variant.num_cards).reshape(len(hands), -1).astype(float)

    def legal(hand: Int8[Array, " h"]) -> Bool[Array, " A"]:
        supposed = state._replace(hands=state.hands.at[player].set(hand))
        return moves.legal(variant, supposed)[viewer]

    differing = shown  # for two players and all hands the same in all games, and so computed with once
    if others > 1:
        here = ((player - viewer) % variant.players - 1 == jnp.arange(others))[None, :, None]
        differing = jnp.where(here, shown[:, None], seen[place].reshape(1, others, -1)).reshape(len(hands), -1)
    return Views(seen.at[place].set(0.0), differing, jax.vmap(legal)(hands))
