"""What a table of payoffs says: every cell with its interval, and what a population of these rules would adopt."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from tacit.evaluation import replicator
from tacit.evaluation.payoffs import Payoffs, drawn_tables, one_population, summaries
from tacit.evaluation.replicator import Band, Basins
from tacit.runs import exhibits, plots_population
from tacit.runs.payoff_table import Plan

INTERVAL = "95 % bootstrap of the mean over trials"
DRAWN = 200  # tables from the bootstrap that go through the dynamics
TIME = 60.0  # of the pictures, in units of the inverse spread of the payoffs
MOMENTS = 240
PATHS = 40  # in the picture of basins
MOST_PANELS = 6  # starts whose paths are drawn
PROTOCOL_WORDS = {
    "mean": "mean over the {} updates after the first values",
    "last": "after the last of {} updates",
}


def result(plan: Plan, tables: Mapping[str, Payoffs], protocol: str) -> dict[str, Any]:
    """The content of `payoffs.json`.

    Args:
        tables: by every protocol.
        protocol: the one by which the population is judged.
    """
    cells = {name: _cells(table) for name, table in tables.items()}
    chosen = tables[protocol]
    judged = judge(chosen, plan.seed)
    return {
        "rules": list(plan.labels),
        "game": plan.game,
        "game_settings": plan.game_settings,
        "updates": plan.updates,
        "trials": plan.seeds,
        "seed": plan.seed,
        "symmetric": chosen.symmetric,
        "interval": INTERVAL,
        "tables": cells,
        "protocol": protocol,
        "population": population(judged),
        "exhibits": _exhibits(plan, tables, protocol, judged),
    }


def _cells(table: Payoffs) -> list[dict[str, Any]]:
    """One entry per cell: the rule of the row, the rule of the column, and the row's figures."""
    found = summaries(table)
    return [
        {"row": row, "column": column, **found[i][j]._asdict()}
        for i, row in enumerate(table.rules)
        for j, column in enumerate(table.rules)
    ]


class Judged(NamedTuple):
    """What a population makes of a table: its rules, payoffs `[R, R]`, tables drawn by the bootstrap, and basins."""

    rules: tuple[str, ...]
    payoffs: np.ndarray
    drawn: np.ndarray  # [D, R, R]
    basins: Basins


def judge(table: Payoffs, seed: int) -> Judged:
    """Puts a table before a population; where there is a single trial, nothing can be drawn but the table itself."""
    payoffs = one_population(table).mean(axis=2)
    drawn = drawn_tables(table, DRAWN if table.row.shape[2] > 1 else 1, seed)
    return Judged(table.rules, payoffs, drawn, replicator.basins(payoffs))


def population(judged: Judged) -> dict[str, Any]:
    """What would spread: from equal shares, from 1 % of the others among each rule, and from everywhere.

    Probabilities of invasion and stability are shares of tables drawn by the bootstrap.
    """
    rules, payoffs, drawn, found = judged
    size = len(rules)
    entered, likely = replicator.invades(payoffs), replicator.invades(drawn).mean(axis=0)
    stable, firmly = replicator.is_stable(payoffs), replicator.is_stable(drawn).mean(axis=0)
    starts = np.stack([np.full(size, 1 / size), *(replicator.almost_all(i, size) for i in range(size))])
    last = replicator.ends_of(payoffs, starts)
    earned = [[float(shares @ payoffs @ shares) for shares in pair] for pair in zip(starts, last, strict=True)]
    names = ["equal shares", *(f"99 % {rule}" for rule in rules)]
    return {
        "starts": [
            {"from": name, "ends": _shares(rules, shares), "payoff_first": first, "payoff_last": final}
            for name, shares, (first, final) in zip(names, last, earned, strict=True)
        ],
        "invasions": [
            {"rule": rules[j], "into": rules[i], "invades": bool(entered[j, i]), "probability": float(likely[j, i])}
            for i in range(size)
            for j in range(size)
            if i != j
        ],
        "stable": [
            {"rule": rule, "stable": bool(stable[i]), "probability": float(firmly[i])} for i, rule in enumerate(rules)
        ],
        "basins": [
            {"ends": words, "probability": end.probability, "shares": _shares(rules, end.shares)}
            for words, end in zip(_words(rules, found), found.ends, strict=True)
        ],
    }


