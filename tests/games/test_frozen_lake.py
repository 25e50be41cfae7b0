"""The frozen lake: moves, slides and ends as the map says, and values by two ways of computing them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.games import frozen_lake
from tacit.games.frozen_lake import ACTIONS, CELLS, GOAL, HOLES, ICE, SIDE, START, FrozenLake, plan

LEFT, DOWN, RIGHT, UP = range(len(ACTIONS))


@jax.jit
def moved(game, keys, cells, actions):
    """Cell, reward and end of one step for every entry."""

    def one(key, cell, action):
        state, outcome = game.step(key, game.reset(key, cell), action[None])
        return state.cell, outcome.reward[0], outcome.terminated, state.truncated

    return jax.vmap(one)(keys, cells, actions)


def keys(count):
    return jax.random.split(jax.random.key(0), count)


def test_moves_without_sliding_are_those_of_the_map():
    cells, actions = np.repeat(ICE, 4).astype(np.int32), np.tile(np.arange(4, dtype=np.int32), len(ICE))
    after, reward, terminated, truncated = map(
        np.asarray, moved(FrozenLake(slip=0.0), keys(len(cells)), cells, actions)
    )
    for cell, action, found, paid, over in zip(cells, actions, after, reward, terminated, strict=True):
        row, column = divmod(int(cell), SIDE)
        row = min(max(row + {DOWN: 1, UP: -1}.get(int(action), 0), 0), SIDE - 1)
        column = min(max(column + {RIGHT: 1, LEFT: -1}.get(int(action), 0), 0), SIDE - 1)
        assert found == row * SIDE + column
        assert paid == (found == GOAL)
        assert over == (frozen_lake.MAP[row][column] in "OG")
    assert not truncated.any()


def test_slides_go_to_both_sides_alike():
    count, slip = 20_000, 0.3
    start = np.full(count, 9, np.int32)  # its neighbors are ice
    after = np.asarray(moved(FrozenLake(slip=slip), keys(count), start, np.full(count, RIGHT, np.int32))[0])
    for cell, chance in ((10, 1 - slip), (1, slip / 2), (17, slip / 2)):
        error = (chance * (1 - chance) / count) ** 0.5
        assert abs((after == cell).mean() - chance) < 4 * error
    assert set(after) == {1, 10, 17}


def test_known_values():
    """The shortest way has 14 steps; uniform play as a linear system."""
    best = plan(FrozenLake(slip=0.0)).best
    assert best[START] == pytest.approx(0.99**13)
    assert not best[list(HOLES)].any()
    matrix, paid = np.eye(CELLS), np.zeros(CELLS)
    for cell in ICE:
        for after in frozen_lake.NEIGHBORS[cell]:
            paid[cell] += (after == GOAL) / 4
            matrix[cell, after] -= 0.99 / 4 * (after in ICE)
    np.testing.assert_allclose(plan(FrozenLake()).uniform, np.linalg.solve(matrix, paid), atol=1e-9)


def test_the_best_play_earns_its_value():
    game = FrozenLake(length=300)
    action, wanted = jnp.asarray(plan(game).action), plan(game).best[START]

    def play(key):
        def step(state, key):
            state, outcome = game.step(key, state, action[state.cell].astype(jnp.int32)[None])
            return state, outcome.reward[0]

        rewards = jax.lax.scan(step, game.reset(key), jax.random.split(key, 300))[1]
        return rewards @ 0.99 ** jnp.arange(300)

    found = np.asarray(jax.jit(jax.vmap(play))(keys(2000)))
    assert abs(found.mean() - wanted) < 4 * found.std() / 2000**0.5


def test_where_episodes_begin():
    draw = jax.jit(lambda game, keys: jax.vmap(lambda key: game.reset(key).cell)(keys))
    assert set(np.asarray(draw(games.make("frozen-lake"), keys(20)))) == {START}
    found = np.bincount(np.asarray(draw(FrozenLake(anywhere=True), keys(5400))), minlength=CELLS)
    assert not found[[GOAL, *HOLES]].any()
    expected = 5400 / len(ICE)
    assert ((found[list(ICE)] - expected) ** 2 / expected).sum() < 53 + 4 * (2 * 53) ** 0.5  # chi-squared
