"""tacit: agents that learn among agents that learn.

Importing this package starts no JAX backend and imports nothing heavy; names are looked up when they are used.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "run": "tacit.loops",
    "chunks": "tacit.loops",
    "rollout": "tacit.loops",
    "unroll": "tacit.loops",
}
_MODULES = ("evaluation", "games", "learners", "loops", "nets", "ops", "recipes", "runs", "scale", "settings", "types")


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"tacit.{name}")
    raise AttributeError(f"module 'tacit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*_PUBLIC, *_MODULES, "__version__"])
