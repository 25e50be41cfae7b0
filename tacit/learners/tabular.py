"""Policies with one row of parameters for each thing they can see: memory-one players and their like."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Num, PRNGKeyArray

from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.ops import categorical
from tacit.types import Carry, Discrete, Policy, Real


def _act(
    key: PRNGKeyArray,
    params: Float[Array, " n"] | Float[Array, "n m"],
    carry: Carry,
    obs: Num[Array, " n"],
    legal: Array,
    fresh: Array,
    given: Array | None = None,
) -> tuple[Carry, Array, categorical.Choice]:
    del fresh
    free = obs @ params
    if free.ndim == 0:
        action, choice = categorical.choose_of_two(key, free, legal, given)
    else:
        log_probs = categorical.log_probs(jnp.append(free, 0.0), legal)
        action, choice = categorical.choose(key, log_probs, jnp.zeros(()), given)
    return carry, action, choice


def _no_carry() -> Carry:
    return ()


TABULAR = Policy(_no_carry, _act)
"""Softmax over actions with one row of free logits for each entry of the observation, the last action's fixed at 0.

With two actions the parameters are `[n]`, and the probability of action 0 is the sigmoid of a logit (the
parameterization of all the LOLA tables); with A actions they are `[n, A - 1]`.
"""


def init(key: PRNGKeyArray, game: Game, std: Float[Array, ""] | float, rule: str) -> Array:
    """Normal initial logits with this standard deviation, for one player. The key is consumed.

    Raises:
        Misfit: the game does not show a vector or does not take one of several actions.
    """
    seen, taken = game.spec.observation, game.spec.action
    if not (isinstance(seen, Real) and len(seen.shape) == 1 and isinstance(taken, Discrete)):
        needs = "is tabular and needs a vector to see and discrete actions"
        raise Misfit(f"{rule} {needs}; {type(game).__name__} has {seen} and {taken}")
    shape = seen.shape if taken.n == 2 else (*seen.shape, taken.n - 1)
    return std * jax.random.normal(key, shape)
