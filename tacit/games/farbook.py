"""FarBook: traders at the best quotes of an order book, and far from them orders that cost nothing and never trade.

Everybody sees the far orders, and nobody need believe them: they are cheap talk. The game is made for research on
learners that are misled by such talk, and on defenses. It is synthetic and connects to no market; in real markets to
place orders that one means not to fill (spoofing, layering) is against the law.

One tick lies between the best bid, at price p, and the best ask, at p + 1. A step, in this order:

1. each trader sells, holds or buys one lot at the best quotes, within its limit: u lots are traded, x' are then held
2. a pressure that nobody sees: alpha <- 0.97 alpha + 0.243 N(0, 1)
3. arrivals, each a sum of four trials: market buys of chance 0.5 sigmoid(alpha), market sells of 0.5 sigmoid(-alpha),
   new orders of 0.30 and cancellations of min(0.02 q, 0.5) at either queue q
4. queues grow and shrink by that, and by what the traders took
5. a queue that is used up moves the price by a tick, d = 1 or -1 (a fair coin if both are); both are then drawn anew,
   1 to 10 each; otherwise they are cut at 20
6. a trader gains x' d - 0.5 |u| ticks, and at the last step pays 0.5 |x'| more

Source: this project's own design. Rates and order of events are settings of it, not estimates of any market.
"""

import dataclasses
import statistics
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tacit.games.base import Game, settle
from tacit.settings import setting
from tacit.types import Discrete, Level, Outcome, Real, Spec

ACTIONS = ("sell", "hold", "buy")
CORE = 8  # columns that are no far orders
QUEUES, QUEUE_LIMIT, REDRAWN = 2, 20, 10
TRIALS, KINDS = 4, 6  # buys, sells, adds at bid and ask, cancels at bid and ask
WORDS = TRIALS * KINDS + 1 + 1 + QUEUES  # of chance in a step: arrivals, pressure, coin, queues drawn anew
MOST_LOTS = 20  # of the adversary, at one far level
SHOWN = 20.0  # far volumes are shown in parts of this
FLOW_DECAY = 0.9
NORMAL_BITS = 12


def _normal() -> np.ndarray:
    """Equally likely values that stand for N(0, 1): a table gives the same bits however a program is compiled."""
    count = 2**NORMAL_BITS
    values = np.array([statistics.NormalDist().inv_cdf((i + 0.5) / count) for i in range(count)])
    return (values / values.std()).astype(np.float32)


NORMAL = _normal()


