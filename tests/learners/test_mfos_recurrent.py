"""M-FOS from sampled play: replay equals play, memories end where stated, the opponent learns and begins anew."""

import functools
import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tacit
from tacit import cli, games
from tacit.errors import Misfit, SettingError
from tacit.learners import lola, mfos_recurrent, ppo, scripted
from tacit.learners.mfos_recurrent import MEMORIES, Config, decide, meta_episode, own_part, returns
from tacit.learners.sampled_meta_game import SampledMetaGame, as_the_game, looking_at_the_game
from tacit.learners.versus import Scripted
from tacit.loops import joint, rollout, start

IPD = games.make("ipd")
LEARNER = ppo.Config(hidden=4, epochs=1, minibatches=1, lr=0.05)
GAME = SampledMetaGame(IPD, ppo.make, LEARNER)
MUTE = SampledMetaGame(IPD, Scripted(scripted.RANDOM), scripted.Config())  # compiles faster
SMALL: dict[str, Any] = {"inner_episodes": 3, "inner_length": 4, "num_games": 4, "hidden": 4, "epochs": 2}
KEY = jax.random.key(5)


@jax.jit
def episode_and_replay(key, game, config, net):
    step, opponents, memory = meta_episode(key, game, config, net)
    return step, opponents, memory, mfos_recurrent.replayed(net, own_part(step), config.memory)


@functools.cache
def played(memory, game=MUTE):
    """A network far from its even start, a meta-episode with it, and what the network says of it afterwards."""
    config = Config(**SMALL, memory=memory)
    net = mfos_recurrent.make(game, config).init(jax.random.key(1)).net
    net = jax.tree.map(lambda leaf: 2 * leaf, net)
    return net, *episode_and_replay(KEY, game, config, net)


@pytest.mark.parametrize("memory", MEMORIES)
def test_replaying_a_meta_episode_equals_playing_it(memory):
    said, again = played(memory)[1].extras, played(memory)[4]
    np.testing.assert_allclose(again.log_prob, said.log_prob[..., 0], atol=1e-5)
    np.testing.assert_allclose(again.value, said.value[..., 0], atol=1e-5)
    assert np.std(again.log_prob) > 0.05


@functools.partial(jax.jit, static_argnums=2)
def memories(net, step, e, memory):
    """What all games remember after inner episode e, step by step through what was seen."""
    seen = own_part(step).seen[e]
    return jax.vmap(decide, (None, 0, 1), (0, 1, 1))(net, memory, seen)[0]


@pytest.mark.parametrize("memory", MEMORIES)
def test_memories_go_on_and_end_where_stated(memory):
    net, step, _, found, _ = played(memory)
    empty = mfos_recurrent.empty(4, 4)
    first, second = (jax.tree.map(lambda leaf, e=e: leaf[e], found) for e in (0, 1))
    jax.tree.map(np.testing.assert_array_equal, first, empty)
    after = memories(net, step, 0, first)
    assert np.abs(after.actor).min() > 1e-4  # there was something to forget
    if memory == "carry":
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), second, after)
    elif memory == "average":
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b.mean(0)[None].repeat(4, 0), atol=1e-6), second, after)
        assert np.ptp(after.actor, axis=0).max() > 1e-3
    else:
        jax.tree.map(np.testing.assert_array_equal, second[:2], empty[:2])
    if memory == "summary":
        summaries = np.asarray(found.summary)
        assert ((summaries[1:] > 0) & (summaries[1:] < 1)).all()
        assert (np.ptp(summaries, axis=1) == 0).all()  # one for all games
        assert (summaries[1] != summaries[2]).all()
    else:
        assert (np.asarray(found.summary) == 1).all()


def test_the_summary_reads_the_whole_batch():
    """Another game of the batch changes the summary that this game goes on with."""
    net, step, _, found, _ = played("summary")
    seen = jax.jit(own_part)(step).seen[0]
    kept = jax.jit(mfos_recurrent.kept, static_argnums=3)
    before = jax.tree.map(lambda leaf: leaf[0], found)
    again = kept(net, before, seen, "summary")
    np.testing.assert_allclose(again.summary, found.summary[1], atol=1e-6)
    other = kept(net, before, seen.at[:, 3].set(0.0), "summary")
    assert np.abs(other.summary[0] - again.summary[0]).min() > 1e-6


def leaves(tree):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]


def test_the_opponent_learns_between_inner_episodes_and_begins_anew():
    net, _, opponents = played("summary", GAME)[:3]
    rule, first_key = GAME.rule("the test"), jax.random.split(KEY)[0]
    params = leaves(opponents.params)
    for a, b in zip(params, leaves(jax.jit(rule.init)(first_key).params), strict=True):
        np.testing.assert_allclose(a[0], b, rtol=1e-5)
    assert max(np.abs(a[0] - a[1]).max() for a in params) > 1e-3
    assert max(np.abs(a[1] - a[2]).max() for a in params) > 1e-3
    anew = episode_and_replay(jax.random.key(6), GAME, Config(**SMALL), net)[1]
    assert max(np.abs(a[0] - b[0]).max() for a, b in zip(params, leaves(anew.params), strict=True)) > 1e-3


