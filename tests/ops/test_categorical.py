"""Masked distributions: probabilities, entropy, and how often each action is drawn."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from tacit.ops import categorical

DRAWS = 100_000
pytestmark = pytest.mark.usefixtures("strict")


@functools.cache
def keys():
    return jax.random.split(jax.random.key(0), DRAWS)


@jax.jit
def drawn(keys, log_probs):
    return jax.vmap(categorical.sample, (0, None))(keys, log_probs)


@pytest.mark.parametrize("legal", [[1, 1, 1, 1], [1, 0, 1, 1], [0, 0, 1, 0]])
def test_probabilities_are_a_softmax_over_what_is_legal(legal):
    legal, logits = np.array(legal, bool), np.array([0.5, 30.0, -1.0, 2.0], np.float32)
    found = np.asarray(categorical.log_probs(jnp.asarray(logits), jnp.asarray(legal)))
    expected = np.where(legal, np.exp(logits), 0) / np.exp(logits[legal]).sum()
    np.testing.assert_allclose(np.exp(found), expected, rtol=1e-5)  # exponentials in 32 bits
    assert (found[~legal] == np.finfo(np.float32).min).all()
    assert np.isfinite(found).all()


def test_derivatives_are_finite_where_actions_are_illegal():
    legal = jnp.array([True, False, True])

    def entropy(logits):
        return categorical.entropy(categorical.log_probs(logits, legal))

    found = jax.grad(entropy)(jnp.array([0.3, 5.0, -0.2]))
    assert np.isfinite(found).all()
    assert found[1] == 0
    assert abs(found[0]) > 0.01


@pytest.mark.parametrize(
    ("probs", "expected"),
    [([0.25] * 4, np.log(4)), ([1.0, 0.0], 0.0), ([0.5, 0.25, 0.25], 1.5 * np.log(2)), ([0.5, 0.5, 0.0], np.log(2))],
)
def test_known_entropies(probs, expected):
    probs = np.array(probs, np.float32)
    logits = jnp.asarray(np.log(np.maximum(probs, 1e-30)))
    found = categorical.entropy(categorical.log_probs(logits, jnp.asarray(probs > 0)))
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "probs", [(0.5, 0.5), (0.03, 0.97), (0.2, 0.0, 0.5, 0.3), (0.0, 1.0, 0.0), (1.0, 0.0), (0.0, 1.0), (0.1,) * 10]
)
def test_actions_are_drawn_as_often_as_they_should_be(probs):
    probs = np.array(probs, np.float64)
    log_probs = categorical.log_probs(
        jnp.asarray(np.log(np.maximum(probs, 1e-30)), jnp.float32), jnp.asarray(probs > 0)
    )
    counts = np.bincount(np.asarray(drawn(keys(), log_probs)), minlength=len(probs))
    assert len(counts) == len(probs)
    assert (counts[probs == 0] == 0).all()  # what is illegal is never drawn
    error = np.sqrt(probs * (1 - probs) / DRAWS)
    assert (np.abs(counts / DRAWS - probs) <= 4 * error).all()  # one right figure in 16 000 would fail


@functools.cache
def uniforms(seed):
    """Draws from the keys of one split: first from small seeds, as in a test, then from large ones."""
    return np.asarray(jax.jit(jax.vmap(categorical.uniform))(jax.random.split(jax.random.key(seed), DRAWS)), np.float64)


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1])
def test_numbers_from_keys_are_uniform(seed):
    numbers = uniforms(seed)
    assert numbers.min() >= 0
    assert numbers.max() < 1
    # both tests reject what is right once in a thousand keys; the keys are fixed
    assert scipy.stats.kstest(numbers, "uniform").pvalue > 1e-3
    assert scipy.stats.chisquare(np.bincount((numbers * 64).astype(int), minlength=64)).pvalue > 1e-3
    low = np.bincount((numbers * 2**24).astype(int) % 64, minlength=64)  # and so are the last of their 24 bits
    assert scipy.stats.chisquare(low).pvalue > 1e-3


def test_keys_of_small_seeds_give_different_numbers():
    numbers = np.asarray(jax.jit(jax.vmap(lambda seed: categorical.uniform(jax.random.key(seed))))(np.arange(1000)))
    assert len(np.unique(numbers)) > 990
    assert abs(numbers[1:].mean() - 0.5) < 4 / np.sqrt(12 * 999)


def test_keys_of_one_split_give_unrelated_numbers():
    pairs = np.asarray(jax.jit(jax.vmap(lambda key: jax.vmap(categorical.uniform)(jax.random.split(key))))(keys()))
    # the correlation of unrelated pairs has standard deviation 1 / sqrt(n)
    assert abs(np.corrcoef(pairs.T)[0, 1]) < 4 / np.sqrt(DRAWS)
    numbers = uniforms(0)
    assert abs(np.corrcoef(numbers[1:], numbers[:-1])[0, 1]) < 4 / np.sqrt(DRAWS)
    # nor is what a key gives related to what its children give
    parents = np.asarray(jax.jit(jax.vmap(categorical.uniform))(keys()))
    assert abs(np.corrcoef(parents, pairs[:, 0])[0, 1]) < 4 / np.sqrt(DRAWS)


def both_choices(keys, logit, legal, given=None):
    def one(key):
        log_probs = categorical.log_probs(jnp.stack([logit, jnp.zeros_like(logit)]), legal)
        return (
            categorical.choose(key, log_probs, jnp.zeros(()), given),
            categorical.choose_of_two(key, logit, legal, given),
        )

    return jax.vmap(one)(keys)


@pytest.mark.parametrize("legal", [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("logit", [-40.0, -0.3, 0.0, 2.0])
def test_a_choice_of_two_equals_a_choice(logit, legal):
    general, special = jax.jit(both_choices)(keys()[:500], jnp.float32(logit), jnp.array(legal))
    # the probabilities may differ in their last bit, and with them one draw in a million
    assert np.mean(np.asarray(general[0]) != np.asarray(special[0])) <= 1 / 500
    for name in ("log_probs", "entropy", "value"):
        np.testing.assert_allclose(getattr(general[1], name), getattr(special[1], name), rtol=1e-5, atol=1e-6)
    same = np.asarray(general[0]) == np.asarray(special[0])
    np.testing.assert_allclose(general[1].log_prob[same], special[1].log_prob[same], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("given", [0, 1])
def test_a_given_action_is_taken_and_reported(given):
    general, special = jax.jit(both_choices)(keys()[:3], jnp.float32(1.5), jnp.ones(2, bool), jnp.int32(given))
    expected = -np.log1p(np.exp(-1.5 if given == 0 else 1.5))
    for action, choice in (general, special):
        assert (np.asarray(action) == given).all()
        np.testing.assert_allclose(choice.log_prob, expected, rtol=1e-5)
