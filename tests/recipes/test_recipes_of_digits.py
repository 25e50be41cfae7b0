"""Recipes of digits: their rows, and what they measure of players whose worth is known."""

import dataclasses
import pathlib

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit.games.digit_images import images
from tacit.recipes import channels, dial_color_digit, dial_multi_step, digits
from tacit.recipes.digits import ALONE, DIAL, RIAL
from tacit.runs import experiment
from tacit.runs.store import RunFolder
from tacit.runs.training import Finished

BOTH = {"color-digit": dial_color_digit, "multi-step-digits": dial_multi_step}
DIGIT = images("", "unseen").digit


@pytest.mark.parametrize("name", BOTH)
def test_rows_differ_in_what_they_compare_alone(name):
    rows = {row: BOTH[name].RECIPE.rows[row] for row in (DIAL, RIAL, ALONE)}
    found = {row: experiment.resolve(rows[row]) for row in rows}
    assert [found[row].config.rial for row in rows] == [False, True, False]
    assert [found[row].game.talk for row in rows] == [True, True, False]
    assert found[DIAL].config == found[ALONE].config
    shared = [field.name for field in dataclasses.fields(found[RIAL].config) if field.name not in ("noise", "unit")]
    assert all(getattr(found[DIAL].config, field) == getattr(found[RIAL].config, field) for field in shared)
    assert len({(row.seeds, row.iterations, row.game) for row in rows.values()}) == 1
    assert found[DIAL].game.part == "training"
    assert found[DIAL].game.held_out.part == "unseen"


def small_run(name, row, bias):
    """Two seeds of players who never learned; the first does nothing but what its biases say."""
    asked = BOTH[name].RECIPE.rows[row]
    asked = dataclasses.replace(asked, learner_settings=asked.learner_settings | {"hidden": 3})
    made = experiment.resolve(asked)
    init = made.make(made.game, made.config).init
    state = jax.vmap(init)(jax.random.split(jax.random.key(0), 2))
    net = jax.tree.map(lambda leaf: leaf.at[0].set(0.0), state.net)
    last = net.head[1].bias.at[0].set(jnp.array(bias))
    net = eqx.tree_at(lambda x: x.head[1].bias, net, last)
    return Finished(RunFolder(pathlib.Path("nowhere")), asked, made, state._replace(net=net))


@pytest.fixture(scope="module")
def namers():
    """Its first seed names 7, and says 1 at every step."""
    return small_run("multi-step-digits", dial_multi_step.STEPS, [0.0] * 7 + [1.0, 0.0, 0.0] + [0.5])


def test_who_names_one_digit_earns_its_share_and_says_nothing(namers):
    earned = digits.unseen(namers)
    assert earned.shape == (2,)
    assert earned[0] == pytest.approx((DIGIT == 7).mean(), abs=1e-6)
    assert digits.told(namers, dial_multi_step.about)[0] == pytest.approx(0.0, abs=1e-5)
    said = digits.told(namers, dial_multi_step.said)
    np.testing.assert_allclose(said[0], np.eye(16)[15] * np.ones((10, 1)), atol=1e-6)
    np.testing.assert_allclose(said[1].sum(1), 1.0, rtol=1e-5)


def test_what_is_on_the_channel_before_noise(namers):
    spoken = channels.spoken(namers)
    first = int(1 / (1 + np.exp(-0.5)) * channels.BINS)
    assert spoken.sum() == pytest.approx(1.0, rel=1e-5)
    assert spoken[first] >= 0.5 - 1e-6  # all that the first of two seeds ever says


def test_of_four_bits_at_once_each_counts():
    run = small_run("multi-step-digits", DIAL, [0.0] * 10 + [9.0, 9.0, 9.0, -9.0])
    spoken = channels.spoken(run)
    assert spoken.sum() == pytest.approx(1.0, rel=1e-5)
    assert spoken[-1] >= 3 / 8 - 1e-6  # three bits of four of one seed of two
    assert spoken[0] >= 1 / 8 - 1e-6


@pytest.mark.long
def test_who_says_one_thing_in_color_digit_earns_nothing():
    run = small_run("color-digit", DIAL, [1.0, 0.0, -0.5])
    assert digits.unseen(run)[0] == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_allclose(digits.told(run, dial_color_digit.about)[0], 0.0, atol=1e-5)
    np.testing.assert_array_equal(digits.told(run, dial_color_digit.said)[0], np.zeros((10, 2)))
