"""The maze's rules, its levels as text, random levels and edits; shortest ways against another search."""

import collections
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit import games
from tacit.errors import InputError, SettingError
from tacit.evaluation.mazes_settings import DRAWN_MAZES
from tacit.games import maze_held_out, maze_levels, maze_paths
from tacit.games.maze import AHEAD, LEFT, RIGHT
from tacit.games.maze_levels import MazeLevel, parse, render, well_formed
from tacit.loops import player

pytestmark = pytest.mark.usefixtures("strict")
KEY = jax.random.key(0)
step = jax.jit(lambda game, *inputs: game.step(*inputs))
mutated = jax.jit(jax.vmap(lambda game, *inputs: game.mutate(*inputs), (None, 0, 0)))
well_formed_all = jax.jit(jax.vmap(well_formed))
solved_in = jax.jit(jax.vmap(maze_paths.shortest))
ALLEY = "#####\n#>.G#\n#####"


def play(level, moves, **rules):
    """States (the first included) and outcomes of moves on a level."""
    game = games.make("maze", width=level.walls.shape[1], height=level.walls.shape[0], walls=0, **rules)
    states, outcomes = [game.reset(KEY, level)], []
    for move in moves:
        state, outcome = step(game, KEY, states[-1], jnp.array([move], jnp.int32))
        states.append(state)
        outcomes.append(outcome)
    return game, states, outcomes


def test_the_goal_pays_less_the_later_it_is_reached():
    for waits in (0, 3):
        _, states, outcomes = play(parse(ALLEY), [6] * waits + [AHEAD, AHEAD])
        assert float(outcomes[-1].reward[0]) == pytest.approx(1 - 0.9 * (waits + 2) / 250)
        assert all(float(outcome.reward[0]) == 0 for outcome in outcomes[:-1])
        assert bool(outcomes[-1].terminated)
        assert bool(states[-1].solved)
        assert states[-1].agent.tolist() == [2, 1]  # the goal is never entered
    assert float(play(parse(ALLEY), [AHEAD, AHEAD], hurry=False)[2][-1].reward[0]) == 1


def test_time_ends_the_game_by_the_rules():
    _, states, outcomes = play(parse(ALLEY), [AHEAD, 5, 6], length=3)
    assert [bool(outcome.terminated) for outcome in outcomes] == [False, False, True]
    assert not any(bool(outcome.truncated) for outcome in outcomes)
    assert not states[-1].solved
    # Who reaches the goal with the last step is paid for it.
    assert float(play(parse(ALLEY), [6, AHEAD, AHEAD], length=3)[2][-1].reward[0]) == pytest.approx(0.1)


def test_turns_walls_and_edges():
    level = parse("..#\n.>#\n..G")
    moves = [AHEAD, LEFT, AHEAD, AHEAD, LEFT, AHEAD, AHEAD, LEFT, LEFT, RIGHT, RIGHT, RIGHT]
    _, states, _ = play(level, moves)
    assert [state.agent.tolist() for state in states[1:]] == [[1, 1]] * 2 + [[1, 0]] * 3 + [[0, 0]] * 7
    assert [int(state.direction) for state in states[1:]] == [0, 3, 3, 3, 2, 2, 2, 1, 0, 1, 2, 3]


@pytest.mark.parametrize("width", [13, 24, 25, 60])
def test_what_is_seen_is_the_grid_ahead(width):
    """Every cell in view by the formula agent + forward F + sideways R, for rows of one word and of several."""
    game = games.make("maze", width=width, height=7, walls=2 * width)
    shown, drawn = jax.jit(game.observe), jax.jit(game.sample_level)
    for seed in range(6):
        level = drawn(jax.random.key(seed))
        image = np.asarray(shown(game.reset(KEY, level)).image[0])
        forward = maze_levels.FORWARD[int(level.direction)]
        right = np.array([-forward[1], forward[0]])
        for i in range(5):
            for j in range(5):
                x, y = np.asarray(level.agent) + (4 - j) * forward + (i - 2) * right
                outside = not (0 <= x < width and 0 <= y < 7)
                kind = "#" if outside or level.walls[y, x] else "G" if (x, y) == tuple(level.goal.tolist()) else "."
                expected = {"#": (2, 5, 0), "G": (8, 1, 0), ".": (1, 0, 0)}[kind]
                np.testing.assert_allclose(image[i, j], np.array(expected, np.float32) / 10)


