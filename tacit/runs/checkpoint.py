"""Checkpoints: the whole state of a learner in one safetensors file, beside a record that proves it whole.

A checkpoint counts only if its record is there and its size and SHA-256 agree; damage of any kind is found before a
number is read. The newest that counts is used, and the last `KEEP` are kept. Nothing in such a file is ever executed.
"""

import hashlib
import json
import pathlib
import struct
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import PyTree

from tacit.errors import RunError
from tacit.runs.store import read_json, write, write_json

KEEP = 3
MAX_HEADER = 10**7  # bytes of a file's table of contents


class Restored(NamedTuple):
    """A state read back: the state, its record, and one line for each newer checkpoint that could not be used."""

    state: PyTree
    record: dict[str, Any]
    refused: tuple[str, ...]


def named_leaves(tree: PyTree) -> dict[str, Any]:
    """The leaves of a tree by their path, a name such as `.params.actor[0].weight`."""
    return {jax.tree_util.keystr(path): leaf for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]}


def save(folder: pathlib.Path, iteration: int, state: PyTree, record: dict[str, Any]) -> None:
    """Writes a checkpoint, then the record that makes it count, then forgets the oldest.

    Args:
        folder: `checkpoints/` of a run; made if missing.
        state: every leaf is a NumPy array (see `on_host`).
        record: more to remember with it.

    Raises:
        OSError: the disk is full, say; checkpoints written before stay as they are.
    """
    from safetensors.numpy import save as pack

    folder.mkdir(exist_ok=True)
    content = pack({name: np.asarray(leaf, order="C") for name, leaf in named_leaves(state).items()})
    name = f"{iteration:010d}"
    write(folder / f"{name}.safetensors", content)
    proof = {"iteration": iteration, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    write_json(folder / f"{name}.json", proof | record)
    for old in sorted(folder.glob("*.json"))[:-KEEP]:
        old.unlink()
        old.with_suffix(".safetensors").unlink(missing_ok=True)


def on_host(state: PyTree) -> PyTree:
    """`state` with every leaf as a NumPy array."""
    return jax.tree.map(np.asarray, state)


def not_finite(state: PyTree) -> list[str]:
    """Names of the leaves of a host state that hold a NaN or an infinity."""
    leaves = named_leaves(state)
    return [name for name, x in leaves.items() if np.issubdtype(x.dtype, np.floating) and not np.isfinite(x).all()]


def restore(folder: pathlib.Path, expected: PyTree) -> Restored:
    """The newest checkpoint that is whole and fits.

    Args:
        expected: a tree of shapes and dtypes, as `jax.eval_shape` of the learner's `init` gives.

    Raises:
        RunError: there is no usable checkpoint; the line says what is wrong with each.
    """
    refused = []
    for path in sorted(folder.glob("*.json"), reverse=True):
        try:
            record = read_json(path)
            state = _read(path.with_suffix(".safetensors"), record, expected)
        except RunError as error:
            refused.append(str(error))
            continue
        return Restored(state, record, tuple(refused))
    raise RunError(f"{folder.parent} has no usable checkpoint" + "".join(f"; {line}" for line in refused))


def _read(path: pathlib.Path, record: dict[str, Any], expected: PyTree) -> PyTree:
    if f"{record.get('iteration')}".zfill(len(path.stem)) != path.stem:
        raise RunError(f"checkpoint {path.name} is damaged: its record is of iteration {record.get('iteration')}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RunError(f"checkpoint {path.name} cannot be read: {error.strerror}") from None
    if len(content) != record.get("size"):
        raise RunError(f"checkpoint {path.name} is damaged: {len(content)} bytes instead of {record.get('size')}")
    if hashlib.sha256(content).hexdigest() != record.get("sha256"):
        raise RunError(f"checkpoint {path.name} is damaged: its checksum differs")
    return fill(expected, unpack(content, path.name), path.name)


def unpack(content: bytes, name: str) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file.

    Raises:
        RunError: it is none, or its table of contents is implausibly large.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if len(content) < 8 or struct.unpack("<Q", content[:8])[0] > MAX_HEADER:
        raise RunError(f"{name} is not a safetensors file")
    try:
        return load(content)
    except (SafetensorError, json.JSONDecodeError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{name} is not a safetensors file: {error}") from None


def fill(expected: PyTree, arrays: dict[str, np.ndarray], name: str) -> PyTree:
    """The tree `expected` with its leaves from `arrays`.

    Raises:
        RunError: a leaf is missing, left over, or has another shape or dtype.
    """
    wanted = named_leaves(expected)
    if wanted.keys() != arrays.keys():
        odd = sorted(wanted.keys() ^ arrays.keys())
        raise RunError(f"{name} does not fit this learner: {len(odd)} parts differ, first {odd[0]}")
    for part, leaf in wanted.items():
        found = arrays[part]
        if found.shape != leaf.shape or found.dtype != leaf.dtype:
            wish = f"{leaf.dtype}{list(leaf.shape)}"
            raise RunError(f"{name} does not fit this learner: {part} is {found.dtype}{list(found.shape)}, not {wish}")
    leaves, form = jax.tree.flatten(expected)
    del leaves
    return jax.tree.unflatten(form, [arrays[part] for part in wanted])
