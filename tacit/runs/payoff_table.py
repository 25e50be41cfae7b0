"""A table of payoffs in a run folder: each meeting of two rules is an experiment in a folder of its own.

`config.json` says who meets and how; `rows/` has one run folder for each pair, in the order of
`tacit.evaluation.payoffs.pairs`. A table that was cut off goes on with the pairs that are left, and within a pair from
its newest checkpoint.
"""

import dataclasses
import json
import pathlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from tacit import settings
from tacit.errors import Interrupted, Misfit, RunError, SettingError, Stopped
from tacit.evaluation import payoffs
from tacit.evaluation.payoffs import PROTOCOLS, Payoffs
from tacit.learners.versus import joint_logits
from tacit.runs import metrics, store
from tacit.runs.computation import Computed
from tacit.runs.experiment import Contestant, Experiment, as_dict, board, contestant, game, resolve
from tacit.runs.store import RunFolder
from tacit.runs.training import Progress, train
from tacit.settings import setting

RESULT = "payoffs.json"


@dataclasses.dataclass(frozen=True)
class Plan:
    """Who meets whom on what, and for how long: everything that determines a table's numbers."""

    rules: tuple[Contestant, ...]
    game: str
    game_settings: dict[str, Any]
    updates: int = setting(100, "updates of every rule in a trial", low=1, high=10**7)
    seeds: int = setting(1000, "trials of every pair", low=1, high=10**6)
    seed: int = setting(0, "where their randomness starts", low=0, high=2**32 - 1)

    def __post_init__(self) -> None:
        settings.check(self)

    @property
    def labels(self) -> tuple[str, ...]:
        """What the rules are called."""
        return tuple(rule.label for rule in self.rules)

    @property
    def symmetric(self) -> bool:
        """Whether the seats of the game have the same payoffs."""
        return payoffs.is_symmetric(game(self.game, self.game_settings))

    def cells(self) -> dict[tuple[int, int], Experiment]:
        """One experiment for each pair that has to meet. Its first row of metrics is of the policies at the start."""
        return {pair: self.cell(*pair) for pair in payoffs.pairs(len(self.rules), self.symmetric)}

    def cell(self, first: int, second: int) -> Experiment:
        """The experiment of two rules, by index."""
        one, other = self.rules[first], self.rules[second]
        return Experiment(
            one.name,
            self.game,
            other.name,
            one.settings,
            self.game_settings,
            other.settings,
            iterations=self.updates + 1,
            seeds=self.seeds,
            seed=self.seed,
            every=1,
        )


def plan_of(texts: Sequence[str], game_text: str, **numbers: int) -> Plan:
    """The plan for rules and a game as they were typed (see `tacit.runs.experiment.modified`).

    Raises:
        SettingError: a name or a setting is refused, or a rule is given twice.
    """
    name, changes = board(game_text)
    rules = [contestant(text, name) for text in texts]
    for text, rule in zip(texts, rules, strict=True):
        if rules.count(rule) > 1:
            raise SettingError(f"{text} is given twice; a rule enters a table of payoffs once")
    labels = [rule.label for rule in rules]  # the last parts of two paths may be the same
    unique = (
        rule._replace(label=t) if labels.count(rule.label) > 1 else rule for t, rule in zip(texts, rules, strict=True)
    )
    return Plan(tuple(unique), name, changes, **numbers)


def check(plan: Plan) -> None:
    """Refuses a plan in which two rules cannot meet, before anything is computed.

    Raises:
        Misfit: they cannot; the line says why, and which rules of the plan can meet on this game.
    """
    payoffs.two_players(game(plan.game, plan.game_settings))
    fitting, wrong = [], ""
    for i in range(len(plan.rules)):
        problem = next((found for j in [i, *fitting] if (found := _misfit(plan, i, j))), "")
        if problem:
            wrong = wrong or problem
        else:
            fitting.append(i)
    if wrong:
        able = ", ".join(plan.labels[i] for i in fitting) or "none"
        raise Misfit(f"{wrong} (of these rules, on {plan.game}: {able} can meet)")


def _misfit(plan: Plan, first: int, second: int) -> str:
    """Why two rules cannot meet; empty if they can. Nothing is computed; of a rule with itself one update is traced."""
    try:
        found = resolve(dataclasses.replace(plan.cell(first, second), seeds=1))
        learner = found.make(found.game, found.config)
        key = jax.eval_shape(jax.random.key, 0)
        state = jax.eval_shape(learner.init, key)
        if learner.exact:
            jax.eval_shape(lambda state: joint_logits(found.game, learner.policy(state)), state)
        earned = first != second or "value" in jax.eval_shape(learner.step, key, state)[1]
    except Misfit as misfit:
        return f"{plan.labels[first]} cannot meet {plan.labels[second]}: {misfit}"
    return "" if earned else f"{plan.labels[first]} does not say what it earns (no metric named value)"


