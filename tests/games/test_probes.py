"""The probes' known answers, by playing every sequence of actions with every sign."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.games.probes import LENGTHS

SIGNS = (-1.0, 1.0)


def every_play(kind):
    """For each sign and each sequence of actions: what was shown `[N, T, 2]`, rewards `[N, T]`, signs, actions."""
    game = games.make("probe", kind=kind)
    plays = list(itertools.product(SIGNS, itertools.product((0, 1), repeat=LENGTHS[kind])))
    signs, actions = (np.array(column) for column in zip(*plays, strict=True))

    @jax.jit
    @jax.vmap
    def play(sign, actions):
        def step(state, action):
            new, outcome = game.step(jax.random.key(0), state, action[None])
            return new, (game.observe(state)[0], outcome.reward[0], outcome.terminated)

        first = game.reset(jax.random.key(0))._replace(sign=sign[None])
        return jax.lax.scan(step, first, actions)[1]

    shown, reward, ended = play(jnp.asarray(signs, jnp.float32), jnp.asarray(actions, jnp.int32))
    np.testing.assert_array_equal(
        np.asarray(ended), np.arange(1, LENGTHS[kind] + 1)[None] == LENGTHS[kind] + 0 * actions
    )
    return np.asarray(shown), np.asarray(reward), signs, actions


def answer(kind, sign, actions):
    """The rewards of one play."""
    last = 2 * actions[-1] - 1
    return {
        "constant": [1],
        "seen": [sign],
        "later": [0, 1],
        "chosen": [last],
        "matched": [last * sign],
        "remembered": [0, 0, last * sign],
    }[kind]


@pytest.mark.parametrize("kind", LENGTHS)
def test_every_play_pays_what_it_should(kind):
    _, reward, signs, actions = every_play(kind)
    expected = [answer(kind, *play) for play in zip(signs, actions, strict=True)]
    np.testing.assert_array_equal(reward, expected)


@pytest.mark.parametrize("kind", LENGTHS)
def test_the_best_play_is_worth_its_answer(kind):
    _, reward, signs, _ = every_play(kind)
    worth = reward @ (0.9 ** np.arange(LENGTHS[kind]))
    best = [worth[signs == sign].max() for sign in SIGNS]
    expected = {"seen": [-1, 1], "later": [0.9, 0.9], "remembered": [0.81, 0.81]}.get(kind, [1, 1])
    np.testing.assert_allclose(best, expected, rtol=1e-6)
    # where the action matters, half of all blind plays are wrong; where it does not, all are as good
    blind = {"seen": 0.0, "later": 0.9, "constant": 1.0}.get(kind, 0.0)
    assert worth.mean() == pytest.approx(blind, abs=1e-6)
    assert (np.ptp(worth[signs == 1]) > 0) == (kind in ("chosen", "matched", "remembered"))


@pytest.mark.parametrize("kind", LENGTHS)
def test_the_sign_is_shown_at_the_first_step_alone(kind):
    shown, _, signs, _ = every_play(kind)
    first = signs if kind in ("seen", "matched", "remembered") else 0 * signs
    np.testing.assert_array_equal(shown[:, 0, 0], first)
    np.testing.assert_array_equal(shown[:, 1:, 0], 0)
    counts = np.arange(LENGTHS[kind]) / 2 if kind in ("later", "remembered") else np.zeros(LENGTHS[kind])
    np.testing.assert_array_equal(shown[:, :, 1], counts[None].repeat(len(signs), axis=0))


def test_players_side_by_side_have_signs_of_their_own():
    game = games.make("probe", num_players=64)
    state = game.reset(jax.random.key(0))
    signs = np.asarray(state.sign)
    assert set(signs) == {-1.0, 1.0}
    assert abs(signs.sum()) < 4 * 8  # four standard deviations of a sum of 64 signs
    action = jnp.asarray(np.arange(64) % 2, jnp.int32)
    _, outcome = game.step(jax.random.key(0), state, action)
    np.testing.assert_array_equal(outcome.reward, (2 * np.asarray(action) - 1) * signs)
