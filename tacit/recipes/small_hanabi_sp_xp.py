"""Small Hanabi: what runs of self-play score with themselves and with each other."""

from collections.abc import Mapping
from typing import Any

from tacit.recipes import hanabi
from tacit.recipes.base import Budget, Measured, Recipe, Target
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

PAPER = "Bard et al. 2020, The Hanabi Challenge (the small variant); protocol of Hu et al. 2020, Other-Play"
OWN = "tacit's specification"
SELF_PLAY, HIGH_ENTROPY = "self-play", "self-play, high entropy"
ITERATIONS, LONGER = 300, 3000
CERTAIN = 5.27  # self-play score of the scripted player `cautious`, 500 games


def row(**changes: Any) -> Experiment:
    """Feed-forward PPO of shared parameters, by the moves of whoever is on turn."""
    network = {"movers_only": True, "trunk": True, "hidden": 128}
    settings = {**network, "num_games": 256, "length": 32, "lr": 2.5e-3, "anneal": ITERATIONS, **changes}
    return Experiment("ppo", "hanabi-small", "", settings, iterations=ITERATIONS, seeds=6)


def learns(name: str) -> Target:
    """The self-play score that a row must reach at least."""
    why = "more than the scripted player that plays only what is certain (cautious); 10 is perfect"
    return Target(f"{name}: SP", OWN, low=CERTAIN, reason=why)


def twins(name: str) -> Target:
    """The gap of a row, of which only the sign is claimed."""
    return Target(f"{name}: SP - XP", OWN, low=0.0, reason="strangers do not play better than twins")


def told(name: str) -> tuple[Target, ...]:
    """Figures that are measured, and of which nothing is claimed but what must hold."""
    why = "measured, not claimed: how much seeds agree by chance differs from one training set-up to another"
    return (
        Target(f"{name}: XP", OWN, low=0.0, high=10.0, reason=why),
        Target(f"{name}: % bombed, SP", OWN, low=0.0, high=100.0, reason="says how XP is lost; measured, not claimed"),
        Target(f"{name}: % bombed, XP", OWN, low=0.0, high=100.0, reason="says how XP is lost; measured, not claimed"),
    )


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """SP, XP, gap and bombs."""
    return {key: value for name, run in runs.items() for key, value in hanabi.figures(name, run).items()}


RECIPE = Recipe(
    name="small-hanabi-sp-xp",
    title="Runs of self-play on small Hanabi, each with its twin and with each other",
    paper=PAPER,
    rows={SELF_PLAY: row(), HIGH_ENTROPY: row(entropy_weight=0.05, decay=0.9)},
    measure=measure,
    targets=(*(target for name in (SELF_PLAY, HIGH_ENTROPY) for target in (learns(name), twins(name), *told(name))),),
    quick=Budget(seeds=3, iterations=60),
    full=Budget(seeds=10, raised=LONGER, learner={"anneal": LONGER}),
    least=2,
    notes=(
        "Small Hanabi is the variant of the reference engine: two colors, hands of two cards, three information "
        "tokens, one life; the first misplay ends the game with 0.",
        "High entropy is the recipe of arXiv 2511.22581 (weight of the entropy 0.05, lambda 0.9), which made runs on "
        "full Hanabi agree; there with memory and 1e10 moves.",
    ),
    exhibits=hanabi.shown,
)
