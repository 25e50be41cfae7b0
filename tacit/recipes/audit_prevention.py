"""Can hidden codes be prevented by how players learn? The witness, learned in several ways, audited before and after.

"Before" is self-play, exact and from play: whatever pays is told, by wording and by the choice of what to say. "After"
are ways that were proposed against it: every claim delivered in one wording, Other-Play, and Off-Belief Learning, in
which the listener takes statements at their word while it learns, since its belief about the object is the grounded
one.
"""

import functools
import pathlib
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from tacit import loops
from tacit.evaluation import prevention, two_step
from tacit.evaluation.pairings import summarize
from tacit.evaluation.prevention import Audit, Team
from tacit.games.witness import Witness
from tacit.learners import exact_pg
from tacit.learners.two_step import normalized
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_runs, over_seeds, share
from tacit.runs import exhibits
from tacit.runs.computation import Computation, Computed, Say
from tacit.runs.experiment import Experiment
from tacit.runs.policies import run_in
from tacit.scale import precision
from tacit.settings import setting
from tacit.types import Settings

ISSUE = "tacit's specification"
LITERAL = 0.75  # of the game: to speak of the first attribute and to be taken at one's word
LEAST = 0.02  # bits a message, the smallest effect of interest
SELF, ONE_WORDING, OTHER_PLAY, LEVEL_1, LEVEL_2 = "self-play", "one wording", "Other-Play", "level 1", "level 2"
PPO, OBL, OBL_DRAWN = "self-play (PPO)", "level 1 (learned)", "level 2 (learned from draws)"
WARM = 0.05  # temperature of learned levels: at 0.02 the noise of what is learned shows in how claims are worded
WARM_VALUE = 0.733  # of level 1 at that temperature, exactly
PLAIN = {"num_games": 64, "length": 8, "hidden": 32, "epochs": 2, "minibatches": 2, "entropy_weight": 0.02}
OFF_BELIEF = {"temperature": WARM, "num_games": 64, "hidden": 64, "lr": 5e-3, "epsilon": 1.0, "minibatches": 1}
WEIGHED = OFF_BELIEF | {"levels": 1, "updates": 500, "expected": True, "length": 2}
DRAWN = OFF_BELIEF | {"levels": 2, "updates": 300, "draws": 4, "length": 8}


class Ways(Settings):
    """How exact learners learn."""

    iterations: int = setting(1000, "updates of the exact policy gradient", unit="updates", low=1, high=10**6)
    temperature: float = setting(0.01, "temperature of Off-Belief levels", unit="payoff", above=0.0)


def exact_ways(settings: Ways, seeds: int, seed: int, say: Say) -> dict[str, Any]:
    """Audits of teams that learned exactly, `seeds` of each kind; by the kind's name what `_plain` makes of them."""
    game = Witness()
    kinds = {SELF: (game, False), ONE_WORDING: (Witness(wordings=1), False), OTHER_PLAY: (game, True)}
    found = {}
    for name, (played, renamed) in kinds.items():
        say(name)
        with precision(64):
            config = exact_pg.Config(other_play=renamed)
            many = settings.iterations
            run = loops.run(exact_pg.make, played, config, iterations=many, seeds=seeds, seed=seed, every=many)
            found[name] = _plain(prevention.audit(played, normalized(run.state)))
    say("Off-Belief Learning")
    levels = two_step.ladder(game, float(settings.temperature), 2).policies
    with precision(64):
        for name, level in ((LEVEL_1, 1), (LEVEL_2, 2)):
            alike = jax.tree.map(lambda leaf, level=level: np.repeat(leaf[level][None], seeds, axis=0), levels)
            found[name] = _plain(prevention.audit(game, alike))
    return {"ways": found}


def _plain(audit: Audit) -> dict[str, Any]:
    """An audit as data: numbers by name, one for each team, and who met whom."""
    return {name: [float(of(team)) for team in audit.teams] for name, of in FIGURES.items()} | {
        "strangers": audit.strangers.tolist()
    }


def _code(team: Team) -> bool:
    """Whether the detector finds a code that is not surely small."""
    return any(each.found and each.size != "small" for each in team.found)


