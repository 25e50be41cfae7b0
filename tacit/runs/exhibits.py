"""What a computation shows on its report page: tables, heat maps and curves, as plain data in its result.

An exhibit is a JSON object with a "kind" and a "title" (made by `table`, `heat_map` and `curves`), and with a "caption"
below it if there is one; `html` draws it.
Being data, it can be drawn again, and differently, by a later version. Pictures need matplotlib; tables do not.
"""

import html as text
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tacit.errors import RunError
from tacit.runs import plots, plots_mazes, plots_messages, plots_population

Exhibit = dict[str, Any]


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[Any]], caption: str = "") -> Exhibit:
    """A table; cells are text, numbers, or None."""
    cells = [list(row) for row in rows]
    return {"kind": "table", "title": title, "head": list(head), "rows": cells, "caption": caption}


def heat_map(title: str, rows: Sequence[str], columns: Sequence[str], values: np.ndarray) -> Exhibit:
    """A matrix `[rows, columns]` as colors, with figures in the cells where they are few; NaN cells stay empty."""
    cells = [_or_gaps(row) for row in np.asarray(values, float)]
    return {"kind": "heat-map", "title": title, "rows": list(rows), "columns": list(columns), "values": cells}


def square(
    title: str, names: Sequence[str], values: np.ndarray, groups: Sequence[str], axes: tuple[str, str]
) -> Exhibit:
    """A heat map of everybody with everybody, `[K, K]`: the diagonal is framed, and lines part neighboring groups.

    Args:
        groups: of each of the K; lines are drawn where it changes.
        axes: what rows and what columns are.
    """
    breaks = [k for k in range(1, len(groups)) if groups[k] != groups[k - 1]]
    alone = len(set(groups)) == len(groups)  # lines everywhere would part nothing
    return heat_map(title, names, names, values) | {"breaks": [] if alone else breaks, "square": list(axes)}


def curves(title: str, x: Sequence[float], lines: Mapping[str, np.ndarray], labels: tuple[str, str]) -> Exhibit:
    """Lines over a common x, `[len(x)]` each by name; `labels` are those of the axes.

    NaN is a gap, what stands alone between gaps is a dot, and a line that is shorter than x ends early.
    """
    values = {name: _or_gaps(line) + [None] * (len(x) - len(line)) for name, line in lines.items()}
    return {"kind": "curves", "title": title, "x": list(x), "lines": values, "labels": list(labels)}


def _or_gaps(values: np.ndarray) -> list[float | None]:
    """Numbers as JSON knows them."""
    return [float(value) if np.isfinite(value) else None for value in np.asarray(values, float)]


def html(exhibit: Exhibit) -> str:
    """An exhibit as a part of a page.

    Raises:
        RunError: it is of a kind this version does not know.
    """
    kind = exhibit.get("kind")
    if kind not in _KINDS:
        raise RunError(f"result.json holds an exhibit of unknown kind {kind!r}; known are {', '.join(_KINDS)}")
    heading = f"<h2>{text.escape(exhibit['title'])}</h2>"
    if kind != "table" and not plots.available():
        return ""
    words = f"<p>{text.escape(exhibit['caption'])}</p>" if kind != "table" and "caption" in exhibit else ""
    return heading + _KINDS[kind](exhibit) + words


def _table(exhibit: Exhibit) -> str:
    head = "".join(f"<th>{text.escape(name)}</th>" for name in exhibit["head"])
    rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in exhibit["rows"])
    return f"<table><tr>{head}</tr>{rows}</table><p>{text.escape(exhibit.get('caption', ''))}</p>"


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return f"<td>{text.escape(value)}</td>"
    shown = "-" if value is None else f"{value:z.3f}" if isinstance(value, float) else str(value)
    return f'<td class="n">{shown}</td>'


def counted(number: int, units: str) -> str:
    """So many of something, which is named in the plural: 2 seeds, 1 seed, 1 adversary."""
    one = units.removesuffix("ies") + "y" if units.endswith("ies") else units.removesuffix("s")
    return f"{number} {one if number == 1 else units}"


MOST_FIGURES = 24  # rows or columns up to which a heat map's cells hold figures


