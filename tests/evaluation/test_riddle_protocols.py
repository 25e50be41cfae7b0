"""Protocols of the switch riddle as trees, tables and cross-play: the best known one, and its mirror."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games, loops
from tacit.errors import Misfit
from tacit.evaluation import riddle_protocols as protocols
from tacit.evaluation.switch_riddle import COUNT_TO_TWO, Protocol, tabulate
from tacit.learners import dial

GAME = games.make("switch-riddle")


@functools.cache
def count_to_two():
    """Three prisoners who play the best protocol, leaves `[P, T, H]`."""
    own = jax.tree.map(np.asarray, jax.jit(lambda: tabulate(GAME, COUNT_TO_TWO, ()))())
    return Protocol(*(np.stack([leaf] * 3) for leaf in own))


def mirrored(protocol):
    """The same with 0 and 1 exchanged, in what is seen (histories are read to the base 3) and in what is said."""
    history = np.arange(protocol.tells.shape[-1])
    digits = history[:, None] // 3 ** np.arange(GAME.days)[::-1] % 3
    first = np.argmax(digits > 0, 1)  # what was seen on the first day of all is no message
    swapped = np.where(digits > 0, 3 - digits, 0)
    opening = (digits[:, 0] > 0) & (first == 0)
    swapped[opening, 0] = digits[opening, 0]
    other = swapped @ 3 ** np.arange(GAME.days)[::-1]
    return Protocol(protocol.tells[..., other], 1 - protocol.says[..., other])


def seen():
    return protocols.visits(GAME, count_to_two(), protocols.all_sequences(GAME))


def test_the_best_protocol_is_a_tree_that_can_be_read():
    branches = protocols.tree(seen())
    rules = [(b.depth, b.condition, b.does) for b in branches]
    assert all(b.sure == 1.0 for b in branches if b.does)
    assert {b.does for b in branches if b.does} == {"tells", "says 0", "says 1"}
    assert sum(b.share for b in branches if b.does) == pytest.approx(1.0)
    tells = [b for b in branches if b.does == "tells"]
    assert len(tells) == 1  # one rule: a newcomer who sees 1
    assert tells[0].share * len(seen().day) == 540  # once in each sequence in which all come
    assert max(depth for depth, _, _ in rules) <= 3


def test_visits_are_those_of_the_rules():
    each = seen()
    sequences = protocols.all_sequences(GAME)
    assert sequences.shape == (729, 6)
    assert len({tuple(row) for row in sequences}) == 729
    first = each.day == 1
    assert first.sum() == 729  # nobody tells before
    assert set(each.sees[first]) == {protocols.NOTHING}
    assert (each.been[first] == 1).all()
    assert (each.says[~each.tells] == (each.been >= 2)[~each.tells]).all()  # what the bit means
    assert (each.been[each.tells] == 3).all()
    newcomer = each.before == 0
    assert (each.last[newcomer] == protocols.NOTHING).all()
    assert (each.last[~newcomer] >= 0).all()


def test_what_is_said_when():
    table = protocols.said_when(seen(), GAME.days, 3)
    assert np.isnan(table[0, 1:]).all()  # on the first day one has been there
    np.testing.assert_array_equal(table[:, 0], 0.0)
    np.testing.assert_array_equal(table[1:, 1], 1.0)
    assert np.isnan(table[:, 2]).all()  # whoever comes third tells


def test_codes_that_are_each_others_mirror_are_worth_little_to_each_other():
    own = count_to_two()
    both = Protocol(*(np.stack(pair) for pair in zip(own, mirrored(own), strict=True)))
    np.testing.assert_allclose(protocols.scores(GAME, both), 1.0, rtol=1e-6)
    matrix = protocols.crossed(GAME, both)
    np.testing.assert_allclose(np.diag(matrix), 1.0, rtol=1e-6)
    assert matrix[0, 1] < 0.5
    assert matrix[1, 0] < 0.5


def test_more_sequences_than_wanted_are_drawn():
    drawn = protocols.all_sequences(GAME, most=100)
    assert drawn.shape == (100, 6)
    assert set(np.unique(drawn)) == {0, 1, 2}
    np.testing.assert_array_equal(drawn, protocols.all_sequences(GAME, most=100))


def test_a_tree_of_what_cannot_be_told_says_how_sure_it_is():
    each = seen()
    done = np.arange(len(each.day)) % 4 == 0  # tells at every fourth visit, for no reason
    branches = protocols.tree(each._replace(tells=done))
    assert max(b.depth for b in branches) <= protocols.DEEPEST
    assert any(b.does and b.sure < 1.0 for b in branches)


def test_the_test_of_a_run_is_the_exact_score_of_its_protocols():
    config = dial.Config(updates=1, num_games=2, hidden=4)
    pieces = list(loops.chunks(dial.make, GAME, config, iterations=1, seeds=range(2)))
    run = loops.Result(dial.make, GAME, config, pieces[-1].state, pieces[-1].metrics)
    found = protocols.scores(GAME, protocols.protocols_of(run))
    np.testing.assert_allclose(found, run.metrics["test"][-1, :, 0] / (540 / 729), atol=1e-6)


def test_other_games_have_no_protocols():
    run = loops.Result(dial.make, games.make("ipd"), dial.Config(), jnp.zeros(1), {})
    with pytest.raises(Misfit, match="needs the switch riddle"):
        protocols.protocols_of(run)
