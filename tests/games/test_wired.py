"""A game with a line is the game itself, and what is said on the line is heard at the next step."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.errors import Misfit, SettingError
from tacit.games.wired import Wired
from tacit.settings import as_dict
from tacit.types import Action, Discrete, Real

WIDTH, STEPS, KEY = 3, 9, jax.random.key(2)  # three steps beyond the longest riddle
GAMES = {
    "bits of its own": games.make("switch-riddle"),
    "moves alone": games.make("ipd", length=6),
    "moves that are not always allowed": games.make("tiny-hanabi-e"),
}

pytestmark = pytest.mark.usefixtures("strict")


@functools.partial(jax.jit, static_argnums=0)
def played(name):
    """Random play on the line, and the same moves and luck in the game itself; what is said is random numbers."""
    game = GAMES[name]
    wired, space = Wired.of(game, WIDTH, "a test"), game.spec.action
    players = game.spec.num_players

    def step(states, keys):
        inner, state = states
        legal = wired.legal(state).move
        move = jax.random.categorical(keys[0], jnp.where(legal, 0.0, -jnp.inf), axis=-1).astype(jnp.int32)
        said = jax.random.normal(keys[1], (players, WIDTH))
        own = Action(move, jnp.zeros((players, space.message.n))) if isinstance(space, Action) else move
        after, outcome = game.step(keys[2], inner, own)
        wired_after, wired_outcome = wired.step(keys[2], state, Action(move, said))
        shown = (game.observe(inner), game.legal(inner), outcome), (wired.observe(state), legal, wired_outcome)
        return (after, wired_after), (*shown, said, wired_after)

    first = (game.reset(KEY, game.sample_level(KEY)), wired.reset(KEY, wired.sample_level(KEY)))
    return jax.lax.scan(step, first, jax.random.split(jax.random.key(3), (STEPS, 3)))


@pytest.mark.parametrize("name", GAMES)
def test_it_is_the_game_itself_with_what_everybody_said_a_step_ago(name):
    (inner, last), (alone, on_line, said, states) = played(name)
    jax.tree.map(np.testing.assert_array_equal, last.inner, inner)
    jax.tree.map(np.testing.assert_array_equal, on_line[2], alone[2])
    jax.tree.map(np.testing.assert_array_equal, on_line[0].view, alone[0])
    legal = alone[1].move if isinstance(alone[1], Action) else alone[1]
    np.testing.assert_array_equal(on_line[1], legal)
    heard = np.asarray(on_line[0].messages)  # [T, P, J, width]
    np.testing.assert_array_equal(heard[0], 0.0)
    ended = np.asarray(states.terminated | states.truncated)
    assert ended[-1]
    for t in range(1, STEPS):
        expected = heard[t - 1, 0] if t > 1 and ended[t - 2] else said[t - 1]  # an ended game stays as it is
        for player in range(heard.shape[1]):
            np.testing.assert_array_equal(heard[t, player], expected)


def test_what_it_promises():
    game = games.make("switch-riddle", talk=False)
    wired = Wired.of(game, WIDTH, "a test")
    assert wired.spec.action == Action(Discrete(2), Real((WIDTH,)))
    assert wired.spec.observation.view == game.spec.observation
    assert wired.spec.observation.messages == Real((3, WIDTH))
    assert wired.spec[3:] == game.spec[3:]
    assert (wired.discount, wired.truncates, wired.guesses) == (game.discount, game.truncates, game.guesses)
    np.testing.assert_array_equal(wired.all_levels(), game.all_levels())
    np.testing.assert_array_equal(wired.shuffled(KEY), game.shuffled(KEY))
    state = wired.reset(KEY)
    jax.tree.map(np.testing.assert_array_equal, wired.measure(state), game.measure(state.inner))
    np.testing.assert_array_equal(wired.answers(state), game.answers(state.inner))
    assert wired.held_out == wired
    assert as_dict(wired) == {"width": WIDTH}


def test_what_is_hidden_is_that_of_the_game():
    game = GAMES["moves that are not always allowed"]
    wired = Wired.of(game, WIDTH, "a test")
    state = wired.reset(KEY)
    hidden = wired.hidden(state, 0)
    jax.tree.map(np.testing.assert_array_equal, hidden, game.hidden(state.inner, 0))
    again = wired.with_hidden(state, 0, hidden)
    jax.tree.map(np.testing.assert_array_equal, again, state)


def test_what_cannot_be_wired_is_refused_in_one_line():
    with pytest.raises(Misfit, match="a test needs players who can talk to each other; Probe has only one here"):
        Wired.of(games.make("probe"), 1, "a test")
    talking = Wired.of(games.make("ipd"), 1, "a test")
    with pytest.raises(Misfit, match="a test needs players who choose one of several moves"):
        Wired.of(talking, 1, "a test")
    with pytest.raises(SettingError, match="width must be >= 1, got 0"):
        Wired.of(games.make("ipd"), 0, "a test")
