"""The entrants of Axelrod's first tournament against recordings of the Axelrod library, turn by turn."""

import functools
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.errors import Misfit
from tacit.games.matrix import START
from tacit.learners import PLAYERS, axelrod_first
from tacit.learners.axelrod_first import DOWNING, FIRST_TOURNAMENT, NYDEGGER
from tacit.learners.scripted import fixed, known
from tacit.registry import load

TABLE = pathlib.Path(__file__).parents[1] / "interop/axelrod_trajectories.txt"
MATCH = (200, (3.0, 0.0, 5.0, 1.0))


def unpacked(digits):
    return np.array([int(bit) for bit in f"{int(digits, 16):0{4 * len(digits)}b}"], np.int32)


@functools.cache
def recorded():
    """By player: what it meant to do, what it did (noise may change that) and what the other did, `[M, 3, T]`."""
    found = {}
    for line in TABLE.read_text().splitlines():
        if not line.startswith("#"):
            name, meant, done, theirs = line.split()
            rows = [unpacked(x) for x in (meant, meant if done == "=" else done, theirs)]
            found.setdefault(name, []).append(rows)
    return {name: np.array(rows) for name, rows in found.items()}


@functools.partial(jax.jit, static_argnums=0)
def answers(policy, params, done, theirs, key=None):
    """What a policy means to do after each beginning of these matches, `[M, T]`."""
    key = jax.random.key(0) if key is None else key

    def one(key, done, theirs):
        def turn(carry, now):
            key, seen, fresh = now
            obs = jax.nn.one_hot(seen, 5)
            carry, action, _ = policy.act(key, params, carry, obs, jnp.ones(2, bool), fresh)
            return carry, action

        seen = jnp.concatenate([jnp.array([START]), (2 * done + theirs)[:-1]])
        keys = jax.random.split(key, len(done))
        return jax.lax.scan(turn, policy.init_carry(), (keys, seen, jnp.arange(len(done)) == 0))[1]

    return jax.vmap(one)(jax.random.split(key, len(done)), done, theirs)


def player(name):
    return load("player", PLAYERS, name)


def test_the_table_holds_every_deterministic_entrant():
    chancy = {"grofman", "graaskamp", "feld", "joss", "tullock", "anonymous", "random"}
    assert set(recorded()) == set(FIRST_TOURNAMENT) - chancy
    assert all(len(rows) >= 20 and rows.shape[2] == MATCH[0] for rows in recorded().values())
    assert all(rows[:, 0].any() and not rows[:, 0].all() for rows in recorded().values())


@pytest.mark.parametrize("name", sorted(set(recorded()) - {"downing"}))
def test_deterministic_entrants_move_for_move(name):
    meant, done, theirs = recorded()[name].swapaxes(0, 1)
    found = answers(player(name).policy, known(player(name), *MATCH), done, theirs)
    np.testing.assert_array_equal(found, meant)


def test_downing_move_for_move_but_for_ties():
    """Where both expectations are equal ours changes its action, and the library's rounding may decide otherwise."""
    meant, done, theirs = recorded()["downing"].swapaxes(0, 1)
    found = np.asarray(answers(DOWNING.policy, known(DOWNING, *MATCH), done, theirs))
    differing = np.argwhere(found != meant)
    assert len(differing) <= 2  # of some 4600 decisions
    for match, turn in differing:
        assert _downing_tie(done[match, :turn], theirs[match, :turn])


def _downing_tie(mine, theirs):
    """Whether 3 alpha = 5 beta + (1 - beta), in whole numbers."""
    before = np.concatenate([[0], mine[:-1]])  # the first action answers a cooperation
    to_c, to_d = ((before == action) & (theirs == 0) for action in (0, 1))
    n_c, n_d = (mine == 0).sum() + 1, max((mine == 1).sum(), 2)
    return 3 * to_c.sum() * n_d == (4 * to_d.sum() + n_d) * n_c


def nydegger_by_hand(mine, theirs):
    """A second way to say it: look at the three last rounds each time."""
    found = []
    for n in range(len(mine)):
        if n == 0:
            found.append(0)
        elif n == 1:
            found.append(theirs[0])
        elif n == 2:
            found.append(1 if (theirs[0], theirs[1]) == (1, 0) else theirs[1])
        else:
            score = sum(w * (2 * theirs[n - k] + mine[n - k]) for k, w in ((1, 16), (2, 4), (3, 1)))
            found.append(int(score in axelrod_first.NYDEGGER_DEFECTS))
    return found


