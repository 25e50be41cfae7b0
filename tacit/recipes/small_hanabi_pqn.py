"""Small Hanabi by Q-learning: which of its forms gets furthest in about the same time, and PPO beside them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tacit.recipes import hanabi, small_hanabi_sp_xp
from tacit.recipes.base import Budget, Measured, Recipe, Target
from tacit.runs import exhibits
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

PAPER = "Gallici et al. 2024 (PQN); Kapturowski et al. 2019 (R2D2); Sunehag et al. 2018 (VDN); protocol of Other-Play"
OWN = "tacit's specification"
NEWEST, REPLAY, OTHER_PLAY, TEAM = "newest games alone", "replay", "Other-Play", "VDN"
MEMORY, MEMORY_TEAM, PPO = "memory and replay", "VDN, memory and replay", "PPO"
COMMON = {"lr": 1e-3, "epsilon": 0.05, "explore": 20, "decay": 0.65, "epochs": 2, "length": 32}
MOVERS = {**COMMON, "movers_only": True, "hidden": 128, "num_games": 256}
KEPT = {"replay": 50, "sync": 10}
REMEMBERS = {**COMMON, **KEPT, "recurrent": True, "burn_in": 4, "hidden": 64, "num_games": 64}


def row(learner: str, iterations: int, settings: Mapping[str, Any]) -> Experiment:
    """Three seeds."""
    return Experiment(learner, "hanabi-small", "", dict(settings), iterations=iterations, seeds=3)


# An iteration costs each row something else; these counts cost each of them about the same.
ROWS = {
    NEWEST: row("pqn", 200, MOVERS),
    REPLAY: row("pqn", 170, {**MOVERS, **KEPT}),
    OTHER_PLAY: row("pqn", 175, {**MOVERS, "other_play": True}),
    TEAM: row("pqn", 195, {**MOVERS, "movers_only": False, "mixing": "sum", "num_games": 128}),
    MEMORY: row("pqn", 180, {**REMEMBERS, "shared": True}),
    MEMORY_TEAM: row("pqn", 180, {**REMEMBERS, "mixing": "sum"}),
    PPO: row("ppo", 150, small_hanabi_sp_xp.SETTINGS | {"hidden": 128, "num_games": 256}),
}


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """SP, XP and bombs of all rows, and how much better the default form is than the others."""
    figures = {key: value for name, run in runs.items() for key, value in hanabi.figures(name, run).items()}
    return figures | {lead(name): _difference(figures, name) for name in (REPLAY, MEMORY)}


def lead(name: str) -> str:
    """The name of the figure by which the default form leads another one."""
    return f"SP, {NEWEST} minus {name}"


def _difference(figures: Mapping[str, Measured], name: str) -> Measured:
    one, other = figures[f"{NEWEST}: SP"], figures[f"{name}: SP"]
    spread = float(np.hypot(one.spread or 0.0, other.spread or 0.0))
    return Measured(one.value - other.value, spread, "se of a difference of rows", one.n)


def told(name: str) -> tuple[Target, ...]:
    """Figures that are measured, and of which nothing is claimed."""
    why = "measured, not claimed"
    return tuple(Target(f"{name}: {what}", OWN, low=0.0, high=10.0, reason=why) for what in ("SP", "XP"))


def curves(runs: Mapping[str, Finished]) -> exhibits.Exhibit:
    """The score of play to learn, of all rows, over the seconds of this run. All seeds of a row share its seconds."""
    every = [run.metrics["wall"] for run in runs.values()]
    seconds = np.linspace(0.0, max(wall[-1] for wall in every), 100)
    lines = {}
    for (name, run), wall in zip(runs.items(), every, strict=True):
        score = run.metrics["return"].mean((1, 2))
        known = np.isfinite(score)
        at = np.interp(seconds, wall[known], score[known], right=np.nan) if known.any() else np.full(100, np.nan)
        lines[name] = np.where(seconds < wall[0], np.nan, at)
    words = ("seconds since the row began, compilation included", "score of sampled play, mean over seeds")
    return exhibits.curves("Score over seconds", seconds.tolist(), lines, words)


RECIPE = Recipe(
    name="small-hanabi-pqn",
    title="Q-learning on small Hanabi: old games or only the newest, alone or as a team, with and without memory",
    paper=PAPER,
    rows=ROWS,
    measure=measure,
    targets=(
        *(
            Target(
                lead(name),
                OWN,
                low=0.0,
                reason="learning from the newest games alone is the default, as it is no worse in the same time",
            )
            for name in (REPLAY, MEMORY)
        ),
        *(target for name in ROWS for target in told(name)),
    ),
    quick=Budget(seeds=2, iterations=4),
    full=Budget(seeds=5, raised=2000),
    least=2,
    notes=(
        "Iterations are such that each row takes about 80 seconds of one core, compilation apart: a row that needs "
        "less for one gets more of them. The curve shows what each took here.",
        "Settings were taken over from the literature and from PPO's row of small-hanabi-sp-xp, and not tuned for one "
        "form or another; a longer run may order the rows differently.",
    ),
    details=lambda runs: [
        f"{name}: {run.experiment.iterations * run.config.num_games * run.config.length:,} steps of a seed, "
        f"{run.metrics['wall'][-1]:.0f} s, compilation included."
        for name, run in runs.items()
    ],
    exhibits=lambda runs: [curves(runs), *hanabi.shown(runs)],
)
