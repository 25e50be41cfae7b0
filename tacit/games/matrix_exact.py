"""Matrix games in closed form: what memory-one policies are worth, differentiable to any order.

A memory-one policy is a vector of logits, one for each of the states CC, CD, DC, DD, start as its owner sees them (own
action first); the sigmoid of a logit is the probability of action 0 (C) there. In a game of one round only "start"
occurs, and a policy has a single logit.

With T[s] the distribution over the four joint outcomes that follows state s, P = T[CC..DD] and r_k the rewards,

    V_k = T[start] (I - discount P)^-1 r_k ,

the expected discounted sum of rewards. All published tables show (1 - discount) V, the average reward per round, while
all published learning rates act on V itself; mixing the two is the most common reason for failing to reproduce them.

Source: Foerster et al. 2018 (LOLA), section 4.1; the layout of states is that of the public LOLA code, with player 2's
CD and DC seen from its own side (a relabeling that leaves learning curves unchanged and read-outs comparable).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.games.matrix import START, STATES, SWAPPED, MatrixGame


def closed_form(game: Game, rule: str) -> MatrixGame:
    """`game`, if it has a closed form.

    Raises:
        Misfit: it has none; the line names the rule that asked and the games that fit.
    """
    if not (isinstance(game, MatrixGame) and has_closed_form(game)):
        fitting = "a two-player matrix game (ipd, imp, chicken, ...)"
        raise Misfit(f"{rule} learns in closed form and needs {fitting}, not {type(game).__name__}")
    return game


def has_closed_form(game: Game) -> bool:
    """Whether memory-one policies have values in closed form here: a matrix game whose rules nobody changed."""
    return type(game).step is MatrixGame.step


def num_logits(game: MatrixGame) -> int:
    """How many logits a memory-one policy has in this game: 5, or 1 where there is only one round."""
    return 1 if game.length == 1 else len(STATES)


def transition(mine: Float[Array, " states"], theirs: Float[Array, " states"]) -> Float[Array, "states 4"]:
    """Distribution over CC, CD, DC, DD (mine first) after each state, from both probabilities of C there."""
    p, q = mine, theirs
    return jnp.stack([p * q, p * (1 - q), (1 - p) * q, (1 - p) * (1 - q)], -1)


def seen_by_first(per_player: Float[Array, "2 n"]) -> Float[Array, "2 n"]:
    """One entry per state and player, each in its owner's order of states, all in player 1's order."""
    if per_player.shape[1] == 1:
        return per_player
    return jnp.stack([per_player[0], jnp.stack([per_player[1, s] for s in SWAPPED])])


def values(game: MatrixGame, logits: Float[Array, "2 n"]) -> Float[Array, "2"]:
    """Each player's expected discounted sum of rewards; rounds go on without end, except in a one-shot game.

    >>> import jax.numpy as jnp
    >>> from tacit.games.matrix import ipd
    >>> bool(jnp.allclose(0.04 * values(ipd(), jnp.full((2, 5), -30.0)), -2.0))  # both always defect
    True
    """
    return values_seen(game.rewards, jnp.asarray(game.discount, float), game.length == 1, seen_by_first(logits))


def normalized_values(game: MatrixGame, logits: Float[Array, "2 n"]) -> Float[Array, "2"]:
    """Average reward per round: (1 - discount) times the values (the values themselves where there is one round)."""
    return normalization(game) * values(game, logits)


def normalization(game: MatrixGame) -> Float[Array, ""] | float:
    """What turns a value into an average reward per round."""
    return 1.0 if game.length == 1 else 1 - game.discount


def values_seen(
    rewards: Float[Array, "2 4"], discount: Float[Array, ""], one_shot: bool, logits: Float[Array, "2 n"]
) -> Float[Array, "2"]:
    """Values from both players' logits with all states in the same player's order, and rewards likewise."""
    after = transition(*jax.nn.sigmoid(logits))
    if one_shot:
        return jnp.sum(rewards * after[0][None], axis=1)
    # a sum of products, not a matrix product: nothing this small is worth a library call, and its derivatives fuse
    return jnp.sum(rewards * _solve(after[:START], after[START], discount)[None], axis=1)


def finite_values(game: MatrixGame, logits: Float[Array, "2 5"], rounds: int) -> Float[Array, "2"]:
    """Each player's expected discounted sum of rewards over the first `rounds` rounds: what sampled play estimates."""
    after = transition(*jax.nn.sigmoid(seen_by_first(logits)))
    rewards = game.rewards

    def play(carry: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], Array]:
        outcome, weight = carry
        return (outcome @ after[:START], weight * game.discount), weight * (rewards @ outcome)

    return jax.lax.scan(play, (after[START], jnp.ones(())), None, length=rounds)[1].sum(0)


def visits(game: MatrixGame, logits: Float[Array, "2 5"]) -> Float[Array, "5"]:
    """Discounted share of rounds that begin in each of player 1's states (sums to 1)."""
    after = transition(*jax.nn.sigmoid(seen_by_first(logits)))
    occupied = _solve(after[:START], after[START], jnp.asarray(game.discount, float))
    return (1 - game.discount) * jnp.append(game.discount * occupied, 1.0)


@jax.jit  # so that a learner which differentiates this several times traces it only once
def _solve(after: Float[Array, "4 4"], start: Float[Array, "4"], discount: Float[Array, ""]) -> Float[Array, "4"]:
    """The discounted number of visits to CC, CD, DC, DD: x with x (I - discount P) = start.

    Differentiated implicitly: a derivative of any order is again a product with the one inverse, which itself is never
    differentiated. That is what makes higher derivatives as fast as first ones here.
    """
    system = jnp.eye(len(after), dtype=after.dtype) - discount * after
    inverse = jax.lax.stop_gradient(_inverse(system))
    return jax.lax.custom_linear_solve(lambda x: x @ system, start, lambda _, b: b @ inverse, lambda _, b: inverse @ b)


def _inverse(matrix: Float[Array, "n n"]) -> Float[Array, "n n"]:
    """Gauss-Jordan elimination; faster than a batched library call at this size.

    Needs no pivoting: I - discount P is strictly diagonally dominant by rows.
    """
    size = len(matrix)

    def pivot(k: Array, rows: Float[Array, "n m"]) -> Float[Array, "n m"]:
        row = rows[k] / rows[k, k]
        return (rows - rows[:, k, None] * row[None]).at[k].set(row)

    together = jnp.concatenate([matrix, jnp.asarray(np.eye(size), matrix.dtype)], axis=1)
    return jax.lax.fori_loop(0, size, pivot, together)[:, size:]
