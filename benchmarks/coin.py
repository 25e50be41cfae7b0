"""Steps per second of the coin game, beside JaxMARL's where it is installed, otherwise beside a plain Python loop.

Both play the same rules (two coins, five moves, 10 boards of 10 steps) with uniformly random players, many games at
once, begin anew at the end of an episode, and add up everything seen and paid, so that nothing is left out.
"""

import functools
import importlib.util
import random
from typing import Any

import jax
import jax.numpy as jnp
from exact_lola import alternately

from tacit import games
from tacit.games.coin import MOVES
from tacit.loops import Live, rollout

GAMES, STEPS, ACTIONS = 1024, 200, 5
PLAIN_STEPS = 20_000


def act(keys: Any, carry: Any, obs: Any, given: Any, **seen: Any) -> Any:
    """The actions given; what is remembered is the sum of all that was seen."""
    del keys, seen
    return (carry[0] + obs,), given, ()


@jax.jit
def ours(key: jax.Array, actions: jax.Array) -> Any:
    """Random play of all games: sums of rewards and observations."""
    game = games.make("coin-pax")
    start_key, play_key = jax.random.split(key)
    first = jax.vmap(game.reset)(jax.random.split(start_key, GAMES))
    live = Live(first, (jnp.zeros((GAMES, 2, 36)),), jnp.ones(GAMES, bool), jnp.zeros((GAMES, 2)))
    live, played = rollout(play_key, game, act, live, STEPS, given=actions)
    return played.reward.sum((0, 1)), live.carry[0].sum(0)


def of_jaxmarl() -> Any:
    """The same in JaxMARL, in the form of its own training scripts."""
    from jaxmarl.environments.coin_game.coin_game import CoinGame  # type: ignore[import-not-found]

    env = CoinGame(num_inner_steps=10, num_outer_steps=10)

    def step(carry: Any, inputs: Any) -> Any:
        (obs, state, total, seen), (key, action) = carry, inputs
        actions = {agent: action[:, i] for i, agent in enumerate(env.agents)}
        new, state, reward, _, _ = jax.vmap(env.step)(jax.random.split(key, GAMES), state, actions)
        total = total + jnp.stack([reward[agent].sum() for agent in env.agents])
        seen = seen + jnp.stack([obs[agent] for agent in env.agents], 1)
        return (new, state, total, seen), None

    @jax.jit
    def run(key: jax.Array, actions: jax.Array) -> Any:
        start_key, play_key = jax.random.split(key)
        obs, state = jax.vmap(env.reset)(jax.random.split(start_key, GAMES))
        nothing = (jnp.zeros(2), jnp.zeros((GAMES, 2, 36), int))
        inputs = (jax.random.split(play_key, STEPS), actions)
        return jax.lax.scan(step, (obs, state, *nothing), inputs)[0][2:]

    return run


def plain(seed: int = 0) -> tuple[list[float], list[int]]:
    """One game in a Python loop, `PLAIN_STEPS` long."""
    draw = random.Random(seed)
    total, seen, cells = [0.0, 0.0], [0] * 72, [0] * 4
    for time in range(PLAIN_STEPS):
        if time % 10 == 0:
            cells = [draw.randrange(9) for _ in range(4)]  # red, blue, and their coins
        for plane, cell in enumerate(cells):
            seen[9 * plane + cell] += 1
            seen[36 + 9 * (plane ^ 1) + cell] += 1
        for player in range(2):
            row, column = MOVES[draw.randrange(ACTIONS)]
            cells[player] = (cells[player] // 3 + row) % 3 * 3 + (cells[player] + column) % 3
        taken = [[cells[player] == cells[2 + color] for color in range(2)] for player in range(2)]
        if time % 10 < 9:
            for player in range(2):
                total[player] += sum(taken[player]) - 2 * taken[1 - player][player]
        for color in range(2):
            if taken[0][color] or taken[1][color]:
                cells[2 + color] = draw.randrange(9)
    return total, seen


def measure() -> dict[str, Any]:
    """Steps per second (both players' moves are one step), and the ratio to the other version."""
    key = jax.random.key(0)
    actions = jax.random.randint(key, (STEPS, GAMES, 2), 0, ACTIONS)
    mine = functools.partial(ours, key, actions)
    jax.block_until_ready(mine())
    if importlib.util.find_spec("jaxmarl") is not None:
        name, other, steps = "JaxMARL", functools.partial(of_jaxmarl(), key, actions), GAMES * STEPS
        jax.block_until_ready(other())
    else:
        name, other, steps = "a Python loop", plain, PLAIN_STEPS
    seconds, others = alternately(mine, other)
    here, there = GAMES * STEPS / seconds, steps / others
    return {"steps per second": here, f"steps per second, {name}": there, f"ours / {name}": here / there}
