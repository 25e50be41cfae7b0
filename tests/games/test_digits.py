"""The games of pairs of digits: payoffs against the published formula, known optima, images and their files."""

import gzip
import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games
from tacit.errors import InputError, Misfit, SettingError
from tacit.evaluation import digits
from tacit.games import digit_images
from tacit.games.color_digit import ColoredImages
from tacit.games.digit_images import images
from tacit.types import Action, Policy

pytestmark = pytest.mark.usefixtures("strict")
KEY = jax.random.key(0)


def one_of_each():
    """The number of an image of each digit."""
    return [int(np.argmax(images("", "training").digit == d)) for d in range(10)]


def test_the_small_images_are_split_once_and_for_all():
    seen, unseen = images("", "training"), images("", "unseen")
    assert seen.pixels.shape == (1500, 8, 8)
    assert unseen.pixels.shape == (297, 8, 8)
    assert seen.pixels.max() == seen.brightest == 16
    both = np.concatenate([seen.digit, unseen.digit])
    counts = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]  # the reference's
    np.testing.assert_array_equal(np.bincount(both), counts)
    assert (both % 2).mean() == pytest.approx(0.5042, abs=5e-5)
    np.testing.assert_array_equal(np.bincount(unseen.digit), [30, 33, 26, 28, 30, 27, 32, 25, 30, 36])
    apart = {image.tobytes() for image in unseen.pixels}
    assert not apart & {image.tobytes() for image in seen.pixels}  # no image is in both


def test_color_digit_pays_the_published_formula():
    game, image = games.make("color-digit"), one_of_each()

    def published(d1, d2, c1, c2, a1, a2):
        r1 = 2 * (-1) ** (a1 + c1 + d2) + (-1) ** (a1 + d1 + c2)
        return r1 + 2 * (-1) ** (a2 + c2 + d1) + (-1) ** (a2 + d2 + c1)

    cases = np.array(list(itertools.product(range(10), range(10), *4 * [(0, 1)])), np.int32)
    level = ColoredImages(jnp.array(image, jnp.int32)[cases[:, :2]], jnp.array(cases[:, 2:4]))
    paid = jax.jit(jax.vmap(game.pays))(level, jnp.array(cases[:, 4:]))
    np.testing.assert_array_equal(paid, [published(*map(int, case)) for case in cases])
    assert (np.min(paid), np.max(paid)) == game.spec.reward_range


def test_only_the_last_step_pays_and_both_alike():
    game = games.make("multi-step-digits")
    state = game.reset(KEY, jnp.array(one_of_each(), jnp.int32)[jnp.array([3, 8])])
    for time, (move, paid) in enumerate([((8, 3), 0), ((8, 3), 0), ((8, 3), 0), ((8, 3), 0), ((8, 5), 0.5)]):
        state, outcome = game.step(KEY, state, Action(jnp.array(move, jnp.int32), jnp.zeros((2, 1))))
        np.testing.assert_array_equal(outcome.reward, [paid, paid])
        assert outcome.terminated == (time == 4)


def test_each_hears_the_other_a_step_later_and_nobody_where_nobody_talks():
    said = jnp.array([[0.25, 1.0], [0.75, 0.0]])
    for talk in (True, False):
        game = games.make("multi-step-digits", length=2, bits=2, talk=talk)
        state = game.reset(KEY)
        first = game.observe(state)
        assert game.legal(state).message.all()
        state, _ = game.step(KEY, state, Action(jnp.zeros(2, jnp.int32), said))
        second = game.observe(state)
        assert not game.legal(state).message.any()  # it would come too late
        assert (first.message == 0.5).all()
        assert not first.received.any()
        np.testing.assert_array_equal(second.message, said[::-1] if talk else 0.5 * jnp.ones((2, 2)))
        assert (second.received == float(talk)).all()


def test_the_image_is_shown_in_its_color_alone():
    game = games.make("color-digit")
    seen = game.observe(game.reset(KEY, ColoredImages(jnp.array([7, 9]), jnp.array([1, 0])))).view
    pixels = images("", "training").pixels / 16
    np.testing.assert_array_equal(seen[0, 1], pixels[7])
    np.testing.assert_array_equal(seen[1, 0], pixels[9])
    assert not seen[0, 0].any()
    assert not seen[1, 1].any()


