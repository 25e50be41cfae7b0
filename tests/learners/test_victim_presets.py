"""Victims by the name of their task, and adversaries of the tasks whose actions are numbers."""

import jax
import numpy as np
import pytest

from tacit import games
from tacit.errors import SettingError
from tacit.evaluation import held_out_victims as held_out
from tacit.learners import act
from tacit.learners.victim_presets import PRESETS, UPDATES

# The table of the public code: games, steps, updates, passes, step size, weight of the entropy, width, rectified units.
TABLE = {
    "cart-pole": (4, 256, 32, 16, 0.005, 0.01, 32, False),
    "pendulum": (16, 256, 128, 16, 0.02, 0.005, 32, False),
    "reacher": (32, 128, 256, 10, 0.004, 0.0005, 128, True),
    "breakout": (64, 128, 1024, 32, 0.0003, 0.01, 256, True),
}
STEPS = {"cart-pole": 32_768, "pendulum": 524_288, "reacher": 1_048_576, "breakout": 8_388_608}  # of a victim in all
DISCOUNTS = {"cart-pole": 0.99, "pendulum": 0.95, "reacher": 0.99}


@pytest.mark.parametrize("task", TABLE)
def test_presets_are_those_of_the_public_code(task):
    told, updates = PRESETS[task], UPDATES[task]
    found = (told.num_games, told.length, updates, told.epochs, told.lr, told.entropy_weight, told.hidden, told.relu)
    assert found == TABLE[task]
    assert told.num_games * told.length * updates == STEPS[task]
    assert (told.minibatches, told.clip_values, told.clip, told.decay, told.max_norm) == (1, True, 0.2, 0.95, 0.5)
    assert told.discount is None  # the game's own
    if task in DISCOUNTS:
        assert games.make(task).discount == DISCOUNTS[task]


def test_adversaries_name_their_victims_and_may_change_them():
    assert act.victims_of(act.Config()) == PRESETS["cart-pole"]
    changed = act.victims_of(act.Config(victim="reacher", epochs=3))
    assert (changed.length, changed.epochs, changed.hidden) == (128, 3, 128)
    with pytest.raises(SettingError, match="victim must be one of cart-pole, pendulum, reacher, breakout, got 'pole'"):
        act.Config(victim="pole")


@pytest.mark.parametrize(("task", "seen", "goal"), [("cart-pole", 4, 1), ("pendulum", 3, 2), ("reacher", 10, 2)])
def test_messages_of_a_back_door_read_the_goal_too(task, seen, goal):
    learner = act.make(games.make(task), act.Config(objective="backdoor"))
    mean = jax.eval_shape(learner.init, jax.random.key(0)).mean
    assert (mean.training[0][0].shape[0], mean.later[0][0].shape[0]) == (seen, seen + goal)


TINY = act.Config(population=2, updates=2, length=210, epochs=1, episodes=4, block=2, victim="pendulum")


@pytest.mark.long
def test_updates_in_which_no_episode_ends_do_not_count():
    """Windows of 128 steps, one of them before the first update, and episodes of 200: from 256 to 384 none ends."""
    game, config = games.make("pendulum"), act.Config(**{**vars(TINY), "length": 128, "updates": 4})
    said = act.Said(act.network(jax.random.key(0), 3), ())
    curve = act.taught(jax.random.key(1), act.CheapTalk.of(game, said.training), act.victims_of(config), 4)[1]
    assert np.isnan(curve).tolist() == [False, True, False, False]
    learn_key, _ = jax.random.split(jax.random.key(2))
    alone = act.taught(learn_key, act.CheapTalk.of(game, said.training), act.victims_of(config), 4)[1]
    worth = act.fitness(jax.random.key(2), game, config, said)
    np.testing.assert_allclose(worth, np.nanmean(alone), rtol=1e-4)


@pytest.mark.long
def test_obedience_is_told_by_all_numbers_of_a_goal():
    game, config = games.make("reacher"), act.victims_of(act.Config(**{**vars(TINY), "victim": "pendulum"}))
    said, later = act.network(jax.random.key(0), 10), act.network(jax.random.key(1), 12)
    trained, _ = held_out.learned(game, [said], [0], 3, config, 1)
    found = held_out.obeyed(game, trained, later, 3, config, 8)
    assert found.reward.shape == found.correlation.shape == (1,)
    assert 0 < found.reward[0] < 200
    assert abs(found.correlation[0]) <= 1
