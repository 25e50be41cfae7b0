"""What players may be taught to guess: what each of their own cards is good for."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.games.hanabi.variant import HanabiState
from tacit.games.on_turn import OnTurn
from tacit.games.symmetry import Relabeled
from tacit.loops import rollout, start
from tacit.types import Choice, Policy

SMALL = games.make("hanabi-small")
PLAYABLE, PLAYED, OTHER, NO_CARD = 0, 1, 2, -1


def random_move(key, params, carry, obs, legal, fresh, given=None):
    del params, obs, fresh, given
    action = jax.random.categorical(key, jnp.where(legal, 0.0, -jnp.inf))
    return carry, action, Choice(*(jnp.zeros(()),) * 4)


@functools.partial(jax.jit, static_argnums=0)
def positions(variant, key):
    """Positions of random games that no misplay ends, so that they go on to the last card."""
    game = games.make(variant, lives=100)
    policy = Policy(lambda: (), random_move)
    everyone = jax.vmap(random_move, (0, None, None, 0, 0, None, None))

    def act(keys, carry, obs, legal, fresh, given):
        _, action, extras = everyone(keys, (), (), obs, legal, fresh, given)
        return carry, action, extras

    live = start(key, game, (policy,) * game.spec.num_players, 8)
    state = rollout(key, game, act, live, 100, reset=False)[1].state
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), state)


@functools.partial(jax.jit, static_argnums=0)
def told_and_tried(variant, state):
    """What is said of the cards of who is on turn, and by how much the stacks grow if each is played."""
    game = games.make(variant, lives=100)

    def each(state: HanabiState):
        def tried(slot):
            play = jnp.full(game.spec.num_players, game.hand_size + slot)
            return game.step(jax.random.key(0), state, play)[0].fireworks.sum() - state.fireworks.sum()

        return game.answers(state)[state.player], jax.vmap(tried)(jnp.arange(game.hand_size))

    return jax.vmap(each)(state)


@pytest.mark.parametrize("variant", ["hanabi-small", "hanabi"])
def test_what_can_be_played_is_what_scores_when_it_is_played(variant):
    state = positions(variant, jax.random.key(4))
    told, grown = map(np.asarray, told_and_tried(variant, state))
    going_on = ~np.asarray(state.terminated)
    assert ((told == PLAYABLE) == (grown == 1))[going_on].all()
    assert {PLAYABLE, PLAYED, OTHER} <= set(told[going_on].ravel())
    assert NO_CARD in told  # hands run short at the end


def test_known_positions():
    # player 0: R1 R1, player 1: Y2 R2; R1 is played, then Y1 is drawn
    state = SMALL.reset(jax.random.key(0), SMALL.level([0, 0, 6, 1, 5]))
    np.testing.assert_array_equal(SMALL.answers(state), [[PLAYABLE, PLAYABLE], [OTHER, OTHER]])
    state, _ = SMALL.step(jax.random.key(0), state, jnp.array([2, 2]))  # plays slot 0
    np.testing.assert_array_equal(SMALL.answers(state), [[PLAYED, PLAYABLE], [OTHER, PLAYABLE]])


def test_other_names_and_turns_change_no_answer():
    named = Relabeled.of(SMALL, "a test")
    state = named.reset(jax.random.key(1))
    np.testing.assert_array_equal(named.answers(state), SMALL.answers(state.inner))
    state, _ = named.step(jax.random.key(0), state, jnp.array([2, 2]))
    turns = OnTurn.of(named, "a test")
    assert turns.guesses == named.guesses == (2, 3)
    np.testing.assert_array_equal(turns.answers(state), SMALL.answers(state.inner)[state.inner.player][None])
