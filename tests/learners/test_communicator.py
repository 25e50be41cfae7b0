"""Communicators: what crosses the line and what does not, who is heard how, replay against play, games with answers."""

import functools
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tacit
from tacit import games, loops
from tacit.errors import Misfit, SettingError
from tacit.evaluation.cross_play import cross_play, models_of
from tacit.evaluation.play import greedily
from tacit.evaluation.switch_riddle import oracle
from tacit.games.base import Game, settle
from tacit.learners import communicator
from tacit.nets_communicator import Player, drawn, number_of, policy_of, softmax_of, talks_in
from tacit.runs.experiment import Experiment, resolve
from tacit.settings import setting
from tacit.types import Action, Discrete, Real, Spec

RIDDLE = games.make("switch-riddle", talk=False)
SMALL = {"num_games": 4, "length": 9, "hidden": 6, "value": 4, "signature": 3, "minibatches": 2, "epochs": 1}
KINDS = {
    "mean": {},
    "attention": {"pool": "attention"},
    "gate": {"gate": True},
    "both": {"gate": True, "pool": "attention"},
    "none": {"pool": "none"},
}
PLAYERS, TIME, GAMES = 3, 4, 2
KEY = jax.random.key(4)


def made(**changes):
    config = communicator.Config(**SMALL | changes)
    return communicator.wired(RIDDLE, config), config


def form_and_net(kind, scale=3.0):
    """A network with weights larger than those that learning starts from, so that everything depends on everything."""
    game, config = made(**KINDS[kind])
    form = communicator.form_of(game.spec, config)
    return form, jax.tree.map(lambda leaf: scale * leaf, drawn(KEY, 3, form))


def batch_for(form, net, talks=True):
    """A window in the middle of an episode, which ends in game 1 after two steps; everybody talks, or nobody."""
    keys = jax.random.split(jax.random.key(7), 4)
    shape = (TIME, GAMES, PLAYERS)
    view = jax.random.normal(keys[0], (*shape, 3))
    move = jax.random.randint(keys[1], shape, 0, 2)
    number = 2 * move + talks if form.gate else move
    fresh = jnp.zeros((TIME, GAMES), bool).at[2, 1].set(True)
    legal = Action(jnp.ones((*shape, 2), bool), jnp.ones((*shape, 1), bool))
    noise = jax.random.normal(keys[2], (3, *shape))
    carry = jnp.tanh(jax.random.normal(keys[3], (1, GAMES, PLAYERS, form.hidden)))
    said = jax.vmap(lambda h: net.message(h, jnp.bool_(talks or not form.gate), form))(
        carry[0].reshape(-1, form.hidden)
    )
    said = said.reshape(1, GAMES, PLAYERS, form.width)
    return communicator.Batch(view, legal, fresh, number, 0.1 * noise[0] - 1, noise[1], noise[2], carry, said)


@functools.partial(jax.jit, static_argnums=(0, 3))
def heard_in(form, net, batch, listener):
    """How the log-probability of a listener's choices, by step, depends on what everybody first remembered."""

    def log_prob(carry, t):
        return communicator.replay(net, form, batch._replace(carry=carry)).log_prob[t, :, listener].sum()

    return jax.vmap(jax.grad(log_prob), (None, 0))(batch.carry, jnp.arange(TIME))[:, 0]  # [T, B, P, units]


EACH = [kind if kind in ("both", "none") else pytest.param(kind, marks=pytest.mark.long) for kind in KINDS]
ONE = [kind if kind == "both" else pytest.param(kind, marks=pytest.mark.long) for kind in KINDS]


@pytest.mark.parametrize("kind", EACH)
def test_what_a_listener_does_depends_on_what_others_remember_through_messages_alone(kind):
    form, net = form_and_net(kind)
    gradient = np.abs(heard_in(form, net, batch_for(form, net), 0)).sum(-1)  # [T, B, P]
    if kind == "none":
        np.testing.assert_array_equal(gradient[:, :, 1:], 0.0)
    else:
        # what is said is heard a step later, and by later steps of the same episode
        np.testing.assert_array_equal(gradient[0, :, 1:], 0.0)
        assert (gradient[1, :, 1:] > 0).all()
        assert (gradient[2:, 0, 1:] > 0).all()
    assert (gradient[:, 0, 0] > 0).all()
    np.testing.assert_array_equal(gradient[2:, 1], 0.0)


