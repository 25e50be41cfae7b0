"""Recorded order books in the format of LOBSTER, for one's own data: checked, as arrays, and as a setting of FarBook.

A day of a stock is a pair of files without headings and with as many rows as each other:
`TICKER_YYYY-MM-DD_START_END_message_LEVELS.csv`, an event in each row, and `..._orderbook_LEVELS.csv`, the book after
it.

    message     time (seconds after midnight), type, order id, size, price, direction
    orderbook   ask price 1, ask size 1, bid price 1, bid size 1, ask price 2, ...

Prices are dollars times 10,000. The direction is that of the resting order, 1 to buy and -1 to sell: where a sell order
is executed, a buyer came. Levels that do not exist have the price 9999999999 or -9999999999 and the size 0.

Nothing here connects to a market, and no data come with it: they are under a license of their own.

Source: the format as LOBSTER (lobsterdata.com) describes its output; the marks of empty levels and the codes of halts
could not be checked against a text.
"""

import pathlib
import re
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from tacit.errors import InputError

ADD, REDUCE, DELETE, EXECUTE, HIDDEN, CROSS, HALT = range(1, 8)
MESSAGE_COLUMNS, BOOK_COLUMNS = 6, 4
EMPTY = 9_999_999_999
TICK = 100  # a cent
NAME = re.compile(r"(?P<day>.+_\d{4}-\d{2}-\d{2}_\d+_\d+)_message_(?P<levels>\d+)\.csv")
BUY, SELL = 1, -1


class Day(NamedTuple):
    """The events of a day `[N]` and the book after each `[N, L]`; sizes are shares, prices dollars times 10,000."""

    time: Float[np.ndarray, " N"]
    kind: Int[np.ndarray, " N"]
    order: Int[np.ndarray, " N"]
    size: Int[np.ndarray, " N"]
    price: Int[np.ndarray, " N"]
    direction: Int[np.ndarray, " N"]
    ask_price: Int[np.ndarray, "N L"]
    ask_size: Int[np.ndarray, "N L"]
    bid_price: Int[np.ndarray, "N L"]
    bid_size: Int[np.ndarray, "N L"]
    halted: Bool[np.ndarray, " N"]  # trading was halted then


def read(message: pathlib.Path) -> Day:
    """The day of a message file and of the order-book file beside it.

    Raises:
        InputError: a file is missing, or the pair is damaged; the line names the file and the row, from 1.
    """
    message = pathlib.Path(message)
    named = NAME.fullmatch(message.name)
    if not named:
        raise InputError(f"{message}: expected a name like TICKER_2012-06-21_34200000_57600000_message_10.csv")
    levels = int(named["levels"])
    book = message.with_name(f"{named['day']}_orderbook_{levels}.csv")
    events, states = _numbers(message, MESSAGE_COLUMNS), _numbers(book, BOOK_COLUMNS * levels)
    if len(events) != len(states):
        raise InputError(f"{book}: {len(states)} rows, but {message.name} has {len(events)}")
    _check_events(message, events)
    _check_books(book, states, events[:, 1] == HALT)
    kind, order, size, price, direction = events[:, 1:].astype(np.int64).T
    sides = states.astype(np.int64).reshape(len(states), levels, BOOK_COLUMNS)
    seen = (sides[..., 0], sides[..., 1], sides[..., 2], sides[..., 3])
    return Day(events[:, 0], kind, order, size, price, direction, *seen, _halted(kind, price))


