"""A matrix game as one of its players sees it, with first and mixed second derivatives written out.

All that the learning rules in closed form need from a game is how the values answer to the logits of either player,
and how that answer changes when the *other* player moves. Both have short formulas: with P, T and r_k as in
`tacit.games.matrix_exact`, y_k = (I - discount P)^-1 r_k the worth of the four states to player k, and w the
discounted number of visits to the five states (the start included),

    dV_k/dtheta_i[s]                        = w[s] dT[s]/dtheta_i[s] . y_k
    (d2V_k/dtheta_i dtheta_j . v)[s], i!=j  = dw[s] dT[s]/dtheta_i[s] . y_k
                                            + w[s] (dT[s]/dtheta_i[s] . dy_k + v[s] d2T[s]/dtheta_i dtheta_j . y_k)

where dw and dy_k are the changes of w and y_k as theta_j moves along v: the policy gradient theorem, twice. The tests
hold them against automatic differentiation of the values, which takes two to four times as long.

Everything is a Python list of scalars. Mapped over players and seeds each becomes one long vector, and nothing is
shuffled between tiny matrices.
"""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tacit.games.matrix import JOINT, START, SWAPPED, MatrixGame
from tacit.games.matrix_exact import values_seen

Row = Sequence[Array]
NEXT = range(len(JOINT))
STARTS = range(START + 1)  # every state something can follow
ME, OTHER = 0, 1  # whose value, whose logits


class View(NamedTuple):
    """A two-player game from one player's side, at one point of the joint logits; states are in that player's order.

    Attributes:
        logits: `[2, n]`, mine and the other's.
        value: `[2]`, mine and the other's expected discounted sum of rewards.
        gradient: `[2, 2, n]`, at `[k, i]` the derivative of value k by the logits of i.
        mixed: `mixed(k, v)` is d2V_k/dme dother times the vector v `[n]`: how the derivative of value k by *my* logits
            changes as the other's logits move along v.
        values: the function from logits `[2, n]` to values `[2]`, for rules that look elsewhere.
    """

    logits: Float[Array, "2 n"]
    value: Float[Array, "2"]
    gradient: Float[Array, "2 2 n"]
    mixed: Callable[[int, Float[Array, " n"]], Float[Array, " n"]]
    values: Callable[[Float[Array, "2 n"]], Float[Array, "2"]]


def both_sides(game: MatrixGame) -> Float[Array, "2 2 4"]:
    """Rewards as each player sees them: `[player, mine or the other's, joint outcome with my action first]`."""
    first, second = game.rewards
    swapped = jnp.array(SWAPPED[:START])
    return jnp.stack([jnp.stack([first, second]), jnp.stack([second[swapped], first[swapped]])])


def both_logits(logits: Float[Array, "2 n"]) -> Float[Array, "2 2 n"]:
    """Joint logits as each player sees them: `[player, mine or the other's, state in my order]`."""
    if logits.shape[1] == 1:
        return jnp.stack([logits, logits[::-1]])
    theirs = jnp.stack([logits[:, s] for s in SWAPPED], axis=1)
    return jnp.stack([jnp.stack([logits[0], theirs[1]]), jnp.stack([logits[1], theirs[0]])])


def view(rewards: Float[Array, "2 4"], discount: Float[Array, ""], one_shot: bool, logits: Float[Array, "2 n"]) -> View:
    """One player's view of a game at these logits (see `both_sides`, `both_logits`)."""
    values = functools.partial(values_seen, rewards, discount, one_shot)
    if not one_shot:
        return _repeated(rewards, discount, logits, values)
    # nothing follows a single round: the same formulas with a discount of 0, seen at "start" alone
    whole = _repeated(rewards, jnp.zeros_like(discount), jnp.pad(logits, ((0, 0), (START, 0))), values)

    def mixed(k: int, v: Float[Array, "1"]) -> Float[Array, "1"]:
        return whole.mixed(k, jnp.pad(v, (START, 0)))[START:]

    return View(logits, whole.value, whole.gradient[:, :, START:], mixed, values)


def _repeated(
    rewards: Float[Array, "2 4"], discount: Float[Array, ""], logits: Float[Array, "2 5"], values: Callable[..., Array]
) -> View:
    p, q = (list(row) for row in jax.nn.sigmoid(logits))  # mine and the other's probability of C
    my_slope, their_slope = ([x * (1 - x) for x in row] for row in (p, q))
    after = [[a * b, a * (1 - b), (1 - a) * b, (1 - a) * (1 - b)] for a, b in zip(p, q, strict=True)]
    inverse = _inverse([[(s == t) - discount * after[s][t] for t in NEXT] for s in NEXT])
    columns = [[row[t] for row in inverse] for t in NEXT]
    visits = [discount * _dot(after[START], columns[s]) for s in NEXT] + [jnp.ones_like(p[0])]
    worth = [[_dot(inverse[s], list(reward)) for s in NEXT] for reward in rewards]

    def my_turn(s: int, y: Row) -> Array:
        """What it brings, by the worth y of what follows, that I lean towards C in state s."""
        return my_slope[s] * (q[s] * (y[0] - y[2]) + (1 - q[s]) * (y[1] - y[3]))

    def their_turn(s: int, y: Row) -> Array:
        return their_slope[s] * (p[s] * (y[0] - y[1]) + (1 - p[s]) * (y[2] - y[3]))

    gain = [[[turn(s, y) for s in STARTS] for turn in (my_turn, their_turn)] for y in worth]
    cross = [y[0] - y[1] - y[2] + y[3] for y in worth]

    def mixed(k: int, v: Float[Array, "5"]) -> Float[Array, "5"]:
        step = list(v)
        moved = [w * d * x for w, d, x in zip(visits, their_slope, step, strict=True)]
        if_c, if_d = _dot(moved, p), _dot(moved, [1 - x for x in p])  # by what I do meanwhile
        flow = [if_c, -if_c, if_d, -if_d]
        more_visits = [discount * _dot(flow, columns[s]) for s in NEXT] + [jnp.zeros_like(p[0])]
        felt = [gain[k][OTHER][s] * step[s] for s in NEXT]
        more_worth = [discount * _dot(inverse[s], felt) for s in NEXT]
        both = [my_slope[s] * their_slope[s] * cross[k] * step[s] for s in STARTS]
        return jnp.stack(
            [more_visits[s] * gain[k][ME][s] + visits[s] * (my_turn(s, more_worth) + both[s]) for s in STARTS]
        )

    value = jnp.stack([_dot(after[START], y) for y in worth])
    gradient = [[jnp.stack([visits[s] * gain[k][i][s] for s in STARTS]) for i in (ME, OTHER)] for k in (ME, OTHER)]
    return View(logits, value, jnp.stack([jnp.stack(row) for row in gradient]), mixed, values)


def _dot(x: Row, y: Row) -> Array:
    return functools.reduce(lambda total, term: total + term, [a * b for a, b in zip(x, y, strict=True)])


def _inverse(matrix: list[list[Array]]) -> list[list[Array]]:
    """Gauss-Jordan elimination in place. Needs no pivoting: I - discount P is strictly diagonally dominant by rows."""
    rows = [list(row) for row in matrix]
    for k in range(len(rows)):
        scale = 1 / rows[k][k]
        rows[k] = [scale if t == k else scale * x for t, x in enumerate(rows[k])]
        for s in range(len(rows)):
            if s != k:
                factor = rows[s][k]
                rows[s] = [-factor * scale if t == k else x - factor * rows[k][t] for t, x in enumerate(rows[s])]
    return rows
