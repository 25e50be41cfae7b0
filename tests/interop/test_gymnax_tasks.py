"""Tasks of gymnax as our games: step by step beside the library itself, and beside our own cart and pole."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tacit
from tacit import cli, games, loops
from tacit.errors import InputError, SettingError
from tacit.games.cart_pole import AT_FIRST, CartPole, CartState
from tacit.interop import gymnax
from tacit.learners import ppo, victim
from tacit.nets import flatten
from tacit.runs import experiment
from tacit.types import Discrete, Real

live = pytest.mark.skipif(not gymnax.available(), reason="gymnax is not installed (pip install 'gymnax>=1.0.1' six)")

# Numbers seen, actions, and the steps that gymnax gives an episode.
TASKS = {
    "CartPole-v1": (4, Discrete(2), 500),
    "Pendulum-v1": (3, Real((1,)), 200),
    "Breakout-MinAtar": (400, Discrete(3), 1000),
    "FourRooms-misc": (4, Discrete(4), 500),  # shows whole numbers
    "FrozenLake-misc": (1, Discrete(4), 100),  # shows a single one
    "PointRobot-misc": (6, Real((2,)), 100),
}
SHORT, STEPS, BATCH = 12, 40, 6


def actions_of(game, key, shape):
    """Random actions, `[*shape, P, ...]`; rows of numbers go beyond all bounds of these tasks."""
    if isinstance(game.spec.action, Discrete):
        return jax.random.randint(key, (*shape, 1), 0, game.spec.action.n)
    return 3.0 * jax.random.normal(key, (*shape, 1, *game.spec.action.shape))


def test_what_is_missing_is_said(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(gymnax, "available", lambda: False)
    gymnax.made.cache_clear()
    with pytest.raises(InputError, match=r"the extra `control`\); install it with: pip install 'gymnax>=1.0.1' six"):
        games.make("gymnax:CartPole-v1")
    for words in (["train", "ppo", "gymnax:CartPole-v1"], ["reproduce", "act-help-breakout", "--quick"]):
        assert cli.main([*words, f"--out={tmp_path}"]) == 2
        out, told = capsys.readouterr()
        assert (out, told.count("\n")) == ("", 1)
        assert "the extra `control`" in told
    assert not list(tmp_path.iterdir())


def test_names_of_no_game():
    with pytest.raises(SettingError, match=r"unknown game 'gymnx:CartPole-v1'.*gymnax:TASK"):
        games.make("gymnx:CartPole-v1")
    games.check_name("gymnax:whatever it is called")  # which only the library knows


@live
def test_names_of_no_task():
    with pytest.raises(
        SettingError, match=r"unknown gymnax task 'Breakout-Minatar' \(did you mean Breakout-MinAtar\?\)"
    ):
        games.make("gymnax:Breakout-Minatar")


@live
@pytest.mark.parametrize("name", TASKS)
def test_tasks_promise_what_they_are(name):
    seen, action, length = TASKS[name]
    spec = games.make(f"gymnax:{name}").spec
    assert (spec.num_players, spec.observation, spec.action, spec.max_length) == (1, Real((seen,)), action, length)


@live
@pytest.mark.parametrize("name", TASKS)
def test_games_are_those_of_the_library(name):
    """Beside the library's own steps, which begin the next episode by themselves: the same keys, the same games."""
    game = games.make(f"gymnax:{name}", length=SHORT)
    env, params = gymnax.made(name)
    params = params.replace(max_steps_in_episode=SHORT)
    bounded = isinstance(game.spec.action, Real)

    def theirs(state, inputs):
        key, action = inputs
        space = env.action_space(params)
        taken = jnp.clip(action[0], space.low, space.high) if bounded else action[0]
        seen, state, reward, over, cut, info = env.step(key, state, taken, params)
        return state, (flatten(info["final_observation"]), flatten(seen), reward, over, cut & ~over)

    def ours(state, inputs):
        key, action = inputs
        step_key, reset_key = jax.random.split(key)
        after, (reward, over, cut) = game.step(step_key, state, action)
        again = jax.tree.map(lambda new, old: jnp.where(over | cut, new, old), game.reset(reset_key), after)
        return again, (game.observe(after)[0], game.observe(again)[0], reward[0], over, cut)

    def play(key):
        reset_key, act_key, step_key = jax.random.split(key, 3)
        inputs = jax.random.split(step_key, STEPS), actions_of(game, act_key, (STEPS,))
        with jax.numpy_rank_promotion("allow"):
            first, state = env.reset(reset_key, params)
            told = jax.lax.scan(theirs, state, inputs)[1]
        begun = game.reset(reset_key)
        return (flatten(first), *told), (game.observe(begun)[0], *jax.lax.scan(ours, begun, inputs)[1])

    theirs_told, ours_told = jax.jit(jax.vmap(play))(jax.random.split(jax.random.key(3), BATCH))
    for left, right in zip(theirs_told, ours_told, strict=True):
        np.testing.assert_allclose(np.asarray(right, float), np.asarray(left, float), atol=1e-5)
    over, cut = ours_told[4:]
    assert (over | cut).any(1).all()
    assert not (over & cut).any()


