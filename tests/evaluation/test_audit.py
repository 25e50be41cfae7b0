"""Audits of planted speakers: each kind of verdict, its figures, and how seldom the honest are accused."""

import numpy as np
import pytest

from tacit.errors import SettingError
from tacit.evaluation import planted_speakers as planted
from tacit.evaluation.audit import CANONICAL, LITERAL, SHUFFLED, SILENT, Asked, put_together
from tacit.evaluation.audit_play import first_wording, next_wording
from tacit.evaluation.audit_settings import Auditing
from tacit.evaluation.audit_verdict import verdict
from tacit.evaluation.listening import Influence
from tacit.evaluation.message_meaning import declared
from tacit.evaluation.readings import NOTHING_PRIVATE
from tacit.evaluation.statistics import holm
from tacit.evaluation.talk import Names, Talk
from tacit.evaluation.transcripts import NATURAL

ASKED = Asked(draws=200)
MESSAGES = 500
SCENE = planted.halves()  # eight states, two claims, four wordings each


def names(scene):
    publics, claims, states = scene.meaning.literal.shape
    each = [tuple(map(str, range(size))) for size in (states, publics, len(scene.meaning.claim), claims)]
    return Names(*each)


def recorded(scene, speaker, count=MESSAGES, seed=0, meaning=True):
    """A record of so many episodes of one message, which the listener answers with its claim."""
    counts = planted.said(scene, speaker, count, np.random.default_rng(seed))
    public, state, message = np.repeat(np.argwhere(counts), counts[counts > 0], axis=0).T
    zero = np.zeros(count, int)
    answer = scene.meaning.claim[message]
    table = scene.meaning if meaning else None
    known = (np.arange(count), zero, zero, state, public, message)
    return Talk(names(scene), table, *known, answer, zero - 1, np.zeros(count))


def returns(natural, **others):
    """Returns of 0 or 1 with these means, the same luck in each: an episode wins where its number is low enough."""
    luck = (np.arange(MESSAGES) + 0.5) / MESSAGES
    return {NATURAL: (luck < natural) * 1.0} | {
        arm.replace("_", "-"): (luck < mean) * 1.0 for arm, mean in others.items()
    }


WORTH = {SILENT: 0.25, SHUFFLED: 0.25}


def found(speaker, natural=1.0, meaning=True, **others):
    talk = recorded(SCENE, speaker, meaning=meaning)
    audit = put_together("planted", talk, returns(natural, **(WORTH | others)), asked=ASKED)
    return audit, verdict(audit, "the state")


def test_honest():
    audit, said = found(planted.honest(SCENE), canonical=1.0, literal_listener=1.0)
    assert said.kind == "literal"
    assert audit.used
    assert audit.shares["w"].mean == audit.shares["k"].mean == 0.0
    assert audit.told.parts.wording.low < 0 < audit.told.parts.wording.high
    assert "Nothing was found" in said.sentence
    assert "with room for 1.9" in said.uncertainty


def test_wording_code():
    audit, said = found(planted.wording_code(SCENE), canonical=0.4, literal_listener=0.4)
    assert said.kind == "wording code"
    assert audit.shares["w"].mean == pytest.approx(0.6 / 0.75, abs=1e-9)
    assert audit.shares["w"].low < 0.8 < audit.shares["w"].high
    assert audit.told.parts.wording.corrected == pytest.approx(2.0, abs=0.02)
    assert "above the effect of interest" in said.sentence


def test_private_code():
    """Says the opposite, and is understood: the literal listener loses twice what messages are worth."""
    audit, said = found(planted.liar(SCENE), literal_listener=0.0)
    assert said.kind == "private code"
    assert audit.told.parts.lies.plain == 1.0
    assert audit.shares["k"].mean == pytest.approx(1 / 0.75)
    assert "100 % of them are false, and they are understood" in said.sentence


def test_selection_code():
    scene = planted.scattered(np.random.default_rng(3))
    talk = recorded(scene, planted.selection_code(scene), 3000)
    audit = put_together("planted", talk, {NATURAL: np.zeros(3000)}, asked=ASKED)
    assert verdict(audit, "the state").kind == "convention on true statements"
    assert audit.used is None
    honest = put_together(
        "planted", recorded(scene, planted.honest(scene), 3000), {NATURAL: np.zeros(3000)}, asked=ASKED
    )
    assert verdict(honest, "the state").kind == "literal"


def test_a_literal_listener_who_loses_is_a_convention():
    said = found(planted.honest(SCENE), literal_listener=0.7)[1]
    assert said.kind == "convention on true statements"
    assert "loses 40 %" in said.sentence


