"""Messages that help or hinder PPO on the pendulum, the arm and Breakout; published budgets (`--full`) are for GPUs.

The default mode breeds for a few generations of a few victims, each with a part of its updates (and on Breakout, with
smaller batches and fewer passes over them), compares held-out victims and shows their curves: it says that this runs
here, and not how well it does.
"""

from typing import Any

from tacit.learners.act import PUBLIC_CODE
from tacit.learners.victim_presets import PRESETS, UPDATES
from tacit.recipes import act
from tacit.recipes.base import Budget, Recipe

QUICK = {"population": 2, "updates": 2, "length": 256, "epochs": 1}  # in 256 steps an episode ends
GAMES = {"pendulum": "pendulum", "reacher": "reacher", "breakout": "gymnax:Breakout-MinAtar"}
SMALL: dict[str, tuple[int, dict[str, Any]]] = {  # generations of the default mode, and its settings
    "pendulum": (6, {"population": 8, "updates": 24}),
    "reacher": (4, {"population": 4, "updates": 16}),
    "breakout": (2, {"population": 2, "updates": 12, "length": 16, "epochs": 8}),
}
POPULATION = {"pendulum": 768, "reacher": 128, "breakout": 128}  # of each of the public code's GPUs
GENERATIONS = 2049
EVOLUTION = ("hidden", "ranks", "sigma", "sigma_decay", "sigma_floor", "lr", "lr_decay", "lr_floor")
CONTROLS = {"help": (act.NONE, act.CONSTANT, act.START), "disrupt": (act.NONE, act.START)}
NEEDS = {"breakout": ("The game is of gymnax, which is not installed by itself: `pip install 'tacit[control]'`.",)}
LAST = {"help": 0, "disrupt": 1}  # updates that count in the public code's runs
TITLES = {
    "help": "Messages that are functions of the state help PPO to learn: {}",
    "disrupt": "Messages that are functions of the state are to keep PPO from learning: {}",
}


def _recipe(objective: str, game: str) -> Recipe:
    generations, small = SMALL[game]
    size, updates, code = POPULATION[game], UPDATES[game], PRESETS[game]
    full: dict[str, Any] = {name: getattr(PUBLIC_CODE, name) for name in EVOLUTION}
    full |= {"population": size, "block": size, "updates": updates, "last": LAST[objective]}
    less = ""
    if "epochs" in small:
        less = f" ({small['length']} steps and {small['epochs']} passes instead of {code.length} and {code.epochs})"
        full |= {"length": 0, "epochs": 0}  # those of the public code
    return act.of_learning(
        f"act-{objective}-{game}",
        TITLES[objective].format(game),
        {act.ROW: act.adversaries(objective, generations, 2, GAMES[game], victim=game, **small)},
        CONTROLS[objective],
        CONTROLS[objective][:2],
        quick=Budget(seeds=2, iterations=2, learner=QUICK),
        full=Budget(seeds=3, raised=GENERATIONS, learner=full),
        notes=(
            f"The default mode breeds {generations} generations of {small['population']} members, whose victims learn "
            f"for {small['updates']} updates{less}, and the full one {GENERATIONS:,} of {size}, whose victims learn "
            f"for {updates}. A run that was interrupted goes on from its last checkpoint (tacit reproduce --resume "
            "FOLDER), as often as need be.",
            "Victims have the settings of the public code for this task. Effects are of the mean return over all "
            "updates of a victim, on the same victims with and without messages; no adversary met them.",
            *NEEDS.get(game, ()),
        ),
    )


HELP_PENDULUM = _recipe("help", "pendulum")
HELP_REACHER = _recipe("help", "reacher")
HELP_BREAKOUT = _recipe("help", "breakout")
DISRUPT_PENDULUM = _recipe("disrupt", "pendulum")
DISRUPT_REACHER = _recipe("disrupt", "reacher")
DISRUPT_BREAKOUT = _recipe("disrupt", "breakout")
