"""The only loops: over time (`rollout`, `unroll`) and over iterations (`run`).

All of them are written for one game, one policy or one seed, with one `vmap` inside.
"""

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key, PRNGKeyArray, PyTree

from tacit import scale
from tacit.games.base import Game
from tacit.types import Carry, Learner, Level, Metrics, Params, Policy, State, Step, Trajectory


class Live(NamedTuple):
    """`B` games being played.

    Attributes:
        state: the games' states.
        carry: what their players remember, one entry per player.
        fresh: which games just began.
        gained: what each player has gained in the episode so far.
    """

    state: State
    carry: tuple[Carry, ...]
    fresh: Bool[Array, " B"]
    gained: Float[Array, "B P"]


def joint(policies: Sequence[Policy]) -> Callable[..., tuple[tuple[Carry, ...], PyTree, PyTree]]:
    """One act of all players of a game from one policy per player.

    Returns:
        `act(keys[P], params, carry, obs, legal, fresh, given)`, with `params` and `carry` one entry per player and
        the other trees with a leading player axis; it returns `(carry, action, extras)` in the same form. Policies
        that are the same object are run as one mapped call.
    """
    same = all(policy is policies[0] for policy in policies)

    def act(keys: Any, params: Any, carry: Any, obs: Any, legal: Any, fresh: Any, given: Any = None) -> Any:
        if same and len(policies) > 1:
            everyone = jax.vmap(policies[0].act, (0, 0, 0, 0, 0, None, 0))
            after, action, extras = everyone(keys, stack(params), stack(carry), obs, legal, fresh, given)
            return unstack(after, len(policies)), action, extras
        each = [
            policy.act(keys[i], params[i], carry[i], player(i, obs), player(i, legal), fresh, player(i, given))
            for i, policy in enumerate(policies)
        ]
        return tuple(c for c, _, _ in each), stack([a for _, a, _ in each]), stack([e for _, _, e in each])

    return act


def stack(trees: Sequence[PyTree]) -> PyTree:
    """Trees of the same form as one, with a new leading axis."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


def unstack(tree: PyTree, size: int) -> tuple[PyTree, ...]:
    """A tree with a leading axis as so many trees."""
    return tuple(player(i, tree) for i in range(size))


def player(index: int, tree: PyTree) -> PyTree:
    """One player's part of a tree with a leading player axis."""
    return jax.tree.map(lambda leaf: leaf[index], tree)


def start(
    key: PRNGKeyArray, game: Game, policies: Sequence[Policy], num_games: int, levels: Level | None = None
) -> Live:
    """`B = num_games` fresh games, on `levels` (leaves `[B, ...]`) if given. The key is consumed."""
    keys = jax.random.split(key, num_games)
    state = jax.vmap(functools.partial(_begin, game))(keys, levels)
    carry = tuple(policy.init_carry() for policy in policies)
    carry = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (num_games, *jnp.shape(leaf))), carry)
    return Live(state, carry, jnp.ones(num_games, bool), jnp.zeros((num_games, game.spec.num_players)))


def _begin(game: Game, key: PRNGKeyArray, level: Level | None) -> State:
    level_key, reset_key = jax.random.split(key)
    return game.reset(reset_key, game.sample_level(level_key) if level is None else level)


def rollout(
    key: PRNGKeyArray,
    game: Game,
    act: Callable[..., Any],
    live: Live,
    length: int,
    levels: Level | None = None,
    given: PyTree = None,
    reset: bool = True,
) -> tuple[Live, Step]:
    """Plays `length` steps of all games of `live`.

    Args:
        key: consumed.
        act: `act(keys[P], carry, obs, legal, fresh, given)` of all players of one game (see `joint`; bind its params).
        levels: leaves `[B, ...]`, the level on which game b begins anew; drawn by the game where not given.
        given: leaves `[T, B, P, ...]`, actions to take instead of chosen ones.
        reset: begin anew after an end. Without it, ended games stay as they are and pay 0.

    Returns:
        The games afterwards, and the steps with leaves `[T, B, ...]`. Parts nobody reads cost nothing.
    """
    num_games, num_players = live.gained.shape
    # All keys are made here, in three large calls: inside the scan, hashing small batches of them would cost more
    # than most games do. Those that a deterministic game never reads are never made.
    act_key, step_key, reset_key = jax.random.split(key, 3)
    keys = (
        jax.random.split(act_key, (length, num_games, num_players)),
        jax.random.split(step_key, (length, num_games)),
        jax.random.split(reset_key, (length, num_games)),
    )

    def one(live: Live, inputs: Any, level: Level | None) -> tuple[Live, Step]:
        state, carry, fresh, gained = live
        (act_keys, step_key, reset_key), given = inputs
        obs, legal = game.observe(state), game.legal(state)
        carry, action, extras = act(act_keys, carry=carry, obs=obs, legal=legal, fresh=fresh, given=given)
        new, (reward, terminated, truncated) = game.step(step_key, state, action)
        gained = jnp.where(fresh, 0.0, gained) + reward
        decided, paid, led_to = (action, extras), (reward, gained), (new, game.observe(new))
        step = Step(state, obs, legal, fresh, *decided, *paid, terminated, truncated, *led_to)
        ended = (terminated | truncated) & reset
        if reset:
            again = _begin(game, reset_key, level)
            new = jax.tree.map(lambda a, b: jnp.where(ended, a, b), again, new)
        return Live(new, carry, ended, gained), step

    return jax.lax.scan(lambda live, inputs: jax.vmap(one)(live, inputs, levels), live, (keys, given), length)


