"""Takings in the coin game: counted by hand beside it, worth nothing in random play, and shown as text."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tacit
from tacit import games
from tacit.errors import Misfit
from tacit.evaluation.coins import Takings, as_text, film, sentence, takings, takings_in
from tacit.games.coin import BLUE, MOVES, RED
from tacit.learners import naive, ppo
from tacit.loops import episodes
from tacit.types import Policy

NUM_GAMES = 512
BOTH_TAKE = ("coin-pola", "coin-mfos", "coin-pax")


def _choose(key, params, carry, obs, legal, fresh, given=None):
    return carry, jax.random.randint(key, (), 0, legal.shape[0]), ()


RANDOM = Policy(lambda: (), _choose)


@functools.partial(jax.jit, static_argnames="num_games")
def random_play(game, num_games):
    played = episodes(jax.random.key(3), game, (RANDOM, RANDOM), ((), ()), num_games)[1]
    return played, takings_in(game, played)


def counted(game, played):
    """Coins taken, `[B, player, color]`, by walking through the steps."""
    player, coin, action = (np.asarray(x) for x in (played.state.player, played.state.coin, played.action))
    found = np.zeros((player.shape[1], 2, 2))
    for time, b in itertools.product(*map(range, player.shape[:2])):
        after = [(np.array(divmod(player[time, b, i], 3)) + MOVES[action[time, b, i]]) % 3 @ [3, 1] for i in range(2)]
        if not game.last_pays and (time + 1) % game.length == 0:
            continue
        for i, color in itertools.product(range(2), range(2)):
            first = game.tie == "both" or i == RED or after[RED] != coin[time, b, color]
            found[b, i, color] += after[i] == coin[time, b, color] and first
    return found


@pytest.mark.parametrize("name", ["coin-lola", *BOTH_TAKE])
def test_takings_are_what_was_stepped_on(name):
    game = games.make(name)
    played, found = random_play(game, 8)
    expected = counted(game, played)
    np.testing.assert_allclose(found.taken, expected.mean(0), rtol=1e-6)  # means of 8 whole numbers
    assert (expected.sum(0) > 8).all()
    # and they explain what was paid: one for each coin, minus two for each that the other took
    stolen = expected[:, (BLUE, RED), (RED, BLUE)]
    np.testing.assert_allclose(played.reward.sum(0), expected.sum(-1) - 2 * stolen, atol=1e-4)


@pytest.mark.parametrize("name", BOTH_TAKE)
def test_random_play_is_worth_nothing(name):
    # a coin pays its taker 1; half of them have the other's color, whose owner loses 2
    played, found = random_play(games.make(name), NUM_GAMES)
    episode = np.asarray(played.reward).sum(0)  # [B, P], independent games
    error = episode.std(0, ddof=1) / NUM_GAMES**0.5
    assert (np.abs(episode.mean(0)) < 3 * error).all()
    assert float(found.own_share) == pytest.approx(0.5, abs=0.02)


def test_where_red_takes_ties_random_play_favors_red():
    episode = np.asarray(random_play(games.make("coin-lola"), NUM_GAMES)[0].reward).sum(0)
    error = episode.std(0, ddof=1) / NUM_GAMES**0.5
    assert episode[:, RED].mean() > 3 * error[RED]
    assert episode[:, BLUE].mean() < -3 * error[BLUE]


def test_shares_of_own_coins():
    found = Takings(np.array([[[3.0, 1.0], [2.0, 4.0]], [[1.0, 0.0], [0.0, 0.0]]]), np.zeros((2, 2)))
    assert found.own_share.tolist() == [0.7, 1.0]
    with np.errstate(invalid="ignore"):
        shares = found.own_share_of_each
    np.testing.assert_array_equal(shares, [[0.75, 4 / 6], [1.0, np.nan]])
    words = sentence(Takings(found.taken[:1], np.array([[-1.0, 4.0]])))
    assert "red takes 3.00 of its own coins and 1.00 of the other's (own share 0.750), reward -1.00" in words
    assert "blue takes 4.00 of its own coins and 2.00 of the other's (own share 0.667), reward +4.00" in words


def test_learned_policies_are_counted_for_every_seed():
    config = ppo.Config(num_games=4, length=8, hidden=4)
    run = tacit.run(ppo.make, games.make("coin-pola", length=8), config, iterations=1, seeds=2)
    found = takings(run, num_games=16)
    assert found.taken.shape == (2, 2, 2)
    assert found.own_share.shape == (2,)
    assert (found.taken >= 0).all()
    assert found.taken.sum() > 0


def test_coins_are_counted_in_coin_games_only():
    run = tacit.run(naive.make, games.make("ipd"), naive.Config(), iterations=1)
    with pytest.raises(Misfit, match="in a coin game, not in MatrixGame"):
        takings(run)


def test_a_game_as_text():
    game = games.make("coin-pola", length=2)
    played, _ = random_play(game, 1)
    state = played.state._replace(
        player=jnp.array([[[0, 4]], [[1, 1]]]), coin=jnp.array([[[1, 9]], [[9, 8]]]), time=jnp.array([[0], [1]])
    )
    reward = jnp.array([[[-1.0, 1.0]], [[0.0, 0.0]]])
    shown = film(game, played._replace(state=state, action=jnp.array([[[0, 3]], [[2, 1]]]), reward=reward))
    assert as_text(shown).splitlines() == [
        "R    r    .     step 0",
        ".    B    .     red right, takes red, -1",
        ".    .    .     blue up, takes red, +1",
        "",
        ".    RB   .     step 1",
        ".    .    .     red down",
        ".    .    b     blue left",
    ]


def test_a_game_as_pictures():
    pytest.importorskip("matplotlib")
    from PIL import Image

    from tacit.runs import boards

    game = games.make("coin-pax", length=2, episodes=2)
    shown = film(game, random_play(game, 1)[0])
    assert boards.strip(shown).count("<svg") == 1
    assert boards.strip(shown, first=1, count=30) != boards.strip(shown)
    assert boards.strip(shown) == boards.strip(shown)  # equal pictures for equal games
    image = Image.open(boards.io.BytesIO(boards.animation(shown)))
    assert image.n_frames == 4
    assert image.info["duration"] == 500
