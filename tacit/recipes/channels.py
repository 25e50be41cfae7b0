"""What recipes of players who talk through a channel show: their tests, and what is on the channel while they learn."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tacit.learners import dial
from tacit.runs import exhibits
from tacit.runs.training import Finished
from tacit.types import State

BINS = 25


def seeds_of(run: Finished, measure: Callable[[State], Array]) -> np.ndarray:
    """What `measure(state)` gives for each seed."""
    compiled = jax.jit(measure)
    count = len(jax.tree.leaves(run.state)[0])
    return np.stack([np.asarray(compiled(jax.tree.map(lambda leaf, s=s: leaf[s], run.state))) for s in range(count)])


def spoken(run: Finished) -> Float[np.ndarray, " bins"]:
    """How often those who may speak in play to learn say what: logistic(m), before any noise, in bins from 0 to 1."""

    def histogram(state: dial.State) -> Array:
        step = dial.play(jax.random.key(1), run.game, run.config, state.net, 256)
        said = jax.nn.sigmoid(step.extras.message)  # a number for each bit
        speaks = jnp.broadcast_to(step.legal.message & ~dial.over(step)[..., None, None], said.shape)
        return jnp.histogram(said, BINS, (0.0, 1.0), weights=speaks.astype(float))[0] / speaks.sum()

    return seeds_of(run, histogram).mean(0)


def histograms(runs: Mapping[str, Finished]) -> exhibits.Exhibit:
    """What is said in each of some runs of DIAL, with and without noise on the channel, for example."""
    middle = ((np.arange(BINS) + 0.5) / BINS).tolist()
    lines = {name: spoken(run) for name, run in runs.items()}
    return exhibits.curves(
        "Messages while players learn, before noise", middle, lines, ("logistic(m)", "share of messages")
    )


def curves(
    title: str,
    runs: Mapping[str, Finished],
    tests: Mapping[str, Float[np.ndarray, "rows S"]],
    words: str = "normalized return of the test",
    by_episodes: bool = False,
) -> exhibits.Exhibit:
    """Every seed's tests, dips and all, over the updates made or the episodes played."""
    lines = {f"{name}, seed {s}": line for name in runs for s, line in enumerate(tests[name].T)}
    longest = max(runs.values(), key=lambda run: len(run.metrics["iteration"]))
    x = longest.metrics["iteration"] * longest.config.updates * (longest.config.num_games if by_episodes else 1)
    return exhibits.curves(title, x.tolist(), lines, ("episodes" if by_episodes else "updates", words))
