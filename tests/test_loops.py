"""The loops: cutting a run changes no bit, given actions are taken, ended games stay, rows are means."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tacit
from tacit import games, loops
from tacit.learners import naive_pg, scripted, tabular
from tacit.loops import joint, per_player, player, rollout, start
from tacit.types import Policy

GAME = games.make("ipd", length=4)
CONFIG = naive_pg.Config(num_games=4)
LOGITS = jnp.array([[0.5, -0.3, 0.8, -0.6, 0.2], [-0.4, 0.6, 0.1, -0.2, 0.7]])


def tabular_play(length, policies=(tabular.TABULAR,) * 2, **options):
    live = start(jax.random.key(0), GAME, policies, 3)
    act = functools.partial(lambda everyone, keys, **seen: everyone(keys, tuple(LOGITS), **seen), joint(policies))
    return rollout(jax.random.key(1), GAME, act, live, length, **options)


def pieces(seconds, done=0, state=None, iterations=23):
    options = {"iterations": iterations, "seeds": range(2), "every": 2, "done": done, "state": state}
    return list(loops.chunks(naive_pg.make, GAME, CONFIG, seconds=seconds, **options))


def test_how_a_run_is_cut_changes_no_bit():
    one_by_one, together = pieces(0.0), pieces(60.0)
    assert len(one_by_one) > len(together)
    np.testing.assert_array_equal(one_by_one[-1].state.logits, together[-1].state.logits)
    for name in together[-1].metrics:
        first, second = (np.concatenate([piece.metrics[name] for piece in run[1:]]) for run in (one_by_one, together))
        np.testing.assert_array_equal(first, second)


def test_a_run_goes_on_where_it_stopped():
    whole, half = pieces(60.0), pieces(60.0, iterations=12)
    on_host = jax.tree.map(np.asarray, half[-1].state)
    np.testing.assert_array_equal(pieces(60.0, done=12, state=on_host)[-1].state.logits, whole[-1].state.logits)


def test_equal_seeds_equal_bits_and_other_seeds_other_bits():
    first, again, other = (
        tacit.run(naive_pg.make, GAME, CONFIG, iterations=3, seeds=2, seed=seed).state.logits for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(np.asarray(first) - np.asarray(other)).max() > 1e-3


def test_seeds_that_do_not_come_out_even_are_the_runs_they_would_be_among_others():
    """Three on two devices: as four of which the last is another one, to the last bit, and as they go on."""
    run = functools.partial(tacit.run, naive_pg.make, GAME, CONFIG, iterations=6)
    three, four = run(seeds=3), run(seeds=4)
    assert len(jax.devices()) == 2
    for name, rows in three.metrics.items():
        if rows.ndim > 1:
            assert rows.shape[1] == 3
            np.testing.assert_array_equal(rows, four.metrics[name][:, :3])
    np.testing.assert_array_equal(three.state.logits, four.state.logits[:3])
    cut = {"seeds": range(3), "seconds": 0.0}
    half = list(loops.chunks(naive_pg.make, GAME, CONFIG, iterations=2, **cut))[-1]
    assert half.state.logits.shape[0] == 3
    rest = list(loops.chunks(naive_pg.make, GAME, CONFIG, iterations=6, done=2, state=half.state, **cut))[-1]
    np.testing.assert_array_equal(rest.state.logits, three.state.logits)


def test_a_row_is_the_mean_of_its_iterations():
    single = tacit.run(naive_pg.make, GAME, CONFIG, iterations=6, seeds=1, every=1).metrics["reward"]
    rows = tacit.run(naive_pg.make, GAME, CONFIG, iterations=6, seeds=1, every=3).metrics["reward"]
    np.testing.assert_allclose(rows, single.reshape(2, 3, *single.shape[1:]).mean(1), rtol=1e-6)


def test_given_actions_are_taken_and_judged():
    live, step = tabular_play(6)
    again = tabular_play(6, given=step.action)[1]
    np.testing.assert_array_equal(step.action, again.action)
    np.testing.assert_allclose(step.extras.log_prob, again.extras.log_prob, atol=1e-6)
    flipped = tabular_play(6, given=1 - step.action)[1]
    np.testing.assert_array_equal(flipped.action, 1 - step.action)
    del live


def test_games_begin_anew_after_an_end():
    step = tabular_play(9)[1]
    fresh = np.asarray(step.fresh[:, 0])
    np.testing.assert_array_equal(fresh, [t % 4 == 0 for t in range(9)])
    np.testing.assert_array_equal(np.asarray(step.truncated[:, 0]), [t % 4 == 3 for t in range(9)])
    np.testing.assert_array_equal(np.asarray(step.obs[:, 0, 0, 4]) == 1.0, fresh)  # the start is seen at every start
    assert not (np.asarray(step.next_obs[3, :, 0, 4]) == 1.0).any()  # and never as what an episode's end led to
    totals = np.asarray(step.reward[:4]).sum(0)
    np.testing.assert_allclose(step.gained[3], totals, rtol=1e-6)
    np.testing.assert_allclose(step.gained[4], step.reward[4], rtol=1e-6)


def test_without_reset_ended_games_stay_and_pay_nothing():
    live, step = tabular_play(7, reset=False)
    assert (np.asarray(step.reward[4:]) == 0).all()
    assert np.asarray(step.truncated[3:]).all()
    assert (np.asarray(live.state.round) == 4).all()


def test_equal_policies_may_be_mapped_or_called_one_by_one():
    twin = Policy(tabular.TABULAR.init_carry, tabular.TABULAR.act)  # another object of the same kind
    mapped, called = tabular_play(5)[1], tabular_play(5, policies=(tabular.TABULAR, twin))[1]
    np.testing.assert_array_equal(mapped.action, called.action)
    np.testing.assert_allclose(mapped.extras.log_prob, called.extras.log_prob, atol=1e-6)


def test_players_of_different_kinds_play_together():
    pair = (scripted.GRUDGER, scripted.ALWAYS_DEFECT)
    live = start(jax.random.key(0), GAME, [p.policy for p in pair], 2)
    everyone, params = joint([p.policy for p in pair]), tuple(jnp.array(p.params, float) for p in pair)
    act = functools.partial(lambda keys, **seen: everyone(keys, params, **seen))
    step = rollout(jax.random.key(1), GAME, act, live, 8)[1]
    np.testing.assert_array_equal(np.asarray(step.action[:, 0, 0]), [0, 1, 1, 1, 0, 1, 1, 1])  # it forgets at an end


@pytest.mark.parametrize("seats", [(0, 1), (1,)])
def test_what_each_player_did_and_saw(seats):
    step = tabular_play(5)[1]
    own = per_player(step, seats)
    for n, seat in enumerate(seats):
        np.testing.assert_array_equal(own.obs[n], step.obs[:, :, seat])
        np.testing.assert_array_equal(own.reward[n], step.reward[:, :, seat])
        np.testing.assert_array_equal(own.fresh[n], step.fresh)
    assert player(1, step.obs[0, 0]).shape == (5,)
