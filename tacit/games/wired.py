"""A game with a line between its players: numbers that each says at a step are heard by all at the next one.

The line belongs to the learner, not to the rules: it carries `width` real numbers a player and step, never fails, costs
nothing, and nothing on it is detached. A message begins with a number that says whether it was sent, 1 or 0; of one
that was not, and before the first step, all numbers are 0. A player's own message is among those that it hears.

In games whose players can send bits of their own the line takes the place of that: the game is told bits that are 0.
"""

import dataclasses
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from tacit.errors import Misfit
from tacit.games.around import Around, of_inner
from tacit.games.base import Game
from tacit.settings import setting
from tacit.types import Action, Bits, Discrete, Level, Outcome, Real, Spec, State


class OnLine(NamedTuple):
    """What a player observes: what the game shows it, and what everybody said at the step before.

    Attributes:
        view: what it sees of the game itself.
        messages: `[J, width]` of all J = P players, in the order of their seats.
    """

    view: PyTree
    messages: Array


class WiredState(NamedTuple):
    """A game being played, and what was said at the last step."""

    inner: State
    said: Float[Array, "P width"]

    terminated = of_inner("terminated")
    truncated = of_inner("truncated")


class Wired(Around):
    """A game on whose line players talk. A player's action is `Action(move, message)`."""

    width: int = setting(1, "numbers of a message, the first of which says whether it was sent", low=1)

    @classmethod
    def of(cls, game: Game, width: int, rule: str) -> "Wired":
        """The game with a line.

        Raises:
            Misfit: `rule` was asked to play a game of one player, or of actions that are no choice of one move.
        """
        spec, move = game.spec, game.spec.action
        if isinstance(move, Action) and isinstance(move.message, Bits):
            move = move.move
        if not isinstance(move, Discrete):
            raise Misfit(f"{rule} needs players who choose one of several moves; this game has {spec.action}")
        if spec.num_players < 2:
            raise Misfit(f"{rule} needs players who can talk to each other; {type(game).__name__} has only one here")
        return cls(game, width)

    @property
    def spec(self) -> Spec:
        inner = self.inner.spec
        move = inner.action.move if isinstance(inner.action, Action) else inner.action
        seen: Any = OnLine(inner.observation, Real((inner.num_players, self.width)))  # type: ignore[arg-type]
        return inner._replace(observation=seen, action=Action(move, Real((self.width,))))

    @property
    def held_out(self) -> "Wired":
        """The game in which the one inside is tested, with the same line."""
        return dataclasses.replace(self, inner=self.inner.held_out)

    def all_levels(self) -> Level | None:
        return self.inner.all_levels()

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> WiredState:
        return WiredState(self.inner.reset(key, level), jnp.zeros((self.spec.num_players, self.width)))

    def observe(self, state: WiredState) -> OnLine:
        players = self.spec.num_players
        return OnLine(self.inner.observe(state.inner), jnp.broadcast_to(state.said, (players, *state.said.shape)))

    def legal(self, state: WiredState) -> Action:
        """As in the game inside; everybody may always talk."""
        legal = self.inner.legal(state.inner)
        moves = legal.move if isinstance(legal, Action) else legal
        return Action(moves, jnp.ones((self.spec.num_players, 1), bool))

    def step(self, key: PRNGKeyArray, state: WiredState, action: Action) -> tuple[WiredState, Outcome]:
        space, move = self.inner.spec.action, action.move
        if isinstance(space, Action):
            move = Action(move, jnp.zeros((self.spec.num_players, space.message.n)))
        over = state.terminated | state.truncated
        inner, outcome = self.inner.step(key, state.inner, move)
        return WiredState(inner, jnp.where(over, state.said, action.message.astype(float))), outcome

    def hidden(self, state: WiredState, player: int | Int[Array, ""]) -> PyTree:
        return self.inner.hidden(state.inner, player)

    def with_hidden(self, state: WiredState, player: int | Int[Array, ""], hidden: PyTree) -> WiredState:
        return state._replace(inner=self.inner.with_hidden(state.inner, player, hidden))