@pytest.mark.parametrize("kind", [pytest.param("gate", marks=pytest.mark.long), "both"])
def test_a_closed_gate_lets_nothing_through(kind):
    form, net = form_and_net(kind)
    gradient = np.asarray(heard_in(form, net, batch_for(form, net, talks=False), 0))
    np.testing.assert_array_equal(gradient[:, :, 1:], 0.0)
    # and what is then said and done is what players do who have no line at all
    deaf = form._replace(pool="none", value=0, signature=0)
    alone = eqx.tree_at(lambda x: (x.says, x.query, x.hears), net, (None, None, None), is_leaf=lambda x: x is None)
    batch = batch_for(form, net, talks=False)
    silent = communicator.replay(alone, deaf, batch._replace(said=batch.said[..., :1]))
    np.testing.assert_array_equal(communicator.replay(net, form, batch).log_prob, silent.log_prob)


@pytest.mark.parametrize("kind", [pytest.param("mean", marks=pytest.mark.long), "both"])
def test_the_gradient_of_the_loss_is_that_of_finite_differences(kind, x64):
    form, net = form_and_net(kind, 2.0)
    config, batch = made(**KINDS[kind])[1], batch_for(form, net)
    value = jax.jit(lambda net: communicator.loss(net, form, batch, config)[0])
    gradient = jax.jit(jax.grad(lambda net: communicator.loss(net, form, batch, config)[0]))(net)
    for name in ("says", "hears", *(("query",) if form.signature else ())):
        weight = getattr(gradient, name).weight
        assert np.abs(weight).max() > 1e-4  # through messages alone
        for row, column in ((0, 0), (1, 2), (2, 1)):

            def moved(by, name=name, row=row, column=column):
                bent = getattr(net, name).weight.at[row, column].add(by)
                return value(eqx.tree_at(lambda x: getattr(x, name).weight, net, bent))

            difference = (moved(1e-5) - moved(-1e-5)) / 2e-5  # its error is of the order of 1e-10, of rounding 1e-10
            np.testing.assert_allclose(weight[row, column], difference, rtol=1e-5, atol=1e-8)


messages = st.integers(0, 2**16).map(lambda seed: np.random.default_rng(seed).normal(size=(5, 8)))
sent = st.lists(st.booleans(), min_size=5, max_size=5)
orders = st.permutations(range(4))


@pytest.mark.parametrize("kind", ["mean", "attention"])
@given(numbers=messages, sent=sent, order=orders)
def test_it_does_not_matter_which_of_the_others_said_it(kind, numbers, sent, order):
    form, net = ring(kind)
    said = np.where(np.array(sent)[:, None], numbers, 0.0).astype(np.float32)[:, : form.width]
    said[:, 0] = sent
    shares, after = shares_and_memory(form, net, said)
    moved = np.concatenate([said[:1], said[1:][np.array(order)]])  # one's own stays in its place
    np.testing.assert_allclose(shares_and_memory(form, net, moved)[1], after, atol=1e-5)
    np.testing.assert_array_equal(np.asarray(shares)[~np.array(sent)], 0.0)
    if kind == "mean":
        np.testing.assert_allclose(shares, np.where(np.arange(5) > 0, np.array(sent) / 4, 0.0))
    else:
        np.testing.assert_allclose(np.sum(shares), float(any(sent)), rtol=1e-5)


@functools.cache
def ring(kind):
    """The form and the network of five players, each of whom sees two numbers."""
    form = form_and_net(kind)[0]._replace(players=5)
    return form, drawn(KEY, 2, form)


@functools.partial(jax.jit, static_argnums=0)
def shares_and_memory(form, net, said):
    """What the first player hears of whom, and what it remembers then."""
    seat, hidden = jnp.eye(5)[0], jnp.linspace(-1.0, 1.0, form.hidden)
    x = net.sees(jnp.array([0.5, -0.5]), seat)
    return net.shares(said, seat, hidden, form), net.remember(x, said, seat, hidden, form)


def test_attention_is_the_softmax_of_query_and_signatures():
    form, net = ring("attention")
    said = np.random.default_rng(0).normal(size=(5, form.width)).astype(np.float32)
    said[:, 0] = [1, 1, 0, 1, 1]
    hidden = np.linspace(-1.0, 1.0, form.hidden)
    query = np.asarray(net.query.weight) @ hidden + np.asarray(net.query.bias)
    weight = np.exp(said[:, 1 : 1 + form.signature] @ query / np.sqrt(form.signature)) * said[:, 0]
    np.testing.assert_allclose(shares_and_memory(form, net, said)[0], weight / weight.sum(), rtol=1e-4)


