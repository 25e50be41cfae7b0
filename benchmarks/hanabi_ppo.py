"""Training steps per second of feed-forward PPO on full Hanabi, beside JaxMARL's own script where there is one.

Two players of shared parameters; 64 games x 128 moves, then four passes of four minibatches; one layer of 512 units in
common, then one of 512 each for actor and critic. One move of whoever is on turn is a step. Both run on one device with
all its threads, with V0 beliefs in what is seen, which is JaxMARL's view, and are compiled by JAX's own choice of code
generator.

Its script (baselines/IPPO/ippo_ff_hanabi.py of a clone) is found by `JAXMARL_PPO=PATH`; it is run as it is, without
what it needs only for configuration, logging and other games. What it spends before the first update is taken off.

Bound by arithmetic: both are mostly matrix products. With F operations of a forward pass, of which F1 in the first
layer (whose inputs need no gradient), a sample costs F to act and 4 (3 F - F1) to learn; JaxMARL has two samples a
step, the player who waits included, and this library one. So 2.0 is what the products alone allow, and whatever else a
step costs (the game, what is seen, shuffling) decides between less and more.
"""

import functools
import importlib.util
import os
import sys
import unittest.mock
from collections.abc import Callable
from typing import Any

import jax
from exact_lola import alternately, timed

from tacit import games, scale
from tacit.learners import ppo

GAMES, LENGTH, HIDDEN, EPOCHS, REPEATS = 64, 128, 512, 4, 3
GAME = games.make("hanabi", view="v0-belief")
CONFIG = ppo.Config(num_games=GAMES, length=LENGTH, hidden=HIDDEN, epochs=EPOCHS, lr=5e-4, movers_only=True, trunk=1)
EVERYBODY = ppo.Config(num_games=GAMES, length=LENGTH, hidden=HIDDEN, epochs=EPOCHS, lr=5e-4, shared=True, trunk=1)
UNUSED = ("gymnax.environments.spaces", "gymnax.environments", "gymnax", "hydra", "omegaconf", "wandb")  # deepest first
THEIRS = {
    "LR": 5e-4,
    "NUM_ENVS": GAMES,
    "NUM_STEPS": LENGTH,
    "UPDATE_EPOCHS": EPOCHS,
    "NUM_MINIBATCHES": CONFIG.minibatches,
    "GAMMA": GAME.discount,
    "GAE_LAMBDA": 0.95,
    "CLIP_EPS": 0.2,
    "ENT_COEF": 0.01,
    "VF_COEF": 0.5,
    "MAX_GRAD_NORM": 0.5,
    "ENV_NAME": "hanabi",
    "ENV_KWARGS": {},
    "ANNEAL_LR": False,
}


def operations() -> tuple[float, float]:
    """Floating-point operations of matrix products for each step, ours and JaxMARL's."""
    inputs, actions = GAME.spec.observation.shape[0], GAME.spec.action.n
    first = 2 * inputs * HIDDEN
    forward = first + 2 * (2 * HIDDEN * HIDDEN + HIDDEN * (actions + 1))
    sample = forward + EPOCHS * (3 * forward - first)
    return float(sample), float(2 * sample)


def iteration(config: ppo.Config) -> Callable[[], Any]:
    """One compiled iteration of ours, of one seed, as a run has it."""
    learner, keys = ppo.make(GAME, config), jax.random.split(jax.random.key(0), 1)
    state = jax.jit(jax.vmap(learner.init))(keys)
    options = scale.compiler_options(learner.deep)
    step = jax.jit(lambda keys, state: jax.vmap(learner.step)(keys, state)[0], compiler_options=options)
    return functools.partial(step.lower(keys, state).compile(), keys, state)


@functools.cache
def script(path: str) -> Any:
    """JaxMARL's script as a module."""
    for name in UNUSED:
        if importlib.util.find_spec(name.partition(".")[0]) is None:
            sys.modules[name] = unittest.mock.MagicMock()
    spec = importlib.util.spec_from_file_location("jaxmarl_ppo", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def of_jaxmarl(path: str, updates: int) -> Callable[[], Any]:
    """So many compiled updates of JaxMARL's script, from its start."""
    train = script(path).make_train(THEIRS | {"TOTAL_TIMESTEPS": updates * GAMES * LENGTH})
    key = jax.random.PRNGKey(0)
    options = scale.compiler_options(True)  # what JAX does unless this library asks for its older code generator
    return functools.partial(jax.jit(train, compiler_options=options).lower(key).compile(), key)


def measure() -> dict[str, Any]:
    """Steps per second of ours, of ours with everybody's views, and of JaxMARL's; and the ratios."""
    scale.prepare()
    steps, (ours, theirs) = GAMES * LENGTH, operations()
    mine, everybody = iteration(CONFIG), iteration(EVERYBODY)
    _ = timed(mine), timed(everybody)
    alone, together = alternately(mine, everybody, REPEATS)
    figures = {
        "million operations of a step": ours / 1e6,
        "million operations of a step, JaxMARL": theirs / 1e6,
        "bound of the ratio by arithmetic": theirs / ours,
        "steps per second": steps / alone,
        "steps per second, everybody's views": steps / together,
        "movers only / everybody's views": together / alone,
    }
    path = os.environ.get("JAXMARL_PPO")
    if path is None or importlib.util.find_spec("jaxmarl") is None:
        return figures
    start, one = of_jaxmarl(path, 0), of_jaxmarl(path, 1)
    timed(one)
    before = min(timed(start) for _ in range(REPEATS + 1))
    alone, other = alternately(mine, one, REPEATS)
    return figures | {
        "steps per second, JaxMARL": steps / (other - before),
        "ours / JaxMARL": (other - before) / alone,
        "billion operations per second": steps * ours / alone / 1e9,
        "billion operations per second, JaxMARL": steps * theirs / (other - before) / 1e9,
    }


if __name__ == "__main__":
    print(measure(), jax.devices())
