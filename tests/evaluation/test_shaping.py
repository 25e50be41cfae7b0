"""Agents that learn what to say to one frozen victim: their settings, a victim with a known answer, a deaf one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit.evaluation import held_out_victims as held_out
from tacit.evaluation import shaping
from tacit.evaluation.shaping import Shaped, mean_curve, settings_of
from tacit.games.cart_pole import CartPole
from tacit.games.cheap_talk import network
from tacit.games.frozen_victim import FrozenVictim
from tacit.games.steered import Steered
from tacit.learners import act
from tacit.loops import episodes
from tacit.types import Policy

CART = CartPole()
CENTERED = 73.8  # what a cart earns that stays in the middle: 200 sqrt(pi) erf(2.4) / 4.8
TINY = act.Config(objective="backdoor", updates=2, length=64, epochs=1)


def test_settings_are_those_of_the_public_code():
    own, updates = settings_of(act.Config(objective="backdoor"))
    assert (own.lr, own.entropy_weight, updates) == (0.02, 0.005, 64)
    assert (own.num_games, own.length, own.epochs, own.hidden) == (4, 256, 16, 32)
    there = act.Config(objective="backdoor", victim="pendulum", updates=128)
    assert settings_of(there) == (act.victims_of(there), 128)  # elsewhere they are the victim's


def test_agents_are_shortened_as_their_victims_are():
    own, updates = settings_of(TINY)
    assert (own.length, own.epochs, updates) == (64, 1, 4)
    assert settings_of(act.Config(victim="reacher", updates=1))[1] == 1


def test_curves_leave_out_what_has_not_ended():
    gone = np.nan
    several = [Shaped(None, np.array([[1.0, gone, gone]])), Shaped(None, np.array([[3.0, gone, 2.0]]))]
    np.testing.assert_array_equal(mean_curve(several), [2.0, gone, 2.0])


def test_blocks_are_of_one_size_and_hold_everybody():
    assert held_out.blocks(20) == [list(range(16)), [*range(16, 20), *range(12)]]
    assert held_out.blocks(5, devices=2) == [[0, 1, 2, 3, 4, 0]]
    assert held_out.blocks(2) == [[0, 1]]


@pytest.mark.long
def test_an_agent_learns_to_steer_a_victim_that_can_be_steered():
    """This one balances the pole and leans to where the message points."""

    def drive(key, params, carry, obs, legal, fresh, given=None):
        return carry, (obs @ params > 0).astype(jnp.int32) if given is None else given, ()

    game = FrozenVictim(Steered(CART, ()), Policy(lambda: (), drive), jnp.array([0.3, 0.5, 4.0, 1.0, 0.2, -0.1]))
    own, updates = settings_of(act.Config(objective="backdoor"))
    key, asked = jax.random.split(jax.random.key(0))
    reached, curve = jax.jit(lambda *keys: shaping.learned(*keys, game, own, updates, 64))(key, asked)
    silent = Policy(lambda: (), lambda *_: ((), jnp.zeros(2), ()))
    gained = np.asarray(reached[0] - held_out.reached(CART, episodes(asked, game, (silent,), ((),), 64)[1])[0])
    assert gained.mean() > 4 * gained.std(ddof=1) / 8  # four standard errors more than in silence
    assert reached[0].mean() > CENTERED
    assert held_out.obedience(*(leaf[None] for leaf in reached)).correlation[0] > 0.8
    assert np.nanmean(curve[-8:]) > np.nanmean(curve[:8]) + 20


@pytest.mark.long
def test_nobody_can_say_anything_to_a_deaf_victim():
    """Whatever is said, it drives as it does in the same episodes under f^; another one that hears does not.

    So those episodes are the same, and do not depend on how many victims there are.
    """
    said, config = [network(jax.random.key(0), 4)] * 3, act.victims_of(TINY)
    trained, _ = held_out.learned(CART, said, [0, 1, 2], 3, config, TINY.updates)
    later = network(jax.random.key(1), 5)
    rewards = []
    for each in (trained, held_out.deaf(trained, 4)):
        few = jax.tree.map(lambda leaf: leaf[:2], each)
        rewards.append([shaping.shaped(CART, few, 3, TINY, 8).obeyed.reward])
        rewards[-1].append(held_out.obeyed(CART, each, later, 3, config, 8).reward[:2])
    (hears, other), (deaf, same) = rewards
    np.testing.assert_allclose(deaf, same, atol=1e-3)
    assert np.abs(hears - other).max() > 0.1
