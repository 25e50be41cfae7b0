"""Off-Belief Learning from play: its targets, its ladder against backward induction, levels that follow one another."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games, loops
from tacit.errors import InputError, Misfit, RunError, SettingError
from tacit.evaluation import two_step
from tacit.evaluation.two_step_learned import cross_play_of_levels
from tacit.games.two_step import Deal
from tacit.learners import naive, obl, obl_ladder
from tacit.learners.versus import Pair, Versus
from tacit.runs import checkpoint

TINY = {"num_games": 16, "length": 2, "minibatches": 1, "hidden": 16}
CONFIG = obl.Config(levels=2, updates=150, expected=True, epsilon=1.0, lr=1e-2, **TINY)
SHORT = {"num_games": 4, "length": 6, "minibatches": 2, "hidden": 8, "belief_updates": 3, "belief_hidden": 8}
BELIEFS = ["exact", pytest.param("particles", marks=pytest.mark.long), "learned"]
SMALL = {"colors": 1, "ranks": 3, "hand": 2, "information": 2, "lives": 2}


@functools.cache
def climbed():
    """Two levels on game B, learned by two runs."""
    game = games.make("tiny-hanabi-b")
    return loops.run(obl.make, game, CONFIG, iterations=300, seeds=2, every=50)


def test_levels_are_those_of_backward_induction():
    run = climbed()
    exact = two_step.ladder(run.game, 0.1, 2).values[1:, 0]
    crossed = cross_play_of_levels(run)
    np.testing.assert_allclose(crossed, np.broadcast_to(exact[:, None, None], crossed.shape), atol=0.01)
    assert exact[1] - exact[0] > 0.3


def test_a_run_plays_its_newest_level_unless_another_is_asked_for():
    run = climbed()
    learner = obl.make(run.game, run.config)
    for level in (1, 2):
        state = loops.player(0, obl.at_level(run, level).state)
        (_, params), _ = learner.policy(state)
        for own, all_levels in zip(jax.tree.leaves(params.net), jax.tree.leaves(run.state.levels), strict=True):
            np.testing.assert_array_equal(own, all_levels[0, level - 1])
    (_, newest), _ = learner.policy(loops.player(0, run.state))
    np.testing.assert_array_equal(newest.net.layers[0].weight, run.state.levels.layers[0].weight[0, 1])


def test_a_level_begins_with_the_network_of_the_one_below_and_leaves_that_as_it_is():
    game = games.make("tiny-hanabi-b")
    config = obl.Config(levels=2, updates=3, expected=True, lr=0.0, **TINY)
    state = loops.run(obl.make, game, config, iterations=4, seeds=1).state
    below, above = (jax.tree.map(lambda leaf, k=k: leaf[0, k], state.levels) for k in (0, 1))
    jax.tree.map(np.testing.assert_array_equal, below, above)
    full = loops.run(obl.make, game, obl.Config(levels=2, updates=3, expected=True, **TINY), iterations=4, seeds=1)
    half = loops.run(obl.make, game, obl.Config(levels=2, updates=3, expected=True, **TINY), iterations=3, seeds=1)
    np.testing.assert_array_equal(full.state.levels.layers[0].bias[:, 0], half.state.levels.layers[0].bias[:, 0])
    assert (full.state.levels.layers[0].bias[:, 1] != half.state.levels.layers[0].bias[:, 0]).any()
    assert full.metrics["level"][:, 0].tolist() == [1, 1, 1, 2]


def test_the_step_size_falls_to_nothing_over_a_level():
    config = obl.Config(levels=2, updates=10, lr=1.0)
    ones = {"w": jnp.ones(2)}

    def moved(iteration):
        optimizer = config.optimizer(jnp.int32(iteration))
        with jax.numpy_dtype_promotion("standard"):
            return float(jnp.abs(optimizer.update(ones, optimizer.init(ones), ones)[0]["w"]).max())

    sizes = [moved(i) for i in (0, 5, 9, 10, 15, 20, 40)]
    np.testing.assert_allclose(sizes, [1.0, 0.5, 0.1, 1.0, 0.5, 0.0, 0.0], atol=1e-4)


@pytest.mark.parametrize("expected", [True, False])
def test_a_lesson_is_the_worth_of_an_action_in_the_game_that_is_supposed(expected):
    game = games.make("tiny-hanabi-b")
    config = obl.Config(expected=expected, **TINY)

    @jax.jit
    def taught():
        net = loops.player(0, climbed().state.levels)
        params = obl.Soft(loops.player(0, net), jnp.float32(0.1))
        state = game.reset(jax.random.key(0), Deal(jnp.int32(0), jnp.int32(1)))._replace(opening=jnp.int32(1))
        supposed = jnp.log(jnp.array([0.0, 0.25, 0.0, 0.75])) if expected else Deal(jnp.int32(1), jnp.int32(1))
        key = jax.random.key(1)
        return obl.lesson(key, state, (), jnp.int32(2), supposed, game=game, params=params, config=config).target

    payoff = np.asarray(game.rewards)[:, 1, 1, 0]  # the first reply to the second opening, c2 = 1
    wanted = 0.25 * payoff[0] + 0.75 * payoff[1] if expected else payoff[1]
    np.testing.assert_allclose(taught(), wanted, rtol=1e-6)


def test_many_draws_teach_what_all_that_may_be_hidden_teaches_when_weighed():
    """First losses of levels 1 and 2, (Q - y)^2 / 2, to which one draw adds half its variance, and n a share 1 / n."""
    game = games.make("tiny-hanabi-b")

    def losses(**chosen):
        config = obl.Config(levels=2, updates=1, epsilon=1.0, lr=0.0, **TINY | {"num_games": 256}, **chosen)
        return loops.run(obl.make, game, config, iterations=2, seeds=4).metrics["loss"].mean(axis=1)

    weighed, once, often = losses(expected=True), losses(), losses(draws=64)
    assert (once > weighed + 0.02).all(), "what is drawn varies"
    np.testing.assert_allclose(often - weighed, (once - weighed) / 64, atol=0.1 * (once - weighed).min())


@functools.cache
def climbed_hanabi(belief):
    """All states of a short run of two levels, as they were between its iterations, and its metrics."""
    game = games.make("hanabi", **SMALL)
    config = obl.Config(levels=2, updates=2, belief=belief, **SHORT)
    end = config.schedule.end(2)
    pieces = loops.chunks(obl.make, game, config, iterations=end, seeds=[0], seconds=0.0)
    kept = [piece._replace(state=jax.tree.map(np.array, piece.state)) for piece in pieces]  # before it is given away
    metrics = {name: np.concatenate([piece.metrics[name] for piece in kept[1:]]) for name in kept[-1].metrics}
    return game, config, {piece.iteration: piece.state for piece in kept}, metrics


@pytest.mark.parametrize("belief", BELIEFS)
def test_hanabi_is_learned_by_levels_and_a_run_goes_on_bit_for_bit(belief):
    """It is cut in the middle of what follows level 1: where that is watched, if beliefs are learned."""
    game, config, states, _ = climbed_hanabi(belief)
    end = config.schedule.end(2)
    assert sorted(states) == list(range(end + 1))
    going_on = loops.chunks(obl.make, game, config, iterations=end, seeds=[0], state=states[3], done=3)
    jax.tree.map(np.testing.assert_array_equal, states[end], list(going_on)[-1].state)
    assert any(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(states[end].memory))


def same(one, other):
    return all((a == b).all() for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True))


def test_while_a_level_is_watched_it_stays_as_it_is_and_so_does_the_watcher_while_a_level_learns():
    _, config, states, metrics = climbed_hanabi("learned")
    assert config.schedule.end(2) == 7
    watching = [2, 3, 4]  # the iterations that begin from these states
    for i in range(7):
        before, after = states[i], states[i + 1]
        assert same(before.watcher.net, after.watcher.net) == (i not in watching)
        assert same(before.levels, after.levels) == (i in watching)
    assert np.isnan(metrics["loss"][:, 0]).tolist() == [i in watching for i in range(7)]
    assert np.isnan(metrics["belief_loss"][:, 0]).tolist() == [i not in watching for i in range(7)]
    assert metrics["level"][:, 0].tolist() == [1, 1, 1, 1, 1, 2, 2]


def test_games_and_memories_begin_anew_when_a_level_is_watched_and_when_the_next_one_learns():
    _, config, states, _ = climbed_hanabi("learned")
    schedule = config.schedule
    live = states[0].live._replace(gained=np.full_like(states[0].live.gained, 7.0))
    for i in range(7):
        state = jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), states[i])
        zero = jax.tree.map(np.zeros_like, state.memory)
        ones = jax.tree.map(lambda leaf: np.ones_like(leaf[0]), states[i].opt_state)
        fresh = functools.partial(obl_ladder.begun, live=loops.player(0, live), memory=zero, schedule=schedule)
        found = fresh(state, fresh=lambda net: ones, fresh_watcher=config.belief_optimizer().init)  # noqa: ARG005,B023
        assert same(found.live.gained, 7.0) == (i in (2, 5)), i
        assert same(found.memory, zero) == (i < 3 or i == 5), i  # zero up to the first that is watched
        assert same(found.opt_state, ones) == (i == 5), i
        assert same(found.levels, state.levels) == (i != 5), i
        assert int(found.iteration) == i


def test_the_schedule_of_a_run():
    learned = obl.Config(levels=3, updates=10, belief="learned", belief_updates=4).schedule
    exact = obl.Config(levels=3, updates=10, belief_updates=4).schedule
    alone = obl.Config(levels=1, updates=10, belief="learned", belief_updates=4).schedule
    assert [learned.end(level) for level in (1, 2, 3)] == [10, 24, 38]
    assert [exact.end(level) for level in (1, 2, 3)] == [10, 20, 30]
    assert alone == exact._replace(levels=1)
    for schedule in (learned, exact):
        levels = [int(schedule.level(jnp.int32(i))) for i in range(50)]
        watched = [int(schedule.watched(jnp.int32(i))) for i in range(50)]
        for level in (1, 2, 3):
            end = schedule.end(level)
            assert levels[end - 10 : end] == [level - 1] * 10
            assert max(watched[end - 10 : end]) < 0
        between = [0, 1, 2, 3] if schedule is learned else []
        assert [w for w in watched if w >= 0] == between * 2


@pytest.mark.parametrize(("level", "words"), [(0, "no level 0"), (3, "no level 3: the run has levels 1 to 2")])
def test_a_level_that_the_run_does_not_have_is_refused(level, words):
    with pytest.raises(InputError, match=words):
        obl.at_level(climbed(), level)


def test_a_level_that_was_not_learned_to_its_end_is_refused():
    run = climbed()
    early = run._replace(state=run.state._replace(iteration=jnp.array([299, 299])))
    assert obl.at_level(early, 1).state.iteration.tolist() == [150, 150]
    with pytest.raises(InputError, match="level 2 was not learned: it ends after 300 iterations, and the run has 299"):
        obl.at_level(early, 2)


def test_a_network_of_beliefs_of_another_size_is_refused_in_one_line(tmp_path):
    game, config, states, _ = climbed_hanabi("learned")
    checkpoint.save(tmp_path, 7, states[7], {})
    wider = dataclasses.replace(config, belief_hidden=16)
    wanted = jax.eval_shape(jax.vmap(obl.make(game, wider).init), jax.random.split(jax.random.key(0), 1))
    with pytest.raises(RunError, match=r"\.memory is float32\[1, 4, 2, 8\], not float32\[1, 4, 2, 16\]") as refused:
        checkpoint.restore(tmp_path, wanted)
    assert "\n" not in str(refused.value)


def test_weighing_all_hands_takes_exact_beliefs():
    with pytest.raises(SettingError, match="expected weighs all that may be hidden, which takes belief exact"):
        obl.Config(expected=True, belief="learned")
    with pytest.raises(SettingError, match="draws must be 1, got 3"):
        obl.Config(expected=True, draws=3)


def made(name, config, **rules):
    return lambda: obl.make(games.make(name, **rules), config)


REFUSED = {
    "players move at once": (made("ipd", obl.Config()), "turn-based game of hidden cards"),
    "too many hands": (made("hanabi", obl.Config(levels=2)), "hands"),
    "beliefs that are not learned": (
        made("tiny-hanabi-b", obl.Config(levels=2, belief="learned")),
        "belief learned is for hands of Hanabi",
    ),
    "beside another rule": (
        lambda: Versus(obl.make, naive.make)(games.make("tiny-hanabi-b"), Pair(obl.Config(), naive.Config())),
        "cannot learn beside another rule",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_in_one_line(case):
    make, words = REFUSED[case]
    with pytest.raises(Misfit, match=words) as refused:
        make()
    assert "\n" not in str(refused.value)
