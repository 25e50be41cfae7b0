"""The game of whoever is on turn is the game itself, move by move, seen by whoever makes the move."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.errors import Misfit
from tacit.games.on_turn import OnTurn
from tacit.games.symmetry import Relabeled
from tacit.loops import Live, rollout

NUM_GAMES, LENGTH = 4, 30
GAMES = {
    "two players": games.make("hanabi-small"),
    "three players": games.make("hanabi-small", players=3),
    "names of one's own": Relabeled.of(games.make("hanabi-small"), "a test"),
    "two steps": games.make("tiny-hanabi-e"),
}


def any_legal(keys, carry, legal, **seen):
    """Random legal actions of all players."""
    del seen
    return carry, jax.vmap(lambda key, may: jax.random.categorical(key, jnp.where(may, 0.0, -jnp.inf)))(keys, legal), ()


@functools.partial(jax.jit, static_argnums=0)
def played(name):
    """Random play of whoever is on turn; then the same moves and luck in the game itself, all others waiting."""
    game = GAMES[name]
    players, waiting = game.spec.num_players, game.spec.action.n - 1
    first = jax.vmap(game.reset)(jax.random.split(jax.random.key(0), NUM_GAMES))
    fresh, none = jnp.ones(NUM_GAMES, bool), jnp.zeros((NUM_GAMES, players))
    alone = rollout(
        jax.random.key(1), OnTurn.of(game, "a test"), any_legal, Live(first, (), fresh, none[:, :1]), LENGTH
    )
    movers = jax.vmap(jax.vmap(game.on_turn))(alone[1].state)
    moves = jnp.where(jnp.arange(players)[None, None] == movers[..., None], alone[1].action, waiting)

    def repeat(keys, carry, given, **seen):
        del keys, seen
        return carry, given, ()

    return alone, rollout(jax.random.key(1), game, repeat, Live(first, (), fresh, none), LENGTH, given=moves), movers


@pytest.mark.parametrize("name", GAMES)
def test_it_is_the_same_game_seen_by_who_moves(name):
    (live, one), (whole_live, all_of_them), movers = jax.tree.map(np.asarray, played(name))
    jax.tree.map(np.testing.assert_array_equal, (one.state, live.state), (all_of_them.state, whole_live.state))
    assert one.terminated.sum() >= NUM_GAMES  # and begins anew
    assert len(np.unique(movers)) == GAMES[name].spec.num_players

    def of_mover(leaf):
        place = movers.reshape(*movers.shape, *(1,) * (leaf.ndim - 2))
        return np.take_along_axis(leaf, place, axis=2)

    for part in ("obs", "legal", "action", "reward", "gained"):
        np.testing.assert_array_equal(getattr(one, part), of_mover(getattr(all_of_them, part)), part)
    if "two players" in name:
        assert not one.legal[..., -1].any()  # who is on turn never waits


def test_what_it_promises():
    for game in GAMES.values():
        board = OnTurn.of(game, "a test")
        assert board.spec == game.spec._replace(num_players=1)
        assert board.discount == game.discount
        assert not board.truncates


@pytest.mark.parametrize("game", [games.make("ipd"), Relabeled.of(games.make("levers"), "a test")])
def test_games_in_which_all_move_at_once_are_refused(game):
    with pytest.raises(Misfit, match="does not say who moves"):
        OnTurn.of(game, "a test")
