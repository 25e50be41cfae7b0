"""`tacit evaluate tournament` as a user types it: tables, JSON, pages, and one line for whatever is wrong."""

import json
import shlex

import numpy as np
import pytest

from tacit import cli
from tacit.evaluation.rules import Tournament
from tacit.evaluation.tournament import memory_one
from tacit.interop import axelrod
from tacit.learners import HANABI_BOTS, PLAYERS, TRADERS
from tacit.learners.axelrod_first import FIRST_TOURNAMENT
from tacit.runs import tournament

SMALL = ["--turns", "6", "--repetitions", "2"]


def run(capsys, tmp_path, *words):
    status = cli.main(["evaluate", "tournament", *words, f"--out={tmp_path}"])
    return status, *capsys.readouterr()


def as_json(capsys, tmp_path, *words):
    status, out, _ = run(capsys, tmp_path, *words, "--json")
    assert status == 0
    assert out.count("\n") == 1
    return json.loads(out)


def test_a_table_and_a_page(capsys, tmp_path):
    words = ["tit-for-tat", "always-defect", "grudger", *SMALL, "--seeds", "3", "--ecological", "20"]
    status, out, err = run(capsys, tmp_path, *words)
    assert status == 0
    table = " ".join(out.split())
    assert "axelrod-ipd, 6 turns, 2 repetitions" in table
    assert "share at last" in table
    # (18 + 5) / 2 / 6 for two players who are nice to each other, (10 + 10) / 2 / 6 for the defector
    assert "1 │ tit-for-tat │ 1.9167 │ 1.9167 │ 0 │ 6 │ 1 " in table
    assert "3 │ always-defect │ 1.6667" in table
    page = (tmp_path / "tournament-001/report.html").read_text()
    assert str(tmp_path / "tournament-001/report.html") in err
    assert page.count("<svg") == 3  # scores, places, population
    for name in words[:3]:
        assert f"<td>{name}</td>" in page


def test_json(capsys, tmp_path):
    found = as_json(capsys, tmp_path, "always-defect", "mine=1,0,1,0,1", *SMALL, "--ecological", "5", "--seed", "3")
    assert found["compute"] == "tacit.runs.tournament:tournament"
    assert (found["seeds"], found["seed"]) == (1, 3)
    assert found["settings"]["entrants"] == ["always-defect", "mine=1,0,1,0,1"]
    assert found["names"] == ["always-defect", "mine"]
    np.testing.assert_allclose(found["scores"], [[1, 10 / 6], [5 / 6, 3]])
    assert found["places"] == [[1], [2]]
    np.testing.assert_allclose(found["means"], [[10 / 6], [5 / 6]])
    assert len(found["shares"]["mine"]) == 6
    assert found["shares"]["mine"][-1] > 0.9  # among themselves tit-for-tat does better
    first = found["ranking"][0]
    assert (first["rank"], first["name"], first["n"], first["best_place"]) == (1, "always-defect", 2, 1)
    stored = json.loads((tmp_path / "tournament-001/result.json").read_text())
    assert stored["ranking"] == found["ranking"]


def test_the_closed_form_and_play_agree(capsys, tmp_path):
    words = ["joss", "random", "tit-for-tat", "--turns", "10", "--noise", "0.1"]
    exact = as_json(capsys, tmp_path, *words, "--exact")
    played = as_json(capsys, tmp_path, *words, "--repetitions", "1000")
    order = [played["names"].index(name) for name in exact["names"]]
    np.testing.assert_allclose(np.array(played["scores"])[np.ix_(order, order)], exact["scores"], atol=0.06)
    assert exact["ranking"][0]["n"] == 1
    assert exact["ranking"][0]["sd"] is None


def test_twins_count_where_asked(capsys, tmp_path):
    words = ["always-cooperate", "always-defect", *SMALL]
    alone = as_json(capsys, tmp_path, *words)
    twins = as_json(capsys, tmp_path, *words, "--twins")
    assert {line["name"]: line["mean"] for line in alone["ranking"]} == {"always-defect": 5, "always-cooperate": 0}
    assert {line["name"]: line["mean"] for line in twins["ranking"]} == {"always-defect": 3, "always-cooperate": 1.5}


