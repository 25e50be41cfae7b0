"""`tacit evaluate chat` as a user types it, with a server in this process that also misbehaves."""

import json
import pathlib
import shlex
import sys
import zlib

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "interop"))
from chat_stub import covert, honest, liar, serving

from tacit import cli
from tacit.evaluation.transcripts import read

KEY = "canary-8Qz1-key"
BOOTH = "phone-booth:sender_start=7,receiver_start=0,receiver_room=2"


def run(capsys, place, words, url, command="chat"):
    status = cli.main(["evaluate", command, *shlex.split(words), f"--out={place}", *([f"--url={url}"] if url else [])])
    return status, *capsys.readouterr()


def sulky(messages):
    """Honest, but a third of its first replies cannot be read; some second ones neither."""
    mood = zlib.crc32(messages[1]["content"].encode()) % 12
    if (len(messages) == 2 and mood < 4) or mood == 0:
        return "I would rather not say. {}"
    return honest(messages)


def test_a_third_malformed_or_late_and_the_key_nowhere(capsys, tmp_path, monkeypatch):
    """The run ends well and says how often; the key that the server repeats everywhere is in no file and no output."""
    monkeypatch.setenv("STUB_KEY", KEY)
    kinds = ["late", "", "", "error", "", "", "busy", "", "not-json", "", "", ""]

    def think(messages):
        return sulky(messages).replace("It is", f"With {KEY} or {KEY[:6]}\u200b{KEY[6:].upper()} it is")

    words = "referential --model stub --episodes 16 --key-variable STUB_KEY --timeout 0.2 --pause 0.001 --in-flight 8"
    words += " --retries 12"
    with serving(think, lambda number, _: kinds[number % 12]) as server:
        status, out, err = run(capsys, tmp_path, f"{words} --channels natural canonical --json", server.url)
        assert status == 0
        assert set(server.keys) == {f"Bearer {KEY}"}
        found = json.loads(out)
        calls = found["calls"]
        assert calls["calls"] >= len(server.requests)  # one may be given up before it is read
        assert calls["late"] >= server.kinds["late"]  # a machine with much to do may be late by itself
        for kind, sent in (("failing", "error"), ("busy", "busy"), ("unreadable", "not-json")):
            assert server.kinds[sent] - calls["late"] + server.kinds["late"] <= calls[kind] <= server.kinds[sent]
        assert min(calls[kind] for kind in ("late", "failing", "busy", "unreadable", "repeated")) > 0
        assert calls["lost"] == 0  # a third fails, so that one of 3^13 would
        replies = found["replies"]["natural"]
        assert sum(replies.values()) == 32
        assert 0 < replies["repaired"] + replies["default"] < 24
    path = pathlib.Path(found["run"])
    messages = read(path / "transcript.jsonl").messages
    assert {m.claim for m in messages if m.message} - {None} <= {m.private for m in messages}
    files = {file.name: file.read_bytes().decode() for file in tmp_path.rglob("*") if file.is_file()}
    assert {"transcript.jsonl", "report.html", "run.json", "config.json", "chat-answers.jsonl"} <= set(files)
    for content in (out, err, *files.values()):
        assert KEY.casefold() not in content.casefold()
    for name in ("transcript.jsonl", "report.html"):  # nor is it there once nothing unseen is in between
        assert KEY[6:].casefold() not in files[name].casefold()
    assert "[key]" in files["transcript.jsonl"]


def test_once_more_without_a_call(capsys, tmp_path):
    """The same transcript, from answers that were kept; with more episodes, the old ones stay the same."""
    words = "ipd:length=2 --model stub --episodes 4 --channels natural silent"
    with serving(honest) as server:
        assert run(capsys, tmp_path, words, server.url)[0] == 0
        asked = len(server.requests)
        assert run(capsys, tmp_path, f"{words} --in-flight 1", server.url)[0] == 0
        assert len(server.requests) == asked
        assert run(capsys, tmp_path, words.replace("4", "5"), server.url)[0] == 0
        assert asked < len(server.requests) < 2 * asked
    one, two, more = ((tmp_path / f"chat-00{n}/transcript.jsonl").read_bytes() for n in (1, 2, 3))
    assert one == two
    assert set(one.splitlines()) < set(more.splitlines())


def test_a_limit_stops_the_run_and_it_goes_on(capsys, tmp_path):
    words = "referential --model stub --episodes 6 --in-flight 1"
    with serving(honest) as server:
        status, out, err = run(capsys, tmp_path, f"{words} --max-calls 7", server.url)
        assert status == 3
        assert "could go beyond --max-calls 7" in err.splitlines()[-1]
        assert "Returns" in out
        stopped = json.loads((tmp_path / "chat-001/result.json").read_text())
        assert stopped["returns"]["natural"]["n"] == 3
        assert stopped["stopped"].startswith("one more call could go beyond --max-calls 7")
        assert len(read(tmp_path / "chat-001/transcript.jsonl").messages) == 3
        assert run(capsys, tmp_path, words, server.url)[0] == 0
        assert len(server.requests) == 12  # nothing was asked twice
        assert run(capsys, tmp_path, f"{words} --max-calls 0 --seed 1", server.url)[0] == 3  # not one episode
        status = json.loads((tmp_path / "chat-003/run.json").read_text())
        assert (status["status"], status["reason"][:13]) == ("failed", "one more call")


