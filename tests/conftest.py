"""What every test runs under: two CPU devices, strict ranks, shapes checked, and a cache of compiled programs."""

import gc
import os
import pathlib
import tempfile

# Compiling is most of the work of small tests, and unoptimized programs compile seven times as fast.
os.environ["XLA_FLAGS"] = " ".join(
    [os.environ.get("XLA_FLAGS", ""), "--xla_force_host_platform_device_count=2", "--xla_backend_optimization_level=0"]
)
# One folder for all workers and the programs they start; the first to need a program compiles it.
CACHE = pathlib.Path(tempfile.gettempdir()) / f"tacit-tests-{os.getuid()}"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE / "jax"))

import jax
import pytest
from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

hook = install_import_hook("tacit", "checker.typechecked")

from tacit import scale

scale.prepare()
scale.cache_programs()
jax.config.update("jax_numpy_rank_promotion", "raise")

# Properties are tried on the same few examples every time; fixtures only set the precision, so they may be shared.
shared = [HealthCheck.function_scoped_fixture]
settings.register_profile(
    "few", max_examples=20, deadline=None, derandomize=True, database=None, suppress_health_check=shared
)
settings.load_profile("few")


MOST_MAPS = 20_000  # of memory; Linux allows a process 65,530


@pytest.fixture(autouse=True, scope="module")
def few_programs():
    """Forgets compiled programs before there are too many: each takes a few maps, and without one more XLA crashes."""
    yield
    maps = pathlib.Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > MOST_MAPS:
        jax.clear_caches()
        gc.collect()


@pytest.fixture
def strict():
    """Strict dtype promotion, for our own games, operations and losses (Optax does not pass it)."""
    with jax.numpy_dtype_promotion("strict"):
        yield


@pytest.fixture
def x64():
    """64-bit real numbers, for what is compared with exact figures."""
    with jax.enable_x64(True):
        yield
