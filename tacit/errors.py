"""What can go wrong that a user can mend, and how a run can end before its end. Every message is one line."""

import signal


class InputError(ValueError):
    """Something that was given is wrong."""


class SettingError(InputError):
    """A name is unknown, or a setting has a wrong type or a value out of range."""


class Misfit(InputError):
    """A learner, a player or an evaluation cannot handle this game."""


class RunError(InputError):
    """A run folder or a file in it is missing, damaged, busy or of another version."""


class Stopped(Exception):
    """A run stopped itself: numbers that are not finite, or no room on the disk. What it had is kept."""


class Paused(Stopped):
    """A run used up the time that it was given. Its state is kept, and it goes on when it is resumed."""


class Interrupted(Exception):
    """A signal ended a run between two pieces; its state is kept."""

    def __init__(self, number: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(number).name}; its state is kept")
        self.number = number
