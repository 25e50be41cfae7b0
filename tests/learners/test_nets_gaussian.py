"""Actions that are numbers: densities as SciPy has them, replay equals play, and a game with a known best answer."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from jaxtyping import Array

import tacit
from tacit import games, loops, nets_gaussian
from tacit.errors import Misfit
from tacit.evaluation.cross_play import cross_play, greedy, models_of
from tacit.evaluation.play import play
from tacit.games.base import Game, settle
from tacit.learners import ppo
from tacit.runs import policies, training
from tacit.runs.experiment import Experiment
from tacit.settings import setting
from tacit.types import Draw, Real, Spec

WEIGHT = 0.1  # of the entropy


class ThrowState(NamedTuple):
    mark: Array  # [P]
    terminated: Array
    truncated: Array


class Throw(Game):
    """One step: everybody sees a mark at -1 or 1 and throws at it; the square of the miss is lost.

    A throw with standard deviation s at the mark loses s^2 in the mean. With w of its entropy, log s + const, paid in
    addition, the best s^2 is w / 2.
    """

    bounded: bool = setting(False, "throws are to be between -1 and 1")
    discount: float = setting(0.9, "weight of the next step", low=0.0, high=1.0)

    @property
    def spec(self):
        return Spec(2, Real((1,), -1.0, 1.0), Real((1,), -1.0, 1.0) if self.bounded else Real((1,)), 1, (-1e6, 0.0))

    def reset(self, key, level=None):
        del level
        return ThrowState(jax.random.rademacher(key, (2,), float), jnp.bool_(False), jnp.bool_(False))

    def observe(self, state):
        return state.mark[:, None]

    def step(self, key, state, action):
        del key
        miss = jnp.square(action[:, 0] - state.mark)
        return settle(state, ThrowState(state.mark, jnp.bool_(True), jnp.bool_(False)), -miss)


CONFIG = ppo.Config(
    num_games=64,
    length=4,
    hidden=8,
    epochs=4,
    minibatches=1,
    lr=3e-2,
    entropy_weight=WEIGHT,
    normalize=False,
    max_norm=10.0,
    shared=True,
    trunk=1,
)


@pytest.fixture(scope="module")
def learned():
    """Two seeds that learned to throw, and what they say and do in a sample of throws."""
    run = tacit.run(ppo.make, Throw(), CONFIG, iterations=120, every=120, seeds=2)
    return run, play(run, lambda step: (step.extras, step.obs, step.action), num_games=256)


def test_densities_and_entropy_are_those_of_scipy():
    mean, log_std, action = jnp.array([0.3, -2.0, 5.0]), jnp.array([-1.5, 0.0, 2.0]), jnp.array([0.2, 1.0, -9.0])
    wanted = scipy.stats.multivariate_normal(np.asarray(mean), np.diag(np.exp(2 * np.asarray(log_std))))
    np.testing.assert_allclose(nets_gaussian.log_density(action, mean, log_std), wanted.logpdf(action), rtol=1e-5)
    np.testing.assert_allclose(nets_gaussian.entropy(log_std), wanted.entropy(), rtol=1e-5)


def test_the_best_throw_is_found(learned):
    """It aims at the mark, as sharply as the entropy lets it, and knows what that costs."""
    run, (said, seen, _) = learned
    assert run.metrics["ratio_error"].max() < 1e-4  # before a step, replay and play say the same
    np.testing.assert_allclose(said.mean, seen, atol=0.1)
    std = np.exp(np.asarray(run.state.params.log_std)).ravel()
    np.testing.assert_allclose(std, (WEIGHT / 2) ** 0.5, rtol=0.15)
    np.testing.assert_allclose(np.asarray(said.value).mean(), -WEIGHT / 2, atol=0.03)


def test_throws_scatter_as_they_say(learned):
    run, (said, _, action) = learned
    std = np.exp(np.asarray(run.state.params.log_std)).reshape(2, 1, 1, 1, 1)
    scatter = (np.asarray(action) - np.asarray(said.mean)) / std
    count = scatter[0].size  # of each seed; the variance of a mean of squares of N(0, 1) is 2 / count
    np.testing.assert_allclose((scatter**2).mean(axis=(1, 2, 3, 4)), 1.0, atol=5 * (2 / count) ** 0.5)
    wanted = scipy.stats.norm.logpdf(scatter) - np.log(std)
    np.testing.assert_allclose(said.log_prob, wanted[..., 0], rtol=1e-3, atol=1e-3)


def test_greedy_throws_are_at_the_mean(learned):
    run, _ = learned
    (policy, params), _ = run.make(run.game, run.config).policy(loops.player(0, run.state))
    asked = (params, (), jnp.ones(1), jnp.ones(1, bool), jnp.bool_(True))
    sure = greedy(policy)
    _, action, said = sure.act(jax.random.key(0), *asked)
    np.testing.assert_array_equal(action, said.mean)
    assert (float(said.log_prob), float(said.entropy)) == (0.0, 0.0)
    _, other, said = sure.act(jax.random.key(0), *asked, action + 1.0)
    np.testing.assert_array_equal(other, action + 1.0)
    assert said.log_prob == jnp.finfo(jnp.float32).min
    assert isinstance(said, Draw)
    met = cross_play(Throw(), models_of(run, "ppo"), games=32)
    assert met.matrix.min() > -0.01  # the greedy miss alone, at most 0.1 squared; a sampled one costs 0.05 more


def test_standard_deviations_stay_within_their_bounds():
    net = nets_gaussian.actor_critic(jax.random.key(0), Throw().spec, 2, False, "a test")
    for log_std, held in ((-20.0, -10.0), (5.0, 2.0)):
        params = nets_gaussian.Gaussian(net.net, jnp.full(1, log_std))
        asked = (params, (), jnp.ones(1), jnp.ones(1, bool), jnp.bool_(True))
        said = nets_gaussian.policy().act(jax.random.key(0), *asked)[2]
        np.testing.assert_allclose(said.entropy, 0.5 * np.log(2 * np.pi * np.e) + held, rtol=1e-5)


def test_bounded_actions_are_refused():
    with pytest.raises(Misfit, match=r"ppo draws one row of real numbers without bounds, and this game asks for Real"):
        ppo.make(Throw(bounded=True), ppo.Config()).init(jax.random.key(0))


TINY = {"num_games": 2, "length": 4, "epochs": 1, "minibatches": 1, "hidden": 2}


@pytest.mark.long
def test_runs_go_on_bit_for_bit_and_policies_are_handed_on(tmp_path):
    game, config = games.make("reacher", length=3), ppo.Config(**TINY)
    whole = list(loops.chunks(ppo.make, game, config, iterations=2, seeds=(0, 1)))[-1].state
    part = list(loops.chunks(ppo.make, game, config, iterations=1, seeds=(0, 1)))[-1].state
    after = list(loops.chunks(ppo.make, game, config, iterations=2, seeds=(0, 1), state=part, done=1))[-1].state
    for left, right in zip(jax.tree.leaves(whole), jax.tree.leaves(after), strict=True):
        np.testing.assert_array_equal(left, right)
    wanted = Experiment("ppo", "reacher", "", TINY, {"length": 3}, iterations=2, seeds=2)
    run = training.train(training.new_run(tmp_path, "run", wanted), print)
    policies.save(run)
    ((_, params),) = policies.load(run.folder.path).seats
    for left, right in zip(jax.tree.leaves(whole.params), jax.tree.leaves(params), strict=True):
        np.testing.assert_array_equal(left[:, 0], right)
