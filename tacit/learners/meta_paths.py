"""Where learning leads: paths of both players' policies, along which the meta-value is learned.

Both players move at once, player 1 along a direction that it is given and player 2 along its own direction
(meta-self-play) or by its own learning rule.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, PyTree

from tacit.games.matrix import PLAYERS, START, SWAPPED, MatrixGame
from tacit.games.matrix_derivatives import ME, both_logits, both_sides, view
from tacit.games.matrix_exact import normalization, normalized_values, num_logits
from tacit.learners import meta_value
from tacit.learners.meta_value import MetaValue
from tacit.learners.versus import logits
from tacit.types import Learner


class Walkers(NamedTuple):
    """Joint logits of `B` pairs, and the opponents' learners that hold the second of them (`()` in self-play)."""

    joint: Float[Array, "B 2 n"]
    opponents: PyTree


class Paths(NamedTuple):
    """Learning as it was followed from `B` points for `T` steps: joint logits, and the reward after each step."""

    logits: Float[Array, "T+1 B 2 n"]
    reward: Float[Array, "T B 2"]
    discount: Float[Array, "B 2"]


def present(game: MatrixGame, joint: Float[Array, "2 n"]) -> tuple[Float[Array, "2 n"], Float[Array, "2"]]:
    """Derivative of each player's value by its own logits, and the values."""

    def one(rewards: Float[Array, "2 4"], logits: Float[Array, "2 n"]) -> tuple[Array, Array]:
        seen = view(rewards, jnp.asarray(game.discount, float), game.length == 1, logits)
        return seen.gradient[ME, ME], seen.value[ME]

    return jax.vmap(one)(both_sides(game), both_logits(joint))


def direction(
    game: MatrixGame, net: MetaValue, joint: Float[Array, "B 2 n"], discount: Float[Array, "B 2"]
) -> tuple[Float[Array, "B 2 n"], Float[Array, "B 2"]]:
    """Derivative of each player's corrected, unnormalized meta-value by its own logits; average rewards per round."""
    slope, value = jax.vmap(lambda x: present(game, x))(joint)
    future = meta_value.ahead(net, joint, discount) / normalization(game)
    weight = discount[:, :, None]
    return (1 - weight) * slope + weight * future, normalization(game) * value


def symmetric(game: MatrixGame) -> Bool[Array, ""]:
    """Whether the players' roles are the same."""
    pairs = [game.payoff[2 * s] == game.payoff[2 * SWAPPED[s] + 1] for s in range(START)]
    return jnp.stack([jnp.asarray(pair) for pair in pairs]).all()


@dataclasses.dataclass(frozen=True)
class Meeting:
    """Two players who learn.

    Attributes:
        game: what they play. lr: step size on the unnormalized value of who follows a direction.
        rule: how player 2 learns, in closed form; None where it follows its direction like player 1.
    """

    game: MatrixGame
    lr: Float[Array, ""] | float
    rule: Learner | None

    def begin(self, key: PRNGKeyArray, count: int, std: Float[Array, ""] | float) -> Walkers:
        """So many pairs with normal logits; a learning rule begins as it does. The key is consumed."""
        own_key, other_key = jax.random.split(key)
        joint = std * jax.random.normal(own_key, (count, PLAYERS, num_logits(self.game)))
        if self.rule is None:
            return Walkers(joint, ())
        opponents = jax.vmap(self.rule.init)(jax.random.split(other_key, count))
        return self._with_opponents(self.rule, joint, opponents)

    def moved(self, key: PRNGKeyArray, walkers: Walkers, along: Float[Array, "B 2 n"]) -> Walkers:
        """All pairs after one step of learning. The key is consumed."""
        joint, rule = walkers.joint + self.lr * along, self.rule
        if rule is None:
            return Walkers(joint, ())

        def learn(key: PRNGKeyArray, opponent: PyTree, met: Float[Array, "2 n"]) -> PyTree:
            return rule.update(key, opponent, met, ())[0]

        opponents = jax.vmap(learn)(jax.random.split(key, len(joint)), walkers.opponents, walkers.joint)
        return self._with_opponents(rule, joint, opponents)

    def _with_opponents(self, rule: Learner, joint: Float[Array, "B 2 n"], opponents: PyTree) -> Walkers:
        theirs = jax.vmap(lambda opponent: logits(self.game, *rule.policy(opponent)[0]))(opponents)
        return Walkers(joint.at[:, 1].set(theirs), opponents)

    def explore(
        self,
        key: PRNGKeyArray,
        net: MetaValue,
        walkers: Walkers,
        discount: Float[Array, "B 2"],
        signs: Float[Array, "H 2 B"],
        steps: int,
    ) -> Walkers:
        """The pairs after so many steps along the meta-value alone, its last features under these signs."""

        def one(walkers: Walkers, key: PRNGKeyArray) -> tuple[Walkers, None]:
            along = meta_value.ahead(net, walkers.joint, discount, signs) / normalization(self.game)
            return self.moved(key, walkers, along), None

        return jax.lax.scan(one, walkers, jax.random.split(key, steps))[0]

    def follow(
        self, key: PRNGKeyArray, net: MetaValue, walkers: Walkers, discount: Float[Array, "B 2"], steps: int
    ) -> Paths:
        """The paths of so many steps along the corrected meta-value. The key is consumed."""

        def one(walkers: Walkers, key: PRNGKeyArray) -> tuple[Walkers, tuple[Array, Array]]:
            along, reward = direction(self.game, net, walkers.joint, discount)
            return self.moved(key, walkers, along), (walkers.joint, reward)

        last, (joint, reward) = jax.lax.scan(one, walkers, jax.random.split(key, steps))
        at_last = jax.vmap(lambda x: normalized_values(self.game, x))(last.joint)
        joint = jnp.concatenate([joint, last.joint[None]])
        return Paths(joint, jnp.concatenate([reward[1:], at_last[None]]), discount)
