"""The witness: statements are true by the rules, and what can be told beyond them is what was computed by hand."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from tacit.errors import SettingError
from tacit.evaluation import two_step
from tacit.evaluation.message_meaning import declared, decompose
from tacit.games.two_step_exact import Joint, tensor, value
from tacit.games.witness import Witness, witness


def test_what_is_said_is_true_and_all_wordings_say_the_same():
    game = witness()
    for thing, opening in itertools.product(range(8), range(12)):
        message = game.shown[thing, 0, opening]
        attribute, wording = divmod(opening, 4)
        claim = game.claims[message]
        assert claim // 2 == attribute
        assert message % 4 == wording
        assert game.literal[0, claim, thing] == 1
        assert claim % 2 == thing >> attribute & 1


def test_every_attribute_that_is_right_pays_its_worth():
    rewards = np.asarray(Witness(worth=(0.5, 0.25, 0.125)).rewards)[:, 0, 0]
    assert rewards[0b101, 0b101] == 0.875
    assert rewards[0b101, 0b100] == 0.375
    assert rewards[0b101, 0b010] == 0
    assert rewards[0b000, 0b100] == 0.75
    np.testing.assert_array_equal(np.asarray(witness().rewards).mean((0, 1, 2)), 0.5)


def code(game, openings):
    """A witness that says one thing of each object, with the listener that reads it, as tables."""
    said = game.shown[np.arange(8), 0, openings]
    first = np.log(np.eye(game.sizes.openings)[openings])
    second = np.full((game.num_sets, 8), 1 / 8)
    second[said] = np.eye(8)
    return Joint(jnp.asarray(first), jnp.asarray(np.log(second))), said


def test_a_code_in_the_wording_tells_the_whole_object():
    game = witness()
    with np.errstate(divide="ignore"):
        joint, said = code(game, np.arange(8) >> 1)  # of the first attribute, worded by the other two
    assert float(value(tensor(game), joint)) == 1.0
    together = np.zeros((1, 8, 24))
    together[0, np.arange(8), said] = 1 / 8
    told = decompose(together, declared(game.literal, game.claims))
    assert (told.literal, told.wording, told.selection, told.lies) == (1, 2, 0, 0)


def test_the_choice_of_what_to_say_tells_six_of_eight_objects_apart():
    """By search over all 3^8 ways to choose: two pairs remain, of objects that differ in an attribute worth 1/4."""
    assert two_step.best(Witness(wordings=1)) == 1 - 2 * 2 / 8 * 0.25 / 2


def test_no_name_can_carry_a_code_among_strangers():
    assert two_step.best(Witness(wordings=1), other_play=True) == 0.75


@pytest.mark.parametrize("worth", [(), (0.1,) * 6])
def test_attributes_are_counted(worth):
    with pytest.raises(SettingError, match="1 to 5 attributes"):
        Witness(worth=worth)