def episodes(
    key: PRNGKeyArray, game: Game, policies: Sequence[Policy], params: Sequence[Params], num_games: int
) -> tuple[tuple[Carry, ...], Step]:
    """Plays a batch of whole episodes, from reset to end: what the players remembered at first, and the steps."""
    start_key, play_key = jax.random.split(key)
    live, everyone = start(start_key, game, policies, num_games), joint(policies)

    def act(keys: Any, **seen: Any) -> Any:
        return everyone(keys, params, **seen)

    return live.carry, rollout(play_key, game, act, live, game.spec.max_length, reset=False)[1]


def per_player(step: Step, seats: Sequence[int]) -> Trajectory:
    """What each of these players did and saw, leaves `[N, T, B, ...]`."""
    everyone = tuple(seats) == tuple(range(step.reward.shape[2]))

    def own(tree: PyTree) -> PyTree:
        chosen = tree if everyone else jax.tree.map(lambda leaf: leaf[:, :, jnp.array(seats)], tree)
        return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 2, 0), chosen)

    def common(leaf: Array) -> Array:
        return jnp.broadcast_to(leaf, (len(seats), *leaf.shape))

    seen = own(step.obs), own(step.legal), common(step.fresh)
    done = own(step.action), own(step.extras), own(step.reward)
    return Trajectory(*seen, *done, common(step.terminated), common(step.truncated), own(step.next_obs))


def unroll(policy: Policy, params: Params, carry: Carry, trajectory: Trajectory) -> tuple[Carry, PyTree]:
    """Replays one player's decisions: what `policy` says of the actions taken, its memory cleared where `fresh`.

    Args:
        carry: leaves `[B, ...]`, what was remembered before the first step.
        trajectory: leaves `[T, B, ...]`.

    Returns:
        The carries *after* each step and the extras, leaves `[T, B, ...]`. A policy without memory is mapped over time
        instead of scanned.
    """
    key = jax.random.key(0)  # nothing is drawn: the actions are given
    inputs = (trajectory.obs, trajectory.legal, trajectory.fresh, trajectory.action)

    def one(carry: Carry, obs: Any, legal: Any, fresh: Any, given: Any) -> tuple[Carry, PyTree]:
        after, _, extras = policy.act(key, params, carry, obs, legal, fresh, given)
        return after, extras

    if not jax.tree.leaves(carry):
        return carry, jax.vmap(jax.vmap(functools.partial(one, carry)))(*inputs)[1]
    # Only the memory runs through time, one small step after another. What is said about the actions (and is most of
    # the work) is computed for all steps at once, from the memories found.
    after = jax.lax.scan(lambda c, x: (jax.vmap(one)(c, *x)[0],) * 2, carry, inputs)[1]
    before = jax.tree.map(lambda first, rest: jnp.concatenate([first[None], rest[:-1]]), carry, after)
    return after, jax.vmap(jax.vmap(one))(before, *inputs)[1]


class Chunk(NamedTuple):
    """What `chunks` hands to the host between two compiled pieces of a run.

    Attributes:
        iteration: iterations done so far.
        state: the learner's state, leaves `[S, ...]`.
        metrics: leaves `[rows, S, ...]`, one row for every `every` iterations: their mean.
        seconds: wall-clock time of this piece, compilation included in the first.
    """

    iteration: int
    state: State
    metrics: dict[str, np.ndarray]
    seconds: float


Make = Callable[..., Learner]


class Result(NamedTuple):
    """A finished run: what learned on what, its final state `[S, ...]`, and its metrics `[rows, S, ...]`."""

    make: Make
    game: Game
    config: Any
    state: State
    metrics: dict[str, np.ndarray]


MAX_ROWS = 64  # of metrics in one chunk; bounds the buffer, not the run


@functools.partial(jax.jit, static_argnames="make")
def _init(make: Make, game: Game, config: Any, key: PRNGKeyArray, seeds: Array) -> State:
    return jax.vmap(lambda lane: make(game, config).init(jax.random.fold_in(lane, 0)))(_lanes(key, seeds))


def _lanes(key: PRNGKeyArray, seeds: Array) -> Key[Array, " S"]:
    """One key for each seed; iteration i of a run uses what `i + 1` is folded into its key, the start what 0 is."""
    return jax.vmap(functools.partial(jax.random.fold_in, key))(seeds)


