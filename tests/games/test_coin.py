"""The coin game's own rules: where boards begin and coins are laid, what is paid, what an end does, who sees what."""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tacit import games
from tacit.games.coin import BLUE, MOVES, RED, CoinGame, CoinState

PRESETS = ("coin-lola", "coin-pola", "coin-mfos", "coin-pax")
OFF = 9
LEFT, STAY = 1, 4
UNLIKELY = 0.001  # a right sampler fails a chi-square test so often, with other seeds than these


def board(red, blue, red_coin=OFF, blue_coin=OFF, time=0):
    cells = (np.array([red, blue], np.int32), np.array([red_coin, blue_coin], np.int32))
    return CoinState(
        *map(jnp.asarray, cells), jnp.zeros(2, jnp.int32), jnp.int32(time), jnp.bool_(False), jnp.bool_(False)
    )


@jax.jit
def play(game, state, action):
    return game.step(jax.random.key(0), state, jnp.asarray(action))


@jax.jit
def seen(game, state):
    return game.observe(state)


@jax.jit
def moved(game, state, action):
    return game.moved(state, jnp.asarray(action))[0]


def paid(game, state, *action):
    return np.asarray(play(game, state, action)[1].reward).tolist()


@functools.partial(jax.jit, static_argnames="count")
def boards(game, count):
    return jax.vmap(game.reset)(jax.random.split(jax.random.key(5), count))


@functools.partial(jax.jit, static_argnames="count")
def successors(game, state, action, count):
    return jax.vmap(lambda key: game.step(key, state, action)[0])(jax.random.split(jax.random.key(6), count))


def first_boards(name):
    """Probability of every first board (red, blue, red coin, blue coin), from the rules in words."""
    chance = {}
    for red, blue in itertools.product(range(9), repeat=2):
        if name == "coin-lola" and red == blue:
            continue
        free = [cell for cell in range(9) if cell not in (red, blue)]
        single = [coins for cell in free for coins in ((cell, OFF), (OFF, cell))]
        coins = single if name in ("coin-lola", "coin-pola") else list(itertools.product(range(9), repeat=2))
        for pair in coins:
            chance[red, blue, *pair] = 1 / (72 if name == "coin-lola" else 81) / len(coins)
    return chance


def fits(found, chance):
    """Whether outcomes have these probabilities: none beyond them, and a chi-square test does not reject."""
    outcomes, counts = np.unique(np.asarray(found), axis=0, return_counts=True)
    counted = dict(zip(map(tuple, outcomes.tolist()), counts, strict=True))
    assert counted.keys() <= chance.keys()
    expected = np.array(list(chance.values())) * len(found)
    return stats.chisquare([counted.get(outcome, 0) for outcome in chance], expected).pvalue > UNLIKELY


@pytest.mark.parametrize("name", PRESETS)
def test_first_boards_have_the_probabilities_of_the_rules(name):
    chance = first_boards(name)
    assert sum(chance.values()) == pytest.approx(1)
    state = boards(games.make(name), 40_000)
    assert fits(np.concatenate([state.player, state.coin], axis=1), chance)


