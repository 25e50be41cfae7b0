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
ITERATIONS, LONGER = 900, 9000
CERTAIN = 5.27  # self-play score of the scripted player `cautious`, 500 games
SETTINGS = {
    "movers_only": True,
    "trunk": 1,
    "hidden": 64,
    "guess": True,
    "num_games": 128,
    "length": 32,
    "lr": 5e-3,
    "normalize": False,
    "entropy_weight": 0.02,
}


def row(iterations: int = ITERATIONS, seeds: int = 6, **changes: Any) -> Experiment:
    """PPO of shared parameters, its step size falling to 0."""
    settings = {**SETTINGS, "anneal": iterations, **changes}
    return Experiment("ppo", "hanabi-small", "", settings, iterations=iterations, seeds=seeds)


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
    rows={SELF_PLAY: row(), HIGH_ENTROPY: row(entropy_weight=0.1, decay=0.9)},
    measure=measure,
    targets=(*(target for name in (SELF_PLAY, HIGH_ENTROPY) for target in (learns(name), twins(name), *told(name))),),
    quick=Budget(seeds=3, iterations=60),
    full=Budget(seeds=10, raised=LONGER, learner={"anneal": LONGER}),
    least=2,
    notes=(
        "Small Hanabi is the variant of the reference engine: two colors, hands of two cards, three information "
        "tokens, one life; the first misplay ends the game with 0.",
        "High entropy is what arXiv 2511.22581 found to make runs on full Hanabi agree: five times the usual weight of "
        "the entropy, and lambda 0.9; there with memory and 1e10 moves.",
        "Advantages are not normalized. Where a bomb loses all, players soon play only what they are sure of; the "
        "rarer their plays, the larger a normalized advantage makes each that fails, and after some 500,000 moves they "
        "play nothing more once the first cards are out (score 2). In units of payoff the entropy keeps them trying.",
        "Settings were chosen on seeds from 100 on, two of each, by the self-play score after 1.2 million moves, with "
        "64 or 128 units and 64 to 256 games. Normalized advantages, step size 0.001: 2.0 with weights of the entropy "
        "0.03 and 0.1; 0.0025, weight 0.01: 3.0, with guesses 3.9. In units of payoff, 0.0025, weight 0.1: 3.8, with "
        "guesses 4.3; weight 0.3: 3.5. After 1.8 million moves, with guesses, 0.005: 5.55 with weight 0.05, 5.56 with "
        "0.1. The rows' own weights, 0.02 and five times that, were set without a trial; the length by time alone.",
    ),
    exhibits=hanabi.shown,
)
