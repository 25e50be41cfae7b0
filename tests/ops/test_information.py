"""Information against known channels and another way to compute it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from tacit.ops import information

pytestmark = pytest.mark.usefixtures("strict", "x64")
weights = arrays(np.float64, (3, 4), elements=st.floats(0, 1)).filter(lambda w: (w.sum(1) > 1e-3).all())


def test_entropies_that_are_known():
    assert information.entropy(jnp.full(8, 1 / 8)) == pytest.approx(3.0)
    assert information.entropy(jnp.array([1.0, 0.0])) == 0.0
    assert information.entropy(jnp.array([0.5, 0.25, 0.25])) == pytest.approx(1.5)


@given(weights)
def test_mutual_information_is_the_divergence_from_independence(weight):
    joint = weight / weight.sum()
    independent = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    other = stats.entropy(joint.ravel(), np.maximum(independent, 1e-300).ravel(), base=2)
    found = float(information.mutual_information(jnp.asarray(joint)))
    assert found == pytest.approx(other, abs=1e-10)
    assert -1e-12 <= found <= min(information.entropy(jnp.asarray(joint.sum(axis))) for axis in (0, 1)) + 1e-12


@pytest.mark.parametrize("flip", [0.0, 0.11, 0.5])
def test_the_capacity_of_a_binary_symmetric_channel(flip):
    received = jnp.array([[1 - flip, flip], [flip, 1 - flip]])
    found = information.capacity(received)
    assert found.bits == pytest.approx(1 - stats.entropy([flip, 1 - flip], base=2), abs=1e-12)
    np.testing.assert_allclose(found.sent, 0.5, atol=1e-12)


@pytest.mark.parametrize("erased", [0.0, 0.3])
def test_the_capacity_of_an_erasure_channel(erased):
    received = jnp.array([[1 - erased, 0.0, erased], [0.0, 1 - erased, erased]])
    assert information.capacity(received).bits == pytest.approx(1 - erased, abs=1e-12)


@given(weights, arrays(np.float64, 3, elements=st.floats(0.01, 1)))
def test_nothing_carries_more_than_the_capacity(weight, sent):
    received = jnp.asarray(weight / weight.sum(1, keepdims=True))
    most = information.capacity(received).bits
    assert (
        information.through(jnp.asarray(sent / sent.sum()), received) <= most + np.log2(3) / 1000
    )  # what so many iterations may miss


def test_gradients_are_finite_where_something_never_happens():
    slope = jax.grad(lambda sent: information.through(sent, jnp.eye(3)))(jnp.array([0.5, 0.5, 0.0]))
    assert np.isfinite(slope).all()
