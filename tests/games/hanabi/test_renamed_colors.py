"""Hanabi under other names of the colors: the game commutes with them."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_play import LENGTH, VARIANTS, played

from tacit.games.hanabi import HanabiGame
from tacit.games.symmetry import Relabeled

pytestmark = pytest.mark.usefixtures("strict")


@functools.partial(jax.jit, static_argnums=0)
def both_ways(game, symmetry, key):
    """A game's observations in both views, legal moves and rewards, relabeled; and those of it under new names."""
    deck_key, play_key = jax.random.split(key)
    believing = HanabiGame(game.players, game.colors, game.ranks, game.hand, game.information, game.lives, "v0-belief")
    order = game.shuffled(deck_key)
    states, actions, rewards = played(game, play_key, LENGTH, order)

    def shown(states):
        return tuple(jax.vmap(show)(states) for show in (game.observe, believing.observe, game.legal))

    def everyones(relabel):
        return jax.vmap(jax.vmap(functools.partial(relabel, symmetry)))

    def step(state, action):
        new, outcome = game.step(play_key, state, action)
        return new, (state, outcome.reward)

    ranks = jnp.int8(game.ranks)
    first = game.reset(play_key, symmetry[order // ranks] * ranks + order % ranks)
    last, (renamed, paid) = jax.lax.scan(step, first, everyones(game.relabel_action)(actions))
    renamed = jax.tree.map(lambda most, end: jnp.concatenate([most, end[None]]), renamed, last)
    relabel = (game.relabel_observation, believing.relabel_observation, game.relabel_legal)
    relabeled = tuple(everyones(each)(values) for each, values in zip(relabel, shown(states), strict=True))
    return (*relabeled, rewards), (*shown(renamed), paid)


@pytest.mark.parametrize("variant", ["3 players", "one rank"])
def test_the_game_commutes_with_new_names(variant):
    game = VARIANTS[variant]
    for seed in range(3):
        symmetry = jnp.roll(jnp.arange(game.colors, dtype=jnp.int8)[:: -1 if seed else 1], 1 + seed)
        relabeled, renamed = jax.tree.map(np.asarray, both_ways(game, symmetry, jax.random.key(seed)))
        for here, there in zip(relabeled, renamed, strict=True):
            np.testing.assert_allclose(here, there, atol=1e-7)


def test_new_names_form_a_group_drawn_uniformly():
    game = HanabiGame(colors=3)
    obs = jnp.arange(game.spec.observation.shape[0])
    every = jnp.array(list(itertools.permutations(range(3))), jnp.int8)

    @jax.jit
    def check(g, h):
        there = game.relabel_observation(h, game.relabel_observation(g, obs))
        back = game.relabel_observation(game.inverse(g), game.relabel_observation(g, obs))
        return (there == game.relabel_observation(h[g], obs)).all(), (back == obs).all()

    for g, h in itertools.product(every, every):
        assert all(check(g, h))
    assert (game.relabel_observation(game.identity(), obs) == obs).all()
    count = 6000
    drawn = np.asarray(jax.jit(jax.vmap(game.sample_symmetry))(jax.random.split(jax.random.key(0), count)))
    counts = [(drawn == g).all(1).sum() for g in np.asarray(every)]
    assert sum(counts) == count
    assert max(abs(n - 1000) for n in counts) < 4 * (count * 5 / 36) ** 0.5


@functools.partial(jax.jit, static_argnums=0)
def actions_under(game, symmetry):
    return jax.vmap(lambda action: game.relabel_action(symmetry, action))(jnp.arange(game.num_moves + 1))


@given(st.sampled_from(sorted(VARIANTS)), st.integers(0, 2**31))
def test_only_hints_of_colors_are_renamed(variant, seed):
    game = VARIANTS[variant]
    symmetry = np.random.default_rng(seed).permutation(game.colors).astype(np.int8)
    renamed = actions_under(game, symmetry).tolist()
    first, hints = 2 * game.hand_size, (game.players - 1) * game.colors
    wanted = [first + i // game.colors * game.colors + symmetry[i % game.colors] for i in range(hints)]
    assert renamed == [*range(first), *wanted, *range(first + hints, game.num_moves + 1)]


def test_players_with_names_of_their_own_play_the_same_game():
    game = HanabiGame(colors=3, ranks=3, hand=3)
    relabeled = Relabeled(game)
    state = jax.jit(relabeled.reset)(jax.random.key(3))
    own, under = jax.jit(lambda s: (game.observe(s.inner), relabeled.observe(s)))(state)
    for player in range(2):
        assert (game.relabel_observation(state.symmetry[player], own[player]) == under[player]).all()
    assert not (state.symmetry[0] == state.symmetry[1]).all()
    mine, step = 2 * 3, jax.jit(relabeled.step)  # the hint of the color that player 0 calls 0
    color = int(game.inverse(state.symmetry[0])[0])
    held = (np.asarray(state.inner.hands[1]) // 3 == color).any()
    new, _ = step(jax.random.key(0), state, jnp.array([mine, 12]))
    assert (int(new.inner.last.color) == color) == held
