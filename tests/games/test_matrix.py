"""Matrix games: payoffs against the published tables, what players see, how games end, and traced payoffs."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.errors import SettingError
from tacit.games.matrix import JOINT, START, STATES, MatrixGame
from tacit.games.matrix_exact import normalized_values
from tacit.learners import naive
from tacit.learners.tabular import TABULAR
from tacit.loops import joint, rollout, start

# rewards of player 1 and player 2 at CC, CD, DC, DD, and the discount
DILEMMA = ((-1, -1), (-3, 0), (0, -3), (-2, -2))
PENNIES = ((1, -1), (-1, 1), (-1, 1), (1, -1))
CHICKEN = ((0, 0), (-1, 1), (1, -1), (-100, -100))
HUNT = ((4, 4), (0, 3), (3, 0), (2, 2))
AXELROD = ((3, 3), (0, 5), (5, 0), (1, 1))
TABLES = {
    "axelrod-ipd": (AXELROD, 0.96, 200),
    "ipd": (DILEMMA, 0.96, 150),
    "imp": (PENNIES, 0.9, 150),
    "iterated-chicken": (CHICKEN, 0.96, 150),
    "iterated-stag-hunt": (HUNT, 0.96, 150),
    "prisoners-dilemma": (DILEMMA, 0.96, 1),
    "matching-pennies": (PENNIES, 0.9, 1),
    "chicken": (CHICKEN, 0.96, 1),
    "stag-hunt": (HUNT, 0.96, 1),
}
EVERY_PAIR = np.array(list(itertools.product((0, 1), (0, 1))), np.int32)  # CC, CD, DC, DD


def outcomes(game):
    """What each joint action of a first round leads to, leaves `[4, ...]`."""
    key = jax.random.key(0)

    @jax.jit
    def all_of_them(game, actions):
        new, outcome = jax.vmap(lambda action: game.step(key, game.reset(key), action))(actions)
        return jax.vmap(game.observe)(new), outcome

    return all_of_them(game, EVERY_PAIR)


@pytest.mark.parametrize("name", TABLES)
def test_payoffs_are_the_published_ones(name):
    table, discount, length = TABLES[name]
    game = games.make(name)
    _, outcome = outcomes(game)
    np.testing.assert_array_equal(outcome.reward, table)
    assert (game.discount, game.length) == (discount, length)


def test_every_matrix_game_is_held_against_a_table():
    assert {name for name in games.GAMES if isinstance(games.make(name), MatrixGame)} == set(TABLES)


def test_the_second_player_sees_the_same_outcome_from_its_own_side():
    obs, _ = outcomes(games.make("ipd"))
    seen = [[STATES[int(np.argmax(row))] for row in both] for both in np.asarray(obs)]
    assert seen == [["CC", "CC"], ["CD", "DC"], ["DC", "CD"], ["DD", "DD"]]
    np.testing.assert_array_equal(np.asarray(obs).sum(-1), 1)


def test_the_start_recurs_after_a_reset_and_only_there():
    game, policies = games.make("ipd", length=3), (TABULAR, TABULAR)
    act, params = joint(policies), jnp.zeros((2, 5))

    @jax.jit
    def play(key):
        live = start(key, game, policies, 4)
        return rollout(key, game, lambda keys, **seen: act(keys, tuple(params), **seen), live, 8)[1]

    steps = play(jax.random.key(0))
    at_start = np.asarray(steps.obs)[..., START].all(axis=-1)
    expected = np.array([True, False, False, True, False, False, True, False])[:, None].repeat(4, axis=1)
    np.testing.assert_array_equal(at_start, expected)
    np.testing.assert_array_equal(steps.fresh, expected)
    np.testing.assert_array_equal(np.asarray(steps.next_obs)[2, ..., START], 0)  # what an end led to is no start


@pytest.mark.parametrize("name", TABLES)
def test_one_round_ends_by_the_rules_and_many_are_cut_off(name):
    game = games.make(name)
    once = game.length == 1
    last = game.reset(jax.random.key(0))._replace(round=jnp.int32(game.length - 1))
    _, outcome = game.step(jax.random.key(0), last, jnp.array([0, 1]))
    assert (bool(outcome.terminated), bool(outcome.truncated)) == (once, not once)


def test_whole_numbers_in_a_payoff_become_real():
    game = MatrixGame(payoff=(3, 3, 0, 5, 5, 0, 1, 1))
    assert all(type(number) is float for number in game.payoff)
    assert game.spec.reward_range == (0.0, 5.0)
    assert game.rewards.dtype == jnp.float32


@pytest.mark.parametrize("payoff", [(float("nan"),) * 8, (*(0.0,) * 7, float("inf"))])
def test_a_payoff_that_is_not_finite_is_refused(payoff):
    with pytest.raises(SettingError, match="payoff"):
        MatrixGame(payoff=payoff)


def test_five_payoff_tables_and_five_step_sizes_compile_once():
    traced = []

    def one_step(game, config):
        learner = naive.make(game, config)
        traced.append(game)
        before = learner.init(jax.random.key(0))
        after, _ = learner.step(jax.random.key(1), before)
        return (after.logits - before.logits) / config.lr, normalized_values(game, before.logits)

    compiled = jax.jit(one_step)
    tables = [games.make(name).payoff for name in ("ipd", "imp", "iterated-chicken", "iterated-stag-hunt")]
    tables.append((3.0, 3.0, 0.0, 5.0, 5.0, 0.0, 1.0, 1.0))
    values = []
    for payoff, lr in itertools.product(tables, (0.1, 0.3, 0.5, 1.0, 2.0)):
        direction, value = compiled(MatrixGame(payoff=payoff), naive.Config(lr=lr))
        if lr == 0.1:
            values.append(np.asarray(value))
            first = direction
        # a step is lr times the same direction; 1e-3 is the rounding of logits near 1 that a step of 0.1 sees
        np.testing.assert_allclose(direction, first, rtol=1e-3, atol=1e-3)
    assert len(traced) == 1
    assert len({tuple(value.round(4)) for value in values}) == len(tables)
    np.testing.assert_allclose(values[1].sum(), 0, atol=1e-5)


def test_traced_payoffs_give_what_constant_ones_give():
    game = games.make("iterated-chicken")
    for traced in (jax.jit(outcomes_of)(game), outcomes_of(dataclasses.replace(game))):
        np.testing.assert_array_equal(traced, np.array(CHICKEN))


def outcomes_of(game):
    return jnp.stack([game.rewards[:, i] for i in range(len(JOINT))])
