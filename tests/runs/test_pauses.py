"""A run that stops itself when its time is up goes on from there, and ends in the bits of one that never stopped."""

import dataclasses
import hashlib
import json

import pytest

from tacit import cli
from tacit.errors import Paused
from tacit.recipes import reproduction
from tacit.recipes.base import Recipe, Target, over_seeds
from tacit.runs import checkpoint, training
from tacit.runs.experiment import Experiment
from tacit.runs.store import RunFolder

NEVER = float("inf")
TINY = {"num_games": 2, "length": 2, "minibatches": 1, "hidden": 2}
RUNS = {
    "naive": Experiment("naive", "ipd", iterations=9, seeds=2),
    "obl": Experiment("obl", "tiny-hanabi-b", "", TINY | {"levels": 2, "updates": 2}, iterations=4, seeds=1),
}


def quiet(told):
    del told


def in_pieces(folder, monkeypatch):
    """Runs on with no time at all, again and again; how many iterations were done at each stop."""
    stops = []
    monkeypatch.setattr(training, "CHUNK", 0.0)  # an iteration to a piece
    while True:
        try:
            training.train(folder, quiet, until=0.0)
        except Paused:
            assert folder.status()["status"] == "interrupted"
            stops.append(checkpoint.restore(folder.path / "checkpoints", expected(folder)).record["iteration"])
        else:
            assert folder.status()["status"] == "done"
            return stops


def expected(folder):
    wanted = training.experiment_of(folder)
    return training._expected(training.resolve(wanted), wanted)


def bits(folder):
    """The last state's checksum, and all metrics but their times."""
    newest = max((folder.path / "checkpoints").glob("*.safetensors"))
    rows = [json.loads(line) for line in (folder.path / "metrics.jsonl").read_text().splitlines()]
    return hashlib.sha256(newest.read_bytes()).hexdigest(), [{**row, "wall": 0} for row in rows]


@pytest.mark.parametrize("name", ["naive", pytest.param("obl", marks=pytest.mark.long)])
def test_pieces_add_up_to_the_whole_bit_for_bit(name, tmp_path, monkeypatch):
    cut = training.new_run(tmp_path, "cut", RUNS[name])
    end = RUNS[name].iterations
    stops = in_pieces(cut, monkeypatch)
    assert stops == list(range(1, end))  # for levels, the step from one to the next among them
    whole = training.new_run(tmp_path, "whole", RUNS[name])
    training.train(whole, quiet, until=NEVER)
    assert bits(cut) == bits(whole)


def test_a_run_that_is_done_in_time_is_not_paused(tmp_path):
    folder = training.new_run(tmp_path, "run", dataclasses.replace(RUNS["naive"], iterations=1))
    training.train(folder, quiet, until=0.0)  # the only piece, after the end of its time
    assert folder.status()["status"] == "done"
    training.train(folder, quiet, until=0.0)


def test_a_recipe_in_pieces(tmp_path, monkeypatch):
    rows = {"first": RUNS["naive"], "second": dataclasses.replace(RUNS["naive"], seed=1)}

    def measure(runs):
        return {"t": over_seeds(runs["second"].metrics["value"][-1, :, 0])}

    recipe = Recipe("chicken", "t", "p", rows, measure, (Target("t", "s", low=-9.0, reason="so"),))
    monkeypatch.setattr(reproduction, "recipe_named", lambda _: recipe)
    monkeypatch.setattr(training, "CHUNK", 0.0)

    def new():
        return reproduction.new_reproduction(tmp_path, recipe, "default", None, 0)

    cut, begun, outcome = new(), [], None
    while outcome is None:
        try:
            outcome = reproduction.reproduce(RunFolder.open(cut.path), quiet, begun.append, until=0.0)
        except Paused:
            assert cut.status()["status"] == "interrupted"
            assert "time is up" in cut.status()["reason"]
    assert begun.count("second") > 1
    whole = reproduction.reproduce(new(), quiet, quiet)
    assert outcome.json["targets"] == whole.json["targets"]


def test_the_command_line_says_how_to_go_on(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(training, "CHUNK", 0.0)
    words = ["train", "naive", "ipd", "--iterations", "4", "--seeds", "2"]
    assert cli.main([*words, "--stop-after", "1e-9", "--json", f"--out={tmp_path}"]) == 3
    out, err = capsys.readouterr()
    place = tmp_path / "naive-ipd-001"
    assert out == ""
    wanted = f"time is up after 1 of 4 iterations; the state is kept; go on with: tacit train --resume {place}"
    assert err.splitlines()[-1] == f"tacit: {wanted}"
    assert cli.main(["train", "--resume", str(place), "--stop-after", "1e-9"]) == 3
    assert "2 of 4" in capsys.readouterr().err
    assert cli.main(["train", "--resume", str(place), "--stop-after", "60", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["run"].endswith("naive-ipd-001")
