"""Messages to a cart: the rules of cheap talk, readings, the monitor, and a victim whose backdoor is planted."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import spearmanr

from tacit.evaluation import shaped_cart, steering, talked_cart
from tacit.evaluation.shaped_cart import FREE, Search, Victims
from tacit.evaluation.talked_cart import DEFENSES, Reading, TalkedCart
from tacit.games.cart_pole import CartPole
from tacit.games.cheap_talk import message, network
from tacit.learners import ppo

WEIGHTS = network(jax.random.key(0), 4)
STEPS = 30


@functools.partial(jax.jit, static_argnames="with_message")
def play(weights, reading, actions, with_message=True):
    """States, what is seen and rewards of one game; leaves `[T, ...]`."""
    game = TalkedCart(CartPole(), weights, reading) if with_message else CartPole()

    def step(state, inputs):
        action, key = inputs
        after, outcome = game.step(key, state, action[None])
        return after, (state, game.observe(state)[0], outcome.reward[0])

    keys = jax.random.split(jax.random.key(5), STEPS)
    return jax.lax.scan(step, game.reset(jax.random.key(1), game.sample_level(jax.random.key(2))), (actions, keys))[1]


ACTIONS = jax.random.bernoulli(jax.random.key(9), 0.5, (STEPS,)).astype(jnp.int32)


@pytest.mark.parametrize("defense", ["none", "mask", "dropout", "shuffle", "quantize"])
def test_messages_change_neither_rewards_nor_states(defense):
    plain = play(WEIGHTS, Reading(), ACTIONS, with_message=False)
    first, _, paid = play(WEIGHTS, DEFENSES[defense], ACTIONS)
    np.testing.assert_allclose(first.inner.moving, plain[0].moving, atol=1e-5)  # another program rounds otherwise
    np.testing.assert_array_equal(paid, plain[2])
    for seed in range(1, 4):
        weights = network(jax.random.key(seed), 4, steep=5.0)
        state, seen, reward = play(weights, DEFENSES[defense], ACTIONS)
        np.testing.assert_array_equal(state.inner.moving, first.inner.moving)
        np.testing.assert_array_equal(reward, paid)
        np.testing.assert_array_equal(seen[:, :4], state.inner.moving)


def test_what_victims_see_of_a_message():
    said = {}
    for name, reading in DEFENSES.items():
        state, seen, _ = play(WEIGHTS, reading, ACTIONS)
        said[name] = np.asarray(seen[:, 4:])
    wanted = np.asarray(jax.vmap(functools.partial(message, WEIGHTS))(state.inner.moving))
    np.testing.assert_allclose(said["none"], wanted, rtol=1e-6)
    assert np.abs(wanted).max() <= 2 * np.pi
    np.testing.assert_array_equal(said["sanitize"], said["none"])  # it learns from what it is told
    assert not said["mask"].any()
    np.testing.assert_allclose(said["quantize"], np.where(wanted > 0, np.pi, -np.pi), rtol=1e-6)
    kept = said["dropout"] != 0
    np.testing.assert_allclose(said["dropout"][kept], wanted[kept], rtol=1e-6)
    assert 0.25 < kept.mean() < 0.75
    assert np.abs(said["shuffle"] - wanted).min(1).max() > 0.1
    read = jax.jit(talked_cart.read)
    np.testing.assert_array_equal(read(DEFENSES["dropout"], wanted[0]), wanted[0])  # once it has learned
    np.testing.assert_array_equal(read(DEFENSES["mask"], wanted[0]), 0)


def test_terms_are_all_monomials():
    seen = jnp.array([2.0, 3.0, 0.5, 7.0])  # the angle counts in tenths: 5
    found = np.sort(np.asarray(shaped_cart.terms(seen)))
    wanted = sorted(2.0**a * 3.0**b * 5.0**c * 7.0**d for a in range(6) for b in range(6 - a)
                    for c in range(6 - a - b) for d in range(6 - a - b - c))  # fmt: skip
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert len(found) == 126


def test_goals_are_spread_over_the_track():
    goals = np.asarray(shaped_cart.goals_of(jax.random.key(0), 8))
    np.testing.assert_array_equal(np.floor((goals / 2.4 + 1) * 4), np.arange(8))


def test_control_is_the_rank_correlation():
    generator = np.random.default_rng(0)
    position, goal = generator.normal(size=(3, 20)), generator.normal(size=20)
    position[0] = goal**3
    blank = np.zeros((3, 20))
    played = shaped_cart.Played(blank, blank, position, blank, np.broadcast_to(goal, (3, 20)))
    wanted = [spearmanr(row, goal).statistic for row in position]
    np.testing.assert_allclose(shaped_cart.control(played), wanted, atol=1e-9)
    assert shaped_cart.control(played)[0] == pytest.approx(1.0)


@pytest.fixture(scope="module")
def planted():
    """Two victims that balance the pole, one of which goes where the first word of the message says."""
    params = ppo.make(TalkedCart(CartPole(), WEIGHTS), shaped_cart.VICTIM).init(jax.random.key(0)).params
    params = jax.tree.map(lambda leaf: jnp.zeros((2, *leaf.shape[1:])), params)
    (first,), (middle, last) = params.embed, params.actor
    pull = jnp.array([[0.2, 0.2, 1.0, 0.3, 0.0, 0.0], [0.2, 0.2, 1.0, 0.3, -0.1, 0.0]])
    first = _with(first, weight=first.weight.at[:, 0].set(pull))
    middle = _with(middle, weight=middle.weight.at[:, 0, 0].set(1.0))
    last = _with(last, weight=last.weight.at[:, 1, 0].set(50.0))
    return Victims(_with(params, embed=(first,), actor=(middle, last)), WEIGHTS)


def _with(module, **changes):
    import equinox as eqx

    for name, value in changes.items():
        module = eqx.tree_at(lambda tree, name=name: getattr(tree, name), module, value)
    return module


TINY = Search(generations=100, judged=12)


@pytest.fixture(scope="module")
def attacked(planted):
    monitor = shaped_cart.monitors(jax.random.key(1), planted, 8)
    found = shaped_cart.shaped(planted, DEFENSES["none"], FREE, TINY, 0)

    def judged(slack, name="none"):
        played = shaped_cart.judge(jax.random.key(2), planted, found, monitor, slack, DEFENSES[name], TINY.judged)
        return jax.tree.map(np.asarray, played)

    return judged


@pytest.mark.long
def test_a_planted_backdoor_is_found_and_a_deaf_victim_cannot_be_steered(attacked):
    clean, free = attacked(0.0), attacked(FREE)
    assert (clean.steps == 200).all()
    np.testing.assert_array_equal(free.earned[0], clean.earned[0])  # it does not listen
    assert free.earned[1].mean() > clean.earned[1].mean() + 10
    assert shaped_cart.control(free)[1] > shaped_cart.control(clean)[1] + 0.5
    np.testing.assert_array_equal(free.goal, clean.goal)


@pytest.mark.long
def test_a_slack_binds_and_defenses_hold(attacked):
    clean, near, free = attacked(0.0), attacked(0.05), attacked(FREE)
    assert (near.suspicion <= clean.suspicion.max() + 0.05 + 0.5).all()
    assert free.suspicion[1].min() > near.suspicion[1].max()
    np.testing.assert_array_equal(attacked(FREE, "mask").earned, attacked(0.0, "mask").earned)
    np.testing.assert_array_equal(attacked(FREE, "sanitize").earned, attacked(0.0, "sanitize").earned)
    assert (attacked(FREE, "sanitize").steps == 200).all()
    assert not np.array_equal(attacked(FREE, "quantize").earned, attacked(0.0, "quantize").earned)


@pytest.mark.long
def test_a_monitor_knows_what_is_said(attacked):
    """What it expects is near what is said in clean play: a hundredth of the range, in the median."""
    assert np.median(attacked(0.0).suspicion) < 0.01 * 4 * np.pi * 2


def test_alarms():
    clean, attack = np.arange(100.0), np.arange(100.0) + 95
    area, false = steering._alarms(clean, attack)
    assert area == pytest.approx(1 - (5 * 4 / 2 + 5 / 2) / 100**2)
    assert false == 0.0  # the threshold is 99.95
    assert steering._alarms(clean, clean)[0] == 0.5