def _numbers(path: pathlib.Path, columns: int) -> Float[np.ndarray, "N c"]:
    """A file of numbers with so many columns."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; a message file and its order-book file belong together")
    if not path.stat().st_size:
        raise InputError(f"{path}: no rows")
    try:
        found = np.loadtxt(path, delimiter=",", ndmin=2, comments=None)
        if found.size and found.shape[1] == columns and np.isfinite(found).all():
            return found
    except (ValueError, UnicodeDecodeError):
        pass
    raise InputError(_what_is_wrong(path, columns))


def _what_is_wrong(path: pathlib.Path, columns: int) -> str:
    """The first row that is no row of numbers, in words."""
    with path.open(encoding="utf-8", errors="replace") as lines:
        for row, line in enumerate(lines, 1):
            cells = line.rstrip("\n").split(",")
            if len(cells) != columns:
                return f"{path}, row {row}: {len(cells)} columns, {columns} are expected"
            for cell in cells:
                try:
                    number = float(cell)
                except ValueError:
                    number = float("nan")
                if not np.isfinite(number):
                    return f"{path}, row {row}: {cell.strip()[:40]!r} is not a number"
    return f"{path}: no rows"


def _refuse(path: pathlib.Path, wrong: Any, words: str) -> None:
    if wrong.any():
        raise InputError(f"{path}, row {int(np.argmax(wrong)) + 1}: {words}")


def _check_events(path: pathlib.Path, events: Float[np.ndarray, "N 6"]) -> None:
    time, kind, _, size, price, direction = events.T
    halt = kind == HALT
    _refuse(
        path, (events[:, 1:] != np.floor(events[:, 1:])).any(1), "type, id, size, price, direction are whole numbers"
    )
    _refuse(path, (time < 0) | (time > 86_400), "time is seconds after midnight, 0 to 86400")
    _refuse(path, np.diff(time, prepend=time[:1]) < 0, "time runs backward")
    _refuse(path, (kind < ADD) | (kind > HALT), "type must be 1 to 7")
    _refuse(path, ~halt & (np.abs(direction) != 1), "direction must be 1 or -1")
    _refuse(path, ~halt & (size <= 0), "size must be positive")
    _refuse(path, ~halt & (price <= 0), "price must be positive")
    _refuse(path, halt & ~np.isin(price, (-1, 0, 1)), "a halt's price must be -1 (halt), 0 (quotes) or 1 (trading)")


def _check_books(path: pathlib.Path, states: Float[np.ndarray, "N c"], halt: Bool[np.ndarray, " N"]) -> None:
    _refuse(path, (states != np.floor(states)).any(1), "prices and sizes are whole numbers")
    sides = states.reshape(len(states), -1, BOOK_COLUMNS)
    for name, price, size, sign in (
        ("ask", sides[..., 0], sides[..., 1], 1),
        ("bid", sides[..., 2], sides[..., 3], -1),
    ):
        empty = price == sign * EMPTY
        _refuse(path, (size < 0).any(1), f"{name} sizes must not be negative")
        _refuse(path, (empty != (size == 0)).any(1), f"an empty {name} level has price {sign * EMPTY} and size 0")
        _refuse(path, (~empty & (price <= 0)).any(1), f"{name} prices must be positive")
        ordered = sign * np.diff(price, axis=1) > 0
        _refuse(path, (~ordered & ~empty[:, 1:]).any(1), f"{name} prices must go away from the best one")
    _refuse(path, (sides[:, 0, 0] <= sides[:, 0, 2]) & ~halt, "the best ask must be above the best bid")


def _halted(kind: Int[np.ndarray, " N"], price: Int[np.ndarray, " N"]) -> Bool[np.ndarray, " N"]:
    """Whether trading is halted after each event: from a halt's -1 until its 1."""
    turn = np.where(kind == HALT, np.select([price == -1, price == 1], [1, 2], 0), 0)
    last = np.maximum.accumulate(np.where(turn > 0, np.arange(1, len(turn) + 1), 0))
    return np.append(0, turn)[last] == 1


class Fit(NamedTuple):
    """Rates of FarBook as a day has them.

    Attributes:
        market, adds, cancels: the settings of these names. lot: shares of a lot. seconds: of a step.
        moves: share of steps in which the best bid changed. redrawn: mean lots at a quote that is newly the best.
        hidden: share of executions that were hidden orders, which are left out. steps: that were counted.
    """

    market: float
    adds: float
    cancels: float
    lot: float
    seconds: float
    moves: float
    redrawn: float
    hidden: float
    steps: int


