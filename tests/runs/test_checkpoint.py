"""Checkpoints come back in equal bits, or are refused in one line and the one before them is used."""

import hashlib
import json
import pathlib
import pickle
import random
import re
from typing import NamedTuple

import numpy as np
import pytest

import tacit
from tacit.errors import RunError
from tacit.runs import checkpoint

DTYPES = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]


class State(NamedTuple):
    """A state with leaves in several depths."""

    weights: np.ndarray
    rest: tuple


def state_of(value=1.0):
    return State(np.full((2, 3), value, np.float32), ({"count": np.arange(2, dtype=np.int32)}, np.float32(value)))


@pytest.fixture
def saved(tmp_path):
    """A folder with checkpoints of iterations 1, 2 and 3, each filled with its number."""
    folder = tmp_path / "checkpoints"
    for iteration in (1, 2, 3):
        checkpoint.save(folder, iteration, state_of(float(iteration)), {"wall": 0.5})
    return folder


def newest(folder):
    return folder / "0000000003.safetensors"


def expect_the_one_before(folder, said):
    """The newest is refused in one line that says so, and the one before it is used."""
    found = checkpoint.restore(folder, state_of())
    assert found.record["iteration"] == 2
    assert (found.state.weights == 2.0).all()
    (line,) = found.refused
    assert re.search(said, line)
    assert "\n" not in line


def rewrite(path, content):
    """Replaces a file and makes its record agree with it."""
    path.write_bytes(content)
    record = json.loads(path.with_suffix(".json").read_text())
    record |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    path.with_suffix(".json").write_text(json.dumps(record))


def test_all_dtypes_and_shapes_come_back(tmp_path):
    draw = np.random.default_rng(0)
    shapes = [(), (1,), (0, 3), (2, 3), (3, 1, 2)]
    state = {f"{d}{s}": draw.integers(0, 100, s, np.int64).astype(d) for d in DTYPES for s in shapes}
    state["special"] = np.array([np.nan, np.inf, -0.0, 5e-324])
    state["turned"] = np.arange(6.0).reshape(2, 3).T
    checkpoint.save(tmp_path / "c", 7, state, {"wall": 1.5})
    found = checkpoint.restore(tmp_path / "c", state)
    assert found.refused == ()
    assert found.record["iteration"] == 7
    assert found.record["wall"] == 1.5
    assert found.state.keys() == state.keys()
    for name, leaf in state.items():
        back = found.state[name]
        assert (back.dtype, back.shape) == (leaf.dtype, leaf.shape)
        assert back.tobytes() == leaf.tobytes()


def test_the_form_of_the_state_comes_back(saved):
    found = checkpoint.restore(saved, state_of())
    assert isinstance(found.state, State)
    assert found.state.rest[0]["count"].tolist() == [0, 1]
    assert found.state.rest[1] == 3.0


def test_only_the_newest_are_kept(saved):
    for iteration in (4, 5):
        checkpoint.save(saved, iteration, state_of(), {})
    assert checkpoint.KEEP == 3
    kept = {f"{iteration:010d}" for iteration in (3, 4, 5)}
    assert {path.name for path in saved.iterdir()} == {name + end for name in kept for end in (".json", ".safetensors")}


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.999])
def test_a_cut_file(saved, share):
    content = newest(saved).read_bytes()
    newest(saved).write_bytes(content[: int(share * len(content))])
    expect_the_one_before(saved, "0000000003.safetensors is damaged: .* bytes instead of")


def test_every_flipped_bit_is_found(saved):
    content = newest(saved).read_bytes()
    draw = random.Random(0)
    for _ in range(100):
        place, bit = draw.randrange(len(content)), draw.randrange(8)
        flipped = bytearray(content)
        flipped[place] ^= 1 << bit
        newest(saved).write_bytes(flipped)
        expect_the_one_before(saved, "0000000003.safetensors is damaged: its checksum differs")
    newest(saved).write_bytes(content)
    assert checkpoint.restore(saved, state_of()).record["iteration"] == 3


def test_a_missing_file(saved):
    newest(saved).unlink()
    expect_the_one_before(saved, "0000000003.safetensors cannot be read: No such file")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"null"])
def test_a_damaged_record(saved, content):
    newest(saved).with_suffix(".json").write_bytes(content)
    expect_the_one_before(saved, "0000000003.json")


