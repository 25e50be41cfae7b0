"""The audit of columns: what is known to matter scores, what is known not to scores nothing, copies mislead it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from tacit.evaluation import column_audit
from tacit.evaluation.column_audit import CORE, Log, auroc, layout, relevance
from tacit.games.cart_pole import LEAN, TRACK

COUNT = 3000


def synthetic(seed=0, copied=False):
    """Column 0 drives column 1, column 1 pays, column 2 is a square of column 0, column 3 is noise."""
    generator = np.random.default_rng(seed)
    first, second, noise = generator.normal(size=(3, COUNT))
    talk = first if copied else first**2
    action = generator.integers(0, 2, COUNT)
    before = np.stack([first, second, talk, noise], 1)
    after = np.stack([generator.normal(size=COUNT), second + first * (2 * action - 1)], 1)
    after = np.column_stack([after, after[:, 0] if copied else after[:, 0] ** 2, generator.normal(size=COUNT)])
    return Log(before, after, action, 0.5 * second + 0.1 * generator.normal(size=COUNT))


GROUPS = {"drives": [0], "pays": [1], "talk": [2], "noise": [3]}


def test_what_is_known_to_matter_scores():
    found = relevance(synthetic(), GROUPS)
    assert found["drives"] == pytest.approx(1.0, abs=0.05)  # all of the change of column 1, by the action's sign
    assert found["pays"] == pytest.approx(0.25 / 0.26, abs=0.05)  # all of what is paid but the noise
    assert abs(found["talk"]) < 0.01
    assert abs(found["noise"]) < 0.01


def test_a_column_that_never_changes_scores_nothing_and_changes_nothing():
    """In an order book that nobody reaches far into, some columns are always 0."""
    log, still = synthetic(), np.zeros((COUNT, 1))
    wider = log._replace(before=np.hstack([log.before, still]), after=np.hstack([log.after, still]))
    found = relevance(wider, GROUPS | {"still": [4]}, declared=("drives",))
    assert found.pop("still") == pytest.approx(0.0, abs=1e-6)
    assert found == pytest.approx(relevance(log, GROUPS, declared=("drives",)), abs=1e-3)


def test_a_copy_makes_both_dispensable():
    found = relevance(synthetic(copied=True), GROUPS)
    assert abs(found["drives"]) < 0.01
    assert abs(found["talk"]) < 0.01
    both = relevance(synthetic(copied=True), {"both": [0, 2], "pays": [1]})
    assert both["both"] > 0.9


def test_a_declared_column_keeps_its_score_beside_its_copy():
    """It has what it has without the copy; the copy has nothing, and other groups what they had."""
    log = synthetic(copied=True)
    found = relevance(log, GROUPS, declared=["drives", "pays"])
    alone = {name: own for name, own in GROUPS.items() if name != "talk"}
    shorter = Log(np.delete(log.before, 2, 1), np.delete(log.after, 2, 1), log.action, log.gained)
    wanted = relevance(shorter, alone | {"noise": [2]})
    assert found["drives"] == pytest.approx(wanted["drives"], abs=1e-3)
    assert abs(found["talk"]) < 0.01
    plain = relevance(log, GROUPS)
    assert {name: found[name] for name in ("pays", "talk", "noise")} == {
        name: plain[name] for name in ("pays", "talk", "noise")
    }
    assert relevance(synthetic(), GROUPS, declared=["drives"]) == relevance(synthetic(), GROUPS)  # a square is no copy


def test_the_order_of_columns_is_no_matter():
    log, order = synthetic(), np.array([2, 0, 3, 1])
    turned = Log(log.before[:, order], log.after[:, order], log.action, log.gained)
    places = {name: [int(np.flatnonzero(order == own[0])[0])] for name, own in GROUPS.items()}
    first, second = relevance(log, GROUPS), relevance(turned, places)
    for name in GROUPS:
        assert second[name] == pytest.approx(first[name], abs=1e-6)


@pytest.fixture(scope="module")
def drawn():
    return {channel: layout(channel, 4, COUNT) for channel in ("network", "steps", "edges", "copy")}


def test_layouts(drawn):
    for channel, each in drawn.items():
        places = sorted(place for own in each.groups.values() for place in own)
        assert places == list(range(10))
        assert {name for name, kept in each.matters.items() if kept} == {*CORE, "second reading"}
        assert each.log.before.shape == each.log.after.shape == (COUNT, 10)
        core = [each.groups[name][0] for name in CORE]
        for side in (each.log.before, each.log.after):  # what is said is a function of the first four columns
            said = column_audit.said(channel, side[:, core], 4)
            np.testing.assert_allclose(side[:, each.groups["message"]], said_in(each, said), atol=1e-5)
    assert list(drawn["network"].groups.values()) == list(drawn["copy"].groups.values())  # one order for one seed


def said_in(each, said):
    """The two words in the order in which the layout shows them."""
    before = each.log.before[:, each.groups["message"]]
    after = each.log.after[:, each.groups["message"]]
    straight = min(np.abs(side - said).max() for side in (before, after))
    turned = min(np.abs(side - said[:, ::-1]).max() for side in (before, after))
    return said if straight <= turned else said[:, ::-1]


def test_logged_play_begins_everywhere(drawn):
    log, groups = drawn["network"].log, drawn["network"].groups
    for name, most in (("position", TRACK), ("angle", LEAN)):
        column = log.before[:, groups[name][0]]
        assert 0.9 * most < column.max() <= most
        assert -most <= column.min() < -0.9 * most
    assert 0.45 < log.action.mean() < 0.55
    assert log.gained.min() >= 1.0  # the step itself always pays
    assert log.gained.max() <= (1 - 0.95**30) / 0.05 + 1e-4
    position, speed = (log.before[:, groups[name][0]] for name in ("position", "speed"))
    moved = log.after[:, groups["position"][0]] - position
    truth = "speed" if np.allclose(moved, 0.02 * speed, atol=1e-6) else "second"
    assert truth == "speed" or np.corrcoef(moved, speed)[0, 1] > 0.5  # read with noise


def test_talk_is_told_from_the_rest(drawn):
    """Noise scores nothing, talk little, and what matters more; but a column that was copied looks like talk."""
    each = drawn["network"]
    found = relevance(each.log, each.groups)
    assert max(found["noise"], found["wandering"]) < 0.005
    assert found["message"] < 0.05 < found["second reading"]
    names = list(found)
    area = auroc(np.array([found[name] for name in names]), np.array([each.matters[name] for name in names]))
    assert area > 0.9  # 15 pairs, of which one may be the wrong way around
    copied = relevance(drawn["copy"].log, drawn["copy"].groups)
    assert min(copied[name] for name in CORE) < 0.002


@given(scores=st.lists(st.integers(0, 5), min_size=4, max_size=12), count=st.integers(1, 3))
def test_auroc_is_the_statistic_of_mann_and_whitney(scores, count):
    values, positive = np.array(scores, float), np.arange(len(scores)) < count
    wanted = mannwhitneyu(values[positive], values[~positive]).statistic / (count * (len(scores) - count))
    assert auroc(values, positive) == pytest.approx(wanted)
