"""Grounded beliefs: by enumeration, slot by slot and by listing physical cards they are the same; re-dealing."""

import collections
import functools
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chi2

from tacit import loops
from tacit.errors import InputError, Misfit
from tacit.games.hanabi import HanabiGame, beliefs
from tacit.games.hanabi import beliefs_by_slot as by_slot
from tacit.games.hanabi.beliefs import Facts
from tacit.games.hanabi.beliefs_redeal import redealt
from tacit.ops import categorical
from tacit.types import Policy

SMALL = HanabiGame(colors=2, hand=2, information=3, lives=100)  # random players reach the last card
FULL = HanabiGame()
A, B = 0, 1
GAMES = [
    pytest.param(SMALL, id="small"),
    pytest.param(HanabiGame(colors=3, ranks=3, hand=3), id="3x3"),
    pytest.param(HanabiGame(players=3, colors=2, ranks=2, hand=2, information=4), id="three players"),
]


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


@pytest.mark.parametrize("game", GAMES)
def test_slots_that_share_a_card_are_nested(game):
    # what `by_slot` stands on: of two slots, the older one has no possible card in common with the newer, or only such
    facts = jax.jit(jax.vmap(lambda state: beliefs.facts(game, state, 1)))(random_states(game))
    fits, held = np.asarray(facts.fits), np.asarray(facts.held)
    narrowed = 0
    for older, newer in itertools.combinations(range(game.hand_size), 2):
        shared = (fits[:, older] & fits[:, newer]).any(axis=1)
        inside = ~(fits[:, older] & ~fits[:, newer]).any(axis=1)
        assert (inside | ~shared | ~held[:, newer]).all()
        narrowed += (shared & (fits[:, older] != fits[:, newer]).any(axis=1)).sum()
    assert narrowed > 0


def test_known_numbers_of_ways():
    @jax.jit
    def ways(facts):
        return jnp.prod(by_slot.copies_left(facts))

    unseen = np.tile([3, 2, 2, 2, 1], 5)
    ranks = np.arange(25) % 5 == np.arange(5)[:, None]
    assert int(ways(known(unseen, ranks))) == 15 * 10 * 10 * 10 * 5
    unseen[[4, 9, 14, 19, 24]] = 0  # the partner holds all fives
    assert int(ways(known(unseen, np.ones((5, 25))))) == math.perm(45, 5) == 146_611_080
    ones = np.tile(np.arange(25) % 5 == 0, (5, 1))
    assert int(ways(known(unseen, ones))) == math.perm(15, 5)
    assert int(ways(known(unseen, ones & (np.arange(25) < 5)))) == 0  # five red ones: there are three


@pytest.mark.parametrize("game", GAMES)
def test_by_slot_is_by_enumeration(game):
    @jax.jit
    @jax.vmap
    def both(state):
        log_weights = beliefs.grounded(game, state, 1)
        enumerated = beliefs.marginals(game, log_weights), beliefs.entropy(log_weights)
        in_slots = by_slot.marginals(game, state, 1), by_slot.entropy(game, state, 1)
        hands = jnp.asarray(beliefs.hypotheses(game))
        log_probs = jax.vmap(functools.partial(by_slot.log_prob, game, state, 1))(hands)
        return enumerated, in_slots, log_weights, log_probs

    states = random_states(game)
    assert (np.asarray(states.hands[:, 1, -1]) < 0).any()  # the last round is among them
    enumerated, in_slots, log_weights, log_probs = both(states)
    for one, other in zip(enumerated, in_slots, strict=True):
        np.testing.assert_allclose(one, other, atol=3e-6)
    np.testing.assert_allclose(log_weights, log_probs, atol=3e-6)
    for i in range(6):  # and the weights are those of a listing
        ways = listed(*in_numpy(game, states, i))
        expected = [ways[tuple(row)] / sum(ways.values()) for row in beliefs.hypotheses(game).tolist()]
        np.testing.assert_allclose(np.exp(log_weights[i]), expected, atol=1e-6)


def test_the_belief_does_not_know_the_hand():
    @jax.jit
    @jax.vmap
    def before_and_after(key, state):
        hand = by_slot.sample(key, SMALL, state, 0, 1)[0]
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


def check_deviation(found, spread=1.0):
    """Counts agree with probabilities: chi-square within what it exceeds by chance once in 10,000 seeds."""
    statistic = freedom = 0
    for counts, probabilities in found:
        possible = np.asarray(probabilities) > 0
        assert counts[~possible].sum() == 0
        expected = counts.sum() * np.asarray(probabilities, float)[possible]
        assert expected.min() > 5
        statistic += ((counts[possible] - expected) ** 2 / expected).sum() / spread
        freedom += len(expected) - 1
    assert chi2.ppf(1e-4, freedom) < statistic < chi2.ppf(1 - 1e-4, freedom)


def counted(hands):
    """How often each hypothesis of `SMALL` was drawn."""
    row = {tuple(hand): i for i, hand in enumerate(beliefs.hypotheses(SMALL).tolist())}
    return np.bincount([row[tuple(hand)] for hand in np.asarray(hands).tolist()], minlength=len(row))


def test_samples_agree_with_enumeration():
    states = jax.tree.map(lambda leaf: leaf[:8], random_states(SMALL))
    weights = np.exp(jax.jit(jax.vmap(lambda state: beliefs.grounded(SMALL, state, 0)))(states))
    draw = jax.jit(jax.vmap(lambda key, state: by_slot.sample(key, SMALL, state, 0, 4000)))
    hands = draw(jax.random.split(jax.random.key(3), 8), states)
    check_deviation(zip(map(counted, hands), weights, strict=True))


