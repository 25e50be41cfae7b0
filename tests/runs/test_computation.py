"""Computations as rows of recipes and in folders of their own: results round-trip, go on, and show on the page."""

import dataclasses
import json
import os
import re
import signal

import numpy as np
import pytest

from tacit.errors import Interrupted, RunError, SettingError
from tacit.recipes import reproduction
from tacit.recipes.base import Budget, Measured, Recipe, Target
from tacit.runs import computation, exhibits, plots, report, store
from tacit.runs.computation import Computation
from tacit.runs.experiment import Experiment
from tacit.settings import setting


@dataclasses.dataclass(frozen=True)
class Dice:
    """Settings of the toy below."""

    sides: int = setting(6, "sides", low=1)
    weights: tuple[float, ...] = setting((1.0, 2.0), "whatever")


CALLS = []


def dice(settings, seeds, seed, say):
    CALLS.append(seed)
    say("rolling")
    if settings.sides == 13:
        os.kill(os.getpid(), signal.SIGTERM)
    rolls = np.random.default_rng(seed).integers(1, settings.sides + 1, seeds)
    shown = [
        exhibits.table("Rolls <all>", ["roll", "value"], [[str(i), float(x)] for i, x in enumerate(rolls)]),
        exhibits.heat_map("Matrix", ["a", "b"], ["x", "y"], np.array([[1.0, np.nan], [2.0, 3.0]])),
        exhibits.curves("Curves", [0, 1], {"up": np.array([0, 1]), "down": np.array([1, np.nan])}, ("t", "share")),
    ]
    return {"rolls": rolls.tolist(), "exhibits": shown}


def measure(runs):
    rolls = np.array(runs["dice"].result["rolls"])
    return {"mean": Measured(float(rolls.mean()), float(rolls.std(ddof=1)), "sd over seeds", len(rolls))}


ROW = Computation(dice, Dice(sides=4), seeds=3)


def recipe(rows):
    found = Recipe("naive-ipd", "t", "p", rows, measure, (Target("mean", "s", low=1.0, high=4.0),), Budget(seeds=2))
    return dataclasses.replace(found, judged_quick=True)


@pytest.fixture
def mixed(monkeypatch):
    """A recipe of one training and one computation, under a registered name."""
    made = recipe({"NL": Experiment("naive", "ipd", iterations=2, seeds=2), "dice": ROW})
    monkeypatch.setattr(reproduction, "recipe_named", {made.name: made}.get)
    CALLS.clear()
    return made


def quiet(told):
    del told


def test_curves_may_have_gaps_and_end_early():
    curve = exhibits.curves("c", [0, 1, 2], {"gap": np.array([1.0, np.nan, 3.0]), "short": np.array([2.0])}, ("x", "y"))
    assert curve["lines"] == {"gap": [1.0, None, 3.0], "short": [2.0, None, None]}
    assert exhibits.html(curve).count("<figure>") == 1
    assert exhibits.html(exhibits.curves("c", [0], {"nothing": np.array([np.nan])}, ("x", "y"))).count("<figure>") == 1
    assert exhibits.html(exhibits.curves("c", [0], {}, ("x", "y"))).count("<figure>") == 1  # and without a warning


def test_counts_have_no_halves():
    whole, real = (
        exhibits.html(exhibits.curves("c", x, {"a": np.array([10.0, 20.0, 30.0])}, ("x", "y")))
        for x in ([1, 2, 3], [1.0, 2.0, 3.0])
    )
    halves = re.compile(r"<!-- [123]\.\d+ -->")  # what the axis of x says
    assert halves.search(real)
    assert not halves.search(whole)


@pytest.mark.parametrize(
    ("line", "dots"),
    [([1.0, 2.0, 3.0], 0), ([1.0, np.nan, 3.0], 2), ([1.0, 2.0, np.nan], 0), ([np.nan, 2.0, np.nan], 1), ([1.0], 1)],
)
def test_what_stands_alone_between_gaps_is_a_dot(line, dots):
    page = exhibits.html(exhibits.curves("c", range(len(line)), {"a": np.array(line)}, ("x", "y")))
    assert len(re.findall(f"<use [^>]*fill: {plots.COLORS[0]}", page, re.IGNORECASE)) == dots


