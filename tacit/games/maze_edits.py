"""Small random changes of a maze: how curricula that mutate levels make new ones.

Sources: `flips`, minimax's mutator (facebookresearch/minimax, src/minimax/envs/maze/maze_mutators.py); `cells`, that of
JaxUED (DramaCow/jaxued, src/jaxued/environments/maze/util.py, make_level_mutator). Departures: both keep to the cells
that belong to a level, the first as the second; edits that leave no room for agent and goal are not made.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int, PRNGKeyArray, UInt32

from tacit.games.maze_levels import FORWARD, MazeLevel, cell_of, picked, place_of, well_formed, within


def flips(key: PRNGKeyArray, level: MazeLevel, edits: int) -> MazeLevel:
    """So many edits, one after another, each of them nothing, a wall flipped, or the goal moved, equally likely.

    A flip makes a wall of a free cell, or the reverse, on any cell but the agent's and the goal's. The goal moves to a
    free cell. The key is consumed.
    """
    height, width = level.walls.shape
    inside = within(level.size, height, width)
    agent = jnp.arange(height * width) == cell_of(level.agent, width)

    def edit(carry: tuple[Array, Array], words: UInt32[Array, "2"]) -> tuple[tuple[Array, Array], None]:
        walls, goal = carry
        kind = jax.lax.rem(words[0], jnp.uint32(3))
        others = inside & ~agent & (jnp.arange(height * width) != goal)
        # Each kind of edit has its own cells; with none left, nothing changes.
        allowed = others & ((kind == 1) | ~walls)
        cell = picked(words[1], allowed)
        possible = allowed.any()
        flipped = (jnp.arange(height * width) == cell) & (kind == 1) & possible
        return (walls ^ flipped, jnp.where((kind == 2) & possible, cell, goal)), None

    words = jax.random.bits(key, (edits, 2))
    start = (level.walls.ravel(), cell_of(level.goal, width))
    (walls, goal), _ = jax.lax.scan(edit, start, words)
    return level._replace(walls=walls.reshape(height, width), goal=place_of(goal, width))


class _Edited(NamedTuple):
    """A level while its cells are changed; agent or goal may have lost their place."""

    walls: Bool[Array, " n"]
    agent: Int[Array, ""]
    goal: Int[Array, ""]
    direction: Int[Array, ""]
    agent_lost: Bool[Array, ""]
    goal_lost: Bool[Array, ""]


def cells(key: PRNGKeyArray, level: MazeLevel, edits: int) -> MazeLevel:
    """Up to so many different cells, drawn with replacement, each made a wall, free, the agent's or the goal's.

    The four are equally likely, and the agent looks anywhere then. Whoever lost its cell to something else and was not
    placed again gets a free one at last, the goal first. A level that has no room for both stays as it was. The key is
    consumed.
    """
    height, width = level.walls.shape
    inside, everywhere = within(level.size, height, width), jnp.arange(height * width)
    draw_key, order_key, edit_key, last_key = jax.random.split(key, 4)
    drawn = jax.vmap(picked, (0, None))(jax.random.bits(draw_key, (edits,)), inside)
    again = jnp.tril(drawn[:, None] == drawn[None], -1).any(axis=1)  # the same cell is edited once
    drawn = jax.random.permutation(order_key, jnp.where(again, -1, drawn))

    def edit(old: _Edited, inputs: tuple[Array, Array]) -> tuple[_Edited, None]:
        cell, words = inputs
        kind = jax.lax.rem(words[0], jnp.uint32(4))
        agent_moves, goal_moves = kind == 2, kind == 3
        new = _Edited(
            jnp.where(everywhere == cell, kind == 0, old.walls),
            jnp.where(agent_moves, cell, old.agent),
            jnp.where(goal_moves, cell, old.goal),
            jnp.where(agent_moves, _turned(words[1]), old.direction),
            ~agent_moves & (old.agent_lost | (cell == old.agent)),
            ~goal_moves & (old.goal_lost | (cell == old.goal)),
        )
        return jax.tree.map(lambda a, b: jnp.where(cell < 0, a, b), old, new), None

    nobody = jnp.bool_(False)
    start = _Edited(
        level.walls.ravel(),
        cell_of(level.agent, width),
        cell_of(level.goal, width),
        level.direction,
        nobody,
        nobody,
    )
    new, _ = jax.lax.scan(edit, start, (drawn, jax.random.bits(edit_key, (edits, 2))))
    words = jax.random.bits(last_key, (3,))
    free = inside & ~new.walls
    # A goal may take the cell that an agent lost; as long as the agent has a cell, that is its own.
    goal = picked(words[0], free & ((everywhere != new.agent) | new.agent_lost))
    goal = jnp.where(new.goal_lost, goal, new.goal)
    agent = jnp.where(new.agent_lost, picked(words[1], free & (everywhere != goal)), new.agent)
    direction = jnp.where(new.agent_lost, _turned(words[2]), new.direction)
    walls = new.walls.reshape(height, width)
    made = MazeLevel(walls, place_of(goal, width), place_of(agent, width), direction, level.size)
    return jax.tree.map(functools.partial(jnp.where, well_formed(made)), made, level)


def _turned(word: UInt32[Array, ""]) -> Int[Array, ""]:
    """Any direction."""
    return jax.lax.rem(word, jnp.uint32(len(FORWARD))).astype(jnp.int32)


MUTATORS = {"flips": flips, "cells": cells}