def _heat_map(exhibit: Exhibit) -> str:
    values = np.array(exhibit["values"], float)  # None becomes NaN
    height, width = values.shape
    size = 0.42 if max(height, width) <= MOST_FIGURES else max(0.12, 12 / max(height, width))
    drawn, axes = plots.figure(size * width + 3.2, size * height + 2.0)
    axis = axes[0, 0]
    image = axis.imshow(values, cmap="cividis", aspect="auto")
    letters = 7 if size > 0.3 else 4
    axis.set_xticks(range(width), exhibit["columns"], rotation=90, fontsize=letters)
    axis.set_yticks(range(height), exhibit["rows"], fontsize=letters)
    axis.tick_params(length=0)
    if max(height, width) <= MOST_FIGURES:
        middle = (np.nanmin(values) + np.nanmax(values)) / 2 if np.isfinite(values).any() else 0.0
        for i, j in np.argwhere(np.isfinite(values)):
            ink = "black" if values[i, j] > middle else "white"
            axis.text(j, i, f"{values[i, j]:.2f}", ha="center", va="center", fontsize=6, color=ink)
    if "square" in exhibit:
        _mark(axis, exhibit)
    drawn.colorbar(image, ax=axis, shrink=0.8)
    return f"<figure>{plots.as_svg(drawn)}</figure>"


def _mark(axis: Any, exhibit: Exhibit) -> None:
    """Frames the diagonal, parts the groups and names the axes."""
    from matplotlib.patches import Rectangle

    for k in range(len(exhibit["rows"])):
        axis.add_patch(
            Rectangle((k - 0.47, k - 0.47), 0.94, 0.94, fill=False, edgecolor=plots.COLORS[1], linewidth=1.6)
        )
    for k in exhibit["breaks"]:
        axis.axhline(k - 0.5, color="white", linewidth=2.5)
        axis.axvline(k - 0.5, color="white", linewidth=2.5)
    axis.set_ylabel(exhibit["square"][0], fontsize=8)
    axis.set_xlabel(exhibit["square"][1], fontsize=8)


NAMED = 12  # lines that the legend names: those that end highest


def _curves(exhibit: Exhibit) -> str:
    drawn, axes = plots.figure(7.6, 4.2)
    axis = axes[0, 0]
    lines = {name: np.array(values, float) for name, values in exhibit["lines"].items()}  # None becomes NaN
    order = sorted(lines, key=lambda name: -(lines[name][np.isfinite(lines[name])][-1:].sum()))
    for place, name in enumerate(order):
        color = plots.COLORS[place % len(plots.COLORS)] if place < NAMED else "#bbbbbb"
        style = "-" if place < len(plots.COLORS) else "--"
        label = name if place < NAMED else None
        axis.plot(exhibit["x"], lines[name], style, color=color, label=label, linewidth=1.3)
        alone = _alone(lines[name])
        axis.plot(np.array(exhibit["x"])[alone], lines[name][alone], ".", color=color)
    if all(isinstance(x, int) for x in exhibit["x"]):  # counts have no halves
        axis.xaxis.get_major_locator().set_params(integer=True)
    axis.set_xlabel(exhibit["labels"][0])
    axis.set_ylabel(exhibit["labels"][1])
    axis.grid(alpha=0.3)
    if lines:
        axis.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return f"<figure>{plots.as_svg(drawn)}</figure>"


def _alone(line: np.ndarray) -> np.ndarray:
    """Which numbers of a line have a gap, or nothing, on both sides: no stroke leads to them."""
    told = np.pad(np.isfinite(line), 1)
    return told[1:-1] & ~told[:-2] & ~told[2:]


def _figure(draw: Callable[[Exhibit], str]) -> Callable[[Exhibit], str]:
    return lambda exhibit: f"<figure>{draw(exhibit)}</figure>"


_KINDS: dict[Any, Callable[[Exhibit], str]] = {
    "table": _table,
    "heat-map": _heat_map,
    "curves": _curves,
    **{
        kind: _figure(draw)
        for kind, draw in (plots_population.KINDS | plots_messages.KINDS | plots_mazes.KINDS).items()
    },
}
