"""What rules share that were themselves learned, once they play: several trained agents, of which one plays.

The parameters of the trained agents are no setting that could be typed; they come with the policies of a run.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from tacit.errors import Misfit
from tacit.games.matrix import PLAYERS, STATES, MatrixGame
from tacit.games.matrix_exact import normalized_values, num_logits
from tacit.learners.tabular import TABULAR
from tacit.settings import setting
from tacit.types import Learner, Metrics, Params, Policy

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


class InPlay(NamedTuple):
    """A trained agent that plays: the logits it chose last, and which of the trained agents it is."""

    logits: Float[Array, "seats n"]
    agent: Int[Array, ""]


def in_play(
    rule: str,
    game: MatrixGame,
    config: Any,
    answer: Callable[[PRNGKeyArray, int, Params, Float[Array, " n"], Float[Array, "2 n"]], Float[Array, " n"]],
    seats: Sequence[int] | None,
    init_std: Float[Array, ""] | float = 1.0,
) -> Learner:
    """The learner whose trained agents answer what both players just did; it begins with normal logits.

    Args:
        rule: its name, for messages.
        config: settings with the fields `agents` and `agent`.
        answer: `(key, seat, agent's parameters, own logits [n], joint logits [2, n]) -> next logits [n]`. The key is
            consumed.
        seats: the players that play by this rule; both unless given.
        init_std: standard deviation of the first logits.

    Raises:
        Misfit: the agents were trained as player 1 and the players' roles differ.
    """
    size, trained = num_logits(game), config.agents
    seats = tuple(range(PLAYERS)) if seats is None else tuple(seats)
    if len(trained) < PLAYERS:
        seats = only_first_unless_symmetric(rule, game, seats)

    def init(key: PRNGKeyArray) -> InPlay:
        agent_key, logits_key = jax.random.split(key)
        agent = choose(agent_key, trained, config.agent)
        return InPlay(init_std * jax.random.normal(logits_key, (len(seats), size)), agent)

    def update(key: PRNGKeyArray, state: InPlay, joint: Float[Array, "2 n"], carry: Any = ()) -> tuple[InPlay, Metrics]:
        del carry
        which = state.agent if config.agent < 0 else config.agent  # one for all trials needs no copies of its network
        chosen = []
        for seat, own, one_key in zip(seats, state.logits, jax.random.split(key, len(seats)), strict=True):
            params = jax.tree.map(lambda leaf: leaf[which], trained[min(seat, len(trained) - 1)])
            chosen.append(answer(one_key, seat, params, own, joint))
        return state._replace(logits=jnp.stack(chosen)), {"value": normalized_values(game, joint)}

    def step(key: PRNGKeyArray, state: InPlay) -> tuple[InPlay, Metrics]:
        return update(key, state, state.logits)

    def policy(state: InPlay) -> tuple[tuple[Policy, Params], ...]:
        spread = jnp.broadcast_to(state.logits, (len(seats), len(STATES)))  # one logit serves every state
        return tuple((TABULAR, logits) for logits in spread)

    def with_params(state: InPlay, seat: int, params: Params) -> InPlay:
        return state._replace(logits=state.logits.at[seat].set(params[-size:]))

    return Learner(init, step, policy, update, with_params, exact=True)
