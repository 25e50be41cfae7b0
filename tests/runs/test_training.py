"""However a run is cut, killed, interrupted or refused, it ends in equal bits or stops with what it had."""

import dataclasses
import errno
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from tacit import cli, loops
from tacit.errors import Interrupted, Misfit, RunError, SettingError, Stopped
from tacit.runs import checkpoint, experiment, metrics, store, training
from tacit.runs.experiment import Experiment
from tacit.runs.store import RunFolder

SMALL = {"num_games": 2}
SHORT = {"length": 4}


def small(iterations=40, **changes):
    return Experiment(
        "naive-pg",
        "ipd",
        learner_settings=SMALL | changes.pop("learner_settings", {}),
        game_settings=SHORT,
        iterations=iterations,
        seeds=2,
        **changes,
    )


def quiet(told):
    del told


def finish(place, wanted, tell=quiet):
    folder = training.new_run(place, "run", wanted)
    training.train(folder, tell)
    return folder.path


def bits(run):
    """What determines equality: the newest state's checksum and every row but its time."""
    newest = max((run / "checkpoints").glob("*.safetensors"))
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for row in rows:
        del row["wall"]
    return newest.name, hashlib.sha256(newest.read_bytes()).hexdigest(), rows


def status(run):
    return json.loads((run / "run.json").read_text())


class Cut(BaseException):
    """Ends a run as a crash would: nothing is tidied up."""


def cut_after(pieces):
    """A listener that crashes after so many pieces."""
    left = [pieces]

    def tell(told):
        left[0] -= bool(told.iteration)
        if left[0] < 0:
            raise Cut

    return tell


