"""The meta-game of M-FOS: steps per second of processor time, beside a plain loop of batched calls."""

import functools
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from tacit import games
from tacit.learners import lola, naive
from tacit.learners.meta_game import MetaGame
from tacit.loops import joint, rollout, start
from tacit.types import Policy

GAMES, REPEATS = 4096, 5
OPPONENTS = {"naive": (naive.make, naive.Config()), "LOLA": (lola.make, lola.Config(form="taylor"))}


def _answer(key: Any, params: Any, carry: Any, obs: Any, legal: Any, fresh: Any, given: Any = None) -> Any:
    """The cheapest meta-player: its next logits are a fixed function of what it sees."""
    del key, params, legal, fresh, given
    return carry, 4 * obs[5:] - 2, ()


ANSWER = Policy(lambda: (), _answer)


def ours(opponent: str) -> Callable[[jax.Array], jax.Array]:
    """Mean reward of a batch of whole meta-episodes."""
    game = MetaGame(games.make("ipd"), *OPPONENTS[opponent])

    def play(key: jax.Array) -> jax.Array:
        live = start(key, game, (ANSWER,), GAMES)
        act = joint((ANSWER,))
        step = rollout(key, game, lambda keys, **seen: act(keys, ((),), **seen), live, game.length, reset=False)[1]
        return step.reward.mean()

    return jax.jit(play)


def plain(opponent: str) -> Callable[[jax.Array], jax.Array]:
    """The same as a loop over steps that calls a batched solve and its gradient, as the public code does."""
    rewards = jnp.asarray(games.make("ipd").rewards)

    def values(first: jax.Array, second: jax.Array) -> jax.Array:
        p, q = jax.nn.sigmoid(first), jax.nn.sigmoid(second)[jnp.array([0, 2, 1, 3, 4])]
        after = jnp.stack([p * q, p * (1 - q), (1 - p) * q, (1 - p) * (1 - q)], 1)
        return rewards @ jnp.linalg.solve((jnp.eye(4) - 0.96 * after[:4]).T, after[4])

    def objective(second: jax.Array, first: jax.Array) -> jax.Array:
        if opponent == "naive":
            return values(first, second)[1]
        both = jax.jacrev(values, 0)(first, second)
        mine = jax.grad(lambda x: values(x, second)[1])(first)
        return values(first, second)[1] + mine @ both[0]

    @jax.jit
    @jax.vmap
    def step(first: jax.Array, second: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        reward = 0.04 * values(first, second)[0]
        return 4 * jax.nn.sigmoid(second) - 2, second + jax.grad(objective)(second, first), reward

    def play(key: jax.Array) -> jax.Array:
        first, second = jax.random.normal(key, (2, GAMES, 5))
        first, second, _ = step(first, second)
        total = jnp.zeros(GAMES)
        for _ in range(100):
            first, second, reward = step(first, second)
            total += reward
        return total.mean() / 100

    return play


def spent(function: Callable[..., Any], *inputs: Any) -> float:
    """Processor seconds of one call, of all threads, to its end."""
    began = time.process_time()
    jax.block_until_ready(function(*inputs))
    return time.process_time() - began


def measure() -> dict[str, Any]:
    """Meta-steps per processor second, and the ratio to the plain loop."""
    figures: dict[str, Any] = {"meta-episodes": GAMES}
    key = jax.random.key(0)
    for opponent in OPPONENTS:
        both = ours(opponent), plain(opponent)
        means = [float(function(key)) for function in both]  # compiles, and shows that they agree
        pairs = [[spent(functools.partial(function, key)) for function in both] for _ in range(REPEATS)]
        mine, theirs = (statistics.median(pair[i] for pair in pairs) for i in range(2))
        figures[f"{opponent}: meta-steps per processor second"] = 100 * GAMES / mine
        figures[f"{opponent}: the same, plain loop"] = 100 * GAMES / theirs
        figures[f"{opponent}: ours / plain"] = theirs / mine
        figures[f"{opponent}: mean reward, ours and plain"] = f"{means[0]:.3f} {means[1]:.3f}"
    return figures
