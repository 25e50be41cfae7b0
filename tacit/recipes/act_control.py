"""Messages that help or hinder PPO on the pendulum and the arm: the budgets of the public code are for GPUs (`--full`).

The default mode breeds for a few generations of a few victims, each with a part of its updates, compares held-out
victims and shows their curves: it says that this runs here, and not how well it does.
"""

from typing import Any

from tacit.learners.victim_presets import UPDATES
from tacit.recipes import act
from tacit.recipes.base import Budget, Recipe

QUICK = {"population": 2, "updates": 2, "length": 256, "epochs": 1}  # in 256 steps an episode ends
FEW = {"pendulum": (6, 8, 24), "reacher": (4, 4, 16)}  # generations, members and updates of the default mode
POPULATION = {"pendulum": 768, "reacher": 128}  # of each of the public code's GPUs
GENERATIONS = 2049
CODE = {"hidden": 64, "sigma": 0.04, "lr": 0.01, "ranks": False}  # of its evolution; there sigma and lr decay slowly
CONTROLS = {"help": (act.NONE, act.CONSTANT, act.START), "disrupt": (act.NONE, act.START)}
LAST = {"help": 0, "disrupt": 1}  # updates that count in the public code's runs
TITLES = {
    "help": "Messages that are functions of the state help PPO to learn: {}",
    "disrupt": "Messages that are functions of the state are to keep PPO from learning: {}",
}


def _recipe(objective: str, game: str) -> Recipe:
    generations, members, few = FEW[game]
    small: dict[str, Any] = {"victim": game, "updates": few, "population": members}
    size, updates = POPULATION[game], UPDATES[game]
    full = CODE | {"population": size, "block": size, "updates": updates, "last": LAST[objective]}
    return act.of_learning(
        f"act-{objective}-{game}",
        TITLES[objective].format(game),
        {act.ROW: act.adversaries(objective, generations, 2, game, **small)},
        CONTROLS[objective],
        CONTROLS[objective][:2],
        quick=Budget(seeds=2, iterations=2, learner=QUICK),
        full=Budget(seeds=3, raised=GENERATIONS, learner=full),
        notes=(
            f"The default mode breeds {generations} generations of {members} members, whose victims learn for {few} "
            f"updates, and the full one {GENERATIONS:,} of {size}, whose victims learn for {updates}. A run that was "
            "interrupted goes on from its last checkpoint (tacit reproduce --resume FOLDER), as often as need be.",
            "Victims have the settings of the public code for this task. Effects are of the mean return over all "
            "updates of a victim, on the same victims with and without messages; no adversary met them.",
        ),
    )


HELP_PENDULUM = _recipe("help", "pendulum")
HELP_REACHER = _recipe("help", "reacher")
DISRUPT_PENDULUM = _recipe("disrupt", "pendulum")
DISRUPT_REACHER = _recipe("disrupt", "reacher")
