"""The mazes on which agents are tested that have never seen them: eight drawn ones, and five families.

Sources: the drawings, JaxUED (src/jaxued/environments/maze/level.py), equal to those of minimax cell by cell;
corridors, four rooms, perfect mazes and the longer horizons, minimax (src/minimax/envs/maze/maze_ood.py); crossings,
MiniGrid's SimpleCrossingS11N5, as the published tables have it (minimax opens its walls along a random walk instead).
The families of size 7, for agents of small mazes, are ours.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from tacit.errors import SettingError
from tacit.games.maze_levels import FORWARD, MazeLevel, parse, stacked
from tacit.settings import unknown

DRAWN = {
    "SixteenRooms": """
...#..#..#...
.>.......#...
...#..#......
#.###.##.###.
...#.........
......#..#...
##.#.##.###.#
...#.....#...
...#..#......
.####.##.#.##
...#..#..#...
......#....G.
...#.....#...""",
    "SixteenRooms2": """
...#.....#...
.>....#..#...
...#..#..#...
####.##.###.#
...#..#......
......#..#...
#.#####.#####
...#..#..#...
...#.........
##.##.##.####
...#..#..#...
......#....G.
...#..#..#...""",
    "Labyrinth": """
.............
.###########.
.#.........#.
.#.#######.#.
.#.#.....#.#.
.#.#.###.#.#.
.#.#.#G#.#.#.
.#.#.#.#.#.#.
.#...#...#.#.
.#########.#.
.....#.....#.
####.#.#####.
>....#.......""",
    "LabyrinthFlipped": """
.............
.###########.
.#.........#.
.#.#######.#.
.#.#.....#.#.
.#.#.###.#.#.
.#.#.#G#.#.#.
.#.#.#.#.#.#.
.#.#...#...#.
.#.#########.
.#.....#.....
.#####.#.####
.......#....<""",
    "Labyrinth2": """
>#...........
.#.#########.
.#.#.......#.
.#.#.#####.#.
.#.#.#...#.#.
...#.#.#.#.#.
####.#G#.#.#.
...#.###.#.#.
.#.#.....#.#.
.#.#######.#.
.#.........#.
.###########.
.............""",
    "StandardMaze": """
.....#>...#..
.###.####.##.
.#...........
.########.###
........#....
######.#####.
....#..#.....
.##...##.####
..#.#..#...#.
#.#.##.###.#.
#.#..#...#...
#.##.###.###.
...#..G#.#...""",
    "StandardMaze2": """
...#.#....#..
.#.#.####...#
.#........#..
.########.###
...#..#.#.#.G
##.#.##.#.#..
>#.#....#.##.
.#.##.###..#.
.#..#..###.#.
.##.##.#.#.#.
.#...#.#.#.#.
.#.#.#.#.#.#.
...#...#.....""",
    "StandardMaze3": """
...>#.#......
.####.#.####.
.#....#.#....
...####.#.#.#
##.#....#.#..
...#.##.#.##.
.#.#.#..#..#G
.#.#.#.###.##
.#...#.#.#...
.###.#.#.###.
.#...#.#...#.
.#.###.#.#.#.
.#...#...#...""",
}


class HeldOut(NamedTuple):
    """A maze, or a family of them, to be tested on.

    Attributes:
        size: rows and columns.
        length: steps of an episode where minimax and DCD test; JaxUED tests all mazes with 250.
        draw: makes one of the family.
        listed: all that there are, each as likely as any other, where they are few.
    """

    size: int
    length: int
    draw: Callable[[np.random.Generator], MazeLevel] | None = None
    listed: Callable[[], Sequence[MazeLevel]] | None = None


def levels(name: str, count: int = 100, seed: int = 0) -> MazeLevel:
    """The levels of one of `HELD_OUT`, leaves `[N, ...]`: all of them, or so many drawn ones.

    Raises:
        SettingError: there is no such maze.
    """
    maze, random = find(name), np.random.default_rng(seed)
    return stacked(maze.listed() if maze.listed else [maze.draw(random) for _ in range(count)])  # type: ignore[misc]


def find(name: str) -> HeldOut:
    """The maze of that name.

    Raises:
        SettingError: there is no such maze.
    """
    if name not in HELD_OUT:
        raise SettingError(unknown("maze", name, HELD_OUT))
    return HELD_OUT[name]


def _level(walls: np.ndarray, goal: Sequence[int], agent: Sequence[int], direction: int) -> MazeLevel:
    """A level; places are x and y."""
    at, start, size = (jnp.array(pair, jnp.int32) for pair in (goal, agent, walls.shape[::-1]))
    return MazeLevel(jnp.asarray(walls), at, start, jnp.int32(direction), size)


