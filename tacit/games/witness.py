"""The witness: what is said is always true, and yet more can be told than it says.

An object has some attributes, each of which it has or has not; the witness sees it. The witness says of one attribute
whether the object has it, in one of several wordings that mean the same. The listener hears that, names an object, and
both are paid for each attribute that it gets right what that attribute is worth.

Nobody can lie: like a hint in Hanabi, a statement is filled in by the rules. Taken at its word it tells one attribute,
one bit. Partners who agreed on a code can tell the rest by the wording and by the choice of which attribute to speak
of. With three attributes and four wordings all of the object can be told, and three statements alone, in one wording
each, can tell six objects of eight apart.

The rules of a two-step game apply: player 1's card is the object, an opening is an attribute with a wording, and player
2's information set is what was said.

Source: this project's own, to try what Off-Belief Learning (Hu et al. 2021) does to hidden codes; statements that are
true by the rules are those of Hanabi.
"""

import itertools
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from tacit.errors import SettingError
from tacit.games.two_step import Relabeling, Sizes, TwoStepGame
from tacit.settings import setting

MOST = 5  # attributes


class Witness(TwoStepGame):
    """A witness speaks of one attribute of an object; a listener guesses all of them.

    Objects are numbered by their attributes as bits, the first attribute being the lowest; openings attribute after
    attribute, wordings within each; what is said (`num_sets`) likewise, with "has not" and "has" between.

    Raises:
        SettingError: there is no attribute, or there are too many.
    """

    worth: tuple[float, ...] = setting((0.5, 0.25, 0.25), "what it pays to get each attribute right")
    wordings: int = setting(4, "ways to say the same", unit="wordings", low=1, high=16)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= len(self.worth) <= MOST:
            raise SettingError(f"worth must be that of 1 to {MOST} attributes, got {len(self.worth)}")

    @property
    def attributes(self) -> int:
        """How many attributes an object has or has not."""
        return len(self.worth)

    @property
    def objects(self) -> Int[np.ndarray, "n k"]:
        """Whether each object has each attribute."""
        return np.arange(2**self.attributes)[:, None] >> np.arange(self.attributes) & 1

    @property
    def sizes(self) -> Sizes:
        count = 2**self.attributes
        return Sizes(count, 1, self.attributes * self.wordings, count)

    @property
    def entries(self) -> tuple[Any, ...]:
        found: list[Any] = []
        for this, _, named in itertools.product(self.objects, range(self.sizes.openings), self.objects):
            found.append(sum(pays for pays, right in zip(self.worth, this == named, strict=True) if right) + 0.0)
        return tuple(found)

    @property
    def prior(self) -> Float[Array, "c1 c2"]:
        return jnp.full((self.sizes.first, 1), 1.0 / self.sizes.first)

    @property
    def shown(self) -> np.ndarray:
        attribute, wording = np.divmod(np.arange(self.sizes.openings), self.wordings)
        said = 2 * attribute + self.objects[:, attribute]  # the claim
        return (said * self.wordings + wording)[:, None]

    @property
    def claims(self) -> Int[np.ndarray, " i"]:
        """What each message, an information set, claims: 2 k that attribute k is not there, 2 k + 1 that it is."""
        return np.arange(2 * self.attributes * self.wordings) // self.wordings

    @property
    def literal(self) -> Float[np.ndarray, "1 l n"]:
        """Of which objects each claim is true, as `evaluation.message_meaning` has it."""
        claim = np.arange(2 * self.attributes)
        return (self.objects[:, claim // 2] == claim % 2).T[None].astype(float)

    @property
    def relabelings(self) -> tuple[Relabeling, ...]:
        """Wordings may go round, and every attribute may be called by its opposite."""
        flips = itertools.product((0, 1), repeat=self.attributes)
        return tuple(self._relabeling(flip, turn) for flip, turn in itertools.product(flips, range(self.wordings)))

    def _relabeling(self, flip: tuple[int, ...], turn: int) -> Relabeling:
        """To have attribute k is called not to have it where flip[k] is 1; wording w is named w + turn."""
        named = tuple(((self.objects ^ np.array(flip)) << np.arange(self.attributes)).sum(1).tolist())
        each = itertools.product(range(self.attributes), range(self.wordings))
        openings = tuple(k * self.wordings + (w + turn) % self.wordings for k, w in each)
        return Relabeling(named, (0,), openings, named)


def witness() -> Witness:
    """Three attributes, the first worth as much as the others together, and four wordings."""
    return Witness()
