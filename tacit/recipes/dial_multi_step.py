"""DIAL spells ten digits in four bits, at once or one a step."""

from collections.abc import Mapping
from typing import Any

from jaxtyping import Array

from tacit.evaluation.digits import Words
from tacit.recipes import channels, digits
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_seeds
from tacit.recipes.digits import ALONE, DIAL, RIAL
from tacit.runs import exhibits
from tacit.runs.training import Finished

CODE = "I(code; digit), bits"
STEPS = "DIAL, one bit a step"
GAME, NOISE, LR = "multi-step-digits", 0.5, 1e-3
AT_ONCE = {"length": 2, "bits": 4}


def about(words: Words) -> Array:
    """What a code tells of the digit."""
    return words.tells(words.digit, 10)


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Returns with unseen images, and how much of the digit is in the code."""
    ends = {name: digits.unseen(run) for name, run in runs.items()}
    return {
        DIAL: over_seeds(ends[DIAL]),
        STEPS: over_seeds(ends[STEPS]),
        f"{DIAL} minus {RIAL}": over_seeds(ends[DIAL] - ends[RIAL]),
        ALONE: over_seeds(ends[ALONE]),
        CODE: over_seeds(digits.told(runs[DIAL], about)),
    }


def said(words: Words) -> Array:
    """How often each code is said of each digit, among all that is said of it."""
    count = words.count(words.digit, 10)
    return count / count.sum(1, keepdims=True)


def exhibits_of(runs: Mapping[str, Finished]) -> list[dict[str, Any]]:
    """Tests, the codes of the digits in the seed that tells most, and the channel."""
    run = runs[DIAL]
    best = int(digits.told(run, about).argmax())
    codes = [f"{code:04b}" for code in range(16)]
    title = f"How often a code is said of a digit, {DIAL}, seed {best}"
    found = digits.told(run, said)[best]
    spelled = exhibits.heat_map(title, [str(digit) for digit in range(10)], codes, found)
    return [digits.curves(runs), spelled, channels.histograms({DIAL: run})]


RECIPE = Recipe(
    name="dial-multi-step",
    title="DIAL spells a written digit in four bits",
    paper=digits.PAPER,
    rows={
        **digits.rows(GAME, 60, NOISE, AT_ONCE, lr=LR),
        STEPS: digits.row("dial", GAME, 36, noise=NOISE, lr=LR),
    },
    measure=measure,
    targets=(
        Target(
            DIAL,
            digits.OWN + "; the paper's figure: near the best",
            low=0.85,
            reason="with images that nobody learned from; two steps, four bits at once",
        ),
        Target(STEPS, digits.OWN + "; the paper's figure: near the best", low=0.85, reason="the same in five steps"),
        digits.beside("a clear lead: there RIAL does not learn this game"),
        Target(
            ALONE,
            "by the shares of digits: 36 of the 297 unseen images are nines",
            high=0.122,
            reason="nobody can earn more than 36 / 297 = 0.1212 without hearing; more would be a leak",
        ),
        Target(
            CODE, "log2(10) = 3.32, which a code of its own for each digit tells", low=2.99, reason="nine tenths of it"
        ),
    ),
    quick=Budget(seeds=2, iterations=1),
    notes=(
        digits.UNSEEN,
        "The paper has two forms of the game: four bits at once in two steps, in which the three are compared, and one "
        "bit a step in five, whose updates cost more than twice as much, so that there are fewer of them.",
    ),
    details=lambda runs: [digits.each(name, run) for name, run in runs.items()],
    exhibits=exhibits_of,
)
