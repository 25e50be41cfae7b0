"""Returns and advantages, for one sequence `[T]`; map them for more."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


def discounts(length: int, discount: Float[Array, ""] | float) -> Float[Array, " T"]:
    """discount^t for t = 0 .. length - 1."""
    return jnp.asarray(discount, float) ** jnp.arange(length, dtype=jnp.result_type(float))


def normalized(reward: Float[Array, "T B P"], discount: Float[Array, ""] | float) -> Float[Array, " P"]:
    """Discounted average reward per step, (1 - discount) sum_t discount^t r_t: what published learning curves show.

    Without discounting there is no such average, and it is the sum: the return of an episode.
    """
    weight = jnp.where(discount == 1, 1.0, 1 - discount) * discounts(len(reward), discount)
    return jnp.sum(weight[:, None] * reward.mean(1), 0)


def to_go(reward: Float[Array, " T"], discount: Float[Array, ""] | float) -> Float[Array, " T"]:
    """Return from each step on: G_t = r_t + discount G_{t+1}, with G_T = 0 (one episode, seen to its end)."""

    def back(after: Array, r_t: Array) -> tuple[Array, Array]:
        g_t = r_t + discount * after
        return g_t, g_t

    return jax.lax.scan(back, jnp.zeros_like(reward[0]), reward, reverse=True)[1]


def gae(
    reward: Float[Array, " T"],
    value: Float[Array, " T"],
    next_value: Float[Array, " T"],
    terminated: Bool[Array, " T"],
    truncated: Bool[Array, " T"],
    discount: Float[Array, ""] | float,
    decay: Float[Array, ""] | float,
) -> Float[Array, " T"]:
    """Generalized advantage estimates, over episode ends.

        delta_t = r_t + discount * next_value_t * (not terminated_t) - value_t
        A_t     = delta_t + discount * decay * A_{t+1} * (not ended_t)

    Args:
        next_value: worth of what step t led to, *before* any reset; at a cut-off episode's end it still counts.
        terminated, truncated: the episode ended by the rules, or was only cut off.
        decay: lambda; 0 gives one-step errors, 1 discounted returns minus the value.

    Source: Schulman et al. 2016, equations 11 and 16.
    """
    delta = reward + discount * jnp.where(terminated, 0.0, next_value) - value
    ended = terminated | truncated

    def back(after: Array, inputs: tuple[Array, Array]) -> tuple[Array, Array]:
        delta_t, ended_t = inputs
        advantage = delta_t + discount * decay * jnp.where(ended_t, 0.0, after)
        return advantage, advantage

    return jax.lax.scan(back, jnp.zeros_like(delta[0]), (delta, ended), reverse=True)[1]


def q_lambda(
    reward: Float[Array, " T"],
    next_value: Float[Array, " T"],
    terminated: Bool[Array, " T"],
    truncated: Bool[Array, " T"],
    discount: Float[Array, ""] | float,
    decay: Float[Array, ""] | float,
) -> Float[Array, " T"]:
    """Lambda-returns from action values, over episode ends.

        G_t = r_t + discount * (not terminated_t) * ((1 - decay) * next_value_t + decay * G_{t+1})

    where next_value_t stands for G_{t+1} at the last step and where the episode was cut off. Exploring actions do not
    cut the mixture short (Peng's form): they count as what the play is.

    Args:
        next_value: the largest value of an action in what step t led to, *before* any reset.
        terminated, truncated: the episode ended by the rules, or was only cut off.
        decay: lambda; 0 gives one-step targets, 1 discounted returns.

    Source: Peng and Williams 1996; Gallici et al. 2024, section 4.
    """

    def back(after: Array, inputs: tuple[Array, ...]) -> tuple[Array, Array]:
        reward_t, next_t, terminated_t, truncated_t = inputs
        follows = jnp.where(truncated_t, next_t, (1 - decay) * next_t + decay * after)
        g_t = reward_t + discount * jnp.where(terminated_t, 0.0, follows)
        return g_t, g_t

    return jax.lax.scan(back, next_value[-1], (reward, next_value, terminated, truncated), reverse=True)[1]
