"""Two-step games: who sees what, what is paid, and relabelings that change nothing but names."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit import games
from tacit.errors import SettingError
from tacit.games.pet_light import OPENINGS, PETS, REPLIES
from tacit.games.two_step import Deal, Relabeling, action_names
from tacit.games.two_step_tables import automorphisms, tabulated

KEY = jax.random.key(0)
NAMES = [*(f"tiny-hanabi-{letter}" for letter in "abcdef"), "pet-light"]
ALL = [*NAMES, "witness"]  # the relabelings of the last are not all there are


def played(game, deal, opening, reply):
    """Everything of one game with these moves: what was shown and allowed before each move, and what was paid."""
    state = game.reset(KEY, deal)
    waiting = game.sizes.openings + game.sizes.replies
    shown, paid = [], []
    for actions in ((opening, waiting), (waiting, game.sizes.openings + reply)):
        shown.append((game.observe(state), game.legal(state)))
        state, outcome = game.step(KEY, state, jnp.stack([jnp.asarray(a, jnp.int32) for a in actions]))
        paid.append((outcome.reward, outcome.terminated))
    return shown, paid, (game.observe(state), game.legal(state))


@functools.partial(jax.jit, static_argnums=0)
def all_played(form, leaves):
    """`played` for every deal, opening and reply, leaves `[games, ...]`."""
    game = jax.tree.unflatten(form, leaves)
    c1, c2, a1, a2 = (jnp.asarray(each.ravel(), jnp.int32) for each in np.indices(game.sizes))
    return jax.vmap(lambda w, x, y, z: played(game, Deal(w, x), y, z))(c1, c2, a1, a2)


def everything(game):
    leaves, form = jax.tree.flatten(game)
    shown, paid, after = jax.tree.map(np.asarray, all_played(form, leaves))
    return [each.ravel() for each in np.indices(game.sizes)], shown, paid, after


def ones(rows):
    """Where the one 1 of each row is."""
    assert ((rows == 0) | (rows == 1)).all()
    assert (rows.sum(-1) == 1).all()
    return rows.argmax(-1)


@pytest.mark.parametrize("name", ALL)
def test_everybody_sees_its_own_part_when_on_turn(name):
    game = games.make(name)
    (c1, c2, a1, _), ((first, _), (second, _)), _, (last, _) = everything(game)
    waiting = game.sizes.first + game.num_sets
    np.testing.assert_array_equal(ones(first[:, 0]), c1)
    np.testing.assert_array_equal(ones(second[:, 1]), game.sizes.first + game.shown[c1, c2, a1])
    for off_turn in (first[:, 1], second[:, 0], last[:, 0], last[:, 1]):
        assert (ones(off_turn) == waiting).all()


@pytest.mark.parametrize("name", ALL)
def test_moves_are_legal_on_ones_turn_alone(name):
    game = games.make(name)
    _, ((_, first), (_, second)), _, (_, last) = everything(game)
    openings, replies = game.sizes[2:]
    waits = np.arange(openings + replies + 1) == openings + replies
    begins = np.arange(openings + replies + 1) < openings
    for legal, expected in (
        (first[:, 0], begins),
        (first[:, 1], waits),
        (second[:, 0], waits),
        (second[:, 1], ~begins & ~waits),
        (last[:, 0], waits),
        (last[:, 1], waits),
    ):
        assert (legal == expected).all()


@pytest.mark.parametrize("name", ALL)
def test_both_are_paid_the_entry_at_the_end(name):
    game = games.make(name)
    (c1, c2, a1, a2), _, ((early, going), (late, over)), _ = everything(game)
    assert (early == 0).all()
    assert not going.any()
    assert over.all()
    expected = np.asarray(game.entries).reshape(game.sizes)[c1, c2, a1, a2]
    np.testing.assert_array_equal(late, np.stack([expected, expected], 1))


def test_payoffs_of_tiny_hanabi_where_they_are_asymmetric():
    def entry(letter, *place):
        game = games.make(f"tiny-hanabi-{letter}")
        return np.array(game.payoff).reshape(game.sizes)[place]

    assert entry("a", 0, 1, 1, 0) == 3
    assert entry("a", 1, 1, 0, 0) == 2
    assert entry("b", 1, 0, 1, 1) == 0
    assert entry("c", 0, 1, 0, 1) == 0
    assert entry("d", 1, 0, 1, 1) == 2
    assert entry("e", 1, 0, 2, 2) == 0
    assert entry("e", 0, 1, 2, 2) == 10
    assert entry("f", 2, 1, 1, 0) == 2
    assert entry("f", 1, 2, 1, 1) == 3


@pytest.mark.parametrize(
    ("pet", "opening", "reply", "paid"),
    [
        ("cat", "light on", "cat", 10),
        ("cat", "light off", "dog", -10),
        ("dog", "light on", "bail", 0.5),
        ("dog", "bail", "cat", 1),
        ("cat", "bail", "bail", 1),
        ("dog", "remove", "dog", 5),
        ("dog", "remove", "cat", -15),
        ("cat", "remove", "bail", -4.5),
    ],
)
def test_payoffs_of_the_pet_and_the_light(pet, opening, reply, paid):
    game = games.make("pet-light")
    place = PETS.index(pet), 0, OPENINGS.index(opening), REPLIES.index(reply)
    assert np.array(game.entries).reshape(game.sizes)[place] == paid


def test_bob_sees_the_light_or_the_pet_but_not_both():
    shown = games.make("pet-light").shown[:, 0]
    assert (shown[0, :3] == shown[1, :3]).all()  # light on, light off, she bailed
    assert shown[0, 3] != shown[1, 3]
    assert len(np.unique(shown)) == 5


def test_deals_come_as_often_as_the_prior_says():
    prior = np.array([[0.1, 0.0, 0.4], [0.2, 0.3, 0.0]])
    game = tabulated(np.zeros((2, 3, 2, 2)), prior)
    deal = jax.jit(jax.vmap(game.sample_level))(jax.random.split(KEY, 20_000))
    counts = np.zeros((2, 3))
    np.add.at(counts, (np.asarray(deal.first), np.asarray(deal.second)), 1)
    assert (counts[prior == 0] == 0).all()
    expected = 20_000 * prior
    statistic = ((counts - expected)[prior > 0] ** 2 / expected[prior > 0]).sum()
    assert statistic < 16.3  # chi-square with 3 degrees of freedom, one time in a thousand


def test_what_is_hidden_can_be_replaced():
    game = games.make("tiny-hanabi-f")
    state = game.reset(KEY, Deal(jnp.int32(2), jnp.int32(0)))
    other = game.with_hidden(state, 1, Deal(jnp.int32(1), jnp.int32(0)))
    assert game.hidden(other, 1) == (1, 0)
    np.testing.assert_array_equal(game.observe(state)[1], game.observe(other)[1])


@pytest.fixture(params=["pet-light", "code", "tiny-hanabi-e", "witness"])
def symmetric(request):
    if request.param == "code":
        payoff = np.zeros((3, 1, 3, 3))
        for word in range(3):
            payoff[word, :, :, word] = 1.0
        return tabulated(payoff)
    return games.make(request.param)


@functools.partial(jax.jit, static_argnums=0)
def both_ways(form, leaves, key):
    """A random game under its own names and renamed beforehand, and a round trip; leaves of a few hundred games."""
    game = jax.tree.unflatten(form, leaves)

    def one(key):
        deal_key, symmetry_key, opening_key, reply_key = jax.random.split(key, 4)
        deal, g = game.sample_level(deal_key), game.sample_symmetry(symmetry_key)
        opening = jax.random.randint(opening_key, (), 0, game.sizes.openings)
        reply = jax.random.randint(reply_key, (), 0, game.sizes.replies)
        names = [jnp.array([each[i] for each in game.relabelings])[g] for i in range(4)]
        renamed = Deal(names[0][deal.first], names[1][deal.second])
        shown, paid, after = played(game, deal, opening, reply)
        relabel = jax.vmap(game.relabel_observation, (None, 0)), jax.vmap(game.relabel_legal, (None, 0))
        expected = [tuple(f(g, x) for f, x in zip(relabel, pair, strict=True)) for pair in (*shown, after)]
        others, other_paid, other_after = played(game, renamed, names[2][opening], names[3][reply])
        actions = jnp.stack([opening, game.sizes.openings + reply])
        moved = jax.vmap(game.relabel_action, (None, 0))(g, actions)
        back = jax.vmap(game.relabel_action, (None, 0))(game.inverse(g), moved)
        seen_back = game.relabel_observation(game.inverse(g), game.relabel_observation(g, shown[0][0][0]))
        same = (expected, paid), ([*others, other_after], other_paid)
        moves = moved, jnp.stack([names[2][opening], game.sizes.openings + names[3][reply]])
        return same, moves, (back, actions), (seen_back, shown[0][0][0])

    return jax.vmap(one)(jax.random.split(key, 300))


def test_a_renamed_game_is_the_same_game(symmetric):
    leaves, form = jax.tree.flatten(symmetric)
    for found, expected in both_ways(form, leaves, KEY):
        jax.tree.map(np.testing.assert_array_equal, found, expected)


def test_relabelings_are_a_group_that_begins_with_the_identity(symmetric):
    group = symmetric.relabelings
    assert group[0] == tuple(tuple(range(count)) for count in symmetric.sizes)
    assert symmetric.identity() == 0
    for one in group:
        for other in group:
            product = Relabeling(*(tuple(a[i] for i in b) for a, b in zip(one, other, strict=True)))
            assert product in group
    assert all(sorted(action_names(one)) == list(range(sum(symmetric.sizes[2:]) + 1)) for one in group)


@pytest.mark.parametrize("name", NAMES)
def test_the_declared_relabelings_are_all_there_are(name):
    game = games.make(name)
    rewards = np.array(game.entries).reshape(game.sizes)
    found = automorphisms(rewards, np.asarray(game.prior), game.shown)
    assert set(found) == set(game.relabelings)
    assert len(found) == (4 if name == "pet-light" else 1)


def test_an_uneven_prior_or_payoff_breaks_a_symmetry():
    payoff = np.zeros((2, 1, 2, 2))
    payoff[0, :, :, 0] = payoff[1, :, :, 1] = 1.0
    assert len(tabulated(payoff).relabelings) == 4
    assert len(tabulated(payoff, [[0.4], [0.6]]).relabelings) == 2  # the signs are still alike
    assert len(tabulated(payoff, shown=[[[0, 0]], [[0, 1]]]).relabelings) == 1
    payoff[0, 0, 0, 0] = 2.0
    assert len(tabulated(payoff).relabelings) == 1


def test_a_game_with_too_many_names_keeps_its_own():
    assert len(tabulated(np.ones((5, 5, 5, 2))).relabelings) == 1


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(0, 10**6))
def test_a_game_from_arrays_holds_these_arrays(first, second, openings, replies, seed):
    rng = np.random.default_rng(seed)
    payoff, prior = rng.normal(size=(first, second, openings, replies)), rng.dirichlet(np.ones(first * second))
    sets = rng.integers(0, 4, (first, second, openings))
    game = tabulated(payoff, prior.reshape(first, second), sets)
    np.testing.assert_allclose(game.rewards, payoff, rtol=1e-6)
    np.testing.assert_allclose(game.prior, prior.reshape(first, second), rtol=1e-6)
    np.testing.assert_array_equal(game.shown, sets)
    assert game.spec.reward_range == (min(0.0, payoff.min()), max(0.0, payoff.max()))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((np.zeros((2, 2)),), r"payoff must have the four axes c1, c2, a1, a2, got the shape \(2, 2\)"),
        ((np.zeros((2, 1, 2, 2)), [[0.5, 0.5]]), r"prior must be \(2, 1\) and shown \(2, 1, 2\); got \(1, 2\)"),
        ((np.zeros((2, 1, 2, 2)), None, [0, 1]), r"got \(2, 1\) and \(2,\)"),
        ((np.zeros((2, 1, 2, 2)), [[0.5], [0.6]]), "chances must sum to 1, got 1.1"),
        ((np.zeros((2, 1, 2, 2)), [[-0.5], [1.5]]), "chances must be >= 0 and <= 1, got -0.5"),
        ((np.zeros((2, 1, 2, 2)), None, [[[0, -1]], [[0, 1]]]), "sets must be >= 0"),
        ((np.full((2, 1, 2, 2), np.nan),), "payoff must be finite"),
    ],
)
def test_arrays_that_do_not_go_together_are_refused(arguments, words):
    with pytest.raises(SettingError, match=words):
        tabulated(*arguments)


def test_a_payoff_of_the_wrong_size_is_refused():
    with pytest.raises(SettingError, match="payoff must have 16 numbers for 2 cards and 2 moves, got 36"):
        games.make("tiny-hanabi-e", actions=2)
    with pytest.raises(SettingError, match="sets must have 4 numbers, got 3"):
        dataclasses.replace(tabulated(np.zeros((2, 1, 2, 2))), sets=(0, 1, 0))
