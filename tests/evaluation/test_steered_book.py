"""Far orders that move traders: nobody moves who is not told the goal, and a trader with a planted habit is moved."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit.evaluation import book_impact, steered_book
from tacit.evaluation.steered_book import Aimed, Talker
from tacit.games.farbook import CORE, FarBook
from tacit.learners import ppo
from tacit.learners.traders import IMBALANCE_TRADER, RULE
from tacit.loops import episodes

BOOK = FarBook(length=60)
FIVE = dataclasses.replace(BOOK, num_players=5)
EPISODES = 64


@pytest.fixture(scope="module")
def known():
    return {size: book_impact.impact(dataclasses.replace(BOOK, num_players=size)) for size in (1, 5)}


@pytest.fixture(scope="module")
def crowds(known):
    return {size: steered_book.crowd(size, impact) for size, impact in known.items()}


@pytest.fixture(scope="module")
def follower():
    """A trader who buys where more is bid than asked far from the quotes, sells where less is, and else holds."""
    params = ppo.make(BOOK, steered_book.VICTIM).init(jax.random.key(0)).params
    params = jax.tree.map(jnp.zeros_like, params)
    first, middle, last = params.actor
    pull = jnp.zeros(16).at[CORE : CORE + 4].set(1.0).at[CORE + 4 :].set(-1.0)
    first = eqx.tree_at(lambda layer: layer.weight, first, first.weight.at[:, 0].set(pull))
    middle = eqx.tree_at(lambda layer: layer.weight, middle, middle.weight.at[:, 0, 0].set(1.0))
    weight, bias = last.weight.at[:, 0, 0].set(-5.0).at[:, 2, 0].set(5.0), last.bias.at[:, 1].set(0.5)
    last = eqx.tree_at(lambda layer: (layer.weight, layer.bias), last, (weight, bias))
    return eqx.tree_at(lambda tree: tree.actor, params, (first, middle, last))


def told(by_goal):
    """Far orders: bids grow and asks shrink by so much with the goal, the last of the public numbers."""
    weight = jnp.zeros((1, steered_book.PUBLIC, 8)).at[:, -1].set(by_goal * jnp.repeat(jnp.array([1.0, -1.0]), 4))
    return Talker(((weight, jnp.zeros((1, 8))),))


def judged(trader, orders, crowd):
    moved = steered_book.judge(jax.random.key(1), BOOK, trader, orders, crowd, EPISODES)
    return jax.tree.map(lambda leaf: np.asarray(leaf)[0], moved)


def error(values):
    return values.std() / len(values) ** 0.5


@pytest.mark.long
def test_a_trader_is_moved_and_the_price_with_it(follower, crowds):
    deaf, with_goal, against = (judged(follower, told(by), crowds[1]) for by in (0.0, 1.0, -1.0))
    assert not deaf.earned.any()  # the goals make no difference, and each is wanted in half of the play
    assert not deaf.held.any()
    assert with_goal.held.mean() > 2.8  # its limit, but for the way there
    np.testing.assert_allclose(against.held, -with_goal.held, atol=1e-5)
    for each in (deaf, with_goal, against):
        assert not each.fills.any()
    masked = judged(steered_book.deaf(BOOK, follower), told(1.0), crowds[1])
    assert not masked.earned.any()


@pytest.mark.long
def test_impacts_tell_what_a_price_does_with_less_noise(follower, known, crowds):
    """Buy and hold is what was computed exactly; J itself agrees within its noise."""
    for size, crowd in crowds.items():
        moved = judged(follower, told(1.0), crowd)
        assert error(moved.expected) < 0.6 * error(moved.earned)
        assert abs(moved.expected.mean() - known[size].held) < 4 * error(moved.expected)
        assert abs(moved.earned.mean() - known[size].held) < 4 * error(moved.earned)


@pytest.mark.long
def test_who_pulls_an_obedient_trader_raises_the_price_as_far_as_can_be(follower, known, crowds):
    tried, found = steered_book.offers(BOOK, 0), {}
    for name, wishes in steered_book.wishes(crowds[1]).items():
        pulled = steered_book.puppets(jax.random.key(2), BOOK, follower, tried, wishes, crowds[1], EPISODES)
        found[name] = jax.tree.map(lambda leaf: np.asarray(leaf)[0], pulled)
    patient = found["patient"]
    # wishes are those far from the end, so that some of it is wasted there
    assert 0.6 * known[1].most < patient.expected.mean() < known[1].most + 4 * error(patient.expected)
    assert abs(patient.earned.mean() - patient.expected.mean()) < 4 * error(patient.earned)
    assert found["for positions"].held.mean() > 2.8


@pytest.mark.long
def test_a_crowd_is_moved_further_and_a_search_finds_how(follower, crowds):
    keys, search = jax.random.split(jax.random.key(2), 1), steered_book.Search(generations=15)
    first = jax.vmap(lambda key: steered_book.talker(key, BOOK))(jax.random.split(jax.random.key(3), 1))
    orders = steered_book.shaped(keys, BOOK, follower, first, crowds[5], search)
    alone, together = (judged(follower, orders, crowd) for crowd in crowds.values())
    assert together.held.mean() > 0.5
    assert together.expected.mean() > 2 * alone.expected.mean() > 0


@pytest.mark.long
def test_one_trader_stands_for_a_crowd_of_copies():
    """Five who do the same, each by itself, and one whose trades count five times: the same book, bit for bit."""
    one = Aimed.of(BOOK, size=5)
    params = IMBALANCE_TRADER.seated(BOOK, (0,))[1][0]
    copies, alone = (
        jax.jit(
            lambda book=book, size=size: episodes(jax.random.key(5), book, (RULE,) * size, (params,) * size, 32)[1]
        )()
        for book, size in ((FIVE, 5), (one, 1))
    )
    for name in ("price", "queue", "flow"):
        np.testing.assert_array_equal(getattr(copies.next_state, name), getattr(alone.next_state, name))
    np.testing.assert_array_equal(copies.next_state.held[..., 2], alone.next_state.held[..., 0])
    assert np.asarray(alone.next_state.held).any()


def placed(orders, **known):
    """Lots at each far level where the public numbers are 0 but for these."""
    public = jnp.zeros(steered_book.PUBLIC)
    for place, value in known.items():
        public = public.at[getattr(steered_book, place)].set(value)
    state = BOOK.reset(jax.random.key(0))

    class Shown(FarBook):
        def public(self, state):
            return public

    return np.asarray(Shown(talker=orders).placed(state)).tolist()


def test_far_orders_by_hand():
    assert placed(steered_book.nobody(BOOK), MEAN_FLOW=1.0, GOAL=1.0) == [0] * 8
    helper = steered_book.helper(BOOK)
    assert placed(helper) == placed(helper, GOAL=1.0) == [10] * 8
    assert placed(helper, MEAN_FLOW=0.2) == [20] * 4 + [0] * 4
    assert placed(helper, MEAN_FLOW=-0.2) == [0] * 4 + [20] * 4


def test_far_orders_that_know_no_goal_take_no_notice_of_it():
    public = jnp.linspace(-1.0, 1.0, steered_book.PUBLIC)
    key, other = jax.random.key(3), public.at[steered_book.GOAL].set(-1.0)
    ignorant, knowing = (steered_book.talker(key, BOOK, knows=knows) for knows in (False, True))
    assert (ignorant(public) == ignorant(other)).all()
    assert not (knowing(public) == knowing(other)).any()


def test_who_does_not_look_sees_others_orders(follower):
    """A trader who is deaf answers as one does that sees the silent far book."""
    net = ppo.make(BOOK, steered_book.VICTIM).init(jax.random.key(4)).params
    deaf = steered_book.deaf(BOOK, net)
    core, far = jnp.linspace(-1.0, 1.0, CORE), jnp.linspace(0.0, 1.0, 8)
    own, unheard = (jax.tree.map(lambda leaf: leaf[0], each) for each in (net, deaf))
    silent = own(jnp.append(core, jnp.full(8, 0.25)), ())[1]
    np.testing.assert_allclose(unheard(jnp.append(core, far), ())[1], silent, atol=1e-6)
    assert abs(own(jnp.append(core, far), ())[1] - silent).max() > 1e-6
