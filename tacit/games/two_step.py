"""Two-step games: two partners share one payoff; the first moves, then the second, each knowing a part of the deal.

    (c1, c2) ~ prior;    player 1 sees c1 and opens with a1;
    player 2 sees an information set i(c1, c2, a1) and replies with a2;    both are paid payoff[c1, c2, a1, a2].

These are the smallest games in which an action both pays and tells, so conventions arise in them, and everything about
them can be computed: `tacit.games.two_step_exact` has values, beliefs and optimal policies. Deals, moves and
information sets are numbered from 0.

What the players can see and do is numbered apart: one observation holds player 1's cards and player 2's information
sets, one list of actions holds openings, replies and waiting. So one table or one network may serve both seats, and a
relabeling is one permutation of each.
"""

import abc
import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tacit.errors import Misfit
from tacit.games.base import settle
from tacit.games.hypotheses import Views
from tacit.games.symmetry import Symmetric
from tacit.settings import setting
from tacit.types import Discrete, Level, Outcome, Real, Spec

PLAYERS = 2


class Deal(NamedTuple):
    """What chance decides; player 1 sees the first part."""

    first: Int[Array, ""]
    second: Int[Array, ""]


class TwoStepState(NamedTuple):
    """A two-step game: the deal, and the opening once it was made (-1 before)."""

    first: Int[Array, ""]
    second: Int[Array, ""]
    opening: Int[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class Sizes(NamedTuple):
    """How many there are of everything: the shape of the payoff."""

    first: int  # values of c1
    second: int  # values of c2
    openings: int
    replies: int


class Relabeling(NamedTuple):
    """New names for everything that has one; entry x is the new name of x."""

    first: tuple[int, ...]
    second: tuple[int, ...]
    openings: tuple[int, ...]
    replies: tuple[int, ...]


class TwoStepGame(Symmetric):
    """A game of two steps. A subclass says sizes, payoff, prior and information sets."""

    discount: float = setting(1.0, "weight of the second step against the first", unit="per step", low=0.0, high=1.0)

    @property
    @abc.abstractmethod
    def sizes(self) -> Sizes:
        """How many cards and moves there are."""

    @property
    @abc.abstractmethod
    def entries(self) -> tuple[Any, ...]:
        """The payoff, row by row, `[c1, c2, a1, a2]`: numbers, or traced."""

    @property
    @abc.abstractmethod
    def prior(self) -> Float[Array, "c1 c2"]:
        """Probability of each deal."""

    @property
    @abc.abstractmethod
    def shown(self) -> np.ndarray:
        """The information set that player 2 is in after each deal and opening, whole numbers `[c1, c2, a1]`."""

    @property
    def relabelings(self) -> tuple[Relabeling, ...]:
        """A group of relabelings that change nothing, the identity first: that alone, unless a subclass has more."""
        return (unchanged(self.sizes),)

    @property
    def rewards(self) -> Float[Array, "c1 c2 a1 a2"]:
        """The payoff as an array."""
        return jnp.stack([jnp.asarray(x, float) for x in self.entries]).reshape(self.sizes)

    @property
    def num_sets(self) -> int:
        """How many information sets player 2 has."""
        return int(self.shown.max()) + 1

    @property
    def spec(self) -> Spec:
        sizes, lowest, highest = self.sizes, -float("inf"), float("inf")
        if all(isinstance(x, float) for x in self.entries):  # unknown while the payoffs are traced
            lowest, highest = min(0.0, *self.entries), max(0.0, *self.entries)
        seen = Real((sizes.first + self.num_sets + 1,), 0.0, 1.0)
        return Spec(PLAYERS, seen, Discrete(sizes.openings + sizes.replies + 1), 2, (lowest, highest))

    @property
    def truncates(self) -> bool:
        return False

    def on_turn(self, state: TwoStepState) -> Int[Array, ""]:
        """Player 1 opens, player 2 replies."""
        return jnp.where(state.opening < 0, 0, 1)

    def sample_level(self, key: PRNGKeyArray) -> Deal:
        """A deal, drawn from the prior."""
        upto = jnp.cumsum(self.prior.ravel())
        index = jnp.sum(upto <= jax.random.uniform(key) * upto[-1])  # never a deal of probability 0
        return Deal(*(part.astype(jnp.int32) for part in jnp.divmod(index, self.sizes.second)))

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> TwoStepState:
        deal = self.sample_level(key) if level is None else level
        return TwoStepState(deal.first, deal.second, jnp.int32(-1), jnp.bool_(False), jnp.bool_(False))

    def observe(self, state: TwoStepState) -> Float[Array, "2 n"]:
        """One-hot over player 1's cards, then player 2's information sets, then "not on turn"."""
        cards, waiting = self.sizes.first, self.sizes.first + self.num_sets
        opens, replies = _on_turn(state)
        here = jnp.asarray(self.shown, jnp.int32)[state.first, state.second, state.opening]
        seen = (jnp.where(opens, state.first, waiting), jnp.where(replies, cards + here, waiting))
        return jax.nn.one_hot(jnp.stack(seen), waiting + 1)

    def legal(self, state: TwoStepState) -> Bool[Array, "2 a"]:
        """Openings for player 1, then replies for player 2; who is not on turn waits, which is the last action."""
        openings, waiting = self.sizes.openings, self.sizes.openings + self.sizes.replies
        opens, replies = _on_turn(state)
        action = jnp.arange(waiting + 1)
        begins, waits = action < openings, action == waiting
        return jnp.stack([jnp.where(opens, begins, waits), jnp.where(replies, ~begins & ~waits, waits)])

    def step(self, key: PRNGKeyArray, state: TwoStepState, action: Int[Array, "2"]) -> tuple[TwoStepState, Outcome]:
        del key
        sizes, begins = self.sizes, state.opening < 0
        opened = jnp.clip(action[0], 0, sizes.openings - 1).astype(jnp.int32)
        opening = jnp.where(begins, opened, state.opening)
        reply = jnp.clip(action[1] - sizes.openings, 0, sizes.replies - 1)
        paid = jnp.where(begins, 0.0, self.rewards[state.first, state.second, opening, reply])
        return settle(state, state._replace(opening=opening, terminated=~begins), jnp.stack([paid, paid]))

    def hidden(self, state: TwoStepState, player: int | Int[Array, ""]) -> Deal:
        """The deal, of which each player knows a part."""
        del player
        return Deal(state.first, state.second)

    def with_hidden(self, state: TwoStepState, player: int | Int[Array, ""], hidden: Deal) -> TwoStepState:
        del player
        return state._replace(first=hidden.first, second=hidden.second)

    def sample_hidden(self, key: PRNGKeyArray, state: TwoStepState, player: int | Int[Array, ""]) -> Deal:
        """A deal from the prior, as far as it agrees with what the player sees; the opening tells no more than that."""
        deals = self.hypotheses()
        index = jax.random.categorical(key, deals.grounded(state, player))
        return jax.tree.map(lambda leaf: leaf[index], deals.hidden())

    def hypotheses(self) -> "DealHypotheses":
        """All deals.

        Raises:
            Misfit: player 2 does not always see the opening.
        """
        return DealHypotheses(self)

    def sample_symmetry(self, key: PRNGKeyArray) -> Int[Array, ""]:
        """A place in the list of relabelings."""
        return jax.random.randint(key, (), 0, len(self.relabelings), jnp.int32)

    def identity(self) -> Int[Array, ""]:
        return jnp.int32(0)

    def inverse(self, symmetry: Int[Array, ""]) -> Int[Array, ""]:
        back = [Relabeling(*map(_inverse, each)) for each in self.relabelings]
        return jnp.array([self.relabelings.index(each) for each in back], jnp.int32)[symmetry]

    def relabel_observation(self, symmetry: Int[Array, ""], obs: Float[Array, " n"]) -> Float[Array, " n"]:
        return _moved([self.observation_names(each) for each in self.relabelings], symmetry, obs)

    def relabel_legal(self, symmetry: Int[Array, ""], legal: Bool[Array, " a"]) -> Bool[Array, " a"]:
        return _moved([action_names(each) for each in self.relabelings], symmetry, legal)

    def relabel_action(self, symmetry: Int[Array, ""], action: Int[Array, ""]) -> Int[Array, ""]:
        return jnp.array([action_names(each) for each in self.relabelings], jnp.int32)[symmetry, action]

    def renamed_sets(self, relabeling: Relabeling) -> tuple[int, ...]:
        """The new names of player 2's information sets."""
        names = np.arange(self.num_sets)
        names[self.shown] = self.shown[np.ix_(relabeling.first, relabeling.second, relabeling.openings)]
        return tuple(names.tolist())

    def observation_names(self, relabeling: Relabeling) -> tuple[int, ...]:
        """The new places of the entries of an observation."""
        cards = self.sizes.first
        return (*relabeling.first, *(cards + i for i in self.renamed_sets(relabeling)), cards + self.num_sets)


@dataclasses.dataclass(frozen=True)
class DealHypotheses:
    """All deals, row by row, as hypotheses that evidence is kept about (`tacit.games.hypotheses`).

    Raises:
        Misfit: player 2 does not always see the opening.
    """

    game: TwoStepGame

    def __post_init__(self) -> None:
        shown = self.game.shown
        led_to = [set(shown[:, :, a].ravel().tolist()) for a in range(self.game.sizes.openings)]
        if sum(map(len, led_to)) > len(set[int]().union(*led_to)):
            raise Misfit("beliefs about the deal need a game in which player 2 sees the opening")

    @property
    def place(self) -> slice:
        """Nearly all of an observation is about the deal."""
        return slice(0, self.game.sizes.first + self.game.num_sets + 1)

    def hidden(self) -> Deal:
        first, second = np.indices(self.game.sizes[:2]).reshape(2, -1)
        return Deal(jnp.asarray(first, jnp.int32), jnp.asarray(second, jnp.int32))

    def grounded(self, state: TwoStepState, player: int | Int[Array, ""]) -> Float[Array, " H"]:
        deals, shown = self.hidden(), jnp.asarray(self.game.shown, jnp.int32)
        to_first = deals.first == state.first
        here = shown[deals.first, deals.second, state.opening] == shown[state.first, state.second, state.opening]
        known = jnp.where(player == 0, to_first, here | (state.opening < 0))
        return jax.nn.log_softmax(jnp.where(known, jnp.log(self.game.prior.ravel()), -jnp.inf))

    def views(self, state: TwoStepState, viewer: Int[Array, ""], player: Int[Array, ""]) -> Views:
        del player

        def seen(deal: Deal) -> tuple[Array, Array]:
            supposed = state._replace(first=deal.first, second=deal.second)
            return self.game.observe(supposed)[viewer], self.game.legal(supposed)[viewer]

        differing, legal = jax.vmap(seen)(self.hidden())
        return Views(jnp.zeros(differing.shape[1]), differing, legal)

    def revealed(
        self, state: TwoStepState, player: Int[Array, ""], action: Int[Array, ""], evidence: Float[Array, " H"]
    ) -> Float[Array, " H"]:
        """A player's own action tells it nothing."""
        del state, player, action
        return evidence


def unchanged(sizes: Sizes) -> Relabeling:
    """The relabeling that leaves every name as it is."""
    return Relabeling(*(tuple(range(count)) for count in sizes))


def action_names(relabeling: Relabeling) -> tuple[int, ...]:
    """The new places of openings, replies and waiting among the actions."""
    openings, replies = relabeling.openings, relabeling.replies
    return (*openings, *(len(openings) + a for a in replies), len(openings) + len(replies))


def _on_turn(state: TwoStepState) -> tuple[Bool[Array, ""], Bool[Array, ""]]:
    begins = state.opening < 0
    return begins & ~state.terminated, ~begins & ~state.terminated


def _inverse(names: Sequence[int]) -> tuple[int, ...]:
    return tuple(np.argsort(names).tolist())


def _moved(names: Sequence[Sequence[int]], symmetry: Int[Array, ""], values: Array) -> Array:
    """One value per name, in the places of the new names that `symmetry` chooses."""
    return values[jnp.array([_inverse(each) for each in names], jnp.int32)[symmetry]]
