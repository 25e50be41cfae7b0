"""Every learner takes every game, or says in one line why it does not."""

import jax
import pytest

from tacit.errors import InputError
from tacit.games import GAMES
from tacit.learners import LEARNERS
from tacit.runs.experiment import Experiment, resolve

NAMES = [name for name in GAMES if not name.endswith(":TASK")]
LEAST = {"ppo": 35, "communicator": 30, "tables": 25, "naive": 9, "act": 5, "victim": 5}  # games, lest all be refused


def takes(learner, game):
    """Whether the learner's first step in a game of default rules can be compiled."""
    try:
        found = resolve(Experiment(learner, game, iterations=2))
    except InputError as refused:
        assert len(str(refused).splitlines()) == 1
        return False
    made = found.make(found.game, found.config)
    jax.eval_shape(made.step, jax.random.key(0), jax.eval_shape(made.init, jax.random.key(0)))
    return True


@pytest.mark.long
@pytest.mark.parametrize("learner", list(LEARNERS))
def test_games_fit_or_are_refused(learner):
    assert sum(takes(learner, game) for game in NAMES) >= LEAST.get(learner, 0)
