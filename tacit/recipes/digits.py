"""Games of pairs of digits as recipes see them: what players earn with images they never saw, and what they say."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Array, Float

from tacit.evaluation import digits
from tacit.recipes import channels
from tacit.recipes.base import Target
from tacit.runs import exhibits
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

PAPER = "Foerster et al. 2016, Learning to Communicate with Deep Multi-Agent Reinforcement Learning, section 6.3"
OWN = "tacit's specification"
DIAL, RIAL, ALONE = "DIAL", "RIAL", "no communication"
SEEDS = 5
UNSEEN = (
    "Returns are normalized: divided by what perfect players earn. They are exact, over all pairs of the 297 images "
    "that nobody learned from, greedy and in bits; tests on the way are of 512 such pairs. An update is of 32 episodes."
)


def row(learner: str, game: str, iterations: int, rules: Mapping[str, Any] | None = None, **changes: Any) -> Experiment:
    """Players who learn for `iterations` times 500 updates, between which they are tested."""
    changes = {"view_layers": 2, "updates": 500, "tests": 512, **changes}
    return Experiment(learner, game, "", changes, dict(rules or {}), iterations=iterations, seeds=SEEDS, every=1)


def rows(
    game: str, iterations: int, noise: float, rules: Mapping[str, Any] | None = None, **changes: Any
) -> dict[str, Experiment]:
    """DIAL, RIAL and players who hear nothing, with the same settings (RIAL's channel has no noise) and seeds."""
    asked, quiet = dict(rules or {}), {**(rules or {}), "talk": False}
    return {
        DIAL: row("dial", game, iterations, asked, noise=noise, **changes),
        RIAL: row("rial", game, iterations, asked, **changes),
        ALONE: row("dial", game, iterations, quiet, noise=noise, **changes),
    }


def unseen(run: Finished) -> Float[np.ndarray, " S"]:
    """What each seed earns at the end, normalized, over all pairs of unseen images."""
    return _tried(run, lambda game, policies, params: digits.exactly(game, policies, params)[0].normalized)


def told(run: Finished, measure: Callable[[digits.Words], Array]) -> np.ndarray:
    """What `measure` gives of the words of each seed, over all pairs of unseen images."""
    return _tried(run, lambda game, policies, params: measure(digits.exactly(game, policies, params)[1]))


def _tried(run: Finished, measure: Callable[..., Array]) -> np.ndarray:
    """What `measure(game, policies, params)` gives of each seed's players, as they play with unseen images."""
    game = run.game.held_out
    learner = run.make(game, run.config)

    def of(state: Any) -> Array:
        policies, params = zip(*learner.policy(state), strict=True)
        return measure(game, policies, params)

    return channels.seeds_of(run, of)


def curves(runs: Mapping[str, Finished]) -> exhibits.Exhibit:
    """Every seed's tests on unseen images."""
    tests = {name: run.metrics["test"][..., 0] / digits.best(run.game) for name, run in runs.items()}
    return channels.curves("Tests on unseen images", runs, tests)


def each(name: str, run: Finished) -> str:
    """What every seed earns, as a line."""
    return f"{name}, each seed on unseen images: {', '.join(f'{value:.3f}' for value in unseen(run))}."


def beside(reason: str) -> Target:
    """DIAL beside RIAL, on the same seeds."""
    figure = PAPER + ", figure"
    return Target(f"{DIAL} minus {RIAL}", figure, low=0.1, reason=f"{reason}; a tie is none", verified=False)
