"""Higher-order LOLA: I see through the step of an opponent that sees through mine, and so on.

    step_i of order 0   rate dV_i/dtheta_i
    step_i of order n   rate d/dtheta_i V_i(theta_i, theta_j + step_j of order n - 1)

where step_j itself depends on theta_i and is differentiated through. A player of order n moves along the derivative of
its order (without the rate): order 0 is naive learning, order 1 is LOLA with one exact look-ahead.

Source: Foerster et al. 2018 (LOLA), section 5.4 ("2nd-order LOLA"); the recursion as in Willi et al. 2022 (COLA),
section 3.1. The cost doubles or worse with each order, compilation included.
"""

from collections.abc import Sequence

import jax
from jaxtyping import Array, Float

from tacit.games.base import Game
from tacit.games.matrix_derivatives import ME, View
from tacit.learners.exact import gradient_play
from tacit.settings import setting
from tacit.types import Learner, Settings


class Config(Settings):
    """Settings of higher-order LOLA."""

    lr: float = setting(1.0, "step size on the unnormalized value", unit="per update", source="LOLA code", low=0.0)
    rate: float = setting(1.0, "step size each is expected to take", unit="per look-ahead", source="LOLA code", low=0.0)
    order: int = setting(2, "how deep the players see through each other", source="LOLA table 4", low=0, high=4)
    init_std: float = setting(1.0, "standard deviation of the initial logits", source="LOLA section 4", low=0.0)


def gradient(
    view: View, logits: Float[Array, "2 n"], i: int, rate: Float[Array, ""] | float, order: int
) -> Float[Array, " n"]:
    """d/dtheta_i of V_i where the other player has taken its step of one order less."""
    j = 1 - i

    def objective(mine: Float[Array, " n"]) -> Float[Array, ""]:
        now = logits.at[i].set(mine)
        ahead = now.at[j].add(rate * gradient(view, now, j, rate, order - 1)) if order > 0 else now
        return view.values(ahead)[i]

    return jax.grad(objective)(logits[i])


def make(game: Game, config: Config, seats: Sequence[int] | None = None) -> Learner:
    """A higher-order LOLA learner in closed form.

    Raises:
        Misfit: the game has no closed form.
    """

    def direction(view: View) -> Float[Array, " n"]:
        return gradient(view, view.logits, ME, config.rate, config.order)

    return gradient_play("hola", game, config, direction, seats)