def fit(day: Day, seconds: float, lot: float | None = None) -> Fit:
    """FarBook's rates from what happened at the best quotes, in steps of so many seconds.

    A step has four trials for each kind of event, so a chance is lots per step and side over four (for market orders:
    of both sides together), and for cancellations over the mean queue besides. An order that improves on the best quote
    is part of the queue that it opens, and no addition. Time while trading is halted is left out.

    Args:
        lot: shares that count as one; the median size of executions, unless given.

    Raises:
        InputError: nothing is executed, or a step is so long that a chance would exceed 1.
    """
    live = ~day.halted & (day.kind < CROSS)
    executed = live & (day.kind == EXECUTE)
    if not executed.any():
        raise InputError("no visible order is executed on this day: there are no rates to fit")
    lot = float(np.median(day.size[executed])) if lot is None else lot
    before = [np.append(side[:1, 0], side[:-1, 0]) for side in (day.bid_price, day.ask_price)]
    best = np.where(day.direction == BUY, *before)
    at_best, opens = day.price == best, day.direction * (day.price - best) > 0
    lots = day.size / lot
    spent = np.diff(day.time, append=day.time[-1:])[~day.halted].sum()
    steps = max(int(spent / seconds), 1)
    queue = np.concatenate([day.bid_size[live, 0], day.ask_size[live, 0]]).mean() / lot
    trials = 4 * steps
    gone = live & at_best & ((day.kind == REDUCE) | (day.kind == DELETE))
    rates = {
        "market": lots[executed].sum() / trials,
        "adds": lots[live & at_best & (day.kind == ADD)].sum() / (2 * trials),
        "cancels": lots[gone].sum() / (2 * trials * queue),
    }
    for name, rate in rates.items():
        if rate > 1:
            raise InputError(f"steps of {seconds:g} s are too long for this day: {name} would be {rate:.3g}, above 1")
    hidden = (live & (day.kind == HIDDEN)).sum()
    opened = lots[live & opens & (day.kind == ADD)]
    moves = (np.diff(day.bid_price[~day.halted, 0]) != 0).sum() / steps
    return Fit(
        market=float(rates["market"]),
        adds=float(rates["adds"]),
        cancels=float(rates["cancels"]),
        lot=lot,
        seconds=seconds,
        moves=float(moves),
        redrawn=float(opened.mean()) if opened.size else float("nan"),
        hidden=float(hidden / (hidden + executed.sum())),
        steps=steps,
    )


def far_volumes(day: Day, distance: int, levels: int, seconds: float, lot: float) -> Float[np.ndarray, "rows far"]:
    """Lots that rested `distance + 1` to `distance + levels` ticks from the best quotes, once every `seconds`.

    Bids first, nearest first, then asks: what `FarBook(replayed=...)` takes. A tick that no order rests on counts 0;
    where the file does not reach so far, the mean of the times when it does.

    Raises:
        InputError: the file never reaches that far.
    """
    times = np.arange(day.time[0], day.time[-1] + 1e-9, seconds)
    at = np.searchsorted(day.time, times, side="right") - 1
    at = at[~day.halted[at]]
    columns = []
    for price, size, away in ((day.bid_price, day.bid_size, -1), (day.ask_price, day.ask_size, 1)):
        ticks = away * (price[at] - price[at, :1]) / TICK
        full = size[at, -1] > 0  # otherwise the whole side is seen
        for offset in range(distance + 1, distance + levels + 1):
            volume = np.where(ticks == offset, size[at], 0).sum(1) / lot
            seen = ~full | (ticks[:, -1] >= offset)
            if not seen.any():
                raise InputError(f"the files never reach {offset} ticks from the best quote; more levels are needed")
            columns.append(np.where(seen, volume, volume[seen].mean()))
    return np.stack(columns, 1).astype(np.float32)
