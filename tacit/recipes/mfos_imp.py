"""M-FOS in iterated matching pennies: a zero-sum game, in which a learner can be led and shaping cannot cooperate."""

from collections.abc import Mapping

from tacit.recipes import meta
from tacit.recipes.base import Budget, Measured, Recipe, Target
from tacit.runs.training import Finished

PAPER = "Lu et al. 2022, Model-Free Opponent Shaping; figures from an independent rerun"
RULES = {"discount": 0.96}  # as in the M-FOS code; LOLA's own experiments have 0.9

TRAINED = {
    "train against naive": meta.train("imp", "naive", rules=RULES),
    "train against LOLA": meta.train("imp", "lola", opponent=meta.TAYLOR, rules=RULES),
    "train against itself": meta.train("imp", rules=RULES, **meta.SELF_PLAY),
}
MET = {
    "v naive": ("M-FOS", "naive"),
    "v LOLA": ("M-FOS", "LOLA"),
    "v itself": ("M-FOS, seat 1", "M-FOS, seat 2"),
}
MEETINGS = {
    "v naive": meta.meet("imp", meta.learned("train against naive"), "naive", rules=RULES),
    "v LOLA": meta.meet("imp", meta.learned("train against LOLA"), "lola", opponent=meta.TAYLOR, rules=RULES),
    "v itself": meta.meet("imp", meta.learned("train against itself"), rules=RULES),
}


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Mean rewards over fresh meta-episodes."""
    return meta.figures(runs, MET)


def _at_least(name: str, published: float) -> Target:
    reason = "as much as published, or more; batch, protocol and form of LOLA of the rerun are not known"
    return Target(name, meta.RERUN, low=published - 0.05, reason=reason, published=published, published_spread=0.001)


RECIPE = Recipe(
    name="mfos-imp",
    title="M-FOS wins matching pennies against those who learn, and not against itself",
    paper=PAPER,
    rows={**TRAINED, **MEETINGS},
    measure=measure,
    targets=(
        _at_least("v naive: M-FOS", 0.196),
        _at_least("v LOLA: M-FOS", 0.189),
        meta.near("v itself: M-FOS, seat 1", 0.0, 0.1, "neither seat can win for long", published_spread=0.012),
    ),
    scaled=tuple(TRAINED),
    quick=Budget(seeds=2, iterations=40),
    full=Budget(seeds=10, iterations=1024, learner={"num_games": 4096}),
    notes=(
        "More than published: M-FOS drives a learner's logits so far out that they hardly move any more, and then "
        "plays what matches them. The policies of the learners it met are nearly deterministic in the end.",
    ),
)
