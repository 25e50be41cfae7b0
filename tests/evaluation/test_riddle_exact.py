"""Exact values of the switch riddle, against closed forms, counting, and play on every sequence of visits."""

import itertools
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.errors import Misfit
from tacit.evaluation import switch_riddle
from tacit.evaluation.switch_riddle import COUNT_TO_TWO, all_visited, exact, oracle
from tacit.loops import joint, rollout, start
from tacit.types import Action, Policy

KEY = jax.random.key(0)


@pytest.mark.parametrize(
    ("players", "value", "blind"),
    [  # the reference's table
        (2, 0.5, 0.0),
        (3, 540 / 729, 0.481481),
        (4, 0.780602, 0.561203),
        (5, 0.787907, 0.575814),
        (6, 0.784707, 0.569414),
    ],
)
def test_the_oracle_earns_what_is_known(players, value, blind):
    game = games.make("switch-riddle", num_players=players)
    assert oracle(game) == pytest.approx(value, abs=5e-7)
    assert switch_riddle.blind(game) == pytest.approx(blind, abs=5e-7)


@pytest.mark.parametrize(("players", "days"), [(2, 4), (3, 6), (4, 5)])
def test_the_closed_form_counts_sequences(players, days):
    every = itertools.product(range(players), repeat=days)
    assert all_visited(players, days) == Fraction(sum(len(set(v)) == players for v in every), players**days)


def test_the_day_on_which_the_last_one_comes():
    def first(players, day):
        return float(all_visited(players, day) - all_visited(players, day - 1))

    three = [0, 0, 2 / 9, 2 / 9, 14 / 81, 10 / 81]
    four = [0, 0, 0, 0.09375, 0.14062, 0.14648, 0.13184, 0.11023, 0.08844, 0.06924]
    np.testing.assert_allclose([first(3, day) for day in range(1, 7)], three, atol=1e-12)
    np.testing.assert_allclose([first(4, day) for day in range(1, 11)], four, atol=6e-6)


def test_counting_to_two_is_as_good_as_knowing_everything():
    score = exact(games.make("switch-riddle"), (COUNT_TO_TWO,) * 3, ((),) * 3)
    assert (int(score.right), int(score.wrong), score.sequences) == (540, 0, 729)
    assert float(score.normalized) == 1.0


def chaotic():
    """A prisoner whose memory mixes all that he met with in a way drawn at random, and who acts on its signs."""

    def act(key, params, carry, obs, legal, fresh, given=None):
        carry = jnp.where(fresh, 0.0, carry)
        met = jnp.concatenate([obs.view, obs.message, obs.received, jnp.ones(1)])
        carry = jnp.tanh(params["met"] @ met + params["memory"] @ carry)
        said = params["head"] @ carry
        tells = (said[0] > 0.5) & legal.move[1]
        return carry, Action(tells.astype(jnp.int32), (said[1:] > 0).astype(float)), ()

    return Policy(lambda: jnp.zeros(6), act)


def drawn(seed, bits):
    words = iter(jax.random.split(jax.random.key(seed), 3))
    shapes = {"met": (6, 3 + bits), "memory": (6, 6), "head": (1 + bits, 6)}
    return {name: 1.5 * jax.random.normal(next(words), shape) for name, shape in shapes.items()}


def by_play(game, policies):
    """The returns of the game itself on every sequence of visits, as a function of the players' parameters."""
    levels = jnp.array(list(itertools.product(range(game.num_players), repeat=game.days)), jnp.int32)
    everyone = joint(policies)

    @jax.jit
    def returns(params):
        live = start(KEY, game, policies, len(levels), levels)
        step = rollout(
            KEY, game, lambda keys, **seen: everyone(keys, params, **seen), live, game.days, levels, reset=False
        )
        return step[1].reward.sum(0)[:, 0]

    return returns


@pytest.mark.parametrize(
    ("rules", "alike"),  # alike: stepped together, otherwise one after another
    [
        ({}, True),
        ({"num_players": 4, "length": 5, "talk": False}, False),
        ({"num_players": 2, "length": 5, "bits": 2}, False),
    ],
    ids=str,
)
def test_tables_score_as_the_game_itself_does(rules, alike):
    game = games.make("switch-riddle", **rules)
    one, other = chaotic(), chaotic()
    n, found = game.num_players, set()
    policies = (one,) * n if alike else (one, *(other,) * (n - 1))
    by_table, returns = jax.jit(lambda params: exact(game, policies, params)[:2]), by_play(game, policies)
    for seed in range(4):
        params = [drawn(10 * seed + i, game.bits) for i in range(n)]
        right, wrong = map(int, by_table(params))
        played = np.asarray(returns(params))
        assert (right, wrong) == ((played > 0).sum(), (played < 0).sum())
        found.add((right, wrong))
    assert len(found) > 1  # players differ, so that agreement says something


def test_four_prisoners_who_tell_on_the_last_day_earn_the_blind_value():
    game = games.make("switch-riddle", num_players=4)

    def act(key, params, carry, obs, legal, fresh, given=None):
        carry = jnp.where(fresh, 0, carry) + 1
        return carry, Action((carry == game.days).astype(jnp.int32), jnp.zeros(1)), ()

    right, wrong = jax.jit(lambda: exact(game, (Policy(lambda: jnp.int32(0), act),) * 4, ((),) * 4)[:2])()
    assert (int(right) - int(wrong)) / 4**10 == pytest.approx(0.561203, abs=5e-7)
    assert int(right) + int(wrong) == 4**10


def test_seeds_are_mapped():
    game, one = games.make("switch-riddle"), chaotic()
    lanes = jax.tree.map(lambda *leaves: jnp.stack(leaves), *[drawn(seed, 1) for seed in range(4)])

    def value(params):
        return exact(game, (one,) * 3, (params,) * 3).value

    together, single = jax.jit(jax.vmap(value))(lanes), jax.jit(value)
    alone = [single(drawn(seed, 1)) for seed in range(4)]
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize(
    ("name", "rules", "line"),
    [
        ("levers", {}, "needs the switch riddle, not LeverGame"),
        ("switch-riddle", {"num_players": 5}, "5 prisoners, 14 days and 1 bits have 6.1e\\+09 courses"),
        ("switch-riddle", {"bits": 3}, "play a sample of games instead"),
    ],
)
def test_what_cannot_be_played_through_is_refused(name, rules, line):
    game = games.make(name, **rules)
    if "bits" in rules:
        game = games.make(name, **rules, length=8)
    with pytest.raises(Misfit, match=line):
        exact(game, (COUNT_TO_TWO,) * 5, ((),) * 5)
