"""Returns under interventions, exactly: against play, against known pairs, and what must be equal."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacit.errors import Misfit
from tacit.evaluation import planted_exact
from tacit.evaluation import planted_speakers as planted
from tacit.evaluation.message_meaning import declared, grounded_listener, reference
from tacit.evaluation.message_metrics import shares
from tacit.evaluation.table_audit import earned, returns

RNG = np.random.default_rng
HALVES = planted.halves()
GUESS = np.eye(8)[None]  # 1 for naming the state


def decoder(scene, speaker):
    """The listener that names the likeliest state given the message."""
    likeliest = (scene.state[..., None] * speaker).argmax(1)
    return np.eye(scene.state.shape[1])[likeliest]


def some_pair(seed):
    scene, generator = planted.scattered(RNG(seed)), RNG(seed + 1)
    contexts, states = scene.state.shape
    actions = 3
    speaker = shares(generator.exponential(size=(contexts, states, len(scene.meaning.claim))))
    listener = shares(generator.exponential(size=(contexts, len(scene.meaning.claim), actions)))
    return scene, speaker, listener, generator.normal(size=(contexts, states, actions))


def test_a_full_code_in_the_wording_is_worth_what_it_tells():
    """A state of eight is told; a claim alone leaves four, any one wording of it one of these by luck."""
    speaker = planted.wording_code(HALVES)
    found = returns(HALVES.state, speaker, decoder(HALVES, speaker), GUESS, HALVES.meaning)
    assert found.natural == 1.0
    assert found.canonical == found.reworded == found.literal == 0.25
    assert found.mute == 0.125
    assert found.grounded == 0.25  # says what is true in a random wording, and is misread
    assert found.wording_share == found.convention_share == pytest.approx(0.75 / 0.875)


def test_a_literal_pair_rests_on_nothing_else():
    speaker = planted.honest(HALVES)
    literal = grounded_listener(HALVES.state, HALVES.meaning, GUESS)
    found = returns(HALVES.state, speaker, literal, GUESS, HALVES.meaning)
    assert found.wording_share == found.convention_share == 0.0
    assert found.natural == found.grounded == pytest.approx(0.25)


def test_partners_who_mean_the_opposite():
    lies, found = planted_exact.inverted()
    assert lies == 1.0
    assert (found.natural, found.literal, found.mute) == (1.0, -0.5, 0.25)
    assert found.convention_share == 2.0
    assert found.wording_share == 0.0


def test_a_channel_that_is_worth_nothing_has_no_shares():
    deaf = np.full((1, 8, 8), 1 / 8)
    found = returns(HALVES.state, planted.honest(HALVES), deaf, GUESS, HALVES.meaning)
    assert found.natural == found.mute == 0.125
    assert np.isnan(found.wording_share)
    assert np.isnan(found.convention_share)


@given(st.integers(0, 10**6))
def test_interventions_do_what_they_are_called(seed):
    scene, speaker, listener, payoff = some_pair(seed)
    found = returns(scene.state, speaker, listener, payoff, scene.meaning)
    claim = scene.meaning.claim
    first = np.array([np.flatnonzero(claim == claim[m])[0] for m in range(len(claim))])
    assert found.canonical == pytest.approx(earned(scene.state, speaker, listener[:, first], payoff))
    permuted, generator = [], RNG(seed)
    for turn in range(60):  # a listener under new names for the wordings; rotations average to any wording
        names = np.arange(len(claim))
        for each in range(claim.max() + 1):
            forms = np.flatnonzero(claim == each)
            names[forms] = np.roll(forms, turn)
        permuted.append(earned(scene.state, speaker, listener[:, names], payoff))
    assert found.reworded == pytest.approx(np.mean(permuted))  # 60 turns are whole rounds of 1 to 4 wordings
    assert found.grounded == pytest.approx(earned(scene.state, reference(scene.state, scene.meaning), listener, payoff))
    for _ in range(5):  # nobody without messages does better
        fixed = shares(generator.exponential(size=(len(payoff), 1, payoff.shape[2])))
        assert earned(scene.state, speaker, np.repeat(fixed, len(claim), 1), payoff) <= found.mute + 1e-9


@given(st.integers(0, 10**6), st.floats(0.1, 10.0))
def test_what_is_paid_is_what_is_played(seed, scale):
    scene, speaker, listener, payoff = some_pair(seed)
    by_hand = sum(
        scene.state[o, x] * speaker[o, x, m] * listener[o, m, a] * payoff[o, x, a]
        for o, x, m, a in np.ndindex(*speaker.shape, payoff.shape[2])
    )
    assert earned(scale * scene.state, speaker, listener, payoff) == pytest.approx(by_hand)


def test_a_state_without_a_true_message_is_refused():
    meaning = declared(np.array([[[1.0, 0.0]]]), np.array([0]))
    with pytest.raises(Misfit, match="state 1"):
        returns(np.full((1, 2), 0.5), np.ones((1, 2, 1)), np.ones((1, 1, 2)), np.zeros((1, 2, 2)), meaning)
