"""Rows of metrics come back as they were written; what a crash cut off is dropped, what is damaged is refused."""

import json

import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest

from tacit.errors import RunError
from tacit.runs import metrics


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metrics.jsonl"


def write_two(path):
    metrics.append(path, 10, 5, {"value": np.array([[1.0, 2.0], [3.0, 4.0]])}, 1.5)


def test_rows_come_back(path):
    write_two(path)
    metrics.append(path, 12, 5, {"value": np.array([[5.0, 6.0]])}, 2.0)
    found = metrics.read(path)
    assert found["iteration"].tolist() == [5, 10, 12]
    assert found["wall"].tolist() == [1.5, 1.5, 2.0]
    assert found["value"].tolist() == [[1, 2], [3, 4], [5, 6]]


def test_each_line_is_a_json_object(path):
    metrics.append(path, 1, 1, {"a": np.array([[np.nan, np.inf]]), "b": np.array([[[-np.inf, 1.0]]])}, 0.0)
    (line,) = path.read_text().splitlines()

    def refuse(word):
        raise AssertionError(word)

    row = json.loads(line, parse_constant=refuse)
    assert row == {"iteration": 1, "wall": 0.0, "a": [None, None], "b": [[None, 1.0]]}


def test_nothing_reported_comes_back_as_nan(path):
    values = np.array([[1.0, np.nan], [np.nan, 2.0]])
    metrics.append(path, 2, 1, {"return": values}, 0.0)
    assert np.array_equal(metrics.read(path)["return"], values, equal_nan=True)


@hypothesis.settings(max_examples=40, deadline=None, derandomize=True, database=None)
@hypothesis.given(
    hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=4, max_side=3), elements=st.floats(width=32))
)
def test_any_numbers_come_back_to_seven_digits(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("metrics") / "metrics.jsonl"
    metrics.append(path, len(values), 1, {"x": values}, 0.0)
    found = metrics.read(path)["x"]
    wanted = np.where(np.isfinite(values), values.astype(float), np.nan)
    assert found.shape == values.shape
    assert np.allclose(found, wanted, rtol=1e-6, atol=0, equal_nan=True)


@pytest.mark.parametrize("kept", [1, 10, 30])
def test_a_line_that_was_cut_off_is_dropped(path, kept):
    write_two(path)
    content = path.read_bytes()
    first = content.index(b"\n") + 1
    path.write_bytes(content[: first + kept])
    assert metrics.read(path)["iteration"].tolist() == [5]


def test_a_damaged_line_in_the_middle_is_refused(path):
    write_two(path)
    write_two(path)
    lines = path.read_bytes().split(b"\n")
    lines[1] = lines[1][:-4]
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(RunError, match=r"metrics\.jsonl, line 2, is damaged"):
        metrics.read(path)


def test_rows_that_do_not_go_together_are_refused(path):
    for second in ({"value": np.zeros((1, 3))}, {"reward": np.zeros((1, 2))}):
        path.unlink(missing_ok=True)
        write_two(path)
        metrics.append(path, 11, 1, second, 0.0)
        with pytest.raises(RunError, match="its rows differ"):
            metrics.read(path)


def test_no_file_and_no_rows(path):
    assert metrics.read(path) == {}
    assert metrics.size(path) == 0
    metrics.append(path, 0, 1, {}, 0.0)
    assert metrics.read(path) == {}


def test_truncation(path):
    write_two(path)
    length = metrics.settle(path)
    assert length == path.stat().st_size
    before = path.read_bytes()
    write_two(path)
    metrics.truncate(path, length)
    assert path.read_bytes() == before
    with pytest.raises(RunError, match=f"is damaged: {length} bytes, but the checkpoint saw {length + 1}"):
        metrics.truncate(path, length + 1)
    metrics.truncate(path, 0)
    assert metrics.read(path) == {}


def test_truncating_nothing(path):
    metrics.truncate(path, 0)
    assert not path.exists()
    with pytest.raises(RunError, match="0 bytes"):
        metrics.truncate(path, 1)


@pytest.mark.parametrize(
    ("iterations", "seeds"), [(1, 1), (2000, 8), (2001, 8), (10**6, 8), (10**6, 4096), (101, 10**6)]
)
def test_rows_stay_few(iterations, seeds):
    every = metrics.every_for(iterations, seeds)
    rows = -(-iterations // every)
    assert 1 <= rows <= 2000
    assert rows <= 50 or rows * seeds <= metrics.MAX_NUMBERS
    assert every == 1 or -(-iterations // (every - 1)) > min(2000, max(50, metrics.MAX_NUMBERS // seeds))
