"""Off-Belief Learning on full Hanabi for two: level 1, and level 2 that reads what level 1 would have meant."""

from collections.abc import Mapping

from tacit.learners.obl_ladder import Schedule
from tacit.recipes import hanabi, hanabi_levels
from tacit.recipes.base import Budget, Measured, Recipe, Target
from tacit.runs import exhibits
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

PAPER = "Hu et al. 2021, Off-Belief Learning"
OWN = "tacit's specification"
ROW = "levels"
RANDOM = 1.26  # mean score before the bomb of uniform random play
GAP = 1.25  # of a score that is at most 25
LEVELS = 2
UPDATES, WATCHING = 1000, 150
SETTINGS = {
    "levels": LEVELS,
    "updates": UPDATES,
    "temperature": 0.05,
    "epsilon": 0.1,
    "lr": 1e-3,
    "num_games": 512,
    "length": 16,
    "epochs": 2,
    "minibatches": 32,
    "hidden": 128,
    "belief": "learned",
    "belief_updates": WATCHING,
}
GPU = {"updates": 12_000, "belief_updates": 2000, "num_games": 2048, "hidden": 256, "belief_hidden": 96}


def end(updates: int, watching: int) -> int:
    """Iterations of a run."""
    return Schedule(LEVELS, updates, watching).end(LEVELS)


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """How the levels play with their twins and with each other's seeds."""
    return hanabi_levels.figures(runs[ROW])


def shown(runs: Mapping[str, Finished]) -> list[exhibits.Exhibit]:
    """What was learned, over moves and seconds; then all levels of all seeds with each other."""
    return [*hanabi.curves(runs[ROW]), *hanabi_levels.crossed(runs[ROW])["exhibits"]]


PUBLISHED = {1: (20.92, 0.07, 20.85, 0.03), 2: (23.41, 0.03, 23.24, 0.03)}  # SP and XP with their spreads


def _targets(level: int) -> tuple[Target, ...]:
    sp, sp_spread, xp, xp_spread = PUBLISHED[level]
    source, verified, name = (
        "Off-Belief Learning, table of results; authors' README, 5 seeds",
        level == 1,
        hanabi_levels.name(level),
    )
    learned = (
        "at least twice what random play has on the stacks, where random play scores 0; the published figure is a "
    )
    learned += "matter of --full"
    return (
        Target(f"{name}: SP", source, 2 * RANDOM, None, learned, sp, sp_spread, verified),
        Target(f"{name}: XP", source, 2 * RANDOM, None, learned, xp, xp_spread, verified),
        Target(f"{name}: SP - XP", OWN, high=GAP, reason="a level is unique, so its runs differ by errors alone"),
        Target(
            f"{name}: % bombed, XP",
            "random play, measured: 100",
            high=50.0,
            reason="random play loses all lives in every game",
        ),
    )


RECIPE = Recipe(
    name="hanabi-obl",
    title="Off-Belief Learning on two-player Hanabi, as far as the budget goes",
    paper=PAPER,
    rows={
        ROW: Experiment(
            "obl", "hanabi", "", SETTINGS, {"view": "v0-belief"}, iterations=end(UPDATES, WATCHING), seeds=2
        )
    },
    measure=measure,
    targets=(
        *(target for level in range(1, LEVELS + 1) for target in _targets(level)),
        Target(hanabi_levels.RISE, OWN, low=0.0, reason="reading what level 1 would have meant helps"),
    ),
    quick=Budget(learner={"updates": 10, "belief_updates": 5}, iterations=end(10, 5)),
    full=Budget(raised=end(GPU["updates"], GPU["belief_updates"]), learner=GPU),
    least=2,
    notes=(
        "The belief of level 1 is exact: hands are drawn in the proportions that the rules leave. Level 2 reads the "
        "other's moves by a network that watched level 1; its cross-entropy stands beside that of the rules alone.",
        "--full is made for one GPU, in pieces of ten minutes: --stop-after 10, then --resume FOLDER --stop-after 10 "
        "until it is done. The bits are those of a run that was never stopped, and its state is one file "
        "of 15.4 MB (10.5 MB in the default mode).",
        "The settings of the default mode were chosen by a few runs of level 1, 1e6 moves of one seed each, none "
        "of them part of it: 25,000 moves in a second of one core, 4.2 points greedily. Longer runs and level 2 were "
        "not tried beforehand, and neither was --full.",
        "The curves are of sampled play, as in training, with its share of random moves, which bombs more than greedy "
        "play does; the table is of that.",
    ),
    exhibits=shown,
)