def _shares(rules: tuple[str, ...], shares: np.ndarray) -> dict[str, float]:
    return {rule: round(float(share), 6) for rule, share in zip(rules, shares, strict=True)}


def _words(rules: tuple[str, ...], basins: Basins) -> list[str]:
    """What each end is called: the rules that are left."""
    return [" and ".join(rules[i] for i in end.present) or "goes on changing" for end in basins.ends]


def _exhibits(plan: Plan, tables: Mapping[str, Payoffs], protocol: str, judged: Judged) -> list[dict[str, Any]]:
    """What the report page shows."""
    chosen, shown = tables[protocol], []
    for name in (protocol, *(name for name in tables if name != protocol)):
        title = f"Payoffs, {PROTOCOL_WORDS[name].format(plan.updates)}"
        where = "" if chosen.symmetric else "; the rule of the row in the first seat"
        title += f" ({plan.seeds} trials of each pair, {INTERVAL}{where})"
        shown.append(plots_population.payoff_map(title, plan.labels, summaries(tables[name])))
    if len(plan.rules) > 1:
        shown += _population_exhibits(judged)
    return shown


def _population_exhibits(judged: Judged) -> list[dict[str, Any]]:
    rules, payoffs, drawn, _ = judged
    size, found = len(rules), population(judged)
    time = TIME / replicator.spread(payoffs)
    starts = {"equal shares": np.full(size, 1 / size)}
    starts |= {f"99 % {rule}": replicator.almost_all(i, size) for i, rule in enumerate(rules)}
    bands = {
        name: _thinned(replicator.uncertain_path(drawn, start, time, MOMENTS))
        for name, start in list(starts.items())[:MOST_PANELS]
    }
    moments = np.linspace(0, time, MOMENTS + 1)[::2]
    shown = [
        exhibits.table(
            "Where a population ends",
            ["from", *rules, "mean payoff at first", "at last"],
            [[s["from"], *s["ends"].values(), s["payoff_first"], s["payoff_last"]] for s in found["starts"]],
        ),
        plots_population.share_paths(
            "Replicator dynamics: median and middle 90 % under tables drawn by the bootstrap", rules, moments, bands
        ),
        exhibits.table(
            "Invasions by a few, and how sure they are",
            ["rule", "into", "invades", "probability over drawn tables"],
            [[i["rule"], i["into"], "yes" if i["invades"] else "no", i["probability"]] for i in found["invasions"]],
        ),
        exhibits.table(
            "Evolutionarily stable against the other rules",
            ["rule", "stable", "probability over drawn tables"],
            [[s["rule"], "yes" if s["stable"] else "no", s["probability"]] for s in found["stable"]],
        ),
        exhibits.table(
            "Ends from anywhere, by share of the starts",
            ["left at the end", "share of starts", *rules],
            [[b["ends"], b["probability"], *b["shares"].values()] for b in found["basins"]],
        ),
    ]
    return [*shown, _triangle(judged)] if size == len(plots_population.CORNERS) else shown


def _thinned(band: Band) -> Band:
    """Every second moment: enough for a picture."""
    return Band(*(part[::2] for part in band))


def _triangle(judged: Judged) -> dict[str, Any]:
    rules, payoffs, _, found = judged
    time = TIME / replicator.spread(payoffs)
    paths = [replicator.uncertain_path(payoffs[None], x, time, MOMENTS).median[::4] for x in found.starts[:PATHS]]
    title = "Where populations end, by where they start (colors), and the ways there (lines)"
    return plots_population.triangle(title, rules, found, np.stack(paths), _words(rules, found))
