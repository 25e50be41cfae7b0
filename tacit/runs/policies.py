"""Policies that are handed on: parameters in a safetensors file, and in JSON what they belong to.

Where all seats play by the same parameters, these are stored once.
"""

import functools
import hashlib
import pathlib
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tacit import registry, settings
from tacit.errors import RunError
from tacit.games.base import Game
from tacit.learners import LEARNERS, SAMPLED_SHAPERS, SHAPERS
from tacit.policies import POLICIES, place
from tacit.runs import checkpoint, store
from tacit.runs.experiment import Experiment, Resolved, as_dict, from_dict, resolve
from tacit.runs.store import RunFolder
from tacit.runs.training import Finished, read_back
from tacit.scale import precision
from tacit.types import Params, Policy, State

MAX_BYTES = 256 * 2**20


class Loaded(NamedTuple):
    """Policies of a run: the game they play, and for each seat its policy and parameters, leaves `[S, ...]`."""

    game: Game
    seats: tuple[tuple[Policy, Params], ...]
    experiment: Experiment


def save(run: Finished, folder: pathlib.Path | None = None, more: dict[str, Any] | None = None) -> None:
    """Writes `policy.safetensors` and `policy.json` of a run.

    Args:
        folder: where to; the run's own, unless given.
        more: further entries of `policy.json`.
    """
    from safetensors.numpy import save as pack

    folder = folder or run.folder.path
    with precision(run.experiment.precision):
        params = _params(run.resolved, run.state)
    shared = _alike(params)
    stored = params[:1] if shared else params
    content = pack({name: np.asarray(leaf, order="C") for name, leaf in checkpoint.named_leaves(stored).items()})
    store.write(folder / "policy.safetensors", content)
    about = {
        "schema": store.SCHEMA,
        "sha256": hashlib.sha256(content).hexdigest(),
        "shared": shared,
        "experiment": as_dict(run.experiment),
        "provenance": store.read_json(run.folder.path / "provenance.json"),
    }
    store.write_json(folder / "policy.json", about | (more or {}))


def _alike(params: tuple[Params, ...]) -> bool:
    """Whether all seats, of several, have the same parameters."""
    first, *others = ([*map(np.asarray, jax.tree.leaves(each))] for each in params)
    same = [len(each) == len(first) and all(map(np.array_equal, each, first)) for each in others]
    return bool(same) and bool(first) and all(same)


def of(run: Finished) -> Loaded:
    """The policies that a run ended with, without a detour through files."""
    with precision(run.experiment.precision):
        params = _params(run.resolved, run.state)
        policies = [policy for policy, _ in _policies(run.resolved)]
    return Loaded(run.game, tuple(zip(policies, params, strict=True)), run.experiment)


def _params(resolved: Resolved, state: State) -> Any:
    learner = resolved.make(resolved.game, resolved.config)

    def one(state: State) -> tuple[Params, ...]:
        return tuple(params for _, params in learner.policy(state))

    return checkpoint.on_host(jax.jit(jax.vmap(one))(state))


def load(path: pathlib.Path | str) -> Loaded:
    """Loads the policies of a run folder, or by name those that come with the package. Nothing in them is executed.

    Raises:
        RunError: a file is missing, damaged, too large, or belongs to another learner, variant or version.
        SettingError: it names a game or learner this version does not know.
    """
    path = place(path) if isinstance(path, str) and path in POLICIES else pathlib.Path(path)
    about = store.read_json(path / "policy.json")
    if about.get("schema") != store.SCHEMA or not isinstance(about.get("experiment"), dict):
        raise RunError(f"{path / 'policy.json'} is damaged or of another version")
    content = _content(path / "policy.safetensors", about)
    experiment = from_dict(about["experiment"])
    with precision(experiment.precision):
        resolved = resolve(experiment)
        learner = resolved.make(resolved.game, resolved.config)
        keys = jax.eval_shape(functools.partial(jax.random.split, num=experiment.seeds), jax.random.key(0))
        states = jax.eval_shape(jax.vmap(learner.init), keys)
        expected = jax.eval_shape(jax.vmap(lambda s: tuple(params for _, params in learner.policy(s))), states)
    seats, file = len(expected), path / "policy.safetensors"
    stored = expected[:1] if about.get("shared") else expected
    params = checkpoint.fill(stored, checkpoint.unpack(content, file.name), file.name)
    if bad := checkpoint.not_finite(params):
        raise RunError(f"{file} holds numbers that are not finite: {bad[0]}")
    policies, params = [policy for policy, _ in _policies(resolved)], params * (seats // len(params))
    return Loaded(resolved.game, tuple(zip(policies, params, strict=True)), experiment)


def _content(file: pathlib.Path, about: dict[str, Any]) -> bytes:
    """The parameters' file, which must be what its description says."""
    try:
        if file.stat().st_size > MAX_BYTES:
            raise RunError(f"{file} is larger than {MAX_BYTES} bytes")
        content = file.read_bytes()
    except OSError as error:
        raise RunError(f"{file} cannot be read: {error.strerror}") from None
    if hashlib.sha256(content).hexdigest() != about.get("sha256"):
        raise RunError(f"{file} is damaged: its checksum differs")
    return content


def run_in(path: pathlib.Path) -> Finished:
    """The training run in a folder, as its newest usable checkpoint has it.

    Raises:
        RunError: there is none, or it is a recipe's, whose runs are in folders of their own.
    """
    folder = RunFolder.open(path)
    if "recipe" in store.read_json(path / "config.json"):
        raise RunError(f"{path} is a recipe's; name one of its rows, as in {path}/rows/*")
    return read_back(folder)


def learned_rule(path: pathlib.Path, changes: dict[str, Any]) -> tuple[Any, Any]:
    """The learning rule that a run learned, in play: its `make` function and its settings, some of them changed.

    Raises:
        RunError: the folder is no run, is damaged, or its learner learns no learning rule.
        SettingError: a setting is unknown or refused.
    """
    if not path.is_dir():
        raise RunError(f"there is no run folder {path}")
    found = load(path)
    name = found.experiment.learner
    able = [shaper for shaper in SHAPERS if shaper not in SAMPLED_SHAPERS]
    if name not in able:
        raise RunError(f"{path} holds {name}, which is no learning rule that can play here ({', '.join(able)} are)")
    module = registry.load("learner", LEARNERS, name)
    agents = tuple(jax.tree.map(jnp.asarray, params) for _, params in found.seats)
    return module.play, settings.replace(module.Played(agents=agents), changes)


def _policies(resolved: Resolved) -> tuple[tuple[Policy, Params], ...]:
    """The policy of each seat (its parameters are not meant)."""
    learner = resolved.make(resolved.game, resolved.config)
    found: list[tuple[tuple[Policy, Params], ...]] = []
    jax.eval_shape(lambda key: found.append(learner.policy(learner.init(key))), jax.random.key(0))
    return found[0]
