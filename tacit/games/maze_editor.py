"""The level editor of the maze: a teacher builds a level cell by cell on an empty grid.

Its first action puts the goal on a cell, the second says where the agent looks (the cell's number modulo 4), the third
puts the agent on a cell (any other one, drawn, if the goal is there). Every later one makes a wall of a cell or takes
it away; on the goal and the agent it does nothing.

Source: JaxUED (src/jaxued/environments/maze/env_editor.py), after Dennis et al. 2020 (PAIRED). Departures: numbers of
the image are tenths; noise is drawn once for each level, and is shown (a flag in JaxUED's code, which is 0 by default,
multiplies it); time is shown as one of so many numbers.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tacit.games.base import settle
from tacit.games.editor import Editor
from tacit.games.maze_levels import EMPTY_CELL, FORWARD, GOAL_CELL, UNIT, WALL_CELL, MazeLevel, picked, place_of
from tacit.settings import setting
from tacit.types import Discrete, Level, Outcome, Real, Spec

AGENT_OBJECT = 10  # its color is 0, and its state where it looks
GOAL, LOOK, AGENT = 0, 1, 2  # what is set in the first three steps


class EditorView(NamedTuple):
    """What the teacher sees: the grid so far (`[y, x]`, three numbers for a cell), the step, and noise."""

    image: Any
    time: Any
    noise: Any


class EditorState(NamedTuple):
    """A level being built; goal and agent are cells, numbered row after row."""

    walls: Bool[Array, " n"]
    goal: Int[Array, ""]
    agent: Int[Array, ""]
    direction: Int[Array, ""]
    noise: Float[Array, " z"]
    time: Int[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class MazeEditor(Editor):
    """Building a level for the maze of this size."""

    width: int = setting(13, "columns of the grid", unit="cells", low=2, high=125)
    height: int = setting(13, "rows of the grid", unit="cells", low=2, high=125)
    length: int = setting(50, "steps in which a level is built", unit="steps", source="JaxUED", low=3, high=10**5)
    noise: int = setting(16, "numbers between 0 and 1 that are shown to the teacher", source="JaxUED", low=0)
    discount: float = setting(
        0.995, "weight of the next step against this one", unit="per step", source="JaxUED", low=0.0, high=1.0
    )

    @property
    def cells(self) -> int:
        """Cells of the grid."""
        return self.width * self.height

    @property
    def truncates(self) -> bool:
        """A level is done when its time is up."""
        return False

    @property
    def spec(self) -> Spec:
        image = Real((self.height, self.width, 3), 0.0, 1.0)
        seen = EditorView(image, Real((self.length,), 0.0, 1.0), Real((self.noise,), 0.0, 1.0))
        return Spec(1, seen, Discrete(self.cells), self.length, (0.0, 0.0))

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> EditorState:
        del level
        noise = jax.random.uniform(key, (self.noise,))
        no, first = jnp.bool_(False), jnp.int32(0)
        return EditorState(jnp.zeros(self.cells, bool), first, first, first, noise, first, no, no)

    def observe(self, state: EditorState) -> EditorView:
        here = jnp.arange(self.cells)
        goal = (here == state.goal) & (state.time > GOAL)
        agent = (here == state.agent) & (state.time > AGENT)
        planes = [
            jnp.where(agent, seen, jnp.where(goal, there, jnp.where(state.walls, wall, nothing))).astype(float) / UNIT
            for seen, there, wall, nothing in zip(
                (AGENT_OBJECT, 0, state.direction), GOAL_CELL, WALL_CELL, EMPTY_CELL, strict=True
            )
        ]
        image = jnp.stack(planes, axis=-1).reshape(self.height, self.width, 3)
        time = (jnp.arange(self.length) == state.time).astype(float)
        return EditorView(image[None], time[None], state.noise[None])

    def step(self, key: PRNGKeyArray, state: EditorState, action: Int[Array, "1"]) -> tuple[EditorState, Outcome]:
        cell, here = action[0].astype(jnp.int32), jnp.arange(self.cells)
        other = picked(jax.random.bits(key), here != state.goal)
        toggles = (state.time > AGENT) & (cell != state.goal) & (cell != state.agent)
        time = state.time + 1
        new = state._replace(
            walls=state.walls ^ (toggles & (here == cell)),
            goal=jnp.where(state.time == GOAL, cell, state.goal),
            direction=jnp.where(state.time == LOOK, jax.lax.rem(cell, jnp.int32(len(FORWARD))), state.direction),
            agent=jnp.where(state.time == AGENT, jnp.where(cell == state.goal, other, cell), state.agent),
            time=time,
            terminated=time >= self.length,
        )
        return settle(state, new, jnp.zeros(1))

    def built(self, state: EditorState) -> MazeLevel:
        walls = state.walls.reshape(self.height, self.width)
        goal, agent = place_of(state.goal, self.width), place_of(state.agent, self.width)
        return MazeLevel(walls, goal, agent, state.direction, jnp.array([self.width, self.height], jnp.int32))
