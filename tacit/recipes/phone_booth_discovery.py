"""Two players find a telephone that nobody pointed out; and, of three, the best one for the information it carries."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from tacit.recipes import phone_booth
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_seeds, share
from tacit.runs.training import Finished

CTDL, OBL = "CTDL", "OBL without information"
LENGTH, SHORT = 10, 8  # iterations of 100 updates of 32 episodes; with three booths, which are near
EVEN = 0.05  # bits
NOTHING = {"pays": "nothing", "kappa": 0.0}
NOISES = (0.1, 0.3, 0.5)  # shares of hints that the noisy booth loses
NOISY, COSTLY, PERFECT = range(3)  # booths of `phone-booths`, in its order
REWARDS = {
    "information": {},
    "plain": {"pays": "booths", "beta": 1.0, "kappa": 0.0},  # the published baseline: 1 a step
}
SEEDS = 4  # of a row with three booths, as published
STAY = 12.0  # steps of 20 that count as staying there: more than half
PANEL = phone_booth.PAPER + ", figure 5"


def three(reward: str, noise: float) -> str:
    """The name of a row with three booths."""
    return f"three booths, {reward} reward, noise {noise}"


class Stay(NamedTuple):
    """Where the sender of a row should stay: the booths, how long it is published to, and why it should."""

    row: str
    booths: tuple[int, ...]
    named: str
    published: float
    reason: str

    @property
    def target(self) -> str:
        return f"{self.row}: steps in the {self.named} booth"


FAR = "though it is farther away, its line carries most"
NEAR = "the nearest pays as much as any other"
STAYS = (
    Stay(three("information", 0.1), (NOISY, PERFECT), "noisy or the perfect", 19.0, "both carry nearly as much"),
    Stay(three("information", 0.3), (PERFECT,), "perfect", 19.0, FAR),
    Stay(three("information", 0.5), (PERFECT,), "perfect", 19.0, FAR),
    Stay(three("plain", 0.1), (NOISY,), "noisy", 15.0, NEAR),
    Stay(three("plain", 0.3), (NOISY,), "noisy", 20.0, NEAR),
    Stay(three("plain", 0.5), (NOISY,), "noisy", 20.0, NEAR),
)


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Who finds the booth, how soon, and what the sender does in it."""
    last = {name: phone_booth.found(run)[-1] for name, run in runs.items()}
    return {
        "% of seeds whose sender goes straight to the booth": share(last[CTDL] == phone_booth.STEPS),
        "steps until the sender is in the booth": over_seeds(last[CTDL]),
        "unevenness of {hint up, hint down, else} in the booth, bits": over_seeds(
            phone_booth.uneven(phone_booth.in_booth(runs[CTDL]))
        ),
        f"{OBL}: % of seeds whose sender goes straight to the booth": share(last[OBL] == phone_booth.STEPS),
    } | {
        stay.target: over_seeds(runs[stay.row].metrics["visits"][-1][:, list(stay.booths)].sum(axis=1))
        for stay in STAYS
    }


def details(runs: Mapping[str, Finished]) -> list[str]:
    """Each seed's last test."""
    each = {name: np.round(phone_booth.found(run)[-1], 1) for name, run in runs.items()}
    return [
        f"{name}: steps until the sender is in the booth, by seed: {values.tolist()}." for name, values in each.items()
    ]


def exhibits(runs: Mapping[str, Finished]) -> list[dict[str, Any]]:
    """How soon, and what is done in the booth."""
    words = "steps until the sender is in the booth"
    return [
        phone_booth.curves("Greedy tests, exact", {name: runs[name] for name in (CTDL, OBL)}, "found", words),
        phone_booth.moves_shown(runs[CTDL]),
        phone_booth.visits_shown({name: run for name, run in runs.items() if name.startswith("three")}),
    ]


def _row(seeds: int, **changes: Any) -> Any:
    return phone_booth.row("phone-booth", LENGTH, seeds, discovery=LENGTH, **changes)


def _three(reward: str, noise: float) -> Any:
    rules = {"loss": [noise, 0.0, 0.0]}
    return phone_booth.row("phone-booths", SHORT, SEEDS, rules, discovery=SHORT, **REWARDS[reward])


def _target(stay: Stay) -> Target:
    reason = f"more than half of the episode: {stay.reason}"
    return Target(stay.target, PANEL, low=STAY, reason=reason, published=stay.published)


RECIPE = Recipe(
    name="phone-booth-discovery",
    title="Two players find a telephone that nobody pointed out",
    paper=phone_booth.PAPER,
    rows={CTDL: _row(10), OBL: _row(3, **NOTHING)}
    | {three(reward, noise): _three(reward, noise) for reward in REWARDS for noise in NOISES},
    measure=measure,
    targets=(
        Target(
            "% of seeds whose sender goes straight to the booth",
            phone_booth.OWN,
            low=100.0,
            reason="all of them: greedily, and for both exits, it is there after three steps",
        ),
        Target(
            "steps until the sender is in the booth",
            phone_booth.PAPER + ", figure",
            high=3.0,
            reason="the fewest that there can be",
            published=3.0,
        ),
        Target(
            "unevenness of {hint up, hint down, else} in the booth, bits",
            phone_booth.PAPER + ", figure 3: about 1/3 each",
            high=EVEN,
            reason="near 0, what the capacity of the line asks for; without one of the hints it would be 0.585",
            published=0.0,
        ),
        Target(
            f"{OBL}: % of seeds whose sender goes straight to the booth",
            phone_booth.PAPER + ", figure: 16 to 20 steps",
            high=0.0,
            reason="nothing leads there but the information",
            published=0.0,
        ),
        *map(_target, STAYS),
    ),
    quick=Budget(seeds=2, iterations=2),
    full=Budget(seeds=20, raised=25),
    notes=(
        "Tests are greedy and exact, on both exits. An iteration is of 3,200 episodes.",
        "Of three booths, the costly one is a step nearer than the perfect one, and who only waits in it pays nothing: "
        "the reward for information, which does not ask what is done, is larger there over an episode. How the source "
        "charges the cost, whose players avoid that booth, is not told.",
    ),
    details=details,
    exhibits=exhibits,
)
