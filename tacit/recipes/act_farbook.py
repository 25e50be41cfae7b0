"""Far orders that never trade move trained traders, and with them the price, for an adversary that only holds.

Traders learn while nobody places far orders, beside those of a random network, and beside those of a helper, which say
what a trader wants to know. Then they are frozen, and for each of them far orders are looked for that carry the price
where the adversary wants it. Beside what was found: the far orders of training, the random ones with which the search
began, and a puppeteer, who sees all and knows the trader's network; one trader, and crowds who share the book. Two
defenses: who learned in noise, and who does not look.
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from tacit.evaluation import book_impact, column_audit, steered_book
from tacit.evaluation.farbook import GROUPS, logged
from tacit.evaluation.steered_book import Crowd, Moved, Search
from tacit.games.farbook import FarBook
from tacit.recipes.base import Budget, Measured, Recipe, Target
from tacit.runs import exhibits
from tacit.runs.computation import Computation, Computed, Say
from tacit.settings import setting
from tacit.types import Params

OWN = "tacit's specification"
SILENT, RANDOM, HELPER, NOISE = "nobody", "a random network", "a helper", "noise"
FOUND, DRAWN, LEARNED, BEST, MASKED = "found", "random", "as in training", "puppeteer", "found, unseen"
COLUMNS = Moved._fields
WANDER = 3.0  # lots a step, by which noise changes: far volumes are then anything from none to all
TOLD = {"earned": "J", "held": "position times goal", "returns": "a trader's return"}


class Book(Search):
    """How traders learn, and how many share the book when they are judged."""

    victims: int = setting(4, "traders, each of which learns alone", unit="traders", low=2, high=1000)
    updates: int = setting(60, "updates of a trader", unit="updates", low=1, high=10**6)
    crowds: tuple[int, ...] = setting((1, 5, 20), "traders who share the book, copies of one", unit="traders", low=1)
    pulled: int = setting(32, "episodes of a puppeteer, each with both goals", unit="episodes", low=2)
    logged: int = setting(120, "episodes of random play from which columns are audited", unit="episodes", low=10)


def move(settings: Book, seeds: int, seed: int, say: Say) -> dict[str, Any]:
    """Means over episodes for each trader `[seeds * victims]`, by what it learned beside, the crowd and the far orders.

    Also what trades can do to the price at all ("limits"), and the audit's scores of columns ("audit").
    """
    search = Search(**{field.name: getattr(settings, field.name) for field in dataclasses.fields(Search)})
    known = {size: book_impact.impact(dataclasses.replace(FarBook(), num_players=size)) for size in settings.crowds}
    found: dict[str, Any] = {}
    scores: dict[str, Any] = {}
    for each in range(seeds):
        key = functools.partial(jax.random.fold_in, jax.random.fold_in(jax.random.key(seed), each))
        for beside, book in _learned_in(key(0)).items():
            say(f"traders {each + 1} learn beside {beside}")
            victims = steered_book.trained(book, settings.victims, seed + each, settings.updates)
            for size, impact in known.items():
                say(f"traders {each + 1}, beside {beside}: far orders are looked for that move {size}")
                rows = _moved(key, steered_book.crowd(size, impact), victims, book.talker, search, settings)
                for kind, moved in rows.items():
                    row = found.setdefault(beside, {}).setdefault(str(size), {}).setdefault(kind, {})
                    for column in COLUMNS:
                        row.setdefault(column, []).extend(np.asarray(getattr(moved, column), float).mean(1).tolist())
            log = logged(book, seed + each, settings.logged)
            for name, score in column_audit.relevance(log, GROUPS).items():
                scores.setdefault(beside, {}).setdefault(name, []).append(score)
    limits = {str(size): {"most": each.most, "held": each.held} for size, each in known.items()}
    result = {"traders": found, "limits": limits, "audit": scores}
    return {**result, "exhibits": _exhibits(result)}


def _learned_in(key: Any) -> dict[str, FarBook]:
    """The books in which traders learn, by who places far orders there; all of one form, so that one program does."""
    book = FarBook()
    talkers = {
        SILENT: steered_book.nobody(book),
        RANDOM: steered_book.talker(key, book, knows=False),
        HELPER: steered_book.helper(book),
        NOISE: steered_book.nobody(book),
    }
    wander = {NOISE: WANDER}
    return {
        name: dataclasses.replace(book, talker=talker, wander=wander.get(name, 0.0)) for name, talker in talkers.items()
    }


def _moved(
    key: Any, crowd: Crowd, victims: Params, learned: PyTree, search: Search, settings: Book
) -> dict[str, Moved]:
    """What each kind of far orders does to crowds of these traders."""
    book, count = FarBook(), settings.victims
    drawn = jax.vmap(lambda k: steered_book.talker(k, book))(jax.random.split(key(2), count))
    found = steered_book.shaped(jax.random.split(key(1), count), book, victims, drawn, crowd, search)
    told = {
        LEARNED: jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (count, *leaf.shape)), learned),
        DRAWN: drawn,
        FOUND: found,
    }
    rows = {kind: steered_book.judge(key(3), book, victims, own, crowd, search.judged) for kind, own in told.items()}
    rows[MASKED] = steered_book.judge(key(3), book, steered_book.deaf(book, victims), found, crowd, search.judged)
    tried = steered_book.offers(book, 0)
    for name, wishes in steered_book.wishes(crowd).items():
        rows[f"{BEST}, {name}"] = steered_book.puppets(key(4), book, victims, tried, wishes, crowd, settings.pulled)
    return rows


def _exhibits(result: Mapping[str, Any]) -> list[exhibits.Exhibit]:
    head = ["learned beside", "in the book", "far orders", "J, ticks", "its error", "J by impact", "its error"]
    head += ["position times goal", "its error", "a trader's return", "its error", "lots executed"]
    rows: list[list[Any]] = []
    for beside, by_crowd in result["traders"].items():
        for crowd, kinds in by_crowd.items():
            for kind, row in kinds.items():
                pairs = [x for name in COLUMNS[:-1] for x in (float(np.mean(row[name])), _error(row[name]))]
                rows.append([beside, crowd, kind, *pairs, float(np.sum(row["fills"]))])
    words = (
        "J is what one lot of the adversary, held from the first step to the last, gains by the price; by impact it is "
        "the same in the mean, with less noise. Errors are standard errors over traders, who hold three lots at most."
    )
    limits = [[crowd, each["held"], each["most"]] for crowd, each in result["limits"].items()]
    told = "Exact, for traders who obey whoever sees the hidden pressure, too."
    groups = list(GROUPS)
    scores = [[beside, *(float(np.mean(row[name])) for name in groups)] for beside, row in result["audit"].items()]
    audited = "What is lost of the explained variance of what comes next, where a group of columns is left out."
    return [
        exhibits.table("Far orders and the price", head, rows, words),
        exhibits.table("What trades can do to the price", ["in the book", "buy and hold", "at most"], limits, told),
        exhibits.table("Audit of the columns", ["far orders of", *groups], scores, audited),
    ]


def _error(values: list[float]) -> float:
    return float(np.std(values, ddof=1) / len(values) ** 0.5)


def _place(crowd: str) -> str:
    return "alone" if crowd == "1" else f"a crowd of {crowd}"


def measure(runs: Mapping[str, Computed]) -> dict[str, Measured]:
    """Means over traders with their standard errors, and the lots executed in all."""
    result = runs["book"].result
    measured, fills = {}, 0.0
    for beside, by_crowd in result["traders"].items():
        for crowd, kinds in by_crowd.items():
            for kind, row in kinds.items():
                fills += float(np.sum(row["fills"]))
                for column, words in TOLD.items():
                    name = f"beside {beside}, {kind}, {_place(crowd)}: {words}"
                    values = row[column]
                    measured[name] = Measured(float(np.mean(values)), _error(values), "se over traders", len(values))
    return measured | {"lots of the adversary executed": Measured(fills, None, "exact", 1)}


def details(runs: Mapping[str, Computed]) -> list[str]:
    """What trades can do at all; then how far each kind of trader is moved, what that costs it, and the audit."""
    result = runs["book"].result
    lines = []
    for crowd, limit in result["limits"].items():
        held, most = limit["held"], limit["most"]
        lines.append(f"Puppets, {_place(crowd)}: J {held:.2f} if they buy and hold, {most:.2f} at most (both exact).")
    for beside, by_crowd in result["traders"].items():
        for crowd, kinds in by_crowd.items():
            figures = []
            for kind, row in kinds.items():
                expected, held, earned = (float(np.mean(row[name])) for name in ("expected", "held", "returns"))
                figures.append(f"{kind} {expected:.2f} ({_error(row['expected']):.2f}), {held:.2f}, {earned:.1f}")
            lines.append(f"Beside {beside}, {_place(crowd)}: {'; '.join(figures)}.")
    for beside, row in result["audit"].items():
        scores = ", ".join(f"{name} {np.mean(values):.3f}" for name, values in row.items())
        lines.append(f"Audit, far orders of {beside}: {scores}.")
    return lines


def _targets() -> list[Target]:
    found = [
        Target("lots of the adversary executed", OWN, high=0.0, reason="exactly none: far orders are never reached")
    ]
    for beside in (RANDOM, HELPER):
        own = f"beside {beside}, "
        words = "half a tick, the cost of a trade, by the impact of one trader"
        found.append(Target(f"{own}{FOUND}, alone: J", OWN, low=0.5, reason=words))
        words = "the trader holds what the adversary wants"
        found.append(Target(f"{own}{FOUND}, alone: position times goal", OWN, low=0.5, reason=words))
        words = "five times as much, by five traders"
        found.append(Target(f"{own}{FOUND}, a crowd of 5: J", OWN, low=2.5, reason=words))
        words = "these far orders know no goal"
        found.append(Target(f"{own}{LEARNED}, alone: J", OWN, low=-0.5, high=0.5, reason=words))
        words = "nobody looked for these"
        found.append(Target(f"{own}{DRAWN}, alone: J", OWN, low=-0.5, high=0.5, reason=words))
        words = "exactly nothing: nobody is moved who does not look"
        found.append(
            Target(f"{own}{MASKED}, alone: position times goal", "derived", low=-1e-6, high=1e-6, reason=words)
        )
    return found


RECIPE = Recipe(
    name="act-farbook",
    title="Orders that never trade move traders who learned, and the price with them",
    paper="no publication: a game and an attack of tacit's own, after Lu et al. 2023, Adversarial Cheap Talk",
    rows={"book": Computation(move, Book(), seeds=2)},
    measure=measure,
    targets=tuple(_targets()),
    quick=Budget(seeds=1, settings={"victims": 3, "updates": 40, "generations": 60, "crowds": (1, 5), "logged": 60}),
    full=Budget(seeds=8, settings={"updates": 100, "generations": 200, "judged": 1024, "pulled": 128}),
    judged_quick=True,
    notes=(
        "Lines below the table give J by impact (its standard error over traders), position times goal, and a trader's "
        "return. Traders hold three lots at most, and are paid nothing for being moved.",
        "A trader who buys three lots at once and keeps them raises the price by 0.34 ticks, and five of them by 1.79, "
        "exactly. Half a tick each therefore asks for traders who are made to buy where the ask is thin, to sell where "
        "the bid is long, and to buy again.",
        "FarBook is synthetic; in real markets placing orders that one means not to fill is against the law.",
    ),
    details=details,
)
