"""Pictures of mazes on report pages."""

from tacit.games.maze_held_out import DRAWN
from tacit.runs import exhibits, plots_mazes


def test_mazes_are_drawn_side_by_side():
    levels = [">.G", DRAWN["Labyrinth"].strip()]
    shown = plots_mazes.mazes("Ways", levels, ["short", "long"], [[(0, 0), (1, 0), (2, 0)], []])
    page, without = exhibits.html(shown), exhibits.html(shown | {"ways": []})
    assert page.startswith("<h2>Ways</h2><figure><svg")
    assert shown["ways"] == [[[0, 0], [1, 0], [2, 0]], []]
    # One picture of walls for each maze, and a line for the way alone.
    assert page.count("<image") == without.count("<image") == 2
    assert page.count("<path") > without.count("<path")
