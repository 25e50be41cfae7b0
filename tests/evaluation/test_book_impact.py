"""What trades do to the price: one queue by enumeration, and the exact figures against play."""

import itertools
from fractions import Fraction
from math import comb

import jax
import numpy as np
import pytest

from tacit.evaluation import book_impact
from tacit.evaluation.book_impact import BUY, HOLD, SELL
from tacit.games.farbook import FarBook
from tacit.learners.traders import BUYER, HOLDER, RULE
from tacit.loops import episodes

BOOK = FarBook(length=40)


@pytest.fixture(scope="module")
def alone():
    return book_impact.impact(BOOK)


def chance_of(count, chance):
    return comb(4, count) * chance**count * (1 - chance) ** (4 - count)


@pytest.mark.parametrize(("size", "lots"), [(1, 0), (3, 1), (19, 0), (20, 5)])
def test_a_queue_by_enumeration(size, lots):
    market = Fraction(3, 8)
    wanted = [Fraction(0)] * 21
    for adds, cancels, orders in itertools.product(range(5), repeat=3):
        chance = chance_of(adds, Fraction(3, 10)) * chance_of(cancels, Fraction(size, 50)) * chance_of(orders, market)
        wanted[min(max(size + adds - cancels - orders - lots, 0), 20)] += chance
    found = book_impact._queue(FarBook(), float(market), lots)[size]
    np.testing.assert_allclose(found, [float(x) for x in wanted], atol=1e-12)


def test_a_trade_moves_the_price_its_way_and_most_where_its_queue_is_thin(alone):
    inside = (slice(None), slice(1, 21), slice(1, 21))
    assert not alone.lasting[HOLD].any()
    # but for the longest bids under the hardest sales: who uses up the ask has those replaced by shorter ones
    assert (alone.lasting[BUY][:, 1:16, 1:21] > 0).all()
    # both sides of the book are alike: a sale at pressure -a is a buy at a, with the queues exchanged
    mirrored = -alone.lasting[SELL][::-1].swapaxes(1, 2)
    np.testing.assert_allclose(alone.lasting[BUY][inside], mirrored[inside], atol=1e-9)
    middle = len(alone.pressures) // 2
    assert (np.diff(alone.lasting[BUY][middle, 5, 2:15]) < 0).all()


def test_nobody_raises_the_price_further_than_who_chooses_every_trade(alone):
    crowd = book_impact.impact(FarBook(length=40, num_players=5))
    for known in (alone, crowd):
        assert 0 < known.held < known.most <= BOOK.length  # a tick a step
    assert crowd.most > alone.most


def test_one_step_by_hand():
    """One step: who buys takes a lot of the ask, and the price rises if that uses it up, or falls with the bid."""
    known = book_impact.impact(FarBook(length=1))
    chances = {lots: book_impact._queue(FarBook(), 0.25, lots)[:, 0] for lots in (0, 1)}
    bid, ask = 4, 2
    up = {
        lots: chances[lots][ask] * (1 - chances[0][bid]) - (1 - chances[lots][ask]) * chances[0][bid] for lots in (0, 1)
    }
    # where the pressure cannot change and is 0, market orders have a chance of 0.25 on either side
    still = book_impact.impact(FarBook(length=1, stay=0.0, shock=0.0))
    assert still.lasting[BUY, 5, bid, ask] == pytest.approx(up[1] - up[0], abs=1e-9)
    assert known.most == pytest.approx(known.held, abs=1e-9)  # the last trade can only help


def test_buyers_raise_the_price_as_far_as_was_computed():
    """Against who only holds, under the same chance."""
    crowd = FarBook(length=40, num_players=5)
    known = book_impact.impact(crowd)

    @jax.jit
    def prices(params):
        played = episodes(jax.random.key(0), crowd, (RULE,) * 5, (params,) * 5, 2048)[1]
        return played.next_state.price[-1]

    buyers, holders = (np.asarray(prices(each.seated(crowd, (0,))[1][0]), float) for each in (BUYER, HOLDER))
    apart = buyers - holders
    error = apart.std() / len(apart) ** 0.5
    assert error < 0.1
    assert abs(apart.mean() - known.held) < 4 * error
