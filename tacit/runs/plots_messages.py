"""Pictures of messages: information in parts beside the room that there is, and figures with their intervals.

Like those of `tacit.runs.exhibits` they are made from plain data that stands in a result: the functions here make the
data, and `KINDS` draws it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tacit.runs import plots

Exhibit = dict[str, Any]


def stacks(
    title: str,
    names: Sequence[str],
    parts: Mapping[str, Sequence[float]],
    rooms: Mapping[str, Sequence[float | None]],
    label: str,
) -> Exhibit:
    """A bar for each name, made of parts, which are drawn from 0 on where they are negative, and marks on it.

    Args:
        parts: by name, one number for each bar.
        rooms: marks by name, the same; None is no mark.
        label: of the axis.
    """
    drawn = {name: [float(value) for value in values] for name, values in parts.items()}
    marks = {name: list(values) for name, values in rooms.items()}
    return {"kind": "stacks", "title": title, "names": list(names), "parts": drawn, "rooms": marks, "label": label}


def intervals(
    title: str, names: Sequence[str], rows: Mapping[str, Sequence[tuple[float, float, float] | None]], label: str
) -> Exhibit:
    """Mean, low and high of each name, a series for each row; None is a gap.

    Args:
        label: of the axis.
    """
    series = {name: [None if each is None else list(each) for each in values] for name, values in rows.items()}
    return {"kind": "intervals", "title": title, "names": list(names), "rows": series, "label": label}


def _stacks(exhibit: Exhibit) -> str:
    names = exhibit["names"]
    drawn, axes = plots.figure(8.0, 0.42 * len(names) + 1.6)
    axis, place = axes[0, 0], np.arange(len(names))
    upto, below = np.zeros(len(names)), np.zeros(len(names))
    for number, (name, part) in enumerate(exhibit["parts"].items()):
        values = np.array(part)
        begins = np.where(values >= 0, upto, below)
        axis.barh(place, values, left=begins, height=0.6, color=plots.COLORS[number], label=name)
        upto, below = upto + np.maximum(values, 0), below + np.minimum(values, 0)
    for number, (name, values) in enumerate(exhibit["rooms"].items()):
        marks = np.array(values, float)  # None becomes NaN
        style = ("|", "d", "x")[number % 3]
        axis.plot(marks, place, style, color="black", markersize=11 - 3 * number, label=name, linestyle="none")
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_yticks(place, names, fontsize=8)
    axis.margins(x=0.06)
    axis.invert_yaxis()
    axis.set_xlabel(exhibit["label"])
    axis.grid(alpha=0.3, axis="x")
    drawn.legend(loc="outside right upper", fontsize=8)
    return plots.as_svg(drawn)


def _intervals(exhibit: Exhibit) -> str:
    names, rows = exhibit["names"], exhibit["rows"]
    drawn, axes = plots.figure(8.0, len(names) * max(0.42, 0.13 * len(rows)) + 1.6)
    axis = axes[0, 0]
    shift = 0.7 / max(len(rows), 1)
    for number, (name, values) in enumerate(rows.items()):
        place = np.arange(len(names)) + (number - (len(rows) - 1) / 2) * shift
        found = np.array([[np.nan] * 3 if each is None else each for each in values], float)
        spread = np.abs(found[:, 1:] - found[:, :1]).T
        color = plots.COLORS[number % len(plots.COLORS)]
        axis.errorbar(found[:, 0], place, xerr=spread, fmt="o", markersize=4, capsize=3, color=color, label=name)
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.invert_yaxis()
    axis.set_xlabel(exhibit["label"])
    axis.grid(alpha=0.3)
    if len(rows) > 1:
        drawn.legend(loc="outside right upper", fontsize=8)
    return plots.as_svg(drawn)


KINDS: dict[str, Callable[[Exhibit], str]] = {"stacks": _stacks, "intervals": _intervals}
