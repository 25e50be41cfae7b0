"""Two numbers that say nothing new keep PPO from learning the cart and pole, if it sees them as they are."""

from tacit.recipes import act
from tacit.recipes.base import Budget

CONTROLS = (act.NONE, act.CONSTANT, act.START, act.NETWORKS)
NORMALIZED = "normalized victims"

RECIPE = act.of_learning(
    "act-disrupt-cartpole",
    "Messages that are functions of the state are to keep PPO from learning",
    {
        act.ROW: act.adversaries("disrupt", 16, own=True, block=4, raw=True),
        NORMALIZED: act.adversaries("disrupt", 16, own=True, block=4),
    },
    CONTROLS,
    CONTROLS,
    full=Budget(seeds=8, raised=200, learner={"population": 64, "victims": 4, "block": 64}),
    notes=(
        "Losses are of the mean return over all updates of a victim, on the same victims; no adversary met them. "
        "Any network at random costs a victim something, so a loss against the constant message alone shows nothing: "
        "what counts is the loss against an adversary's own start and against random networks.",
        "Victims of the first row see numbers as they are, and messages between -2 pi and 2 pi among states that are "
        "mostly smaller than 1; those of the second have mean 0 and variance 1 in every column, as in the runs that "
        "the public code's page names. The budget of both is the same.",
    ),
)
