"""How agents are tested in mazes: plain settings, read by the command line before anything heavy."""

import dataclasses

from tacit import settings
from tacit.settings import setting

DRAWN_MAZES = (
    "SixteenRooms", "SixteenRooms2", "Labyrinth", "LabyrinthFlipped", "Labyrinth2", "StandardMaze", "StandardMaze2",
    "StandardMaze3",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Testing:
    """In which mazes, and how often.

    Raises:
        SettingError: a value has the wrong type or lies outside its range.
    """

    __test__ = False  # pytest takes it for tests otherwise

    mazes: tuple[str, ...] = setting(DRAWN_MAZES, "held-out mazes, by name")
    levels: str = setting("", "file of levels as text, an empty line after each; they are tested on, too")
    episodes: int = setting(10, "plays of each level by the agent of each seed", unit="plays", low=1, high=10**4)
    drawn: int = setting(100, "levels of a family that is too large to list", unit="levels", low=1, high=10**5)
    random: int = setting(
        0, "random levels that can be solved, of which the worst are told as in SFL", unit="levels", low=0, high=10**6
    )

    def __post_init__(self) -> None:
        settings.check(self)


@dataclasses.dataclass(frozen=True)
class Plan(Testing):
    """Tests in mazes in full."""

    models: tuple[str, ...] = setting(("runs/ppo-maze-001",), "run folders, as on the command line")
