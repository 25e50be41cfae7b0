"""Steps per second of the maze, beside JaxUED's where it is installed, otherwise beside a plain Python loop.

All play random levels of 13 by 13 cells with 25 walls with uniformly random actions, begin anew on the same level when
an episode ends, and add up everything seen and paid, so that nothing is left out.
"""

import functools
import importlib.util
import random
from typing import Any

import jax
import jax.numpy as jnp
from exact_lola import alternately

from tacit import games
from tacit.games.maze import AHEAD, MazeView
from tacit.games.maze_levels import FORWARD, MazeLevel
from tacit.loops import Live, rollout

GAMES, STEPS, ACTIONS = 1024, 256, 7
PLAIN_STEPS = 5_000


def act(keys: Any, carry: Any, obs: Any, given: Any, **seen: Any) -> Any:
    """The actions given; what is remembered is the sum of all that was seen."""
    del keys, seen
    return (jax.tree.map(jnp.add, carry[0], obs),), given, ()


@jax.jit
def ours(key: jax.Array, levels: MazeLevel, actions: jax.Array) -> Any:
    """Random play of all games: sums of rewards and observations."""
    game = games.make("maze")
    nothing = MazeView(jnp.zeros((GAMES, 1, 5, 5, 3)), jnp.zeros((GAMES, 1, 4)))
    first = jax.vmap(game.reset)(jax.random.split(key, GAMES), levels)
    live = Live(first, (nothing,), jnp.ones(GAMES, bool), jnp.zeros((GAMES, 1)))
    live, played = rollout(key, game, act, live, STEPS, levels=levels, given=actions[..., None])
    return played.reward.sum(), jax.tree.map(lambda leaf: leaf.sum((0, 1)), live.carry[0])


def of_jaxued() -> Any:
    """The same in JaxUED, in the form of its own training scripts."""
    from jaxued.environments.maze import Maze  # type: ignore[import-not-found]
    from jaxued.environments.maze.level import Level  # type: ignore[import-not-found]
    from jaxued.wrappers import AutoReplayWrapper  # type: ignore[import-not-found]

    env = AutoReplayWrapper(Maze(max_height=13, max_width=13, agent_view_size=5, normalize_obs=True))
    params = env.default_params

    def step(carry: Any, inputs: Any) -> Any:
        (obs, state, total, seen, looks), (key, action) = carry, inputs
        seen, looks = seen + obs.image, looks + jax.nn.one_hot(obs.agent_dir, 4)
        stepped = jax.vmap(env.step, (0, 0, 0, None))(jax.random.split(key, GAMES), state, action, params)
        obs, state, reward, _, _ = stepped
        return (obs, state, total + reward.sum(), seen, looks), None

    @jax.jit
    def run(key: jax.Array, levels: MazeLevel, actions: jax.Array) -> Any:
        places = (levels.goal.astype(jnp.uint32), levels.agent.astype(jnp.uint32))
        theirs = Level(levels.walls, *places, levels.direction.astype(jnp.uint8), *jnp.moveaxis(levels.size, 1, 0))
        keys = jax.random.split(key, GAMES)
        obs, state = jax.vmap(env.reset_to_level, (0, 0, None))(keys, theirs, params)
        nothing = (jnp.float32(0), jnp.zeros((GAMES, 5, 5, 3)), jnp.zeros((GAMES, 4)))
        end = jax.lax.scan(step, (obs, state, *nothing), (jax.random.split(key, STEPS), actions))[0]
        return end[2], (end[3].sum(0), end[4].sum(0))

    return run


def plain(seed: int = 0) -> tuple[float, int]:
    """One game in a Python loop, `PLAIN_STEPS` long."""
    draw = random.Random(seed)
    cells = [(x, y) for y in range(13) for x in range(13)]
    walls = {draw.choice(cells) for _ in range(25)}
    goal, start = draw.sample([cell for cell in cells if cell not in walls], 2)
    total, seen, time, place, looks = 0.0, 0, 0, start, 0
    for _ in range(PLAIN_STEPS):
        ahead = (int(FORWARD[looks][0]), int(FORWARD[looks][1]))
        for across in range(-2, 3):
            for along in range(5):
                x = place[0] + along * ahead[0] - across * ahead[1]
                y = place[1] + along * ahead[1] + across * ahead[0]
                blocked = (x, y) in walls or not (0 <= x < 13 and 0 <= y < 13)
                seen += 8 if (x, y) == goal else 2 if blocked else 1
        action, time = draw.randrange(ACTIONS), time + 1
        target = (place[0] + ahead[0], place[1] + ahead[1])
        if action == AHEAD and target == goal:
            total += 1 - 0.9 * time / 250
        elif action == AHEAD and target in cells and target not in walls:
            place = target
        looks = (looks + (action == 1) - (action == 0)) % 4
        if time == 250 or (action == AHEAD and target == goal):
            time, place, looks = 0, start, 0
    return total, seen


def measure() -> dict[str, Any]:
    """Steps per second, and the ratio to the other version."""
    key = jax.random.key(0)
    actions = jax.random.randint(key, (STEPS, GAMES), 0, ACTIONS)
    levels = jax.jit(jax.vmap(games.make("maze").sample_level))(jax.random.split(key, GAMES))
    mine = functools.partial(ours, key, levels, actions)
    sums = mine()
    figures: dict[str, Any] = {}
    if importlib.util.find_spec("jaxued") is not None:
        name, other, steps = "JaxUED", functools.partial(of_jaxued(), key, levels, actions), GAMES * STEPS
        theirs = other()
        apart = [
            float(jnp.abs(a - b).max()) for a, b in zip(jax.tree.leaves(sums), jax.tree.leaves(theirs), strict=True)
        ]
        figures["largest difference of sums"] = max(apart)
    else:
        name, other, steps = "a Python loop", plain, PLAIN_STEPS
    seconds, others = alternately(mine, other)
    here, there = GAMES * STEPS / seconds, steps / others
    return figures | {"steps per second": here, f"steps per second, {name}": there, f"ours / {name}": here / there}
