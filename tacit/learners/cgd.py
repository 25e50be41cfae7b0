"""Competitive gradient descent: both players solve for the Nash equilibrium of a bilinear picture of the game.

    theta <- theta + lr (I - rate H)^-1 xi

where xi is the simultaneous gradient and H holds the mixed second derivatives d2V_i/dtheta_i dtheta_j (i != j) off its
diagonal blocks and zeros on them. For two players that is, with H_ij those blocks,

    step_i = (I - rate^2 H_ij H_ji)^-1 (xi_i + rate H_ij xi_j) .

Source: Schaefer and Anandkumar 2019, equation 4; the general form in the SOS notebook (there for losses, hence the
other sign). In the paper one step size scales the step and the picture; here they are `lr` and `rate`.
"""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tacit.games.base import Game
from tacit.games.matrix import STATES, SWAPPED
from tacit.games.matrix_derivatives import ME, OTHER, View
from tacit.learners.exact import gradient_play
from tacit.settings import setting
from tacit.types import Learner, Settings


class Config(Settings):
    """Settings of competitive gradient descent."""

    lr: float = setting(1.0, "step size on the unnormalized value", unit="per update", source="SOS notebook", low=0.0)
    rate: float = setting(1.0, "weight of the interaction (alpha)", source="SOS notebook", low=0.0)
    init_std: float = setting(1.0, "standard deviation of the initial logits", source="SOS notebook", low=0.0)


def interaction(view: View) -> Float[Array, "n n"]:
    """d2V_me/dme dother; rows are my states, columns the other's, both in my order."""
    identity = jnp.eye(view.logits.shape[1], dtype=view.logits.dtype)
    return jax.vmap(functools.partial(view.mixed, ME), out_axes=1)(identity)


def make(game: Game, config: Config, seats: Sequence[int] | None = None) -> Learner:
    """A CGD learner in closed form.

    Raises:
        Misfit: the game has no closed form.
    """

    def parts(view: View) -> tuple[Array, Array, Array]:
        return interaction(view), view.gradient[ME, ME], view.gradient[OTHER, OTHER]

    def together(both: tuple[Array, Array, Array]) -> Float[Array, "2 n"]:
        block, mine, theirs = both  # each in its player's order
        size = mine.shape[1]
        order = jnp.array(SWAPPED) if size == len(STATES) else jnp.arange(size)
        back = block[::-1][:, order][:, :, order]  # the other's block, its rows and columns in my order
        system = jnp.eye(size, dtype=mine.dtype)[None] - config.rate**2 * block @ back
        right = mine + config.rate * (block @ theirs[:, :, None])[:, :, 0]
        return jnp.linalg.solve(system, right[:, :, None])[:, :, 0]

    return gradient_play("cgd", game, config, parts, seats, together)
