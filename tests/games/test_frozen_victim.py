"""Whoever says what a message network says earns what the network earns; a victim hears messages, and nothing else."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit.games.cart_pole import CartPole
from tacit.games.cheap_talk import SCALE, network
from tacit.games.frozen_victim import FrozenVictim
from tacit.games.steered import Steered
from tacit.loops import joint, rollout, start
from tacit.types import Policy, Real

CART = CartPole()
LATER = network(jax.random.key(0), 5)
HEARD = jnp.array([0.3, 0.5, 4.0, 1.0, 0.2, -0.1])  # balances, and leans to where the message points


def _drive(key, params, carry, obs, legal, fresh, given=None):
    del key, legal, fresh
    return carry, (obs @ params > 0).astype(jnp.int32) if given is None else given, ()


def _say(key, params, carry, obs, legal, fresh, given=None):
    """What `message` says, before the tanh."""
    del key, legal, fresh, given
    for weight, bias in params[:-1]:
        obs = jax.nn.relu(obs @ weight + bias)
    weight, bias = params[-1]
    return carry, obs @ weight + bias, ()


VICTIM, SPEAKER = Policy(lambda: (), _drive), Policy(lambda: (), _say)


@pytest.fixture(scope="module")
def both():
    """The same episodes, begun anew where they end, with messages of a network and with messages as actions."""

    @functools.partial(jax.jit, static_argnums=1)
    def played(game, policy, params):
        act = joint((policy,))
        live = start(jax.random.key(1), game, (policy,), 4)
        return rollout(jax.random.key(2), game, lambda keys, **seen: act(keys, (params,), **seen), live, 60)[1]

    steered = Steered(CART, LATER)
    return played(steered, VICTIM, HEARD), played(FrozenVictim(steered, VICTIM, HEARD), SPEAKER, LATER)


def test_who_says_what_the_network_says_earns_what_it_earns(both):
    networks, actions = both
    assert networks.terminated.any()
    for name in ("reward", "gained", "terminated", "truncated"):
        np.testing.assert_allclose(getattr(networks, name), getattr(actions, name), rtol=1e-4)
    np.testing.assert_allclose(networks.state.inner.moving, actions.state.inner.moving, atol=1e-4)
    np.testing.assert_array_equal(networks.state.goal, actions.state.goal)


def test_the_player_sees_state_and_goal(both):
    _, actions = both
    np.testing.assert_array_equal(actions.obs[:, :, 0, :4], actions.state.inner.moving)
    np.testing.assert_array_equal(actions.obs[:, :, 0, 4:], actions.state.goal)
    assert actions.obs.shape[2:] == (1, 5)


def test_the_victim_hears_what_is_said_within_its_bounds():
    heard = []

    def listening(key, params, carry, obs, legal, fresh, given=None):
        heard.append(np.asarray(obs))
        return carry, jnp.int32(legal.shape[0] - 1), ()

    game = FrozenVictim(Steered(CART, ()), Policy(lambda: (), listening), ())
    state = game.reset(jax.random.key(0), jnp.float32(1.0))
    for said in (0.0, 0.5, 1e6):
        after, outcome = game.step(jax.random.key(0), state, jnp.full((1, 2), said))
        np.testing.assert_array_equal(heard[-1][:4], state.inner.moving)
        np.testing.assert_allclose(heard[-1][4:], SCALE * np.tanh(said), rtol=1e-6)
        assert after.inner.moving[1] > 0  # pushed to the right, the last of its actions
        np.testing.assert_allclose(outcome.reward[0], np.exp(-((after.inner.moving[0] - 1.0) ** 2)), rtol=1e-6)
    assert (game.spec.observation, game.spec.action) == (Real((5,)), Real((2,)))
    assert game.legal(state).shape == (1, 1)
    assert (game.spec.max_length, game.spec.reward_range) == (200, (0.0, 1.0))
