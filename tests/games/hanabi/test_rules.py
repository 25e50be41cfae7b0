"""Hanabi's rules where no recording is needed: sizes, draws, levels, ends, moves that are refused."""

import functools
import itertools
from contextlib import nullcontext

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_play import LENGTH, VARIANTS, played, positions

from tacit.errors import InputError, SettingError
from tacit.games import make
from tacit.games.hanabi import HanabiGame, hanabi, hanabi_small, hanabi_very_small
from tacit.games.hanabi.moves import name
from tacit.games.hanabi.variant import COMPLETE, NOTHING, OUT_OF_CARDS, OUT_OF_LIVES, RUNNING

NAMES = st.sampled_from(sorted(VARIANTS))
SEEDS = st.integers(0, 2**31)

pytestmark = pytest.mark.usefixtures("strict")

reset = jax.jit(lambda game, key, level: game.reset(key, level))
step = jax.jit(lambda game, key, state, action: game.step(key, state, action))
legal = jax.jit(lambda game, state: game.legal(state))


def moved(game, state, *actions):
    """The state after these moves, made in turn by who is on turn, and the reward of each to player 0."""
    rewards = []
    for i, action in enumerate(actions):
        game.check_move(state, action)
        state, outcome = step(game, jax.random.key(i), state, jnp.full(game.players, action))
        assert (outcome.reward == outcome.reward[0]).all()
        rewards.append(float(outcome.reward[0]))
    return state, rewards


def dealt(game, *cards):
    """The start of a game on this deck, of which the cards that are not given are drawn."""
    return reset(game, jax.random.key(0), game.level(cards))


@pytest.mark.parametrize(
    ("rules", "seen", "moves", "cards"),
    [  # measured on hanabi-learning-environment
        ({}, 658, 20, 50),
        ({"players": 3}, 956, 30, 50),
        ({"players": 4}, 1041, 38, 50),
        ({"players": 5}, 1280, 48, 50),
        ({"colors": 2, "hand": 2, "information": 3, "lives": 1}, 171, 11, 20),
        ({"colors": 1, "hand": 2, "information": 3, "lives": 1}, 106, 10, 10),
        ({"colors": 2}, 310, 17, 20),
        ({"colors": 3, "ranks": 3, "hand": 3}, 200, 12, 18),
        ({"colors": 1, "ranks": 3, "hand": 2}, 79, 8, 6),
        ({"colors": 2, "ranks": 2, "hand": 2}, 91, 8, 8),
        ({"colors": 1, "ranks": 2, "hand": 1}, 50, 5, 4),
    ],
)
def test_sizes_are_those_of_the_reference_engine(rules, seen, moves, cards):
    game = HanabiGame(**rules)
    assert (game.spec.observation.shape, game.num_moves, game.deck_size) == ((seen,), moves, cards)
    assert game.spec.action.n == moves + 1


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"players": 1}, "players must be >= 2 and <= 5, got 1"),
        ({"players": 6}, "players must be >= 2 and <= 5, got 6"),
        ({"colors": 6}, "colors must be >= 1 and <= 5, got 6"),
        ({"hand": 9}, "hand must be >= 0 and <= 8, got 9"),
        ({"colors": 1, "hand": 6}, "2 players with 6 cards each need 12, and a deck of 1 color and 5 ranks has 10"),
        ({"players": 5, "ranks": 1}, "5 players with 4 cards each need 20, and a deck of 5 colors and 1 rank has 15"),
        ({"lives": 0}, "lives must be >= 1 and <= 100, got 0"),
        ({"view": "seer"}, "view must be one of canonical, v0-belief, got 'seer'"),
    ],
)
def test_impossible_variants_are_refused_in_one_line(rules, words):
    with pytest.raises(SettingError) as refused:
        make("hanabi", **rules)
    assert str(refused.value) == words


