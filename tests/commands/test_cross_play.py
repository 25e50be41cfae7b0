"""`tacit evaluate cross-play` as a user types it: tables, JSON, pages, and one line for whatever is wrong."""

import dataclasses
import json
import shlex

import numpy as np
import pytest

from tacit import cli
from tacit.evaluation.cross_play_settings import Plan
from tacit.runs import cross_play, policies, training
from tacit.runs.experiment import Experiment

SMALL = "hanabi:colors=1,ranks=2,hand=2,information=2,lives=1"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Some runs: two of one game, one of the same by other rules, and one against a player."""
    place = tmp_path_factory.mktemp("runs")
    wanted = {
        "naive-ipd": Experiment("naive", "ipd", seeds=3),
        "other-ipd": Experiment("naive", "ipd", seeds=3, seed=1),
        "naive-chicken": Experiment("naive", "iterated-chicken", seeds=3),  # a matrix game by other rules
        "naive-v-tit-for-tat": Experiment("naive", "ipd", "tit-for-tat", seeds=3),
    }
    for name, experiment in wanted.items():
        short = dataclasses.replace(experiment, iterations=2)
        finished = training.train(training.new_run(place, name, short), lambda _: None)
        if name != "other-ipd":  # whose policies are read from its checkpoint
            policies.save(finished)
    return place


def run(capsys, place, words):
    status = cli.main(["evaluate", "cross-play", *shlex.split(words), f"--out={place}"])
    return status, *capsys.readouterr()


def as_json(capsys, place, words):
    status, out, _ = run(capsys, place, f"{words} --json")
    assert status == 0
    assert out.count("\n") == 1
    return json.loads(out)


def test_a_table_and_a_page(capsys, tmp_path, runs):
    status, out, err = run(capsys, tmp_path, f"{runs}/naive-ipd-001 {runs}/other-ipd-001 tit-for-tat --games 4")
    assert status == 0
    table = " ".join(out.split())
    assert "Cross-play, 4 games of each ordered pair" in table
    assert "│ naive-ipd-001 │ 3 │" in table
    assert "│ 6 tit-for-tat │" in table
    assert "│ -150.00 │" in table  # tit-for-tat with its twin
    page = (tmp_path / "cross-play-001/report.html").read_text()
    assert str(tmp_path / "cross-play-001/report.html") in err
    assert page.count("<svg") == 1
    assert "Mean score: self-play (framed)" in page
    assert "<td>other-ipd-001</td><td>tit-for-tat</td>" in page  # cross-play between groups


def test_json(capsys, tmp_path, runs):
    found = as_json(capsys, tmp_path, f"{runs}/naive-ipd-001:2,0 {runs}/other-ipd-001:0,1 --games 3 --sampled --seed 5")
    assert found["compute"] == "tacit.runs.cross_play:matrix"
    assert found["seed"] == 5
    assert found["settings"]["models"] == [f"{runs}/naive-ipd-001:2,0", f"{runs}/other-ipd-001:0,1"]
    assert found["models"] == ["naive-ipd-001:2", "naive-ipd-001:0", "other-ipd-001:0", "other-ipd-001:1"]
    assert found["groups"] == ["naive-ipd-001"] * 2 + ["other-ipd-001"] * 2
    assert found["games_of_each_pair"] == 3
    matrix, returns = np.array(found["matrix"]), np.array(found["returns"])
    np.testing.assert_allclose(matrix, returns.mean(axis=0), rtol=1e-6)
    assert returns.shape == (2, 4, 4)
    assert np.shape(found["sd"]) == (4, 4)
    assert found["figures"]["all"]["self_play"]["mean"] == pytest.approx(np.diagonal(matrix).mean())
    assert set(found["figures"]) == {"all", "naive-ipd-001", "other-ipd-001"}
    assert found["figures"]["all"]["cross_play"]["spread_kind"] == "se over models (jackknife)"
    assert found["between"][0]["mean"] == pytest.approx((matrix[:2, 2:].mean() + matrix[2:, :2].mean()) / 2)
    stored = json.loads((tmp_path / "cross-play-001/result.json").read_text())
    assert stored["matrix"] == found["matrix"]


def test_seeds_are_those_of_the_run(runs):
    game, each = cross_play.entering(Plan(models=(f"{runs}/naive-ipd-001",)))
    _, some = cross_play.entering(Plan(models=(f"{runs}/naive-ipd-001:2", f"{runs}/naive-ipd-001:1")))
    assert [model.name for model in some] == ["naive-ipd-001:2", "naive-ipd-001:1"]
    for one, other in ((some[0], each[2]), (some[1], each[1])):
        for seat in range(game.spec.num_players):
            np.testing.assert_array_equal(one.seats[seat][1], other.seats[seat][1])
            assert one.seats[seat][0] is other.seats[seat][0]


def test_how_games_of_hanabi_ended(capsys, tmp_path):
    status, out, _ = run(capsys, tmp_path, f"iggi random-legal --game {SMALL} --games 50")
    assert status == 0
    assert "score before bomb" in out
    found = json.loads((tmp_path / "cross-play-001/result.json").read_text())
    bombed, perfect, before = (np.array(found["measured"][name]) for name in ("bombed", "perfect", "score_before_bomb"))
    assert bombed[0, 0] == 0
    assert bombed[1, 1] > 0.2
    assert perfect.max() > 0
    assert (before >= np.array(found["matrix"])).all()
    assert before[1, 1] > found["matrix"][1][1]
    whole = found["figures"]["all"]["measured"]["bombed"]
    assert whole["self_play"]["mean"] == np.diagonal(bombed).mean()


WRONG = [
    ("", "usage: tacit evaluate cross-play MODEL..., got 0 words"),
    ("iggi igi --game hanabi", "unknown model 'igi' (did you mean iggi?)"),
    ("iggi piers", "name it, as in --game hanabi"),
    ("iggi --game hanabi", "needs 2 to 200 models, got 1"),
    ("iggi iggi --game hanabi", "iggi is given twice"),
    ("{runs}/naive-ipd-001:0 {runs}/naive-ipd-001", "naive-ipd-001:0 is given twice"),
    ("{runs}/naive-ipd-001:0,0", "naive-ipd-001:0,0 names a seed twice"),
    ("{runs}/naive-ipd-001:0,3", "naive-ipd-001 has seeds 0 to 2, not 3"),
    ("{runs}/naive-ipd-001 --game ipd:length=7", "by different rules: length 7 and 150"),
    ("{runs}/naive-ipd-001 {runs}/naive-chicken-001", "by different rules: payoff"),
    ("{runs}/naive-ipd-001 --game hanabi", "--game is of hanabi and naive-ipd-001 of ipd; only policies of one game"),
    ("{runs}/naive-ipd-001 iggi", "this player plays Hanabi"),
    ("{runs}/naive-v-tit-for-tat-001", "learned against tit-for-tat; only whole teams are models"),
    ("mfos-ipd", "learned how to shape learners, not how to play a game"),
    ("iggi piers --game hanabi:hand=40", "hand must be >= 0"),
    ("iggi piers --game hnabi", "did you mean hanabi?"),
    ("iggi piers --game hanabi --games 0", "--games must be >= 1"),
    ("runs/nothing-001 iggi", "there is no run folder runs/nothing-001"),
    (".. iggi", "is not a run folder"),
]


@pytest.mark.parametrize(("words", "line"), WRONG)
def test_one_line_for_whatever_is_wrong(words, line, capsys, tmp_path, runs):
    status, out, err = run(capsys, tmp_path, words.format(runs=runs))
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1
    assert line in err
    assert not list(tmp_path.iterdir())  # nothing was begun


def test_a_recipe_is_not_a_run(capsys, tmp_path):
    place = tmp_path / "levers-001"
    place.mkdir()
    (place / "run.json").write_text('{"schema": 1}')
    (place / "config.json").write_text('{"recipe": "levers", "rows": {}}')
    status, _, err = run(capsys, tmp_path, f"{place} iggi")
    assert status == 2
    assert "name one of its rows" in err
