"""Ten levers, pulled once: runs of self-play cannot play with each other, and runs of Other-Play can."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tacit.evaluation.levers import barrier, one_apart, other_play_value, own_actions, strangers
from tacit.evaluation.pairings import summarize
from tacit.games.levers import levers
from tacit.recipes.base import Budget, Measured, Nothing, Recipe, Target, over_runs, over_seeds, share
from tacit.runs import exhibits
from tacit.runs.computation import Computation, Say
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

PAPER = "Hu et al. 2020, Other-Play for Zero-Shot Coordination"
NOTEBOOK = "Other-Play notebook: the values follow by arithmetic"
OWN = "tacit's specification"
SHOWN = 15  # runs of each kind in the picture
CHOSEN = 0.5  # a policy that pulls the lever apart with more than this has chosen it

FEWER = {"3 + 1": (0.9, *3 * (1.0,)), "4 + 1": (0.9, *4 * (1.0,))}  # levers that pay 1, and one that pays 0.9
ENTROPY = "self-play with an entropy bonus"


def objective(settings: Nothing, seeds: int, seed: int, say: Say) -> dict[str, Any]:
    """The objective of Other-Play, in a figure and two pictures; nothing is drawn at random."""
    del settings, seeds, seed, say
    form, axes = one_apart(levers()), ("probability of the 0.9 lever, for both players", "expected payoff")
    pictures = []
    for title, most in (
        ("What a policy earns with a stranger", 1.0),
        ("The same near uniform play, which is at 0.1", 0.25),
    ):
        p = np.linspace(0.0, most, 201)
        lines = {f"J_OP, lowest at {barrier(form):.4f}": np.asarray(other_play_value(form, p, p))}
        pictures.append(exhibits.curves(title, p.tolist(), lines, axes))
    return {"barrier": barrier(form), "exhibits": pictures}


def _row(seeds: int = 50, payoffs: tuple[float, ...] = (), **changes: Any) -> Experiment:
    rules = {"payoffs": payoffs} if payoffs else {}
    every = 20 if seeds <= 50 else 100
    return Experiment("joint-action", "levers", "", changes, rules, iterations=1000, seeds=seeds, every=every)


def _separate(policy: str, init_std: float) -> Experiment:
    return _row(1000, policy=policy, init_std=init_std, other_play=True, relabelings=0, entropy_weight=0.0)


SELF_PLAY, OTHER_PLAY = "self-play", "Other-Play"
SEPARATE = {
    f"{OTHER_PLAY}, {policy} policies from {std:g}": _separate(policy, std)
    for policy, std in (("shared", 0.01), ("shared", 0.1), ("shared", 1.0), ("independent", 0.1), ("independent", 1.0))
}
CROSSED = {
    SELF_PLAY: _row(),
    OTHER_PLAY: _row(other_play=True),
    **{f"{OTHER_PLAY}, {name}": _row(payoffs=payoffs, other_play=True) for name, payoffs in FEWER.items()},
    ENTROPY: _row(policy="independent", entropy_weight=0.25),
}


def measure(runs: Mapping[str, Any]) -> dict[str, Measured]:
    """Self-play and cross-play of the runs, exactly, and how many separate policies found the 0.9 lever."""
    found = {}
    for name in CROSSED:
        summary = summarize(strangers(runs[name]))
        found |= {f"{name}: SP": over_runs(summary.self_play), f"{name}: XP": over_runs(summary.cross_play)}
    for name in SEPARATE:
        found[f"{name}: % at 0.9"] = share(own_actions(runs[name])[:, :, 0].min(axis=1) > CHOSEN)
    own = own_actions(runs[ENTROPY])[:, 0]
    return found | {
        f"{ENTROPY}: chance of the 0.9 lever": over_seeds(own[:, 0]),
        f"{ENTROPY}: chance of a 1.0 lever": over_seeds(own[:, 1:].mean(axis=1)),
    }


def shown(runs: Mapping[str, Finished]) -> list[dict[str, Any]]:
    """Some runs of self-play and of Other-Play: who earns what with whom."""
    both = runs[SELF_PLAY], runs[OTHER_PLAY]
    counts = [run.experiment.seeds for run in both]
    some = [i for first, count in ((0, counts[0]), counts) for i in range(first, first + min(count, SHOWN))]
    groups = [SELF_PLAY if i < counts[0] else OTHER_PLAY for i in some]
    names = [f"{group} {i % counts[0] + 1}" for group, i in zip(groups, some, strict=True)]
    title = "Expected payoff of each run with each other's partner, and on the diagonal with its own"
    matrix = strangers(*both)[np.ix_(some, some)]
    return [exhibits.square(title, names, matrix, groups, ("player 1", "player 2"))]


def _near(name: str, value: float, within: float, why: str, source: str = NOTEBOOK) -> Target:
    reason = f"within {within:g} of {value:.4g}: {why}"
    known = value if source == NOTEBOOK else None
    return Target(name, source, low=value - within, high=value + within, reason=reason, published=known)


def _reaches(row: str) -> tuple[Target, ...]:
    why = "the best that players without shared names can do"
    return (_near(f"{row}: SP", 0.9, 0.01, why), _near(f"{row}: XP", 0.9, 0.01, why))


def _misses(row: str, high: float) -> Target:
    why = "most starts lie on the wrong side of the barrier, all of those near uniform play"
    return Target(f"{row}: % at 0.9", OWN, high=high, reason=why)


RECIPE = Recipe(
    name="levers",
    title="Runs of self-play pull ten levers apart; runs of Other-Play agree on the one that no other is like",
    paper=PAPER,
    rows={**CROSSED, **SEPARATE, "objective": Computation(objective, Nothing(), seeds=1)},
    measure=measure,
    targets=(
        _near(f"{SELF_PLAY}: SP", 1.0, 0.01, "nine levers are equally good"),
        _near(f"{SELF_PLAY}: XP", 1 / 9, 0.03, "each run ends at one of the nine by chance"),
        *_reaches(OTHER_PLAY),
        *(target for name in FEWER for target in _reaches(f"{OTHER_PLAY}, {name}")),
        *(_misses(name, 1.0 if name.endswith("0.01") else 50.0) for name in SEPARATE),
        _near(f"{ENTROPY}: XP", 0.0991, 0.001, "one symmetric policy is reached from every start, and it is poor", OWN),
        _near(f"{ENTROPY}: chance of the 0.9 lever", 0.0946, 0.001, "less than of any other", OWN),
        _near(f"{ENTROPY}: chance of a 1.0 lever", 0.1006, 0.001, "so its best lever is a nine-way tie", OWN),
    ),
    quick=Budget(seeds=20),
    full=Budget(seeds=200),
    judged_quick=False,
    scaled=tuple(CROSSED),
    notes=(
        "SP and XP are exact: products of the policies that were learned. On the diagonal, too, both act on their own.",
        "Other-Play with separate policies is the variant that fails: a player who pulls the 0.9 lever gains only if "
        "the other does, too. A softmax over joint actions has no such barrier.",
    ),
    exhibits=shown,
)
