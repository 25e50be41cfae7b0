"""Scripted players against given opponents, like a specification, and what extortion forces."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.errors import Misfit
from tacit.games.matrix import SWAPPED
from tacit.learners import HANABI_BOTS, PLAYERS, TRADERS
from tacit.learners.axelrod_first import FIRST_TOURNAMENT
from tacit.learners.scripted import MEMORY_ONE, fixed
from tacit.registry import load

FICKLE, KIND, MEAN, ONCE = "CDDCDDDC", "CCCCCCCC", "DDDDDDDD", "CCDCCCCC"

# what each player answers to these opponents
ANSWERS = {
    "always-cooperate": {FICKLE: "CCCCCCCC", MEAN: "CCCCCCCC"},
    "always-defect": {FICKLE: "DDDDDDDD", KIND: "DDDDDDDD"},
    "tit-for-tat": {FICKLE: "CCDDCDDD", KIND: "CCCCCCCC", MEAN: "CDDDDDDD", ONCE: "CCCDCCCC"},
    "suspicious-tit-for-tat": {FICKLE: "DCDDCDDD", KIND: "DCCCCCCC", MEAN: "DDDDDDDD"},
    "anti-tit-for-tat": {FICKLE: "CDCCDCCC", KIND: "CDDDDDDD", MEAN: "CCCCCCCC"},
    "win-stay-lose-shift": {FICKLE: "CCDCCDCD", KIND: "CCCCCCCC", MEAN: "CDCDCDCD", ONCE: "CCCDDDDD"},
    "alternator": {FICKLE: "CDCDCDCD", KIND: "CDCDCDCD", MEAN: "CDCDCDCD"},
    "grudger": {FICKLE: "CCDDDDDD", KIND: "CCCCCCCC", MEAN: "CDDDDDDD", ONCE: "CCCDDDDD"},
    "tit-for-two-tats": {FICKLE: "CCCDCCDD", KIND: "CCCCCCCC", MEAN: "CCDDDDDD", ONCE: "CCCCCCCC"},
    "go-by-majority": {
        FICKLE: "CCCDCDDD",
        KIND: "CCCCCCCC",
        MEAN: "CDDDDDDD",
        ONCE: "CCCCCCCC",
        "DCDCCCCC": "CDCDCCCC",
    },
    "hard-go-by-majority": {FICKLE: "DCDDDDDD", KIND: "DCCCCCCC", MEAN: "DDDDDDDD", "DCDCCCCC": "DDDDDCCC"},
}
RANDOM = {"random", "generous-tit-for-tat", "joss", "firm-but-fair", "stubborn", "extortion-2", "extortion-3"}


def player(name):
    return load("player", PLAYERS, name)


@functools.partial(jax.jit, static_argnums=0)
def _answers(policy, params, theirs, fresh, key):
    game = games.make("ipd")
    beginning = game.reset(key)

    def one_round(carried, given):
        state, carry = carried
        their_action, begins, key = given
        state = jax.tree.map(lambda a, b: jnp.where(begins, a, b), beginning, state)
        obs, legal = game.observe(state)[0], game.legal(state)[0]
        carry, action, _ = policy.act(key, params, carry, obs, legal, begins)
        state, _ = game.step(key, state, jnp.stack([action, their_action]))
        return (state, carry), action

    keys = jax.random.split(key, len(theirs))
    return jax.lax.scan(one_round, (beginning, policy.init_carry()), (theirs, fresh, keys))[1]


def versus(name, theirs, seed=0, begins=(0,)):
    """What a player does against an opponent's actions; an episode begins at each of the rounds `begins`."""
    each = jnp.array(["CD".index(action) for action in theirs], jnp.int32)
    fresh = jnp.isin(jnp.arange(len(theirs)), jnp.array(begins))
    policy, params = player(name)
    actions = _answers(policy, jnp.array(params, float), each, fresh, jax.random.key(seed))
    return "".join("CD"[action] for action in np.asarray(actions))


@pytest.mark.parametrize("name", ANSWERS)
def test_answers(name):
    for theirs, mine in ANSWERS[name].items():
        assert versus(name, theirs) == mine, theirs


