"""Moves per second of Hanabi, beside JaxMARL's and the reference engine's (HLE) where those are installed.

Two players of full Hanabi make random legal moves in 1024 games at once, which begin anew when they end; one move of
whoever is on turn is a move. Whole: legal moves and both players' observations are computed, and added up, so that
nothing is left out; in the canonical view, which is HLE's, and in that with V0 beliefs, which is JaxMARL's. Unread: the
same, but nobody looks at the observations, and the compiler leaves them out. Rules only: recorded moves are made again,
and legal moves left out too. Encoder only: both observations of recorded positions.

Games are spread over all cores, but for HLE's, which are played one after another through `tacit.interop.hle`.
"""

import functools
import importlib.util
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from exact_lola import alternately, timed

from tacit import scale
from tacit.games.hanabi import HanabiGame
from tacit.interop import hle
from tacit.loops import Live, rollout

GAMES, STEPS = 1024, 100
POSITIONS, TIMES = 10, 20  # of a game that are encoded, and how often
HLE_MOVES, REPEATS = 2_000, 5
CANONICAL, BELIEFS = HanabiGame(), HanabiGame(view="v0-belief")
WHOLE, WITH_BELIEFS, UNREAD, RULES = "whole", "whole, V0 beliefs", "unread", "rules only"


def legal_move(draw: jax.Array, legal: jax.Array) -> jax.Array:
    """One of the legal moves by a number in [0, 1)."""
    upto = jnp.cumsum(legal.astype(jnp.int32))
    return (upto <= (draw * upto[-1].astype(jnp.float32)).astype(jnp.int32)).sum(dtype=jnp.int32)


def look(keys: Any, carry: Any, obs: Any, legal: Any, given: Any, **seen: Any) -> Any:
    """Random legal moves; what is remembered is the sum of all that was seen."""
    del keys, seen
    return (carry[0] + obs,), jax.vmap(legal_move)(given, legal), ()


def ignore(keys: Any, carry: Any, legal: Any, given: Any, **seen: Any) -> Any:
    """Random legal moves."""
    del keys, seen
    return carry, jax.vmap(legal_move)(given, legal), ()


def repeat(keys: Any, carry: Any, given: Any, **seen: Any) -> Any:
    """The moves given."""
    del keys, seen
    return carry, given, ()


def nothing_seen(game: HanabiGame, games: int) -> jax.Array:
    """Sums before anything was added."""
    kind = jax.eval_shape(lambda key: game.observe(game.reset(key)), jax.random.key(0))
    return jnp.zeros((games, *kind.shape), kind.dtype)


def play(game: HanabiGame, act: Callable[..., Any], key: jax.Array, given: jax.Array) -> tuple[Live, Any]:
    """Plays `B` games; `given` is `[T, B, 2]`, numbers or moves."""
    start_key, play_key = jax.random.split(key)
    first = jax.vmap(game.reset)(jax.random.split(start_key, given.shape[1]))
    live = Live(
        first, (nothing_seen(game, given.shape[1]),), jnp.ones(given.shape[1], bool), jnp.zeros(given.shape[1:])
    )
    return rollout(play_key, game, act, live, len(given), given=given)


def summed(game: HanabiGame, act: Callable[..., Any], key: jax.Array, given: jax.Array) -> Any:
    """Sums of rewards and, where somebody looked, observations."""
    live, steps = play(game, act, key, given)
    return steps.reward[..., 0].sum(), live.carry[0]


def recorded(key: jax.Array, draws: jax.Array) -> Any:
    """The actions of random play, and its first positions."""
    _, steps = play(CANONICAL, ignore, key, draws)
    return steps.action, jax.tree.map(lambda leaf: leaf[:POSITIONS], steps.state)


def encoded(states: Any) -> jax.Array:
    """The sum of what both players see in these positions, each looked at several times."""
    again = jax.tree.map(lambda leaf: jnp.tile(leaf, (TIMES, *(1,) * (leaf.ndim - 1))), states)
    first = nothing_seen(CANONICAL, states.player.shape[1])
    return jax.lax.scan(lambda seen, state: (seen + jax.vmap(CANONICAL.observe)(state), None), first, again)[0]


def of_jaxmarl(form: str) -> Callable[[jax.Array, jax.Array], Any]:
    """The same in JaxMARL, in the form of its own training scripts: sums, and the actions taken."""
    from jaxmarl.environments.hanabi.hanabi import HanabiEnv  # pyright: ignore[reportMissingImports]

    env = HanabiEnv()

    def step(carry: Any, inputs: Any) -> Any:
        (obs, state, total, seen), (keys, action) = carry, inputs
        if form != RULES:
            legal = jax.vmap(env.get_legal_moves)(state)
            action = jax.vmap(jax.vmap(legal_move))(action, jnp.stack([legal[agent] for agent in env.agents], 1))
        if form == WITH_BELIEFS:
            seen = seen + jnp.stack([obs[agent] for agent in env.agents], 1)
        actions = {agent: action[:, i] for i, agent in enumerate(env.agents)}
        obs, state, reward, _, _ = jax.vmap(env.step)(keys, state, actions)
        return (obs, state, total + reward["__all__"].sum(), seen), action

    def run(key: jax.Array, given: jax.Array) -> Any:
        start_key, play_key = jax.random.split(key)
        obs, state = jax.vmap(env.reset)(jax.random.split(start_key, given.shape[1]))
        first = (obs, state, jnp.zeros(()), jnp.zeros((given.shape[1], 2, env.obs_size)))
        (_, _, total, seen), actions = jax.lax.scan(step, first, (jax.random.split(play_key, given.shape[:2]), given))
        return total, seen, actions

    return run


