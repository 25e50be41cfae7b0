"""Adversarial cheap talk: what the recipes about it have in common."""

import functools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from tacit.evaluation import held_out_victims as held_out
from tacit.games.cheap_talk import Weights, network
from tacit.learners.act import Said, apart, victims_of
from tacit.learners.act import adversaries as adversaries_of
from tacit.recipes.base import Budget, Measured, Recipe, Target
from tacit.runs import exhibits
from tacit.runs.experiment import Experiment
from tacit.runs.policies import run_in
from tacit.runs.training import Finished

PAPER = "Lu et al. 2023, Adversarial Cheap Talk (arXiv 2211.11030)"
OWN = "tacit's specification"
ROW = "adversaries"
CENTERED = 73.8  # 200 sqrt(pi) erf(2.4) / 4.8: what a cart earns that stays in the middle, whatever the goals
VICTIMS, MOST = 4, 256  # held-out ones for each member of the population, 64 by default; and at most
RANDOM = 16  # random networks
OF_EACH = 2  # random networks that each victim number is tried with
QUICK = Budget(seeds=2, iterations=2, learner={"population": 4, "updates": 3, "length": 64, "epochs": 2, "episodes": 8})
NONE, CONSTANT, NOISE, START = "no channel", "constant message", "noise", "its own start"
NETWORKS = f"{RANDOM} random networks"


def adversaries(
    objective: str, iterations: int = 40, seeds: int = 3, game: str = "cart-pole", **learner: Any
) -> Experiment:
    """A row: so many adversaries, each by an evolution of its own."""
    return Experiment("act", game, "", {"objective": objective, **learner}, iterations=iterations, seeds=seeds)


def said(run: Finished, which: str = "mean") -> list[Any]:
    """What each adversary of a run says, at the end ("mean") or at first ("start")."""
    return adversaries_of(run.state, which)


def held_out_count(run: Finished, victims: int = VICTIMS) -> int:
    """How many victims tell what each adversary of a run is worth."""
    return min(victims * run.config.population, MOST)


class Learned(NamedTuple):
    """Mean returns over all updates of the same held-out victims, and their curves.

    Attributes:
        adversaries: `[K, N]`. beside: `[K or 1, N]` of each control. curves: `[updates]`, means over victims.
    """

    adversaries: Float[np.ndarray, "K N"]
    beside: dict[str, Float[np.ndarray, "k N"]]
    curves: dict[str, Float[np.ndarray, " updates"]]


@functools.lru_cache(maxsize=4)
def learned(path: pathlib.Path, controls: tuple[str, ...], victims: int = VICTIMS) -> Learned:
    """How held-out victims, so many for each member, learn from a run's adversaries and beside them."""
    run = run_in(path)
    config, count = run.config, held_out_count(run, victims)

    def curves(told: Sequence[Weights | None], channel: str = "message") -> Float[np.ndarray, "k N updates"]:
        numbers = np.tile(np.arange(count), len(told)).tolist()
        each = [one for one in told for _ in range(count)]
        found = held_out.learned(
            run.game, each, numbers, run.experiment.seed, victims_of(config), config.updates, channel
        )[1]
        return found.reshape(len(told), count, -1)

    final = [each.training for each in said(run)]
    found = {"adversaries": curves(final)}
    for name in controls:
        if name == NETWORKS:
            found[name] = _networks(run, count)
        elif name == START:
            found[name] = curves([each.training for each in said(run, "start")])
        else:
            silent = [held_out.quiet(final[0])] if name == CONSTANT else [None]
            found[name] = curves(silent, {NONE: "none", CONSTANT: "message", NOISE: "noise"}[name])
    over = {name: np.nanmean(each, -1) for name, each in found.items()}  # in an update may no episode have ended
    lines = {name: np.nanmean(each, (0, 1)) for name, each in found.items()}
    return Learned(over.pop("adversaries"), over, lines)


def random_networks(run: Finished, count: int) -> list[Weights]:
    """Random message networks, as a run's adversaries begin: of their shape and steepness, and in their units."""
    config, key = run.config, jax.random.key(run.experiment.seed + held_out.HELD_OUT + 2)
    seen = run.state.mean.training[0][0].shape[1]
    shape = seen, config.words, config.hidden, config.steep
    drawn = [network(jax.random.fold_in(key, k), *shape) for k in range(count)]
    far = apart(run.game, config, Said(drawn[0], ())).training
    return [jax.tree.map(jnp.multiply, each, far) for each in drawn]


def _networks(run: Finished, count: int) -> Float[np.ndarray, "1 N updates"]:
    """The mean over some of the random networks; every victim is tried with its own `OF_EACH` of them."""
    config, drawn = run.config, random_networks(run, RANDOM)
    pairs = [(n, (OF_EACH * n + i) % RANDOM) for n in range(count) for i in range(OF_EACH)]
    told, numbers = [drawn[k] for _, k in pairs], [n for n, _ in pairs]
    found = held_out.learned(run.game, told, numbers, run.experiment.seed, victims_of(config), config.updates)[1]
    return found.reshape(count, OF_EACH, -1).mean(1)[None]


