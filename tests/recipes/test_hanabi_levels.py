"""Recipes of Hanabi: figures of levels and curves from known games, and states that fit in their file."""

import jax
import numpy as np
import pytest

from tacit.learners import obl
from tacit.recipes import base, hanabi, hanabi_levels, hanabi_obl, small_hanabi_obl
from tacit.runs import experiment

MOST = 16e6  # bytes of a state in one file


def figure(mean, se=0.5, models=2):
    return {"mean": mean, "se": se, "models": models}


def of(sp, xp):
    """What a cross-play of two seeds says of a level."""
    ends = {"self_play": figure(0.25), "cross_play": figure(0.5)}
    pair = {"self_play": figure(sp), "cross_play": figure(xp, None), "gap": figure(sp - xp)}
    return pair | {"measured": {"bombed": ends, "score_before_bomb": ends}}


def test_figures_of_levels():
    found = hanabi_levels.figures_of([of(3.0, 2.5), of(5.0, 4.0), of(7.0, 4.25)])
    assert found["level 2: SP"].value == 5.0
    assert found["level 2: SP"].spread == 0.5
    assert found["level 3: SP - XP"].value == 2.75
    assert found["level 1: XP"].spread is None
    assert found["level 1: % bombed, XP"].value == 50.0
    assert found["level 1: score before the bomb, XP"].value == 0.5
    assert found[hanabi_levels.RISE].value == 0.25
    assert found[hanabi_levels.RISE].n == 2


def test_curves_are_over_moves_and_seconds():
    metrics = {
        "iteration": np.array([5.0, 10.0, 15.0]),
        "wall": np.array([1.0, 2.0, 4.0]),
        "return": np.array([[[np.nan] * 2] * 2, [[1.0, 1.0], [3.0, 3.0]], [[2.0, 2.0], [4.0, 4.0]]]),
        "score_before_bomb": np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]),
        "bombed": np.full((3, 2), np.nan),  # no episode ended
    }
    over_moves, over_seconds, before = hanabi.curves_of(metrics, 40)
    assert over_moves["x"] == [400.0, 600.0]  # the first row had nothing to tell
    assert over_seconds["x"] == [2.0, 4.0]
    assert over_moves["lines"] == over_seconds["lines"] == {"seed 0": [1.0, 2.0], "seed 1": [3.0, 4.0]}
    assert over_moves["labels"][0] == "moves"
    assert over_seconds["labels"][0] == "seconds"
    assert before["x"] == [200.0, 400.0, 600.0]


def row(recipe, mode):
    return recipe.experiments(mode, None, 0)["levels"]


@pytest.mark.parametrize("mode", base.MODES)
@pytest.mark.parametrize("recipe", [hanabi_obl.RECIPE, small_hanabi_obl.RECIPE], ids=lambda recipe: recipe.name)
def test_a_run_ends_with_its_highest_level(recipe, mode):
    wanted = row(recipe, mode)
    config = experiment.resolve(wanted).config
    assert wanted.iterations == config.schedule.end(config.levels)
    assert {target.name for target in recipe.targets} > {f"level {k}: XP" for k in range(1, config.levels + 1)}


@pytest.mark.parametrize("mode", ["default", "full"])
def test_the_whole_state_fits_in_its_file(mode):
    wanted = row(hanabi_obl.RECIPE, mode)
    found = experiment.resolve(wanted)
    state = jax.eval_shape(obl.make(found.game, found.config).init, jax.random.key(0))
    size = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))
    assert 1e6 < wanted.seeds * size < MOST
