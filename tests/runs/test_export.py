"""What is handed on is what was learned, says where it comes from and what it scores; what cannot be is refused."""

import dataclasses
import json

import jax
import numpy as np
import pytest
from safetensors.numpy import load

from tacit import cli
from tacit.errors import InputError
from tacit.evaluation.cross_play_settings import Plan
from tacit.learners import obl
from tacit.runs import checkpoint, cross_play, experiment, export, policies, store, training
from tacit.runs.experiment import Experiment

TINY = {"num_games": 2, "length": 2, "minibatches": 1, "hidden": 2}
LEVELS = Experiment("obl", "tiny-hanabi-b", "", TINY | {"levels": 2, "updates": 2}, iterations=4, seeds=2)
OTHERS = {
    "naive": Experiment("naive", "ipd", iterations=2, seeds=2),
    "pair": Experiment("naive", "ipd", "tit-for-tat", iterations=2, seeds=2),
    "alone": Experiment("ppo", "cart-pole", "", TINY | {"length": 4}, iterations=1, seeds=1),
}


GAMES = 20  # always as many: one program


def quiet(told):
    del told


def drawn(path, wanted, iteration):
    """A run folder of levels whose state was drawn at random instead of learned."""
    path.mkdir(parents=True)
    folder, numbers = store.RunFolder(path), np.random.default_rng(0)
    expected = training._expected(experiment.resolve(wanted), wanted)

    def leaf(shape):
        real = np.issubdtype(shape.dtype, np.floating)
        return (numbers.normal(size=shape.shape) if real else np.zeros(shape.shape)).astype(shape.dtype)

    state = jax.tree.map(leaf, expected)._replace(iteration=np.full(wanted.seeds, iteration, np.int32))
    checkpoint.save(path / "checkpoints", iteration, state, {})
    folder.note(status="done" if iteration == wanted.iterations else "interrupted")
    store.write_json(path / "config.json", experiment.as_dict(wanted))
    store.write_json(path / "provenance.json", store.provenance())
    return folder


@pytest.fixture(scope="module")
def recipe_run(tmp_path_factory):
    """The only row of a recipe of levels that has finished."""
    place = tmp_path_factory.mktemp("recipe") / "small-hanabi-obl-001"
    drawn(place / "rows/01-obl", LEVELS, 4)
    store.RunFolder(place).note(status="done")
    store.write_json(place / "config.json", {"recipe": "small-hanabi-obl", "mode": "default"})
    return place / "rows/01-obl"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    place = tmp_path_factory.mktemp("runs")
    for name, wanted in OTHERS.items():
        training.train(training.new_run(place, name, wanted), quiet)
    drawn(place / "short-001", dataclasses.replace(LEVELS, iterations=3), 3)  # level 2 does not come to its end
    return place


@pytest.mark.parametrize("level", [1, 2])
def test_a_level_is_handed_on_with_all_its_seeds(level, recipe_run, tmp_path):
    target = tmp_path / "new"
    about = export.export(recipe_run, target, level, GAMES, 3, quiet)
    assert sorted(file.name for file in target.iterdir()) == ["policy.json", "policy.safetensors"]
    loaded, run = policies.load(target), policies.run_in(recipe_run)
    assert len(loaded.seats) == 2
    for _, params in loaded.seats:
        of_level = jax.tree.map(lambda leaf: leaf[:, level - 1], run.state.levels)
        jax.tree.map(np.testing.assert_array_equal, params.net, of_level)
    assert about["origin"] == {"recipe": "small-hanabi-obl", "mode": "default", "row": "01-obl"}
    assert about["level"] == level
    assert about["learning"] == {"iterations": 2 * level, "moves": 2 * level * 2 * 2}
    stored = json.loads((target / "policy.json").read_text())
    assert {key: stored[key] for key in about} == json.loads(json.dumps(about))
    assert stored["provenance"]["jax"] == jax.__version__
    assert stored["shared"]


def test_the_stored_score_is_that_of_what_is_loaded(recipe_run, tmp_path):
    about = export.export(recipe_run, tmp_path / "new", 1, GAMES, 3, quiet)
    game, models = cross_play.entering(Plan(models=(str(tmp_path / "new"),)), 1)
    played = cross_play.cross_play(game, models, GAMES, 3)
    assert about["score"]["self_play"]["mean"] == pytest.approx(np.diagonal(played.matrix).mean())
    assert about["score"]["cross_play"]["mean"] == pytest.approx((played.matrix[0, 1] + played.matrix[1, 0]) / 2)
    assert about["score"]["self_play"]["models"] == 2
    assert (about["score"]["games"], about["score"]["seed"]) == (GAMES, 3)


