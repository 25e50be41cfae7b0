"""Games in which a teacher builds the level that students then play."""

import abc

from tacit.games.base import Game
from tacit.types import Level, State


class Editor(Game):
    """A game of one player, the teacher. It pays nothing: what a level is worth, students show by playing it."""

    @abc.abstractmethod
    def built(self, state: State) -> Level:
        """The level as it stands."""
