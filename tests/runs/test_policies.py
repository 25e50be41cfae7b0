"""Policies that are handed on act as those that were learned; damaged or foreign files are refused unexecuted."""

import hashlib
import json
import pathlib
import pickle
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load, save

from tacit import scale
from tacit.errors import RunError, SettingError
from tacit.runs import checkpoint, policies, training
from tacit.runs.experiment import Experiment

SHORT = {"length": 4}
TINY = {"num_games": 2, "length": 4, "epochs": 1, "minibatches": 1, "hidden": 2, "recurrent": True}
RUNS = {
    "tabular": Experiment("naive-pg", "ipd", "", {"num_games": 2}, SHORT, iterations=2, seeds=2),
    "recurrent": Experiment("ppo", "ipd", "", TINY, SHORT, iterations=2, seeds=2),
    "scripted": Experiment("lola", "ipd", "tit-for-tat", iterations=2, seeds=2),
    "precise": Experiment("naive", "imp", iterations=2, seeds=2, precision=64),
}


def train(place, wanted):
    run = training.train(training.new_run(place, "run", wanted), print)
    policies.save(run)
    return run


def of(seed, tree):
    """One seed's part of a tree on the host."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf[seed]), tree)


def acts(policy, params):
    """What a policy does and says after CC, CD, DC, DD and at the start, with different keys."""

    def act(key, obs):
        legal, fresh = jnp.ones(2, bool), jnp.bool_(True)
        return policy.act(key, params, policy.init_carry(), obs, legal, fresh)[1:]

    found = jax.vmap(act)(jax.random.split(jax.random.key(0), 5), jnp.eye(5))
    return [leaf.tolist() for leaf in jax.tree.leaves(found)]


@pytest.mark.parametrize("name", RUNS)
def test_loaded_policies_act_alike(name, tmp_path):
    run = train(tmp_path, RUNS[name])
    loaded = policies.load(run.folder.path)
    assert loaded.game == run.game
    assert loaded.experiment.learner == RUNS[name].learner
    assert len(loaded.seats) == 2
    learner = run.make(run.game, run.config)
    with scale.precision(RUNS[name].precision):
        for seed in range(2):
            for (policy, params), (other, others) in zip(
                learner.policy(of(seed, run.state)), loaded.seats, strict=True
            ):
                own = of(seed, others)
                assert jax.tree.structure(own) == jax.tree.structure(params)
                for a, b in zip(jax.tree.leaves(own), jax.tree.leaves(params), strict=True):
                    assert a.dtype == b.dtype
                    assert np.array_equal(a, b)
                assert acts(policy, params) == acts(other, own)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return train(tmp_path_factory.mktemp("saved"), RUNS["tabular"]).folder.path


@pytest.fixture
def handed(saved, tmp_path):
    """A copy with nothing but the two files that are handed on."""
    for name in ("policy.safetensors", "policy.json"):
        shutil.copy(saved / name, tmp_path / name)
    return tmp_path


def rewrite(folder, content):
    """Replaces the parameters and makes the description agree with them."""
    (folder / "policy.safetensors").write_bytes(content)
    describe(folder, sha256=hashlib.sha256(content).hexdigest())


def describe(folder, **changes):
    about = json.loads((folder / "policy.json").read_text())
    (folder / "policy.json").write_text(json.dumps(about | changes))


def test_the_two_files_are_enough(handed):
    assert len(policies.load(handed).seats) == 2


def test_damage_is_refused(handed):
    file = handed / "policy.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(RunError, match=r"policy\.safetensors is damaged: its checksum differs"):
        policies.load(handed)
    file.write_bytes(content[:-1])
    with pytest.raises(RunError, match="is damaged"):
        policies.load(handed)
    file.unlink()
    with pytest.raises(RunError, match="cannot be read: No such file"):
        policies.load(handed)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(handed, bad):
    arrays = load((handed / "policy.safetensors").read_bytes())
    name = max(arrays)
    arrays[name] = arrays[name].copy()
    arrays[name].flat[0] = bad
    rewrite(handed, save(arrays))
    with pytest.raises(RunError, match="holds numbers that are not finite"):
        policies.load(handed)


def test_other_shapes_are_refused(handed):
    arrays = load((handed / "policy.safetensors").read_bytes())
    rewrite(handed, save({name: leaf[:, :-1].copy() for name, leaf in arrays.items()}))
    with pytest.raises(RunError, match="does not fit this learner"):
        policies.load(handed)
    rewrite(handed, save(arrays | {"more": np.zeros(1)}))
    with pytest.raises(RunError, match="1 parts differ"):
        policies.load(handed)


class Harm:
    """An object whose unpickling leaves a trace."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_pickles_are_not_executed(handed):
    for protocol in (0, 2, pickle.HIGHEST_PROTOCOL):
        rewrite(handed, pickle.dumps(Harm(handed / "trace"), protocol))
        with pytest.raises(RunError, match="is not a safetensors file"):
            policies.load(handed)
    assert not (handed / "trace").exists()


def test_large_files_are_not_read(handed, monkeypatch):
    monkeypatch.setattr(policies, "MAX_BYTES", 10)
    monkeypatch.setattr(pathlib.Path, "read_bytes", lambda self: pytest.fail(f"{self} was read"))
    with pytest.raises(RunError, match="is larger than 10 bytes"):
        policies.load(handed)


DESCRIPTIONS = [
    ({"schema": 2}, RunError, "of another version"),
    ({"experiment": []}, RunError, "is damaged or of another version"),
    ({"experiment": {}}, RunError, r"config\.json is damaged or of another version"),
    ({"sha256": None}, RunError, "its checksum differs"),
]


@pytest.mark.parametrize(("changes", "error", "said"), DESCRIPTIONS, ids=range(len(DESCRIPTIONS)))
def test_damaged_descriptions(handed, changes, error, said):
    describe(handed, **changes)
    with pytest.raises(error, match=said):
        policies.load(handed)


@pytest.mark.parametrize(("part", "value"), [("learner", "lolla"), ("game", "ipdd")])
def test_unknown_names(handed, part, value):
    about = json.loads((handed / "policy.json").read_text())
    describe(handed, experiment=about["experiment"] | {part: value, "learner_settings": {}, "game_settings": {}})
    with pytest.raises(SettingError, match=f"unknown .*{value}.*did you mean"):
        policies.load(handed)


def test_another_learner_is_refused(handed):
    about = json.loads((handed / "policy.json").read_text())
    describe(handed, experiment=about["experiment"] | {"learner": "ppo", "learner_settings": TINY})
    with pytest.raises(RunError, match="does not fit this learner"):
        policies.load(handed)


def test_names_tell_the_seats_apart(saved):
    arrays = load((saved / "policy.safetensors").read_bytes())
    assert sorted(arrays) == ["[0]", "[1]"]
    assert checkpoint.not_finite(arrays) == []
