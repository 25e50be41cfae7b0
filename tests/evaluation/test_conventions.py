"""What was known of cards that were played, figures with their standard errors, and who is watched."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.errors import Misfit
from tacit.evaluation import conventions as module
from tacit.evaluation.conventions import KNOWN, figures, knowledge, ratio, watch
from tacit.evaluation.cross_play import Model, model
from tacit.games.hanabi import HanabiGame
from tacit.learners.hanabi_bots import IGGI, RANDOM_LEGAL, RANK_CONVENTION
from tacit.types import Policy

R1, R2, R3, Y1, Y2, Y3 = range(6)
GAME = HanabiGame(colors=2, ranks=3, hand=2, information=3, lives=2)
PLAY_0, PLAY_1, HINT_R, HINT_Y, HINT_1, HINT_2, HINT_3 = 2, 3, 4, 5, 6, 7, 8


def bot(name, player, game=GAME):
    policy, params = player.seated(game, range(game.players))
    return model(name, name, [policy] * game.players, params)  # of several moves of a rule, the first


@jax.jit
def known_after(order, moves, action):
    """What who is on turn knows of the card it is to play, after some moves of both on a fixed deck."""
    state = GAME.reset(jax.random.key(0), order)
    for move in moves:
        mine = jnp.arange(2) == state.player
        state = GAME.step(jax.random.key(0), state, jnp.where(mine, move, GAME.num_moves))[0]
    return knowledge(GAME, state, action)


def known(hands, moves, action):
    """The same by hands: those of player 0, then those of player 1, then cards to be drawn."""
    rest = np.repeat(np.arange(6), GAME.full_deck).tolist()
    for card in hands:
        rest.remove(card)
    return jax.tree.map(np.asarray, known_after(jnp.asarray([*hands, *rest], jnp.int8), jnp.array(moves), action))


def test_nothing_told_of_a_card():
    """Of 10 unseen cards two are red ones and three yellow ones, and all stacks are empty."""
    found = [known([R1, Y2, R1, R2], [], play) for play in (PLAY_0, PLAY_1)]
    for one in found:
        assert not any((one.color_told, one.rank_told, one.color_known, one.rank_known))
        assert one.chance == pytest.approx(5 / 10)
    assert [bool(one.scored) for one in found] == [True, False]


def test_what_counts_tell_beyond_hints():
    """Told of its only 3, a player that sees the yellow one knows that its own is red."""
    three = known([R3, Y1, R1, Y3], [HINT_R, HINT_3], PLAY_0)
    assert (three.color_told, three.rank_told, three.color_known, three.rank_known) == (False, True, True, True)
    assert (three.chance, three.scored) == (0, False)
    other = known([R3, Y1, R1, Y3], [HINT_R, HINT_3], PLAY_1)
    assert not any((other.color_told, other.rank_told, other.color_known, other.rank_known))
    assert other.chance == pytest.approx((2 + 3) / (2 + 2 + 3 + 2))  # R1, R2, Y1, Y2 are left for it
    assert other.scored


def test_what_hints_exclude_is_known_and_not_told():
    """Of two colors, a card that is not red is yellow."""
    red, yellow = (known([R1, Y1, Y1, Y3], [HINT_Y, HINT_R], play) for play in (PLAY_0, PLAY_1))
    assert (red.color_told, red.color_known, red.rank_known) == (True, True, False)
    assert (yellow.color_told, yellow.color_known, yellow.rank_known) == (False, True, False)
    assert red.chance == pytest.approx(3 / 6)
    assert yellow.chance == pytest.approx(2 / 4)  # two of Y1 and of Y2 are unseen


def test_a_ratio_of_what_varies_from_game_to_game():
    values = np.array([1.0, 2.0, 6.0])
    assert ratio(values, np.ones(3)) == pytest.approx((3, values.std(ddof=1) / 3**0.5))
    assert ratio(values, np.zeros(3)) == (None, None)
    assert ratio(2 * values, values) == pytest.approx((2, 0))
    generator = np.random.default_rng(0)
    counts = generator.integers(1, 9, (2000, 50))
    found = [ratio(totals, count) for totals, count in zip(generator.binomial(counts, 0.3), counts, strict=True)]
    means, errors = np.array(found).T
    assert means.mean() == pytest.approx(0.3, abs=4 * means.std() / 2000**0.5)
    assert np.mean(errors**2) ** 0.5 == pytest.approx(means.std(), rel=0.05)  # 2 % of it are one of to first order


GAMES = 24


@pytest.fixture(scope="module")
def seen():
    """Some bots with their twins, and one with another."""
    bots = {"iggi": IGGI, "random": RANDOM_LEGAL, "rank": RANK_CONVENTION}
    models = {name: bot(name, player) for name, player in bots.items()}
    found = {name: watch(GAME, one, games=GAMES) for name, one in models.items()}
    return {**found, "iggi + random": watch(GAME, models["iggi"], models["random"], games=GAMES)}


def test_points_are_cards_that_scored(seen):
    for one in seen.values():
        plays = (one.action == PLAY_0) | (one.action == PLAY_1)
        scored = (one.played.scored & plays).sum(axis=1)
        np.testing.assert_array_equal(np.where(one.bombed, 0, scored), one.score)
        np.testing.assert_array_equal((~one.played.scored & plays).sum(axis=1) == GAME.lives, one.bombed)
    assert seen["random"].bombed.any()


def test_who_sits_where(seen):
    """The model has seat 0, its partner the other: only one of them plays what is not certain."""
    one = seen["iggi + random"]
    plays = (one.action == PLAY_0) | (one.action == PLAY_1)
    mine = np.arange(one.action.shape[1]) % 2 == 0
    assert (one.played.chance[plays & mine] > 1 - 1e-5).all()
    assert (one.played.chance[plays & ~mine] < 0.9).any()


def test_figures_of_bots(seen):
    iggi, rank = (figures(GAME, seen[name]) for name in ("iggi", "rank"))
    assert iggi["plays"]["certain"] == iggi["plays"]["scored"] == (1, 0)
    assert iggi["plays"]["above the rules"].mean == pytest.approx(0, abs=1e-6)
    assert rank["plays"]["above the rules"].mean > 5 * rank["plays"]["above the rules"].se > 0
    assert rank["games"]["score"].mean == seen["rank"].score.mean()
    assert rank["plays"]["told: rank"].mean > 0.5
    for found in (iggi, rank):
        for how in ("told", "known"):
            assert sum(found["plays"][f"{how}: {name}"].mean for name in KNOWN) == pytest.approx(1)
        assert found["plays"]["known: neither"].mean <= found["plays"]["told: neither"].mean
        assert found["by_rules"]["play"].mean == pytest.approx(0, abs=1e-6)
        assert found["beyond"]["all"] == found["at_most"]["all"]  # hands are listed
        assert found["held"]["all"].mean > 0


def test_figures_are_totals_over_counts(seen):
    one = seen["rank"]
    found, kinds = figures(GAME, one), {"discard": (0, 1), "play": (2, 3), "color hint": (4, 5), "rank hint": (6, 7, 8)}
    for kind, actions in kinds.items():
        of = np.isin(one.action, actions)
        assert found["beyond"][kind].mean == pytest.approx(np.asarray(one.told.beyond)[of].mean(), abs=1e-6)
    assert found["beyond"]["all"].mean == pytest.approx(np.asarray(one.told.beyond)[one.action >= 0].mean(), abs=1e-6)
    assert found["plays"]["in a game"].mean == np.isin(one.action, (2, 3)).sum() / GAMES


@pytest.mark.long
def test_how_games_are_cut_changes_nothing_without_luck(seen, monkeypatch):
    monkeypatch.setattr(module, "MOST_GAMES", 5)
    again = watch(GAME, bot("iggi", IGGI), games=7)
    for one, other in zip(jax.tree.leaves(again), jax.tree.leaves(seen["iggi"]), strict=True):
        assert len(one) == 7
        np.testing.assert_allclose(one, other[:7], atol=1e-5)


def test_memory_and_too_many_hands(monkeypatch):
    """What moves tell is left open then; all else is measured."""
    monkeypatch.setattr(module.bits.beliefs, "MOST_HANDS", 10)
    acting = bot("iggi", IGGI).seats[0][0]

    def act(key, params, carry, obs, legal, fresh, given=None):
        return carry + 1, *acting.act(key, params, (), obs, legal, fresh, given)[1:]

    policy = Policy(lambda: jnp.zeros(()), act)
    counting = Model("counting", "", tuple((policy, params) for _, params in bot("iggi", IGGI).seats))
    found = figures(GAME, watch(GAME, counting, games=3))
    assert found["beyond"]["all"] == (None, None)
    assert found["plays"]["certain"].mean == 1


def test_who_cannot_be_watched():
    with pytest.raises(Misfit, match="conventions are those of Hanabi"):
        watch(games.make("ipd"), bot("iggi", IGGI))
    with pytest.raises(Misfit, match="2 games or more, got 1"):
        watch(GAME, bot("iggi", IGGI), games=1)
    three = HanabiGame(players=3, colors=2, ranks=3, hand=2)
    with pytest.raises(Misfit, match="iggi has policies for 2 seats, and the game has 3"):
        watch(three, bot("iggi", IGGI))
