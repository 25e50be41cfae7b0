"""Beliefs under known policies: against every deck there is, and where the number of legal moves is all that tells."""

import functools
import itertools
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from random_play import REMEMBERING, random_networks, remembering

from tacit import loops
from tacit.errors import Misfit
from tacit.games.hanabi import HanabiGame, beliefs
from tacit.games.hanabi.beliefs_policy import Evidence, along, follow, no_evidence, posterior
from tacit.ops import categorical
from tacit.types import Policy

SMALL = HanabiGame(colors=2, hand=2, information=3, lives=3)
R5, Y5 = 4, 9
PLAY_0 = 2


def uniform(key, params, carry, obs, legal, fresh, given=None):
    return carry, *categorical.choose(key, categorical.log_probs(jnp.zeros(len(legal)), legal), jnp.zeros(()), given)


RANDOM = Policy(tuple, uniform)


@functools.cache
def fives_and_a_play(policy):
    """Player 1's beliefs in `SMALL` before and after player 0, who shows the two fives, opens with a play.

    First under the policy as soon as the action is known, then after the card that is drawn for it (R1) is seen.
    """
    rest = np.delete(np.repeat(np.arange(10), SMALL.full_deck), [8, 17])  # without the fives
    order = jnp.asarray([R5, Y5, 8, 8, 0, *np.delete(rest, [0, 14, 15])], jnp.int8)

    @jax.jit
    def play():
        state = SMALL.reset(jax.random.key(0), order)
        action = jnp.array([PLAY_0, SMALL.num_moves])
        before = no_evidence(SMALL, 1, (policy, policy))
        after = follow(SMALL, state, 1, before, action, (policy, policy), ((), ()))
        then = SMALL.step(jax.random.key(0), state, action)[0]
        at_once = posterior(SMALL, state, 1, after)
        return beliefs.grounded(SMALL, state, 1), at_once, posterior(SMALL, then, 1, after), then.hands[0, 1]

    grounded, at_once, later, drawn = play()
    assert int(drawn) == 0
    return grounded, at_once, later


