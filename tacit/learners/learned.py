"""What rules share that were themselves learned, once they play: several trained agents, of which one plays.

The parameters of the trained agents are no setting that could be typed; they come with the policies of a run.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray, PyTree

from tacit.errors import Misfit
from tacit.games.matrix import PLAYERS, MatrixGame
from tacit.settings import setting

AGENTS: Any = dataclasses.field(default=(), metadata={"traced": True})
"""The field with the trained agents: for each seat they were trained for, their parameters, leaves `[K, ...]`."""

WHICH: Any = setting(-1, "which of the trained agents plays; -1 draws one for each trial", low=-1)
"""The field that says which of them plays."""


def choose(key: PRNGKeyArray, agents: PyTree, wanted: int) -> Int[Array, ""]:
    """The wanted one of K trained agents, or a random one. The key is consumed.

    Raises:
        Misfit: there are not that many.
    """
    count = len(jax.tree.leaves(agents)[0])
    if wanted >= count:
        raise Misfit(f"agent must be below {count}, the number of agents that were trained; got {wanted}")
    return jax.random.randint(key, (), 0, count) if wanted < 0 else jnp.int32(wanted)


def only_first_unless_symmetric(rule: str, game: MatrixGame, seats: Sequence[int] | None) -> tuple[int, ...]:
    """The seats of a rule that was trained as player 1 and may be asked to play another seat.

    Raises:
        Misfit: it is, and the players' roles differ.
    """
    seats = tuple(range(PLAYERS)) if seats is None else tuple(seats)
    if seats != (0,) and not game.symmetric:
        raise Misfit(f"{rule} was trained as player 1, and in this game player 2 has another part")
    return seats
