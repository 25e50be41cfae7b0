"""Policies that are handed on: parameters in a safetensors file, and in JSON what they belong to."""

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
from tacit.runs import checkpoint, store
from tacit.runs.experiment import Experiment, Resolved, as_dict, from_dict, resolve
from tacit.runs.training import Finished
from tacit.scale import precision
from tacit.types import Params, Policy, State

MAX_BYTES = 256 * 2**20


class Loaded(NamedTuple):
    """Policies of a run: the game they play, and for each seat its policy and parameters, leaves `[S, ...]`."""

    game: Game
    seats: tuple[tuple[Policy, Params], ...]
    experiment: Experiment


def save(run: Finished) -> None:
    """Writes `policy.safetensors` and `policy.json` of a finished run into its folder."""
    from safetensors.numpy import save as pack

    folder = run.folder
    with precision(run.experiment.precision):
        params = _params(run.resolved, run.state)
    content = pack({name: np.asarray(leaf, order="C") for name, leaf in checkpoint.named_leaves(params).items()})
    store.write(folder.path / "policy.safetensors", content)
    about = {
        "schema": store.SCHEMA,
        "sha256": hashlib.sha256(content).hexdigest(),
        "experiment": as_dict(run.experiment),
        "provenance": store.read_json(folder.path / "provenance.json"),
    }
    store.write_json(folder.path / "policy.json", about)


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


def load(path: pathlib.Path) -> Loaded:
    """Loads the policies of a run folder. Nothing in the files is executed.

    Raises:
        RunError: a file is missing, damaged, too large, or belongs to another learner or version.
        SettingError: it names a game or learner this version does not know.
    """
    about = store.read_json(path / "policy.json")
    if about.get("schema") != store.SCHEMA or not isinstance(about.get("experiment"), dict):
        raise RunError(f"{path / 'policy.json'} is damaged or of another version")
    file = path / "policy.safetensors"
    try:
        if file.stat().st_size > MAX_BYTES:
            raise RunError(f"{file} is larger than {MAX_BYTES} bytes")
        content = file.read_bytes()
    except OSError as error:
        raise RunError(f"{file} cannot be read: {error.strerror}") from None
    if hashlib.sha256(content).hexdigest() != about.get("sha256"):
        raise RunError(f"{file} is damaged: its checksum differs")
    experiment = from_dict(about["experiment"])
    with precision(experiment.precision):
        resolved = resolve(experiment)
        learner = resolved.make(resolved.game, resolved.config)
        keys = jax.eval_shape(functools.partial(jax.random.split, num=experiment.seeds), jax.random.key(0))
        states = jax.eval_shape(jax.vmap(learner.init), keys)
        expected = jax.eval_shape(jax.vmap(lambda s: tuple(params for _, params in learner.policy(s))), states)
    params = checkpoint.fill(expected, checkpoint.unpack(content, file.name), file.name)
    if bad := checkpoint.not_finite(params):
        raise RunError(f"{file} holds numbers that are not finite: {bad[0]}")
    policies = [policy for policy, _ in _policies(resolved)]
    return Loaded(resolved.game, tuple(zip(policies, params, strict=True)), experiment)


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
