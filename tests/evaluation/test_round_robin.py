"""Round robins: closed form against play and against a plain loop, endings, noise, twins, places, ecology."""

import functools

import hypothesis
import hypothesis.extra.numpy as arrays
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import strategies as st

from tacit import games
from tacit.errors import InputError, Misfit, SettingError
from tacit.evaluation import tournament
from tacit.evaluation.rules import Rules
from tacit.evaluation.standings import ecology, standings
from tacit.evaluation.tournament import Entrant, exact_scores, memory_one, own_rewards, played_scores
from tacit.games.matrix import SWAPPED
from tacit.learners import PLAYERS
from tacit.learners.tabular import TABULAR
from tacit.registry import load

REWARDS = (3.0, 0.0, 5.0, 1.0)


def entrant(name):
    player = load("player", PLAYERS, name)
    return Entrant(name, player.policy, jnp.array(player.params, float))


def entrants(*names):
    return [entrant(name) for name in names]


def plain(mine, theirs, turns, noise=0.0, ending=0.0, rewards=REWARDS):
    """The same expectation as a reader of the formula would write it."""
    p, q = ((1 - noise) * x + noise * (1 - x) for x in (np.asarray(mine), np.asarray(theirs)[list(SWAPPED)]))
    after = np.stack([p * q, p * (1 - q), (1 - p) * q, (1 - p) * (1 - q)], 1)
    weights = (1 - ending) ** np.arange(turns)
    outcomes = [after[4] @ np.linalg.matrix_power(after[:4], t) for t in range(turns)]
    return float(weights @ (np.array(outcomes) @ np.array(rewards)) / weights.sum())


chance = st.floats(0, 1, width=32)


@hypothesis.given(
    arrays.arrays(np.float64, (2, 5), elements=chance), st.sampled_from([0.0, 0.05, 0.5]), st.sampled_from([0.0, 0.1])
)
def test_the_closed_form_is_the_sum_over_turns(chances, noise, ending):
    found = exact_scores(REWARDS, chances, Rules(turns=30, noise=noise, ending=ending))
    wanted = [[plain(mine, theirs, 30, noise, ending) for theirs in chances] for mine in chances]
    np.testing.assert_allclose(found, wanted, atol=2e-5)


def test_known_scores():
    """Ten turns by hand, in units of a tenth of a point."""
    names = ("always-cooperate", "always-defect", "tit-for-tat", "suspicious-tit-for-tat", "alternator")
    wanted = np.array(
        [
            [30, 0, 30, 27, 15],
            [50, 10, 14, 10, 30],
            [30, 9, 30, 25, 23],
            [32, 10, 25, 10, 25],
            [40, 5, 28, 25, 20],
        ]
    )  # fmt: skip
    found = exact_scores(REWARDS, memory_one(entrants(*names)), Rules(turns=10))
    np.testing.assert_allclose(found, wanted / 10, atol=1e-6)
    played = played_scores(REWARDS, entrants(*names), Rules(turns=10, repetitions=2))
    assert played.shape == (1, 2, 5, 5)
    np.testing.assert_array_equal(np.rint(played * 10), np.broadcast_to(wanted, played.shape))


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_play_agrees_with_the_closed_form(noise):
    random = entrants("joss", "generous-tit-for-tat", "random", "extortion-2", "tit-for-tat", "always-defect")
    rules = Rules(turns=8, repetitions=1500, noise=noise)
    played = played_scores(REWARDS, random, rules)[0]
    error = played.std(axis=0) / len(played) ** 0.5
    assert (np.abs(played.mean(axis=0) - exact_scores(REWARDS, memory_one(random), rules)) < 4 * error + 1e-5).all()


def test_endings_are_geometric():
    """Tit-for-tat against a defector has (turns - 1) / turns by turn, which tells the length of every match."""
    pair = entrants("tit-for-tat", "always-defect")
    scores = played_scores(REWARDS, pair, Rules(turns=8, repetitions=3000, ending=0.5))[0]
    lengths = np.rint(1 / (1 - scores[:, 0, 1])).astype(int)
    shares = np.bincount(lengths, minlength=9)[1:] / len(lengths)
    wanted = 0.5 ** np.array([1, 2, 3, 4, 5, 6, 7, 7])  # what would be longer is cut
    np.testing.assert_allclose(shares, wanted, atol=0.03)
    np.testing.assert_allclose(scores[:, 1, 0], (lengths + 4) / lengths)  # both players' match ends at once


def test_rewards_are_seen_from_both_sides():
    """The two players of a match share its randomness: their scores by turn belong to one sequence of outcomes."""
    pair = entrants("random", "joss")
    played = np.rint(played_scores(REWARDS, pair, Rules(turns=7, repetitions=50)) * 7)[0]
    one, other = played[:, 0, 1], played[:, 1, 0]
    assert ((one - other) % 5 == 0).all()  # they differ by 5 for each lone defection
    assert len(np.unique(one - other)) > 2


