"""What a population of learning rules would adopt in the iterated prisoner's dilemma, once M-FOS is among them.

Every rule meets every rule by the protocol of the M-FOS tables (means over 100 updates after a first, uncounted one).
On the table of payoffs, replicator dynamics let what earns more spread. The M-FOS that counts was trained against
itself and is the same against naive learners and against its own kind; one that was trained against naive learners
alone enters as another rule.
"""

from collections.abc import Mapping

import numpy as np

from tacit.evaluation import payoffs, replicator
from tacit.recipes import meta
from tacit.recipes.base import Budget, Measured, Recipe, Target
from tacit.runs.training import Finished

SOURCE = "replicator dynamics on the table remembered from Lu et al. 2022 (M-FOS) and on that of the MeVa notebook"
RULES: meta.Rules = {  # the agents of M-FOS come with the package
    "NL": ("naive", {}),
    "LOLA": ("lola", meta.TAYLOR),
    "M-FOS": ("mfos-ipd", {}),
    "M-FOS, trained against NL": ("mfos-ipd-naive", {}),
    "M-FOS, mixed practice": ("mfos-ipd-mixed", {}),
}
DRAWS = 200  # tables from the bootstrap
INVADED = np.array([0.98, 0.01, 0.01])  # NL, LOLA, M-FOS


def measure(runs: Mapping[str, Finished]) -> dict[str, Measured]:
    """Where 98 % naive learners, 1 % LOLA and 1 % M-FOS lead; spreads are those over tables drawn by the bootstrap."""
    found = meta.table(runs, RULES)
    drawn = payoffs.drawn_tables(found, DRAWS if found.row.shape[2] > 1 else 1)
    table = found.row.mean(axis=2)
    three, three_drawn = table[:3, :3], drawn[:, :3, :3]
    end, ends = _ends(three, three_drawn)
    stable = replicator.is_stable(three_drawn)[:, 2]
    with_mixed = np.ix_([0, 1, 4], [0, 1, 4])
    mixed_end, mixed_ends = _ends(table[with_mixed], np.stack([each[with_mixed] for each in drawn]))

    def figure(value: np.ndarray, over_draws: np.ndarray) -> Measured:
        return Measured(value.item(), float(over_draws.std()), "sd over drawn tables", len(over_draws))

    return {
        "mean payoff at first": figure(_earned(three[None], INVADED), _earned(three_drawn, INVADED)),
        "share of M-FOS in the end": figure(end[2:], ends[:, 2]),
        "mean payoff in the end": figure(_earned(three[None], end), np.einsum("di,dij,dj->d", ends, three_drawn, ends)),
        "% of drawn tables in which M-FOS is stable": Measured(
            100 * float(stable.mean()), None, "se over drawn tables", len(drawn)
        ),
        "share in the end of an M-FOS of mixed practice": figure(mixed_end[2:], mixed_ends[:, 2]),
        "M-FOS v M-FOS": figure(three[2:, 2:], three_drawn[:, 2, 2]),
    }


def _ends(table: np.ndarray, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares in the end `[3]` under a table of three rules, and `[D, 3]` under each of the drawn ones."""
    each = [replicator.ends_of(one, INVADED[None])[0] for one in drawn]
    return replicator.ends_of(table, INVADED[None])[0], np.stack(each)


def _earned(tables: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Mean payoff `[D]` of a population under each of several tables `[D, R, R]`."""
    return tables @ shares @ shares


def details(runs: Mapping[str, Finished]) -> list[str]:
    """The table, and what is left where both kinds of M-FOS enter."""
    found = meta.table(runs, RULES)
    basins = replicator.basins(found.row.mean(axis=2))
    ends = [
        f"{end.probability:.0%} {' and '.join(found.rules[i] for i in end.present) or 'going on changing'}"
        for end in basins.ends
    ]
    return [*meta.lines(found), f"All rules, from anywhere: {'; '.join(ends)}."]


RECIPE = Recipe(
    name="population-ipd",
    title="A population of learning rules adopts M-FOS, and cooperates in the end",
    paper="Lu et al. 2022, Model-Free Opponent Shaping (tables unread); the dynamics are tacit's reading",
    rows=meta.pairings("ipd", RULES),
    measure=measure,
    targets=(
        Target(
            "mean payoff at first",
            SOURCE,
            low=-2.0,
            high=-1.9,
            reason="98 % naive learners defect among each other",
            published=-1.95,
            verified=False,
        ),
        Target(
            "share of M-FOS in the end",
            SOURCE,
            low=0.99,
            reason="it takes over in both tables",
            published=1.0,
            verified=False,
        ),
        Target(
            "mean payoff in the end",
            SOURCE,
            low=-1.1,
            reason="mutual cooperation pays -1, learning it costs a little",
            published=-1.01,
            verified=False,
        ),
        Target(
            "% of drawn tables in which M-FOS is stable",
            "tacit's specification",
            low=95.0,
            reason="neither naive learners nor LOLA can come back, and trials leave little doubt of it",
        ),
        Target(
            "share in the end of an M-FOS of mixed practice",
            "tacit's specification",
            low=0.9,
            reason="it gives up nothing against LOLA, and little against naive learners, whom it teaches to cooperate",
        ),
        Target(
            "M-FOS v M-FOS",
            "MeVa notebook's table (Cooijmans et al. 2023): an independent rerun of M-FOS",
            low=-1.05,
            reason="mutual cooperation",
            published=-1.006,
            published_spread=0.0,
        ),
    ),
    quick=Budget(seeds=100),
    full=Budget(seeds=4096),
    notes=(
        "Against LOLA, M-FOS earns what LOLA earns against itself, to the third digit: how far it displaces LOLA hangs "
        "on the trials, as the spread of its share shows. That of mixed practice does not.",
        "Drawn tables are bootstrap samples of the trials; that few agents were trained makes them a little too sure.",
        "An M-FOS of mixed practice meets naive learners in 40 % of its training from beginning to end; the paper's "
        "practice ends.",
        "The M-FOS trained against naive learners takes no part in the targets: it is not the one that cooperates.",
    ),
    details=details,
)
