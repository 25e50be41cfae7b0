"""FarBook: one step by another program, what no adversary can touch, sweeps by hand, and what simple traders earn."""

import dataclasses
import functools
from statistics import NormalDist

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit import games
from tacit.errors import Misfit
from tacit.games import farbook
from tacit.games.farbook import FarBook
from tacit.learners import TRADERS, traders
from tacit.loops import episodes
from tacit.registry import load

EPISODES = 256
CORE = ("price", "queue", "pressure", "mean_flow", "move", "flow", "held", "time")


class Loud(dict):
    """An adversary: a layer of random weights, of any size."""

    def __call__(self, public):
        return jnp.tanh(public @ self["first"]) @ self["second"]


jax.tree_util.register_pytree_node(
    Loud, lambda tree: (tuple(tree.values()), tuple(tree)), lambda names, leaves: Loud(zip(names, leaves, strict=True))
)


def loud(seed, inputs=8, scale=3.0):
    keys = jax.random.split(jax.random.key(seed))
    return Loud(
        first=scale * jax.random.normal(keys[0], (inputs, 8)), second=scale * jax.random.normal(keys[1], (8, 8))
    )


@functools.partial(jax.jit, static_argnames="count")
def play(game, params, key, count):
    """Leaves `[T, B, ...]` of games in which everybody follows the traders' rule with these parameters."""
    players = game.spec.num_players
    return episodes(key, game, (traders.RULE,) * players, (params,) * players, count)[1]


def params(name, **changes):
    player = load("player", TRADERS, name)._replace(**changes)
    return player.seated(FarBook(), (0,))[1][0]


RANDOM = params("trade-at-random")
EVERYTHING = jnp.ones(3, bool)


@pytest.fixture(scope="module")
def silent():
    return jax.tree.map(np.asarray, play(FarBook(), RANDOM, jax.random.key(0), EPISODES))


def by_hand(state, action, words):
    """The rules once more: price, queues, flow and so on after a step, from the same words of chance."""
    uniform = (words >> 8).astype(float) * 2.0**-24
    held = int(np.clip(state["held"] + action - 1, -3, 3))
    traded = held - state["held"]
    noise = NormalDist().inv_cdf((np.floor(uniform[24] * 4096) + 0.5) / 4096)  # in 4096 steps
    pressure = 0.97 * state["pressure"] + 0.243 * noise
    bid, ask = (int(q) for q in state["queue"])
    sigmoid = 1 / (1 + np.exp(-pressure))
    likely = [0.5 * sigmoid, 0.5 * (1 - sigmoid), 0.3, 0.3, min(0.02 * bid, 0.5), min(0.02 * ask, 0.5)]
    buys, sells, add_bid, add_ask, cancel_bid, cancel_ask = (
        sum(uniform[4 * kind + trial] < chance for trial in range(4)) for kind, chance in enumerate(likely)
    )
    bid += add_bid - cancel_bid - sells - max(-traded, 0)
    ask += add_ask - cancel_ask - buys - max(traded, 0)
    move = 0
    if bid <= 0 and ask <= 0:
        move = 1 if uniform[25] < 0.5 else -1
    elif bid <= 0 or ask <= 0:
        move = -1 if bid <= 0 else 1
    queue = [int(1 + 10 * u) for u in uniform[26:]] if move else [min(bid, 20), min(ask, 20)]
    reward = held * move - 0.5 * abs(traded) - (0.5 * abs(held) if state["time"] == 199 else 0)
    mean_flow = 0.9 * state["mean_flow"] + 0.1 * (buys - sells)
    return state["price"] + move, queue, pressure, mean_flow, move, buys - sells, held, reward


