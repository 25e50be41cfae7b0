"""A finished run whose last checkpoint is damaged or gone is not taken for one that ended earlier; it can be mended."""

import pytest

from tacit.errors import RunError
from tacit.recipes import reproduction
from tacit.recipes.base import Recipe, Target, over_seeds
from tacit.runs import training
from tacit.runs.experiment import Experiment
from tacit.runs.store import RunFolder

WANTED = Experiment("naive", "ipd", iterations=6, seeds=2)


def quiet(told):
    del told


@pytest.fixture(autouse=True)
def in_small_pieces(monkeypatch):
    """A checkpoint after every iteration."""
    monkeypatch.setattr(training, "CHUNK", 0.0)
    monkeypatch.setattr(training, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(training, "SHARE", 1e9)


def newest(folder):
    return max((folder.path / "checkpoints").glob("*.safetensors"))


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def flip(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def remove(path):
    path.unlink()
    path.with_suffix(".json").unlink()


HARM = {cut: "is damaged: ", flip: "its checksum differs", remove: "the newest checkpoint is of iteration 5"}


@pytest.mark.parametrize("harm", HARM)
def test_a_lost_end_is_told_and_computed_again(harm, tmp_path):
    folder = training.new_run(tmp_path, "run", WANTED)
    training.train(folder, quiet)
    whole = newest(folder).read_bytes()
    harm(newest(folder))
    with pytest.raises(RunError) as error:
        training.read_back(folder)
    assert str(error.value).startswith(f"{folder.path} has lost its end (")
    assert HARM[harm] in str(error.value)
    assert str(error.value).endswith(f"tacit train --resume {folder.path} computes it again")
    training.train(folder, quiet)
    assert newest(folder).read_bytes() == whole
    training.read_back(folder)


def test_a_recipe_computes_the_lost_end_of_a_row_again(tmp_path, monkeypatch):
    def measure(runs):
        return {"t": over_seeds(runs["row"].metrics["value"][-1, :, 0])}

    recipe = Recipe("chicken", "t", "p", {"row": WANTED}, measure, (Target("t", "s", low=-1.0, reason="so"),))
    monkeypatch.setattr(reproduction, "recipe_named", lambda _: recipe)
    folder = reproduction.new_reproduction(tmp_path, recipe, "default", None, 0)
    first = reproduction.reproduce(folder, quiet, quiet)
    row = RunFolder(folder.path / "rows/01-naive")
    whole = newest(row).read_bytes()
    flip(newest(row))
    again = reproduction.reproduce(RunFolder.open(folder.path), quiet, quiet)
    assert again.json["targets"] == first.json["targets"]
    assert newest(row).read_bytes() == whole
