"""Every registered game, and every kind of probe, keeps the contract of `tacit.games.base.Game`."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.games.probes import LENGTHS
from tacit.types import Bits, Discrete, Real

CASES = {name: (name, {}) for name in games.GAMES}
CASES |= {f"probe {kind}": ("probe", {"kind": kind, "num_players": 2}) for kind in LENGTHS}
BATCH = 3
BEYOND = 3  # steps played after the end

pytestmark = pytest.mark.usefixtures("strict")


@pytest.fixture(params=CASES)
def game(request):
    name, rules = CASES[request.param]
    return games.make(name, **rules)


def is_space(tree):
    return isinstance(tree, Discrete | Real | Bits)


def choose(key, game, state):
    """Random legal actions of all players."""

    def one(space, legal):
        if isinstance(space, Bits):
            return jax.random.bernoulli(key, 0.5, (game.spec.num_players, space.n)).astype(float)
        if isinstance(space, Real):
            return jax.random.normal(key, (game.spec.num_players, *space.shape))
        return jax.random.categorical(key, jnp.where(legal, 0.0, -jnp.inf), axis=-1)

    return jax.tree.map(one, game.spec.action, game.legal(state), is_leaf=is_space)


def play(game, key):
    """Random play from reset to some steps beyond the longest game: all states, and what each step showed and paid."""
    reset_key, level_key, play_key = jax.random.split(key, 3)
    first = game.reset(reset_key, game.sample_level(level_key))

    def step(state, key):
        act_key, step_key = jax.random.split(key)
        action = choose(act_key, game, state)
        new, outcome = game.step(step_key, state, action)
        return new, (state, game.observe(state), game.legal(state), action, outcome, new)

    return jax.lax.scan(step, first, jax.random.split(play_key, game.spec.max_length + BEYOND))[1]


one_game = jax.jit(play)
several_games = jax.jit(jax.vmap(play, (None, 0)))


@functools.cache
def keys():
    return jax.random.split(jax.random.key(0), BATCH)


def played(game):
    """Leaves `[B, T, ...]` of (states, observations, legal, actions, outcomes, next states)."""
    return jax.tree.map(np.asarray, several_games(game, keys()))


def test_step_is_traced_once_and_keeps_shapes_and_dtypes(game):
    traced = []

    @jax.jit
    def step(key, state, action):
        traced.append(key)
        return game.step(key, state, action)

    key = jax.random.key(1)
    state, action = jax.jit(lambda: (game.reset(key), choose(key, game, game.reset(key))))()
    shown = [(leaf.shape, leaf.dtype, leaf.weak_type) for leaf in jax.tree.leaves(state)]
    for _ in range(2):
        state, outcome = step(key, state, action)
        assert [(leaf.shape, leaf.dtype, leaf.weak_type) for leaf in jax.tree.leaves(state)] == shown
    assert len(traced) == 1
    assert outcome.reward.shape == (game.spec.num_players,)
    assert outcome.reward.dtype == jnp.float32
    assert outcome.terminated.dtype == outcome.truncated.dtype == jnp.bool_


def test_mapped_games_equal_single_ones(game):
    together = played(game)
    for i, key in enumerate(keys()):
        alone = one_game(game, key)
        jax.tree.map(lambda a, b, i=i: np.testing.assert_array_equal(a[i], b), together, alone)


def test_the_same_key_gives_the_same_game(game):
    twice = several_games(game, keys()[jnp.array([1, 1, 2])])
    jax.tree.map(lambda leaf: np.testing.assert_array_equal(leaf[0], leaf[1]), twice)
    actions = jax.tree.leaves(played(game)[3])
    assert game.spec.max_length < 4 or not all(np.array_equal(leaf[0], leaf[2]) for leaf in actions)  # another, another


def test_everything_is_finite(game):
    for leaf in jax.tree.leaves(played(game)):
        assert np.isfinite(leaf).all()


def test_observations_fit_the_space(game):
    _, obs, *_ = played(game)

    def fits(space, leaf):
        shape = space.shape if isinstance(space, Real) else () if isinstance(space, Discrete) else (space.n,)
        assert leaf.shape[2:] == (game.spec.num_players, *shape)
        low, high = (space.low, space.high) if isinstance(space, Real) else (0, getattr(space, "n", 2) - 1)
        assert (low <= leaf).all()
        assert (leaf <= high).all()

    jax.tree.map(fits, game.spec.observation, obs, is_leaf=is_space)


def test_some_action_is_always_legal(game):
    legal = played(game)[2]

    def each(space, leaf):
        assert leaf.dtype == bool
        assert leaf.shape[2:] == (game.spec.num_players, space.n if isinstance(space, Discrete) else 1)
        assert leaf.any(axis=-1).all() or isinstance(space, Bits)  # nobody need speak

    jax.tree.map(each, game.spec.action, legal, is_leaf=is_space)


def test_there_is_an_answer_to_each_guess(game):
    shown = jax.eval_shape(lambda key: game.answers(game.reset(key)), jax.random.key(0))
    assert shown.shape == (game.spec.num_players, game.guesses[0])
    assert (game.guesses[0] > 0) == (game.guesses[1] > 1)


def test_rewards_stay_in_their_range(game):
    reward = played(game)[4].reward
    low, high = game.spec.reward_range
    assert low <= reward.min() <= reward.max() <= high
    assert np.isfinite([low, high]).all()


def test_a_game_ends_in_time_stays_as_it_is_and_pays_nothing_more(game):
    states, *_, outcome, after = played(game)
    ended = outcome.terminated | outcome.truncated
    assert ended[:, : game.spec.max_length].any(axis=1).all()
    assert not (outcome.terminated & outcome.truncated).any()
    for b in range(BATCH):
        first = int(np.argmax(ended[b]))
        assert not (states.terminated | states.truncated)[b, : first + 1].any()
        assert (outcome.reward[b, first + 1 :] == 0).all()
        for flag in (outcome.terminated, outcome.truncated):
            assert (flag[b, first:] == flag[b, first]).all()
        jax.tree.map(lambda leaf, b=b, first=first: np.testing.assert_array_equal(*_ahead(leaf[b, first:])), after)


def _ahead(leaf):
    return leaf[1:], np.broadcast_to(leaf[0], leaf[1:].shape)
