"""How cross-play is played and who takes part: plain settings, read by the command line before anything heavy."""

import dataclasses

from tacit import settings
from tacit.settings import setting


@dataclasses.dataclass(frozen=True)
class Meeting:
    """In what, how often and how models meet.

    Raises:
        SettingError: a value has the wrong type or lies outside its range.
    """

    game: str = setting("", "where they meet, with changes if any; not given, in the game that the runs learned")
    games: int = setting(
        1000, "games of each ordered pair, the same for all", source="Off-Belief Learning", low=1, high=10**6
    )
    sampled: bool = setting(False, "learned policies draw their actions, and do not take the most probable one")

    def __post_init__(self) -> None:
        settings.check(self)


@dataclasses.dataclass(frozen=True)
class Plan(Meeting):
    """Cross-play in full."""

    models: tuple[str, ...] = setting(("bots",), "who takes part, as on the command line")
