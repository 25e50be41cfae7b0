"""Stable opponent shaping: as much of LOLA's shaping as keeps the guarantees of LookAhead.

With the simultaneous gradient xi_i = dV_i/dtheta_i and, for opponent j,

    look_i  = xi_i + rate d/dtheta_i [ dV_i/dtheta_j . stop(xi_j) ]           (LookAhead)
    shape_i =        rate d/dtheta_i [ stop(dV_i/dtheta_j) . xi_j ]           (LOLA = LookAhead + shaping)

each player moves along look_i + min(p1, p2) shape_i, where, over all players together,

    p1 = 1 if shape . look >= 0, else min(1, -a |look|^2 / (shape . look))    (never turn against LookAhead)
    p2 = |xi|^2 if |xi| < b, else 1                                           (let go of shaping near a fixed point)

Source: Letcher et al. 2019 (SOS), algorithm 1; a, b and the rate from the authors' notebook. They minimize losses;
signs here are for values, which are maximized.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from tacit.games.base import Game
from tacit.games.matrix_derivatives import ME, OTHER, View
from tacit.learners.exact import gradient_play
from tacit.settings import setting
from tacit.types import Learner, Settings


class Config(Settings):
    """Settings of stable opponent shaping."""

    lr: float = setting(1.0, "step size on the unnormalized value", unit="per update", source="SOS notebook", low=0.0)
    rate: float = setting(
        1.0, "step size the opponent is expected to take (alpha)", unit="per look-ahead", source="SOS notebook", low=0.0
    )
    a: float = setting(0.5, "share of |look|^2 that shaping may undo", source="SOS notebook", above=0.0, below=1.0)
    b: float = setting(0.1, "gradient norm below which shaping fades", source="SOS notebook", above=0.0)
    init_std: float = setting(1.0, "standard deviation of the initial logits", source="SOS notebook", low=0.0)


class Terms(NamedTuple):
    """A player's simultaneous gradient, its LookAhead direction and its shaping term."""

    gradient: Float[Array, "*players n"]
    look: Float[Array, "*players n"]
    shape: Float[Array, "*players n"]


def terms(view: View, rate: Float[Array, ""] | float) -> Terms:
    """One player's terms."""
    gradient = view.gradient[ME, ME]
    look = gradient + rate * view.mixed(ME, view.gradient[OTHER, OTHER])
    return Terms(gradient, look, rate * view.mixed(OTHER, view.gradient[ME, OTHER]))


def tempered(both: Terms, a: Float[Array, ""] | float, b: Float[Array, ""] | float) -> Float[Array, "2 n"]:
    """LookAhead plus as much shaping as p1 and p2 allow; both players' terms, leaves `[2, n]`."""
    along = jnp.sum(both.shape * both.look)
    against = jnp.where(along < 0, along, -1.0)  # divided by only where it is negative
    p1 = jnp.where(along >= 0, 1.0, jnp.minimum(1.0, -a * jnp.sum(both.look**2) / against))
    squared = jnp.sum(both.gradient**2)
    p2 = jnp.where(squared < b**2, squared, 1.0)
    return both.look + jnp.minimum(p1, p2) * both.shape


def make(game: Game, config: Config, seats: Sequence[int] | None = None) -> Learner:
    """An SOS learner in closed form. Its p1 and p2 are common to both players, as in the paper.

    Raises:
        Misfit: the game has no closed form.
    """
    return gradient_play(
        "sos",
        game,
        config,
        lambda view: terms(view, config.rate),
        seats,
        together=lambda both: tempered(both, config.a, config.b),
    )
