"""Far orders that never trade move trained traders, and with them the price, for an adversary that only holds.

For each frozen trader far orders are looked for that carry the price where the adversary wants it. Beside them: the far
orders under which the trader learned, and random ones; and more traders who share the book.
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from tacit.evaluation import steered_book
from tacit.evaluation.steered_book import Search
from tacit.games.farbook import FarBook
from tacit.recipes.base import Budget, Measured, Recipe, Target
from tacit.runs import exhibits
from tacit.runs.computation import Computation, Computed, Say
from tacit.settings import setting

OWN = "tacit's specification"
FOUND, RANDOM, LEARNED = "found", "random", "as in training"
COLUMNS = ("earned", "held", "returns", "fills")


class Book(Search):
    """How traders learn, and how many share the book when they are judged."""

    victims: int = setting(4, "traders, each of which learns alone", unit="traders", low=2, high=1000)
    updates: int = setting(100, "updates of a trader", unit="updates", low=1, high=10**6)
    crowd: int = setting(
        5, "traders who share the book in the second judgment, all alike", unit="traders", low=2, high=64
    )


def move(settings: Book, seeds: int, seed: int, say: Say) -> dict[str, Any]:
    """Means over episodes for each trader `[seeds * victims]` of what far orders did, by their kind and the crowd."""
    search = Search(**{field.name: getattr(settings, field.name) for field in dataclasses.fields(Search)})
    found: dict[str, dict[str, list[float]]] = {}
    for each in range(seeds):
        key = functools.partial(jax.random.fold_in, jax.random.fold_in(jax.random.key(seed), each))
        book = FarBook()
        orders = steered_book.talker(key(0), book)
        say(f"traders {each + 1}: learn")
        learned_in = dataclasses.replace(book, talker=orders)
        victims = steered_book.trained(learned_in, settings.victims, seed + each, settings.updates)
        say(f"traders {each + 1}: far orders are looked for")
        keys = jax.random.split(key(1), settings.victims)
        kinds = {
            LEARNED: jax.tree.map(lambda leaf: np.broadcast_to(leaf, (settings.victims, *leaf.shape)), orders),
            RANDOM: jax.vmap(lambda k: steered_book.talker(k, FarBook()))(jax.random.split(key(2), settings.victims)),
            FOUND: steered_book.shaped(keys, book, victims, search),
        }
        for crowd in (1, settings.crowd):
            shared = dataclasses.replace(book, num_players=crowd)
            for kind, told in kinds.items():
                moved = steered_book.judge(key(3), shared, victims, told, settings.judged)
                row = found.setdefault(f"{kind}, {crowd} in the book", {})
                for column in COLUMNS:
                    row.setdefault(column, []).extend(np.asarray(getattr(moved, column), float).mean(1).tolist())
    return {"rows": found, "crowd": settings.crowd, "exhibits": _exhibits(found)}


def _exhibits(found: Mapping[str, Mapping[str, list[float]]]) -> list[exhibits.Exhibit]:
    head = [
        "far orders",
        "J, ticks",
        "se over traders",
        "position times goal, lots",
        "a trader's return",
        "lots executed",
    ]
    rows = []
    for name, row in found.items():
        mean = {column: float(np.mean(row[column])) for column in COLUMNS}
        rows.append([name, mean["earned"], _error(row["earned"]), mean["held"], mean["returns"], mean["fills"]])
    words = "J is what one lot of the adversary, held from the first step to the last, gains by the price."
    return [exhibits.table("Far orders and the price", head, rows, words)]


def _error(values: list[float]) -> float:
    return float(np.std(values, ddof=1) / len(values) ** 0.5)


def measure(runs: Mapping[str, Computed]) -> dict[str, Measured]:
    """Means over traders with their standard errors, and the lots executed in all."""
    result = runs["book"].result
    crowd = result["crowd"]
    measured = {}
    for name, row in result["rows"].items():
        told = name.replace(f"{crowd} in", "a crowd in").replace("1 in the book", "alone").replace(" in the book", "")
        for column, words in (("earned", "J"), ("held", "position times goal")):
            values = row[column]
            measured[f"{told}: {words}"] = Measured(
                float(np.mean(values)), _error(values), "se over traders", len(values)
            )
    fills = sum(sum(row["fills"]) for row in result["rows"].values())
    return measured | {"lots of the adversary executed": Measured(float(fills), None, "exact", 1)}


RECIPE = Recipe(
    name="act-farbook",
    title="Orders that never trade move traders who learned, and the price with them",
    paper="no publication: a game and an attack of tacit's own, after Lu et al. 2023, Adversarial Cheap Talk",
    rows={"book": Computation(move, Book(), seeds=3)},
    measure=measure,
    targets=(
        Target("lots of the adversary executed", OWN, high=0.0, reason="exactly none: far orders are never reached"),
        Target("found, alone: J", OWN, low=0.5, reason="half a tick, the cost of a trade, by the impact of one trader"),
        Target("found, alone: position times goal", OWN, low=0.5, reason="the trader holds what the adversary wants"),
        Target("found, a crowd: J", OWN, low=2.5, reason="five times as much, by five traders"),
        Target("as in training, alone: J", OWN, low=-0.5, high=0.5, reason="these far orders know no goal"),
        Target("random, alone: J", OWN, low=-0.5, high=0.5, reason="nobody looked for these"),
    ),
    quick=Budget(seeds=1),
    full=Budget(seeds=8),
    judged_quick=True,
    notes=(
        "Far orders of training are those of a random network, which was not made to plant anything. FarBook is "
        "synthetic; in real markets placing orders that one means not to fill is against the law.",
    ),
)
