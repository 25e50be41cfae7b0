"""Exact LOLA, 1000 seeds x 200 updates: ours beside automatic differentiation through the library's linear solve."""

import functools
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tacit import games, scale
from tacit.games.matrix_exact import normalized_values
from tacit.learners import lola

SEEDS, UPDATES, REPEATS = 1000, 200, 5


def plain(form: str) -> Callable[[jax.Array], jax.Array]:
    """The update loop as a reader of the paper would write it first; logits `[S, 2, 5]` in, final logits out."""
    game = games.make("ipd")
    rewards = jnp.asarray(game.rewards)

    def values(first: jax.Array, second: jax.Array) -> jax.Array:
        p, q = jax.nn.sigmoid(first), jax.nn.sigmoid(second)[jnp.array([0, 2, 1, 3, 4])]
        after = jnp.stack([p * q, p * (1 - q), (1 - p) * q, (1 - p) * (1 - q)], 1)
        return rewards @ jnp.linalg.solve((jnp.eye(4) - 0.96 * after[:4]).T, after[4])

    def shaped(first: jax.Array, second: jax.Array, i: int) -> jax.Array:
        both = jax.jacrev(values, (0, 1))(first, second)  # [player][value, state]
        mine, theirs = both[1 - i][i], both[1 - i][1 - i]
        mine = jax.lax.stop_gradient(mine) if form == "paper" else mine
        return values(first, second)[i] + mine @ theirs

    def update(logits: jax.Array, _: None) -> tuple[jax.Array, None]:
        first, second = logits
        steps = [jax.grad(shaped, i)(first, second, i) for i in range(2)]
        return logits + jnp.stack(steps), None

    return jax.vmap(lambda logits: jax.lax.scan(update, logits, None, length=UPDATES)[0])


def ours(form: str) -> Callable[[jax.Array], jax.Array]:
    """The same loop with the learner's own step."""
    learner = lola.make(games.make("ipd"), lola.Config(form=form))
    key = jax.random.key(0)

    def run(logits: jax.Array) -> jax.Array:
        state = learner.init(key)._replace(logits=logits)
        return jax.lax.fori_loop(0, UPDATES, lambda _, s: learner.step(key, s)[0], state).logits

    return jax.vmap(run)


def timed(function: Callable[..., Any], *inputs: Any) -> float:
    """Wall-clock seconds of one call, to its end."""
    began = time.perf_counter()
    jax.block_until_ready(function(*inputs))
    return time.perf_counter() - began


def alternately(first: Callable[[], Any], second: Callable[[], Any], repeats: int = REPEATS) -> tuple[float, float]:
    """Median seconds of two calls timed in turn."""
    pairs = [(timed(first), timed(second)) for _ in range(repeats)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def measure() -> dict[str, Any]:
    """Seconds of the update loop in both forms, and the ratios."""
    logits = jax.random.normal(jax.random.key(1), (SEEDS, 2, 5))
    figures: dict[str, Any] = {"seeds x updates": f"{SEEDS} x {UPDATES}"}
    for form in ("paper", "taylor"):
        mine, theirs = jax.jit(ours(form)), jax.jit(plain(form))
        here = scale.spread(logits)  # over the devices there are, as a run does it; the plain version stays on one
        ends = mine(here), theirs(logits)  # compiles both, and shows that they agree
        value = jax.jit(jax.vmap(functools.partial(normalized_values, games.make("ipd"))))
        rewards = [float(np.mean(np.asarray(value(end)))) for end in ends]
        seconds, plainly = alternately(functools.partial(mine, here), functools.partial(theirs, logits))
        figures[f"{form}: seconds"] = seconds
        figures[f"{form}: seconds, plain"] = plainly
        figures[f"{form}: plain / ours"] = plainly / seconds
        figures[f"{form}: mean reward, ours and plain"] = f"{rewards[0]:.3f} {rewards[1]:.3f}"
    return figures
