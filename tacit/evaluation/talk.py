"""What was said, one row a message: the record that an audit reads, from play or from a transcript.

A row says what the speaker knew and the listener did not (the private state x), what both knew (the public state o),
the message m, and what listener and speaker did next. All are numbers; `Names` says what they stand for.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tacit.errors import InputError
from tacit.evaluation.message_estimates import count
from tacit.evaluation.message_meaning import Meaning, declared
from tacit.evaluation.transcripts import NATURAL, Declared, Message, Transcript

NONE = -1  # nothing was done
MOST_CELLS = 2**21  # of a table of public states, private states and messages
NOTHING, UNCLAIMED = "(nothing)", "(no claim)"


class Names(NamedTuple):
    """What the numbers of a `Talk` are called, and what states and messages are made of where that is known.

    Attributes:
        states, publics, messages, answers, own: private and public states, messages, what listeners did next, and what
            speakers did next.
        attributes: `[X, K]` values of the attributes of each private state.
        symbols: `[M, L]` the symbols of each message.
        silence: the message that is to say nothing, where that is one.
    """

    states: tuple[str, ...]
    publics: tuple[str, ...]
    messages: tuple[str, ...]
    answers: tuple[str, ...]
    own: tuple[str, ...] = ()
    attributes: np.ndarray | None = None
    symbols: np.ndarray | None = None
    silence: int | None = None


class Talk(NamedTuple):
    """N messages in E episodes.

    Attributes:
        names: what numbers stand for.
        meaning: what messages are declared to mean, if anything.
        episode, step, speaker: of each message, `[N]`.
        state, public, message: x, o and m as it was sent.
        answer, own: what the listener and the speaker did next; `NONE` where they did nothing.
        returns: `[E]` of whole episodes, numbered as in `episode`.
    """

    names: Names
    meaning: Meaning | None
    episode: Int[np.ndarray, " N"]
    step: Int[np.ndarray, " N"]
    speaker: Int[np.ndarray, " N"]
    state: Int[np.ndarray, " N"]
    public: Int[np.ndarray, " N"]
    message: Int[np.ndarray, " N"]
    answer: Int[np.ndarray, " N"]
    own: Int[np.ndarray, " N"]
    returns: Float[np.ndarray, " E"]

    def only(self, rows: np.ndarray) -> "Talk":
        """The same record with these rows alone."""
        kept = {name: getattr(self, name)[rows] for name in ROWS}
        return self._replace(**kept)

    def counts(self) -> Int[np.ndarray, "O X M"]:
        """How often each message was said in each state.

        Raises:
            InputError: the table would be too large.
        """
        sizes = (len(self.names.publics), len(self.names.states), len(self.names.messages))
        if (cells := int(np.prod(sizes))) > MOST_CELLS:
            parts = "{} public states, {} private states and {} messages".format(*sizes)
            raise InputError(f"{parts} are a table of {cells} cells, and {MOST_CELLS} at most can be audited")
        return count((self.public, self.state, self.message), sizes)


ROWS = ("episode", "step", "speaker", "state", "public", "message", "answer", "own")


def one_each(talk: Talk, seed: int = 0) -> Talk:
    """One message of each episode: independent samples.

    It is drawn at random; where to say nothing is a message, too, it is the first that is something, if there is one.
    """
    order = np.random.default_rng(seed).permutation(len(talk.episode))
    if talk.names.silence is not None:
        order = np.lexsort((talk.step, talk.message == talk.names.silence))
    first = np.unique(talk.episode[order], return_index=True)[1]
    return talk.only(order[first])


def of_transcript(transcript: Transcript, channel: str = NATURAL) -> Talk:
    """What was said in one channel of a transcript, messages as they were sent.

    The same words are two messages where they make two claims. Who speaks is told apart by what it knows alone.

    Raises:
        InputError: nothing was said in that channel.
    """
    rows = [message for message in transcript.messages if message.channel == channel]
    if not rows:
        channels = ", ".join(dict.fromkeys(message.channel for message in transcript.messages))
        raise InputError(f"the transcript has no message in channel {channel!r} (it has {channels})")
    meaning = transcript.meaning
    said = [(row.message, claim_of(row, meaning)) for row in rows]
    episodes, states, publics = (
        _numbered([getattr(row, field) for row in rows]) for field in ("episode", "private", "public")
    )
    messages = _numbered([*said, *_sayable(meaning)])
    answers, own = (_acts([getattr(row, field) for row in rows]) for field in ("action", "own_action"))
    texts = [text for text, _ in messages.values]
    names = [f"{text} ({claim})" if texts.count(text) > 1 else text for text, claim in messages.values]
    table = None if meaning is None else _meaning(meaning, states.values, publics.values, messages.values)
    if (
        meaning is not None and table is not None and not table.true.any(-1).all()
    ):  # whoever has nothing true to say may say nothing
        messages = messages._replace(values=(*messages.values, (NOTHING, UNCLAIMED)))
        table = _meaning(meaning, states.values, publics.values, messages.values)
        names.append(NOTHING)
    return Talk(
        Names(states.values, publics.values, tuple(names), answers.values, own.values),
        table,
        episodes.number,
        np.array([row.step for row in rows]),
        np.array([transcript.players.index(row.speaker) for row in rows]),
        states.number,
        publics.number,
        messages.number,
        answers.number,
        own.number,
        np.array([*returns_of(rows).values()]),
    )


def claim_of(message: Message, meaning: Declared | None) -> str:
    """What a message claims: what its line says, or else the header; nothing, where neither does."""
    if meaning is None:
        return UNCLAIMED
    return message.claim or meaning.claims.get(message.message, UNCLAIMED)


def returns_of(rows: Sequence[Message]) -> dict[int, float]:
    """The return of each episode, in order: the mean over who listened in it."""
    heard: dict[int, dict[str, float]] = {}
    for row in rows:
        heard.setdefault(row.episode, {})[row.listener] = row.returned
    return {episode: sum(each.values()) / len(each) for episode, each in sorted(heard.items())}


class _Numbered(NamedTuple):
    """Different values in order, and the number of each."""

    values: tuple[Any, ...]
    number: np.ndarray


def _numbered(values: Sequence[Any]) -> _Numbered:
    different = sorted(set(values))
    place = {value: number for number, value in enumerate(different)}
    return _Numbered(tuple(different), np.array([place[value] for value in values], int))


def _acts(values: Sequence[str | None]) -> _Numbered:
    found = _numbered([value for value in values if value is not None])
    place = {value: number for number, value in enumerate(found.values)}
    return _Numbered(found.values, np.array([NONE if value is None else place[value] for value in values], int))


def _sayable(meaning: Declared | None) -> list[tuple[str, str]]:
    """The messages that are known beforehand, with their claims."""
    return [] if meaning is None else list(meaning.claims.items())


def _meaning(
    meaning: Declared, states: Sequence[str], publics: Sequence[str], messages: Sequence[tuple[str, str]]
) -> Meaning:
    """The declared meaning as a table; who claims nothing says what is always true."""
    claims = sorted({claim for _, claim in messages} | {UNCLAIMED})
    literal = np.zeros((len(publics), len(claims), len(states)))
    for o, public in enumerate(publics):
        table = meaning.literal.get(public, meaning.literal.get(None, {}))
        for place, claim in enumerate(claims):
            literal[o, place] = [claim == UNCLAIMED or state in table.get(claim, ()) for state in states]
    return declared(literal, np.array([claims.index(claim) for _, claim in messages]))
