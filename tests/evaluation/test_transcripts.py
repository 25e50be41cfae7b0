"""Transcripts: what is written is read, and what is damaged is refused in one line with its place."""

import json
import pathlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tacit.errors import RunError
from tacit.evaluation.transcripts import NATURAL, Declared, Message, Transcript, parsed, read, write

PLAYERS = ("Ann", "Bo")
MEANING = Declared({"warm": "hot", "hot": "hot", "cold": "cold"}, {None: {"hot": ("20", "30"), "cold": ("0",)}})


def said(episode: int = 0, **changes: object) -> Message:
    plain = Message(episode, NATURAL, 0, "Ann", "Bo", "30", "noon", "warm", "warm", None, None, "swim", 1.0)
    return plain._replace(**changes)


def lines(transcript: Transcript, path: pathlib.Path) -> list[str]:
    write(path, transcript)
    return path.read_text().splitlines()


text = some.text(some.characters(exclude_categories=("Cs",)), max_size=8)


@given(text, text, text, some.floats(-1e9, 1e9), some.none() | text)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, private: str, message: str, action: str, returned: float, own: str | None
) -> None:
    path = tmp_path_factory.mktemp("talk") / "t.jsonl"
    row = said(private=private, message=message, delivered=message, action=action, returned=returned, own_action=own)
    for meaning in (None, MEANING):
        told = Transcript("weather\u2028", PLAYERS, meaning, (row, said(1, channel="silent", delivered="")))
        write(path, told)
        assert read(path) == told


def test_meaning_may_differ_by_what_is_public(tmp_path: pathlib.Path) -> None:
    by_public = Declared({"warm": "hot"}, {"noon": {"hot": ("20",)}, "night": {"hot": ("10",)}})
    told = Transcript("weather", PLAYERS, by_public, (said(),))
    write(tmp_path / "t.jsonl", told)
    assert read(tmp_path / "t.jsonl") == told


DAMAGE = [
    (0, "format", "talk", "line 1: format must be 'tacit-transcript'"),
    (0, "version", 2, "line 1: version must be 1, got 2"),
    (0, "version", True, "line 1: version must be a whole number"),
    (0, "players", ["Ann"], "line 1: players must be two or more different names"),
    (0, "players", "Ann", "line 1: players must be a list"),
    (0, "game", None, "line 1: game must be text, got null"),
    (0, "meaning", {"claims": {}}, "line 1: meaning: literal is missing"),
    (0, "meaning", {"claims": {}, "literal": {"hot": "20"}}, "'hot' must have a list of private states"),
    (0, "meaning", {"claims": {"warm": "hit"}, "literal": {"hot": ["20"]}}, "unknown claim 'hit'"),
    (0, "meaning", {"claims": {}, "literal": {"dusk": {"hot": ["20"]}}}, "line 2: public: unknown public state 'noon'"),
    (1, "speaker", "An", "line 2: speaker: unknown player 'An'"),
    (1, "listener", "Ann", "line 2: listener must be another player than the speaker"),
    (1, "episode", -1, "line 2: episode must be a whole number of 0 or more, got -1"),
    (1, "episode", 0.5, "line 2: episode must be a whole number"),
    (1, "return", float("nan"), "line 2: return must be a finite number, got NaN"),
    (1, "return", 10**400, "line 2: return must be a finite number"),
    (1, "message", 3, "line 2: message must be text, got 3"),
    (1, "message", "\ud800", "line 2: message must be text"),
    (1, "claim", "tepid", "line 2: claim: unknown claim 'tepid'"),
    (2, "return", 2.0, "line 3: return must be the same for all messages to 'Bo' in an episode and channel"),
    (2, "step", 0, "line 3: step must differ"),
]


@pytest.mark.parametrize(("row", "field", "value", "words"), DAMAGE)
def test_damage_has_a_place(tmp_path: pathlib.Path, row: int, field: str, value: object, words: str) -> None:
    path = tmp_path / "t.jsonl"
    rows = [json.loads(line) for line in lines(Transcript("g", PLAYERS, MEANING, (said(), said(step=1))), path)]
    parsed(rows, "t")
    rows[row][field] = value
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    with pytest.raises(RunError, match=re.escape(words)) as refused:
        read(path)
    assert "\n" not in str(refused.value)
    assert str(path) in str(refused.value)


def test_every_field_is_wanted_and_no_other(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "t.jsonl"
    whole = [json.loads(line) for line in lines(Transcript("g", PLAYERS, None, (said(),)), path)]
    for place, row in enumerate(whole):
        for field in row:
            if field in ("format", "version"):
                continue
            rows = [{name: value for name, value in each.items() if each is not row or name != field} for each in whole]
            with pytest.raises(RunError, match=f"^t line {place + 1}: {field} is missing$"):
                parsed(rows, "t")
        with pytest.raises(RunError, match=f"^t line {place + 1}: unknown field 'massage'"):
            parsed([each | {"massage": ""} if each is row else each for each in whole], "t")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"hello\n", "line 1 is not JSON"),
        (b"[1]\n", "line 1: format must be"),
        (b"\xff\xfe\n", "is no transcript: byte 0 is not UTF-8"),
        (b"[" * 100_000, "line 1 is not JSON"),
    ],
)
def test_files_that_are_no_transcripts(tmp_path: pathlib.Path, content: bytes, words: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(content)
    with pytest.raises(RunError, match=words):
        read(path)
    with pytest.raises(RunError, match="cannot be read"):
        read(tmp_path / "nowhere.jsonl")


def test_half_a_transcript(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "t.jsonl"
    content = "\n".join(lines(Transcript("g", PLAYERS, None, (said(), said(1))), path))
    path.write_text(content[:-10])
    with pytest.raises(RunError, match="line 3 is not JSON"):
        read(path)
    path.write_text(content.split("\n")[0])
    with pytest.raises(RunError, match="a header and no message"):
        read(path)
    with pytest.raises(RunError, match="claim must be null"):
        write(path, Transcript("g", PLAYERS, None, (said(claim="hot"),)))
