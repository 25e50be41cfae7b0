"""The exact policy gradient: it climbs what it says, and settles on conventions that may not go together."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tacit
from tacit import games
from tacit.errors import Misfit
from tacit.games import two_step_exact as exact
from tacit.games.two_step_exact import Joint
from tacit.learners import exact_pg
from tacit.learners.two_step import normalized


@pytest.mark.parametrize("other_play", [False, True])
def test_a_step_follows_the_slope(other_play, x64):
    """The change of each logit is the rate times the derivative, by finite differences."""
    game, rate, width = games.make("pet-light"), 0.7, 1e-5
    learner = exact_pg.make(game, exact_pg.Config(lr=rate, other_play=other_play))
    start = learner.init(jax.random.key(0))
    moved, metrics = jax.jit(learner.step)(jax.random.key(1), start)
    worth = np.asarray(jax.jit(exact.other_play if other_play else exact.tensor)(game))

    def value(first, second):
        chances = [np.exp(x) / np.exp(x).sum(1, keepdims=True) for x in (first, second)]
        return np.einsum("xaib,xa,ib->", worth, *chances)

    tables = [np.asarray(each) for each in start]
    for which in range(2):
        for place in np.ndindex(tables[which].shape):
            ends = []
            for sign in (1, -1):
                changed = [table.copy() for table in tables]
                changed[which][place] += sign * width
                ends.append(value(*changed))
            slope = (ends[0] - ends[1]) / (2 * width)
            np.testing.assert_allclose(moved[which][place] - tables[which][place], rate * slope, atol=1e-7)
    found = metrics["other_play_value" if other_play else "value"]
    np.testing.assert_allclose(found, value(*moved), atol=1e-10)


def test_self_play_settles_on_codes_that_do_not_go_together():
    game = games.make("pet-light")
    run = tacit.run(exact_pg.make, game, exact_pg.Config(), iterations=500, seeds=40, every=500)
    last = run.metrics["value"][-1]
    coded = last > 9.5
    assert coded.mean() > 0.4
    assert run.metrics["other_play_value"][-1][coded].max() < 1.5
    played = jax.tree.map(lambda leaf: jnp.asarray(leaf)[coded], jax.jit(normalized)(run.state))
    tensor = np.asarray(exact.tensor(game))
    cross = np.einsum("xaib,sxa,tib->st", tensor, np.exp(played.first), np.exp(played.second))
    assert set(np.round(cross.ravel(), 0)) == {-10, 10}


def test_other_play_needs_no_code():
    config = exact_pg.Config(other_play=True)
    run = tacit.run(exact_pg.make, games.make("pet-light"), config, iterations=1500, seeds=40, every=1500)
    value, among_strangers = run.metrics["value"][-1], run.metrics["other_play_value"][-1]
    assert (among_strangers < 5.001).all()
    assert (among_strangers > 4.9).mean() > 0.5  # the others bail
    np.testing.assert_allclose(value[among_strangers > 4.9], 5.0, atol=0.1)


def test_without_known_relabelings_other_play_is_self_play():
    game = games.make("tiny-hanabi-b")
    ends = [
        tacit.run(exact_pg.make, game, exact_pg.Config(other_play=other_play), iterations=20, every=20, seeds=2)
        for other_play in (False, True)
    ]
    np.testing.assert_allclose(ends[0].metrics["value"], ends[1].metrics["value"], rtol=1e-5)
    np.testing.assert_allclose(ends[0].metrics["value"], ends[0].metrics["other_play_value"], rtol=1e-5)


def test_the_start_is_as_wide_as_asked():
    def spread(std):
        learner = exact_pg.make(games.make("pet-light"), exact_pg.Config(init_std=std))
        state = jax.jit(jax.vmap(learner.init))(jax.random.split(jax.random.key(0), 500))
        assert isinstance(state, Joint)
        return float(np.concatenate([leaf.ravel() for leaf in state]).std())

    assert spread(0.0) == 0.0
    assert abs(spread(2.0) - 2.0) < 0.05


def test_other_games_are_refused():
    with pytest.raises(Misfit, match="exact-pg computes everything exactly and needs a two-step game"):
        exact_pg.make(games.make("commons"), exact_pg.Config())
