"""Our matches against the Axelrod library's: recorded scores everywhere, live ones where the library is installed."""

import functools
import pathlib

import jax.numpy as jnp
import numpy as np
import pytest

from tacit.errors import InputError, SettingError
from tacit.evaluation.rules import Rules, Tournament
from tacit.evaluation.tournament import Entrant, exact_scores, memory_one, played_scores
from tacit.interop import axelrod
from tacit.learners import PLAYERS
from tacit.learners.axelrod_first import FIRST_TOURNAMENT
from tacit.learners.scripted import MEMORY_ONE, known
from tacit.registry import load
from tacit.runs import tournament

REWARDS = (3.0, 0.0, 5.0, 1.0)
TABLE = pathlib.Path(__file__).with_name("axelrod_scores.txt")
live = pytest.mark.skipif(not axelrod.available(), reason="the Axelrod library is not installed (pip install axelrod)")


@functools.cache
def recorded():
    """Whole scores of sure pairs, and (noise, mean, error, mean, error) of chancy ones."""
    sure, chancy = {}, {}
    for line in TABLE.read_text().splitlines():
        if not line.startswith("#"):
            one, other, *numbers = line.split()
            if len(numbers) == 2:
                sure[one, other] = tuple(map(int, numbers))
            else:
                chancy[one, other] = tuple(map(float, numbers))
    return sure, chancy


def test_there_are_enough_pairs():
    sure, chancy = recorded()
    assert len(sure) >= 150
    assert len(chancy) >= 20


def entrant(name, turns=200):
    player = load("player", PLAYERS, name)
    return Entrant(name, player.policy, known(player, turns, REWARDS))


def test_sure_pairs_score_exactly_as_recorded():
    sure, _ = recorded()
    names = sorted({name for pair in sure for name in pair})
    assert len(sure) == len(names) * (len(names) + 1) / 2
    scores = played_scores(REWARDS, [entrant(name) for name in names], Rules(repetitions=1))[0, 0] * 200
    for (one, other), wanted in sure.items():
        i, j = names.index(one), names.index(other)
        found = (scores[i, j], scores[j, i]) if one != other else (scores[i, i],) * 2
        assert found == pytest.approx(wanted, abs=1e-3), (one, other)


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.05])
def test_chancy_pairs_score_as_recorded_within_sampling_error(noise):
    pairs = {pair: found[1:] for pair, found in recorded()[1].items() if found[0] == noise}
    names = sorted({name for pair in recorded()[1] for name in pair})
    scores = played_scores(REWARDS, [entrant(name) for name in names], Rules(repetitions=60, noise=noise))[0] * 200
    for (one, other), wanted in pairs.items():
        i, j = names.index(one), names.index(other)
        for played, mean, error in ((scores[:, i, j], *wanted[:2]), (scores[:, j, i], *wanted[2:])):
            ours = played.std(ddof=1) / len(played) ** 0.5
            assert abs(played.mean() - mean) < 4 * np.hypot(error, ours) + 1e-3, (one, other)


def test_the_closed_form_scores_as_recorded():
    names = ("tit-for-tat", "win-stay-lose-shift")
    rules = Rules(noise=0.05)
    exact = exact_scores(REWARDS, memory_one([entrant(name) for name in names]), rules) * 200
    for i, name in enumerate(names):
        _, mean, error, other, other_error = recorded()[1][name, name]
        assert abs(exact[i, i] - (mean + other) / 2) < 4 * max(error, other_error)


@pytest.mark.skipif(axelrod.available(), reason="the Axelrod library is installed here")
def test_what_is_missing_is_said():
    with pytest.raises(InputError, match="pip install axelrod"):
        axelrod.library()
    with pytest.raises(InputError, match="pip install axelrod"):
        axelrod.foreign("axelrod:TitForTat")


@live
def test_names_of_strategies():
    assert axelrod.foreign("axelrod:TitForTat").name == "axelrod:TitForTat"
    with pytest.raises(SettingError, match="did you mean TitForTat"):
        axelrod.foreign("axelrod:TitForTta")


@live
def test_our_players_in_matches_of_the_library():
    """Two of ours, played by the library, score as when we play them."""
    names = ("nydegger", "grudger", "tit-for-tat", "downing")
    ours = [entrant(name, 60) for name in names]
    rules = Rules(turns=60, repetitions=1)
    scores = played_scores(REWARDS, ours, rules)[0, 0]
    for i in range(len(ours)):
        for j in range(i + 1, len(ours)):
            found = axelrod.match_scores((ours[i], ours[j]), REWARDS, rules, [0])
            assert found[0] == pytest.approx((scores[i, j], scores[j, i]), abs=1e-6)


@live
def test_start_probabilities_come_from_the_players_own_generator():
    shy = Entrant("shy", MEMORY_ONE, jnp.array([1.0, 0, 1, 0, 0.25]))
    good = entrant("always-cooperate")
    found = axelrod.match_scores((shy, good), REWARDS, Rules(turns=1), range(400))
    assert np.mean(found[:, 0] == 3) == pytest.approx(0.25, abs=0.08)
    np.testing.assert_array_equal(found, axelrod.match_scores((shy, good), REWARDS, Rules(turns=1), range(400)))


@live
def test_our_players_in_a_tournament_of_the_library():
    axl = axelrod.library()
    players = [axelrod.as_player(entrant(name)) for name in ("tit-for-tat", "grudger")] + [axl.Defector()]
    played = axl.Tournament(players, turns=10, repetitions=2, seed=1).play(progress_bar=False)
    assert played.ranked_names[-1] == "Defector"
    assert played.scores[:2] == [[39, 39], [39, 39]]


@live
def test_strategies_of_the_library_in_our_tournaments():
    words = ("tit-for-tat", "axelrod:TitForTat", "axelrod:FirstByJoss", "joss")
    plan = Tournament(entrants=words, turns=50, repetitions=30)
    found = tournament.tournament(plan, 1, 0, print)
    scores = np.array(found["scores"])
    at = {name: i for i, name in enumerate(found["names"])}
    assert scores[at["tit-for-tat"], at["axelrod:TitForTat"]] == 3
    ours, theirs = scores[at["joss"], at["tit-for-tat"]], scores[at["axelrod:FirstByJoss"], at["axelrod:TitForTat"]]
    assert ours == pytest.approx(theirs, abs=0.3)
    assert set(FIRST_TOURNAMENT) >= {"joss", "tit-for-tat"}