@given(NAMES, SEEDS)
def test_every_card_is_somewhere_and_tokens_stay_in_range(variant, seed):
    game = VARIANTS[variant]
    nothing_fixed = jnp.full(game.deck_size, NOTHING, jnp.int8)
    states, _, rewards = jax.tree.map(np.asarray, played(game, jax.random.key(seed), LENGTH, nothing_fixed))
    cards = np.arange(game.num_cards)
    held = (states.hands[..., None] == cards).sum((1, 2))
    stacked = (cards % game.ranks < np.repeat(states.fireworks, game.ranks, axis=1)).astype(int)
    assert (states.deck + held + states.discards + stacked == game.full_deck).all()
    assert (states.deck >= 0).all()
    assert ((states.information >= 0) & (states.information <= game.information)).all()
    assert ((states.lives >= 0) & (states.lives <= game.lives)).all()
    score = np.where(states.lives == 0, 0, states.fireworks.sum(1))
    assert (np.diff(score)[:, None] == rewards).all()
    there = states.hands >= 0
    color, rank = states.hands // game.ranks, states.hands % game.ranks
    for mask, value, hinted in (
        (states.color_mask, color, states.color_hinted),
        (states.rank_mask, rank, states.rank_hinted),
    ):
        assert ((mask >> np.maximum(value, 0) & 1 == 1) == there).all()  # what hints said is true
        assert (mask[hinted] == 1 << value[hinted]).all()  # and what they named is known
    assert ((states.turns_left >= 0) == (states.deck.sum(1) == 0)).all()


@functools.partial(jax.jit, static_argnums=0)
def all_moves(game, states):
    """Which number between -3 and 3 beyond the last changes each state, and the reward of each."""

    def one(state, number):
        new, outcome = game.step(jax.random.key(1), state, jnp.full(game.players, number))
        same = jax.tree.map(lambda a, b: (a == b).all(), state, new)
        return ~jnp.stack(jax.tree.leaves(same)).all(), outcome.reward

    numbers = jnp.arange(-3, game.num_moves + 4)
    return numbers, *jax.vmap(jax.vmap(one, (None, 0)), (0, None))(states, numbers)


@pytest.mark.parametrize("variant", VARIANTS)
def test_legal_moves_are_those_that_do_something_and_pass_the_check(variant):
    game, states = VARIANTS[variant], positions(variant, 2)
    numbers, changed, reward = jax.tree.map(np.asarray, all_moves(game, states))
    masks = np.asarray(jax.jit(jax.vmap(game.legal))(states))
    for t, mask in enumerate(masks):
        state = jax.tree.map(lambda leaf, t=t: leaf[t], states)
        allowed = np.isin(numbers, np.flatnonzero(mask[state.player, :-1]))
        assert (changed[t] == allowed).all()
        assert (reward[t, ~allowed] == 0).all()
        for number, fine in zip(numbers.tolist(), allowed, strict=True):
            with nullcontext() if fine else pytest.raises(InputError):
                game.check_move(state, number)
        waiting = np.arange(game.players) != (-1 if state.terminated else state.player)
        assert (mask[:, -1] == waiting).all()
        assert not mask[waiting, :-1].any()


def test_a_refused_move_says_why():
    game = hanabi_small()
    state = dealt(game, 0, 5, 0, 1)  # R1 Y1, R1 R2
    for action, words in (
        (0, "cannot discard slot 0: all 3 information tokens are there"),
        (5, "cannot hint color Y to player +1: it touches no card"),
        (8, "cannot hint rank 3 to player +1: it touches no card"),
        (11, "cannot wait: this player is on turn"),
        (12, "no action 12: this variant has moves 0 to 10, then waiting"),
        (-1, "no action -1: this variant has moves 0 to 10, then waiting"),
    ):
        with pytest.raises(InputError) as refused:
            game.check_move(state, action)
        assert str(refused.value) == words
    spent, _ = moved(game, state, 4, 4, 4)
    with pytest.raises(InputError, match=r"^cannot hint color R to player \+1: no information token is left$"):
        game.check_move(spent, 4)
    bombed, _ = moved(game, dealt(game, 1, 5, 0, 1), 2)
    with pytest.raises(InputError, match=r"^cannot play slot 0: the game has ended$"):
        game.check_move(bombed, 2)


