"""Recipes of curricula: equal steps to learn from, who counts as having learned, and figures from made-up runs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.evaluation import mazes
from tacit.games.fruit import regret_game
from tacit.learners import curriculum
from tacit.recipes import curricula, fruit_choice, maze_full, maze_small, true_regret_game
from tacit.recipes.curricula import ACCEL, DR, METHODS, PLR, ROBUST, SAMPLR, SFL
from tacit.runs.experiment import resolve
from tacit.runs.training import Finished

SEEDS = 5


class MadeUp(Finished):
    """A finished run, as far as recipes read it."""

    game, name = None, ""

    def __init__(self, **parts):
        self.__dict__.update(parts)


def made_up(game="two-fruits", rules=None, **metrics):
    """A run with these metrics, `[rows, S, ...]`."""
    rows = len(next(iter(metrics.values())))
    told = {"iteration": 20 * np.arange(1, rows + 1)} | {name: np.asarray(each) for name, each in metrics.items()}
    return MadeUp(metrics=told, game=games.make(game, **(rules or {})))


def settled(value, rows=8):
    """A metric that was 1 in the first half of a run and `value` in the second, for every seed."""
    return np.repeat(np.where(np.arange(rows) < rows // 2, 1.0, value)[:, None], SEEDS, axis=1)


def updates(method, cycles):
    """How often a student of `maze-small` learns in so many cycles."""
    config = resolve(maze_small.RECIPE.rows[method]).config
    if not config.capacity or config.search_every:
        return cycles

    def cycle(replayed, iteration):
        kind = curriculum.decided(config, curriculum.State(None, None, None, replayed, iteration))
        return kind.replay, kind.replay

    return int(jax.lax.scan(cycle, jnp.bool_(False), jnp.arange(cycles, dtype=jnp.int32))[1].sum())


@pytest.mark.parametrize("method", maze_small.CYCLES)
def test_students_of_small_mazes_learn_equally_often(method):
    assert updates(method, maze_small.CYCLES[method]) == maze_small.UPDATES
    assert maze_small.RECIPE.rows[method].iterations == maze_small.CYCLES[method]


def test_paired_learns_as_often_as_the_others():
    assert maze_small.RECIPE.rows[maze_small.PAIRED].iterations == maze_small.UPDATES


def test_methods_differ_in_nothing_but_what_they_are():
    for recipe, methods in ((fruit_choice.RECIPE, fruit_choice.COMPARED), (maze_small.RECIPE, (DR, ROBUST, ACCEL))):
        plain = recipe.rows[ROBUST].learner_settings
        for method in methods:
            row = recipe.rows[method]
            changed = {name for name, value in row.learner_settings.items() if plain.get(name) != value}
            assert changed <= set(METHODS[method])
            assert row.game_settings == recipe.rows[ROBUST].game_settings
    for method in (DR, PLR, ROBUST, ACCEL, SFL, SAMPLR):
        curriculum.Config(**METHODS[method])  # allowed together


def test_figures_are_of_the_second_half():
    run = made_up(apple=settled(0.25))
    assert curricula.last(run, "apple").tolist() == [0.25] * SEEDS
    assert curricula.last(run, "apple", 1.0).tolist() == [0.625] * SEEDS
    gaps = np.where(np.arange(8)[:, None] == 7, np.nan, settled(0.25))
    assert curricula.last(made_up(apple=gaps), "apple").tolist() == [0.25] * SEEDS  # nothing to report in the last row


def test_curves_are_means_over_seeds():
    run = made_up(apple=np.arange(8.0).reshape(4, 2), other=np.zeros((4, 2, 1)))
    shown = curricula.curve("t", {"one": run, "none": made_up(other=np.zeros((4, 2)))}, "apple", "share")
    assert shown["lines"] == {"one": [0.5, 2.5, 4.5, 6.5]}  # who has nothing to show has no line
    assert shown["x"] == [20, 40, 60, 80]


def regret_runs(apple):
    """Runs of `true-regret-game` in which the apple is eaten so often, by row."""
    recipe = true_regret_game.RECIPE
    level = {"level_apple_right": settled(0.5)}
    return {
        name: made_up(rules=row.game_settings, apple=settled(apple(name)), **level) for name, row in recipe.rows.items()
    }


def test_true_regret_targets_hold_at_the_solution_and_nowhere_far_from_it():
    def solution(name):
        pairs = {true_regret_game._solved(pair): regret_game(*pair).student for pair in true_regret_game.PAIRS}
        if name in pairs:
            return pairs[name]
        form, rules = true_regret_game.CHOICES[name]
        apple_is_best = rules[0] * rules[1] > (1 - rules[0]) * rules[2]
        return 0.0 if "robust" in form or not apple_is_best else 1.0

    for apple, all_reached in ((solution, True), (lambda _: 0.5, False)):
        runs = regret_runs(apple)
        measured = true_regret_game.measure(runs)
        reached = [target.reached(measured[target.name].value) for target in true_regret_game.RECIPE.targets]
        assert all(reached) == all_reached
        assert any(reached) == all_reached
    assert len(true_regret_game.details(runs)) == len(runs)
    assert len(true_regret_game.exhibits_of(runs)) == len(true_regret_game.PAIRS) + len(true_regret_game.SETTINGS)


def test_who_learned_nothing_is_shown_and_not_averaged_in(monkeypatch):
    """Three of five eat apples on nearly all rows; one eats nothing, and one bananas on half of them."""
    found = fruit_choice.Eaten(np.array([1.0, 0.95, 0.9, 0.0, 0.0]), np.array([0.0, 0.05, 0.0, 0.0, 0.5]))
    monkeypatch.setattr(fruit_choice, "eaten", lambda _: found)
    run = made_up("fruit-choice", apple=settled(0.5))
    measured = fruit_choice.measure({SAMPLR: run})
    assert measured[f"{SAMPLR}: % of seeds that eat on 90% of the rows"].value == 60.0
    returns = measured[f"{SAMPLR}: return of those"]
    assert returns.n == 3
    np.testing.assert_allclose(returns.value, np.mean([2.1, 0.95 * 2.1 + 0.05 * 1.5, 0.9 * 2.1]))
    np.testing.assert_allclose(measured[f"{SAMPLR}: bananas among what those eat"].value, 0.05 / 3)
    (line,) = fruit_choice.details({SAMPLR: run})
    assert line.count("(") == 6  # all five, and the heading
    assert "0.00 0.50 (0.75)" in line


def test_where_nobody_learned_the_way_figures_are_of_all(monkeypatch):
    found = fruit_choice.Eaten(np.array([0.2, 0.0]), np.array([0.0, 0.4]))
    monkeypatch.setattr(fruit_choice, "eaten", lambda _: found)
    measured = fruit_choice.measure({DR: made_up("fruit-choice", apple=settled(0.5))})
    assert measured[f"{DR}: % of seeds that eat on 90% of the rows"].value == 0.0
    assert measured[f"{DR}: return of those"].n == 2


def test_gains_in_small_mazes_are_of_the_same_seeds(monkeypatch):
    base = np.array([0.1, 0.5, 0.3, 0.7, 0.9])

    def rates(run):
        gain = {DR: 0.0, ROBUST: 0.1, ACCEL: 0.2}.get(run.name, 0.05)
        families = dict.fromkeys(maze_small.FAMILIES, base + gain)
        return maze_small.Rates(base, base + gain, families)

    monkeypatch.setattr(maze_small, "rates", rates)
    runs = {name: MadeUp(name=name) for name in maze_small.RECIPE.rows}
    measured = maze_small.measure(runs)
    assert {target.name for target in maze_small.RECIPE.targets} <= set(measured)
    for name, gain in (("ACCEL", 0.2), ("robust PLR", 0.1)):
        found = measured[f"{name} minus domain randomization: perfect mazes"]
        np.testing.assert_allclose((found.value, found.spread), (gain, 0.0), atol=1e-12)
    np.testing.assert_allclose(measured["SFL minus domain randomization: worst tenth of random levels"].value, 0.05)


def test_full_mazes_begin_small_and_end_as_published():
    for recipe in (maze_full.MAZE_DR, maze_full.MAZE_PLR, maze_full.MAZE_ACCEL, maze_full.MAZE_PAIRED):
        (row,) = recipe.experiments("full", None, 0).values()
        assert row.iterations == 30_000
        assert row.learner_settings["anneal"] == 30_000
        config = resolve(row).config
        assert (config.num_games, config.length, config.epochs, config.minibatches) == (32, 256, 5, 1)
        if row.learner == "curriculum" and config.capacity:
            assert (config.capacity, config.replay, config.fill, config.temperature) == (4000, 0.8, 0.5, 0.3)
    (row,) = maze_full.MAZE_SFL.experiments("full", None, 0).values()
    config = resolve(row).config
    assert row.iterations * config.num_games * config.length == pytest.approx(3e8, rel=1e-3)
    assert config.searches * config.num_games == pytest.approx(25_000, rel=0.01)
    (row,) = maze_full.MAZE_PLR.experiments("default", None, 0).values()
    config = resolve(row).config
    replays = [i for i in range(row.iterations) if i * config.num_games >= config.fill * config.capacity]
    assert len(replays) > row.iterations / 2, "the default mode would hardly learn"


def test_learning_in_full_mazes_is_measured_from_first_to_last(monkeypatch):
    monkeypatch.setattr(mazes, "solvable", lambda *_: games.make("maze").all_levels())
    monkeypatch.setattr(mazes, "of_seeds", lambda *_, seed: np.full((2, 10, 4), 7 * seed))
    solved = np.repeat(np.array([0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.8])[:, None], 2, axis=1)
    runs = {SFL: made_up("maze", solved=solved)}
    measured = maze_full.MAZE_SFL.measure(runs)
    np.testing.assert_allclose(measured[maze_full.GAIN].value, 0.5)
    assert measured[maze_full.WORST].value == 1.0
