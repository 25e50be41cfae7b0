"""A frozen lake: one player crosses a grid of ice to a goal, around holes, and may slide.

Small and fully listed, so that values are exact (`plan`) and a table can hold all of it.

Source: the idea is that of Gymnasium's FrozenLake; map, rewards and the chance of sliding are this game's own.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tacit.games.base import Game, settle
from tacit.settings import setting
from tacit.types import Discrete, Level, Outcome, Real, Spec

MAP = (
    "S.......",
    "...O....",
    ".O....O.",
    "....O...",
    ".O......",
    "...O.O..",
    ".O......",
    "....O..G",
)
SIDE = len(MAP)
CELLS = SIDE * SIDE
ACTIONS = ("left", "down", "right", "up")
MOVES = ((0, -1), (1, 0), (0, 1), (-1, 0))  # rows and columns
FLAT = "".join(MAP)
START, GOAL = FLAT.index("S"), FLAT.index("G")
HOLES = tuple(cell for cell, kind in enumerate(FLAT) if kind == "O")
ICE = tuple(cell for cell, kind in enumerate(FLAT) if kind in "S.")


def _neighbors() -> np.ndarray:
    """`[cell, action]`: where a move leads; at the edge, nowhere."""
    cells = np.arange(CELLS)
    row, column = (cells // SIDE)[:, None], (cells % SIDE)[:, None]
    down, right = np.array(MOVES).T
    return (np.clip(row + down, 0, SIDE - 1) * SIDE + np.clip(column + right, 0, SIDE - 1)).astype(np.int32)


NEIGHBORS = _neighbors()


class LakeState(NamedTuple):
    """Where the player is; cells are numbered row by row."""

    cell: Int[Array, ""]
    time: Int[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class FrozenLake(Game):
    """Reaching the goal pays 1 and ends the episode; so does a hole, which pays nothing.

    With probability `slip` a move goes to one of the two sides instead, each as likely.
    """

    slip: float = setting(0.1, "chance that a move goes to a side instead", unit="per step", low=0.0, high=1.0)
    discount: float = setting(0.99, "weight of the next step against this one", unit="per step", low=0.0, high=1.0)
    length: int = setting(100, "steps after which an episode is cut off", unit="steps", low=1, high=10**6)
    anywhere: bool = setting(False, "episodes begin on any cell of ice, each as likely; otherwise in the corner")

    @property
    def spec(self) -> Spec:
        return Spec(1, Real((CELLS,), 0.0, 1.0), Discrete(len(ACTIONS)), self.length, (0.0, 1.0))

    def sample_level(self, key: PRNGKeyArray) -> Level:
        """The cell on which an episode begins. The key is consumed."""
        return jax.random.choice(key, jnp.array(ICE)) if self.anywhere else jnp.int32(START)

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> LakeState:
        cell = self.sample_level(key) if level is None else level
        return LakeState(cell, jnp.int32(0), jnp.bool_(False), jnp.bool_(False))

    def observe(self, state: LakeState) -> Float[Array, "1 cells"]:
        return jax.nn.one_hot(state.cell, CELLS)[None]

    def step(self, key: PRNGKeyArray, state: LakeState, action: Int[Array, "1"]) -> tuple[LakeState, Outcome]:
        chance = jax.random.uniform(key)
        aside = (chance < self.slip).astype(jnp.int32) * jnp.where(chance < self.slip / 2, 1, 3).astype(jnp.int32)
        taken = jax.lax.rem(action[0].astype(jnp.int32) + aside, jnp.int32(len(ACTIONS)))
        cell = jnp.array(NEIGHBORS)[state.cell, taken]
        terminated = self.ends(cell)
        time = state.time + 1
        new = LakeState(cell, time, terminated, (time >= self.length) & ~terminated)
        return settle(state, new, (cell == GOAL).astype(float)[None])

    def ends(self, cell: Int[Array, "..."]) -> Bool[Array, "..."]:
        """Whether a cell is the goal or a hole."""
        return jnp.isin(cell, jnp.array((GOAL, *HOLES)))


class Plan(NamedTuple):
    """Values without a limit of time: of the best play and of uniform play from each cell, and the best actions."""

    best: np.ndarray
    uniform: np.ndarray
    action: np.ndarray


def plan(game: FrozenLake) -> Plan:
    """Exact values of the lake by value iteration, to 1e-12; where actions are equal, the first."""
    slip, discount = float(game.slip), float(game.discount)
    left, right = np.roll(NEIGHBORS, -1, 1), np.roll(NEIGHBORS, 1, 1)
    ended, paid = np.isin(np.arange(CELLS), (GOAL, *HOLES)), (np.arange(CELLS) == GOAL).astype(float)

    def worth(value: np.ndarray) -> np.ndarray:
        """`[cell, action]` what a move brings if its end is worth `value`."""
        led = paid + discount * np.where(ended, 0.0, value)
        return (1 - slip) * led[NEIGHBORS] + slip / 2 * (led[left] + led[right])

    def fixed(reduce: Callable[..., np.ndarray]) -> np.ndarray:
        value, change = np.zeros(CELLS), 1.0
        while change > 1e-12:
            new = np.where(ended, 0.0, reduce(worth(value), axis=1))
            value, change = new, float(np.abs(new - value).max())
        return value

    best = fixed(np.max)
    return Plan(best, fixed(np.mean), worth(best).argmax(1))


def frozen_lake() -> FrozenLake:
    """Eight rows and columns, nine holes."""
    return FrozenLake()