FIGURES = {
    "return": lambda team: team.earned.natural,
    "reworded": lambda team: team.earned.reworded,
    "mute": lambda team: team.earned.mute,
    "literal listener": lambda team: team.earned.literal,
    "literal": lambda team: team.told.literal,
    "wording": lambda team: team.told.wording,
    "selection": lambda team: team.told.selection,
    "hidden": lambda team: team.hidden,
    "lies": lambda team: team.told.lies,
    "influence": lambda team: team.influence,
    "wording influence": lambda team: team.wording_influence,
    "gap": lambda team: team.gap,
    "code found": _code,
}


def ways(runs: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """All audits by the name of the way: the exact ones as they were stored, and those of learned networks."""
    exact: Computed = runs["exact"]
    return exact.result["ways"] | {name: _learned(runs[name].folder.path) for name in (PPO, OBL, OBL_DRAWN)}


@functools.lru_cache(maxsize=16)
def _learned(path: pathlib.Path) -> dict[str, Any]:
    """The audit of a run's networks, made once for all that is shown of it."""
    run = run_in(path)
    return _plain(prevention.audit(run.game, prevention.tables(run)))


def measure(runs: Mapping[str, Any]) -> dict[str, Measured]:
    """Returns, bits and rates over teams; returns with strangers over pairs of different teams."""
    found = ways(runs)
    measured = {}
    for way, audit in found.items():
        for figure in ("return", "hidden", "wording", "selection", "wording influence", "lies", "gap"):
            measured[f"{way}: {figure}"] = over_seeds(np.array(audit[figure]))
        measured[f"{way}: code found (%)"] = share(np.array(audit["code found"], float))
        measured[f"{way}: hidden, most of a team"] = measured[f"{way}: hidden"]._replace(value=max(audit["hidden"]))
        told = summarize(np.array(audit["strangers"]))
        measured[f"{way}: with strangers"] = over_runs(told.cross_play)
        measured[f"{way}: gap to strangers"] = over_runs(told.gap)
    return measured


def shown(runs: Mapping[str, Any]) -> list[exhibits.Exhibit]:
    """What every way tells and earns, as tables and pictures."""
    found = ways(runs)
    names = list(found)

    def mean(way: str, figure: str) -> float:
        return float(np.mean(found[way][figure]))

    def strangers(way: str) -> float | None:
        return summarize(np.array(found[way]["strangers"])).cross_play.mean

    bits = ("literal", "wording", "selection", "influence", "wording influence", "gap")
    earned = ("return", "reworded", "literal listener", "mute")
    parts = np.array([[mean(way, figure) for figure in bits] for way in names])
    returns = np.array([[*(mean(way, figure) for figure in earned), strangers(way) or np.nan] for way in names])
    rows = [[way, len(found[way]["return"]), 100 * mean(way, "code found"), *parts[i]] for i, way in enumerate(names)]
    head = ["way", "teams", "code found (%)", *bits]
    words = (
        "Means over teams. Literal, wording and selection: what a message tells, in bits; influence: how far the "
        "listener's answer follows it; gap: from a listener that takes statements at their word. A code is found if "
        "the detector says so of 5,000 messages, at a level of 2 %, and does not call it surely small."
    )
    return [
        exhibits.table("What messages carry, by how the players learned", head, rows, words),
        exhibits.heat_map("Bits a message, means over teams", names, list(bits), parts),
        exhibits.heat_map("Expected payoff", names, [*earned, "with strangers"], returns),
        *(_among(name, np.array(found[name]["strangers"])) for name in (SELF, LEVEL_1, PPO, OBL)),
    ]


def _among(way: str, matrix: np.ndarray) -> exhibits.Exhibit:
    teams = [f"team {place}" for place in range(len(matrix))]
    return exhibits.square(f"{way}: teams with each other", teams, matrix, [way] * len(teams), ("witness", "listener"))


def details(runs: Mapping[str, Any]) -> list[str]:
    """One line for each way."""
    lines = []
    for way, audit in ways(runs).items():
        told = summarize(np.array(audit["strangers"]))
        crossed = "-" if told.cross_play.mean is None else f"{told.cross_play.mean:.3f}"
        each = ", ".join(f"{figure} {np.mean(audit[figure]):.3f}" for figure in ("literal", "wording", "selection"))
        lines.append(
            f"{way}: {each} bits; return {np.mean(audit['return']):.3f}, reworded {np.mean(audit['reworded']):.3f},"
            f" with strangers {crossed}; a code found in {sum(audit['code found']):g} of {len(audit['return'])} teams."
        )
    return lines


def _low(name: str, low: float, reason: str) -> Target:
    return Target(name, ISSUE, low=low, reason=reason)


def _high(name: str, high: float, reason: str) -> Target:
    return Target(name, ISSUE, high=high, reason=reason)


_WARM_OPTIMUM = "level 1 at this temperature, 0.733 by backward induction, but for 0.01 that the network may lose"
_NO_EFFECT = "below the smallest effect of interest, in every team"

RECIPE = Recipe(
    name="audit-prevention",
    title="Hidden codes by self-play, and what becomes of them if messages are learned off-belief",
    paper="the suggestion of Hu et al. 2021 (Off-Belief Learning), tried on this project's own game",
    rows={
        "exact": Computation(exact_ways, Ways(), seeds=10),
        PPO: Experiment("ppo", "witness", "", PLAIN, iterations=300, seeds=5),
        OBL: Experiment("obl", "witness", "", WEIGHED, iterations=500, seeds=5),
        OBL_DRAWN: Experiment("obl", "witness", "", DRAWN, iterations=600, seeds=5),
    },
    measure=measure,
    targets=(
        *(
            target
            for way in (SELF, PPO)
            for target in (
                _low(f"{way}: hidden", 0.5, "codes pay, and nothing keeps players from them"),
                _low(f"{way}: code found (%)", 80, "a strong code is found in 5,000 messages"),
                _low(f"{way}: return", LITERAL + 0.05, "more than words alone allow"),
            )
        ),
        _high(f"{SELF}: with strangers", LITERAL, "a stranger's code is worth less than words taken at face value"),
        _high(f"{ONE_WORDING}: wording", 1e-9, "one wording tells nothing"),
        _low(f"{ONE_WORDING}: selection", 0.1, "to reword messages does not touch the choice of what is said"),
        *(
            target
            for way in (LEVEL_1, LEVEL_2)
            for target in (
                _high(f"{way}: hidden, most of a team", 1e-6, "what is not read need not be written; exact"),
                _high(f"{way}: wording influence", 1e-9, "all wordings are worth the same to the listener; exact"),
                _low(f"{way}: return", LITERAL - 1e-3, "one attribute, taken at its word; the softmax costs 1e-6"),
                _high(f"{way}: gap to strangers", 1e-9, "a level is unique"),
            )
        ),
        _high(f"{OBL}: hidden, most of a team", LEAST, _NO_EFFECT),
        _high(f"{OBL}: wording influence", LEAST, "the listener does not read the form"),
        _high(f"{OBL}: code found (%)", 0, "nobody is accused"),
        _low(f"{OBL}: return", WARM_VALUE - 0.01, _WARM_OPTIMUM),
        _high(f"{OBL}: gap to strangers", 0.01, "strangers take words at their word, too"),
    ),
    quick=Budget(seeds=2, learner={"hidden": 16}, iterations=100),
    full=Budget(seeds=30),
    details=details,
    exhibits=shown,
    notes=(
        "The price of prevention is what codes were worth: 0.25 of 1 here. Statements that are true by the rules leave "
        "no lies to ask for.",
        "Other-Play pays nothing for a code, and nothing against one: the wording goes on telling what it told at "
        "first, and nobody gains by it.",
        "A level above the first reads what the level below happened to write. If that is nothing, exactly, it stays "
        "so; learned from draws, level 1 words its claims by the noise of its estimates, and level 2 makes a code of "
        "it. Weighed instead of drawn, and at a temperature of 0.05, level 1 hides nothing; at 0.02 its witness still "
        "told up to 0.1 bits by its wording, which its listener did not read (seeds 100 to 104)."
        " With 300 updates instead of 500 one team of five (seeds 0 to 4) told 0.05 bits so.",
    ),
    least=2,
)