class Known(NamedTuple):
    """What a player knows: its digit and color, the step, and the bits that it heard as a number."""

    digit: int
    color: int
    time: int
    heard: int


def knowing(game, says, does):
    """A player who reads digits without fail: `says` and `does` map what it knows to a bit and a move."""
    pixels, digit = game.images.pixels.reshape(len(game.images.digit), -1), game.images.digit

    def act(key, params, carry, obs, legal, fresh, given=None):
        view = obs.view.reshape(-1, *game.images.pixels.shape[1:])
        color = jnp.argmax(view.sum((1, 2))).astype(jnp.int32)
        which = jnp.argmin(
            jnp.abs(pixels.astype(np.float32) / game.images.brightest - view.sum(0).ravel()[None]).sum(1)
        )
        time = jnp.where(fresh, 0, carry[0])
        past = jnp.where(fresh, 0, carry[1]) * 2 + jnp.where(obs.received[0] > 0, obs.message[0], 0.0).astype(jnp.int32)
        known = Known(jnp.asarray(digit.astype(np.int32))[which], color, time, past)
        bit = jnp.full(game.bits, says(known) & 1, jnp.float32)
        return (time + 1, past), Action(does(known).astype(jnp.int32), bit), ()

    return Policy(lambda: (jnp.int32(0), jnp.int32(0)), act)


def earned(name, says, does, partners, **rules):
    game = games.make(name, part="unseen", **rules)
    player = knowing(game, says, does)
    return jax.jit(lambda: digits.score(game, (player, player), ((), ()), partners)[0])()


@pytest.mark.parametrize(
    ("says", "does", "worth"),
    [
        (lambda known: known.digit, lambda known: (known.color + known.heard) & 1, 4.0),
        (lambda known: known.color, lambda known: (known.digit + known.heard) & 1, 2.0),
    ],
    ids=["parity", "color"],
)
def test_what_protocols_of_color_digit_earn(says, does, worth):
    # Strong terms that are guessed cancel over the colors of all pairs, so these are exact.
    assert earned("color-digit", says, does, 16) == pytest.approx(worth, abs=1e-5)


def test_four_bits_spell_a_digit():
    spell = earned("multi-step-digits", lambda known: known.digit >> (3 - known.time), lambda known: known.heard, 16)
    assert spell == pytest.approx(1.0)


def said(name, says, **rules):
    game = games.make(name, part="unseen", **rules)
    player = knowing(game, says, lambda known: known.digit)

    def found():
        told = digits.exactly(game, (player, player), ((), ()))[1]
        kinds = (told.digit & 1, told.digit, told.color)
        about = [told.tells(kind, 10) for kind in kinds]
        return told.code, told.digit, told.color, about, told.count(told.digit, 10)

    return jax.jit(found)()


def plain_entropy(counts):
    share = counts[counts > 0] / counts.sum()
    return -(share * np.log2(share)).sum()


def test_what_is_said_tells_what_it_is_about_and_nothing_else():
    digit = images("", "unseen").digit
    code, shown, color, (parity, whole, hue), count = said("color-digit", lambda known: known.digit)
    np.testing.assert_array_equal(code, shown % 2)
    assert code.shape == (297 * 297 * 4, 2)
    every = plain_entropy(np.bincount(digit % 2))
    np.testing.assert_allclose([parity, whole, hue], [every, every, 0.0], atol=1e-5)  # sums of 32-bit numbers
    np.testing.assert_allclose(count.sum(1), np.bincount(digit) / 297, rtol=1e-5)
    assert (np.asarray(count)[np.arange(10), 1 - np.arange(10) % 2] == 0).all()
    code, _, color, (parity, _, hue), _ = said("color-digit", lambda known: known.color)
    np.testing.assert_array_equal(code, color)
    np.testing.assert_allclose([parity, hue], [0.0, 1.0], atol=1e-5)