def legal_moves(hand):
    """Moves of a partner with all tokens who holds two cards and sees this hand: plays, and hints that touch a card."""
    return 2 + len({card // 5 for card in hand}) + len({card % 5 for card in hand})


def by_kind(weights):
    """Shares of hands of equal cards, of one color, of one rank, and with nothing in common."""
    kinds = {(True, True): 0, (True, False): 0, (False, True): 0, (False, False): 0}
    for (one, other), weight in weights.items():
        kinds[one // 5 == other // 5, one % 5 == other % 5] += weight
    return [kind / sum(kinds.values()) for kind in kinds.values()]


def believed(log_weights):
    hands = map(tuple, beliefs.hypotheses(SMALL)[:100].tolist())
    return by_kind(dict(zip(hands, np.exp(np.asarray(log_weights, float)), strict=False)))


def enumerated(weight, drawn=None):
    """The same from physical cards: all pairs, and all third cards that may be drawn, of those that are not seen."""
    cards = [card for card in np.repeat(np.arange(10), SMALL.full_deck).tolist() if card not in {R5, Y5}]
    weights = {}
    for one, other, third in itertools.permutations(cards, 3):
        if drawn is None or third == drawn:
            weights[one, other] = weights.get((one, other), 0) + weight((one, other))
    return by_kind(weights)


def test_a_random_partner_tells_something():
    # Who sees a hand with less variety has fewer legal hints, so it plays more often: .0784 becomes .1027, .3922
    # .4110, .1373 .1438 and .3922 .3425. As fractions, of 306 ways, and of these in proportion to 1 / legal moves:
    grounded, at_once, later = fives_and_a_play(RANDOM)
    plain = [Fraction(ways, 306) for ways in (24, 120, 42, 120)]
    told = [Fraction(ways, 292) for ways in (30, 120, 42, 100)]
    np.testing.assert_allclose(believed(grounded), [float(share) for share in plain], atol=1e-6)
    np.testing.assert_allclose(believed(at_once), [float(share) for share in told], atol=1e-6)
    assert enumerated(lambda _: Fraction(1)) == plain
    assert enumerated(lambda hand: Fraction(1, legal_moves(hand))) == told
    after_draw = enumerated(lambda hand: Fraction(1, legal_moves(hand)), drawn=0)
    assert after_draw != told
    np.testing.assert_allclose(believed(later), [float(share) for share in after_draw], atol=1e-6)


def test_a_partner_who_does_not_look_tells_nothing():
    def blind(key, params, carry, obs, legal, fresh, given=None):
        carry, action, choice = uniform(key, params, carry, obs, legal, fresh, given)
        return carry, action, choice._replace(log_prob=jnp.float32(-3))

    grounded, at_once, _ = fives_and_a_play(Policy(tuple, blind))
    np.testing.assert_allclose(np.exp(at_once), np.exp(grounded), atol=1e-6)


def test_an_action_that_is_never_chosen_tells_nothing():
    def never_plays(key, params, carry, obs, legal, fresh, given=None):
        legal = legal.at[PLAY_0].set(False)
        return uniform(key, params, carry, obs, legal, fresh, given)

    grounded, at_once, _ = fives_and_a_play(Policy(tuple, never_plays))
    np.testing.assert_allclose(np.exp(at_once), np.exp(grounded), atol=1e-6)


def test_evidence_that_the_facts_refute_is_dropped():
    state = SMALL.reset(jax.random.key(0))
    plain = beliefs.grounded(SMALL, state, 1)
    refuted = Evidence(jnp.where(jnp.isfinite(plain), -jnp.inf, 0.0), ((),))
    np.testing.assert_allclose(posterior(SMALL, state, 1, refuted), plain, atol=1e-6)


def test_a_policy_without_log_probabilities_is_refused():
    def silent(key, params, carry, obs, legal, fresh, given=None):
        return carry, given, ()

    with pytest.raises(Misfit, match="needs the log-probabilities of their actions, and one of them has none"):
        fives_and_a_play(Policy(tuple, silent))


def every_deck(game):
    """All orders of the deck that differ, as levels."""
    orders = set(itertools.permutations(np.repeat(range(game.num_cards), game.full_deck).tolist()))
    return np.array(sorted(orders), np.int8)


@pytest.mark.parametrize(
    ("game", "player"),
    [
        (HanabiGame(colors=2, ranks=2, hand=2, information=3, lives=9), 0),
        (HanabiGame(players=3, colors=2, ranks=2, hand=2, information=3, lives=9), 1),
    ],
    ids=["two", "three"],
)
def test_the_filter_agrees_with_every_deck(game, player):
    decks = every_deck(game)
    assert len(decks) == 1120  # 8! / (3! 3!)
    policies = (REMEMBERING,) * game.players
    keys = jax.random.split(jax.random.key(1), 2)
    params = random_networks(keys[0], game)

    @jax.jit
    def played(levels):
        live = loops.start(keys[1], game, policies, len(levels), levels)
        act = functools.partial(loops.joint(policies), params=params)
        steps = loops.rollout(keys[1], game, act, live, 14, reset=False)[1]
        short = steps.state.hands[:, :, player, -1] < 0  # the last card is drawn, and the player has played since
        length = jnp.sum(~steps.terminated, axis=0)
        best = jnp.where((short & ~steps.state.terminated).any(axis=0), length, 0).argmax()
        return jax.tree.map(lambda leaf: leaf[:, best], steps)

    @jax.jit
    @functools.partial(jax.vmap, in_axes=(0, None))
    def replayed(level, steps):
        """What the player sees and holds on another deck if all do the same, and how likely the others do it."""

        def one(carry, step):
            state, memory, log_prob = carry
            obs, legal = game.observe(state), game.legal(state)
            now = obs[player], state.hands[player], log_prob
            each = [
                remembering(keys[0], params[i], memory[i], obs[i], legal[i], step.fresh, step.action[i])
                for i in range(game.players)
            ]
            log_prob += sum(choice.log_prob for i, (_, _, choice) in enumerate(each) if i != player)
            return (game.step(keys[0], state, step.action)[0], tuple(m for m, _, _ in each), log_prob), now

        first = game.reset(keys[0], level), (REMEMBERING.init_carry(),) * game.players, jnp.zeros(())
        return jax.lax.scan(one, first, steps)[1]

    @jax.jit
    def believed_along(steps):
        plain = jax.vmap(lambda state: beliefs.grounded(game, state, player))(steps.state)
        return along(game, player, policies, params, steps), plain

    steps = played(jnp.asarray(decks[::3]))
    obs, hands, log_probs = map(np.asarray, replayed(jnp.asarray(decks), steps))
    twice = jax.tree.map(lambda leaf: jnp.concatenate([leaf, leaf]), steps)
    both, grounded = map(np.exp, believed_along(twice))
    found, again = both.reshape(2, 14, -1)
    np.testing.assert_array_equal(found, again)  # nothing is kept from one game to the next
    row = {tuple(hand): i for i, hand in enumerate(beliefs.hypotheses(game).tolist())}
    times = np.flatnonzero(~np.asarray(steps.state.terminated))
    assert len(times) > 6
    for time in times:
        seen = (obs[:, : time + 1] == np.asarray(steps.obs)[None, : time + 1, player]).all(axis=(1, 2))
        weights = np.where(seen, np.exp(log_probs[:, time].astype(float)), 0)
        expected = np.bincount([row[tuple(hand)] for hand in hands[:, time].tolist()], weights, len(row))
        np.testing.assert_allclose(found[time], expected / expected.sum(), atol=2e-5)  # 32-bit networks
    assert np.abs(found - grounded[:14])[times].max() > 0.05  # what the policies told matters
    assert (np.asarray(steps.state.hands)[times, player, -1] < 0).any()  # to the last round
