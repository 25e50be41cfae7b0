"""Every recipe states its targets with source and bound, measures what it names, and judges by its own rule."""

import dataclasses
import json
import math
import os
import signal
import warnings

import numpy as np
import pytest

from tacit import cli, games
from tacit.errors import Interrupted, RunError, SettingError
from tacit.interop import gymnax
from tacit.recipes import RECIPES, base, reproduction
from tacit.recipes.base import Budget, Measured, Recipe, Target, over_agents, over_seeds, share
from tacit.runs import computation, experiment, store
from tacit.runs.computation import Computation
from tacit.runs.experiment import Experiment

EACH = {name: reproduction.recipe_named(name) for name in RECIPES}
KEYS = ["recipe", "mode", "seeds", "wall_seconds", "run", "targets"]
TARGET_KEYS = [
    "name", "published", "published_spread", "source", "verified", "measured", "spread", "spread_kind", "n", "rule",
    "reached",
]  # fmt: skip
# Small enough for a second or two; what is measured keeps its names.

LEARNERS = {
    "act": {"population": 2, "victims": 1, "updates": 2, "length": 64, "epochs": 1, "episodes": 2},
    "curriculum": {"num_games": 2, "length": 4, "epochs": 1, "minibatches": 1, "hidden": 2, "capacity": 4},
    "ctdu": {"updates": 1, "num_games": 2, "guided": 1, "hidden": 2, "discovery": 2},
    "dial": {"updates": 1, "num_games": 2, "tests": 2, "hidden": 2, "layers": 1},
    "rial": {"updates": 1, "num_games": 2, "tests": 2, "hidden": 2, "layers": 1},
    "communicator": {"num_games": 2, "epochs": 1, "minibatches": 1, "hidden": 2, "value": 2, "signature": 2},
    "naive-pg": {"num_games": 2},
    "lola-dice": {"num_games": 2, "lookaheads": 1},  # one program for all its rows
    "meva": {"num_games": 2, "stride": 50, "hidden": 2, "quantiles": 2},
    "m-maml": {"num_games": 2},
    "mfos": {"num_games": 2, "hidden": 2},
    "mfos-recurrent": {"inner_episodes": 2, "inner_length": 4, "num_games": 4, "epochs": 1, "hidden": 2},
    "obl": {"updates": 1, "num_games": 2, "length": 2, "minibatches": 1, "hidden": 2, "belief_updates": 1},
    "paired": {"num_games": 2, "length": 4, "epochs": 1, "minibatches": 1, "hidden": 2, "teacher_hidden": 2},
    "pqn": {"num_games": 2, "length": 4, "epochs": 1, "minibatches": 1, "hidden": 2},
    "ppo": {"num_games": 2, "length": 4, "epochs": 1, "minibatches": 1, "hidden": 2},
}


SLOW = (
    "act-backdoor-cartpole",
    "act-defenses",
    "act-disrupt-breakout",
    "act-disrupt-cartpole",
    "act-disrupt-pendulum",
    "act-disrupt-reacher",
    "act-farbook",
    "act-help-breakout",
    "act-help-cartpole",
    "act-help-pendulum",
    "act-help-reacher",
    "audit-dial",
    "audit-prevention",
    "cars-and-cyclists",
    "coin-mfos",
    "communicators",
    "dial-color-digit",
    "dial-multi-step",
    "dial-switch-3",
    "dial-switch-4",
    "farbook-traders",
    "fruit-choice",
    "hanabi-obl",
    "hanabi-ppo",
    "maze-accel",
    "maze-dr",
    "maze-paired",
    "maze-plr",
    "maze-sfl",
    "maze-small",
    "meva-ipd",
    "mfos-chicken",
    "mfos-imp",
    "mfos-ipd",
    "mfos-self-play",
    "phone-booth-discovery",
    "phone-booth-utilization",
    "population-ipd",
    "repeated-levers",
    "rial-switch-3",
    "small-hanabi-obl",
    "small-hanabi-op",
    "small-hanabi-pqn",
    "small-hanabi-sp-xp",
    "tabular-immunity",
    "tiny-obl-learned",
    "true-regret-game",
)  # many programs to compile


OF_GYMNAX = ("act-help-breakout", "act-disrupt-breakout")


def named(name, slow=()):
    """A recipe's name as a parameter: long, or left out where the library of its game is missing."""
    missing = pytest.mark.skipif(name in OF_GYMNAX and not gymnax.available(), reason="gymnax is not installed")
    return pytest.param(name, marks=[missing, *[pytest.mark.long] * (name in slow)])