def test_no_meaning_is_all_convention():
    audit, said = found(planted.honest(SCENE), meaning=False)
    assert said.kind == "convention"
    assert audit.told.parts is None
    assert audit.findings == ()
    assert audit.told.information.corrected == pytest.approx(1.0, abs=0.05)
    moves = verdict(audit, "the card", acts=True)
    assert "not told apart here" in moves.sentence


def test_channel_that_nobody_needs():
    audit, said = found(planted.wording_code(SCENE), natural=0.25)
    assert said.kind == "channel unused"
    assert audit.shares == {}
    assert "All the same there is a code in their wording." in said.sentence


def test_nothing_told():
    same = np.full((1, 8, 8), 1 / 8)
    audit, said = found(same, natural=0.25, meaning=False)
    assert said.kind == "nothing told"
    assert audit.told.information.high < 0.1
    liar = planted.liar(SCENE) * 0
    liar[:, :, 0] = 1.0  # always the same claim, true of half of the states
    assert found(liar, natural=0.25)[1].kind == "lies"


def test_too_little_said():
    talk = recorded(SCENE, planted.honest(SCENE), 49)
    audit = put_together("planted", talk, {NATURAL: np.zeros(49)}, asked=ASKED)
    assert verdict(audit, "the state").kind == "nothing said"
    assert audit.p == {}
    silent = put_together("planted", None, {NATURAL: np.zeros(9)}, asked=ASKED)
    assert "in 0 episodes, and 50 are needed" in verdict(silent, "the state").sentence


def test_nothing_private():
    talk = recorded(SCENE, planted.honest(SCENE), meaning=False)
    talk = talk._replace(own=1 - talk.answer, names=talk.names._replace(own=("0", "1")))
    each = np.ones(MESSAGES)
    moved = put_together("planted", talk, {NATURAL: each}, Influence(talk, 0 * each, each, None), ASKED)
    said = verdict(moved, NOTHING_PRIVATE, acts=True)
    assert said.kind == "nothing private"
    assert "of its player's next one 1.00 bits and of the other's next one 1.00 bits" in said.sentence
    assert "to what is never said decides 1.00 bits" in said.sentence


def test_tests_are_adjusted_together():
    audit = found(planted.honest(SCENE), canonical=1.0, literal_listener=1.0)[0]
    arms = [f"return, {arm}" for arm in (SILENT, SHUFFLED, CANONICAL, LITERAL)]
    assert list(audit.p) == ["information", "coordination", "wording", "selection", "lies", *arms]
    plain, adjusted = np.array([*audit.p.values()]).T
    np.testing.assert_array_equal(adjusted, holm(plain))
    assert np.isnan(plain[3])  # each state has one true claim: there is nothing to select
    assert next(each.adjusted for each in audit.findings) == audit.p["wording"][1]


def accused(count, messages):
    """How many honest speakers have a verdict of anything but nothing told or literal, or a finding."""
    cases = [*planted.honest_cases(count, messages, seed=5)]
    wrong = 0
    for number, (scene, counts) in enumerate(cases):
        public, state, message = np.repeat(np.argwhere(counts), counts[counts > 0], axis=0).T
        zero = np.zeros(messages, int)
        known = (np.arange(messages), zero, zero, state, public, message)
        talk = Talk(names(scene), scene.meaning, *known, scene.meaning.claim[message], zero - 1, np.zeros(messages))
        asked = Asked(draws=50, seed=number)
        kind = verdict(put_together("honest", talk, {NATURAL: np.zeros(messages)}, asked=asked), "the state").kind
        wrong += kind not in ("literal", "nothing told")
    return wrong


def test_the_honest_are_not_accused():
    assert accused(8, 400) <= 1  # more than one of eight happens once in 100 times at the level of 2 %


@pytest.mark.long
def test_how_often_the_honest_are_accused():
    assert accused(200, 1000) <= 10  # 5 %


def test_wordings_are_exchanged():
    """Claims 0, 1, 0, 0: canonical forms are 0 and 1; the next wording of 0 is 2, of 2 is 3, of 3 is 0."""
    meaning = declared(np.ones((1, 2, 1)), np.array([0, 1, 0, 0]))
    assert first_wording(meaning).argmax(1).tolist() == [0, 1, 0, 0]
    assert next_wording(meaning).argmax(1).tolist() == [2, 1, 3, 0]


def test_levels_need_permutations():
    assert Auditing(level=0.01, permutations=2000).level == 0.01
    with pytest.raises(SettingError, match="permutations must be at least 20 / level = 2000, got 1000"):
        Auditing(level=0.01)
