"""Hanabi: rules, moves, observations, color symmetry and text."""

from tacit.games.hanabi.rules import HanabiGame, hanabi, hanabi_small, hanabi_very_small
from tacit.games.hanabi.variant import HanabiState, LastMove, Variant

__all__ = ["HanabiGame", "HanabiState", "LastMove", "Variant", "hanabi", "hanabi_small", "hanabi_very_small"]
