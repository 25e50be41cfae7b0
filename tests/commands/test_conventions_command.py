"""`tacit evaluate conventions` as a user types it: tables, JSON, a page, and one line for whatever is wrong."""

import json
import shlex

import pytest

from tacit import cli
from tacit.runs import policies, training
from tacit.runs.experiment import Experiment

SMALL = "hanabi:colors=2,ranks=2,hand=2,information=2,lives=1"


RULES = {"colors": 2, "ranks": 2, "hand": 2, "information": 2, "lives": 1}
TINY = {"num_games": 2, "length": 8, "hidden": 4, "shared": True, "epochs": 1, "minibatches": 1}


def trained(place, name, experiment):
    policies.save(training.train(training.new_run(place, name, experiment), lambda _: None))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of another game."""
    place = tmp_path_factory.mktemp("runs")
    trained(place, "naive-ipd", Experiment("naive", "ipd", seeds=2, iterations=1))
    return place


@pytest.fixture(scope="module")
def hanabi_runs(runs):
    """And one of a small variant."""
    wanted = Experiment("ppo", "hanabi", seeds=2, iterations=1, game_settings=RULES, learner_settings=TINY)
    trained(runs, "ppo-hanabi", wanted)
    return runs


def run(capsys, place, words):
    status = cli.main(["evaluate", "conventions", *shlex.split(words), f"--out={place}"])
    return status, *capsys.readouterr()


def test_tables_and_a_page(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("tacit.runs.conventions.DRAWN", 1)  # pictures take time
    status, out, err = run(capsys, tmp_path, f"iggi rank-convention --game {SMALL} --games 6 --pairs")
    assert status == 0
    table = " ".join(out.split())
    for words in ("What was known of the cards played", "What moves tell, in bits", "│ iggi + rank-convention │"):
        assert words in table
    page = (tmp_path / "conventions-001/report.html").read_text()
    assert str(tmp_path / "conventions-001/report.html") in err
    assert page.count("<svg") == 2  # bits by kind, and the matrix of the first
    assert "iggi: P(next player&#x27;s move" in page
    assert "<td>pairs (mean)</td>" in page


def test_json(capsys, tmp_path):
    status, out, _ = run(capsys, tmp_path, f"rank-convention iggi --game {SMALL} --games 6 --seed 3 --json")
    assert status == 0
    assert out.count("\n") == 1
    found = json.loads(out)
    assert found["compute"] == "tacit.runs.conventions:measured"
    assert (found["seed"], found["games_of_each"], found["exact"]) == (3, 6, True)
    assert found["models"] == ["rank-convention", "iggi"]
    assert found["over"] == {}
    assert set(found["figures"]["iggi"]) == {"games", "plays", "by_rules", "beyond", "at_most", "held", "colors"}
    assert found["figures"]["iggi"]["plays"]["certain"] == {"mean": 1.0, "se": 0.0}
    assert found["moves"] == ["discard 0", "discard 1", "play 0", "play 1", "hint R", "hint Y", "hint 1", "hint 2"]
    counts = found["matrices"]["iggi"]
    assert len(counts) == len(counts[0]) == 8
    stored = json.loads((tmp_path / "conventions-001/result.json").read_text())
    assert stored["matrices"] == found["matrices"]
    assert [part["kind"] for part in stored["exhibits"]] == ["table"] * 2 + ["heat-map"] * 3


@pytest.mark.long
def test_seeds_of_a_run(capsys, tmp_path, hanabi_runs):
    """They are models of their own, and there is a row of means over them."""
    status, out, _ = run(capsys, tmp_path, f"{hanabi_runs}/ppo-hanabi-001 iggi --games 6 --json")
    assert status == 0
    found = json.loads(out)
    assert found["models"] == ["ppo-hanabi-001:0", "ppo-hanabi-001:1", "iggi"]
    seeds = [found["figures"][f"ppo-hanabi-001:{seed}"]["games"]["score"]["mean"] for seed in range(2)]
    assert found["over"].keys() == {"ppo-hanabi-001"}
    over = found["over"]["ppo-hanabi-001"]["games"]["score"]
    assert over["mean"] == pytest.approx(sum(seeds) / 2)
    assert over["se"] == pytest.approx(abs(seeds[0] - seeds[1]) / 2)  # sd / sqrt(2)
    assert "p" not in found["over"]["ppo-hanabi-001"]["colors"]


WRONG = [
    ("", "usage: tacit evaluate conventions MODEL..., got 0 words"),
    ("igi --game hanabi", "unknown model 'igi' (did you mean iggi?)"),
    ("iggi", "name it, as in --game hanabi"),
    ("tit-for-tat --game ipd", "conventions are those of Hanabi (hanabi, hanabi-small, ...), not of MatrixGame"),
    ("{runs}/naive-ipd-001", "conventions are those of Hanabi"),
    ("{runs}/naive-ipd-001 iggi", "this player plays Hanabi"),
    ("iggi --game hanabi --games 1", "--games must be >= 2"),
    ("iggi --game hanabi --hands 0", "--hands must be >= 1"),
    ("iggi --game hanabi --epsilon 1.5", "--epsilon must be >= 0 and <= 1"),
    ("iggi --game hanabi --pairs", "this needs 2 to 200 models, got 1"),
    ("iggi iggi --game hanabi", "iggi is given twice"),
    ("runs/nothing-001", "there is no run folder runs/nothing-001"),
]


OF_RUNS = [
    ("{runs}/ppo-hanabi-001 --game hanabi-small", "by different rules: "),
    ("{runs}/ppo-hanabi-001 {runs}/naive-ipd-001", "only policies of one game can meet"),
]


def refused(capsys, place, words, line):
    status, out, err = run(capsys, place, words)
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1
    assert line in err
    assert not list(place.iterdir())  # nothing was begun


@pytest.mark.parametrize(("words", "line"), WRONG)
def test_one_line_for_whatever_is_wrong(words, line, capsys, tmp_path, runs):
    refused(capsys, tmp_path, words.format(runs=runs), line)


@pytest.mark.long
@pytest.mark.parametrize(("words", "line"), OF_RUNS)
def test_one_line_for_runs_that_do_not_fit(words, line, capsys, tmp_path, hanabi_runs):
    refused(capsys, tmp_path, words.format(runs=hanabi_runs), line)
