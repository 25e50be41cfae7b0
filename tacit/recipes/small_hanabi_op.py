"""Small Hanabi: Other-Play beside self-play. Players whose colors have names of their own agree on no color."""

from collections.abc import Mapping

from tacit.recipes import hanabi
from tacit.recipes.base import Budget, Measured, Recipe, Target
from tacit.recipes.small_hanabi_sp_xp import LONGER, SELF_PLAY, learns, row, told
from tacit.runs.training import Finished

OTHER_PLAY, REMEMBERING = "Other-Play", "Other-Play, recurrent"
SHORTER = 450  # iterations of those who remember, each of which costs several times as much
MEMORY = {"movers_only": False, "shared": True, "recurrent": True, "epochs": 2}


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """SP, XP, gap and bombs of all, and how much smaller the gap of Other-Play is."""
    found = {key: value for name, run in runs.items() for key, value in hanabi.figures(name, run).items()}
    one, other = (found[f"{name}: SP - XP"] for name in (SELF_PLAY, OTHER_PLAY))
    spread = None if one.spread is None or other.spread is None else (one.spread**2 + other.spread**2) ** 0.5
    found["gap of self-play - gap of Other-Play"] = Measured(one.value - other.value, spread, one.spread_kind, one.n)
    return found


RECIPE = Recipe(
    name="small-hanabi-op",
    title="Other-Play by colors on small Hanabi, beside self-play",
    paper="Hu et al. 2020, Other-Play for Zero-Shot Coordination (there on full Hanabi)",
    rows={
        SELF_PLAY: row(),
        OTHER_PLAY: row(other_play=True),
        REMEMBERING: row(SHORTER, 4, other_play=True, **MEMORY),
    },
    measure=measure,
    targets=(
        learns(SELF_PLAY),
        learns(OTHER_PLAY),
        learns(REMEMBERING),
        Target(
            "gap of self-play - gap of Other-Play",
            "Other-Play, table 1: the gap shrinks on full Hanabi",
            low=0.0,
            reason="no convention is left that singles out a color; with two colors that is a small part of them",
        ),
        *told(SELF_PLAY),
        *told(OTHER_PLAY),
        *told(REMEMBERING),
    ),
    quick=Budget(seeds=2, iterations=20),
    full=Budget(seeds=10, raised=LONGER, learner={"anneal": LONGER}),
    least=2,
    notes=(
        "The settings of self-play are those of small-hanabi-sp-xp; Other-Play's differ in nothing else. The recurrent "
        "row learns from what both players see at every move, as a memory needs, and so from fewer moves, in fewer "
        "passes and with fewer seeds: its length was set by time, at 18,500 moves a second on a core (94,000 without "
        "memory), and nothing of it was tried beforehand.",
        "Every player has a permutation of the two colors of its own, drawn anew for each episode, which renames what "
        "it sees and what it does; cross-play is without.",
    ),
    exhibits=hanabi.shown,
)
