"""What the exact learners of two-step games share: the whole joint policy as state, and one table that plays it.

The table serves both seats: its rows are player 1's cards, player 2's information sets and "not on turn", as they are
seen; its columns are openings and replies.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tacit.games.two_step import PLAYERS, TwoStepGame
from tacit.games.two_step_exact import Joint
from tacit.learners.tabular import TABULAR
from tacit.types import Learner, Metrics, Params, Policy


def whole(
    game: TwoStepGame,
    init: Callable[[PRNGKeyArray], Joint],
    advance: Callable[[Joint], tuple[Joint, Metrics]],
    seats: Sequence[int] | None = None,
) -> Learner:
    """The learner whose state is both players' logits and whose iteration is `advance`.

    It knows the game and needs no play: beside another learner, or in one seat alone, it goes on all the same.
    """
    seats = tuple(range(PLAYERS)) if seats is None else tuple(seats)

    def update(key: PRNGKeyArray, state: Joint, experience: Any, carry: Any) -> tuple[Joint, Metrics]:
        del key, experience, carry
        return advance(state)

    def step(key: PRNGKeyArray, state: Joint) -> tuple[Joint, Metrics]:
        return update(key, state, (), ())

    def policy(state: Joint) -> tuple[tuple[Policy, Params], ...]:
        return ((TABULAR, table(game, state)),) * len(seats)

    def with_params(state: Joint, seat: int, params: Params) -> Joint:
        read = read_table(game, params)
        return state._replace(first=read.first) if seats[seat] == 0 else state._replace(second=read.second)

    return Learner(init, step, policy, update, with_params)


def table(game: TwoStepGame, joint: Joint) -> Float[Array, "seen moves"]:
    """A joint policy as the parameters of `TABULAR`, the same for both seats."""
    blank = jnp.zeros((game.sizes.first + game.num_sets + 1, game.sizes.openings + game.sizes.replies))
    cards, openings = joint.first.shape
    return blank.at[:cards, :openings].set(joint.first).at[cards:-1, openings:].set(joint.second)


def read_table(game: TwoStepGame, params: Float[Array, "seen moves"]) -> Joint:
    """The joint policy in such parameters, as log-probabilities."""
    cards, openings = game.sizes.first, game.sizes.openings
    return normalized(Joint(params[:cards, :openings], params[cards:-1, openings:]))


def normalized(logits: Joint) -> Joint:
    """Logits as log-probabilities."""
    return Joint(*(jax.nn.log_softmax(each) for each in logits))
