"""JaxUED's maze, played and drawn from for comparison, and what of it is recorded as text.

Run where JaxUED is installed, `python tests/games/maze/record_jaxued.py`, to record anew.
"""

import functools
import pathlib

import jax
import jax.numpy as jnp
import numpy as np

RECORDED = pathlib.Path(__file__).parent / "jaxued.txt"
SOURCE = """\
# engine: Maze, src/jaxued/environments/maze, github.com/DramaCow/jaxued at 0f8f1284677375b889e4f13a32c9617cd009f8c4
# license of the engine: Apache-2.0; run as it is (step_env, without automatic reset), normalize_obs=False
"""
OBJECTS = {1: ".", 2: "#", 8: "G"}  # of an image's first channel
COLORS = {1: 0, 2: 5, 8: 1}  # of its second, the third is 0: checked when it is recorded
GAMES, STEPS, WALLS = 6, 60, 50
SAMPLES = 100_000
BUILT = (8, 20, 5)  # levels by so many actions on so many rows and columns
# What is edited, twice: small, so that all ways it may end are seen often.
SMALL = {"flips": "#..\n>.G", "cells": "#G.\n>.."}


def levels(count, walls, seed):
    """Random levels of 13 by 13 cells."""
    from jaxued.environments.maze import make_level_generator

    return jax.vmap(make_level_generator(13, 13, walls))(jax.random.split(jax.random.key(seed), count))


@functools.cache
def player():
    """The compiled play of JaxUED's maze."""
    from jaxued.environments.maze import Maze

    env = Maze(normalize_obs=False)
    params, key = env.default_params, jax.random.key(0)

    def step(carry, action):
        state, ended = carry
        obs, state, reward, done, _ = jax.vmap(lambda s, a: env.step_env(key, s, a, params))(state, action)
        seen = {"image": obs.image, "direction": obs.agent_dir, "place": state.agent_pos}
        return (state, ended | done), seen | {"reward": reward, "done": done, "before": ended}

    def run(levels, actions):
        obs, state = jax.vmap(lambda level: env.reset_env_to_level(key, level, params))(levels)
        _, out = jax.lax.scan(step, (state, jnp.zeros(len(actions[0]), bool)), actions)
        return {"image": obs.image, "direction": obs.agent_dir}, out

    return jax.jit(run)


def play(levels, actions):
    """What JaxUED shows at first and makes of actions `[T, N]`; `before` says what follows an end."""
    return jax.tree.map(np.asarray, player()(levels, actions))


def built(actions, size):
    """Levels that JaxUED's editor builds by actions `[T, N]`, as text, and what it showed before each, `[T, N]`."""
    from jaxued.environments.maze import Level, Maze
    from jaxued.environments.maze.env_editor import MazeEditor

    env = MazeEditor(Maze(max_height=size, max_width=size, normalize_obs=False))
    params, key, corner = env.default_params, jax.random.key(0), jnp.zeros(2, jnp.uint32)
    empty = Level(jnp.zeros((size, size), bool), corner, corner + 1, jnp.uint8(0), size, size)

    def one(actions):
        def step(carry, action):
            obs, state = carry
            after, state, _, _, _ = env.step_env(key, state, action, params)
            return (after, state), obs.image

        (_, state), images = jax.lax.scan(step, env.reset_env_to_level(key, empty, params), actions)
        return state.level, images

    made, images = jax.jit(jax.vmap(one, 1, (0, 1)))(actions)
    each = [jax.tree.map(lambda leaf, i=i: leaf[i], made) for i in range(actions.shape[1])]
    return [Level.to_str(level) for level in each], np.asarray(images)


def buildings(count, steps, size, seed):
    """Random actions `[T, N]` of a teacher who does not put the agent on the goal."""
    actions = np.random.default_rng(seed).integers(size * size, size=(steps, count)).astype(np.int32)
    actions[2] = np.where(actions[2] == actions[0], (actions[0] + 1) % size**2, actions[2])
    return actions


