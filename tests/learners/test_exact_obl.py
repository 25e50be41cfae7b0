"""Exact Off-Belief Learning: known ladders, the theorems of the paper, and play."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import lambertw

import tacit
from tacit import games
from tacit.errors import Misfit
from tacit.evaluation.cross_play import cross_play, models_of
from tacit.games import two_step_exact as exact
from tacit.games.two_step_exact import Joint
from tacit.games.two_step_tables import tabulated
from tacit.learners import exact_obl, exact_pg
from tacit.learners.two_step import normalized
from tacit.learners.versus import Pair, Versus
from tacit.recipes.tiny_obl import LEVELS, UNIFORM

value = jax.jit(lambda game, joint: exact.value(exact.tensor(game), joint))
level_above = jax.jit(exact_obl.level_above)


def levels(name, temperature, count, seeds=1):
    config = exact_obl.Config(temperature=temperature)
    return tacit.run(exact_obl.make, games.make(name), config, iterations=count, seeds=seeds)


@pytest.mark.parametrize(("key", "expected"), LEVELS.items())
def test_known_ladders(key, expected, x64):
    letter, temperature = key
    found = levels(f"tiny-hanabi-{letter.lower()}", temperature, len(expected)).metrics["value"][:, 0]
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(("letter", "expected"), UNIFORM.items())
def test_level_0_is_uniform_play(letter, expected):
    game = games.make(f"tiny-hanabi-{letter.lower()}")
    first = exact_obl.make(game, exact_obl.Config()).init(jax.random.key(0))
    np.testing.assert_allclose(value(game, first), expected, atol=1e-4)


def plain_level(game, below, temperature):
    """A level by loops over histories, from the probabilities of the level below to those of the next."""
    payoff, prior, shown = np.array(game.entries).reshape(game.sizes), np.asarray(game.prior), game.shown

    def softmax(q):
        weights = np.exp((q - q.max()) / temperature)
        return weights / weights.sum()

    second = []
    for i in range(game.num_sets):
        places = np.argwhere(shown == i)
        weights = np.array([prior[c1, c2] * below[c1, a1] for c1, c2, a1 in places])
        q = sum(w * payoff[c1, c2, a1] for w, (c1, c2, a1) in zip(weights / weights.sum(), places, strict=True))
        second.append(softmax(q))
    first = []
    for c1 in range(game.sizes.first):
        share = prior[c1] / prior[c1].sum()
        q = [
            sum(share[c2] * second[shown[c1, c2, a1]] @ payoff[c1, c2, a1] for c2 in range(game.sizes.second))
            for a1 in range(game.sizes.openings)
        ]
        first.append(softmax(np.array(q)))
    return np.array(first), np.array(second)


def random_game(seed, moves=2, spread=1.0):
    """Two cards each; player 2 sees its own card and the opening."""
    rng = np.random.default_rng(seed)
    prior = rng.dirichlet(np.ones(4)).reshape(2, 2)
    game = tabulated(spread * rng.normal(size=(2, 2, moves, moves)), prior)
    return game, rng.dirichlet(np.ones(moves), 2), rng.dirichlet(np.ones(moves), 2 * moves)


seeds = st.integers(0, 10**6)


@given(seeds, st.sampled_from([0.1, 1.0]))
def test_a_level_against_plain_loops(x64, seed, temperature):
    game, first, second = random_game(seed)
    below = Joint(jnp.log(first), jnp.log(second))
    found = level_above(game, below, temperature)
    for one, expected in zip(found, plain_level(game, first, temperature), strict=True):
        np.testing.assert_allclose(np.exp(one), expected, atol=1e-10)


def bound(temperature, moves):
    """What a level may lose to the one below: the most that softmax gives away, T W((A - 1) / e), at both moves."""
    return 2 * temperature * float(lambertw((moves - 1) / np.e).real)


@given(seeds, st.sampled_from([2, 3]), st.sampled_from([0.01, 0.3, 1.0]), st.booleans())
def test_a_level_loses_little_to_the_one_below(x64, seed, moves, temperature, sharp):
    game, first, second = random_game(seed, moves)
    below = Joint(jnp.log(first), jnp.log(second))
    for _ in range(3):
        if sharp:
            below = normalized(Joint(*(50 * each for each in below)))
        above = level_above(game, below, temperature)
        assert value(game, above) >= value(game, below) - bound(temperature, moves) - 1e-12
        below = above


def test_the_quoted_bound_holds_for_two_moves_and_not_for_three():
    """Theorem 2 as it is quoted allows a loss of t_max T / e; softmax over three moves may lose 0.463 T at each."""
    assert bound(1.0, 2) < 2 / np.e < bound(1.0, 3)
    worst = 1 + float(lambertw(2 / np.e).real)  # the gap at which softmax over three moves loses most
    gaps = np.array([0.0, -worst, -worst])
    game = tabulated((gaps[:, None] + gaps[None, :])[None, None])  # both moves pay, and each by itself
    greedy = normalized(Joint(jnp.array([[0.0, -99.0, -99.0]]), jnp.array([[0.0, -99.0, -99.0]] * 3)))
    lost = value(game, greedy) - value(game, level_above(game, greedy, 1.0))
    np.testing.assert_allclose(lost, bound(1.0, 3), rtol=1e-5)
    assert lost > 2 / np.e


@given(seeds)
def test_levels_of_a_renamed_game_are_the_renamed_levels(x64, seed):
    game, first, second = random_game(seed, 3)
    rng = np.random.default_rng(seed)
    cards, others, openings, replies = (rng.permutation(count) for count in game.sizes)
    payoff, prior = np.array(game.entries).reshape(game.sizes), np.asarray(game.prior)
    renamed = tabulated(payoff[np.ix_(cards, others, openings, replies)], prior[np.ix_(cards, others)])
    sets = (3 * others[:, None] + openings).ravel()
    found = level_above(renamed, Joint(jnp.log(first[np.ix_(cards, openings)]), jnp.log(second[sets][:, replies])), 0.1)
    expected = level_above(game, Joint(jnp.log(first), jnp.log(second)), 0.1)
    np.testing.assert_allclose(found.first, np.asarray(expected.first)[np.ix_(cards, openings)], atol=1e-9)
    np.testing.assert_allclose(found.second, np.asarray(expected.second)[sets][:, replies], atol=1e-9)


def test_independent_runs_are_equal_to_the_bit():
    game, config = games.make("tiny-hanabi-e"), exact_obl.Config()
    one = tacit.run(exact_obl.make, game, config, iterations=3, seeds=[0, 7], seed=0)
    other = tacit.run(exact_obl.make, game, config, iterations=3, seeds=[3, 5], seed=9)
    for a, b in zip(one.state, other.state, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a[0], a[1])


@pytest.mark.parametrize("letter", "abcdef")
def test_a_very_low_temperature_neither_overflows_nor_divides_zero_by_zero(letter):
    run = levels(f"tiny-hanabi-{letter}", 0.001, 6)
    for leaf in run.state:
        assert np.isfinite(leaf).all()
    expected = LEVELS[letter.upper(), 0.01][-1]
    np.testing.assert_allclose(run.metrics["value"][-1], expected, atol=1e-4)
    assert run.metrics["change"][-1] < 1e-6  # the ladder has come to rest


def test_level_1_neither_gives_nor_takes_a_hint_by_the_light():
    run = levels("pet-light", 0.01, 5)
    np.testing.assert_allclose(run.metrics["value"][:, 0], 5.0, atol=1e-4)
    first, second = (np.asarray(each[0]) for each in levels("pet-light", 0.01, 1).state)
    assert np.ptp(first[:, :2]) == 0  # on or off, cat or dog: all alike
    assert (first.argmax(1) == 3).all()
    np.testing.assert_array_equal(second[0], second[1])
    assert second.argmax(1).tolist()[:2] == [0, 0]


@functools.cache
def trained():
    return levels("tiny-hanabi-e", 1.0, 3, seeds=2)


def test_play_earns_the_exact_value():
    run = trained()
    played = cross_play(run.game, models_of(run, "obl", sampled=True), games=4000)
    expected = run.metrics["value"][-1]
    error = played.scores.std(axis=2) / 4000**0.5
    assert (np.abs(played.matrix - expected) < 4 * error).all()
    assert (error < 0.1).all()
    greedy = cross_play(games.make("tiny-hanabi-e"), models_of(levels("tiny-hanabi-e", 0.01, 3), "obl"), games=20)
    assert (greedy.scores == 10).all()


def test_what_is_written_is_what_is_read():
    learner = exact_obl.make(trained().game, exact_obl.Config())
    state = jax.tree.map(lambda leaf: leaf[0], trained().state)
    first = learner.init(jax.random.key(0))

    @jax.jit
    def copied(first, state):
        for seat in range(2):
            first = learner.with_params(first, seat, learner.policy(state)[seat][1])
        return first

    for a, b in zip(copied(first, state), state, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_beside_another_learner_it_goes_from_level_to_level():
    game = games.make("tiny-hanabi-e")
    pair = Pair(exact_obl.Config(), exact_pg.Config())
    run = tacit.run(Versus(exact_obl.make, exact_pg.make), game, pair, iterations=3)
    alone = tacit.run(exact_obl.make, game, exact_obl.Config(), iterations=3)
    for a, b in zip(run.state[0], alone.state, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
    assert run.metrics["reward"].shape == (3, 1, 2)


def test_other_games_are_refused():
    with pytest.raises(Misfit, match="exact-obl computes everything exactly and needs a two-step game"):
        exact_obl.make(games.make("ipd"), exact_obl.Config())
