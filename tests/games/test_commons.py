"""The commons: nothing is lost, too few units are shared, the stock regrows as it should, and taking is a trap."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.games.commons import CommonsState, plan

TINY = {"num_players": 2, "capacity": 3, "growth": 1.0, "discount": 0.5, "length": 60}


def stepped(game, stocks, actions):
    """New stock and rewards for every pair of a stock and a joint action, leaves `[N, ...]`."""
    state = game.reset(jax.random.key(0))

    def one(stock, action):
        new, outcome = game.step(jax.random.key(0), state._replace(stock=stock), action)
        return new.stock, outcome.reward

    found = jax.jit(jax.vmap(one))(jnp.asarray(stocks, jnp.int32), jnp.asarray(actions, jnp.int32))
    return tuple(map(np.asarray, found))


def every_situation(game):
    pairs = itertools.product(range(game.capacity + 1), itertools.product((0, 1), repeat=game.num_players))
    stocks, actions = zip(*pairs, strict=True)
    return np.array(stocks), np.array(actions)


def test_what_is_taken_is_paid_and_the_rest_regrows():
    game = games.make("commons")
    stocks, actions = every_situation(game)
    after, reward = stepped(game, stocks, actions)
    taken = np.minimum(actions.sum(axis=1), stocks)
    np.testing.assert_allclose(reward.sum(axis=1), taken, rtol=1e-6)  # sums of at most four thirds, quarters, ...
    rest = stocks - taken
    expected = rest + (4 * rest * (20 - rest) + 100) // 200  # halves upwards, in whole numbers
    np.testing.assert_array_equal(after, expected)
    assert (reward[actions == 0] == 0).all()


def test_too_few_units_are_shared():
    game = games.make("commons")
    actions = [[1, 1, 1, 1], [1, 0, 1, 0], [1, 1, 1, 0], [0, 0, 0, 1], [1, 1, 0, 0]]
    after, reward = stepped(game, [1, 1, 2, 1, 0], actions)
    third = 2 / 3
    expected = [[0.25] * 4, [0.5, 0, 0.5, 0], [third, third, third, 0], [0, 0, 0, 1], [0] * 4]
    np.testing.assert_allclose(reward, expected, rtol=1e-6)  # one division in 32 bits
    np.testing.assert_array_equal(after, 0)  # and a stock that is gone stays gone


@pytest.mark.parametrize(("rest", "regrown"), [(0, 0), (1, 1), (2, 3), (10, 12), (15, 17), (16, 17), (20, 20)])
def test_known_regrowth(rest, regrown):
    # 2: 0.4 x 2 x 0.9 = 0.72, rounded 1; 10: 0.4 x 10 x 0.5 = 2; 15: 0.4 x 15 x 0.25 = 1.5, rounded 2
    game = games.make("commons")
    assert int(game.regrow(jnp.int32(rest))) == regrown
    assert int(jax.jit(game.regrow)(jnp.int32(rest))) == regrown


def test_a_stock_never_exceeds_its_bounds():
    rest = jnp.arange(21)
    grown = np.asarray(games.make("commons", growth=4.0).regrow(rest))
    assert grown.max() == 20
    assert (grown >= np.arange(21)).all()


def test_everyone_sees_the_stock():
    game = games.make("commons")
    state = CommonsState(jnp.int32(7), jnp.int32(0), jnp.bool_(False), jnp.bool_(False))
    np.testing.assert_array_equal(game.observe(state), np.eye(21)[[7] * 4])


def simulated(policy):
    """Welfare of a fixed number of takers for each stock in the tiny commons, in whole-number arithmetic."""
    grown = {0: 0, 1: 2, 2: 3, 3: 3}  # 1 + round(1 x 2/3), 2 + round(2 x 1/3)
    stock, welfare = 3, 0.0
    for time in range(60):
        taken = min(policy[stock], stock)
        welfare, stock = welfare + 0.5**time * taken, grown[stock - taken]
    return welfare


def test_the_plan_is_the_best_of_all_plans():
    planned = plan(games.make("commons", **TINY))
    every = {policy: simulated(policy) for policy in itertools.product(range(3), repeat=4)}
    best = max(every.values())
    # value iteration stops at changes of 1e-9, so values are within 1e-9 / (1 - 0.5); rounds after the 60th add 4e-18
    assert planned.welfare == pytest.approx(best, abs=2e-9)
    assert every[tuple(planned.takers)] == pytest.approx(best, abs=2e-9)
    assert planned.welfare > sorted(set(every.values()))[-2] + 1e-3  # a second best plan would be noticed


def test_a_plan_adds_up():
    game = games.make("commons")
    planned = plan(game)
    stock, harvest, stocks = 20, [], []
    for _ in range(game.length):
        stocks.append(stock)
        harvest.append(min(planned.takers[stock], stock))
        stock = int(game.regrow(jnp.int32(stock - harvest[-1])))
    assert planned.harvest == sum(harvest)
    assert planned.stock == pytest.approx(np.mean(stocks))
    assert planned.welfare == pytest.approx(np.sum(0.95 ** np.arange(100) * harvest), rel=1e-6)


def test_taking_is_a_trap():
    game = games.make("commons")
    # at once, taking pays more than restraint, whatever the others do and as long as anything is left
    stocks, actions = every_situation(game)
    _, reward = stepped(game, stocks, actions)
    by_situation = {(s, *a): r[0] for s, a, r in zip(stocks, map(tuple, actions), reward, strict=True)}
    others = list(itertools.product((0, 1), repeat=3))
    assert all(by_situation[s, 1, *o] > by_situation[s, 0, *o] for s in range(1, 21) for o in others)
    # everybody taking is an equilibrium of the long game: alone, restraint changes nothing for the better
    value = np.zeros(21)
    regrown = np.asarray(game.regrow(jnp.arange(21)))
    take_all = np.zeros(21)
    for _ in range(600):  # 0.95^600 is 4e-14
        options = np.array([[_alone(s, mine, v, regrown) for mine in (0, 1)] for s, v in enumerate([value] * 21)])
        value, take_all = options.max(axis=1), np.array([_alone(s, 1, take_all, regrown) for s in range(21)])
    assert take_all[20] == pytest.approx(value[20], abs=1e-9)
    # and it is worth far less to all of them than the plan
    assert 4 * take_all[20] < 0.75 * plan(game).welfare


def _alone(stock, mine, value, regrown):
    """Worth of one player's action when the three others take."""
    taken = min(stock, 3 + mine)
    return mine * taken / (3 + mine) + 0.95 * value[regrown[stock - taken]]