def test_every_player_is_specified_here():
    elsewhere = {*FIRST_TOURNAMENT, *HANABI_BOTS, *TRADERS}  # see test_axelrod_first, test_hanabi_bots, test_farbook
    assert set(ANSWERS) | RANDOM | elsewhere == set(PLAYERS)


@pytest.mark.parametrize(("name", "mine"), [("grudger", "CDDDCCDD"), ("tit-for-two-tats", "CCDDCCCD")])
def test_counts_start_anew_with_an_episode(name, mine):
    assert versus(name, "DDDDCDDD", begins=(0, 4)) == mine


def test_majority_is_counted_within_the_episode():
    assert versus("go-by-majority", "DDDDCCDC", begins=(0, 4)) == "CDDDCCCC"


def test_the_stubborn_player_stays_with_its_first_choice():
    found = {versus("stubborn", FICKLE, seed) for seed in range(12)}
    assert found == {"C" * 8, "D" * 8}  # one coin or the other alone in 12: once in 2000 seeds


def test_what_random_players_never_do():
    for seed in range(5):
        assert versus("generous-tit-for-tat", KIND, seed) == "C" * 8
        assert versus("firm-but-fair", KIND, seed) == "C" * 8
        assert set(versus("joss", MEAN, seed)[1:]) == {"D"}
        assert versus("extortion-2", MEAN, seed) == "D" * 8


# P(C) after CC, CD, DC, DD and at the start
PROBABILITIES = {
    "random": (0.5, 0.5, 0.5, 0.5, 0.5),
    "generous-tit-for-tat": (1, 1 / 3, 1, 1 / 3, 1),
    "joss": (0.9, 0, 0.9, 0, 1),
    "firm-but-fair": (1, 0, 1, 2 / 3, 1),
    "stubborn": (1, 1, 0, 0, 0.5),
    "extortion-2": (0.8, 0, 0.8, 0, 0),
    "extortion-3": (5 / 7, 0, 5 / 7, 0, 0),
}


@pytest.mark.parametrize("name", PROBABILITIES)
def test_probabilities(name):
    policy, params = player(name)
    assert policy is MEMORY_ONE
    assert params == pytest.approx(PROBABILITIES[name])

    @jax.jit
    @jax.vmap
    def chance(obs):
        return policy.act(
            jax.random.key(0), jnp.array(params, float), (), obs, jnp.ones(2, bool), jnp.bool_(False), jnp.int32(0)
        )

    found = np.exp(np.asarray(chance(jnp.eye(5))[2].log_probs))
    expected = np.array(PROBABILITIES[name])
    np.testing.assert_allclose(found, np.stack([expected, 1 - expected], axis=1), atol=1e-6)


@pytest.mark.parametrize(("name", "chi"), [("extortion-2", 2), ("extortion-3", 3), ("tit-for-tat", 1)])
def test_extortion_forces_its_share_of_the_surplus(name, chi):
    p = np.array(player(name).params)[:4]
    rewards = np.reshape(games.make("ipd").payoff, (4, 2))
    for q in np.random.default_rng(0).uniform(0.05, 0.95, (20, 4)):
        theirs = q[list(SWAPPED[:4])]
        after = np.stack([p * theirs, p * (1 - theirs), (1 - p) * theirs, (1 - p) * (1 - theirs)], axis=1)
        # play without end or discount: the stationary distribution
        system = np.vstack([after.T - np.eye(4), np.ones(4)])
        stationary = np.linalg.lstsq(system, np.array([0, 0, 0, 0, 1.0]), rcond=None)[0]
        mine, other = stationary @ rewards + 2  # above mutual defection
        assert mine == pytest.approx(chi * other, abs=1e-10)
        assert mine > 0.1


def test_scripted_players_refuse_other_games():
    with pytest.raises(Misfit, match="matrix games"):
        fixed(player("tit-for-tat"), games.make("commons"))


def test_a_fixed_learner_stays_as_it_is():
    learner = fixed(player("joss"), games.make("ipd"), (1,))
    state = learner.init(jax.random.key(0))
    after, _ = learner.step(jax.random.key(1), state)
    np.testing.assert_array_equal(state.params, after.params)
    changed = learner.with_params(state, 0, jnp.full(5, 0.25))
    ((policy, params),) = learner.policy(changed)
    assert policy is MEMORY_ONE
    np.testing.assert_array_equal(params, 0.25)
