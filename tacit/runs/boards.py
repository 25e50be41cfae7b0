"""Pictures of a game on a board: a strip of steps as SVG text, and the whole game as an animated GIF.

Needs matplotlib (the extra `plot`).
"""

import io
from typing import Any

from tacit.evaluation.coins import Film
from tacit.games.coin import BLUE, RED
from tacit.runs.plots import COLORS, as_svg, figure

TINTS = (COLORS[1], COLORS[0])  # red and blue, as far as everyone can tell them apart
PER_ROW = 10


def strip(shown: Film, first: int = 0, count: int = PER_ROW) -> str:
    """Some steps of a game, boards side by side: discs are players, rings coins; titles say what each step pays."""
    times = range(first, min(first + count, len(shown.player)))
    rows = -(-len(times) // PER_ROW)
    columns = min(PER_ROW, len(times))
    drawn, axes = figure(1.15 * columns + 0.2, 1.45 * rows + 0.1, rows, columns)
    for axis, time in zip(axes.flat, times, strict=False):
        _draw(axis, shown, time)
    for axis in axes.flat[len(times) :]:
        axis.set_axis_off()
    return as_svg(drawn)


def animation(shown: Film, per_second: float = 2.0) -> bytes:
    """A whole game as an animated GIF that repeats."""
    drawn, axes = figure(2.2, 2.5)
    from PIL import Image

    pages = []
    for time in range(len(shown.player)):
        axes[0, 0].clear()
        _draw(axes[0, 0], shown, time)
        buffer = io.BytesIO()
        drawn.savefig(buffer, format="png", dpi=80)
        pages.append(Image.open(buffer).convert("P", palette=Image.Palette.ADAPTIVE, colors=32))
    made = io.BytesIO()
    milliseconds = round(1000 / per_second)
    pages[0].save(made, format="gif", save_all=True, append_images=pages[1:], duration=milliseconds, loop=0)
    return made.getvalue()


def _draw(axis: Any, shown: Film, time: int) -> None:
    from matplotlib.patches import Circle

    size = shown.size
    for line in range(size + 1):
        axis.plot([-0.5, size - 0.5], [line - 0.5] * 2, color="#bbbbbb", linewidth=0.8)
        axis.plot([line - 0.5] * 2, [-0.5, size - 0.5], color="#bbbbbb", linewidth=0.8)
    for color in (RED, BLUE):
        row, column = divmod(int(shown.coin[time, color]), size)
        if row < size:
            axis.add_patch(Circle((column, row), 0.4 - 0.09 * color, fill=False, edgecolor=TINTS[color], linewidth=2))
        row, column = divmod(int(shown.player[time, color]), size)
        offset = 0.16 * (2 * color - 1)  # both are seen where they share a cell
        axis.add_patch(Circle((column + offset, row), 0.17, facecolor=TINTS[color], edgecolor="white", linewidth=0.6))
    axis.set_xlim(-0.55, size - 0.45)
    axis.set_ylim(size - 0.45, -0.55)
    axis.set_aspect("equal")
    axis.set_axis_off()
    red, blue = (f"{reward:+g}" if reward else "0" for reward in shown.reward[time])
    axis.set_title(f"{time}: {red} / {blue}", fontsize=7, pad=2)
