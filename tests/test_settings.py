"""Settings accept exactly their range, round-trip as plain data, and lead from a misspelled name to the nearest one."""

import json
import math
from types import SimpleNamespace

import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import pytest

from tacit import games, settings
from tacit.errors import SettingError
from tacit.games import GAMES
from tacit.learners import LEARNERS
from tacit.registry import load
from tacit.settings import setting
from tacit.types import Settings

prop = hypothesis.settings(max_examples=60, deadline=None, derandomize=True, database=None)


class Rules(Settings):
    """One field of every kind."""

    real: float = setting(0.5, "a real number", low=0.0, below=1.0)
    beyond: float = setting(0.5, "a real number above its bound", above=0.0, high=2.0)
    whole: int = setting(3, "a whole number", low=1, high=9)
    switch: bool = setting(False, "a switch")
    flavor: str = setting("sweet", "a name", choices=("sweet", "sour"))
    maybe: float | None = setting(None, "a real number or nothing", low=0.0, high=1.0)
    ends: tuple[float, float] = setting((0.0, 1.0), "two real numbers", low=-1.0, high=1.0)


def accepted(**values):
    """Whether a record with these values can be made; if not, one line must name them."""
    try:
        Rules(**values)
    except SettingError as error:
        said = str(error)
    else:
        return True
    assert "\n" not in said
    assert all(name in said for name in values)
    return False


anything = st.floats() | st.floats(-1.0, 3.0) | st.sampled_from([0.0, -0.0, 1.0, 2.0, 1 - 2**-53, 5e-324])


@prop
@hypothesis.given(anything)
def test_a_real_range_is_exact(x):
    assert accepted(real=x) == (0 <= x < 1)
    assert accepted(beyond=x) == (0 < x <= 2)
    assert accepted(maybe=x) == (0 <= x <= 1)
    assert accepted(ends=(0.0, x)) == (-1 <= x <= 1)


@prop
@hypothesis.given(st.integers() | st.integers(-1, 11))
def test_a_whole_range_is_exact(n):
    assert accepted(whole=n) == (1 <= n <= 9)


@prop
@hypothesis.given(st.text(max_size=6) | st.sampled_from(["sweet", "sour", "Sweet"]))
def test_choices_are_exact(word):
    assert accepted(flavor=word) == (word in ("sweet", "sour"))


WRONG = [
    ("whole", 3.0), ("whole", True), ("whole", "3"), ("whole", None), ("real", "0.5"), ("real", True), ("real", None),
    ("real", math.nan), ("beyond", math.inf), ("switch", 1), ("switch", "true"), ("flavor", 3), ("flavor", None),
    ("maybe", "none"), ("ends", 0.5), ("ends", (0.5,)), ("ends", (0.1, 0.2, 0.3)), ("ends", (0.1, "b")), ("ends", {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_wrong_types_are_refused(name, value):
    assert not accepted(**{name: value})


def test_all_problems_are_named_at_once():
    with pytest.raises(SettingError, match=r"real must be >= 0 and < 1, got 2.0; whole must be >= 1 and <= 9, got 0"):
        Rules(real=2.0, whole=0)


records = st.fixed_dictionaries(  # made into records inside the tests, where the type checker may draw at random
    {
        "real": st.floats(0.0, 1.0, exclude_max=True),
        "beyond": st.floats(0.0, 2.0, exclude_min=True),
        "whole": st.integers(1, 9),
        "switch": st.booleans(),
        "flavor": st.sampled_from(["sweet", "sour"]),
        "maybe": st.none() | st.floats(0.0, 1.0),
        "ends": st.tuples(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0)),
    }
)


@prop
@hypothesis.given(records)
def test_records_round_trip(values):
    record = Rules(**values)
    assert settings.replace(Rules(), settings.as_dict(record)) == record
    assert settings.replace(Rules(), json.loads(json.dumps(settings.as_dict(record)))) == record
    assert settings.replace(record, {}) == record


@prop
@hypothesis.given(records, st.integers(1, 9))
def test_replace_changes_one_field_only(values, n):
    record = Rules(**values)
    changed = settings.as_dict(settings.replace(record, {"whole": n}))
    assert changed == settings.as_dict(record) | {"whole": n}


def test_whole_numbers_become_real_where_a_real_one_is_meant():
    record = Rules(real=0, maybe=1, ends=(0, 1))
    assert [type(x) for x in (record.real, record.maybe, *record.ends)] == [float] * 4


def test_real_settings_are_leaves_and_others_are_form():
    assert jax.tree.leaves(Rules(maybe=0.25)) == [0.5, 0.5, 0.25, 0.0, 1.0]
    assert jax.tree.structure(Rules(whole=3)) != jax.tree.structure(Rules(whole=4))
    assert jax.tree.structure(Rules(real=0.1)) == jax.tree.structure(Rules(real=0.2))


def test_traced_values_pass_and_compile_once():
    traces = []

    @jax.jit
    def read(record):
        traces.append(record)
        return settings.replace(record, {"real": record.real * 2}).real

    assert [float(read(Rules(real=x))) for x in (0.125, 0.25)] == [0.25, 0.5]
    assert len(traces) == 1


KNOWN = ["learning_rate", "num_games", "discount", "init_std", "minibatches"]


@prop
@hypothesis.given(st.sampled_from(KNOWN), st.integers(0, 100), st.sampled_from("aeqz"))
def test_unknown_names_the_nearest(name, place, letter):
    at = place % len(name)
    for typo in (name[:at] + name[at + 1 :], name[:at] + letter + name[at:]):
        said = settings.unknown("setting", typo, KNOWN)
        assert said == f"unknown setting {typo!r} (did you mean {name}?); allowed: {', '.join(sorted(KNOWN))}"


def test_unknown_names_nothing_where_nothing_is_near():
    assert settings.unknown("game", "xyz", ["ipd", "imp"]) == "unknown game 'xyz'; allowed: imp, ipd"
    assert settings.unknown("game", "xyz", []) == "unknown game 'xyz'; allowed: none"


def test_replace_refuses_unknown_names():
    with pytest.raises(SettingError, match=r"unknown setting 'flavour'.*flavor"):
        settings.replace(Rules(), {"flavour": "sour"})


def test_allowed_in_words():
    words = {option.name: option.allowed for option in settings.options(Rules)}
    assert words == {
        "real": ">= 0 and < 1",
        "beyond": "> 0 and <= 2",
        "whole": ">= 1 and <= 9",
        "switch": "",
        "flavor": "one of sweet, sour",
        "maybe": ">= 0 and <= 1",
        "ends": ">= -1 and <= 1",
    }


@pytest.mark.parametrize("name", [*GAMES, *LEARNERS])
def test_every_setting_is_described_and_its_default_allowed(name):
    record = games.make(name) if name in GAMES else load("learner", LEARNERS, name).Config()
    for option in settings.options(type(record)):
        assert option.help
        assert not option.help.endswith(".")
        assert settings.problem(option, getattr(record, option.name)) is None
    assert settings.replace(record, json.loads(json.dumps(settings.as_dict(record)))) == record


def test_arrays_are_trusted():
    options = {option.name: option for option in settings.options(Rules)}
    assert settings.problem(options["real"], jnp.float32(7.0)) is None
    assert settings.problem(options["real"], 7.0) == "real must be >= 0 and < 1, got 7.0"
    with pytest.raises(TypeError):
        settings.options(SimpleNamespace)
