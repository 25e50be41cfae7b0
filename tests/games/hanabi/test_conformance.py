"""Hanabi plays as the reference engine does, bit for bit: recorded games everywhere, 10,000 new ones with `-m hle`.

`recorded/` holds games of hanabi-learning-environment (see `record_hle.py`): a deck, the moves made on it, and after
each of them everything the engine showed. The same moves on the same decks in our engine must show the same.
"""

import collections
import functools
import pathlib
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from hle_games import STYLES, VARIANTS, Recording, differences, gathered, played, replayed, variant

from tacit.games.hanabi import HanabiGame
from tacit.interop import hle

FOLDER = pathlib.Path(__file__).parent / "recorded"
LIVE = ("2-players", "3-players", "4-players", "5-players", "small", "very-small", "3x3-hand-3", "3-players-4x3")
BELIEVED = ("2-players", "5-players", "small", "3-players-4x3", "1x2-hand-1")
BATCHES, HALF = 13, 50  # 13 * 2 * 50 games of each of the eight
FEW = 5  # differences that a failure names


def numbers(word):
    """What `record_hle.ranges` wrote."""
    ends = [tuple(map(int, part.split("-"))) for part in word.split(",")] if word != "-" else []
    return [number for end in ends for number in range(end[0], end[-1] + 1)]


@functools.cache
def recording(name):
    """The recorded games of a variant."""
    game, blocks = variant(name), []
    for line in (FOLDER / f"{name}.txt").read_text().splitlines():
        if line.startswith("game"):
            blocks.append([])
        elif not line.startswith("#"):
            blocks[-1].append(line)
    count, longest = len(blocks), max(map(len, blocks)) - 1
    moves, rewards = np.zeros((2, count, longest - 1), np.int32)
    changed = np.zeros((count, longest, game.players, *game.spec.observation.shape), np.uint8)
    legal, state = np.zeros((count, longest, game.num_moves), bool), np.zeros((count, longest, 5), int)
    for i, (_, *lines) in enumerate(blocks):
        for t, line in enumerate(lines):
            step, about, may, *changes = line.split(" | ")
            state[i, t], legal[i, t, numbers(may)] = about.split(), True
            if t:
                moves[i, t - 1], rewards[i, t - 1] = step.split()
            for player, change in enumerate(changes):
                changed[i, t, player, numbers(change)] = 1
    named = zip(("player", "end", "score", "information", "lives"), np.moveaxis(state, -1, 0), strict=True)
    there = np.arange(longest) < np.array([[len(block) - 1] for block in blocks])
    decks = np.array([block[0].split()[1:] for block in blocks], np.int8)
    shown = {"obs": np.bitwise_xor.accumulate(changed, 1), "legal": legal, **dict(named)}
    return Recording(decks, moves, rewards, there, shown)


@functools.cache
def replay(name):
    """The recorded games of a variant in our engine, in both views where beliefs are compared."""
    found, other = recording(name), variant(name, "v0-belief") if name in BELIEVED else None
    return replayed(variant(name), other, jnp.asarray(found.decks), jnp.asarray(found.moves))


@pytest.mark.parametrize("name", VARIANTS)
def test_recorded_games_play_the_same(name):
    assert differences(recording(name), replay(name))[:FEW] == []


@pytest.mark.parametrize("name", BELIEVED)
def test_the_belief_view_is_that_of_the_recorded_encoding(name):
    found = recording(name)
    apart = np.asarray(replay(name).likely) - hle.v0_belief(variant(name), found.shown["obs"])
    assert abs(apart[found.there]).max() < 1e-6


def test_recordings_hold_what_they_are_to_show():
    """Every ending; lives lost and score above 0 before; last moves that draw a card, and that find none."""
    ends, drew = collections.Counter(), set()
    for name in VARIANTS:
        found = recording(name)
        last = found.there.sum(1) - 1
        rows = np.arange(len(last))
        ends.update(found.shown["end"][rows, last].tolist())
        drew.update((name, end) for end in found.shown["end"][rows, last].tolist())
        assert (found.shown["end"][found.there].reshape(-1) == 0).any()
    assert min(ends[end] for end in (1, 2, 3)) >= 10
    assert {(f"{players}-players", end) for players in (2, 3, 4, 5) for end in (1, 2, 3)} <= drew
    assert any(recording(name).rewards.min() < -5 for name in VARIANTS)  # late bombs


def compared(game, seeds, styles, length):
    """Differences in new games of a variant, its moves, and how often each ending came."""
    engine, found = hle.Engine(game), []
    for seed in seeds:
        found += [played(engine, style, seed) for style in styles(seed)]
    wanted = gathered(found, length)
    ours = replayed(game, None, jnp.asarray(wanted.decks), jnp.asarray(wanted.moves))
    ends = collections.Counter(one.positions[-1].end for one in found)
    return differences(wanted, ours), sum(len(one.moves) for one in found), ends


needed = pytest.mark.skipif(
    not hle.available(), reason="hanabi-learning-environment is not installed (make conformance)"
)


@needed
@pytest.mark.hle
@pytest.mark.parametrize("name", LIVE)
def test_new_games_play_the_same(name, capsys):
    """Half of them random play, half play without, or with few, misplays."""
    game, ends, moves, wrong = variant(name), collections.Counter(), 0, []
    for batch in range(BATCHES):
        seeds = range(batch * HALF, (batch + 1) * HALF)
        found = compared(game, seeds, lambda seed: ("random", STYLES[1 + seed % 3]), game.spec.max_length)
        wrong, moves, ends = wrong + found[0], moves + found[1], ends + found[2]
    with capsys.disabled():
        sys.stdout.write(
            f"{name}: {ends.total()} games, {moves} moves, {len(wrong)} differences "
            f"({ends[1]} out of lives, {ends[2]} out of cards, {ends[3]} complete)\n"
        )
    assert wrong[:FEW] == []


@needed
@pytest.mark.hle
@pytest.mark.parametrize("seed", range(20))
def test_any_variant_plays_the_same(seed):
    """Variants drawn at random, a third of them with hands as large as the deck allows."""
    draw = np.random.default_rng(seed)
    players, ranks = int(draw.integers(2, 6)), int(draw.integers(1, 6))
    colors = int(draw.integers(1 if players < 4 else 2, 6))  # a color has three cards or more
    most = min(8, HanabiGame(colors=colors, ranks=ranks, hand=1).deck_size // players)
    hand = most if draw.integers(3) == 0 else int(draw.integers(1, most + 1))
    tokens = {"information": int(draw.integers(1, 9)), "lives": int(draw.integers(1, 4))}
    game = HanabiGame(players=players, colors=colors, ranks=ranks, hand=hand, **tokens)
    assert compared(game, range(4), lambda _: STYLES, game.spec.max_length)[0][:FEW] == []
