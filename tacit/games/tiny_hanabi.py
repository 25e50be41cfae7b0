"""Tiny Hanabi: six games of one card and one move each, in which the first move may tell the second player a card.

Each player gets one of the cards, all deals alike; player 1 sees its card and plays, player 2 sees its own card and
that move, and plays; both get the entry of a table. Player 2's information set is card * actions + move.

Source: Burch and Bard 2018; the matrices of ssokota/tiny-hanabi. Game E is the `tiny_hanabi` of OpenSpiel.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tacit.errors import SettingError
from tacit.games.two_step import Sizes, TwoStepGame
from tacit.settings import setting

# One line for each deal (player 1's card, then player 2's); in it a group for each move of player 1.
A = (
    *(0.0, 1.0), *(0.0, 0.0),
    *(0.0, 1.0), *(3.0, 2.0),
    *(3.0, 3.0), *(3.0, 2.0),
    *(2.0, 0.0), *(3.0, 3.0),
)  # fmt: skip
B = (
    *(1.0, 0.0), *(1.0, 0.0),
    *(0.0, 1.0), *(0.0, 1.0),
    *(0.0, 1.0), *(0.0, 0.0),
    *(1.0, 0.0), *(1.0, 0.0),
)  # fmt: skip
C = (
    *(3.0, 0.0), *(0.0, 3.0),
    *(2.0, 0.0), *(3.0, 3.0),
    *(2.0, 2.0), *(3.0, 0.0),
    *(0.0, 1.0), *(0.0, 2.0),
)  # fmt: skip
D = (
    *(3.0, 0.0), *(1.0, 3.0),
    *(3.0, 0.0), *(3.0, 0.0),
    *(3.0, 2.0), *(0.0, 2.0),
    *(0.0, 1.0), *(0.0, 0.0),
)  # fmt: skip
E = (
    *(10.0, 0.0, 0.0), *(4.0, 8.0, 4.0), *(10.0, 0.0, 0.0),
    *(0.0, 0.0, 10.0), *(4.0, 8.0, 4.0), *(0.0, 0.0, 10.0),
    *(0.0, 0.0, 10.0), *(4.0, 8.0, 4.0), *(0.0, 0.0, 0.0),
    *(10.0, 0.0, 0.0), *(4.0, 8.0, 4.0), *(10.0, 0.0, 0.0),
)  # fmt: skip
F = (
    *(0.0, 3.0), *(3.0, 2.0),
    *(0.0, 0.0), *(0.0, 1.0),
    *(3.0, 1.0), *(2.0, 1.0),
    *(0.0, 2.0), *(0.0, 1.0),
    *(1.0, 2.0), *(1.0, 2.0),
    *(0.0, 1.0), *(0.0, 3.0),
    *(1.0, 3.0), *(1.0, 2.0),
    *(0.0, 3.0), *(2.0, 2.0),
    *(3.0, 1.0), *(3.0, 0.0),
)  # fmt: skip


class TinyHanabi(TwoStepGame):
    """One card and one move for each of two players.

    Raises:
        SettingError: the payoff has not one number for each pair of cards and pair of moves.
    """

    payoff: tuple[float, ...] = setting(
        E,
        "payoff by card of player 1, card of player 2, move of player 1, move of player 2",
        source="game E, ssokota/tiny-hanabi",
    )
    cards: int = setting(2, "different cards", unit="cards", low=1, high=8)
    actions: int = setting(3, "moves of a player", unit="moves", low=1, high=8)

    def __post_init__(self) -> None:
        super().__post_init__()
        wanted, given = (self.cards * self.actions) ** 2, len(self.payoff)
        if given != wanted:
            raise SettingError(
                f"payoff must have {wanted} numbers for {self.cards} cards and {self.actions} moves, got {given}"
            )

    @property
    def sizes(self) -> Sizes:
        return Sizes(self.cards, self.cards, self.actions, self.actions)

    @property
    def entries(self) -> tuple[float, ...]:
        return self.payoff

    @property
    def prior(self) -> Float[Array, "c1 c2"]:
        return jnp.full((self.cards, self.cards), 1.0 / self.cards**2)

    @property
    def shown(self) -> np.ndarray:
        own = self.actions * np.arange(self.cards)
        return np.broadcast_to(own[:, None] + np.arange(self.actions), (self.cards, self.cards, self.actions))


def tiny_hanabi_a() -> TinyHanabi:
    """Tiny Hanabi A; the best policies earn 2.25."""
    return TinyHanabi(payoff=A, actions=2)


def tiny_hanabi_b() -> TinyHanabi:
    """Tiny Hanabi B; the best policies earn 1."""
    return TinyHanabi(payoff=B, actions=2)


def tiny_hanabi_c() -> TinyHanabi:
    """Tiny Hanabi C; the best policies earn 2.5."""
    return TinyHanabi(payoff=C, actions=2)


def tiny_hanabi_d() -> TinyHanabi:
    """Tiny Hanabi D; the best policies earn 2.5."""
    return TinyHanabi(payoff=D, actions=2)


def tiny_hanabi_e() -> TinyHanabi:
    """Tiny Hanabi E, the one that is usually meant; the best policies earn 10, and a safe one 8."""
    return TinyHanabi()


def tiny_hanabi_f() -> TinyHanabi:
    """Tiny Hanabi F, with three cards; the best policies earn 7/3."""
    return TinyHanabi(payoff=F, cards=3, actions=2)
