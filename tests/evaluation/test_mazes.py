"""Solve rates, worst levels and true regret in mazes, of agents whose ways are known."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.errors import Misfit, SettingError
from tacit.evaluation import mazes
from tacit.games.maze import AHEAD
from tacit.games.maze_levels import several
from tacit.games.maze_paths import NEVER, shortest
from tacit.types import Learner, Policy

LEVELS = several([">...G..", ">..#G..", ">G.....", "G.>...."], 7, 7)


def act(key, params, carry, obs, legal, fresh, given=None):
    """Forward with the probability that is the parameter, else nothing."""
    moves = jax.random.bernoulli(key, params)
    return carry, jnp.where(moves, AHEAD, 6).astype(jnp.int32), ()


def walker(game: Any, config: Any) -> Learner:
    """A learner whose state is its parameter."""
    policy, unused = Policy(lambda: (), act), lambda *_: ()
    return Learner(unused, unused, lambda state: ((policy, state),), unused, unused)


class Walkers(NamedTuple):
    """A run of one seed for each probability."""

    state: Any
    game: Any = games.make("maze-small")
    make: Any = walker
    config: Any = None


def test_steps_rates_and_regrets_of_who_goes_straight_on():
    steps = mazes.of_seeds(Walkers(jnp.array([1.0, 0.0])), LEVELS, 10, episodes=3)
    assert steps.shape == (2, 4, 3)
    np.testing.assert_array_equal(steps[0], np.repeat([[4], [NEVER], [1], [NEVER]], 3, axis=1))
    assert (steps[1] == NEVER).all()
    np.testing.assert_array_equal(mazes.solve_rates(steps, 3)[0], [0, 0, 1, 0])
    np.testing.assert_array_equal(mazes.solve_rates(steps, 4)[0], [1, 0, 1, 0])
    # There is a wall in the way of the second, and in the last the goal is behind.
    best = np.asarray(jax.vmap(shortest)(LEVELS))
    np.testing.assert_array_equal(best, [4, NEVER, 1, 4])
    np.testing.assert_allclose(mazes.regrets(steps, LEVELS, 10)[0], [0, 0, 0, 0.64], atol=1e-6)
    np.testing.assert_allclose(mazes.regrets(steps, LEVELS, 10)[1], [0.64, 0, 0.91, 0.64], atol=1e-6)
    np.testing.assert_allclose(mazes.regrets(steps, LEVELS, 2)[1], [0, 0, 0.55, 0], atol=1e-6)


def test_ways_lead_through_the_cells_that_were_visited():
    of_seeds = mazes.ways(Walkers(jnp.array([1.0, 0.0])), LEVELS, 4)
    assert of_seeds[0][0] == [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0)]  # the last is the goal
    assert of_seeds[0][1] == [(0, 0), (1, 0), (2, 0), (2, 0), (2, 0)]
    assert of_seeds[0][2] == [(0, 0), (1, 0)]
    assert of_seeds[1][3] == [(2, 0)] * 5


def test_solve_rates_of_who_hesitates():
    # Four steps ahead within eight, each made with probability 1/2: 163 of 256.
    steps = mazes.of_seeds(Walkers(jnp.array([0.5])), LEVELS, 8, episodes=2000)
    rate, expected = mazes.solve_rates(steps, 8)[0, 0], 163 / 256
    assert rate == pytest.approx(expected, abs=4 * (expected * (1 - expected) / 2000) ** 0.5)


def test_held_out_mazes_at_both_horizons():
    found = mazes.held_out(Walkers(jnp.array([1.0, 0.2])), ["Corridor7", "SixteenRooms"], episodes=2)
    assert list(found) == ["Corridor7", "SixteenRooms"]
    for score in found.values():  # nobody turns
        assert score.short.tolist() == score.long.tolist() == [0, 0]
    assert found["SixteenRooms"].regret == pytest.approx([0.9064] * 2)
    assert found["Corridor7"].regret == pytest.approx([1 - 0.9 * 11 / 250] * 2)  # 10, 10, 12 and 12 steps at best
    with pytest.raises(SettingError, match="unknown maze"):
        mazes.held_out(Walkers(jnp.array([1.0])), ["Maze9"])
    with pytest.raises(Misfit, match="solve rates are of the maze, not of CoinGame"):
        mazes.of_seeds(Walkers(jnp.array([1.0]), games.make("coin-pola")), LEVELS, 8)


def test_solvable_levels_can_be_solved_and_are_as_many_as_asked():
    game = games.make("maze-small", walls=30)
    levels = mazes.solvable(game, 200)
    steps = np.asarray(jax.jit(jax.vmap(shortest))(levels))
    assert (len(steps), (steps <= game.length).all()) == (200, True)
    with pytest.raises(Misfit, match="hardly one random level with 0 walls can be solved in 1 steps"):
        mazes.solvable(games.make("maze-small", walls=0, length=1), 20)


def test_the_worst_levels_are_chosen_by_one_play_and_rated_by_another():
    ranking = np.array([[0.5, 0.0, 1.0, 0.2], [1.0, 1.0, 0.0, 0.0]])
    rates = np.array([[0.4, 0.3, 0.9, 0.0], [0.1, 0.2, 0.6, 0.8]])
    found = mazes.worst(ranking, rates, (1, 25, 50, 100))
    np.testing.assert_allclose(found, [[0.3, 0.3, 0.15, 0.4], [0.6, 0.6, 0.7, 0.425]])
