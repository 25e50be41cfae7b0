"""The phone booth maze as recipes see it: what was found, what is done in the booth, and what is said."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tacit.games.phone_booth import HINT_DOWN, HINT_UP, MOVES, SENDER
from tacit.learners import ctdu, dial
from tacit.ops import information
from tacit.recipes import channels
from tacit.recipes.base import Measured, share
from tacit.runs import exhibits
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

PAPER = "Lo et al. 2023, Cheap Talk Discovery and Utilization in Multi-Agent Reinforcement Learning, section 6"
OWN = "tacit's specification"
NAMES = ("up", "down", "left", "right", "wait", "hint up", "hint down")  # of moves
STEPS = 3  # to the booth that works, in `phone-booth`
SOLVED = 0.95  # greedy return, a mean over both exits, that counts as solved
WATCHED = 256  # episodes of play in which moves are counted


def row(game: str, iterations: int, seeds: int, rules: Mapping[str, Any] | None = None, **changes: Any) -> Experiment:
    """Two players who learn for so many iterations."""
    return Experiment(
        "ctdu", game, "", changes, {"messages": True, **(rules or {})}, iterations=iterations, seeds=seeds, every=1
    )


def in_booth(run: Finished) -> Float[np.ndarray, "S 7"]:
    """How often the sender makes which move where a line joins both, as those who discovered it play.

    NaN where that never happens.
    """
    game, config = run.game, run.config

    def moves(state: ctdu.State) -> Array:
        levels = jnp.arange(WATCHED) % 2
        step = ctdu.play(jax.random.key(1), game, config, state.slow, ctdu.stage_of(config, False), levels)
        joined = jax.vmap(jax.vmap(lambda state: game.line(state)[0] > 0))(step.state) & ~dial.over(step)
        counted = jnp.where(joined[..., None], step.extras.probs[:, :, SENDER], 0.0).sum((0, 1))
        return counted / joined.sum()

    return channels.seeds_of(run, moves)


def uneven(moves: Float[np.ndarray, "S 7"]) -> Float[np.ndarray, " S"]:
    """Bits by which {hint up, hint down, anything else} is not evenly used: its divergence from uniform.

    Where nothing was counted it is log2 3, that of one of the three alone.
    """
    hints = moves[:, (HINT_UP, HINT_DOWN)]
    three = np.concatenate([hints, 1 - hints.sum(1, keepdims=True)], axis=1)
    each = [float(np.log2(3) - information.entropy(jnp.asarray(p))) for p in three]
    return np.where(np.isnan(each), np.log2(3), each)


def said(run: Finished) -> Float[np.ndarray, "S 2"]:
    """The bits that are heard, by right exit, in greedy play: their mean over the steps at which one arrives.

    NaN where none does.
    """
    game, config = run.game, run.config

    def bits(state: ctdu.State) -> Array:
        stage = ctdu.stage_of(config, True, executes=True)
        step = ctdu.play(jax.random.key(1), game, config, state.slow, stage, game.all_levels())
        arrived = step.next_state.received & ~dial.over(step)
        return jnp.where(arrived, step.next_state.message[..., 0], 0.0).sum(0) / arrived.sum(0)

    return channels.seeds_of(run, bits)


def found(run: Finished) -> Float[np.ndarray, "rows S"]:
    """Steps until the sender is in a booth that works, greedily, a mean over both exits."""
    return run.metrics["found"]


def solved(run: Finished) -> Measured:
    """Percentage of seeds whose last test is as good as solved."""
    return share(run.metrics["test"][-1] >= SOLVED)


def curves(title: str, runs: Mapping[str, Finished], metric: str, words: str) -> exhibits.Exhibit:
    """Every seed's tests over the episodes played."""
    return channels.curves(title, runs, {name: run.metrics[metric] for name, run in runs.items()}, words, True)


def by_seed(title: str, columns: tuple[str, ...], values: np.ndarray) -> exhibits.Exhibit:
    """A heat map with a line for each seed."""
    return exhibits.heat_map(title, [f"seed {s}" for s in range(len(values))], columns, values)


def moves_shown(run: Finished) -> exhibits.Exhibit:
    """What the sender does where a line joins both."""
    return by_seed("How often the sender makes which move in the booth", NAMES[: len(MOVES)], in_booth(run))


def visits_shown(runs: Mapping[str, Finished]) -> exhibits.Exhibit:
    """In which of three booths the sender stays, by row and seed, at the last test."""
    rows = [f"{name}, seed {s}" for name, run in runs.items() for s in range(len(run.metrics["visits"][-1]))]
    values = np.concatenate([run.metrics["visits"][-1] for run in runs.values()])
    return exhibits.heat_map("Steps of a test in each booth", rows, ("noisy", "costly", "perfect"), values)
