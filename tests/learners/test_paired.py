"""PAIRED: what the teacher is paid, whom it learns to vex, and the solution of a game that is known."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tacit
from tacit import games
from tacit.errors import Misfit, SettingError
from tacit.games.base import settle
from tacit.games.editor import Editor
from tacit.games.fruit import TwoFruits, TwoFruitsLevel
from tacit.learners import paired
from tacit.loops import chunks
from tacit.settings import setting
from tacit.types import Discrete, Real, Spec, Step

KEY = jax.random.key(0)
TINY = {"num_games": 16, "length": 16, "hidden": 4, "teacher_hidden": 4, "minibatches": 1, "epochs": 1}


class Chosen(NamedTuple):
    """A level of one choice."""

    right: Any
    terminated: Any
    truncated: Any


class FruitEditor(Editor):
    """The teacher says which fruit pays."""

    discount: float = setting(1.0, "weight of the next step; there is none", low=0.0, high=1.0)

    @property
    def spec(self):
        return Spec(1, Real((1,), 0.0, 1.0), Discrete(2), 1, (0.0, 0.0))

    @property
    def truncates(self):
        return False

    def reset(self, key, level=None):
        return Chosen(jnp.int32(0), jnp.bool_(False), jnp.bool_(False))

    def observe(self, state):
        return jnp.ones((1, 1))

    def step(self, key, state, action):
        new = Chosen(action[0].astype(jnp.int32), jnp.bool_(True), jnp.bool_(False))
        return settle(state, new, jnp.zeros(1))

    def built(self, state):
        return TwoFruitsLevel(state.right)


class Taught(TwoFruits):
    """Two fruits, and a teacher."""

    @property
    def editor(self):
        return FruitEditor()


MEAN = jnp.array([[0.2, 0.5, 0.9, 0.0], [0.6, 0.1, 0.3, 0.0]])
HIGHEST = jnp.array([[0.4, 0.9, 1.0, 0.0], [0.8, 0.3, 0.5, 0.0]])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [0.6, 0.0, 0.0, 0.0]),
        ({"clip_regret": False}, [0.6, -0.2, -0.4, 0.0]),
        ({"form": "flexible"}, [0.6, 0.8, 0.7, 0.0]),
        ({"form": "population"}, [0.4, 0.6, 0.4, 0.0]),
    ],
)
def test_what_the_teacher_is_paid(settings, expected):
    np.testing.assert_allclose(paired.regret(MEAN, HIGHEST, paired.Config(**settings)), expected, atol=1e-6)


def test_returns_are_of_episodes_that_ended():
    reward = np.zeros((6, 2, 1), np.float32)
    reward[:, 0, 0] = [1, 2, 5, 0, 0, 9]  # 3 and 5, and the rest of an episode that goes on
    reward[:, 1, 0] = [0, 0, 4, 1, 0, 0]  # 5 and 0
    ended = np.array([[0, 0], [1, 0], [1, 0], [0, 1], [0, 1], [0, 0]], bool)
    fresh = np.concatenate([np.ones((1, 2), bool), ended[:-1]])
    known = {"reward": reward, "fresh": fresh, "terminated": ended, "truncated": np.zeros((6, 2), bool)}
    step = Step(*[None] * len(Step._fields))._replace(**{name: jnp.asarray(leaf) for name, leaf in known.items()})
    mean, highest = paired.returns(step)
    np.testing.assert_allclose(mean, [4, 2.5])
    np.testing.assert_allclose(highest, [5, 5])


def test_a_teacher_finds_the_level_on_which_more_is_missed():
    # Students who do not learn eat each fruit half of the time: they miss 1.5 of 3 on apple levels, else 2.5 of 5.
    config = paired.Config(**TINY, lr=0.0, teacher_lr=0.03, teacher_entropy_weight=0.0)
    result = tacit.run(paired.make, Taught(), config, iterations=60, seeds=2, every=10)
    assert (result.metrics["level_apple_right"][-1] < 0.1).all()
    np.testing.assert_allclose(result.metrics["regret"][-1], 2.5, atol=0.4)  # 16 plays each of 16 levels
    assert result.metrics["ratio_error"].max() < 1e-5


def solved(apple, banana, student, teacher):
    """Where student and teacher do best against each other if entropy has these weights: their chances of the apple.

    The student gains 3 on apple levels by the apple, 5 on others by the banana; the teacher what it misses.
    """
    p, q = 0.5, 0.5
    for _ in range(20_000):
        p += 0.01 * (1 / (1 + np.exp((banana * (1 - q) - apple * q) / student)) - p)
        q += 0.01 * (1 / (1 + np.exp((banana * p - apple * (1 - p)) / teacher)) - q)
    return p, q


@pytest.mark.long
def test_students_and_teacher_find_the_solution_of_their_game():
    weights = {"entropy_weight": 0.1, "teacher_entropy_weight": 0.3}
    config = paired.Config(**TINY, **weights, lr=3e-3, teacher_lr=3e-3, normalize=False, value_weight=0.1)
    result = tacit.run(paired.make, Taught(), config, iterations=1500, seeds=8, every=10)
    apple, level = (result.metrics[name][75:].reshape(75, 8) for name in ("apple", "level_apple_right"))
    p, q = solved(3.0, 5.0, 0.1, 0.3)
    assert (p, q) == pytest.approx((3 / 8, 5 / 8), abs=0.04)  # minimax regret, but for the entropy
    for found, expected in ((apple, p), (level, q)):
        of_seeds = found.mean(0)
        assert of_seeds.mean() == pytest.approx(expected, abs=0.03)
        assert np.abs(of_seeds - expected).max() < 0.1


def test_students_learn_what_is_best_on_the_levels_there_are():
    # A teacher that does not learn makes both alike: the banana gains 2.5, the apple 1.5.
    config = paired.Config(**TINY, lr=0.03, teacher_lr=0.0)
    result = tacit.run(paired.make, Taught(), config, iterations=60, seeds=2, every=10)
    assert (result.metrics["banana"][-1] > 0.9).all()
    np.testing.assert_allclose(result.metrics["level_apple_right"].mean(0), 0.5, atol=0.1)


@pytest.mark.long
@pytest.mark.parametrize("settings", [{"form": "population", "students": 3}, {"form": "flexible", "recurrent": True}])
def test_the_other_forms_learn_too(settings):
    config = paired.Config(**TINY, **settings, lr=0.03, teacher_lr=0.0)
    result = tacit.run(paired.make, Taught(), config, iterations=60, seeds=2, every=10)
    assert (result.metrics["banana"][-1] > 0.9).all()
    assert jax.tree.leaves(result.state.students.params)[0].shape[1] == config.students


def test_a_run_that_goes_on_is_the_same_bit_for_bit():
    config, game = paired.Config(**TINY), Taught()

    def last(iterations, **more):
        return list(chunks(paired.make, game, config, iterations=iterations, seeds=[0, 1], **more))[-1].state

    halfway = jax.tree.map(jnp.copy, last(2))
    parts = last(4, state=halfway, done=2)
    jax.tree.map(np.testing.assert_array_equal, jax.tree.map(raw, parts), jax.tree.map(raw, last(4)))


def raw(leaf):
    return jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else np.asarray(leaf)


def test_the_policy_is_the_protagonists():
    learner = paired.make(Taught(), paired.Config(**TINY))
    state = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(learner.init, KEY))
    ((_, params),) = learner.policy(state)
    changed = learner.with_params(state, 0, jax.tree.map(lambda leaf: leaf + 1, params))
    for new, old in zip(*(jax.tree.leaves(each.students.params) for each in (changed, state)), strict=True):
        np.testing.assert_array_equal(new[0], old[0] + 1)
        np.testing.assert_array_equal(new[1], old[1])


@pytest.mark.parametrize(
    ("game", "settings", "line"),
    [
        ("two-fruits", {}, "TwoFruits has no editor in which a teacher could build its levels"),
        ("ipd", {}, "paired needs a game of one player, and MatrixGame has 2"),
        ("maze-small", {"length": 59}, "length must be >= 60, so that an episode ends on every level, got 59"),
        ("maze-small", {"students": 3}, "students must be 2, unless form is population, got 3"),
        ("maze-small", {"other_play": True}, "movers-only and other-play are for games of several players"),
    ],
)
def test_games_and_settings_that_do_not_fit(game, settings, line):
    with pytest.raises((Misfit, SettingError), match=line):
        paired.make(games.make(game), paired.Config(**{"length": 60, **settings}))
