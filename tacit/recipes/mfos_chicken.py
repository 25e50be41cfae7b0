"""M-FOS in chicken, played once per step: cyclists that learned that cars swerve, and two who both know it."""

from collections.abc import Mapping

from tacit.recipes import meta
from tacit.recipes.base import Budget, Measured, Recipe, Target
from tacit.runs.training import Finished

PAPER = "Lu et al. 2022, Model-Free Opponent Shaping, chicken"
MEMORY = "remembered from the paper, not checked against its text"

TRAINED = {
    "train against naive": meta.train("chicken", "naive", iterations=400),
    "train against LOLA": meta.train("chicken", "lola", opponent=meta.TAYLOR, iterations=800),
    "train against itself": meta.train("chicken", **meta.SELF_PLAY),
}
MET = {
    "v naive": ("M-FOS", "naive"),
    "v LOLA": ("M-FOS", "LOLA"),
    "v itself": ("M-FOS, seat 1", "M-FOS, seat 2"),
}
MEETINGS = {
    "v naive": meta.meet("chicken", meta.learned("train against naive"), "naive"),
    "v LOLA": meta.meet("chicken", meta.learned("train against LOLA"), "lola", opponent=meta.TAYLOR),
    "v itself": meta.meet("chicken", meta.learned("train against itself")),
}


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Mean rewards over fresh meta-episodes."""
    return meta.figures(runs, MET)


RECIPE = Recipe(
    name="mfos-chicken",
    title="M-FOS goes straight where others learn to swerve, and two of them do not crash",
    paper=PAPER,
    rows={**TRAINED, **MEETINGS},
    measure=measure,
    targets=(
        Target(
            "v naive: M-FOS", MEMORY, low=0.85, reason="close to the 1 of going straight", published=1.0, verified=False
        ),
        Target(
            "v LOLA: M-FOS",
            MEMORY,
            low=0.5,
            reason="the shaper is made to swerve most of the time; sources disagree, and know another chicken",
            published=1.0,
            verified=False,
        ),
        Target(
            "v itself: M-FOS, seat 1",
            MEMORY,
            low=-1.0,
            reason="no worse than swerving for ever: a crash costs 100 (two LOLA learners get -87)",
            published=0.0,
            verified=False,
        ),
        Target(
            "v itself: M-FOS, seat 2",
            MEMORY,
            low=-1.0,
            reason="no worse than swerving for ever",
            published=0.0,
            verified=False,
        ),
    ),
    scaled=tuple(TRAINED),
    quick=Budget(seeds=2, iterations=40),
    full=Budget(seeds=10, iterations=1024, learner={"num_games": 4096}),
    notes=(
        "LOLA is not made to swerve: it goes straight and counts on the other to give way (two of them get -87), and "
        "what M-FOS learns is to swerve after few crashes.",
    ),
)
