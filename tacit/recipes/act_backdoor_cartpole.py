"""A trained, frozen victim drives its cart where messages want it, after it learned under other messages."""

import functools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from tacit.evaluation import held_out_victims as held_out
from tacit.evaluation import shaping
from tacit.evaluation.held_out_victims import Obeyed
from tacit.evaluation.shaping import Shaped
from tacit.games.cheap_talk import Weights
from tacit.learners import victim
from tacit.learners.act import Said, victims_of
from tacit.recipes import act
from tacit.recipes.base import Budget, Measured, Recipe, Target
from tacit.runs import exhibits
from tacit.runs.policies import run_in
from tacit.runs.training import Finished

COLUMNS = 4  # of the state
BACKDOOR, MASKED, START = "backdoor", "masked victims", "adversaries' own starts"
ORACLE, RANDOM, PLAIN = "Oracle PPO", "Random Shaper", "PPO, no attack"
OF_ADVERSARIES = (BACKDOOR, START, ORACLE)
SHAPED = 16  # held-out victims that agents learn to speak to, each with one of its own


class Found(NamedTuple):
    """How far held-out victims obey, by who steers them, and what agents earn while they learn to, `[updates]`."""

    obeyed: dict[str, list[Obeyed]]
    curves: dict[str, np.ndarray]


@functools.lru_cache(maxsize=4)
def steered(path: pathlib.Path) -> Found:
    """How far held-out victims obey each adversary: as they are, masked, and each adversary as it began.

    And how far agents that learn to speak to one of them each: to those that heard an adversary, a random network (one
    for each victim), and a constant message.
    """
    run = run_in(path)
    seed, config = run.experiment.seed, run.config
    count, few = act.held_out_count(run), min(SHAPED, act.held_out_count(run))
    final, start = act.said(run), act.said(run, "start")

    def taught(told: Sequence[Weights]) -> victim.State:
        numbers = list(range(len(told)))
        return held_out.learned(run.game, told, numbers, seed, victims_of(config), config.updates)[0]

    def obeying(trained: victim.State, said: Said) -> Obeyed:
        return held_out.obeyed(run.game, trained, said.later, seed, victims_of(config))  # type: ignore[arg-type]

    def shaped(trained: victim.State) -> Shaped:
        return shaping.shaped(run.game, jax.tree.map(lambda leaf: leaf[:few], trained), seed, config)

    heard = [taught([each.training] * count) for each in final]
    silent = taught([held_out.quiet(final[0].training)] * count)
    agents = {
        ORACLE: [shaped(each) for each in heard],
        RANDOM: [shaped(taught(act.random_networks(run, few)))],
        PLAIN: [shaped(silent)],
    }
    obeyed = {
        BACKDOOR: [obeying(*each) for each in zip(heard, final, strict=True)],
        MASKED: [obeying(held_out.deaf(silent, COLUMNS), final[0])],
        START: [obeying(taught([start[0].training] * count), start[0])],
    }
    curves = {name: shaping.mean_curve(several) for name, several in agents.items()}
    return Found(obeyed | {name: [each.obeyed for each in several] for name, several in agents.items()}, curves)


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Means over adversaries; of masked victims, over victims."""
    found = steered(runs[act.ROW].folder.path).obeyed
    told = {}
    for name, values in (
        ("reward", _of(found, "reward")),
        ("rank correlation of position and goal", _of(found, "correlation")),
    ):
        spread = float(values.std(ddof=1)) if len(values) > 1 else None
        told[f"{BACKDOOR}: {name}"] = Measured(float(values.mean()), spread, "sd over adversaries", len(values))
    (masked,) = found[MASKED]
    error = float(masked.reward.std(ddof=1) / len(masked.reward) ** 0.5)
    kind, count = "se over victims", len(masked.reward)
    told[f"{MASKED}: reward less two standard errors"] = Measured(masked.reward.mean() - 2 * error, error, kind, count)
    told[f"{MASKED}: rank correlation, its size"] = Measured(
        float(abs(masked.correlation.mean())), float(masked.correlation.std(ddof=1) / count**0.5), kind, count
    )
    return told


def _of(found: Mapping[str, list[Obeyed]], which: str) -> np.ndarray:
    return np.array([getattr(each, which).mean() for each in found[BACKDOOR]])


def _rows(found: Mapping[str, list[Obeyed]]) -> list[list[Any]]:
    rows = []
    for name, several in found.items():
        for k, each in enumerate(several):
            figures = (each.reward.mean(), _error(each.reward), each.correlation.mean(), _error(each.correlation))
            whose = f"{name}, adversary {k + 1}" if name in OF_ADVERSARIES else name
            rows.append([whose, len(each.reward), *(f"{x:.2f}" for x in figures)])
    return rows


def _error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / len(values) ** 0.5)


def details(runs: Mapping[str, Finished]) -> list[str]:
    """Each adversary by itself, with the standard errors over victims."""
    words = "{}: {} victims; reward {} +- {}, rank correlation {} +- {}."
    return [words.format(*row) for row in _rows(steered(runs[act.ROW].folder.path).obeyed)]


def _exhibits(runs: Mapping[str, Finished]) -> list[exhibits.Exhibit]:
    found = steered(runs[act.ROW].folder.path)
    head = ["steered by", "victims", "reward", "its standard error", "rank correlation", "its standard error"]
    caption = f"A cart that stays in the middle earns {act.CENTERED}."
    table = exhibits.table("How far held-out victims obey", head, _rows(found.obeyed), caption)
    updates = list(range(1, len(found.curves[ORACLE]) + 1))
    labels = ("updates of an agent", "mean reward")
    learning = exhibits.curves("Agents learn what to say to one frozen victim", updates, found.curves, labels)
    return [table, learning, *act.shown(runs[act.ROW])]


RECIPE = Recipe(
    name="act-backdoor-cartpole",
    title="Messages steer a trained victim to goals of their own",
    paper=act.PAPER,
    rows={act.ROW: act.adversaries("backdoor", 64, own=True, units=True, lr=0.1, block=4)},
    measure=measure,
    targets=(
        Target(f"{BACKDOOR}: reward", act.OWN, low=act.CENTERED, reason="more than staying in the middle earns"),
        Target(
            f"{BACKDOOR}: rank correlation of position and goal",
            act.OWN,
            low=0.8,
            reason="the cart goes where it is told",
        ),
        Target(
            f"{MASKED}: reward less two standard errors",
            act.OWN,
            high=act.CENTERED,
            reason="nobody steers who is not heard",
        ),
        Target(f"{MASKED}: rank correlation, its size", act.OWN, high=0.2, reason="nobody steers who is not heard"),
    ),
    quick=act.QUICK,
    full=Budget(seeds=8, raised=300, learner={"population": 64, "victims": 4, "block": 64}),
    notes=(
        "Victims learn under f, are frozen, and then play 64 episodes under f^, which knows a goal that is uniform on "
        "the track; the position is the mean over an episode. Masked victims see 0 in place of every message, always.",
        f"Beside f^, agents learn by PPO what to say to one frozen victim each, of the first {SHAPED}, and are judged "
        f"in the same episodes. Their victims heard f ({ORACLE}), a random network each ({RANDOM}), or a constant "
        f"message ({PLAIN}). Theory gives these rows no order, so they are no targets: the best messages to a victim "
        "are worth no less than f^, but PPO need not find them.",
    ),
    details=details,
    exhibits=_exhibits,
)