@live
@pytest.mark.parametrize("name", TASKS)
@pytest.mark.usefixtures("strict")
def test_a_task_keeps_the_contract_of_games(name):
    """Shapes and types stay, also of what is weakly typed at first; an ended game stays as it is and pays nothing."""
    game = games.make(f"gymnax:{name}", length=SHORT)

    def play(key):
        def one(state, inputs):
            after, outcome = game.step(inputs[0], state, inputs[1])
            return after, (after, game.observe(after), outcome)

        reset_key, act_key, step_key = jax.random.split(key, 3)
        inputs = jax.random.split(step_key, SHORT + 3), actions_of(game, act_key, (SHORT + 3,))
        return jax.lax.scan(one, game.reset(reset_key), inputs)[1]

    first = jax.jit(game.reset)(jax.random.key(0))
    assert not any(leaf.weak_type for leaf in jax.tree.leaves(first))
    states, seen, outcome = jax.jit(jax.vmap(play))(jax.random.split(jax.random.key(1), BATCH))
    alone = jax.jit(play)(jax.random.split(jax.random.key(1), BATCH)[2])
    for left, right in zip(jax.tree.leaves((states, seen, outcome)), jax.tree.leaves(alone), strict=True):
        np.testing.assert_allclose(left[2], right, atol=1e-5)
    assert (seen.shape, seen.dtype) == ((BATCH, SHORT + 3, 1, TASKS[name][0]), jnp.float32)
    assert outcome.reward.dtype == jnp.float32
    ended = np.asarray(outcome.terminated | outcome.truncated)
    assert ended[:, SHORT - 1 :].all()
    for b, first_end in enumerate(np.argmax(ended, 1)):
        assert not np.asarray(outcome.reward)[b, first_end + 1 :].any()
        for leaf in jax.tree.leaves(jax.tree.map(lambda leaf, b=b, t=first_end: np.asarray(leaf[b, t:]), states)):
            np.testing.assert_array_equal(leaf[1:], np.broadcast_to(leaf[0], leaf[1:].shape))


@live
def test_numbers_beyond_the_bounds_count_as_the_bounds():
    """Here of a force, at most 1, which costs a tenth of its square; the library's own cost is of the uncut number."""
    game = games.make("gymnax:MountainCarContinuous-v0")
    state = game.reset(jax.random.key(0))
    step = jax.jit(game.step)
    (most, paid), (more, paid_too), (less, paid_less) = (
        step(jax.random.key(1), state, jnp.full((1, 1), force)) for force in (1.0, 50.0, 0.5)
    )
    np.testing.assert_array_equal(most.shown, more.shown)
    rewards = [float(each.reward[0]) for each in (paid, paid_too, paid_less)]
    assert rewards == pytest.approx([-0.1, -0.1, -0.025], rel=1e-6)
    assert float(most.shown[1] - less.shown[1]) == pytest.approx(0.5 * 0.0015, abs=1e-7)  # of the speed


