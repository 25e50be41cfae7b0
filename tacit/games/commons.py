"""A commons: several players harvest one stock that grows back, and a stock that is gone stays gone.

Each round every player restrains itself (action 0) or takes one unit (action 1). What is left grows by the logistic
law, rounded to whole units. Taking pays at once; what is spared is shared, by the others first. Left to themselves,
players that learn independently use it up; a planner would not.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tacit.games.base import Game, settle
from tacit.settings import setting
from tacit.types import Discrete, Level, Outcome, Real, Spec


class CommonsState(NamedTuple):
    """A commons after some rounds: what is left of the stock, and whether the episode is over."""

    stock: Int[Array, ""]
    round: Int[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class Commons(Game):
    """Players share a stock of at most `capacity` units; everyone sees how much is left (one-hot).

    With `taken` units gone, `rest = stock - taken` grows to `rest + round(growth rest (1 - rest / capacity))`, halves
    upwards. If more players reach for it than there are units, they share what there is. The game is a window on one
    without end.
    """

    num_players: int = setting(4, "players that share the stock", unit="players", low=1, high=64)
    capacity: int = setting(20, "the stock at the start, and at most", unit="units", low=1, high=1000)
    growth: float = setting(0.4, "growth of a small stock", unit="per round", low=0.0, high=4.0)
    discount: float = setting(0.95, "weight of the next round against this one", unit="per round", low=0.0, below=1.0)
    length: int = setting(100, "rounds of an episode", unit="rounds", low=1, high=10**6)

    @property
    def spec(self) -> Spec:
        return Spec(self.num_players, Real((self.capacity + 1,), 0.0, 1.0), Discrete(2), self.length, (0.0, 1.0))

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> CommonsState:
        del key, level
        return CommonsState(jnp.int32(self.capacity), jnp.int32(0), jnp.bool_(False), jnp.bool_(False))

    def observe(self, state: CommonsState) -> Float[Array, "P stocks"]:
        return jnp.tile(jax.nn.one_hot(state.stock, self.capacity + 1)[None], (self.num_players, 1))

    def step(self, key: PRNGKeyArray, state: CommonsState, action: Int[Array, " P"]) -> tuple[CommonsState, Outcome]:
        del key
        takers = jnp.sum(action).astype(jnp.int32)
        taken = jnp.minimum(takers, state.stock)
        share = taken / jnp.maximum(takers, 1)
        played = state.round + 1
        stock = self.regrow(state.stock - taken)
        new = CommonsState(stock, played, jnp.bool_(False), played >= self.length)
        return settle(state, new, action.astype(float) * share)

    def regrow(self, rest: Int[Array, "..."]) -> Int[Array, "..."]:
        """The stock after a round that left `rest` units."""
        real = rest.astype(float)
        # halves go up; the little that is added makes them do so however a compiler arranges these operations
        growth = jnp.floor(self.growth * real * (self.capacity - real) / self.capacity + 0.501)
        return jnp.clip(rest + growth.astype(rest.dtype), 0, self.capacity)


class Plan(NamedTuple):
    """What a planner who decides for everyone would do.

    Attributes:
        takers: for each stock, how many players should take.
        welfare: discounted rewards of all players together, from a full stock over `length` rounds.
        harvest: the same without discounting.
        stock: mean stock over those rounds.
    """

    takers: np.ndarray
    welfare: float
    harvest: float
    stock: float


def plan(game: Commons) -> Plan:
    """The best joint play of a commons, by value iteration over its stocks (as an endless game, exact to 1e-9)."""
    stocks, takers = np.arange(game.capacity + 1), np.arange(game.num_players + 1)
    taken = np.minimum(takers[None], stocks[:, None])
    after = np.asarray(game.regrow(jnp.asarray(stocks[:, None] - taken)))
    value, change = np.zeros(len(stocks)), 1.0
    while change > 1e-9:
        new = (taken + game.discount * value[after]).max(axis=1)
        value, change = new, float(np.abs(new - value).max())
    best = (taken + game.discount * value[after]).argmax(axis=1)
    stock, stocks_seen, harvested = game.capacity, [], []
    for _ in range(game.length):
        stocks_seen.append(stock)
        harvested.append(int(taken[stock, best[stock]]))
        stock = int(after[stock, best[stock]])
    weights = float(game.discount) ** np.arange(game.length)
    return Plan(best, float(weights @ harvested), float(sum(harvested)), float(np.mean(stocks_seen)))


def commons() -> Commons:
    """Four players, twenty units."""
    return Commons()
