"""Tables: each rule against a loop, what a symbol is, games with known answers, what each kind of memory shares."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tacit
from tacit import games
from tacit.errors import Misfit
from tacit.evaluation import immunity
from tacit.games.frozen_lake import CELLS, ICE, FrozenLake, plan
from tacit.learners import tables
from tacit.learners.tables import Config
from tacit.loops import episodes, per_player, player

RULES = ("q-learning", "sarsa", "monte-carlo", "policy-gradient")
LONG = [pytest.param(rule, marks=pytest.mark.long) for rule in RULES[1:]]  # like the others, and slow to compile
FEW = [RULES[0], *LONG]
LAKE = FrozenLake(anywhere=True, length=20, slip=0.3)


def by_hand(config, discount, table, played):
    """The rules once more, as loops over games and steps."""
    table = np.array(table, float)

    def chances(row):
        best = row == row.max()
        return config.epsilon / len(row) + (1 - config.epsilon) * best / best.sum()

    for b in range(played.reward.shape[1]):
        over = (played.terminated | played.truncated)[:, b]
        last = int(np.argmax(over))
        reward, action = played.reward[: last + 1, b], played.action[: last + 1, b]
        here, there = played.obs[: last + 1, b].argmax(1), played.next_obs[: last + 1, b].argmax(1)
        for t in range(last + 1):
            gain = sum(discount**k * reward[t + k] for k in range(last + 1 - t))
            row, after = table[here[t]], table[there[t]]
            if config.rule == "policy-gradient":
                soft = np.exp(row) / np.exp(row).sum()
                row += config.lr * gain * (np.eye(4)[action[t]] - soft)
                continue
            if config.rule == "sarsa":
                follows = after[action[t + 1]] if t < last else chances(after) @ after
            else:
                follows = after.max()
            dead = bool(played.terminated[t, b])
            target = gain if config.rule == "monte-carlo" else reward[t] + discount * (0 if dead else follows)
            row[action[t]] += config.lr * (target - row[action[t]])
    return table


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_against_a_loop(rule):
    config = Config(rule=rule, lr=0.3, num_games=40)
    learner = tables.make(LAKE, config)
    state = tables.State(jax.random.normal(jax.random.key(1), (1, CELLS, 4)))

    @jax.jit
    def both(key):
        policies, params = zip(*learner.policy(state), strict=True)
        carry, played = episodes(key, LAKE, policies, params, config.num_games)
        return learner.update(key, state, played, carry), per_player(played, (0,))

    (after, metrics), played = both(jax.random.key(3))
    wanted = by_hand(config, 0.99, state.table[0], jax.tree.map(np.asarray, player(0, played)))
    np.testing.assert_allclose(after.table[0], wanted, atol=2e-6)
    assert np.abs(after.table - state.table).max() > 0.01
    ended = played.terminated | played.truncated
    assert (np.asarray(ended[0, :-1]).any(0)).any()  # some games are over before the last step
    assert metrics["return"].shape == (1,)


@pytest.mark.parametrize("rule", FEW)
def test_probe_game(rule):
    """Which sign is shown is read from its place, and the action that matches it pays 1."""
    game = games.make("probe", kind="matched")
    config = Config(rule=rule, lr=1.0 if rule == "policy-gradient" else 0.2, epsilon=0.2, num_games=8)
    table = tacit.run(tables.make, game, config, iterations=60, every=60, seeds=2).state.table[:, 0]
    assert (np.asarray(table).argmax(2) == [1, 0]).all()  # row 0: a positive sign stands first
    if rule != "policy-gradient":
        np.testing.assert_allclose(np.asarray(table).max(2), 1.0, atol=0.01)


@pytest.mark.parametrize("rule", ["q-learning", LONG[0]])
def test_values_without_chance_are_exact(rule):
    """Without sliding or exploration a step size of 1 writes discount^(steps to the goal) along the way taken."""
    game = FrozenLake(anywhere=True, slip=0.0, length=60)
    config = Config(rule=rule, lr=1.0, epsilon=0.0, num_games=4)
    table = np.asarray(tacit.run(tables.make, game, config, iterations=400, every=400).state.table[0, 0])
    best = plan(game).best[list(ICE)]
    found = table.max(1)[list(ICE)]
    assert (found <= best + 1e-5).all()
    assert (found > 0).mean() > 0.9
    powers = np.log(found[found > 0]) / np.log(0.99)
    np.testing.assert_allclose(powers, powers.round(), atol=1e-2)


def test_policies_share_ties_and_explore():
    config = Config(epsilon=0.2)
    log_probs = functools.partial(tables.log_probs, config)
    legal = jnp.array([True, True, True, False])
    found = np.exp(log_probs(jnp.array([1.0, 1.0, 0.0, 5.0]), legal))
    np.testing.assert_allclose(found, [0.4 + 0.2 / 3, 0.4 + 0.2 / 3, 0.2 / 3, 0.0], atol=1e-6)
    greedy = dataclasses.replace(config, epsilon=0.0)
    np.testing.assert_allclose(np.exp(tables.log_probs(greedy, jnp.arange(4.0), legal)), [0, 0, 1, 0], atol=1e-6)


@functools.cache
def rows_of_all(memory, bits):
    """Rows and strengths of all symbols of 5 places and these bits."""
    config = Config(memory=memory, bits=bits, buckets=7)
    labels = np.arange(2**bits)
    tails = [[float(label >> (bits - 1 - i) & 1) for i in range(bits)] for label in labels]
    seen = jnp.array([[*np.eye(5)[place], *tail] for place in range(5) for tail in tails])
    found = jax.vmap(functools.partial(tables.sight, config))(seen)
    return np.asarray(found.row), np.asarray(found.strength), tables.rows(config, 5 + bits)


@pytest.mark.parametrize("bits", [0, 1, 3])
def test_symbols_are_told_apart(bits):
    row, strength, count = rows_of_all("table", bits)
    assert sorted(row[:, 0]) == list(range(count))
    assert (strength == 1).all()


def test_what_other_memories_share():
    row, strength, count = rows_of_all("linear", 2)
    assert count == 7
    np.testing.assert_array_equal(row[6], [1, 5, 6])  # place 1, bits 1 0
    np.testing.assert_array_equal(strength[6], [1, 1, 0])
    row, _, count = rows_of_all("hashed", 2)
    assert 1 < len(set(row[:, 0])) <= count == 7  # twenty symbols in seven rows
    row, strength, _ = rows_of_all("normalized", 2)
    np.testing.assert_array_equal(row[:, 0], np.repeat(np.arange(5), 4))
    np.testing.assert_allclose(strength[:4, 0], 1 / np.sqrt([1, 2, 2, 3]), rtol=1e-6)


SHORT = 40  # episodes
KEYS = jax.random.split(jax.random.key(5), 2)


@functools.cache
def without(rule):
    return jax.tree.map(np.asarray, immunity.alone(LAKE, Config(rule=rule, lr=0.5), KEYS, SHORT))


@pytest.mark.parametrize("rule", FEW)
@given(labels=st.lists(st.integers(0, 3), min_size=CELLS, max_size=CELLS))
def test_no_function_of_the_state_touches_a_table(rule, labels):
    """The theorem: visited rows hold what they hold without messages, bit for bit, and all others what they held."""
    labels = np.array([labels], np.int32)
    config = Config(rule=rule, lr=0.5, bits=immunity.BITS)
    told = jax.tree.map(np.asarray, immunity.talked_to(LAKE, config, KEYS, labels, SHORT, False))
    np.testing.assert_array_equal(told.returns[0], without(rule).returns)
    assert without(rule).returns.any()
    for label in range(immunity.LABELS):
        own = labels[0] == label
        np.testing.assert_array_equal(told.last[0, :, label][:, own], without(rule).last[:, 0][:, own])
        assert not told.last[0, :, label][:, ~own].any()


OTHERS = [
    pytest.param(how, marks=pytest.mark.long) for how in ("hashed", "normalized", "rows differ at first", "noise")
]


@pytest.mark.parametrize("how", ["linear", *OTHERS])
def test_the_comparison_can_fail(how):
    config = Config(lr=0.1, init_std=0.1 if how == "rows differ at first" else 0.0)
    config = dataclasses.replace(config, memory=how) if how in ("linear", "hashed", "normalized") else config
    found = immunity.influence(LAKE, config, immunity.functions(2, 0), 1, 0, SHORT, how == "noise")
    assert found.values > 0.01
    if how != "rows differ at first":
        assert found.others > 0.001


def test_an_interrupted_run_goes_on_bit_for_bit():
    learner = tables.make(LAKE, Config(rule="sarsa"))
    step = jax.jit(learner.step)
    state = learner.init(jax.random.key(0))
    keys = jax.random.split(jax.random.key(1), 6)
    for key in keys:
        state, _ = step(key, state)
    again = learner.init(jax.random.key(0))
    for key in keys[:3]:
        again, _ = step(key, again)
    again = tables.State(jnp.asarray(np.array(again.table)))
    for key in keys[3:]:
        again, _ = step(key, again)
    np.testing.assert_array_equal(state.table, again.table)


def test_games_that_do_not_fit():
    with pytest.raises(Misfit, match="tables was told of 64 bits, and all that is seen are 64 numbers"):
        tables.make(FrozenLake(), Config(bits=64))
    with pytest.raises(Misfit, match="tables needs a vector to see"):
        tables.make(games.make("coin-mfos", layout="planes"), Config())
