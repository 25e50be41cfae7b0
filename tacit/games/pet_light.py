"""The pet and the light: an arbitrary code pays best, and strangers can only rely on what needs no code.

Alice sees a pet, a cat or a dog. She may switch a light on or off, which is free and which Bob sees; she may bail,
which ends it; or she removes the barrier for a price, so that Bob sees the pet himself. Bob bails or names the pet.
Partners who agreed that light means cat earn 10; but light may as well mean dog, and with a stranger who settled on
that the same policy loses 10. Removing the barrier means the same to everybody.

Source: the cheap-talk example of Hu et al. 2021 (Off-Belief Learning), whose structure this is. Its payoffs could not
be checked against the text; those here are this game's own. After Alice bails Bob still moves, to no effect.
"""

import itertools
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tacit.games.two_step import Relabeling, Sizes, TwoStepGame
from tacit.settings import setting

PETS = ("cat", "dog")
OPENINGS = ("light on", "light off", "bail", "remove")
REPLIES = ("bail", "cat", "dog")
SETS = ("light on", "light off", "she bailed", "sees a cat", "sees a dog")  # what Bob may find


class PetLight(TwoStepGame):
    """Alice shows Bob a light or the pet itself; Bob guesses what it is."""

    right: float = setting(10.0, "payoff where Bob names the pet", low=0.0)
    wrong: float = setting(-10.0, "payoff where Bob names the other pet", high=0.0)
    alice_bails: float = setting(1.0, "payoff where Alice bails")
    bob_bails: float = setting(0.5, "payoff where Bob bails")
    cost: float = setting(5.0, "price of removing the barrier", low=0.0)

    @property
    def sizes(self) -> Sizes:
        return Sizes(len(PETS), 1, len(OPENINGS), len(REPLIES))

    @property
    def entries(self) -> tuple[Any, ...]:
        found: list[Any] = []
        for pet, opening, reply in itertools.product(PETS, OPENINGS, REPLIES):
            guessed = self.bob_bails if reply == "bail" else self.right if reply == pet else self.wrong
            price = self.cost if opening == "remove" else 0.0
            found.append(self.alice_bails if opening == "bail" else guessed - price)
        return tuple(found)

    @property
    def prior(self) -> Float[Array, "c1 c2"]:
        return jnp.full((len(PETS), 1), 0.5)

    @property
    def shown(self) -> np.ndarray:
        return np.array([[[0, 1, 2, 3]], [[0, 1, 2, 4]]])

    @property
    def relabelings(self) -> tuple[Relabeling, ...]:
        """All four: the pets may change names, and the positions of the light."""
        pets = (((0, 1), (0, 1, 2)), ((1, 0), (0, 2, 1)))
        lights = ((0, 1, 2, 3), (1, 0, 2, 3))
        return tuple(Relabeling(first, (0,), light, replies) for first, replies in pets for light in lights)


def pet_light() -> PetLight:
    """The pet and the light."""
    return PetLight()
