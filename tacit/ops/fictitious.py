"""Play from a resampled hidden state: what would come of an action, were the unseen otherwise.

A player that is to learn what its action is worth under a belief, and not in the world that happens to be, puts a draw
from that belief into the game, acts there as it did, and lets all players act on from what they see there:

    h ~ belief,   s' = with_hidden(s, h),   one step with the real action, then P - 1 steps of the players' policies

After that round, in a game of turns, the player is on turn again. The real game is not touched. Where games are tiny,
a round need not be drawn: its worth is the sum over all replies, each weighed by its probability.

Source: Hu et al. 2021 (Off-Belief Learning), section 5, fictitious transitions. Those of Jiang et al. 2022 (SAMPLR) are
the rounds of a player that is alone.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from tacit.games.base import Game
from tacit.games.on_turn import OnTurn
from tacit.ops import categorical
from tacit.types import State


class Round(NamedTuple):
    """What came of a round.

    Attributes:
        reward: of each player, discounted to the round's beginning.
        discount: weight of what follows.
        ended: whether nothing does.
        state: the game afterwards.
    """

    reward: Float[Array, " P"]
    discount: Float[Array, ""]
    ended: Bool[Array, ""]
    state: State


LogProbs = Callable[[State], Float[Array, " A"]]
"""From a state to the log-probabilities of the actions of who is on turn."""


def take(key: PRNGKeyArray, game: Game, state: State, action: PyTree, discount: Float[Array, ""] | float) -> Round:
    """The one step that a round begins with; for a player that is alone, the whole of it.

    Args:
        key: consumed.
        state: as supposed: the real one `with_hidden`.
        action: of all players, leaves `[P, ...]`.
        discount: weight of what follows.
    """
    state, outcome = game.step(key, state, action)
    return Round(outcome.reward, jnp.asarray(discount, float), state.terminated, state)


def play_round(
    key: PRNGKeyArray,
    game: OnTurn,
    state: State,
    action: Int[Array, ""],
    log_probs: LogProbs,
    discount: Float[Array, ""] | float,
) -> Round:
    """One round in which replies are drawn.

    Args:
        key: consumed.
        state: as supposed: the real one `with_hidden`.
        action: of who is on turn.
        log_probs: how everybody plays afterwards.
        discount: weight of one step against the one before.
    """
    first_key, *keys = jax.random.split(key, game.inner.spec.num_players)
    came = take(first_key, game, state, action[None], discount)

    def on(carry: tuple[State, Array, Array], key: PRNGKeyArray) -> tuple[tuple[State, Array, Array], None]:
        state, reward, weight = carry
        act_key, step_key = jax.random.split(key)
        reply = categorical.sample(act_key, log_probs(state))
        state, outcome = game.step(step_key, state, reply[None])
        return (state, reward + weight * outcome.reward, weight * discount), None

    first = (came.state, came.reward, came.discount)
    (state, reward, weight), _ = jax.lax.scan(on, first, jnp.stack(keys))
    return Round(reward, weight, state.terminated, state)


def expected_round(
    key: PRNGKeyArray,
    game: OnTurn,
    state: State,
    action: Int[Array, ""],
    log_probs: LogProbs,
    discount: Float[Array, ""] | float,
    worth: Callable[[Round], Float[Array, ""]],
) -> Float[Array, ""]:
    """Expected worth of a round over all replies; only what chance decides is drawn. Arguments as in `play_round`."""

    def following(key: PRNGKeyArray, so_far: Round, left: int) -> Float[Array, ""]:
        if left == 0:
            return worth(so_far)

        def one(key: PRNGKeyArray, reply: Int[Array, ""]) -> Float[Array, ""]:
            step_key, rest_key = jax.random.split(key)
            state, outcome = game.step(step_key, so_far.state, reply[None])
            reward, weight = so_far.reward + so_far.discount * outcome.reward, so_far.discount * discount
            return following(rest_key, Round(reward, weight, state.terminated, state), left - 1)

        chances = jnp.exp(log_probs(so_far.state))
        actions = jnp.arange(len(chances), dtype=action.dtype)
        return chances @ jax.vmap(one)(jax.random.split(key, len(chances)), actions)

    first_key, rest_key = jax.random.split(key)
    first = take(first_key, game, state, action[None], discount)
    return following(rest_key, first, game.inner.spec.num_players - 1)
