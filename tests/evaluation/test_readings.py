"""How games are read: in random play all numbers have names, and mean what they say."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.evaluation.listening import Room, hear, talk_of
from tacit.evaluation.readings import reading_of
from tacit.evaluation.talk import NONE, ROWS
from tacit.types import Action, Bits, Policy

long = pytest.mark.long
EPISODES = 64
ROOMS = {"sender_room": 2, "receiver_room": 2, "sender_start": 0, "receiver_start": 0, "booths": (0, 1), "decoys": ()}
READ = {
    "referential": ("messages", {"candidates": 3}),
    "switch-riddle": ("messages", {"bits": 2}),
    "phone-booth": ("messages", ROOMS),
    "color-digit": ("messages", {"bits": 2}),
    "multi-step-digits": ("messages", {}),
    "witness": ("messages", {"wordings": 2}),
    "pet-light": ("actions", {}),
    "tiny-hanabi-f": ("actions", {}),
    "repeated-levers": ("actions", {"length": 5}),
    "iterated-chicken": ("actions", {"length": 5}),
    "hanabi-very-small": ("actions", {}),
}
QUICK = ("pet-light",)


def random_policy(space):
    """Draws moves and bits from what is legal."""

    def act(key, params, carry, obs, legal, fresh, given=None):
        del params, obs, fresh, given
        one, other = jax.random.split(key)
        may = legal.move if isinstance(legal, Action) else legal
        move = jax.random.categorical(one, jnp.where(may, 0.0, -jnp.inf)).astype(jnp.int32)
        if not isinstance(space, Action):
            return carry, move, ()
        assert isinstance(space.message, Bits)
        return carry, Action(move, jax.random.bernoulli(other, 0.5, (space.message.n,)).astype(float)), ()

    return Policy(lambda: (), act)


@functools.cache
def read(name):
    """How a game is read, and the record of random play of it."""
    channel, rules = READ[name]
    game = games.make(name, **rules)
    reading = reading_of(game, channel)
    acting = random_policy(game.spec.action)
    room = Room(reading, ((acting, ()),) * game.spec.num_players, EPISODES, 1)
    return reading, talk_of(reading, hear(room))


@pytest.mark.parametrize("name", [name if name in QUICK else pytest.param(name, marks=long) for name in READ])
def test_every_number_has_a_name(name):
    reading, talk = read(name)
    names = reading.names()
    assert {len(getattr(talk, row)) for row in ROWS} == {len(talk.episode)}
    sizes = {"state": names.states, "public": names.publics, "message": names.messages}
    for row, of in sizes.items():
        assert 0 <= getattr(talk, row).min() <= getattr(talk, row).max() < len(of)
        assert len(set(of)) == len(of)
    for row, of in {"answer": names.answers, "own": names.own}.items():
        assert NONE <= getattr(talk, row).min() <= getattr(talk, row).max() < max(len(of), 1)
    assert talk.counts().sum() == len(talk.episode)
    assert (talk.answer != NONE).any()
    if names.attributes is not None:
        assert len(names.attributes) == len(names.states)
        assert len(np.unique(names.attributes, axis=0)) == len(names.states)
    if names.symbols is not None:
        assert len(names.symbols) == len(names.messages)
    meaning = reading.meaning()
    if meaning is not None:
        assert meaning.true.shape == (len(names.publics), len(names.states), len(names.messages))
    if len(names.states) > 1:
        assert len(set(talk.state.tolist())) > 1


@long
def test_the_referential_game_pays_for_the_object_that_is_meant():
    reading, talk = read("referential")
    assert (talk.returns[talk.episode] == (talk.answer == talk.state)).all()
    attributes = reading.names().attributes
    assert attributes is not None
    assert attributes[7].tolist() == [3, 1]  # 3 + 4 * 1, as the game numbers objects
    assert reading.names().states[7] == "object 3-1"


def test_a_card_and_an_opening_are_read():
    reading, talk = read("pet-light")
    assert len(talk.episode) == EPISODES
    assert set(talk.step) == set(talk.speaker) == {0}
    payoff = np.asarray(reading.game.rewards)[:, 0]
    np.testing.assert_allclose(talk.returns, payoff[talk.state, talk.message, talk.answer])


@long
def test_a_witness_says_what_is_so():
    reading, talk = read("witness")
    meaning = reading.meaning()
    assert meaning is not None
    assert meaning.true[0, talk.state, talk.message].all()
    game = reading.game
    right = game.objects[talk.state] == game.objects[talk.answer]
    np.testing.assert_allclose(talk.returns, right @ np.array(game.worth), atol=1e-6)
    assert reading.names().messages[:4] == ("no 1 (0)", "no 1 (1)", "1 (0)", "1 (1)")


@long
def test_the_riddle_counts_visitors():
    """On the first day one has been there, later as many or one more, and days follow each other."""
    _, talk = read("switch-riddle")
    for episode in range(EPISODES):
        rows = talk.episode == episode
        assert talk.public[rows].tolist() == list(range(rows.sum()))
        assert talk.state[rows][:1].tolist() in ([], [0])
        assert set(np.diff(talk.state[rows])) <= {0, 1}


@long
def test_hanabi_shows_the_cards_of_the_listener():
    """Two stacks of one color: a card that is played next by the listener scores if its slot was playable, or else
    costs the only life."""
    reading, talk = read("hanabi-very-small")
    hand = reading.game.hand_size
    plays = [place for place in range(len(talk.episode)) if hand <= talk.answer[place] < 2 * hand]
    assert len(plays) > 20
    ended = {episode: talk.step[talk.episode == episode].max() for episode in range(EPISODES)}
    for place in plays:
        slot = talk.answer[place] - hand
        mover_scored = hand <= talk.message[place] < 2 * hand  # then what is playable may have changed
        if not mover_scored and not talk.state[place] >> slot & 1:
            assert ended[talk.episode[place]] == talk.step[place] + 1  # that was the end