def test_a_noisy_match_flips_what_was_chosen():
    always = entrants("always-cooperate", "always-defect")
    flipped = played_scores(REWARDS, always, Rules(turns=5, repetitions=1, noise=1.0))[0, 0]
    np.testing.assert_allclose(flipped, [[1, 5], [0, 3]])  # each does the opposite of its rule
    slips = played_scores(REWARDS, always, Rules(turns=200, repetitions=50, noise=0.25))[0].mean(axis=0)
    np.testing.assert_allclose(slips, exact_scores(REWARDS, memory_one(always), Rules(noise=0.25)), atol=0.05)


def test_tournaments_do_not_depend_on_how_many_are_played(monkeypatch):
    three = entrants("random", "joss", "grudger")
    rules = Rules(turns=20, repetitions=2)
    many = played_scores(REWARDS, three, rules, tournaments=3, seed=4)
    np.testing.assert_array_equal(played_scores(REWARDS, three, rules, tournaments=2, seed=4), many[:2])
    assert not np.array_equal(many[0], many[1])
    assert not np.array_equal(played_scores(REWARDS, three, rules, seed=5)[0], many[0])
    monkeypatch.setattr(tournament, "SEATS", 4 * 12)  # four lanes at a time
    np.testing.assert_array_equal(played_scores(REWARDS, three, rules, tournaments=3, seed=4), many)


def test_entrants_with_one_policy_share_a_program():
    """Scores do not depend on the order of entrants, whose kinds are mixed here."""
    names = ("grudger", "tit-for-tat", "tit-for-two-tats", "always-defect", "go-by-majority", "alternator")
    rules = Rules(turns=12, repetitions=1)
    scores = played_scores(REWARDS, entrants(*names), rules)[0, 0]
    assert np.rint(12 * scores[:2, :2]).tolist() == [[36, 36], [36, 36]]  # the grudger and tit-for-tat are at peace,
    assert np.rint(12 * scores[3, :3]).tolist() == [16, 16, 20]  # and the defector gains once, against the third twice
    turned = played_scores(REWARDS, entrants(*names[::-1]), rules)[0, 0]
    np.testing.assert_array_equal(scores, turned[::-1, ::-1])


def test_policies_without_memory_have_a_closed_form():
    logits = jnp.array([2.0, -1.0, 0.5, 0.0, -3.0])
    both = [Entrant("learned", TABULAR, logits), entrant("joss")]
    found = memory_one(both)
    np.testing.assert_allclose(found[0], jax.nn.sigmoid(logits), rtol=1e-5)
    np.testing.assert_allclose(found[1], [0.9, 0, 0.9, 0, 1], rtol=1e-6)
    with pytest.raises(Misfit, match="grudger remembers more than one round"):
        memory_one(entrants("tit-for-tat", "grudger"))


def test_games_that_fit():
    assert own_rewards(games.make("axelrod-ipd")) == REWARDS
    assert own_rewards(games.make("ipd")) == (-1, -3, 0, -2)
    with pytest.raises(Misfit, match="both players have the same payoffs"):
        own_rewards(games.make("imp"))
    with pytest.raises(Misfit, match="not in Commons"):
        own_rewards(games.make("commons"))


def test_refused_rules():
    for options in ({"turns": 0}, {"noise": -0.1}, {"ending": 1.0}, {"repetitions": 0}):
        with pytest.raises(SettingError, match=next(iter(options))):
            Rules(**options)
    with pytest.raises(InputError, match="needs entrants"):
        played_scores(REWARDS, [], Rules())


def test_places():
    """Two tournaments of three repetitions: medians decide, twins count only where asked, equals share a place."""
    scores = np.zeros((2, 3, 3, 3))
    scores[:, :, 0] = 2.0
    scores[0, :, 1, 0], scores[0, :, 1, 2] = [9.0, 1.0, 1.0], [9.0, 1.0, 1.0]  # the best mean, but not median
    scores[1, :, 1] = 2.0
    scores[:, :, 2, 2] = 100.0
    found = standings(["a", "b", "c"], scores)
    assert found.scores.shape == (2, 3, 3)
    assert found.places.tolist() == [[1, 2, 3], [1, 1, 3]]
    assert found.order == (0, 1, 2)
    assert standings(["a", "b", "c"], scores, twins=True).places[0].tolist() == [2, 3, 1]


@functools.cache
def chances():
    return np.random.default_rng(0).random((4, 4))


def test_ecology():
    payoffs = chances()
    path = ecology(payoffs, 50)
    assert path.shape == (51, 4)
    np.testing.assert_allclose(path.sum(axis=1), 1)
    np.testing.assert_allclose(path[1], payoffs.mean(axis=1) / payoffs.mean(axis=1).sum())
    np.testing.assert_allclose(ecology(payoffs * 7, 50), path)  # the scale of payoffs does not matter
    np.testing.assert_allclose(ecology(payoffs, 3, np.array([1, 0, 0, 0]))[3], [1, 0, 0, 0])
    dilemma = np.array([[3.0, 0.0], [5.0, 1.0]])
    assert ecology(dilemma, 200)[-1][1] > 0.999  # defectors take over
    with pytest.raises(Misfit, match="must not be negative"):
        ecology(-dilemma, 3)