def test_a_state_is_a_level_again():
    level = maze_held_out.levels("StandardMaze2")
    game, states, _ = play(player(0, level), [AHEAD, RIGHT, AHEAD, AHEAD])
    assert render(game.as_level(states[0])) == maze_held_out.DRAWN["StandardMaze2"].strip()
    left = game.as_level(states[-1])
    assert (left.agent.tolist(), int(left.direction)) == ([0, 8], 1)


@functools.cache
def levels_of(game, count=200):
    return jax.jit(jax.vmap(game.sample_level))(jax.random.split(jax.random.key(7), count))


@pytest.mark.parametrize("mutator", ["flips", "cells"])
def test_random_levels_and_their_edits_are_well_formed(mutator):
    game = games.make("maze-small", mutator=mutator, edits=20)
    levels = levels_of(games.make("maze-small"))
    made = mutated(game, jax.random.split(KEY, 200), levels)
    for each in (levels, made):
        assert well_formed_all(each).all()
    assert np.mean(np.asarray(made.walls) != np.asarray(levels.walls)) > 0.1
    assert (np.asarray(made.goal) != np.asarray(levels.goal)).any(1).mean() > 0.9


@given(seed=st.integers(0, 199))
@settings(max_examples=8)
def test_a_level_is_its_text(seed):
    level = player(seed, levels_of(games.make("maze-small")))
    assert all(np.array_equal(a, b) for a, b in zip(parse(render(level)), level, strict=True))


def test_edits_leave_what_is_beyond_a_level_alone():
    level = parse("#G\n>.", 7, 7)
    many = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (200, *leaf.shape)), level)
    for mutator in ("flips", "cells"):
        game = games.make("maze-small", mutator=mutator, edits=20)
        made = mutated(game, jax.random.split(KEY, 200), many)
        walls = np.asarray(made.walls)
        assert walls[:, 2:].all()
        assert walls[:, :, 2:].all()
        assert not walls[:, :2, :2].all((1, 2)).any()
        assert well_formed_all(made).all()


def test_fewer_walls_are_every_number_up_to_the_most():
    many, fewer = (np.asarray(levels_of(games.make("maze", fewer=fewer)).walls).sum((1, 2)) for fewer in (False, True))
    assert (many.min() > 15, fewer.min(), fewer.max() > 20) == (True, 0, True)
    assert fewer.mean() == pytest.approx(many.mean() / 2, abs=5 * fewer.std() / 200**0.5)
    assert not np.asarray(levels_of(games.make("maze", walls=0)).walls).any()


@pytest.mark.parametrize(
    ("change", "value"),
    [("goal", (0, 0)), ("goal", (1, 0)), ("agent", (2, 0)), ("agent", (0, -1)), ("direction", 4), ("goal", (3, 0))],
)
def test_levels_that_are_not_well_formed(change, value):
    level = parse(">#G", 7, 7)
    assert well_formed(level)
    assert not well_formed(level._replace(**{change: jnp.array(value, jnp.int32)}))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("..\n.G", "level has no agent: one cell must be one of > v < ^"),
        (">.\n.<\n.G", "level, row 1, column 1: a second agent; the first is in row 0, column 0"),
        (">.\n..", "level has no goal: one cell must be G"),
        (">.G\n..", "level, row 1: 2 cells, and row 0 has 3; rows must be alike"),
        (">.G\n.x.", "level, row 1, column 1: unknown mark 'x'; allowed: # . G > v < ^"),
        (">......G", "level is 8 by 1 cells; at most 7 by 7 fit"),
        (" \n ", "level is empty: it must have a line for each row"),
    ],
)
def test_texts_that_are_no_level(text, line):
    with pytest.raises(InputError) as error:
        parse(text, 7, 7)
    assert str(error.value) == line


