"""Off-Belief Learning on small Hanabi: three levels, each above reading the hints of the one below, runs alike."""

from collections.abc import Mapping

from tacit.recipes import hanabi_levels
from tacit.recipes.base import Budget, Measured, Recipe, Target
from tacit.runs import exhibits
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

PAPER = "Hu et al. 2021, Off-Belief Learning (there on full Hanabi); the variant is that of Bard et al. 2020"
OWN = "tacit's specification"
LEVELS, UPDATES, RANDOM = 3, 450, 0.1
GAP = 0.15  # of a score that is at most 10
ROW = "levels"
SETTINGS = {
    "levels": LEVELS,
    "updates": UPDATES,
    "temperature": 0.1,
    "epsilon": RANDOM,
    "doubt": RANDOM,
    "lr": 1e-3,
    "num_games": 256,
    "length": 16,
    "draws": 8,
    "epochs": 2,
    "minibatches": 32,
    "hidden": 64,
}


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """SP, XP and their gap for each level, and how many games were bombed."""
    return hanabi_levels.figures(runs[ROW])


def shown(runs: Mapping[str, Finished]) -> list[exhibits.Exhibit]:
    """The table of all levels, and who scores what with whom."""
    return hanabi_levels.crossed(runs[ROW])["exhibits"]


def _targets(level: int) -> tuple[Target, ...]:
    name = hanabi_levels.name(level)
    measured = "measured, not claimed: no figures are published for this variant"
    return (
        Target(f"{name}: SP", OWN, low=0.0, high=10.0, reason=measured),
        Target(f"{name}: XP", OWN, low=0.0, high=10.0, reason=measured),
        Target(f"{name}: SP - XP", OWN, high=GAP, reason="a level is unique, so its runs differ by errors alone"),
        Target(f"{name}: % bombed, XP", OWN, low=0.0, high=100.0, reason=measured),
    )


RECIPE = Recipe(
    name="small-hanabi-obl",
    title="Off-Belief Learning on small Hanabi: each level plays better, and with strangers almost as well",
    paper=PAPER,
    rows={ROW: Experiment("obl", "hanabi-small", "", SETTINGS, iterations=LEVELS * UPDATES, seeds=6)},
    measure=measure,
    targets=(
        *(target for level in range(1, LEVELS + 1) for target in _targets(level)),
        Target(hanabi_levels.RISE, OWN, low=0.0, reason="reading what the level below would have meant helps"),
    ),
    quick=Budget(seeds=2, learner={"updates": 20}, iterations=60),
    full=Budget(seeds=10),
    least=2,
    notes=(
        "The beliefs of all levels are exact: hands are listed, and weighed by what the level below would have done, "
        "its random moves in training included.",
        "Settings were chosen by how well a run reads another's level 1 (two runs of seeds that this recipe does not "
        "use, 200 iterations of 4 draws at T = 0.05). Cross-entropy of the hand held, in nats: 2.28 by the rules; "
        "reading the other run, 3.00 at T = 0.02, 2.39 at 0.05 and 2.28 at 0.1; with a doubt of 0.1, 2.50, 2.31 and "
        "2.26; reading itself at 0.05, 2.15. So errors of Q exceeded 0.05: a low T reads noise. Draws cost little "
        "beside exact beliefs, which take most of the time.",
        "Six seeds and not five: they share two processor cores evenly.",
    ),
    exhibits=shown,
)
