"""How agents do in mazes: solve rates, worst levels, and what is missing to the best there is.

An agent is told nothing of time, so one long play gives the solve rates at all shorter horizons: how many steps it took
is all that is kept. JaxUED tests with 250 steps, minimax and DCD with up to 450 and more (`HeldOut.length`).

Worst levels are found as SFL does it (Rutherford et al. 2024): levels are ranked by one play of each, and their solve
rate is that of another, so that bad luck alone makes no level one of the worst.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key, PRNGKeyArray, PyTree

from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.games.maze import Maze, MazeState
from tacit.games.maze_held_out import find
from tacit.games.maze_held_out import levels as held_out_levels
from tacit.games.maze_levels import MazeLevel
from tacit.games.maze_paths import NEVER, shortest
from tacit.loops import joint, rollout, start
from tacit.scale import precision_of
from tacit.types import Learner, Params, Policy, State, Step, Trained

SHORT = 250  # steps at which JaxUED and SFL test
WORST = (0.1, 1.0, 5.0, 10.0, 20.0, 100.0)  # percent of levels, as in SFL's figures


def play(
    key: PRNGKeyArray, game: Game, policy: Policy, params: Params, levels: MazeLevel, episodes: int
) -> tuple[MazeState, Step]:
    """So many plays of each level to the end of the game, levels in turn: how they ended, and the steps.

    Args:
        key: consumed.
        levels: leaves `[N, ...]`, of the game's size.
    """
    everyone = joint((policy,))

    def act(keys: Any, **seen: Any) -> Any:
        return everyone(keys, (params,), **seen)

    each = jax.tree.map(lambda leaf: jnp.repeat(leaf, episodes, axis=0), levels)
    start_key, play_key = jax.random.split(key)
    live = start(start_key, game, (policy,), len(each.direction), each)
    end, step = rollout(play_key, game, act, live, game.spec.max_length, each, reset=False)
    return end.state, step


def of_seeds(
    run: Trained, levels: MazeLevel, length: int = SHORT, episodes: int = 10, seed: int = 1
) -> Int[np.ndarray, "S N E"]:
    """Steps after which every seed's agent reached the goal, in so many plays of each level; `NEVER` where it did not.

    Agents draw their actions, as they do in training.

    Raises:
        Misfit: they learned another game than the maze.
    """
    game = _sized(run, levels, length)
    with precision_of(run.state):
        keys = jax.random.split(jax.random.key(seed), len(jax.tree.leaves(run.state)[0]))
        return np.asarray(_each(run.make, run.game, run.config, game, episodes, keys, run.state, levels))


def _sized(run: Trained, levels: MazeLevel, length: int) -> Maze:
    """The game that was learned, for levels of this size."""
    if not isinstance(run.game, Maze):
        raise Misfit(f"solve rates are of the maze, not of {type(run.game).__name__}")
    height, width = levels.walls.shape[1:]
    return dataclasses.replace(run.game, width=width, height=height, walls=0, length=length)


@functools.partial(jax.jit, static_argnums=(0, 4))
def _each(
    make: Any,
    learned: Game,
    config: Any,
    game: Game,
    episodes: int,
    keys: Key[Array, " S"],
    states: State,
    levels: MazeLevel,
) -> Int[Array, "S N E"]:
    def count(end: MazeState, step: Step) -> Array:
        del step
        return jnp.where(end.solved, end.time, NEVER).reshape(-1, episodes)

    return _by_seed(make(learned, config), game, episodes, keys, states, levels, count)


def _by_seed(
    learner: Learner,
    game: Game,
    episodes: int,
    keys: Key[Array, " S"],
    states: State,
    levels: MazeLevel,
    measure: Callable[[MazeState, Step], PyTree],
) -> PyTree:
    """What is measured on every seed's play, leaves `[S, ...]`."""

    def one(inputs: tuple[PRNGKeyArray, State]) -> PyTree:
        key, state = inputs
        policy, params = learner.policy(state)[0]
        return measure(*play(key, game, policy, params, levels, episodes))

    return jax.lax.map(one, (keys, states))  # one seed after another: there are games enough to each


@functools.partial(jax.jit, static_argnums=0)
def _walked(
    make: Any, learned: Game, config: Any, game: Game, keys: Key[Array, " S"], states: State, levels: MazeLevel
) -> tuple[Int[Array, "S T N 2"], MazeState]:
    def places(end: MazeState, step: Step) -> tuple[Array, MazeState]:
        return step.state.agent, end

    return _by_seed(make(learned, config), game, 1, keys, states, levels, places)


