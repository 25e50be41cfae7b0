"""Naive learning: each player climbs its own value as if the other stood still.

    theta_i <- theta_i + lr dV_i/dtheta_i        (all players at once)

The baseline of everything here: in the iterated prisoner's dilemma it ends in mutual defection.

Source: Foerster et al. 2018 (LOLA), equation 1 (NL-Ex). The sampled form is `naive-pg`.
"""

from collections.abc import Sequence

from jaxtyping import Array, Float

from tacit.games.base import Game
from tacit.games.matrix_derivatives import ME, View
from tacit.learners.exact import gradient_play
from tacit.settings import setting
from tacit.types import Learner, Settings


class Config(Settings):
    """Settings of naive learning."""

    lr: float = setting(1.0, "step size on the unnormalized value", unit="per update", source="LOLA code", low=0.0)
    init_std: float = setting(1.0, "standard deviation of the initial logits", source="LOLA section 4", low=0.0)


def own_gradient(view: View) -> Float[Array, " n"]:
    """Derivative of my value by my logits."""
    return view.gradient[ME, ME]


def make(game: Game, config: Config, seats: Sequence[int] | None = None) -> Learner:
    """A naive learner in closed form.

    Raises:
        Misfit: the game has no closed form.
    """
    return gradient_play("naive", game, config, own_gradient, seats)
