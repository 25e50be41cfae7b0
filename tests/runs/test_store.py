"""Run folders are numbered, locked and versioned, and their files are whole or not there."""

import errno
import json
import os

import pytest

from tacit.errors import RunError
from tacit.runs import store
from tacit.runs.store import RunFolder


def full(*args):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_failed_write_leaves_the_file_before(broken, tmp_path, monkeypatch):
    path = tmp_path / "file.json"
    store.write(path, b"before")
    if broken == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match="No space left"):
        store.write(path, b"after, and longer")
    assert path.read_bytes() == b"before"
    monkeypatch.undo()
    store.write(path, b"after")  # what the failed attempt left does not matter
    assert path.read_bytes() == b"after"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.json"]


def test_a_write_is_on_the_disk_before_it_counts(tmp_path, monkeypatch):
    path, order = tmp_path / "file", []
    real_sync, real_replace = os.fsync, type(path).replace

    def sync(number):
        order.append("sync")
        real_sync(number)

    def replace(self, target):
        order.append("replace")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(type(path), "replace", replace)
    store.write(path, b"content")
    assert order == ["sync", "replace", "sync"]  # the content, the name, the folder that holds the name


def test_json_refuses_what_is_not_json(tmp_path):
    for bad in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="JSON compliant"):
            store.write_json(tmp_path / "a.json", {"x": bad})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"3", b"\xff\xfe", b'{"a": 1} x'])
def test_unreadable_json(content, tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"a\.json"):
        store.read_json(path)


def test_numbers_never_overwrite(tmp_path):
    names = [RunFolder.create(tmp_path / "new" / "place", "run").path.name for _ in range(3)]
    assert names == ["run-001", "run-002", "run-003"]
    (tmp_path / "new/place/run-004").write_text("a file in the way")
    (tmp_path / "new/place/run-002").rmdir()
    assert RunFolder.create(tmp_path / "new/place", "run").path.name == "run-002"
    assert RunFolder.create(tmp_path / "new/place", "run").path.name == "run-005"
    assert (tmp_path / "new/place/run-004").read_text() == "a file in the way"
    assert RunFolder.create(tmp_path / "new/place", "other").path.name == "other-001"


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"cannot make a run folder in .*file"):
        RunFolder.create(tmp_path / "file", "run")


def test_notes_are_merged(tmp_path):
    folder = RunFolder.create(tmp_path, "run")
    folder.note(status="new", started="then")
    folder.note(status="done")
    status = RunFolder.open(folder.path).status()
    assert (status["schema"], status["run"], status["status"], status["started"]) == (1, "run-001", "done", "then")


def test_what_is_no_run(tmp_path):
    with pytest.raises(RunError, match="there is no run folder"):
        RunFolder.open(tmp_path / "nowhere")
    with pytest.raises(RunError, match=r"is not a run folder: it has no run\.json"):
        RunFolder.open(tmp_path)


@pytest.mark.parametrize("schema", [store.SCHEMA + 1, 99, "1", None, 1.5])
def test_other_schemas_are_refused(schema, tmp_path):
    folder = RunFolder.create(tmp_path, "run")
    folder.note(schema=schema)
    with pytest.raises(RunError, match=f"has schema {schema!r}; this version reads up to {store.SCHEMA}"):
        RunFolder.open(folder.path)


def test_a_busy_folder_names_its_holder(tmp_path):
    folder = RunFolder.create(tmp_path, "run")
    with folder.lock():
        with pytest.raises(RunError, match=f"is busy: process {os.getpid()} on .* is writing it"):
            RunFolder(folder.path).lock().__enter__()
        with pytest.raises(RunError, match="is busy"):  # the refused attempt has not let go of it
            RunFolder(folder.path).lock().__enter__()
    with folder.lock():  # free again
        pass


def test_an_exception_lets_go_of_the_lock(tmp_path):
    folder = RunFolder.create(tmp_path, "run")
    with pytest.raises(ZeroDivisionError), folder.lock():
        raise ZeroDivisionError
    with folder.lock():
        pass


def test_provenance_says_what_numbers_depend_on():
    known = store.provenance()
    assert known["platform"] == "cpu"
    assert known["device_count"] == 2
    assert "--xla_force_host_platform_device_count=2" in known["xla_flags"]
    assert {"tacit", "git", "python", "jax", "jaxlib", "equinox", "optax", "numpy", "machine"} <= known.keys()
    json.dumps(known, allow_nan=False)