@pytest.mark.parametrize("game", [hanabi(), hanabi_small(), hanabi_very_small()])
def test_the_longest_game_is_hints_and_discards_in_turn(game):
    hints = jnp.arange(game.num_moves + 1) >= 2 * game.hand_size

    def choose(state):
        may = game.legal(state)[state.player]
        return jnp.argmax(jnp.where((may & hints).any(), may & hints, may))

    @jax.jit
    def run(key):
        def one(state, key):
            new, _ = game.step(key, state, jnp.full(2, choose(state)))
            return new, state.terminated

        return jax.lax.scan(one, game.reset(key), jax.random.split(key, game.longest + 1))

    last, ended = run(jax.random.key(0))
    assert game.longest == {50: 89, 20: 36, 10: 16}[game.deck_size]
    assert ended.tolist() == [False] * game.longest + [True]
    assert int(game.end_code(last)) == OUT_OF_CARDS


def test_a_game_that_is_completed():
    game = hanabi_very_small()
    state = dealt(game, 0, 2, 1, 3, 4)  # R1 R3, R2 R4, then R5
    state, rewards = moved(game, state, 2, 2, 2, 2)
    assert int(game.end_code(state)) == RUNNING
    state, last = moved(game, state, 2)
    assert [*rewards, *last] == [1.0] * 5
    assert (int(game.score(state)), int(game.end_code(state)), bool(state.terminated)) == (5, COMPLETE, True)
    assert not state.last.gained  # all tokens were there


def test_completing_a_stack_brings_back_a_token():
    game = HanabiGame(colors=2, ranks=2, hand=2, information=3)
    state, _ = moved(game, dealt(game, 0, 1, 2, 3), 4 + 1, 2, 2)  # R1 R2, Y1 Y2: a hint of yellow, then Y1, R1
    assert (int(state.information), bool(state.last.gained)) == (2, False)
    state, rewards = moved(game, state, 2)
    assert (rewards, int(state.information), bool(state.last.gained)) == ([1.0], 3, True)
    assert state.fireworks.tolist() == [1, 2]


def test_the_last_life_takes_the_score_with_it():
    game = hanabi_very_small()
    state, rewards = moved(game, dealt(game, 0, 1, 1, 3, 4, 2, 2), 2, 2, 3)  # R1 R2, R2 R4, then R5 does not fit
    assert rewards == [1.0, 1.0, -2.0]
    assert (int(game.score(state)), int(game.end_code(state)), int(state.fireworks.sum())) == (0, OUT_OF_LIVES, 2)
    assert state.hands[0].tolist() == [1, 2]  # the replacement is still drawn


def test_hands_are_dealt_in_turn_and_drawn_at_the_end():
    game = HanabiGame(players=3, colors=2, hand=2)
    state = dealt(game, 0, 1, 2, 3, 4, 5, 6)
    assert state.hands.tolist() == [[0, 1], [2, 3], [4, 5]]
    state, _ = moved(game, state, 2)
    assert state.hands.tolist() == [[1, 6], [2, 3], [4, 5]]
    state, _ = moved(game, state, 2 * 2 + 2 * 2 + 5 + 1)  # rank 2 to the second seat on, which is player 0
    assert (int(state.last.target), int(state.last.touched)) == (2, 0b11)
    assert state.rank_mask.tolist() == [[2, 2], [31, 31], [31, 31]]
    assert state.rank_hinted.tolist() == [[True, True], [False, False], [False, False]]


def test_names_of_moves():
    game = HanabiGame(players=3)
    assert [name(game, action) for action in (0, 9, 10, 19, 20, 29, 30)] == [
        "discard slot 0",
        "play slot 4",
        "hint color R to player +1",
        "hint color B to player +2",
        "hint rank 1 to player +1",
        "hint rank 5 to player +2",
        "wait",
    ]


