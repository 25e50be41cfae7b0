"""How a tournament is played and who takes part: plain settings, read by the command line before anything heavy."""

import dataclasses

from tacit import settings
from tacit.settings import setting


@dataclasses.dataclass(frozen=True)
class Rules:
    """How matches are played.

    Raises:
        SettingError: a value has the wrong type or lies outside its range.
    """

    turns: int = setting(200, "turns of a match, at most", unit="turns", source="Axelrod 1980", low=1, high=10**5)
    repetitions: int = setting(5, "times that everybody meets everybody", source="Axelrod 1980", low=1, high=10**5)
    noise: float = setting(0.0, "probability that a chosen action is flipped", low=0.0, high=1.0)
    ending: float = setting(0.0, "probability that a turn is the last", unit="per turn", low=0.0, below=1.0)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if "convert" in field.metadata:
                object.__setattr__(self, field.name, field.metadata["convert"](getattr(self, field.name)))
        settings.check(self)


@dataclasses.dataclass(frozen=True)
class Event(Rules):
    """What is played, and how it is scored."""

    game: str = setting("axelrod-ipd", "a matrix game in which both players have the same payoffs, with changes if any")
    exact: bool = setting(False, "expected scores in closed form, of entrants that remember one round")
    twins: bool = setting(False, "an entrant's match against its own twin counts, as in 1980")
    ecological: int = setting(0, "generations of a population that reproduces by score", low=0, high=10**6)


@dataclasses.dataclass(frozen=True)
class Tournament(Event):
    """A tournament in full."""

    entrants: tuple[str, ...] = setting(("first",), "who takes part, as on the command line")
