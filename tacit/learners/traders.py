"""Traders of the order book that follow a rule and never learn. Their rules read the eight core columns alone.

The base line of `farbook`: what a learner earns is to be compared with what these earn. An adversary's far orders do
not reach them.

Source: this project's own rules; each threshold is part of the player.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.games.farbook import ACTIONS, CORE, FarBook
from tacit.ops import categorical
from tacit.types import Carry, Choice, Policy

SELL, HOLD, BUY = range(len(ACTIONS))
IMBALANCE, MEAN_FLOW = 2, 5  # columns
LEAST = 1e-30  # a probability of 0, as a logarithm that stays finite


def _act(
    key: Any,
    params: Float[Array, " n"],
    carry: Carry,
    obs: Float[Array, " seen"],
    legal: Array,
    fresh: Array,
    given: Any = None,
) -> tuple[Carry, Array, Choice]:
    """Buys where the weighted columns exceed the threshold, sells where they are as far below 0, and holds otherwise.

    The parameters are the chance to act at random, the threshold, and the weights of the core columns.
    """
    del legal, fresh
    random, threshold, weights = params[0], params[1], params[2:]
    signal = weights @ obs[:CORE]
    wanted = jnp.where(signal > threshold, BUY, jnp.where(signal < -threshold, SELL, HOLD))
    chance = random / len(ACTIONS) + (1 - random) * (jnp.arange(len(ACTIONS)) == wanted)
    return carry, *categorical.choose(key, jnp.log(jnp.maximum(chance, LEAST)), jnp.zeros(()), given)


RULE = Policy(lambda: (), _act)


class Trader(NamedTuple):
    """A trader: the column it watches, the threshold, and the chance to act at random instead.

    A negative threshold is below every signal: it always buys.
    """

    column: int
    threshold: float
    random: float = 0.0

    @property
    def policy(self) -> Policy:
        """How it acts."""
        return RULE

    def seated(self, game: Game, seats: Sequence[int]) -> tuple[Policy, list[Array]]:
        """Its policy, and its parameters in each of these seats.

        Raises:
            Misfit: the game is no order book.
        """
        if not isinstance(game, FarBook):
            raise Misfit(f"traders play farbook, not {type(game).__name__}")
        weights = [float(column == self.column) for column in range(CORE)]
        return RULE, [jnp.array([self.random, self.threshold, *weights]) for _ in seats]


NEVER, ALWAYS = 1e9, -1e9

TRADE_AT_RANDOM = Trader(IMBALANCE, NEVER, 1.0)
HOLDER = Trader(IMBALANCE, NEVER)
BUYER = Trader(IMBALANCE, ALWAYS)
IMBALANCE_TRADER = Trader(IMBALANCE, 0.5)
FLOW_TRADER = Trader(MEAN_FLOW, 0.1)  # a mean flow of 0.3 lots, which is shown in thirds
