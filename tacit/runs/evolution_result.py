"""An evolution as a computation (`tacit.runs.computation`): what was seen over time, as plain data and as pictures."""

import dataclasses
from typing import Any

import numpy as np

from tacit.evaluation.evolution import NEAR, OTHER, Evolution, evolve
from tacit.evaluation.evolution_settings import KINDS, Config
from tacit.games.matrix import STATES
from tacit.runs import exhibits
from tacit.runs.computation import Say
from tacit.runs.experiment import board, game
from tacit.settings import setting

SETTLED = 0.5  # the share of the generations, the last ones, over which means are taken


@dataclasses.dataclass(frozen=True)
class Wanted(Config):
    """An evolution and the game it takes place in."""

    game: str = setting("ipd", "iterated matrix game, its rules changed as in ipd:discount=0.99")


def evolution(wanted: Wanted, seeds: int, seed: int, say: Say) -> dict[str, Any]:
    """Lets populations evolve; the result holds figures of the later half, and curves of the whole.

    Raises:
        SettingError, Misfit: the game does not exist or does not fit.
    """
    say(f"{seeds} populations of {wanted.players} for {wanted.generations} generations")
    config = Config(**{field.name: getattr(wanted, field.name) for field in dataclasses.fields(Config)})
    found = evolve(game(*board(wanted.game)), config, seeds, seed)
    late = found.generation >= SETTLED * found.generation[-1]
    return {
        "game": wanted.game,
        "populations": seeds,
        "generation": found.generation.tolist(),
        "late": {
            "since_generation": int(found.generation[late][0]),
            "payoff": _over_populations(found.payoff[late]),
            "cooperation": _over_populations(found.cooperation[late]),
            "kinds": {name: _over_populations(part[late]) for name, part in _kinds(found).items()},
        },
        "last_players": np.median(found.players, axis=1).round(4).tolist(),
        "exhibits": _exhibits(found),
    }


def _kinds(found: Evolution) -> dict[str, np.ndarray]:
    """The share of each kind, `[K, S]`."""
    return {name: found.kinds[:, :, i] for i, name in enumerate((*KINDS, OTHER))}


def _over_populations(values: np.ndarray) -> dict[str, Any]:
    """Mean over time of each population, then mean and standard deviation over populations, with all of them."""
    each = values.mean(axis=0)
    sd = float(each.std(ddof=1)) if len(each) > 1 else None
    return {"mean": float(each.mean()), "sd": sd, "n": len(each), "each": each.round(5).tolist()}


def _exhibits(found: Evolution) -> list[dict[str, Any]]:
    lines = {name: part.mean(axis=1).round(4) for name, part in _kinds(found).items()}
    x, over = found.generation.tolist(), "mean over populations"
    known = f"nearest of the classic players, if within {NEAR} (root mean square over the four states)"
    names = [f"population {i + 1}" for i in range(found.payoff.shape[1])]
    last = np.median(found.players, axis=1)
    return [
        exhibits.curves(f"Ways of reasoning: {known}; {over}", x, lines, ("generation", "share of players")),
        exhibits.curves("Mean payoff", x, _each(names, found.payoff), ("generation", "average reward per round")),
        exhibits.curves("Cooperation", x, _each(names, found.cooperation), ("generation", "share of rounds")),
        exhibits.heat_map("The median player at the end: P(C) in each state, own action first", names, STATES, last),
    ]


def _each(names: list[str], values: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[:, i].round(4) for i, name in enumerate(names)}
