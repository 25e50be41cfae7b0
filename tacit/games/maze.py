"""The maze, the standard benchmark of environment design: an agent that sees little of it looks for a goal.

The agent turns left or right or goes forward on a grid, which has walls all around. It sees the cells before it, a
square of five by five that has it in the middle of its nearest row, and sees through walls. Reaching the goal ends the
episode and pays 1 - 0.9 (t + 1) / length, t being the steps made before. What varies is the level: walls, goal, and
where the agent begins.

Sources: JaxUED (DramaCow/jaxued, src/jaxued/environments/maze, commit 0f8f1284), with whose rules, observation and
generator this agrees number for number or in distribution; minimax (facebookresearch/minimax); both after MiniGrid and
Dennis et al. 2020. As there, an episode that runs out of time ends by the rules. Departure: the direction is shown as
four numbers, one of them 1, and the image as tenths.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree, UInt32

from tacit.errors import SettingError
from tacit.games.base import Game, settle
from tacit.games.maze_editor import MazeEditor
from tacit.games.maze_edits import MUTATORS
from tacit.games.maze_levels import EMPTY_CELL, FORWARD, GOAL_CELL, UNIT, WALL_CELL, MazeLevel, picked, place_of
from tacit.games.maze_paths import best_return, shortest
from tacit.settings import setting
from tacit.types import Discrete, Level, Outcome, Real, Spec

LEFT, RIGHT, AHEAD = 0, 1, 2
ACTIONS = ("left", "right", "forward", "pick up", "drop", "toggle", "done")  # the last four do nothing
DIRECTIONS = ("east", "south", "west", "north")
WORD = 32  # bits


class MazeView(NamedTuple):
    """What the agent sees. `image[i, j]` is the cell i - 2 to the right and 4 - j ahead: object, color, state."""

    image: PyTree
    direction: PyTree


class MazeState(NamedTuple):
    """A maze being played.

    Attributes:
        rows: one bit for each cell, 1 a wall, in words of 32; a border as wide as the agent sees is included.
        goal, agent: their x and y.
        solved: the goal was reached.
    """

    rows: UInt32[Array, "rows words"]
    goal: Int[Array, "2"]
    agent: Int[Array, "2"]
    direction: Int[Array, ""]
    time: Int[Array, ""]
    solved: Bool[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class Maze(Game):
    """The maze. A level is a `MazeLevel`; those that it draws itself are not always solvable.

    Raises:
        SettingError: so many walls may leave no room for agent and goal.
    """

    width: int = setting(13, "columns of the grid, without the walls around it", unit="cells", low=2, high=125)
    height: int = setting(13, "rows of the grid, without the walls around it", unit="cells", low=2, high=125)
    walls: int = setting(
        25, "walls of a random level, each drawn among all cells", unit="walls", source="JaxUED, maze_plr.py", low=0
    )
    fewer: bool = setting(False, "random levels have from 0 to so many walls, every number equally likely")
    edits: int = setting(5, "edits of a mutated level", unit="edits", source="JaxUED, maze_plr.py", low=0)
    mutator: str = setting(
        "flips", "edits are minimax's flips of walls and moves of the goal, or JaxUED's cells", choices=tuple(MUTATORS)
    )
    builds: int = setting(
        50, "steps in which a teacher builds a level", unit="steps", source="JaxUED", low=3, high=10**5
    )
    length: int = setting(250, "steps of an episode", unit="steps", source="JaxUED", low=1, high=10**6)
    hurry: bool = setting(True, "the goal pays less the later it is reached; otherwise 1")
    view: int = setting(5, "cells that the agent sees ahead and across, its own among them", choices=(3, 5))
    discount: float = setting(
        0.995, "weight of the next step against this one", unit="per step", source="JaxUED", low=0.0, high=1.0
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        most = self.width * self.height - 2
        if self.walls > most:
            raise SettingError(f"walls must be <= {most}, so that agent and goal have a cell, got {self.walls}")

    @property
    def truncates(self) -> bool:
        """Running out of time is an end by the rules."""
        return False

    @property
    def spec(self) -> Spec:
        seen = MazeView(Real((self.view, self.view, 3), 0.0, 1.0), Real((len(DIRECTIONS),), 0.0, 1.0))
        return Spec(1, seen, Discrete(len(ACTIONS)), self.length, (0.0, 1.0))

    def sample_level(self, key: PRNGKeyArray) -> MazeLevel:
        """Walls on cells drawn with replacement, then the agent on a free cell, looking anywhere, then the goal."""
        cells = self.width * self.height
        words = jax.random.bits(key, (self.walls + 4,))
        drawn = jax.lax.rem(words[4:], jnp.uint32(cells)).astype(jnp.int32)
        if self.fewer:
            count = jax.lax.rem(words[3], jnp.uint32(self.walls + 1)).astype(jnp.int32)
            drawn = jnp.where(jnp.arange(self.walls) < count, drawn, cells)  # the last cell is none
        walls = jnp.zeros(cells, bool).at[drawn].set(True, mode="drop")
        agent = picked(words[0], ~walls)
        goal = picked(words[1], ~walls & (jnp.arange(cells) != agent))
        direction = jax.lax.rem(words[2], jnp.uint32(len(DIRECTIONS))).astype(jnp.int32)
        grid = walls.reshape(self.height, self.width)
        size = jnp.array([self.width, self.height], jnp.int32)
        return MazeLevel(grid, place_of(goal, self.width), place_of(agent, self.width), direction, size)

    def best(self, level: MazeLevel, discount: Any = 1.0) -> Float[Array, ""]:
        """The highest return that a level allows; what an agent earns less is its true regret."""
        return best_return(level, self.length, self.hurry, discount)

    def measure_level(self, level: MazeLevel) -> dict[str, Array]:
        """Walls, whether it can be solved in time, and, where it can, the fewest steps."""
        steps = shortest(level)
        possible = steps <= self.length
        known = jnp.where(possible, steps.astype(float), jnp.nan)
        return {"walls": level.walls.sum().astype(float), "solvable": possible.astype(float), "steps": known}

    @property
    def editor(self) -> MazeEditor:
        return MazeEditor(self.width, self.height, self.builds, discount=self.discount)

    def mutate(self, key: PRNGKeyArray, level: MazeLevel) -> MazeLevel:
        """A level that differs by `edits` random edits. The key is consumed."""
        return MUTATORS[self.mutator](key, level, self.edits)

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> MazeState:
        on: MazeLevel = self.sample_level(key) if level is None else level
        no = jnp.bool_(False)
        rows = _packed(on.walls, self.view - 1)
        return MazeState(rows, on.goal, on.agent, on.direction, jnp.int32(0), no, no, no)

    def as_level(self, state: MazeState) -> MazeLevel:
        """What is left to play, as a level of the game's size: the agent is where it is now."""
        bits = (state.rows[..., None] >> np.arange(WORD, dtype=np.uint32)[None, None]) & 1
        border = self.view - 1
        walls = bits.reshape(len(state.rows), -1)[border : border + self.height, border : border + self.width] > 0
        size = jnp.array([self.width, self.height], jnp.int32)
        return MazeLevel(walls, state.goal, state.agent, state.direction, size)

    def observe(self, state: MazeState) -> MazeView:
        wall, goal = self._walls_seen(state), self._goal_seen(state)
        cell = [
            jnp.where(goal, there, jnp.where(wall, blocked, empty)) / UNIT
            for there, blocked, empty in zip(
                *(np.array(kind, np.float32) for kind in (GOAL_CELL, WALL_CELL, EMPTY_CELL)), strict=True
            )
        ]
        looks = (jnp.arange(len(DIRECTIONS)) == state.direction).astype(float)
        return MazeView(jnp.stack(cell, axis=-1)[None], looks[None])

    def step(self, key: PRNGKeyArray, state: MazeState, action: Int[Array, "1"]) -> tuple[MazeState, Outcome]:
        del key
        turn = (action[0] == RIGHT).astype(jnp.int32) - (action[0] == LEFT).astype(jnp.int32)
        target = state.agent + jnp.where(action[0] == AHEAD, _ahead(state.direction), 0)
        solved = (target == state.goal).all()
        blocked = solved | self._wall_at(state.rows, target)
        time = state.time + 1
        new = state._replace(
            agent=jnp.where(blocked, state.agent, target),
            direction=(state.direction + turn) & 3,
            time=time,
            solved=solved,
            terminated=solved | (time >= self.length),
        )
        pays = 1.0 - 0.9 * (time.astype(float) / self.length) if self.hurry else jnp.float32(1.0)
        return settle(state, new, jnp.where(solved, pays, 0.0)[None])

    def measure(self, state: MazeState) -> dict[str, Array]:
        """Whether the goal was reached."""
        return {"solved": state.solved.astype(float)}

    def _wall_at(self, rows: UInt32[Array, "rows words"], place: Int[Array, "2"]) -> Bool[Array, ""]:
        x, y = place + (self.view - 1)
        return ((rows[y, x // WORD] >> (x % WORD).astype(jnp.uint32)) & 1) > 0

    def _walls_seen(self, state: MazeState) -> Bool[Array, "k k"]:
        """Walls in view, `[across, along]`: a window of the rows, turned so that the agent looks to its right end."""
        k, half = self.view, self.view // 2
        # The window's upper left corner on the bordered grid, by direction: ahead lie k - 1 cells, to each side half.
        border = k - 1
        corner = np.array([(0, -half), (-half, 0), (1 - k, -half), (-half, 1 - k)], np.int32) + border
        x, y = state.agent + jnp.asarray(corner)[state.direction]
        rows = jax.lax.dynamic_slice_in_dim(state.rows, y, k)
        word, bit = x // WORD, (x % WORD).astype(jnp.uint32)
        lines = jnp.take(rows, word, axis=1) >> bit
        if rows.shape[1] > 1:  # the window may begin in one word and end in the next
            rest = jnp.take(rows, jnp.minimum(word + 1, rows.shape[1] - 1), axis=1)
            lines = lines | jnp.where(bit > 0, rest << ((WORD - bit) % WORD), 0)
        shifts = np.arange(k, dtype=np.uint32) * k
        window = ((lines & (2**k - 1)) << shifts).sum(dtype=jnp.uint32)
        return ((window >> jnp.asarray(_turns(k))[state.direction]) & 1) > 0

    def _goal_seen(self, state: MazeState) -> Bool[Array, "k k"]:
        """Where in view the goal is, if it is."""
        away = state.goal - state.agent
        ahead = _ahead(state.direction)
        along = (away * ahead).sum()
        across = away[1] * ahead[0] - away[0] * ahead[1]  # to the right, which is (-y, x) where y points down
        here = np.arange(self.view, dtype=np.int32)
        return (here[:, None] == across + self.view // 2) & (here[None] == self.view - 1 - along)


def _ahead(direction: Int[Array, ""]) -> Int[Array, "2"]:
    return jnp.asarray(FORWARD)[direction]


def _turns(k: int) -> np.ndarray:
    """For each direction, which bit of a window is the cell `[i, j]` of an image, `[direction, i, j]`."""
    bits = np.arange(k * k, dtype=np.uint32).reshape(k, k)  # [y, x]
    # Looking north the window is upright: its rows from far to near, which is the image's second axis.
    turned = [np.rot90(bits, quarters).T for quarters in (1, 2, 3, 4)]
    return np.stack(turned)


def _packed(walls: Bool[Array, "H W"], border: int) -> UInt32[Array, "rows words"]:
    """Walls as bits, x from the lowest bit on, with a border of walls all around and to the end of the last word."""
    width = walls.shape[1] + 2 * border
    beyond = -width % WORD
    padded = jnp.pad(walls, ((border, border), (border, border + beyond)), constant_values=True)
    bits = padded.reshape(padded.shape[0], -1, WORD).astype(jnp.uint32)
    return (bits << np.arange(WORD, dtype=np.uint32)[None, None]).sum(axis=-1, dtype=jnp.uint32)


def maze() -> Maze:
    """The benchmark's size: 13 by 13 cells, 25 walls, 250 steps."""
    return Maze()


def maze_small() -> Maze:
    """A maze for minutes on a laptop: 7 by 7 cells, 12 walls, 60 steps."""
    return Maze(width=7, height=7, walls=12, builds=20, length=60)
