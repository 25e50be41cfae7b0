"""The run-time type checker of the tests: annotated shapes and types hold, whole numbers pass for real ones."""

from beartype import BeartypeConf, beartype

typechecked = beartype(conf=BeartypeConf(is_pep484_tower=True))
