"""LOLA-DiCE in the coin game, on two CPU cores: how far it keeps players from each other's coins."""

from collections.abc import Mapping

import numpy as np

from tacit.evaluation.coins import sentence, takings
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_seeds
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

FIGURE = "LOLA figure 5, read from the figure; 5 runs"
CLAIM = "method of this recipe: the same seeds, policies and number of updates for both"
ROWS = ("naive", "LOLA")


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Shares of own coins and rewards of the learned policies, and what LOLA adds to naive learning seed by seed."""
    found: dict[str, Measured] = {}
    each = {row: takings(runs[row]) for row in ROWS}
    for row, of in each.items():
        found[f"{row}: share of own coins"] = over_seeds(of.own_share)
        found[f"{row}: reward per step"] = over_seeds(of.reward.mean(1) / runs[row].game.spec.max_length)
    more = each["LOLA"].own_share - each["naive"].own_share
    error = float(more.std(ddof=1) / len(more) ** 0.5) if len(more) > 1 else float("nan")
    found["LOLA - naive: share, mean - 2 se"] = Measured(
        float(more.mean()) - 2 * error, error, "se over seeds", len(more)
    )
    return found


def details(runs: Mapping[str, Finished]) -> list[str]:
    """What each player takes, and every seed's share, by row."""
    lines = []
    for row, run in runs.items():
        found = takings(run)
        shares = ", ".join(f"{share:.3f}" for share in np.sort(found.own_share))
        lines += [f"{row}. {sentence(found)}", f"{row}, share of own coins of each seed, in order: {shares}."]
    return lines


def _row(**changes: object) -> Experiment:
    settings = {"lr": 1.0, "num_games": 512, "loaded": True, "loaded_decay": 0.9, **changes}
    rules = {"view": "centered", "recall": True, "length": 30}
    return Experiment("lola-dice", "coin-pola", learner_settings=settings, game_settings=rules, iterations=500, seeds=6)


RECIPE = Recipe(
    name="coin-lola",
    title="LOLA-DiCE in the coin game leaves more of the other's coins alone than naive learners do",
    paper="Foerster et al. 2018, Learning with Opponent-Learning Awareness, figure 5",
    rows={"naive": _row(lookaheads=0), "LOLA": _row(lookaheads=1, rate_in=20.0)},
    least=2,
    measure=measure,
    targets=(
        Target(
            "naive: share of own coins",
            FIGURE,
            low=0.45,
            high=0.55,
            reason="about one half: color is not looked at",
            published=0.51,
        ),
        Target(
            "LOLA: share of own coins",
            FIGURE,
            low=0.75,
            reason="the published share, less what can be read from the figure; the published budget is a hundred "
            "times larger",
            published=0.81,
        ),
        Target(
            "LOLA - naive: share, mean - 2 se",
            CLAIM,
            low=0.0,
            reason="a difference that chance does not explain, on this budget",
        ),
        Target("LOLA: reward per step", CLAIM, low=0.02, reason="more than the 0 of players who take everything"),
    ),
    quick=Budget(seeds=2, iterations=60),
    full=Budget(seeds=32),
    notes=(
        "The published runs have 4900 updates of 4000 episodes of 150 steps, convolutions and an LSTM: about 3e9 steps "
        "of play, against 3e7 here for each seed. What is different here, besides: POLA's rules; linear policies; "
        "players see the board from their own cell and what the other took last (--game.recall) in place of a memory; "
        "episodes of 30 steps; Loaded DiCE with a decay of past log-probabilities; an inner step of 20.",
        "Within a seed, the players often do not end alike: one of them takes more of the other's coins.",
    ),
    details=details,
)
