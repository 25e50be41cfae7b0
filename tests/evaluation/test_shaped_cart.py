"""Messages to a cart: the rules of cheap talk, readings, the monitor, and a victim whose backdoor is planted."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import spearmanr

from tacit import nets
from tacit.evaluation import shaped_cart, steering, talked_cart
from tacit.evaluation.shaped_cart import FREE, Logs, Search, Victims
from tacit.evaluation.talked_cart import DEFENSES, MASKED, Channel, Guarded, Reading, TalkedCart, together
from tacit.games.cart_pole import CartPole
from tacit.games.cheap_talk import message, network
from tacit.games.normalized import nothing_seen
from tacit.types import Choice, Policy

WEIGHTS = network(jax.random.key(0), 4)
STEPS = 30


@functools.partial(jax.jit, static_argnames="with_message")
def play(weights, reading, actions, with_message=True, noise=0.0, speeds=0.0):
    """States, what is seen and rewards of one game; leaves `[T, ...]`."""
    game = TalkedCart(CartPole(), Channel(weights, noise, speeds), reading) if with_message else CartPole()

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
    first, _, paid = play(WEIGHTS, DEFENSES[defense][0], ACTIONS)
    np.testing.assert_allclose(first.inner.moving, plain[0].moving, atol=1e-5)  # another program rounds otherwise
    np.testing.assert_array_equal(paid, plain[2])
    for seed in range(1, 4):
        weights = network(jax.random.key(seed), 4, steep=5.0)
        state, seen, reward = play(weights, DEFENSES[defense][0], ACTIONS)
        np.testing.assert_array_equal(state.inner.moving, first.inner.moving)
        np.testing.assert_array_equal(reward, paid)
        np.testing.assert_array_equal(seen[:, :4], state.inner.moving)


def test_what_victims_see_of_a_message():
    said = {}
    for name, (*_, reading) in DEFENSES.items():
        state, seen, _ = play(WEIGHTS, reading, ACTIONS)
        said[name] = np.asarray(seen[:, 4:])
    wanted = np.asarray(jax.vmap(functools.partial(message, WEIGHTS))(state.inner.moving))
    np.testing.assert_allclose(said["none"], wanted, rtol=1e-6)
    assert np.abs(wanted).max() <= 2 * np.pi
    for later in ("sanitize", "project", "penalty"):  # they learn from what they are told
        np.testing.assert_array_equal(said[later], said["none"])
    np.testing.assert_array_equal(said["ensemble"][:, 1], said["none"][:, 1])  # the last member hears one word
    assert not said["ensemble"][:, 0].any()
    assert not said["mask"].any()
    np.testing.assert_allclose(said["quantize"], np.where(wanted > 0, np.pi, -np.pi), rtol=1e-6)
    kept = said["dropout"] != 0
    np.testing.assert_allclose(said["dropout"][kept], wanted[kept], rtol=1e-6)
    assert 0.25 < kept.mean() < 0.75
    assert np.abs(said["shuffle"] - wanted).min(1).max() > 0.1
    read = jax.jit(talked_cart.read)
    np.testing.assert_array_equal(read(DEFENSES["dropout"][0], wanted[0]), wanted[0])  # once it has learned
    np.testing.assert_array_equal(read(MASKED, wanted[0]), 0)


def test_noise_and_needed_columns():
    state, told, paid = play(WEIGHTS, Reading(), ACTIONS, speeds=1.0)
    np.testing.assert_array_equal(told[:, 4:], state.inner.moving[:, [1, 3]])  # the speeds stand here
    assert not told[:, [1, 3]].any()  # and here no more
    np.testing.assert_array_equal(told[:, [0, 2]], state.inner.moving[:, [0, 2]])
    _, noise, same = play(WEIGHTS, Reading(), ACTIONS, noise=1.0)
    np.testing.assert_array_equal(same, paid)  # neither changes the game
    np.testing.assert_array_equal(noise, play(WEIGHTS, Reading(shuffled=1.0), ACTIONS)[1])
    assert len(np.unique(noise[:, 4])) > 20  # the state hardly moves at first, and the noise does


@pytest.mark.parametrize("slope", [(0.0, 0.0), (0.5, -1.0)])
def test_the_penalty_is_the_squared_slope(slope):
    """Log odds that are linear in the message have the same slope everywhere."""
    slope = jnp.array(slope)

    def act(key, params, carry, obs, legal, fresh, given=None):
        del key, legal, fresh, given
        half = (obs[4:] @ params + jnp.sin(obs[0])) / 2
        return carry, 0, Choice(0.0, jnp.array([-half, half]), 0.0, 0.0)

    linear = Policy(lambda: (), act)
    found = Guarded(penalty=3.0, points=7).further(slope, linear)
    assert found == pytest.approx(3.0 * float(slope @ slope), rel=1e-5)
    assert Guarded(penalty=3.0).further(slope, linear) == 0.0  # without points


def test_main_directions_keep_what_lies_in_them():
    """Columns that are linear in four numbers pass unchanged; what a message adds across them is taken away."""
    generator = np.random.default_rng(0)
    state, mix = generator.normal(size=(500, 4)), generator.normal(size=(4, 2))
    rows = np.column_stack([state, state @ mix + 1.0]).astype(np.float32)
    rows[400:] = 1e3  # after the end: not counted
    alive = (np.arange(500) < 400).astype(np.float32)
    center, across = shaped_cart._directions(jnp.array(rows), jnp.array(alive))
    np.testing.assert_allclose(center, rows[:400].mean(0), atol=1e-4)
    logs = Logs(None, center, across)

    def shown(said, reading):
        return np.asarray(shaped_cart._shown(jnp.array(said), jnp.array(rows[0, :4]), logs, None, reading))

    kept = shown(rows[0, 4:], Reading(projected=1.0))
    np.testing.assert_allclose(kept, rows[0], atol=1e-3)
    np.testing.assert_array_equal(shown(rows[0, 4:] + 9, Reading()), np.append(rows[0, :4], rows[0, 4:] + 9))
    moved = shown(rows[0, 4:] + 9, Reading(projected=1.0))
    assert np.abs(np.asarray((moved - center) @ (np.eye(6) - across))).max() < 1e-3  # inside the directions again


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
    spec = TalkedCart(CartPole(), Channel(WEIGHTS)).spec
    net = jax.tree.map(jnp.zeros_like, nets.actor_critic(jax.random.key(0), spec, 32, False, "victims", 2))
    pull = jnp.array([[0.2, 0.2, 1.0, 0.3, 0.0, 0.0], [0.2, 0.2, 1.0, 0.3, -0.1, 0.0]])

    def one(pull):
        first, middle, last = (*net.embed, *net.actor)  # wherever the layers in common end
        chain = (
            eqx.tree_at(lambda x: x.weight, first, first.weight.at[0].set(pull)),
            eqx.tree_at(lambda x: x.weight, middle, middle.weight.at[0, 0].set(1.0)),
            eqx.tree_at(lambda x: x.weight, last, last.weight.at[1, 0].set(50.0)),
        )
        cut = len(net.embed)
        return eqx.tree_at(lambda x: (x.embed, x.actor), net, (chain[:cut], chain[cut:]))

    params = jax.vmap(lambda pull: (one(pull), nothing_seen(6)))(pull)
    return Victims(jax.tree.map(lambda leaf: leaf[:, None], params), together([Channel(WEIGHTS)] * 2))


TINY = Search(generations=100, judged=12)


@pytest.fixture(scope="module")
def attacked(planted):
    logs = shaped_cart.logs_of(jax.random.key(1), planted, 8)
    found = shaped_cart.shaped(planted, logs, DEFENSES["none"], FREE, TINY, 0)

    def judged(slack, name="none", victims=planted):
        played = shaped_cart.judge(jax.random.key(2), victims, found, logs, slack, DEFENSES[name], TINY.judged)
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
def test_two_of_three_members_decide(attacked, planted):
    """Of three alike one is deaf, one hears a word it does not read, and one is told where to go: it loses."""
    three = Victims(jax.tree.map(lambda leaf: jnp.concatenate([leaf] * 3, 1), planted.params), planted.channels)
    deaf = attacked(FREE, "mask").earned
    two_deaf = attacked(FREE, "ensemble", three).earned
    assert np.abs(two_deaf - deaf).max() < 0.5  # other programs round otherwise, and carts amplify that
    assert np.abs(attacked(FREE).earned - deaf).max() > 10


@pytest.mark.long
def test_what_a_monitor_expects_of_columns_that_matter(planted):
    """The deaf victim reads speeds where they are shown no more, and falls; nor can h(s) know them."""
    blind = planted._replace(channels=together([Channel(WEIGHTS, speeds=1.0)] * 2))
    logs = shaped_cart.logs_of(jax.random.key(1), blind, 8)
    nobody = jax.vmap(lambda key: network(key, 5))(jax.random.split(jax.random.key(3), 2))
    played = shaped_cart.judge(jax.random.key(2), blind, nobody, logs, 0.0, DEFENSES["none"], TINY.judged)
    assert played.steps[0].max() < 200
    assert played.suspicion.mean() > 0.05  # speeds are not a function of what else is shown


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