def compared(found: Learned, sign: float) -> dict[str, list[held_out.Comparison]]:
    """Each adversary with each control, all tested together; gains where `sign` is 1, losses where it is -1."""
    pairs = [(name, k) for name in found.beside for k in range(len(found.adversaries))]
    gains = [
        sign * (found.adversaries[k] - found.beside[name][min(k, len(found.beside[name]) - 1)]) for name, k in pairs
    ]
    told = iter(held_out.compare(gains))
    return {name: [next(told) for _ in found.adversaries] for name in found.beside}


def measured(found: Learned, sign: float, judged: tuple[str, ...], row: str = ROW) -> dict[str, Measured]:
    """For each control: the mean effect over adversaries, and the p value of the adversary that has the largest."""
    together, count = compared(found, sign), len(found.adversaries)
    told = {}
    for name in judged:
        effects = np.array([each.mean for each in together[name]])
        spread = float(effects.std(ddof=1)) if count > 1 else None
        worst = max(each.corrected if each.mean > 0 else 1.0 for each in together[name])
        told[effect(name, row)] = Measured(float(effects.mean()), spread, "sd over adversaries", count)
        told[p_value(name, row)] = Measured(worst, None, "sd over adversaries", count)
    return told


def effect(name: str, row: str = ROW) -> str:
    """What the mean effect against a control is called."""
    return f"{_of(row)}against {name}: effect on a victim's return"


def p_value(name: str, row: str = ROW) -> str:
    """What the largest p value against a control is called."""
    return f"{_of(row)}against {name}: largest p value of an adversary"


def _of(row: str) -> str:
    return "" if row == ROW else f"{row}, "


def targets(judged: tuple[str, ...], row: str = ROW) -> list[Target]:
    """Two for each control."""
    found = []
    for name in judged:
        reason = "in the direction that is asked for, over adversaries"
        found.append(Target(effect(name, row), OWN, low=0.0, reason=reason))
        reason = "each adversary by itself, paired by victim, after Holm's correction; 1 in the wrong direction"
        found.append(Target(p_value(name, row), OWN, high=0.01, reason=reason))
    return found


def lines(found: Learned, sign: float, row: str = ROW) -> list[str]:
    """Each adversary by itself, and intervals over adversaries."""
    told, of = [], _of(row)
    for name, each in compared(found, sign).items():
        low, high = held_out.interval(np.array([one.mean for one in each]))
        alone = ", ".join(f"{one.mean:.3g} +- {one.error:.2g} (p {one.corrected:.2g})" for one in each)
        over = f"; 95 % interval of the mean over adversaries: {low:.3g} to {high:.3g}" if len(each) > 1 else ""
        told.append(f"{of}against {name}, each adversary with its standard error over victims: {alone}{over}.")
    means = ", ".join(f"{name} {values.mean():.4g}" for name, values in found.beside.items())
    own = ", ".join(f"{values.mean():.4g}" for values in found.adversaries)
    victims = found.adversaries.shape[1]
    told.append(f"{of}mean returns over all updates of {victims} held-out victims: adversaries {own}; {means}.")
    return [line[0].upper() + line[1:] for line in told]


def shown(run: Finished, found: Learned | None = None, row: str = ROW) -> list[exhibits.Exhibit]:
    """How victims learn, and the fitness of the population."""
    pictures, of = [], "" if row == ROW else f": {row}"
    if found is not None:
        steps = list(range(1, len(next(iter(found.curves.values()))) + 1))
        labels = ("updates of a victim", "mean return")
        pictures.append(exhibits.curves(f"Held-out victims learn{of}", steps, found.curves, labels))
    fitness: Mapping[str, np.ndarray] = {
        f"adversary {k + 1}": run.metrics["fitness"][:, k] for k in range(run.experiment.seeds)
    }
    count = len(run.metrics["fitness"])
    x = [run.experiment.iterations * (i + 1) / count for i in range(count)]
    pictures.append(exhibits.curves(f"Mean fitness of the population{of}", x, fitness, ("generations", "fitness")))
    return pictures


def of_learning(
    name: str,
    title: str,
    rows: Mapping[str, Experiment],
    controls: tuple[str, ...],
    judged: tuple[str, ...],
    quick: Budget = QUICK,
    victims: int = VICTIMS,
    **rest: Any,
) -> Recipe:
    """The recipe of adversaries that help victims to learn, or keep them from it.

    Args:
        rows: the adversaries. Of a row with another name than `ROW` targets name it.
        controls: what victims are compared with; `judged` are those that targets are about.
        victims: held-out ones for each member of the population.
        rest: of the recipe: its full budget and notes.
    """
    sign = 1.0 if all(row.learner_settings["objective"] == "help" for row in rows.values()) else -1.0

    def of(runs: Mapping[str, Finished]) -> dict[str, Learned]:
        return {row: learned(runs[row].folder.path, controls, victims) for row in rows}

    def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
        each = [measured(found, sign, judged, row) for row, found in of(runs).items()]
        return {name: told for one in each for name, told in one.items()}

    return Recipe(
        name=name,
        title=title,
        paper=PAPER,
        rows=rows,
        measure=measure,
        targets=tuple(target for row in rows for target in targets(judged, row)),
        quick=quick,
        details=lambda runs: [line for row, found in of(runs).items() for line in lines(found, sign, row)],
        exhibits=lambda runs: [each for row, found in of(runs).items() for each in shown(runs[row], found, row)],
        **rest,
    )
