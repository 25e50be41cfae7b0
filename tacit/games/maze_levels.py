"""Levels of the maze: what they are, as text and back, and when they are sound.

A level as text has one line for each row: `#` a wall, `.` nothing, `G` the goal, and `>` `v` `<` `^` the agent, looking
east, south, west or north. x counts columns from the left and y rows from the top, both from 0 on.
"""

import functools
import operator
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, UInt32

from tacit.errors import InputError

WALL, FREE, GOAL = "#", ".", "G"
AGENT = ">v<^"  # by direction
MARKS = WALL + FREE + GOAL + AGENT
EMPTY_CELL, WALL_CELL, GOAL_CELL = (1, 0, 0), (2, 5, 0), (8, 1, 0)  # object, color and state, as MiniGrid numbers them
UNIT = 10  # of the numbers of an image
# East, south, west, north: how x and y change with a step forward.
FORWARD = np.array([(1, 0), (0, 1), (-1, 0), (0, -1)], np.int32)


class MazeLevel(NamedTuple):
    """A maze to play. All levels of a game have arrays of its size; a smaller level has walls to the right and below.

    Attributes:
        walls: `[y, x]`.
        goal, agent: their x and y.
        direction: where the agent looks: 0 east, 1 south, 2 west, 3 north.
        size: width and height of the part that belongs to the level.
    """

    walls: Bool[Array, "H W"]
    goal: Int[Array, "2"]
    agent: Int[Array, "2"]
    direction: Int[Array, ""]
    size: Int[Array, "2"]


def well_formed(level: MazeLevel) -> Bool[Array, ""]:
    """Whether agent and goal are on two cells of the level, neither of them a wall."""
    inside = functools.reduce(
        operator.and_, [((place >= 0) & (place < level.size)).all() for place in (level.goal, level.agent)]
    )
    free = ~level.walls[level.goal[1], level.goal[0]] & ~level.walls[level.agent[1], level.agent[0]]
    looks = (level.direction >= 0) & (level.direction < len(FORWARD))
    return inside & free & looks & (level.goal != level.agent).any()


def parse(text: str, width: int | None = None, height: int | None = None, name: str = "level") -> MazeLevel:
    """A level from its text, with walls added up to this width and height (its own, where not given).

    Of several goals the first counts, row after row, and the others are free cells, as in JaxUED.

    Args:
        name: what the line of an error calls the level.

    Raises:
        InputError: rows of different lengths, an unknown mark, not one agent, no goal, or a level that is too large;
            the line names the place.
    """
    rows = text.strip().splitlines()
    if not rows:
        raise InputError(f"{name} is empty: it must have a line for each row")
    for y, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise InputError(f"{name}, row {y}: {len(row)} cells, and row 0 has {len(rows[0])}; rows must be alike")
        for x, mark in enumerate(row):
            if mark not in MARKS:
                raise InputError(f"{name}, row {y}, column {x}: unknown mark {mark!r}; allowed: {' '.join(MARKS)}")
    agents = [(x, y) for y, row in enumerate(rows) for x, mark in enumerate(row) if mark in AGENT]
    goals = [(x, y) for y, row in enumerate(rows) for x, mark in enumerate(row) if mark == GOAL]
    if not agents:
        raise InputError(f"{name} has no agent: one cell must be one of {' '.join(AGENT)}")
    if len(agents) > 1:
        (x, y), (first_x, first_y) = agents[1], agents[0]
        raise InputError(
            f"{name}, row {y}, column {x}: a second agent; the first is in row {first_y}, column {first_x}"
        )
    if not goals:
        raise InputError(f"{name} has no goal: one cell must be {GOAL}")
    own = (len(rows[0]), len(rows))
    width, height = width or own[0], height or own[1]
    if own[0] > width or own[1] > height:
        raise InputError(f"{name} is {own[0]} by {own[1]} cells; at most {width} by {height} fit")
    walls = np.ones((height, width), bool)
    walls[: own[1], : own[0]] = [[mark == WALL for mark in row] for row in rows]
    looks = AGENT.index(rows[agents[0][1]][agents[0][0]])
    goal, agent, size = (jnp.array(pair, jnp.int32) for pair in (goals[0], agents[0], own))
    return MazeLevel(jnp.asarray(walls), goal, agent, jnp.int32(looks), size)


def render(level: MazeLevel) -> str:
    """A level as text; `parse` gives it back."""
    (width, height), walls = np.asarray(level.size), np.asarray(level.walls)
    rows = [[WALL if wall else FREE for wall in row[:width]] for row in walls[:height]]
    for (x, y), mark in ((level.agent, AGENT[int(level.direction)]), (level.goal, GOAL)):
        rows[int(y)][int(x)] = mark
    return "\n".join("".join(row) for row in rows)


def stacked(levels: Sequence[MazeLevel]) -> MazeLevel:
    """Levels of one size as one, leaves `[N, ...]`."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *levels)


def several(texts: Iterable[str], width: int | None = None, height: int | None = None) -> MazeLevel:
    """Levels from their texts, leaves `[N, ...]`, with walls added to the size of the largest, or to the one given.

    Raises:
        InputError: as `parse`, for the first level that is wrong; it is called by its number, from 0 on.
    """
    texts = list(texts)
    parsed = [parse(text, width, height, f"level {i}") for i, text in enumerate(texts)]
    largest = np.max([np.asarray(level.walls.shape) for level in parsed], axis=0)
    return stacked([parse(text, int(largest[1]), int(largest[0])) for text in texts])


def picked(word: UInt32[Array, ""], allowed: Bool[Array, " n"]) -> Int[Array, ""]:
    """One of the allowed cells, each as likely as any other, by 32 random bits; the first of all if none is allowed."""
    count = jnp.maximum(allowed.sum(), 1).astype(jnp.uint32)
    which = jax.lax.rem(word, count).astype(jnp.int32)
    return jnp.argmax(jnp.cumsum(allowed) > which).astype(jnp.int32)


def place_of(cell: Int[Array, ""], width: int) -> Int[Array, "2"]:
    """Where a cell is, as x and y; cells are numbered row after row."""
    return jnp.stack([jax.lax.rem(cell, jnp.int32(width)), jax.lax.div(cell, jnp.int32(width))])


def cell_of(place: Int[Array, "2"], width: int) -> Int[Array, ""]:
    """The number of a cell, by its x and y."""
    return place[1] * width + place[0]


def within(size: Int[Array, "2"], height: int, width: int) -> Bool[Array, " n"]:
    """Which cells belong to a level of this size, row after row."""
    return ((jnp.arange(width)[None] < size[0]) & (jnp.arange(height)[:, None] < size[1])).ravel()
