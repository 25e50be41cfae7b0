"""Messages that are functions of the state change nothing, exactly, in learners that keep a table.

Four learners on a frozen lake, under twenty random functions from cells to four labels each, are compared with
themselves without any message. Beside them learners to which the theorem does not apply.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from tacit.evaluation import immunity
from tacit.games.frozen_lake import FrozenLake
from tacit.learners import tables
from tacit.recipes.base import Budget, Measured, Recipe, Target
from tacit.runs import exhibits
from tacit.runs.computation import Computation, Computed, Say
from tacit.settings import setting
from tacit.types import Settings

STEP_SIZES = {"q-learning": 0.2, "sarsa": 0.2, "monte-carlo": 0.1, "policy-gradient": 1.0}
TOLD = tables.Config(lr=STEP_SIZES["q-learning"])
EXCEPTIONS = {  # what the theorem asks for, and what is done instead; the last part: labels are noise
    "linear": (dataclasses.replace(TOLD, memory="linear", lr=0.05), False),
    "colliding rows": (dataclasses.replace(TOLD, memory="hashed"), False),
    "rows differ at first": (dataclasses.replace(TOLD, init_std=0.1), False),
    "normalized": (dataclasses.replace(TOLD, memory="normalized"), False),
    "noise": (TOLD, True),
}
DERIVED = "derived: rows that start alike and are learned from alone do not depend on their names"


class Talk(Settings):
    """How many functions, and how long is learned under each."""

    functions: int = setting(20, "random functions from cells to labels", unit="functions", low=1, high=1000)
    exceptions: int = setting(4, "of these, those the exceptions are tried with", unit="functions", low=1, high=1000)
    episodes: int = setting(1000, "episodes of a run", unit="episodes", low=1, high=10**6)
    length: int = setting(60, "steps after which an episode is cut off", unit="steps", low=1, high=10**4)


def compare(settings: Talk, seeds: int, seed: int, say: Say) -> dict[str, Any]:
    """`immunity.Influence` of every learner in a table, under "tables", and of every exception, under "exceptions"."""
    game = FrozenLake(anywhere=True, length=settings.length)
    labels = immunity.functions(settings.functions, seed)

    def told(name: str, config: tables.Config, labels: np.ndarray, noisy: bool = False) -> dict[str, float]:
        say(name)
        return immunity.influence(game, config, labels, seeds, seed, settings.episodes, noisy)._asdict()

    each = {rule: told(rule, tables.Config(rule=rule, lr=lr), labels) for rule, lr in STEP_SIZES.items()}
    few = labels[: 1 + settings.exceptions]
    exceptions = {name: told(name, config, few, noisy) for name, (config, noisy) in EXCEPTIONS.items()}
    shape = {"functions": settings.functions, "seeds": seeds, "episodes": settings.episodes}
    return {"tables": each, "exceptions": exceptions, "shape": shape, "exhibits": _exhibits(each, exceptions)}


def _exhibits(each: Mapping[str, Any], exceptions: Mapping[str, Any]) -> list[exhibits.Exhibit]:
    head = ["learner", "values", "values, against a constant message", "returns", "other labels", "return learned"]
    rows = [[name, *found.values()] for name, found in (*each.items(), *exceptions.items())]
    words = (
        "Largest differences under any function and seed. 0 is exact: all bits are equal. The last five are not tables "
        "in the sense of the theorem."
    )
    return [exhibits.table("What messages change", head, rows, words)]


def measure(runs: Mapping[str, Computed]) -> dict[str, Measured]:
    """Largest differences, exact."""
    found = runs["compare"].result
    measured = {}
    for rule, each in found["tables"].items():
        measured[f"{rule}: difference of values"] = Measured(each["values"], None, "exact", 1)
        measured[f"{rule}: difference of returns"] = Measured(each["returns"], None, "exact", 1)
        measured[f"{rule}: other labels"] = Measured(each["others"], None, "exact", 1)
        measured[f"{rule}: return learned"] = Measured(each["learned"], None, "exact", 1)
    for name, each in found["exceptions"].items():
        measured[f"{name}: difference of values"] = Measured(each["values"], None, "exact", 1)
    return measured


def details(runs: Mapping[str, Computed]) -> list[str]:
    """What was compared, and the exceptions against a constant message."""
    found = runs["compare"].result
    shape = found["shape"]
    lines = [
        f"Compared: {shape['functions']} random functions and a constant one, {shape['seeds']} seeds each, "
        f"{shape['episodes']} episodes."
    ]
    against = ", ".join(f"{name} {each['between']:.3g}" for name, each in found["exceptions"].items())
    return [*lines, f"Exceptions, largest difference of a value from that under a constant message: {against}."]


def _targets() -> list[Target]:
    found = []
    for rule in STEP_SIZES:
        for what in ("difference of values", "difference of returns", "other labels"):
            found.append(Target(f"{rule}: {what}", DERIVED, high=0.0, reason="exactly: every bit is equal"))
        reason = "half of what the best play earns from a random cell (0.84); uniform play earns 0.05"
        found.append(Target(f"{rule}: return learned", "exact values of the lake", low=0.42, reason=reason))
    for name in EXCEPTIONS:
        reason = "far above rounding: the comparison can fail"
        found.append(Target(f"{name}: difference of values", DERIVED, low=0.01, reason=reason))
    return found


RECIPE = Recipe(
    name="tabular-immunity",
    title="Cheap talk cannot touch a learner with a table: its values are the same, bit for bit",
    paper="statement and proof are tacit's own; setting of Lu et al. 2023, Adversarial Cheap Talk",
    rows={"compare": Computation(compare, Talk(), seeds=3)},
    measure=measure,
    targets=tuple(_targets()),
    quick=Budget(seeds=1),
    full=Budget(seeds=10),
    judged_quick=True,
    notes=(
        '"other labels" is the largest change since the start of what a learner holds of a cell under a label that was '
        "not its own in training: an adversary who exchanges its function afterwards finds trained values or those of "
        "the start, and nothing else.",
    ),
    details=details,
)
