"""Returns and advantages against slow double loops in Python, across the ends of episodes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.ops.returns import discounts, gae, normalized, q_lambda, to_go

LENGTH = 8
pytestmark = pytest.mark.usefixtures("strict", "x64")
row = st.lists(st.floats(-3, 3), min_size=LENGTH, max_size=LENGTH).map(np.array)
ends = st.lists(st.sampled_from(["goes on", "terminated", "truncated"]), min_size=LENGTH, max_size=LENGTH).map(np.array)
share = st.floats(0, 1)

jitted_gae = jax.jit(gae)
jitted_to_go = jax.jit(to_go)


def slow_gae(reward, value, next_value, end, discount, decay):
    """The definition: a decaying sum of one-step errors up to the end of the episode."""
    advantage = []
    for t in range(LENGTH):
        total, weight = 0.0, 1.0
        for k in range(t, LENGTH):
            follows = 0.0 if end[k] == "terminated" else next_value[k]
            total += weight * (reward[k] + discount * follows - value[k])
            weight *= discount * decay
            if end[k] != "goes on":
                break
        advantage.append(total)
    return advantage


def fast_gae(reward, value, next_value, end, discount, decay):
    flags = (jnp.asarray(end == "terminated"), jnp.asarray(end == "truncated"))
    return jitted_gae(*map(jnp.asarray, (reward, value, next_value)), *flags, discount, decay)


# 64 steps' worth of additions of numbers below 100 at 1e-16 each
close = functools.partial(np.testing.assert_allclose, rtol=1e-12, atol=1e-11)


@given(row, row, row, ends, share, share)
def test_advantages_equal_the_double_loop(reward, value, next_value, end, discount, decay):
    inputs = (reward, value, next_value, end, discount, decay)
    close(fast_gae(*inputs), slow_gae(*inputs))


@given(row, row, row, ends, share)
def test_without_decay_advantages_are_one_step_errors(reward, value, next_value, end, discount):
    follows = np.where(end == "terminated", 0.0, next_value)
    close(fast_gae(reward, value, next_value, end, discount, 0.0), reward + discount * follows - value)


@given(row, row, share)
def test_with_decay_1_advantages_are_returns_minus_values(reward, value, discount):
    end = np.array(["goes on"] * (LENGTH - 1) + ["terminated"])
    found = fast_gae(reward, value, np.append(value[1:], 9.0), end, discount, 1.0)
    close(found, np.asarray(jitted_to_go(jnp.asarray(reward), discount)) - value)


def test_a_cut_off_end_counts_and_a_real_one_does_not():
    zeros = np.zeros(LENGTH)
    for end, expected in (("terminated", 1.0), ("truncated", 1.0 + 0.5 * 10)):
        flags = np.array(["goes on"] * 3 + [end] + ["goes on"] * 4)
        reward = np.array([0, 0, 0, 1.0, 7.0, 7.0, 7.0, 7.0])  # the next episode's must not be seen
        found = fast_gae(reward, zeros, np.where(np.arange(LENGTH) == 3, 10.0, 0.0), flags, 0.5, 1.0)
        close(found[:4], [expected / 8, expected / 4, expected / 2, expected])


@given(row, share)
def test_returns_equal_the_double_loop(reward, discount):
    expected = [sum(discount ** (k - t) * reward[k] for k in range(t, LENGTH)) for t in range(LENGTH)]
    close(jitted_to_go(jnp.asarray(reward), discount), expected)


def test_known_returns():
    close(jitted_to_go(jnp.array([1.0, 2.0, 4.0]), 0.5), [3.0, 4.0, 4.0])


def test_discounts():
    close(discounts(4, 0.5), [1, 0.5, 0.25, 0.125])
    close(discounts(3, 0.0), [1, 0, 0])
    close(discounts(3, 1.0), [1, 1, 1])


def test_normalized_returns():
    # always 2 and always -1 for 5 steps: (1 - d) (1 + d + ... + d^4) = 1 - d^5 of that
    reward = jnp.broadcast_to(jnp.array([2.0, -1.0]), (5, 3, 2))
    close(normalized(reward, 0.9), (1 - 0.9**5) * np.array([2, -1]))
    # and over games it is a mean
    reward = jnp.zeros((2, 4, 1)).at[1, 2, 0].set(8.0)
    close(normalized(reward, 0.5), [0.5 * 0.5 * 2.0])


def test_normalized_returns_without_discounting_are_returns():
    reward = jnp.broadcast_to(jnp.array([2.0, -1.0]), (5, 3, 2))
    close(jax.jit(normalized)(reward, 1.0), [10.0, -5.0])


jitted_q_lambda = jax.jit(q_lambda)


def fast_q_lambda(reward, next_value, end, discount, decay):
    flags = (jnp.asarray(end == "terminated"), jnp.asarray(end == "truncated"))
    return jitted_q_lambda(jnp.asarray(reward), jnp.asarray(next_value), *flags, discount, decay)


def slow_q_lambda(reward, next_value, end, discount, decay):
    """The definition: n-step returns weighed by (1 - decay) decay^(n - 1), the last one by all that is left."""
    found = []
    for t in range(LENGTH):
        total, gained, left, weight = 0.0, 0.0, 1.0, 1.0
        for k in range(t, LENGTH):
            gained += weight * reward[k]
            weight *= discount
            n_steps = gained + (0.0 if end[k] == "terminated" else weight * next_value[k])
            last = end[k] != "goes on" or k == LENGTH - 1
            total += left * (1.0 if last else 1 - decay) * n_steps
            left *= decay
            if last:
                break
        found.append(total)
    return found


@given(row, row, ends, share, share)
def test_lambda_returns_equal_the_double_loop(reward, next_value, end, discount, decay):
    inputs = (reward, next_value, end, discount, decay)
    close(fast_q_lambda(*inputs), slow_q_lambda(*inputs))


@given(row, row, ends, share, share, st.floats(-3, 3))
def test_lambda_returns_are_advantages_and_values_where_these_agree(reward, value, end, discount, decay, last):
    """With the value of what a step led to being that of the next one, unless the episode was cut off there."""
    next_value = np.append(value[1:], last)
    inputs = (next_value, end, discount, decay)
    close(fast_q_lambda(reward, *inputs), np.asarray(fast_gae(reward, value, *inputs)) + value)


def test_lambda_returns_by_hand():
    # backwards from 7: 1 + 0.5 * 7 = 4.5; 0 + 0.5 * (3 / 4 * 2 + 4.5 / 4) = 1.3125; 2, an end; 1 + 0.5 * 6, cut off
    reward, next_value = jnp.array([1.0, 2.0, 0.0, 1.0]), jnp.array([6.0, 9.0, 2.0, 7.0])
    flags = (jnp.array([False, True, False, False]), jnp.array([True, False, False, False]))
    close(jitted_q_lambda(reward, next_value, *flags, 0.5, 0.25), [4.0, 2.0, 1.3125, 4.5])