def test_round_trip():
    content = json.loads(json.dumps(computation.as_dict(ROW)))
    assert content == {
        "compute": f"{__name__}:dice", "settings": {"sides": 4, "weights": [1.0, 2.0]}, "seeds": 3, "seed": 0,
    }  # fmt: skip
    assert computation.from_dict(content, Computation(dice, Dice())) == ROW
    assert computation.is_computation(content)
    assert not computation.is_computation({"learner": "naive"})


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"compute": "os:system"}, "is of another version: it computes 'os:system'"),
        ({"settings": {"sides": 0}}, "sides must be >= 1, got 0"),
        ({"settings": {"faces": 2}}, "unknown setting 'faces'"),
        ({"settings": 3}, "holds no computation"),
        ({"seeds": "x"}, "is damaged: "),
        ({"more": 1}, "holds no computation"),
    ],
)
def test_damaged_configurations(change, line):
    with pytest.raises(RunError, match=line):
        computation.from_dict(computation.as_dict(ROW) | change, ROW)


def test_settings_are_checked():
    with pytest.raises(SettingError, match="seeds must be >= 1"):
        Computation(dice, Dice(), seeds=0)


def test_a_recipe_of_both_kinds(mixed, tmp_path):
    told = []
    folder = reproduction.new_reproduction(tmp_path, mixed, "quick", None, 7)
    outcome = reproduction.reproduce(folder, told.append, quiet)
    assert "rolling" in [progress.words for progress in told]
    assert outcome.json["seeds"] == 2
    assert outcome.json["targets"][0]["n"] == 2
    assert outcome.reached
    row = folder.path / "rows/02-dice"
    assert store.read_json(row / "config.json")["seed"] == 7
    assert store.read_json(row / "result.json") == outcome.runs["dice"].result
    assert store.read_json(row / "provenance.json")["jax"]
    assert CALLS == [7]
    again = reproduction.reproduce(store.RunFolder.open(folder.path), quiet, quiet)
    assert CALLS == [7]  # read back, not computed again
    assert again.json["targets"] == outcome.json["targets"]
    page = report.write([folder.path]).read_text()
    assert "Rolls &lt;all&gt;" in page
    assert page.count("<svg") >= 4  # two exhibits, and those of the training


def test_an_interrupted_computation_begins_anew(tmp_path, monkeypatch):
    made = recipe({"dice": Computation(dice, Dice(sides=13), seeds=3)})
    monkeypatch.setattr(reproduction, "recipe_named", {made.name: made}.get)
    before = signal.getsignal(signal.SIGTERM)
    folder = reproduction.new_reproduction(tmp_path, made, "default", None, 0)
    with pytest.raises(Interrupted):
        reproduction.reproduce(folder, quiet, quiet)
    assert signal.getsignal(signal.SIGTERM) is before
    row = folder.path / "rows/01-dice"
    assert store.read_json(row / "run.json")["status"] == "interrupted"
    assert folder.status()["status"] == "interrupted"
    assert not (row / "result.json").exists()
    with pytest.raises(RunError, match="has not finished"):
        report.write([folder.path])
    monkeypatch.setattr(os, "kill", lambda *_: None)
    assert reproduction.reproduce(folder, quiet, quiet).json["targets"]
    assert folder.status()["status"] == "done"


def test_a_folder_of_its_own(tmp_path):
    folder = computation.new_computation(tmp_path, "dice", ROW)
    done = computation.work(folder, ROW, quiet)
    assert computation.read_back(store.RunFolder.open(tmp_path / "dice-001")).result == done.result
    page = report.write([folder.path]).read_text()
    assert "<td>0</td>" in page
    with folder.lock(), pytest.raises(RunError, match="busy"):
        computation.work(folder, ROW, quiet)


def test_unknown_exhibits_are_refused():
    with pytest.raises(RunError, match="unknown kind 'film'"):
        exhibits.html({"kind": "film", "title": "t"})
