"""Tapped channels: the game inside is left alone, laws are followed, and scripted players have known figures."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.errors import InputError, Misfit
from tacit.evaluation import tapped
from tacit.evaluation.audit import LITERAL, SILENT, Asked
from tacit.evaluation.audit_play import agrees, audit, strangers
from tacit.evaluation.audit_verdict import verdict
from tacit.evaluation.listening import Room, answered, hear, influence, talk_of
from tacit.evaluation.literal_listeners import receiver, replies
from tacit.evaluation.message_meaning import declared, grounded_listener
from tacit.evaluation.readings import reading_of
from tacit.evaluation.tapped import Tap, Tapped, hushed, replaced, reworded
from tacit.games.phone_booth import HINT_DOWN, HINT_UP
from tacit.games.wired import Wired
from tacit.loops import rollout, start
from tacit.types import Action, Policy

OBJECTS = {"attributes": 2, "values": 2, "candidates": 4, "bits": 2}
FEW = Asked(permutations=1000, draws=200)


def policy(act):
    """A policy that remembers nothing."""

    def acts(key, params, carry, obs, legal, fresh, given=None):
        del params, legal, fresh, given
        return carry, act(key, obs), ()

    return Policy(lambda: (), acts)


def numbers(view):
    """Objects by number, from their attributes one-hot."""
    return view.reshape(*view.shape[:-1], 2, 2)[..., 1] @ jnp.array([1.0, 2.0])


def speak(key, obs):
    del key
    number = numbers(obs.view[0]).astype(int)
    return Action(jnp.int32(0), (number >> jnp.arange(2) & 1).astype(float))


def listen(key, obs):
    """Picks the object that is said; without a message, or one of half bits, the first candidate."""
    del key
    number = (obs.message > 0.5) @ jnp.array([1, 2])
    place = jnp.argmax(numbers(obs.view) == number)
    return Action(jnp.where(obs.received[0] > 0, place, 0).astype(jnp.int32), jnp.zeros(2))


def deaf(key, obs):
    """Picks any candidate, as its luck has it."""
    del obs
    return Action(jax.random.randint(key, (), 0, 4, jnp.int32), jnp.zeros(2))


SPEAKS, LISTENS, DEAF = policy(speak), policy(listen), policy(deaf)
REFERENTIAL = reading_of(games.make("referential", **OBJECTS), "messages")
EPISODES = 400


def room(*policies, reading=REFERENTIAL):
    return Room(reading, tuple((each, ()) for each in policies), EPISODES, 3)


@pytest.fixture(scope="module")
def heard():
    return hear(room(SPEAKS, LISTENS))


def test_who_listens_is_found(heard):
    """Four objects in two bits: everything is told, read, and worth 1 against 1/4 without."""
    own = room(SPEAKS, LISTENS)
    talk = talk_of(REFERENTIAL, heard)
    assert heard.returns.tolist() == [1.0] * EPISODES
    counts = talk.counts()[0]
    assert (counts == np.diag(np.diagonal(counts))).all()
    assert counts.sum() == EPISODES
    assert (talk.answer == talk.state).all()
    done = influence(own, talk)
    said = np.diagonal(counts) / EPISODES
    entropy = -(said * np.log2(said)).sum()
    np.testing.assert_allclose(done.of_message, entropy, atol=1e-9)  # a copying listener: H(M)
    np.testing.assert_allclose(done.of_any, 2.0, atol=1e-9)
    assert done.of_wording is None
    silent = hear(own, hushed(own.natural)).returns
    assert abs(silent.mean() - 0.25) < 4 * np.sqrt(0.25 * 0.75 / EPISODES)


def test_who_is_deaf_is_found():
    """Exactly 0, though its picks are drawn by lot: everything but the message is the same luck."""
    own = room(SPEAKS, DEAF)
    found = hear(own)
    talk = talk_of(REFERENTIAL, found)
    done = influence(own, talk)
    assert done.of_message.tolist() == done.of_any.tolist() == [0.0] * EPISODES
    for law in (hushed(own.natural), replaced(own.natural, np.full((1, 4, 4), 0.25))):
        assert hear(own, law).returns.tolist() == found.returns.tolist()


def test_laws_are_followed(heard):
    """A law that adds 1 to each number makes every pick wrong; back again, right; by the state, right for one only."""
    own = room(SPEAKS, LISTENS)
    off = reworded(own.natural, np.roll(np.eye(4), 1, axis=1))
    assert hear(own, off).returns.tolist() == [0.0] * EPISODES
    constant = replaced(own.natural, np.eye(4)[None, None, 2])
    meant = talk_of(REFERENTIAL, heard).state
    assert hear(own, constant).returns.tolist() == (meant == 2).astype(float).tolist()
    truth = replaced(own.natural, np.eye(4)[None])
    assert hear(own, truth).returns.tolist() == [1.0] * EPISODES
    half = replaced(own.natural, (np.eye(4) + np.roll(np.eye(4), 1, axis=1))[None])  # weights need not sum to 1
    assert abs(hear(own, half).returns.mean() - 0.5) < 4 * 0.5 / np.sqrt(EPISODES)


def test_one_message_alone_is_set():
    """At a step that never comes, nothing is."""
    own = room(SPEAKS, LISTENS)
    wrong = reworded(own.natural, np.roll(np.eye(4), 1, axis=1))
    steps = np.where(np.arange(EPISODES) % 2, 0, 1)
    returns = hear(own, wrong, steps, np.zeros(EPISODES, int)).returns
    assert returns.tolist() == (1.0 - np.arange(EPISODES) % 2).tolist()


@pytest.mark.parametrize("silent", [pytest.param(False, marks=pytest.mark.long), True])
def test_the_game_inside_is_left_alone(silent):
    """Step for step what the game itself does with the same actions; and, hushed, what it does without talk."""
    rules = {"num_players": 3, "length": 5}
    game = games.make("switch-riddle", **rules, talk=not silent)
    reading = reading_of(games.make("switch-riddle", **rules), "messages")
    natural = tapped.untouched(5, 3, 2)
    around = Tapped.of(reading, hushed(natural) if silent else natural)
    levels = jax.vmap(game.sample_level)(jax.random.split(jax.random.key(1), 32))

    def act(keys, carry, obs, legal, fresh, given):
        del fresh, given
        moves = jax.vmap(lambda key, may: jax.random.bernoulli(key, 0.1) & may[1])(keys, legal.move)
        return carry, Action(moves.astype(jnp.int32), jnp.where(obs.received > 0, 1 - obs.message, 1.0)), ()

    quiet = Policy(lambda: (), lambda *_: None)  # type: ignore[arg-type]

    def played(game, levels):
        live = start(jax.random.key(0), game, (quiet,) * 3, 32, levels)
        return rollout(jax.random.key(2), game, act, live, 5, reset=False)[1]

    plain = jax.jit(functools.partial(played, game))(levels)
    taps = Tap(levels, jnp.full(32, tapped.ALWAYS), jnp.zeros(32, int))
    other = jax.jit(functools.partial(played, around))(taps)
    np.testing.assert_array_equal(plain.terminated, other.terminated)
    np.testing.assert_array_equal(plain.reward, other.reward)
    goes_on = ~np.asarray(plain.state.terminated)
    for one, two in zip(plain.obs, other.obs, strict=True):
        np.testing.assert_array_equal(one[goes_on], two[goes_on])


def test_entropy_of_answers():
    says = np.array([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25], [1.0, 0.0, 0.0]])
    answer = np.array([[7, 7, 7], [1, 2, 1], [1, 2, 3]])
    np.testing.assert_allclose(answered(says, answer), [0.0, 0.811278124459, 0.0], atol=1e-9)  # H(1/4)


def test_nobody_speaks(heard):
    with pytest.raises(InputError, match="nobody said anything in 400 episodes"):
        talk_of(REFERENTIAL, heard._replace(spoke=np.zeros_like(heard.spoke)))
    with pytest.raises(Misfit, match="players for 1 seats, and the game has 2"):
        hear(room(SPEAKS))


BOOTH = {
    "sender_room": 2,
    "receiver_room": 2,
    "sender_start": 0,
    "receiver_start": 0,
    "booths": (0, 1),
    "decoys": (),
    "length": 4,
}


def hints(up, down):
    """A sender at the telephone that makes one move where the exit is up, and another where it is down."""

    def act(key, obs):
        del key
        return jnp.where(obs.view[-1] > 0, down, up).astype(jnp.int32)

    return policy(act)


def contrary():
    """A receiver that takes hints for their opposite."""
    plain = receiver(1, 4, 2)

    def act(key, params, carry, obs, legal, fresh, given=None):
        return plain.act(key, params, carry, obs._replace(message=1 - obs.message), legal, fresh, given)

    return Policy(plain.init_carry, act)


@pytest.fixture(scope="module")
def booth():
    """An honest sender and a liar, each with a receiver that understands it."""
    reading = reading_of(games.make("phone-booth", **BOOTH), "messages")
    honest = room(hints(HINT_UP, HINT_DOWN), receiver(1, 4, 2), reading=reading)
    liar = room(hints(HINT_DOWN, HINT_UP), contrary(), reading=reading)
    rooms = [honest, liar]
    return rooms, [audit(name, one, FEW) for name, one in zip(("honest", "liar"), rooms, strict=True)]


def test_an_inverted_code_costs_the_literal_twice(booth):
    """J = 1, J_lit = -0.5 and J_0 = 0.25 make k = 2; of the honest, k = 0. The reference's example of the booth."""
    honest, liar = booth[1]
    for found, literal, k, false in ((honest, 1.0, 0.0, 0.0), (liar, -0.5, 2.0, 1.0)):
        assert found.returns["natural"].tolist() == [1.0] * EPISODES
        assert found.returns[LITERAL].tolist() == [literal] * EPISODES
        assert abs(found.returns[SILENT].mean() - 0.25) < 4 * 0.75 / np.sqrt(EPISODES)
        assert found.shares["k"].mean == pytest.approx(k, abs=0.2)
        assert found.shares["k"].low <= k <= found.shares["k"].high
        assert found.told.parts.lies.plain == false
        assert found.told.information.plain == pytest.approx(found.told.of_state, abs=1e-9)
    assert verdict(honest, "the exit").kind == "literal"
    assert verdict(liar, "the exit").kind == "private code"
    assert "100 % of them are false" in verdict(liar, "the exit").sentence


