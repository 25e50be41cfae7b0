"""Registries: names, where they live as text, and one line about each. Reading one imports nothing."""

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from tacit.errors import SettingError
from tacit.settings import replace, unknown


class Entry(NamedTuple):
    """Where a named thing lives ("module:attribute", or a whole "module") and what it is, in one line."""

    target: str
    line: str


def load(kind: str, registry: Mapping[str, Entry], name: str) -> Any:
    """The registered thing of that name.

    Raises:
        SettingError: the name is unknown; the line names the nearest one and all that are allowed.
    """
    if name not in registry:
        raise SettingError(unknown(kind, name, registry))
    module, _, attribute = registry[name].target.partition(":")
    found = importlib.import_module(module)
    return getattr(found, attribute) if attribute else found


def modify(settings: Any, changes: dict[str, Any]) -> Any:
    """`settings` with some fields changed, or itself where nothing changes."""
    return replace(settings, changes) if changes else settings
