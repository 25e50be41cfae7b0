"""DIAL learns to say whether a written digit is odd, and says nothing of its color, which would be easier."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from tacit.evaluation.digits import Words
from tacit.recipes import channels, digits
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_seeds, share
from tacit.recipes.digits import ALONE, DIAL, RIAL
from tacit.runs import exhibits
from tacit.runs.training import Finished

GOOD = 0.95
HITS = f"% of seeds of {DIAL} at {GOOD} or more"
PARITY, COLOR = "I(bit; parity of the digit), bits", "I(bit; color), bits"


def about(words: Words) -> Array:
    """What the bit tells of parity and of color."""
    return jnp.stack([words.tells(words.digit & 1, 2), words.tells(words.color, 2)])


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Returns with unseen images, and what the bit is about."""
    ends = {name: digits.unseen(run) for name, run in runs.items()}
    parity, color = digits.told(runs[DIAL], about).T
    return {
        HITS: share(ends[DIAL] >= GOOD),
        DIAL: over_seeds(ends[DIAL]),
        f"{DIAL} minus {RIAL}": over_seeds(ends[DIAL] - ends[RIAL]),
        ALONE: over_seeds(ends[ALONE]),
        PARITY: over_seeds(parity),
        COLOR: over_seeds(color),
    }


def said(words: Words) -> Array:
    """How often the bit is 1, by digit and color."""
    count = words.count(2 * words.digit + words.color, 20)
    return (count[:, 1] / count.sum(1)).reshape(10, 2)


def exhibits_of(runs: Mapping[str, Finished]) -> list[dict[str, Any]]:
    """Tests, what was said of which image by each seed of DIAL and of RIAL, and the channel."""
    names = [str(digit) for digit in range(10)]
    maps = [
        exhibits.heat_map(
            f"How often the bit is 1, by digit and color, {name}",
            names,
            [f"seed {s}, color {color}" for s in range(len(found)) for color in (0, 1)],
            np.concatenate(found, axis=1),
        )
        for name in (DIAL, RIAL)
        for found in [list(digits.told(runs[name], said))]
    ]
    return [digits.curves(runs), *maps, channels.histograms({DIAL: runs[DIAL]})]


RECIPE = Recipe(
    name="dial-color-digit",
    title="DIAL says the parity of a written digit, which is worth more than its color",
    paper=digits.PAPER,
    rows=digits.rows("color-digit", 20, noise=4.0, lr=5e-4),
    measure=measure,
    targets=(
        Target(HITS, digits.OWN, low=100.0, reason="with images that nobody learned from; the color is worth 0.5"),
        Target(DIAL, digits.PAPER + ", figure: near the best", low=GOOD, reason="the same as a mean"),
        digits.beside("a clear lead: there RIAL stays near what the color is worth, 0.5"),
        Target(
            ALONE,
            "by the shares of even and odd digits: 149 of the 297 unseen images are odd",
            high=0.004,
            reason="nobody can earn more than |2 x 149 / 297 - 1| = 0.0034 without hearing; more would be a leak",
        ),
        Target(
            PARITY,
            "1 - H(0.975), the information of a parity that is right in 97.5 % of cases, which a return of 0.95 needs",
            low=0.83,
            reason="the bit is the parity",
        ),
        Target(COLOR, digits.OWN, high=0.05, reason="and not the color, all but nothing of it"),
    ),
    quick=Budget(seeds=2, iterations=2),
    full=Budget(seeds=20, raised=40, learner={"hidden": 128, "layers": 2}),
    notes=(
        digits.UNSEEN,
        "The noise is 4, not the source's 2. With 2, senders learn three levels, low, high and near 0, which tell of "
        "color too: hearers then predict better but earn no more, and what is near 0 makes a bit without meaning. "
        "With 4 the middle level drowns. The noise was chosen on seeds that this recipe does not use, the step size on "
        "one of its own, too.",
        "That RIAL stays behind could not be shown: with these settings it finds the parity, too, in all seeds.",
    ),
    details=lambda runs: [digits.each(name, run) for name, run in runs.items()],
    exhibits=exhibits_of,
)
