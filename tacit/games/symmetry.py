"""Games with symmetries: relabelings of what players see and do that change neither rules nor payoffs.

A relabeling g gives every label (a lever, a color) a new name. Played under new names, a symmetric game stays what it
was: if all actions are renamed by g, so is all that is seen, and rewards are equal. Two players who share no names can
therefore agree on nothing that singles out one label among its equals, which is what Other-Play makes learners feel:

    J_OP(pi) = E_g1,g2 [ J(g1 pi_1, g2 pi_2) ],    g_i uniform over the group, drawn for each player and each episode.

`Relabeled` turns any learner's self-play into Other-Play: every player has names of its own, so the learner's ordinary
return estimates J_OP. One relabeling shared by all players would change nothing at all.

Source: Hu et al. 2020 ("Other-Play" for Zero-Shot Coordination), section 4. Departure: every player is relabeled,
where the public code leaves one of them as it is; as only the difference between two players' names matters, the
objective is the same.
"""

import abc
from typing import NamedTuple

import jax
from jaxtyping import Array, Int, PRNGKeyArray, PyTree

from tacit.errors import Misfit
from tacit.games.around import Around, of_inner
from tacit.games.base import Game
from tacit.types import Level, Outcome, State

Symmetry = PyTree  # one relabeling, in the form that its game gives it


class Symmetric(Game):
    """A game with a group of relabelings. All methods here are pure, and about *one* player."""

    @abc.abstractmethod
    def sample_symmetry(self, key: PRNGKeyArray) -> Symmetry:
        """One relabeling, uniform over the group. The key is consumed."""

    @abc.abstractmethod
    def identity(self) -> Symmetry:
        """The relabeling that changes nothing."""

    @abc.abstractmethod
    def inverse(self, symmetry: Symmetry) -> Symmetry:
        """The relabeling that takes this one back."""

    @abc.abstractmethod
    def relabel_observation(self, symmetry: Symmetry, obs: PyTree) -> PyTree:
        """What one player sees, as it looks under the new names."""

    @abc.abstractmethod
    def relabel_legal(self, symmetry: Symmetry, legal: PyTree) -> PyTree:
        """What one player may do, under the new names."""

    @abc.abstractmethod
    def relabel_action(self, symmetry: Symmetry, action: PyTree) -> PyTree:
        """One player's action, under the new names."""


class RelabeledState(NamedTuple):
    """A game being played, and the names that each player has for it."""

    inner: State
    symmetry: Symmetry  # leaves [P, ...], from the game's names to the player's

    terminated = of_inner("terminated")
    truncated = of_inner("truncated")


class Relabeled(Around):
    """A symmetric game in which every player sees and acts under names of its own, kept for the whole episode.

    What is hidden (`hidden`, `with_hidden`) keeps the game's own names, like the state.
    """

    @classmethod
    def of(cls, game: Game, rule: str) -> "Relabeled":
        """The game under names that differ between the players.

        Raises:
            Misfit: `rule` was asked to relabel a game without known symmetries.
        """
        if not isinstance(game, Symmetric):
            raise Misfit(f"{rule} needs a game with symmetries for other-play; {type(game).__name__} declares none")
        return cls(game)

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> RelabeledState:
        reset_key, symmetry_key = jax.random.split(key)
        keys = jax.random.split(symmetry_key, self.spec.num_players)
        return RelabeledState(self.inner.reset(reset_key, level), jax.vmap(self.inner.sample_symmetry)(keys))

    def observe(self, state: RelabeledState) -> PyTree:
        return jax.vmap(self.inner.relabel_observation)(state.symmetry, self.inner.observe(state.inner))

    def legal(self, state: RelabeledState) -> PyTree:
        return jax.vmap(self.inner.relabel_legal)(state.symmetry, self.inner.legal(state.inner))

    def step(self, key: PRNGKeyArray, state: RelabeledState, action: PyTree) -> tuple[RelabeledState, Outcome]:
        meant = jax.vmap(self.inner.relabel_action)(jax.vmap(self.inner.inverse)(state.symmetry), action)
        inner, outcome = self.inner.step(key, state.inner, meant)
        return state._replace(inner=inner), outcome

    def on_turn(self, state: RelabeledState) -> Int[Array, ""]:
        """Whose turn it is, in a game that says so (`tacit.games.on_turn`)."""
        return self.inner.on_turn(state.inner)

    def hidden(self, state: RelabeledState, player: int) -> PyTree:
        return self.inner.hidden(state.inner, player)

    def with_hidden(self, state: RelabeledState, player: int, hidden: PyTree) -> RelabeledState:
        return state._replace(inner=self.inner.with_hidden(state.inner, player, hidden))
