"""Every learner takes every game, or says in one line why it does not."""

import jax
import pytest

from tacit.errors import InputError
from tacit.games import GAMES
from tacit.learners import LEARNERS
from tacit.runs.experiment import Experiment, resolve

NAMES = [name for name in GAMES if not name.endswith(":TASK")]
LEAST = {"ppo": 35, "communicator": 30, "tables": 25, "naive": 9, "act": 5, "victim": 5}  # games, lest all be refused


def refusal(learner, game):
    """The line that refuses a game of default rules; "" where the learner's first step in it can be traced."""
    try:
        found = resolve(Experiment(learner, game, iterations=2))
        made = found.make(found.game, found.config)
        jax.eval_shape(made.step, jax.random.key(0), jax.eval_shape(made.init, jax.random.key(0)))
    except InputError as refused:
        return str(refused)
    return ""


@pytest.mark.long
@pytest.mark.parametrize("learner", list(LEARNERS))
def test_games_fit_or_are_refused(learner):
    refused = [refusal(learner, game) for game in NAMES]
    assert all(len(line.splitlines()) <= 1 for line in refused)
    assert refused.count("") >= LEAST.get(learner, 0)
