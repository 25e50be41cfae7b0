"""DIAL and RIAL: what crosses the channel and what does not, the loss by hand, a game in which one bit must be sent."""

import functools
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games, loops, nets
from tacit.errors import Misfit
from tacit.evaluation.play import play
from tacit.games.base import Game, settle
from tacit.games.channel import SILENCE, Heard, deliver, heard_space
from tacit.learners import dial
from tacit.nets_speaker import CNet, Form
from tacit.settings import setting
from tacit.types import Action, Bits, Discrete, Real, Spec

TELLER, GUESSER = 0, 1
SMALL = {"num_games": 4, "hidden": 6, "updates": 2, "tests": 4}
KEY = jax.random.key(5)


class WhisperState(NamedTuple):
    sign: jax.Array
    message: jax.Array  # of the teller
    time: jax.Array
    terminated: jax.Array
    truncated: jax.Array


class Whisper(Game):
    """One player sees a sign and may whisper; at the second step the other guesses it. Known values: 1, or 0 if deaf.

    Only the teller may whisper (at the second step to nobody), and only the guesser choose. Episodes end a step before
    the longest that is promised.
    """

    talk: bool = setting(True, "the guesser hears")
    discount: float = setting(1.0, "weight of the next step", low=0.0, high=1.0)

    @property
    def spec(self) -> Spec:
        return Spec(2, heard_space(Real((1,), -1.0, 1.0), 1), Action(Discrete(2), Bits(1)), 3, (-1.0, 1.0))

    def sample_level(self, key):
        return jax.random.rademacher(key, (), float)

    def all_levels(self):
        return jnp.array([-1.0, 1.0])

    def reset(self, key, level=None):
        sign = self.sample_level(key) if level is None else level
        return WhisperState(sign, jnp.full((1,), SILENCE), jnp.int32(0), jnp.bool_(False), jnp.bool_(False))

    def observe(self, state):
        sign = jnp.where((jnp.arange(2) == TELLER) & (state.time == 0), state.sign, 0.0)
        hears = (jnp.arange(2) == GUESSER) & (state.time == 1) & self.talk
        return Heard(sign[:, None], *deliver(state.message[None], hears[:, None]))

    def legal(self, state):
        free = (jnp.arange(2) == GUESSER) & (state.time > 0)
        return Action(jnp.stack([jnp.ones(2, bool), free], 1), (jnp.arange(2) == TELLER)[:, None])

    def step(self, key, state, action):
        del key
        over = state.time + 1 >= 2
        guessed = 2.0 * action.move[GUESSER].astype(float) - 1.0
        reward = jnp.where(over, guessed * state.sign, 0.0)
        new = WhisperState(state.sign, action.message[TELLER], state.time + 1, over, jnp.bool_(False))
        return settle(state, new, jnp.broadcast_to(reward, (2,)))


GAME = Whisper()


def configured(rial, **changes):
    return (dial.RialConfig if rial else dial.Config)(**SMALL | changes)


def drawn(config, scale=1.0):
    """A network with weights larger than those that learning starts from, so that everything depends on everything."""
    net = dial.make(GAME, config).init(KEY).net
    return jax.tree.map(lambda leaf: scale * leaf, net)


@functools.partial(jax.jit, static_argnames=("num_games", "executes"))
def played(config, net, given=None, num_games=64, executes=False, game=GAME):
    return dial.play(jax.random.key(1), game, config, net, num_games, given, None, executes)


@pytest.mark.parametrize("rial", [False, True])
@pytest.mark.parametrize("shared", [False, True])
def test_the_network_that_judges_hears_what_it_should(rial, shared):
    """Being the same network and given the same moves, it says of everything what the other one said."""
    config = configured(rial, shared=shared)
    net = drawn(config, 3.0)
    step = played(config, net)
    again = played(config, net, step.action if rial else Action(step.action.move, None))
    jax.tree.map(np.testing.assert_array_equal, again, step)
    other = jax.tree.map(lambda leaf: -leaf, net)
    judged = played(config, other, step.action if rial else Action(step.action.move, None))
    same = np.asarray(judged.action.message) == np.asarray(step.action.message)
    assert same.all() if rial else not same.any()  # only where messages are actions are they repeated