def _anywhere(random: np.random.Generator, walls: np.ndarray, free: np.ndarray) -> MazeLevel:
    """Goal and agent on two of the free cells, the agent looking anywhere."""
    goal, agent = random.choice(np.argwhere(free)[:, ::-1], 2, replace=False).tolist()
    return _level(walls, goal, agent, int(random.integers(len(FORWARD))))


def corridors(size: int) -> tuple[MazeLevel, ...]:
    """Blind alleys to both sides of a wall across the middle, the goal at the inner end of one of them."""
    middle = size // 2
    walls = np.zeros((size, size), bool)
    walls[1:-1, 1:-1:2] = True
    walls[middle, 1:-1] = True
    goals = [(x, y) for y in (middle - 1, middle + 1) for x in range(2, size - 1, 2)]
    return tuple(_level(walls, goal, (0, middle), 0) for goal in goals)


def four_rooms(random: np.random.Generator, size: int = 17) -> MazeLevel:
    """Four rooms with a door in each of the four walls between them; goal and agent anywhere but in doors."""
    middle, walls = size // 2, np.zeros((size, size), bool)
    walls[middle] = walls[:, middle] = True
    rooms = ~walls
    doors = random.integers(middle, size=(2, 2)) + np.array([0, middle + 1])
    walls[middle, doors[0]] = walls[doors[1], middle] = False
    return _anywhere(random, walls, rooms)


def perfect_maze(random: np.random.Generator, size: int = 13) -> MazeLevel:
    """A maze without loops on the even cells, by depth-first search; goal and agent on any free cells."""
    walls = np.ones((size, size), bool)
    here = 2 * random.integers(size // 2 + 1, size=2)
    walls[tuple(here)] = False
    way = [here]
    while way:
        around = [(way[-1] + step, way[-1] + 2 * step) for step in FORWARD]
        unseen = [(wall, cell) for wall, cell in around if _inside(cell, size) and walls[tuple(cell)]]
        if not unseen:
            way.pop()
            continue
        wall, cell = unseen[random.integers(len(unseen))]
        walls[tuple(wall)] = walls[tuple(cell)] = False
        way.append(cell)
    return _anywhere(random, walls, ~walls)


def _inside(cell: np.ndarray, size: int) -> bool:
    return bool((cell >= 0).all() and (cell < size).all())


def crossing(random: np.random.Generator, size: int = 9, count: int = 5) -> MazeLevel:
    """From one corner to the other across so many walls, rows or columns.

    A way through the parts between them is drawn, and each wall has its one opening where this way crosses it.
    """
    odd = range(1, size - 1, 2)
    chosen = random.permutation([(axis, at) for axis in (0, 1) for at in odd])[:count]
    lines = [sorted(int(at) for along, at in chosen if along == axis) for axis in (0, 1)]  # rows, then columns
    walls = np.zeros((size, size), bool)
    walls[lines[0]] = walls[:, lines[1]] = True
    edges = [[-1, *each, size] for each in lines]
    part = [0, 0]
    for axis in random.permutation([0] * len(lines[0]) + [1] * len(lines[1])):
        across = 1 - axis
        along = random.integers(edges[across][part[across]] + 1, edges[across][part[across] + 1])
        opening = (edges[axis][part[axis] + 1], along)
        walls[opening if axis == 0 else opening[::-1]] = False
        part[axis] += 1
    return _level(walls, (size - 1, size - 1), (0, 0), 0)


def _drawing(name: str) -> HeldOut:
    return HeldOut(13, _long(13), listed=lambda: (parse(DRAWN[name], name=name),))


def _long(size: int, factor: int = 2) -> int:
    """The horizon of minimax and DCD: so many times the cells with the walls around them."""
    return factor * (size + 2) ** 2


HELD_OUT = {
    **{name: _drawing(name) for name in DRAWN},
    "SmallCorridor": HeldOut(13, _long(13), listed=lambda: corridors(13)),
    "LargeCorridor": HeldOut(19, _long(19), listed=lambda: corridors(19)),
    "FourRooms": HeldOut(17, 250, four_rooms),
    "Crossing": HeldOut(9, _long(9, 4), crossing),
    "PerfectMaze": HeldOut(13, _long(13), perfect_maze),
    "PerfectMazeMedium": HeldOut(19, _long(19), lambda random: perfect_maze(random, 19)),
    "Corridor7": HeldOut(7, _long(7), listed=lambda: corridors(7)),
    "FourRooms7": HeldOut(7, 250, lambda random: four_rooms(random, 7)),
    "Crossing7": HeldOut(7, _long(7, 4), lambda random: crossing(random, 7, 3)),
    "PerfectMaze7": HeldOut(7, _long(7), lambda random: perfect_maze(random, 7)),
    "PerfectMazeExtraLarge": HeldOut(101, _long(101), lambda random: perfect_maze(random, 101)),
}
