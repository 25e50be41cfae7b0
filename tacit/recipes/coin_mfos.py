"""M-FOS and Shaper against PPO in the coin game, from sampled play, at the size of a laptop."""

from collections.abc import Mapping

import numpy as np

from tacit.evaluation.coins import sentence
from tacit.evaluation.meta_episodes import Shaped, shaped
from tacit.evaluation.statistics import bootstrap_interval
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_seeds
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

CLAIM = "Lu et al. 2022, section 5 (coin game), and Khan et al. 2024: the shaper gains at the learner's expense"
OWN = "own reasoning: figures of these papers could not be checked, so the rules are about the method"
SHAPERS = ("M-FOS", "Shaper")
CONTROLS = ("no memory", "no foresight")


def low_end(values: np.ndarray) -> Measured:
    """Lower end of the 95 % bootstrap interval of the mean over seeds, with the standard deviation over seeds."""
    return over_seeds(values)._replace(value=bootstrap_interval(values, 2000, 0)[0])


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Rewards per step of fresh meta-episodes at the end of training, and what memory and foresight bring."""
    reward = {row: shaped(run).reward.mean(1) for row, run in runs.items()}
    found: dict[str, Measured] = {}
    for row, each in reward.items():
        found[f"{row}: own reward"] = over_seeds(each[:, 0])
        found[f"{row}: opponent's reward"] = over_seeds(each[:, 1])
        found[f"{row}: own minus opponent's, low end"] = low_end(each[:, 0] - each[:, 1])
    for row in SHAPERS:
        ahead = reward[row][:, 0] - reward["no foresight"][:, 0]
        found[f"{row}: own reward minus that without foresight, low end"] = low_end(ahead)
    return found


def details(runs: Mapping[str, Finished]) -> list[str]:
    """Rewards over the opponent's learning, and who takes what, by row."""
    return [line for row, run in runs.items() for line in _told(row, shaped(run))]


def _told(row: str, found: Shaped) -> list[str]:
    assert found.takings is not None  # the game is a coin game
    first, last = found.reward[:, 0].mean(0), found.reward[:, -1].mean(0)
    course = f"first {first[0]:+.2f} (opponent {first[1]:+.2f}), last {last[0]:+.2f} (opponent {last[1]:+.2f})"
    return [f"{row}, reward per step by inner episode: {course}.", f"{row} is red. {sentence(found.takings)}"]


def _row(**changes: object) -> Experiment:
    mine = {"lr": 5e-3, "discount": 0.96, **changes}
    theirs = {"lr": 0.02, "hidden": 32, "decay": 0.5}
    return Experiment("mfos-recurrent", "coin-mfos", "ppo", mine, {}, theirs, iterations=60, seeds=4)


def _targets(row: str) -> tuple[Target, ...]:
    gains = "what the opponent learns is turned against it: above 0, what it would have if nobody took coins"
    return (
        Target(f"{row}: own reward", CLAIM, low=0.0, reason=gains),
        Target(
            f"{row}: own minus opponent's, low end",
            CLAIM,
            low=0.0,
            reason="95 % interval of the mean over seeds lies above 0",
        ),
        Target(
            f"{row}: own reward minus that without foresight, low end",
            OWN,
            low=0.0,
            reason="a meta-agent that only plays well has a head start, too; the interval of what shaping adds to it",
        ),
    )


RECIPE = Recipe(
    name="coin-mfos",
    title="M-FOS and Shaper gain at the expense of a PPO learner in the coin game",
    paper="Lu et al. 2022, Model-Free Opponent Shaping, section 5; Khan et al. 2024 (Shaper)",
    rows={
        "M-FOS": _row(),
        "Shaper": _row(memory="carry"),
        "no memory": _row(memory="none"),
        "no foresight": _row(memory="none", foresight=0.0),
    },
    measure=measure,
    targets=(
        *_targets("M-FOS"),
        *_targets("Shaper"),
        *(
            Target(f"{row}: own minus opponent's, low end", OWN, low=0.0, reason="the head start alone suffices")
            for row in CONTROLS
        ),
    ),
    quick=Budget(seeds=2, iterations=10),
    full=Budget(seeds=16),
    notes=(
        "Budget: 60 iterations of 64 games and 4 passes; the M-FOS code has 1000 of 512 games and 16 passes, a step "
        "size of 0.0002, a discount of 0.995 (here 0.005 and 0.96), and an opponent of 80 passes over whole batches.",
        "The opponent begins anew with each meta-episode and the meta-agent does not: that head start alone lets a "
        "player of this game gain at its expense. What shaping adds is the difference to the row without foresight.",
    ),
    details=details,
)