def test_a_step_by_another_program():
    game, moves, tried = FarBook(), 0, 60
    step = jax.jit(game.step)
    for seed in range(tried):
        generator = np.random.default_rng(seed)
        state = jax.tree.map(np.asarray, game.reset(jax.random.key(seed)))
        queue, held = generator.integers(1, 6, 2).astype(np.int32), generator.integers(-3, 4, 1).astype(np.int32)
        state = state._replace(queue=queue, held=held, mean_flow=np.float32(0.4), time=np.int32(199 - seed % 2))
        key, action = jax.random.key(1000 + seed), int(generator.integers(3))
        after, outcome = step(key, state, jnp.array([action], jnp.int32))
        before = state._asdict() | {"held": int(held[0])}
        *shared, wanted_held, reward = by_hand(before, action, np.asarray(jax.random.bits(key, (farbook.WORDS,))))
        found = [after.price, after.queue, after.pressure, after.mean_flow, after.move, after.flow]
        for mine, theirs in zip(found, shared, strict=True):
            np.testing.assert_allclose(mine, theirs, atol=3e-4)  # the steps are scaled to variance 1
        assert int(after.held[0]) == wanted_held
        assert float(outcome.reward[0]) == pytest.approx(reward)
        assert bool(outcome.terminated) == (state.time == 199)
        moves += int(after.move != 0)
    assert 10 < moves < tried - 10


@settings(max_examples=6)
@given(seed=st.integers(0, 2**31 - 1), scale=st.sampled_from([0.1, 3.0, 100.0]))
def test_no_adversary_touches_the_core(silent, seed, scale):
    """The same keys and actions give the same market, bit for bit, and not one lot of the adversary is executed."""
    found = play(FarBook(talker=loud(seed, scale=scale)), RANDOM, jax.random.key(0), EPISODES)
    for name in CORE:
        np.testing.assert_array_equal(getattr(found.state, name), getattr(silent.state, name), name)
    np.testing.assert_array_equal(found.reward, silent.reward)
    np.testing.assert_array_equal(found.obs[..., : farbook.CORE], silent.obs[..., : farbook.CORE])
    assert not np.asarray(found.next_state.fills).any()
    far = np.asarray(found.obs[..., farbook.CORE :]) * farbook.SHOWN - 5.0
    np.testing.assert_allclose(far, far.round(), atol=1e-4)
    assert far.min() > -1e-4
    assert far.max() < 20 + 1e-4
    assert far.std() > 0.1


def test_bounds(silent):
    state = silent.next_state
    assert set(np.unique(state.queue)) <= set(range(1, 21))
    assert state.queue.max() > 10
    assert set(np.unique(state.move)) == {-1, 0, 1}
    assert np.abs(state.held).max() == 3
    assert (np.diff(state.price, axis=0) == state.move[1:]).all()
    drawn = state.queue[state.move != 0]
    assert drawn.max() == 10
    assert (silent.obs[..., farbook.CORE :] == 5.0 / farbook.SHOWN).all()  # the silent channel
    assert silent.obs.shape[-1] == 16
    assert not silent.truncated.any()


def test_rates(silent):
    """Buys less sells have mean 0 and the pressure variance 1, each within 4 standard errors over episodes."""
    flow = silent.next_state.flow.mean(0)
    assert abs(flow.mean()) < 4 * flow.std() / EPISODES**0.5
    square = (silent.next_state.pressure**2).mean(0)
    assert abs(square.mean() - 1) < 4 * square.std() / EPISODES**0.5


MEASURED = {  # mean and standard error over 512 episodes, by an earlier program of the same rules
    "trade-at-random": (-51.8, 0.7),
    "holder": (0.0, 0.0),
    "buyer": (-0.2, 1.3),
    "imbalance-trader": (17.4, 0.7),
    "flow-trader": (23.2, 0.9),
}


@pytest.mark.parametrize("name", MEASURED)
def test_what_simple_traders_earn(name):
    gained = np.asarray(play(FarBook(), params(name), jax.random.key(1), EPISODES).gained)[-1, :, 0]
    mean, error = MEASURED[name]
    assert abs(gained.mean() - mean) <= 3 * (error**2 + gained.var() / EPISODES) ** 0.5
    assert set(MEASURED) == set(TRADERS)


def test_traders_read_their_column_alone():
    act = jax.jit(
        lambda params, obs: jnp.exp(
            traders.RULE.act(jax.random.key(0), params, (), obs, EVERYTHING, EVERYTHING)[2].log_probs
        )
    )
    for name, column, threshold in (("imbalance-trader", 2, 0.5), ("flow-trader", 5, 0.1)):
        for signal, wanted in ((threshold + 0.01, 2), (threshold - 0.01, 1), (-threshold - 0.01, 0)):
            obs = 9.0 * jnp.ones(16).at[column].set(signal / 9)
            assert int(act(params(name), obs).argmax()) == wanted
    np.testing.assert_allclose(act(RANDOM, jnp.ones(16)), 1 / 3, atol=1e-6)
    with pytest.raises(Misfit, match="traders play farbook, not Commons"):
        load("player", TRADERS, "buyer").seated(games.make("commons"), (0,))


