"""Grounded beliefs: the same by enumeration, in closed form and by listing physical cards; samples; re-dealing."""

import collections
import functools
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from tacit import loops
from tacit.errors import InputError, Misfit
from tacit.games.hanabi import HanabiGame, beliefs
from tacit.games.hanabi import beliefs_counting as counting
from tacit.games.hanabi import beliefs_particles as particles
from tacit.games.hanabi.beliefs import Facts
from tacit.games.hanabi.beliefs_redeal import redealt
from tacit.ops import categorical
from tacit.types import Policy

SMALL = HanabiGame(colors=2, hand=2, information=3, lives=100)  # random players reach the last card
FULL = HanabiGame()
A, B = 0, 1


def uniform(key, params, carry, obs, legal, fresh, given=None):
    return carry, *categorical.choose(key, categorical.log_probs(jnp.zeros(len(legal)), legal), jnp.zeros(()), given)


RANDOM = Policy(tuple, uniform)


@functools.cache
def random_states(game):
    """24 states of games played at random, `[24, ...]`; in the last four, player 1's hand lacks a card if any does."""
    everyone = functools.partial(loops.joint((RANDOM,) * game.players), params=((),) * game.players)

    @jax.jit
    def play(key):
        live = loops.start(key, game, (RANDOM,) * game.players, 16)
        return loops.rollout(key, game, everyone, live, 60)[1].state

    states = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), play(jax.random.key(0)))
    late = np.flatnonzero(np.asarray(states.hands[:, 1, -1]) < 0)[:4]
    chosen = np.random.default_rng(0).choice(len(states.dealt), 24 - len(late))
    return jax.tree.map(lambda leaf: leaf[np.concatenate([chosen, late])], states)


def listed(unseen, fits, held):
    """How many choices of physical cards make each hand, by listing all choices."""
    cards = np.repeat(np.arange(len(unseen)), unseen)
    slots = np.flatnonzero(held)
    ways = collections.Counter()
    for choice in itertools.permutations(cards, len(slots)):
        if all(fits[slot][card] for slot, card in zip(slots, choice, strict=True)):
            hand = [-1] * len(held)
            for slot, card in zip(slots, choice, strict=True):
                hand[slot] = int(card)
            ways[tuple(hand)] += 1
    return ways


def known(unseen, fits, held=None):
    held = np.ones(len(fits), bool) if held is None else held
    return Facts(jnp.asarray(unseen, jnp.int32), jnp.asarray(fits, bool), jnp.asarray(held, bool))


