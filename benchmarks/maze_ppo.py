"""Training steps per second of recurrent PPO in the maze, beside JaxUED's own functions where they are found.

Sizes are those that JaxUED publishes: 32 random mazes of 25 walls x 256 steps, five passes over the whole batch, a
memory of 256 units (here a GRU between two layers of as many, there an LSTM behind a convolution). The functions that
play, estimate advantages and update are taken as they are from its script (examples/maze_dr.py of a clone), which is
found by `JAXUED_DR=PATH`, without what it needs only for logging and checkpoints.
"""

import functools
import importlib.util
import os
import sys
import unittest.mock
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from exact_lola import alternately, timed

from tacit import games, scale
from tacit.learners import ppo

GAMES, LENGTH, EPOCHS, HIDDEN, REPEATS = 32, 256, 5, 256, 3
CONFIG = ppo.Config(
    num_games=GAMES, length=LENGTH, epochs=EPOCHS, minibatches=1, hidden=HIDDEN, recurrent=True, lr=1e-4, decay=0.98
)


def ours() -> Callable[[], Any]:
    """One iteration, compiled."""
    learner = ppo.make(games.make("maze"), CONFIG)
    key = jax.random.key(0)
    state = jax.jit(learner.init)(key)
    step = jax.jit(learner.step, compiler_options=scale.compiler_options(learner.deep))
    return functools.partial(step, key, state)


def of_jaxued(path: str) -> Callable[[], Any]:
    """One iteration of its script: random levels, play, advantages, update."""
    spec = importlib.util.spec_from_file_location("jaxued_dr", path)
    assert spec is not None
    assert spec.loader is not None
    script: Any = importlib.util.module_from_spec(spec)
    sys.modules.setdefault("wandb", unittest.mock.MagicMock())  # what it imports stays loaded, so this does, too
    spec.loader.exec_module(script)
    import optax
    from jaxued.environments import Maze  # type: ignore[import-not-found]
    from jaxued.environments.maze import make_level_generator  # type: ignore[import-not-found]
    from jaxued.wrappers import AutoReplayWrapper  # type: ignore[import-not-found]

    env = AutoReplayWrapper(Maze(max_height=13, max_width=13, agent_view_size=5, normalize_obs=True))
    params, draw = env.default_params, make_level_generator(13, 13, 25)
    network = script.ActorCritic(env.action_space(params).n)
    memory = script.ActorCritic.initialize_carry((GAMES,))

    def begin(key: jax.Array) -> Any:
        keys = jax.random.split(key, GAMES)
        return jax.vmap(env.reset_to_level, (0, 0, None))(keys, jax.vmap(draw)(keys), params)

    def init(key: jax.Array) -> Any:
        obs = jax.tree.map(lambda leaf: jnp.repeat(leaf[None], LENGTH, axis=0), begin(key)[0])
        weights = network.init(key, (obs, jnp.zeros((LENGTH, GAMES), bool)), memory)
        steps = optax.chain(optax.clip_by_global_norm(0.5), optax.adam(1e-4, eps=1e-5))
        return script.BaseTrainState.create(apply_fn=network.apply, params=weights, tx=steps)

    def step(key: jax.Array, state: Any) -> Any:
        obs, playing = begin(key)
        played = script.sample_trajectories_rnn(key, env, params, state, memory, obs, playing, GAMES, LENGTH)
        (key, _, _, _, _, last_value), (seen, actions, rewards, dones, log_probs, values, _) = played
        advantages, targets = script.compute_gae(0.995, 0.98, last_value, values, rewards, dones)
        batch = (seen, actions, dones, log_probs, values, targets, advantages)
        sizes = (GAMES, LENGTH, 1, EPOCHS, 0.2, 1e-3, 0.5)
        return script.update_actor_critic_rnn(key, state, memory, batch, *sizes, update_grad=True)

    key = jax.random.PRNGKey(0)
    return functools.partial(jax.jit(step), key, jax.jit(init)(key))


def measure() -> dict[str, Any]:
    """Steps per second, and the ratio where there is something to compare with."""
    mine, steps = ours(), GAMES * LENGTH
    jax.block_until_ready(mine())
    path = os.environ.get("JAXUED_DR")
    if path is None or importlib.util.find_spec("jaxued") is None:
        return {"steps per second": steps / min(timed(mine) for _ in range(REPEATS))}
    other = of_jaxued(path)
    jax.block_until_ready(other())
    alone, theirs = alternately(mine, other, REPEATS)
    return {
        "steps per second": steps / alone,
        "steps per second, JaxUED": steps / theirs,
        "ours / JaxUED": theirs / alone,
    }
