"""Curricula of levels: what each kind of cycle does, SAMPLR's supposed steps, the solved game of regret, resumption."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games, loops
from tacit.errors import Misfit, SettingError
from tacit.games.fruit import APPLE, FruitChoice, TwoFruitsLevel, regret_game
from tacit.learners import curriculum, ppo
from tacit.learners.curriculum_belief import supposed
from tacit.learners.curriculum_play import Setup, judged, play, random_levels
from tacit.ops.level_scores import SCORES
from tacit.types import Step

LENGTH, GAMES = 20, 8
SMALL = {
    "num_games": GAMES, "length": LENGTH, "hidden": 4, "epochs": 1, "minibatches": 1, "capacity": 16, "replay": 0.5,
    "lr": 1e-2,
}  # fmt: skip


class Cut(FruitChoice):
    """Fruit choice for which values of what steps led to are computed as where steps are supposed."""

    @property
    def truncates(self):
        return True


ROOMS = Cut(rooms=2, length=LENGTH, health=3)


def configured(**changes):
    return curriculum.Config(**(SMALL | changes))


def trained(game, config, iterations, seeds=(0, 1), state=None, done=0):
    """The last state and all metrics, row by row, of runs side by side."""
    pieces = list(
        loops.chunks(
            curriculum.make,
            game,
            config,
            iterations=iterations,
            seeds=seeds,
            seed=5,
            state=state,
            done=done,
            seconds=60.0,
        )
    )
    rows = [piece.metrics for piece in pieces if piece.metrics]
    return pieces[-1].state, {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


@functools.cache
def supposing():
    """Levels, and play of an untrained student: as it was, supposed as it was, and supposed by the grounded belief."""
    setup = Setup(ROOMS, configured(), ppo.make(ROOMS, configured()))

    @jax.jit
    def found(key):
        levels = random_levels(key, ROOMS, GAMES)
        _, _, played = play(key, setup, setup.student.init(key), levels, 400)
        return levels, played, supposed(key, ROOMS, played, "own"), supposed(key, ROOMS, played, "grounded")

    return found(jax.random.key(4))


def test_supposing_what_is_there_changes_nothing():
    _, played, own, _ = supposing()
    assert (played.state.open[1:] & ~played.state.open[:-1]).any(), "no kick opened a door: chance is not tested"
    assert played.reward.any()
    jax.tree.map(np.testing.assert_array_equal, played, own)


def test_a_grounded_step_is_the_real_one_but_for_which_fruit_is_right():
    levels, played, _, grounded = supposing()
    ate = played.next_state.eaten < 2
    assert ate.sum() > 30
    for same in ("next_obs", "terminated", "truncated", "action", "fresh"):
        np.testing.assert_array_equal(getattr(grounded, same), getattr(played, same))
    assert not grounded.reward[~ate].any()
    apples = played.next_state.eaten == APPLE
    worth = np.where(apples, ROOMS.apple, ROOMS.banana)[ate]
    paid = np.asarray(grounded.reward[..., 0])[ate]
    assert set(paid / worth) == {0.0, 1.0}
    right = paid > 0
    chances = np.where(np.asarray(apples)[ate], 0.7, 0.3)
    np.testing.assert_allclose((right - chances).mean(), 0.0, atol=4 * np.sqrt(0.21 / len(paid)))
    on_level = np.broadcast_to(np.asarray(levels.right), apples.shape)[ate] == np.asarray(played.next_state.eaten)[ate]
    assert (on_level != right).any()  # though the level says otherwise


def test_a_step_supposed_to_end_is_cut_there_and_a_real_end_cuts_what_was_supposed_to_go_on():
    class Trap(type(games.make("two-fruits"))):
        """The banana ends the episode where it is right, the apple where that is."""

        def step(self, key, state, action):
            new, outcome = super().step(key, state, action)
            ends = new.eaten == state.level.right
            return new._replace(terminated=ends), outcome._replace(terminated=ends)

    game = Trap(apple_right=1.0)  # as is supposed
    state = jax.vmap(jax.vmap(lambda right: game.reset(jax.random.key(0), TwoFruitsLevel(right))))(jnp.array([[1, 1]]))
    action = jnp.array([[[0], [1]]])  # the level is a banana level: the apple goes on, the banana ends it
    fields = dict.fromkeys(Step._fields)
    ends = jnp.array([[False, True]])
    fields |= {"state": state, "action": action, "terminated": ends, "truncated": jnp.zeros_like(ends)}
    found = supposed(jax.random.key(1), game, Step(**fields), "grounded")
    assert found.terminated.tolist() == [[True, False]]
    assert found.truncated.tolist() == [[False, True]]
    assert found.reward[0, :, 0].tolist() == [game.apple, 0.0]


def test_kinds_of_cycles_are_drawn_alike_for_all_and_as_often_as_asked():
    config = configured(replay=0.8, mutate=False, fill=0.5)

    def kinds(config, replayed):
        state = [curriculum.State(None, None, None, jnp.bool_(replayed), jnp.int32(i)) for i in range(300)]
        return jax.jit(jax.vmap(functools.partial(curriculum.decided, config)))(loops.stack(state))

    replay, mutants = kinds(config, True)
    assert not mutants.any()
    assert not replay[: 16 // 2 // GAMES].any()  # half of the buffer must have been offered
    assert abs(replay.mean() - 0.8) < 4 * np.sqrt(0.16 / 300)
    replay, mutants = kinds(dataclasses.replace(config, mutate=True), True)
    assert mutants.all()
    assert not replay.any()
    for none in ({"capacity": 0}, {"replay": 0.0}):
        assert not kinds(configured(**none), False).replay.any()
    assert kinds(configured(search_every=3, search_length=LENGTH), False).replay.all()


@pytest.mark.parametrize("score", SCORES)
def test_levels_are_judged_by_their_own_play(score):
    levels, played, *_ = supposing()
    setup = Setup(ROOMS, configured(score=score, scale=2.0), ppo.make(ROOMS, configured()))
    before = jnp.where(jnp.arange(GAMES) == 0, 50.0, -jnp.inf)

    @jax.jit
    def found(key):
        first = loops.start(key, ROOMS, [setup.student.policy(setup.student.init(key))[0][0]], GAMES, levels)
        return judged(setup, setup.student.init(key), levels, first, played, before)

    new = found(jax.random.key(4))
    ended = np.asarray(played.terminated)
    returns = [np.asarray(played.gained)[ended[:, b], b, 0] for b in range(GAMES)]  # of what stands in `reward`
    np.testing.assert_allclose(new.best[1:], [each.max() for each in returns[1:]], rtol=1e-6)
    assert new.best[0] == 50.0
    if score == "true-regret":
        best = np.where(levels.right == APPLE, 3.0, 5.0) / 2.0
        np.testing.assert_allclose(new.score, best - [each.mean() for each in returns], rtol=1e-5, atol=1e-6)
    if score == "learnability":
        shares = np.array([(each > 0).mean() for each in returns])
        np.testing.assert_allclose(new.score, shares * (1 - shares), rtol=1e-5, atol=1e-6)
    if score == "max-mc":
        value, b = np.asarray(played.extras.value)[:, 0, 0], 0
        ends = np.flatnonzero(ended[:, b])
        starts = [0, *(ends[:-1] + 1)]
        by_hand = np.mean([(50.0 - value[s : e + 1]).mean() for s, e in zip(starts, ends, strict=True)])
        np.testing.assert_allclose(new.score[0], by_hand, rtol=1e-5)
    if score in ("positive-value-loss", "value-loss"):
        assert (new.score > 0).all()


@pytest.mark.parametrize(
    ("game", "changes", "line"),
    [
        ("ipd", {}, "needs a game of one player, and MatrixGame has 2"),
        ("fruit-choice", {}, "length must be >= 150, so that an episode ends on every level, got 20"),
        ("two-fruits", {"mutate": True}, "TwoFruits cannot change its levels a little"),
        ("two-fruits", {"other_play": True}, "curriculum has one student"),
        ("maze-small", {"belief": "grounded", "length": 60}, "Maze has no beliefs"),
        ("maze-small", {"search_every": 5, "search_length": 50, "length": 60}, "search-length must be >= 60"),
    ],
)
def test_what_does_not_fit_is_refused(game, changes, line):
    with pytest.raises((Misfit, SettingError), match=line):
        curriculum.make(games.make(game), configured(**changes))


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"capacity": 0, "mutate": True}, "mutate needs a buffer of levels; capacity must be >= 1, got 0"),
        ({"search_every": 2, "mutate": True}, "search-every is for curricula without mutate"),
        ({"mixed": True}, "mixed is for curricula that search; search-every must be >= 1, got 0"),
        ({"score": "regret"}, "score must be one of max-mc, "),
    ],
)
def test_settings_that_contradict_each_other_are_refused(changes, line):
    with pytest.raises(SettingError, match=line):
        configured(**changes)


# What trains: programs of several seconds each to compile.


def same_bits(one, other):
    jax.tree.map(np.testing.assert_array_equal, *(jax.tree.map(bits, tree) for tree in (one, other)))


def bits(leaf):
    return np.asarray(jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf)


@pytest.mark.long
def test_samplr_with_what_is_really_there_is_robust_plr_bit_for_bit():
    ends = [trained(ROOMS, configured(belief=belief, score="positive-value-loss"), 12) for belief in ("none", "own")]
    assert ends[0][1]["learned"].sum() > 2
    same_bits(*ends)


@pytest.mark.long
def test_robust_plr_learns_from_replays_alone_and_resumes_bit_for_bit():
    config, states = configured(), []
    pieces = loops.chunks(curriculum.make, ROOMS, config, iterations=8, seeds=(0, 1), seed=5, seconds=0.0)
    for piece in pieces:
        states.append(jax.tree.map(np.array, piece.state.student.params))
    _, metrics = trained(ROOMS, config, 8)
    assert metrics["replayed"][:, 0].tolist() == metrics["replayed"][:, 1].tolist()
    for i, replayed in enumerate(metrics["replayed"][:, 0]):
        moved = any((a != b).any() for a, b in zip(*map(jax.tree.leaves, states[i : i + 2]), strict=True))
        assert moved == bool(replayed) == bool(metrics["learned"][i, 0])
        assert np.isnan(metrics["value_loss"][i]).all() == (not replayed)
    whole, _ = trained(ROOMS, config, 8)
    half, _ = trained(ROOMS, config, 5)
    same_bits(whole, trained(ROOMS, config, 8, state=half, done=5)[0])


@pytest.mark.long
def test_plr_and_domain_randomization_learn_from_every_cycle():
    for changes in ({"robust": False}, {"capacity": 0}):
        _, metrics = trained(ROOMS, configured(**changes), 6)
        assert (metrics["learned"] == 1).all()
        assert np.isfinite(metrics["value_loss"]).all()
        assert (metrics["replayed"].any()) == ("capacity" not in changes)


@pytest.mark.long
def test_mutants_come_after_every_replay_and_are_offered_to_the_buffer():
    game = games.make("maze-small", length=LENGTH, edits=1)
    state, metrics = trained(game, configured(mutate=True, capacity=200, fill=0.04, replay=1.0), 7)
    assert metrics["replayed"][:, 0].tolist() == [0, 1, 0, 1, 0, 1, 0]
    assert metrics["kept"][:, 0].tolist()[:2] == [8, 8]  # a replay adds nothing
    assert (np.diff(metrics["kept"][1::2], axis=0) > 0).all()
    # The first mutants differ from some level of the first batch by one edit at most: 4 cells change if a goal moves.
    walls = np.asarray(state.buffer.levels.walls[0])
    first, mutants = walls[:8], walls[8 : int(metrics["kept"][2, 0])]
    nearest = [(first != mutant).sum((1, 2)).min() for mutant in mutants]
    assert max(nearest) <= 1


@pytest.mark.long
def test_a_search_keeps_what_is_sometimes_solved_and_new_levels_are_mixed_in():
    game = games.make("maze-small", length=LENGTH)
    sfl = {
        "score": "learnability",
        "priority": "uniform",
        "search_every": 3,
        "searches": 4,
        "search_length": 8 * LENGTH,
    }
    state, metrics = trained(game, configured(**sfl, mixed=True, lr=0.0), 4)
    assert (metrics["learned"] == 1).all()
    assert (state.buffer.score[:, :-1] >= state.buffer.score[:, 1:]).all()
    assert metrics["score"][0, 0] == metrics["score"][2, 0]  # between searches scores stay
    assert metrics["score"][3, 0] != metrics["score"][2, 0]
    assert (np.asarray(state.buffer.score) <= 0.25).all()
    assert (np.asarray(state.buffer.score)[:, 0] > 0).all()


@pytest.mark.long
def test_with_true_regret_a_curriculum_solves_the_game_of_regret():
    from tacit.recipes.true_regret_game import REGRET  # the settings that the recipe runs

    game = games.make("two-fruits", apple=3.0, banana=10.0)
    config = curriculum.Config(**REGRET)
    _, metrics = trained(game, config, 800, seeds=(0, 1))
    late = metrics["apple"][len(metrics["apple"]) // 2 :].mean(axis=0)
    np.testing.assert_allclose(late, regret_game(3.0, 10.0).student, atol=0.05)
