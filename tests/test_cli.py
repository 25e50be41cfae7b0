"""Every command lists, helps and reports as it says, and ends with the status that belongs to what happened."""

import errno
import json
import os
import pathlib
import subprocess
import sys

import pytest

import tacit
from tacit import bench, cli
from tacit.commands import EVALUATIONS
from tacit.errors import InputError, Interrupted, Stopped
from tacit.games import FAMILIES, GAMES
from tacit.learners import LEARNERS, PLAYERS
from tacit.policies import POLICIES
from tacit.recipes import RECIPES
from tacit.runs import training
from tacit.runs.experiment import Experiment
from tacit.settings import options

REGISTRIES = {
    "games": GAMES | FAMILIES,
    "learners": LEARNERS,
    "players": PLAYERS,
    "policies": POLICIES,
    "recipes": RECIPES,
}

LIGHT = """
import contextlib, io, json, sys
from tacit.cli import COMMANDS, main
from tacit.commands import EVALUATIONS
found = {}
lines = [["--version"], ["--help"], ["list"], ["list", "--json"]]
lines += [["list", kind] for kind in ("games", "learners", "players", "policies", "recipes")]
lines += [["evaluate", kind, "--help"] for kind in EVALUATIONS]
lines += [[name, word] for name in COMMANDS for word in ("--help", "-h")]
for line in lines:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(line)
        except SystemExit as stop:
            status = stop.code
    heavy = [name for name in ("jax", "jaxlib", "numpy", "equinox", "optax", "matplotlib") if name in sys.modules]
    found[" ".join(line)] = [status, out.getvalue(), err.getvalue(), heavy]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def light():
    """Status, output, errors and heavy modules after what has to be fast, one after another in one process."""
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_listing_and_help_import_nothing_heavy(light):
    assert len(light) == 4 + len(cli.KINDS) + 2 * len(cli.COMMANDS) + len(EVALUATIONS)
    for line, (status, out, err, heavy) in light.items():
        assert (line, status, err, heavy) == (line, 0, "", [])
        assert out


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_help_shows_every_option(light, name):
    command = cli.COMMANDS[name][0]
    shown = light[f"{name} --help"][1]
    assert light[f"{name} -h"][1] == shown
    assert command.line in shown
    for option in options(command.record):
        assert f"--{option.name.replace('_', '-')}" in shown
        assert option.help.split()[0] in shown
    assert name in light["--help"][1]


def test_version(light):
    assert light["--version"][1] == f"tacit {tacit.__version__}\n"


def test_lists_name_everything(light):
    assert json.loads(light["list --json"][1]) == {
        kind: {name: entry.line for name, entry in registry.items()} for kind, registry in REGISTRIES.items()
    }
    for kind, registry in REGISTRIES.items():
        lines = light[f"list {kind}"][1].splitlines()
        assert lines[0] == kind
        assert [line.split()[0] for line in lines[1:]] == list(registry)
    assert light["list"][1] == "".join(light[f"list {kind}"][1] for kind in REGISTRIES)


def test_no_command_shows_the_commands(capsys):
    assert cli.main([]) == 2
    shown = capsys.readouterr().out
    assert all(name in shown for name in cli.COMMANDS)


def test_help_of_a_learner_on_a_game(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["train", "lola", "ipd", "--against", "naive", "--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    for word in ("--learner.rate", "--game.discount", "--opponent.lr", "per update", "LOLA section 4", "lookahead"):
        assert word in shown


def one_object(out):
    assert out.count("\n") == 1
    return json.loads(out)


SMALL = "--game.length 3 --game.capacity 4 --game.num-players 2 --learner.num-games 2 --seeds 2 --iterations 3"


def test_train_resume_and_report(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", "naive-pg", "commons", *SMALL.split(), "--json"]) == 0
    printed = capsys.readouterr().out
    found = one_object(printed)
    assert found["run"] == "runs/naive-pg-commons-001"
    assert found["experiment"] == "naive-pg on commons"
    assert (found["iterations"], found["seeds"]) == (3, 2)
    for player in (1, 2):
        figure = found["figures"][f"reward, player {player}"]
        assert (figure["n"], figure["spread_kind"]) == (2, "sd over seeds")
        assert 0 <= figure["low"] <= figure["mean"] <= figure["high"] <= 1
    run = pathlib.Path(found["run"])
    assert json.loads((run / "run.json").read_text())["status"] == "done"
    for name in ("policy.json", "provenance.json", "report.html"):
        assert (run / name).stat().st_size > 0

    before = (run / "metrics.jsonl").read_bytes(), (run / "policy.safetensors").read_bytes()
    assert cli.main(["train", "--resume", str(run)]) == 0  # going on with what is finished changes nothing
    assert "reward, player 2" in capsys.readouterr().out
    assert before == ((run / "metrics.jsonl").read_bytes(), (run / "policy.safetensors").read_bytes())

    (run / "report.html").unlink()
    assert cli.main(["report", str(run), "--json"]) == 0
    assert one_object(capsys.readouterr().out) == {"report": f"{run}/report.html"}
    assert (run / "report.html").exists()


@pytest.fixture
def asked(monkeypatch):
    """The experiments that command lines ask for, which are not run."""
    found = []

    def new_run(parent, name, experiment):
        found.append((parent, name, experiment))
        raise Stopped("as asked")

    monkeypatch.setattr(training, "new_run", new_run)
    return found


def test_options_of_train_become_the_experiment(asked):
    line = "train lola ipd --against sos --seeds 3 --iterations 9 --learner.lr 0.5 --learner.form taylor --seed 7"
    line += " --game.discount=0.9 --opponent.init_std 2 --precision 64 --game.payoff -1 -1 -3 0 0 -3 -2 -2.5 --out a/b"
    assert cli.main(line.split()) == 3
    settings = ({"lr": 0.5, "form": "taylor"}, {"discount": 0.9, "payoff": (-1, -1, -3, 0, 0, -3, -2, -2.5)})
    wanted = Experiment("lola", "ipd", "sos", *settings, {"init_std": 2.0}, 9, 3, 7, 64)
    assert asked == [(pathlib.Path("a/b"), "lola-vs-sos-ipd", wanted)]


@pytest.mark.parametrize(("word", "wanted"), [("--learner.recurrent", True), ("--learner.no-recurrent", False)])
def test_switches(word, wanted, asked):
    assert cli.main(["train", "ppo", "ipd", word]) == 3
    assert asked[0][2].learner_settings == {"recurrent": wanted}


def test_nothing_given_changes_nothing(asked):
    assert cli.main(["train", "naive", "chicken"]) == 3
    assert asked == [(pathlib.Path("runs"), "naive-chicken", Experiment("naive", "chicken"))]


def test_bench_runs_the_scripts_beside_the_package(tmp_path, capsys, monkeypatch):
    (tmp_path / "two_words.py").write_text("def measure():\n    return {'speed': 2.5, 'unit': 'games'}\n")
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    assert cli.main(["bench", "--json"]) == 0
    assert one_object(capsys.readouterr().out) == {"two-words": {"speed": 2.5, "unit": "games"}}
    assert cli.main(["bench", "two-words"]) == 0
    assert "2.5" in capsys.readouterr().out


def raising(error):
    def run(argv):
        raise error

    return run


STATUSES = [
    (InputError("wrong"), 2, "tacit: wrong\n"),
    (Stopped("not finite\nat all"), 3, "tacit: not finite at all\n"),
    (Interrupted(15), 143, "tacit: interrupted by SIGTERM; its state is kept\n"),
    (Interrupted(2), 130, "tacit: interrupted by SIGINT; its state is kept\n"),
    (KeyboardInterrupt(), 130, ""),
    (OSError(errno.ENOSPC, "No space left on device", "a/b"), 3, "tacit: a/b: No space left on device\n"),
    (OSError(errno.EDQUOT, "Disk quota exceeded"), 3, "tacit: writing: Disk quota exceeded\n"),
    (PermissionError(errno.EACCES, "Permission denied", "a/b"), 2, "tacit: a/b: Permission denied\n"),
]


@pytest.mark.parametrize(("error", "status", "said"), STATUSES, ids=[repr(case[0]) for case in STATUSES])
def test_status_of_what_happened(error, status, said, monkeypatch, capsys):
    monkeypatch.setitem(cli.COMMANDS, "list", (cli.LIST, raising(error)))
    assert cli.main(["list"]) == status
    assert capsys.readouterr() == ("", said)


def test_internal_errors_show_where_they_arose(monkeypatch, capsys):
    monkeypatch.setitem(cli.COMMANDS, "list", (cli.LIST, raising(ZeroDivisionError("inside"))))
    monkeypatch.setattr(sys, "argv", ["tacit", "list"])
    with pytest.raises(SystemExit) as stop:
        cli.entry()
    assert stop.value.code == 1
    assert "ZeroDivisionError: inside" in capsys.readouterr().err


def test_a_reader_who_has_gone():
    reading, writing = os.pipe()
    os.close(reading)
    code = "from tacit.cli import entry; entry()"
    done = subprocess.run(
        [sys.executable, "-c", code, "list"], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")
