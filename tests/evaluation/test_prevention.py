"""Audits of teams that play the witness: known codes, honest levels, and the tables of learned players."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tacit
from tacit.evaluation import prevention, two_step
from tacit.evaluation.prevention import Asked
from tacit.games.two_step_exact import Joint
from tacit.games.witness import Witness
from tacit.learners import exact_pg, ppo
from tacit.learners.two_step import normalized
from tacit.recipes import audit_prevention

GAME = Witness()
QUICK = Asked(messages=500, permutations=200, draws=20)


def team(openings, guess):
    """A witness that says one thing of each object, and a listener that guesses one object for each message."""
    with np.errstate(divide="ignore"):
        first, second = np.log(np.eye(12)[openings]), np.log(np.eye(8)[guess])
    return Joint(jnp.asarray(first)[None], jnp.asarray(second)[None])


@pytest.fixture(scope="module")
def coded():
    """The first attribute is told, and the other two by the wording."""
    openings, guess = np.arange(8) >> 1, np.zeros(24, int)
    guess[GAME.shown[np.arange(8), 0, openings]] = np.arange(8)
    return prevention.audit(GAME, team(openings, guess), QUICK).teams[0]


def test_what_a_known_code_tells_and_earns(coded):
    told, earned = coded.told, coded.earned
    np.testing.assert_allclose((told.literal, told.wording, told.selection, told.lies), (1, 2, 0, 0), atol=1e-12)
    np.testing.assert_allclose((coded.influence, coded.wording_influence, coded.hidden), (3, 2, 2), atol=1e-12)
    np.testing.assert_allclose((earned.natural, earned.mute, earned.literal), (1, 0.5, 0.75), atol=1e-12)
    assert earned.reworded == pytest.approx(0.75)  # the first attribute survives, the others are right half of the time
    assert earned.wording_share == pytest.approx(0.5)
    assert earned.convention_share == pytest.approx(0.5)


def test_a_known_code_is_found_in_what_is_said(coded):
    wording, selection, lies = coded.found
    assert (wording.found, selection.found, lies.found) == (True, False, False)
    assert wording.size == "large"


def test_a_code_in_what_is_chosen_survives_any_rewording():
    """Objects 0, 3, 5 and 6 have 0 or 2 of the attributes; each is told by one statement that is true of it."""
    openings, guess = 4 * np.array([0, 1, 2, 0, 1, 2, 0, 1]), np.arange(24) % 8
    found = prevention.audit(GAME, team(openings, guess), QUICK).teams[0]
    assert found.told.wording == pytest.approx(0)
    assert found.told.selection > 0.5
    assert found.found[1].found
    assert not found.found[0].found


def test_off_belief_levels_hide_nothing():
    levels = two_step.ladder(GAME, 0.01, 2).policies
    audit = prevention.audit(GAME, jax.tree.map(lambda leaf: jnp.asarray(leaf[1:]), levels), QUICK)
    for one in audit.teams:
        assert one.hidden == pytest.approx(0, abs=1e-6)
        assert one.wording_influence == pytest.approx(0, abs=1e-9)
        assert one.earned.natural == pytest.approx(0.75, abs=1e-4)
        assert not any(each.found for each in one.found)
    np.testing.assert_allclose(audit.strangers, 0.75, atol=1e-4)


def test_tables_of_players_are_what_they_play():
    run = tacit.run(exact_pg.make, GAME, exact_pg.Config(), iterations=3, seeds=2, every=3)
    expected = normalized(run.state)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), prevention.tables(run), expected)


@pytest.mark.long
def test_networks_are_asked_for_all_their_chances():
    config = ppo.Config(num_games=2, length=2, hidden=4, epochs=1, minibatches=1)
    run = tacit.run(ppo.make, GAME, config, iterations=1, seeds=2, every=1)
    tables = prevention.tables(run)
    assert [leaf.shape for leaf in tables] == [(2, 8, 12), (2, 24, 8)]
    for leaf in tables:
        np.testing.assert_allclose(np.exp(leaf).sum(-1), 1, atol=1e-5)


def test_the_recipes_bound_on_learned_levels_is_the_exact_one():
    exact = two_step.ladder(GAME, audit_prevention.WARM, 1).values[1, 0]
    assert exact == pytest.approx(audit_prevention.WARM_VALUE, abs=5e-4)
