"""`tacit evaluate mazes` as a user types it: tables, JSON, a page, and one line for whatever is wrong."""

import json
import shlex

import pytest

from tacit import cli
from tacit.runs import training
from tacit.runs.experiment import Experiment

TINY = {"num_games": 2, "length": 8, "hidden": 4, "epochs": 1, "minibatches": 1}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of another game, and files of levels."""
    place = tmp_path_factory.mktemp("runs")
    trained(place, "naive-ipd", Experiment("naive", "ipd", seeds=1, iterations=1))
    (place / "good.txt").write_text(">G.....\n.......\n\n.......\n>.G....\n")
    (place / "bad.txt").write_text(">G\n\n>.\n.x\n")
    (place / "empty.txt").write_text("\n \n\n")
    return place


def trained(place, name, wanted):
    training.train(training.new_run(place, name, wanted), lambda _: None)


def run(capsys, runs, place, words):
    status = cli.main(["evaluate", "mazes", *shlex.split(words.format(runs=runs)), f"--out={place}"])
    return status, *capsys.readouterr()


@pytest.mark.long
def test_a_table_a_page_and_json(capsys, runs, tmp_path):
    trained(runs, "ppo-maze", Experiment("ppo", "maze-small", seeds=2, iterations=1, learner_settings=TINY))
    words = "{runs}/ppo-maze-001 --mazes Corridor7 --levels {runs}/good.txt --episodes 2 --random 20 --json"
    status, out, err = run(capsys, runs, tmp_path, words)
    assert status == 0
    found = json.loads(out)["runs"][f"{runs}/ppo-maze-001"]
    assert list(found["mazes"]) == ["Corridor7", "own levels"]
    own = found["mazes"]["own levels"]
    assert len(own["short"]) == 2
    assert own["short"] == own["long"]
    assert all(
        0 <= low <= high <= 1
        for low, high in zip(*(found["mazes"]["Corridor7"][f] for f in ("short", "long")), strict=True)
    )
    assert list(found["worst"]) == ["0.1 %", "1 %", "5 %", "10 %", "20 %", "100 %"]
    page = (tmp_path / "mazes-001/report.html").read_text()
    assert str(tmp_path / "mazes-001/report.html") in err
    for words in ("Solve rates", "Worst random levels", "One way of the first seed through each maze", "<svg"):
        assert words in page


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("", "usage: tacit evaluate mazes RUN..., got 0 words"),
        ("{runs}/naive-ipd-001", "{runs}/naive-ipd-001 learned MatrixGame, and not the maze"),
        ("{runs}/naive-ipd-001 --mazes Labyrinth9", "unknown maze 'Labyrinth9'"),
        ("{runs}/naive-ipd-001 --levels {runs}/bad.txt", "{runs}/bad.txt: level 1, row 1, column 1: unknown mark 'x'"),
        ("{runs}/naive-ipd-001 --levels {runs}/empty.txt", "{runs}/empty.txt holds no level"),
        ("{runs}/naive-ipd-001 --levels {runs}/none.txt", "levels cannot be read from {runs}/none.txt"),
    ],
)
def test_whatever_is_wrong_is_one_line(capsys, runs, tmp_path, words, line):
    status, out, err = run(capsys, runs, tmp_path, words)
    assert (status, out) == (2, "")
    assert line.format(runs=runs) in err
    assert err.count("\n") == 1
