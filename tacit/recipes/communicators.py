"""Three prisoners on a line of their own: CommNet, IC3Net and TarMAC beside players who hear nothing."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from tacit.evaluation.play import greedily
from tacit.evaluation.switch_riddle import oracle
from tacit.recipes import switch
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_seeds
from tacit.runs import exhibits
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

TALKING = {
    "CommNet": {"pool": "mean"},
    "IC3Net": {"pool": "mean", "gate": True},
    "TarMAC": {"pool": "attention"},
}
ALONE = "no communication"
LEAST = 0.99
BLIND = 0.65  # telling on the last day, whatever happened: (2 * 540 - 729) / 540
BEST_ALONE = 0.73  # what the best policies known without communication reach, rounded up
ITERATIONS = 150


def row(**changes: Any) -> Experiment:
    """Prisoners who never see the switch, and hear of each other on their line alone."""
    return Experiment(
        "communicator", "switch-riddle", "", changes, {"talk": False}, iterations=ITERATIONS, seeds=5, every=5
    )


def tests(run: Finished) -> Float[np.ndarray, " S"]:
    """What each seed's greedy prisoners earn over all sequences of visits, divided by what the oracle does."""
    return greedily(run)[:, 0] / oracle(run.game.inner)


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """How well each kind does at the end."""
    found = {name: tests(run) for name, run in runs.items()}
    ends = {f"{name}: test": over_seeds(each) for name, each in found.items()}
    return ends | {f"{ALONE}: best seed": Measured(float(found[ALONE].max()), None, "exact", 1)}


def talk(run: Finished) -> str:
    """How often prisoners talk who may choose, at the end of learning."""
    shares = run.metrics["talks"][-1].mean(axis=1)
    return "IC3Net: share of steps at which a prisoner talks, by seed: " + ", ".join(f"{share:.2f}" for share in shares)


def details(runs: Mapping[str, Finished]) -> list[str]:
    """Every seed, and the gate."""
    each = [f"{name}: tests by seed: {', '.join(f'{x:.3f}' for x in tests(run))}" for name, run in runs.items()]
    return [*each, talk(runs["IC3Net"])]


def curves(runs: Mapping[str, Finished]) -> list[dict[str, Any]]:
    """Returns while they learn, random moves included: the mean over seeds."""
    first = next(iter(runs.values()))
    lines = {
        name: np.asarray(run.metrics["return"])[..., 0].mean(1) / oracle(run.game.inner) for name, run in runs.items()
    }
    x = np.asarray(first.metrics["iteration"]).tolist()
    return [exhibits.curves("Play to learn, mean over seeds", x, lines, ("iterations", "return / oracle's"))]


def _best(name: str) -> Target:
    return Target(
        f"{name}: test",
        "by reasoning: who hears of all visits a day later knows in the room whether all have been there",
        low=LEAST,
        reason="the oracle's return can be reached; mean over seeds of greedy play",
    )


RECIPE = Recipe(
    name="communicators",
    title="Three prisoners with a line of their own do as well as the oracle: CommNet, IC3Net, TarMAC",
    paper="none: a demonstration of Sukhbaatar et al. 2016 (CommNet), Singh et al. 2018 (IC3Net) and Das et al. 2019 "
    "(TarMAC) on the riddle of Foerster et al. 2016",
    rows={**{name: row(**changes) for name, changes in TALKING.items()}, ALONE: row(pool="none")},
    measure=measure,
    targets=(
        *map(_best, TALKING),
        Target(
            f"{ALONE}: test",
            switch.BY_ENUMERATION,
            low=BLIND - 0.05,
            high=BEST_ALONE,
            reason="telling on the last day, whatever happened, is worth 0.65; the best policies known without "
            "communication reach 0.722",
        ),
        Target(
            f"{ALONE}: best seed",
            "a search over policies, without proof that none is better: 0.722",
            high=BEST_ALONE,
            reason="a seed above would be a leak",
        ),
    ),
    quick=Budget(seeds=2, iterations=30),
    full=Budget(seeds=20),
    notes=(
        "The switch is hidden (`--game.no-talk`); prisoners, also those outside the room, say numbers on a line of the "
        "learner's own (see its page, communicator), which the others hear on the next day. No "
        "figure is published for this.",
        "Tests are of the last policies, greedy, over all 729 sequences of visits, divided by the oracle's 540/729.",
    ),
    details=details,
    exhibits=curves,
)
