"""Steps per second of the switch riddle, beside JaxMARL's where it is installed, otherwise beside a plain Python loop.

Three prisoners and six days. Every prisoner does one of three things at random each day: nothing, set the switch, tell.
Many games at once, which begin anew when they end; everything seen and paid is added up, so that nothing is left out.
A day of all prisoners is a step. JaxMARL's visitors turn the light over or leave it as it is, and ours set it.
"""

import functools
import importlib.util
import random
from typing import Any

import jax
import jax.numpy as jnp
from exact_lola import alternately

from tacit import games
from tacit.games.switch_riddle import TELL
from tacit.loops import Live, rollout
from tacit.types import Action

GAMES, STEPS, PRISONERS, DAYS = 1024, 500, 3, 6
NOTHING, SWITCH, SAY = 0, 1, 2  # what is drawn
PLAIN_STEPS = 50_000


def act(keys: Any, carry: Any, obs: Any, given: Any, **seen: Any) -> Any:
    """What was drawn, as moves and messages; what is remembered is the sum of all that was seen."""
    del keys, seen
    total = jax.tree.map(lambda a, b: a + b, carry[0], obs)
    message = (given == SWITCH)[:, None].astype(float)
    return (total,), Action(jnp.where(given == SAY, TELL, 0).astype(jnp.int32), message), ()


@jax.jit
def ours(key: jax.Array, drawn: jax.Array) -> Any:
    """Random play of all games: sums of rewards and observations."""
    game = games.make("switch-riddle", num_players=PRISONERS, length=DAYS)
    start_key, play_key = jax.random.split(key)
    first = jax.vmap(game.reset)(jax.random.split(start_key, GAMES))
    nothing = jax.tree.map(jnp.zeros_like, jax.vmap(game.observe)(first))
    live = Live(first, (nothing,), jnp.ones(GAMES, bool), jnp.zeros((GAMES, PRISONERS)))
    live, played = rollout(play_key, game, act, live, STEPS, given=drawn)
    return played.reward.sum((0, 1)), jax.tree.map(lambda leaf: leaf.sum(0), live.carry[0])


def of_jaxmarl() -> Any:
    """The same in JaxMARL, in the form of its own training scripts."""
    from jaxmarl.environments.switch_riddle.switch_riddle import (
        SwitchRiddle,  # pyright: ignore[reportMissingImports]
    )

    env = SwitchRiddle(num_agents=PRISONERS)

    def step(carry: Any, inputs: Any) -> Any:
        (obs, state, total, seen), (keys, drawn) = carry, inputs
        seen = seen + jnp.stack([obs[agent] for agent in env.agents], 1)
        actions = {agent: drawn[:, i] for i, agent in enumerate(env.agents)}
        obs, state, reward, _, _ = jax.vmap(env.step)(keys, state, actions)
        return (obs, state, total + jnp.stack([reward[agent].sum() for agent in env.agents]), seen), None

    @jax.jit
    def run(key: jax.Array, drawn: jax.Array) -> Any:
        start_key, play_key = jax.random.split(key)
        obs, state = jax.vmap(env.reset)(jax.random.split(start_key, GAMES))
        nothing = (jnp.zeros(PRISONERS), jnp.zeros((GAMES, PRISONERS, 2), int))
        inputs = (jax.random.split(play_key, (STEPS, GAMES)), drawn)
        return jax.lax.scan(step, (obs, state, *nothing), inputs)[0][2:]

    return run


def plain(seed: int = 0) -> tuple[list[float], list[list[float]]]:
    """One game in a Python loop, `PLAIN_STEPS` long."""
    draw = random.Random(seed)
    total, seen = [0.0] * PRISONERS, [[0.0, 0.0] for _ in range(PRISONERS)]
    day, switch, been = 0, 0.5, [False] * PRISONERS
    for _ in range(PLAIN_STEPS):
        visitor = draw.randrange(PRISONERS)
        drawn = [draw.randrange(3) for _ in range(PRISONERS)]
        been[visitor], day = True, day + 1
        for prisoner in range(PRISONERS):
            inside = prisoner == visitor
            seen[prisoner][0] += inside
            seen[prisoner][1] += switch if inside else 0.5
        told = drawn[visitor] == SAY
        for prisoner in range(PRISONERS):
            total[prisoner] += (1.0 if all(been) else -1.0) if told else 0.0
        switch = float(drawn[visitor] == SWITCH)
        if told or day == DAYS:
            day, switch, been = 0, 0.5, [False] * PRISONERS
    return total, seen


def measure() -> dict[str, Any]:
    """Steps per second, and the ratio to the other version."""
    key = jax.random.key(0)
    drawn = jax.random.randint(key, (STEPS, GAMES, PRISONERS), 0, 3)
    mine = functools.partial(ours, key, drawn)
    rewards = [jax.block_until_ready(mine())[0]]
    if importlib.util.find_spec("jaxmarl") is not None:
        name, other, steps = "JaxMARL", functools.partial(of_jaxmarl(), key, drawn), GAMES * STEPS
        rewards.append(jax.block_until_ready(other())[0])
    else:
        name, other, steps = "a Python loop", plain, PLAIN_STEPS
        rewards.append(jnp.array(plain()[0]))
    seconds, others = alternately(mine, other)
    here, there = GAMES * STEPS / seconds, steps / others
    paid = [float(total[0] / count) for total, count in zip(rewards, (GAMES * STEPS, steps), strict=True)]
    return {
        "steps per second": here,
        f"steps per second, {name}": there,
        f"ours / {name}": here / there,
        f"mean reward of a step, ours and {name}": f"{paid[0]:.4f} {paid[1]:.4f}",
    }
