"""Scripted players of Hanabi: what they see, what they do in situations by hand, how well they play together."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.errors import Misfit
from tacit.evaluation.cross_play import cross_play, model
from tacit.games.hanabi import HanabiGame, moves
from tacit.learners import HANABI_BOTS, hanabi_bots
from tacit.learners.hanabi_bots import RANDOM_LEGAL, Rule, sets
from tacit.learners.hanabi_sight import sight
from tacit.learners.versus import Scripted
from tacit.registry import load

GAME = HanabiGame()
COLORS = "RYGWB"
BOTS = {name: load("player", HANABI_BOTS, name) for name in HANABI_BOTS}


def card(name):
    return 5 * COLORS.index(name[0]) + int(name[1]) - 1


def deck(*hands, then=""):
    """A whole order of the deck that begins with these hands and cards; the rest follows in the order of colors."""
    first = [card(name) for name in " ".join([*hands, then]).split()]
    rest = np.repeat(np.arange(25), GAME.full_deck).tolist()
    for one in first:
        rest.remove(one)
    return jnp.array(first + rest, jnp.int8)


@jax.jit
def _begin(order):
    return GAME.reset(jax.random.key(0), order)


@jax.jit
def _step(state, action):
    return GAME.step(jax.random.key(0), state, jnp.full(2, action))[0]


@jax.jit
def _choices(params, state):
    policy = RANDOM_LEGAL.seated(GAME, (0,))[0]  # of all bots
    obs, legal = GAME.observe(state)[state.player], GAME.legal(state)[state.player]
    extras = policy.act(jax.random.key(0), params, (), obs, legal, jnp.bool_(False))[2]
    return extras.log_probs


def after(order, *played):
    """The state after these moves, given in words."""
    state, names = _begin(order), [moves.name(GAME, action) for action in range(GAME.num_moves)]
    for words in played:
        GAME.check_move(state, names.index(words))
        state = _step(state, names.index(words))
    return state


def choices(bot, state):
    """The moves among which a player chooses, in words; all are equally likely."""
    probs = np.exp(np.asarray(_choices(BOTS[bot].seated(GAME, (0,))[1][0], state)))
    chosen = np.flatnonzero(probs)
    np.testing.assert_allclose(probs[chosen], 1 / len(chosen), rtol=1e-5)
    return [moves.name(GAME, int(action)) for action in chosen]


START = deck("R1 R2 Y3 B5 W1", "G4 G1 Y1 R5 W4")


@pytest.mark.parametrize(
    ("bot", "wanted"),
    [
        ("cautious", "hint rank 1 to player +1"),  # G1 is the oldest playable card
        ("iggi", "hint rank 1 to player +1"),
        ("piers", "hint rank 1 to player +1"),
        ("van-den-bergh", "hint rank 1 to player +1"),
        ("flawed", "play slot 4"),  # 13 of 45 unseen cards are ones: 29 %
        ("rank-convention", "hint rank 1 to player +1"),  # its newest is Y1
        ("color-convention", "hint color Y to player +1"),  # R's newest is R5; Y's is Y1
    ],
)
def test_first_moves(bot, wanted):
    assert choices(bot, after(START)) == [wanted]


def test_any_legal_move():
    assert len(choices("random-legal", after(START))) == 5 + 4 + 3  # plays, colors and ranks; no discard at full tokens
    assert len(choices("random-legal", after(START, "play slot 0"))) == 5 + 4 + 4


def test_a_rank_told_means_different_things():
    told = after(START, "hint rank 1 to player +1")
    assert choices("iggi", told) == ["play slot 1"]  # every one is playable: the oldest
    assert choices("rank-convention", told) == ["play slot 2"]  # the newest that was touched
    assert choices("color-convention", told) == ["play slot 1"]  # means nothing beyond what it says


def test_a_color_told_means_different_things():
    told = after(START, "hint color R to player +1")
    assert choices("color-convention", told) == ["play slot 3"]  # R5, and it is lost
    assert choices("rank-convention", told) == ["hint rank 1 to player +1"]  # W1 is the newest of R1 and W1
    assert choices("iggi", told) == ["hint rank 1 to player +1"]


def test_what_cannot_be_playable_is_not_played_by_convention():
    state = after(START, "hint rank 4 to player +1")
    assert choices("rank-convention", state) == ["hint rank 1 to player +1"]  # no four can be playable yet


def test_what_was_told_is_not_told_again():
    state = after(START, "hint rank 1 to player +1", "hint rank 1 to player +1")
    assert choices("iggi", state) == ["play slot 0"]  # its own one first
    state = after(START, "hint rank 1 to player +1", "hint color B to player +1")
    assert choices("iggi", state) == ["hint color G to player +1"]  # the rank of G1 was told, now its color


def test_useless_cards_go_first_and_oldest_cards_next():
    order = deck("R1 R1 Y3 B5 W3", "G4 G3 Y4 R5 W4", then="B4 B4")
    told = ["hint rank 1 to player +1", "hint color G to player +1"]
    state = after(order, "hint rank 5 to player +1", told[0], "play slot 0", "hint color R to player +1")
    assert choices("iggi", state) == ["discard slot 0"]  # the second R1; nothing of the partner's is playable
    assert choices("cautious", state) == ["discard slot 0"]
    unknown = after(order, "hint rank 5 to player +1", "hint rank 5 to player +1")
    assert choices("iggi", unknown) == ["discard slot 0"]
    assert choices("cautious", unknown) == [f"discard slot {slot}" for slot in range(5)]
    assert choices("rank-convention", unknown) == ["discard slot 0"]


def test_conventions_pass_the_time_with_the_other_kind_of_hint():
    order = deck("R1 R2 Y3 B5 W1", "G4 G2 Y3 R5 W4")
    assert choices("rank-convention", after(order)) == [f"hint color {color} to player +1" for color in "RYGW"]
    assert choices("color-convention", after(order)) == [f"hint rank {rank} to player +1" for rank in (2, 3, 4, 5)]
    assert choices("van-den-bergh", after(order)) == ["hint rank 4 to player +1"]  # touches two, as G does
    assert len(choices("iggi", after(order))) == 4 + 4


def test_piers_shows_what_is_on_its_stack_when_tokens_are_few():
    order = deck("R1 Y3 B5 W3 G4", "R1 G3 Y4 R5 W4", then="B4 B4 G4")
    five = "hint rank 5 to player +1"
    before = ["play slot 0", five, "hint rank 1 to player +1", five, five]  # four tokens left
    assert choices("piers", after(order, *before, "play slot 4")) == ["discard slot 0"]
    assert choices("piers", after(order, *before, five)) == ["hint color R to player +1"]  # its R1 is on the stack


@pytest.fixture(scope="module")
def seen():
    """What the first player sees at the start."""
    return jax.jit(functools.partial(sight, GAME))(GAME.observe(after(START))[0])


def test_at_last_the_likeliest_card_is_played_while_a_life_can_be_spared(seen):
    late = seen._replace(deck=jnp.int32(0), lives=jnp.int32(2), safe=jnp.array([0, 0.1, 0.3, 0.3, 0.2]))
    rule = jax.jit(lambda seen: sets(seen)[Rule.PLAY_AT_LAST].play)
    assert rule(late).tolist() == [False, False, False, True, False]  # of equals the newest
    assert not rule(late._replace(lives=jnp.int32(1))).any()
    assert not rule(late._replace(deck=jnp.int32(1))).any()


def test_useless_cards_are_guessed_and_told(seen):
    partly = seen._replace(
        dead=jnp.array([0.2, 0.5, 0.5, 0.1, 0]),
        useless=jnp.array([[False, True, False, True, False]]),
        rank_told=jnp.array([[False, True, False, False, False]]),
    )
    rules = (Rule.DISCARD_LIKELY_USELESS, Rule.TELL_USELESS)
    guessed, told = jax.jit(lambda seen: [sets(seen)[rule] for rule in rules])(partly)
    assert guessed.discard.tolist() == [False, False, True, False, False]
    assert told.color.tolist() == [[False, False, True, False, False]]  # of G1, whose rank was told
    assert not told.rank.any()


def plain_sight(game, state):
    """Chances and kinds of cards, from the state, as a reader of the definition would write it."""
    me, n = int(state.player), game.players
    others = [(me + k) % n for k in range(1, n)]
    height, ranks = np.asarray(state.fireworks), game.ranks
    discards, hands = np.asarray(state.discards), np.asarray(state.hands)

    def lost(k):
        color = k // ranks
        needed = range(height[color], k % ranks + 1)
        return any(discards[color * ranks + rank] == game.copies[rank] for rank in needed)

    playable = [k % ranks == height[k // ranks] for k in range(game.num_cards)]
    useless = [k % ranks < height[k // ranks] or lost(k) for k in range(game.num_cards)]
    unseen = game.full_deck - discards
    for color in range(game.colors):
        for rank in range(height[color]):
            unseen[color * ranks + rank] -= 1
    for other in others:
        for k in hands[other]:
            if k >= 0:
                unseen[k] -= 1
    safe, dead = [], []
    for slot in range(game.hand_size):
        fits = [
            bool(state.color_mask[me, slot] >> (k // ranks) & 1) and bool(state.rank_mask[me, slot] >> (k % ranks) & 1)
            for k in range(game.num_cards)
        ]
        weight = np.where(fits, unseen, 0)
        total = max(weight.sum(), 1)
        safe.append((weight * playable).sum() / total)
        dead.append((weight * useless).sum() / total)
    kinds = [[k >= 0 and playable[k] for k in hands[other]] for other in others]
    return safe, dead, kinds, [[k >= 0 and useless[k] for k in hands[other]] for other in others]


VARIANTS = [
    HanabiGame(colors=2, ranks=3, hand=2, information=3, lives=20),
    HanabiGame(players=4, colors=3, ranks=4, hand=2, information=3, lives=20, view="v0-belief"),
]


@pytest.mark.parametrize("game", VARIANTS, ids=lambda game: f"{game.players}-{game.view}")
def test_sight_is_that_of_the_state(game):
    policy, (params, *_) = RANDOM_LEGAL.seated(game, range(game.players))

    @jax.jit
    def move(key, state):
        obs, legal = game.observe(state)[state.player], game.legal(state)[state.player]
        action = policy.act(key, params, (), obs, legal, jnp.bool_(False))[1]
        return sight(game, obs), game.step(key, state, jnp.full(game.players, action))[0]

    state = jax.jit(game.reset)(jax.random.key(0))
    for number in range(40):
        seen, new = move(jax.random.key(number), state)
        if bool(state.terminated):
            break
        safe, dead, playable, useless = plain_sight(game, state)
        np.testing.assert_allclose(seen.safe, safe, atol=1e-6)
        np.testing.assert_allclose(seen.dead, dead, atol=1e-6)
        np.testing.assert_array_equal(seen.playable, playable)
        np.testing.assert_array_equal(seen.useless, useless)
        others = [(int(state.player) + k) % game.players for k in range(1, game.players)]
        np.testing.assert_array_equal(seen.rank_told, np.asarray(state.rank_hinted)[others])
        np.testing.assert_array_equal(seen.color_told, np.asarray(state.color_hinted)[others])
        assert (int(seen.lives), int(seen.deck)) == (int(state.lives), int(np.asarray(state.deck).sum()))
        state = new
    assert number > 10


def test_waiting_is_the_only_move_of_who_is_not_on_turn():
    state = after(START)
    policy, (params,) = BOTS["iggi"].seated(GAME, (1,))
    obs, legal = GAME.observe(state)[1], GAME.legal(state)[1]
    act = jax.jit(functools.partial(policy.act, fresh=jnp.bool_(False)))
    assert int(act(jax.random.key(0), params, (), obs, legal)[1]) == GAME.num_moves


def test_who_means_what_it_says_gets_along_and_conventions_clash():
    """Scores of 25, within several standard errors of those over a thousand games."""
    names = ("iggi", "rank-convention", "color-convention")
    seated = {name: BOTS[name].seated(GAME, (0, 1)) for name in names}
    models = [model(name, name, [policy] * 2, params, sampled=True) for name, (policy, params) in seated.items()]
    matrix = cross_play(GAME, models, games=12).matrix
    own = np.diagonal(matrix)
    assert (own > 16).all()
    assert (own < 20).all()
    assert matrix[1, 2] < 6
    assert matrix[2, 1] < 6


def test_they_play_hanabi_alone():
    with pytest.raises(Misfit, match=r"plays Hanabi \(hanabi, hanabi-small, ...\), not MatrixGame"):
        Scripted(BOTS["iggi"])(games.make("ipd"), None)
    learner = Scripted(BOTS["iggi"])(GAME, None)
    assert len(learner.policy(learner.init(jax.random.key(0)))) == 2


def test_every_player_fits_into_the_parameters():
    assert all(len(bot.rules) <= hanabi_bots.MOST_RULES for bot in BOTS.values())