def save_always(monkeypatch):
    monkeypatch.setattr(training, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(training, "SHARE", 1e9)


def random_pieces(monkeypatch, seed):
    """Makes the pieces of a run random in length."""
    draw, clock = random.Random(seed), [0.0]

    def tick():
        clock[0] += 10 ** draw.uniform(-3, 1)
        return clock[0]

    monkeypatch.setattr(loops, "time", SimpleNamespace(perf_counter=tick))


@pytest.mark.parametrize(("iterations", "every"), [(40, 0), (50, 7)])
def test_cuts_never_change_the_numbers(iterations, every, tmp_path, monkeypatch):
    wanted = small(iterations, every=every)
    whole = finish(tmp_path, wanted)
    save_always(monkeypatch)
    lengths = set()
    for seed in range(3):
        random_pieces(monkeypatch, seed)
        draw = random.Random(seed)
        folder = training.new_run(tmp_path, "cut", wanted)
        crashes = 0
        for _ in range(4):
            try:
                training.train(folder, cut_after(draw.randrange(1, 4)))
            except Cut:
                crashes += 1
                lengths.add(max((folder.path / "checkpoints").glob("*.json")).stem)
        training.train(folder, quiet)
        assert crashes > 0
        assert bits(folder.path) == bits(whole)
        rows = metrics.read(folder.path / "metrics.jsonl")["iteration"].tolist()
        step = every or 1
        assert rows == [*range(step, iterations + 1, step), *([iterations] if iterations % step else [])]
    assert len(lengths) > 3  # the cuts were in different places


def test_optimizers_memories_and_games_go_on_too(tmp_path, monkeypatch):
    tiny = {"num_games": 2, "length": 4, "epochs": 1, "minibatches": 1, "hidden": 2, "recurrent": True}
    wanted = Experiment("ppo", "ipd", learner_settings=tiny, game_settings=SHORT, iterations=6, seeds=2)
    whole = finish(tmp_path, wanted)
    save_always(monkeypatch)
    monkeypatch.setattr(training, "CHUNK", 0.0)
    folder = training.new_run(tmp_path, "cut", wanted)
    with pytest.raises(Cut):
        training.train(folder, cut_after(3))
    training.train(folder, quiet)
    assert bits(folder.path) == bits(whole)


def test_seeds_do_not_depend_on_each_other(tmp_path):
    two = metrics.read(finish(tmp_path, small(10)) / "metrics.jsonl")["value"]
    other = metrics.read(finish(tmp_path, small(10, seed=1)) / "metrics.jsonl")["value"]
    assert not np.array_equal(two[:, 0], two[:, 1])
    assert not np.array_equal(two, other)


def test_rows_after_the_checkpoint_are_written_once(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHUNK", 0.0)
    monkeypatch.setattr(training, "SAVE_EVERY", 1e9)
    folder = training.new_run(tmp_path, "run", small(8))
    with pytest.raises(Cut):
        training.train(folder, cut_after(5))
    assert len((folder.path / "metrics.jsonl").read_text().splitlines()) == 6
    assert status(folder.path)["status"] == "running"
    training.train(folder, quiet)  # there was no checkpoint: from the start
    assert metrics.read(folder.path / "metrics.jsonl")["iteration"].tolist() == list(range(1, 9))
    assert status(folder.path)["status"] == "done"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_a_signal_ends_a_run_between_two_pieces(number, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHUNK", 0.0)
    before = signal.getsignal(number)

    def tell(told):
        if told.iteration == 3:
            os.kill(os.getpid(), number)

    folder = training.new_run(tmp_path, "run", small(8))
    with pytest.raises(Interrupted, match=f"interrupted by {number.name}") as stop:
        training.train(folder, tell)
    assert stop.value.number == number
    assert signal.getsignal(number) is before
    assert status(folder.path)["status"] == "interrupted"
    assert max((folder.path / "checkpoints").glob("*.json")).stem == "0000000003"
    training.train(folder, quiet)
    assert status(folder.path)["status"] == "done"
    assert bits(folder.path) == bits(finish(tmp_path, small(8)))


def test_a_damaged_checkpoint_is_told_and_the_one_before_used(tmp_path, monkeypatch):
    save_always(monkeypatch)
    monkeypatch.setattr(training, "CHUNK", 0.0)
    wanted = small(8)
    folder = training.new_run(tmp_path, "run", wanted)
    with pytest.raises(Cut):
        training.train(folder, cut_after(5))
    newest = max((folder.path / "checkpoints").glob("*.safetensors"))
    newest.write_bytes(newest.read_bytes()[:-1])
    said = []
    training.train(folder, lambda told: said.append(told.words))
    (line,) = [words for words in said if words]
    assert newest.name in line
    assert "is damaged" in line
    assert line.endswith("going on from the one before")
    assert bits(folder.path) == bits(finish(tmp_path, wanted))


WILD = "train naive-pg ipd --learner.num-games 2 --game.length 4 --iterations 20 --seeds 2 --game.payoff" + 8 * " 3e38"


def test_numbers_that_are_not_finite_stop_a_run(tmp_path, capsys, monkeypatch):
    save_always(monkeypatch)
    monkeypatch.setattr(training, "CHUNK", 0.0)
    assert cli.main([*WILD.split(), f"--out={tmp_path}"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = [line for line in err.splitlines() if line.startswith("tacit: ")]
    assert "is not finite" in line
    assert "earlier checkpoints are kept" in line
    run = tmp_path / "naive-pg-ipd-001"
    assert status(run)["status"] == "failed"
    report = json.loads((run / "nan_report.json").read_text())
    assert report["not_finite"] == [".logits"]
    kept = training.read_back(RunFolder.open(run))
    assert checkpoint.not_finite(kept.state) == []
    last = json.loads(max((run / "checkpoints").glob("*.json")).read_text())
    assert last["iteration"] == report["iteration"] - 1
    assert cli.main(["train", "--resume", str(run)]) == 3  # and again, from there


@pytest.mark.parametrize("where", ["checkpoint", "metrics"])
def test_a_full_disk_stops_a_run_and_keeps_its_state(where, tmp_path, capsys, monkeypatch):
    save_always(monkeypatch)
    monkeypatch.setattr(training, "CHUNK", 0.0)
    left = [4]

    def filling(real):
        def write(path, *content):
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, "No space left on device", str(path))
            return real(path, *content)

        return write

    if where == "checkpoint":
        monkeypatch.setattr(checkpoint, "write", filling(checkpoint.write))
    else:
        monkeypatch.setattr(metrics, "append", filling(metrics.append))
    line = "train naive-pg ipd --learner.num-games 2 --game.length 4 --iterations 8 --seeds 2"
    assert cli.main([*line.split(), f"--out={tmp_path}"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    said = [line for line in err.splitlines() if line.startswith("tacit: ")]
    run = tmp_path / "naive-pg-ipd-001"
    assert said == [f"tacit: {run}: No space left on device; the last checkpoint is kept"]
    assert status(run)["status"] == "failed"
    left[0] = 10**9  # room again
    training.train(RunFolder.open(run), quiet)
    assert status(run)["status"] == "done"
    assert bits(run) == bits(finish(tmp_path, small(8)))


REFUSED = [
    (Experiment("lola", "commons"), Misfit),
    (Experiment("lola", "ipdd"), SettingError),
    (Experiment("naive", "ipd", learner_settings={"lrr": 1.0}), SettingError),
    (Experiment("ppo", "ipd", learner_settings={"minibatches": 7}), SettingError),
    (Experiment("tit-for-tat", "ipd"), SettingError),
    (Experiment("naive", "ipd", against="naive-pg"), Misfit),
]


@pytest.mark.parametrize(("wanted", "error"), REFUSED, ids=range(len(REFUSED)))
def test_what_does_not_fit_leaves_no_folder(wanted, error, tmp_path):
    with pytest.raises(error):
        training.new_run(tmp_path, "run", wanted)
    assert not list(tmp_path.iterdir())


def test_other_numbers_of_devices_are_refused(tmp_path, monkeypatch):
    run = finish(tmp_path, small(2))
    monkeypatch.setattr(jax, "devices", lambda: [None])
    with pytest.raises(RunError, match="begun on 2 devices and this process has 1; set JAX_NUM_CPU_DEVICES=2"):
        training.train(RunFolder.open(run), quiet)


def test_so_are_those_among_which_a_single_seed_divides_its_work(tmp_path, monkeypatch):
    wanted = Experiment("act", "cart-pole", learner_settings={"population": 2}, iterations=1, seeds=1)
    refused = r"begun on 2 devices and this process has 1; set JAX_NUM_CPU_DEVICES=2"
    folder = training.new_run(tmp_path, "run", wanted)
    store.write_json(folder.path / "provenance.json", {"device_count": 2})
    monkeypatch.setattr(jax, "devices", lambda: [None])
    with pytest.raises(RunError, match=refused):
        training._check_devices(folder, wanted, experiment.resolve(wanted))
    alone = dataclasses.replace(wanted, learner="naive", game="ipd", learner_settings={})
    training._check_devices(folder, alone, experiment.resolve(alone))


PLAIN = [
    small(),
    Experiment("lola", "ipd", "hola", {"lr": 0.5}, {"discount": 0.9}, {"lr": 0.25}, 3, 2, 5, 64, 2),
    Experiment("ppo", "commons", learner_settings={"discount": 0.5, "recurrent": True}),
    Experiment("naive", "ipd", "tit-for-tat"),
]


@pytest.mark.parametrize("wanted", PLAIN, ids=range(len(PLAIN)))
def test_configurations_round_trip(wanted):
    full = experiment.as_dict(wanted)
    back = experiment.from_dict(json.loads(json.dumps(full)))
    assert experiment.as_dict(back) == full
    there, here = experiment.resolve(back), experiment.resolve(wanted)
    assert (there.make, there.game, there.config) == (here.make, here.game, here.config)
    assert full["learner_settings"] | wanted.learner_settings == full["learner_settings"]


# Short pieces and a checkpoint after each, so that a process can be ended at many moments of a run of a few seconds.
PROGRAM = """
from tacit import cli
from tacit.runs import training
training.CHUNK, training.SAVE_EVERY, training.SHARE = 0.02, 0.0, 1e9
cli.entry()
"""
LONG = 30_000


def start(run):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "train", "--resume", str(run), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_past(run, process, iteration):
    """Waits until a checkpoint of a later iteration is there; false when the process ended before."""
    while process.poll() is None:
        if max((int(path.stem) for path in run.glob("checkpoints/*.json")), default=0) >= iteration:
            return True
        time.sleep(0.005)
    return False


def end(process, number):
    process.send_signal(number)
    return process.communicate()


def test_sigterm_ends_the_program_with_143(tmp_path):
    run = training.new_run(tmp_path, "run", small(LONG)).path
    process = start(run)
    assert wait_until_past(run, process, 1)
    out, err = end(process, signal.SIGTERM)
    assert process.returncode == 143
    assert out == ""
    assert [line for line in err.splitlines() if line.startswith("tacit: ")] == [
        "tacit: interrupted by SIGTERM; its state is kept"
    ]
    assert status(run)["status"] == "interrupted"
    assert status(run)["reason"] == "interrupted by SIGTERM; its state is kept"
    done = json.loads(max(run.glob("checkpoints/*.json")).read_text())["iteration"]
    assert 0 < done < LONG
    assert metrics.read(run / "metrics.jsonl")["iteration"][-1] == done
    training.train(RunFolder.open(run), quiet)
    assert bits(run) == bits(finish(tmp_path, small(LONG)))


def kill_often(tmp_path, times, seed):
    """Kills a run at random moments, then lets it end and compares."""
    run = training.new_run(tmp_path, "run", small(LONG)).path
    draw, kills = random.Random(seed), 0
    for n in range(times):
        process = start(run)
        if wait_until_past(run, process, int(LONG * (n + draw.random()) / (times + 1))):
            time.sleep(draw.uniform(0, 0.02))
            end(process, signal.SIGKILL)
            kills += process.returncode == -signal.SIGKILL
        else:
            process.communicate()
    assert kills == times
    assert status(run)["status"] == "running"
    training.train(RunFolder.open(run), quiet)
    assert status(run)["status"] == "done"
    assert bits(run) == bits(finish(tmp_path, small(LONG)))


def test_three_kills(tmp_path):
    kill_often(tmp_path, 3, seed=0)


@pytest.mark.long
def test_twenty_kills(tmp_path):
    kill_often(tmp_path, 20, seed=1)


def test_a_run_can_be_moved(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHUNK", 0.0)
    save_always(monkeypatch)
    folder = training.new_run(tmp_path, "run", small(8))
    with pytest.raises(Cut):
        training.train(folder, cut_after(3))
    moved = pathlib.Path(shutil.move(folder.path, tmp_path / "elsewhere"))
    training.train(RunFolder.open(moved), quiet)
    assert bits(moved) == bits(finish(tmp_path, small(8)))


def test_a_stopped_run_says_why(tmp_path, monkeypatch):
    def broken(*args):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(checkpoint, "save", broken)
    folder = training.new_run(tmp_path, "run", small(2))
    with pytest.raises(Stopped, match="Input/output error; the last checkpoint is kept"):
        training.train(folder, quiet)
    assert "Input/output error" in status(folder.path)["reason"]
    with folder.lock():  # and lets go of the folder
        pass
