"""Lever games: two players pull a lever each, and only if it is the same one are they paid.

    pay(a, b) = payoff_a if a = b, else 0        (both players get it)

Played once, nine levers that pay 1 are as good as each other, and nothing but their names tells them apart; the tenth,
which pays 0.9, is the only one that two strangers can agree on. Played again and again, both pulls are seen after each
round, and what was pulled tells levers apart: strangers can copy, stick, and stay. `tacit.evaluation.levers` has the
values of best play.

Levers of equal payoff may trade their names (`tacit.games.symmetry`).

Source: Hu et al. 2020 ("Other-Play" for Zero-Shot Coordination), section 3 and its public notebook, in which lever 0
is the one that pays 0.9.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tacit.errors import SettingError
from tacit.games.base import settle
from tacit.games.symmetry import Symmetric
from tacit.settings import setting
from tacit.types import Discrete, Level, Outcome, Real, Spec

PLAYERS = 2
NOTHING = -1  # what was pulled before the first round


class LeverState(NamedTuple):
    """A lever game after some rounds: only the last pulls are remembered."""

    last: Int[Array, "2"]  # each player's last lever; -1 before the first round
    round: Int[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class LeverGame(Symmetric):
    """Levers with these payoffs, pulled `length` times. A relabeling is a permutation `[A]`: lever i is named g[i].

    A player sees a row for each lever, `[A, 3]`: what it pays, whether it was its own last pull, and whether it was the
    other's.

    Raises:
        SettingError: there are fewer than two levers.
    """

    payoffs: tuple[float, ...] = setting(
        (0.9, *9 * (1.0,)), "what each lever pays if both pull it", source="Other-Play notebook"
    )
    length: int = setting(1, "rounds of an episode", unit="rounds", low=1, high=10**6)
    discount: float = setting(1.0, "weight of the next round against this one", unit="per round", low=0.0, high=1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.payoffs) < 2:
            raise SettingError(f"payoffs must be those of at least 2 levers, got {len(self.payoffs)}")

    @property
    def num_levers(self) -> int:
        """A."""
        return len(self.payoffs)

    @property
    def payoff(self) -> Float[Array, " A"]:
        """The payoffs as an array."""
        return jnp.stack([jnp.asarray(x, float) for x in self.payoffs])

    def matrix(self, other_play: bool = False) -> Float[Array, "A A"]:
        """What both players get in a round at each joint action; with `other_play`, on average over each one's names.

        Under names of their own two players who pull one of n equal levers meet with probability 1 / n.
        """
        if not other_play:
            return jnp.diag(self.payoff)
        equal = self.payoff[:, None] == self.payoff[None]
        return jnp.where(equal, self.payoff / jnp.sum(equal, axis=1), 0.0)

    @property
    def spec(self) -> Spec:
        lowest, highest = (-float("inf"), float("inf"))
        if all(isinstance(x, float) for x in self.payoffs):  # unknown while the payoffs are traced
            lowest, highest = min(0.0, *self.payoffs), max(0.0, *self.payoffs)
        seen = Real((self.num_levers, 3), lowest, max(highest, 1.0))
        return Spec(PLAYERS, seen, Discrete(self.num_levers), self.length, (lowest, highest))

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> LeverState:
        del key, level
        return LeverState(jnp.full(PLAYERS, NOTHING, jnp.int32), jnp.int32(0), jnp.bool_(False), jnp.bool_(False))

    def observe(self, state: LeverState) -> Float[Array, "2 A 3"]:
        pulled = jax.nn.one_hot(state.last, self.num_levers)
        pays = jnp.broadcast_to(self.payoff, pulled.shape)
        return jnp.stack([pays, pulled, pulled[::-1]], axis=2)

    def step(self, key: PRNGKeyArray, state: LeverState, action: Int[Array, "2"]) -> tuple[LeverState, Outcome]:
        del key
        paid = jnp.where(action[0] == action[1], self.payoff[action[0]], 0.0)
        played = state.round + 1
        new = LeverState(action.astype(state.last.dtype), played, played >= self.length, jnp.bool_(False))
        return settle(state, new, jnp.full(PLAYERS, paid))

    def sample_symmetry(self, key: PRNGKeyArray) -> Int[Array, " A"]:
        # Comparing all pairs of levers is much faster, mapped over many games, than sorting them.
        equal = self.payoff[:, None] == self.payoff[None]
        lower = jnp.tril(jnp.ones_like(equal), -1)  # of two numbers, whether the second is the lower
        draw = jax.random.uniform(key, (self.num_levers,))
        sooner = (draw[None] < draw[:, None]) | ((draw[None] == draw[:, None]) & lower)
        place = jnp.sum(equal & lower, axis=1)  # of a lever among its equals, by number
        drawn = jnp.sum(equal & sooner, axis=1)  # and by lot
        takes = equal & (drawn[:, None] == place[None])  # lever i takes the name of its equal j
        return jnp.argmax(takes, axis=1).astype(jnp.int32)

    def identity(self) -> Int[Array, " A"]:
        return jnp.arange(self.num_levers, dtype=jnp.int32)

    def inverse(self, symmetry: Int[Array, " A"]) -> Int[Array, " A"]:
        named = symmetry[None] == jnp.arange(self.num_levers)[:, None]
        return jnp.argmax(named, axis=1).astype(jnp.int32)

    def relabel_observation(self, symmetry: Int[Array, " A"], obs: Float[Array, "A 3"]) -> Float[Array, "A 3"]:
        return obs[self.inverse(symmetry)]

    def relabel_legal(self, symmetry: Int[Array, " A"], legal: Bool[Array, " A"]) -> Bool[Array, " A"]:
        return legal[self.inverse(symmetry)]

    def relabel_action(self, symmetry: Int[Array, " A"], action: Int[Array, ""]) -> Int[Array, ""]:
        return symmetry[action]


def levers() -> LeverGame:
    """Ten levers, pulled once: nine pay 1, lever 0 pays 0.9."""
    return LeverGame()


def repeated_levers() -> LeverGame:
    """The same levers, pulled twenty times; both pulls are seen after each round."""
    return LeverGame(length=20)
