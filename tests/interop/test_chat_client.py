"""The client of chat endpoints beside a server that misbehaves: repetitions, limits, kept answers, and the key."""

import dataclasses
import json
import socket
import threading

import pytest
from chat_stub import serving

from tacit.errors import InputError, RunError, SettingError, Stopped
from tacit.evaluation.chat_settings import Asking
from tacit.interop.chat import endpoint
from tacit.interop.chat.client import Client

KEY = "canary-6Fz0-key"
TALK = [{"role": "user", "content": "four words are here."}]
FAST = {"model": "stub", "timeout": 5.0, "pause": 0.001}
SHORT = 0.2  # seconds; the server is late by more


def echo(messages):
    return f"you said: {messages[-1]['content']}"


def client(server, path, **changes):
    return Client(Asking(url=server.url, **{**FAST, **changes}), path / "answers.jsonl")


def test_a_question_and_its_answer(tmp_path):
    with serving(echo) as server, client(server, tmp_path, temperature=0.5, reply_tokens=7) as asked:
        assert asked.ask(TALK, "stub", 42) == "you said: four words are here."
        path, request = server.requests[0]
        assert path == "/v1/chat/completions"
        assert request == {"model": "stub", "messages": TALK, "temperature": 0.5, "max_tokens": 7, "seed": 42}
        assert server.keys == [""]
        assert asked.spent[:3] == (1, 10, 5)


def test_no_seed_where_none_is_wanted(tmp_path):
    with serving(echo) as server, client(server, tmp_path, send_seed=False) as asked:
        asked.ask(TALK, "stub", 1)
        asked.ask(TALK, "stub", 2)
        assert len(server.requests) == 2  # though the requests are the same, they are asked at different places
        assert "seed" not in server.requests[0][1]


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("late", "late"),
        ("drip", "late"),
        ("busy", "busy"),
        ("error", "failing"),
        ("503", "failing"),
        ("cut", "broken"),
        ("no-choices", "unreadable"),
        ("not-json", "unreadable"),
        ("huge", "unreadable"),
    ],
)
def test_what_passes_is_asked_again(tmp_path, kind, count):
    timeout = SHORT if count == "late" else 5.0
    with (
        serving(echo, lambda n, _: kind if n < 2 else "") as server,
        client(server, tmp_path, timeout=timeout) as asked,
    ):
        assert asked.ask(TALK, "stub", 0).startswith("you said")
        assert (asked.counts[count], asked.counts["repeated"], asked.counts["calls"]) == (2, 2, 3)
        assert asked.counts["replies"] == 1


def test_it_is_given_up_in_the_end(tmp_path):
    with serving(echo, lambda *_: "error") as server, client(server, tmp_path, retries=1) as asked:
        for place in range(7):
            assert asked.ask(TALK, "stub", place) is None
        assert (asked.counts["lost"], len(server.requests)) == (7, 14)
        with pytest.raises(Stopped, match=r"the last 8 calls of .* were given up after 2 tries each"):
            asked.ask(TALK, "stub", 7)
    assert (tmp_path / "answers.jsonl").read_text() == ""  # nothing came that could be kept


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "is the key right?"),
        (403, "Forbidden"),
        (404, "--model"),
        (400, "Bad Request"),
        (302, "status 302"),
        (418, "418"),
    ],
)
def test_a_refusal_is_one_line(tmp_path, monkeypatch, status, words):
    monkeypatch.setenv("STUB_KEY", KEY)
    with serving(echo, lambda *_: status) as server, client(server, tmp_path, key_variable="STUB_KEY") as asked:
        with pytest.raises(RunError) as refused:
            asked.ask(TALK, "stub", 0)
        assert words in str(refused.value)
        assert "\n" not in str(refused.value)
        assert KEY not in str(refused.value)  # though the server repeats it
        assert server.keys == [f"Bearer {KEY}"]
        assert len(server.requests) == 1


def test_nobody_there(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    asking = Asking(url=f"http://127.0.0.1:{port}/v1", **FAST)
    with Client(asking, tmp_path / "a") as asked, pytest.raises(RunError, match="nobody answers at"):
        asked.ask(TALK, "stub", 0)
    assert asked.counts["calls"] == 1


def test_no_encryption_there(tmp_path):
    with serving(echo) as server:
        asking = Asking(url=server.url.replace("http:", "https:"), **FAST)
        with Client(asking, tmp_path / "a") as asked, pytest.raises(RunError, match="no encrypted connection to https"):
            asked.ask(TALK, "stub", 0)


def test_a_pause_that_is_too_long_ends_the_run(tmp_path):
    with (
        serving(echo, lambda *_: "later") as server,
        client(server, tmp_path) as asked,
        pytest.raises(Stopped, match="a pause of 86400 s, longer than --patience 60"),
    ):
        asked.ask(TALK, "stub", 0)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("3", 3.0), ("0.25", 0.25), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("", 0.0), ("soon", 0.0), ("-5", 0.0)],
)
def test_how_long_to_wait(header, seconds):
    assert endpoint._wait(header) == seconds


