"""A turn-based game of common reward as a game of one player, who is whoever is on turn.

Players who share one policy and remember nothing differ only in what they see. Played by them, a game in which one
player moves at a time and all are paid alike is a game of one player, who at every move sees, may do and does what the
player i on turn would:

    obs = obs_i        legal = legal_i        reward = what all are paid

A learner on it meets moves only, where one on the game itself also keeps, and learns from, what everybody sees while
they wait: for P players P times as much, of which all but a P-th says nothing about the policy. What one player's move
led to is judged from the view of the next. A memory would be filled from all players' views, and so tell each what
only the others see: this is no game for policies that remember.
"""

from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray, PyTree

from tacit.errors import Misfit
from tacit.games.around import Around
from tacit.games.base import Game
from tacit.games.symmetry import Relabeled
from tacit.types import Level, Outcome, Spec, State


@runtime_checkable
class TurnBased(Protocol):
    """A game in which one player moves at a time, what the others choose is not read, and all are paid alike."""

    def on_turn(self, state: Any) -> Int[Array, ""]:
        """Whose turn it is; any player's once the game is over."""
        ...


class OnTurn(Around):
    """A turn-based game of common reward, played by one player in everybody's place. Its states are the game's own."""

    @classmethod
    def of(cls, game: Game, rule: str) -> "OnTurn":
        """The game of whoever is on turn.

        Raises:
            Misfit: `rule` was asked for one where no player is on turn.
        """
        rules = game.inner if isinstance(game, Relabeled) else game
        if not isinstance(rules, TurnBased):
            raise Misfit(
                f"{rule} needs a turn-based game for movers-only; {type(rules).__name__} does not say who moves"
            )
        return cls(game)

    def inside(self, state: State) -> State:
        return state

    @property
    def spec(self) -> Spec:
        return self.inner.spec._replace(num_players=1)

    def answers(self, state: State) -> Int[Array, "P n"]:
        return self._own(state, self.inner.answers(state))

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> State:
        return self.inner.reset(key, level)

    def observe(self, state: State) -> PyTree:
        return self._own(state, self.inner.observe(state))

    def legal(self, state: State) -> PyTree:
        return self._own(state, self.inner.legal(state))

    def step(self, key: PRNGKeyArray, state: State, action: PyTree) -> tuple[State, Outcome]:
        players = self.inner.spec.num_players
        new, outcome = self.inner.step(key, state, jax.tree.map(lambda leaf: jnp.repeat(leaf, players, 0), action))
        return new, outcome._replace(reward=outcome.reward[:1])

    def _own(self, state: State, tree: PyTree) -> PyTree:
        """The part of who is on turn, leaves `[1, ...]`, of a tree with leaves `[P, ...]`."""
        player = self.inner.on_turn(state)
        return jax.tree.map(lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, player, 1), tree)
