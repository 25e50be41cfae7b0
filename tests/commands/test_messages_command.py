"""`tacit evaluate messages` as a user types it: a verdict, tables, JSON, a page, and one line for whatever is wrong."""

import json
import shlex

import numpy as np
import pytest

from tacit import cli
from tacit.evaluation.transcripts import NATURAL, Declared, Message, Transcript, write
from tacit.runs import messages_page, policies, training
from tacit.runs.experiment import Experiment

EPISODES = 120
EVEN = {
    "claims": {"e1": "even", "e2": "even", "o1": "odd", "o2": "odd"},
    "states": {"even": ("0", "2"), "odd": ("1", "3")},
}


def message(episode, state, said, channel=NATURAL, returned=1.0):
    return Message(episode, channel, 0, "Ann", "Bo", str(state), "all", said, said, None, None, str(state), returned)


def coded(episodes=EPISODES):
    """Ann says even or odd, truly, and by the form which of both; Bo guesses right, and by half if forms are lost."""
    luck = np.random.default_rng(0).random((episodes, 2))
    rows = []
    for episode in range(episodes):
        state = episode % 4
        said = ("e1", "o1", "e2", "o2")[state]
        rows.append(message(episode, state, said))
        rows.append(message(episode, state, said[0] + "1", "canonical", float(luck[episode, 0] < 0.5)))
        rows.append(message(episode, state, "", "silent", float(luck[episode, 1] < 0.25)))
    return Transcript("numbers", ("Ann", "Bo"), Declared(EVEN["claims"], {None: EVEN["states"]}), tuple(rows))


