"""What games that are played around another one have in common: all that they leave as it is inside."""

import dataclasses
import operator
from typing import Any

from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from tacit.games.base import Game
from tacit.types import Level, Outcome, Spec, State


def of_inner(name: str) -> Any:
    """What a state takes from the state inside it, under the same name: that it has ended, say."""
    return property(operator.attrgetter(f"inner.{name}"))


class Around(Game):
    """A game around another one, to which it passes on what it does not change itself.

    Attributes:
        inner: the game inside.
    """

    inner: Any = dataclasses.field(metadata={"traced": True})

    def inside(self, state: State) -> State:
        """The state of the game inside."""
        return state.inner

    @property
    def discount(self) -> Any:
        """That of the game inside."""
        return self.inner.discount

    @property
    def spec(self) -> Spec:
        return self.inner.spec

    @property
    def truncates(self) -> bool:
        return self.inner.truncates

    def measure(self, state: State) -> dict[str, Array]:
        return self.inner.measure(self.inside(state))

    @property
    def guesses(self) -> tuple[int, int]:
        return self.inner.guesses

    def answers(self, state: State) -> Int[Array, "P n"]:
        return self.inner.answers(self.inside(state))

    def sample_level(self, key: PRNGKeyArray) -> Level:
        return self.inner.sample_level(key)

    def sample_goal(self, key: PRNGKeyArray) -> Float[Array, " n"]:
        return self.inner.sample_goal(key)

    def place(self, state: State) -> Float[Array, " n"]:
        return self.inner.place(self.inside(state))

    def shuffled(self, key: PRNGKeyArray) -> Level:
        return self.inner.shuffled(key)


class Reshown(Around):
    """A game around another one whose states and play are its own, and of which something else is shown."""

    def inside(self, state: State) -> State:
        """The state itself."""
        return state

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> State:
        return self.inner.reset(key, level)

    def legal(self, state: State) -> PyTree:
        return self.inner.legal(state)

    def step(self, key: PRNGKeyArray, state: State, action: PyTree) -> tuple[State, Outcome]:
        return self.inner.step(key, state, action)
