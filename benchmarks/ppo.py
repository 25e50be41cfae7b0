"""Steps per second of independent PPO in the iterated prisoner's dilemma, beside the same algorithm written plainly.

The plain version is what one finds in single-file implementations: keys split inside the scan, the library's
categorical sampling and permutation, values of next observations from the following step, all seeds on one device.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from exact_lola import alternately

from tacit import games, scale
from tacit.learners import ppo

SEEDS, ITERATIONS, GAMES, LENGTH, HIDDEN = 8, 4, 32, 128, 64
EPOCHS, MINIBATCHES, DISCOUNT, DECAY, CLIP = 4, 4, 0.96, 0.95, 0.2
PAYOFF = ((-1.0, -3.0, 0.0, -2.0), (-1.0, 0.0, -3.0, -2.0))


class Batch(NamedTuple):
    """What a gradient step of the plain version needs, leaves `[2, N, ...]`."""

    obs: jax.Array
    action: jax.Array
    log_prob: jax.Array
    advantage: jax.Array
    target: jax.Array


def _layers(key: jax.Array, sizes: tuple[int, ...]) -> list[tuple[jax.Array, jax.Array]]:
    keys = jax.random.split(key, len(sizes) - 1)
    pairs = zip(keys, sizes[:-1], sizes[1:], strict=True)
    return [(jax.random.normal(k, (i, o)) / i**0.5, jnp.zeros(o)) for k, i, o in pairs]


def _feed(layers: Any, x: jax.Array) -> jax.Array:
    for weight, bias in layers[:-1]:
        x = jnp.tanh(x @ weight + bias)
    return x @ layers[-1][0] + layers[-1][1]


def _net(params: Any, obs: jax.Array) -> tuple[jax.Array, jax.Array]:
    return jax.nn.log_softmax(_feed(params[0], obs)), _feed(params[1], obs)[..., 0]


def _loss(params: Any, batch: Batch) -> jax.Array:
    log_probs, value = _net(params, batch.obs)
    log_prob = jnp.take_along_axis(log_probs, batch.action[:, None], 1)[:, 0]
    ratio = jnp.exp(log_prob - batch.log_prob)
    advantage = (batch.advantage - batch.advantage.mean()) / (batch.advantage.std() + 1e-8)
    surrogate = jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - CLIP, 1 + CLIP) * advantage).mean()
    entropy = -(jnp.exp(log_probs) * log_probs).sum(-1).mean()
    return -surrogate + 0.25 * jnp.square(value - batch.target).mean() - 0.01 * entropy


OPTIMIZER = optax.chain(optax.clip_by_global_norm(0.5), optax.adam(2.5e-3, eps=1e-5))


def plain_start(key: jax.Array) -> Any:
    """Parameters of two players, optimizer, and games that just began (last joint outcome, round)."""
    net = jax.vmap(lambda k: (_layers(k, (5, HIDDEN, HIDDEN, 2)), _layers(k, (5, HIDDEN, HIDDEN, 1))))
    params = net(jax.random.split(key, 2))
    return params, jax.vmap(OPTIMIZER.init)(params), jnp.full(GAMES, 4), jnp.zeros(GAMES, int)


def _observe(last: jax.Array) -> jax.Array:
    return jax.nn.one_hot(jnp.stack([last, jnp.array([0, 2, 1, 3, 4])[last]]), 5)  # [2, B, 5]


def plain_iteration(key: jax.Array, state: Any) -> Any:
    """One iteration: play, advantages, epochs of minibatches."""
    params, opt_state, last, played = state

    def act(carry: Any, _: None) -> Any:
        key, last, played = carry
        key, sample_key = jax.random.split(key)
        obs = _observe(last)
        log_probs, value = jax.vmap(_net)(params, obs)
        action = jax.random.categorical(sample_key, log_probs)
        joint = 2 * action[0] + action[1]
        reward = jnp.array(PAYOFF)[:, joint]
        over = played + 1 >= 150
        log_prob = jnp.take_along_axis(log_probs, action[..., None], 2)[..., 0]
        step = (obs, action, log_prob, value, reward, over, jax.vmap(_net)(params, _observe(joint))[1])
        return (key, jnp.where(over, 4, joint), jnp.where(over, 0, played + 1)), step

    (key, last, played), steps = jax.lax.scan(act, (key, last, played), None, length=LENGTH)
    obs, action, log_prob, value, reward, over, next_value = steps

    def back(after: jax.Array, inputs: Any) -> Any:
        value, reward, over, next_value = inputs
        advantage = reward + DISCOUNT * next_value - value + DISCOUNT * DECAY * jnp.where(over[None], 0.0, after)
        return advantage, advantage

    zeros = jnp.zeros((2, GAMES))
    advantage = jax.lax.scan(back, zeros, (value, reward, over, next_value), reverse=True)[1]
    batch = Batch(obs, action, log_prob, advantage, advantage + value)
    batch = jax.tree.map(lambda x: jnp.moveaxis(x, 1, 0).reshape(2, LENGTH * GAMES, *x.shape[3:]), batch)

    def learn(key: jax.Array, params: Any, opt_state: Any, batch: Batch) -> Any:
        def descend(carry: Any, minibatch: Batch) -> Any:
            params, opt_state = carry
            changes, opt_state = OPTIMIZER.update(jax.grad(_loss)(params, minibatch), opt_state, params)
            return (optax.apply_updates(params, changes), opt_state), None

        def epoch(carry: Any, key: jax.Array) -> Any:
            order = jax.random.permutation(key, LENGTH * GAMES)
            shuffled = jax.tree.map(lambda x: x[order].reshape(MINIBATCHES, -1, *x.shape[1:]), batch)
            return jax.lax.scan(descend, carry, shuffled)

        return jax.lax.scan(epoch, (params, opt_state), jax.random.split(key, EPOCHS))[0]

    params, opt_state = jax.vmap(learn)(jax.random.split(key, 2), params, opt_state, batch)
    return params, opt_state, last, played


def plain_run(keys: jax.Array, states: Any) -> Any:
    """`ITERATIONS` of all seeds."""

    def run(key: jax.Array, state: Any) -> Any:
        steps = jax.random.split(key, ITERATIONS)
        return jax.lax.scan(lambda s, k: (plain_iteration(k, s), None), state, steps)[0]

    return jax.vmap(run)(keys, states)


def our_run(keys: jax.Array, states: Any) -> Any:
    """The same with the learner's own step."""
    learner = ppo.make(games.make("ipd"), ppo.Config())

    def run(key: jax.Array, state: Any) -> Any:
        def step(i: jax.Array, state: Any) -> Any:
            return learner.step(jax.random.fold_in(key, i), state)[0]

        return jax.lax.fori_loop(0, ITERATIONS, step, state)

    return jax.vmap(run)(keys, states)


def prepared() -> tuple[Any, Any]:
    """Both versions' compilable functions with their inputs."""
    keys = jax.random.split(jax.random.key(0), SEEDS)
    mine = scale.spread(jax.jit(jax.vmap(ppo.make(games.make("ipd"), ppo.Config()).init))(keys))
    theirs = jax.jit(jax.vmap(plain_start))(keys)
    return (our_run, scale.spread(keys), mine), (plain_run, keys, theirs)


def measure() -> dict[str, Any]:
    """Environment steps per second (both players' decisions count as one step) and the ratio."""
    (mine, *our_inputs), (theirs, *plain_inputs) = prepared()
    first = functools.partial(jax.jit(mine), *our_inputs)
    second = functools.partial(jax.jit(theirs), *plain_inputs)
    jax.block_until_ready((first(), second()))
    seconds, plainly = alternately(first, second, repeats=3)
    steps = SEEDS * ITERATIONS * GAMES * LENGTH
    return {
        "steps": steps,
        "steps per second": steps / seconds,
        "steps per second, plain": steps / plainly,
        "ours / plain": plainly / seconds,
    }
