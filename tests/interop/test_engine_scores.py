"""Scores on the reference engine: what is refused everywhere, and the same games as ours where it is installed."""

import json

import numpy as np
import pytest

from tacit import cli
from tacit.evaluation.cross_play import cross_play
from tacit.evaluation.cross_play_settings import Plan as Meeting
from tacit.evaluation.engine_settings import Plan
from tacit.interop import hle
from tacit.runs import cross_play as named
from tacit.runs import engine

needed = pytest.mark.skipif(not hle.available(), reason="hanabi-learning-environment is not installed")
missing = pytest.mark.skipif(hle.available(), reason="hanabi-learning-environment is installed here")


def evaluated(capsys, place, *words):
    status = cli.main(["evaluate", "engine", *words, f"--out={place}"])
    return status, *capsys.readouterr()


@missing
def test_one_line_says_how_to_install_it(capsys, tmp_path):
    status, out, err = evaluated(capsys, tmp_path, "iggi", "--game", "hanabi-small")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "is not installed; install it" in err
    assert "CMAKE_POLICY_VERSION_MINIMUM=3.5 pip install hanabi-learning-environment" in err
    assert not list(tmp_path.iterdir())


WRONG = [
    ("", "usage: tacit evaluate engine MODEL..., got 0 words"),
    ("iggi", "name it, as in --game hanabi"),
    ("igi --game hanabi", "unknown model 'igi' (did you mean iggi?)"),
    ("tit-for-tat --game ipd", "are those of Hanabi"),
    ("iggi --game hanabi --games 0", "--games must be >= 1"),
    ("hanabi-small-sp --game hanabi", "by different rules: colors 5 and 2"),
    ("hanabi-small-sp:9", "hanabi-small-sp has seeds 0 to"),
    ("runs/nothing-001", "there is no run folder runs/nothing-001"),
]


@pytest.mark.parametrize(("words", "line"), WRONG)
def test_one_line_for_whatever_is_wrong(words, line, capsys, tmp_path):
    status, out, err = evaluated(capsys, tmp_path, *words.split())
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert line in err
    assert not list(tmp_path.iterdir())


def made(name, group, theirs, ours, end=(2, 3, 1, 2)):
    """A model whose games ended so."""
    theirs, end = np.array(theirs), np.array(end)
    return engine.Scored(named.Model(name, group, ()), hle.Scores(theirs, theirs + (end == 1), end, theirs * 3), ours)


def test_figures_of_models_and_groups(monkeypatch):
    monkeypatch.setattr(hle, "version", lambda: "engine 1")
    found = [
        made("a:0", "a", [4, 10, 0, 6], np.array([4, 10, 0, 6.0])),
        made("a:1", "a", [6, 10, 0, 8], np.array([6, 10, 0, 7.0])),
        made("b", "b", [1, 1, 0, 2], np.array([1, 1, 0, 2.0])),
    ]
    content = engine.result(found)
    assert content["scores"]["a:0"]["mean"] == 5.0
    assert content["scores"]["a:0"]["se"] == pytest.approx(np.std([4, 10, 0, 6], ddof=1) / 2)
    assert [content["scores"]["a:0"][key] for key in ("bombed", "perfect", "moves")] == [0.25, 0.25, 15.0]
    assert content["scores"]["a:0"]["score_before_bomb"] == 5.25
    assert content["scores"]["a:1"]["differing"] == content["differing"] == 1
    assert content["over"]["a"] == {"mean": 5.5, "se": pytest.approx(0.5), "n": 2, "spread_kind": "se over models"}
    assert content["over"]["all"]["mean"] == pytest.approx((5 + 6 + 1) / 3)
    assert list(content["over"]) == ["all", "a"]
    rows = engine.rows(content)
    assert [row[0] for row in rows] == ["a:0", "a:1", "b", "all", "a"]
    assert all(len(row) == len(engine.HEAD) for row in rows)
    alone = engine.result(found[2:])
    assert alone["over"]["all"]["se"] is None
    assert len(engine.rows(alone)) == 1


@needed
@pytest.mark.hle
@pytest.mark.parametrize("name", ["hanabi-small-obl-3:0", "hanabi-small-sp:1,2", "iggi"])
def test_both_engines_play_the_same_games(name):
    game, models = engine.entering(Plan("" if ":" in name else "hanabi-small", 100, (name,)))
    for one in models:
        found = engine.scored(game, one, 100, 7)
        assert found.differing == 0
        np.testing.assert_array_equal(found.theirs.score, found.ours)
        assert len(set(found.ours.tolist())) > 1


@needed
@pytest.mark.hle
def test_the_score_is_that_of_cross_play_on_the_diagonal():
    game, models = named.entering(Meeting(models=("hanabi-small-obl-3",)), 1)
    square = cross_play(game, models, 50, 3).scores
    for place, one in enumerate(models):
        np.testing.assert_array_equal(engine.scored(game, one, 50, 3).theirs.score, square[place, place])


@needed
@pytest.mark.hle
def test_the_command(capsys, tmp_path):
    status, out, _ = evaluated(capsys, tmp_path, "hanabi-small-obl-3:0,1", "--games", "20", "--json")
    assert status == 0
    found = json.loads(out)
    assert found["differing"] == 0
    assert found["models"] == ["hanabi-small-obl-3:0", "hanabi-small-obl-3:1"]
    assert found["over"]["all"]["n"] == 2
    assert found["engine"].startswith("hanabi-learning-environment ")
    page = (tmp_path / "engine-001/report.html").read_text()
    assert "Scores on the reference engine" in page
    assert "games that differ" in page
    out = evaluated(capsys, tmp_path, "hanabi-small-obl-3:0", "--games", "20")[1]
    assert "0 of 20 games differ between hanabi-learning-environment" in " ".join(out.split())
