"""Shortest ways through mazes, by breadth-first search over where the agent is and where it looks.

Turns count as steps. With n steps to the goal the best undiscounted reward is 1 - 0.9 n / length, and what an agent's
return falls short of it is its true regret. (JaxUED's own helper, MazeSolved.optimal_value, counts a step too many.)
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from tacit.games.maze_levels import FORWARD, MazeLevel

NEVER = 2**30  # steps from where the goal cannot be reached


def steps_to_goal(level: MazeLevel) -> Int[Array, "4 H W"]:
    """Fewest steps to the goal from everywhere, `[direction, y, x]`; `NEVER` in walls and where there is no way.

    It takes as many rounds as the longest of these ways has steps; mapped over levels, as the longest of all.
    """
    height, width = level.walls.shape
    goal = (np.arange(height)[:, None] == level.goal[1]) & (np.arange(width)[None] == level.goal[0])
    start = jnp.broadcast_to(jnp.where(goal, jnp.int32(0), NEVER), (len(FORWARD), height, width))

    def closer(carry: Any) -> Any:
        steps, _ = carry
        turned = jnp.minimum(jnp.roll(steps, 1, axis=0), jnp.roll(steps, -1, axis=0))
        nearest = jnp.minimum(turned, _of_cells_ahead(steps)) + 1
        new = jnp.where(level.walls, NEVER, jnp.minimum(steps, nearest))
        return new, (new != steps).any()

    return jax.lax.while_loop(lambda carry: carry[1], closer, (start, jnp.bool_(True)))[0]


def _of_cells_ahead(steps: Int[Array, "4 H W"]) -> Int[Array, "4 H W"]:
    """What stands at the cell ahead; `NEVER` beyond the edge."""
    padded = jnp.pad(steps, ((0, 0), (1, 1), (1, 1)), constant_values=NEVER)
    height, width = steps.shape[1:]
    return jnp.stack([padded[d, 1 + y : 1 + y + height, 1 + x : 1 + x + width] for d, (x, y) in enumerate(FORWARD)])


def shortest(level: MazeLevel) -> Int[Array, ""]:
    """Fewest steps from the agent's place to the goal, the last one onto it included; `NEVER` without a way."""
    return steps_to_goal(level)[level.direction, level.agent[1], level.agent[0]]


def best_actions(level: MazeLevel) -> Int[Array, "4 H W"]:
    """An action that lies on a shortest way, `[direction, y, x]`: 0 left, 1 right, 2 forward, in doubt the last."""
    steps = steps_to_goal(level)
    each = jnp.stack([_of_cells_ahead(steps), jnp.roll(steps, -1, axis=0), jnp.roll(steps, 1, axis=0)])
    return jnp.array([2, 1, 0], jnp.int32)[jnp.argmin(each, axis=0)]


def best_return(level: MazeLevel, length: int, hurry: bool = True, discount: Any = 1.0) -> Float[Array, ""]:
    """The highest return that a level allows in an episode of `length` steps: 0 where the goal cannot be reached."""
    steps = shortest(level)
    taken = steps.astype(float)
    pays = 1.0 - 0.9 * taken / length if hurry else jnp.float32(1.0)
    return jnp.where(steps <= length, pays * discount ** (taken - 1.0), 0.0)