def run(capsys, place, words):
    status = cli.main(["evaluate", "messages", *shlex.split(words), f"--out={place}"])
    return status, *capsys.readouterr()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Transcripts, good and bad."""
    folder = tmp_path_factory.mktemp("audited")
    write(folder / "coded.jsonl", coded())
    write(folder / "short.jsonl", coded(10))
    content = (folder / "coded.jsonl").read_text().splitlines()
    (folder / "torn.jsonl").write_text("\n".join(content[:3])[:-20])
    (folder / "other.jsonl").write_text(content[0] + "\n" + content[1].replace('"Ann"', '"Al"'))
    (folder / "empty.jsonl").write_text("")
    return folder


def test_a_transcript(capsys, tmp_path, place):
    status, out, err = run(capsys, tmp_path, f"{place}/coded.jsonl")
    assert status == 0
    words = " ".join(out.split())
    assert "Ann, Bo in numbers: WORDING CODE. A message tells 2.0" in words
    assert "of the 2.00 bits that there are of what the speaker knew. Play earns 1.00 with them and 0.2" in words
    assert "bits (above the effect of interest) are in how they are worded." in words
    for title in ("What messages tell", "Information in parts", "Returns", "What this audit could not see"):
        assert title in words
    page = (tmp_path / "messages-001/report.html").read_text()
    assert str(tmp_path / "messages-001/report.html") in err
    assert "<h2>Verdict: wording code</h2>" in page
    assert page.count("<svg") == 3  # what is said when, what that tells, what it is worth


@pytest.mark.long
def test_json(capsys, tmp_path, place):
    """The same seed gives the same figures, and the page is made of the same."""
    found = []
    for _ in range(2):
        status, out, _ = run(capsys, tmp_path, f"{place}/coded.jsonl --seed 3 --json")
        assert status == 0
        assert out.count("\n") == 1
        found.append({key: value for key, value in json.loads(out).items() if key != "run"})
    one, other = found
    assert one == other
    (name,) = one["models"]
    assert one["verdicts"][name]["kind"] == "wording code"
    figures = one["figures"][name]
    assert figures["parts"]["wording"]["plain"] == pytest.approx(1.0)
    assert figures["parts"]["literal"]["plain"] == pytest.approx(1.0)
    assert figures["parts"]["lies"]["plain"] == 0.0
    assert one["said"][name]["counts"] == [[30, 0, 0, 0], [0, 0, 30, 0], [0, 30, 0, 0], [0, 0, 0, 30]]
    returns = one["returns"][name]
    assert list(returns) == [NATURAL, "canonical", "silent"]
    w = (1 - returns["canonical"]["mean"]) / (1 - returns["silent"]["mean"])
    assert one["shares"][name]["w"]["mean"] == pytest.approx(w)
    stored = json.loads((tmp_path / "messages-001/result.json").read_text())
    assert stored["verdicts"] == one["verdicts"]
    assert [part["title"] for part in messages_page.page(stored)] == [part["title"] for part in stored["exhibits"]]


@pytest.mark.long
def test_moves_that_are_seen(capsys, tmp_path):
    """Tit-for-tat cooperates with its twin for ever, and would follow any other move."""
    words = "tit-for-tat alternator --game ipd:length=4 --channel actions --episodes 100"
    status, out, _ = run(capsys, tmp_path, words)
    assert status == 0
    text = " ".join(out.split())
    assert "tit-for-tat: NOTHING PRIVATE." in text
    assert "Setting one of them alone to what is never said decides 1.00 bits" in text
    assert "Return among strangers" in text
    page = (tmp_path / "messages-001/report.html").read_text()
    assert "Verdict: 2 of 2 nothing private; own partners earn" in page


WRONG = [
    ("", "usage: tacit evaluate messages MODEL... | TRANSCRIPT, got 0 words"),
    ("tit-for-tat --game ipd", "has nothing to read in channel messages; audit it with --channel actions"),
    ("tit-for-tat --game prisoners-dilemma --channel actions", "nobody sees a move before it is over"),
    ("cautious --game commons", "this player plays Hanabi"),
    ("tit-for-tot --game ipd", "unknown model 'tit-for-tot' (did you mean tit-for-tat?)"),
    ("tit-for-tat --game ipd --channel moves", "--channel must be one of messages, actions"),
    ("tit-for-tat --game ipd --episodes 99", "--episodes must be >= 100"),
    ("tit-for-tat --game ipd --level 0.01", "permutations must be at least 20 / level = 2000, got 1000"),
    ("{place}/nothing.jsonl", "nothing.jsonl cannot be read: No such file or directory"),
    ("{place}/empty.jsonl", "empty.jsonl is empty; a transcript begins with a header"),
    ("{place}/torn.jsonl", "torn.jsonl line 3 is not JSON"),
    ("{place}/other.jsonl", "other.jsonl line 2: speaker: unknown player 'Al'"),
    ("{place}/short.jsonl", "short.jsonl has 10 episodes in channel 'natural'; an audit needs 50"),
    ("{place}/coded.jsonl tit-for-tat", "a transcript is audited by itself; got 2 words"),
    ("{place}/coded.jsonl --game ipd", "leave out --game and --channel"),
]


@pytest.mark.parametrize(("words", "line"), WRONG)
def test_one_line_for_whatever_is_wrong(words, line, capsys, tmp_path, place):
    status, out, err = run(capsys, tmp_path, words.format(place=place))
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1
    assert line in err
    assert not list(tmp_path.iterdir())  # nothing was begun


@pytest.mark.long
def test_seeds_of_dial(capsys, tmp_path):
    """A bit for two objects: whoever learned it talks in a convention, and strangers meet."""
    rules = {"attributes": 1, "values": 2, "candidates": 2, "bits": 1}
    wanted = Experiment("dial", "referential", seeds=3, iterations=5, game_settings=rules)
    policies.save(training.train(training.new_run(tmp_path, "dial", wanted), lambda _: None))
    status, out, _ = run(capsys, tmp_path, f"{tmp_path}/dial-001 --episodes 400 --json")
    assert status == 0
    found = json.loads(out)
    assert [each["kind"] for each in found["verdicts"].values()] == ["convention"] * 3
    for name in found["models"]:
        assert found["figures"][name]["information"]["plain"] == pytest.approx(1.0, abs=0.02)
        assert found["influence"][name]["any"]["mean"] == pytest.approx(1.0)
    met = found["strangers"]
    for i, j in np.ndindex(3, 3):  # who agrees earns everything, and who does not nothing
        assert met["returns"][i][j] == met["agreement"][i][j]
