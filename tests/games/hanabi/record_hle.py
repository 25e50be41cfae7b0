"""Records games of hanabi-learning-environment, for the tests that hold ours against it where it is not installed.

Run it with a Python that has tacit and the library (`make conformance` makes one), from anywhere; it rewrites the
files beside it. They hold facts only: decks, moves, and what the engine showed. The library is Apache-2.0 licensed.
"""

import importlib.metadata
import pathlib

import numpy as np
from hle_games import STYLES, VARIANTS, Game, played, variant

from tacit.interop.hle import Engine

HERE = pathlib.Path(__file__).parent / "recorded"
ENDS = ("running", "out of lives", "out of cards", "complete")
FORM = """\
# A game is its deck (color * ranks + rank, in dealing order) and its positions, the first before any move:
# move made, reward | player on turn, end code, score, information tokens, life tokens | legal moves of the player on
# turn | for each player, which numbers of its view changed (at first: which are 1)
"""


def ranges(numbers):
    """Rising whole numbers in few characters: "3,7-9"."""
    numbers, words = np.asarray(numbers, int), []
    for run in np.split(numbers, np.flatnonzero(np.diff(numbers) != 1) + 1):
        if len(run):
            words.append(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}")
    return ",".join(words) or "-"


def lines(game: Game):
    """A game in words."""
    yield f"game {game.style}, {ENDS[game.positions[-1].end]}"
    yield "deck " + " ".join(map(str, game.deck))
    before = np.zeros_like(game.positions[0].obs)
    for move, reward, at in zip(["-", *game.moves], [0, *game.rewards], game.positions, strict=True):
        state = f"{at.player} {at.end} {at.score} {at.information} {at.lives}"
        changes = [ranges(np.flatnonzero(changed)) for changed in at.obs != before]
        yield " | ".join([f"{move} {reward}", state, ranges(np.flatnonzero(at.legal)), *changes])
        before = at.obs


def chosen(engine: Engine):
    """One game of every style, and one of every ending that these styles find among 200 seeds."""
    seen = set()
    for style in STYLES:
        first = played(engine, style, 0)
        seen.add(first.positions[-1].end)
        yield first
    for seed in range(1, 200):
        for style in ("careful", "playable"):
            if len(seen) < 3:
                game = played(engine, style, seed)
                if game.positions[-1].end not in seen:
                    seen.add(game.positions[-1].end)
                    yield game


def main():
    """Writes the files."""
    version = importlib.metadata.version("hanabi-learning-environment")
    for name, rules in VARIANTS.items():
        words = " ".join(f"{rule} {value}" for rule, value in rules.items())
        about = f"# hanabi-learning-environment {version} (Apache-2.0), recorded by {pathlib.Path(__file__).name}\n"
        text = "\n".join(line for game in chosen(Engine(variant(name))) for line in lines(game))
        (HERE / f"{name}.txt").write_text(f"{about}# {words}\n{FORM}{text}\n")


if __name__ == "__main__":
    main()
