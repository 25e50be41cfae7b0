"""Transcripts: what players said to each other and did next, as lines of JSON that any program can write.

The first line is the header, every other line one message to one listener:

    {"format": "tacit-transcript", "version": 1, "game": "...", "players": ["...", ...], "meaning": null or {
        "claims": {message: claim, ...},
        "literal": {claim: [private states that it is true of], ...}, or the same for each public state}}

    {"episode": 0, "channel": "natural", "step": 0, "speaker": "...", "listener": "...", "private": "...",
     "public": "...", "message": "...", "delivered": "...", "claim": null, "own_action": null, "action": null,
     "return": 0.0}

`channel` is "natural", or what was done to messages on their way. The same episode number in two channels is the same
deal with the same luck, so that returns may be subtracted. A message whose claim is neither in its own line nor in the
header claims nothing. Nothing in a transcript is executed or taken for a path.
"""

import json
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tacit.errors import RunError
from tacit.settings import unknown

FORMAT, VERSION = "tacit-transcript", 1
NATURAL = "natural"
MAX_BYTES = 256 * 2**20
HEADER = {"format": str, "version": int, "game": str, "players": list, "meaning": dict}
FIELDS = {
    "episode": int,
    "channel": str,
    "step": int,
    "speaker": str,
    "listener": str,
    "private": str,
    "public": str,
    "message": str,
    "delivered": str,
    "claim": str,
    "own_action": str,
    "action": str,
    "return": float,
}
OPTIONAL = ("meaning", "claim", "own_action", "action")  # that may be null
MOST = 2**53  # in any number
WORDS = {str: "text", int: "a whole number of 0 or more", float: "a finite number", list: "a list", dict: "an object"}


class Message(NamedTuple):
    """One message to one listener; the fields are those of a line.

    Attributes:
        private: what the speaker knew and the listener did not.
        public: what both knew.
        message, delivered: as it was sent, and as it arrived.
        claim: what it claims, where the header does not say so or is overridden.
        own_action, action: what the speaker and the listener did next.
        returned: return of the whole episode, the listener's or the team's ("return" in the file).
    """

    episode: int
    channel: str
    step: int
    speaker: str
    listener: str
    private: str
    public: str
    message: str
    delivered: str
    claim: str | None
    own_action: str | None
    action: str | None
    returned: float


class Declared(NamedTuple):
    """What messages are declared to mean.

    Attributes:
        claims: the claim of each message that is known beforehand.
        literal: the private states that each claim is true of: for each public state, or for all where there is only
            the key None.
    """

    claims: Mapping[str, str]
    literal: Mapping[str | None, Mapping[str, tuple[str, ...]]]


class Transcript(NamedTuple):
    """A game, who plays it, what their messages are declared to mean if anything, and what was said."""

    game: str
    players: tuple[str, ...]
    meaning: Declared | None
    messages: tuple[Message, ...]


def as_text(transcript: Transcript, name: str = "transcript") -> str:
    """A transcript as its file has it.

    Args:
        name: how errors call it.

    Raises:
        RunError: something in it is not as the format wants it.
    """
    declared, meaning = transcript.meaning, None
    if declared is not None:
        literal = {public: {claim: list(of) for claim, of in each.items()} for public, each in declared.literal.items()}
        meaning = {"claims": dict(declared.claims), "literal": literal.get(None, literal)}
    players = list(transcript.players)
    header = {"format": FORMAT, "version": VERSION, "game": transcript.game, "players": players, "meaning": meaning}
    rows = [dict(zip(FIELDS, message, strict=True)) for message in transcript.messages]
    parsed(json.loads(json.dumps([header, *rows])), name)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in [header, *rows])


def write(path: pathlib.Path | str, transcript: Transcript) -> None:
    """Writes a transcript.

    Raises:
        RunError: something in it is not as the format wants it, or the file cannot be written.
    """
    content = as_text(transcript, str(path))
    try:
        pathlib.Path(path).write_text(content, encoding="utf-8")
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror}") from None


def read(path: pathlib.Path | str) -> Transcript:
    """Reads a transcript.

    Raises:
        RunError: it cannot be read, or is damaged; the line names file, line number and field.
    """
    path = pathlib.Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RunError(f"{path} is larger than {MAX_BYTES} bytes")
        # Only newlines end lines: text may hold other characters that str.splitlines would take for ends.
        lines = path.read_bytes().decode("utf-8").rstrip("\r\n").split("\n")
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise RunError(f"{path} is no transcript: byte {error.start} is not UTF-8") from None
    if lines == [""]:
        raise RunError(f"{path} is empty; a transcript begins with a header")
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append(json.loads(line))
        except (ValueError, RecursionError):
            raise RunError(f"{path} line {number} is not JSON") from None
    return parsed(rows, str(path))


