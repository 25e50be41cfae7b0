"""The run-time type checker of the tests: annotated shapes and types hold.

A real setting may be a whole number or, while it is traced, an array.
"""

import jax
from beartype import BeartypeConf, FrozenDict, beartype

typechecked = beartype(conf=BeartypeConf(hint_overrides=FrozenDict({float: float | int | jax.Array})))
