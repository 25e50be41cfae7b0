"""Short games recorded as text, one per registered game, are played again and compared word for word.

A change of rules shows in the recordings. To record them anew, after reading the difference:
`TACIT_RECORD=1 pytest tests/games/test_playthroughs.py`.
"""

import os
import pathlib

import jax
import numpy as np
import pytest

from tacit import games
from tacit.games import maze_levels
from tacit.games.channel import Heard
from tacit.games.hanabi import HanabiGame, render
from tacit.games.maze import DIRECTIONS, Maze, MazeView
from tacit.loops import player
from tacit.types import Action, Real

FOLDER = pathlib.Path(__file__).parent / "playthroughs"
RULES = {
    **{name: {"length": 4} for name in ("ipd", "axelrod-ipd", "imp", "iterated-chicken", "iterated-stag-hunt")},
    "coin-lola": {"length": 5},
    "coin-pola": {"length": 5},
    "coin-mfos": {"length": 3, "episodes": 2},
    "coin-pax": {"length": 3, "episodes": 2},
    "commons": {"capacity": 6, "length": 4},
    **{name: {"lives": 3} for name in ("hanabi-small", "hanabi-very-small")},
    "repeated-levers": {"length": 3},
    "farbook": {"length": 12, "far_levels": 2},
    "maze": {"length": 8},
    "fruit-choice": {"rooms": 2, "fewest": 2},
    **{name: {"length": 6} for name in ("pendulum", "reacher")},
    "probe": {"kind": "remembered", "num_players": 2},
}
MOVES = {  # of both, in games in which the fixed actions would lead nowhere
    # To the booths, a hint, and out: sender right and hint down, receiver left, wait, right and down.
    "phone-booth": ((3, 2), (3, 2), (3, 4), (6, 4), (4, 3), (4, 3), (4, 3), (4, 1)),
    # A hint in the dear booth, one in the noisy one, and one in the perfect one, before which the receiver hangs up.
    "phone-booths": ((3, 2), (5, 4), (2, 4), (0, 4), (6, 4), (1, 4), (2, 4), (2, 3), (5, 4), (4, 3), (4, 0)),
    # Eastward into a wall, until time is up; and, after an action that does nothing, to the goal.
    "maze": tuple((move,) for move in (0, 2, 2, 2, 2, 2, 2, 2)),
    # A kick at a wall, to the door, at it, a kick that opens it; through it, nothing to eat, and to the apple.
    "fruit-choice": tuple((move,) for move in (4, 0, 2, 2, 1, 2, 4, 2, 3, 5, 1, 2, 2, 5)),
    "maze-small": tuple((move,) for move in (4, 2, 2, 0, 2, 2, 2, 2)),
}


def fixed_actions(time, num_players):
    """DC, CD, DD, CC, ... in the first two seats, and the same again in the others."""
    return np.array([(time + 1) >> (seat % 2) & 1 for seat in range(num_players)], np.int32)


def legal_actions(time, legal, spaces):
    """The fixed actions, and where one is not legal another that is, changing with time.

    In games with messages, players say the fixed actions' bits and begin by doing nothing, every move for two steps.
    """
    if isinstance(legal, Action):
        bits = np.tile(fixed_actions(time, len(legal.move))[:, None], spaces.message.n)
        return Action(legal_actions(3 + time // 2, legal.move, spaces.move), bits.astype(np.float32))
    fixed = fixed_actions(time, len(legal))
    if isinstance(spaces, Real):  # one way and the other, ever harder
        return ((2 * fixed - 1) * (1 + time) / 4)[:, None] * np.linspace(1, -2, spaces.shape[0], dtype=np.float32)
    others = [np.flatnonzero(row)[7 * time % row.sum()] for row in np.asarray(legal)]
    return np.where(np.take_along_axis(np.asarray(legal), fixed[:, None], 1)[:, 0], fixed, others).astype(np.int32)


def numbers(array):
    flat = [np.asarray(leaf, float).ravel() for leaf in jax.tree.leaves(array)]
    return " ".join(f"{number:g}" for number in np.concatenate(flat))


def seen_by(obs):
    """What one player sees; of a long vector of bits, where the ones are."""
    if isinstance(obs, Heard):
        many = np.size(obs.view) >= 64  # pixels
        view = f"{np.size(obs.view)} numbers of sum {np.sum(obs.view):g}" if many else numbers(obs.view)
        return f"{view}, hears {numbers(obs.message) if obs.received else 'nothing'}"
    if isinstance(obs, MazeView):
        objects = np.rint(10 * np.asarray(obs.image[..., 0])).T  # far to near
        return f"{' / '.join(map(numbers, objects))}, looks {DIRECTIONS[int(np.argmax(obs.direction))]}"
    return f"ones at {numbers(np.flatnonzero(obs))}" if obs.dtype == np.uint8 else numbers(obs)


def may(legal):
    """What one player may do, and whether it may speak."""
    if isinstance(legal, Action):
        return f"{numbers(legal.move)}{', and speak' if legal.message else ''}"
    return numbers(legal)


def done(action):
    """What the players do, and what they say."""
    return f"{numbers(action.move)}, says {numbers(action.message)}" if isinstance(action, Action) else numbers(action)


def shown(game, state):
    """The state as the game renders it, else its fields."""
    if isinstance(game, HanabiGame):
        return "\n    ".join(["as a table", *render(game, state).splitlines()])
    if isinstance(game, Maze):
        after = f"after {state.time} steps{', solved' * bool(state.solved)}"
        return "\n    ".join([after, *maze_levels.render(game.as_level(state)).splitlines()])
    return "  ".join(f"{name} {numbers(value)}" for name, value in state._asdict().items())


def playthrough(name):
    """The recording: what every step began with, showed, took and brought."""
    rules = RULES.get(name, {})
    game = games.make(name, **rules)
    step, reset = jax.jit(game.step), jax.jit(game.reset)
    seen = jax.jit(lambda state: (game.observe(state), game.legal(state)))
    state = reset(jax.random.key(2))
    lines = [" ".join([name, *(f"{rule}={value}" for rule, value in rules.items())])]
    for time in range(game.spec.max_length):
        obs, legal = seen(state)
        action = legal_actions(time, legal, game.spec.action)
        action = np.array(MOVES[name][time], np.int32) if name in MOVES else action
        lines += ["", f"step {time}", f"  state        {shown(game, state)}"]
        for i in range(game.spec.num_players):
            lines += [f"  player {i} sees {seen_by(player(i, obs))}, may {may(player(i, legal))}"]
        state, outcome = step(jax.random.key(1), state, action)
        end = "terminated" if outcome.terminated else "truncated" if outcome.truncated else "no"
        lines += [f"  action       {done(action)}", f"  reward       {numbers(outcome.reward)}"]
        lines += [f"  end          {end}"]
        if end != "no":
            break
    return "\n".join([*lines, "", "afterwards", f"  state        {shown(game, state)}", ""])


@pytest.mark.parametrize("name", games.GAMES)
def test_a_game_plays_as_recorded(name):
    found, file = playthrough(name), FOLDER / f"{name}.txt"
    if os.environ.get("TACIT_RECORD"):
        file.write_text(found)
    assert found == file.read_text()


def test_every_recording_belongs_to_a_game():
    assert {file.stem for file in FOLDER.glob("*.txt")} == set(games.GAMES)
