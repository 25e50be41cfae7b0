"""Policies of either view at one table: what they see is what they learned from, to the last bit."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from random_play import VARIANTS, positions

from tacit.errors import Misfit
from tacit.evaluation.cross_play import cross_play, model, seeing
from tacit.evaluation.cross_play_settings import Plan
from tacit.games import make
from tacit.games.hanabi import HanabiGame
from tacit.games.hanabi.views import with_beliefs
from tacit.ops import categorical
from tacit.runs import cross_play as named
from tacit.runs import policies, store, training
from tacit.runs.experiment import Experiment
from tacit.types import Policy

TINY = HanabiGame(colors=1, ranks=2, hand=2, information=2, lives=1)


def believing(game):
    return dataclasses.replace(game, view="v0-belief")


@functools.partial(jax.jit, static_argnums=0)
def both(game, states):
    plain = jax.vmap(game.observe)(states)
    return jax.vmap(jax.vmap(functools.partial(with_beliefs, game)))(plain), jax.vmap(believing(game).observe)(states)


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("variant", VARIANTS)
def test_beliefs_come_from_the_canonical_view_to_the_last_bit(variant):
    made, observed = both(VARIANTS[variant], positions(variant))
    assert made.dtype == observed.dtype
    np.testing.assert_array_equal(made, observed)
    assert len(np.unique(made)) > 2


def test_only_the_same_rules_can_be_shown():
    game = make("hanabi-small")
    assert game.shown_in(believing(game)) is not None
    assert game.shown_in(game) is None
    assert believing(game).shown_in(game) is None  # probabilities do not tell the hints
    assert game.shown_in(believing(make("hanabi"))) is None
    assert make("ipd").shown_in(make("ipd")) is None


def weighted(key, params, carry, obs, legal, fresh, given=None):
    """Chooses by a linear rule on what it sees."""
    log_probs = categorical.log_probs(obs.astype(jnp.float32) @ params, legal)
    return carry, *categorical.choose(key, log_probs, jnp.zeros(()), given)


def test_a_policy_plays_the_same_games_in_either_view():
    policy, game = Policy(tuple, weighted), make("hanabi-small", lives=3)
    assert seeing(policy, game, game) is policy
    assert seeing(policy, game, believing(game)) is seeing(policy, game, believing(game))
    shape = (*game.spec.observation.shape, game.spec.action.n)
    params = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    own = model("own", "own", [policy] * 2, [params] * 2)
    shown = model("shown", "shown", [seeing(policy, game, believing(game))] * 2, [params] * 2)
    scores = [cross_play(*met, 50).scores for met in ((believing(game), [own]), (game, [shown]), (game, [own]))]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert (scores[0] != scores[2]).any()  # by the hints alone it plays otherwise


def test_runs_of_both_views_meet_in_the_canonical_one(tmp_path):
    small = {"num_games": 2, "length": 2, "minibatches": 1, "hidden": 2}
    rules = {"colors": 1, "ranks": 2, "hand": 2, "information": 2, "lives": 1}
    for view in ("canonical", "v0-belief"):
        wanted = Experiment("obl", "hanabi", "", small, rules | {"view": view}, iterations=1, seeds=1)
        place = tmp_path / view
        place.mkdir()
        folder, found = store.RunFolder(place), training.resolve(wanted)
        state = jax.vmap(found.make(found.game, found.config).init)(jax.random.split(jax.random.key(0), 1))
        store.write_json(place / "provenance.json", {})
        policies.save(training.Finished(folder, wanted, found, jax.tree.map(np.asarray, state)))
    words = [str(tmp_path / view) for view in ("v0-belief", "canonical")]
    for order in (words, words[::-1]):
        game, models = named.entering(Plan(models=tuple(order)))
        assert game == TINY
        assert cross_play(game, models, 3).matrix.shape == (2, 2)
    alone, _ = named.entering(Plan(models=(words[0],)), 1)
    assert alone == believing(TINY)
    game, _ = named.entering(Plan("hanabi:colors=1,ranks=2,hand=2,information=2,lives=1", models=(words[0],)), 1)
    assert game == TINY
    with pytest.raises(Misfit, match="by different rules: colors"):
        named.entering(Plan("hanabi-small", models=(words[0],)), 1)
