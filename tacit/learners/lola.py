"""LOLA in closed form: each player also climbs through the step its opponent is about to take.

With V_i the value of player i and the opponent j about to move by rate dV_j/dtheta_j, the objective of player i is

    paper       V_i + rate stop(dV_i/dtheta_j) . dV_j/dtheta_j
    taylor      V_i + rate dV_i/dtheta_j . dV_j/dtheta_j
    lookahead   V_i(theta_i, theta_j + rate dV_j/dtheta_j), the step taken `steps` times

differentiated by theta_i, everywhere it occurs unless stopped. "paper" is the second-order correction of the paper and
of its public code; "taylor" is the whole derivative of the first-order expansion (the form in SOS and in the M-FOS
code); "lookahead" does not expand. Published figures are of the first two; they are not the same learner.

Source: Foerster et al. 2018 (LOLA), equations 4 to 6; alshedivat/lola, lola/train_exact.py (whose own defaults, lr 1
and rate 1, are used; the paper states neither).
"""

from collections.abc import Sequence

import jax
from jaxtyping import Array, Float

from tacit.games.base import Game
from tacit.games.matrix_derivatives import ME, OTHER, View
from tacit.learners.exact import gradient_play
from tacit.settings import setting
from tacit.types import Learner, Settings


class Config(Settings):
    """Settings of LOLA."""

    lr: float = setting(1.0, "step size on the unnormalized value", unit="per update", source="LOLA code", low=0.0)
    rate: float = setting(
        1.0, "step size the opponent is expected to take (eta)", unit="per look-ahead", source="LOLA code", low=0.0
    )
    form: str = setting("paper", "how the opponent's step is seen through", choices=("paper", "taylor", "lookahead"))
    steps: int = setting(1, "look-ahead steps (form lookahead only)", unit="steps", low=1, high=100)
    init_std: float = setting(1.0, "standard deviation of the initial logits", source="LOLA section 4", low=0.0)


def expanded(view: View, rate: Float[Array, ""] | float, hold: bool) -> Float[Array, " n"]:
    """Direction of the "paper" (`hold`) and "taylor" forms.

    By the product rule, dV_i/dtheta_j . dV_j/dtheta_j changes with my logits in two ways: through the opponent's step,
    weighed by its effect on me, and through that effect, weighed by its step. The paper's form keeps only the first.
    """
    their_step_changes = view.mixed(OTHER, view.gradient[ME, OTHER])
    its_effect_changes = 0.0 if hold else view.mixed(ME, view.gradient[OTHER, OTHER])
    return view.gradient[ME, ME] + rate * (their_step_changes + its_effect_changes)


def looked_ahead(view: View, rate: Float[Array, ""] | float, steps: int) -> Float[Array, " n"]:
    """Direction of the "lookahead" form: through `steps` naive steps of the opponent."""

    def their_step(logits: Float[Array, "2 n"], _: None) -> tuple[Float[Array, "2 n"], None]:
        gradient = jax.grad(lambda x: view.values(x)[OTHER])(logits)[OTHER]
        return logits.at[OTHER].add(rate * gradient), None

    def objective(mine: Float[Array, " n"]) -> Float[Array, ""]:
        logits, _ = jax.lax.scan(their_step, view.logits.at[ME].set(mine), None, length=steps)
        return view.values(logits)[ME]

    return jax.grad(objective)(view.logits[ME])


def make(game: Game, config: Config, seats: Sequence[int] | None = None) -> Learner:
    """A LOLA learner in closed form.

    Raises:
        Misfit: the game has no closed form.
    """

    def direction(view: View) -> Float[Array, " n"]:
        if config.form == "lookahead":
            return looked_ahead(view, config.rate, config.steps)
        return expanded(view, config.rate, hold=config.form == "paper")

    return gradient_play("lola", game, config, direction, seats)
