"""M-FOS by a genetic algorithm: noise where stated, a champion that only gives way to a better one, and play."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tacit
from tacit import games
from tacit.errors import Misfit
from tacit.learners import mfos, mfos_ga
from tacit.learners.meta_game import MetaGame
from tacit.learners.mfos_ga import Config, Trial, as_mfos, trial, varied

GAME = MetaGame(games.make("ipd"), length=30)
SMALL = Config(species=16, num_games=4, test_games=64, hidden=8)
LEARNER = mfos_ga.make(GAME, SMALL)
CHAMPION = LEARNER.init(jax.random.key(0)).champion


def leaves(tree):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]


def test_every_weight_of_every_species_but_the_last_has_noise():
    config = Config(species=400, hidden=8)
    for leaf, each in zip(leaves(CHAMPION), leaves(jax.jit(varied)(jax.random.key(1), CHAMPION, config)), strict=True):
        np.testing.assert_array_equal(each[-1], leaf)
        moved = each[:-1] - leaf
        assert (moved != 0).all()
        # 399 squared normal numbers: their mean has a standard error of 4 (2/399)^0.5 = 0.28; most of 140 weights
        np.testing.assert_allclose((moved**2).mean(0), 4.0, atol=5 * 0.29)


def test_the_champion_gives_way_to_a_better_one_only():
    """Answering D to everything earns about -2; answering with tit-for-tat teaches the opponent to cooperate."""
    first, last = jax.tree.map(jnp.zeros_like, CHAMPION)
    defect, copy = jnp.full(5, -4.0), jnp.array([4.0, -4.0, 4.0, -4.0, 4.0])

    def answering(logits):
        return first, mfos_ga._rows(last, last.weight, logits)

    update = jax.jit(LEARNER.update)
    for old, new in ((defect, copy), (copy, defect)):
        species = jax.tree.map(lambda leaf: leaf[None], answering(new))
        tried = Trial(jnp.zeros(1), jnp.zeros(1))
        state, told = update(jax.random.key(2), mfos_ga.State(answering(old)), (species, tried), ())
        np.testing.assert_array_equal(state.champion[1].bias, copy)
        assert told["replaced"] == (new is copy)
        assert -1.3 < told["reward"][0] < -1.0
        assert told["opponent_reward"][0] < -1.0


def test_it_improves_on_its_first_champion():
    result = tacit.run(mfos_ga.make, GAME, SMALL, iterations=6, seeds=2)
    reward = result.metrics["reward"][..., 0]
    assert (reward[-1] > reward[0] - 0.05).all()  # test episodes differ from generation to generation
    start = jax.jit(jax.vmap(lambda k: trial(k, GAME, LEARNER.init(k).champion, 64).reward))
    assert reward[-1].mean() > float(start(jax.random.split(jax.random.key(3), 16)).mean()) + 0.2


def test_it_plays_as_mfos_without_variance():
    params = as_mfos(CHAMPION)
    obs = jax.random.uniform(jax.random.key(4), (10, 1))
    mean, variance, value = jax.jit(mfos.heads)(params, obs)
    np.testing.assert_allclose(mean[:, 0], mfos_ga._act(None, CHAMPION, (), obs[:, 0], None, None)[1], atol=1e-5)
    assert (np.asarray(variance) < 1e-25).all()
    assert np.isfinite(mfos.log_prob(mean, mean, variance)).all()
    assert (np.asarray(value) == 0).all()
    ((policy, same),) = LEARNER.policy(mfos_ga.State(CHAMPION))
    assert policy is mfos.POLICY
    back = LEARNER.with_params(mfos_ga.State(CHAMPION), 0, same).champion
    jax.tree.map(np.testing.assert_array_equal, back, CHAMPION)


def test_it_needs_one_meta_player():
    for game in (games.make("ipd"), MetaGame(games.make("ipd"), num_players=2)):
        with pytest.raises(Misfit, match="name one: tacit train mfos-ga ipd --against naive"):
            mfos_ga.make(game, SMALL)
