"""Members of a generation are divided among devices: one and two find the same."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

DEVICES = """
import json, sys
import jax
import numpy as np
from tacit import games, loops, scale
from tacit.games.cheap_talk import CheapTalk, network
from tacit.learners import act, victim

scale.prepare()
scale.cache_programs()
game, config = games.make("cart-pole"), act.Config(population=6, updates=4, length=64, epochs=2, block=2)
members = jax.vmap(lambda key: network(key, 4))(jax.random.split(jax.random.key(0), config.population))

def once(said):
    trained, _ = act.taught(jax.random.key(1), CheapTalk.of(game, said), act.victims_of(config), 1)
    return jax.numpy.concatenate([leaf.ravel() for leaf in jax.tree.leaves(trained.learner.params)])

first = jax.jit(lambda members: scale.divided(jax.vmap(once), members))(members)
run = list(loops.chunks(act.make, game, config, iterations=1, seeds=(0,)))[-1]
told = {name: float(rows[-1, 0]) for name, rows in run.metrics.items()}
print(json.dumps({"devices": len(jax.devices()), "first": np.asarray(first).tolist(), **told}))
"""


@pytest.mark.long
def test_one_device_and_two_agree():
    """The first update of each member's victim; later ones drift, so fitness is compared within its standard error."""

    def found(count):
        flags = f"--xla_force_host_platform_device_count={count} --xla_backend_optimization_level=0"
        given = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
        done = subprocess.run([sys.executable, "-c", DEVICES], env=given, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    one, two = found(1), found(2)
    assert (one["devices"], two["devices"]) == (1, 2)
    assert np.shape(one["first"])[0] == 6
    np.testing.assert_allclose(one["first"], two["first"], atol=1e-5)
    assert np.ptp(one["first"], axis=0).max() > 1e-3  # messages did something
    assert abs(one["fitness"] - two["fitness"]) < one["spread"] / 6**0.5
