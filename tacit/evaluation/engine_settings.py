"""How models are scored on the reference engine: plain settings, read by the command line before anything heavy."""

import dataclasses

from tacit import settings
from tacit.settings import setting


@dataclasses.dataclass(frozen=True)
class Scoring:
    """In what variant and how often each model plays.

    Raises:
        SettingError: a value has the wrong type or lies outside its range.
    """

    game: str = setting("", "variant of Hanabi, with changes if any; not given, the game that the runs learned")
    games: int = setting(1000, "games of each model with its twin, on the same decks for all", low=1, high=10**5)

    def __post_init__(self) -> None:
        settings.check(self)


@dataclasses.dataclass(frozen=True)
class Plan(Scoring):
    """Scores on the reference engine in full."""

    models: tuple[str, ...] = setting(("bots",), "who is scored, as on the command line")
