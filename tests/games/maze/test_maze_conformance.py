"""The maze is JaxUED's: recorded games are replayed, edits and random levels end in the same as often.

Where JaxUED is installed, all is compared with it directly, over a thousand levels.
"""

import dataclasses
import functools
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import record_jaxued
from scipy import stats

from tacit import games
from tacit.games.maze_levels import MazeLevel, parse, render
from tacit.loops import player

RECORDED = pathlib.Path(record_jaxued.RECORDED)
IMAGE = {".": (1, 0, 0), "#": (2, 5, 0), "G": (8, 1, 0)}
RARE = 1e-4  # of agreement by chance, below which two samples are taken for different
SAMPLES = 20_000
ROUNDING = 2**-22  # of a reward: compilers may add and multiply in one operation, or in two


@functools.cache
def parts():
    """The recorded file's parts: `{heading: lines}`, in order."""
    found, lines = {}, [line for line in RECORDED.read_text().splitlines() if line[0] != "#" or "/" in line.split()[0]]
    for line in lines:
        if line.split()[0] in ("game", "edits", "built", "distinct"):
            found[line] = []
        else:
            found[next(reversed(found))].append(line.split())
    return found


@jax.jit
def replay(level, actions):
    """What our maze shows at first and makes of actions `[T]`."""
    game = games.make("maze")
    state = game.reset(jax.random.key(0), level)

    def step(state, action):
        state, outcome = game.step(jax.random.key(0), state, action[None])
        return state, (game.observe(state), outcome, state.agent)

    return game.observe(state), jax.lax.scan(step, state, actions)[1]


def raw(view):
    """An observation in JaxUED's units: image and direction."""
    return np.rint(10 * np.asarray(view.image[..., 0, :, :, :])).astype(int), np.argmax(view.direction[..., 0, :], -1)


@pytest.mark.parametrize("index", range(record_jaxued.GAMES))
def test_recorded_games_are_played_alike(index):
    head, lines = [item for item in parts().items() if item[0].startswith("game")][index]
    level = parse(head.split()[1].replace("/", "\n"))
    actions = np.full(record_jaxued.STEPS, 6, np.int32)  # one length, one program
    actions[: len(lines) - 1] = [int(line[0]) for line in lines[1:]]
    first, (view, outcome, _) = replay(level, actions)
    image, looks = raw(jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), first, view))
    for t, line in enumerate(lines):
        shown = np.array([[IMAGE[mark] for mark in row] for row in line[1].split("/")]).swapaxes(0, 1)
        np.testing.assert_array_equal(image[t], shown)
        assert looks[t] == int(line[2])
        if t:
            assert float(outcome.reward[t - 1, 0]) == pytest.approx(float(line[3]), rel=ROUNDING)
            assert bool(outcome.terminated[t - 1]) == (float(line[3]) > 0)


def rather_alike(ours, theirs):
    """Whether two counts of outcomes `{outcome: count}` are those of one distribution, by a test of chi squared."""
    names = sorted({*ours, *theirs})
    table = np.array([[sample.get(name, 0) for name in names] for sample in (ours, theirs)])
    common = table.sum(axis=0) >= 20  # rarer ones count together
    table = np.concatenate([table[:, common], table[:, ~common].sum(axis=1, keepdims=True)], axis=1)
    return stats.chi2_contingency(table[:, table.sum(axis=0) > 0]).pvalue > RARE


@pytest.mark.parametrize("mutator", ["flips", "cells"])
def test_edits_end_in_the_same_levels_as_often(mutator):
    head, lines = next(item for item in parts().items() if item[0].startswith(f"edits {mutator}"))
    level = parse(head.split()[2].replace("/", "\n"))
    height, width = level.walls.shape
    game = games.make("maze", width=width, height=height, walls=0, mutator=mutator, edits=2)
    keys = jax.random.split(jax.random.key(1), SAMPLES)
    made = jax.jit(jax.vmap(game.mutate, (0, None)))(keys, level)
    rows = np.concatenate([np.asarray(leaf).reshape(SAMPLES, -1).astype(np.int8) for leaf in made], axis=1)
    _, where, counts = np.unique(rows, axis=0, return_index=True, return_counts=True)
    found = [render(jax.tree.map(lambda leaf, i=i: leaf[i], made)).replace("\n", "/") for i in where]
    ours = dict(zip(found, counts.tolist(), strict=True))
    theirs = {text: int(count) for text, count in lines}
    assert len(ours) > 25
    assert rather_alike(ours, theirs)
    shifted = dict(zip(ours, [*counts.tolist()[1:], counts.tolist()[0]], strict=True))
    assert not rather_alike(shifted, theirs)