def guesser_says(net, config, game=GAME):
    """What the guesser thinks of its moves at the second step, summed over games."""
    return played(config, net, game=game).extras.move[1, :, GUESSER].sum()


def test_the_gradient_crosses_to_the_sender_and_is_that_of_finite_differences(x64):
    config = configured(False, shared=False)
    net = drawn(config, 2.0)
    sender = jax.tree.map(lambda leaf: leaf[TELLER], jax.jit(jax.grad(guesser_says))(net, config))
    weight = sender.head[1].weight
    np.testing.assert_array_equal(weight[:2], 0.0)  # values of its moves are nobody else's business
    assert (np.abs(weight[2]) > 1e-3).sum() > 1  # of the units that are not rectified
    assert max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(sender.memory)) > 1e-4
    for unit in range(6):

        def moved(by, unit=unit):
            bent = net.head[1].weight.at[TELLER, 2, unit].add(by)
            return guesser_says(eqx.tree_at(lambda x: x.head[1].weight, net, bent), config)

        difference = (moved(1e-5) - moved(-1e-5)) / 2e-5  # its error is of the order of 1e-10, and of rounding 1e-9
        np.testing.assert_allclose(weight[2, unit], difference, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("rial", "talk"), [(True, True), (False, False)])
def test_nothing_crosses_where_messages_are_actions_or_nobody_hears(rial, talk):
    config = configured(rial, shared=False)
    gradient = jax.jit(jax.grad(guesser_says))(drawn(config, 2.0), config, Whisper(talk=talk))
    assert all(not np.asarray(leaf[TELLER]).any() for leaf in jax.tree.leaves(gradient))
    assert any(np.asarray(leaf[GUESSER]).any() for leaf in jax.tree.leaves(gradient))


def test_messages_are_noisy_while_players_learn_and_bits_when_they_execute():
    net = drawn(configured(False), 3.0)
    games = 4096
    quiet = played(configured(False, noise=0.0), net, num_games=games)
    said, sent = quiet.extras.message[0, :, TELLER], quiet.action.message[0, :, TELLER]
    np.testing.assert_allclose(sent, 1 / (1 + np.exp(-said)), rtol=1e-6)
    loud = played(configured(False, noise=1.5), net, num_games=games)
    np.testing.assert_array_equal(loud.extras.message[0], quiet.extras.message[0])  # noise is not the network's
    noise = (np.log(loud.action.message) - np.log1p(-loud.action.message) - loud.extras.message)[0]
    # four standard errors of a mean and of a standard deviation over all messages
    assert abs(noise.mean()) < 4 * 1.5 / np.sqrt(noise.size)
    assert abs(noise.std() - 1.5) < 4 * 1.5 / np.sqrt(2 * noise.size)
    step = played(configured(False), net, executes=True)
    np.testing.assert_array_equal(step.action.message, step.extras.message > 0)


def by_hand(step, judged, discount, rial):
    """The loss as a loop over games, players and steps."""
    total, (_, games, players) = 0.0, step.reward.shape
    for b in range(games):
        for p in range(players):
            for t in range(step.reward.shape[0]):
                if t and step.terminated[t - 1, b]:
                    break
                ahead = 0.0
                if not step.terminated[t, b]:
                    legal = np.asarray(step.legal.move[t + 1, b, p])
                    ahead = np.max(np.asarray(judged.extras.move[t + 1, b, p])[legal])
                    if rial and step.legal.message[t + 1, b, p, 0]:
                        ahead = (ahead + np.max(judged.extras.message[t + 1, b, p])) / 2
                target = step.reward[t, b, p] + discount * ahead
                total += (target - step.extras.move[t, b, p, step.action.move[t, b, p]]) ** 2 / 2
                if rial and step.legal.message[t, b, p, 0]:
                    sent = int(step.action.message[t, b, p, 0])
                    total += (target - step.extras.message[t, b, p, sent]) ** 2 / 2
    return total / games / players


