"""Audits of play beside exact sums: random tables in the witness and random listeners in the referential game."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.evaluation import audit_play
from tacit.evaluation.audit import CANONICAL, GROUNDED, LITERAL, SHUFFLED, SILENT, SYNONYMS, UNIFORM, USUAL, Asked
from tacit.evaluation.listening import Room, hear, influence, talk_of
from tacit.evaluation.literal_listeners import TABLE, replies
from tacit.evaluation.message_meaning import decompose, reference
from tacit.evaluation.message_metrics import causal_influence, entropy, shares
from tacit.evaluation.readings import reading_of
from tacit.evaluation.transcripts import NATURAL
from tacit.types import Action, Policy

EPISODES = 4000
GAME = games.make("witness", worth=(0.7, 0.3), wordings=2)
READING = reading_of(GAME, "messages")
QUICK = Asked(draws=100)


@pytest.fixture(scope="module")
def tables():
    """A witness and a listener at random: what is said of each object, and what is named upon each message."""
    generator = np.random.default_rng(2)
    said = generator.dirichlet(np.full(GAME.sizes.openings, 0.5), GAME.sizes.first)
    named = generator.dirichlet(np.full(GAME.sizes.replies, 0.3), GAME.num_sets)
    return said, named


@pytest.fixture(scope="module")
def found(tables):
    """Their audit, as players whose chances are in their parameters."""
    said, named = tables
    sizes, waiting = GAME.sizes, GAME.sizes.openings + GAME.sizes.replies
    chances = np.zeros((sizes.first + GAME.num_sets + 1, waiting + 1), np.float32)
    chances[: sizes.first, : sizes.openings] = said
    chances[sizes.first : -1, sizes.openings : waiting] = named
    chances[-1, -1] = 1.0
    seats = ((TABLE, jnp.asarray(chances)),) * 2
    return audit_play.audit("tables", Room(READING, seats, EPISODES, 5), QUICK)


def exactly(delivered, named):
    """The expected return where message m arrives in state x with chance `delivered[x, m]`."""
    payoff = np.asarray(GAME.rewards)[:, 0, 0]  # [object, named]: what is said does not pay
    return float(np.einsum("xm,mn,xn->", delivered, named, payoff)) / GAME.sizes.first


def arrives(openings):
    """Openings as messages: the rules fill in the truth."""
    told = np.zeros((GAME.sizes.first, GAME.num_sets))
    for x, opening in np.ndindex(openings.shape):
        told[x, GAME.shown[x, 0, opening]] += openings[x, opening]
    return told


def test_returns_are_those_of_exact_sums(found, tables):
    said, named = tables
    natural, wordings = arrives(said), GAME.wordings
    place = np.arange(GAME.num_sets)
    first = natural @ np.eye(GAME.num_sets)[place - place % wordings]
    after = natural @ np.eye(GAME.num_sets)[place - place % wordings + (place + 1) % wordings]
    meaning = READING.meaning()
    each = np.full((GAME.sizes.first, 1), 1 / GAME.sizes.first).T
    opened = natural.mean(0).reshape(-1, 2, wordings).sum(1).ravel()  # how often each attribute and wording
    wanted = {
        NATURAL: exactly(natural, named),
        CANONICAL: exactly(first, named),
        SYNONYMS: exactly(after, named),
        GROUNDED: exactly(reference(each, meaning)[0], named),
        SHUFFLED: exactly(arrives(np.broadcast_to(opened, said.shape)), named),
        UNIFORM: exactly(arrives(np.full(said.shape, 1 / said.shape[1])), named),
        LITERAL: exactly(natural, replies(GAME, meaning)[GAME.sizes.first : -1, GAME.sizes.openings : -1]),
    }
    assert set(found.returns) == set(wanted)
    for arm, value in wanted.items():
        error = found.returns[arm].std() / np.sqrt(EPISODES)
        assert abs(found.returns[arm].mean() - value) < 4.5 * error + 1e-6, arm


def test_what_is_told_is_the_exact_decomposition(found, tables):
    told = decompose(arrives(tables[0])[None] / GAME.sizes.first, READING.meaning())
    for part in ("information", "literal", "wording", "selection"):
        figure = getattr(found.told.parts, part)
        assert figure.low - 0.01 < getattr(told, part) < figure.high + 0.01, part
    assert found.told.parts.lies.plain == 0.0


def speak(key, params, carry, obs, legal, fresh, given=None):
    """Says what stands in the table for its object, with its chances."""
    del legal, fresh, given
    number = (obs.view[0].reshape(2, 2)[:, 1] @ jnp.array([1.0, 2.0])).astype(int)
    said = jax.random.categorical(key, jnp.log(params[0])[number])
    return carry, Action(jnp.int32(0), (said >> jnp.arange(2) & 1).astype(float)), ()


def listen(key, params, carry, obs, legal, fresh, given=None):
    """Picks the candidate that stands in the table for what it hears."""
    del key, legal, fresh, given
    heard = ((obs.message > 0.5) @ jnp.array([1, 2])).astype(int)
    objects = obs.view.reshape(4, 2, 2)[..., 1] @ jnp.array([1.0, 2.0])
    place = jnp.argmax(objects == params[1][heard]).astype(jnp.int32)
    return carry, Action(jnp.where(obs.received[0] > 0, place, 0), jnp.zeros(2)), ()


SPEAK, LISTEN = Policy(lambda: (), speak), Policy(lambda: (), listen)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_influence_is_that_of_the_metrics(seed):
    """Beside `causal_influence` of the same tables: exact but for how often messages happen to be said."""
    generator = np.random.default_rng(seed)
    says = generator.dirichlet(np.ones(4), 4).astype(np.float32)
    picks = generator.integers(0, 4, 4)
    reading = reading_of(games.make("referential", attributes=2, values=2, candidates=4, bits=2), "messages")
    params = (jnp.asarray(says), jnp.asarray(picks))
    room = Room(reading, ((SPEAK, params), (LISTEN, params)), EPISODES, 1)
    talk = talk_of(reading, hear(room))
    counts = talk.counts()
    done = influence(room, talk)
    often = shares(counts.sum(1))
    exact = causal_influence(often, np.eye(4)[picks][None], np.ones(1))
    np.testing.assert_allclose(done.of_message.mean(), exact, atol=1e-9)
    assert exact <= entropy(often[0]) + 1e-9
    alike = causal_influence(np.full((1, 4), 0.25), np.eye(4)[picks][None], np.ones(1))
    np.testing.assert_allclose(done.of_any.mean(), alike, atol=1e-9)
    assert abs(counts[0].sum(0) / EPISODES - says.mean(0)).max() < 4.5 * 0.5 / np.sqrt(EPISODES)


@pytest.mark.long
def test_who_says_nothing_is_told_apart():
    """A booth whose sender walks away: nobody could hear, so nothing is said."""
    reading = reading_of(games.make("phone-booth", length=4), "messages")

    def wait(key, params, carry, obs, legal, fresh, given=None):
        del key, params, obs, legal, fresh, given
        return carry, jnp.int32(4), ()

    seats = ((Policy(lambda: (), wait), ()),) * 2
    found = audit_play.audit("silent", Room(reading, seats, 100, 0), USUAL)
    assert found.talk is None
    assert found.told is None
    assert list(found.returns) == [NATURAL]
    assert SILENT not in found.changes
    met = audit_play.strangers([Room(reading, seats, 100, 0)] * 2, [found, found])
    assert met.returns.tolist() == [[0.0, 0.0]] * 2
    assert np.isnan(met.agreement).all()