def ways(run: Trained, levels: MazeLevel, length: int = SHORT, seed: int = 1) -> list[list[list[tuple[int, int]]]]:
    """Where each seed's agent was, x and y, in one play of each level, `[S][N]`: before every step and at the end.

    Where it reached the goal, that is the last cell.

    Raises:
        Misfit: they learned another game than the maze.
    """
    game = _sized(run, levels, length)
    with precision_of(run.state):
        keys = jax.random.split(jax.random.key(seed), len(jax.tree.leaves(run.state)[0]))
        places, end = _walked(run.make, run.game, run.config, game, keys, run.state, levels)
    places, last = np.asarray(places), np.where(end.solved[..., None], end.goal, end.agent)
    steps = np.asarray(end.time)

    def way(s: int, n: int) -> list[tuple[int, int]]:
        return [(int(x), int(y)) for x, y in [*places[s, : steps[s, n], n], last[s, n]]]

    return [[way(s, n) for n in range(steps.shape[1])] for s in range(len(steps))]


class Score(NamedTuple):
    """How agents did in one of the held-out mazes.

    Attributes:
        short: `[S]` solve rates within 250 steps. long: within `HeldOut.length`.
        regret: `[S]` by how much the mean return in 250 steps falls short of the best.
    """

    short: Float[np.ndarray, " S"]
    long: Float[np.ndarray, " S"]
    regret: Float[np.ndarray, " S"]


def held_out(
    run: Trained, names: Sequence[str], episodes: int = 10, drawn: int = 100, seed: int = 1
) -> dict[str, Score]:
    """How every seed's agent does in these mazes, a mean over so many plays of each level.

    Args:
        drawn: levels of a family that is too large to list.

    Raises:
        SettingError: there is no such maze. Misfit: they learned another game than the maze.
    """
    found = {}
    for name in names:
        levels, length = held_out_levels(name, drawn), max(find(name).length, SHORT)
        found[name] = scored(run, levels, length, episodes, seed)
    return found


def scored(run: Trained, levels: MazeLevel, length: int, episodes: int = 10, seed: int = 1) -> Score:
    """How every seed's agent does on these levels, a mean over them and so many plays of each.

    Args:
        length: the longer horizon, at least 250.

    Raises:
        Misfit: they learned another game than the maze.
    """
    steps = of_seeds(run, levels, length, episodes, seed)
    short, long = (solve_rates(steps, horizon).mean(1) for horizon in (SHORT, length))
    return Score(short, long, regrets(steps, levels, SHORT).mean(1))


def solve_rates(steps: Int[np.ndarray, "... N E"], horizon: int) -> Float[np.ndarray, "... N"]:
    """The share of plays of each level that reached the goal in so many steps."""
    return (steps <= horizon).mean(-1)


def regrets(steps: Int[np.ndarray, "... N E"], levels: MazeLevel, length: int) -> Float[np.ndarray, "... N"]:
    """True regret on each level: the best undiscounted return in so many steps less the mean of those had."""
    best = np.asarray(jax.jit(jax.vmap(shortest))(levels))
    return _return(best, length) - _return(steps, length).mean(-1)


def _return(steps: Int[np.ndarray, "..."], length: int) -> Float[np.ndarray, "..."]:
    return np.where(steps <= length, 1 - 0.9 * np.minimum(steps, length) / length, 0.0)


def solvable(game: Maze, count: int, seed: int = 0) -> MazeLevel:
    """So many random levels of a game that can be solved in its time, leaves `[count, ...]`.

    Raises:
        Misfit: hardly one of its levels can.
    """
    kept: list[MazeLevel] = []
    for key in jax.random.split(jax.random.key(seed), 50):
        levels, possible = _drawn(game, jax.random.split(key, count))
        kept.append(jax.tree.map(lambda leaf, possible=possible: np.asarray(leaf)[np.asarray(possible)], levels))
        if sum(len(each.direction) for each in kept) >= count:
            return jax.tree.map(lambda *leaves: jnp.asarray(np.concatenate(leaves)[:count]), *kept)
    raise Misfit(f"hardly one random level with {game.walls} walls can be solved in {game.length} steps")


@jax.jit
def _drawn(game: Maze, keys: Key[Array, " N"]) -> tuple[MazeLevel, Bool[Array, " N"]]:
    levels = jax.vmap(game.sample_level)(keys)
    return levels, jax.vmap(shortest)(levels) <= game.length


def worst(
    ranking: Float[np.ndarray, "S N"], rates: Float[np.ndarray, "S N"], percent: Sequence[float] = WORST
) -> Float[np.ndarray, "S percent"]:
    """Mean solve rate of each seed's worst levels, so many percent of all (at least one).

    Args:
        ranking: solve rates of one play, by which the worst are found; of equal ones the first count as worse.
        rates: those of another, independent play, which are averaged.
    """
    order = np.argsort(ranking, axis=1, kind="stable")
    ordered = np.take_along_axis(rates, order, axis=1)
    counts = [max(1, round(ordered.shape[1] * share / 100)) for share in percent]
    return np.stack([ordered[:, :count].mean(1) for count in counts], axis=1)
