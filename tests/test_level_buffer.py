"""The buffer of levels: JaxUED's weights and insertions as recorded, chances of draws, and what is kept.

Recorded from JaxUED (DramaCow/jaxued, src/jaxued/level_sampler.py, commit 0f8f1284), Apache License 2.0. Its weights by
top need a mask made true or false before they run on the JAX of today.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit import buffers
from tacit.buffers import LOWEST, Judged, LevelBuffer, Priority
from tacit.errors import Misfit

pytestmark = pytest.mark.usefixtures("strict")

SCORES = [0.5, -0.2, 0.9, 0.5, 0.0, 0.31, 1.7, 0.05]
SEEN = [3, 1, 9, 9, 2, 7, 5, 4]
NOW = 9
RECORDED = {  # size, priority, temperature, top: weights with a share of staleness of 0.3
    (8, "rank", 0.3, 1): [
        0.07195697, 0.07559731, 0.06068246, 0.006020462, 0.06655719, 0.02161152, 0.6491408, 0.04843333,
    ],
    (8, "rank", 1.0, 1): [
        0.1421019, 0.1071945, 0.1287779, 0.06438896, 0.1024187, 0.07026117, 0.2950558, 0.08980097,
    ],
    (8, "top", 1.0, 3): [0.1766917, 0.075, 0.1796779, 0.0, 0.065625, 0.01875, 0.4373805, 0.046875],
    (5, "rank", 0.3, 1): [0.1466656, 0.1171599, 0.6143508, 0.01577656, 0.1060471, 0.0, 0.0, 0.0],
    (5, "rank", 1.0, 1): [0.238999, 0.1755996, 0.3065693, 0.1021898, 0.1766423, 0.0, 0.0, 0.0],
    (5, "top", 1.0, 3): [0.2861825, 0.1142857, 0.2990635, 0.2004682, 0.1, 0.0, 0.0, 0.0],
}  # fmt: skip
OFFERED = [(10, 0.5), (11, 0.1), (10, 0.3), (12, 0.7), (13, 0.2), (14, 0.15), (15, 0.05), (11, 0.6), (16, 0.65)]
SHARP = Priority("rank", 0.3, 0.3, 1)


def filled(scores=SCORES, size=8, seen=SEEN):
    capacity = len(scores)
    score = np.where(np.arange(capacity) < size, np.array(scores, np.float32), LOWEST)
    levels = {"name": jnp.arange(capacity, dtype=jnp.int32)}
    now = jnp.int32(NOW)
    return LevelBuffer(
        levels, jnp.asarray(score, jnp.float32), jnp.asarray(score), jnp.array(seen), jnp.int32(size), now
    )


weights = jax.jit(buffers.weights, static_argnums=1)


@pytest.mark.parametrize("case", RECORDED)
def test_weights_are_those_of_jaxued(case):
    size, kind, temperature, top = case
    found = weights(filled(size=size), Priority(kind, temperature, 0.3, top))
    np.testing.assert_allclose(found, RECORDED[case], atol=1e-6)


def test_proportional_and_uniform_weights_by_hand():
    scores = np.maximum(SCORES, 0) ** 2
    found = buffers.score_weights(filled(), Priority("proportional", 0.5, 0.0, 1))
    np.testing.assert_allclose(found, scores / scores.sum(), rtol=1e-6)
    assert buffers.score_weights(filled(size=4), Priority("uniform", 1.0, 0.0, 1)).tolist() == [0.25] * 4 + [0.0] * 4
    nothing = buffers.score_weights(filled([-1.0, 0.0, -2.0], 3, [1, 1, 1]), Priority("proportional", 1.0, 0.0, 1))
    np.testing.assert_allclose(nothing, np.full(3, 1 / 3), rtol=1e-6)


@given(scores=st.lists(st.floats(-5, 5, width=32), min_size=6, max_size=6), size=st.integers(1, 6))
@settings(max_examples=20)
def test_weights_sum_to_one_and_fall_with_rank(scores, size):
    found = np.asarray(weights(filled(scores, size, [9] * 6), SHARP))
    assert abs(found.sum() - 1) < 1e-5
    assert (found[size:] == 0).all()
    order = np.argsort(-np.array(scores[:size], np.float32), kind="stable")
    assert (np.diff(found[order]) <= 1e-7).all()


@functools.cache
def insertions():
    """The buffer after each of the offers, one at a time and all at once; and the first four, distinct or not."""

    @functools.partial(jax.jit, static_argnums=2)
    def offer(buffer, judged, distinct):
        return buffers.insert(buffer, judged, SHARP, distinct)

    names, scores = (jnp.array(column) for column in zip(*OFFERED, strict=True))
    every = Judged({"name": names.astype(jnp.int32)}, scores, scores)
    empty = buffers.empty({"name": jnp.int32(0)}, 4)
    found = [empty]
    for i in range(len(OFFERED)):
        found.append(offer(found[-1], jax.tree.map(lambda leaf, i=i: leaf[i : i + 1], every), True))
    first = jax.tree.map(lambda leaf: leaf[:4], every)
    return found[1:], offer(empty, every, True), offer(empty, first, False)


def test_insertions_are_those_of_jaxued():
    one_by_one, at_once, _ = insertions()
    names = [buffer.levels["name"].tolist() for buffer in one_by_one]
    assert names[:4] == [[10, 0, 0, 0], [10, 11, 0, 0], [10, 11, 0, 0], [10, 11, 12, 0]]
    assert names[4:] == [[10, 11, 12, 13]] * 4 + [[10, 16, 12, 13]]
    assert [int(buffer.size) for buffer in one_by_one] == [1, 2, 2, 3, 4, 4, 4, 4, 4]
    last = one_by_one[-1]
    np.testing.assert_allclose(last.score, [0.3, 0.65, 0.7, 0.2], rtol=1e-6)
    assert last.seen.tolist() == [3, 9, 4, 5]
    np.testing.assert_allclose(weights(last, SHARP), [0.1358416, 0.06120262, 0.7168838, 0.08607207], atol=1e-6)
    jax.tree.map(np.testing.assert_array_equal, last, at_once)


def test_a_level_found_again_keeps_its_highest_return_and_is_kept_once():
    one_by_one, _, repeated = insertions()
    np.testing.assert_allclose(one_by_one[2].best[0], 0.5)  # its score fell to 0.3
    np.testing.assert_allclose(one_by_one[-1].best, [0.5, 0.65, 0.7, 0.2], rtol=1e-6)
    assert repeated.levels["name"].tolist() == [10, 11, 10, 12]  # unless told otherwise


def test_what_was_not_scored_is_not_kept():
    buffer = buffers.empty({"name": jnp.int32(0)}, 4)
    judged = Judged({"name": jnp.array([1, 2])}, jnp.array([-jnp.inf, 0.5]), jnp.array([-jnp.inf, 1.0]))
    for kept in (buffers.insert(buffer, judged, SHARP), buffers.keep_best(buffer, judged)):
        assert int(kept.size) == 1
        assert kept.levels["name"][0] == 2
        assert np.isfinite(kept.score).all()
        assert np.isfinite(kept.best).all()


def test_of_several_scores_of_a_place_the_last_counts():
    places = jnp.array([2, 5, 2])
    judged = Judged({"name": places}, jnp.array([4.0, 5.0, 6.0]), jnp.array([9.0, 0.0, 3.0]))
    found = buffers.update(filled(), places, judged)
    assert found.score[jnp.array([2, 5])].tolist() == [6.0, 5.0]
    np.testing.assert_allclose(found.best[jnp.array([2, 5])], [9.0, 0.31], rtol=1e-6)  # the highest ever seen
    assert found.seen.tolist() == SEEN


def test_draws_follow_the_weights_and_take_age_away():
    many = jax.jit(jax.vmap(lambda key: buffers.draw(key, filled(), SHARP, 2)))
    buffer, places = many(jax.random.split(jax.random.key(3), 4000))
    chances = np.asarray(weights(filled(), SHARP))
    first = np.bincount(places[:, 0], minlength=8) / 4000
    np.testing.assert_allclose(first, chances, atol=4 * np.sqrt(0.25 / 4000))  # four standard errors
    # After a draw, its place is not stale: the other half of the batch follows the new weights.
    picked = np.flatnonzero(np.asarray(places[:, 0]) == 6)
    seen = jnp.array(SEEN).at[6].set(NOW + 1)
    after = np.asarray(weights(filled()._replace(seen=seen, count=jnp.int32(NOW + 1)), SHARP))
    second = np.bincount(places[picked, 1], minlength=8) / len(picked)
    np.testing.assert_allclose(second, after, atol=4 * np.sqrt(0.25 / len(picked)))
    assert (np.asarray(buffer.count) == NOW + 2).all()


def test_keeping_the_best_is_sorting():
    judged = Judged({"name": jnp.array([20, 21, 22])}, jnp.array([1.0, 3.0, -4.0]), jnp.array([1.0, 3.0, 0.0]))
    found = buffers.keep_best(filled(), judged)
    both = dict(zip([*range(8), 20, 21, 22], [*SCORES, 1.0, 3.0, -4.0], strict=True))
    assert found.levels["name"].tolist() == sorted(both, key=both.__getitem__, reverse=True)[:8]
    np.testing.assert_allclose(found.score, sorted(both.values(), reverse=True)[:8], rtol=1e-6)


def plain_weights(entries, now):
    """P of `SHARP` for entries (score, seen), written out."""
    order = sorted(range(len(entries)), key=lambda i: -entries[i][0])
    by_score = np.zeros(len(entries))
    by_score[order] = (1 / np.arange(1, len(entries) + 1)) ** (1 / 0.3)
    age = np.array([now - seen for _, seen in entries], float)
    by_age = age / age.sum() if age.sum() else np.full(len(entries), 1 / len(entries))
    return 0.7 * by_score / by_score.sum() + 0.3 * by_age


def plainly_inserted(offers, capacity):
    """What is kept of (name, score) offered one after another: names, scores and when each was last offered."""
    names, entries = [], []
    for now, (name, score) in enumerate(offers, 1):
        if name in names:
            entries[names.index(name)] = (score, now)
        elif len(names) < capacity:
            names.append(name)
            entries.append((score, now))
        else:
            place = int(np.argmin(plain_weights(entries, now - 1)))
            if score > entries[place][0]:
                names[place], entries[place] = name, (score, now)
    return names, entries


offered = jax.jit(lambda judged: buffers.insert(buffers.empty({"name": jnp.int32(0)}, 5), judged, SHARP))


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_insertions_equal_a_plain_list(seed):
    random = np.random.default_rng(seed)
    names, scores = random.integers(0, 9, 24), random.permutation(24).astype(np.float32) / 7
    found = offered(Judged({"name": jnp.asarray(names, jnp.int32)}, jnp.asarray(scores), jnp.asarray(scores)))
    kept, entries = plainly_inserted([*zip(names.tolist(), scores.tolist(), strict=True)], 5)
    size = int(found.size)
    assert found.levels["name"][:size].tolist() == kept
    np.testing.assert_allclose(found.score[:size], [score for score, _ in entries], rtol=1e-6)
    assert found.seen[:size].tolist() == [seen for _, seen in entries]
    np.testing.assert_allclose(weights(found, SHARP)[:size], plain_weights(entries, 24), atol=1e-5)


@pytest.mark.parametrize(
    ("levels", "line"),
    [
        ({"name": jnp.zeros((2, 3), jnp.int32)}, "['name'] of the levels offered is [3], and of"),
        ({"word": jnp.zeros(2, jnp.int32)}, "of different games: only one of them has ['name']"),
    ],
)
@pytest.mark.parametrize("offer", [lambda *given: buffers.insert(*given, SHARP), buffers.keep_best])
def test_levels_of_another_size_or_game_are_refused(offer, levels, line):
    with pytest.raises(Misfit) as error:
        offer(filled(), Judged(levels, jnp.ones(2), jnp.ones(2)))
    assert line in str(error.value)
