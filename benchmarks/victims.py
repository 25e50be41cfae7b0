"""Victims of cheap talk trained per second of processor time, beside a plain single-file PPO loop.

A victim is the public code's on the cart and pole: 32 updates of 4 games x 256 steps and 16 passes over all of them at
once, two shared layers of 32, two numbers of a message network of its own beside what it sees, all of it normalized by
what was seen so far. Ours learns by the library's own PPO, as an adversary's population does (`act.taught`). The plain
loop is what one finds in single-file implementations: the game, the network and the advantages written out, keys split
inside the scan, library sampling, statistics that change with every step. Both are mapped over the same number of
victims and timed in turn; processor time counts, so that the number of cores does not.

`python benchmarks/victims.py --quick` trains fewer, for a quarter of the updates.
"""

import argparse
import functools
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from tacit import bench, games, scale
from tacit.games.cheap_talk import CheapTalk, network
from tacit.learners import act
from tacit.learners.victim_presets import PRESETS, UPDATES

COUNTS, QUICK, REPEATS = (1, 2, 4, 8, 16, 32), (2, 8), 5
GAMES, LENGTH, EPOCHS, HIDDEN, LR = 4, 256, 16, 32, 5e-3
DISCOUNT, DECAY, CLIP, ENTROPY, HORIZON = 0.99, 0.95, 0.2, 0.01, 200
OPTIMIZER = optax.chain(optax.clip_by_global_norm(0.5), optax.adam(LR, eps=1e-5))


class Played(NamedTuple):
    """Steps of the plain loop, leaves `[T, B, ...]`."""

    obs: jax.Array
    action: jax.Array
    log_prob: jax.Array
    value: jax.Array
    done: jax.Array
    gained: jax.Array


def _dense(x: jax.Array, layer: Any) -> jax.Array:
    return x @ layer[0] + layer[1]


def _start_net(key: jax.Array) -> Any:
    sizes = ((6, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, 2), (HIDDEN, 1))
    keys = jax.random.split(key, len(sizes))
    pairs = zip(keys, sizes, strict=True)
    return [(jax.random.normal(k, size) / size[0] ** 0.5, jnp.zeros(size[1])) for k, size in pairs]


def _net(params: Any, obs: jax.Array) -> tuple[jax.Array, jax.Array]:
    for layer in params[:2]:
        obs = jnp.tanh(_dense(obs, layer))
    return jax.nn.log_softmax(_dense(obs, params[2])), _dense(obs, params[3])[..., 0]


def _cart(moving: jax.Array, action: jax.Array) -> jax.Array:
    """CartPole-v1, `[B, 4]`."""
    x, v, angle, turning = moving.T
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    pushed = (jnp.where(action == 1, 10.0, -10.0) + 0.05 * turning**2 * sin) / 1.1
    faster = (9.8 * sin - cos * pushed) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
    after = (x + 0.02 * v, v + 0.02 * (pushed - 0.05 * faster * cos / 1.1), angle + 0.02 * turning)
    return jnp.stack([*after, turning + 0.02 * faster], -1)


def _shown(weights: Any, known: Any, moving: jax.Array) -> tuple[Any, jax.Array]:
    """Statistics with what is seen now, and that as it is shown: normalized, with the message."""
    said = moving
    for layer in weights[:-1]:
        said = jax.nn.relu(_dense(said, layer))
    seen = jnp.concatenate([moving, 2 * jnp.pi * jnp.tanh(_dense(said, weights[-1]))], -1)
    count, mean, variance = known
    total, apart = count + GAMES, seen.mean(0) - mean
    spread = variance * count + seen.var(0) * GAMES + apart**2 * count * GAMES / total
    mean, variance = mean + apart * GAMES / total, spread / total
    return (total, mean, variance), (seen - mean[None]) / jnp.sqrt(variance + 1e-4)[None]


def _loss(params: Any, batch: Played, advantage: jax.Array, target: jax.Array) -> jax.Array:
    log_probs, value = _net(params, batch.obs)
    ratio = jnp.exp(jnp.take_along_axis(log_probs, batch.action[:, None], 1)[:, 0] - batch.log_prob)
    advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    surrogate = jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - CLIP, 1 + CLIP) * advantage).mean()
    held = batch.value + jnp.clip(value - batch.value, -CLIP, CLIP)
    wrong = jnp.maximum(jnp.square(value - target), jnp.square(held - target)).mean()
    entropy = -(jnp.exp(log_probs) * log_probs).sum(-1).mean()
    return -surrogate + 0.25 * wrong - ENTROPY * entropy


