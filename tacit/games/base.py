"""The one contract of all games."""

import abc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from tacit.errors import Misfit
from tacit.types import Bits, Discrete, Level, Outcome, Real, Settings, Spec, State

if TYPE_CHECKING:
    from tacit.games.editor import Editor
    from tacit.games.hypotheses import Hypotheses


class Game(Settings, abc.ABC):
    """A frozen record of rules, with pure methods on *one* game (map them for more).

    Simultaneous and turn-based games have the same interface: who is not on turn has one legal action, waiting.
    An ended game stays as it is, pays 0 and keeps reporting its end (`settle` does that); whoever plays on resets it.
    Every game has a `discount`, the weight of its next step against this one.
    """

    if TYPE_CHECKING:  # at run time this line would move each game's own field to the front
        discount: ClassVar[Any]

    @property
    @abc.abstractmethod
    def spec(self) -> Spec:
        """What the game promises about itself."""

    @property
    def truncates(self) -> bool:
        """Whether episodes may be cut off. Where they only end by the rules, nothing that follows an end counts."""
        return True

    @abc.abstractmethod
    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> State:
        """A new episode's first state, on `level` if one is given. The key is consumed."""

    @abc.abstractmethod
    def observe(self, state: State) -> PyTree:
        """What each player sees, leaves `[P, ...]`."""

    @abc.abstractmethod
    def step(self, key: PRNGKeyArray, state: State, action: PyTree) -> tuple[State, Outcome]:
        """Plays one joint action, leaves `[P, ...]`. The key is consumed."""

    def legal(self, state: State) -> PyTree:
        """Which actions each player may choose: `[P, A]` for each discrete head; everything, unless overridden."""
        del state
        return jax.tree.map(self._everything, self.spec.action, is_leaf=_is_space)

    def measure(self, state: State) -> dict[str, Array]:
        """What else is worth knowing of an ended episode: one number by name, a metric of learners' play."""
        del state
        return {}

    def measure_level(self, level: Level) -> dict[str, Array]:
        """What is worth knowing of a level: one number by name, a metric of curricula."""
        del level
        return {}

    def best(self, level: Level, discount: Any = 1.0) -> Float[Array, ""]:
        """The highest return that a level allows, which true regret is measured from.

        Raises:
            Misfit: the game cannot tell.
        """
        del level, discount
        raise Misfit(f"{type(self).__name__} cannot tell the highest return of a level")

    @property
    def editor(self) -> "Editor":
        """The game in which a teacher builds levels of this one.

        Raises:
            Misfit: there is none.
        """
        raise Misfit(f"{type(self).__name__} has no editor in which a teacher could build its levels")

    def mutate(self, key: PRNGKeyArray, level: Level) -> Level:
        """A level that differs a little from this one. The key is consumed.

        Raises:
            Misfit: the game cannot change its levels.
        """
        del key, level
        raise Misfit(f"{type(self).__name__} cannot change its levels a little")

    @property
    def sizes(self) -> tuple[float, ...]:
        """How large each number of the row that a player sees is, roughly; those not named are about 1."""
        return ()

    def sample_goal(self, key: PRNGKeyArray) -> Float[Array, " n"]:
        """Where somebody who steers a player may want things to be, in the numbers of `place`. The key is consumed.

        Raises:
            Misfit: nothing here has a place.
        """
        del key
        raise Misfit(f"{type(self).__name__} has no goals to which a player could be steered")

    def place(self, state: State) -> Float[Array, " n"]:
        """Where that is which `sample_goal` has goals for.

        Raises:
            Misfit: nothing here has a place.
        """
        del state
        raise Misfit(f"{type(self).__name__} has no goals to which a player could be steered")

    @property
    def guesses(self) -> tuple[int, int]:
        """How many things each player may be taught to guess, and how many answers each has; (0, 0): none."""
        return 0, 0

    def answers(self, state: State) -> Int[Array, "P n"]:
        """The right answers of `guesses`, which players do not see; -1 where there is nothing to guess."""
        del state
        return jnp.zeros((self.spec.num_players, 0), jnp.int8)

    def sample_level(self, key: PRNGKeyArray) -> Level:
        """A level for an episode; `()` where a game has only one. The key is consumed."""
        del key
        return ()

    def shuffled(self, key: PRNGKeyArray) -> Level:
        """A level that fixes beforehand whatever chance a level can fix; other levels may leave it to the play.

        The key is consumed.
        """
        return self.sample_level(key)

    def all_levels(self) -> Level | None:
        """Every level, each as likely as any other, leaves `[N, ...]`; None where they are not listed.

        Where chance is in the level alone, a mean over them is exact.
        """
        return None

    @property
    def held_out(self) -> "Game":
        """The game in which what was learned in this one is tested: itself, unless something is kept for that."""
        return self

    def shown_in(self, other: "Game") -> Callable[[PyTree], PyTree] | None:
        """How what a player sees here becomes what it would see in `other`, the same game but for what is shown.

        None if it is another game, or cannot be told.
        """
        del other
        return None

    def hidden(self, state: State, player: int | Int[Array, ""]) -> PyTree:
        """What `player` cannot see and its beliefs are about; `()` where nothing is hidden."""
        del state, player
        return ()

    def with_hidden(self, state: State, player: int | Int[Array, ""], hidden: PyTree) -> State:
        """`state` with what `player` cannot see replaced by `hidden`."""
        del player, hidden
        return state

    def sample_hidden(self, key: PRNGKeyArray, state: State, player: int | Int[Array, ""]) -> PyTree:
        """A draw of what `player` cannot see from its grounded belief: what the rules tell, and no action's meaning.

        The key is consumed.

        Raises:
            Misfit: the game hides nothing, or has no beliefs.
        """
        del key, state, player
        raise Misfit(f"{type(self).__name__} has no beliefs about what a player cannot see")

    def hypotheses(self) -> "Hypotheses":
        """All that a player may not know, listed.

        Raises:
            Misfit: the game cannot list it.
        """
        raise Misfit(f"{type(self).__name__} cannot list what a player may not know")

    def _everything(self, space: Any) -> Array:
        return jnp.ones((self.spec.num_players, space.n if isinstance(space, Discrete) else 1), bool)


def _is_space(tree: Any) -> bool:
    return isinstance(tree, Discrete | Real | Bits)


def settle(old: Any, new: Any, reward: Float[Array, " P"]) -> tuple[State, Outcome]:
    """Ends a step: the new state and what it brought; where `old` had ended already, it stays and pays 0.

    Both states have the fields `terminated` and `truncated`.
    """
    ended = old.terminated | old.truncated
    state = jax.tree.map(lambda stay, go: jnp.where(ended, stay, go), old, new)
    return state, Outcome(jnp.where(ended, 0.0, reward), state.terminated, state.truncated)