def test_parameters_that_all_seats_share_are_stored_once(recipe_run, runs, tmp_path):
    for run in (recipe_run, runs / "naive-001"):
        policies.save(policies.run_in(run), tmp_path)
        seats = [jax.tree.leaves(params) for _, params in policies.load(tmp_path).seats]
        shared = json.loads((tmp_path / "policy.json").read_text())["shared"]
        assert shared == all(map(np.array_equal, *seats))
        assert shared == (run is recipe_run)
        stored = load((tmp_path / "policy.safetensors").read_bytes())
        assert len(stored) == len(seats[0]) if shared else len(stored) == sum(map(len, seats))


def test_the_command_line_shows_the_scores(recipe_run, tmp_path, capsys):
    words = ["export", str(recipe_run), "mine", "--games", str(GAMES), f"--out={tmp_path}"]
    assert cli.main(words) == 0
    out, err = capsys.readouterr()
    assert "Mean score, 20 games" in out
    assert "cross-play" in out
    assert err.splitlines()[-1] == str(tmp_path / "mine")
    assert cli.main([*words[:2], "again", *words[3:], "--json", "--level", "1"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["policy"], found["level"]) == (str(tmp_path / "again"), 1)
    assert cli.main(words) == 2
    assert "mine exists; remove it first" in capsys.readouterr().err
    assert json.loads((tmp_path / "mine/policy.json").read_text())["level"] == 2  # the highest, unless another is named


WRONG = [
    ("{row}", 3, "no level 3: the run has levels 1 to 2"),
    ("{runs}/short-001", 2, "level 2 was not learned: it ends after 4 iterations, and the run has 3"),
    ("{runs}/short-001", 0, "level 2 was not learned"),
    ("{runs}/naive-001", 1, "naive learns no levels, so there is no level 1"),
    ("{runs}/pair-001", 0, "pair-001 learned against tit-for-tat; only whole teams are models"),
    ("{runs}/alone-001", 0, "alone-001 learned cart-pole, a game of one; what is exported is scored by how it plays"),
    ("{runs}/nothing-001", 0, "there is no run folder"),
    ("{row}/../..", 0, "is a recipe's; name one of its rows"),
]


@pytest.mark.parametrize(("source", "level", "line"), WRONG)
def test_what_cannot_be_handed_on_is_refused(source, level, line, recipe_run, runs, tmp_path):
    path = training.pathlib.Path(source.format(row=recipe_run, runs=runs))
    with pytest.raises(InputError) as refused:
        export.export(path, tmp_path / "new", level, GAMES, 0, quiet)
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_a_run_that_has_not_finished_is_refused(runs, tmp_path):
    folder = training.new_run(tmp_path, "run", dataclasses.replace(OTHERS["naive"], iterations=9))
    with pytest.raises(training.Paused):
        training.train(folder, quiet, until=0.0)
    with pytest.raises(InputError, match="has not finished; go on with --resume"):
        export.export(folder.path, tmp_path / "new", 0, GAMES, 0, quiet)


def test_a_level_of_an_unfinished_run_can_be_handed_on(runs, tmp_path):
    about = export.export(runs / "short-001", tmp_path / "new", 1, GAMES, 0, quiet)
    assert about["level"] == 1
    assert obl.at_level(policies.run_in(runs / "short-001"), 1)


def test_policies_of_another_variant_are_refused(recipe_run, tmp_path, capsys):
    """Whether they are named for another game, or their description was made to say so."""
    export.export(recipe_run, tmp_path / "new", 1, GAMES, 0, quiet)
    status = cli.main(["evaluate", "cross-play", str(tmp_path / "new"), "--game", "tiny-hanabi-a"])
    assert status == 2
    assert "--game is of tiny-hanabi-a and new of tiny-hanabi-b, by different rules: payoff" in capsys.readouterr().err
    path = tmp_path / "new/policy.json"
    about = json.loads(path.read_text())
    path.write_text(
        json.dumps(about | {"experiment": about["experiment"] | {"game": "tiny-hanabi-e", "game_settings": {}}})
    )
    with pytest.raises(InputError, match=r"does not fit this learner: .*weight is float32\[2, 2, \d+\], not float32"):
        policies.load(tmp_path / "new")


def test_a_network_of_beliefs_of_other_sizes_is_refused(tmp_path):
    """A run whose description says another width than its checkpoint has."""
    learned = {"levels": 2, "updates": 1, "belief": "learned", "belief_updates": 1, "belief_hidden": 3}
    wanted = Experiment("obl", "hanabi-very-small", "", TINY | learned, iterations=3, seeds=1)
    folder = drawn(tmp_path / "run", wanted, 0)
    run = policies.run_in(folder.path)
    with pytest.raises(InputError, match="level 1 was not learned: it ends after 1 iterations, and the run has 0"):
        obl.at_level(run, 1)
    wider = dataclasses.replace(wanted, learner_settings=wanted.learner_settings | {"belief_hidden": 4})
    store.write_json(folder.path / "config.json", experiment.as_dict(wider))
    with pytest.raises(
        InputError, match=r"does not fit this learner: \.(memory|watcher).* is float32\[.*, not float32"
    ):
        export.export(folder.path, tmp_path / "new", 1, GAMES, 0, quiet)