@pytest.mark.parametrize("rules", [{}, {"length": 2, "bits": 4}], ids=["a bit a step", "all at once"])
def test_codes_are_all_bits_that_are_heard_the_first_one_highest(rules):
    def spells(known):
        return known.digit >> (3 - known.time) if not rules else jnp.int32(known.digit > 4)

    code, shown, _, (_, whole, hue), _ = said("multi-step-digits", spells, **rules)
    digit = images("", "unseen").digit
    np.testing.assert_array_equal(code, 15 * (np.asarray(shown) > 4) if rules else shown)
    assert whole == pytest.approx(plain_entropy(np.bincount(digit > 4 if rules else digit)), abs=1e-5)
    assert hue == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        pytest.param("color-digit", {}, marks=pytest.mark.long),
        ("multi-step-digits", {"length": 3, "bits": 2}),
        pytest.param("multi-step-digits", {"talk": False}, marks=pytest.mark.long),
    ],
    ids=["colors", "two bits, twice", "nobody talks"],
)
def test_a_table_of_habits_is_as_good_as_all_games(tmp_path, name, rules):
    """For players who answer: what they say depends on all that they heard, and so does what they do."""
    pixels = np.random.default_rng(1).integers(0, 256, 5 * 4, np.uint8)
    files = {IMAGES: head(0x803, 5, 2, 2) + pixels.tobytes(), LABELS: head(0x801, 5) + bytes([0, 1, 1, 2, 9])}
    game = games.make(name, data=folder_of(tmp_path, files), **rules)
    first = knowing(game, lambda known: known.digit + known.color + known.heard + known.time, lambda known: known.heard)
    second = knowing(game, lambda known: known.digit + 3 * known.heard, lambda known: known.digit + known.heard)
    players = (first, second), ((), ())
    played, (tabled, words) = jax.jit(lambda: (digits.score(game, *players), digits.exactly(game, *players)))()
    np.testing.assert_allclose(tabled[0], played[0], rtol=1e-5)
    assert abs(tabled.value) not in (0.0, tabled.best)
    assert tabled[1:] == played[1:]
    spoken = np.stack([words.digit[:, 1], words.code[:, 1]], 1)
    answers = game.talk and game.length > 2
    assert (len(np.unique(spoken, axis=0)) > 4) == answers  # more than one code for each of the digits


def test_tables_of_habits_have_a_size():
    with pytest.raises(Misfit, match="may hear up to 12 bits here, and in this game it can hear 14"):
        digits.exactly(games.make("multi-step-digits", length=8, bits=2), (), ())
    with pytest.raises(Misfit, match="not LeverGame"):
        digits.exactly(games.make("levers"), (), ())


def test_what_is_learned_is_tested_on_images_that_are_unseen():
    game = games.make("multi-step-digits", bits=2)
    assert game.held_out == games.make("multi-step-digits", bits=2, part="unseen") == game.held_out.held_out
    assert games.make("ipd").held_out == games.make("ipd")


def test_guessing_is_worth_the_share_of_the_digit_that_is_named():
    share = (images("", "unseen").digit == 9).mean()
    guess = earned("multi-step-digits", lambda known: known.time, lambda known: 9 + 0 * known.time, None, talk=False)
    assert guess == pytest.approx(share, abs=1e-6)


def test_games_that_fill_up_a_batch_are_not_counted(monkeypatch):
    monkeypatch.setattr(digits, "BATCH", 60)  # 5 x 60 games, of which 3 are too many
    digit = images("", "unseen").digit
    named = digit[0].astype(np.int32)  # right in the first games, which are those played twice
    guess = earned("multi-step-digits", lambda known: known.time, lambda known: named + 0 * known.time, 1, talk=False)
    assert guess == pytest.approx((digit == digit[0]).mean(), abs=1e-6)


@pytest.mark.parametrize("partners", [1, 3, 297])
def test_every_image_meets_as_many_others_in_either_seat(partners):
    pairs = digits.levels(games.make("multi-step-digits", part="unseen"), partners)
    for seat in (0, 1):
        assert (np.bincount(np.asarray(pairs)[:, seat], minlength=297) == partners).all()
    assert len(np.unique(pairs, axis=0)) == len(pairs) == 297 * partners


@pytest.mark.parametrize(
    ("name", "partners", "line"),
    [
        ("levers", None, "not LeverGame"),
        ("color-digit", 1501, "each of 1500 images can meet 1 to 1500 partners, not 1501"),
        ("color-digit", 0, "not 0"),
    ],
)
def test_scores_that_cannot_be_had_are_refused(name, partners, line):
    with pytest.raises(Misfit, match=line):
        digits.score(games.make(name), (), (), partners)


