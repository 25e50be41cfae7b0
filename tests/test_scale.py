"""Flags for XLA leave the user's own choices alone, and seeds spread over devices without changing a number."""

import json
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import scale

# Backends start once in a process, so what happens before and at their start needs one of its own.
SCRIPT = """
import json, os, sys, warnings
import tacit
found = {"tacit imports jax": "jax" in sys.modules, "names": dir(tacit)}
import jax
from jax._src import xla_bridge
from tacit import games, learners, recipes, scale, evaluation, loops, nets
from tacit.recipes import reproduction
from tacit.runs import policies, report, training
for name in games.GAMES:
    games.make(name)
for name in recipes.RECIPES:
    reproduction.recipe_named(name)
found["backend after imports"] = xla_bridge.backends_are_initialized()

def after(flags):
    os.environ.pop("XLA_FLAGS", None)
    if flags is not None:
        os.environ["XLA_FLAGS"] = flags
    scale.prepare.cache_clear()
    scale.prepare()
    return os.environ.get("XLA_FLAGS")

found["backend after prepare"] = xla_bridge.backends_are_initialized()
found["flags"] = {str(flags): after(flags) for flags in FLAGS}
known, scale.KNOWN_JAX = scale.KNOWN_JAX, (0, 1)
found["other jax"] = after("--xla_cpu_enable_fast_math=false")
scale.KNOWN_JAX = known

scale.cache_programs()
found["cache"] = jax.config.jax_compilation_cache_dir
after("--xla_cpu_enable_fast_math=false")
scale.use_all_cores()
found["devices"] = jax.device_count()
found["cores"] = len(os.sched_getaffinity(0))
found["sum"] = float(jax.numpy.ones(3).sum())

def warned(flags, times):
    os.environ["XLA_FLAGS"] = flags
    scale.prepare.cache_clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(times):
            scale.prepare()
    return [str(warning.message) for warning in caught], os.environ["XLA_FLAGS"]

found["too late"] = warned("", 3)
found["in time"] = warned(scale.SAFE_SCHEDULER, 3)
print(json.dumps(found))
"""
USER = "--xla_cpu_enable_fast_math=false"
REST = " ".join(scale.PATIENCE)
ALL = f"{scale.SAFE_SCHEDULER} {scale.FAST_COMPILER} {REST}"
FLAGS = {
    None: ALL,
    "": ALL,
    USER: f"{USER} {ALL}",
    "--xla_cpu_use_fusion_emitters=true": f"--xla_cpu_use_fusion_emitters=true {scale.SAFE_SCHEDULER} {REST}",
    "--xla_cpu_enable_concurrency_optimized_scheduler=true": (
        f"--xla_cpu_enable_concurrency_optimized_scheduler=true {scale.FAST_COMPILER} {REST}"
    ),
    ALL: ALL,
}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """What a process of its own found."""
    left_out = ("XLA_FLAGS", "JAX_COMPILATION_CACHE_DIR", "JAX_NUM_CPU_DEVICES")
    home = tmp_path_factory.mktemp("home")
    given = {name: value for name, value in os.environ.items() if name not in left_out}
    given |= {"XDG_CACHE_HOME": str(home), "JAX_PLATFORMS": "cpu"}
    script = f"FLAGS = {list(FLAGS)!r}\n{SCRIPT}"
    done = subprocess.run([sys.executable, "-c", script], env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) | {"home": str(home)}


def test_importing_starts_nothing(fresh):
    assert fresh["tacit imports jax"] is False
    assert {"run", "games", "learners", "scale", "__version__"} <= set(fresh["names"])
    assert fresh["backend after imports"] is False
    assert fresh["backend after prepare"] is False


@pytest.mark.parametrize("given", FLAGS)
def test_flags_are_appended_and_choices_stay(fresh, given):
    assert fresh["flags"][str(given)] == FLAGS[given]


def test_other_versions_of_jax_get_no_flags(fresh):
    assert fresh["other jax"] == USER


def test_flags_are_understood_by_xla(fresh):
    assert fresh["sum"] == 3.0


def test_every_core_is_a_device(fresh):
    assert fresh["devices"] == fresh["cores"]


def test_programs_are_kept_below_the_users_cache(fresh):
    assert fresh["cache"].startswith(f"{fresh['home']}/tacit/jax-{jax.__version__}-")