def shortened(row):
    return "length" in LEARNERS.get(row.learner, {}) and hasattr(games.make(row.game), "length")


def tiny(recipe, seeds=2):
    seeds, quick = max(seeds, recipe.least), recipe.experiments("quick", None, 0)

    def shrunk(name, row):
        if isinstance(row, Computation):
            return dataclasses.replace(row, seeds=seeds, settings=quick[name].settings)
        meets = bool(recipe.scaled) and name not in recipe.scaled  # enough trials to draw every trained agent
        return dataclasses.replace(
            row,
            iterations=12 if recipe.name == "lola-dice-ipd" else 3,
            seeds=40 if meets else seeds,
            learner_settings=row.learner_settings | LEARNERS.get(row.learner, {}),
            game_settings={"length": 4} if shortened(row) else row.game_settings,
        )

    return dataclasses.replace(recipe, rows={name: shrunk(name, row) for name, row in recipe.rows.items()})


def quiet(told):
    del told


def reproduce(place, recipe, mode="default"):
    folder = reproduction.new_reproduction(place, recipe, mode, None, 0)
    return reproduction.reproduce(folder, quiet, quiet)


@pytest.mark.parametrize("name", EACH)
def test_recipes_are_complete(name):
    recipe = EACH[name]
    assert isinstance(recipe, Recipe)
    assert recipe.name == name
    assert recipe.title
    assert not recipe.title.endswith(".")
    assert recipe.paper
    assert recipe.targets
    assert len({target.name for target in recipe.targets}) == len(recipe.targets)
    for target in recipe.targets:
        assert target.source
        assert target.low is not None or target.high is not None
        assert target.low is None or target.high is None or target.low < target.high
        bounds, colon, reason = target.rule.partition(": ")
        assert any(character.isdigit() for character in bounds)
        assert colon
        assert reason == target.reason
        if target.published_spread is not None:
            assert target.published is not None


@pytest.mark.parametrize("name", [named(name) for name in EACH])
@pytest.mark.parametrize("mode", base.MODES)
def test_experiments_round_trip(name, mode):
    for row in EACH[name].experiments(mode, None, 3).values():
        kind = computation if isinstance(row, Computation) else experiment
        like = (row,) if isinstance(row, Computation) else ()
        content = json.loads(json.dumps(kind.as_dict(row)))
        assert json.loads(json.dumps(kind.as_dict(kind.from_dict(content, *like)))) == content
        assert row.seed == 3


@pytest.mark.parametrize("name", EACH)
def test_modes_grow(name):
    sizes = {}
    for mode in base.MODES:
        rows = EACH[name].experiments(mode, None, 0)
        assert list(rows) == list(EACH[name].rows)
        sizes[mode] = sum(row.seeds * getattr(row, "iterations", 1) for row in rows.values())
        seven = EACH[name].experiments(mode, 7, 0)
        assert all(seven[row].seeds == 7 for row in EACH[name].scaled or seven)
    assert sizes["quick"] <= sizes["default"] <= sizes["full"]


@pytest.mark.parametrize("name", [named(name, SLOW) for name in EACH])
def test_every_target_is_measured(name, tmp_path):
    recipe = tiny(EACH[name])
    outcome = reproduce(tmp_path, recipe)
    assert list(outcome.json) == KEYS
    assert [entry["name"] for entry in outcome.json["targets"]] == [target.name for target in recipe.targets]
    for entry, target in zip(outcome.json["targets"], recipe.targets, strict=True):
        assert list(entry) == TARGET_KEYS
        assert math.isfinite(entry["measured"])
        assert entry["spread"] is None or entry["spread"] >= 0
        exact = entry["spread_kind"] == "exact"
        assert exact or entry["spread_kind"].partition(" over ")[0] in ("sd", "se")
        assert entry["n"] == 1 if exact else entry["n"] >= 2
        assert entry["reached"] is target.reached(entry["measured"])
    assert outcome.reached == all(entry["reached"] for entry in outcome.json["targets"])
    stored = json.loads((outcome.folder.path / "outcome.json").read_text())
    shown = stored.pop("exhibits")
    assert stored == outcome.json | {"title": recipe.title, "details": [*recipe.notes, *outcome.lines]}
    assert bool(shown) == bool(recipe.exhibits)
    assert all("kind" in exhibit for exhibit in shown)
    assert all(isinstance(line, str) for line in outcome.lines)


LONG = [pytest.param(name, marks=pytest.mark.long) for name in ("hola-ipd", "sos-ipd")]


