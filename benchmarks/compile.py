"""Seconds to trace and compile, without any cache, beside the plain versions of the same computation."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import exact_lola
import jax
import ppo


def compiled(function: Callable[..., Any], *inputs: Any) -> float:
    """Seconds to trace and compile, from nothing."""
    jax.clear_caches()
    began = time.perf_counter()
    jax.jit(function).lower(*inputs).compile()
    return time.perf_counter() - began


def measure() -> dict[str, Any]:
    """Seconds for exact LOLA and for PPO, and the ratios."""
    figures: dict[str, Any] = {}
    jax.config.update("jax_enable_compilation_cache", False)
    try:
        logits = jax.random.normal(jax.random.key(1), (exact_lola.SEEDS, 2, 5))
        ours, plain = ppo.prepared()
        pairs = {
            "exact LOLA": ((exact_lola.ours("taylor"), logits), (exact_lola.plain("taylor"), logits)),
            "PPO, 8 seeds": (ours, plain),
        }
        for name, (mine, theirs) in pairs.items():
            times = [(compiled(*mine), compiled(*theirs)) for _ in range(3)]
            seconds, plainly = (statistics.median(column) for column in zip(*times, strict=True))
            figures |= {f"{name}: seconds": seconds, f"{name}: seconds, plain": plainly}
            figures[f"{name}: plain / ours"] = plainly / seconds
    finally:
        jax.config.update("jax_enable_compilation_cache", True)
    return figures
