"""Whatever is wrong with a command line or a run folder, one line on standard error says what, and the status is 2."""

import json
import pathlib
import shlex
import shutil

import pytest

from tacit import cli
from tacit.recipes import reproduction
from tacit.runs import store, training
from tacit.runs.experiment import Experiment

LINES = [
    # commands
    ("trian lola ipd", "did you mean train?"),
    ("repotr x", "did you mean report?"),
    ("--versoin", "--versoin"),
    ("''", "allowed: bench, evaluate, export, list, report, reproduce, train"),
    ("LIST", "'LIST'"),
    # list
    ("list game", "did you mean games?"),
    ("list games learners", "got 2 words (games learners)"),
    ("list --jsn", "did you mean --json?"),
    ("list --json --json", "--json is given twice"),
    ("list --json=1", "--json takes no value, got '1'"),
    ("list --seed -1", "--seed must be >= 0 and <= 4294967295, got -1"),
    ("list --seed 4294967296", "got 4294967296"),
    ("list --seed x", "--seed must be a whole number, got x"),
    ("list --seed 1.5", "got 1.5"),
    ("list --seed nan", "--seed must be a whole number, got nan"),
    ("list --seed", "--seed needs a whole number"),
    ("list --out", "--out needs a name"),
    ("list --out --json", "--out needs a name, got --json"),
    ("evaluate mazes nowhere --levels --seed=1", "--levels needs a name, got --seed=1"),
    # reproduce
    ("reproduce", "tacit reproduce RECIPE"),
    ("reproduce lola-ipdd", "did you mean lola-ipd?"),
    ("reproduce lola-ipd nope", "unknown recipe 'nope'"),
    ("reproduce lola-ipd --quick --full", "--quick and --full exclude each other"),
    ("reproduce lola-ipd --resume x", "--resume RUN"),
    ("reproduce --resume nowhere", "no run folder nowhere"),
    ("reproduce --resume", "--resume needs a name"),
    ("reproduce lola-ipd --seeds -1", "--seeds must be >= 0 and <= 1000000, got -1"),
    ("reproduce lola-ipd --seeds 1000001", "got 1000001"),
    ("reproduce lola-ipd --seeds two", "--seeds must be a whole number, got two"),
    ("reproduce lola-ipd --sedes 2", "did you mean --seeds?"),
    ("reproduce lola-ipd --quick --quick", "--quick is given twice"),
    ("reproduce lola-ipd --quick --no-quick", "--quick is given twice"),
    ("reproduce lola-ipd --quick=yes", "--quick takes no value"),
    # train: names
    ("train", "tacit train LEARNER GAME"),
    ("train lola", "tacit train LEARNER GAME"),
    ("train lola ipd extra", "got 1 word (extra)"),
    ("train lola ipd 5", "got 1 word (5)"),
    ("train lola --iterations 5 ipd", "tacit train LEARNER GAME"),
    ("train lolla ipd", "did you mean lola?"),
    ("train lola ipdd", "did you mean ipd?"),
    ("train lola ipd --against tit-for-tta", "did you mean tit-for-tat?"),
    ("train lola ipd --against=nobody", "unknown learner or player 'nobody'"),
    ("train lola ipd --against", "--against needs a name"),
    ("train tit-for-tat ipd", "tit-for-tat learns nothing"),
    # train: what does not fit together
    ("train lola commons", "lola"),
    ("train sos commons", "sos"),
    ("train cgd commons", "cgd"),
    ("train lola-dice commons", "two players, not 4"),
    ("train ppo commons --against tit-for-tat", "not Commons"),
    ("train lola ipd --against naive-pg", "closed form and the other from sampled play"),
    ("train naive-pg ipd --against lola", "closed form and the other from sampled play"),
    ("train lola ipd --against grudger", "more than one round has no closed form"),
    ("train ppo ipd --learner.minibatches 7", "minibatches must divide the batch of 4096, got 7"),
    ("train ppo ipd --learner.recurrent --learner.minibatches 5", "minibatches must divide the batch of 32, got 5"),
    # train: rules that are themselves learned
    ("train mfos commons", "two-player matrix game"),
    ("train m-maml ipd", "--against naive"),
    ("train naive ipd --against mfos", "mfos is itself learned"),
    ("train mfos ipd --against ppo", "must learn in closed form"),
    ("train naive ipd --against no/where", "no run folder no/where"),
    ("train no/where ipd --against naive", "no run folder no/where"),
    ("train mfos ipd --against naive --learner.num-games 0", "--learner.num-games must be >= 1, got 0"),
    ("reproduce mfos-self-play --seeds 5", "mfos-self-play needs at least 6 seeds, got 5"),
    # train: settings
    ("train lola ipd --learner.rte 1", "did you mean --learner.rate?"),
    ("train lola ipd --game.discuont 0.9", "did you mean --game.discount?"),
    ("train lola ipd --learner 5", "unknown option '--learner'"),
    ("train lola ipd -- 5", "unknown option '--'"),
    ("train lola ipd -i 5", "unknown option '-i'"),
    ("train lola ipd --learner.rate", "--learner.rate needs a number"),
    ("train lola ipd --learner.rate=", "--learner.rate must be a number"),
    ("train lola ipd --learner.rate --learner.lr 1", "--learner.rate must be a number, got --learner.lr"),
    ("train lola ipd --learner.rate fast", "--learner.rate must be a number, got fast"),
    ("train lola ipd --learner.rate nan", "--learner.rate must be finite, got nan"),
    ("train lola ipd --learner.rate inf", "--learner.rate must be finite, got inf"),
    ("train lola ipd --learner.rate=-inf", "--learner.rate must be finite, got -inf"),
    ("train lola ipd --learner.rate 1e999", "--learner.rate must be finite"),
    ("train lola ipd --learner.rate -1", "--learner.rate must be >= 0, got -1.0"),
    ("train lola ipd --learner.init_std -1", "--learner.init-std must be >= 0"),
    ("train lola ipd --learner.form taylr", "--learner.form must be one of paper, taylor, lookahead, got 'taylr'"),
    ("train lola ipd --learner.steps 0", "--learner.steps must be >= 1 and <= 100, got 0"),
    ("train lola ipd --learner.steps 1e2", "--learner.steps must be a whole number, got 1e2"),
    ("train lola ipd --learner.lr 1 --learner.lr=2", "--learner.lr is given twice"),
    ("train lola ipd --game.discount 1", "--game.discount must be >= 0 and < 1, got 1.0"),
    ("train lola ipd --game.discount -0.1", "got -0.1"),
    ("train lola ipd --game.length 0", "--game.length must be >= 1 and <= 1000000, got 0"),
    ("train lola ipd --game.payoff 1 2 3", "--game.payoff must be 8 numbers"),
    ("train lola ipd --game.payoff 1 2 3 4 5 6 7 8 9", "--game.payoff must be 8 numbers"),
    ("train lola ipd --game.payoff 1 2 3 4 5 6 7 x", "--game.payoff must be 8 numbers, got 1 2 3 4 5 6 7 x"),
    ("train lola ipd --game.payoff 1 2 3 4 5 6 7 nan", "--game.payoff must be finite, got nan"),
    ("train lola ipd --game.payoff", "--game.payoff needs 8 numbers"),
    ("train lola ipd --precision 48", "--precision must be one of 32, 64, got 48"),
    ("train lola ipd --precision double", "--precision must be a whole number, got double"),
    ("train lola ipd --iterations 0", "--iterations must be >= 1 and <= 1000000000, got 0"),
    ("train lola ipd --iterations 1e3", "--iterations must be a whole number, got 1e3"),
    ("train lola ipd --iterations 1000000001", "got 1000000001"),
    ("train lola ipd --iterations ''", "--iterations must be a whole number"),
    ("train lola ipd --iterations 1 --iterations 2", "--iterations is given twice"),
    ("train lola ipd --seeds 0", "--seeds must be >= 1 and <= 1000000, got 0"),
    ("train lola ipd --seed 0x10", "--seed must be a whole number, got 0x10"),
    ("train lola ipd --out /proc/none", "cannot make a run folder in /proc/none"),
    ("train lola ipd --opponent.lr 1", "unknown option '--opponent.lr'"),
    ("train lola ipd --against naive --opponent.lrr 1", "did you mean --opponent.lr?"),
    ("train lola ipd --against naive --opponent.lr -1", "--opponent.lr must be >= 0, got -1.0"),
    ("train lola ipd --against tit-for-tat --opponent.lr 1", "unknown option '--opponent.lr'"),
    ("train ppo ipd --learner.recurrent maybe", "got 1 word (maybe)"),
    ("train ppo ipd --learner.recurrent=true", "--learner.recurrent takes no value, got 'true'"),
    ("train ppo ipd --learner.discount 1.5", "--learner.discount must be >= 0 and <= 1, got 1.5"),
    ("train ppo ipd --learner.discount none", "--learner.discount must be a number, got none"),
    ("train ppo ipd --learner.clip 0", "--learner.clip must be > 0, got 0.0"),
    ("train ppo ipd --learner.decay 1.01", "--learner.decay must be >= 0 and <= 1"),
    ("train dial switch-riddle --game.length 2", "length must be at least the 3 days in which all can visit the room"),
    ("train dial switch-riddle --game.num-players 1", "--game.num-players must be >= 2 and <= 64, got 1"),
    ("train dial switch-riddle --game.bits 9", "--game.bits must be >= 1 and <= 8, got 9"),
    ("train dial color-digit --game.data /no/where", "no folder /no/where; name one that holds MNIST's IDX files"),
    ("train dial phone-booth --game.booths 9 1", "a booth at x 9, y 1 lies outside a room of 8 by 3 cells"),
    ("train dial referential --game.candidates 17", "objects must be at least the 17 candidates"),
    ("train ppo switch-riddle", "ppo needs discrete actions"),
    ("train act cart-pole --learner.population 5", "a population is made of pairs, so its size must be even; got 5"),
    ("train act cart-pole --learner.words 0", "--learner.words must be >= 1, got 0"),
    ("train act cart-pole --learner.sigma-decay 1.01", "--learner.sigma-decay must be > 0 and <= 1, got 1.01"),
    ("train act maze", "cheap talk needs a game that shows one row of numbers, and this one shows"),
    ("train act farbook --learner.objective backdoor", "FarBook has no goals to which a player could be steered"),
    ("train ppo commons --game.num-players 0", "--game.num-players must be >= 1 and <= 64, got 0"),
    ("train ppo commons --game.capacity 2.5", "--game.capacity must be a whole number, got 2.5"),
    ("train naive-pg ipd --learner.num-games 1", "--learner.num-games must be >= 2, got 1"),
    ("train lola-dice ipd --learner.lookaheads 11", "--learner.lookaheads must be >= 0 and <= 10, got 11"),
    # train: going on
    ("train lola ipd --resume x", "tacit train --resume RUN"),
    ("train --resume", "--resume needs a name"),
    ("train --resume nowhere", "no run folder nowhere"),
    ("train --resume nowhere --iterations 400", "only --json and --stop-after may be given beside it"),
    ("train --resume nowhere --seed 3", "only --json and --stop-after may be given beside it"),
    ("train --resume a --resume b", "--resume is given twice"),
    ("train lola ipd --stop-after soon", "--stop-after must be a number, got soon"),
    ("reproduce lola-ipd --stop-after -1", "--stop-after must be >= 0, got -1.0"),
    # export
    ("export", "usage: tacit export RUN NAME, got 0 words"),
    ("export nowhere name", "there is no run folder nowhere"),
    ("export nowhere ../name", "NAME must be a plain name of a folder below --out, got '../name'"),
    ("export nowhere name --level -1", "--level must be >= 0 and <= 1000, got -1"),
    # report, bench
    ("report", "got 0 words"),
    ("report nowhere", "no run folder nowhere"),
    ("report nowhere --resume x", "unknown option '--resume'"),
    ("bench nothing-of-the-kind", "benchmark"),
    ("bench --quick", "unknown option '--quick'"),
]


