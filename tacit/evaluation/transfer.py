"""Does talk that was bred for some victims work on victims of another kind?

An adversary's f (and f^, where there is a backdoor) stays as it is; victims that it never met differ in one thing from
those that it was bred on: seeds, width, step size, kind of units, or that they see numbers as they are. Each victim is
compared with the same one under a constant message: by its mean return over all updates, or, where there is a backdoor,
by the adversary's reward in the same episodes, in which the other one is told nothing, either.

Source: asked by tacit's specification; the settings from which victims depart are those of the public code of Lu et al.
2023, Adversarial Cheap Talk (arXiv 2211.11030).
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from tacit.errors import Misfit
from tacit.evaluation import held_out_victims as held_out
from tacit.evaluation.held_out_victims import Comparison, Obeyed
from tacit.games.base import Game
from tacit.games.cheap_talk import Weights
from tacit.learners import act, victim


class Effect(NamedTuple):
    """What was measured on victims of one kind.

    Attributes:
        talked: `[K, N]` of the victims of each adversary. silent: `[N]` of the same victims under a constant message.
        correlation: `[K, N]` of place and goal, where there is a backdoor.
    """

    talked: Float[np.ndarray, "K N"]
    silent: Float[np.ndarray, " N"]
    correlation: Float[np.ndarray, "K N"] | None = None


def kinds(own: victim.Config) -> dict[str, tuple[str, victim.Config]]:
    """All kinds of victims in words, and their settings, from those that an adversary was bred on."""
    told: dict[str, tuple[str, dict[str, Any]]] = {
        "own": ("as it had them", {}),
        "other-seeds": ("other seeds", {}),
        "half-width": (f"width {max(1, own.hidden // 2)}", {"hidden": max(1, own.hidden // 2)}),
        "double-width": (f"width {2 * own.hidden}", {"hidden": 2 * own.hidden}),
        "half-lr": (f"step size {own.lr / 2:g}", {"lr": own.lr / 2}),
        "double-lr": (f"step size {own.lr * 2:g}", {"lr": own.lr * 2}),
        "other-units": ("tanh units" if own.relu else "rectified units", {"relu": not own.relu}),
        "other-scale": ("normalized" if own.raw else "not normalized", {"raw": not own.raw}),
    }
    return {name: (words, dataclasses.replace(own, **changed)) for name, (words, changed) in told.items()}


def tried(
    game: Game, config: act.Config, said: Sequence[act.Said], variant: str, count: int, seed: int, episodes: int = 64
) -> Effect:
    """What each adversary does to `count` victims of a kind.

    Args:
        config: the adversaries'.
        said: what each of `K` says.
        seed: of all victims and episodes; those of a number are the same in all kinds but "other-seeds".

    Raises:
        Misfit: a victim saw no episode end in all its updates.
    """
    first = count if variant == "other-seeds" else 0
    numbers, victims = list(range(first, first + count)), kinds(act.victims_of(config))[variant][1]

    def learned(training: Weights) -> tuple[victim.State, np.ndarray]:
        trained, curves = held_out.learned(game, [training] * count, numbers, seed, victims, config.updates)
        if np.isnan(curves).all(axis=1).any():
            raise Misfit(f"victims of {config.updates} updates of {victims.length} steps do not see an episode end")
        return trained, np.nanmean(curves, axis=1)

    def obeyed(each: act.Said) -> Obeyed:
        return held_out.obeyed(game, learned(each.training)[0], each.later, seed, victims, episodes)

    silence = act.Said(*map(held_out.quiet, said[0]))
    if config.objective != "backdoor":
        return Effect(np.stack([learned(each.training)[1] for each in said]), learned(silence.training)[1])
    found = [obeyed(each) for each in said]
    correlation = np.stack([each.correlation for each in found])
    return Effect(np.stack([each.reward for each in found]), obeyed(silence).reward, correlation)


def compared(found: dict[str, Effect]) -> dict[str, list[Comparison]]:
    """Each adversary with silence on each kind of victims, all tested together."""
    told = iter(held_out.compare([row - each.silent for each in found.values() for row in each.talked]))
    return {name: [next(told) for _ in each.talked] for name, each in found.items()}


def rows(found: dict[str, Effect], own: victim.Config) -> tuple[list[str], list[list[Any]]]:
    """Head and rows of a table of all that was measured, by kind of victims and adversary; `own`: its own victims."""
    steered = any(each.correlation is not None for each in found.values())
    what = "reward" if steered else "return"
    head = ["victims", "adversary", f"{what} with talk", "in silence", "effect", "se", "p (Holm)", "n"]
    table = []
    for name, comparisons in compared(found).items():
        each = found[name]
        for k, told in enumerate(comparisons):
            means = float(each.talked[k].mean()), float(each.silent.mean())
            p = f"{told.corrected:.2g}"
            row = [kinds(own)[name][0], k + 1, *means, told.mean, told.error, p, len(each.silent)]
            if each.correlation is not None:
                values = each.correlation[k]
                row += [float(values.mean()), float(values.std(ddof=1) / len(values) ** 0.5)]
            table.append(row)
    return head + (["rank correlation", "its se"] if steered else []), table
