"""Victims that defend themselves: what is learned once for all, and what a penalty does."""

import jax
import numpy as np
import pytest

from tacit.evaluation import guarded_victims as guarded
from tacit.evaluation.guarded_victims import ALLY, CLEAN, NOISE, RANDOM, SPEEDS
from tacit.evaluation.talked_cart import DEFENSES, MASKED, Guarded, Reading
from tacit.games.cheap_talk import network
from tacit.nets import policy

WEIGHTS = [network(jax.random.key(k), 4) for k in (0, 0, 1, 1)]


def test_what_is_learned_once_for_all():
    plainest = guarded.plainest
    for channel in (CLEAN, RANDOM, ALLY, NOISE):
        assert plainest(channel, MASKED) == (CLEAN, Reading())
    assert plainest(SPEEDS, MASKED) == (SPEEDS, MASKED)  # it misses something
    for name in ("project", "sanitize"):
        assert plainest(RANDOM, DEFENSES[name][0]) == (RANDOM, Reading())
    for name in ("none", "dropout", "shuffle", "quantize"):
        assert plainest(CLEAN, DEFENSES[name][0]) == (CLEAN, Reading())
        assert plainest(RANDOM, DEFENSES[name][0]) == (RANDOM, DEFENSES[name][0])
    assert plainest(NOISE, Reading(shuffled=1.0)) == (NOISE, Reading())
    assert plainest(CLEAN, Reading(penalty=2.0)) == (CLEAN, Reading(penalty=2.0))
    distinct = {plainest(channel, each) for channel in (CLEAN, RANDOM, NOISE) for each in sum(DEFENSES.values(), ())}
    assert len(distinct) == 2 + 7 + 6  # beside columns of 0, a network, noise


def test_channels():
    found = guarded.channels_of(WEIGHTS, None)
    assert list(found) == [CLEAN, RANDOM, NOISE, SPEEDS]
    assert all(len(each) == len(WEIGHTS) for each in found.values())
    assert not any(leaf.any() for channel in found[CLEAN] for leaf in jax.tree.leaves(channel.weights))
    helped = guarded.channels_of(WEIGHTS, WEIGHTS[2])[ALLY]
    assert all(channel.weights is WEIGHTS[2] for channel in helped)


def test_what_a_defense_takes_away():
    clean, none = [100.0, 120.0], [80.0, 100.0]
    assert guarded.taken_away(clean, none, none) == 0
    assert guarded.taken_away(clean, none, clean) == 1
    assert guarded.taken_away(clean, none, [95.0, 105.0]) == pytest.approx(0.5)
    assert guarded.taken_away(none, clean, clean) == 0  # of help, too


@pytest.fixture(scope="module")
def taught():
    keys = guarded.keys_of(5, 4)
    told = guarded.channels_of(WEIGHTS, None)

    def of(channel, reading):
        return guarded.taught(keys, told[channel], reading, 2, updates=8)

    return of


@pytest.mark.long
def test_masked_victims_learn_bit_for_bit_as_beside_columns_of_0(taught):
    masked, plain = taught(RANDOM, MASKED), taught(CLEAN, Reading())
    for one, other in zip(jax.tree.leaves(masked.params), jax.tree.leaves(plain.params), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(masked.returns, plain.returns)
    assert not np.array_equal(taught(RANDOM, Reading()).returns, plain.returns)
    noisy, shuffled = taught(NOISE, Reading()), taught(NOISE, Reading(shuffled=1.0))
    np.testing.assert_array_equal(noisy.returns, shuffled.returns)


@pytest.mark.long
def test_a_penalty_makes_policies_flat_along_messages(taught):
    def slope(member):
        nets = member.params[0]
        meter = Guarded(penalty=1.0, points=32)
        return np.asarray(jax.vmap(lambda net: meter.further(net, policy()))(nets))

    free, flat = slope(taught(RANDOM, Reading())), slope(taught(RANDOM, Reading(penalty=1.0)))
    assert (flat < 0.2 * free).all()


@pytest.mark.long
def test_who_needs_the_columns_and_masks_them_learns_little(taught):
    assert taught(SPEEDS, MASKED).returns.max() < taught(SPEEDS, Reading()).returns.min()
