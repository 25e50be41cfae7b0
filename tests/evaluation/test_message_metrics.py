"""Figures of messages against closed forms, another way to compute them, and what they must never do."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tacit.evaluation import message_metrics as metrics
from tacit.evaluation.message_metrics import END

EXACT = 1e-9
GRID = np.array([(a, b) for a in range(4) for b in range(4)])


def drawn(seed, *shape):
    """Probabilities over the last axis, some of them 0."""
    generator = np.random.default_rng(seed)
    weights = generator.exponential(size=shape) * (generator.random(shape) < 0.7)
    weights[..., 0] += 1e-3
    return weights / weights.sum(-1, keepdims=True)


def test_entropies_and_information_that_are_known():
    assert metrics.entropy(np.full(8, 7)) == pytest.approx(3.0, abs=EXACT)  # counts will do
    assert metrics.entropy(np.array([0.5, 0.25, 0.25, 0.0])) == pytest.approx(1.5, abs=EXACT)
    flips = np.array([[0.89, 0.11], [0.11, 0.89]])
    known = 1 - stats.entropy([0.89, 0.11], base=2)
    assert metrics.information(flips) == pytest.approx(known, abs=EXACT)
    several = np.stack([flips, np.eye(2), np.ones((2, 2)), np.zeros((2, 2))])
    np.testing.assert_allclose(metrics.information(several), [known, 1, 0, 0], atol=EXACT)
    assert metrics.speaker_consistency(flips) == metrics.instantaneous_coordination(flips) == metrics.information(flips)


def test_information_given_something_is_the_mean_over_it():
    weights = np.stack([3 * np.eye(2), np.ones((2, 2)), np.zeros((2, 2))])  # 6 of 10 and 4 of 10
    assert metrics.information_given(weights) == pytest.approx(0.6, abs=EXACT)
    exclusive = np.zeros((2, 2, 2))  # z = x xor y: either tells nothing of the other, but both and z do
    for x in range(2):
        for y in range(2):
            exclusive[x ^ y, x, y] = 1
    assert metrics.information(exclusive.sum(0)) == pytest.approx(0.0, abs=EXACT)
    assert metrics.information_given(exclusive) == pytest.approx(1.0, abs=EXACT)


@given(st.integers(0, 10_000))
def test_information_is_what_entropies_say(seed):
    joint = drawn(seed, 20).reshape(4, 5)
    sides = metrics.entropy(joint.sum(0)) + metrics.entropy(joint.sum(1))
    assert metrics.information(joint) == pytest.approx(sides - metrics.entropy(joint.ravel()), abs=1e-12)


@pytest.mark.parametrize("told", [0.0, 0.3, 1.0])
def test_influence_in_closed_form(told):
    """A listener that copies a message with some probability, and else does 0: a channel that erases."""
    says, happens = np.array([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]]), np.array([0.75, 0.25])
    does = np.broadcast_to(np.eye(3) * told + np.eye(3)[0] * (1 - told), (2, 3, 3))
    joint = says[0][:, None] * does[0]
    alone = metrics.entropy(joint.sum(0)) - 0.5 * stats.entropy([told, 1 - told], base=2)  # m = 0 is always done
    assert metrics.causal_influence(says, does, happens) == pytest.approx(0.75 * alone, abs=EXACT)


def test_influence_of_deaf_and_of_copying_listeners():
    says, happens = drawn(1, 6, 4), drawn(2, 6)
    deaf = np.repeat(drawn(3, 6, 1, 5), 4, axis=1)
    assert metrics.causal_influence(says, deaf, happens) == pytest.approx(0.0, abs=EXACT)
    copies = np.broadcast_to(np.eye(4)[[2, 0, 3, 1]], (6, 4, 4))
    said = happens @ metrics.entropy(says)
    assert metrics.causal_influence(says, copies, happens) == pytest.approx(said, abs=EXACT)
    # four equally likely messages that are copied: the mean over messages in place of their sum would give 4 bits
    uniform, one = np.full((1, 4), 0.25), np.ones(1)
    assert metrics.causal_influence(uniform, copies[:1], one) == pytest.approx(2.0, abs=EXACT)


@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 5), st.integers(1, 5))
def test_influence_is_a_mean_divergence_and_never_above_the_entropy_of_messages(seed, contexts, messages, actions):
    says, happens = drawn(seed, contexts, messages), drawn(seed + 1, contexts)
    does = drawn(seed + 2, contexts, messages, actions)
    found = float(metrics.causal_influence(says, does, happens))
    by_hand = 0.0
    for o in range(contexts):
        marginal = sum(says[o, m] * does[o, m] for m in range(messages))
        for m in range(messages):
            if says[o, m] > 0:
                by_hand += happens[o] * says[o, m] * stats.entropy(does[o, m], np.maximum(marginal, 1e-300), base=2)
    assert found == pytest.approx(by_hand, abs=EXACT)
    assert -1e-12 <= found <= happens @ metrics.entropy(says) + 1e-12
    assert found <= happens @ metrics.entropy((says[..., None] * does).sum(1)) + 1e-12


def test_context_independence():
    assert metrics.context_independence(np.eye(4)) == 1.0
    assert metrics.context_independence(np.ones((4, 4))) == pytest.approx(1 / 16)
    synonyms = np.array([[1, 0], [1, 0], [0, 2]])  # the first thing has two words
    assert metrics.context_independence(synonyms) == pytest.approx((0.5 + 1) / 2)
    homonyms = np.array([[1, 1, 0], [0, 0, 1]])  # and here two things have one
    assert metrics.context_independence(homonyms) == pytest.approx((0.5 + 0.5 + 1) / 3)
    seldom = np.array([[1, 0], [9, 0], [0, 5]])  # of words that are equally sure the usual one counts
    assert metrics.context_independence(seldom) == pytest.approx((0.9 + 1) / 2)
    assert metrics.context_independence(np.array([[1, 0, 0], [0, 1, 0]])) == 1.0  # what never happens does not count


def test_edit_distances():
    words = ["kitten", "sitting", "", "a", "ab", "ba", "flaw", "lawn"]
    padded = np.array([[ord(c) for c in word] + [END] * (7 - len(word)) for word in words])

    def by_hand(one, other):
        if not one or not other:
            return len(one) + len(other)
        rest = by_hand(one[1:], other[1:]) + (one[0] != other[0])
        return min(rest, 1 + by_hand(one[1:], other), 1 + by_hand(one, other[1:]))

    pairs = [(i, j) for i in range(len(words)) for j in range(len(words)) if {i, j} != {0, 1}]
    found = metrics.edit_distance(padded[[i for i, _ in pairs]], padded[[j for _, j in pairs]])
    assert list(found) == [by_hand(words[i], words[j]) for i, j in pairs]
    assert metrics.edit_distance(padded[:1], padded[1:2]) == [3]  # the textbooks' example


def test_codes_that_are_compositional_and_codes_that_are_not():
    scrambled = np.random.default_rng(0).permutation(16)
    holistic = GRID[scrambled]
    assert metrics.topographic_similarity(GRID, GRID) == pytest.approx(1.0)
    assert metrics.topographic_similarity(GRID, 3 - GRID[:, ::-1]) == pytest.approx(1.0)
    assert abs(metrics.topographic_similarity(GRID, holistic)) < 0.3
    assert metrics.positional_disentanglement(GRID, GRID[:, ::-1]) == pytest.approx(1.0)
    assert metrics.positional_disentanglement(GRID, holistic) < 0.3
    constant = np.concatenate([GRID, np.zeros((16, 1), int)], axis=1)
    assert metrics.positional_disentanglement(GRID, constant) == pytest.approx(1.0)  # what never varies does not count


def test_topographic_similarity_is_that_of_scipy():
    generator = np.random.default_rng(4)
    meanings, messages = generator.integers(0, 3, (12, 3)), generator.integers(0, 2, (12, 4))
    messages[::3, 2:] = END  # some are shorter
    far, said = [], []
    for i in range(12):
        for j in range(i):
            one, other = ([s for s in messages[k] if s != END] for k in (i, j))
            padded = np.array([[*m, *[END] * (4 - len(m))] for m in (one, other)])
            said.append(metrics.edit_distance(padded[:1], padded[1:])[0] / ((len(one) + len(other)) / 2))
            far.append((meanings[i] != meanings[j]).sum())
    known = stats.spearmanr(far, said).statistic
    assert metrics.topographic_similarity(meanings, messages) == pytest.approx(known, abs=EXACT)


def test_order_free_codes():
    """Each attribute has symbols of its own, said as often as its value is high, in any order."""
    generator = np.random.default_rng(0)
    bags = np.full((16, 6), END)
    for row, (a, b) in zip(bags, GRID, strict=True):
        row[: a + b] = generator.permutation([0] * a + [1] * b)
    assert metrics.bag_of_symbols_disentanglement(GRID, bags) == pytest.approx(1.0)
    assert metrics.positional_disentanglement(GRID, bags) < 0.5


@pytest.mark.parametrize("count", [1, 16])
def test_where_nothing_varies_there_is_no_figure(count):
    same = np.zeros((count, 3), int)
    assert math.isnan(metrics.topographic_similarity(GRID[:count], same))
    assert math.isnan(metrics.positional_disentanglement(GRID[:count], same))
    assert math.isnan(metrics.bag_of_symbols_disentanglement(GRID[:count], same))
    silent = np.full((count, 3), END)
    assert math.isnan(metrics.topographic_similarity(GRID[:count], silent))
    assert math.isnan(metrics.bag_of_symbols_disentanglement(GRID[:count], silent))
    assert math.isnan(metrics.topographic_similarity(np.arange(count)[:, None], GRID[:count]))  # all equally far
