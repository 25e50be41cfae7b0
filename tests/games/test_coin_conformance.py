"""The coin game plays as its public engines do: their recorded games are replayed step by step.

Each file names its engine, repository and commit. From each recorded board the recorded actions are played: moves,
pick-ups, rewards and observations must be equal, and a coin (or a whole board) that the engine drew anew must be one
that our rules could have drawn.
"""

import functools
import pathlib
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games

FOLDER = pathlib.Path(__file__).parent / "coin"
ENGINES = {
    "lola": ("coin-lola", {}),
    "pola": ("coin-pola", {}),
    "mfos": ("coin-mfos", {"episodes": 3}),
    "jaxmarl": ("coin-pax", {"episodes": 5}),
    "pax": ("coin-pax", {"length": 16, "episodes": 3}),
}
OFF = 9  # where a coin lies that is not on the board


class Recording(NamedTuple):
    """The steps of one engine that have a successor, leaves `[N, ...]`."""

    time: np.ndarray
    player: np.ndarray
    coin: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    seen: dict[str, np.ndarray]  # [N, 36] by column
    next_player: np.ndarray
    next_coin: np.ndarray


@functools.cache
def recording(engine):
    lines = [line.split() for line in (FOLDER / f"{engine}.txt").read_text().splitlines() if line[0] != "#"]
    columns = lines[0]
    table = {name: [line[i] for line in lines[1:]] for i, name in enumerate(columns)}

    def whole(*names, rows=slice(None)):
        return np.stack([np.array([int(x) if x != "-" else -1 for x in table[name]])[rows] for name in names], 1)

    steps = np.flatnonzero(np.array(table["red_action"]) != "-")
    seen = {name: np.array([list(map(float, word)) for word in table[name]])[steps] for name in columns if "se" in name}
    return Recording(
        whole("step", rows=steps)[:, 0],
        whole("red", "blue", rows=steps),
        whole("red_coin", "blue_coin", rows=steps),
        whole("red_action", "blue_action", rows=steps),
        whole("red_reward", "blue_reward", rows=steps),
        seen,
        whole("red", "blue", rows=steps + 1),
        whole("red_coin", "blue_coin", rows=steps + 1),
    )


def engine_game(engine, **changes):
    name, rules = ENGINES[engine]
    return games.make(name, **rules, **changes)


@functools.partial(jax.jit, static_argnames="seed")
def replayed(game, player, coin, time, action, seed=0):
    """What our game makes of these boards and actions, leaves `[N, ...]`."""
    first = game.reset(jax.random.key(seed))

    def one(key, player, coin, time, action):
        state = first._replace(player=player, coin=coin, time=time)
        _, taken = game.moved(state, action)
        new, outcome = game.step(key, state, action)
        return game.observe(state), taken, new, outcome

    return jax.vmap(one)(jax.random.split(jax.random.key(seed), len(time)), player, coin, time, action)


def replay(game, found, seed=0):
    given = (found.player, found.coin, found.time, found.action)
    return replayed(game, *(jnp.asarray(leaf, jnp.int32) for leaf in given), seed=seed)


def drawn_anew(game, found):
    """Which steps ended a board's play."""
    return ((found.time + 1) % game.length == 0) & (game.episodes > 1)


def laid_anew(game, taken):
    """Which coins are replaced, `[N, color]`: those that were taken; where there is one at a time, both entries."""
    gone = taken.any(axis=1)
    return gone if game.coins == 2 else np.broadcast_to(gone.any(axis=1, keepdims=True), gone.shape)


@pytest.mark.parametrize("engine", ENGINES)
def test_rewards_and_moves_are_those_of_the_engine(engine):
    game, found = engine_game(engine), recording(engine)
    _, taken, new, outcome = replay(game, found)
    np.testing.assert_array_equal(outcome.reward, found.reward)
    goes_on = ~drawn_anew(game, found)
    np.testing.assert_array_equal(np.asarray(new.player)[goes_on], found.next_player[goes_on])
    stays = goes_on[:, None] & ~laid_anew(game, np.asarray(taken))
    np.testing.assert_array_equal(found.next_coin[stays], found.coin[stays])
    np.testing.assert_array_equal(np.asarray(new.coin)[stays], found.coin[stays])
    assert (~stays).any()


@pytest.mark.parametrize("engine", ENGINES)
def test_recordings_hold_what_they_are_to_show(engine):
    game, found = engine_game(engine), recording(engine)
    _, taken, *_ = replay(game, found)
    taken = np.asarray(taken)
    assert (taken.sum(0) >= 10).all()  # every player took coins of either color
    at = np.asarray(replay(engine_game(engine, tie="both"), found)[1])
    assert at.all(axis=1).any(0).all()  # both reached a coin at once, of either color
    assert (found.reward.sum(0) != 0).any()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_new_coin_lies_where_the_rules_allow(engine):
    game, found = engine_game(engine), recording(engine)
    taken = np.asarray(replay(game, found)[1])
    goes_on = ~drawn_anew(game, found)
    if game.coins == 2:
        assert (found.next_coin < OFF).all()
        return
    fresh = taken.any((1, 2)) & goes_on
    before, after = found.coin[fresh], found.next_coin[fresh]
    np.testing.assert_array_equal(after == OFF, before != OFF)  # the color alternates
    cell = after.min(axis=1)
    assert (cell[:, None] != found.next_player[fresh]).all()  # and no player is below it


@pytest.mark.parametrize(
    ("engine", "view", "columns"),
    [
        ("lola", "shared", ("seen", "seen")),
        ("pola", "shared", ("seen", "seen")),
        ("mfos", "shared", ("red_sees", "red_sees")),
        ("mfos", "own", ("red_sees", "blue_sees")),
        ("jaxmarl", "own", ("red_sees", "blue_sees")),
        ("jaxmarl", "centered", ("red_sees_centered", "blue_sees_centered")),
        ("pax", "own", ("red_sees", "blue_sees")),
        ("pax", "centered", ("red_sees_centered", "blue_sees_centered")),
    ],
)
def test_observations_are_those_of_the_engine(engine, view, columns):
    found = recording(engine)
    seen = np.asarray(replay(engine_game(engine, view=view), found)[0])
    np.testing.assert_array_equal(seen, np.stack([found.seen[column] for column in columns], 1))


def test_the_layouts_hold_the_same_numbers():
    found = recording("mfos")
    flat, planes, channels, last = (
        np.asarray(replay(engine_game("mfos", layout=layout), found)[0])
        for layout in ("flat", "planes", "channels", "flat-channels")
    )
    assert planes.shape[2:] == (4, 3, 3)
    assert channels.shape[2:] == (3, 3, 4)
    np.testing.assert_array_equal(planes.reshape(flat.shape), flat)
    np.testing.assert_array_equal(np.moveaxis(planes, 2, -1), channels)
    np.testing.assert_array_equal(channels.reshape(last.shape), last)