def test_random_levels_have_as_many_different_walls():
    theirs = {int(n): int(count) for n, count in parts()["distinct walls"]}
    keys = jax.random.split(jax.random.key(1), SAMPLES)
    walls = np.asarray(jax.jit(jax.vmap(games.make("maze").sample_level))(keys).walls)
    ours = dict(zip(*(x.tolist() for x in np.unique(walls.sum((1, 2)), return_counts=True)), strict=True))
    assert rather_alike(ours, theirs)
    # Of n draws among 169 cells, 169 (1 - (168 / 169)^n) are different in expectation; each cell as often as any other.
    expected = 169 * (1 - (168 / 169) ** 25)
    assert walls.sum((1, 2)).mean() == pytest.approx(expected, abs=5 * walls.sum((1, 2)).std() / SAMPLES**0.5)
    share = expected / 169
    assert np.abs(walls.mean(0) - share).max() < 5 * (share * (1 - share) / SAMPLES) ** 0.5


@functools.partial(jax.jit, static_argnums=0)
def build(size, actions):
    """Our editor's levels by actions `[T, N]`, and what it showed before each."""
    editor = dataclasses.replace(games.make("maze", width=size, height=size, walls=0).editor, length=len(actions))

    def one(actions):
        def step(state, action):
            return editor.step(jax.random.key(0), state, action[None])[0], editor.observe(state).image[0]

        state, images = jax.lax.scan(step, editor.reset(jax.random.key(0)), actions)
        return editor.built(state), images

    return jax.vmap(one, 1, (0, 1))(actions)


def texts(levels):
    return [render(player(i, levels)) for i in range(len(levels.direction))]


def test_recorded_actions_build_the_same_levels():
    heads = [head.split() for head in parts() if head.startswith("built")]
    assert len(heads) == record_jaxued.BUILT[0]
    actions = np.array([list(map(int, head[1].split(","))) for head in heads], np.int32).T
    made, _ = build(record_jaxued.BUILT[2], actions)
    assert [text.replace("\n", "/") for text in texts(made)] == [head[2] for head in heads]


@pytest.mark.long
def test_hundreds_of_levels_are_built_as_in_jaxueds_editor():
    pytest.importorskip("jaxued")
    actions = record_jaxued.buildings(300, 50, 13, 1)
    levels, images = record_jaxued.built(actions, 13)
    made, shown = build(13, actions)
    assert texts(made) == levels
    np.testing.assert_array_equal(np.rint(10 * np.asarray(shown)).astype(int), images)


@pytest.mark.long
def test_a_thousand_levels_are_played_as_by_jaxued_itself():
    pytest.importorskip("jaxued")
    theirs = record_jaxued.levels(1000, 50, 0)
    actions = jax.random.choice(jax.random.key(1), jnp.array([0, 1, 2, 2, 2, 3, 4, 5, 6]), (250, 1000))
    first, out = record_jaxued.play(theirs, actions)
    places = (theirs.goal_pos.astype(jnp.int32), theirs.agent_pos.astype(jnp.int32))
    size = jnp.full((1000, 2), 13)
    levels = MazeLevel(theirs.wall_map, *places, theirs.agent_dir.astype(jnp.int32), size)
    start, (view, outcome, place) = jax.vmap(replay, (0, 1), (0, 1))(levels, actions)
    image, looks = raw(start)
    np.testing.assert_array_equal(image, first["image"])
    np.testing.assert_array_equal(looks, first["direction"])
    live = ~out["before"]
    image, looks = raw(view)
    np.testing.assert_array_equal(image[live], out["image"][live])
    np.testing.assert_array_equal(looks[live], out["direction"][live])
    np.testing.assert_array_equal(np.asarray(place)[live], out["place"][live])
    np.testing.assert_allclose(np.asarray(outcome.reward)[live][:, 0], out["reward"][live], rtol=ROUNDING)
    np.testing.assert_array_equal(np.asarray(outcome.terminated)[live], out["done"][live])
