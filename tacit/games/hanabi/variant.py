"""What a variant of Hanabi is made of: its settings, the sizes that follow from them, and the record of a game.

Cards are numbered `color * ranks + rank`, colors and ranks from 0; rank 0 is shown as 1.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Bool, Int8, UInt8

from tacit.errors import SettingError
from tacit.games.symmetry import Symmetric
from tacit.settings import setting

NOTHING = -1  # no card, no move, not known beforehand
PLAY, DISCARD, COLOR_HINT, RANK_HINT = range(4)  # kinds of moves, in the order of the observation
RUNNING, OUT_OF_LIVES, OUT_OF_CARDS, COMPLETE = range(4)  # how a game stands or ended
COLORS = "RYGWB"  # red, yellow, green, white, blue
SOURCE = "HLE"  # hanabi-learning-environment


class LastMove(NamedTuple):
    """The move that was made last; `NOTHING` where something does not apply, and everywhere before the first move."""

    actor: Int8[Array, ""]
    kind: Int8[Array, ""]  # PLAY, DISCARD, COLOR_HINT, RANK_HINT
    target: Int8[Array, ""]  # who was hinted, as an offset from the actor
    color: Int8[Array, ""]  # hinted
    rank: Int8[Array, ""]  # hinted
    touched: UInt8[Array, ""]  # bit s: the hint touched slot s
    slot: Int8[Array, ""]  # played or discarded
    card: Int8[Array, ""]  # played or discarded
    scored: Bool[Array, ""]
    gained: Bool[Array, ""]  # whether it brought an information token


class HanabiState(NamedTuple):
    """A game of Hanabi: `P` players, `h` slots of a hand (0 is the oldest card), `c` colors, `b` cards, `D` in all."""

    deck: Int8[Array, " b"]  # how many of each card are still to be dealt
    order: Int8[Array, " D"]  # all cards in dealing order, as far as it is fixed beforehand
    dealt: Int8[Array, ""]  # cards dealt so far
    hands: Int8[Array, "P h"]  # cards
    color_mask: UInt8[Array, "P h"]  # bit k: by the hints, this card may have color k; 0 without a card
    rank_mask: UInt8[Array, "P h"]
    color_hinted: Bool[Array, "P h"]  # a hint named this card's color
    rank_hinted: Bool[Array, "P h"]
    fireworks: Int8[Array, " c"]  # cards on each stack
    discards: Int8[Array, " b"]  # how many of each card were discarded or misplayed
    information: Int8[Array, ""]  # tokens left
    lives: Int8[Array, ""]
    player: Int8[Array, ""]  # whose turn it is
    turns_left: Int8[Array, ""]  # moves that remain once the deck is empty; `NOTHING` before
    last: LastMove
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]  # always false


class Variant(Symmetric):
    """A variant of Hanabi, without its rules."""

    players: int = setting(2, "players", unit="players", source=SOURCE, low=2, high=5)
    colors: int = setting(5, "colors of cards", unit="colors", source=SOURCE, low=1, high=5)
    ranks: int = setting(5, "ranks of cards", unit="ranks", source=SOURCE, low=1, high=5)
    hand: int = setting(
        0, "cards of a full hand; 0: five, and four from four players on", unit="cards", source=SOURCE, low=0, high=8
    )
    information: int = setting(8, "information tokens", unit="tokens", source=SOURCE, low=0, high=100)
    lives: int = setting(3, "life tokens", unit="tokens", source=SOURCE, low=1, high=100)
    view: str = setting(
        "canonical",
        "what is shown of a card that hints leave open: which cards it may be, or how likely each is by public counts",
        source="HLE; SAD, public code",
        choices=("canonical", "v0-belief"),
    )
    discount: float = setting(
        0.999, "weight of the next move against this one", unit="per move", source="SAD, public code", low=0.0, high=1.0
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        needed = self.players * self.hand_size
        if needed > self.deck_size:
            raise SettingError(
                f"{self.players} players with {_counted(self.hand_size, 'card')} each need {needed}, and a deck of "
                f"{_counted(self.colors, 'color')} and {_counted(self.ranks, 'rank')} has {self.deck_size}"
            )

    @property
    def hand_size(self) -> int:
        """h, cards of a full hand."""
        return self.hand or (5 if self.players < 4 else 4)

    @property
    def copies(self) -> tuple[int, ...]:
        """How many cards of each rank a color has: three of the first, one of the last, two of the others."""
        return (3, *(2,) * (self.ranks - 2), 1)[: self.ranks]

    @property
    def num_cards(self) -> int:
        """b, different cards."""
        return self.colors * self.ranks

    @property
    def deck_size(self) -> int:
        """D, cards of the whole deck."""
        return self.colors * sum(self.copies)

    @property
    def full_deck(self) -> np.ndarray:
        """How many of each card there are, `[b]`."""
        return np.tile(np.array(self.copies, np.int8), self.colors)

    @property
    def stock_size(self) -> int:
        """Cards left in the deck after the deal."""
        return self.deck_size - self.players * self.hand_size

    @property
    def num_moves(self) -> int:
        """Moves of who is on turn; the action of this number is waiting."""
        return 2 * self.hand_size + (self.players - 1) * (self.colors + self.ranks)

    @property
    def longest(self) -> int:
        """Moves of the longest game: every token is spent, and every card drawn by a move that brings a new one."""
        stock = self.stock_size
        return self.players + (self.information + 2 * stock - 1 if stock else 0)


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
