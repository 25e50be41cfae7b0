"""The referential game's rules, and its best value against counting."""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tacit import games
from tacit.errors import SettingError
from tacit.games.referential import Pick, Referential
from tacit.types import Action

pytestmark = pytest.mark.usefixtures("strict")
KEY = jax.random.key(0)


class Seen(NamedTuple):
    """What both players saw and were allowed, step by step, and the rewards."""

    obs: list
    legal: list
    reward: list


def play(game, level, said, pick):
    state, seen = game.reset(KEY, level), Seen([], [], [])
    for time in range(2):
        seen.obs.append(game.observe(state))
        seen.legal.append(game.legal(state))
        move = jnp.array([0, pick if time else 0], jnp.int32)
        state, outcome = game.step(KEY, state, Action(move, jnp.array([said, 0 * said], jnp.float32)))
        seen.reward.append(np.asarray(outcome.reward))
    assert outcome.terminated
    return seen


LEVEL = Pick(jnp.array([14, 3, 0, 9]), jnp.int32(1))
SAID = np.array([1.0, 0.25, 0.0, 1.0])


@pytest.mark.parametrize(("pick", "paid"), [(0, 0), (1, 1), (2, 0), (3, 0)])
def test_the_target_and_nothing_else_pays(pick, paid):
    reward = play(games.make("referential"), LEVEL, SAID, pick).reward
    np.testing.assert_array_equal(reward, [[0, 0], [paid, paid]])


def test_who_sees_and_hears_what():
    seen = play(games.make("referential"), LEVEL, SAID, 0)
    for time, obs in enumerate(seen.obs):
        values = np.asarray(obs.view).reshape(2, 4, 2, 4)
        np.testing.assert_array_equal(values[1].argmax(2), [[2, 3], [3, 0], [0, 0], [1, 2]])  # n = v0 + 4 v1
        np.testing.assert_array_equal(values[0, 0], values[1, 1])
        assert (values[1].sum(2) == 1).all()
        assert not values[0, 1:].any()
        np.testing.assert_array_equal(obs.message, [4 * [0.5], SAID if time else 4 * [0.5]])
        np.testing.assert_array_equal(obs.received[:, 0], [0, time])
    quiet = play(games.make("referential", talk=False), LEVEL, SAID, 0)
    assert (quiet.obs[1].message == 0.5).all()
    assert not quiet.obs[1].received.any()


def test_one_speaks_and_then_the_other_picks():
    legal = play(games.make("referential"), LEVEL, SAID, 0).legal
    wait, pick = [True, False, False, False], [True] * 4
    np.testing.assert_array_equal([of.move for of in legal], [[wait, wait], [wait, pick]])
    np.testing.assert_array_equal([of.message[:, 0] for of in legal], [[True, False], [False, False]])


def test_candidates_differ_and_all_are_drawn_alike():
    game = games.make("referential", attributes=1, values=6, candidates=3)
    level = jax.tree.map(np.asarray, jax.vmap(game.sample_level)(jax.random.split(KEY, 3000)))
    assert (np.diff(np.sort(level.candidates), axis=1) > 0).all()
    for place in range(3):
        assert stats.chisquare(np.bincount(level.candidates[:, place], minlength=6)).pvalue > 0.001 / 4
    assert stats.chisquare(np.bincount(level.target, minlength=3)).pvalue > 0.001 / 4


def partitions(objects, classes):
    """Every way to give each object one of so many messages."""
    return itertools.product(range(classes), repeat=objects)


def value(code, candidates):
    """What a speaker of this code and the best listener earn, by listing all candidates and targets."""
    sets = list(itertools.combinations(range(len(code)), candidates))
    share = [1 / sum(code[x] == code[target] for x in among) for among in sets for target in among]
    return float(np.mean(share))


@pytest.mark.parametrize(("values", "candidates", "bits"), [(4, 2, 1), (5, 3, 1), (5, 5, 1), (4, 3, 2), (6, 2, 1)])
def test_no_code_is_better_than_the_best_value(values, candidates, bits):
    game = games.make("referential", attributes=1, values=values, candidates=candidates, bits=bits)
    every = [value(code, candidates) for code in partitions(values, 2**bits)]
    assert max(every) == pytest.approx(game.best)
    assert games.make("referential", talk=False, candidates=candidates).best == pytest.approx(1 / candidates)


@given(st.integers(2, 40), st.integers(1, 6))
def test_where_all_are_candidates_it_is_lewis_game(objects, bits):
    game = Referential(attributes=1, values=objects, candidates=objects, bits=bits)
    assert game.best == pytest.approx(min(2**bits / objects, 1.0))


def test_enough_bits_name_every_object():
    assert games.make("referential").best == 1.0
    assert games.make("referential", bits=3).best < 1.0


@pytest.mark.parametrize(
    ("rules", "line"),
    [
        ({"candidates": 17}, "objects must be at least the 17 candidates and at most 65536, got 4\\^2 = 16"),
        ({"attributes": 16}, "at most 65536, got 4\\^16"),
        ({"bits": 9}, "bits must be >= 1 and <= 8, got 9"),
        ({"candidates": 1}, "candidates must be >= 2"),
    ],
)
def test_games_that_make_no_sense_are_refused(rules, line):
    with pytest.raises(SettingError, match=line):
        games.make("referential", **rules)