def test_a_softmax_over_nothing_is_nothing_and_has_derivatives():
    scores, nobody = jnp.array([1.0, 200.0, -3e38]), jnp.zeros(3, bool)
    np.testing.assert_array_equal(softmax_of(scores, nobody), 0.0)
    np.testing.assert_array_equal(jax.jacobian(softmax_of)(scores, nobody), 0.0)
    np.testing.assert_array_equal(softmax_of(scores, jnp.array([True, False, False])), [1.0, 0.0, 0.0])


@functools.cache
def begun(kind):
    """Three iterations of each kind, in which episodes end within windows and go on from one to the next."""
    game, config = made(**KINDS[kind])
    return tacit.run(communicator.make, game, config, iterations=3, seeds=2)


@pytest.mark.parametrize("kind", ONE)
def test_what_is_replayed_is_what_was_played(kind):
    metrics = begun(kind).metrics
    assert metrics["ratio_error"].max() <= 1e-5
    assert np.isfinite(metrics["return"]).all()  # episodes did end
    assert ("talks" in metrics) == (kind in ("gate", "both"))
    if "talks" in metrics:
        assert ((metrics["talks"] > 0.2) & (metrics["talks"] < 0.8)).all()  # 36 coins of each of three players


def test_a_run_in_two_parts_is_the_run_in_one():
    whole = begun("both")
    arguments = {"seeds": range(2), "seconds": 0.0}
    pieces = loops.chunks(communicator.make, whole.game, whole.config, iterations=2, **arguments)
    state = jax.tree.map(np.array, list(pieces)[-1].state)
    again = jax.tree.map(jnp.asarray, state)
    rest = loops.chunks(communicator.make, whole.game, whole.config, iterations=3, state=again, done=2, **arguments)
    jax.tree.map(np.testing.assert_array_equal, list(rest)[-1].state, whole.state)


@pytest.mark.parametrize("kind", ["mean", "gate"])
def test_choices_have_numbers(kind):
    form = form_and_net(kind)[0]
    for number in range(2 * (1 + form.gate)):
        move, talks = divmod(number, 2) if form.gate else (number, 1)
        assert int(number_of(Action(jnp.int32(move), jnp.array([float(talks), 9.0])), form)) == number
        assert bool(talks_in(jnp.int32(number), form)) == bool(talks)


@pytest.mark.parametrize("kind", [pytest.param("mean", marks=pytest.mark.long), "both"])
def test_a_policy_does_as_it_is_told_and_reports_how_likely_that_was(kind):
    form, net = form_and_net(kind)
    policy, seat = policy_of(form), jnp.eye(PLAYERS)[1]
    game = made(**KINDS[kind])[0]
    state = game.reset(KEY)
    obs, legal = (jax.tree.map(lambda leaf: leaf[1], tree) for tree in (game.observe(state), game.legal(state)))

    @jax.jit
    def told(number):
        return policy.act(KEY, Player(net, seat), policy.init_carry(), obs, legal, jnp.bool_(True), number)

    total = 0.0
    for number in range(2 * (1 + form.gate)):
        _, action, choice = told(jnp.int32(number))
        assert int(number_of(action, form)) == number
        again = jax.jit(policy.act)(KEY, Player(net, seat), policy.init_carry(), obs, legal, jnp.bool_(True), action)
        jax.tree.map(functools.partial(np.testing.assert_allclose, atol=1e-6), again, told(jnp.int32(number)))
        total += float(np.exp(choice.log_prob))
        assert np.asarray(action.message).any() == bool(not form.gate or number % 2)
    np.testing.assert_allclose(total, 1.0, rtol=1e-5)  # the illegal move has probability 0


def test_models_meet_and_parameters_can_be_put_in_place():
    run = begun("both")
    found = cross_play(run.game, models_of(run, "talkers"), games=4)
    assert found.matrix.shape == (2, 2)
    assert np.isfinite(found.matrix).all()
    learner = communicator.make(run.game, run.config)
    state = learner.init(KEY)
    policies = learner.policy(state)
    assert [int(params.seat.argmax()) for _, params in policies] == [0, 1, 2]
    other = jax.tree.map(lambda leaf: leaf + 1, policies[1][1])
    after = learner.policy(learner.with_params(state, 1, other))
    np.testing.assert_array_equal(after[0][1].net.embed.bias, other.net.embed.bias)  # they share it


