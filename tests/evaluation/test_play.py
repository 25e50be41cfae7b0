"""Greedy play on every level of a game, against values known by counting."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.errors import Misfit
from tacit.evaluation.play import greedily
from tacit.evaluation.switch_riddle import blind
from tacit.ops import categorical
from tacit.types import Action, Learner, Policy

RIDDLE = games.make("switch-riddle")


def _act(key, params, carry, obs, legal, fresh, given=None):
    """Counts the days; most likely tells on the day in `params`, but may do anything on any other."""
    day = jnp.where(fresh, 0, carry)
    log_probs = categorical.log_probs(jnp.where(day == params, 1.0, -1.0) * jnp.array([-1.0, 1.0]), legal.move)
    move, choice = categorical.choose(key, log_probs, jnp.zeros(()), given)
    return day + 1, Action(move, jnp.zeros(1)), choice


TELLS = Policy(lambda: jnp.int32(0), _act)


def make(game, config):
    nothing = Learner(None, None, None, None, None)  # type: ignore[arg-type]
    return nothing._replace(policy=lambda state: ((TELLS, state),) * game.spec.num_players)


def test_the_return_of_greedy_policies_is_exact_where_all_levels_are_listed():
    days = jnp.array([RIDDLE.days - 1, RIDDLE.days, 0])  # on the last day, never, at once
    run = SimpleNamespace(make=make, game=RIDDLE, config=(), state=days)
    found = greedily(run)
    np.testing.assert_allclose(found, np.array([[blind(RIDDLE)], [0.0], [-1.0]]).repeat(3, 1), rtol=1e-5)


def test_a_game_that_does_not_list_its_levels_is_refused():
    run = SimpleNamespace(make=make, game=games.make("ipd"), config=(), state=jax.numpy.zeros(1))
    with pytest.raises(Misfit, match="MatrixGame does not list its levels"):
        greedily(run)
