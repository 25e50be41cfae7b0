"""Messages made plain, and replies read strictly: what would slip through, slips through here first."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.interop.chat.words import SELECTORS, UNSEEN, in_vocabulary, plain, read

ACTIONS = ("red circle", "Hint rank 1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  go \n\t up ", "go up"),
        ("\uff47\uff4f \u2460\ufb01", "go 1fi"),  # NFKC
        ("g\u200bo\u2060 \ufeffup\u202e", "go up"),  # no width, no order of writing
        ("go\ufe0f\U000e0041\U000e0100", "go"),  # selectors and tags
        ("a\u3164b\uffa0c\u115fd\u2800e", "abcde"),  # fillers that look like nothing
        ("e\u200d\u0301", "é"),  # one letter once the joiner is gone
        ("\x00a\x1b[31m\ud800\ue000", "a[31m"),
        ("go\u00a0\u2003\u2028up", "go up"),
        ("", ""),
        ("\u200b", ""),
    ],
)
def test_nothing_unseen_is_delivered(text, expected):
    assert plain(text, 60) == expected


@given(st.text(st.one_of(st.characters(), st.sampled_from("e\u0301\u200b\u3164 \uff21\ufe0f")), max_size=30))
def test_plain_is_plain(text):
    once = plain(text, 20)
    assert plain(once, 20) == once == " ".join(once.split())
    assert len(once) <= 20
    assert unicodedata.is_normalized("NFKC", once)
    assert not any(unicodedata.category(letter).startswith("C") for letter in once)
    assert not any(ord(letter) in UNSEEN or any(ord(letter) in those for those in SELECTORS) for letter in once)


def test_cut_to_so_many_characters():
    assert plain("abc def", 4) == "abc"
    assert plain("abc def", 5) == "abc d"


@pytest.mark.parametrize(
    ("text", "action", "message"),
    [
        ('{"message": "hi", "action": "red circle"}', "red circle", "hi"),
        ('Let me think {about it}.\n```json\n{"action": "RED  circle", "message": null}\n```', "red circle", ""),
        (
            '<think>{"x": 1}</think> {"thoughts": {"action": "no"}, "action": "hint rank 1", "message": "é"} ok',
            "Hint rank 1",
            "é",
        ),
        ('{"action": "red circle", "message": ""} or again {"message": "", "action": "red circle"}', "red circle", ""),
        ('{"action": "red circle"}', "red circle", ""),  # who acts need not speak
    ],
)
def test_an_object_is_found_wherever_it_stands(text, action, message):
    assert read(text, ACTIONS, True) == (action, message, "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no JSON object"),
        ("red circle", "no JSON object"),
        ("{'action': 'red circle'}", "no JSON object"),
        ('{"action": "red circle", ', "no JSON object"),
        ('{"move": "red circle"}', "no JSON object"),
        ('{"action": "red circle", "action": "Hint rank 1"}', "no JSON object"),  # given twice
        ('{"action": "red circle"} {"action": "Hint rank 1"}', "several different"),
        ('{"action": "red"}', '"action" is none'),
        ('{"action": 0, "message": "hi"}', '"action" is none'),
        ('{"action": ["red circle"], "message": ["hi"]}', '"action" is none of the allowed actions and "message"'),
        ('{"message": "hi"}', '"action" is none'),
        ('{"a":' * 5000, "no JSON object"),
        ("{" * 30_000, "no JSON object"),
        ("x" * 30_000 + '{"action": "red circle"}', "no JSON object"),  # too far behind
    ],
)
def test_all_else_is_a_problem(text, problem):
    assert problem in read(text, ACTIONS, True).problem


def test_what_can_be_read_is_kept():
    assert read('{"action": "blue", "message": "hi"}', ACTIONS, True)[:2] == (None, "hi")
    assert read('{"action": "red circle", "message": 5}', ACTIONS, True)[:2] == ("red circle", "")


def test_only_what_is_asked_for_is_read():
    assert read('{"action": "anything", "message": "hi"}', (), True) == (None, "hi", "")
    assert read('{"action": "red circle", "message": 7}', ACTIONS, False) == ("red circle", "", "")
    assert '"message" must be text' in read('{"action": "red circle"}', (), True).problem


@given(st.text(max_size=40), st.sampled_from(ACTIONS), st.text(st.characters(exclude_characters="{"), max_size=20))
def test_what_is_written_is_read(message, action, prose):
    text = prose + json.dumps({"message": message, "action": action}) + prose
    assert read(text, ACTIONS, True) == (action, message, "")


def test_words_of_a_vocabulary():
    assert in_vocabulary("EXIT  up", ("exit up", "exit down")) == "exit up"
    assert in_vocabulary("exit", ("exit up", "exit down")) is None