@pytest.mark.parametrize("entry", ["size", "sha256", "iteration"])
def test_a_record_without_an_entry(saved, entry):
    path = newest(saved).with_suffix(".json")
    record = json.loads(path.read_text())
    del record[entry]
    path.write_text(json.dumps(record))
    expect_the_one_before(saved, "0000000003.safetensors is damaged")


def test_a_missing_record(saved):
    newest(saved).with_suffix(".json").unlink()  # as if the process died between the two files
    found = checkpoint.restore(saved, state_of())
    assert found.record["iteration"] == 2
    assert found.refused == ()


def test_all_damaged(saved):
    for path in saved.glob("*.safetensors"):
        path.write_bytes(b"nothing")
    with pytest.raises(RunError, match="no usable checkpoint") as caught:
        checkpoint.restore(saved, state_of())
    said = str(caught.value)
    assert "\n" not in said
    assert all(f"000000000{n}.safetensors is damaged" in said for n in (1, 2, 3))


def test_none_at_all(tmp_path):
    with pytest.raises(RunError, match="has no usable checkpoint"):
        checkpoint.restore(tmp_path / "checkpoints", state_of())


OTHERS = [
    (state_of()._replace(weights=np.zeros((3, 2), np.float32)), r"\.weights is float32\[2, 3\], not float32\[3, 2\]"),
    (state_of()._replace(weights=np.zeros((2, 3))), r"\.weights is float32\[2, 3\], not float64\[2, 3\]"),
    (state_of()._replace(weights=np.zeros((2, 3), np.int32)), r"not int32\[2, 3\]"),
    (state_of()._replace(rest=()), r"2 parts differ, first \.rest\[0\]"),
    (state_of()._replace(rest=(*state_of().rest, np.zeros(1))), r"1 parts differ, first \.rest\[2\]"),
    ((), "3 parts differ"),
]


@pytest.mark.parametrize(("expected", "said"), OTHERS, ids=range(len(OTHERS)))
def test_another_learner_is_refused(saved, expected, said):
    with pytest.raises(RunError, match=f"does not fit this learner: .*{said}"):
        checkpoint.restore(saved, expected)


def test_what_is_not_finite_is_found():
    bad = {"a": np.array([1.0, np.nan]), "b": np.array([np.inf], np.float32), "c": np.array([1.0]), "d": np.array([1])}
    assert checkpoint.not_finite(bad) == ["['a']", "['b']"]


class Harm:
    """An object whose unpickling leaves a trace."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_pickles_are_not_executed(saved, tmp_path):
    trace = tmp_path / "trace"
    for protocol in (0, 2, pickle.HIGHEST_PROTOCOL):
        rewrite(newest(saved), pickle.dumps(Harm(trace), protocol))
        expect_the_one_before(saved, "is not a safetensors file")
    assert not trace.exists()
    pickle.loads(pickle.dumps(Harm(trace))).close()
    assert trace.exists()  # it would have been seen


FORGED = [
    b"",
    b"1234567",
    (2**63).to_bytes(8, "little"),
    (10**7 + 1).to_bytes(8, "little") + b"{" * 100,
    (2).to_bytes(8, "little") + b"[]",
    (2).to_bytes(8, "little") + b"\xff\xff",
    (64).to_bytes(8, "little") + b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}'.ljust(64),
    (64).to_bytes(8, "little") + b'{"a":{"dtype":"X99","shape":[1],"data_offsets":[0,1]}}'.ljust(64) + b"0",
]


@pytest.mark.parametrize("content", FORGED, ids=range(len(FORGED)))
def test_forged_files(saved, content):
    rewrite(newest(saved), content)
    expect_the_one_before(saved, "is not a safetensors file")


def test_nothing_in_the_package_loads_what_can_execute():
    forbidden = re.compile(
        r"pickle|marshal|shelve|joblib|\bdill\b|torch|\byaml\b|(np|numpy)\.load\(|allow_pickle|\beval\(|\bexec\("
    )
    sources = sorted(pathlib.Path(tacit.__file__).parent.rglob("*.py"))
    assert len(sources) > 40
    found = [
        f"{path.name}: {line.strip()}"
        for path in sources
        for line in path.read_text().splitlines()
        if forbidden.search(line)
    ]
    assert found == []
    assert forbidden.search("x = pickle.load(f)")


def test_a_full_disk_leaves_the_checkpoints_before(saved, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "write", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint.save(saved, 4, state_of(4.0), {})
    assert checkpoint.restore(saved, state_of()).record["iteration"] == 3