def plain(updates: int, key: jax.Array, weights: Any) -> jax.Array:
    """A victim's mean return of the episodes that ended in each update."""

    def fresh(key: jax.Array) -> jax.Array:
        return jax.random.uniform(key, (GAMES, 4), minval=-0.05, maxval=0.05)

    def step(carry: Any, _: None) -> Any:
        params, moving, clock, known, obs, key = carry
        key, act_key, reset_key = jax.random.split(key, 3)
        log_probs, value = _net(params, obs)
        action = jax.random.categorical(act_key, log_probs)
        log_prob = jnp.take_along_axis(log_probs, action[:, None], 1)[:, 0]
        moving, clock = _cart(moving, action), clock + 1
        done = (jnp.abs(moving[:, 0]) > 2.4) | (jnp.abs(moving[:, 2]) > 0.20943951) | (clock >= HORIZON)
        played = Played(obs, action, log_prob, value, done, clock.astype(float))  # every step pays 1
        moving, clock = jnp.where(done[:, None], fresh(reset_key), moving), jnp.where(done, 0, clock)
        known, obs = _shown(weights, known, moving)
        return (params, moving, clock, known, obs, key), played

    def back(carry: Any, step: Played) -> Any:
        advantage, after = carry
        going_on = 1.0 - step.done
        delta = 1.0 + DISCOUNT * after * going_on - step.value
        advantage = delta + DISCOUNT * DECAY * going_on * advantage
        return (advantage, step.value), advantage

    def update(carry: Any, _: None) -> Any:
        opt_state, rest = carry
        rest, played = jax.lax.scan(step, rest, None, length=LENGTH)
        params, last = rest[0], _net(rest[0], rest[4])[1]
        advantage = jax.lax.scan(back, (jnp.zeros(GAMES), last), played, reverse=True)[1]
        steps = (played, advantage, advantage + played.value)
        rows = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), steps)

        def epoch(carry: Any, _: None) -> Any:
            params, opt_state = carry
            changes, opt_state = OPTIMIZER.update(jax.grad(_loss)(params, *rows), opt_state, params)
            return (optax.apply_updates(params, changes), opt_state), None

        params, opt_state = jax.lax.scan(epoch, (params, opt_state), None, length=EPOCHS)[0]
        ended = jnp.nanmean(jnp.where(played.done, played.gained, jnp.nan))
        return (opt_state, (params, *rest[1:])), ended

    net_key, reset_key, key = jax.random.split(key, 3)
    params, moving = _start_net(net_key), fresh(reset_key)
    known, obs = _shown(weights, (1e-4, jnp.zeros(6), jnp.ones(6)), moving)
    state = (params, moving, jnp.zeros(GAMES, int), known, obs, key)
    return jax.lax.scan(update, (OPTIMIZER.init(params), state), None, length=updates)[1]


def ours(updates: int, key: jax.Array, weights: Any) -> jax.Array:
    """The same of a victim that learns by the library's PPO."""
    return act.taught(key, CheapTalk.of(games.make("cart-pole"), weights), PRESETS["cart-pole"], updates)[1]


def told(count: int) -> tuple[jax.Array, Any]:
    """Keys of so many victims, and the message network of each."""
    keys = jax.random.split(jax.random.key(count), (2, count))
    return keys[0], jax.jit(jax.vmap(functools.partial(network, inputs=4)))(keys[1])


def spent(call: Callable[[], Any]) -> float:
    """Processor seconds of a call, to its end."""
    began = time.process_time()
    jax.block_until_ready(call())
    return time.process_time() - began


def compared(counts: Sequence[int], updates: int, repeats: int) -> tuple[dict[int, list[tuple[float, ...]]], Any]:
    """Victims per second of processor time, ours and the plain loop's, in turn; mean returns of each `[2, victims]`."""
    rates: dict[int, list[tuple[float, ...]]] = {}
    returns = []
    for count in counts:
        inputs = told(count)
        both = [functools.partial(jax.jit(jax.vmap(functools.partial(one, updates))), *inputs) for one in (ours, plain)]
        returns.append([np.nanmean(np.asarray(call()), 1) for call in both])  # compiles
        rates[count] = [tuple(count / spent(call) for call in both) for _ in range(repeats)]
    return rates, np.concatenate(returns, 1)


def measure(
    counts: Sequence[int] = COUNTS, updates: int = UPDATES["cart-pole"], repeats: int = REPEATS
) -> dict[str, Any]:
    """Medians of both and of the ratio, with its range, by the number of victims mapped over; returns of both."""
    scale.prepare()
    rates, returns = compared(counts, updates, repeats)
    figures: dict[str, Any] = {}
    for count, pairs in rates.items():
        mine, theirs = np.array(pairs).T
        ratio = np.sort(mine / theirs)
        figures[f"{count} at once: victims per second"] = float(np.median(mine))
        figures[f"{count} at once: victims per second, plain"] = float(np.median(theirs))
        figures[f"{count} at once: ours / plain"] = float(np.median(ratio))
        figures[f"{count} at once: ours / plain, from - to"] = f"{ratio[0]:.2f} - {ratio[-1]:.2f}"
    for name, each in zip(("ours", "plain"), returns, strict=True):
        figures[f"mean return of {len(each)} victims, {name}"] = (
            f"{each.mean():.1f} +- {each.std(ddof=1) / len(each) ** 0.5:.1f}"
        )
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Victims trained per second, beside a plain PPO loop.")
    parser.add_argument("--quick", action="store_true", help="fewer victims, a quarter of the updates")
    quick = parser.parse_args().quick
    print(bench.text("victims", measure(QUICK, UPDATES["cart-pole"] // 4, 2) if quick else measure()))