def test_of_several_texts_the_wrong_one_is_named():
    several = maze_levels.several([">G", ">.\n.G"])
    assert several.walls.shape == (2, 2, 2)
    np.testing.assert_array_equal(several.walls[0], [[False, False], [True, True]])
    with pytest.raises(InputError, match="level 1 has no goal"):
        maze_levels.several([">G", ">."])


def test_impossible_wall_counts_and_unknown_mazes():
    assert games.make("maze-small", walls=47).walls == 47
    with pytest.raises(SettingError, match="walls must be <= 47, so that agent and goal have a cell, got 48"):
        games.make("maze-small", walls=48)
    with pytest.raises(
        SettingError, match=r"unknown maze 'Labyrint' \(did you mean Labyrinth\?\); allowed: Corridor7, "
    ):
        maze_held_out.levels("Labyrint")


# The reference's table, found by another search over x, y and direction.
TABLE = {
    "SixteenRooms": (46, 26, 0.9064),
    "SixteenRooms2": (53, 28, 0.8992),
    "Labyrinth": (72, 113, 0.5932),
    "LabyrinthFlipped": (72, 113, 0.5932),
    "Labyrinth2": (72, 113, 0.5932),
    "StandardMaze": (73, 54, 0.8056),
    "StandardMaze2": (72, 73, 0.7372),
    "StandardMaze3": (71, 54, 0.8056),
}


def test_shortest_ways_and_best_rewards_of_the_drawn_mazes():
    assert list(maze_held_out.DRAWN) == list(DRAWN_MAZES) == list(TABLE)
    levels = maze_levels.several(maze_held_out.DRAWN.values())
    best = jax.jit(jax.vmap(games.make("maze").best))(levels)
    for i, (walls, actions, reward) in enumerate(TABLE.values()):
        assert int(levels.walls[i].sum()) == walls
        assert int(solved_in(levels)[i]) == actions
        assert float(best[i]) == pytest.approx(reward, abs=1e-6)


def searched(level):
    """Fewest steps by a queue of places, as a plain program would find them; None without a way."""
    walls, goal = np.asarray(level.walls), tuple(np.asarray(level.goal).tolist())
    start = (*np.asarray(level.agent).tolist(), int(level.direction))
    queue, steps = collections.deque([start]), {start: 0}
    while queue:
        x, y, looks = here = queue.popleft()
        ahead = (x + (looks == 0) - (looks == 2), y + (looks == 1) - (looks == 3))
        if ahead == goal:
            return steps[here] + 1
        inside = 0 <= ahead[0] < walls.shape[1] and 0 <= ahead[1] < walls.shape[0]
        on = [(*ahead, looks)] if inside and not walls[ahead[::-1]] else []
        for after in (*on, (x, y, (looks + 1) % 4), (x, y, (looks - 1) % 4)):
            if after not in steps:
                steps[after] = steps[here] + 1
                queue.append(after)
    return None


def test_shortest_ways_equal_another_search():
    levels = levels_of(games.make("maze", walls=90))
    found = np.asarray(solved_in(levels))
    expected = [searched(player(i, levels)) for i in range(len(found))]
    assert 0.2 < np.mean([steps is None for steps in expected]) < 0.8
    np.testing.assert_array_equal(found, [maze_paths.NEVER if steps is None else steps for steps in expected])
    game = games.make("maze", walls=90, length=20)
    best = np.asarray(jax.jit(jax.vmap(lambda level: game.best(level, 0.5)))(levels))
    returns = [0.5 ** (n - 1) * (1 - 0.9 * n / 20) if n is not None and n <= 20 else 0 for n in expected]
    np.testing.assert_allclose(best, returns, rtol=1e-5)


def test_the_best_actions_lead_to_the_goal_on_a_shortest_way():
    level = player(0, maze_held_out.levels("Labyrinth2"))
    best = np.asarray(jax.jit(maze_paths.best_actions)(level))
    game = games.make("maze")
    state, total = game.reset(KEY, level), 0.0
    for _ in range(113):
        move = best[int(state.direction), int(state.agent[1]), int(state.agent[0])]
        state, outcome = step(game, KEY, state, jnp.array([move], jnp.int32))
        total += float(outcome.reward[0])
    assert total == pytest.approx(0.5932)


