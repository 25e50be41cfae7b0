"""On which victims talk is tried that was not bred on them: plain settings, read by the command line."""

import dataclasses

from tacit import settings
from tacit.errors import SettingError
from tacit.settings import setting

VARIANTS = ("own", "other-seeds", "half-width", "double-width", "half-lr", "double-lr", "other-units", "other-scale")


@dataclasses.dataclass(frozen=True)
class Trying:
    """On which victims, and on how many.

    Raises:
        SettingError: a value has the wrong type or lies outside its range.
    """

    victims: int = setting(
        32, "victims of each kind, for each adversary and for silence", unit="victims", low=2, high=10**5
    )
    variants: tuple[str, ...] = setting(VARIANTS, "kinds of victims, by name", choices=VARIANTS)
    episodes: int = setting(
        64, "episodes of a trained victim, where there is a backdoor", unit="episodes", low=2, high=10**5
    )

    def __post_init__(self) -> None:
        settings.check(self)
        if not self.variants:
            raise SettingError(f"variants must name at least one kind of victims: {', '.join(VARIANTS)}")


@dataclasses.dataclass(frozen=True)
class Plan(Trying):
    """Trials in full."""

    models: tuple[str, ...] = setting(("runs/act-cart-pole-001",), "the run folder, as on the command line")
