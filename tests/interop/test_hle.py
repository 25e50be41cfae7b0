"""The adapter to the reference engine of Hanabi: what it refuses everywhere, what it plays where it is installed."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit.errors import InputError
from tacit.evaluation.cross_play import greedy
from tacit.games.hanabi import HanabiGame
from tacit.games.hanabi.observation import sections
from tacit.interop import hle
from tacit.loops import joint, rollout, start
from tacit.ops import categorical
from tacit.types import Policy

needed = pytest.mark.skipif(not hle.available(), reason="hanabi-learning-environment is not installed")
SMALL = HanabiGame(colors=2, hand=2, information=3, lives=1)


@pytest.mark.skipif(hle.available(), reason="hanabi-learning-environment is installed here")
def test_what_is_missing_is_said():
    with pytest.raises(InputError, match="pip install hanabi-learning-environment"):
        hle.Engine(SMALL)


def test_beliefs_of_the_first_position():
    """Nothing is known and nothing gone: each card as likely as it is frequent, in every slot."""
    game = HanabiGame()
    seen = np.zeros((2, 658), np.uint8)
    knowledge = np.zeros((2, 10, 35), np.uint8)
    knowledge[:, :8, :25] = 1  # two slots are empty
    seen[:, sections(game).knowledge] = knowledge.reshape(2, -1)
    found = hle.v0_belief(game, seen)[:, sections(game).knowledge].reshape(2, 10, 35)
    np.testing.assert_allclose(found[:, :8, :25], np.broadcast_to(np.tile([3, 2, 2, 2, 1], 5) / 50, (2, 8, 25)), 1e-6)
    assert not found[:, 8:].any()
    assert not found[:, :, 25:].any()


def test_beliefs_leave_out_what_is_gone_and_what_hints_exclude():
    """One color: the 1s are gone (one played, two discarded) and a 2 too; a slot is no 5."""
    game = HanabiGame(colors=1, hand=2, information=3, lives=1)
    parts, seen = sections(game), np.zeros(106, np.uint8)
    seen[parts.fireworks] = [1, 0, 0, 0, 0]
    seen[parts.discards] = [1, 1, 0, 1, 0, 0, 0, 0, 0, 0]
    knowledge = np.zeros((4, 11), np.uint8)
    knowledge[0, :5] = [1, 1, 1, 1, 0]
    knowledge[1, :5], knowledge[1, 6 + 2] = [0, 0, 1, 0, 0], 1
    seen[parts.knowledge] = knowledge.ravel()
    found = hle.v0_belief(game, seen)[parts.knowledge].reshape(4, 11)
    np.testing.assert_allclose(found[0, :5], [0, 0.2, 0.4, 0.4, 0], 1e-6)
    np.testing.assert_array_equal(found[1], [0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0])


@functools.cache
def shuffled(count=24):
    return np.asarray(jax.vmap(SMALL.shuffled)(jax.random.split(jax.random.key(3), count)))


@needed
def test_decks_and_moves_are_checked_before_the_engine_sees_them():
    engine = hle.Engine(SMALL)
    for deck in (shuffled()[0][:-1], np.zeros(20, int), np.append(shuffled()[0][:-1], 99)):
        with pytest.raises(InputError, match="a deck of this variant has 20 cards"):
            engine.start(deck)
    table = engine.start(shuffled()[0])
    with pytest.raises(InputError, match="move 0 cannot be made: legal are 2, 3"):
        table.play(0)  # all information tokens are there, so nothing can be discarded
    for move in (-1, 11):
        with pytest.raises(InputError, match="cannot be made"):
            table.play(move)
    while not table.ended:
        table.play(int(np.flatnonzero(table.legal())[-1]))
    with pytest.raises(InputError, match="the game is over"):
        table.play(2)


@needed
def test_scoring_needs_a_policy_for_every_seat_and_decks():
    with pytest.raises(InputError, match="2 seats need 2 policies with their parameters, not 1"):
        hle.score_on_hle([WEIGHTED], [()], SMALL, shuffled())
    with pytest.raises(InputError, match="nothing to score without decks"):
        hle.score_on_hle([WEIGHTED] * 2, [()] * 2, SMALL, [])


@needed
def test_a_game_goes_by_its_deck():
    deck = shuffled()[0]
    table = hle.Engine(SMALL).start(deck)
    np.testing.assert_array_equal(table.position().hands, deck[:4].reshape(2, 2))
    table.play(2)
    np.testing.assert_array_equal(table.position().hands[0], deck[[1, 4]])


def weighted(key, params, carry, obs, legal, fresh, given=None):
    """Chooses by a linear rule on what it sees, and counts its moves."""
    count = jnp.where(fresh, 0, carry) + 1
    values = obs.astype(jnp.float32) @ params + jnp.sin(count.astype(jnp.float32) * jnp.arange(params.shape[1]))
    return count, *categorical.choose(key, categorical.log_probs(values, legal), jnp.zeros(()), given)


WEIGHTED = Policy(lambda: jnp.int32(0), weighted)


@needed
@pytest.mark.parametrize("view", ["canonical", "v0-belief"])
def test_policies_score_on_the_reference_engine_as_on_ours(view):
    """Two different policies with memories: move for move the same games."""
    game = HanabiGame(colors=2, hand=2, information=3, lives=3, view=view)
    shape = (2, *game.spec.observation.shape, game.spec.action.n)
    params = tuple(jnp.asarray(np.random.default_rng(0).normal(size=shape), jnp.float32))
    policies = (WEIGHTED, WEIGHTED)

    @jax.jit
    def ours(decks):
        chosen = tuple(map(greedy, policies))
        live, everyone = start(jax.random.key(0), game, chosen, len(decks), decks), joint(chosen)
        _, played = rollout(
            jax.random.key(1),
            game,
            lambda keys, **seen: everyone(keys, params, **seen),
            live,
            game.spec.max_length,
            reset=False,
        )
        last = jax.tree.map(lambda leaf: leaf[-1], played.state)
        return played.reward[..., 0].sum(0), jax.vmap(game.end_code)(last), (~played.state.terminated).sum(0)

    scores = hle.score_on_hle(policies, params, game, shuffled())
    score, end, moves = ours(jnp.asarray(shuffled()))
    np.testing.assert_array_equal(scores.score, score)
    np.testing.assert_array_equal(scores.end, end)
    np.testing.assert_array_equal(scores.moves, moves)
    bombed = scores.end == 1
    np.testing.assert_array_equal(np.where(bombed, 0, scores.stacks), scores.score)
    assert len(set(scores.moves.tolist())) > 3
