"""Values of a lever game that is played once, exactly: with names that players share, and without.

With pay = diag(payoffs), two policies p and q earn p' pay q. If each player's names are drawn on their own, a lever is
worth what it pays only where the other happens to pull the same of its n equals:

    pay_OP(a, b) = payoff_a / n if a and b pay alike, else 0,        J_OP(p, q) = p' pay_OP q.

With one lever apart that pays c and N equal ones that pay 1, J_OP = c p q + (1 - p) (1 - q) / N for the players'
probabilities p and q of the lever apart. It has two local maxima, c at p = q = 1 and 1 / N at p = q = 0, and between
them a saddle at p = q = 1 / (N c + 1). The uniform policy, p = 1 / (N + 1), lies on the wrong side of it if c < 1.

Source: Hu et al. 2020 ("Other-Play" for Zero-Shot Coordination), sections 3 and 4.
"""

from typing import NamedTuple

import jax
import numpy as np

from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.games.levers import LeverGame
from tacit.learners import joint_action
from tacit.types import Trained


def best(game: LeverGame, other_play: bool = False) -> float:
    """The best value of one round, over all joint policies: of self-play, or of players who share no names."""
    return float(game.matrix(other_play).max())


Numbers = float | np.ndarray


class OneApart(NamedTuple):
    """A lever game with one lever apart and N equal ones that pay more.

    Attributes:
        low: what the lever apart pays, c, as a share of `high`.
        equal: N.
        high: what each of the others pays.
        rounds: T.
    """

    low: float
    equal: int
    high: float
    rounds: int


def one_apart(game: Game) -> OneApart:
    """The game in that form.

    Raises:
        Misfit: it has another form.
    """
    if isinstance(game, LeverGame):
        payoffs = sorted(map(float, game.payoffs))
        if 0 < payoffs[0] < payoffs[1] == payoffs[-1]:
            return OneApart(payoffs[0] / payoffs[-1], len(payoffs) - 1, payoffs[-1], game.length)
    raise Misfit("this needs levers of which one pays less than the others, and those all the same")


def own_actions(run: Trained) -> np.ndarray:
    """What both players of each run of a joint-action learner pull, as probabilities, `[S, 2, A]`."""
    return np.exp(np.asarray(jax.vmap(joint_action.marginals)(run.state.logits), float))


def strangers(*runs: Trained) -> np.ndarray:
    """What each run of a joint-action learner earns with each other's partner, exactly: `[S, S]`, row as player 1.

    On the diagonal are the two players of one run; they, too, act without knowing what the other takes.

    Args:
        runs: of the same game; the matrix holds the runs of the first, then those of the second, ...
    """
    own = np.concatenate([own_actions(run) for run in runs])
    return own[:, 0] @ np.asarray(runs[0].game.matrix(), float) @ own[:, 1].T


def other_play_value(form: OneApart, p: Numbers, q: Numbers) -> Numbers:
    """J_OP(p, q) of one round, for the players' probabilities of the lever apart, elementwise."""
    return form.high * (form.low * p * q + (1.0 - p) * (1.0 - q) / form.equal)


def barrier(form: OneApart) -> float:
    """The probability of the lever apart below which J_OP(p, p) falls as it grows: c p = (1 - p) / N."""
    return 1.0 / (form.equal * form.low + 1.0)


def entropy_regularized(game: LeverGame, alpha: float, steps: int = 10_000) -> np.ndarray:
    """The policy `[A]` at which p_i is proportional to exp(payoff_i p_i / alpha), reached from the uniform one.

    It is where gradient ascent on p' pay q + alpha (H(p) + H(q)) rests, from a uniform start, without ever breaking the
    symmetry of equal levers. Damped fixed-point iteration; accurate to about 1e-12.
    """
    payoffs = np.asarray(game.payoffs, float)
    policy = np.full(len(payoffs), 1.0 / len(payoffs))
    for _ in range(steps):
        weight = np.exp((payoffs * policy - (payoffs * policy).max()) / alpha)
        policy = 0.5 * policy + 0.5 * weight / weight.sum()
    return policy
