"""The record of what was said, from transcripts: numbers, meanings, and one message of each episode."""

import numpy as np
import pytest

from tacit.errors import InputError
from tacit.evaluation.talk import NONE, NOTHING, UNCLAIMED, Names, Talk, of_transcript, one_each
from tacit.evaluation.transcripts import NATURAL, Declared, Message, Transcript


def said(episode, private, message, step=0, channel=NATURAL, claim=None, action="stay", listener="Bo", returned=1.0):
    return Message(
        episode, channel, step, "Ann", listener, private, "-", message, message, claim, None, action, returned
    )


def transcript(*messages, meaning=None):
    return Transcript("g", ("Ann", "Bo", "Cy"), meaning, messages)


def test_rows_are_numbered():
    talk = of_transcript(
        transcript(
            said(7, "b", "hi", action=None), said(3, "a", "yo", returned=0.0), said(3, "b", "hi", 1, returned=0.0)
        )
    )
    assert talk.names.states == ("a", "b")
    assert talk.names.answers == ("stay",)
    assert talk.names.own == ()
    assert talk.episode.tolist() == [1, 0, 0]
    assert talk.answer.tolist() == [NONE, 0, 0]
    assert talk.own.tolist() == [NONE] * 3
    assert talk.returns.tolist() == [0.0, 1.0]
    assert talk.counts().tolist() == [[[0, 1], [2, 0]]]
    assert talk.meaning is None


def test_a_return_is_the_mean_over_who_listened():
    talk = of_transcript(transcript(said(0, "a", "x"), said(0, "a", "x", listener="Cy", returned=3.0)))
    assert talk.returns.tolist() == [2.0]


def test_other_channels_are_left_out():
    with pytest.raises(InputError, match=r"no message in channel 'natural' \(it has silent\)"):
        of_transcript(transcript(said(0, "a", "x", channel="silent")))


LITERAL = {None: {"hot": ("30",), "cold": ("0",)}}


def test_meaning_becomes_a_table():
    """The same word with two claims is two messages; who claims nothing says what is always true."""
    meaning = Declared({"warm": "hot", "icy": "cold"}, LITERAL)
    rows = [said(0, "30", "warm"), said(1, "0", "warm", claim="cold"), said(2, "0", "hm")]
    talk = of_transcript(transcript(*rows, meaning=meaning))
    assert talk.names.messages == ("hm", "icy", "warm (cold)", "warm (hot)")
    assert talk.meaning is not None
    true = talk.meaning.true[0]  # [X, M], states "0" and "30"
    assert true.tolist() == [[True, True, True, False], [True, False, False, True]]
    assert talk.meaning.claim[1] == talk.meaning.claim[2]
    assert UNCLAIMED not in talk.names.messages


def test_who_has_nothing_true_to_say_may_say_nothing():
    liar = of_transcript(transcript(said(0, "50", "warm"), meaning=Declared({"warm": "hot"}, LITERAL)))
    assert liar.names.messages == ("warm", NOTHING)
    assert liar.meaning is not None
    assert liar.meaning.true[0].tolist() == [[False, True]]
    assert liar.counts().shape == (1, 1, 2)


def record(episode, message, silence=None):
    number = np.arange(len(episode))
    zero = np.zeros(len(episode), int)
    names = Names(("x",), ("o",), tuple("abc"), ("y",), silence=silence)
    return Talk(names, None, np.array(episode), number, zero, zero, zero, np.array(message), zero, zero, np.zeros(9))


def test_one_message_of_each_episode():
    talk = record([0, 0, 0, 2, 2, 5], [0, 1, 2, 0, 1, 2])
    seen = set()
    for seed in range(40):
        rows = one_each(talk, seed)
        assert rows.episode.tolist() == [0, 2, 5]
        assert one_each(talk, seed).step.tolist() == rows.step.tolist()
        seen |= set(rows.step.tolist())
    assert seen == set(range(6))  # any of them


def test_silence_gives_way_to_the_first_word():
    talk = record([0, 0, 0, 1, 1], [2, 1, 0, 2, 2], silence=2)
    rows = one_each(talk)
    assert rows.message.tolist() == [1, 2]
    assert rows.step.tolist() == [1, 3]


def test_tables_have_a_limit():
    talk = record([0], [0])
    names = talk.names._replace(states=tuple(map(str, range(2**20))))
    with pytest.raises(InputError, match="2097152 at most can be audited"):
        talk._replace(names=names).counts()
