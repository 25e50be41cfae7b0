"""Far orders that move traders: nobody moves who is not told the goal, and a trader with a planted habit is moved."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit.evaluation import steered_book
from tacit.evaluation.steered_book import Talker
from tacit.games.farbook import CORE, FarBook
from tacit.learners import ppo

BOOK = FarBook(length=60)
EPISODES = 64


@pytest.fixture(scope="module")
def follower():
    """A trader who buys where more is bid than asked far from the quotes, and sells where less is."""
    params = ppo.make(BOOK, steered_book.VICTIM).init(jax.random.key(0)).params
    params = jax.tree.map(jnp.zeros_like, params)
    first, middle, last = params.actor
    pull = jnp.zeros(16).at[CORE : CORE + 4].set(1.0).at[CORE + 4 :].set(-1.0)
    first = eqx.tree_at(lambda layer: layer.weight, first, first.weight.at[:, 0].set(pull))
    middle = eqx.tree_at(lambda layer: layer.weight, middle, middle.weight.at[:, 0, 0].set(1.0))
    weight = last.weight.at[:, 0, 0].set(-5.0).at[:, 2, 0].set(5.0)
    last = eqx.tree_at(lambda layer: layer.weight, last, weight)
    return eqx.tree_at(lambda tree: tree.actor, params, (first, middle, last))


def told(by_goal):
    """Far orders: bids grow and asks shrink by so much with the goal, the last of the public numbers."""
    weight = jnp.zeros((1, steered_book.PUBLIC, 8)).at[:, -1].set(by_goal * jnp.repeat(jnp.array([1.0, -1.0]), 4))
    return Talker(((weight, jnp.zeros((1, 8))),))


@pytest.mark.long
def test_a_trader_is_moved_and_the_price_with_it(follower):
    found = {by: steered_book.judge(jax.random.key(1), BOOK, follower, told(by), EPISODES) for by in (0.0, 1.0, -1.0)}
    deaf, with_goal, against = (jax.tree.map(np.asarray, each) for each in found.values())
    assert not deaf.earned.any()  # the goals make no difference, and each is wanted in half of the play
    assert not deaf.held.any()
    assert with_goal.held.mean() > 2.8  # its limit, but for the way there
    np.testing.assert_allclose(against.held, -with_goal.held, atol=1e-5)
    assert with_goal.earned.mean() > 4 * with_goal.earned.std() / EPISODES**0.5
    for each in (deaf, with_goal, against):
        assert not each.fills.any()


@pytest.mark.long
def test_a_crowd_moves_the_price_further_and_a_search_finds_how(follower):
    crowd = dataclasses.replace(BOOK, num_players=5)
    alone, together = (
        np.asarray(steered_book.judge(jax.random.key(1), book, follower, told(1.0), EPISODES).earned).mean()
        for book in (BOOK, crowd)
    )
    assert together > 2 * alone
    keys, search = jax.random.split(jax.random.key(2), 1), steered_book.Search(generations=20, pairs=6, episodes=8)
    orders = steered_book.shaped(keys, BOOK, follower, search)
    found = steered_book.judge(jax.random.key(1), BOOK, follower, orders, EPISODES)
    assert np.asarray(found.held).mean() > 0.5