def new_table(parent: pathlib.Path, plan: Plan) -> RunFolder:
    """A new run folder for a table.

    Raises:
        Misfit: two rules cannot meet.
        RunError: the folder cannot be made.
    """
    check(plan)
    folder = RunFolder.create(parent, f"payoffs-{plan.game}")
    content = {**dataclasses.asdict(plan), "rules": [rule._asdict() for rule in plan.rules]}
    store.write_json(folder.path / "config.json", {"payoffs": content})
    store.write_json(folder.path / "provenance.json", store.provenance())
    folder.note(kind="payoffs", status="new", started=store.now())
    return folder


def is_payoffs(config: dict[str, Any]) -> bool:
    """Whether a `config.json` is that of a table of payoffs."""
    return "payoffs" in config


def plan_in(folder: RunFolder) -> Plan:
    """What a run folder's table is about.

    Raises:
        RunError: it holds no table of payoffs, or its configuration is damaged.
    """
    content = store.read_json(folder.path / "config.json").get("payoffs")
    if content is None:
        raise RunError(f"{folder.path} is not the run folder of a table of payoffs")
    try:
        rules = tuple(Contestant(**rule) for rule in content["rules"])
        changes = {name: tuple(x) if isinstance(x, list) else x for name, x in content["game_settings"].items()}
        return Plan(**{**content, "rules": rules, "game_settings": changes})
    except (KeyError, TypeError, AttributeError, SettingError) as error:
        raise RunError(f"{folder.path}/config.json is damaged: {' '.join(str(error).split())}") from None


def fill(folder: RunFolder, tell: Callable[[Progress], None], begin: Callable[[str], None]) -> dict[str, Payoffs]:
    """Runs the pairs that are left and returns the table by every protocol.

    Args:
        tell: called with the progress of each pair.
        begin: called with the label of each pair that is run, before it.

    Raises:
        RunError: the folder is no table's, busy or damaged.
        Stopped, Interrupted: a pair did not end; it goes on from there the next time.
    """
    plan = plan_in(folder)
    began, before = time.monotonic(), folder.status().get("wall_seconds", 0.0)
    with folder.lock():
        folder.note(status="running")
        try:
            for place, pair, experiment in _places(folder, plan):
                if _status(place) != "done":
                    begin(f"{plan.labels[pair[0]]} v {plan.labels[pair[1]]}")
                    _begin(place, experiment)
                    train(place, tell)
        except (Interrupted, Stopped) as stop:
            folder.note_stop(stop, before + time.monotonic() - began)
            raise
        tables = read_tables(folder)
        spent = round(before + time.monotonic() - began, 3)
        folder.note(status="done", ended=store.now(), reason="finished", wall_seconds=spent)
    return tables


def read_tables(folder: RunFolder) -> dict[str, Payoffs]:
    """The table by every protocol, from the pairs' own folders.

    Raises:
        RunError: a pair is missing, unfinished or damaged; the line names it.
    """
    plan = plan_in(folder)
    cells = {pair: _values(place, experiment) for place, pair, experiment in _places(folder, plan)}
    return {protocol: payoffs.table(plan.labels, plan.symmetric, cells, protocol) for protocol in PROTOCOLS}


def read_back(folder: RunFolder) -> Computed:
    """A finished table as its folder has it.

    Raises:
        RunError: it has not finished, or is damaged.
    """
    if not (folder.path / RESULT).exists():
        raise RunError(f"{folder.path} has not finished; go on with tacit evaluate payoffs --resume {folder.path}")
    return Computed(folder, store.read_json(folder.path / RESULT))


def _places(folder: RunFolder, plan: Plan) -> list[tuple[RunFolder, tuple[int, int], Experiment]]:
    """Where each pair lives, which it is, and its experiment."""
    found = []
    for number, (pair, experiment) in enumerate(plan.cells().items(), 1):
        names = "-v-".join(name.rstrip("/").rpartition("/")[2] for name in (experiment.learner, experiment.against))
        found.append((RunFolder(folder.path / "rows" / f"{number:03d}-{names}"), pair, experiment))
    return found


def _begin(place: RunFolder, experiment: Experiment) -> None:
    """Writes into a pair's folder what it is about, unless that was done before."""
    if not (place.path / "config.json").exists():
        place.path.mkdir(parents=True, exist_ok=True)
        place.note(status="new", started=store.now())
        store.write_json(place.path / "config.json", as_dict(experiment))


def _status(place: RunFolder) -> str:
    return place.status().get("status", "") if (place.path / "run.json").exists() else ""


def _values(place: RunFolder, experiment: Experiment) -> np.ndarray:
    """What both players of a finished pair earned, `[N + 1, S, 2]`."""
    if _status(place) != "done":
        raise RunError(f"{place.path} is missing or has not finished: go on with --resume {place.path.parents[1]}")
    held = store.read_json(place.path / "config.json")
    if held != json.loads(json.dumps(as_dict(experiment))):
        raise RunError(f"{place.path} is damaged or of another table: its config.json is not that of this pair")
    values = metrics.read(place.path / "metrics.jsonl").get("value")
    shape = (experiment.iterations, experiment.seeds, 2)
    if values is None or values.shape != shape or not np.isfinite(values).all():
        raise RunError(f"{place.path}/metrics.jsonl is damaged: it does not hold finite values of shape {list(shape)}")
    return values