def test_nydegger_in_every_course():
    generator = np.random.default_rng(0)
    done, theirs = generator.integers(0, 2, (2, 8, 64)).astype(np.int32)
    found = answers(NYDEGGER.policy, known(NYDEGGER, *MATCH), done, theirs)
    assert np.asarray(found).tolist() == [nydegger_by_hand(m, t) for m, t in zip(done, theirs, strict=True)]


def rate(name, done, theirs, matches=400):
    """P(C) turn by turn, over many matches with the same course."""
    shape = (matches, len(done))
    found = answers(
        player(name).policy, known(player(name), *MATCH), jnp.broadcast_to(done, shape), jnp.broadcast_to(theirs, shape)
    )
    return 1 - np.asarray(found).mean(axis=0)


def test_feld_loses_patience_evenly():
    kind = np.zeros(220, np.int32)
    np.testing.assert_allclose(rate("feld", kind, kind), np.maximum(1 - np.arange(220) / 400, 0.5), atol=0.1)
    assert rate("feld", kind, kind + 1)[1:].max() == 0


def test_tullock_follows_ten_turns():
    kind = np.zeros(40, np.int32)
    theirs = kind.copy()
    theirs[11:16] = 1  # five defections in the window of turns 16 to 21
    found = rate("tullock", kind, theirs)
    assert (found[:11] == 1).all()
    np.testing.assert_allclose(found[16:22], 0.4, atol=0.1)
    np.testing.assert_allclose(found[26:], 0.9, atol=0.07)


def test_graaskamp_judges_the_other():
    """Its probe and its verdicts, on courses in which the other does as told."""
    policy, params = player("graaskamp").policy, known(player("graaskamp"), *MATCH)
    quiet = np.zeros(200, np.int32)
    probed = quiet.copy()
    probed[50] = 1
    twin, mirror = probed, np.roll(probed, 1)
    course = np.asarray(answers(policy, params, np.stack([probed, probed]), np.stack([twin, mirror])))
    assert course[0, :57].nonzero()[0].tolist() == [50, 51]  # answers its twin's probe
    assert not course[0, 57:].any()
    assert course[1].nonzero()[0].tolist() == [50, 52]  # answers tit-for-tat's answer, and goes on in peace
    coin = np.tile([0, 1], 100).astype(np.int32)
    assert np.asarray(answers(policy, params, probed[None], coin[None]))[0, 56:].all()
    deaf = np.asarray(answers(policy, params, np.stack([probed] * 50), np.stack([quiet] * 50)))
    gaps = np.concatenate([np.diff(row[56:].nonzero()[0]) for row in deaf])
    assert set(gaps) == set(range(5, 15))
    assert {row[56:].nonzero()[0][0] for row in deaf} <= set(range(5, 15))


def test_informed_players_know_the_match():
    game = games.make("axelrod-ipd", length=30)
    assert fixed(DOWNING, game, (0,)).init(jax.random.key(0)).params.tolist() == [[30, 3, 0, 5, 1]]
    learner = fixed(DOWNING, games.make("imp", length=7))
    assert learner.init(jax.random.key(0)).params.tolist() == [[7, 1, -1, -1, 1], [7, -1, 1, 1, -1]]
    ends_well, peace = player("stein-and-rapoport"), np.zeros((1, 10), np.int32)
    found = answers(ends_well.policy, known(ends_well, 10, MATCH[1]), peace, peace)
    assert np.asarray(found)[0].tolist() == [0] * 8 + [1] * 2
    with pytest.raises(Misfit, match="play matrix games"):
        fixed(DOWNING, games.make("commons"))


def test_memory_is_cleared_between_episodes():
    """A match that begins anew is played as a first one."""
    course = recorded()["shubik"][3, 1:]
    policy, params = player("shubik").policy, known(player("shubik"), *MATCH)
    once = np.asarray(answers(policy, params, course[:1], course[1:]))[0]

    @jax.jit
    def twice(seen, fresh):
        def turn(carry, now):
            obs = jax.nn.one_hot(now[0], 5)
            carry, action, _ = policy.act(jax.random.key(0), params, carry, obs, jnp.ones(2, bool), now[1])
            return carry, action

        return jax.lax.scan(turn, policy.init_carry(), (seen, fresh))[1]

    seen = np.concatenate([[START], (2 * course[0] + course[1])[:-1]])
    fresh = np.arange(len(seen)) == 0
    found = np.asarray(twice(np.tile(seen, 2), np.tile(fresh, 2)))
    np.testing.assert_array_equal(found, np.tile(once, 2))