@pytest.mark.parametrize("name", ["lola-imp", "chicken", *LONG])
def test_a_single_seed_has_no_spread(name, tmp_path):
    outcome = reproduce(tmp_path, tiny(EACH[name], seeds=1))
    entries = json.loads(json.dumps(outcome.json, allow_nan=False))["targets"]
    assert any(entry["spread"] is None for entry in entries)
    for entry in entries:
        assert entry["measured"] is not None or entry["reached"] is False


def test_rules_are_inclusive_intervals():
    both = Target("t", "s", low=-1.0, high=1.0, reason="so")
    assert [both.reached(x) for x in (-1.1, -1.0, 0.0, 1.0, 1.1, math.nan)] == [False, True, True, True, False, False]
    assert both.rule == "-1 to 1: so"
    assert both.reached(np.float64(0.5)) is True  # what goes into a file is of plain kinds
    low, high = Target("t", "s", low=2.5), Target("t", "s", high=-1.95)
    assert [low.reached(x) for x in (2.49, 2.5, 1e9, math.nan)] == [False, True, True, False]
    assert [high.reached(x) for x in (-1e9, -1.95, -1.94, math.nan)] == [True, True, False, False]
    assert (low.rule, high.rule) == (">= 2.5", "<= -1.95")


def test_budgets():
    row = Experiment("naive", "ipd", iterations=50, seeds=20)
    recipe = Recipe(
        "r", "t", "p", {"a": row}, dict, (), quick=Budget(seeds=2, iterations=80), full=Budget(seeds=90, iterations=10)
    )

    def sizes(mode, seeds=None):
        found = recipe.experiments(mode, seeds, 4)["a"]
        assert found.seed == 4
        return found.seeds, found.iterations

    assert sizes("default") == (20, 50)
    assert sizes("quick") == (2, 50)  # a budget never adds iterations
    assert sizes("full") == (90, 10)
    assert sizes("quick", 7) == (7, 50)
    recipe = dataclasses.replace(recipe, full=Budget(raised=70))
    assert sizes("full") == (20, 70)  # a published number of iterations that the default mode does not reach


def test_budgets_of_computations():
    rows = {"a": EACH["act-defenses"].rows["steering"], "b": Experiment("naive", "ipd")}
    recipe = Recipe("r", "t", "p", rows, dict, (), quick=Budget(settings={"generations": 3}))
    quick, default = recipe.experiments("quick", None, 0), recipe.experiments("default", None, 0)
    assert quick["a"].settings == dataclasses.replace(rows["a"].settings, generations=3)
    assert default["a"].settings == rows["a"].settings
    assert quick["b"] == default["b"]


def test_budgets_of_some_rows_alone():
    row = Experiment("mfos", "ipd", iterations=50, seeds=20)
    full = Budget(learner={"num_games": 4096})
    recipe = Recipe("r", "t", "p", {"a": row, "b": row}, dict, (), scaled=("a",), least=3, full=full)
    found = recipe.experiments("full", 7, 0)
    assert [row.seeds for row in found.values()] == [7, 20]
    assert [row.learner_settings for row in found.values()] == [{"num_games": 4096}, {}]
    with pytest.raises(SettingError, match="at least 3 seeds, got 2"):
        recipe.experiments("default", 2, 0)


def test_a_row_plays_what_an_earlier_one_learned(tmp_path, monkeypatch):
    """`row:NAME` stands for the run of that row; what was learned is saved, and found again when the recipe goes on."""
    train = Experiment("mfos", "chicken", "naive", {"num_games": 2, "hidden": 2}, iterations=2, seeds=3)
    rows = {"train": train, "meet": Experiment("row:train", "chicken", "naive", iterations=5, seeds=40, every=1)}

    def measure(runs):
        values = runs["meet"].metrics["value"]
        assert values.shape == (5, 40, 2)
        assert set(np.asarray(runs["meet"].state[0].agent)) == {0, 1, 2}
        return {"t": over_seeds(values[-1, :, 0])}

    recipe = Recipe("chicken", "t", "p", rows, measure, (Target("t", "s", low=-101.0, reason="so"),))
    monkeypatch.setattr(reproduction, "recipe_named", lambda _: recipe)
    outcome = reproduce(tmp_path, recipe)
    assert outcome.reached
    assert outcome.json["targets"][0]["n"] == 40


