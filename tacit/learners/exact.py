"""What the learners in closed form share: policies as logits, moved along a direction that each rule defines.

A rule is written for one player: it sees the game from its side (`tacit.games.matrix_derivatives.View`) and says in
which direction its own logits move. Everyone moves at once.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from tacit.games.base import Game
from tacit.games.matrix import PLAYERS, STATES
from tacit.games.matrix_derivatives import View, both_logits, both_sides, view
from tacit.games.matrix_exact import closed_form, normalization, num_logits
from tacit.learners.tabular import TABULAR
from tacit.types import Learner, Metrics, Params, Policy


class State(NamedTuple):
    """The logits of the seats that learn."""

    logits: Float[Array, "seats n"]


def as_it_is(direction: PyTree) -> PyTree:
    """Leaves the players' directions as they are."""
    return direction


def gradient_play(
    rule: str,
    game: Game,
    config: Any,
    direction: Callable[[View], PyTree],
    seats: Sequence[int] | None = None,
    together: Callable[[PyTree], Float[Array, "2 n"]] = as_it_is,
) -> Learner:
    """The learner that moves its seats' logits by `config.lr` along a direction.

    Args:
        rule: its name, for messages.
        config: settings with `lr` and `init_std` (initial logits are normal with that standard deviation).
        direction: from one player's view to where its logits go, `[n]`.
        seats: the players that learn by this rule; both unless given.
        together: for rules whose players agree on something: from what `direction` gave for each, leaves `[2, ...]`,
            to the directions `[2, n]`.

    Raises:
        Misfit: the game has no closed form.
    """
    game = closed_form(game, rule)
    seats = tuple(range(PLAYERS)) if seats is None else tuple(seats)
    rewards, discount, one_shot = both_sides(game), jnp.asarray(game.discount, float), game.length == 1
    asked = seats if together is as_it_is else tuple(range(PLAYERS))  # whose directions are needed

    def look(rewards: Float[Array, "2 4"], logits: Float[Array, "2 n"]) -> tuple[PyTree, Float[Array, "2"]]:
        seen = view(rewards, discount, one_shot, logits)
        return direction(seen), seen.value

    def pick(both: Float[Array, "2 ..."]) -> Float[Array, "asked ..."]:
        return both if len(asked) == PLAYERS else both[asked[0] : asked[0] + 1]

    def init(key: PRNGKeyArray) -> State:
        return State(config.init_std * jax.random.normal(key, (len(seats), num_logits(game))))

    def update(key: PRNGKeyArray, state: State, joint: Float[Array, "2 n"], carry: Any = ()) -> tuple[State, Metrics]:
        del key, carry
        found, value = jax.vmap(look)(pick(rewards), pick(both_logits(joint)))
        along = together(found)
        logits = state.logits + config.lr * jnp.stack([along[asked.index(seat)] for seat in seats])
        mine = value[:, 0] if len(asked) == PLAYERS else jnp.stack([value[0, asked[0]], value[0, 1 - asked[0]]])
        return State(logits), {"value": normalization(game) * mine}

    def step(key: PRNGKeyArray, state: State) -> tuple[State, Metrics]:
        return update(key, state, state.logits)

    def policy(state: State) -> tuple[tuple[Policy, Params], ...]:
        spread = jnp.broadcast_to(state.logits, (len(seats), len(STATES)))  # one logit serves every state
        return tuple((TABULAR, logits) for logits in spread)

    def with_params(state: State, seat: int, params: Params) -> State:
        return State(state.logits.at[seat].set(params[: num_logits(game)]))

    return Learner(init, step, policy, update, with_params, exact=True)