def of_hle(form: str) -> float:
    """Moves per second of the reference engine."""
    engine, draw, made, began = hle.Engine(CANONICAL), random.Random(0), 0, time.perf_counter()
    cards = [card for card, count in enumerate(CANONICAL.full_deck.tolist()) for _ in range(count)]
    while made < HLE_MOVES:
        draw.shuffle(cards)
        table = engine.start(cards)
        while not table.ended:
            if form == WHOLE:
                table.observations()
            table.play(draw.choice(table.legal().nonzero()[0].tolist()))
            made += 1
    return made / (time.perf_counter() - began)


def compiled(function: Callable[..., Any], *inputs: Any) -> tuple[Callable[[], Any], float]:
    """A function mapped over lanes, bound to its inputs `[L, ...]`, and the seconds it took to compile."""
    began = time.perf_counter()
    program = jax.jit(jax.vmap(function)).lower(*inputs).compile()
    seconds = time.perf_counter() - began
    bound = functools.partial(program, *inputs)
    jax.block_until_ready(bound())
    return bound, seconds


def measure() -> dict[str, Any]:
    """Moves per second, seconds to compile, and ratios to the others."""
    scale.use_all_cores()
    lanes = len(jax.devices())
    keys = scale.spread(jax.random.split(jax.random.key(0), lanes))
    draws = scale.spread(jax.random.uniform(jax.random.key(1), (lanes, STEPS, GAMES // lanes, 2)))
    jax.config.update("jax_enable_compilation_cache", False)
    try:
        return beside_jaxmarl(keys, draws) | beside_hle(keys, draws)
    finally:
        jax.config.update("jax_enable_compilation_cache", True)


def beside_jaxmarl(keys: jax.Array, draws: jax.Array) -> dict[str, Any]:
    """What JaxMARL can do too, in turn with it where it is installed."""
    there, figures, moves = importlib.util.find_spec("jaxmarl") is not None, {}, draws.size / 2
    actions, _ = jax.jit(jax.vmap(recorded))(keys, draws)
    theirs = jax.jit(jax.vmap(of_jaxmarl(UNREAD)))(keys, draws)[2] if there else ()
    for form, game, act in ((WITH_BELIEFS, BELIEFS, look), (UNREAD, CANONICAL, ignore), (RULES, CANONICAL, repeat)):
        given = actions if form == RULES else draws
        ours, waited = compiled(functools.partial(summed, game, act), keys, given)
        figures[f"{form}: seconds to compile"] = waited
        if not there:
            figures[f"{form}: moves per second"] = moves / median_seconds(ours)
            continue
        other, waited = compiled(of_jaxmarl(form), keys, theirs if form == RULES else draws)
        seconds, others = alternately(ours, other, REPEATS)
        figures |= {
            f"{form}: seconds to compile, JaxMARL": waited,
            f"{form}: moves per second": moves / seconds,
            f"{form}: moves per second, JaxMARL": moves / others,
            f"{form}: ours / JaxMARL": others / seconds,
        }
    return figures if there else figures | {"JaxMARL": "is not installed here (pip install jaxmarl)"}


def beside_hle(keys: jax.Array, draws: jax.Array) -> dict[str, Any]:
    """What HLE can do too, beside it where it is installed, and the encoder alone."""
    call, waited = compiled(functools.partial(summed, CANONICAL, look), keys, draws)
    rate = draws.size / 2 / median_seconds(call)
    figures: dict[str, Any] = {f"{WHOLE}: seconds to compile": waited, f"{WHOLE}: moves per second": rate}
    if hle.available():
        whole, rules = of_hle(WHOLE), of_hle(UNREAD)
        figures |= {
            f"{WHOLE}: moves per second, HLE on one core": whole,
            f"{WHOLE}: ours / HLE": rate / whole,
            f"{UNREAD}: moves per second, HLE on one core": rules,
        }
    else:
        figures["HLE"] = "is not installed here (make conformance)"
    _, states = jax.jit(jax.vmap(recorded))(keys, draws)
    encoder, _ = compiled(encoded, states)
    positions = draws.size / 2 / STEPS * POSITIONS * TIMES
    return figures | {"encoder only: positions per second": positions / median_seconds(encoder)}


def median_seconds(call: Callable[[], Any]) -> float:
    """Median seconds of a call."""
    return statistics.median(timed(call) for _ in range(REPEATS))


if __name__ == "__main__":
    print(measure(), jax.devices())
