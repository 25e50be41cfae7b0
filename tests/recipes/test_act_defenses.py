"""What the benchmark of defenses says of figures that are made up."""

import json

import numpy as np
import pytest

from tacit.evaluation.guarded_victims import ALLY, CLEAN, NOISE, RANDOM
from tacit.evaluation.talked_cart import DEFENSES
from tacit.recipes import act_defenses as recipe
from tacit.runs.computation import Computed

BEST = 160.0
COUNT = 4
APART = np.array([-1.0, 1.0, -3.0, 3.0])  # of victims from their mean; standard error 1.49


def row(clean, silent, carried, adaptive, control=0.0):
    means = {"clean": clean, "silent": silent, "carried": carried, "adaptive": adaptive, "control": control}
    return {name: [mean] * COUNT for name, mean in means.items()}


@pytest.fixture(scope="module")
def found():
    """Without a defense half of the control is left; `dropout` only has a weaker enemy; all others hold."""
    defenses = {name: row(200, 60, 60, 62) for name in DEFENSES}
    defenses |= {"none": row(180, 60, 110, 110, 0.9), "dropout": row(171, 60, 70, 61)}
    learning = {channel: {name: (150 + APART).tolist() for name in DEFENSES} for channel in (CLEAN, RANDOM, NOISE)}
    learning[ALLY] = {name: (150 + APART + 10).tolist() for name in DEFENSES} | {"mask": (150 + APART).tolist()}
    needed = {name: [160.0] * COUNT for name in DEFENSES} | {"mask": [40.0] * COUNT}
    monitor = {
        "12.5664": {"earned": [110.0] * COUNT, "control": [0.9] * COUNT, "auroc": [1.0] * COUNT, "fpr": [0.0] * COUNT},
        "0.1": {"earned": [70.0] * COUNT, "control": [0.2] * COUNT, "auroc": [0.7] * COUNT, "fpr": [0.5] * COUNT},
    }
    seconds = dict.fromkeys(DEFENSES, 0.2) | {"ensemble": 0.6}
    parts = {"defenses": defenses, "needed": needed, "learning": learning, "monitor": monitor}
    return parts | {"seconds": seconds, "oracle": BEST}


def test_the_worse_of_two_attacks_counts(found):
    measured = measure(found)
    assert measured["dropout: control left"].value == pytest.approx(10 / 100)  # what was found elsewhere
    assert measured["quantize: control left"].value == pytest.approx(2 / 100)
    assert measured["no defense: reward under attack"].value == 110
    assert measured["dropout: clean return kept"].value == pytest.approx(0.95)
    assert measured["mask: clean return kept"].value == pytest.approx(200 / 180)
    assert measured["monitor, slack free: AUROC"].value == 1.0


def measure(found):
    names = ("position", "message")
    audits = {
        "scores": {channel: {names[0]: [1.0, 1.0], names[1]: [0.0, 2.0]} for channel in recipe.CHANNELS},
        "matters": {names[0]: True, names[1]: False},
    }
    runs = {"audit": Computed(None, audits), "steering": Computed(None, found)}
    measured = recipe.measure(runs)
    assert measured["audit, copy: AUROC"].value == 0.5  # of two layouts one is right
    assert all(isinstance(line, str) for line in recipe.details(runs))
    return measured


def test_which_defense_holds(found):
    pictures = recipe._exhibits(found, BEST)
    json.dumps(pictures)
    table, heat, learning, monitor, curve = pictures
    told = {cells[0]: cells[1:] for cells in table["rows"]}
    assert {name for name, cells in told.items() if cells[0] == "holds"} == set(DEFENSES) - {"none", "dropout"}
    assert told["none"][1:4] == pytest.approx([0.5, 0.5, 0.9])
    assert told["mask"][5] == 0.25  # of what victims earn who need the columns
    assert told["ensemble"][6] == pytest.approx(3.0)
    lost = dict(zip(heat["rows"], heat["values"], strict=True))
    assert lost["dropout"] == pytest.approx([0.1, 0.05, 0.0])
    assert lost["mask"] == pytest.approx([0.02, 0.0, 0.75])  # a gain is no loss
    assert [cells[0] for cells in monitor["rows"]] == ["free", "0.1"]
    assert len(curve["x"]) == 2
    assert len(learning["head"]) == 7


def test_effects_on_learning(found):
    assert recipe._effect(found, ALLY, "none") == pytest.approx((10.0, 0.0))
    assert recipe._taken(found, ALLY, "mask") == pytest.approx(1.0)  # all help is gone
    assert recipe._taken(found, ALLY, "quantize") == pytest.approx(0.0)
    assert recipe._taken(found, RANDOM, "mask") is None  # there is no effect to take away
    without = found | {"learning": {name: found["learning"][name] for name in (CLEAN, RANDOM, NOISE)}}
    assert len(recipe._learning_table(without)["head"]) == 5  # where no network that helps was looked for