def _iterate(
    make: Make,
    game: Game,
    config: Any,
    key: PRNGKeyArray,
    seeds: Array,
    state: State,
    first: Array,
    rows: Array,
    every: Array,
) -> tuple[State, Metrics]:
    """`rows * every` iterations of all seeds. The counts are traced, so every chunk of a run is the same program.

    A row of metrics is their mean over `every` iterations; a metric that is NaN had nothing to report and is left out.
    """
    learner = make(game, config)
    lanes, go = _lanes(key, seeds), learner.step if scale.filled(len(seeds)) else learner.divided or learner.step

    @jax.jit  # traced once, for the shapes of its metrics and for the loop
    def step(state: State, iteration: Array) -> tuple[State, Metrics]:
        keys = jax.vmap(functools.partial(jax.random.fold_in, data=iteration + 1))(lanes)
        return jax.vmap(go)(keys, state)

    def row(i: Array, carry: Any) -> Any:
        def add(j: Array, carry: Any) -> Any:
            state, total, count = carry
            state, metrics = step(state, first + i * every + j)
            total = jax.tree.map(lambda a, b: a + jnp.where(jnp.isnan(b), 0, b), total, metrics)
            return state, total, jax.tree.map(lambda a, b: a + ~jnp.isnan(b), count, metrics)

        state, metrics = carry
        zeros = jax.tree.map(lambda buffer: jnp.zeros_like(buffer[0]), metrics)
        state, total, count = jax.lax.fori_loop(0, every, add, (state, zeros, zeros))
        return state, jax.tree.map(lambda buffer, a, b: buffer.at[i].set(a / b), metrics, total, count)

    shapes = jax.eval_shape(step, state, first)[1]
    metrics = jax.tree.map(lambda leaf: jnp.zeros((MAX_ROWS, *leaf.shape), jnp.result_type(float)), shapes)
    return jax.lax.fori_loop(0, rows, row, (state, metrics))


@functools.cache
def _compiled(deep: bool) -> Callable[..., tuple[State, Metrics]]:
    options = scale.compiler_options(deep)
    return jax.jit(_iterate, static_argnames="make", donate_argnames="state", compiler_options=options)


def chunks(
    make: Make,
    game: Game,
    config: Any,
    *,
    iterations: int,
    seeds: Sequence[int],
    seed: int = 0,
    every: int = 1,
    state: State | None = None,
    done: int = 0,
    seconds: float = 0.5,
) -> Iterator[Chunk]:
    """Runs a learning rule in compiled pieces of about `seconds`, handing each to the host.

    Args:
        make: makes the learner from game and config (a module-level function: programs are cached by it).
        iterations: in all, those already done included.
        seeds: runs side by side, each with its own randomness; together with `seed` they determine every bit.
        every: iterations to a row of metrics.
        state, done: go on from this state after so many iterations. How a run is cut never changes its numbers.
    """
    scale.prepare()
    learner, runs = make(game, config), len(seeds)
    spread = scale.copied if learner.divided and not scale.filled(runs) else scale.spread
    key, lanes = jax.random.key(seed), spread(np.asarray(seeds, np.uint32))
    state = spread(_init(make, game, config, key, lanes) if state is None else state)
    if done == 0:
        yield Chunk(0, scale.first(state, runs), {}, 0.0)
    rows, iterate = 1, _compiled(learner.deep)
    while done < iterations:
        width = min(every, iterations - done)
        rows = max(1, min(rows, MAX_ROWS, (iterations - done) // width))
        began = time.perf_counter()
        state, metrics = iterate(make, game, config, key, lanes, state, done, rows, width)
        metrics = {name: np.asarray(leaf)[:rows, :runs] for name, leaf in metrics.items()}  # waits for the result
        spent = time.perf_counter() - began
        done += rows * width
        yield Chunk(done, scale.first(state, runs), metrics, spent)
        rows = max(1, int(rows * min(seconds / max(spent, 1e-9), 8.0)))


def run(
    make: Make,
    game: Game,
    config: Any,
    *,
    iterations: int,
    seeds: int | Sequence[int] = 1,
    seed: int = 0,
    every: int = 1,
) -> Result:
    """Runs a learning rule to its end, `seeds` times side by side.

    >>> from tacit import games
    >>> from tacit.learners import naive
    >>> result = run(naive.make, games.make("ipd"), naive.Config(), iterations=100, seeds=20)
    >>> bool(result.metrics["value"][-1].mean() < -1.9)  # [rows, S, P]: the players defect
    True
    """
    lanes = range(seeds) if isinstance(seeds, int) else seeds
    pieces = list(chunks(make, game, config, iterations=iterations, seeds=lanes, seed=seed, every=every))
    rows = {name: np.concatenate([piece.metrics[name] for piece in pieces[1:]]) for name in pieces[-1].metrics}
    return Result(make, game, config, pieces[-1].state, rows)
