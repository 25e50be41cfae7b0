"""The riddle's rules, day by day."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from tacit import games
from tacit.errors import SettingError
from tacit.games.switch_riddle import NONE, TELL
from tacit.types import Action

pytestmark = pytest.mark.usefixtures("strict")
KEY = jax.random.key(0)
step = jax.jit(lambda game, *inputs: game.step(*inputs))
shown = jax.jit(lambda game, state: (state, game.observe(state), game.legal(state)))


def play(visits, tells=(), says=None, **rules):
    """The rewards and states of a game on these visits: who tells on which day, and what each prisoner always says."""
    game = games.make("switch-riddle", **rules)
    state, seen, paid = game.reset(KEY, jnp.array(visits, jnp.int32)), [], []
    for day in range(game.days):
        move = jnp.array([TELL if (i, day) in tells else NONE for i in range(game.num_players)], jnp.int32)
        said = jnp.zeros((game.num_players, game.bits)) if says is None else jnp.array(says, jnp.float32)
        seen.append(shown(game, state))
        state, outcome = step(game, KEY, state, Action(move, said))
        assert len(set(np.asarray(outcome.reward))) == 1
        paid.append(float(outcome.reward[0]))
    return paid, seen, outcome


@pytest.mark.parametrize(("players", "days"), [(2, 2), (3, 6), (4, 10), (5, 14), (6, 18)])
def test_the_horizon_is_four_n_minus_six(players, days):
    assert games.make("switch-riddle", num_players=players).spec.max_length == days
    assert games.make("switch-riddle", num_players=players, length=days + 1).spec.max_length == days + 1


@pytest.mark.parametrize(
    ("tells", "paid"),
    [
        ([(2, 3)], [0, 0, 0, 1, 0, 0]),  # today's visitor counts
        ([(0, 2)], [0, 0, -1, 0, 0, 0]),
        ([(0, 0)], [-1, 0, 0, 0, 0, 0]),
        ([(1, 5)], [0, 0, 0, 0, 0, 1]),
        ([(1, 5), (2, 3)], [0, 0, 0, 1, 0, 0]),  # paid once
        ([(0, 2), (2, 3)], [0, 0, -1, 0, 0, 0]),  # and nothing is made good
        ([], [0, 0, 0, 0, 0, 0]),
        ([(1, 0), (2, 0), (0, 3), (1, 3)], [0, 0, 0, 0, 0, 0]),  # who is outside cannot tell
    ],
)
def test_telling_pays_once_and_only_from_the_room(tells, paid):
    assert play([0, 1, 0, 2, 0, 1], tells)[0] == paid


def test_it_is_over_after_the_last_day_by_the_rules():
    outcome = play([0, 1, 0, 2, 0, 1])[2]
    assert outcome.terminated
    assert not outcome.truncated
    assert not games.make("switch-riddle").truncates


def test_only_the_visitor_sees_and_sets_the_switch():
    visits = [0, 1, 1, 2, 0, 1]
    says = [[0.0, 1.0], [0.25, 0.5], [1.0, 0.75]]
    for day, (_, obs, legal) in enumerate(play(visits, says=says, bits=2)[1]):
        inside = np.arange(3) == visits[day]
        np.testing.assert_array_equal(obs.view[:, 0], inside)
        np.testing.assert_array_equal(legal.move, np.stack([np.ones(3, bool), inside], 1))
        np.testing.assert_array_equal(legal.message[:, 0], inside)
        np.testing.assert_array_equal(obs.received[:, 0], inside & (day > 0))
        left = [0.5, 0.5] if day == 0 else says[visits[day - 1]]
        np.testing.assert_array_equal(obs.message, np.where(inside[:, None], left, 0.5))


def test_where_nobody_talks_nothing_is_seen_of_any_message():
    visits = [0, 1, 1, 2, 0, 1]
    loud, quiet = ([obs for _, obs, _ in play(visits, says=[[x]] * 3, talk=False)[1]] for x in (1.0, 0.0))
    for one, other in zip(loud, quiet, strict=True):
        jax.tree.map(np.testing.assert_array_equal, one, other)
        assert not one.received.any()


def test_errors_reach_the_sender_through_the_switch():
    game = games.make("switch-riddle")
    state = game.reset(KEY, jnp.array([1, 2, 0, 0, 0, 0], jnp.int32))

    def tomorrow(said):
        after, _ = game.step(KEY, state, Action(jnp.zeros(3, jnp.int32), said))
        return game.observe(after).message.sum()

    np.testing.assert_array_equal(jax.grad(tomorrow)(jnp.full((3, 1), 0.3))[:, 0], [0, 1, 0])


def test_every_prisoner_is_drawn_equally_often_on_every_day():
    game = games.make("switch-riddle", num_players=4)
    visits = np.asarray(jax.vmap(game.reset)(jax.random.split(KEY, 4000)).visits)
    counts = np.stack([(visits == i).sum(0) for i in range(4)])
    assert (stats.chisquare(counts, axis=0).pvalue > 0.001 / 10).all()
    pairs = np.bincount(4 * visits[:, 0] + visits[:, 1], minlength=16)
    assert stats.chisquare(pairs).pvalue > 0.001


@pytest.mark.parametrize(
    ("rules", "line"),
    [
        ({"num_players": 1}, "num_players must be >= 2 and <= 64, got 1"),
        ({"length": 2}, "length must be at least the 3 days in which all can visit the room, got 2"),
        ({"num_players": 20, "length": 19}, "at least the 20 days"),
        ({"length": -1}, "length must be >= 0 and <= 1000, got -1"),
        ({"bits": 0}, "bits must be >= 1 and <= 8, got 0"),
        ({"bits": 9}, "bits must be >= 1 and <= 8, got 9"),
    ],
)
def test_rules_that_make_no_sense_are_refused_in_one_line(rules, line):
    with pytest.raises(SettingError, match=line) as refused:
        games.make("switch-riddle", **rules)
    assert "\n" not in str(refused.value)