@pytest.mark.parametrize("rial", [False, True])
def test_the_loss_is_that_of_a_loop_over_steps(rial):
    game, config = Whisper(discount=0.9), configured(rial, num_games=8)
    net = drawn(config, 2.0)
    slow = jax.tree.map(lambda leaf: 0.5 * leaf, net)
    found, step = jax.jit(dial.loss)(net, slow, jax.random.key(1), game, config)
    given = step.action if rial else Action(step.action.move, None)
    judged = played(config, slow, given, num_games=8)
    np.testing.assert_allclose(found, by_hand(step, judged, 0.9, rial), rtol=1e-5)


@pytest.mark.parametrize("rial", [False, True])
def test_nobody_does_what_is_not_allowed_and_exploration_is_fair(rial):
    config = configured(rial, epsilon=1.0)
    step = played(config, drawn(config), num_games=4096)
    taken = np.eye(2, dtype=bool)[np.asarray(step.action.move)]
    assert not (taken & ~np.asarray(step.legal.move)).any()
    free = np.asarray(step.action.move)[1, :, GUESSER]
    assert abs(free.mean() - 0.5) < 4 * 0.5 / np.sqrt(free.size)  # four standard errors
    if rial:
        assert abs(float(step.action.message[0, :, TELLER].mean()) - 0.5) < 4 * 0.5 / np.sqrt(free.size)


def test_a_view_goes_through_layers_of_its_own_and_the_rest_past_them():
    """As if the rest of the network were told of what comes out of them in place of the view."""
    seen, hidden = 4, 3  # a view of three numbers, and whether a message came
    form = Form(players=2, moves=2, bits=1, heard=1, rial=False, hidden=hidden, layers=1)
    deep = nets.drawn(KEY, CNet(seen, form._replace(view_layers=2)))
    assert [layer.weight.shape for layer in deep.view] == [(3, 3), (3, 3)]
    deep = jax.tree.map(lambda leaf: leaf + 0.1, deep)  # biases too
    told, heard, memory = jnp.arange(1.0, 10.0) / 5, jnp.array([0.25]), jnp.full((1, hidden), 0.5)
    x = np.asarray(told[:3])
    for layer in deep.view:
        x = np.maximum(np.asarray(layer.weight) @ x + np.asarray(layer.bias), 0.0)
    assert 0 < (x > 0).sum() < hidden  # some are rectified
    plain = eqx.tree_at(lambda net: net.view, deep, ())
    expected = plain(jnp.concatenate([x, told[3:]]), heard, memory)
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-5), deep(told, heard, memory), expected)
    assert len(jax.tree.leaves(nets.drawn(KEY, CNet(seen, form)))) == len(jax.tree.leaves(deep)) - 4


def test_tests_are_of_what_was_held_out():
    """On images that were not drawn while players learned: their test is such play, in bits, with the same key."""
    game, config = games.make("color-digit"), configured(False, tests=32, updates=1, view_layers=1)
    learner = dial.make(game, config)
    state, metrics = jax.jit(learner.step)(KEY, learner.init(KEY))
    key, count = jax.random.split(KEY)[1], config.tests
    again = jax.jit(lambda net, exam: dial.play(key, exam, config, net, count, executes=True))
    np.testing.assert_array_equal(metrics["test"], again(state.net, game.held_out).gained[-1].mean(0))


def test_every_message_has_a_number():
    for number in range(8):
        bits = dial.as_bits(jnp.int32(number), 3)
        assert [int(bit) for bit in bits] == [int(digit) for digit in reversed(f"{number:03b}")]
        assert int(dial.number_of(bits)) == number


# Where messages are actions, players must stumble on a code; some runs do not, and it takes longer.
SOLVING = {False: {"epsilon": 0.05}, True: {"epsilon": 0.3}}
ITERATIONS, SEEDS = {False: 12, True: 24}, {False: 2, True: 4}


