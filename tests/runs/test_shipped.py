"""The agents that come with the package: whole, described, within their size, and as good as is written beside them."""

import json

import numpy as np
import pytest

from tacit.evaluation.cross_play import cross_play
from tacit.evaluation.cross_play_settings import Plan
from tacit.policies import POLICIES, place
from tacit.runs import policies
from tacit.runs.cross_play import entering

HANABI = [name for name in POLICIES if name.startswith("hanabi")]
MOST = 5 * 2**20  # bytes of one
LEVELS = ("hanabi-small-obl-1", "hanabi-small-obl-2", "hanabi-small-obl-3")


def described(name):
    return json.loads((place(name) / "policy.json").read_text())


def test_every_folder_is_named_and_holds_two_files():
    folders = {path.name for path in place("mfos-ipd").parent.iterdir() if path.is_dir()} - {"__pycache__"}
    assert folders == set(POLICIES)
    for name, entry in POLICIES.items():
        assert entry.target == name
        files = {path.name: path.stat().st_size for path in place(name).iterdir()}
        assert set(files) == {"policy.json", "policy.safetensors"}
        assert sum(files.values()) < MOST


@pytest.mark.parametrize("name", HANABI)
def test_provenance_is_complete(name):
    about = described(name)
    of, score, engine = about["experiment"], about["score"], about["engine"]
    assert about["origin"]["recipe"] in POLICIES[name].line
    assert about["provenance"]["git"]
    assert about["learning"]["moves"] > 0
    assert (about["level"] is not None) == (of["learner"] == "obl")
    assert of["seeds"] >= 2
    assert score["games"] >= 1000
    for kind in ("self_play", "cross_play"):
        assert score[kind]["models"] == of["seeds"]
    assert score["self_play"]["se"] is not None
    assert engine["differing"] == 0
    assert len(engine["each"]) == of["seeds"]
    assert engine["games"] == score["games"]
    assert engine["mean"] == pytest.approx(score["self_play"]["mean"])


@pytest.mark.parametrize("name", HANABI)
def test_every_one_loads_by_its_name(name):
    loaded = policies.load(name)
    assert len(loaded.seats) == loaded.game.spec.num_players
    assert loaded.experiment.seeds == described(name)["experiment"]["seeds"]


def test_one_plays_as_is_written():
    """Its first seed on the decks that it was scored on: rounding on other machines may turn a game or two."""
    name, score = LEVELS[0], described(LEVELS[0])["score"]
    game, models = entering(Plan(models=(f"{name}:0",)), 1)
    found = cross_play(game, models, score["games"], score["seed"]).matrix[0, 0]
    assert abs(found - described(name)["engine"]["each"][f"{name}:0"]) < 0.03


def test_levels_are_of_one_run_and_differ():
    about = [described(name) for name in LEVELS]
    assert [each["level"] for each in about] == [1, 2, 3]
    for each in about[1:]:
        assert each["experiment"] == about[0]["experiment"]
        assert each["origin"] == about[0]["origin"]
    first = [policies.load(name).seats[0][1].net.layers[0].weight for name in LEVELS]
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[1], first[2])


def test_models_are_named_with_their_seeds():
    _, models = entering(Plan(models=("hanabi-small-obl-2:2,0", "hanabi-small-sp")))
    assert [one.name for one in models][:3] == ["hanabi-small-obl-2:2", "hanabi-small-obl-2:0", "hanabi-small-sp:0"]
