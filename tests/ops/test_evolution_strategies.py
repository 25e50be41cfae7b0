"""Evolution strategies, against hand-made numbers, a known slope and evosax where it is installed."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from tacit.errors import SettingError
from tacit.ops.evolution import ascent, centered_ranks, changes, climb, decayed, paired, population, z_scores
from tacit.ops.optimizer import adam, descend

MEAN = {"w": jnp.arange(6.0).reshape(2, 3), "b": jnp.ones(2)}


def test_members_come_in_opposite_pairs():
    z = changes(jax.random.key(0), MEAN, 8)
    for leaf, mean in zip(jax.tree.leaves(z), jax.tree.leaves(MEAN), strict=True):
        assert leaf.shape == (8, *mean.shape)
        np.testing.assert_array_equal(leaf[:4], -leaf[4:])
        assert len(np.unique(np.abs(leaf[:4]))) == leaf[:4].size
    members = population(MEAN, 0.5, z)
    np.testing.assert_allclose(members["w"].mean(0), MEAN["w"], atol=1e-6)
    np.testing.assert_allclose(members["b"][1], 1 + 0.5 * z["b"][1])


def test_a_population_of_odd_size_is_refused():
    assert paired(6) == 3
    with pytest.raises(SettingError, match="its size must be even; got 7"):
        paired(7)


def test_settings_decay_to_their_floors():
    """As those of the public code do: sigma reaches its floor after ln 4 / -ln 0.999 = 1385.6 generations."""
    told = [float(decayed(0.04, 0.999, 0.01, jnp.int32(g))) for g in (0, 1, 1000, 1385, 1386, 2048)]
    # 0.999 itself is rounded by up to 6e-8 / 2 of its size, and so its 1385th power by up to 5e-5
    np.testing.assert_allclose(told, [0.04, 0.03996, 0.04 * 0.999**1000, 0.04 * 0.999**1385, 0.01, 0.01], rtol=1e-4)
    assert told[3] > told[4] == told[5]
    for generation in (0, 1, 10**6):  # and stay what they are, to the last bit, where nothing decays
        assert jax.jit(decayed)(jnp.float32(0.1), 1.0, 0.0, jnp.int32(generation)) == jnp.float32(0.1)


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=9))
def test_ranks_are_those_of_scipy(values):
    wanted = (scipy.stats.rankdata(values) - 1) / (len(values) - 1) - 0.5
    np.testing.assert_allclose(centered_ranks(jnp.array(values, float)), wanted, atol=1e-6)


def test_what_is_no_number_is_worst():
    np.testing.assert_allclose(centered_ranks(jnp.array([2.0, jnp.nan, 1.0])), [0.5, -0.5, 0.0])
    np.testing.assert_allclose(z_scores(jnp.array([2.0, jnp.nan, 0.0, 2.0])), [1, -1, -1, 1])


def test_equal_fitness_goes_nowhere():
    same = jnp.full(4, 17.3)
    assert not z_scores(same).any()
    assert not centered_ranks(same).any()


def test_the_slope_of_a_plane_is_found():
    slope = jnp.array([1.0, -2.0, 0.5])
    z = changes(jax.random.key(3), slope, 20_000)
    found = ascent(z, population(jnp.zeros(3), 0.3, z) @ slope, 0.3)
    # z z^T / N has standard error sqrt(2 / pairs) at most; 0.02 times |slope| is over 5 of them
    np.testing.assert_allclose(found, slope, atol=5 * (2 / 10_000) ** 0.5 * 2.3)


def test_it_is_the_sum_over_members():
    z = changes(jax.random.key(4), MEAN, 4)
    shaped = jnp.array([0.5, -0.2, 0.1, 0.7])
    wanted = sum(shaped[i] * z["w"][i] for i in range(4)) / (4 * 0.2)
    np.testing.assert_allclose(ascent(z, shaped, 0.2)["w"], wanted, rtol=1e-5)


@jax.numpy_rank_promotion("allow")  # evosax adds a row to all rows
def test_it_is_evosax():
    """The same changes, ranks and Adam lead to the same mean, generation after generation (evosax 0.3.2).

    Both read changes from the same members; numbers stay below 1, so that ten additions which all round apart would
    differ by 10 x 2^-24 = 6e-7.
    """
    algorithms = pytest.importorskip("evosax.algorithms")
    start, sigma = jnp.arange(5.0) / 5, 0.1
    theirs = algorithms.Open_ES(
        population_size=8, solution=start, optimizer=optax.adam(0.05), std_schedule=optax.constant_schedule(sigma)
    )
    state = theirs.init(jax.random.key(0), start, theirs.default_params)
    optimizer, mean = adam(0.05, eps=1e-8, max_norm=jnp.inf), start
    opt_state = optimizer.init(mean)
    for key in jax.random.split(jax.random.key(1), 10):
        members, state = theirs.ask(key, state, theirs.default_params)
        loss, z = jnp.square(members).sum(1), (members - theirs.get_mean(state)) / sigma
        state, _ = theirs.tell(key, members, loss, state, theirs.default_params)
        mean, opt_state = descend(optimizer, -ascent(z, centered_ranks(-loss), sigma), opt_state, mean)
        np.testing.assert_allclose(theirs.get_mean(state), mean, atol=1e-6)
    assert jnp.abs(mean - start).max() > 0.1


def test_a_mean_climbs_to_the_top_of_a_hill():
    """Fitness is minus the squared distance from (3, -2); luck that all members share changes no rank."""

    def trial(key):
        change_key, luck_key = jax.random.split(key)
        luck = jax.random.normal(luck_key)
        return change_key, lambda member: luck - jnp.sum((member - jnp.array([3.0, -2.0])) ** 2)

    keys = jax.random.split(jax.random.key(0), 200)
    top = climb(keys, jnp.zeros(2), trial, 8, 0.1, 0.05)
    np.testing.assert_allclose(top, [3.0, -2.0], atol=0.3)