def runs(rial, game=GAME, **changes):
    """The states after each iteration, and the last test, `[S]`."""
    asked = {"num_games": 32, "hidden": 16, "lr": 3e-3, "updates": 50, "sync": 100}
    config = configured(rial, **asked | SOLVING[rial] | changes)
    size = {"iterations": ITERATIONS[rial], "seeds": range(SEEDS[rial])}
    pieces = loops.chunks(dial.make, game, config, **size, seconds=0.0)
    states = [(jax.tree.map(np.array, piece.state), piece.metrics.get("test")) for piece in pieces]
    return config, [state for state, _ in states], states[-1][1][0, :, 0]


@functools.cache
def solved(rial):
    return runs(rial)


def understood(config, states, test):
    """In how many seeds the guesser always knows; there the bit is the sign, or its opposite."""
    assert set(test) <= {-1.0, 0.0, 1.0}
    result = loops.Result(dial.make, GAME, config, states[-1], {})
    heard = play(result, lambda step: (step.state.sign[0], step.action.message[0, :, TELLER, 0]), 16)
    for sign, bit in ((s, b) for s, b, knows in zip(*heard, test, strict=True) if knows == 1.0):
        assert len({(float(s), float(b)) for s, b in zip(sign, bit, strict=True)}) == 2
        assert set(np.unique(bit)) == {0.0, 1.0}
    return int((test == 1.0).sum())


BOTH = [False, pytest.param(True, marks=pytest.mark.long)]


@pytest.mark.parametrize("rial", BOTH)
def test_one_bit_is_sent_and_understood(rial):
    assert understood(*solved(rial)) >= (SEEDS[rial] // 2 if rial else SEEDS[rial])


@pytest.mark.long
@pytest.mark.parametrize("rial", [False, True])
def test_one_bit_is_understood_by_players_with_networks_of_their_own(rial):
    assert understood(*runs(rial, shared=False)) >= (1 if rial else SEEDS[rial])


@pytest.mark.long
@pytest.mark.parametrize("rial", [False, True])
def test_without_communication_nothing_is_gained(rial):
    np.testing.assert_array_equal(runs(rial, Whisper(talk=False))[2], 0.0)


@pytest.mark.parametrize("rial", BOTH)
def test_a_run_in_two_parts_is_the_run_in_one(rial):
    config, states, _ = solved(rial)
    begun, size = jax.tree.map(jnp.asarray, states[5]), {"iterations": ITERATIONS[rial], "seeds": range(SEEDS[rial])}
    rest = list(loops.chunks(dial.make, GAME, config, **size, state=begun, done=5))
    jax.tree.map(np.testing.assert_array_equal, rest[-1].state, states[-1])


def test_the_slow_network_is_copied_every_so_often():
    """Every hundred updates, at their beginning, and an iteration has fifty."""
    states = solved(False)[1]
    for i, state in enumerate(states[1:], 1):
        copied = states[(i - 1) // 2 * 2].net
        jax.tree.map(np.testing.assert_array_equal, state.slow, copied)


def test_policies_execute_and_can_be_written():
    for shared in (True, False):
        learner = dial.make(GAME, configured(False, shared=shared))
        state = learner.init(KEY)
        policies = learner.policy(state)
        assert [int(params.seat.argmax()) for _, params in policies] == [0, 1]
        assert all(bool(params.executes) and float(params.epsilon) == 0.0 for _, params in policies)
        other = jax.tree.map(lambda leaf: leaf + 1, policies[1][1])
        after = learner.policy(learner.with_params(state, 1, other))
        np.testing.assert_array_equal(after[1][1].net.inputs.bias, other.net.inputs.bias)
        unchanged = np.array_equal(after[0][1].net.inputs.bias, policies[0][1].net.inputs.bias)
        assert unchanged == (not shared)


def test_games_without_messages_and_other_rules_are_refused():
    with pytest.raises(Misfit, match=r"rial needs players who choose one of several moves and send bits"):
        dial.make(games.make("ipd"), dial.RialConfig())
    with pytest.raises(Misfit, match="cannot meet another rule"):
        dial.make(GAME, dial.Config(), (0,))

    class Deaf(Whisper):
        @property
        def spec(self) -> Spec:
            return super().spec._replace(observation=Real((2,), 0.0, 1.0))

    with pytest.raises(Misfit, match="dial needs players who hear what was sent to them"):
        dial.make(Deaf(), dial.Config())
