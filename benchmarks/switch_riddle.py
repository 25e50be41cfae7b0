"""Steps per second of the switch riddle, beside JaxMARL's where it is installed, otherwise beside a plain Python loop.

Three prisoners and six days. Every prisoner does one of three things at random each day: nothing, set the switch, tell.
Many games at once; everything seen and paid is added up, so that nothing is left out. A day of all prisoners is a step.
JaxMARL's visitors turn the light over or leave it as it is, and ours set it.

Anew: games begin anew when they end, so that each step must have a new episode at hand, and ours draws the visitors of
all its days. Whole episodes: all games begin together and are played for six days, one batch after another, as DIAL
plays them; those that have ended stay and pay 0. JaxMARL's steps without a reset (`step_env`) go on after an end.
"""

import functools
import importlib.util
import random
from typing import Any

import jax
import jax.numpy as jnp
from exact_lola import alternately

from tacit import games, scale
from tacit.games.base import Game
from tacit.games.switch_riddle import TELL
from tacit.loops import Live, rollout
from tacit.types import Action

GAMES, PRISONERS, DAYS, BATCHES = 1024, 3, 6, 100
STEPS = DAYS * BATCHES
NOTHING, SWITCH, SAY = 0, 1, 2  # what is drawn
PLAIN_STEPS = 50_000


def act(keys: Any, carry: Any, obs: Any, given: Any, **seen: Any) -> Any:
    """What was drawn, as moves and messages; what is remembered is the sum of all that was seen."""
    del keys, seen
    total = jax.tree.map(lambda a, b: a + b, carry[0], obs)
    message = (given == SWITCH)[:, None].astype(float)
    return (total,), Action(jnp.where(given == SAY, TELL, 0).astype(jnp.int32), message), ()


def begun(game: Game, key: jax.Array) -> Live:
    """All games at their beginning, and nothing seen yet."""
    first = jax.vmap(game.reset)(jax.random.split(key, GAMES))
    nothing = jax.tree.map(jnp.zeros_like, jax.vmap(game.observe)(first))
    return Live(first, (nothing,), jnp.ones(GAMES, bool), jnp.zeros((GAMES, PRISONERS)))


def ours(anew: bool, key: jax.Array, drawn: jax.Array) -> Any:
    """Random play of all games, `drawn` being `[batches, T, B, P]`: sums of rewards and observations."""
    game = games.make("switch-riddle", num_players=PRISONERS, length=DAYS)

    def batch(inputs: Any) -> Any:
        start_key, play_key = jax.random.split(inputs[0])
        live, played = rollout(play_key, game, act, begun(game, start_key), len(inputs[1]), None, inputs[1], anew)
        return played.reward.sum((0, 1)), jax.tree.map(lambda leaf: leaf.sum(0), live.carry[0])

    return jax.lax.map(batch, (jax.random.split(key, len(drawn)), drawn))


def of_jaxmarl(anew: bool, key: jax.Array, drawn: jax.Array) -> Any:
    """The same in JaxMARL, in the form of its own training scripts."""
    from jaxmarl.environments.switch_riddle import switch_riddle  # pyright: ignore[reportMissingImports]

    env = switch_riddle.SwitchRiddle(num_agents=PRISONERS)

    def step(carry: Any, inputs: Any) -> Any:
        (obs, state, total, seen), (keys, drawn) = carry, inputs
        seen = seen + jnp.stack([obs[agent] for agent in env.agents], 1)
        actions = {agent: drawn[:, i] for i, agent in enumerate(env.agents)}
        go = env.step if anew else env.step_env
        obs, state, reward, _, _ = jax.vmap(go)(keys, state, actions)
        return (obs, state, total + jnp.stack([reward[agent].sum() for agent in env.agents]), seen), None

    def batch(inputs: Any) -> Any:
        start_key, play_key = jax.random.split(inputs[0])
        obs, state = jax.vmap(env.reset)(jax.random.split(start_key, GAMES))
        nothing = (jnp.zeros(PRISONERS), jnp.zeros((GAMES, PRISONERS, 2), int))
        keys = jax.random.split(play_key, inputs[1].shape[:2])
        total, seen = jax.lax.scan(step, (obs, state, *nothing), (keys, inputs[1]))[0][2:]
        return total, seen.sum(0)

    return jax.lax.map(batch, (jax.random.split(key, len(drawn)), drawn))


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
    """Steps per second in both forms, and the ratios to the other version."""
    scale.prepare()
    key, figures, there = jax.random.key(0), {}, importlib.util.find_spec("jaxmarl") is not None
    name = "JaxMARL" if there else "a Python loop"
    drawn = jax.random.randint(key, (STEPS, GAMES, PRISONERS), 0, 3)
    shapes = {"anew": (1, STEPS, *drawn.shape[1:]), "whole episodes": (BATCHES, DAYS, *drawn.shape[1:])}
    for form, shape in shapes.items():
        given, anew = drawn.reshape(shape), form == "anew"
        mine = functools.partial(jax.jit(functools.partial(ours, anew)), key, given)
        other = functools.partial(jax.jit(functools.partial(of_jaxmarl, anew)), key, given) if there else plain
        paid = jax.block_until_ready(mine())[0].sum(0)[0] / drawn[..., 0].size
        figures[f"{form}: mean reward of a step"] = float(paid)
        if there:
            theirs = jax.block_until_ready(other())[0].sum(0)[0] / drawn[..., 0].size
            figures[f"{form}: mean reward of a step, {name}"] = float(theirs)
        seconds, others = alternately(mine, other)
        rates = drawn[..., 0].size / seconds, (drawn[..., 0].size if there else PLAIN_STEPS) / others
        figures[f"{form}: steps per second"], figures[f"{form}: steps per second, {name}"] = rates
        figures[f"{form}: ours / {name}"] = rates[0] / rates[1]
    return figures
