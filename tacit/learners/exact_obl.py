"""Off-Belief Learning by backward induction: the ladder of levels in a two-step game, exactly.

Iteration k makes level k from level k - 1; level 0 plays uniformly at random. Player 2 believes that the opening was
chosen by level k - 1, but what follows is played by level k:

    B(c1, c2, a1 | i)  prop. to  prior(c1, c2) pi_{k-1}(a1 | c1)  where (c1, c2, a1) leads to i
    Q(a2 | i)  = sum B payoff                          pi_k(a2 | i)  = softmax(Q / T)
    Q(a1 | c1) = sum P(c2 | c1) pi_k(a2 | i) payoff    pi_k(a1 | c1) = softmax(Q / T)

Nothing is drawn, and each policy depends only on later ones and on the level below: for T > 0 a level is unique, so
independent runs agree to the bit. Level 1 rests on the grounded belief, which takes no opening for a hint.

Source: Hu et al. 2021 (Off-Belief Learning), section 4 and theorem 1. Departure: where the level below never leads,
which softmax excludes but the precision of numbers does not, the belief is the grounded one.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tacit.games.base import Game
from tacit.games.two_step import TwoStepGame
from tacit.games.two_step_exact import Joint, belief, opening_values, reply_values, tensor, two_step, uniform, value
from tacit.learners.two_step import whole
from tacit.settings import setting
from tacit.types import Learner, Metrics, Settings


class Config(Settings):
    """Settings of exact Off-Belief Learning."""

    temperature: float = setting(0.01, "T of the softmax over Q", unit="payoff", above=0.0)


def level_above(game: TwoStepGame, below: Joint, temperature: Float[Array, ""] | float) -> Joint:
    """The level that takes its beliefs from `below`, as log-probabilities."""
    second = jax.nn.log_softmax(reply_values(game, belief(game, below.first)) / temperature)
    return Joint(jax.nn.log_softmax(opening_values(game, second) / temperature), second)


def make(game: Game, config: Config, seats: Sequence[int] | None = None) -> Learner:
    """An exact Off-Belief learner.

    Raises:
        Misfit: the game is not a two-step game.
    """
    known = two_step(game, "exact-obl")
    worth = tensor(known)

    def init(key: PRNGKeyArray) -> Joint:
        del key
        return uniform(known)

    def advance(below: Joint) -> tuple[Joint, Metrics]:
        new = level_above(known, below, config.temperature)
        moved = [jnp.abs(jnp.exp(a) - jnp.exp(b)).max() for a, b in zip(new, below, strict=True)]
        return new, {"value": value(worth, new), "change": jnp.maximum(*moved)}

    return whole(known, init, advance, seats)