def parsed(rows: list[Any], name: str) -> Transcript:
    """A transcript from the JSON values of its lines, checked.

    Raises:
        RunError: something is missing, too much, or of another type; the line names file, line number and field.
    """
    header = rows[0]
    where = f"{name} line 1"
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise RunError(f"{where}: format must be {FORMAT!r}, as in the header of a transcript")
    if header.get("version") != VERSION:
        raise RunError(f"{where}: version must be {VERSION}, got {_shown(header.get('version'))}")
    _check(header, HEADER, where)
    players = header["players"]
    if not all(isinstance(each, str) for each in players) or len(set(players)) < len(players) or len(players) < 2:
        raise RunError(f"{where}: players must be two or more different names")
    meaning = None if header["meaning"] is None else _declared(header["meaning"], where)
    messages = [_message(row, players, meaning, f"{name} line {n}") for n, row in enumerate(rows[1:], 2)]
    if not messages:
        raise RunError(f"{name} holds a header and no message")
    _consistent(messages, name)
    return Transcript(header["game"], tuple(players), meaning, tuple(messages))


def _check(row: Any, fields: Mapping[str, type], where: str) -> None:
    """Whether a line has all fields, no others, and these of the right types."""
    if not isinstance(row, dict):
        raise RunError(f"{where} must be an object, got {_shown(row)}")
    if missing := [field for field in fields if field not in row]:
        raise RunError(f"{where}: {missing[0]} is missing")
    if other := [field for field in row if field not in fields]:
        raise RunError(f"{where}: {unknown('field', other[0], list(fields))}")
    for field, kind in fields.items():
        value = row[field]
        if value is None and field in OPTIONAL:
            continue
        if not _fits(value, kind):
            raise RunError(f"{where}: {field} must be {WORDS[kind]}, got {_shown(value)}")


def _fits(value: Any, kind: type) -> bool:
    """Whether a JSON value is of a kind of `WORDS`."""
    if isinstance(value, bool) or not isinstance(value, int | float if kind is float else kind):
        return False
    if isinstance(value, str):
        return not any("\ud800" <= letter <= "\udfff" for letter in value)  # halves of letters cannot be written
    if isinstance(value, int | float):
        return abs(value) <= MOST and (kind is float or value >= 0)  # false for NaN, too
    return True


def _message(row: Any, players: list[str], meaning: Declared | None, where: str) -> Message:
    _check(row, FIELDS, where)
    for field in ("speaker", "listener"):
        if row[field] not in players:
            line = unknown("player", row[field], players)
            raise RunError(f"{where}: {field}: {line}")
    if row["speaker"] == row["listener"]:
        raise RunError(f"{where}: listener must be another player than the speaker, got {row['listener']!r}")
    found = Message(*(row[field] for field in FIELDS))._replace(returned=float(row["return"]))
    if meaning is None and found.claim is not None:
        raise RunError(f"{where}: claim must be null where the header declares no meaning, got {_shown(found.claim)}")
    if meaning is not None:
        _known(meaning, found.claim, found.public, f"{where}: claim")
        if None not in meaning.literal and found.public not in meaning.literal:
            raise RunError(f"{where}: public: {unknown('public state', found.public, _keys(meaning.literal))}")
    return found


def _known(meaning: Declared, claim: str | None, public: str | None, where: str) -> None:
    """Whether the header says of a claim what it is true of."""
    claims = meaning.literal.get(public, meaning.literal.get(None, {}))
    if claim is not None and claims and claim not in claims:
        raise RunError(f"{where}: {unknown('claim', claim, list(claims))}")


def _consistent(messages: list[Message], name: str) -> None:
    """Whether each message is said once, and each episode has one return."""
    returns: dict[Any, float] = {}
    said: set[Any] = set()
    for number, message in enumerate(messages, 2):
        heard = (message.episode, message.channel, message.listener)
        place = (*heard, message.step, message.speaker)
        if place in said:
            raise RunError(
                f"{name} line {number}: step must differ from that of another message of {message.speaker!r} to"
                f" {message.listener!r} in episode {message.episode}, got {message.step} twice"
            )
        if returns.setdefault(heard, message.returned) != message.returned:
            raise RunError(
                f"{name} line {number}: return must be the same for all messages to {message.listener!r} in an episode"
                f" and channel, got {message.returned:g} and {returns[heard]:g}"
            )
        said.add(place)


def _declared(row: dict[str, Any], where: str) -> Declared:
    """What the header says that messages mean."""
    _check(row, {"claims": dict, "literal": dict}, f"{where}: meaning")
    claims, literal = row["claims"], row["literal"]
    if not all(isinstance(claim, str) for claim in claims.values()):
        raise RunError(f"{where}: meaning: claims must name the claim of each message")
    if not literal:
        raise RunError(f"{where}: meaning: literal must say what each claim is true of")
    by_public = all(isinstance(each, dict) and each for each in literal.values())
    tables = literal if by_public else {None: literal}
    for table in tables.values():
        for claim, states in table.items():
            if not isinstance(states, list) or not all(isinstance(state, str) for state in states):
                raise RunError(f"{where}: meaning: literal: {claim!r} must have a list of private states")
    found = Declared(claims, {public: {c: tuple(s) for c, s in table.items()} for public, table in tables.items()})
    for public in tables:
        for claim in claims.values():
            _known(found, claim, public, f"{where}: meaning: claims")
    return found


def _keys(table: Iterable[str | None]) -> list[str]:
    return [key for key in table if key is not None]


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
