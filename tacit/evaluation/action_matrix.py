"""Which move follows which in Hanabi, and whether colors are treated alike.

Row a of the matrix is the distribution of the next player's move after move a,

    P(b | a) = n(a, b) / sum over b of n(a, b).

The rules treat all colors alike, and so does a player that makes no use of their names. How far play is from that:

    asymmetry = 1/2 sum over a, b of |n(a, b) - m(a, b)| / sum over a, b of n(a, b)

with m the mean of n over all ways to rename the colors: the share of pairs of moves that would have to be others.
Chance alone makes it positive. How much, is told by the same games with the colors of each renamed at random: a player
that treats colors alike is as likely to have played those (a permutation test). Ranks are not alike by the rules, and
there is nothing of the kind for them.

Source of the matrix: public code of Off-Belief Learning (pyhanabi/tools/action_matrix.py).
"""

import itertools
from typing import NamedTuple

import numpy as np

from tacit.games.hanabi.moves import moves
from tacit.games.hanabi.variant import COLOR_HINT, COLORS, DISCARD, PLAY, Variant

REPEATS = 99  # times that colors are renamed at random


class ActionMatrix(NamedTuple):
    """What follows what.

    Attributes:
        counts: `[A, A]` pairs of moves, the earlier one in rows; waiting is none of them.
        asymmetry: how far they are from treating colors alike, between 0 and 1.
        by_chance: the mean of the same where colors were renamed at random.
        p: share of these that are as asymmetric, the games themselves included.
    """

    counts: np.ndarray
    asymmetry: float
    by_chance: float
    p: float

    @property
    def probabilities(self) -> np.ndarray:
        """`[A, A]` distribution of the next move in each row; NaN in the row of a move that was never made."""
        made = self.counts.sum(axis=1, keepdims=True)
        return np.where(made > 0, self.counts / np.maximum(made, 1), np.nan)


def labels(variant: Variant) -> list[str]:
    """Short names of all moves, such as "play 0", "hint R" and "hint 1"; with more than two players, to whom."""
    short = []
    for kind, slot, target, color, rank in zip(*moves(variant), strict=True):
        to = f" to +{target}" if variant.players > 2 else ""
        hint = COLORS[color] if kind == COLOR_HINT else str(rank + 1)
        short.append({PLAY: f"play {slot}", DISCARD: f"discard {slot}"}.get(kind, f"hint {hint}{to}"))
    return short[:-1]


def action_matrix(variant: Variant, actions: np.ndarray, seed: int = 0) -> ActionMatrix:
    """The matrix of some games.

    Args:
        actions: `[G, T]` moves in order of time, -1 after the end of a game.
        seed: of the colors that are renamed at random.
    """
    counts = _counts(variant, actions)
    renamed = _renamed(variant)
    generator = np.random.default_rng(seed)
    null = []
    for _ in range(REPEATS if len(renamed) > 1 else 0):
        names = renamed[generator.integers(0, len(renamed), len(actions))]
        again = np.where(actions < 0, -1, np.take_along_axis(names, np.maximum(actions, 0), axis=1))
        null.append(_asymmetry(_counts(variant, again), renamed))
    asymmetry = _asymmetry(counts, renamed)
    p = (1 + sum(other >= asymmetry for other in null)) / (1 + len(null))
    return ActionMatrix(counts, asymmetry, float(np.mean(null)) if null else 0.0, p)


def _counts(variant: Variant, actions: np.ndarray) -> np.ndarray:
    before, after = actions[:, :-1].ravel(), actions[:, 1:].ravel()
    both = (before >= 0) & (after >= 0)
    size = variant.num_moves
    return np.bincount(before[both] * size + after[both], minlength=size * size).reshape(size, size)


def _renamed(variant: Variant) -> np.ndarray:
    """`[c!, A]` what each move is called under each way to rename the colors."""
    all_moves = moves(variant)
    hints = all_moves.kind[:-1] == COLOR_HINT
    color = all_moves.color[:-1].astype(int)
    own = np.arange(variant.num_moves)
    ways = np.array(list(itertools.permutations(range(variant.colors))))
    return np.where(hints, own - color + ways[:, np.where(hints, color, 0)], own)


def _asymmetry(counts: np.ndarray, renamed: np.ndarray) -> float:
    alike = np.mean([counts[np.ix_(names, names)] for names in renamed], axis=0)
    return float(np.abs(counts - alike).sum() / 2 / max(counts.sum(), 1))
