"""Rounds from a supposed state: drawn and expected ones, against sums written out for a two-step game."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from tacit import games
from tacit.games.on_turn import OnTurn
from tacit.games.two_step import Deal
from tacit.ops.fictitious import expected_round, play_round

GAME = games.make("tiny-hanabi-e", discount=0.5)
DISCOUNT = 0.5
OPENING = 2
MOVES = OnTurn(GAME)


def chances(second):
    """How player 2 replies, by its card."""
    return np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])[second]


def log_probs(state):
    """The replies of `chances`, once an opening was made."""
    reply = jnp.log(jnp.asarray(np.stack([chances(0), chances(1)]), float))[state.second]
    places = jnp.full(GAME.spec.action.n, -jnp.inf)
    return places.at[3:6].set(reply)


def worth(came):
    return came.reward[0] + jnp.where(came.ended, 0.0, came.discount * 100.0)


@jax.jit
def rounds():
    """The expected worth of an opening under each deal, and many drawn ones under the last deal."""
    start, listed = GAME.reset(jax.random.key(0)), GAME.hypotheses().hidden()
    opening, key = jnp.int32(OPENING), jax.random.key(1)

    def expected(deal):
        supposed = GAME.with_hidden(start, 0, deal)
        return expected_round(key, MOVES, supposed, opening, log_probs, DISCOUNT, worth)

    def drawn(key):
        supposed = GAME.with_hidden(start, 0, Deal(jnp.int32(1), jnp.int32(1)))
        return worth(play_round(key, MOVES, supposed, opening, log_probs, DISCOUNT))

    return jax.vmap(expected)(listed), jax.vmap(drawn)(jax.random.split(key, 4000))


@functools.cache
def by_hand():
    payoff = np.asarray(GAME.rewards)
    return np.array([DISCOUNT * chances(c2) @ payoff[c1, c2, OPENING] for c1 in (0, 1) for c2 in (0, 1)])


def test_an_expected_round_is_the_sum_over_replies():
    np.testing.assert_allclose(rounds()[0], by_hand(), rtol=1e-6)


def test_drawn_rounds_have_that_mean():
    drawn = np.asarray(rounds()[1])
    assert len(np.unique(drawn)) > 1
    assert abs(drawn.mean() - by_hand()[3]) < 5 * drawn.std() / len(drawn) ** 0.5


def test_what_ends_in_the_round_is_followed_by_nothing():
    @jax.jit
    def reply():
        state = GAME.reset(jax.random.key(0), Deal(jnp.int32(0), jnp.int32(0)))._replace(opening=jnp.int32(1))

        def waits(state):
            return jnp.where(jnp.arange(GAME.spec.action.n) == GAME.spec.action.n - 1, 0.0, -jnp.inf)

        came = play_round(jax.random.key(0), MOVES, state, jnp.int32(4), waits, DISCOUNT)
        return came.ended, worth(came)

    ended, value = reply()
    assert bool(ended)
    assert float(value) == 8.0  # the safe reply to the safe opening, at once