def test_a_pause_is_at_least_what_is_wanted(tmp_path):
    with serving(echo) as server, client(server, tmp_path, pause=0.2) as asked:
        waited = []
        asked.stopping.wait = waited.append  # pyright: ignore
        asked._pause(0, 0.0)
        asked._pause(3, 0.0)
        asked._pause(30, 0.0)
        asked._pause(0, 5.0)
    first, fourth, longest, wanted = waited
    assert 0.1 <= first <= 0.2
    assert 0.8 <= fourth <= 1.6
    assert 30 <= longest <= 60
    assert wanted == 5.0


def test_calls_in_flight_end_with_the_run(tmp_path):
    asked, go_on, ended = threading.Event(), threading.Event(), []

    def slow(messages):
        asked.set()
        go_on.wait(20)
        return echo(messages)

    with serving(slow) as server:
        with client(server, tmp_path, timeout=20.0) as running:

            def one():
                with pytest.raises(Stopped, match="the run is ending"):
                    running.ask(TALK, "stub", 0)
                ended.append(go_on.is_set())

            thread = threading.Thread(target=one)
            thread.start()
            assert asked.wait(20)
        thread.join(10)
        go_on.set()
        thread.join()
    assert ended == [False]  # before the server had answered
    assert running.counts["broken"] == 1


# Limits of a run.


def test_calls_end_where_they_must(tmp_path):
    with serving(echo) as server, client(server, tmp_path, max_calls=3) as asked:
        for place in range(3):
            asked.ask(TALK, "stub", place)
        with pytest.raises(Stopped, match="beyond --max-calls 3; answers are kept"):
            asked.ask(TALK, "stub", 3)
        assert len(server.requests) == 3
        assert asked.ask(TALK, "stub", 2) is not None  # kept answers cost nothing


def test_tokens_and_cost_end_where_they_must(tmp_path):
    # A call may take 16 + 5 tokens to read and 40 to write, and takes 10 and 5.
    limits = [
        {"max_tokens": 61 + 15},
        {"max_cost": (21 * 1.0 + 40 * 2.0 + 20.0) / 1e6, "price_in": 1.0, "price_out": 2.0},
    ]
    for number, limit in enumerate(limits):
        with serving(echo) as server, client(server, tmp_path / str(number), reply_tokens=40, **limit) as asked:
            asked.ask(TALK, "stub", 0)
            asked.ask(TALK, "stub", 1)
            with pytest.raises(Stopped, match=r"--max-(tokens|cost)"):
                asked.ask(TALK, "stub", 2)
            assert asked.spent[:3] == (2, 20, 10)
            if number:
                assert asked.spent.cost == pytest.approx(40 / 1e6)


def test_limits_hold_for_calls_at_the_same_time(tmp_path):
    with serving(echo) as server, client(server, tmp_path, max_calls=5) as asked:
        stopped = []

        def one(place):
            try:
                asked.ask(TALK, "stub", place)
            except Stopped as stop:
                stopped.append(str(stop))

        threads = [threading.Thread(target=one, args=(place,)) for place in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(stopped) == 7
        assert len(set(stopped)) == 1  # all know why
        assert "--max-calls 5" in stopped[0]
        assert len(server.requests) == 5


def test_tokens_that_nobody_counted(tmp_path):
    kinds = ["no-usage", "late", ""]
    with (
        serving(echo, lambda n, _: kinds[n]) as server,
        client(server, tmp_path, reply_tokens=100, timeout=SHORT) as asked,
    ):
        asked.ask(TALK, "stub", 0)  # 5 + 16 and 8 by their length
        assert asked.spent[:3] == (1, 21, 8)
        asked.ask(TALK, "stub", 1)  # what was late may have been written in full
        assert asked.spent[:3] == (3, 21 + 21 + 10, 8 + 100 + 5)
        assert asked.counts["estimated"] == 2


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"prompt_tokens": -1, "completion_tokens": 2},
        {"prompt_tokens": 10**30, "completion_tokens": 2},
        {"prompt_tokens": True, "completion_tokens": 2},
        [1, 2],
    ],
)
def test_counts_that_are_not_believed(usage):
    assert endpoint._tokens(usage) is None


# Answers that were kept.


def test_the_same_is_not_asked_twice(tmp_path):
    with serving(echo) as server:
        with client(server, tmp_path) as asked:
            first = [asked.ask(TALK, "stub", place) for place in (0, 1, 0)]
        with client(server, tmp_path, timeout=9.0, retries=0) as asked:  # how it is asked does not matter
            assert [asked.ask(TALK, "stub", place) for place in (0, 1, 0)] == first
            assert asked.counts["calls"] == 0
        with client(server, tmp_path, temperature=0.0) as asked:  # what is asked does
            asked.ask(TALK, "stub", 0)
        assert len(server.requests) == 3
    rows = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    assert [row["content"] for row in rows] == 3 * [first[0]]
    assert (rows[0]["messages"], rows[0]["read"], rows[0]["written"]) == (TALK, 10, 5)


