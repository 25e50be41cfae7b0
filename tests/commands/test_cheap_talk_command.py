"""`tacit evaluate cheap-talk` as a user types it: tables, JSON, a page, and one line for whatever is wrong."""

import json
import shlex

import pytest

from tacit import cli
from tacit.runs import training
from tacit.runs.experiment import Experiment

SHORT = {"population": 2, "updates": 2, "length": 256, "epochs": 1, "episodes": 2}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run without an adversary, and a folder that is none."""
    place = tmp_path_factory.mktemp("runs")
    trained(place, "naive-ipd", Experiment("naive", "ipd", seeds=1, iterations=1))
    (place / "broken").mkdir()
    (place / "broken/config.json").write_text("{")
    return place


def trained(place, name, wanted):
    training.train(training.new_run(place, name, wanted), lambda _: None)


def run(capsys, runs, place, words):
    status = cli.main(["evaluate", "cheap-talk", *shlex.split(words.format(runs=runs)), f"--out={place}"])
    return status, *capsys.readouterr()


@pytest.mark.long
@pytest.mark.parametrize("objective", ["disrupt", "backdoor"])
def test_tables_a_page_and_json(capsys, runs, tmp_path, objective):
    wanted = Experiment("act", "cart-pole", "", SHORT | {"objective": objective}, seeds=2, iterations=1)
    trained(runs, f"act-{objective}", wanted)
    words = f"{{runs}}/act-{objective}-001 --victims 2 --episodes 2 --variants own other-scale"
    status, out, err = run(capsys, runs, tmp_path, f"{words} --json")
    assert status == 0
    told = json.loads(out)
    assert told["objective"] == objective
    assert list(told["tried"]) == ["own", "other-scale"]
    for each in told["tried"].values():
        assert len(each["talked"]) == len(each["effects"]) == 2
        assert len(each["talked"][0]) == len(each["silent"]) == 2
        assert ("correlation" in each) == (objective == "backdoor")
        talked, silent = each["talked"][1], each["silent"]
        wanted = sum(a - b for a, b in zip(talked, silent, strict=True)) / 2
        assert each["effects"][1]["mean"] == pytest.approx(wanted, abs=1e-4)
    page = (tmp_path / "cheap-talk-001/report.html").read_text()
    assert str(tmp_path / "cheap-talk-001/report.html") in err
    for part in ("Talk on victims of other kinds", "Over adversaries", "not normalized"):
        assert part in page
    assert "after 1 generations" in page


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("", "usage: tacit evaluate cheap-talk RUN, got 0 words"),
        ("{runs}/none", "{runs}/none"),
        ("{runs}/broken", "{runs}/broken"),
        ("{runs}/naive-ipd-001", "{runs}/naive-ipd-001 holds naive, and not act"),
        ("{runs}/naive-ipd-001 --variants wider", "must be one of own, other-seeds, half-width"),
        ("{runs}/naive-ipd-001 --variants", "--variants needs"),
        ("{runs}/naive-ipd-001 --victims 1", "--victims must be >= 2"),
        ("{runs}/naive-ipd-001 --victms 4", "did you mean --victims?"),
    ],
)
def test_whatever_is_wrong_is_one_line(capsys, runs, tmp_path, words, line):
    status, out, err = run(capsys, runs, tmp_path, words)
    assert (status, out) == (2, "")
    assert line.format(runs=runs) in err
    assert err.count("\n") == 1
