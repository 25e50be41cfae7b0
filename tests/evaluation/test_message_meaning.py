"""The parts of what messages tell: an identity that holds for every speaker, cases in closed form, and listeners."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tacit.errors import InputError, Misfit
from tacit.evaluation import message_meaning as meanings
from tacit.evaluation.message_meaning import decompose

EXACT = 1e-9
RNG = np.random.default_rng
WORDINGS = np.repeat([0, 1], 4)  # two claims in four wordings each
HALVES = meanings.declared(np.array([[[1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1, 1]]]), WORDINGS)
HONEST = np.where(HALVES.true, 1 / 4, 0.0) / 8
CODED = np.where(HALVES.true & (np.arange(8)[:, None] % 4 == np.arange(8) % 4), 1.0, 0.0) / 8


def random_world(seed, truthful, graded=False):
    """What is declared, and p(o, x, m) of a speaker: 2 public states, 5 private ones, 4 claims, 7 messages."""
    generator = RNG(seed)
    literal = (generator.random((2, 4, 5)) < 0.5).astype(float)
    if graded:
        literal *= generator.random(literal.shape)
    literal[:, 0] = 1.0  # one claim says nothing and is always true
    meaning = meanings.declared(literal, generator.permutation([0, 1, 2, 3, 1, 2, 2]))
    weights = generator.exponential(size=(2, 5, 7)) * (generator.random((2, 5, 7)) < 0.8)
    return meaning, np.where(meaning.true, weights + 1e-3, 0.0 if truthful else weights)


def divergence(joint, meaning, mix):
    """E KL(b || b_lit), message by message."""
    joint, total = joint / joint.sum(), 0.0
    for o in range(joint.shape[0]):
        prior = joint[o].sum(1) / joint[o].sum()
        for m in np.flatnonzero(joint[o].sum(0)):
            literal = prior * meaning.literal[o, meaning.claim[m]]
            literal = literal / literal.sum() if literal.sum() else prior
            believed = joint[o, :, m] / joint[o, :, m].sum()
            total += joint[o, :, m].sum() * stats.entropy(believed, (1 - mix) * literal + mix * prior, base=2)
    return total


@pytest.mark.parametrize("graded", [False, True])
@pytest.mark.parametrize("truthful", [True, False])
@given(seed=st.integers(0, 10_000))
def test_the_parts_are_the_whole(truthful, graded, seed):
    meaning, joint = random_world(seed, truthful, graded)
    found = decompose(joint, meaning)
    mix = 0.0 if truthful else meanings.MIX
    assert found.lies == pytest.approx(0.0 if truthful else joint[~meaning.true].sum() / joint.sum(), abs=EXACT)
    assert found.information == pytest.approx(found.literal + found.wording + found.selection, abs=1e-12)
    assert found.wording + found.selection == pytest.approx(divergence(joint, meaning, mix), abs=1e-12)
    assert found.claims == pytest.approx(found.literal + found.selection, abs=1e-12)
    assert min(found.wording, found.selection) >= -1e-12
    assert found.wording <= found.wording_room + 1e-12
    assert found.claims <= found.claims_room + 1e-12


@given(seed=st.integers(0, 10_000))
def test_the_reference_speaker_has_no_wording_and_no_excess(seed):
    meaning, joint = random_world(seed, truthful=True)
    state = joint.sum(-1)
    speaker = meanings.reference(state, meaning)
    np.testing.assert_allclose(speaker.sum(-1), 1.0)
    found = decompose(state[..., None] * speaker, meaning)
    assert found.excess == pytest.approx(0.0, abs=EXACT)
    assert found.wording == pytest.approx(0.0, abs=EXACT)
    other = decompose(joint, meaning)  # and another speaker's excess is over that
    convention = other.wording + other.selection - found.wording - found.selection
    assert other.excess == pytest.approx(convention, abs=EXACT)


def test_honest_and_coded_speakers_in_closed_form():
    honest = decompose(HONEST, HALVES)
    assert [float(part) for part in honest] == pytest.approx([1, 1, 0, 0, 0, 1, 2, 1, 0], abs=EXACT)
    coded = decompose(CODED, HALVES)
    assert [float(part) for part in coded] == pytest.approx([3, 1, 2, 0, 2, 1, 2, 1, 0], abs=EXACT)
    tenth = decompose(0.9 * HONEST + 0.1 * CODED, HALVES)
    known = 2 - stats.entropy([0.325, 0.225, 0.225, 0.225], base=2)
    assert tenth.wording == pytest.approx(known, abs=EXACT) == tenth.excess
    many = decompose(np.stack([HONEST, CODED]), HALVES)
    np.testing.assert_allclose(many.wording, [0, 2], atol=EXACT)


def test_an_honest_choice_tells_something_too():
    """Of two states the first alone is red: who may say "red" or nothing, and says nothing, is perhaps not red."""
    meaning = meanings.declared(np.array([[[1, 1], [1, 0]]]), np.array([0, 1]))
    found = decompose(np.array([[[0.25, 0.25], [0.5, 0.0]]]), meaning)
    assert found.literal == pytest.approx(0.25 * 1.0, abs=EXACT)  # "red" leaves one of two
    silent = 0.75 * (1 - stats.entropy([1 / 3, 2 / 3], base=2))
    assert found.selection == pytest.approx(silent, abs=EXACT)
    assert found.excess == pytest.approx(0.0, abs=EXACT)  # that is what the reference speaker does
    always = decompose(np.array([[[0.0, 0.5], [0.5, 0.0]]]), meaning)  # red is always said: silence is "not red"
    assert (always.information, always.literal) == pytest.approx((1.0, 0.5), abs=EXACT)
    assert always.excess == pytest.approx(0.5 - silent, abs=EXACT)


def test_lies_are_counted_and_make_conventions_of_any_size():
    inverted = HONEST[:, ::-1]  # says the other half, always
    found = decompose(inverted, HALVES)
    assert (found.lies, found.information) == pytest.approx((1.0, 1.0), abs=EXACT)
    assert found.literal == pytest.approx(np.log2(meanings.MIX), abs=EXACT)  # worse than nothing
    assert found.selection == pytest.approx(1 - np.log2(meanings.MIX), abs=EXACT)
    unmixed = decompose(inverted, HALVES, mix=0.0)
    assert unmixed.literal == -np.inf
    assert unmixed.selection == np.inf
    twentieth = decompose(0.95 * HONEST + 0.05 * inverted, HALVES)
    assert twentieth.lies == pytest.approx(0.05, abs=EXACT)


def test_a_claim_that_nothing_satisfies_says_nothing():
    meaning = meanings.declared(np.array([[[1, 1], [0, 0]]]), np.array([0, 1]))
    found = decompose(np.array([[[0.5, 0.0], [0.0, 0.5]]]), meaning)
    assert (found.literal, found.lies, found.selection) == pytest.approx((0.0, 0.5, 1.0), abs=EXACT)


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_samples_tell_what_the_tables_do(share):
    joint = (1 - share) * HONEST + share * CODED
    exact = decompose(joint, HALVES)
    counts = RNG(2).multinomial(2000, joint.ravel()).reshape(joint.shape)
    found = meanings.parts_from(counts, HALVES, draws=200)
    plain = decompose(counts, HALVES)
    for name in exact._fields:
        one, truth = getattr(found, name), float(getattr(exact, name))
        assert one.samples == 2000
        assert one.plain == pytest.approx(float(getattr(plain, name)), abs=1e-12)
        assert one.low - EXACT <= truth <= one.high + EXACT, name
    assert abs(found.wording.corrected - exact.wording) < abs(found.wording.plain - exact.wording)


def test_a_single_lie_does_not_move_the_others():
    counts = (HONEST * 3200).astype(int)
    counts[0, 0, 7] = 1
    found = meanings.parts_from(counts, HALVES, draws=50)
    assert found.lies.plain == pytest.approx(1 / 3201)
    assert found.literal.corrected == pytest.approx(found.literal.plain, abs=0.01)  # not infinite, nor far


def test_listeners_that_read_the_form_and_listeners_that_do_not():
    said = HONEST.sum(1)
    copies, deaf = np.eye(8)[None], np.full((1, 8, 3), 1 / 3)
    literal = np.eye(2)[WORDINGS][None]
    assert meanings.wording_influence(said, copies, HALVES) == pytest.approx(2.0, abs=EXACT)
    assert meanings.wording_influence(said, deaf, HALVES) == pytest.approx(0.0, abs=EXACT)
    assert meanings.wording_influence(said, literal, HALVES) == pytest.approx(0.0, abs=EXACT)
    first_only = np.where(WORDINGS[:, None] == 0, np.eye(8), np.eye(8)[7])[None]  # reads the forms of one claim
    one_sided = np.array([[0.1] * 4 + [0.15] * 4])
    assert meanings.wording_influence(one_sided, first_only, HALVES) == pytest.approx(0.4 * 2.0, abs=EXACT)


def test_a_grounded_listener_takes_claims_at_their_word():
    state = np.array([[3, 1, 1, 1, 1, 1, 1, 1]]) / 10
    listener = meanings.grounded_listener(state, HALVES, np.eye(8)[None])
    np.testing.assert_allclose(listener[0, :4], np.eye(8)[[0, 0, 0, 0]])  # likeliest of the half that is claimed
    np.testing.assert_allclose(listener[0, 4:], np.tile([0, 0, 0, 0, 1 / 4, 1 / 4, 1 / 4, 1 / 4], (4, 1)))
    said = HONEST.sum(1)
    hedge = stats.entropy(listener[0, 0], 0.99 * listener[0, 0] + 0.01 / 8, base=2)
    own = meanings.grounded_gap(said, listener, listener)
    assert 0 <= own <= hedge + EXACT  # nothing but the hedge
    reads = np.eye(8)[None]  # a listener to the code
    assert meanings.grounded_gap(said, reads, listener) > 1.0
    assert meanings.grounded_gap(said, reads, listener, mix=0.0) == np.inf


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(Misfit, match="how far a claim is true must be 0 to 1, got 0 to 2"):
        meanings.declared(np.array([[[0, 2]]]), np.array([0]))
    with pytest.raises(Misfit, match="messages must make claims 0 to 1, got 0 to 2"):
        meanings.declared(np.ones((1, 2, 2)), np.array([0, 2]))
    mute = meanings.declared(np.array([[[1, 0]]]), np.array([0]))
    with pytest.raises(Misfit, match=r"state 1 \(public 0\) has no true message; declare one"):
        decompose(np.array([[[0.5], [0.5]]]), mute)
    assert decompose(np.array([[[1.0], [0.0]]]), mute).literal == 0.0  # it never happens
    with pytest.raises(InputError, match="2 samples or more, got 1"):
        meanings.parts_from(np.array([[[1], [0]]]), mute)
