"""Objectives whose derivatives are policy gradients: DiCE, loaded DiCE, PPO's clipped surrogate."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tacit.ops.returns import discounts, to_go


def magic_box(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """exp(x - stop(x)): always 1, but its derivative is its own times that of x, to any order.

    Source: Foerster et al. 2018 (DiCE), section 4.
    """
    return jnp.exp(x - jax.lax.stop_gradient(x))


def dice(
    log_prob: Float[Array, "T B"], reward: Float[Array, "T B"], discount: Float[Array, ""] | float
) -> Float[Array, ""]:
    """DiCE objective of B whole episodes: derivatives of any order estimate those of the expected return.

        J = mean_b sum_t box(sum_{k <= t} l_k) discount^t (r_t - mean_b r_t)

    The batch mean at each time step is a baseline: it lowers the variance and changes no expectation (beyond a factor
    1 - 1/B). With it the objective's own value is 0; without the magic box all that would be left are first
    derivatives.

    Args:
        log_prob: l_t, log-probability of the joint action: the sum over *all* players whose learning is differentiated
            through. Leave the other player out, and the mixed second derivative (all that LOLA lives on) vanishes.
        reward: of the player whose return it is.

    Source: DiCE, equation 6; the baseline as in the authors' code for LOLA-DiCE.
    """
    centered = reward - jnp.mean(reward, axis=1, keepdims=True)
    weight = discounts(len(reward), discount)[:, None]
    return jnp.mean(jnp.sum(magic_box(jnp.cumsum(log_prob, axis=0)) * weight * centered, axis=0))


def loaded_dice(
    log_prob: Float[Array, "T B"],
    reward: Float[Array, "T B"],
    discount: Float[Array, ""] | float,
    decay: Float[Array, ""] | float = 1.0,
) -> Float[Array, ""]:
    """Loaded DiCE: as `dice`, with advantages in place of rewards, which lets past log-probabilities be discounted.

        J = mean_b sum_t discount^t [box(sum_{k <= t} d^(t-k) l_k) - box(sum_{k < t} d^(t-k) l_k)] A_t

    The advantage is the return from t on minus its batch mean at t. With it and d = 1 this is `dice` again, summed in
    another order; only a decay lowers the variance, of second and higher derivatives.

    Args:
        decay: d, of past log-probabilities; 1 is unbiased, less trades bias for variance.

    Source: Farquhar et al. 2019 (Loaded DiCE); the formula was written from memory and is unverified against the
    paper. The tests hold its derivatives against exact ones.
    """
    returns = jax.vmap(to_go, (1, None), 1)(reward, discount)
    advantage = returns - jnp.mean(returns, axis=1, keepdims=True)

    def add(past: Array, l_t: Array) -> tuple[Array, tuple[Array, Array]]:
        before = decay * past
        return before + l_t, (before, before + l_t)

    before, upto = jax.lax.scan(add, jnp.zeros_like(log_prob[0]), log_prob)[1]
    weight = discounts(len(reward), discount)[:, None]
    return jnp.mean(jnp.sum((magic_box(upto) - magic_box(before)) * weight * advantage, axis=0))


def clipped_surrogate(
    ratio: Float[Array, "..."], advantage: Float[Array, "..."], clip: Float[Array, ""] | float
) -> Float[Array, "..."]:
    """PPO's objective, to be maximized: min(ratio A, clip(ratio, 1 - clip, 1 + clip) A).

    Source: Schulman et al. 2017, equation 7.
    """
    return jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - clip, 1 + clip) * advantage)