def test_strangers_mislead_each_other(booth):
    met = strangers(*booth)
    assert met.returns.tolist() == [[1.0, -0.5], [-0.5, 1.0]]
    assert met.agreement.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    np.testing.assert_allclose(met.gaps, [1.5, 1.5], atol=0.1)  # what silence is worth to both is the same but for luck


def test_codes_agree_by_halves():
    one = np.array([[[4, 0], [2, 2]]])
    other = np.array([[[2, 2], [0, 4]]])
    assert agrees(one, other) == pytest.approx(0.5)
    assert agrees(one, one) == 1.0
    assert np.isnan(agrees(one, None))


def test_literal_replies_are_those_of_the_grounded_listener():
    """Where player 2 holds nothing, its information set is the opening, and the posterior that of `message_meaning`."""
    game = games.make("tiny-hanabi-a", cards=1, actions=2, payoff=(0.0, 1.0, 3.0, 2.0))
    assert replies(game, declared(np.ones((1, 2, 1)), np.arange(2)))[1:3, 2:4].tolist() == [[0.0, 1.0], [1.0, 0.0]]
    pet = games.make("pet-light")
    literal = np.array([[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 1.0]]])  # light on: a cat; off: a dog
    meaning = declared(literal, np.arange(4))
    table = replies(pet, meaning)
    payoff = np.asarray(pet.rewards)[:, 0]  # [pet, opening, reply]
    for opening in range(3):  # those after which he does not see the pet
        wanted = grounded_listener(np.full((1, 2), 0.5), meaning, payoff[None, :, opening])[0, opening]
        assert table[2 + opening, 4:7] == pytest.approx(wanted)


