"""What passes between language models: messages made plain, and replies read strictly.

A message can carry what no reader sees: characters without width, several code points for one letter, runs of spaces.
None of that is delivered.
"""

import json
import unicodedata
from typing import Any, NamedTuple

LETTERS_READ = 20_000  # of a reply; what follows is not read
TRIES = 200  # braces of a reply at which an object may begin
# Letters, marks and fillers that Unicode lets programs show as nothing; all others are of the category Cf.
UNSEEN = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164, 0xFFA0}
SELECTORS = (range(0xFE00, 0xFE10), range(0xE0000, 0xE1000))
NOT_TEXT = ("Cc", "Cf", "Cn", "Co", "Cs")


class Reply(NamedTuple):
    """What a player chose.

    Attributes:
        action: one of those that were allowed; None where there was nothing to choose, or none could be read.
        message: as it leaves the player; empty if it says nothing.
        problem: what could not be read, in words; empty if all could.
    """

    action: str | None
    message: str
    problem: str = ""


def plain(text: str, letters: int) -> str:
    r"""A message as it is delivered: Unicode form NFKC, nothing unseen, single spaces, cut to so many characters.

    >>> plain("go\u200b  \uff35\uff30\n now", 60)
    'go UP now'
    """
    before = None
    while text != before:  # what is taken out may bring letters together that are one letter then
        before, text = text, unicodedata.normalize("NFKC", "".join(map(_seen, text)))
    return " ".join(text.split())[:letters].rstrip()


def _seen(letter: str) -> str:
    if letter.isspace():
        return " "
    code = ord(letter)
    if code in UNSEEN or any(code in those for those in SELECTORS):
        return ""
    return "" if unicodedata.category(letter) in NOT_TEXT else letter


def read(text: str, actions: tuple[str, ...], speaks: bool) -> Reply:
    """Reads a reply: one JSON object, wherever in the text it stands; its message is not yet made plain.

    Args:
        actions: what is allowed; "action" must be one of them, but for capitals and spaces. Where there are none, none
            is asked for.
        speaks: "message" must be text, or null for nothing; who acts may leave it out.
    """
    found = _objects(text[:LETTERS_READ])
    if not found:
        return Reply(None, "", "there is no JSON object with these fields in it")
    if len(found) > 1:
        return Reply(None, "", "there are several different JSON objects in it")
    action, message, problems = None, "", []
    if actions:
        given = found[0].get("action")
        action = {_folded(each): each for each in actions}.get(_folded(given)) if isinstance(given, str) else None
        if action is None:
            problems.append('"action" is none of the allowed actions')
    if speaks:
        given = found[0].get("message")
        if isinstance(given, str) or (given is None and (actions or "message" in found[0])):
            message = given or ""
        else:
            problems.append('"message" must be text')
    return Reply(action, message, " and ".join(problems))


def in_vocabulary(message: str, vocabulary: tuple[str, ...]) -> str | None:
    """The word of a vocabulary that a plain message is, but for capitals; None if it is none of them."""
    return {_folded(word): word for word in vocabulary}.get(_folded(message))


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _objects(text: str) -> list[dict[str, Any]]:
    """The different JSON objects in a text that have a field of a reply."""
    decoder = json.JSONDecoder(object_pairs_hook=_pairs)
    found: list[dict[str, Any]] = []
    place = text.find("{")
    for _ in range(TRIES):
        if place < 0:
            break
        try:
            value, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            end = place + 1
        else:
            if ("action" in value or "message" in value) and value not in found:
                found.append(value)
        place = text.find("{", end)
    return found


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which no field is given twice."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a field is given twice")
    return dict(pairs)
