"""The joint-action learner: its gradient another way, what its runs end with, and the variants that fail."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tacit
from tacit import games
from tacit.errors import Misfit
from tacit.evaluation.cross_play import cross_play, models_of
from tacit.evaluation.levers import barrier, entropy_regularized, one_apart, own_actions, strangers
from tacit.evaluation.pairings import summarize
from tacit.learners import joint_action, naive
from tacit.learners.versus import Pair, Versus

GAME = games.make("levers")


def trained(iterations=1000, seeds=12, game=GAME, **settings):
    return tacit.run(
        joint_action.make, game, joint_action.Config(**settings), iterations=iterations, seeds=seeds, every=iterations
    )


def gradient_by_hand(logits, pay, weight):
    """Of the objective by the logits of one joint softmax: P (g - P g) with g = pay - weight log P."""
    probs = np.exp(logits) / np.exp(logits).sum()
    worth = pay.ravel() - weight * np.log(probs)
    return probs * (worth - probs @ worth)


@pytest.mark.parametrize("weight", [-0.02, 0.25])
def test_the_gradient_of_a_joint_softmax(weight, x64):
    logits = np.random.default_rng(0).normal(size=100)
    pay = np.asarray(GAME.matrix(other_play=True), float)
    found = jax.jit(jax.grad(joint_action.objective))(jnp.asarray(logits), jnp.asarray(pay), weight)
    np.testing.assert_allclose(found, gradient_by_hand(logits, pay, weight), atol=1e-12)


@pytest.mark.parametrize("policy", ["independent", "shared"])
def test_separate_policies_act_on_their_own(policy):
    logits = jax.random.normal(jax.random.key(0), (2 if policy == "independent" else 1, 10))
    joint = np.exp(joint_action.distribution(logits))
    each = np.exp(jax.nn.log_softmax(logits, axis=1))
    np.testing.assert_allclose(joint, np.outer(each[0], each[-1]), rtol=1e-5)
    np.testing.assert_allclose(np.exp(joint_action.marginals(logits)), each[[0, -1]], rtol=1e-5)


def test_drawn_names_average_to_the_objective():
    config = joint_action.Config(other_play=True, relabelings=4096, lr=1e-3)
    states, moved = [], []
    for count in (4096, 0):
        learner = joint_action.make(GAME, dataclasses.replace(config, relabelings=count))
        state = learner.init(jax.random.key(0))
        states.append(state)
        moved.append(jax.jit(learner.step)(jax.random.key(1), state)[0].opt_state[0].mu)  # a tenth of the gradient
    # pay is 0 or 1 at each joint action, so a mean over 4096 names is within 0.03 of 1/9; P is about 0.01
    np.testing.assert_allclose(*moved, atol=1e-4)
    assert float(jnp.abs(moved[0]).max()) > 5e-4


@pytest.mark.parametrize("equal", [9, 4])
def test_other_play_finds_the_lever_apart(equal):
    result = trained(other_play=True, game=games.make("levers", payoffs=(0.9, *equal * (1.0,))))
    found = summarize(strangers(result))
    assert found.self_play.mean == pytest.approx(0.9, abs=0.01)
    assert found.cross_play.mean == pytest.approx(0.9, abs=0.01)


def test_self_play_finds_names_that_strangers_do_not_know():
    found = summarize(strangers(trained()))
    assert found.self_play.mean == pytest.approx(1.0, abs=0.01)
    assert found.cross_play.mean < 0.3  # 66 pairs that meet with 1/9: mean 0.111, standard deviation 0.039


def test_with_separate_policies_the_start_decides():
    ascent = {"policy": "shared", "other_play": True, "relabelings": 0, "entropy_weight": 0.0}
    for init_std in (0.01, 0.5):
        begun, ended = (
            own_actions(trained(**ascent, init_std=init_std, lr=lr, iterations=updates))[:, 0, 0]
            for lr, updates in ((0.0, 1), (0.05, 1000))
        )
        right = begun > barrier(one_apart(GAME))  # of the barrier; uniform play, at 0.1, is on the wrong side
        np.testing.assert_array_equal(ended > 0.5, right)
        assert np.minimum(ended, 1 - ended).max() < 0.05
        assert right.any() == (init_std == 0.5)


def test_an_entropy_bonus_leads_everyone_to_the_symmetric_policy():
    result = trained(policy="independent", entropy_weight=0.25)
    expected = entropy_regularized(GAME, 0.25)
    np.testing.assert_allclose(own_actions(result), np.broadcast_to(expected, (12, 2, 10)), atol=1e-3)
    assert summarize(strangers(result)).cross_play.mean == pytest.approx(0.0991, abs=1e-3)


def test_exact_cross_play_is_what_is_played():
    result = trained(iterations=30, seeds=3)
    played = cross_play(GAME, models_of(result, "runs", sampled=True), games=4000).matrix
    np.testing.assert_allclose(played, strangers(result), atol=5 * 0.5 / 4000**0.5)  # five standard errors at most


@pytest.mark.parametrize("policy", ["joint", "independent", "shared"])
def test_written_policies_are_read_back(policy):
    learner = joint_action.make(GAME, joint_action.Config(policy=policy))
    params = jax.random.normal(jax.random.key(5), (10,))
    state = learner.with_params(learner.init(jax.random.key(0)), 1, params)
    np.testing.assert_allclose(learner.policy(state)[1][1], jax.nn.log_softmax(params), atol=1e-5)


def test_what_does_not_fit_is_refused():
    for name in ("ipd", "repeated-levers"):
        with pytest.raises(Misfit, match="joint-action needs a lever game of one round"):
            joint_action.make(games.make(name), joint_action.Config())
    with pytest.raises(Misfit, match="learns for both players at once"):
        Versus(joint_action.make, naive.make)(GAME, Pair(joint_action.Config(), naive.Config()))
