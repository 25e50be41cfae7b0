"""Games of Hanabi for comparisons: the variants, four ways of playing them, and the same games in our engine."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tacit.games.hanabi import HanabiGame
from tacit.games.hanabi.variant import RUNNING
from tacit.interop.hle import Engine, Position

FULL = {"colors": 5, "ranks": 5, "information": 8, "lives": 3}
VARIANTS = {
    "2-players": {"players": 2, "hand": 5, **FULL},
    "3-players": {"players": 3, "hand": 5, **FULL},
    "4-players": {"players": 4, "hand": 4, **FULL},
    "5-players": {"players": 5, "hand": 4, **FULL},
    "small": {"players": 2, "hand": 2, "colors": 2, "ranks": 5, "information": 3, "lives": 1},
    "very-small": {"players": 2, "hand": 2, "colors": 1, "ranks": 5, "information": 3, "lives": 1},
    "2x5-hand-5": {"players": 2, "hand": 5, **FULL, "colors": 2},
    "3x3-hand-3": {"players": 2, "hand": 3, **FULL, "colors": 3, "ranks": 3},
    "1x3-hand-2": {"players": 2, "hand": 2, **FULL, "colors": 1, "ranks": 3},
    "2x2-hand-2": {"players": 2, "hand": 2, **FULL, "colors": 2, "ranks": 2},
    "1x2-hand-1": {"players": 2, "hand": 1, **FULL, "colors": 1, "ranks": 2},
    "3-players-4x3": {"players": 3, "hand": 2, "colors": 4, "ranks": 3, "information": 4, "lives": 2},
}
STYLES = ("random", "playable", "careful", "mixed")


def variant(name, view="canonical"):
    return HanabiGame(**VARIANTS[name], view=view)


class Game(NamedTuple):
    """A game as the reference engine played it: T moves and T + 1 positions."""

    style: str
    deck: np.ndarray
    moves: list[int]
    rewards: list[int]
    positions: list[Position]


def played(engine: Engine, style: str, seed: int) -> Game:
    """A game of the reference engine; seed and style determine deck and moves."""
    draw = np.random.default_rng((seed, STYLES.index(style)))
    deck = draw.permutation(np.repeat(np.arange(engine.game.num_cards), engine.game.full_deck))
    table = engine.start(deck)
    moves, rewards, positions = [], [], [table.position()]
    while not table.ended:
        moves.append(choose(draw, engine.game, positions[-1], style))
        rewards.append(table.play(moves[-1]))
        positions.append(table.position())
    return Game(style, deck, moves, rewards, positions)


def choose(draw: np.random.Generator, game: Any, position: Position, style: str) -> int:
    """A move of somebody who sees its own hand.

    `random` is uniform over what is legal, and `playable` over what of that is no misplay. `careful` plays a playable
    card if it holds one, and else gives a hint or discards a card that is no longer needed, if it can; `mixed` is
    careful but for every seventh move. Random play mostly ends with the last life, playable with the last card, and
    careful often with all stacks complete.
    """
    legal, size = np.flatnonzero(position.legal), game.hand_size
    if style == "random" or (style == "mixed" and draw.integers(7) == 0):
        return int(draw.choice(legal))
    hand = position.hands[position.player]
    above = hand % game.ranks - position.fireworks[hand // game.ranks]  # 0: playable, less: on its stack already
    plays = [move for move in legal if size <= move < 2 * size and above[move - size] == 0]
    others = [move for move in legal if not size <= move < 2 * size]
    if style == "playable":
        return int(draw.choice(plays + others or legal))
    free = [move for move in others if move >= size or above[move] < 0]
    return int(draw.choice(plays or free or others or legal))


class Recording(NamedTuple):
    """Games of one variant, N of at most T moves; `there` says which positions are part of a game.

    Attributes:
        decks: `[N, D]`.
        moves, rewards: `[N, T]`.
        there: `[N, T + 1]`.
        shown: fields of `Position`, `[N, T + 1, ...]` each.
    """

    decks: np.ndarray
    moves: np.ndarray
    rewards: np.ndarray
    there: np.ndarray
    shown: dict[str, np.ndarray]


def gathered(found: list[Game], length: int) -> Recording:
    """Games of up to `length` moves as one recording."""

    def padded(rows: list[Any], size: int) -> np.ndarray:
        rows = [np.asarray(row) for row in rows]
        return np.stack([np.pad(row, [(0, size - len(row)), *[(0, 0)] * (row.ndim - 1)]) for row in rows])

    shown = {
        name: padded([[getattr(position, name) for position in game.positions] for game in found], length + 1)
        for name in Position._fields
    }
    return Recording(
        np.stack([game.deck for game in found]).astype(np.int8),
        padded([game.moves for game in found], length).astype(np.int32),
        padded([game.rewards for game in found], length),
        padded([np.ones(len(game.positions), bool) for game in found], length + 1),
        shown,
    )


class Replayed(NamedTuple):
    """Recorded games in our engine.

    Attributes:
        shown: `[N, T + 1, ...]`.
        likely: `[N, T + 1, P, length]` the V0-belief view.
        waits: `[N, T + 1]` whether exactly those who are not on turn may wait, and nothing else.
        reward: `[N, T, P]`.
        done: `[N, T]`.
    """

    shown: Position
    likely: Any
    waits: jax.Array
    reward: jax.Array
    done: jax.Array


@jax.jit
def replayed(game: Any, other: Any, decks: jax.Array, moves: jax.Array) -> Replayed:
    """Makes the moves `[N, T]` on the decks `[N, D]`; what follows an end is not to be read.

    Args:
        other: the same rules with the V0-belief view, or nothing.
    """
    seats = jnp.arange(game.players)

    def one(deck: jax.Array, moves: jax.Array) -> Any:
        def step(state: Any, move: jax.Array) -> Any:
            action = jnp.where(seats == state.player, move, game.num_moves)
            after, outcome = game.step(jax.random.key(0), state, action)
            return after, (after, outcome)

        first = game.reset(jax.random.key(0), deck)
        _, (rest, outcome) = jax.lax.scan(step, first, moves)
        return jax.tree.map(lambda leaf, more: jnp.concatenate([leaf[None], more]), first, rest), outcome

    def show(state: Any) -> Any:
        legal, on_turn = game.legal(state), seats == state.player
        parts = {name: getattr(state, name) for name in Position._fields if hasattr(state, name)}
        may = (legal[:, :-1] & on_turn[:, None]).any(0)
        shown = Position(game.observe(state), may, score=game.score(state), end=game.end_code(state), **parts)
        waits = (legal[:, -1] != on_turn).all() & (legal[:, :-1].any(1) == on_turn).all()
        return shown, other.observe(state) if other else (), waits

    states, outcome = jax.vmap(one)(decks, moves)
    return Replayed(*jax.vmap(jax.vmap(show))(states), outcome.reward, outcome.terminated)


def differences(wanted: Recording, ours: Replayed) -> list[str]:
    """Every place where our engine differs from the reference engine, in words."""
    found = places("reward", np.asarray(ours.reward) != wanted.rewards[..., None], wanted.there[:, 1:])
    found += places("done", np.asarray(ours.done) != (wanted.shown["end"][:, 1:] != RUNNING), wanted.there[:, 1:])
    running = wanted.there & (wanted.shown["end"] == RUNNING)
    found += places("waiting", ~np.asarray(ours.waits), running)
    for name, values in wanted.shown.items():
        # After an end there is nobody on turn, whatever either engine says.
        where = running if name in ("legal", "player") else wanted.there
        found += places(name, np.asarray(getattr(ours.shown, name)) != values, where)
    return found


def places(name: str, apart: np.ndarray, where: np.ndarray) -> list[str]:
    apart = apart & where.reshape(*where.shape, *(1,) * (apart.ndim - 2))
    return [f"{name} of game {i} at {t} {rest or ''}".strip() for i, t, *rest in np.argwhere(apart).tolist()]