def test_a_backend_without_the_flag_warns_once(fresh):
    messages, flags = fresh["too late"]
    assert len(messages) == 1
    assert scale.SAFE_SCHEDULER in messages[0]
    assert flags == ""
    assert fresh["in time"] == [[], scale.SAFE_SCHEDULER]


def test_chosen_counts_of_devices_stay(monkeypatch):
    changed = []
    monkeypatch.setattr(jax.config, "update", lambda *change: changed.append(change))
    monkeypatch.setattr("jax._src.xla_bridge.backends_are_initialized", lambda: False)
    scale.use_all_cores()  # the tests chose one in XLA_FLAGS
    monkeypatch.setenv("XLA_FLAGS", "")
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "1")
    scale.use_all_cores()
    assert changed == []
    monkeypatch.delenv("JAX_NUM_CPU_DEVICES")
    scale.use_all_cores()
    assert changed == [("jax_num_cpu_devices", len(os.sched_getaffinity(0)))]


def test_precision():
    with scale.precision(64):
        wide = jnp.ones(2)
    with scale.precision(32):
        narrow = jnp.ones(2)
    assert (wide.dtype, narrow.dtype) == (jnp.float64, jnp.float32)
    for tree, dtype in (
        ((wide, jnp.arange(2)), jnp.float64),
        ((narrow, jnp.arange(2)), jnp.float32),
        ((), jnp.float32),
    ):
        with scale.precision_of(tree):
            assert jnp.ones(1).dtype == dtype


@pytest.mark.parametrize("size", range(1, 6))
def test_divided_work_comes_back_whole_and_in_order(size):
    parts = []

    def squared(part):
        parts.append(part["a"].shape)
        return {"square": part["a"] ** 2, "sum": part["a"].sum(1) + part["b"]}

    tree = {"a": jnp.arange(2.0 * size).reshape(size, 2), "b": jnp.arange(size) / 8}
    found = jax.jit(lambda tree: scale.divided(squared, tree))(tree)
    assert parts == [(-(-size // 2), 2)]  # each of the two devices has half of the rows
    for name, wanted in {"square": tree["a"] ** 2, "sum": tree["a"].sum(1) + tree["b"]}.items():
        np.testing.assert_array_equal(found[name], wanted)
        assert found[name].sharding.is_fully_replicated
        assert len(found[name].sharding.device_set) == 2
    assert scale.filled(size) == (size % 2 == 0)
    everywhere = scale.copied(tree)
    assert everywhere["a"].sharding.is_fully_replicated
    np.testing.assert_array_equal(everywhere["a"], tree["a"])


@pytest.mark.parametrize("size", range(1, 7))
def test_equally_many_seeds_are_on_each_device(size):
    tree = {"a": np.arange(2.0 * size).reshape(size, 2), "b": np.arange(size)}
    found = scale.spread(tree)
    used = min(size, 2)
    assert len(jnp.asarray(found["a"]).sharding.device_set) == used
    assert len(found["a"]) == len(found["b"]) == size + (used - size % used) % used
    for name, leaf in tree.items():
        assert np.array_equal(scale.first(found, size)[name], leaf)
        assert (np.asarray(found[name])[size:] == leaf[-1]).all()  # and not the first again, nor zeros


@pytest.mark.parametrize(
    ("size", "devices", "held", "used"),
    [(5, 4, 6, 3), (10, 4, 12, 4), (9, 8, 10, 5), (5, 16, 5, 5), (17, 16, 18, 9), (3, 1, 3, 1), (64, 8, 64, 8)],
)
def test_no_device_has_more_than_its_share(size, devices, held, used, monkeypatch):
    """Of the smallest number that the fullest device must hold, none holds less but for what is missing."""
    asked = []
    monkeypatch.setattr(jax, "devices", lambda: list(range(devices)))
    monkeypatch.setattr(jax, "make_mesh", lambda shape, *_, **__: asked.append(shape))
    monkeypatch.setattr(jax.sharding, "NamedSharding", lambda *_: None)
    monkeypatch.setattr(jax, "device_put", lambda leaf, _: leaf)
    assert len(scale.spread(np.arange(size))) == held
    assert asked == ([(used,)] if used > 1 else [])
