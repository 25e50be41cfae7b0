"""Hanabi: rules, moves, observations, renamed colors, text, beliefs."""

from tacit.games.hanabi.rules import HanabiGame, hanabi, hanabi_small, hanabi_very_small
from tacit.games.hanabi.text import render
from tacit.games.hanabi.variant import HanabiState, LastMove, Variant

__all__ = ["HanabiGame", "HanabiState", "LastMove", "Variant", "hanabi", "hanabi_small", "hanabi_very_small", "render"]
