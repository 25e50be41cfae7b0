"""Recorded order books: a pair written from FarBook itself gives its rates back; damaged files are told by row."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit.errors import InputError
from tacit.games import farbook
from tacit.games.farbook import FarBook
from tacit.interop import lobster

STEPS, LEVELS, LOT, MIDDLE = 4000, 12, 100, 1_000_000
NAME = "TEST_2012-06-21_34200000_57600000_{}_12.csv"


def trajectory():
    """Queues before each step, what arrives in it, how the price moves, and the queues after; nobody trades."""
    game = FarBook(length=STEPS)

    def step(state, key):
        after, _ = game.step(key, state, jnp.array([1], jnp.int32))
        chance = (jax.random.bits(key, (farbook.WORDS,)) >> 8).astype(jnp.float32) * 2.0**-24
        arrivals = game._arrivals(chance[: farbook.TRIALS * farbook.KINDS], after.pressure, state.queue)
        return after, (state.queue, arrivals, after.move, after.queue)

    keys = jax.random.split(jax.random.key(1), STEPS)
    return jax.tree.map(np.asarray, jax.jit(lambda: jax.lax.scan(step, game.reset(jax.random.key(0)), keys)[1])())


class Writer:
    """A book, and the rows of both files."""

    def __init__(self, queue):
        self.bid, self.events, self.books, self.time, self.number = MIDDLE, [], [], 34200.0, 1
        self.lots = {1: {}, -1: {}}
        for side in (1, -1):
            for level in range(LEVELS + 2):
                self.lots[side][self.best(side) - side * level * lobster.TICK] = 5
        self.lots[1][self.best(1)], self.lots[-1][self.best(-1)] = map(int, queue)

    def best(self, side):
        return self.bid if side == 1 else self.bid + lobster.TICK

    def event(self, kind, lots, price, side):
        if lots <= 0:
            return
        have = self.lots[side].get(price, 0)
        self.lots[side][price] = have + lots if kind == lobster.ADD else have - lots
        self.events.append((self.time, kind, self.number, lots * LOT, price, side))
        self.number += 1
        sides = {s: sorted((p for p, q in self.lots[s].items() if q > 0), key=lambda p: -s * p) for s in (1, -1)}
        row = []
        for level in range(LEVELS):
            for s in (-1, 1):
                price = sides[s][level] if level < len(sides[s]) else None
                row += [-s * lobster.EMPTY, 0] if price is None else [price, self.lots[s][price] * LOT]
        self.books.append(row)

    def step(self, arrivals, move, queue):
        """A step as events: additions first; then, for a move, the next level becomes what it will be."""
        buys, sells, adds, cancels = arrivals
        self.time += 0.5
        for side, count in ((1, adds[0]), (-1, adds[1])):
            for _ in range(count):
                self.event(lobster.ADD, 1, self.best(side), side)
        emptied = -int(move)  # the side whose quote is used up: asks by a rise
        if move:
            beyond = self.best(emptied) - emptied * lobster.TICK
            wanted, have = int(queue[0 if emptied == 1 else 1]), self.lots[emptied][beyond]
            self.event(lobster.ADD if wanted > have else lobster.REDUCE, abs(wanted - have), beyond, emptied)
        for side, gone, taken in ((1, cancels[0], sells), (-1, cancels[1], buys)):
            kept = 0 if side == emptied else 1  # of two quotes that are used up at once, one stays
            for kind, count in ((lobster.DELETE, gone), (lobster.EXECUTE, taken)):
                free = self.lots[side][self.best(side)] - kept
                for _ in range(min(int(count), free)):
                    self.event(kind, 1, self.best(side), side)
        self.time += 0.5
        if move:
            assert self.lots[emptied][self.best(emptied)] == 0
            far = self.best(emptied) - emptied * (LEVELS + 2) * lobster.TICK
            self.lots[emptied].setdefault(far, 5)
            self.bid += int(move) * lobster.TICK
            self.event(lobster.ADD, int(queue[0 if emptied == -1 else 1]), self.best(-emptied), -emptied)


def save(folder, events, books):
    folder.mkdir(parents=True, exist_ok=True)
    message = folder / NAME.format("message")
    message.write_text("".join(f"{time:.9f}," + ",".join(map(str, rest)) + "\n" for time, *rest in events))
    (folder / NAME.format("orderbook")).write_text("".join(",".join(map(str, row)) + "\n" for row in books))
    return message


@pytest.fixture(scope="module")
def written():
    queues, arrivals, moves, after = trajectory()
    writer = Writer(queues[0])
    for t in range(STEPS):
        writer.step([part[t] for part in arrivals], moves[t], after[t])
    return writer, moves


@pytest.fixture(scope="module")
def day(written, tmp_path_factory):
    writer, _ = written
    return lobster.read(save(tmp_path_factory.mktemp("pair"), writer.events, writer.books))


def test_what_was_written_is_read(written, day):
    writer, _ = written
    assert len(day.time) == len(writer.events)
    np.testing.assert_array_equal(np.stack([day.kind, day.order, day.size], 1), [row[1:4] for row in writer.events])
    np.testing.assert_array_equal(day.bid_price[:, 0], [row[2] for row in writer.books])
    np.testing.assert_array_equal(day.ask_size[:, 3], [row[13] for row in writer.books])
    assert not day.halted.any()


def test_rates_of_farbook_come_back(written, day):
    """Each within 4 standard errors of counts, and what the end of a queue leaves undone: a twentieth."""
    _, moves = written
    game, found = FarBook(), lobster.fit(day, seconds=1.0)
    assert found.lot == LOT
    assert abs(found.steps - STEPS) <= 1
    for name, sides in (("market", 1), ("adds", 2), ("cancels", 2)):
        wanted = getattr(game, name)
        count = 4 * STEPS * sides * wanted * (5.5 if name == "cancels" else 1)
        assert abs(getattr(found, name) / wanted - 1) < 0.05 + 4 / count**0.5, name
    assert found.moves == pytest.approx((moves != 0).mean(), rel=0.02)
    assert found.redrawn == pytest.approx(5.5, abs=4 * 2.9 / (moves != 0).sum() ** 0.5)
    assert found.hidden == 0


def test_far_volumes_are_replayed(day):
    far = lobster.far_volumes(day, distance=5, levels=4, seconds=1.0, lot=LOT)
    assert far.shape[1] == 8
    assert abs(len(far) - STEPS) <= 2
    assert far.mean() > 1
    game = dataclasses.replace(FarBook(), replayed=far)
    state = game.reset(jax.random.key(0))
    seen = np.asarray(game.observe(state))[0, farbook.CORE :]
    np.testing.assert_allclose(seen * farbook.SHOWN, far[int(state.row)], rtol=1e-6)
    with pytest.raises(InputError, match="never reach 12 ticks from the best quote"):
        lobster.far_volumes(day, distance=9, levels=4, seconds=1.0, lot=LOT)


def test_far_volumes_by_hand(tmp_path):
    """The second level is 2 ticks off for bids and 3 for asks, where the file ends."""
    book = [1_000_100, 100, 1_000_000, 200, 1_000_400, 300, 999_800, 500]
    events = [(34200.0 + t, 1, t, 100, 1_000_000, 1) for t in range(3)]
    message = save(tmp_path, events, [book + [lobster.EMPTY, 0, -lobster.EMPTY, 0] * 10] * 3)
    far = lobster.far_volumes(lobster.read(message), distance=0, levels=3, seconds=1.0, lot=100.0)
    np.testing.assert_array_equal(far, [[0, 5, 0, 0, 0, 3]] * 3)


def test_halts_are_left_out(written, tmp_path):
    writer, _ = written
    events, books = list(writer.events), list(writer.books)
    at = 3000
    time = events[at][0]
    late = [(t + 600, *rest) for t, *rest in events[at:]]
    events = [*events[:at], (time, 7, 0, 0, -1, -1), (time + 300, 7, 0, 0, 0, -1), (time + 600, 7, 0, 0, 1, -1), *late]
    books = [*books[:at], *[books[at - 1]] * 3, *books[at:]]
    day = lobster.read(save(tmp_path, events, books))
    assert day.halted.sum() == 2
    assert abs(lobster.fit(day, seconds=1.0).steps - STEPS) <= 2


EVENT = (34200.0, 1, 7, 100, 1_000_000, 1)
BOOK = [1_000_100, 100, 1_000_000, 200] + [lobster.EMPTY, 0, -lobster.EMPTY, 0] * 11


def changed(row, place, value):
    return [*row[:place], value, *row[place + 1 :]]


DAMAGED_EVENTS = [
    (changed(EVENT, 1, 8), "row 2: type must be 1 to 7"),
    (changed(EVENT, 5, 0), "row 2: direction must be 1 or -1"),
    (changed(EVENT, 3, 0), "row 2: size must be positive"),
    (changed(EVENT, 4, -1), "row 2: price must be positive"),
    (changed(EVENT, 0, 34199.0), "row 2: time runs backward"),
    (changed(EVENT, 0, 90000.0), "row 2: time is seconds after midnight"),
    (changed(changed(EVENT, 1, 7), 4, 5), "row 2: a halt's price must be"),
    (changed(EVENT, 3, 1.5), "row 2: type, id, size, price, direction are whole numbers"),
    (changed(EVENT, 3, "x"), "row 2: 'x' is not a number"),
    (EVENT[:5], "row 2: 5 columns, 6 are expected"),
]
DAMAGED_BOOKS = [
    (changed(BOOK, 0, 1_000_000), "row 2: the best ask must be above the best bid"),
    (changed(BOOK, 1, -100), "row 2: ask sizes must not be negative"),
    (changed(BOOK, 5, 100), "row 2: an empty ask level has price 9999999999 and size 0"),
    (changed(changed(BOOK, 6, 1_000_100), 7, 100), "row 2: bid prices must go away from the best one"),
    (changed(BOOK, 2, -5), "row 2: bid prices must be positive"),
    (changed(BOOK, 2, 0.5), "row 2: prices and sizes are whole numbers"),
    (BOOK[:-1], "row 2: 47 columns, 48 are expected"),
]


@pytest.mark.parametrize(("event", "words"), DAMAGED_EVENTS)
def test_damaged_messages(event, words, tmp_path):
    with pytest.raises(InputError, match=words) as error:
        lobster.read(save(tmp_path, [EVENT, event], [BOOK, BOOK]))
    assert "message_12.csv, row 2" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("book", "words"), DAMAGED_BOOKS)
def test_damaged_books(book, words, tmp_path):
    with pytest.raises(InputError, match=words) as error:
        lobster.read(save(tmp_path, [EVENT, EVENT], [BOOK, book]))
    assert "orderbook_12.csv, row 2" in str(error.value)


def test_pairs_that_are_none(tmp_path):
    message = save(tmp_path, [EVENT, EVENT], [BOOK])
    with pytest.raises(InputError, match=r"orderbook_12.csv: 1 rows, but .*message_12.csv has 2"):
        lobster.read(message)
    (tmp_path / NAME.format("orderbook")).unlink()
    with pytest.raises(InputError, match="no such file; a message file and its order-book file belong together"):
        lobster.read(message)
    with pytest.raises(InputError, match="expected a name like TICKER_"):
        lobster.read(tmp_path / "messages.csv")
    empty = save(tmp_path, [], [])
    with pytest.raises(InputError, match="no rows"):
        lobster.read(empty)


def test_what_cannot_be_fitted(day, tmp_path):
    with pytest.raises(InputError, match="steps of 60 s are too long for this day: market would be"):
        lobster.fit(day, seconds=60.0)
    quiet = lobster.read(save(tmp_path, [EVENT, EVENT], [BOOK, BOOK]))
    with pytest.raises(InputError, match="no visible order is executed"):
        lobster.fit(quiet, seconds=1.0)
