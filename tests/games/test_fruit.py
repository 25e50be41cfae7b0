"""Fruit choice: every rule in a written-out walk, levels and beliefs in distribution, the solved game of regret."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit import games
from tacit.errors import SettingError
from tacit.games.fruit import (
    APPLE,
    BANANA,
    EAST,
    EAT,
    KICK,
    NORTH,
    SOUTH,
    WEST,
    FruitLevel,
    TwoFruitsLevel,
    grounded_return,
    regret_game,
)

pytestmark = pytest.mark.usefixtures("strict")

GAME = games.make("fruit-choice", rooms=2)
LEVEL = FruitLevel(jnp.int32(2), jnp.array([0, 1]), jnp.array([4, 8]), jnp.int32(BANANA))
step = jax.jit(GAME.step)
OPENS, HOLDS = (  # keys whose kicks open a door, and do not
    next(key for key in jax.random.split(jax.random.key(0), 32) if (int(jax.random.bits(key)) & 1) == odd)
    for odd in (1, 0)
)


def walk(state, *moves, key=OPENS):
    outcome = None
    for move in moves:
        state, outcome = step(key, state, jnp.array([move]))
    return state, outcome


def begin(**changes):
    return GAME.reset(jax.random.key(0), LEVEL)._replace(**{name: jnp.int32(value) for name, value in changes.items()})


def test_moves_stay_in_the_room():
    for move, cell in ((NORTH, 0), (SOUTH, 6), (EAST, 4), (WEST, 3)):
        assert walk(begin(), move)[0].cell == cell
    assert walk(begin(cell=0), NORTH, WEST)[0].cell == 0
    assert walk(begin(cell=8), SOUTH, EAST)[0].cell == 8


def test_a_kick_at_a_door_opens_it_or_not_and_costs_nothing():
    at_door = begin(cell=2)
    opened, held = walk(at_door, KICK)[0], walk(at_door, KICK, key=HOLDS)[0]
    assert opened.open
    assert not held.open
    assert opened.health == held.health == GAME.health
    assert walk(opened, KICK, key=HOLDS)[0].open  # and stays so


def test_a_kick_elsewhere_costs_health_and_at_last_the_episode():
    state, outcome = walk(begin(), *[KICK] * (GAME.health - 1))
    assert state.health == 1
    assert not outcome.terminated
    state, outcome = walk(state, KICK)
    assert outcome.terminated
    assert outcome.reward == 0
    assert walk(begin(room=1, cell=5), KICK)[0].health == GAME.health - 1  # the last room has no door


def test_a_door_is_passed_when_open_and_at_its_row():
    assert walk(begin(cell=2), EAST)[0].room == 0
    through = walk(begin(cell=2), KICK, EAST)[0]
    assert (through.room, through.cell, bool(through.open)) == (1, 0, False)  # west end of the same row
    assert walk(begin(cell=2), KICK, SOUTH, EAST)[0].room == 0
    assert walk(through, EAST, EAST, EAST)[0].room == 1


def test_only_the_right_fruit_pays_and_any_ends_the_episode():
    for cell, eaten, pays in ((4, APPLE, 0.0), (8, BANANA, GAME.banana)):
        state, outcome = walk(begin(room=1, cell=cell), EAT)
        assert (state.eaten, float(outcome.reward[0]), bool(outcome.terminated)) == (eaten, pays, True)
    assert not walk(begin(room=1, cell=0), EAT)[1].terminated
    assert not walk(begin(room=0, cell=4), EAT)[1].terminated  # there is no fruit yet
    apple_level = GAME.with_hidden(begin(room=1, cell=4), 0, jnp.int32(APPLE))
    assert walk(apple_level, EAT)[1].reward == GAME.apple


def test_time_runs_out_by_the_rules():
    _, outcome = walk(begin(time=GAME.length - 1), WEST)
    assert outcome.terminated
    assert not outcome.truncated


def test_observation_index_by_index():
    first, last = GAME.observe(begin(cell=7, health=5, time=30))[0], GAME.observe(begin(room=1))[0]
    assert np.flatnonzero(first[:32]).tolist() == [7, 9]
    np.testing.assert_allclose(first[32:], [0.5, 30 / GAME.length])
    assert np.flatnonzero(last[:32]).tolist() == [3, 12 + 4, 21 + 8, 31]
    assert GAME.observe(walk(begin(cell=2), KICK)[0])[0, 30] == 1


def test_nothing_that_is_shown_tells_which_fruit_is_right():
    for state in (begin(), begin(room=1, cell=8)):
        other = GAME.with_hidden(state, 0, jnp.int32(APPLE))
        np.testing.assert_array_equal(GAME.observe(state), GAME.observe(other))


def test_levels_and_beliefs_follow_the_ground_truth():
    game, count = games.make("fruit-choice"), 4000
    keys = jax.random.split(jax.random.key(2), count)
    levels = jax.jit(jax.vmap(game.sample_level))(keys)
    error = 4 * np.sqrt(0.25 / count)
    assert abs((levels.right == APPLE).mean() - 0.7) < error
    np.testing.assert_allclose(np.bincount(levels.rooms, minlength=9)[1:] / count, np.full(8, 1 / 8), atol=error)
    assert (levels.fruits[:, 0] != levels.fruits[:, 1]).all()
    np.testing.assert_allclose(np.bincount(levels.fruits[:, 1], minlength=9) / count, np.full(9, 1 / 9), atol=error)
    supposed = jax.jit(jax.vmap(lambda key: game.sample_hidden(key, begin(), 0)))(keys)
    assert abs((supposed == APPLE).mean() - 0.7) < error
    held_out = jax.jit(jax.vmap(game.held_out.sample_level))(keys)
    assert (held_out.rooms == 8).all()


def test_two_fruits_is_the_choice_alone():
    game = games.make("two-fruits")
    for right in (APPLE, BANANA):
        level = TwoFruitsLevel(jnp.int32(right))
        state = game.reset(jax.random.key(0), level)
        paid = [game.step(jax.random.key(1), state, jnp.array([fruit]))[1].reward[0] for fruit in (APPLE, BANANA)]
        assert np.argmax(paid) == right
        assert max(paid) == game.best(level) == (game.apple, game.banana)[right]
        assert min(paid) == 0


@given(apple=st.floats(0.5, 20), banana=st.floats(0.5, 20))
def test_the_regret_game_is_solved(apple, banana):
    solved = regret_game(apple, banana)
    p = np.linspace(0, 1, 2001)
    largest = np.maximum(apple * (1 - p), banana * p)
    assert abs(p[largest.argmin()] - solved.student) <= 1e-3
    assert solved.regret <= largest.min() + 1e-9
    against = solved.teacher * apple * (1 - p) + (1 - solved.teacher) * banana * p
    np.testing.assert_allclose(against, solved.regret, rtol=1e-9)  # the student gains nothing by anything else


@pytest.mark.parametrize(
    ("rules", "student", "worth", "apple_alone"),
    [((0.7, 3, 10), 0.231, 2.792, 2.1), ((0.7, 3, 5), 0.375, 1.725, 2.1), ((0.85, 3, 10), 0.231, 1.742, 2.55)],
)
def test_known_numbers(rules, student, worth, apple_alone):
    game = games.make("two-fruits", **dict(zip(("apple_right", "apple", "banana"), rules, strict=True)))
    solved = regret_game(game.apple, game.banana)
    assert round(solved.student, 3) == student
    assert round(grounded_return(game, solved.student, 1 - solved.student), 3) == worth
    assert round(grounded_return(game, 1.0, 0.0), 6) == apple_alone


def test_more_rooms_at_least_than_at_most_are_refused():
    with pytest.raises(SettingError, match=r"fewest must be <= rooms \(2\), got 3"):
        games.make("fruit-choice", rooms=2, fewest=3)


def plainly_played(level, moves, opens):
    """Rooms, cells, health, fruits eaten and rewards after each move of an episode, by the rules in plain words."""
    room, x, y, health, is_open, rows = 0, 0, 1, GAME.health, False, []
    for time, (move, gives_way) in enumerate(zip(moves, opens, strict=True), 1):
        last, eaten, pays = room == int(level.rooms) - 1, None, 0.0
        at_door = not last and x == 2 and y == int(level.doors[room])
        if move == KICK and at_door:
            is_open = is_open or gives_way
        elif move == KICK:
            health -= 1
        elif move == EAT and last and 3 * y + x in level.fruits.tolist():
            eaten = level.fruits.tolist().index(3 * y + x)
            pays = (GAME.apple, GAME.banana)[eaten] if eaten == int(level.right) else 0.0
        elif move == EAST and at_door and is_open:
            room, x, is_open = room + 1, 0, False
        elif move in (NORTH, SOUTH, EAST, WEST):
            dx, dy = {NORTH: (0, -1), SOUTH: (0, 1), EAST: (1, 0), WEST: (-1, 0)}[move]
            x, y = min(max(x + dx, 0), 2), min(max(y + dy, 0), 2)
        ended = eaten is not None or health == 0 or time == GAME.length
        rows.append((room, 3 * y + x, health, is_open, pays, ended))
        if ended:
            break
    return rows


@jax.jit
def played(level, keys, moves):
    def one(state, inputs):
        new, outcome = GAME.step(inputs[0], state, inputs[1][None])
        return new, (new.room, new.cell, new.health, new.open, outcome.reward[0], outcome.terminated)

    return jax.lax.scan(one, GAME.reset(keys[0], level), (keys, moves))[1]


@pytest.mark.parametrize("seed", range(12))
def test_random_play_equals_the_rules_in_plain_words(seed):
    """Moves lean to the door and to kicks, so that all that can happen does."""
    random, key = np.random.default_rng(seed), jax.random.key(seed)
    moves = random.choice([NORTH, SOUTH, EAST, WEST, KICK, EAT], p=[0.2, 0.2, 0.3, 0.1, 0.05, 0.15], size=200)
    keys = jax.random.split(key, 200)
    level = LEVEL._replace(doors=jnp.asarray(random.integers(0, 3, 2), jnp.int32), right=jnp.int32(seed % 2))
    opens = (np.asarray(jax.vmap(jax.random.bits)(keys)) & 1) > 0
    rows = plainly_played(level, moves.tolist(), opens.tolist())
    found = played(level, keys, jnp.asarray(moves, jnp.int32))
    for mine, theirs in zip(found, zip(*rows, strict=True), strict=True):
        np.testing.assert_allclose(np.asarray(mine, float)[: len(rows)], np.asarray(theirs, float))