def test_a_literal_listener_hears_a_witness():
    """It gets the attribute that is spoken of right, and the others at random: 1/2 + half of the rest, for each."""
    game = games.make("witness", wordings=2)
    reading = reading_of(game, "messages")
    table = replies(game, reading.meaning())
    sets = table[8 : 8 + game.num_sets, game.sizes.openings : -1]  # [message, object]
    spoken, so = game.claims // 2, game.claims % 2
    for message, chances in enumerate(sets):
        fits = game.objects[:, spoken[message]] == so[message]
        assert chances == pytest.approx(fits / fits.sum())


def test_games_that_cannot_be_read():
    with pytest.raises(Misfit, match="audit it with --channel messages"):
        reading_of(games.make("phone-booth"), "actions")
    with pytest.raises(Misfit, match="audit it with --channel actions"):
        reading_of(games.make("hanabi"), "messages")
    with pytest.raises(Misfit, match="neither messages nor moves that an audit can read"):
        reading_of(games.make("commons"), "messages")
    with pytest.raises(Misfit, match="talk in real numbers"):
        reading_of(Wired.of(games.make("switch-riddle"), 3, "communicator"), "messages")
    for name in ("levers", "chicken"):
        with pytest.raises(Misfit, match="nobody sees"):
            reading_of(games.make(name), "actions").names()
