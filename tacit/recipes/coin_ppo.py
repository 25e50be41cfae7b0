"""Independent PPO in the coin game: everybody takes every coin."""

from collections.abc import Mapping

from tacit.evaluation.coins import Takings, sentence, takings
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_seeds
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

FIGURE = "LOLA figure 5 (NL-PG), read from the figure; the text says that coins are taken indiscriminately"
CLAIM = "follows from the rules: what one player gains by taking everything, the other loses"


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Share of own coins, coins taken and reward of the learned policies, from whole episodes of play."""
    found: dict[str, Measured] = {}
    for row, run in runs.items():
        taken, steps = takings(run), run.game.spec.max_length
        found[f"{row}: share of own coins"] = over_seeds(taken.own_share)
        found[f"{row}: coins taken per step"] = over_seeds(taken.taken.sum((1, 2)) / steps)
        found[f"{row}: reward per step"] = over_seeds(taken.reward.mean(1) / steps)
    return found


def details(runs: Mapping[str, Finished]) -> list[str]:
    """What each player takes, by row."""
    each: dict[str, Takings] = {row: takings(run) for row, run in runs.items()}
    return [f"{row}. {sentence(found)}" for row, found in each.items()]


def _targets(row: str) -> tuple[Target, ...]:
    return (
        Target(
            f"{row}: share of own coins",
            FIGURE,
            low=0.45,
            high=0.55,
            reason="about one half; players that left the other's coins alone would have 1",
            published=0.51,
        ),
        Target(f"{row}: coins taken per step", CLAIM, low=1.0, reason="they go for coins: random play takes 0.23"),
        Target(
            f"{row}: reward per step",
            CLAIM,
            low=-0.05,
            high=0.05,
            reason="two who take everything gain 0 on average",
        ),
    )


def _row(**changes: object) -> Experiment:
    settings = {"num_games": 64, "length": 50, **changes}
    return Experiment(
        "ppo",
        "coin-pola",
        learner_settings=settings,
        game_settings={"view": "centered"},
        iterations=40,
        seeds=4,
    )


RECIPE = Recipe(
    name="coin-ppo",
    title="Independent PPO takes everybody's coins in the coin game",
    paper="Foerster et al. 2018, Learning with Opponent-Learning Awareness, figure 5 (naive learners)",
    rows={"PPO": _row(), "PPO, recurrent": _row(recurrent=True, hidden=32)},
    measure=measure,
    targets=(*_targets("PPO"), *_targets("PPO, recurrent")),
    quick=Budget(seeds=2, iterations=30),
    full=Budget(seeds=16),
    judged_quick=True,
    notes=(
        "POLA's rules: both players take a tie, so that two equal players gain nothing on average, and episodes are "
        "short. The published figure is of actor-critic learners under LOLA's rules.",
        "Players see the board from their own cell (--game.view centered), which saves them learning what a torus is; "
        "with the published view the same is learned several times slower.",
    ),
    details=details,
)