def in_numpy(game, states, i):
    """What player 1 knows of its hand in state i, found anew: copies unseen, cards that fit, slots with a card."""
    state, cards = jax.tree.map(lambda leaf: np.asarray(leaf[i]), states), np.arange(game.num_cards)
    others = np.delete(state.hands, 1, axis=0)
    seen = np.bincount(others[others >= 0], minlength=game.num_cards) + state.discards
    seen += np.repeat(state.fireworks, game.ranks) > cards % game.ranks
    masks = zip(state.color_mask[1].astype(int), state.rank_mask[1].astype(int), strict=True)
    fits = [(colors >> cards // game.ranks) & (ranks >> cards % game.ranks) & 1 for colors, ranks in masks]
    return game.full_deck - seen, fits, state.hands[1] >= 0


@jax.jit
def hands_of_all_ways(facts):
    """The hands of the numbers 0 to 299, and how many of them are ways."""
    return jax.vmap(functools.partial(counting.way, facts))(jnp.arange(300, dtype=jnp.int32)), counting.num_ways(facts)


@given(
    unseen=st.lists(st.integers(0, 3), min_size=4, max_size=4).filter(lambda counts: sum(counts) <= 7),
    fits=st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=3, max_size=3),
    newest=st.booleans(),
)
def test_every_way_has_a_number(unseen, fits, newest):
    held = [True, True, newest]
    fits = np.array(fits) & np.array(held)[:, None]
    expected = listed(unseen, fits, held)
    hands, total = hands_of_all_ways(known(unseen, fits, held))
    assert int(total) == sum(expected.values())
    assert collections.Counter(map(tuple, np.asarray(hands)[: int(total)].tolist())) == expected


def test_known_numbers_of_ways():
    unseen = np.tile([3, 2, 2, 2, 1], 5)
    unseen[[4, 9, 14, 19, 24]] = 0  # the partner holds all fives
    free = np.ones((5, 25), bool)
    ranks = np.arange(25) % 5 == np.arange(5)[:, None]
    ways = jax.jit(counting.num_ways)
    assert int(ways(known(unseen, free))) == math.perm(45, 5) == 146_611_080
    assert int(ways(known(np.tile([3, 2, 2, 2, 1], 5), ranks))) == 15 * 10 * 10 * 10 * 5
    ones = np.tile(np.arange(25) % 5 == 0, (5, 1))
    assert int(ways(known(unseen, ones))) == math.perm(15, 5)
    assert int(ways(known(unseen, ones & (np.arange(25) < 5)))) == 0  # five red ones: there are three


@pytest.mark.parametrize(
    "game",
    [SMALL, HanabiGame(colors=3, ranks=3, hand=3), HanabiGame(players=3, colors=2, ranks=2, hand=2, information=4)],
    ids=["small", "3x3", "three players"],
)
def test_closed_form_is_enumeration(game):
    @jax.jit
    @jax.vmap
    def both(state):
        log_weights = beliefs.grounded(game, state, 1)
        enumerated = beliefs.marginals(game, log_weights), beliefs.entropy(log_weights)
        counted = counting.slot_marginals(game, state, 1), counting.hand_entropy(game, state, 1)
        return enumerated, counted, counting.num_ways(beliefs.facts(game, state, 1)), log_weights

    states = random_states(game)
    assert (np.asarray(states.hands[:, 1, -1]) < 0).any()  # the last round is among them
    enumerated, counted, total, log_weights = both(states)
    for one, other in zip(enumerated, counted, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-6)
    for i in range(6):  # and the weights are those of a listing
        ways = listed(*in_numpy(game, states, i))
        expected = [ways[tuple(row)] / sum(ways.values()) for row in beliefs.hypotheses(game).tolist()]
        np.testing.assert_allclose(np.exp(log_weights[i]), expected, atol=1e-6)
        assert int(total[i]) == sum(ways.values())


def test_the_belief_does_not_know_the_hand():
    @jax.jit
    @jax.vmap
    def before_and_after(key, state):
        hand = counting.sample(key, SMALL, state, 0, 1)[0]
        other = SMALL.with_hidden(state, 0, hand)
        now = SMALL.observe(other)[0] == SMALL.observe(state)[0]
        possible = beliefs.consistent(SMALL, state, 0, hand)
        return beliefs.grounded(SMALL, state, 0), beliefs.grounded(SMALL, other, 0), now.all(), possible, hand

    states = random_states(SMALL)
    before, after, same, possible, hands = before_and_after(jax.random.split(jax.random.key(1), 24), states)
    np.testing.assert_array_equal(before, after)
    assert same.all()
    assert possible.all()
    assert (np.asarray(hands) != np.asarray(states.hands[:, 0])).any(axis=1).mean() > 0.5


def test_colors_are_only_names():
    game = HanabiGame(colors=3, ranks=2, hand=2, information=4)
    renamed = jnp.array([1, 2, 0], jnp.int8)
    hands = beliefs.hypotheses(game)
    row = {tuple(hand): i for i, hand in enumerate(hands.tolist())}
    other = np.where(hands < 0, -1, np.asarray(renamed)[hands // 2] * 2 + hands % 2)
    order = np.array([row[tuple(hand)] for hand in other.tolist()])
    everyone = functools.partial(loops.joint((RANDOM, RANDOM)), params=((), ()))

    @jax.jit
    def play(key):
        level = game.shuffled(key)
        live = loops.start(key, game, (RANDOM, RANDOM), 1, level[None])
        steps = jax.tree.map(lambda leaf: leaf[:, 0], loops.rollout(key, game, everyone, live, 20, reset=False)[1])

        def again(state, action):
            action = jax.vmap(game.relabel_action, (None, 0))(renamed, action)
            return game.step(key, state, action)[0], beliefs.grounded(game, state, 0)

        start = game.reset(key, renamed[level // 2] * jnp.int8(2) + level % jnp.int8(2))
        believed = jax.vmap(lambda state: beliefs.grounded(game, state, 0))(steps.state)
        return believed, jax.lax.scan(again, start, steps.action)[1]

    believed, under_other_names = play(jax.random.key(2))
    assert len(np.unique(np.asarray(believed), axis=0)) > 5
    np.testing.assert_allclose(np.asarray(under_other_names)[:, order], believed, rtol=1e-6, atol=1e-6)


def deviation(counts, probabilities):
    """The chi-square statistic of counts, and its degrees of freedom; what cannot be must not have been drawn."""
    probabilities = np.asarray(probabilities, float)
    assert counts[probabilities == 0].sum() == 0
    counts, expected = counts[probabilities > 0], counts.sum() * probabilities[probabilities > 0]
    assert expected.min() > 5
    return ((counts - expected) ** 2 / expected).sum(), len(counts) - 1


def counted(hands):
    """How often each hypothesis of `SMALL` was drawn."""
    row = {tuple(hand): i for i, hand in enumerate(beliefs.hypotheses(SMALL).tolist())}
    return np.bincount([row[tuple(hand)] for hand in np.asarray(hands).tolist()], minlength=len(row))


def exact(key, state):
    return counting.sample(key, SMALL, state, 0, 2000)


def resampled(key, state):
    """Independent draws: one from the particles of each of many proposals."""
    one = functools.partial(particles.sample_by_resampling, game=SMALL, state=state, player=0, num=1, particles=32)
    return jax.vmap(one)(jax.random.split(key, 2000))[0][:, 0]


@pytest.mark.parametrize("sampler", [exact, resampled])
def test_samples_agree_with_enumeration(sampler):
    # The statistic exceeds the quantile by chance once in 10,000 seeds. With 32 particles the bias of a probability is
    # about its 32nd part times the squared variation of the weights (here below 1): beneath the noise of 2,000 draws.
    states = jax.tree.map(lambda leaf: leaf[:4], random_states(SMALL))
    weights = np.exp(jax.jit(jax.vmap(lambda state: beliefs.grounded(SMALL, state, 0)))(states))
    hands = jax.jit(jax.vmap(sampler))(jax.random.split(jax.random.key(3), 4), states)
    found = [deviation(counted(hand), weight) for hand, weight in zip(hands, weights, strict=True)]
    statistic, freedom = np.sum(found, axis=0)
    assert freedom > 50
    assert chi2.ppf(1e-4, freedom) < statistic < chi2.ppf(1 - 1e-4, freedom)


def test_a_card_that_a_later_slot_needs_is_not_taken():
    # One A and one B; slot 0 holds either, slot 1 holds A: the hand is B, A. The proposal without weights takes A first
    # half of the time, and finds nothing for slot 1.
    facts = known([1, 1], [[True, True], [True, False]])
    assert int(counting.num_ways(facts)) == 1
    assert counting.way(facts, jnp.int32(0)).tolist() == [B, A]
    hands, log_weights = jax.vmap(functools.partial(particles.propose, known=facts))(
        jax.random.split(jax.random.key(4), 64)
    )
    dead = np.isneginf(log_weights)
    np.testing.assert_array_equal(np.asarray(hands)[dead], [[A, -1]] * dead.sum())
    assert 16 < dead.sum() < 48  # 64 fair coins: 4 standard deviations
    drawn = hands[particles.resample(jax.random.key(5), log_weights, 200)]
    np.testing.assert_array_equal(drawn, [[B, A]] * 200)
    assert float(particles.effective_sample_size(log_weights)) == pytest.approx(64 - dead.sum(), rel=1e-5)
    assert float(particles.effective_sample_size(jnp.full(4, -jnp.inf))) == 0


def test_hands_of_the_whole_game_are_possible():
    @jax.jit
    def draw(states):
        hands = jax.vmap(lambda state: counting.sample(jax.random.key(6), FULL, state, 1, 50))(states)
        every = jax.vmap(jax.vmap(functools.partial(beliefs.consistent, FULL), (None, None, 0)), (0, None, 0))
        return hands, every(states, 1, hands)

    states = random_states(FULL)
    hands, possible = draw(states)
    assert possible.all()
    assert len(np.unique(np.asarray(hands[0]), axis=0)) > 25


def test_too_many_hands_are_refused():
    with pytest.raises(Misfit, match=r"at most 20000 hands, and hands of 5 out of 25 cards are 10156250; sample them"):
        beliefs.hypotheses(FULL)
    with pytest.raises(Misfit, match=r"8 slots out of 40 cards have 3100796899200; take smaller hands"):
        counting.check(HanabiGame(colors=4, hand=8))


def dealt(*first):
    """`SMALL` with these cards dealt first, and a hint."""
    rest = np.repeat(np.arange(10), SMALL.full_deck).tolist()
    for card in first:
        rest.remove(card)
    return start_and_hint(jnp.array([*first, *rest], jnp.int8))


@jax.jit
def start_and_hint(order):
    """The game on this deck, after player 0 told player 1 which of its cards are red."""
    state = SMALL.reset(jax.random.key(0), order)
    return SMALL.step(jax.random.key(0), state, jnp.array([4, SMALL.num_moves]))[0]


R1, R2, R5, Y1, Y5 = 0, 1, 4, 5, 9


def test_a_hand_is_dealt_anew():
    state = dealt(R5, Y5, R1, Y1)
    other = redealt(SMALL, state, 1, [R2, Y1])
    assert other.hands[1].tolist() == [R2, Y1]
    assert (np.asarray(other.deck) - np.asarray(state.deck))[[R1, R2]].tolist() == [1, -1]
    assert (np.asarray(other.order)[4:] == -1).all()


@pytest.mark.parametrize(
    ("player", "hand", "reason"),
    [
        (1, [R2, R1], "slot 1 of player 1 cannot hold R1: by the hints, its color is Y"),
        (1, [Y1, R1], "slot 0 of player 1 cannot hold Y1: by the hints, its color is R"),
        (1, [R5, Y1], "player 1 cannot hold 1 of R5: 0 of 1 unseen (1 in other hands)"),
        (0, [R5, R5], "player 0 cannot hold 2 of R5: 1 of 1 unseen"),
        (1, [R2, -1], "slot 1 of player 1 holds a card and cannot be empty"),
        (1, [R2, 10], "no card 10: cards are 0 to 9, -1 for an empty slot"),
        (1, [R2], "a hand has 2 slots (-1 for an empty one), got 1 cards"),
        (2, [R2, Y1], "no player 2: players are 0 to 1"),
    ],
)
def test_a_hand_that_cannot_be_is_refused_with_the_reason(player, hand, reason):
    state = dealt(R5, Y5, R1, Y1)
    with pytest.raises(InputError) as refused:
        redealt(SMALL, state, player, hand)
    assert str(refused.value) == reason
