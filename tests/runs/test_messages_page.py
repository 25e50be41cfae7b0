"""The page of an audit: rows and pictures from results that are plain data, and what they say."""

import json

import numpy as np
import pytest

from tacit.evaluation import planted_speakers as planted
from tacit.evaluation.audit import Asked, put_together
from tacit.evaluation.audit_play import Strangers
from tacit.evaluation.talk import Names, Talk
from tacit.evaluation.transcripts import NATURAL
from tacit.recipes import audit_dial
from tacit.runs import exhibits, messages, messages_page, plots_messages

MESSAGES = 300
SCENE = planted.halves()
SPEAKERS = {"honest": planted.honest(SCENE), "coded": planted.wording_code(SCENE), "liar": planted.liar(SCENE)}


def audited(name, speaker):
    """A planted speaker whose return is 1 with messages and 0.2 without; the liar's literal listener loses all."""
    counts = planted.said(SCENE, speaker, MESSAGES, np.random.default_rng(0))
    public, state, message = np.repeat(np.argwhere(counts), counts[counts > 0], axis=0).T
    zero, one = np.zeros(MESSAGES, int), np.ones(MESSAGES)
    words = (*(tuple(map(str, range(size))) for size in (8, 1, 8, 2)),)
    claim = SCENE.meaning.claim[message]
    talk = Talk(
        Names(*words), SCENE.meaning, np.arange(MESSAGES), zero, zero, state, public, message, claim, zero - 1, one
    )
    without = (np.arange(MESSAGES) % 5 == 0) * 1.0
    literal = one * (name != "liar")
    returns = {NATURAL: one, "silent": without, "literal-listener": literal}
    return put_together(name, talk, returns, asked=Asked(draws=100))


@pytest.fixture(scope="module")
def content():
    audits = [audited(name, speaker) for name, speaker in SPEAKERS.items()]
    audits.append(put_together("mute", None, {NATURAL: np.ones(4)}))
    returns, without = np.full((4, 4), 0.2) + 0.8 * np.eye(4), np.full((4, 4), 0.2)
    return messages.result(audits, Strangers(returns, without, np.eye(4)), "the state")


def test_a_result_is_plain_data(content):
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    assert content["channel"] == "messages"
    kinds = {name: found["kind"] for name, found in content["verdicts"].items()}
    assert kinds == {"honest": "literal", "coded": "wording code", "liar": "private code", "mute": "nothing said"}
    assert content["said"]["mute"] is None
    assert np.array(content["said"]["coded"]["counts"]).sum() == MESSAGES


def test_rows(content):
    assert [row[0] for row in messages_page.rows_figures(content)] == ["honest", "coded", "liar"]
    parts = {row[0]: row[1:] for row in messages_page.rows_parts(content)}
    told, literal, wording, selection, _, room, _, false = parts["coded"]
    assert told == pytest.approx(literal + wording + selection, abs=1e-6)
    assert wording == pytest.approx(2.0, abs=0.05)
    assert room == pytest.approx(2.0, abs=0.05)
    assert (false, parts["liar"][-1]) == (0.0, pytest.approx(100.0))
    returns = {(row[0], row[1]): row[2:] for row in messages_page.rows_returns(content)}
    assert returns["coded", "silent"][0] == pytest.approx(0.2)
    assert returns["coded", "silent"][3] == pytest.approx(0.8)
    assert returns["coded", NATURAL][3:] == [None] * 4
    assert {(row[0], row[1]): row[2] for row in messages_page.rows_shares(content)} == {
        ("honest", "k"): 0.0,
        ("coded", "k"): 0.0,
        ("liar", "k"): pytest.approx(1 / 0.8),
    }
    assert messages_page.rows_gaps(content) == [[name, pytest.approx(0.8)] for name in content["models"]]
    assert len(messages_page.rows_form(content)) == 3


def test_headline(content):
    words = "1 of 4 literal, 1 of 4 wording code, 1 of 4 private code, 1 of 4 nothing said"
    assert messages_page.headline(content) == f"{words}; own partners earn 1.00, strangers 0.20"


def test_lies_are_no_literal_information(content):
    """Taken at their word they mislead by any number of bits; the bar shows what they tell instead."""
    bars = next(each for each in content["exhibits"] if each["kind"] == "stacks")
    assert bars["names"] == ["honest", "coded", "liar"]
    assert bars["parts"]["literal"][2] == 0.0
    assert bars["parts"][messages_page.FALSE] == [0.0, 0.0, pytest.approx(1.0, abs=0.1)]
    assert sum(part[1] for part in bars["parts"].values()) == pytest.approx(3.0, abs=0.05)
    assert bars["rooms"]["all there is to tell"] == pytest.approx([3.0] * 3, abs=0.06)  # of 300 draws


def test_pictures_are_drawn():
    bars = plots_messages.stacks(
        "a", ["x", "y"], {"one": [1.0, -0.5], "two": [0.5, 1.0]}, {"room": [2.0, None]}, "bits"
    )
    means = plots_messages.intervals("b", ["x"], {"one": [(1.0, 0.5, 1.5)], "two": [None]}, "return")
    for each in (bars, means):
        assert json.loads(json.dumps(each)) == each
        drawn = exhibits.html(each)
        assert drawn.startswith(f"<h2>{each['title']}</h2><figure><svg")
        assert exhibits.html(each | {"caption": "a < b"}) == drawn + "<p>a &lt; b</p>"
        assert drawn == exhibits.html(each)  # equal pictures for equal results


def test_what_the_recipe_reads(content):
    assert audit_dial.kinds(content).tolist() == ["literal", "wording code", "private code", "nothing said"]
    assert audit_dial.lies(content) == pytest.approx([0.0, 0.0, 1.0, 0.0])
    assert audit_dial.returned(content, "silent") == pytest.approx([0.2, 0.2, 0.2, 1.0])
    assert audit_dial.in_conventions(content) == pytest.approx([0.0, 0.0, 1.25, 0.0])
    count = audit_dial.about_count(content)
    assert count[1] == pytest.approx(1.0)  # all that the coded say is about the state
    assert 0.3 < count[0] < 0.4  # one bit of three, and bias
    assert count[3] == 0.0
