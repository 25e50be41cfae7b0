"""Hanabi as text: a table that says what there is to know, and no more."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from random_play import VARIANTS, positions

from tacit.games.hanabi import HanabiGame, render


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_viewer_does_not_see_its_own_cards(variant):
    game, states = VARIANTS[variant], positions(variant)
    for t in range(0, len(states.player), 7):
        state = jax.tree.map(lambda leaf, t=t: leaf[t], states)
        for player in range(game.players):
            hands = state.hands.copy()
            hands[player] = np.where(hands[player] >= 0, 0, -1)
            assert render(game, state, player) == render(game, state._replace(hands=hands), player)
        assert "??" not in render(game, state)


def test_a_game_from_hints_to_its_end():
    game = HanabiGame(colors=2, ranks=2, hand=3, information=2, lives=2)
    deck = jnp.array([0, 0, 1, 2, 2, 3, 2, 0], jnp.int8)  # R1 R1 R2, Y1 Y1 Y2, then Y1, R1
    step, state = jax.jit(game.step), jax.jit(game.reset)(jax.random.key(0), deck)
    assert render(game, state) == "\n".join(
        [
            "stacks R0 Y0   score 0   information 2 of 2   lives 2 of 2   deck 2",
            "discards none",
            "player 0 *  R1  RY 12   R1  RY 12   R2  RY 12",
            "player 1    Y1  RY 12   Y1  RY 12   Y2  RY 12",
        ]
    )
    for action in (7, 3, 0, 3):  # a hint of yellow, Y1 fits, R1 is discarded, Y1 does not fit
        state, _ = step(jax.random.key(0), state, jnp.array([action, action]))
    assert render(game, state, viewer=1) == "\n".join(
        [
            "stacks R0 Y1   score 1   information 2 of 2   lives 1 of 2   deck 0   moves left 1",
            "discards R1 Y1",
            "player 0 *  R1  RY 12   R2  RY 12   R1  RY 12",
            "player 1    ??  Y 12    ??  RY 12   --",
            "player 1 plays slot 0, Y1, which does not fit and costs a life",
        ]
    )