def refused(capsys, argv):
    """The one line that a command line is refused with."""
    assert cli.main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("tacit: ")
    assert len(lines[0]) > len("tacit: ")
    assert "Traceback" not in err
    return lines[0]


@pytest.mark.parametrize(("line", "fragment"), LINES)
def test_one_line_names_what_is_wrong(line, fragment, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert fragment in refused(capsys, shlex.split(line))
    assert not list(tmp_path.iterdir())  # nothing was begun


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A finished run of two seeds and five iterations."""
    place = tmp_path_factory.mktemp("trained")
    folder = training.new_run(place, "run", Experiment("naive", "ipd", iterations=5, seeds=2))
    training.train(folder, print)
    for first in folder.path.glob("checkpoints/0000000000.*"):  # written where the machine is slow
        first.unlink()
    return folder.path


@pytest.fixture
def run(trained, tmp_path):
    """A copy of it that may be damaged."""
    return pathlib.Path(shutil.copytree(trained, tmp_path / "run"))


def edit(path, change):
    """Rewrites a JSON file after changing its content."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def put(**changes):
    return lambda content: content.update(changes)


def drop(name):
    return lambda content: content.pop(name)


def inner(part, **changes):
    return lambda content: content[part].update(changes)


def test_undamaged_copies_can_go_on(run):
    training.train(store.RunFolder.open(run), print)


STATUS = [
    (None, "has no run.json"),
    (b"[]", "holds no JSON object"),
    (b"\xff\xfe\x00", "run.json cannot be read"),
    (b'{"schema": 1', "run.json cannot be read"),
    (b'{"schema": 2}', "has schema 2; this version reads up to 1"),
    (b'{"schema": "x"}', "has schema 'x'"),
    (b"{}", "has schema None"),
]
WAYS = (("train", "--resume"), ("reproduce", "--resume"), ("report",))


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
@pytest.mark.parametrize(("content", "fragment"), STATUS, ids=range(len(STATUS)))
def test_damaged_status(content, fragment, way, run, capsys):
    (run / "run.json").unlink()
    if content is not None:
        (run / "run.json").write_bytes(content)
    assert fragment in refused(capsys, [*way, str(run)])


CONFIG = [
    (drop("learner"), "learner"),
    (put(color="red"), "color"),
    (put(learner="lolla"), "did you mean lola?"),
    (put(learner=5), "learner cannot be 5"),
    (put(learner="tit-for-tat", learner_settings={}), "learns nothing"),
    (put(game="ipdd"), "did you mean ipd?"),
    (put(game=[]), "game cannot be []"),
    (put(against=5), "against cannot be 5"),
    (put(game_settings=[]), "game_settings cannot be []"),
    (put(learner_settings=None), "learner_settings cannot be None"),
    (put(iterations=0), "iterations"),
    (put(iterations="5"), "iterations"),
    (put(iterations=None), "iterations"),
    (put(precision=48), "precision"),
    (put(seeds=3), "does not fit this learner"),
    (put(against="naive"), "does not fit this learner"),
    (inner("game_settings", lenght=3), "did you mean length?"),
    (inner("game_settings", discount=2), "discount must be >= 0 and < 1, got 2.0"),
    (inner("game_settings", payoff=[1, 2, 3]), "payoff must be 8 numbers"),
    (inner("learner_settings", lr="x"), "lr must be a number, got 'x'"),
    (inner("learner_settings", lr=float("nan")), "lr must be finite"),
    (inner("learner_settings", lr=None), "lr must be a number"),
]


@pytest.mark.parametrize(("change", "fragment"), CONFIG, ids=range(len(CONFIG)))
def test_damaged_configuration(change, fragment, run, capsys):
    edit(run / "config.json", change)
    assert fragment in refused(capsys, ["train", "--resume", str(run)])
    assert fragment in refused(capsys, ["report", str(run)])


RECORD = [
    (drop("iteration"), "its record is of iteration None"),
    (put(iteration="x"), "its record is of iteration x"),
    (put(iteration=-5), "its record is of iteration -5"),
    (put(size=1), "bytes instead of 1"),
    (put(sha256=""), "checksum differs"),
    (drop("wall"), "lacks wall or metrics_bytes"),
    (put(metrics_bytes=-5), "lacks wall or metrics_bytes"),
    (put(metrics_bytes=10**9), "but the checkpoint saw 1000000000"),
]


@pytest.mark.parametrize(("change", "fragment"), RECORD, ids=range(len(RECORD)))
def test_damaged_checkpoint_record(change, fragment, run, capsys):
    edit(run / "checkpoints/0000000005.json", change)
    assert fragment in refused(capsys, ["train", "--resume", str(run)])


FILES = [
    ("config.json", b'{"learner": "na', "config.json cannot be read", WAYS),
    ("config.json", b"[1]", "config.json is damaged: it holds no JSON object", WAYS),
    ("config.json", None, "it has no config.json", WAYS),
    ("provenance.json", b"[]", "provenance.json is damaged", (WAYS[0],)),
    ("provenance.json", b'{"device_count": 7}', "begun on 7 devices and this process has 2", (WAYS[0],)),
    ("provenance.json", b'{"device_count": "x"}', "begun on x devices", (WAYS[0],)),
    ("checkpoints/0000000005.json", b"{", "0000000005.json cannot be read", (WAYS[0], WAYS[2])),
    ("checkpoints/0000000005.json", None, "no usable checkpoint", (WAYS[2],)),
    ("checkpoints/0000000005.safetensors", b"abc", "3 bytes instead of", (WAYS[0], WAYS[2])),
    ("checkpoints/0000000005.safetensors", None, "cannot be read: No such file", (WAYS[0], WAYS[2])),
    ("metrics.jsonl", None, "metrics.jsonl is damaged: 0 bytes", (WAYS[0],)),
    ("metrics.jsonl", b"junk\n{}\n", "metrics.jsonl, line 1, is damaged", (WAYS[2],)),
    ("metrics.jsonl", b'{"a": 1, "b": 1}\n{"a": 2}\n', "metrics.jsonl is damaged: its rows differ", (WAYS[2],)),
    ("metrics.jsonl", b'{"a": [1, 2]}\n{"a": [1]}\n', "metrics.jsonl is damaged: its rows differ", (WAYS[2],)),
]


@pytest.mark.parametrize(("name", "content", "fragment", "ways"), FILES, ids=range(len(FILES)))
def test_damaged_files(name, content, fragment, ways, run, capsys):
    (run / name).unlink()
    if content is not None:
        (run / name).write_bytes(content)
    for way in ways:
        assert fragment in refused(capsys, [*way, str(run)])


def test_a_single_run_is_not_a_reproduction(run, capsys):
    assert "is not a recipe's run folder" in refused(capsys, ["reproduce", "--resume", str(run)])


def test_a_busy_run(run, capsys):
    with store.RunFolder(run).lock():
        assert "is busy: process" in refused(capsys, ["train", "--resume", str(run)])


@pytest.fixture
def recipe_run(tmp_path):
    """A reproduction that was not begun."""
    recipe = reproduction.recipe_named("naive-ipd")
    return reproduction.new_reproduction(tmp_path, recipe, "quick", 2, 0).path


RECIPE = [
    (put(recipe="naive-ipdd"), "not a recipe's run folder"),
    (put(recipe=[]), "not a recipe's run folder"),
    (put(mode="slow"), "not a recipe's run folder"),
    (drop("mode"), "not a recipe's run folder"),
    (put(rows=[]), "not a recipe's run folder"),
    (put(rows={}), "its rows are not those of naive-ipd"),
    (inner("rows", exact=5), "its rows are not those of naive-ipd"),
    (inner("rows", other={}), "its rows are not those of naive-ipd"),
    (inner("rows", exact={}), "config.json is damaged or of another version: against"),
]


@pytest.mark.parametrize(("change", "fragment"), RECIPE, ids=range(len(RECIPE)))
def test_damaged_reproduction(change, fragment, recipe_run, capsys):
    edit(recipe_run / "config.json", change)
    line = None
    assert cli.main(["reproduce", "--resume", str(recipe_run)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert fragment in line
    assert "has not finished" in refused(capsys, ["report", str(recipe_run)])


def test_a_reproduction_is_not_a_single_run(recipe_run, capsys):
    assert "config.json is damaged or of another version" in refused(capsys, ["train", "--resume", str(recipe_run)])
