"""Trials of an adversary's talk on victims of other kinds, as a computation: from its run folder to tables."""

import pathlib
from typing import Any

import numpy as np

from tacit.errors import Misfit
from tacit.evaluation import transfer
from tacit.evaluation.held_out_victims import interval
from tacit.evaluation.transfer import Effect
from tacit.evaluation.transfer_settings import Plan
from tacit.learners import act
from tacit.runs import exhibits
from tacit.runs.computation import Computation, Say
from tacit.runs.policies import run_in
from tacit.runs.training import Finished
from tacit.scale import precision

WANTED = {"help": "victims that learn faster", "disrupt": "victims that learn worse", "backdoor": "victims that obey"}


def computation(plan: Plan, seed: int) -> Computation:
    """Trials as what goes into a run folder.

    Raises:
        InputError: the run does not fit; the line says why.
    """
    entering(plan)
    return Computation(measured, plan, 1, seed)


def entering(plan: Plan) -> Finished:
    """The run.

    Raises:
        RunError: the folder is missing, damaged or a recipe's. Misfit: no adversary learned in it.
    """
    (name,) = plan.models
    run = run_in(pathlib.Path(name))
    if not isinstance(run.config, act.Config):
        raise Misfit(f"{name} holds {run.experiment.learner}, and not act: only adversaries have something to say here")
    return run


def measured(plan: Plan, seeds: int, seed: int, say: Say) -> dict[str, Any]:
    """Tries a run's adversaries on all kinds of victims.

    Returns:
        `objective`, and of each kind in `tried` the victims' figures under each adversary (`talked`, and `correlation`
        where there is a backdoor) and in silence (`silent`), and the paired comparisons of the two (`effects`).
    """
    del seeds
    run, found = entering(plan), {}
    called = transfer.kinds(act.victims_of(run.config))
    with precision(run.experiment.precision):
        for variant in dict.fromkeys(plan.variants):
            said = act.adversaries(run.state)
            found[variant] = transfer.tried(run.game, run.config, said, variant, plan.victims, seed, plan.episodes)
            say(f"{variant}: tried on victims ({called[variant][0]})")
    compared = transfer.compared(found)
    tried = {
        name: {field: np.asarray(values).tolist() for field, values in each._asdict().items() if values is not None}
        | {"effects": [told._asdict() for told in compared[name]]}
        for name, each in found.items()
    }
    return {"objective": run.config.objective, "tried": tried, "exhibits": shown(run, found)}


def shown(run: Finished, found: dict[str, Effect]) -> list[exhibits.Exhibit]:
    """The page: every adversary on every kind of victims, and where there are several, what they do together."""
    own = act.victims_of(run.config)
    head, rows = transfer.rows(found, own)
    objective, generations = run.config.objective, int(np.max(run.state.generation))
    what = "reward of the adversary" if objective == "backdoor" else "return over all updates of a victim"
    caption = (
        f"Adversaries after {generations} generations that want {WANTED[objective]}. Effect: the mean {what}, less "
        "that of the same victims under a constant message; its standard error over victims, and the p value of a "
        "paired t test after Holm's correction over the whole table."
    )
    tables = [exhibits.table("Talk on victims of other kinds", head, rows, caption)]
    count = len(run.state.generation)
    if count < 2:
        return tables
    over = []
    for name, each in found.items():
        effects = each.talked.mean(1) - each.silent.mean()
        over.append([transfer.kinds(own)[name][0], float(effects.mean()), *interval(effects), count])
    words = "Mean effect, with a 95 % interval over adversaries (Student's t)."
    return [*tables, exhibits.table("Over adversaries", ["victims", "effect", "low", "high", "n"], over, words)]
