"""What players of Hanabi see, beyond the recordings: places, what is hidden, the beliefs, packing."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from random_play import VARIANTS, positions

from tacit.games.hanabi import HanabiGame
from tacit.games.hanabi.observation import observe, packed, sections, unpacked
from tacit.games.hanabi.variant import HanabiState

pytestmark = pytest.mark.usefixtures("strict")


@functools.partial(jax.jit, static_argnums=0)
def observed(game, states):
    return jax.vmap(game.observe)(states)


def seen(game, states):
    """What all players see of states `[T, ...]`: `[T, P, length]`."""
    return np.asarray(observed(game, states))


def with_view(game, view):
    return HanabiGame(game.players, game.colors, game.ranks, game.hand, game.information, game.lives, view)


def test_places_are_those_of_the_reference_engine():
    parts = sections(HanabiGame())._asdict()
    firsts = {name: part.start for name, part in parts.items()}
    assert firsts == {
        "hands": 0,
        "missing": 125,
        "deck": 127,
        "fireworks": 167,
        "information": 192,
        "lives": 200,
        "discards": 203,
        "last_actor": 253,
        "last_kind": 255,
        "last_target": 259,
        "last_color": 261,
        "last_rank": 266,
        "last_touched": 271,
        "last_slot": 276,
        "last_card": 281,
        "last_scored": 306,
        "last_gained": 307,
        "knowledge": 308,
    }
    assert sections(HanabiGame()).length == 658


@pytest.mark.parametrize("variant", VARIANTS)
def test_own_cards_are_not_seen(variant):
    game, states = VARIANTS[variant], positions(variant)
    before = seen(game, states)
    for player in range(game.players):
        hands = states.hands.copy()
        hands[:, player] = np.where(hands[:, player] >= 0, 0, -1)
        after = seen(game, states._replace(hands=hands))
        assert (before[:, player] == after[:, player]).all()
        assert (before[:, player - 1] != after[:, player - 1]).any()


@pytest.mark.parametrize("variant", VARIANTS)
def test_beliefs_are_what_hints_leave_open_by_public_counts(variant):
    game, states = VARIANTS[variant], positions(variant)
    plain, believed = seen(game, states), seen(with_view(game, "v0-belief"), states)
    assert believed.dtype == np.float32
    first, b = sections(game).knowledge.start, game.num_cards
    assert (believed[..., :first] == plain[..., :first]).all()
    width = b + game.colors + game.ranks
    known, beliefs = (x[..., first:].reshape(*x.shape[:2], -1, width) for x in (plain, believed))
    assert (beliefs[..., b:] == known[..., b:]).all()
    played = np.arange(b) % game.ranks < np.repeat(states.fireworks, game.ranks, axis=1)
    left = game.full_deck - states.discards - played
    weights = known[..., :b] * left[:, None, None].astype(np.float32)
    total = weights.sum(-1, keepdims=True)
    wanted = np.divide(weights, total, where=total > 0, out=np.zeros_like(weights))
    np.testing.assert_array_max_ulp(beliefs[..., :b], wanted, maxulp=1)
    there = np.stack([np.roll(states.hands >= 0, -i, axis=1) for i in range(game.players)], 1).reshape(total.shape[:-1])
    np.testing.assert_allclose(beliefs[..., :b].sum(-1), there, atol=1e-6)


@pytest.mark.parametrize("variant", VARIANTS)
def test_packed_observations_are_the_same(variant):
    game, states = VARIANTS[variant], positions(variant)
    words = jax.jit(jax.vmap(lambda state: packed(game, state)))(states)
    assert words.shape[2] == -(-game.spec.observation.shape[0] // 32)
    assert (jax.jit(jax.vmap(lambda row: unpacked(game, row)))(words) == seen(game, states)).all()


def test_a_hint_names_its_target_as_the_observer_counts():
    game = HanabiGame(players=3)
    deck = jnp.asarray([0] * 3 + [1] * 2 + [5] * 3 + [6] * 2 + [10] * 3 + [11] * 2 + [-1] * 35, jnp.int8)
    state = jax.jit(game.reset)(jax.random.key(0), deck)
    green = 10 + 5 + 2  # to the player two seats on
    parts, step = sections(game), jax.jit(game.step)
    state, _ = step(jax.random.key(0), state, jnp.array([green, 30, 30]))
    obs = np.asarray(observed(game, jax.tree.map(lambda leaf: leaf[None], state)))[0]
    assert obs[:, parts.last_actor].tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert obs[:, parts.last_target].tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 0]]
    assert obs[:, parts.last_color].tolist() == [[0, 0, 1, 0, 0]] * 3
    assert obs[:, parts.last_touched].all()
    red = 10 + 5 + 0  # from player 1 to player 0
    state, _ = step(jax.random.key(0), state, jnp.array([30, red, 30]))
    obs = np.asarray(observed(game, jax.tree.map(lambda leaf: leaf[None], state)))[0]
    assert obs[:, parts.last_actor].tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
    assert obs[:, parts.last_target].tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]


def test_long_thermometers_need_several_words():
    game = HanabiGame(information=100, lives=70)
    state = jax.jit(game.reset)(jax.random.key(0))
    parts, obs = sections(game), jax.jit(lambda state: observe(game, state))
    for information, lives in ((100, 70), (33, 32), (0, 1)):
        row = obs(state._replace(information=jnp.int8(information), lives=jnp.int8(lives)))[0]
        assert row[parts.information].tolist() == [1] * information + [0] * (100 - information)
        assert row[parts.lives].tolist() == [1] * lives + [0] * (70 - lives)


def test_what_is_seen_before_the_first_move_and_without_a_card():
    game = HanabiGame(colors=2, ranks=2, hand=4)
    states = positions("no stock", 2)
    parts, obs = sections(game), seen(game, states)
    assert not obs[0, :, parts.last_actor.start : parts.knowledge.start].any()
    short = states.hands[:, :, -1] < 0
    assert short.any()
    assert isinstance(states, HanabiState)
    assert (obs[:, 0, parts.missing] == short).all()
    assert (obs[:, 1, parts.missing] == short[:, ::-1]).all()
    width = game.num_cards + game.colors + game.ranks
    knowledge = obs[:, 0, parts.knowledge].reshape(-1, game.players, game.hand_size, width)
    assert (knowledge.any(-1) == (states.hands >= 0)).all()