def test_a_damaged_line_is_named(tmp_path):
    with serving(echo) as server:
        with client(server, tmp_path) as asked:
            asked.ask(TALK, "stub", 0)
        path = tmp_path / "answers.jsonl"
        whole = path.read_text()
        for line in ("{}", "nonsense", json.dumps(json.loads(whole) | {"content": 5})):
            path.write_text(whole + line + "\n")
            with pytest.raises(RunError, match=r"answers.jsonl line 2 is damaged"):
                client(server, tmp_path)
        path.write_text(whole + whole[:30])  # the program was ended while it wrote
        with client(server, tmp_path) as asked:
            asked.ask(TALK, "stub", 0)
            assert asked.counts["cached"] == 1
        assert path.read_text() == whole


def test_one_run_at_a_time(tmp_path):
    used = pytest.raises(RunError, match="in use by another run; name another file by --cache")
    with serving(echo) as server, client(server, tmp_path), used:
        client(server, tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(RunError, match="cannot be opened"):
        Client(Asking(url="http://localhost/v1"), tmp_path / "folder")


# The address and the key.


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8080",
        "ftp://localhost/v1",
        "http://",
        "http://a b/v1",
        "http://localhost:x/v1",
        "http://localhost:99999/v1",
        "http://me:secret-word@localhost/v1",
        "http://localhost/v1?key=secret-word",
        "http://localhost/v1#secret-word",
    ],
)
def test_no_address(url):
    with pytest.raises(SettingError) as refused:
        endpoint.place(url)
    assert "--url" in str(refused.value)
    assert "secret-word" not in str(refused.value)


def test_addresses():
    assert str(endpoint.place("https://api.example.org/v1/")) == "https://api.example.org/v1"
    assert endpoint.place("http://[::1]:8080/v1")[1:3] == ("::1", 8080)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("STUB_KEY", None, "STUB_KEY is not set"),
        ("STUB_KEY", "", "STUB_KEY is not set"),
        ("STUB_KEY", "tiny-k", "holds no key"),
        ("STUB_KEY", KEY + "\n", "holds no key"),
        ("STUB_KEY", KEY + "é", "holds no key"),
        (KEY, None, "never the key itself"),
        (KEY.replace("-", "_"), None, "that --key-variable names is not set"),
    ],
)
def test_no_key(monkeypatch, variable, value, words):
    monkeypatch.delenv("STUB_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("STUB_KEY", value)
    with pytest.raises(SettingError, match=words) as refused:
        endpoint.check_key(variable, endpoint.place("http://localhost/v1"))
    assert KEY[:9] not in str(refused.value).replace("_", "-")
    assert not value or value not in str(refused.value)


def test_a_key_does_not_travel_in_the_clear(monkeypatch):
    monkeypatch.setenv("STUB_KEY", KEY)
    with pytest.raises(InputError, match=r"not sent to api.example.org unencrypted"):
        endpoint.check_key("STUB_KEY", endpoint.place("http://api.example.org/v1"))
    endpoint.check_key("STUB_KEY", endpoint.place("https://api.example.org/v1"))
    endpoint.check_key("", endpoint.place("http://api.example.org/v1"))


def test_the_key_is_in_no_record(monkeypatch, tmp_path):
    monkeypatch.setenv("STUB_KEY", KEY)
    with serving(lambda _: f"the key is {KEY.upper()}!") as server:
        with client(server, tmp_path, key_variable="STUB_KEY") as asked:
            assert asked.ask(TALK, "stub", 0) == "the key is [key]!"
            assert KEY not in repr(asked.asking) + repr(vars(asked)) + repr(dataclasses.asdict(asked.asking))
        assert server.keys == [f"Bearer {KEY}"]
    assert KEY.casefold() not in (tmp_path / "answers.jsonl").read_text().casefold()


def test_other_charsets(tmp_path):
    with serving(lambda _: "déjà vu", lambda *_: "latin") as server, client(server, tmp_path) as asked:
        assert asked.ask(TALK, "stub", 0) == "déjà vu"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"choices": {}}',
        b'{"choices": [{"message": "x"}]}',
        b'{"choices": [{"message": {"content": 5}}]}',
        b"\xff\xfe",
        b"[" * 9999,
    ],
)
def test_bodies_without_a_reply(body):
    assert endpoint._reply(body, None, "").failure == "unreadable"
    assert endpoint._reply(body, "no-such-charset", "").failure == "unreadable"


def test_a_reply_may_be_empty():
    assert endpoint._reply(b'{"choices": [{"message": {"content": null}}]}', None, "") == endpoint.Answer()