def outcomes(name, count, seed=0):
    """How often two edits of the small level end in which level, by its text."""
    from jaxued.environments.maze import Level
    from jaxued.environments.maze.util import make_level_mutator, make_level_mutator_minimax

    mutate = {"flips": make_level_mutator_minimax, "cells": make_level_mutator}[name](2)
    keys = jax.random.split(jax.random.key(seed), count)
    made = jax.jit(jax.vmap(lambda key: mutate(key, Level.from_str(SMALL[name]), 2)))(keys)
    marks = np.where(np.asarray(made.wall_map), "#", ".").astype("<U1")
    rows = np.arange(count)
    marks[rows, made.agent_pos[:, 1], made.agent_pos[:, 0]] = np.array(list(">v<^"))[np.asarray(made.agent_dir)]
    marks[rows, made.goal_pos[:, 1], made.goal_pos[:, 0]] = "G"
    texts, counts = np.unique(["/".join("".join(row) for row in level) for level in marks], return_counts=True)
    return dict(zip(texts.tolist(), counts.tolist(), strict=True))


def record():
    """Short games, half of their actions along a shortest way, and how often edits and random levels end in what."""
    from jaxued.environments.maze.level import Level

    from tacit.games.maze_paths import best_actions

    random = np.random.default_rng(0)
    made = levels(GAMES, WALLS, 3)
    lines = [SOURCE + "# game LEVEL; then a line for each step: action, cells seen from far to near, direction, reward"]
    for i in range(GAMES):
        level = jax.tree.map(lambda leaf, i=i: leaf[i], made)
        text = Level.to_str(level)
        best = np.asarray(best_actions(_ours(text)))
        actions: list[int] = []
        for _ in range(STEPS):  # one after another: each depends on where the last has led
            so_far = np.full((STEPS, 1), 6, np.int32)  # action 6 does nothing
            so_far[: len(actions), 0] = actions
            _, out = play(jax.tree.map(lambda leaf: leaf[None], level), so_far)
            (x, y), looks = out["place"][len(actions), 0], out["direction"][len(actions), 0]
            actions.append(int(random.integers(7)) if random.random() < 0.5 else int(best[looks, y, x]))
        first, out = play(jax.tree.map(lambda leaf: leaf[None], level), np.array(actions, np.int32)[:, None])
        lines += ["game " + text.replace("\n", "/"), f"- {_seen(first['image'][0])} {first['direction'][0]} -"]
        for t in range(STEPS):
            if out["before"][t, 0]:
                break
            lines.append(
                f"{actions[t]} {_seen(out['image'][t, 0])} {out['direction'][t, 0]} {float(out['reward'][t, 0])!r}"
            )
    for name, level in SMALL.items():
        lines += [f"edits {name} " + level.replace("\n", "/")]
        lines += [f"{text} {count}" for text, count in outcomes(name, SAMPLES).items()]
    actions = buildings(*BUILT, 0)
    for i, text in enumerate(built(actions, BUILT[2])[0]):
        lines.append(f"built {','.join(map(str, actions[:, i]))} " + text.replace("\n", "/"))
    walls = np.asarray(levels(SAMPLES, 25, 0).wall_map).sum((1, 2))
    lines += [
        "distinct walls",
        *(f"{n} {count}" for n, count in zip(*np.unique(walls, return_counts=True), strict=True)),
    ]
    RECORDED.write_text("\n".join(lines) + "\n")


def _ours(text):
    from tacit.games.maze_levels import parse

    return parse(text)


def _seen(image):
    objects = image[..., 0].T
    assert (image[..., 2] == 0).all()
    assert all((image[..., 1][image[..., 0] == kind] == color).all() for kind, color in COLORS.items())
    return "/".join("".join(OBJECTS[int(cell)] for cell in row) for row in objects)


if __name__ == "__main__":
    record()