def test_a_deck_that_is_fixed_decides_the_game_and_one_that_is_not_does_not():
    game = HanabiGame(colors=3, ranks=3, hand=3)
    whole = jax.jit(game.shuffled)(jax.random.key(5))
    assert sorted(whole.tolist()) == np.repeat(np.arange(9), game.full_deck).tolist()

    first = [reset(game, jax.random.key(i), whole).hands.tolist() for i in range(2)]
    assert first[0] == first[1] == whole[:6].reshape(2, 3).tolist()
    half = jnp.where(jnp.arange(game.deck_size) < 7, whole, NOTHING)
    state = reset(game, jax.random.key(0), half)
    after = {int(step(game, jax.random.key(i), state, jnp.array([3, 12]))[0].hands[0, -1]) for i in range(8)}
    assert after == {int(whole[6])}
    state, _ = step(game, jax.random.key(0), state, jnp.array([3, 12]))
    later = {int(step(game, jax.random.key(i), state, jnp.array([12, 3]))[0].hands[1, -1]) for i in range(20)}
    assert len(later) > 3


@pytest.mark.parametrize(
    ("cards", "words"),
    [
        ([0, 1, 2], "a level has no card or all 4 cards of the deal fixed, got 3"),
        ([0, 1, 2, 5], "no card 5: this variant has cards 0 to 4"),
        ([0, 1, 2, -1], "no card -1: this variant has cards 0 to 4"),
        ([4, 1, 2, 3, 4], "R5 is 2 times in the level, and the deck has 1"),
    ],
)
def test_a_level_that_is_no_deck_is_refused_in_one_line(cards, words):
    with pytest.raises(InputError) as refused:
        hanabi_very_small().level(cards)
    assert str(refused.value) == words


def test_cards_are_drawn_as_from_a_shuffled_deck():
    game, count = hanabi_very_small(), 20_000
    dealt = np.asarray(jax.jit(jax.vmap(game.reset))(jax.random.split(jax.random.key(3), count)).hands).reshape(-1, 4)
    error = 0.5 / count**0.5  # of a share, at most
    for slot in range(4):
        assert np.abs(np.bincount(dealt[:, slot], minlength=5) / count - game.full_deck / 10).max() < 4 * error
    for i, j in itertools.combinations(range(4), 2):
        assert abs((dealt[:, i] == dealt[:, j]).mean() - (3 * 2 + 3 * 2) / 90) < 4 * error  # R1 R1, R2 R2, ...
    shuffled = np.asarray(jax.jit(jax.vmap(game.shuffled))(jax.random.split(jax.random.key(4), count)))
    assert abs((shuffled[:, 0] == shuffled[:, 9]).mean() - 12 / 90) < 4 * error

    state = reset(game, jax.random.key(0), game.level([0, 1, 2, 3]))  # left: 2 1 1 1 1
    draw = jax.jit(jax.vmap(lambda key: game.step(key, state, jnp.array([2, 10]))[0].hands[0, 1]))
    drawn = np.asarray(draw(jax.random.split(jax.random.key(6), count)))
    assert np.abs(np.bincount(drawn, minlength=5) / count - np.array([2, 1, 1, 1, 1]) / 6).max() < 4 * error


@pytest.mark.parametrize("variant", VARIANTS)
def test_another_hand_for_a_player(variant):
    game, player = VARIANTS[variant], VARIANTS[variant].players - 1
    old = jax.tree.map(lambda leaf: leaf[8], positions(variant, 1))
    swap = jax.jit(lambda state, hand: game.with_hidden(state, player, hand))
    own = np.asarray(jax.jit(game.hidden, static_argnums=1)(jax.tree.map(jnp.asarray, old), player))
    other = own.copy()
    other[0] = np.argmax(old.deck > 0) if old.deck.any() else own[0]  # a card from the deck for the oldest
    taken = np.bincount(own[own >= 0], minlength=game.num_cards) - np.bincount(
        other[other >= 0], minlength=game.num_cards
    )
    order = np.where(np.arange(game.deck_size) < old.dealt, old.order, NOTHING)
    hands = np.concatenate([old.hands[:player], other[None]])
    wanted = old._replace(deck=old.deck + taken, order=order, hands=hands)
    new = jax.tree.map(np.asarray, swap(old, other))
    jax.tree.map(np.testing.assert_array_equal, new, wanted)
    jax.tree.map(np.testing.assert_array_equal, swap(new, own), old._replace(order=order))
