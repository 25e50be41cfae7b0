"""Two players, two actions: every 2x2 matrix game, played once or again and again.

Action 0 is C (cooperate, heads, swerve, stag), action 1 is D. A player sees what both did last, itself first: one-hot
over CC, CD, DC, DD and "start", which recurs at every episode's beginning. `tacit.games.matrix_exact` has the values
of memory-one policies in the same games in closed form.

Sources: payoffs of the prisoner's dilemma and matching pennies as in LOLA (Foerster et al. 2018, tables 1 and 2) and
its public code; chicken as in M-FOS (Lu et al. 2022, public code); stag hunt as in the textbooks (assurance game).
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tacit.games.base import Game, settle
from tacit.settings import setting
from tacit.types import Discrete, Level, Outcome, Real, Spec

JOINT = ("CC", "CD", "DC", "DD")  # joint outcomes, own action first
STATES = (*JOINT, "start")  # what a player with a memory of one round can see
SWAPPED = (0, 2, 1, 3, 4)  # the same states from the other player's side
START = 4
PLAYERS = 2


class MatrixState(NamedTuple):
    """A matrix game after some rounds: all that is remembered is the last joint outcome."""

    last: Int[Array, ""]  # index into STATES, from player 1's side
    round: Int[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class MatrixGame(Game):
    """A 2x2 game between two players, repeated `length` times.

    A game of one round ends (`terminated`); a longer one is a window on a game without end and is cut (`truncated`).
    """

    payoff: tuple[float, float, float, float, float, float, float, float] = setting(
        (-1.0, -1.0, -3.0, 0.0, 0.0, -3.0, -2.0, -2.0),
        "rewards of player 1 and player 2 at CC, then CD, DC and DD",
        source="prisoner's dilemma, LOLA table 1",
    )
    discount: float = setting(
        0.96, "weight of the next round against this one", unit="per round", source="LOLA section 4", low=0.0, below=1.0
    )
    length: int = setting(
        150, "rounds of a sampled episode", unit="rounds", source="public code of LOLA", low=1, high=10**6
    )
    action_names: tuple[str, str] = dataclasses.field(default=("C", "D"))

    @property
    def rewards(self) -> Float[Array, "2 4"]:
        """Reward of each player at CC, CD, DC, DD (player 1's action first)."""
        return jnp.stack([jnp.asarray(x, float) for x in self.payoff]).reshape(4, PLAYERS).T

    @property
    def symmetric(self) -> bool:
        """Whether both seats have the same payoffs; true, too, while they are traced and cannot be compared."""
        known = all(isinstance(x, float) for x in self.payoff)
        return not known or all(self.payoff[2 * s] == self.payoff[2 * SWAPPED[s] + 1] for s in range(START))

    @property
    def spec(self) -> Spec:
        lowest, highest = (-float("inf"), float("inf"))
        if all(isinstance(x, float) for x in self.payoff):  # unknown while the payoffs are traced
            lowest, highest = min(self.payoff), max(self.payoff)
        return Spec(PLAYERS, Real((len(STATES),), 0.0, 1.0), Discrete(2), self.length, (lowest, highest))

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> MatrixState:
        del key, level
        return MatrixState(jnp.int32(START), jnp.int32(0), jnp.bool_(False), jnp.bool_(False))

    def observe(self, state: MatrixState) -> Float[Array, "2 5"]:
        seen = jnp.stack([state.last, jnp.array(SWAPPED)[state.last]])
        return jax.nn.one_hot(seen, len(STATES))

    def step(self, key: PRNGKeyArray, state: MatrixState, action: Int[Array, "2"]) -> tuple[MatrixState, Outcome]:
        del key
        joint = (2 * action[0] + action[1]).astype(jnp.int32)
        played = state.round + 1
        over = played >= self.length
        once = self.length == 1
        new = MatrixState(joint, played, over & once, over & (not once))
        return settle(state, new, self.rewards[:, joint])


def ipd() -> MatrixGame:
    """Iterated prisoner's dilemma."""
    return MatrixGame()


def axelrod_ipd() -> MatrixGame:
    """Iterated prisoner's dilemma with the payoffs and the 200 turns of Axelrod's first tournament (1980)."""
    return MatrixGame(payoff=(3.0, 3.0, 0.0, 5.0, 5.0, 0.0, 1.0, 1.0), length=200)


def imp() -> MatrixGame:
    """Iterated matching pennies; player 1 wants a match. Zero-sum."""
    return MatrixGame(
        payoff=(1.0, -1.0, -1.0, 1.0, -1.0, 1.0, 1.0, -1.0), discount=0.9, action_names=("heads", "tails")
    )


def iterated_chicken() -> MatrixGame:
    """Iterated chicken: cars (who swerve) and cyclists (who learnt that cars do)."""
    return dataclasses.replace(chicken(), length=150)


def iterated_stag_hunt() -> MatrixGame:
    """Iterated stag hunt: cooperation is an equilibrium, but a risky one."""
    return dataclasses.replace(stag_hunt(), length=150)


def prisoners_dilemma() -> MatrixGame:
    """Prisoner's dilemma, played once."""
    return dataclasses.replace(ipd(), length=1)


def matching_pennies() -> MatrixGame:
    """Matching pennies, played once."""
    return dataclasses.replace(imp(), length=1)


def chicken() -> MatrixGame:
    """Chicken with the payoffs of the M-FOS code, played once: swerve (C) or go straight (D)."""
    return MatrixGame(
        payoff=(0.0, 0.0, -1.0, 1.0, 1.0, -1.0, -100.0, -100.0), length=1, action_names=("swerve", "straight")
    )


def stag_hunt() -> MatrixGame:
    """Stag hunt, played once: stag together (4 each), or hare alone (3) or beside another hare (2)."""
    return MatrixGame(payoff=(4.0, 4.0, 0.0, 3.0, 3.0, 0.0, 2.0, 2.0), length=1, action_names=("stag", "hare"))