def test_a_sweep_executes_what_lies_in_its_way():
    """A rise of 10 ticks takes asks 6, 7, 8 and 9 ticks off, which lose 3.5, 2.5, 1.5 and 0.5 ticks a lot."""

    class Fixed(Loud):
        def __call__(self, public):
            return self["lots"]

    jax.tree_util.register_pytree_node(Fixed, lambda t: ((t["lots"],), None), lambda _, x: Fixed(lots=x[0]))
    lots = np.array([20, 0, 0, 0, 4, 3, 2, 1])
    game = FarBook(talker=Fixed(lots=jnp.asarray(np.arctanh((lots - 10) / 10.001), jnp.float32)))
    state = game.reset(jax.random.key(0))
    np.testing.assert_array_equal(game.placed(state), lots)
    executed = jax.jit(game.executed)
    assert [float(x) for x in executed(state, jnp.int32(10))] == [10.0, 4 * 3.5 + 3 * 2.5 + 2 * 1.5 + 0.5]
    assert [float(x) for x in executed(state, jnp.int32(-7))] == [20.0, 20 * 0.5]
    assert [float(x) for x in executed(state, jnp.int32(6))] == [0.0, 0.0]
    swept = dataclasses.replace(game, sweep=0.05)
    found = play(swept, RANDOM, jax.random.key(0), 32)
    big = np.abs(np.asarray(found.next_state.move)) > 1
    assert abs(big.mean() - 0.05) < 4 * (0.05 * 0.95 / big.size) ** 0.5
    fills = np.asarray(found.next_state.fills)[-1]
    falls, rises = ((np.asarray(found.next_state.move) == move).sum(0) for move in (-10, 10))
    np.testing.assert_allclose(fills, 20 * falls + 10 * rises)


def test_others_far_orders_wander_or_are_replayed(silent):
    wandering = play(FarBook(wander=1.0), RANDOM, jax.random.key(0), EPISODES)
    np.testing.assert_array_equal(wandering.reward, silent.reward)
    far = np.asarray(wandering.obs[..., farbook.CORE :]) * farbook.SHOWN
    assert far[0].std() == 0
    assert abs(np.diff(far, axis=0).std() - 1.0) < 0.1  # but for the pull, and what is cut off at 0
    rows = np.arange(24.0, dtype=np.float32).reshape(3, 8) / 4
    replayed = np.asarray(play(FarBook(replayed=rows), RANDOM, jax.random.key(0), 8).obs[..., farbook.CORE :])
    first = (replayed[0, :, 0, 0] * farbook.SHOWN * 4).round().astype(int) // 8
    for time in (0, 1, 2, 50):
        np.testing.assert_allclose(replayed[time, :, 0] * farbook.SHOWN, rows[(first + time) % 3], atol=1e-5)


def test_several_traders_share_the_book():
    game = FarBook(num_players=5, goals=True)
    state = game.reset(jax.random.key(0))._replace(queue=jnp.array([20, 20], jnp.int32))
    after, outcome = jax.jit(game.step)(jax.random.key(1), state, jnp.array([2, 2, 2, 0, 1], jnp.int32))
    alone, _ = jax.jit(FarBook().step)(
        jax.random.key(1), state._replace(held=jnp.zeros(1, jnp.int32)), jnp.array([1], jnp.int32)
    )
    np.testing.assert_array_equal(alone.queue - after.queue, [1, 3])  # one sold, three bought
    np.testing.assert_array_equal(outcome.reward, [-0.5, -0.5, -0.5, -0.5, 0.0])
    assert abs(float(state.goal)) == 1
    assert float(game.measure(after)["goal_gain"]) == float(after.goal * after.price)


def test_what_the_adversary_sees():
    state = FarBook().reset(jax.random.key(0))._replace(held=jnp.array([2], jnp.int32), goal=jnp.float32(-1))
    core = np.asarray(FarBook().observe(state))[0, : farbook.CORE]
    seen = np.asarray(FarBook().public(state))
    np.testing.assert_allclose(seen, [*core[:6], core[7], -1])
    np.testing.assert_allclose(FarBook(informed=True).public(state), [*seen, 2 / 3])
