"""Kinds of victims differ in one thing; talk is compared with silence on the same victims."""

import jax
import numpy as np
import pytest
import scipy.stats

from tacit.errors import Misfit, SettingError
from tacit.evaluation import held_out_victims as held_out
from tacit.evaluation import transfer
from tacit.evaluation.transfer import Effect, kinds
from tacit.evaluation.transfer_settings import VARIANTS, Trying
from tacit.games.cart_pole import CartPole
from tacit.games.cheap_talk import network
from tacit.learners import act, victim

CART = CartPole()
SHORT = {"population": 2, "updates": 2, "length": 256, "epochs": 1}


def test_a_kind_of_victims_differs_in_one_thing():
    own = victim.Config()
    told = {name: vars(config) for name, (_, config) in kinds(own).items()}
    assert tuple(told) == VARIANTS
    changed = {
        name: {field: value for field, value in each.items() if value != vars(own)[field]}
        for name, each in told.items()
    }
    assert changed == {
        "own": {},
        "other-seeds": {},
        "half-width": {"hidden": 16},
        "double-width": {"hidden": 64},
        "half-lr": {"lr": 0.0025},
        "double-lr": {"lr": 0.01},
        "other-units": {"relu": True},
        "other-scale": {"raw": True},
    }
    other = victim.Config(relu=True, raw=True)
    assert [kinds(each)["other-units"][0] for each in (own, other)] == ["rectified units", "tanh units"]
    assert [kinds(each)["other-scale"][0] for each in (own, other)] == ["not normalized", "normalized"]
    assert kinds(own)["half-width"][0] == "width 16"


def test_effects_are_paired_and_corrected_together():
    generator = np.random.default_rng(0)
    silent = generator.normal(size=16)
    found = {
        "own": Effect(silent + generator.normal(2.0, 1, (2, 16)), silent),
        "half-width": Effect(silent + generator.normal(0.1, 1, (2, 16)), silent),
    }
    told = [one for each in transfer.compared(found).values() for one in each]
    p = [scipy.stats.ttest_rel(row, silent)[1] for each in found.values() for row in each.talked]
    assert [one.p for one in told] == pytest.approx(p)
    assert told[int(np.argmin(p))].corrected == pytest.approx(4 * min(p))  # Holm's, over all four
    head, rows = transfer.rows(found, victim.Config())
    assert [row[:2] for row in rows] == [[name, k] for name in ("as it had them", "width 16") for k in (1, 2)]
    assert {len(row) for row in rows} == {len(head)} == {8}
    assert rows[0][4] == pytest.approx((found["own"].talked[0] - silent).mean())


def test_a_backdoor_has_correlations_too():
    values = np.array([[0.1, 0.2, 0.3, 0.4]])
    head, rows = transfer.rows({"own": Effect(10 * values, np.ones(4), values)}, victim.Config())
    assert head[-2:] == ["rank correlation", "its se"]
    assert rows[0][-2:] == pytest.approx([0.25, values.std(ddof=1) / 2])


def test_at_least_one_kind_is_tried():
    with pytest.raises(SettingError, match="variants must name at least one kind of victims: own, other-seeds"):
        Trying(variants=())


@pytest.mark.long
def test_victims_that_see_no_end_are_refused():
    config = act.Config(**{**SHORT, "length": 2})
    said = act.Said(network(jax.random.key(0), 4), ())
    with pytest.raises(Misfit, match="victims of 2 updates of 2 steps do not see an episode end"):
        transfer.tried(CART, config, [said], "own", 2, 0)


@pytest.mark.long
@pytest.mark.parametrize("objective", ["help", "backdoor"])
def test_talk_that_says_nothing_has_no_effect(objective):
    """And talk that says something has; the victims of another kind, or of other seeds, are others."""
    config = act.Config(objective=objective, **SHORT)
    later = network(jax.random.key(1), 5) if objective == "backdoor" else ()
    said = act.Said(network(jax.random.key(0), 4), later)
    still = act.Said(*map(held_out.quiet, said))
    found = {
        name: transfer.tried(CART, config, [still, said], name, 2, 0, 4)
        for name in ("own", "other-seeds", "other-scale")
    }
    for each in found.values():
        np.testing.assert_array_equal(each.talked[0], each.silent)
        assert np.abs(each.talked[1] - each.silent).max() > 0
        assert (each.correlation is not None) == (objective == "backdoor")
    assert len({float(each.silent[0]) for each in found.values()}) == 3
    longer = transfer.tried(CART, config, [still], "own", 4, 0, 4)
    if objective == "help":  # other seeds are those that come next
        np.testing.assert_array_equal(longer.silent[2:], found["other-seeds"].silent)
