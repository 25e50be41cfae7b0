"""Tasks of gymnax as games of one player: `gymnax:CartPole-v1`, `gymnax:Breakout-MinAtar` and all others it registers.

What the player sees is flattened to one row of real numbers. Its actions are the task's: one choice among several, or a
row of real numbers, of which those outside the task's bounds count as the bound. Episodes last as long as the task's
parameters say (`length`). A task that ends in its last step has ended by its rules, not by the clock.

The task's own `step_env` is played, not its `step`: that one begins the next episode by itself, and so do our loops.

The library (RobertTLange/gymnax, Apache-2.0) is not a requirement: `pip install 'tacit[control]'`. This adapter was
written against version 1.0.1, in which what ends a task and what cuts it off are told apart.
"""

import contextlib
import functools
import importlib.util
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from tacit import scale
from tacit.errors import InputError, SettingError
from tacit.games.base import Game, settle
from tacit.nets import flatten
from tacit.settings import setting, unknown
from tacit.types import Discrete, Level, Outcome, Real, Spec, State

HOW = "install it with: pip install 'gymnax>=1.0.1' six"  # six: gymnax 1.0.1 imports it, and asks for it nowhere


class TaskState(NamedTuple):
    """A task being played, and what it shows: tasks may draw that at random, so it is kept."""

    inner: State
    shown: Float[Array, " n"]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class Task(Game):
    """A task of gymnax; made by `task`.

    Attributes:
        name: under which gymnax registers it.
    """

    name: str
    length: int = setting(1000, "steps after which an episode is cut off", unit="steps", low=1, high=10**6)
    discount: float = setting(0.99, "weight of the next step against this one", unit="per step", low=0.0, high=1.0)

    @property
    def spec(self) -> Spec:
        env, params, space = self._env
        with _its_own_rules():
            shown = jax.eval_shape(lambda key: flatten(env.reset_env(key, params)[0]), jax.random.key(0))
        action = Discrete(int(space.n)) if hasattr(space, "n") else Real((math.prod(space.shape),))
        return Spec(1, Real(shown.shape), action, self.length, (-float("inf"), float("inf")))

    @property
    def _env(self) -> tuple[Any, Any, Any]:
        """The library's environment, its parameters and its space of actions."""
        env, params = made(self.name)
        params = params.replace(max_steps_in_episode=self.length)
        with _its_own_rules():
            return env, params, env.action_space(params)

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> TaskState:
        del level
        env, params, space = self._env
        with _its_own_rules():
            seen, inner = env.reset_env(key, params)
            later = jax.eval_shape(lambda: env.step_env(key, inner, jnp.zeros(space.shape, space.dtype), params)[1])
        return TaskState(_alike(inner, later), flatten(seen), jnp.bool_(False), jnp.bool_(False))

    def observe(self, state: TaskState) -> Float[Array, "1 n"]:
        return state.shown[None]

    def step(self, key: PRNGKeyArray, state: TaskState, action: Array) -> tuple[TaskState, Outcome]:
        env, params, space = self._env
        with _its_own_rules():
            taken = _as_taken(space, action[0])
            seen, inner, reward, over, _ = env.step_env(key, state.inner, taken, params)
            terminated = jnp.asarray(over, bool).reshape(())
            truncated = jnp.asarray(env.is_truncated(inner, params), bool).reshape(()) & ~terminated
        new = TaskState(_alike(inner, state.inner), flatten(seen), terminated, truncated)
        return settle(state, new, jnp.asarray(reward, float).reshape(1))


def available() -> bool:
    """Whether the library is installed."""
    return importlib.util.find_spec("gymnax") is not None


def library() -> Any:
    """The library.

    Raises:
        InputError: it is missing, cannot be loaded or is too old; the line says how to install it.
    """
    if not available():
        raise InputError(f"tasks of gymnax need that library (the extra `control`); {HOW}")
    scale.prepare()  # it makes arrays, and so starts a backend
    try:
        import gymnax  # pyright: ignore[reportMissingImports]
        from gymnax.environments.environment import Environment  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise InputError(f"gymnax is installed and cannot be loaded ({error}); {HOW}") from None
    if not hasattr(Environment, "is_truncated"):
        raise InputError(f"this gymnax does not tell an episode's end from its being cut off; {HOW}")
    return gymnax


def task(name: str) -> Task:
    """The task of that name, with the length that gymnax gives it.

    Raises:
        InputError: the library is missing.
        SettingError: it has no such task, or one whose actions are neither a choice nor an array of numbers.
    """
    env, params = made(name)
    space = env.action_space(params)
    if not (hasattr(space, "n") or hasattr(space, "low")):
        raise SettingError(f"gymnax task {name!r} asks for {space}: neither one choice nor an array of numbers")
    return Task(name, length=int(params.max_steps_in_episode))


@functools.cache
def made(name: str) -> tuple[Any, Any]:
    """The library's environment of that name, and its parameters.

    Raises:
        InputError: the library is missing.
        SettingError: it has no such task.
    """
    gymnax = library()
    if name not in gymnax.registered_envs:
        raise SettingError(unknown("gymnax task", name, gymnax.registered_envs))
    try:
        with jax.ensure_compile_time_eval():  # it may be asked for while something is traced, and is kept
            return gymnax.make(name)
    except OSError as error:  # MNISTBandit-bsuite downloads its images
        raise InputError(f"gymnax task {name!r} needs data that cannot be had here: {error}") from None


@contextlib.contextmanager
def _its_own_rules() -> Iterator[None]:
    """The library promotes ranks and types as it likes; our strictness is for our own code."""
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        yield


def _alike(state: State, like: State) -> State:
    """A state of the same types as another one, none of them weak: states are carried through loops."""
    return jax.tree.map(lambda leaf, other: jax.lax.convert_element_type(leaf, other.dtype), state, like)


def _as_taken(space: Any, action: Array) -> Array:
    """One player's action in the form that the task takes."""
    if hasattr(space, "n"):
        return action.astype(space.dtype)
    return jnp.clip(action.reshape(space.shape), space.low, space.high).astype(space.dtype)