def head(magic, *sizes):
    return b"".join(number.to_bytes(4, "big") for number in (magic, *sizes))


GOOD = {
    "train-images-idx3-ubyte": head(0x803, 3, 2, 4) + bytes(range(24)),
    "train-labels-idx1-ubyte": head(0x801, 3) + bytes([7, 0, 9]),
}


def folder_of(path, files):
    for name, content in files.items():
        (path / name).write_bytes(content)
    return str(path)


@pytest.mark.parametrize("compressed", [False, True])
def test_idx_files_are_read(tmp_path, compressed):
    files = {f"{k}.gz": gzip.compress(v) for k, v in GOOD.items()} if compressed else GOOD
    game = games.make("color-digit", data=folder_of(tmp_path, files))
    np.testing.assert_array_equal(game.images.digit, [7, 0, 9])
    np.testing.assert_array_equal(game.images.pixels[2], [[16, 17, 18, 19], [20, 21, 22, 23]])
    assert game.images.brightest == 255
    assert game.spec.observation.view.shape == (2, 2, 4)
    with pytest.raises(InputError, match=r"holds neither t10k-images-idx3-ubyte nor t10k-images-idx3-ubyte.gz"):
        games.make("color-digit", data=str(tmp_path), part="unseen")


IMAGES, LABELS = GOOD
CUT = gzip.compress(GOOD[IMAGES])[:-9]
DAMAGED = [
    ({IMAGES: head(0x801, 3) + b"abc"}, "begins with 0x00000801, not with 0x00000803"),
    ({IMAGES: b""}, "cut off in its head of 16 bytes"),
    ({IMAGES: head(0x803, 3, 2)}, "cut off in its head of 16 bytes"),
    ({IMAGES: GOOD[IMAGES][:-1]}, "should hold 24 bytes after its head, and holds 23"),
    ({IMAGES: GOOD[IMAGES] + b"x"}, "should hold 24 bytes after its head, and holds more"),
    ({IMAGES: head(0x803, 0, 2, 4)}, "sizes that make no sense: 0 x 2 x 4"),
    ({IMAGES: head(0x803, 2**31, 2**31, 2**31)}, "sizes that make no sense"),
    ({LABELS: head(0x801, 2) + bytes([7, 0])}, "has 3 images of train and 2 labels"),
    ({LABELS: head(0x801, 3) + bytes([7, 0, 10])}, "labels of train up to 10; they must be digits"),
    ({LABELS: GOOD[IMAGES]}, "begins with 0x00000803, not with 0x00000801"),
    ({IMAGES: None, f"{IMAGES}.gz": CUT}, "cannot be read: Compressed file ended"),
    ({IMAGES: None, f"{IMAGES}.gz": b"no gzip"}, "cannot be read: Not a gzipped file"),
]


@pytest.mark.parametrize(("changes", "line"), DAMAGED)
def test_damaged_files_are_refused_in_one_line(tmp_path, changes, line):
    files = {name: content for name, content in (GOOD | changes).items() if content is not None}
    with pytest.raises(InputError, match=line) as refused:
        games.make("multi-step-digits", data=folder_of(tmp_path, files))
    assert "\n" not in str(refused.value)
    assert str(tmp_path) in str(refused.value)


def test_a_folder_that_is_not_there_is_named():
    with pytest.raises(InputError, match="no folder /no/where; name one that holds MNIST's IDX files"):
        games.make("color-digit", data="/no/where")


def test_without_scikit_learn_one_line_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(digit_images.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match="pip install 'tacit\\[digits\\]'"):
        digit_images.small("training")


@pytest.mark.parametrize(
    ("rules", "line"),
    [
        ({"length": 1}, "length must be >= 2 and <= 100, got 1"),
        ({"bits": 9}, "bits must be >= 1 and <= 8, got 9"),
        ({"part": "test"}, "part must be one of training, unseen, got 'test'"),
    ],
)
def test_rules_that_make_no_sense_are_refused(rules, line):
    with pytest.raises(SettingError, match=line):
        games.make("multi-step-digits", **rules)