def test_figures_with_spread():
    values = np.array([[1.0, 2.0], [3.0, 6.0]])
    assert over_seeds(values[:, 0]) == Measured(2.0, pytest.approx(2**0.5), "sd over seeds", 2)
    assert over_agents(values) == Measured(3.0, pytest.approx(values.std(ddof=1)), "sd over agents", 4)
    assert share(values > 1.5) == Measured(75.0, pytest.approx(25.0), "se over seeds", 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert over_seeds(values[:1, 0]).spread is None
        assert share(values[:1] > 1.5).spread is None
        assert math.isnan(base.deviation(values[:1, 0]))


@pytest.fixture
def small_recipe(monkeypatch):
    """Makes the command line run tiny recipes."""
    named = reproduction.recipe_named
    monkeypatch.setattr(reproduction, "recipe_named", lambda name: tiny(named(name)))


def test_reproduce_prints_one_object(small_recipe, tmp_path, capsys):
    recipe = EACH["commons"]  # its page is drawn fast
    status = cli.main(["reproduce", "commons", "--json", "--seed", "5", f"--out={tmp_path}"])
    out, _ = capsys.readouterr()
    assert out.count("\n") == 1
    found = json.loads(out)
    assert list(found) == KEYS
    assert (found["recipe"], found["mode"], found["seeds"]) == ("commons", "default", 2)
    assert found["run"] == str(tmp_path / "commons-001")
    assert status == (0 if all(entry["reached"] for entry in found["targets"]) else 4)
    assert (tmp_path / "commons-001/report.html").exists()
    rows = json.loads((tmp_path / "commons-001/config.json").read_text())["rows"]
    assert {row["seed"] for row in rows.values()} == {5}

    assert cli.main(["reproduce", "--resume", found["run"]]) == status  # nothing is left to run; the table is shown
    table = capsys.readouterr().out
    for target in recipe.targets:
        assert target.name in table
        assert target.reason in table
    assert "MISSED" in table or "yes" in table
    table = " ".join(table.split())
    assert recipe.title in table
    assert "a planner harvests" in table


def test_only_the_quick_mode_leaves_targets_unjudged(tmp_path):
    recipe = tiny(EACH["sos-ipd"])
    outcome = reproduce(tmp_path, dataclasses.replace(recipe, quick=Budget()), "quick")
    assert not outcome.reached
    for entry in outcome.json["targets"]:
        assert list(entry) == [*TARGET_KEYS, "why"]
        assert entry["reached"] is None
        assert "quick mode" in entry["why"]
    outcome = reproduce(tmp_path, tiny(EACH["naive-ipd"]), "quick")
    assert EACH["naive-ipd"].judged_quick
    assert all(isinstance(entry["reached"], bool) for entry in outcome.json["targets"])


def test_an_interrupted_reproduction_goes_on(tmp_path):
    recipe = tiny(EACH["sos-ipd"])
    begun = []

    def tell(told):
        if len(begun) == 2:  # in the second row
            os.kill(os.getpid(), signal.SIGTERM)

    folder = reproduction.new_reproduction(tmp_path, recipe, "default", None, 0)
    with pytest.raises(Interrupted):
        reproduction.reproduce(folder, tell, begun.append)
    assert begun == ["naive", "CGD"]
    status = folder.status()
    assert status["status"] == "interrupted"
    assert "SIGTERM" in status["reason"]
    spent = status["wall_seconds"]
    assert spent > 0
    assert not (folder.path / "outcome.json").exists()
    first = folder.path / "rows/01-naive/metrics.jsonl"
    before = first.stat().st_mtime_ns

    told = []
    outcome = reproduction.reproduce(store.RunFolder.open(folder.path), told.append, begun.append)
    assert first.stat().st_mtime_ns == before  # the finished row was not run again
    assert {progress.experiment.learner for progress in told} == {"cgd", "lola", "sos"}
    assert outcome.json["wall_seconds"] > spent
    assert folder.status()["status"] == "done"
    whole = reproduce(tmp_path, recipe)
    assert outcome.json["targets"] == whole.json["targets"]


def test_a_row_that_was_only_begun_goes_on(tmp_path):
    recipe = tiny(EACH["chicken"])
    folder = reproduction.new_reproduction(tmp_path, recipe, "default", None, 0)
    row = store.RunFolder(folder.path / "rows/01-naive")
    row.path.mkdir(parents=True)
    row.note(status="new")  # as if the process died before it wrote the row's configuration
    assert reproduction.reproduce(folder, quiet, quiet).json["targets"]


def test_a_busy_reproduction_is_refused(tmp_path):
    folder = reproduction.new_reproduction(tmp_path, tiny(EACH["chicken"]), "default", None, 0)
    with folder.lock(), pytest.raises(RunError, match="is busy: process"):
        reproduction.reproduce(folder, quiet, quiet)
