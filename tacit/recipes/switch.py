"""The switch riddle as recipes see it: how well prisoners do, how soon, and what they say."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float

from tacit.evaluation import riddle_protocols
from tacit.evaluation.pairings import summarize
from tacit.evaluation.riddle_protocols import Branch, Visits
from tacit.evaluation.switch_riddle import oracle
from tacit.learners import dial
from tacit.recipes import channels
from tacit.recipes.base import Measured, over_seeds, share
from tacit.runs import exhibits
from tacit.runs.experiment import Experiment
from tacit.runs.training import Finished

PAPER = "Foerster et al. 2016, Learning to Communicate with Deep Multi-Agent Reinforcement Learning, section 6.2"
OWN = "tacit's specification"
BY_ENUMERATION = "by enumeration of all sequences of visits"
SOLVED = 0.999  # normalized return of a test that counts as the best possible
UPDATES = 100  # between tests
LAST = 10  # tests whose mean counts


def row(
    learner: str = "dial", iterations: int = 50, seeds: int = 10, rules: Mapping[str, Any] | None = None, **changes: Any
) -> Experiment:
    """Prisoners who learn for `iterations` times `UPDATES` updates."""
    changes = {"updates": UPDATES, **changes}
    return Experiment(
        learner, "switch-riddle", "", changes, dict(rules or {}), iterations=iterations, seeds=seeds, every=1
    )


def tests(run: Finished) -> Float[np.ndarray, "rows S"]:
    """All tests, normalized: exact where the game lists its levels, as with three prisoners."""
    return run.metrics["test"][..., 0] / oracle(run.game)


def last_tests(run: Finished) -> Float[np.ndarray, " S"]:
    """The mean of each seed's last tests."""
    return tests(run)[-LAST:].mean(0)


def solved_after(run: Finished) -> Float[np.ndarray, " S"]:
    """Updates until each seed's first test that was the best possible; infinity where there was none."""
    good = tests(run) >= SOLVED
    updates = run.metrics["iteration"] * run.config.updates
    return np.where(good.any(0), updates[good.argmax(0)], np.inf)


def solved_within(run: Finished, updates: int) -> Measured:
    """Percentage of seeds that were solved after so many updates."""
    return share(solved_after(run) <= updates)


def clock(run: Finished, updates: int) -> Measured:
    """Wall-clock seconds that all seeds side by side had taken after so many updates (or, if fewer, all of them).

    Compilation is included.
    """
    within = run.metrics["iteration"] * run.config.updates <= updates
    return Measured(float(run.metrics["wall"][within][-1]), None, "exact", 1)


def numbers_against_bits(run: Finished) -> Measured:
    """What greedy prisoners lose, normalized, when they send bits instead of the numbers they learned with.

    Over all sequences of visits, and without noise on the numbers.
    """
    game, config = run.game, dataclasses.replace(run.config, epsilon=0.0, noise=0.0)
    levels = game.all_levels()

    def lost(state: dial.State) -> Array:
        earn = functools.partial(dial.play, jax.random.key(0), game, config, state.net, len(levels), levels=levels)
        numbers, bits = (earn(executes=executes).gained[-1, :, 0].mean() for executes in (False, True))
        return (numbers - bits) / oracle(game)

    return over_seeds(channels.seeds_of(run, lost))


def curves(title: str, runs: Mapping[str, Finished]) -> exhibits.Exhibit:
    """Every seed's tests, dips and all."""
    return channels.curves(title, runs, {name: tests(run) for name, run in runs.items()})


def speech(run: Finished) -> list[exhibits.Exhibit]:
    """What the prisoners of the best seed say: messages against what is hidden, and their rules as a tree."""
    protocols = riddle_protocols.protocols_of(run)
    best = int(riddle_protocols.scores(run.game, protocols).argmax())
    own = jax.tree.map(lambda leaf: leaf[best], protocols)
    seen = riddle_protocols.visits(run.game, own, riddle_protocols.all_sequences(run.game))
    return [said_when(run, seen, best), as_table(riddle_protocols.tree(seen, run.game.bits), best)]


def said_when(run: Finished, seen: Visits, seed: int) -> exhibits.Exhibit:
    """Messages against day and number of prisoners who have been in the room."""
    table = riddle_protocols.said_when(seen, run.game.days, run.game.num_players)
    rows = [f"day {day + 1}" for day in range(run.game.days)]
    columns = [f"{been + 1} have been there" for been in range(run.game.num_players)]
    return exhibits.heat_map(f"How often the message is 1, seed {seed}", rows, columns, table)


def as_table(branches: list[Branch], seed: int) -> exhibits.Exhibit:
    """A tree of rules, indented."""
    rows = [["- " * b.depth + b.condition, b.does, 100 * b.share, 100 * b.sure if b.does else None] for b in branches]
    head = ["who is in the room", "does", "% of visits", "% of them as said"]
    caption = "Where a line does nothing, the two below it, one step in, divide its visits."
    return exhibits.table(f"The protocol as a tree, seed {seed}", head, rows, caption)


def crossed(run: Finished) -> tuple[Any, exhibits.Exhibit]:
    """One prisoner among those of another run, exactly: the summary, and the matrix as a picture."""
    matrix = riddle_protocols.crossed(run.game, riddle_protocols.protocols_of(run))
    names = [f"run {s}" for s in range(len(matrix))]
    title = "Normalized return of one prisoner of a run among those of another"
    return summarize(matrix), exhibits.square(title, names, matrix, names, ("one prisoner of", "among those of"))


def told(name: str, run: Finished) -> str:
    """When the seeds were solved, and how far they fell again."""
    after, each = solved_after(run), tests(run)
    when = ", ".join("never" if np.isinf(updates) else f"{updates:.0f}" for updates in after)
    rows = run.metrics["iteration"] * run.config.updates
    lowest = [each[rows > updates, s].min() for s, updates in enumerate(after) if (rows > updates).any()]
    dips = f" Lowest test after that, over all seeds: {min(lowest):.3f}." if lowest else ""
    return f"{name}: updates until a test was the best possible (>= {SOLVED}): {when}.{dips}"