def test_groups():
    first, rewards = tournament.entering(Tournament(entrants=("first",)))
    assert [entrant.name for entrant in first] == list(FIRST_TOURNAMENT)
    assert rewards == (3, 0, 5, 1)
    everybody, _ = tournament.entering(Tournament(entrants=("all",)))
    assert [entrant.name for entrant in everybody] == [name for name in PLAYERS if name not in {*HANABI_BOTS, *TRADERS}]


def test_who_knows_the_length_is_told(capsys, tmp_path):
    """Against a cooperator one who defects in the last two turns gains 4 points, unless the end may come any time."""
    words = ["always-cooperate", "stein-and-rapoport", "--repetitions", "1"]
    told = as_json(capsys, tmp_path, *words, "--turns", "8")
    assert told["scores"][0][1] == pytest.approx((6 * 3 + 2 * 5) / 8)
    untold = as_json(capsys, tmp_path, *words, "--turns", "8", "--ending", "0.01")
    assert untold["scores"][0][1] == 3


def test_trained_runs_enter(capsys, tmp_path):
    train = ["train", "naive", "ipd", "--seeds", "2", "--iterations", "2", f"--out={tmp_path}"]
    assert cli.main([*train, "--json"]) == 0
    run_folder = json.loads(capsys.readouterr().out)["run"]
    found, _ = tournament.entering(Tournament(entrants=(run_folder, "tit-for-tat"), exact=True))
    names = [f"naive-ipd-001/player {seat}/seed {seed}" for seat in (1, 2) for seed in (0, 1)]
    assert [entrant.name for entrant in found] == [*names, "tit-for-tat"]
    chances = memory_one(found)
    assert len(np.unique(chances[:4], axis=0)) == 4
    (tmp_path / "naive-ipd-001/policy.json").unlink()  # a recipe's rows have only checkpoints
    again, _ = tournament.entering(Tournament(entrants=(run_folder, "tit-for-tat")))
    np.testing.assert_array_equal(memory_one(again), chances)
    content = tournament.tournament(Tournament(entrants=(run_folder, "grudger"), turns=5), 1, 0, quiet)
    assert len(content["ranking"]) == 5


def quiet(line):
    del line


WRONG = [
    ("tit-for-tta grudger", "did you mean tit-for-tat?"),
    ("tit-for-tat", "2 to 1000 entrants, got 1"),
    ("tit-for-tat tit-for-tat", "tit-for-tat enters twice"),
    ("first tit-for-tat", "tit-for-tat enters twice"),
    ("mine=1,0,1,0 grudger", "five probabilities"),
    ("mine=1,0,1,0,2 grudger", "five probabilities"),
    ("mine=1,0,1,0,x grudger", "five probabilities"),
    ("=1,0,1,0,1 grudger", "five probabilities"),
    ("'' grudger", "unknown entrant ''"),
    ("iggi grudger", "iggi plays Hanabi, not matrix games"),
    ("buyer grudger", "buyer trades in farbook, and plays no matrix games"),
    ("--noise -0.1", "--noise must be >= 0 and <= 1, got -0.1"),
    ("--turns 0", "--turns must be >= 1"),
    ("--ending 1", "--ending must be >= 0 and < 1, got 1"),
    ("--repetitions 0", "--repetitions must be >= 1"),
    ("--nois 1", "did you mean --noise?"),
    ("--game imp", "both players have the same payoffs"),
    ("--game commons", "not in Commons"),
    ("--game axlerod-ipd", "did you mean axelrod-ipd?"),
    ("grudger joss --exact", "grudger remembers more than one round"),
    ("joss random --game ipd --ecological 5", "must not be negative; ipd pays -3"),
    (".. grudger", "is not a run folder"),
]


@pytest.mark.parametrize(("words", "line"), WRONG)
def test_one_line_for_whatever_is_wrong(words, line, capsys, tmp_path):
    status, out, err = run(capsys, tmp_path, *shlex.split(words))
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1
    assert line in err
    assert not list(tmp_path.iterdir())  # nothing was begun


@pytest.mark.skipif(axelrod.available(), reason="the Axelrod library is installed here")
def test_without_the_library_one_line_says_how_to_install_it(capsys, tmp_path):
    status, _, err = run(capsys, tmp_path, "axelrod:TitForTat", "grudger")
    assert status == 2
    assert "install it with: pip install axelrod" in err
