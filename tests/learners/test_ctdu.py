"""Cheap talk discovery and utilization: losses by hand, what crosses the line, and mazes small enough to be solved."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games, loops
from tacit.errors import Misfit, SettingError
from tacit.evaluation import phone_booth
from tacit.games.phone_booth import DOWN, HINT_DOWN, HINT_UP, LEFT, MOVES, RECEIVER, RIGHT, SENDER, UP, WAIT
from tacit.learners import ctdu, ctdu_policy
from tacit.types import Action

SHORT = {"sender_room": 2, "sender_start": 0, "booths": (1, 1), "decoys": (), "receiver_room": 2, "receiver_start": 1}
GAME = games.make("phone-booth", messages=True, length=6, **SHORT)  # one step to each booth
SMALL = {"num_games": 4, "guided": 2, "hidden": 6, "updates": 2, "discovery": 1}
KEY = jax.random.key(3)


def drawn(scale=2.0):
    """Networks whose weights are larger than those that learning starts from."""
    net = ctdu_policy.drawn(KEY, GAME.spec, SMALL["hidden"])
    net = eqx.tree_at(lambda x: x.head[1].weight, net, net.head[1].weight.at[:, : len(MOVES)].mul(100))
    net = eqx.tree_at(lambda x: x.head[0].bias, net, 1 + net.head[0].bias)  # so that no unit of few is always silent
    return jax.tree.map(lambda leaf: scale * leaf, net)


@functools.partial(jax.jit, static_argnames=("uses", "executes"))
def played(config, net, uses=False, executes=False, moves=None, levels=None, game=GAME):
    levels = jnp.arange(16) % 2 if levels is None else levels
    return ctdu.play(KEY, game, config, net, ctdu.stage_of(config, uses, executes), levels, moves)


def by_hand(step, judged, pay, most, discount=GAME.discount, decay=0.7):
    """Half the squared errors as a loop over games, players and steps."""
    batch = step.reward.shape[1]
    total = 0.0
    for b in range(batch):
        ends = np.asarray(step.terminated[:, b] | step.truncated[:, b])
        last = int(ends.argmax())
        for p in range(2):
            after = 0.0
            for t in range(last, -1, -1):
                ahead = 0.0 if t == last else min(float(judged.extras.values[t + 1, b, p].max()), most)
                after = pay(t, b, p) + discount * ((1 - decay) * ahead + decay * after)
                total += (after - float(step.extras.values[t, b, p, step.action.move[t, b, p]])) ** 2 / 2
    return total / batch / 2


def of_discovery(step, game, config):
    """What discovery pays, and the information that hints carry, in words of the maze."""
    full = float(np.log2(7) - 5 / 7 * np.log2(5))  # bits of seven equal moves of which five cannot be told apart

    def joined(t, b):
        return tuple(step.state.place[t, b, SENDER]) == (1, 1) and tuple(step.state.place[t, b, RECEIVER]) == (0, 1)

    def pay(t, b, p):
        left = bool(step.next_state.place[t, b, RECEIVER, 1] != 1)
        real = 0.25 * left if p == RECEIVER else float(step.reward[t, b, p])
        return real + config.beta * full * joined(t, b)

    information = 0.0
    for b in range(step.reward.shape[1]):
        for t in range(step.reward.shape[0]):
            if joined(t, b):
                probs = np.asarray(step.extras.probs[t, b, SENDER])
                three = np.array([probs[HINT_UP], probs[HINT_DOWN], 1 - probs[HINT_UP] - probs[HINT_DOWN]])
                information -= float((three[three > 0] * np.log2(three[three > 0])).sum())
            if step.terminated[t, b] or step.truncated[t, b]:
                break
    return pay, information / step.reward.shape[1]


@functools.cache
def episodes():
    """Networks, slower ones, settings, and episodes in which much happens."""
    config = ctdu.Config(**SMALL | {"num_games": 16, "temperature": 2.0, "kappa": 0.7, "beta": 1.5, "decay": 0.7})
    net = drawn()
    return config, net, jax.tree.map(lambda leaf: 0.5 * leaf, net)


@pytest.mark.long
def test_the_loss_of_discovery_is_that_of_a_loop_over_steps():
    config, net, slow = episodes()
    found, step = jax.jit(ctdu.discovery_loss)(net, slow, KEY, GAME, config)
    judged = again(config, slow, step, (3, 1))
    pay, information = of_discovery(step, GAME, config)
    assert step.terminated.any()
    assert information > 0
    expected = by_hand(step, judged, pay, np.inf, decay=0.0) - config.kappa * information
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def again(config, net, step, split, uses=False):
    """The same episodes as another network goes through them, by the key that the loss has for them: (of, which)."""
    key = jax.random.split(KEY, split[0])[split[1]]
    stage = ctdu.stage_of(config, uses)
    return jax.jit(ctdu.play)(key, GAME, config, net, stage, step.state.exit[0], step.action.move)


@pytest.mark.long
def test_the_loss_of_utilization_is_that_of_a_loop_over_steps():
    config, net, slow = episodes()
    config = ctdu.Config(**SMALL | {"num_games": 16, "guided": 9, "decay": 0.7})
    found, step = jax.jit(ctdu.utilization_loss)(net, slow, KEY, GAME, config, net)
    judged = again(config, slow, step, (2, 1), uses=True)
    expected = by_hand(step, judged, lambda t, b, p: float(step.reward[t, b, p]), 1.0)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_a_receiver_cannot_profit_from_what_it_cannot_know():
    """Exits pay a quarter to a receiver that supposes either; the sender, who sees the exit, learns what they pay."""
    start = GAME.reset(KEY, jnp.int32(1))
    pay = jax.jit(lambda move: ctdu.fictitious(GAME, start, Action(jnp.array([WAIT, move]), jnp.zeros((2, 1)))))
    np.testing.assert_allclose([pay(move) for move in (UP, DOWN, LEFT)], [[-0.5, 0.25], [1, 0.25], [0, 0]])


@pytest.mark.parametrize(("pays", "expected"), [("information", 1.1488), ("booths", 1.0)])
def test_what_discovery_pays_for(pays, expected):
    config = ctdu.Config(pays=pays)
    start = GAME.reset(KEY, jnp.int32(0))
    for place, due in ((((1, 1), (0, 1)), expected), (((0, 1), (0, 1)), 0.0), (((1, 1), (1, 1)), 0.0)):
        there = start._replace(place=jnp.array(place, jnp.int32))
        np.testing.assert_allclose(ctdu.bonus(KEY, GAME, there, config), due, atol=6e-5)


@pytest.mark.long
def test_a_draw_of_what_booths_lose_pays_one_of_three_sums():
    lossy = games.make("phone-booth", loss=(0.5,), messages=True, **SHORT)
    there = lossy.reset(KEY, jnp.int32(0))._replace(place=jnp.array([(1, 1), (0, 1)], jnp.int32))
    pay = jax.vmap(lambda key, config: ctdu.bonus(key, lossy, there, config), (0, None))
    keys = jax.random.split(KEY, 100)
    np.testing.assert_allclose(pay(keys, ctdu.Config()), 0.4488, atol=6e-5)  # by expectation
    drawn = pay(keys, ctdu.Config(sampled=True))
    known = np.array([0.0, 0.5917, 1.1488])
    which = np.abs(np.asarray(drawn)[:, None] - known[None]).argmin(1)
    np.testing.assert_allclose(drawn, known[which], atol=6e-5)
    assert set(which) == {0, 1, 2}


TELL = jnp.tile(jnp.array([[RIGHT, LEFT], [HINT_UP, WAIT], [WAIT, RIGHT], [WAIT, UP], *[[WAIT, WAIT]] * 2])[:, None],
                (1, 2, 1))  # fmt: skip


def guess_says(net, config, uses):
    """What the receiver thinks of leaving after it has heard something."""
    return played(config, net, uses, moves=TELL, levels=jnp.arange(2)).extras.values[3, :, RECEIVER].sum()


LONG = pytest.mark.long
CROSSING = [
    (True, True, True),
    pytest.param(True, False, False, marks=LONG),
    pytest.param(False, True, False, marks=LONG),
]


@pytest.mark.parametrize(("uses", "dial", "crosses"), CROSSING)
def test_only_utilization_with_dial_lets_errors_cross(uses, dial, crosses):
    gradient = jax.jit(jax.grad(guess_says), static_argnums=2)(drawn(), ctdu.Config(**SMALL, dial=dial), uses)
    sender = [np.asarray(leaf[SENDER]) for leaf in jax.tree.leaves(gradient)]
    assert any(leaf.any() for leaf in sender) == crosses
    assert any(np.asarray(leaf[RECEIVER]).any() for leaf in jax.tree.leaves(gradient))
    np.testing.assert_array_equal(gradient.head[1].weight[SENDER, : len(MOVES)], 0.0)  # of the message alone


@pytest.mark.long
def test_the_gradient_that_crosses_is_that_of_finite_differences(x64):
    config, net = ctdu.Config(**SMALL), drawn()
    gradient = jax.jit(jax.grad(guess_says), static_argnums=2)(net, config, True).head[1].weight[SENDER, len(MOVES)]
    for unit in range(6):

        def moved(by, unit=unit):
            bent = net.head[1].weight.at[SENDER, len(MOVES), unit].add(by)
            return guess_says(eqx.tree_at(lambda x: x.head[1].weight, net, bent), config, True)

        np.testing.assert_allclose(gradient[unit], (moved(1e-5) - moved(-1e-5)) / 2e-5, rtol=1e-5, atol=1e-7)


def test_what_is_said_is_the_hint_or_the_network_s_own():
    net, moves = drawn(), TELL.at[1, :, SENDER].set(jnp.array([HINT_UP, HINT_DOWN]))
    config = ctdu.Config(**SMALL)
    step = played(config, net, False, moves=moves, levels=jnp.arange(2))
    np.testing.assert_array_equal(step.next_state.message[1, :, 0], [0, 1])
    quiet = played(ctdu.Config(**SMALL, noise=0.0), net, True, moves=moves, levels=jnp.arange(2))
    said = quiet.extras.message[1, :, SENDER, 0]
    np.testing.assert_allclose(quiet.next_state.message[1, :, 0], 1 / (1 + np.exp(-said)), rtol=1e-6)
    bits = played(config, net, True, True, moves=moves, levels=jnp.arange(2))
    np.testing.assert_array_equal(bits.next_state.message[1, :, 0], bits.extras.message[1, :, SENDER, 0] > 0)


@pytest.mark.long
def test_given_moves_are_made_and_the_others_chosen():
    config, net = ctdu.Config(**SMALL | {"temperature": 5.0}), drawn()
    step = played(config, net)
    same = played(config, net, moves=step.action.move)
    jax.tree.map(np.testing.assert_array_equal, same, step)
    half = step.action.move.at[:, :8].set(ctdu.CHOOSE).at[:, 8:].set(WAIT)
    mixed = played(config, net, moves=half)
    np.testing.assert_array_equal(mixed.action.move[:, :8], step.action.move[:, :8])
    assert (mixed.action.move[:, 8:] == WAIT).all()


@pytest.mark.long
def test_exploration_is_what_it_should_be():
    config, net = ctdu.Config(**SMALL, use_temperature=1e-3, epsilon=0.35), drawn()
    step = played(config, net, True, levels=jnp.zeros(2000, jnp.int32))
    best = step.extras.values[0].argmax(-1)
    share = float((step.action.move[0] == best).mean())
    expected = 0.65 + 0.35 / 7
    assert abs(share - expected) < 4 * (expected * (1 - expected) / 4000) ** 0.5  # four standard errors
    soft = played(ctdu.Config(**SMALL, temperature=3.0, epsilon=0.2), net)
    mixed = 0.8 * jax.nn.softmax(soft.extras.values / 3.0) + 0.2 / 7
    np.testing.assert_allclose(soft.extras.probs, mixed, rtol=1e-5)
    greedy = played(config, net, True, True)
    np.testing.assert_array_equal(greedy.action.move, greedy.extras.values.argmax(-1))


def test_guided_episodes_begin_as_the_channel_was_found():
    """They make the moves of the scouts until the step at which something is heard, and all others are free."""
    config = ctdu.Config(**SMALL | {"num_games": 64, "guided": 48, "temperature": 5.0})
    scout, levels = drawn(), jnp.arange(64) % 2
    moves = np.asarray(jax.jit(ctdu.ways)(KEY, GAME, config, scout, levels))
    found = played(config, scout, levels=levels)
    hears = np.asarray(found.obs.received[:, :, RECEIVER, 0]) > 0
    assert hears[:, :48].any(0).any()
    assert not hears[:, :48].any(0).all()
    for b in range(64):
        until = 0 if b >= 48 else int(hears[:, b].argmax()) if hears[:, b].any() else 6
        np.testing.assert_array_equal(moves[:until, b], found.action.move[:until, b])
        assert (moves[until:, b] == ctdu.CHOOSE).all()
    guided = played(config, drawn(-2.0), True, moves=jnp.asarray(moves), levels=levels)
    first = np.arange(48)[hears[:, :48].any(0)]
    assert (np.asarray(guided.obs.received).argmax(0)[first, RECEIVER, 0] == hears.argmax(0)[first]).all()


# A maze of one step to each booth is found soon, whatever its players begin with.
QUICK = {"num_games": 16, "guided": 8, "hidden": 16, "lr": 3e-3, "updates": 25, "follow": 0.05}


@functools.cache
def runs(iterations=8, **changes):
    """The states after each iteration and the metrics of two seeds."""
    config = ctdu.Config(**QUICK | {"discovery": 6} | changes)
    size = {"iterations": iterations, "seeds": range(2)}
    pieces = loops.chunks(ctdu.make, GAME, config, **size, seconds=0.0)
    pairs = [(jax.tree.map(np.array, piece.state), piece.metrics) for piece in pieces]
    return config, [state for state, _ in pairs], [metrics for _, metrics in pairs[1:]]


@pytest.mark.long
def test_a_telephone_is_found():
    metrics = runs()[2]
    np.testing.assert_array_equal(metrics[5]["found"][0], 1)  # one step to the booth
    np.testing.assert_array_equal(metrics[5]["visits"][0], 6)  # and there the sender stays
    assert (metrics[5]["heard"] > 0.8).all()
    assert (metrics[0]["heard"] < 0.5).all()


@pytest.mark.long
def test_a_run_in_two_parts_is_the_run_in_one():
    """Cut in discovery, and gone on into utilization."""
    config, states, _ = runs()
    begun = jax.tree.map(jnp.asarray, states[4])
    rest = list(loops.chunks(ctdu.make, GAME, config, iterations=8, seeds=range(2), state=begun, done=4))
    jax.tree.map(np.testing.assert_array_equal, rest[-1].state, states[-1])


@pytest.mark.long
def test_stages_follow_each_other():
    config, states, _ = runs()
    for state in states[7:]:  # the scouts are those of the end of discovery
        jax.tree.map(np.testing.assert_array_equal, state.scout, states[6].slow)
    jax.tree.map(np.testing.assert_array_equal, states[6].net, states[0].net)  # what begins anew has waited
    assert not np.array_equal(states[7].net.inputs.weight, states[6].net.inputs.weight)
    for iteration, uses in ((6, False), (7, True)):
        state = jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), states[iteration])
        policies = ctdu.make(GAME, config).policy(state)
        assert [bool(params.stage.says) for _, params in policies] == [uses] * 2
        assert all(bool(params.stage.executes) for _, params in policies)


@pytest.mark.long
def test_a_telephone_is_used():
    """The receiver comes to leave by the exit that only the sender knows, which nobody can without a code.

    In one of two seeds at least: about one run in five ends where both leave by any exit (0.25).
    """
    metrics = runs(30, updates=100, discovery=5)[2]
    assert metrics[-1]["test"][0].max() == 1.0


@pytest.mark.long
def test_a_policy_can_be_written():
    learner = ctdu.make(GAME, ctdu.Config(**SMALL))
    state = learner.init(KEY)
    pairs = learner.policy(state)
    assert [int(params.seat.argmax()) for _, params in pairs] == [SENDER, RECEIVER]
    other = jax.tree.map(lambda leaf: leaf + 1, pairs[1][1])
    after = learner.policy(learner.with_params(state, RECEIVER, other))
    np.testing.assert_array_equal(after[RECEIVER][1].net.inputs.bias, other.net.inputs.bias)
    np.testing.assert_array_equal(after[SENDER][1].net.inputs.bias, pairs[0][1].net.inputs.bias)
    score = phone_booth.score(GAME, *zip(*pairs, strict=True))
    assert score.value in (-0.5, -0.25, 0.0, 0.25, 0.5, 1.0)


def test_other_games_and_other_rules_are_refused():
    with pytest.raises(Misfit, match="ctdu needs a phone booth maze, not LeverGame"):
        ctdu.make(games.make("levers"), ctdu.Config())
    with pytest.raises(Misfit, match="set messages of the game"):
        ctdu.make(games.make("phone-booth"), ctdu.Config())
    with pytest.raises(Misfit, match="cannot meet another rule"):
        ctdu.make(GAME, ctdu.Config(), (0,))
    with pytest.raises(SettingError, match="guided must be at most num_games, 32, got 33"):
        ctdu.Config(guided=33)
