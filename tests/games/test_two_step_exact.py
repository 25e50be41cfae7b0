"""Two-step games in closed form, against enumeration in plain Python."""

import dataclasses
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit import games
from tacit.errors import InputError, Misfit
from tacit.games import two_step_exact as exact
from tacit.games.two_step import TwoStepGame
from tacit.games.two_step_exact import Joint
from tacit.games.two_step_tables import tabulated

OPTIMA = {"a": 2.25, "b": 1.0, "c": 2.5, "d": 2.5, "e": 10.0, "f": 7 / 3}
SHAPE, SETS = (2, 3, 2, 3), 4  # of random games, so that all of them are one program

value = jax.jit(lambda game, joint: exact.value(exact.tensor(game), joint))
belief = jax.jit(exact.belief)
both_values = jax.jit(
    lambda game, joint: (
        exact.reply_values(game, exact.belief(game, joint.first)),
        exact.opening_values(game, joint.second),
    )
)
best = jax.jit(lambda game: exact.best(exact.tensor(game)))
best_among_strangers = jax.jit(lambda game: exact.best(exact.other_play(game)))
responses = jax.jit(
    lambda game, joint: (
        exact.best_opening(exact.tensor(game), joint.second),
        exact.best_reply(exact.tensor(game), joint.first),
    )
)


def random_game(seed):
    """A game whose information sets mix deals and openings at random, and a random joint policy (probabilities)."""
    rng = np.random.default_rng(seed)
    prior = rng.dirichlet(np.ones(6)).reshape(2, 3)
    sets = np.random.default_rng(0).integers(0, SETS, SHAPE[:3])
    sets[0, 0, 0] = SETS - 1
    game = tabulated(rng.normal(size=SHAPE), prior, sets)
    return game, rng.dirichlet(np.ones(2), 2), rng.dirichlet(np.ones(3), SETS)


def histories(game):
    """Every deal and opening with its probability but for player 1's choice, and where player 2 is then."""
    prior = np.asarray(game.prior)
    for c1, c2, a1 in itertools.product(*(range(count) for count in game.sizes[:3])):
        yield c1, c2, a1, prior[c1, c2], game.shown[c1, c2, a1]


def enumerated_value(game, first, second):
    payoff = np.array(game.entries).reshape(game.sizes)
    return sum(p * first[c1, a1] * second[i] @ payoff[c1, c2, a1] for c1, c2, a1, p, i in histories(game))


def logarithms(first, second):
    with np.errstate(divide="ignore"):
        return Joint(jnp.log(first), jnp.log(second))


seeds = st.integers(0, 10**6)


@given(seeds)
def test_the_value_is_the_mean_over_all_that_can_happen(x64, seed):
    game, first, second = random_game(seed)
    np.testing.assert_allclose(
        value(game, logarithms(first, second)), enumerated_value(game, first, second), atol=1e-12
    )