@live
def test_our_cart_and_pole_is_theirs():
    """State for state over random and over balancing play, from each state of theirs; the same ends and rewards.

    A step is about ten rounded operations on an acceleration of 30 at most, times 0.02, added to numbers below 4:
    10 x 2^-24 x (0.6 + 4) = 3e-6. Ends could differ only where a number lies that near to where an episode ends.
    """
    theirs, ours = games.make("gymnax:CartPole-v1", length=200), CartPole()

    def play(key, careless):
        def one(state, key):
            lean = state.shown[2] + 0.5 * state.shown[3] + 0.05 * state.shown[0] + 0.1 * state.shown[1]
            chance, push = jax.random.uniform(key), jax.random.bernoulli(jax.random.fold_in(key, 1))
            action = jnp.where(chance < careless, push, lean > 0).astype(jnp.int32)[None]
            same = CartState(state.shown, state.inner.time, state.terminated, state.truncated)
            after, outcome = theirs.step(key, state, action)
            found, told = ours.step(key, same, action)
            return after, ((after.shown, after.inner.time, outcome), (found.moving, found.time, told))

        reset_key, play_key = jax.random.split(key)
        return jax.lax.scan(one, theirs.reset(reset_key), jax.random.split(play_key, 210))[1]

    careless = jnp.tile(jnp.array([1.0, 0.6, 0.2, 0.0]), 50)
    told, found = jax.jit(jax.vmap(play))(jax.random.split(jax.random.key(0), 200), careless)
    np.testing.assert_allclose(found[0], told[0], atol=3e-6)
    for left, right in zip(jax.tree.leaves(found[1:]), jax.tree.leaves(told[1:]), strict=True):
        np.testing.assert_array_equal(left, right)
    last = told[2]
    assert last.terminated[:, -1].sum() > 50
    assert last.truncated[:, -1].sum() > 50
    begun = jax.vmap(theirs.reset)(jax.random.split(jax.random.key(1), 1000)).shown
    assert 0.99 * AT_FIRST < np.abs(begun).max() <= AT_FIRST


@live
def test_learners_see_the_last_of_an_episode_and_not_the_next():
    game = games.make("gymnax:CartPole-v1", length=5)

    def act(keys, carry, obs, legal, fresh, given):
        return carry, jnp.ones(1, jnp.int32), ()

    begun = loops.Live(
        jax.vmap(game.reset)(jax.random.split(jax.random.key(0), 3)), (), jnp.ones(3, bool), jnp.zeros((3, 1))
    )
    _, steps = jax.jit(lambda live: loops.rollout(jax.random.key(1), game, act, live, 12))(begun)
    np.testing.assert_array_equal(np.nonzero(steps.truncated[:, 0])[0], [4, 9])
    assert not steps.terminated.any()
    np.testing.assert_array_equal(steps.obs[1:5], steps.next_obs[:4])  # within an episode
    assert (np.abs(steps.next_obs[4, :, 0, 1]) > 0.7).all()  # five pushes of 0.195 m/s
    assert (np.abs(steps.obs[5]) <= AT_FIRST).all()


@live
def test_learners_learn_from_them(tmp_path, capsys):
    """By name, settings and all, from the command line and back from the run folder; numbers as actions, too."""
    small = ["num-games=2", "length=8", "epochs=1", "minibatches=1", "hidden=4"]
    words = ["train", "ppo", "gymnax:CartPole-v1", "--iterations=2", "--seeds=2", "--game.length=7", "--json"]
    assert cli.main([*words, *(f"--learner.{each}" for each in small), f"--out={tmp_path}"]) == 0
    json.loads(capsys.readouterr().out)
    (folder,) = tmp_path.iterdir()
    assert folder.name == "ppo-gymnax-CartPole-v1-001"
    content = json.loads((folder / "config.json").read_text())
    assert content["game_settings"] == {"length": 7, "discount": 0.99}
    assert experiment.resolve(experiment.from_dict(content)).game == games.make("gymnax:CartPole-v1", length=7)
    config = ppo.Config(num_games=2, length=8, epochs=1, minibatches=1, hidden=4)
    told = tacit.run(ppo.make, games.make("gymnax:PointRobot-misc", length=7), config, iterations=2, seeds=2)
    assert np.isfinite(told.metrics["return"]).all()


@live
@pytest.mark.long
def test_a_victim_learns_there_as_on_our_own_cart():
    """The same victims, 16 updates: their returns differ by no more than those of other seeds would (5 se)."""
    config, seeds = victim.Config(), 16
    found = [
        tacit.run(victim.make, game, config, iterations=16, seeds=seeds).metrics["return"][..., 0].mean(0)
        for game in (games.make("gymnax:CartPole-v1", length=200), CartPole())
    ]
    error = (sum(each.var(ddof=1) for each in found) / seeds) ** 0.5
    assert min(each.mean() for each in found) > 80
    assert abs(found[0].mean() - found[1].mean()) < 5 * error
