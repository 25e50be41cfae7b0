"""Recipes of the phone booth maze: figures of runs whose players are known."""

import pathlib

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.evaluation import phone_booth as maze
from tacit.games.phone_booth import HINT_DOWN, MOVES, WAIT
from tacit.learners import ctdu
from tacit.ops import information
from tacit.recipes import phone_booth, phone_booth_discovery, phone_booth_utilization
from tacit.runs import experiment
from tacit.runs.store import RunFolder
from tacit.runs.training import Finished

SHORT = {"sender_room": 2, "sender_start": 1, "booths": (1, 1), "decoys": (), "receiver_room": 2, "receiver_start": 0}
GAME = games.make("phone-booth", messages=True, length=3, **SHORT)  # both begin in their booths
CONFIG = ctdu.Config(hidden=2, epsilon=0.0)


def of_moves(*shares):
    return np.array([shares], float)


def test_how_unevenly_hints_and_other_moves_are_used():
    """Known: 0 where all three are equal, log2 3 - 1 without one of them, log2 3 of one alone, or of nothing."""
    even = of_moves(1 / 12, 1 / 12, 0, 1 / 6, 0, 1 / 3, 1 / 3)
    one_hint = of_moves(0.1, 0.1, 0.1, 0.1, 0.1, 0.5, 0)
    always = of_moves(0, 0, 0, 0, 1, 0, 0)
    never = of_moves(*[np.nan] * 7)
    found = phone_booth.uneven(np.concatenate([even, one_hint, always, never]))
    np.testing.assert_allclose(found, [0, np.log2(3) - 1, np.log2(3), np.log2(3)], atol=1e-5)
    assert np.log2(3) - 1 > phone_booth_discovery.EVEN  # a sender without one of the hints misses the target
    # an even use is what the capacity of the line asks for
    sent = np.asarray(information.capacity(maze.heard(GAME, GAME.reset(jax.random.key(0), jnp.int32(0)))).sent)
    np.testing.assert_allclose(phone_booth.uneven(sent[None]), 0, atol=1e-5)


def run(state=None, game=GAME, **metrics):
    """A finished run of which this is known, and nothing else."""
    asked = experiment.Experiment("ctdu", "phone-booth")
    made = Finished(RunFolder(pathlib.Path("nowhere")), asked, experiment.Resolved(ctdu.make, game, CONFIG), state)
    made.__dict__["metrics"] = {name: np.asarray(rows, float) for name, rows in metrics.items()}
    return made


def run_of(values, says):
    """A run of two seeds whose networks are their last biases alone: values of the sender's moves, and what it says.

    The receiver waits.
    """
    state = ctdu.make(GAME, CONFIG).init(jax.random.key(0))
    receiver = [0.0] * len(MOVES)
    receiver[WAIT] = 99.0
    bias = jnp.array([[*values, says], [*receiver, 0.0]], float)

    def known(net):
        return eqx.tree_at(lambda x: x.head[1].bias, jax.tree.map(jnp.zeros_like, net), bias)

    state = state._replace(scout=known(state.scout), net=known(state.net), slow=known(state.slow))
    twice = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), state)
    return run(twice)


def test_what_is_done_in_the_booth():
    """As often as the softmax of known values has it, while both are there: for good, as nobody can leave it."""
    values = np.log([0.05, 0.05, 1e-9, 0.2, 0.1, 0.5, 0.1]) * CONFIG.temperature
    found = phone_booth.in_booth(run_of(values, 0.0))
    assert found.shape == (2, 7)
    np.testing.assert_allclose(found[0], np.exp(values / CONFIG.temperature), atol=1e-5)


@pytest.mark.parametrize("bit", [0, 1])
def test_what_is_heard(bit):
    hinting = [0.0] * len(MOVES)
    hinting[HINT_DOWN] = 1.0
    np.testing.assert_array_equal(phone_booth.said(run_of(hinting, 2.0 * bit - 1.0)), np.full((2, 2), bit))
    hinting[WAIT] = 2.0
    assert np.isnan(phone_booth.said(run_of(hinting, 1.0))).all()  # nothing is


def test_figures_of_utilization_are_those_of_the_last_tests():
    tests = run(test=[[1.0, 1.0, 1.0, 0.25], [1.0, 0.5, 0.95, 0.94]])
    found = phone_booth_utilization.measure(dict.fromkeys(phone_booth_utilization.RECIPE.rows, tests))
    assert found["% of seeds solved (greedy return >= 0.95)"].value == 50.0
    np.testing.assert_allclose(found["CTDUL: return"].value, (1 + 0.5 + 0.95 + 0.94) / 4)
    assert {target.name for target in phone_booth_utilization.RECIPE.targets} == set(found)
    assert phone_booth_utilization.details({"row": tests}) == ["row: greedy return, by seed: [1.0, 0.5, 0.95, 0.94]."]


def test_stays_are_in_the_booths_that_are_named():
    rows = {stay.row: run(visits=[[[5, 1, 9]], [[3, 2, 14]]]) for stay in phone_booth_discovery.STAYS}
    values = {stay.target: rows[stay.row].metrics["visits"][-1][0, list(stay.booths)].sum() for stay in
              phone_booth_discovery.STAYS}  # fmt: skip
    assert [values[stay.target] for stay in phone_booth_discovery.STAYS] == [17, 14, 14, 3, 3, 3]
    assert set(values) <= {target.name for target in phone_booth_discovery.RECIPE.targets}
    assert set(rows) == {name for name in phone_booth_discovery.RECIPE.rows if name.startswith("three")}
    shown = phone_booth.visits_shown(rows)
    assert len(shown["rows"]) == 6
    assert shown["values"][0] == [3, 2, 14]


def test_rows_with_three_booths_are_those_of_the_game():
    """Noisy, costly, perfect: in this order the maze has them, and a row's noise is that of the first."""
    for name, row in phone_booth_discovery.RECIPE.rows.items():
        if name.startswith("three"):
            game = games.make(row.game, **row.game_settings)
            assert game.loss[0] == float(name.rpartition(" ")[2])
            assert game.loss[1:] == (0.0, 0.0)
            assert [price > 0 for price in game.price] == [False, True, False]
