"""Two-step games of one's own, made from arrays; their relabelings are found by trying all."""

import itertools
import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import ArrayLike

from tacit.errors import SettingError
from tacit.games.two_step import Relabeling, Sizes, TwoStepGame, unchanged
from tacit.settings import setting

MOST_RELABELINGS = 10**5  # tried; that many take some seconds


class TabulatedGame(TwoStepGame):
    """A two-step game of which everything is given; `tabulated` makes one. By default a code of two words.

    Raises:
        SettingError: the numbers do not go together.
    """

    payoff: tuple[float, ...] = setting((1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0), "payoff by c1, c2, a1, a2")
    chances: tuple[float, ...] = setting((0.5, 0.5), "probability of each deal, by c1, c2", low=0.0, high=1.0)
    sets: tuple[int, ...] = setting((0, 1, 0, 1), "player 2's information set, by c1, c2, a1", low=0, high=10**6)
    shape: tuple[int, int, int, int] = setting((2, 1, 2, 2), "how many c1, c2, a1, a2 there are", low=1, high=10**6)
    found: tuple[Relabeling, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        first, second, openings, replies = self.shape
        wanted = {
            "payoff": first * second * openings * replies,
            "chances": first * second,
            "sets": first * second * openings,
        }
        for name, count in wanted.items():
            if len(getattr(self, name)) != count:
                raise SettingError(f"{name} must have {count} numbers, got {len(getattr(self, name))}")
        if all(isinstance(x, float) for x in self.chances) and not math.isclose(sum(self.chances), 1.0, rel_tol=1e-6):
            raise SettingError(f"chances must sum to 1, got {sum(self.chances):g}")

    @property
    def sizes(self) -> Sizes:
        return Sizes(*self.shape)

    @property
    def entries(self) -> tuple[Any, ...]:
        return self.payoff

    @property
    def prior(self) -> Float[Array, "c1 c2"]:
        return jnp.stack([jnp.asarray(x, float) for x in self.chances]).reshape(self.shape[:2])

    @property
    def shown(self) -> np.ndarray:
        return np.array(self.sets).reshape(self.shape[:3])

    @property
    def relabelings(self) -> tuple[Relabeling, ...]:
        return self.found or (unchanged(self.sizes),)


def tabulated(payoff: ArrayLike, prior: ArrayLike | None = None, shown: ArrayLike | None = None) -> TabulatedGame:
    """The two-step game of these arrays, with its relabelings, where they are few enough to be found.

    Args:
        payoff: `[c1, c2, a1, a2]`.
        prior: `[c1, c2]`; all deals alike, unless given.
        shown: player 2's information set, `[c1, c2, a1]`; unless given it sees c2 and a1.

    Raises:
        SettingError: the shapes do not go together.
    """
    table = np.asarray(payoff, float)
    if table.ndim != 4 or not table.size:
        raise SettingError(f"payoff must have the four axes c1, c2, a1, a2, got the shape {table.shape}")
    deals, openings = table.shape[:2], table.shape[2]
    chances = np.full(deals, 1 / math.prod(deals)) if prior is None else np.asarray(prior, float)
    seen = np.arange(deals[1])[:, None] * openings + np.arange(openings)
    sets = np.broadcast_to(seen, table.shape[:3]) if shown is None else np.asarray(shown)
    if chances.shape != deals or sets.shape != table.shape[:3]:
        raise SettingError(
            f"for a payoff of shape {table.shape}, prior must be {deals} and shown {table.shape[:3]}; "
            f"got {chances.shape} and {sets.shape}"
        )
    return TabulatedGame(
        payoff=tuple(table.ravel().tolist()),
        chances=tuple(chances.ravel().tolist()),
        sets=tuple(sets.ravel().tolist()),
        shape=table.shape,
        found=automorphisms(table, chances, sets),
    )


def automorphisms(payoff: np.ndarray, prior: np.ndarray, shown: np.ndarray) -> tuple[Relabeling, ...]:
    """All relabelings that change neither payoff nor prior nor who can tell what apart, the identity first.

    Of a game with more than `MOST_RELABELINGS` candidates it is the identity alone.
    """
    sizes = Sizes(*payoff.shape)
    if math.prod(map(math.factorial, sizes)) > MOST_RELABELINGS:
        return (unchanged(sizes),)
    every = itertools.product(*(itertools.permutations(range(count)) for count in sizes))
    candidates = (Relabeling(*each) for each in every)
    return tuple(each for each in candidates if _changes_nothing(each, payoff, prior, shown))


def _changes_nothing(names: Relabeling, payoff: np.ndarray, prior: np.ndarray, shown: np.ndarray) -> bool:
    if not np.allclose(prior[np.ix_(names.first, names.second)], prior):
        return False
    pairs = set(zip(shown.ravel().tolist(), shown[np.ix_(*names[:3])].ravel().tolist(), strict=True))
    one_to_one = len(pairs) == len({old for old, _ in pairs}) == len({new for _, new in pairs})
    return one_to_one and np.allclose(payoff[np.ix_(*names)], payoff)
