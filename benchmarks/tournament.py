"""Round robins: seconds of the closed form for 100 entrants, and turns per second of played ones beside a plain loop.

The plain loop is what one writes first: a function for each rule, lists of actions, a random number where one is
needed. Where the Axelrod library is installed its own matches are timed, too. A turn is one action of both players.
"""

import functools
import random
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from exact_lola import alternately

from tacit import scale
from tacit.evaluation.rules import Rules
from tacit.evaluation.tournament import Entrant, exact_scores, memory_one, played_scores
from tacit.interop import axelrod
from tacit.learners import PLAYERS
from tacit.learners.axelrod_first import FIRST_TOURNAMENT
from tacit.learners.scripted import MEMORY_ONE, known
from tacit.registry import load

REWARDS = (3.0, 0.0, 5.0, 1.0)
ENTRANTS, TURNS, REPETITIONS = 100, 200, 20
PLAIN, LIBRARY = 200, 25  # matches of the plain loop and of the library


def plain_match(mine: tuple[float, ...], theirs: tuple[float, ...], turns: int = TURNS) -> tuple[float, float]:
    """A match between two memory-one players, step by step."""
    draw, score, other_score = random.random, 0.0, 0.0
    state, other_state = 4, 4
    for _ in range(turns):
        action, other = int(draw() >= mine[state]), int(draw() >= theirs[other_state])
        state, other_state = 2 * action + other, 2 * other + action
        score += REWARDS[state]
        other_score += REWARDS[other_state]
    return score, other_score


def plain(chances: list[tuple[float, ...]], matches: int) -> None:
    for i in range(matches):
        plain_match(chances[i % ENTRANTS], chances[(7 * i + 1) % ENTRANTS])


def library_rate() -> float:
    """Turns per second of the library's matches among the entrants of the first tournament."""
    axl = axelrod.library()
    players = [strategy() for strategy in axl.axelrod_first_strategies]
    began = time.perf_counter()
    for i in range(LIBRARY):
        axl.Match((players[i % 15], players[(4 * i + 1) % 15]), turns=TURNS, seed=i).play()
    return LIBRARY * TURNS / (time.perf_counter() - began)


def classic() -> list[Entrant]:
    """The fifteen of the first tournament."""
    players = {name: load("player", PLAYERS, name) for name in FIRST_TOURNAMENT}
    return [Entrant(name, player.policy, known(player, TURNS, REWARDS)) for name, player in players.items()]


def _played(entrants: list[Entrant], repetitions: int) -> Callable[[], Any]:
    return functools.partial(played_scores, REWARDS, entrants, Rules(turns=TURNS, repetitions=repetitions))


def measure() -> dict[str, Any]:
    """Seconds and rates after compilation."""
    scale.use_all_cores()
    chances = np.random.default_rng(0).random((ENTRANTS, 5))
    entrants = [Entrant(str(i), MEMORY_ONE, jnp.asarray(row, jnp.float32)) for i, row in enumerate(chances)]
    exact = functools.partial(exact_scores, REWARDS, memory_one(entrants), Rules(turns=TURNS))
    ours, fifteen = _played(entrants, REPETITIONS), _played(classic(), 10 * REPETITIONS)
    apart = np.abs(exact() - ours()[0].mean(0)).max()
    fifteen()
    loop = functools.partial(plain, [tuple(row) for row in chances.tolist()], PLAIN)
    seconds, plainly = alternately(ours, loop)
    closed, classics = alternately(exact, fifteen)
    rate = ENTRANTS * (ENTRANTS + 1) / 2 * REPETITIONS * TURNS / seconds
    figures: dict[str, Any] = {
        f"{ENTRANTS} entrants in closed form: seconds": closed,
        "played and closed scores differ by at most": float(apart),
        "turns per second, memory-one entrants": rate,
        "turns per second, plain loop": PLAIN * TURNS / plainly,
        "ours / plain": rate / (PLAIN * TURNS / plainly),
        "turns per second, first tournament": 120 * 10 * REPETITIONS * TURNS / classics,
    }
    if axelrod.available():
        figures["turns per second, Axelrod library"] = library_rate()
    return figures


if __name__ == "__main__":
    print(measure(), jax.devices())
