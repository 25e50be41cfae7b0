"""Two numbers that say nothing new are to keep PPO from learning the cart and pole."""

from tacit.recipes import act
from tacit.recipes.base import Budget

CONTROLS = (act.NONE, act.CONSTANT, act.START, act.NETWORKS)

RECIPE = act.of_learning(
    "act-disrupt-cartpole",
    "Messages that are functions of the state are to keep PPO from learning",
    act.adversaries("disrupt"),
    CONTROLS,
    CONTROLS,
    full=Budget(seeds=8, raised=200, learner={"population": 64, "victims": 4, "block": 64}),
    notes=(
        "Losses are of the mean return over all updates of a victim, on the same victims; no adversary met them. "
        "Any network at random costs a victim something, so a loss against the constant message alone shows nothing: "
        "what counts is the loss against an adversary's own start and against random networks.",
        "Earlier trials with this budget found no disruption (two settings, one adversary each). The full mode has the "
        "larger populations, several victims a member and more generations that were named as the next thing to try.",
    ),
)
