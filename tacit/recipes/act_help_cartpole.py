"""Two numbers that say nothing new make PPO learn the cart and pole faster."""

from tacit.recipes import act
from tacit.recipes.base import Budget

CONTROLS = (act.NONE, act.CONSTANT, act.NOISE)

RECIPE = act.of_learning(
    "act-help-cartpole",
    "Messages that are functions of the state help PPO to learn",
    {act.ROW: act.adversaries("help", 60, victims=4, block=1)},
    CONTROLS,
    (act.NONE, act.CONSTANT),
    full=Budget(seeds=8, raised=200),
    victims=8,  # what is gained over no channel at all is as large as a few standard errors
    notes=(
        "Effects are of the mean return over all updates of a victim, on the same victims with and without "
        "messages; no adversary met them. Noise is no cheap talk, and is there to compare with.",
    ),
)
