"""Read-outs of policies with known answers: in closed form, from play, and that both agree."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest

import tacit
from tacit import games
from tacit.errors import Misfit
from tacit.evaluation import memory_one
from tacit.evaluation.play import play
from tacit.evaluation.readout import closed_read_out, read_out
from tacit.games.matrix import SWAPPED
from tacit.learners import PLAYERS, naive, naive_pg
from tacit.learners.exact import State
from tacit.learners.versus import Scripted
from tacit.loops import Result
from tacit.registry import load

SURE, ROUNDS, EPISODES = 8.0, 20, 512
TIT_FOR_TAT = np.array([1, -1, 1, -1, 1]) * SURE
LOGITS = np.array(
    [
        [TIT_FOR_TAT, TIT_FOR_TAT],
        [TIT_FOR_TAT, [-SURE] * 5],
        [[1.0, -0.5, 0.3, -1.0, 0.5], [0.2, 0.8, -0.6, 0.1, -0.4]],
    ],
    np.float32,
)


@functools.cache
def ended():
    """A run that ended with these logits: tit-for-tat twice, tit-for-tat against defection, and something mixed."""
    game, config = games.make("ipd", length=ROUNDS), naive.Config()
    result = tacit.run(naive.make, game, config, iterations=1, seeds=3)
    assert result.state.logits.shape == LOGITS.shape
    return Result(naive.make, game, config, State(jnp.asarray(LOGITS)), result.metrics)


def test_read_outs_of_tit_for_tat():
    found = closed_read_out(ended())
    np.testing.assert_allclose(found.cooperation, 1 / (1 + np.exp(-LOGITS)), rtol=1e-5)
    # against defection: first CD, then DD for ever, of which the discounted shares of rounds are these
    expected = [0, 0.04 * 0.96, 0, 0.96**2, 0.04]  # CC, CD, DC, DD, start
    np.testing.assert_allclose(found.visits[1, 0], expected, atol=0.02)  # each of 25 rounds slips once in 3000
    np.testing.assert_allclose(found.visits[1, 1], np.array(expected)[list(SWAPPED)], atol=0.02)
    np.testing.assert_allclose(found.visits.sum(axis=2), 1, rtol=1e-5)
    np.testing.assert_allclose(found.reward[0], -1, atol=0.02)
    np.testing.assert_allclose(found.reward[1], [-2.04, -1.92], atol=0.02)


def per_episode(steps):
    """Mean rewards and shares of rounds that began in each state, of each episode."""
    return steps.reward.mean(0), steps.obs.mean(0)


def test_a_sampled_read_out_agrees_with_exact_figures():
    found = read_out(ended())
    np.testing.assert_allclose(found.cooperation, 1 / (1 + np.exp(-LOGITS)), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(found.visits.sum(axis=2), 1, rtol=1e-5)
    np.testing.assert_allclose(found.visits[:, :, 4], 1 / ROUNDS, rtol=1e-5)
    reward, shares = play(ended(), per_episode, num_games=EPISODES)
    for mixed, (sampled, episodes, exact) in enumerate(
        [(found.reward[2], reward[2], undiscounted()[0]), (found.visits[2], shares[2], undiscounted()[1])]
    ):
        spread = episodes.std(axis=0, ddof=1)
        # 64 episodes of the read-out and 512 of our own, each within four standard errors
        assert (np.abs(sampled - exact) <= 4 * spread / np.sqrt(64) + 1e-6).all(), mixed
        assert (np.abs(episodes.mean(axis=0) - exact) <= 4 * spread / np.sqrt(EPISODES) + 1e-6).all(), mixed
        assert (np.abs(exact - exact[::-1]) > 4 * spread / np.sqrt(EPISODES)).any()  # the players differ visibly


def undiscounted():
    """Expected mean rewards `[2]` and shares of rounds begun in each state `[2, 5]` of the mixed pair, by hand."""
    p, q = 1 / (1 + np.exp(-LOGITS[2].astype(np.float64)))
    q = q[list(SWAPPED)]
    after = np.stack([p * q, p * (1 - q), (1 - p) * q, (1 - p) * (1 - q)], axis=1)
    state, rewards, shares = np.eye(5)[4], np.zeros(2), np.zeros(5)
    for _ in range(ROUNDS):
        shares += state / ROUNDS
        outcome = state @ after
        rewards += outcome @ np.array([[-1, -1], [-3, 0], [0, -3], [-2, -2]]) / ROUNDS
        state = np.append(outcome, 0)
    return rewards, np.stack([shares, shares[list(SWAPPED)]])


def test_games_of_one_round_have_only_the_start():
    game, config = games.make("chicken"), naive.Config(lr=0.01)
    found = closed_read_out(tacit.run(naive.make, game, config, iterations=2, seeds=3))
    assert found.cooperation.shape == found.visits.shape == (3, 2, 5)
    assert np.isnan(found.cooperation[:, :, :4]).all()
    assert np.isfinite(found.cooperation[:, :, 4]).all()
    np.testing.assert_array_equal(found.visits, np.broadcast_to([0, 0, 0, 0, 1], (3, 2, 5)))


def test_final_values_are_those_of_the_last_logits():
    run = ended()
    np.testing.assert_array_equal(memory_one.final_logits(run), LOGITS)
    np.testing.assert_allclose(memory_one.final_values(run)[1], [-2.04, -1.92], atol=0.02)


def test_states_a_player_with_a_memory_never_saw_are_unknown():
    make, game = Scripted(load("player", PLAYERS, "grudger")), games.make("ipd", length=5)
    found = read_out(tacit.run(make, game, None, iterations=1, seeds=1))
    # two grudgers cooperate from start to end, and what else they would do cannot be asked
    np.testing.assert_allclose(found.cooperation[0, :, [0, 4]], 1, atol=1e-6)
    assert np.isnan(found.cooperation[0, :, 1:4]).all()
    np.testing.assert_allclose(found.visits[0], [[0.8, 0, 0, 0, 0.2]] * 2, atol=1e-6)
    np.testing.assert_allclose(found.reward, -1)


def test_read_outs_need_a_matrix_game():
    config = naive_pg.Config(num_games=2)
    run = Result(naive_pg.make, games.make("commons"), config, None, {})
    with pytest.raises(Misfit, match="not Commons"):
        read_out(run)
