"""What trades do to FarBook's price, exactly: by dynamic programming over its queues and its hidden pressure.

Let W_k(s) be how far the price is expected to rise in k more steps from the state s = (pressure, queues), if nobody
trades. Trades u_t of a step then have the impact

    I(s_t, u_t)  = E[d + W(s') | s_t, u_t] - E[d + W(s') | s_t, 0]
    E[p_T - p_0] = E[W_T(s_0)] + E[sum_t I(s_t, u_t)]

and since the pressure is as often up as down, the first term is 0. The sum of impacts so has the expectation of the
price's rise, and nothing of the noise that the price has by itself.

Who could choose every trade of the crowd, and saw everything, would raise the price by `most`; those who buy to their
limit and stay there raise it by `held`. Both are exact but for the pressure, which is taken to be one of a few values.

Source: this project's own; the first equation is the performance difference lemma of Kakade & Langford 2002.
"""

import math
import statistics
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from tacit.games.farbook import QUEUE_LIMIT, REDRAWN, TRIALS, FarBook

PRESSURES, WIDEST = 11, 2.5  # values that stand for the pressure, and the largest of them, in standard deviations
SIZES = QUEUE_LIMIT + 1
SELL, HOLD, BUY = range(3)


class Impact(NamedTuple):
    """Of a crowd that shares a book and acts as one.

    Attributes:
        pressures: `[N]` values that stand for the pressure, evenly apart.
        lasting: `[A, N, q_b, q_a]` ticks by which the price ends higher if all of them take an action now and none
            later, far from the end. What a limit forbids is to be read as holding.
        worth: `[A, N, x, q_b, q_a]` the same if from then on every trade were chosen to raise the price; x counts from
            the lower limit.
        most, held: ticks by which the price rises in an episode by trades chosen so, and by a crowd that only buys.
    """

    pressures: Float[np.ndarray, " N"]
    lasting: Float[np.ndarray, "3 N q q"]
    worth: Float[np.ndarray, "3 N x q q"]
    most: float
    held: float


def impact(game: FarBook) -> Impact:
    """For the rates, the limit, the length and the number of traders of this book, without sweeps."""
    chain = _Chain(game)
    nobody, best, buyers = (np.zeros((PRESSURES, 2 * game.limit + 1, SIZES, SIZES)) for _ in range(3))
    for _ in range(game.length):
        lasting, worth = chain.after(nobody), chain.after(best)
        nobody, best, buyers = lasting[HOLD], worth.max(0), chain.after(buyers)[BUY]
    middle = game.limit
    change = lasting[:, :, middle] - lasting[HOLD, :, middle]
    return Impact(chain.pressures, change, worth - worth[HOLD], chain.start(best), chain.start(buyers))


class _Chain:
    """Steps of the book, as matrices."""

    def __init__(self, game: FarBook) -> None:
        self.limit = game.limit
        deviation = game.shock / max(1e-9, 1 - game.stay**2) ** 0.5
        self.pressures = np.linspace(-WIDEST, WIDEST, PRESSURES) * deviation
        self.moves = np.array([_normal(self.pressures, game.stay * now, game.shock) for now in self.pressures])
        self.begins = _normal(self.pressures, 0.0, 1.0)
        buys = game.market / (1 + np.exp(-self.pressures))
        self.ask, self.bid = (
            {lots: np.stack([_queue(game, chance, lots) for chance in side]) for lots in (0, game.num_players)}
            for side in (buys, game.market - buys)
        )
        self.lots = game.num_players

    def after(self, later: Float[np.ndarray, "N x q q"]) -> Float[np.ndarray, "3 N x q q"]:
        """What each action is worth: the expected move of the price, and `later` in the state to which it leads."""
        fresh = later[:, :, 1 : REDRAWN + 1, 1 : REDRAWN + 1].mean((2, 3))[..., None]
        later = later.copy()
        later[:, :, 0, :], later[:, :, :, 0] = fresh - 1, fresh + 1
        later[:, :, 0, 0] = fresh[..., 0]
        held = np.arange(2 * self.limit + 1)
        found = []
        for action in range(3):
            then = np.clip(held + action - 1, 0, 2 * self.limit)
            traded = np.where(then == held, 0, action - 1)
            value = np.empty_like(later)
            for way in (-1, 0, 1):
                who = traded == way
                bid, ask = self.bid[self.lots * (way < 0)], self.ask[self.lots * (way > 0)]
                value[:, who] = bid[:, None] @ later[:, then[who]] @ ask[:, None].swapaxes(2, 3)
            found.append(np.einsum("mn,nxij->mxij", self.moves, value))
        return np.stack(found)

    def start(self, value: Float[np.ndarray, "N x q q"]) -> float:
        """The mean over states in which an episode begins, with nothing held."""
        return float(self.begins @ value[:, self.limit, 1 : REDRAWN + 1, 1 : REDRAWN + 1].mean((1, 2)))


def _normal(values: Float[np.ndarray, " N"], mean: float, deviation: float) -> Float[np.ndarray, " N"]:
    """The chances of evenly spaced values that stand for a normal number: each takes what is nearest to it."""
    normal = statistics.NormalDist(mean, max(deviation, 1e-9))
    below = [normal.cdf(edge) for edge in (values[:-1] + values[1:]) / 2]
    return np.diff([0.0, *below, 1.0])


def _binomial(chance: float) -> list[float]:
    return [math.comb(TRIALS, k) * chance**k * (1 - chance) ** (TRIALS - k) for k in range(TRIALS + 1)]


def _queue(game: FarBook, market: float, lots: int) -> Float[np.ndarray, "q q"]:
    """Chances from one size of a queue to the next, where so many lots are taken besides; 0 means used up."""
    chances = np.zeros((SIZES, SIZES))
    for size in range(1, SIZES):
        # adds, less cancellations, less market orders: what is left has the convolution of the three distributions
        cancels = _binomial(min(game.cancels * size, 0.5))[::-1]
        change = np.convolve(np.convolve(_binomial(game.adds), cancels), _binomial(market)[::-1])
        left = np.clip(size - lots + np.arange(-2 * TRIALS, TRIALS + 1), 0, QUEUE_LIMIT)
        np.add.at(chances[size], left, change)
    return chances
