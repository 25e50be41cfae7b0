"""Evolution of memory-one players: encounters against the closed form, and what is known to win."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.errors import Misfit, SettingError
from tacit.evaluation import evolution
from tacit.evaluation.evolution import OTHER, Population, encounter, evolve, iterated, kinds
from tacit.evaluation.evolution_settings import KINDS, Config
from tacit.games.matrix import JOINT, MatrixGame
from tacit.learners import PLAYERS
from tacit.registry import load

SMALL = Config(players=20, generations=40, rows=4)
# R = 3, S = 0, T = 4, P = 1: mutual cooperation pays more than taking turns, so win-stay lose-shift can hold it
GENTLE = (3.0, 3.0, 0.0, 4.0, 4.0, 0.0, 1.0, 1.0)


def player(name):
    return jnp.array(load("player", PLAYERS, name).params, float)


@jax.jit
def met(mine, theirs, noise):
    return jnp.stack(encounter(games.make("ipd"), mine, theirs, noise))


def against(first, second, noise=0.0):
    return np.asarray(met(player(first), player(second), noise))


def test_encounters_pay_the_known_values():
    # closed form at discount 0.96: tit-for-tat, win-stay lose-shift and suspicious tit-for-tat
    assert against("tit-for-tat", "always-defect")[0] == pytest.approx(-2.04, abs=1e-5)
    assert against("always-defect", "tit-for-tat")[0] == pytest.approx(-1.92, abs=1e-5)
    assert against("win-stay-lose-shift", "always-defect")[0] == pytest.approx(-2.5102, abs=1e-4)
    assert against("tit-for-tat", "suspicious-tit-for-tat")[0] == pytest.approx(-1.5306, abs=1e-4)
    np.testing.assert_allclose(against("tit-for-tat", "always-defect")[1], 0.04, atol=1e-6)  # it starts with C


def test_noise_flips_actions():
    chance = {"C": 0.9, "D": 0.1}  # of mine, who means C; the other means D
    flipped = {"C": 0.1, "D": 0.9}
    pays = dict(zip(JOINT, (-1.0, -3.0, 0.0, -2.0), strict=True))
    expected = sum(chance[joint[0]] * flipped[joint[1]] * pays[joint] for joint in JOINT)
    np.testing.assert_allclose(against("always-cooperate", "always-defect", 0.1), [expected, 0.9], atol=1e-5)
    np.testing.assert_allclose(against("tit-for-tat", "win-stay-lose-shift", 0.5), [-1.5, 0.5], atol=1e-5)


def test_players_are_told_apart_by_the_nearest_classic():
    each = jax.jit(jax.vmap(lambda one: kinds(one[None])))
    found = np.asarray(each(jnp.stack([player(name) for name in KINDS])))
    np.testing.assert_array_equal(found, np.eye(len(KINDS) + 1)[: len(KINDS)])
    near = jnp.array([[0.05, 0.1, 0.0, 0.1, 1.0], [0.5, 0.5, 0.5, 0.5, 0.5], [0.95, 0.1, 0.1, 0.9, 0.0]])
    shares = dict(zip((*KINDS, OTHER), np.asarray(kinds(near)), strict=True))
    assert shares == {name: pytest.approx(1 / 3 if name in ("always-defect", "win-stay-lose-shift", OTHER) else 0)
                      for name in shares}  # fmt: skip


def test_a_population_of_one_kind_earns_what_it_earns_with_itself():
    config = dataclasses.replace(SMALL, start="tit-for-tat", mutation=0.0, noise=0.0)
    found = evolve(games.make("ipd"), config, 3)
    assert found.generation.tolist() == [0, 10, 20, 30, 40]
    np.testing.assert_allclose(found.payoff, -1.0, atol=1e-4)
    np.testing.assert_allclose(found.cooperation, 1.0, atol=1e-4)
    np.testing.assert_array_equal(found.kinds[:, :, KINDS.index("tit-for-tat")], 1.0)
    assert found.payoff.shape == (5, 3)
    assert found.players.shape == (3, 20, 5)


def mixed(share, strength, selection):
    """The share of defectors among 1000 cooperators and defectors after a generation of selection alone."""
    config = Config(players=1000, strength=strength, selection=selection, mutation=0.0, noise=0.0)
    many = int(1000 * share)
    everyone = jnp.concatenate([jnp.zeros((many, 5)), jnp.ones((1000 - many, 5))])
    pays = jnp.array([[-2.0, 0.0], [-3.0, -1.0]])  # defectors first
    who = (jnp.arange(1000) >= many).astype(int)
    population = Population(everyone, pays[who][:, who])
    step = jax.jit(lambda key: evolution._generation(key, games.make("ipd"), config, population))
    after = step(jax.random.key(0))
    copied = np.asarray(after.players[:, 0], int)
    np.testing.assert_allclose(after.payoffs, np.asarray(pays)[copied][:, copied], atol=1e-5)
    return 1 - float(after.players[:, 0].mean())


def test_selection_copies_what_earns_more():
    # defectors earn 1 more whatever the mixture is; three standard errors of a share of 1000 are 0.05
    for strength in (0.0, 1.0):
        odds = np.exp(strength)
        assert mixed(0.3, strength, "exponential") == pytest.approx(0.3 * odds / (0.3 * odds + 0.7), abs=0.05)
        copies = 1 / (1 + np.exp(-strength))
        expected = 0.3 - 0.3 * 0.7 * (1 - copies) + 0.7 * 0.3 * copies
        assert mixed(0.3, strength, "fermi") == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("step", [0.0, 0.5])
def test_payoffs_kept_from_generation_to_generation_are_those_of_the_players(step):
    config = dataclasses.replace(SMALL, mutation=1.0, step=step, strength=1.0)

    @jax.jit
    def live(key):
        game = games.make("ipd")
        players = evolution._first(key, config)
        both = evolution._all_pairs(lambda a, b: encounter(game, a, b, config.noise), players)
        generations = jax.random.split(key, 15)
        after = jax.lax.scan(
            lambda p, k: (evolution._generation(k, game, config, p), None), Population(players, both[0]), generations
        )[0]
        return after, evolution._all_pairs(lambda a, b: encounter(game, a, b, config.noise), after.players)[0]

    after, anew = live(jax.random.key(2))
    np.testing.assert_allclose(after.payoffs, anew, atol=1e-5)
    assert len(np.unique(after.players, axis=0)) > 3
    assert ((after.players >= 0) & (after.players <= 1)).all()


def test_win_stay_lose_shift_holds_a_gentle_dilemma_against_newcomers():
    # Nowak and Sigmund 1993: under noise it lasts where 2 R > T + P; always-cooperate is soon replaced
    config = dataclasses.replace(SMALL, players=30, generations=300, mutation=0.3, start="win-stay-lose-shift")
    found = evolve(games.make("ipd", payoff=GENTLE, discount=0.99), config, 4)
    assert found.kinds[-1, :, KINDS.index("win-stay-lose-shift")].mean() > 0.9
    assert found.cooperation[-1].mean() > 0.9
    naive = dataclasses.replace(config, start="always-cooperate")
    used = evolve(games.make("ipd", payoff=GENTLE, discount=0.99), naive, 4)
    assert used.kinds[-1, :, KINDS.index("always-cooperate")].mean() < 0.1


@pytest.mark.parametrize("name", ["imp", "chicken", "commons"])
def test_games_that_do_not_fit_are_refused(name):
    with pytest.raises(Misfit):
        iterated(games.make(name))


def test_settings_are_checked():
    for wrong in ({"noise": 0.6}, {"players": 1}, {"start": "nobody"}, {"selection": "best"}, {"mutation": -0.1}):
        with pytest.raises(SettingError, match=next(iter(wrong))):
            Config(**wrong)
    assert isinstance(iterated(games.make("iterated-chicken")), MatrixGame)