def test_samples_agree_with_marginals_in_the_whole_game():
    states = random_states(FULL)
    draw = jax.jit(jax.vmap(lambda key, state: by_slot.sample(key, FULL, state, 1, 500)))
    hands = np.asarray(draw(jax.random.split(jax.random.key(4), 24), states))
    shares = np.asarray(jax.jit(jax.vmap(lambda state: by_slot.marginals(FULL, state, 1)))(states))
    possible = jax.jit(jax.vmap(jax.vmap(functools.partial(beliefs.consistent, FULL), (None, None, 0)), (0, None, 0)))
    assert possible(states, 1, hands).all()
    drawn = (hands[..., None] == np.arange(25)).sum(axis=1)
    variance = np.where((shares > 0) & (shares < 1), 500 * shares * (1 - shares), 1.0)
    errors = np.abs(drawn - 500 * shares) / variance**0.5
    assert errors.max() < 7  # of some 2,000 numbers with long tails, where a card is rare


def test_what_a_narrower_slot_needs_is_not_taken():
    # One A and one B; slot 0 holds either, slot 1 holds A: the hand is B, A. Oldest first, A would be taken half of the
    # time, and nothing left for slot 1.
    facts = known([1, 1], [[True, True], [True, False]])
    hands, log_weights = propose(facts)
    np.testing.assert_array_equal(hands, [[B, A]] * len(hands))
    np.testing.assert_array_equal(log_weights, 0)
    assert float(by_slot.effective_sample_size(log_weights)) == len(hands)


@jax.jit
def propose(facts):
    keys = jax.random.split(jax.random.key(5), 4000)
    return jax.vmap(functools.partial(by_slot.propose, known=facts))(keys)


def test_where_slots_share_some_cards_weights_are_needed():
    # Facts that no play leads to: 2 A, 1 B, 1 C; slot 0 holds A or B, slot 1 B or C. If B is taken first, slot 1 has
    # only C. Without weights B, C would be drawn 1/3 of the time; it is 1 of 5 ways.
    facts = known([2, 1, 1], [[True, True, False], [False, True, True]])
    hands, log_weights = propose(facts)
    ways = listed([2, 1, 1], np.asarray(facts.fits), [True, True])
    kinds = sorted(ways)
    drawn = hands[by_slot.resample(jax.random.key(6), log_weights, 1000)].tolist()
    counts = np.array([drawn.count(list(kind)) for kind in kinds])
    # resampling adds its own noise to that of 4,000 proposals, a quarter of its variance
    check_deviation([(counts, np.array([ways[kind] for kind in kinds]) / 5)], spread=1.25)
    expected = 4000 * 5**2 / (6**2 * 2 / 3 + 3**2 * 1 / 3)  # weights are 3 2 after A and 3 1 after B, on average 5
    assert float(by_slot.effective_sample_size(log_weights)) == pytest.approx(expected, rel=0.02)


def test_dead_ends_have_no_weight():
    # One A and one B; slot 0 holds A or B, slot 1 A or C: after A there is nothing for slot 1
    hands, log_weights = propose(known([1, 1, 0], [[True, True, False], [True, False, True]]))
    dead = np.isneginf(log_weights)
    assert 1800 < dead.sum() < 2200  # of 4,000, six standard deviations
    np.testing.assert_array_equal(np.asarray(hands)[dead], [[A, -1]] * dead.sum())
    np.testing.assert_array_equal(np.asarray(hands)[~dead], [[B, A]] * (~dead).sum())
    assert float(by_slot.effective_sample_size(log_weights)) == pytest.approx((~dead).sum(), rel=1e-5)
    assert float(by_slot.effective_sample_size(jnp.full(4, -jnp.inf))) == 0


def test_too_many_hands_are_refused():
    with pytest.raises(Misfit, match=r"at most 20000 hands, .* are 10156250, too many to list"):
        beliefs.hypotheses(FULL)


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


def test_refusals_name_where_the_cards_lie_and_the_ranks():
    state = dealt(R5, Y5, R1, Y1)
    gone = jnp.array([1, 2, 0, 0, 0, 0, 0, 0, 0, 0], jnp.int8)  # a red 1 on its stack, both red 2s discarded
    late = state._replace(deck=state.deck - gone, fireworks=jnp.array([1, 0], jnp.int8))
    late = late._replace(discards=gone.at[R1].set(0), rank_mask=state.rank_mask.at[1, 1].set(0b11))
    with pytest.raises(InputError, match=r"^player 1 cannot hold 1 of R2: 0 of 2 unseen \(2 discarded\)$"):
        redealt(SMALL, late, 1, [R2, Y1])
    with pytest.raises(InputError, match=r"^player 0 cannot hold 2 of R1: 1 of 3 unseen \(1 on the stacks, 1 in other"):
        redealt(SMALL, late, 0, [R1, R1])
    with pytest.raises(InputError, match=r"^slot 1 of player 1 cannot hold Y5: by the hints, its rank is 1 or 2$"):
        redealt(SMALL, late, 1, [R1, Y5])
    short = late._replace(hands=late.hands.at[1, 1].set(-1))
    with pytest.raises(InputError, match=r"^slot 1 of player 1 is empty and cannot hold Y1$"):
        redealt(SMALL, short, 1, [R1, Y1])


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