def test_the_opponent_learns_by_its_own_rule_from_what_it_saw():
    step, opponents = played("summary", GAME)[1:3]
    rule, keys = GAME.rule("the test"), jax.random.split(jax.random.split(KEY)[1], 3)
    learn_key = jax.random.split(keys[0], 3)[2]
    before, after = (jax.tree.map(lambda leaf, e=e: leaf[e], opponents) for e in (0, 1))
    seen = as_the_game(jax.tree.map(lambda leaf: leaf[0], step))
    assert seen.obs.shape == (4, 4, 2, 5)  # the game alone
    expected = jax.jit(rule.update)(learn_key, before, seen, ((), ()))[0]
    for a, b in zip(leaves(expected.params), leaves(after.params), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_inner_episodes_show_the_last_rewards_and_their_end():
    episode, pair = SampledMetaGame(IPD, length=3), (looking_at_the_game(scripted.ALWAYS_DEFECT.policy),) * 2
    params = (jnp.zeros(5), jnp.ones(5))  # player 1 defects, player 2 cooperates

    def act(keys, **seen):
        return joint(pair)(keys, params, **seen)

    @jax.jit
    def play(key):
        return rollout(key, episode, act, start(key, episode, pair, 2), 3, reset=False)[1]

    step = play(KEY)
    np.testing.assert_array_equal(step.reward[:, 0], [[0, -3]] * 3)
    np.testing.assert_array_equal(step.obs.rewards[:, 0, 0], [[0, 0], [0, -3], [0, -3]])
    np.testing.assert_array_equal(step.obs.rewards[:, 0, 1], [[0, 0], [-3, 0], [-3, 0]])
    np.testing.assert_array_equal(step.obs.last[:, 0, 0], [0, 0, 1])
    np.testing.assert_array_equal(step.truncated[:, 0], [False, False, True])
    assert not step.terminated.any()


@pytest.mark.parametrize("foresight", [0.0, 0.5, 1.0])
def test_returns_against_a_loop(foresight):
    reward = np.random.default_rng(0).normal(size=(3, 2, 4))
    found = jax.jit(returns)(jnp.asarray(reward, jnp.float32), 0.9, foresight)
    later = 0.0
    for e in reversed(range(3)):
        g = np.full(4, later)
        for t in reversed(range(2)):
            g = reward[e, t] + 0.9 * g
            np.testing.assert_allclose(found[e, t], g, atol=1e-5)
        later = foresight * g.mean()


def test_it_learns_to_cooperate_with_tit_for_tat():
    """Seven rounds of C and a last D pay -7/8 a round; defecting throughout pays -14/8."""
    game = SampledMetaGame(IPD, Scripted(scripted.TIT_FOR_TAT), scripted.Config())
    config = Config(inner_episodes=2, inner_length=8, num_games=32, hidden=8, lr=0.01)
    result = tacit.run(mfos_recurrent.make, game, config, iterations=60, seeds=2, every=20)
    assert result.metrics["reward"][-1].min() > -1.05


def test_what_does_not_fit_is_refused(tmp_path, capsys):
    with pytest.raises(Misfit, match="sampled meta-game"):
        mfos_recurrent.make(IPD, Config())
    with pytest.raises(Misfit, match="learn from sampled play"):
        mfos_recurrent.make(SampledMetaGame(IPD, lola.make, lola.Config()), Config())
    with pytest.raises(Misfit, match="two players"):
        mfos_recurrent.make(SampledMetaGame(games.make("commons"), ppo.make, LEARNER), Config())
    with pytest.raises(SettingError, match="inner-length must be <= 150"):
        mfos_recurrent.make(GAME, Config(inner_length=151))
    for argv, said in (
        (["mfos-recurrent", "coin-mfos"], "name one: --against ppo"),
        (["mfos-recurrent", "ipd", "--against", "naive"], "learn from sampled play"),
        (["mfos-recurrent", "coin-mfos", "--against", "tit-for-tat"], "scripted players"),
        (["ppo", "ipd", "--against", "mfos-recurrent"], "is itself learned"),
    ):
        assert cli.main(["train", *argv, "--out", str(tmp_path)]) == 2
        told = capsys.readouterr().err
        assert said in told
        assert told.count("\n") == 1


def test_a_run_can_be_read_but_plays_by_no_rule_in_closed_form(tmp_path, capsys):
    small = [word for name, value in SMALL.items() for word in (f"--learner.{name.replace('_', '-')}", str(value))]
    opponent = ["--opponent.hidden", "4", "--opponent.epochs", "1", "--opponent.minibatches", "1"]
    options = ["--iterations", "2", "--seeds", "2", "--out", str(tmp_path), "--json"]
    assert cli.main(["train", "mfos-recurrent", "coin-mfos", "--against", "ppo", *small, *opponent, *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["experiment"] == "mfos-recurrent against ppo on coin-mfos"
    assert told["figures"]["ratio_error"]["high"] <= 1e-5  # the first pass over the second batch, too
    run = tmp_path / "mfos-recurrent-vs-ppo-coin-mfos-001"
    assert (run / "policy.safetensors").exists()
    assert cli.main(["train", "naive", "ipd", "--against", f"{run}/", "--out", str(tmp_path)]) == 2
    assert "no learning rule that can play here" in capsys.readouterr().err
