"""Values in closed form against known numbers, against a second way to compute them, and against sampled play."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit import games
from tacit.errors import Misfit
from tacit.games.matrix import SWAPPED, MatrixGame
from tacit.games.matrix_exact import closed_form, finite_values, normalized_values, num_logits, values, visits
from tacit.learners import PLAYERS
from tacit.learners.scripted import MEMORY_ONE
from tacit.learners.tabular import TABULAR
from tacit.loops import joint, rollout, start
from tacit.registry import load

# average rewards per round, discount 0.96; the opponent-shaping literature's sanity values
KNOWN = {
    ("tit-for-tat", "always-defect"): (-2.04, -1.92),
    ("tit-for-tat", "tit-for-tat"): (-1.0, -1.0),
    ("always-defect", "always-defect"): (-2.0, -2.0),
    ("win-stay-lose-shift", "always-defect"): (-2.5102, -0.9796),
    ("tit-for-tat", "suspicious-tit-for-tat"): (-1.5306, -1.4694),
}

some_logits = st.lists(st.floats(-4, 4), min_size=10, max_size=10).map(lambda x: np.reshape(x, (2, 5)))
some_payoff = st.lists(st.floats(-5, 5), min_size=8, max_size=8)
some_discount = st.floats(0, 0.99)


@pytest.mark.parametrize("pair", KNOWN)
def test_known_values(pair, x64):
    sure = np.array([load("player", PLAYERS, name).params for name in pair], float)
    logits = jnp.asarray(np.where(sure > 0.5, 40.0, -40.0))
    assert np.allclose(normalized_values(games.make("ipd"), logits), KNOWN[pair], atol=5e-5)


def second_way(game, logits):
    """Values and visits with NumPy's solver, player 2's entries looked up from its own side."""
    p, q = 1 / (1 + np.exp(-np.asarray(logits)))
    q = q[list(SWAPPED)]
    after = np.stack([p * q, p * (1 - q), (1 - p) * q, (1 - p) * (1 - q)], axis=1)
    rewards = np.reshape(game.payoff, (4, 2))
    system = np.eye(4) - game.discount * after[:4]
    occupied = np.linalg.solve(system.T, after[4])
    shares = (1 - game.discount) * np.append(game.discount * occupied, 1.0)
    return after[4] @ np.linalg.solve(system, rewards), shares


@given(some_payoff, some_discount, some_logits)
def test_values_and_visits_equal_a_second_way(x64, payoff, discount, logits):
    game = MatrixGame(payoff=tuple(payoff), discount=discount)
    expected, shares = second_way(game, logits)
    # two solvers of a system with condition number below 2 / (1 - 0.99) = 200, at 1e-16 per operation
    np.testing.assert_allclose(jitted_values(game, logits), expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(jitted_visits(game, logits), shares, rtol=1e-10, atol=1e-12)
    assert abs(jitted_visits(game, logits).sum() - 1) < 1e-12


jitted_values = jax.jit(values)
jitted_visits = jax.jit(visits)
jitted_finite_values = jax.jit(finite_values, static_argnames="rounds")


@given(some_payoff, some_discount, some_logits)
def test_swapping_the_players_swaps_the_values(x64, payoff, discount, logits):
    game = MatrixGame(payoff=tuple(payoff), discount=discount)
    seen_from_2 = np.reshape(game.payoff, (4, 2))[list(SWAPPED[:4]), ::-1]
    swapped = dataclasses.replace(game, payoff=tuple(map(float, seen_from_2.ravel())))
    found = jitted_values(swapped, logits[::-1])
    np.testing.assert_allclose(found, jitted_values(game, logits)[::-1], rtol=1e-10, atol=1e-10)


@given(some_logits)
def test_matching_pennies_is_zero_sum(x64, logits):
    found = jitted_values(games.make("imp"), logits)
    assert abs(found.sum()) < 1e-12
    assert np.abs(found).max() <= 10  # 1 / (1 - 0.9)


def test_values_of_many_rounds_approach_those_of_endless_play(x64):
    game = games.make("ipd")
    logits = np.random.default_rng(0).normal(size=(2, 5))
    endless = jitted_values(game, logits)
    gaps = []
    for rounds in (50, 100, 200):
        gap = np.abs(jitted_finite_values(game, logits, rounds=rounds) - endless)
        # what is left out is at most the largest payoff's, from that round on
        assert (gap <= 3 * 0.96**rounds / 0.04).all()
        gaps.append(gap.max())
    assert gaps[0] > 7 * gaps[1] > 7 * 50 * gaps[2] > 0  # 0.96^50 is 1/7.7, and 0.96^100 its square


def test_one_round_is_worth_what_it_pays(x64):
    logits = jnp.array([[0.3], [-1.2]])
    p, q = 1 / (1 + np.exp(-np.asarray(logits[:, 0])))
    game = games.make("stag-hunt")
    expected = [
        4 * p * q + 3 * (1 - p) * q + 2 * (1 - p) * (1 - q),
        4 * p * q + 3 * p * (1 - q) + 2 * (1 - p) * (1 - q),
    ]
    np.testing.assert_allclose(values(game, logits), expected, rtol=1e-12)
    np.testing.assert_array_equal(normalized_values(game, logits), values(game, logits))
    assert (num_logits(game), num_logits(games.make("ipd"))) == (1, 5)


ROUNDS, GAMES = 20, 4096


@functools.partial(jax.jit, static_argnums=0)
def discounted_returns(policies, params, game, key):
    act = joint(policies)
    live = start(key, game, policies, GAMES)
    steps = rollout(key, game, lambda keys, **seen: act(keys, params, **seen), live, ROUNDS, reset=False)[1]
    weight = game.discount ** jnp.arange(ROUNDS)
    return jnp.einsum("t,tbp->bp", weight, steps.reward)


@pytest.mark.parametrize("kind", ["tabular", "scripted", "mixed"])
def test_sampled_play_agrees(kind):
    game = games.make("ipd", length=ROUNDS)
    logits = np.array([[2.0, -2.0, 1.0, -1.0, 0.5], [1.5, -1.0, 2.5, -2.0, -0.5]], np.float32)
    probs = 1 / (1 + np.exp(-logits))
    policies = {"tabular": (TABULAR,) * 2, "scripted": (MEMORY_ONE,) * 2, "mixed": (TABULAR, MEMORY_ONE)}[kind]
    params = tuple(jnp.asarray(logits[i] if policies[i] is TABULAR else probs[i]) for i in range(2))
    returns = np.asarray(discounted_returns(policies, params, game, jax.random.key(0)), np.float64)
    error = returns.std(axis=0, ddof=1) / np.sqrt(GAMES)
    expected = np.asarray(jitted_finite_values(game, logits, rounds=ROUNDS))
    assert (np.abs(returns.mean(axis=0) - expected) < 4 * error).all()  # a right one fails once in 16 000
    swapped = np.asarray(jitted_finite_values(game, logits[:, list(SWAPPED)], rounds=ROUNDS))
    assert (np.abs(swapped - expected) > 8 * error).any()  # so that mixing up CD and DC would be noticed


def test_other_games_have_no_closed_form():
    with pytest.raises(Misfit, match=r"some-rule.*not Commons"):
        closed_form(games.make("commons"), "some-rule")
