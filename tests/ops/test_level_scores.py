"""Scores of levels on hand-made play: episodes that end, one that does not, a level on which none does."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit.ops import level_scores
from tacit.ops.level_scores import Episodes

pytestmark = pytest.mark.usefixtures("strict")

# Two episodes of 3 and 2 steps, returns 1 and 3, and a tail that pays 9 and does not end.
ENDED = [False, False, True, False, True, False, False]
FRESH = [True, False, False, True, False, True, False]
REWARD = [0.0, 0.0, 1.0, 0.0, 3.0, 9.0, 0.0]
VALUE = [-1.0, -0.7, -0.4, -0.1, 0.2, 0.5, 0.8]  # JaxUED's own code gives 3.325 and 0.05 for these
PLAY = Episodes(jnp.array(REWARD), jnp.array(FRESH), jnp.array(ENDED))
ENDLESS = PLAY._replace(ended=jnp.zeros(7, bool))


def test_returns_begin_anew_with_each_episode():
    assert level_scores.returns(PLAY).tolist() == [0.0, 0.0, 1.0, 0.0, 3.0, 9.0, 9.0]


def test_the_highest_return_is_of_an_episode_that_ended():
    assert level_scores.highest(PLAY, level_scores.returns(PLAY)) == 3.0
    assert level_scores.highest(ENDLESS, level_scores.returns(ENDLESS)) == -np.inf


def test_means_over_steps_by_hand():
    max_mc = ((4.0 + 3.7 + 3.4) / 3 + (3.1 + 2.8) / 2) / 2  # R_max = 3
    np.testing.assert_allclose(level_scores.mean_over_steps(PLAY, 3.0 - jnp.array(VALUE)), max_mc, rtol=1e-6)
    np.testing.assert_allclose(max_mc, 3.325)
    positive = jnp.maximum(jnp.array(VALUE), 0.0)
    np.testing.assert_allclose(level_scores.mean_over_steps(PLAY, positive), (0.0 + 0.1) / 2, rtol=1e-6)


def test_means_over_episodes_by_hand():
    gained = level_scores.returns(PLAY)
    np.testing.assert_allclose(level_scores.mean_over_episodes(PLAY, 5.0 - gained), ((5 - 1) + (5 - 3)) / 2)
    won = level_scores.returns(PLAY._replace(reward=jnp.array([0.0, 0.0, 0.0, 0.0, 3.0, 9.0, 0.0])))
    assert level_scores.learnability(PLAY, won) == 0.25  # one of two
    assert level_scores.learnability(PLAY, gained) == 0.0


@pytest.mark.parametrize(
    "score", [level_scores.mean_over_steps, level_scores.mean_over_episodes, level_scores.learnability]
)
def test_without_an_ended_episode_there_is_no_score(score):
    assert score(ENDLESS, jnp.array(VALUE)) == -np.inf


def test_what_the_tail_pays_changes_nothing():
    other = PLAY._replace(reward=jnp.array([*REWARD[:5], -50.0, 70.0]))
    value = jnp.array([*VALUE[:5], 1e3, -1e3])
    scores = jax.jit(
        lambda play, value: (
            level_scores.mean_over_steps(play, value),
            level_scores.mean_over_episodes(play, level_scores.returns(play)),
            level_scores.highest(play, level_scores.returns(play)),
        )
    )
    assert scores(PLAY, jnp.array(VALUE)) == scores(other, value)


@pytest.mark.parametrize("seed", range(8))
def test_scores_equal_sums_over_episodes_written_out(seed):
    random = np.random.default_rng(seed)
    ended = random.random(30) < 0.2
    fresh = np.concatenate([[True], ended[:-1]])
    reward, value = (random.normal(size=30).astype(np.float32) for _ in range(2))
    ends = np.flatnonzero(ended)
    episodes = [slice(start, end + 1) for start, end in zip([0, *(ends[:-1] + 1)], ends, strict=True)]
    gained = [reward[each].sum() for each in episodes]
    mean, over, most, learnable = _all_scores(Episodes(*map(jnp.asarray, (reward, fresh, ended))), jnp.asarray(value))
    np.testing.assert_allclose(mean, np.mean([value[each].mean() for each in episodes]), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(over, np.mean(gained), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(most, max(gained), rtol=1e-5)
    p = np.mean(np.array(gained) > 0)
    np.testing.assert_allclose(learnable, p * (1 - p), rtol=1e-5, atol=1e-7)


@jax.jit
def _all_scores(episodes, value):
    gained = level_scores.returns(episodes)
    mean, over = level_scores.mean_over_steps(episodes, value), level_scores.mean_over_episodes(episodes, gained)
    return mean, over, level_scores.highest(episodes, gained), level_scores.learnability(episodes, gained)
