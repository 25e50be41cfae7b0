"""Q-learning from play: targets against loops, the sum of a team, exploration, replay, games with known answers."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tacit
from tacit import games, loops, nets_greedy
from tacit.errors import Misfit, SettingError
from tacit.evaluation.cross_play import cross_play, model, models_of
from tacit.evaluation.play import play
from tacit.games.base import Game, settle
from tacit.learners import naive_pg, pqn
from tacit.learners.versus import Pair, Versus
from tacit.ops.replay import empty, games_first, keep, replayed
from tacit.settings import setting
from tacit.types import Bits, Discrete, Real, Spec

SMALL = {"num_games": 4, "length": 12, "hidden": 8, "minibatches": 2, "epochs": 1}
IPD = games.make("ipd", length=5)  # cut off twice inside every window
TURNS = games.make("hanabi-very-small")  # never cut off


def solved(kind, **options):
    game = games.make("probe", kind=kind)
    config = pqn.Config(num_games=32, length=12, hidden=16, lr=1e-2, epsilon=0.2, **options)
    result = tacit.run(pqn.make, game, config, iterations=150, every=150, seeds=2)
    return play(result, lambda step: (step.extras.value[..., 0], step.obs[..., 0, 0]))


FORMS = [("matched", {}), ("remembered", {"recurrent": True})]
LONGER = [
    ("seen", {}),
    ("later", {}),
    ("remembered", {"recurrent": True, "replay": 3, "burn_in": 1}),
    ("later", {"replay": 3}),
]
FORMS += [pytest.param(*form, marks=pytest.mark.long) for form in LONGER]


@pytest.mark.parametrize(("kind", "options"), FORMS)
def test_probe_games_are_solved(kind, options):
    """The values are those of the best play, which at the last step holds for lambda-returns, too."""
    value, sign = solved(kind, decay=0.0, **options)  # [S, T, B]
    answers = {"seen": sign, "later": np.array([[0.9], [1.0]]), "remembered": np.array([[0.81], [0.9], [1.0]])}
    np.testing.assert_allclose(value - answers.get(kind, 1.0), 0.0, atol=0.1)


class Team(Game):
    """One move of two players, who see which of them they are and are paid by a table of both moves."""

    payoffs: tuple[float, ...] = setting((4.0, 0.0, 0.0, 2.0), "for moves 00, 01, 10, 11")
    discount: float = setting(1.0, "weight of the next step", low=0.0, high=1.0)

    @property
    def spec(self):
        return Spec(2, Real((2,), 0.0, 1.0), Discrete(2), 1, (0.0, 10.0))

    @property
    def truncates(self):
        return False

    def reset(self, key, level=None):
        return Over(jnp.bool_(False), jnp.bool_(False))

    def observe(self, state):
        return jnp.eye(2)

    def step(self, key, state, action):
        paid = jnp.asarray(self.payoffs)[2 * action[0] + action[1]]
        return settle(state, Over(jnp.bool_(True), jnp.bool_(False)), jnp.stack([paid, paid]))


class Over(NamedTuple):
    """Whether the move was made."""

    terminated: jax.Array
    truncated: jax.Array


def team_values(payoffs, **options):
    """What both players think of their two moves after learning from random ones, `[S, P, A]`."""
    config = pqn.Config(num_games=64, length=8, hidden=16, epsilon=1.0, lr=1e-2, anneal=300, **options)
    result = tacit.run(pqn.make, Team(payoffs), config, iterations=300, every=300, seeds=2)
    nets = jax.tree.map(lambda leaf: leaf[:, 0], result.state.net)
    return jax.vmap(lambda net: jax.vmap(lambda obs: net(obs, ())[1].values)(jnp.eye(2)))(nets)


@pytest.mark.long
def test_the_sum_of_a_team_is_what_it_is_paid_where_that_is_a_sum():
    values = team_values((1.0, 3.0, 2.0, 4.0), mixing="sum")  # (0 or 1) + (1 or 3)
    together = values[:, 0, :, None] + values[:, 1, None, :]
    np.testing.assert_allclose(together, np.broadcast_to([[1.0, 3.0], [2.0, 4.0]], (2, 2, 2)), atol=0.02)


def test_the_sum_is_the_nearest_one_where_payoffs_are_none():
    """Of all sums f(a) + g(b), the nearest to a table is row mean + column mean - mean: least squares by hand."""
    values = team_values((4.0, 0.0, 0.0, 2.0), mixing="sum")
    together = values[:, 0, :, None] + values[:, 1, None, :]
    np.testing.assert_allclose(together, np.broadcast_to([[2.5, 1.5], [1.5, 0.5]], (2, 2, 2)), atol=0.25)


@pytest.mark.long
def test_alone_a_player_learns_the_mean_over_the_others_moves():
    values = team_values((4.0, 0.0, 0.0, 2.0), shared=True)
    np.testing.assert_allclose(values, np.broadcast_to([2.0, 1.0], (2, 2, 2)), atol=0.25)


def begun(game, config):
    learner = pqn.make(game, config)
    return learner, learner.init(jax.random.key(3))


LENGTH = {IPD: 12, TURNS: 20}


@functools.cache
def rolled(game, recurrent):
    """Two networks, and what two players of the first did, half of it at random: its steps and windows."""
    config = pqn.Config(**(SMALL | {"length": LENGTH[game]}), recurrent=recurrent, epsilon=0.5)
    learner, state = begun(game, config)
    policy, params = learner.policy(state)[0]
    nets = [jax.tree.map(lambda leaf, k=k: k * leaf, params.net) for k in (2.0, 3.0)]
    params = params._replace(net=nets[0])

    @jax.jit
    def rollout():
        team = loops.joint((policy, policy))
        live = loops.start(jax.random.key(0), game, (policy, policy), 4)
        act = functools.partial(lambda keys, **seen: team(keys, (params, params), **seen))
        step = loops.rollout(jax.random.key(1), game, act, live, config.length)[1]
        return step, pqn.windows_of(game, step, tuple(carry.memory for carry in live.carry), (0, 1))

    return nets, *rollout()


CASES = [(IPD, True, "independent"), (IPD, True, "sum"), (TURNS, False, "sum")]


@pytest.mark.parametrize(("game", "recurrent", "mixing"), CASES)
def test_targets_against_a_loop_over_steps(game, recurrent, mixing):
    """One network chooses and another one judges, as with replay; every window is gone through player by player."""
    length = LENGTH[game]
    config = pqn.Config(**SMALL, recurrent=recurrent, mixing=mixing, decay=0.8, replay=1)
    (net, slow), step, windows = rolled(game, recurrent)
    judge = nets_greedy.judge(*((8,) if recurrent else ()))
    find = jax.jit(pqn.targets, static_argnums=(0, 6))
    found = find(judge, net, slow, windows, config, 0.9, game.truncates)
    each = jax.jit(lambda net, memory, obs: net(obs, memory))
    empty_memory = jnp.zeros(8) if recurrent else ()
    ended = np.asarray(step.terminated | step.truncated)
    assert ended.sum() > 4
    for b in range(2):
        ahead = np.zeros((2, length))
        for i in range(2):
            memories = [empty_memory, empty_memory]
            for t in range(length):
                after = [each(k, m, step.obs[t, b, i])[0] for k, m in zip((net, slow), memories, strict=True)]
                now, judged = (
                    np.asarray(each(k, m, step.next_obs[t, b, i])[1].values)
                    for k, m in zip((net, slow), after, strict=True)
                )
                allowed = np.asarray(windows.next_legal[i, t, b])
                ahead[i, t] = judged[np.argmax(np.where(allowed, now, -np.inf))]
                memories = [empty_memory, empty_memory] if ended[t, b] else after
        paid = np.asarray(step.reward[:, b]).T
        if mixing == "sum":
            ahead, paid = ahead.sum(0, keepdims=True), paid.mean(0, keepdims=True)
        for i in range(len(paid)):
            later = ahead[i, -1]
            for t in reversed(range(length)):
                mixed = ahead[i, t] if step.truncated[t, b] else 0.2 * ahead[i, t] + 0.8 * later
                later = paid[i, t] + (0.0 if step.terminated[t, b] else 0.9 * mixed)
                np.testing.assert_allclose(found[i, t, b], later, atol=1e-4, rtol=1e-4)


def test_going_through_a_window_again_says_what_was_thought_in_play():
    (net, _), step, windows = rolled(IPD, True)
    values = jax.jit(pqn.thoughts, static_argnums=0)(nets_greedy.judge(8), net, windows)[1].values
    thought = np.moveaxis(np.asarray(step.extras.value), 2, 0)
    np.testing.assert_allclose(values.max(-1), thought, atol=1e-5)  # all moves are legal
    late = windows._replace(trajectory=windows.trajectory._replace(fresh=jnp.roll(windows.trajectory.fresh, 1, axis=1)))
    values = jax.jit(pqn.thoughts, static_argnums=0)(nets_greedy.judge(8), net, late)[1].values
    assert np.abs(values.max(-1) - thought).max() > 1e-3


def test_the_first_steps_of_a_window_may_only_refresh_the_memory():
    config = pqn.Config(**SMALL, recurrent=True, burn_in=3)
    (net, _), _, windows = rolled(IPD, True)
    lost = jax.jit(pqn.loss, static_argnums=1)
    target = jnp.zeros((2, 12, 4))
    first = lost(net, nets_greedy.judge(8), (windows, target), config)
    np.testing.assert_array_equal(lost(net, nets_greedy.judge(8), (windows, target.at[:, :3].set(9.0)), config), first)
    assert lost(net, nets_greedy.judge(8), (windows, target.at[:, 3].set(9.0)), config) != first


def test_the_loss_of_guesses_is_their_mean_surprise():
    known = np.asarray(rolled(TURNS, False)[2].answers)
    assert set(np.unique(known)) == {0, 1, 2}
    logits = jnp.log(jnp.arange(1.0, 7.0)).reshape(2, 3)  # of answers 0, 1, 2 to two things, in every game
    guesses = jnp.broadcast_to(logits.ravel(), (2, 20, 4, 6))
    share = np.asarray(jax.nn.log_softmax(logits))
    expected = -np.mean([share[s, a] for s in range(2) for a in known[..., s].ravel()])
    np.testing.assert_allclose(pqn.guess_loss(*map(jnp.concatenate, (guesses, known))), expected, rtol=1e-5)


@pytest.mark.long
def test_guesses_are_learned_beside_values():
    """What own cards are good for is guessed from hints and counts: better than by how often each answer is right."""
    config = pqn.Config(num_games=32, length=16, hidden=32, lr=3e-3, epsilon=1.0, guess=True, shared=True)
    result = tacit.run(pqn.make, TURNS, config, iterations=60, every=60, seeds=1)
    net = jax.tree.map(lambda leaf: leaf[0, 0], result.state.net)
    _, _, windows = rolled(TURNS, False)
    known = np.asarray(windows.answers)
    found = jax.jit(pqn.thoughts, static_argnums=0)(nets_greedy.judge(), net, windows)[1].guesses
    often = np.array([[(known[..., s] == a).mean() for a in range(3)] for s in range(2)])
    plain = -np.mean([np.log(often[s, a]) for s in range(2) for a in known[..., s].ravel()])
    assert pqn.guess_loss(*map(jnp.concatenate, (found, windows.answers))) < plain


def decided(epsilon, spread, legal, fresh=True, carried=0.25):
    """Many decisions of one untrained player."""
    _, state = begun(TURNS, pqn.Config(**SMALL))
    net = jax.tree.map(lambda leaf: leaf[0], state.net)
    params = nets_greedy.Explorer(net, jnp.float32(epsilon), jnp.float32(spread))
    carry = nets_greedy.Remembered((), jnp.float32(carried))
    obs = jnp.linspace(0.0, 1.0, 106)
    act = jax.jit(jax.vmap(lambda key: nets_greedy.policy().act(key, params, carry, obs, legal, jnp.bool_(fresh))))
    return net(obs, ())[1].values, *act(jax.random.split(jax.random.key(0), 4000))


def test_the_best_legal_action_is_taken_but_for_a_share_of_random_ones():
    legal = jnp.arange(11) % 2 == 0  # six of eleven
    values, _, action, choice = decided(0.3, 0.0, legal)
    best = np.flatnonzero(legal)[np.argmax(np.asarray(values)[np.asarray(legal)])]
    expected = np.where(np.asarray(legal), 0.05, 0.0) + 0.7 * (np.arange(11) == best)
    np.testing.assert_allclose(np.exp(choice.log_probs[0]), expected, atol=1e-6)
    share = np.bincount(action, minlength=11) / 4000
    assert np.abs(share - expected).max() < 4 * (0.25 / 4000) ** 0.5
    assert share[1::2].max() == 0
    np.testing.assert_allclose(choice.value, values[best], atol=1e-6)
    np.testing.assert_allclose(choice.log_prob, choice.log_probs[jnp.arange(4000), action], atol=1e-6)


def test_an_episode_has_a_share_of_random_moves_of_its_own():
    legal = jnp.ones(11, bool)
    drawn = np.asarray(decided(0.1, 7.0, legal)[1].epsilon)
    exponent = np.log(drawn) / np.log(0.1)  # uniform in [1, 8): mean 4.5, variance 49 / 12
    assert 1.0 <= exponent.min() < 1.1
    assert 7.9 < exponent.max() <= 8.0
    assert abs(exponent.mean() - 4.5) < 4 * (49 / 12 / 4000) ** 0.5
    kept = decided(0.1, 7.0, legal, fresh=False)[1].epsilon
    np.testing.assert_array_equal(kept, np.float32(0.25))


def test_exploration_and_step_size_fall():
    learner, state = begun(IPD, pqn.Config(**SMALL, epsilon=0.2, explore=10))
    shares = [float(learner.policy(state._replace(iteration=jnp.int32(i)))[0][1].epsilon) for i in (0, 5, 10, 99)]
    np.testing.assert_allclose(shares, [1.0, 0.6, 0.2, 0.2], atol=1e-6)
    still = tacit.run(pqn.make, IPD, pqn.Config(**SMALL, anneal=2), iterations=2).state.net
    longer = tacit.run(pqn.make, IPD, pqn.Config(**SMALL, anneal=2), iterations=4).state.net
    assert equal(still, longer)


def equal(first, second):
    return all(np.array_equal(a, b) for a, b in zip(*map(jax.tree.leaves, (first, second)), strict=True))


def test_what_is_kept_is_seen_again_as_it_was():
    _, step, windows = rolled(TURNS, False)
    memory = tuple(10.0 * (i + 1) + jnp.arange(4.0)[:, None] for i in range(2))
    newest = games_first(step, memory)
    kept = empty(jax.eval_shape(lambda: newest), 3)
    assert kept.step.fresh.shape == (12, 20)
    kept = keep(keep(kept, newest, jnp.int32(4)), newest, jnp.int32(5))  # in the second and third of three places
    assert not kept.step.fresh[:4].any()
    np.testing.assert_array_equal(kept.step.reward[4:8], kept.step.reward[8:])
    again, held = jax.jit(lambda key: replayed(key, TURNS, kept, 64, jnp.int32(12)))(jax.random.key(0))
    which = np.asarray(held[0])[:, 0].astype(int) - 10  # which game a window is of; the empty place has memory 0
    np.testing.assert_array_equal(held[1][:, 0], np.where(which < 0, 0, which + 20))
    assert set(which) == {-10, 0, 1, 2, 3}
    for name in ("obs", "legal", "next_obs", "reward", "action", "fresh", "terminated"):
        then = np.asarray(getattr(step, name))[:, which[which >= 0]]
        np.testing.assert_array_equal(np.asarray(getattr(again, name))[:, which >= 0], then)
    assert (windows.next_legal == pqn.windows_of(TURNS, again, held, (0, 1)).next_legal[:, :, :1]).shape


def test_with_replay_a_copy_judges_that_is_made_now_and_then():
    run = functools.partial(tacit.run, pqn.make, IPD, pqn.Config(**SMALL, replay=2, sync=3))
    first, second, third = (run(iterations=i).state for i in (0, 2, 3))
    assert equal(second.slow, first.net)
    assert not equal(second.slow, second.net)
    assert equal(third.slow, third.net)


MEMORY = {"mixing": "sum", "recurrent": True, "replay": 2, "burn_in": 2}
CUT = [pytest.param(TURNS, MEMORY | {"other_play": True, "guess": True}, marks=pytest.mark.long), (IPD, MEMORY)]


@pytest.mark.parametrize(("game", "options"), CUT)
def test_a_run_that_was_cut_goes_on_as_if_it_had_not_been(game, options):
    config = pqn.Config(**SMALL, explore=3, spread=7.0, **options)
    run = functools.partial(loops.chunks, pqn.make, game, config, seeds=(0, 1))
    *_, whole = run(iterations=4)
    *_, half = run(iterations=2)
    *_, resumed = run(iterations=4, state=half.state, done=2)
    assert equal(*(jax.tree.map(bits, chunk.state) for chunk in (whole, resumed)))


def test_with_other_play_players_have_names_of_their_own():
    learner, state = begun(games.make("levers"), pqn.Config(**SMALL, other_play=True))
    assert (state.live.state.symmetry[:, 0] != state.live.state.symmetry[:, 1]).any()
    assert len(learner.policy(state)) == 2


def bits(leaf):
    return jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf


@pytest.mark.long
def test_movers_play_all_seats_and_meet_others_greedily():
    result = tacit.run(pqn.make, TURNS, pqn.Config(**SMALL, movers_only=True), iterations=2, seeds=2)
    assert result.metrics["reward"].shape == (2, 2, 2)  # iterations, seeds, players
    models = models_of(result, "pqn")
    (_, first), (_, second) = models[1].seats
    assert equal(first.net, second.net)
    surely = first._replace(epsilon=jnp.zeros(()))
    models = [models[1], model("sure", "sure", [nets_greedy.policy()] * 2, [surely] * 2)]
    found = cross_play(TURNS, models, games=4).matrix
    np.testing.assert_array_equal(found, found[0, 0])  # no random move was made


@pytest.mark.long
def test_it_meets_other_rules_and_learns_in_one_seat():
    make = Versus(pqn.make, naive_pg.make)
    pair = Pair(pqn.Config(**SMALL), naive_pg.Config())
    result = tacit.run(make, games.make("ipd", length=12), pair, iterations=2, seeds=2)
    assert np.isfinite(result.metrics["value"]).all()


def test_parameters_can_be_put_in_place():
    learner, state = begun(IPD, pqn.Config(**SMALL))
    (_, first), (_, second) = learner.policy(state)
    assert not equal(first.net, second.net)
    state = learner.with_params(state, 0, second)
    assert equal(learner.policy(state)[0][1], second)
    assert equal(learner.policy(state)[1][1], second)


class Saying(type(IPD)):
    """A game whose moves are bits."""

    @property
    def spec(self):
        return super().spec._replace(action=Bits(3))


@pytest.mark.parametrize(
    ("game", "options", "seats", "error", "words"),
    [
        (Saying(), {}, None, Misfit, "pqn needs discrete actions"),
        (IPD, {"movers_only": True}, None, Misfit, "MatrixGame does not say who moves"),
        (IPD, {"other_play": True}, None, Misfit, "declares none"),
        (IPD, {"guess": True}, None, Misfit, "nothing to guess in MatrixGame"),
        (IPD, {"mixing": "sum"}, (0,), Misfit, "mixing sum is for players that learn together"),
        (TURNS, {"movers_only": True, "recurrent": True}, None, Misfit, "players without memory"),
        (IPD, {"burn_in": 2}, None, SettingError, "burn_in must be 0 without recurrent, got 2"),
        (IPD, {"burn_in": 12, "recurrent": True}, None, SettingError, "burn_in must be less than length, 12, got 12"),
    ],
)
def test_what_does_not_fit_is_refused(game, options, seats, error, words):
    with pytest.raises(error, match=words):
        pqn.make(game, pqn.Config(**SMALL, **options), seats).init(jax.random.key(0))


def test_batches_must_divide():
    with pytest.raises(SettingError, match="minibatches must divide"):
        tacit.run(pqn.make, IPD, pqn.Config(**(SMALL | {"minibatches": 7})), iterations=1)