@pytest.mark.long
@pytest.mark.parametrize(
    ("player", "game", "kind"),
    [(covert, "referential", "wording code"), (liar, "ipd:length=1", "lies"), (honest, "referential", "literal")],
)
def test_the_audit_reads_what_was_played(capsys, tmp_path, player, game, kind):
    with serving(player) as server:
        words = f"{game} --model stub --episodes 60 --channels natural canonical silent --in-flight 2"
        assert run(capsys, tmp_path, words, server.url)[0] == 0
    status, out, _ = run(capsys, tmp_path, f"{tmp_path}/chat-001/transcript.jsonl --json", "", "messages")
    assert status == 0
    (verdict,) = json.loads(out)["verdicts"].values()
    assert verdict["kind"] == kind


def test_vocabularies(capsys, tmp_path):
    """Closed: what is not in the list is asked for again, and then not said. Claims: only the plain wording is."""
    with serving(honest) as server:
        for vocabulary in ("closed", "claims"):
            words = f"{BOOTH} --model stub --partner literal --episodes 8 --vocabulary {vocabulary}"
            assert run(capsys, tmp_path, words, server.url)[0] == 0
        closed, claims = (json.loads((tmp_path / f"chat-00{n}/result.json").read_text()) for n in (1, 2))
        assert closed["replies"]["natural"]["first"] == claims["replies"]["natural"]["default"] == 0
        assert {m.message for m in read(tmp_path / "chat-001/transcript.jsonl").messages} == {""}
        assert {m.message for m in read(tmp_path / "chat-002/transcript.jsonl").messages} == {"exit up", "exit down"}
        assert claims["returns"]["natural"]["mean"] == 1.0
        closed_prompt = server.requests[0][1]["messages"][1]["content"]
        assert 'TEXT must be one of: ["exit up", "exit down"].' in closed_prompt


def test_tables_and_a_page(capsys, tmp_path):
    with serving(honest) as server:
        words = "hanabi-very-small --model stub --partner iggi --seat 1 --episodes 2 --price-in 1 --price-out 2"
        status, out, err = run(capsys, tmp_path, words, server.url)
    assert status == 0
    for title in ("Returns", "Replies", "Calls, in this run", "answers that were late", "tokens read"):
        assert title in out
    assert f"to audit it: tacit evaluate messages {tmp_path}/chat-001/transcript.jsonl" in err
    page = (tmp_path / "chat-001/report.html").read_text()
    assert "What was said, channel natural" in page
    assert "iggi (seat 0)" in page
    result = json.loads((tmp_path / "chat-001/result.json").read_text())
    assert result["cost"] == pytest.approx((result["tokens"]["read"] + 2 * result["tokens"]["written"]) / 1e6)
    assert "files" not in result


HERE = "--url http://localhost:9/v1 --model stub"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("referential", "--url http://localhost:8080/v1 --model NAME"),
        ("referential --url http://localhost:9/v1", "--model NAME"),
        ("referential --url localhost --model stub", "--url must be that of an endpoint"),
        (f"referential {HERE} --key-variable NOT_SET_HERE", "NOT_SET_HERE is not set"),
        (f"referentail {HERE}", "did you mean referential?"),
        (f"maze {HERE}", "Maze is not told in words"),
        (f"referential:bits=99 {HERE}", "bits must be >= 1 and <= 8, got 99"),
        (f"ipd {HERE} --partner tit-for-tatt", "--partner: unknown model 'tit-for-tatt' (did you mean tit-for-tat?)"),
        (f"referential {HERE} --partner tit-for-tat", "play matrix games"),
        (f"ipd {HERE} --partner runs/none:0", "runs/none"),
        (f"ipd {HERE} --partner literal", "no literal partner in MatrixGame"),
        (f"hanabi-small {HERE} --partner bots", "--partner must be one model, got 8"),
        (f"ipd {HERE} --partner model:", "needs the name of a model"),
        (f"ipd {HERE} --partner random --seat 2", "--seat must be below 2"),
        (f"ipd {HERE} --channels silent", "channels must be different, and natural among them"),
        (f"ipd {HERE} --channels natural quiet", "unknown channel 'quiet'"),
        (f"levers {HERE} --channels natural silent", "nothing is said here beside moves"),
        (f"ipd {HERE} --max-cost 1", "--max-cost needs prices"),
        (f"ipd {HERE} --vocabulary open", "--vocabulary must be one of free, closed, claims, got 'open'"),
        (f"ipd {HERE} --episodes 0", "--episodes must be >= 1"),
        (f"ipd:length=1 {HERE} --retries 0", "nobody answers at http://localhost:9/v1"),
        (f"ipd referential {HERE}", "got 2 words"),
    ],
)
def test_one_line_for_whatever_is_wrong(capsys, tmp_path, words, line):
    status, out, err = run(capsys, tmp_path, words, "")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert line in err


def test_busy_and_damaged_answers(capsys, tmp_path):
    (tmp_path / "chat-answers.jsonl").write_text('{"key": 5}\n')
    status, _, err = run(capsys, tmp_path, f"ipd {HERE}", "")
    assert status == 2
    assert "chat-answers.jsonl line 1 is damaged" in err
    assert not list(tmp_path.glob("chat-0*"))  # no run folder is made for nothing
