"""What an evolution can be told; apart from `tacit.evaluation.evolution`, so that help imports nothing heavy."""

import dataclasses

from tacit import settings
from tacit.settings import setting

KINDS = (  # of reasoning that players are told apart by: names of scripted players
    "always-defect",
    "always-cooperate",
    "tit-for-tat",
    "generous-tit-for-tat",
    "win-stay-lose-shift",
    "extortion-2",
)


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of an evolution."""

    players: int = setting(100, "players of a population", low=2, high=2000)
    generations: int = setting(20_000, "generations", low=1, high=10**8)
    noise: float = setting(
        0.01, "chance of an action to come out as the other one", source="Nowak and Sigmund 1993", low=0.0, high=0.5
    )
    selection: str = setting(
        "exponential",
        "drawn in proportion to exp(strength x payoff), or copied pair by pair",
        choices=("exponential", "fermi"),
    )
    strength: float = setting(10.0, "strength of selection", unit="per unit of payoff", low=0.0)
    mutation: float = setting(0.3, "chance of a newcomer", unit="per generation", low=0.0, high=1.0)
    step: float = setting(0.0, "size of a newcomer's step; 0 draws it afresh", unit="logits", low=0.0)
    start: str = setting("random", "what everyone is at first", choices=("random", *KINDS))
    rows: int = setting(200, "moments at which the population is looked at", low=1, high=10_000)

    def __post_init__(self) -> None:
        settings.check(self)
