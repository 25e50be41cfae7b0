"""Meta-self-play: two M-FOS agents that trained with each other cooperate, and a fresh best response gains little."""

from collections.abc import Mapping

import numpy as np

from tacit.recipes import meta
from tacit.recipes.base import Budget, Measured, Recipe, Target, share
from tacit.runs.training import Finished

PAPER = "Lu et al. 2022, Model-Free Opponent Shaping, meta-self-play"
OWN = "tacit's specification"
PAIRS = 6
COOPERATION = -1.05  # a pair that gets this on average cooperates, learning phase included

PAIR = "train a pair"
BEST = [f"best response to pair {pair + 1}" for pair in range(PAIRS)]
TRAINED = {
    PAIR: meta.train("ipd", seeds=PAIRS, **meta.SELF_PLAY),
    **{
        name: meta.train("ipd", meta.learned(PAIR), seeds=2, iterations=500, opponent={"agent": pair})
        for pair, name in enumerate(BEST)
    },
}
MEETINGS = {
    "pairs": meta.meet("ipd", meta.learned(PAIR)),
    **{
        f"{name}, met": meta.meet("ipd", meta.learned(name), meta.learned(PAIR), opponent={"agent": pair})
        for pair, name in enumerate(BEST)
    },
}


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """What the pairs get, and what a best response to one of a pair gets beyond what its partner does."""
    pairs = meta.by_agent(runs["pairs"])[:PAIRS]  # [PAIRS, P]
    met = [meta.by_agent(runs[f"{name}, met"])[:, 0].max() for name in BEST]
    gain = np.array(met) - pairs[:, 0]
    error = float(gain.std(ddof=1) / len(gain) ** 0.5)
    found = meta.figures(runs, {"pairs": ("seat 1", "seat 2")})
    found["pairs that cooperate"] = share(pairs.mean(axis=1) >= COOPERATION)
    found["gain of a best response"] = Measured(float(gain.mean()), error, "se over pairs", len(gain))
    return found


def details(runs: Mapping[str, Finished]) -> list[str]:
    """What each pair gets, and the best response to it."""
    pairs, lines = meta.by_agent(runs["pairs"]), []
    for pair, name in enumerate(BEST):
        best = meta.by_agent(runs[f"{name}, met"])[:, 0]
        both = f"{pairs[pair, 0]:.3f} and {pairs[pair, 1]:.3f}"
        lines.append(f"pair {pair + 1}: {both}; best responses to its second: {', '.join(f'{x:.3f}' for x in best)}")
    return lines


RECIPE = Recipe(
    name="mfos-self-play",
    title="Two M-FOS agents that train with each other cooperate; a fresh best response gains little",
    paper=PAPER,
    rows={**TRAINED, **MEETINGS},
    measure=measure,
    targets=(
        Target(
            "pairs that cooperate",
            OWN,
            low=80.0,
            reason=f"percentage with a mean reward of at least {COOPERATION:g}; at least 4 of 5",
        ),
        Target(
            "pairs: seat 1",
            meta.RERUN,
            low=COOPERATION,
            reason="mutual cooperation",
            published=-1.006,
        ),
        Target(
            "gain of a best response",
            OWN,
            high=0.1,
            reason="near an equilibrium: a tenth of what mutual cooperation is worth over mutual defection",
        ),
    ),
    scaled=(PAIR, *BEST),
    least=PAIRS,
    quick=Budget(iterations=20),
    full=Budget(seeds=10, iterations=1024, learner={"num_games": 4096, "lr": 2e-4, "anneal": 0.0015}),
    notes=(
        "A best response is a fresh M-FOS agent in the first seat, trained against the frozen second agent of one "
        "pair, twice; the better of the two counts. Its training is shorter than the pair's: a gain below 0 says that "
        "this search found no better answer, not that there is none.",
        "Budget: 1200 iterations with batches of 64 meta-episodes, at a larger step size than published.",
        "Published settings (--full): batches of 4096, lr 0.0002, the share of naive opponents falls by 0.0015.",
    ),
    details=details,
)
