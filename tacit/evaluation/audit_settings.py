"""How players are audited, and who: plain settings, read by the command line before anything heavy."""

import dataclasses

from tacit import settings
from tacit.errors import SettingError
from tacit.settings import setting

MOST_TESTS = 20  # of one report


@dataclasses.dataclass(frozen=True)
class Auditing:
    """In what, how often and how players are listened to.

    Raises:
        SettingError: a value has the wrong type or lies outside its range.
    """

    game: str = setting("", "where they play, with changes if any; not given, the game that the runs learned")
    channel: str = setting(
        "messages", "what is read: messages, or moves that others see", choices=("messages", "actions")
    )
    episodes: int = setting(2000, "episodes under each law of the channel", unit="episodes", low=100, high=10**5)
    permutations: int = setting(1000, "random pairings that information is held against", low=100, high=10**5)
    level: float = setting(0.02, "chance to accuse players whose messages do nothing of anything", above=0.0, below=1.0)
    sampled: bool = setting(False, "learned policies draw their actions, and do not take the most probable one")

    def __post_init__(self) -> None:
        settings.check(self)
        if self.permutations * self.level < MOST_TESTS:
            # Else no p-value that pairings can give would be small enough, once it is adjusted for all tests.
            least = f"{MOST_TESTS} / level = {MOST_TESTS / self.level:g}"
            raise SettingError(f"permutations must be at least {least}, got {self.permutations}")


@dataclasses.dataclass(frozen=True)
class Plan(Auditing):
    """An audit in full."""

    models: tuple[str, ...] = setting(("bots",), "who is audited, as on the command line")