@pytest.mark.parametrize(("red", "blue"), [(0, 1), (3, 3), (8, 2)])
def test_a_coin_is_laid_on_every_free_cell_alike(red, blue):
    # both step left onto (red, blue); red takes its coin there
    game = games.make("coin-pola")
    start = board(*(3 * (cell // 3) + (cell + 1) % 3 for cell in (red, blue)), red_coin=red)
    after = successors(game, start, jnp.array([LEFT, LEFT]), 4_000)
    np.testing.assert_array_equal(after.player, np.broadcast_to([red, blue], (4_000, 2)))
    free = [cell for cell in range(9) if cell not in (red, blue)]
    assert fits(after.coin, {(OFF, cell): 1 / len(free) for cell in free})


def test_with_two_coins_only_the_one_taken_is_laid_anew_and_anywhere():
    game = games.make("coin-mfos")
    after = successors(game, board(1, 5, red_coin=0, blue_coin=7), jnp.array([LEFT, LEFT]), 4_000)
    assert fits(after.coin, {(cell, 7): 1 / 9 for cell in range(9)})


def test_a_random_color_is_either_and_an_alternating_one_the_other():
    game = games.make("coin-pola", color="random")
    start = board(1, 5, red_coin=0)
    after = successors(game, start, jnp.array([LEFT, LEFT]), 4_000)
    free = [cell for cell in range(9) if cell not in (0, 4)]
    chance = {pair: 0.5 / len(free) for cell in free for pair in ((OFF, cell), (cell, OFF))}
    assert fits(after.coin, chance)
    alternating = successors(games.make("coin-pola"), start, jnp.array([LEFT, LEFT]), 100)
    assert (np.asarray(alternating.coin)[:, RED] == OFF).all()


@pytest.mark.parametrize(
    ("name", "red_coin", "blue_coin", "expected"),
    [
        ("coin-lola", 0, OFF, [1, 0]),  # red first: blue goes away empty
        ("coin-lola", OFF, 0, [1, -2]),
        ("coin-pola", 0, OFF, [-1, 1]),  # both take it, and its owner pays for that
        ("coin-pola", OFF, 0, [1, -1]),
        ("coin-mfos", 0, 0, [0, 0]),  # both coins on one cell: two each, two lost each
        ("coin-pax", 0, 3, [-1, 1]),
    ],
)
def test_who_takes_a_tie(name, red_coin, blue_coin, expected):
    game = games.make(name)
    assert paid(game, board(1, 1, red_coin, blue_coin), LEFT, LEFT) == expected


@pytest.mark.parametrize("name", PRESETS)
def test_what_a_coin_pays(name):
    game = games.make(name, reward=0.5, penalty=3.0)
    far = {"coin-mfos": 8, "coin-pax": 8}.get(name, OFF)
    assert paid(game, board(1, 5, 0, far), LEFT, LEFT) == [0.5, 0]  # red takes its own
    assert paid(game, board(1, 5, far, 0), LEFT, LEFT) == [0.5, -3]  # or blue's
    assert paid(game, board(5, 1, 0, far), LEFT, LEFT) == [-3, 0.5]
    assert paid(game, board(5, 1, far, 0), LEFT, LEFT) == [0, 0.5]


@given(size=st.integers(2, 5), red=st.integers(0, 3), blue=st.integers(0, 3), moves=st.tuples(*[st.integers(0, 4)] * 2))
def test_players_move_on_a_torus(size, red, blue, moves):
    game = CoinGame(actions=5, size=size)
    state = board(red, blue, game.cells, game.cells)
    after_moves = np.asarray(moved(game, state, moves))
    for cell, move, after in zip((red, blue), moves, after_moves, strict=True):
        row, column = (np.array(divmod(cell, size)) + MOVES[move]) % size
        assert after == row * size + column


def test_a_player_that_stays_on_a_coin_takes_it():
    game = games.make("coin-pax")
    assert paid(game, board(0, 5, 0, 8), STAY, STAY) == [1, 0]


@pytest.mark.parametrize("name", ["coin-mfos", "coin-pax"])
def test_the_last_step_on_a_board_pays_nothing_and_draws_the_next(name):
    game = games.make(name)
    start = board(1, 5, 0, 8, time=game.length - 2)
    assert paid(game, start, LEFT, LEFT) == [1, 0]
    last = start._replace(time=jnp.int32(game.length - 1))
    assert paid(game, last, LEFT, LEFT) == [0, 0]
    assert paid(dataclasses.replace(game, last_pays=True), last, LEFT, LEFT) == [1, 0]
    after = successors(game, last, jnp.array([LEFT, LEFT]), 40_000)
    assert fits(np.concatenate([after.player, after.coin], axis=1), first_boards(name))
    assert not np.asarray(after.truncated).any()
    over = play(game, last._replace(time=jnp.int32(game.length * game.episodes - 1)), (LEFT, LEFT))[1]
    assert bool(over.truncated)


def test_a_single_board_is_never_drawn_anew():
    game = games.make("coin-pola")
    after, outcome = play(game, board(1, 5, 8, time=49), (LEFT, LEFT))
    assert bool(outcome.truncated)
    assert np.asarray(after.player).tolist() == [0, 4]
    assert np.asarray(after.coin).tolist() == [8, OFF]


@given(st.tuples(*[st.integers(0, 8)] * 4))
def test_own_views_are_the_same_for_both_colors(cells):
    red, blue, red_coin, blue_coin = cells
    for view in ("own", "centered"):
        game = games.make("coin-pax", view=view)
        straight = seen(game, board(red, blue, red_coin, blue_coin))
        np.testing.assert_array_equal(straight, seen(game, board(blue, red, blue_coin, red_coin))[::-1])


def test_the_center_of_a_centered_view_is_the_player():
    game = games.make("coin-pola", view="centered", layout="planes")
    planes = np.asarray(seen(game, board(8, 2, red_coin=0)))
    assert planes[:, 0, 1, 1].tolist() == [1, 1]
    # red at (2, 2) sees (0, 0) below to the right; blue at (0, 2) sees it to the right
    assert np.argwhere(planes[RED, 2]).tolist() == [[2, 2]]
    assert np.argwhere(planes[BLUE, 3]).tolist() == [[1, 2]]
    assert not planes[RED, 3].any()
    assert not planes[BLUE, 2].any()


def test_rewards_have_the_range_of_the_rules():
    assert games.make("coin-pola").spec.reward_range == (-2.0, 1.0)
    assert games.make("coin-pax", reward=0.5, penalty=1.0).spec.reward_range == (-1.0, 1.0)


def test_who_took_what_last_is_remembered_and_shown_to_the_other():
    game = games.make("coin-pax", recall=True, layout="planes", last_pays=True)
    start = board(1, 5, red_coin=8, blue_coin=0)
    after = play(game, start, (LEFT, STAY))[0]  # red takes blue's coin
    assert np.asarray(after.last).tolist() == [2, 0]
    planes = np.asarray(seen(game, after))
    assert planes.shape == (2, 12, 3, 3)
    plain = np.asarray(seen(dataclasses.replace(game, recall=False), after))
    np.testing.assert_array_equal(planes[BLUE, 8:], plain[BLUE])  # red took what was blue's
    np.testing.assert_array_equal(planes[RED, :4], plain[RED])  # blue took nothing yet
    assert not planes[BLUE, :8].any()
    assert not planes[RED, 4:].any()
    idle = play(game, after._replace(coin=jnp.array([8, 8])), (STAY, STAY))[0]
    assert np.asarray(idle.last).tolist() == [2, 0]  # what was last stays the last
    own = play(game, after._replace(coin=jnp.array([0, 8])), (STAY, STAY))[0]
    assert np.asarray(own.last).tolist() == [1, 0]
    both = play(game, after._replace(coin=jnp.array([0, 0])), (STAY, STAY))[0]
    assert np.asarray(both.last).tolist() == [2, 0]
    anew = play(game, after._replace(time=jnp.int32(game.length - 1)), (STAY, STAY))[0]
    assert np.asarray(anew.last).tolist() == [0, 0]
