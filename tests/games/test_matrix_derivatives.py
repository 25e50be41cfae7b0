"""The derivatives that are written out, against automatic differentiation of the values."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tacit.games.matrix import MatrixGame
from tacit.games.matrix_derivatives import ME, OTHER, both_logits, both_sides, view
from tacit.games.matrix_exact import transition, values, values_seen


def game_of(payoff, discount):
    return MatrixGame(payoff=tuple(map(float, payoff)), discount=discount)


def numbers(low, high, count):
    return st.lists(st.floats(low, high), min_size=count, max_size=count).map(np.array)


def solved(rewards, discount, one_shot, logits):
    """The values with a library solver, which shares nothing with ours."""
    after = transition(*jax.nn.sigmoid(logits))
    if one_shot:
        return rewards @ after[0]
    return jnp.linalg.solve(jnp.eye(4) - discount * after[:4], rewards.T).T @ after[4]


def derivatives(function, rewards, discount, one_shot, logits, along):
    """Values, all first derivatives, and mixed second ones along a vector, as a `View` has them."""

    def value(k, mine, theirs):
        return function(rewards, discount, one_shot, jnp.stack([mine, theirs]))[k]

    def each(k):
        gradient = jnp.stack(jax.grad(value, (1, 2))(k, *logits))
        return gradient, jax.jacfwd(jax.grad(value, 1), 2)(k, *logits) @ along

    return function(rewards, discount, one_shot, logits), *jax.vmap(each)(jnp.array([ME, OTHER]))


def compare(one_shot):
    @jax.jit
    def both_ways(game, logits, along):
        discount = jnp.asarray(game.discount)

        def seen_by_one(rewards, logits):
            at = view(rewards, discount, one_shot, logits)
            found = at.value, at.gradient, jnp.stack([at.mixed(ME, along), at.mixed(OTHER, along)])
            others = (derivatives(f, rewards, discount, one_shot, logits, along) for f in (values_seen, solved))
            return found, *others

        return jax.vmap(seen_by_one)(both_sides(game), both_logits(logits))

    return both_ways


iterated, once = compare(False), compare(True)


def agree(found, expected, scale):
    """Equal to 1e-9, relative to the number or to the size that such numbers can have."""
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * scale), found, expected)


@given(numbers(-5, 5, 8), st.floats(0, 0.98), numbers(-4, 4, 10), numbers(-2, 2, 5))
def test_iterated_games(x64, payoff, discount, logits, along):
    found, ours, solvers = iterated(game_of(payoff, discount), logits.reshape(2, 5), along)
    scale = max(np.abs(payoff).max(), 1e-3)
    agree(found, ours, scale)
    agree(found, solvers, scale)


@given(numbers(-5, 5, 8), st.floats(0, 0.98), numbers(-4, 4, 2), numbers(-2, 2, 1))
def test_games_of_one_round(x64, payoff, discount, logits, along):
    found, ours, solvers = once(game_of(payoff, discount), logits.reshape(2, 1), along)
    scale = max(np.abs(payoff).max(), 1e-3)
    agree(found, ours, scale)
    agree(found, solvers, scale)


def test_a_known_game_of_one_round(x64):
    payoff = np.array([0.0, 0.0, -1.0, 1.0, 1.0, -1.0, -100.0, -100.0])
    found, *_ = once(game_of(payoff, 0.5), np.zeros((2, 1)), np.ones(1))
    value, gradient, mixed = (leaf[0] for leaf in found)
    assert np.allclose(value, [-25, -25])  # a quarter of each: (0 - 1 + 1 - 100) / 4
    # dV_1/dp = q (0 - 1) + (1 - q) (-1 + 100) = 49, times the sigmoid's slope 1/4; dV_1/dq = (0 + 1)/2 + (1 + 100)/2
    assert np.allclose(gradient[ME, ME], 49 / 4)
    assert np.allclose(gradient[ME, OTHER], 51 / 4)
    # d2V_1/dp dq = 0 + 1 - 1 - 100, times both slopes
    assert np.allclose(mixed, -100 / 16)


def test_player_2_sees_its_own_game(x64):
    payoff = np.array([-1.0, -1.0, -3.0, 0.5, 0.0, -3.0, -2.0, -2.5])
    logits = np.random.default_rng(0).normal(size=(2, 5))
    found, *_ = iterated(game_of(payoff, 0.9), logits, np.zeros(5))
    expected = values(game_of(payoff, 0.9), jnp.asarray(logits))
    np.testing.assert_allclose(found[0][0], expected, rtol=1e-12)
    np.testing.assert_allclose(found[0][1], expected[::-1], rtol=1e-12)