@given(seeds)
def test_beliefs_are_bayes_rule(x64, seed):
    game, first, _ = random_game(seed)
    found = np.asarray(belief(game, jnp.log(first)))
    expected = np.zeros((SETS, *SHAPE[:3]))
    for c1, c2, a1, p, i in histories(game):
        expected[i, c1, c2, a1] = p * first[c1, a1]
    expected /= expected.sum((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@given(seeds)
def test_q_values_are_conditional_means(x64, seed):
    game, first, second = random_game(seed)
    replies, openings = both_values(game, logarithms(first, second))
    payoff, reach = np.array(game.entries).reshape(game.sizes), np.zeros(SETS)
    q2, q1 = np.zeros((SETS, SHAPE[3])), np.zeros((SHAPE[0], SHAPE[2]))
    for c1, c2, a1, p, i in histories(game):
        reach[i] += p * first[c1, a1]
        q2[i] += p * first[c1, a1] * payoff[c1, c2, a1]
        q1[c1, a1] += p / np.asarray(game.prior)[c1].sum() * second[i] @ payoff[c1, c2, a1]
    np.testing.assert_allclose(replies, q2 / reach[:, None], atol=1e-12)
    np.testing.assert_allclose(openings, q1, atol=1e-12)


def plain_policies(count, moves):
    """Every policy that tosses no coin, as probabilities."""
    for chosen in itertools.product(range(moves), repeat=count):
        yield np.eye(moves)[list(chosen)]


@given(st.integers(0, 3))
def test_the_best_is_the_best_of_all_policies(x64, seed):
    game, first, second = random_game(seed)
    openers, repliers = list(plain_policies(SHAPE[0], SHAPE[2])), list(plain_policies(SETS, SHAPE[3]))
    found = best(game)
    every = max(enumerated_value(game, one, other) for one in openers for other in repliers)
    np.testing.assert_allclose(found.value, every, atol=1e-12)
    chosen = np.eye(SHAPE[2])[found.opening], np.eye(SHAPE[3])[found.reply]
    np.testing.assert_allclose(enumerated_value(game, *chosen), every, atol=1e-12)

    opener, replier = responses(game, logarithms(first, second))
    np.testing.assert_allclose(opener.value, max(enumerated_value(game, one, second) for one in openers), atol=1e-12)
    np.testing.assert_allclose(replier.value, max(enumerated_value(game, first, one) for one in repliers), atol=1e-12)
    np.testing.assert_allclose(enumerated_value(game, np.eye(2)[opener.opening], second), opener.value, atol=1e-12)
    np.testing.assert_allclose(enumerated_value(game, first, np.eye(3)[replier.reply]), replier.value, atol=1e-12)


@pytest.mark.parametrize(("letter", "expected"), OPTIMA.items())
def test_known_optima_of_tiny_hanabi(letter, expected, x64):
    np.testing.assert_allclose(best(games.make(f"tiny-hanabi-{letter}")).value, expected, atol=1e-12)


def test_other_play_averages_over_the_partners_names(x64):
    """By hand: every relabeling of player 2's policy, with its own code in a game it knows by other names."""
    game = games.make("pet-light")
    rng = np.random.default_rng(0)
    first, second = rng.dirichlet(np.ones(4), 2), rng.dirichlet(np.ones(3), 5)
    lights, pets = ([0, 1, 2, 3, 4], [1, 0, 2, 3, 4]), (([0, 1, 2, 3, 4], [0, 1, 2]), ([0, 1, 2, 4, 3], [0, 2, 1]))
    each = [
        enumerated_value(game, first, second[np.array(light)][np.array(sets)][:, replies])
        for light in lights
        for sets, replies in pets
    ]
    found = jax.jit(lambda joint: exact.value(exact.other_play(game), joint))(logarithms(first, second))
    np.testing.assert_allclose(found, np.mean(each), atol=1e-12)
    assert best(game).value == 10
    assert best_among_strangers(game).value == 5


def test_renaming_the_pets_is_what_rules_out_a_code():
    """With the light renamed alone, "either position means cat, no light means dog" survives, for (10 + 5) / 2."""
    whole = games.make("pet-light")
    same, light, pets, _ = whole.relabelings
    for group, expected in (((same,), 10.0), ((same, light), 7.5), ((same, pets), 5.0)):
        part = tabulated(np.array(whole.entries).reshape(whole.sizes), whole.prior, whole.shown)
        assert best_among_strangers(dataclasses.replace(part, found=group)).value == expected


def test_what_player_1_never_does_is_taken_for_no_hint(x64):
    """In game E, player 1 always plays 0; after 1 or 2 player 2 knows its own card alone."""
    game = games.make("tiny-hanabi-e")
    with np.errstate(divide="ignore"):
        always = jnp.log(jnp.array([[1.0, 0.0, 0.0]] * 2))
    found = np.asarray(belief(game, always)).reshape(2, 3, 2, 2, 3)  # own card, opening; c1, c2, a1
    assert np.isfinite(found).all()
    for own, opening in itertools.product(range(2), range(3)):
        assert (found[own, opening, :, own, opening] == 0.5).all()
        assert math.isclose(found[own, opening].sum(), 1.0)


def test_what_never_happens_leaves_a_proper_belief():
    game = tabulated(np.zeros((2, 2, 2, 2)), [[0.5, 0.0], [0.5, 0.0]])  # the second card is never 1
    found = np.asarray(belief(game, jnp.log(jnp.full((2, 2), 0.5))))
    np.testing.assert_allclose(found.sum((1, 2, 3)), 1.0, rtol=1e-6)
    assert (found[:2, :, 1] == 0).all()


def test_a_card_that_is_never_dealt_makes_no_move_worth_more():
    game = tabulated(np.arange(16.0).reshape(2, 2, 2, 2), [[0.5, 0.5], [0.0, 0.0]])
    openings = both_values(game, jax.jit(exact.uniform)(game))[1]
    assert np.isfinite(openings).all()
    assert (openings[1] == openings[1, 0]).all()


def test_beliefs_from_very_sharp_policies():
    """Weights of e^-5000 and e^-5001 are 0 as numbers, and yet one is e times the other."""
    game = games.make("tiny-hanabi-a")
    found = belief(game, jnp.array([[0.0, -5000.0], [0.0, -5001.0]]))
    np.testing.assert_allclose(found[1].sum((1, 2)), [math.e / (1 + math.e), 1 / (1 + math.e)], rtol=1e-5)


def test_too_large_a_search_is_refused():
    with pytest.raises(InputError, match="4 moves for 11 cards make 4194304 policies; searched are 1048576"):
        exact.best(jnp.zeros((11, 4, 1, 1)))


class Slippery(type(games.make("pet-light"))):
    """A game whose rules somebody changed."""

    def step(self, key, state, action):
        return super().step(key, state, action)


def test_other_games_have_no_closed_form():
    assert exact.two_step(games.make("pet-light"), "x") == games.make("pet-light")
    for game in (games.make("ipd"), Slippery()):
        with pytest.raises(Misfit, match=r"x computes everything exactly and needs a two-step game \(tiny-hanabi-a"):
            exact.two_step(game, "x")
    assert isinstance(Slippery(), TwoStepGame)
