"""Relabelings: a group that changes neither rules nor payoffs; and games in which every player has its own names."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.errors import Misfit
from tacit.games.symmetry import Relabeled

GAMES = {
    "levers": games.make("levers"),
    "repeated-levers": games.make("repeated-levers", length=4),
    "classes": games.make("repeated-levers", payoffs=(1.0, 0.5, 1.0, 0.5, 0.7), length=4),
}


@pytest.fixture(params=GAMES)
def game(request):
    return GAMES[request.param]


def several(function, count=64):
    """A function of a key at many keys, compiled."""
    return jax.jit(jax.vmap(function))(jax.random.split(jax.random.key(0), count))


def agree(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


def test_relabelings_form_a_group(game):
    def laws(key):
        one, two = map(game.sample_symmetry, jax.random.split(key))
        actions = jnp.arange(game.num_levers)
        rename = jax.vmap(game.relabel_action, (None, 0))
        there = rename(one, actions)
        back = rename(game.inverse(one), there)
        twice = rename(one, rename(two, actions))
        return actions, back, rename(game.identity(), actions), jnp.sort(there), game.payoff[there], twice

    actions, back, same, renamed, paid, twice = several(laws)
    agree(back, actions)
    agree(same, actions)
    agree(renamed, actions)  # a permutation
    agree(paid, np.tile(np.asarray(game.payoff), (64, 1)))  # among equals
    known = {tuple(row) for row in np.asarray(several(game.sample_symmetry, 4096))}
    if game.num_levers == 5:  # two classes of two and a lever of its own: four relabelings, closed under composition
        assert len(known) == 4
        assert {tuple(row) for row in np.asarray(twice)} <= known


@pytest.mark.parametrize("payoffs", [(0.9, *9 * (1.0,)), (1.0, 0.5, 1.0, 0.5, 0.7, 1.0)])
def test_every_equal_is_as_likely(payoffs):
    game, count = games.make("levers", payoffs=payoffs), 6000
    names = np.asarray(several(game.sample_symmetry, count))
    equal = np.equal.outer(payoffs, payoffs)
    expected = count * equal / equal.sum(axis=1)
    found = np.stack([np.bincount(names[:, i], minlength=len(payoffs)) for i in range(len(payoffs))])
    # six standard deviations of a binomial count; none where the chance is 0 or 1
    assert (np.abs(found - expected) <= 6 * np.sqrt(expected * (1 - expected / count))).all()


def played(game, names, actions):
    """Observations, legal actions and rewards of an episode in which the game's labels were renamed beforehand."""
    act = jax.vmap(functools.partial(game.relabel_action, names))

    def step(state, action):
        new, outcome = game.step(jax.random.key(0), state, act(action))
        return new, (game.observe(state), game.legal(state), outcome.reward)

    return jax.lax.scan(step, game.reset(jax.random.key(0)), actions)[1]


def test_a_renamed_game_is_the_same_game(game):
    def both(key):
        name_key, act_key = jax.random.split(key)
        names = game.sample_symmetry(name_key)
        actions = jax.random.randint(act_key, (game.length, 2), 0, game.num_levers)
        obs, legal, reward = played(game, game.identity(), actions)
        see = jax.vmap(jax.vmap(functools.partial(game.relabel_observation, names)))
        may = jax.vmap(jax.vmap(functools.partial(game.relabel_legal, names)))
        return (see(obs), may(legal), reward), played(game, names, actions)

    agree(*several(both))


def test_each_player_has_names_of_its_own(game):
    board = Relabeled.of(game, "a test")

    def trace(key):
        reset_key, act_key = jax.random.split(key)
        state = board.reset(reset_key)
        theirs = jax.random.randint(act_key, (2,), 0, game.num_levers)
        new, outcome = board.step(key, state, theirs)
        meant = jax.vmap(game.relabel_action)(jax.vmap(game.inverse)(state.symmetry), theirs)
        inside, expected = game.step(key, state.inner, meant)
        own = jax.vmap(game.relabel_observation)(state.symmetry, game.observe(inside))
        return (outcome, board.observe(new), new.symmetry), (expected, own, state.symmetry), state.symmetry

    found, expected, names = several(trace)
    agree(found, expected)
    assert (names[:, 0] != names[:, 1]).any()
    assert board.spec == game.spec
    assert board.discount == game.discount


def test_a_lever_that_a_stranger_pulls_is_seen_under_ones_own_name():
    board = Relabeled.of(games.make("repeated-levers"), "a test")

    def pulls(key):
        state = board.reset(key)
        new, _ = board.step(key, state, jnp.array([3, 5]))
        return board.observe(new)[:, :, 1:]

    shown = np.asarray(several(pulls, 512))
    agree(shown[:, 0, :, 0].argmax(axis=1), np.full(512, 3))  # one's own pull, as one called it
    agree(shown[:, 1, :, 0].argmax(axis=1), np.full(512, 5))
    assert set(shown[:, 0, :, 1].argmax(axis=1)) == set(range(1, 10))  # the other's could be any lever that pays 1


def test_fixed_policies_earn_what_other_play_says():
    game = games.make("levers")
    board = Relabeled.of(game, "a test")

    def reward(key):
        return board.step(key, board.reset(key), jnp.array([3, 3]))[1].reward[0]

    mean = float(np.mean(several(reward, 8192)))
    assert mean == pytest.approx(1 / 9, abs=5 * (8 / 81 / 8192) ** 0.5)  # five standard errors
    assert float(game.matrix(other_play=True)[3, 5]) == pytest.approx(1 / 9)


def test_games_without_known_symmetries_are_refused():
    with pytest.raises(Misfit, match="ppo needs a game with symmetries for other-play; MatrixGame declares none"):
        Relabeled.of(games.make("ipd"), "ppo")