class BookState(NamedTuple):
    """A book, what its traders hold, and what is known of the last step."""

    price: Int[Array, ""]  # the best bid, in ticks since the start
    queue: Int[Array, "2"]  # lots at the best bid and the best ask
    pressure: Float[Array, ""]  # hidden
    mean_flow: Float[Array, ""]  # exponential mean of market buys minus market sells
    move: Int[Array, ""]  # of the price, in the last step
    flow: Int[Array, ""]  # market buys minus market sells of the last step
    held: Int[Array, " P"]
    goal: Float[Array, ""]  # what the adversary holds, -1 or 1; 0 where it wants nothing
    honest: Float[Array, " far"]  # lots of others at the far levels
    row: Int[Array, ""]  # of replayed far volumes
    fills: Float[Array, ""]  # lots of the adversary that were executed
    cost: Float[Array, ""]  # what that cost it, in ticks
    time: Int[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class FarBook(Game):
    """The book. Traders see eight columns, and then the far orders: bids, nearest first, and asks likewise.

    Attributes:
        talker: the adversary, a pytree that turns public numbers `[n]` (see `public`) into `[2 far_levels]` real ones;
            it rests round(10 (1 + tanh)) lots at each far level, anew in every step. `()`: there is none.
        replayed: `[rows, 2 far_levels]` lots of others at the far levels, replayed from a random row on; `()`: five.
    """

    num_players: int = setting(1, "traders who share the book", unit="traders", low=1, high=64)
    length: int = setting(200, "steps of an episode", unit="steps", low=1, high=10**6)
    limit: int = setting(3, "lots that a trader holds at most, bought or sold", unit="lots", low=1, high=100)
    far_levels: int = setting(4, "far levels that are shown on each side; 0: none", unit="levels", low=0, high=50)
    distance: int = setting(5, "ticks from a best quote to before its first far level", unit="ticks", low=1, high=100)
    market: float = setting(0.5, "chance of a market order in a trial, both sides together", low=0.0, high=1.0)
    adds: float = setting(0.3, "chance of a new order in a trial, each side", low=0.0, high=1.0)
    cancels: float = setting(0.02, "chance of a cancellation in a trial, each side", unit="per lot", low=0.0, high=1.0)
    stay: float = setting(0.97, "share of the pressure that stays", unit="per step", low=0.0, high=1.0)
    shock: float = setting(0.243, "standard deviation of what is added to the pressure", unit="per step", low=0.0)
    background: float = setting(5.0, "lots of others at each far level", unit="lots", low=0.0, high=20.0)
    wander: float = setting(
        0.0, "standard deviation by which these change, slowly and by themselves", unit="lots per step", low=0.0
    )
    goals: bool = setting(False, "the adversary holds one lot, bought or sold, drawn anew for each episode")
    informed: bool = setting(False, "the adversary sees what the first trader holds, too")
    sweep: float = setting(
        0.0, "chance of a move of several ticks, which executes the far orders in its way", unit="per step", low=0.0,
        high=1.0,
    )  # fmt: skip
    swept: int = setting(10, "ticks of such a move", unit="ticks", low=2, high=1000)
    discount: float = setting(0.95, "weight of the next step against this one", unit="per step", low=0.0, high=1.0)
    talker: Any = dataclasses.field(default=(), metadata={"traced": True})
    replayed: Any = dataclasses.field(default=(), metadata={"traced": True})

    @property
    def spec(self) -> Spec:
        most = float(self.swept + 1) * self.limit + 1.0  # a move of a tick or of a sweep, and half a spread or two
        seen = Real((CORE + 2 * self.far_levels,), -float(self.swept), float(self.swept))
        return Spec(self.num_players, seen, Discrete(len(ACTIONS)), self.length, (-most, most))

    def sample_level(self, key: PRNGKeyArray) -> Level:
        """The adversary's goal. The key is consumed."""
        return jax.random.rademacher(key, (), float) if self.goals else jnp.zeros(())

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> BookState:
        level_key, pressure_key, queue_key, row_key = jax.random.split(key, 4)
        rows = max(1, len(self.replayed))
        return BookState(
            price=jnp.int32(0),
            queue=jax.random.randint(queue_key, (QUEUES,), 1, REDRAWN + 1),
            pressure=jax.random.normal(pressure_key),
            mean_flow=jnp.zeros(()),
            move=jnp.int32(0),
            flow=jnp.int32(0),
            held=jnp.zeros(self.num_players, jnp.int32),
            goal=self.sample_level(level_key) if level is None else level,
            honest=jnp.zeros(2 * self.far_levels) + self.background,
            row=jax.random.randint(row_key, (), 0, rows),
            fills=jnp.zeros(()),
            cost=jnp.zeros(()),
            time=jnp.int32(0),
            terminated=jnp.bool_(False),
            truncated=jnp.bool_(False),
        )

    def observe(self, state: BookState) -> Float[Array, "P seen"]:
        own = state.held.astype(float)[:, None] / self.limit
        shared = self._shared(state)
        far = (self.honest(state) + self.placed(state)) / SHOWN
        before, after, far = (jnp.tile(part[None], (self.num_players, 1)) for part in (shared[:6], shared[6:], far))
        return jnp.concatenate([before, own, after, far], axis=1)

    def public(self, state: BookState) -> Float[Array, " n"]:
        """What the adversary sees: the core columns without what is held, its goal, and where `informed` that, too."""
        seen = jnp.append(self._shared(state), state.goal)
        return jnp.append(seen, state.held[0].astype(float) / self.limit) if self.informed else seen

    def _shared(self, state: BookState) -> Float[Array, "7"]:
        bid, ask = state.queue.astype(float)
        last = state.move.astype(float), state.flow.astype(float) / 3, state.mean_flow / 3
        return jnp.stack([bid / 10, ask / 10, (bid - ask) / (bid + ask), *last, state.time.astype(float) / self.length])

    def placed(self, state: BookState) -> Float[Array, " far"]:
        """Lots that the adversary rests at each far level: whole numbers, 0 to 20."""
        if not jax.tree.leaves(self.talker):
            return jnp.zeros(2 * self.far_levels)
        return jnp.round(MOST_LOTS / 2 * (1 + jnp.tanh(self.talker(self.public(state)))))

    def honest(self, state: BookState) -> Float[Array, " far"]:
        """Lots of others at each far level."""
        return jnp.asarray(self.replayed)[state.row] if len(self.replayed) else state.honest

    def step(self, key: PRNGKeyArray, state: BookState, action: Int[Array, " P"]) -> tuple[BookState, Outcome]:
        held = jnp.clip(state.held + action.astype(jnp.int32) - 1, -self.limit, self.limit)
        traded = held - state.held
        words = jax.random.bits(key, (WORDS,))
        chance = (words >> 8).astype(jnp.float32) * 2.0**-24
        normal = jnp.array(NORMAL)[(words[-4] >> (32 - NORMAL_BITS)).astype(jnp.int32)]
        pressure = self.stay * state.pressure + self.shock * normal
        buys, sells, adds, cancels = self._arrivals(chance[: TRIALS * KINDS], pressure, state.queue)
        took = jnp.stack([sells, buys]) + self.taken(traded)
        left = state.queue + adds - cancels - took
        used = left <= 0
        up = jnp.where(used.all(), chance[-3] < 0.5, used[1])
        move = jnp.where(used.any(), jnp.where(up, 1, -1), 0)
        move = jnp.where(self._swept(key), jnp.where(chance[-3] < 0.5, self.swept, -self.swept), move)
        drawn = 1 + (chance[-2:] * REDRAWN).astype(jnp.int32)
        queue = jnp.where(move != 0, drawn, jnp.minimum(left, QUEUE_LIMIT))
        lots, lost = self.executed(state, move)
        time = state.time + 1
        over = time >= self.length
        new = BookState(
            price=state.price + move,
            queue=queue,
            pressure=pressure,
            mean_flow=FLOW_DECAY * state.mean_flow + (1 - FLOW_DECAY) * (buys - sells).astype(float),
            move=move,
            flow=buys - sells,
            held=held,
            goal=state.goal,
            honest=self._wandered(key, state.honest),
            row=jax.lax.rem(state.row + 1, jnp.int32(max(1, len(self.replayed)))),
            fills=state.fills + lots,
            cost=state.cost + lost,
            time=time,
            terminated=over,
            truncated=jnp.bool_(False),
        )
        size = jnp.abs(held).astype(float)
        paid = held.astype(float) * move.astype(float) - 0.5 * jnp.abs(traded).astype(float)
        return settle(state, new, paid - jnp.where(over, 0.5 * size, 0.0))

    def taken(self, traded: Int[Array, " P"]) -> Int[Array, "2"]:
        """Lots that the traders take from the best bid and from the best ask."""
        return jnp.stack([jnp.maximum(-traded, 0).sum(), jnp.maximum(traded, 0).sum()])

    def _arrivals(
        self, chance: Float[Array, " n"], pressure: Float[Array, ""], queue: Int[Array, "2"]
    ) -> tuple[Int[Array, ""], Int[Array, ""], Int[Array, "2"], Int[Array, "2"]]:
        """Market buys and sells, and new and canceled orders at either queue."""
        side = self.market * jax.nn.sigmoid(jnp.stack([pressure, -pressure]))
        cancel = jnp.minimum(self.cancels * queue.astype(float), 0.5)
        likely = jnp.concatenate([side, jnp.full(QUEUES, self.adds, float), cancel])
        count = (chance.reshape(KINDS, TRIALS) < likely[:, None]).sum(1).astype(jnp.int32)
        return count[0], count[1], count[2:4], count[4:]

    def _swept(self, key: PRNGKeyArray) -> Bool[Array, ""]:
        return jax.random.uniform(jax.random.fold_in(key, 1)) < self.sweep

    def _wandered(self, key: PRNGKeyArray, honest: Float[Array, " far"]) -> Float[Array, " far"]:
        """Others' far volumes a step later: drawn apart, so that nothing else depends on whether they change."""
        noise = jax.random.normal(jax.random.fold_in(key, 2), honest.shape)
        pulled = self.background + 0.95 * (honest - self.background) + self.wander * noise
        return jnp.where(self.wander > 0, jnp.clip(pulled, 0.0, MOST_LOTS), honest)

    def executed(self, state: BookState, move: Int[Array, ""]) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """The adversary's lots that a move of the price executes, and the ticks that they lose by it.

        An order j ticks above the best ask is executed once the best bid has come to its price, by a move of more than
        j ticks, and is then worth move - j - 0.5 ticks less than what the book's middle says.
        """
        ticks = self.distance + 1 + jnp.arange(self.far_levels)
        lots = self.placed(state).reshape(2, self.far_levels)
        moves = jnp.stack([-move, move])  # bids are executed by a fall
        reached = moves[:, None] > ticks[None]
        loss = jnp.where(reached, (moves[:, None] - ticks[None]).astype(float) - 0.5, 0.0)
        return jnp.where(reached, lots, 0.0).sum(), (lots * loss).sum()

    def measure(self, state: BookState) -> dict[str, Array]:
        """How far the price went, what the adversary's goal gained by it, and what its orders filled and cost."""
        moved = state.price.astype(float)
        return {"price": moved, "goal_gain": state.goal * moved, "fills": state.fills, "cost": state.cost}


def farbook() -> FarBook:
    """One trader, four far levels on each side, and nobody who talks."""
    return FarBook()
