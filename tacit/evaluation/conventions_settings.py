"""How models are watched for conventions: plain settings, read by the command line before anything heavy."""

import dataclasses

from tacit import settings
from tacit.settings import setting


@dataclasses.dataclass(frozen=True)
class Watching:
    """In what, how often and how models are watched.

    Raises:
        SettingError: a value has the wrong type or lies outside its range.
    """

    game: str = setting("", "variant of Hanabi, with changes if any; not given, the game that the runs learned")
    games: int = setting(200, "games of each model, on the same decks for all", low=2, high=10**5)
    pairs: bool = setting(False, "every two different models are watched together, too, in both orders of the seats")
    sampled: bool = setting(False, "learned policies draw their actions, and do not take the most probable one")
    hands: int = setting(64, "hands drawn to weigh a move, where they are too many to list", low=1, high=10**4)
    epsilon: float = setting(
        0.01, "share of moves that a listener thinks were made without regard to any hand", low=0.0, high=1.0
    )

    def __post_init__(self) -> None:
        settings.check(self)


@dataclasses.dataclass(frozen=True)
class Plan(Watching):
    """Conventions in full."""

    models: tuple[str, ...] = setting(("bots",), "who is watched, as on the command line")