class GiftState(NamedTuple):
    time: jax.Array
    terminated: jax.Array
    truncated: jax.Array


class Gift(Game):
    """One step: who plays 1 pays the next player 1, and nothing to itself."""

    discount: float = setting(1.0, "weight of the next step", low=0.0, high=1.0)

    @property
    def spec(self):
        return Spec(2, Real((1,)), Discrete(2), 1, (0.0, 1.0))

    def reset(self, key, level=None):
        return GiftState(jnp.int32(0), jnp.bool_(False), jnp.bool_(False))

    def observe(self, state):
        return jnp.ones((2, 1))

    def step(self, key, state, action):
        return settle(state, GiftState(state.time + 1, jnp.bool_(True), jnp.bool_(False)), action[::-1].astype(float))


@pytest.mark.long
@pytest.mark.parametrize("team", [False, True])
def test_a_team_gives_what_nobody_gives_for_itself(team):
    config = communicator.Config(**SMALL | {"num_games": 32, "length": 4, "epochs": 4, "lr": 1e-2}, team=team)
    game = communicator.wired(Gift(), config)
    reward = tacit.run(communicator.make, game, config, iterations=30, seeds=2).metrics["reward"][-1]
    assert (reward > 0.9).all() if team else (reward < 0.9).all()


LEWIS = games.make("referential", attributes=1, values=4, candidates=4, talk=False)
QUICK = {"hidden": 16, "num_games": 32, "length": 8, "lr": 5e-3}
MOST_ALONE = 0.73  # of what the oracle earns: more than the best known without communication


def learned(game, iterations, every=None, **changes):
    config = communicator.Config(**changes)
    size = {"iterations": iterations, "every": every or iterations, "seeds": 2}
    return tacit.run(communicator.make, communicator.wired(game, config), config, **size)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["mean", "attention", "gate", "none"])  # "both" is slower: see its page
def test_prisoners_who_hear_each_other_do_what_nobody_can_who_hears_nothing(kind):
    """In play to learn, random moves and talk included: over the last 10 of 60 iterations, 1,500 episodes and more.

    What the oracle earns, 540/729, is a mean of -1, 0 and 1, so that three standard errors are less than 0.06.
    """
    run = learned(RIDDLE, 60, 10, **KINDS[kind])
    earned = run.metrics["return"][-1, :, 0]
    if kind == "none":
        assert (earned <= MOST_ALONE * oracle(RIDDLE) + 0.06).all()
        assert (greedily(run)[:, 0] <= MOST_ALONE * oracle(RIDDLE)).all()
    else:
        assert (earned > MOST_ALONE * oracle(RIDDLE) + 0.06).all()
    if kind == "mean":
        assert (greedily(run)[:, 0] >= 0.95 * oracle(RIDDLE)).all()


@pytest.mark.long
@pytest.mark.parametrize("pool", ["mean", "none"])
def test_one_of_four_is_named_or_guessed(pool):
    """The game says itself what is best: 1 where four messages are enough, 1/4 where nothing arrives."""
    metrics = learned(LEWIS, 200, **QUICK, pool=pool).metrics["return"][-1, :, 0]
    if pool == "none":
        assert abs(metrics.mean() - LEWIS.best) < 0.01  # 200 * 128 games of each of two runs: four standard errors
    else:
        assert (metrics > 0.5).all()


def test_what_does_not_fit_is_refused_in_one_line():
    game, config = made()
    with pytest.raises(Misfit, match="cannot meet another rule"):
        communicator.make(game, config, (0,))
    with pytest.raises(Misfit, match=r"learns on games with a line of its own: communicator.wired\(game, config\)"):
        communicator.make(RIDDLE, config)
    with pytest.raises(Misfit, match="says 8 numbers at a time with these settings; the line carries 5"):
        communicator.make(game, made(pool="attention")[1])
    with pytest.raises(SettingError, match="gate must be off where nobody hears anything"):
        made(pool="none", gate=True)
    with pytest.raises(Misfit, match="needs players who can talk to each other; Probe has only one"):
        resolve(Experiment("communicator", "probe"))


def test_a_named_experiment_is_on_the_line():
    found = resolve(Experiment("communicator", "switch-riddle", learner_settings={"pool": "attention", "value": 5}))
    assert found.game.inner == games.make("switch-riddle")
    assert found.game.width == 1 + 16 + 5