FAMILIES = {  # count of levels, walls, most steps, and the longer horizon
    "SmallCorridor": (10, 71, 24, 450),
    "LargeCorridor": (16, 161, 36, 882),
    "FourRooms": (5, 29, 60, 250),
    "Crossing": (5, None, 60, 484),
    "PerfectMaze": (5, 72, 150, 450),
    "PerfectMazeMedium": (5, 162, 300, 882),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_families_of_held_out_mazes(name):
    count, walls, most, length = FAMILIES[name]
    levels, same = (maze_held_out.levels(name, 5, seed=1) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(levels, same, strict=True))
    found = np.asarray(levels.walls).sum((1, 2))
    assert len(found) == count
    assert walls is None or (found == walls).all()
    assert (solved_in(levels) <= most).all()
    assert well_formed_all(levels).all()
    assert maze_held_out.HELD_OUT[name].length == length
    distinct = {render(player(i, levels)) for i in range(count)}
    assert len(distinct) == count


def test_perfect_mazes_are_trees_on_the_even_cells():
    for seed in range(3):
        walls = np.asarray(maze_held_out.levels("PerfectMaze", 1, seed).walls[0])
        assert not walls[::2, ::2].any()
        assert walls[1::2, 1::2].all()
        assert (~walls).sum() == 2 * 49 - 1  # as many openings as cells but one: with all connected, no loops


def test_a_perfect_maze_of_101_cells_is_played():
    level = player(0, maze_held_out.levels("PerfectMazeExtraLarge", 1))
    game, states, _ = play(level, [RIGHT, AHEAD, AHEAD], length=maze_held_out.HELD_OUT["PerfectMazeExtraLarge"].length)
    assert render(game.as_level(states[0])) == render(level)
    assert isinstance(level, MazeLevel)


def test_crossings_are_five_walls_with_an_opening_each():
    for seed in range(5):
        walls = np.asarray(maze_held_out.levels("Crossing", 1, seed).walls[0])
        lines = [*walls[1::2], *walls[:, 1::2].T]
        # A line that is no wall is crossed by at most four walls, so it has at most four blocked cells.
        assert sum(line.sum() > 5 for line in lines) == 5


def test_a_teacher_builds_a_level_cell_by_cell():
    editor = games.make("maze", width=3, height=2, walls=0, builds=7).editor
    build, observe = jax.jit(editor.step), jax.jit(editor.observe)
    state = editor.reset(KEY)
    kinds = [observe(state).image[0, :, :, 0]]
    for action in (4, 6, 0, 2, 4, 2, 5):  # goal, direction, agent; a wall, none on the goal, that wall away, another
        state, outcome = build(KEY, state, jnp.array([action], jnp.int32))
        assert float(outcome.reward[0]) == 0
        kinds.append(observe(state).image[0, :, :, 0])
    assert bool(outcome.terminated)
    assert render(editor.built(state)) == "<..\n.G#"
    shown = [np.rint(10 * np.asarray(kind)).astype(int).tolist() for kind in kinds]
    assert shown[0] == [[1, 1, 1], [1, 1, 1]]  # nothing is there before it is placed
    assert shown[1:3] == [[[1, 1, 1], [1, 8, 1]]] * 2
    assert shown[4] == [[10, 1, 2], [1, 8, 1]]
    view = observe(state)
    assert view.time[0].sum() == 0  # time is up
    assert ((view.noise >= 0) & (view.noise < 1)).all()


def test_an_agent_on_the_goal_is_put_elsewhere():
    editor = games.make("maze-small").editor
    build = jax.jit(jax.vmap(editor.step, (0, None, None)))
    state = editor.reset(KEY)._replace(goal=jnp.int32(5), time=jnp.int32(2))
    states, _ = build(jax.random.split(KEY, 500), state, jnp.array([5], jnp.int32))
    counts = np.bincount(np.asarray(states.agent), minlength=49)
    assert counts[5] == 0
    assert (np.delete(counts, 5) > 0).all()
