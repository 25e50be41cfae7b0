"""Cross-play: who sits where, what is equal for all pairs, and that how it is computed changes nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tacit
from tacit import games
from tacit.errors import InputError, Misfit
from tacit.evaluation import cross_play as module
from tacit.evaluation.cross_play import Model, cross_play, greedy, model, models_of
from tacit.games.hanabi import HanabiGame
from tacit.learners import naive
from tacit.learners.hanabi_bots import IGGI, RANDOM_LEGAL
from tacit.learners.scripted import ALWAYS_COOPERATE, ALWAYS_DEFECT, JOSS, RANDOM, TIT_FOR_TAT
from tacit.types import Policy

LENGTH = 10
SMALL = HanabiGame(colors=1, ranks=3, hand=2, information=3, lives=1)


@pytest.fixture(scope="module")
def ipd():
    return games.make("ipd", length=LENGTH)


def scripted(name, player, others=None):
    """A model of one player in all seats, or of another one in seat 1."""
    pair = (player, others or player)
    return model(name, name, [x.policy for x in pair], [jnp.array(x.params, float) for x in pair], sampled=True)


def hanabi(name, bot, game=SMALL):
    policy, params = bot.seated(game, range(game.players))
    return model(name, name, [policy] * game.players, params, sampled=True)


def test_known_returns_by_seat(ipd):
    players = {"C": ALWAYS_COOPERATE, "D": ALWAYS_DEFECT, "TFT": TIT_FOR_TAT}
    played = cross_play(ipd, [scripted(*item) for item in players.items()], games=3)
    row = np.array([[-10, -30, -10], [0, -20, -18], [-10, -21, -10]])
    np.testing.assert_array_equal(played.returns[:, :, 0], row)
    np.testing.assert_array_equal(played.returns[:, :, 1], row.T)
    np.testing.assert_array_equal(played.matrix, (row + row.T) / 2)
    assert played.models == tuple(players)
    assert played.scores.shape == (3, 3, 3)


def test_row_sits_in_seat_0_and_column_in_seat_1(ipd):
    """A model plays in each seat what it learned there."""
    models = [scripted("CD", ALWAYS_COOPERATE, ALWAYS_DEFECT), scripted("DC", ALWAYS_DEFECT, ALWAYS_COOPERATE)]
    played = cross_play(ipd, models, games=1)
    assert played.returns[:, :, 0].tolist() == [[-30, -10], [-20, 0]]  # C v D, C v C; D v D, D v C
    assert played.returns[:, :, 1].tolist() == [[0, -10], [-20, -30]]


def test_column_sits_in_all_other_seats():
    """Of three players on a stock that does not grow, who takes has it: the row's one player, or the column's two."""
    game = games.make("commons", num_players=3, capacity=20, growth=0.0, length=LENGTH)

    def act(key, params, carry, obs, legal, fresh, given=None):
        return carry, params, ()  # does what its parameter says

    policy = Policy(lambda: (), act)
    models = [model(str(a), "", [policy] * 3, [np.int32(a)] * 3, sampled=True) for a in (0, 1)]
    returns = cross_play(game, models, games=1).returns
    assert returns[1, 0, 0] > returns[1, 0, 1] == returns[1, 0, 2]
    assert returns[0, 1, 0] < returns[0, 1, 1] == returns[0, 1, 2]


def deck(game, state):
    """The first and the last card of the whole deck."""
    return {"first": state.order[0], "last": state.order[-1]}


def test_all_pairs_play_the_same_decks():
    """Twins score the same game by game; with another partner the same cards come in the same order."""
    bots = [hanabi("one", IGGI), hanabi("other", IGGI), hanabi("random", RANDOM_LEGAL)]
    played = cross_play(SMALL, bots, games=40, measure=deck)
    twins = played.scores[:2, :2]
    np.testing.assert_array_equal(twins, np.broadcast_to(twins[0, 0], twins.shape))
    assert len(np.unique(twins)) > 1
    for cards in played.measured.values():
        assert (cards >= 0).all()
        np.testing.assert_array_equal(cards, np.broadcast_to(cards[0, 0], cards.shape))
    again = cross_play(SMALL, bots, games=40, measure=deck, seed=1)
    assert not np.array_equal(again.measured["first"], played.measured["first"])


def test_what_takes_part_and_how_it_is_cut_changes_nothing(ipd, monkeypatch):
    players = [scripted("random", RANDOM), scripted("TFT", TIT_FOR_TAT), scripted("joss", JOSS)]
    told = []
    together = cross_play(ipd, players, games=30, say=told.append)
    assert told == ["9 of 9 pairs played"]
    monkeypatch.setattr(module, "LANES", 4 * 30)  # three blocks of three
    np.testing.assert_array_equal(cross_play(ipd, players, games=30, say=told.append).scores, together.scores)
    assert told[1:] == ["3 of 9 pairs played", "6 of 9 pairs played", "9 of 9 pairs played"]
    np.testing.assert_array_equal(cross_play(ipd, players[1:], games=30).scores, together.scores[1:, 1:])


def test_greedy_takes_the_most_probable_action(ipd):
    leaning = jnp.array([0.4, 0.4, 0.4, 0.4, 0.4])  # of C
    policy = RANDOM.policy
    drawn = Model("drawn", "x", ((policy, leaning),) * 2)
    sure = model("sure", "x", [policy] * 2, [leaning] * 2)
    assert greedy(policy) is greedy(policy)
    told = greedy(policy).act(
        jax.random.key(0), leaning, (), jnp.zeros(5), jnp.ones(2, bool), jnp.bool_(0), jnp.int32(1)
    )[2]
    assert (told.log_prob, told.entropy, told.log_probs[0] < -1e30) == (0, 0, True)  # it says how it acts
    played = cross_play(ipd, [drawn, sure], games=400).matrix / LENGTH
    assert played[1, 1] == -2  # always D
    assert played[0, 0] == pytest.approx(-0.16 - 1.5 * 0.48 - 2 * 0.36, abs=0.05)


def test_a_policy_without_choices_cannot_be_greedy():
    def act(key, params, carry, obs, legal, fresh, given=None):
        return carry, jnp.zeros(()), ()

    with pytest.raises(Misfit, match="--sampled"):
        greedy(RANDOM.policy._replace(act=act)).act(jax.random.key(0), (), (), (), (), False)


def test_models_of_a_run(ipd):
    run = tacit.run(naive.make, ipd, naive.Config(), iterations=3, seeds=2)
    models = models_of(run, "naive")
    assert [(one.name, one.group) for one in models] == [("naive:0", "naive"), ("naive:1", "naive")]
    logits = [one.seats[0][1] for one in models]
    assert not np.array_equal(logits[0], logits[1])
    once = cross_play(games.make("ipd", length=1), models, games=1).matrix
    actions = [[bool(one.seats[seat][1][4] > 0) for seat in range(2)] for one in models]  # C at the start
    first = {(True, True): -1, (True, False): -1.5, (False, True): -1.5, (False, False): -2}
    for i in range(2):
        for j in range(2):
            assert once[i, j] == first[actions[i][0], actions[j][1]]
    assert models_of(run, "naive", sampled=True)[0].seats[0][0] is not models[0].seats[0][0]


def test_what_cannot_meet(ipd):
    with pytest.raises(InputError, match="needs models"):
        cross_play(ipd, [])
    with pytest.raises(Misfit, match="TFT has policies for 2 seats, and the game has 4"):
        cross_play(games.make("commons"), [scripted("TFT", TIT_FOR_TAT)])
