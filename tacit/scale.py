"""How runs meet the machine: a scheduler that can hang, where programs are kept, and seeds spread over devices."""

import functools
import hashlib
import os
import pathlib
import platform
import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

SAFE_SCHEDULER = "--xla_cpu_enable_concurrency_optimized_scheduler=false"
FAST_COMPILER = "--xla_cpu_use_fusion_emitters=false"
PATIENCE = tuple(f"--xla_cpu_collective_call_{what}_timeout_seconds=10000000" for what in ("terminate", "warn_stuck"))
KNOWN_JAX = (0, 10)  # the version series that knows these flags; XLA ends a process that passes it unknown ones


@functools.cache
def prepare() -> None:
    """Sets what CPU training needs in `XLA_FLAGS`; called by `run`, by the command line and by the tests.

    In JAX 0.10 a vmapped training loop can wait for ever on the CPU backend unless its concurrency-optimized
    scheduler is off; and its older code generator compiles this package's programs in about half the time, to equal
    speed. Devices that divide work (`divided`) may have to wait for each other, after 40 seconds of which XLA would
    end the process. These flags are appended to what the user set (whose choice of any stays) as long as no backend is
    up. When one is already up without the first, this warns, once.
    """
    from jax._src import xla_bridge  # JAX has no public way to ask whether a backend is up

    if jax.__version_info__[:2] != KNOWN_JAX:
        return
    flags = os.environ.get("XLA_FLAGS", "")
    missing = [flag for flag in (SAFE_SCHEDULER, FAST_COMPILER, *PATIENCE) if flag.partition("=")[0] not in flags]
    if not xla_bridge.backends_are_initialized():
        os.environ["XLA_FLAGS"] = " ".join([flags, *missing]).strip()
    elif SAFE_SCHEDULER in missing and jax.default_backend() == "cpu":
        warnings.warn(
            f"JAX's CPU backend was started without {SAFE_SCHEDULER} in XLA_FLAGS: long vmapped training can hang. "
            "Set it before the first JAX operation, or make tacit.run the first one.",
            stacklevel=3,
        )


def compiler_options(deep: bool) -> dict[str, bool | int | str] | None:
    """How a learner's loop is compiled: with the newer code generator if it is `deep`, else as `prepare` has it.

    Programs of networks run up to twice as fast by it, small ones equally fast, and all compile more slowly.
    """
    chosen = FAST_COMPILER not in os.environ.get("XLA_FLAGS", "")  # the user's own choice of either stays
    if not deep or chosen or jax.__version_info__[:2] != KNOWN_JAX:
        return None
    return {FAST_COMPILER.removeprefix("--").partition("=")[0]: True}


def use_all_cores() -> None:
    """Shows each processor core to JAX as a device of its own, as long as no backend is up.

    Seeds of a run are spread over devices, and one device per core trains about twice as fast on two cores as one
    device that uses both: small operations do not split. A count the user set (`XLA_FLAGS` or `JAX_NUM_CPU_DEVICES`)
    stays.
    """
    from jax._src import xla_bridge

    chosen = "--xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", "")
    if not (chosen or "JAX_NUM_CPU_DEVICES" in os.environ or xla_bridge.backends_are_initialized()):
        jax.config.update("jax_num_cpu_devices", len(os.sched_getaffinity(0)))


def precision(bits: int) -> Any:
    """A context in which real numbers have so many bits, 32 or 64."""
    return jax.enable_x64(bits == 64)


def precision_of(tree: PyTree) -> Any:
    """A context with the precision that this tree was computed in."""
    return precision(
        max((leaf.dtype.itemsize * 8 for leaf in jax.tree.leaves(tree) if leaf.dtype.kind == "f"), default=32)
    )


def spread(tree: PyTree) -> PyTree:
    """A tree of runs side by side, leaves `[S, ...]`, with equally many of them on each device.

    Where they do not come out even, the last is there several times: five on two devices are three and three, which
    takes as long as three, where one device alone would take as long as five. `first` leaves them out again.
    """
    return jax.tree.map(_spread, tree)


def _spread(leaf: Any) -> Any:
    size = len(leaf)
    share = -(-size // len(jax.devices()))  # of each device
    count = -(-size // share)
    if count == 1:
        return leaf
    if extra := share * count - size:
        leaf = np.concatenate([leaf, np.repeat(leaf[-1:], extra, axis=0)])
    devices, kinds = jax.devices()[:count], (jax.sharding.AxisType.Auto,)
    mesh = jax.make_mesh((count,), ("seeds",), devices=devices, axis_types=kinds)
    return jax.device_put(leaf, jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("seeds")))


def first(tree: PyTree, size: int) -> PyTree:
    """The first `size` of the runs that were spread."""
    return jax.tree.map(lambda leaf: leaf if len(leaf) == size else jnp.asarray(np.asarray(leaf)[:size]), tree)


def copied(tree: PyTree) -> PyTree:
    """A tree of which each device has a copy, for a program that divides its work itself (`divided`)."""
    return jax.device_put(tree, jax.sharding.NamedSharding(_all_devices(), jax.sharding.PartitionSpec()))


def filled(size: int) -> bool:
    """Whether so many things side by side fill all devices, each with as many as every other."""
    return size % len(jax.devices()) == 0


def divided(function: Callable[[PyTree], PyTree], tree: PyTree) -> PyTree:
    """`function` of a tree in parts along its first axis, one on each device; every device has the whole result.

    Args:
        function: takes leaves `[n, ...]`, of any n, to leaves `[n, ...]`, row by row.
        tree: is filled up with rows that come twice where devices do not divide it evenly.
    """
    devices, size = len(jax.devices()), len(jax.tree.leaves(tree)[0])
    rows = jnp.arange(-(-size // devices) * devices) % size

    def part(tree: PyTree) -> PyTree:
        return jax.tree.map(lambda leaf: jax.lax.all_gather(leaf, "parts", tiled=True), function(tree))

    spec = jax.sharding.PartitionSpec
    spread = jax.shard_map(part, mesh=_all_devices(), in_specs=spec("parts"), out_specs=spec(), check_vma=False)
    return jax.tree.map(lambda leaf: leaf[:size], spread(jax.tree.map(lambda leaf: leaf[rows], tree)))


def _all_devices() -> jax.sharding.Mesh:
    return jax.sharding.Mesh(np.array(jax.devices()), ("parts",))


def cache_programs() -> None:
    """Keeps compiled programs on disk, so that only the first run of a kind compiles.

    The folder is `JAX_COMPILATION_CACHE_DIR` where set, else one below `XDG_CACHE_HOME` (`~/.cache`) for this
    version of JAX and this processor: programs of another machine type may not run here.
    """
    if not jax.config.jax_compilation_cache_dir:  # pyright: ignore[reportAttributeAccessIssue]
        home = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
        machine = hashlib.sha256(_processor().encode()).hexdigest()[:12]
        jax.config.update("jax_compilation_cache_dir", str(home / "tacit" / f"jax-{jax.__version__}-{machine}"))
        jax.config.update("jax_compilation_cache_max_size", 10**9)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def _processor() -> str:
    """The processor's model and abilities, which compiled programs depend on."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return "".join(sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))}))
    except OSError:
        return platform.processor() + platform.machine()
