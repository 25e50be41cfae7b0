"""Probe games: tiny games with known answers, each of which isolates one thing a learner must get right.

A learner that fails one is broken in a way the probe names. All players play the same probe side by side.

Source: after the probe environments in the tests of keraJLi/rejax; "remembered" is added for policies with a memory.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tacit.games.base import Game, settle
from tacit.settings import setting
from tacit.types import Discrete, Level, Outcome, Real, Spec

LENGTHS = {"constant": 1, "seen": 1, "later": 2, "chosen": 1, "matched": 1, "remembered": 3}


class ProbeState(NamedTuple):
    """A probe after some steps; only the kinds that show a sign read it."""

    sign: Float[Array, " P"]  # -1 or 1, what the player is shown (or was, at the first step)
    time: Int[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class Probe(Game):
    """One of six games, with discount g; an action is read as a sign, -1 for action 0 and 1 for action 1.

    | kind | rule | answer |
    |---|---|---|
    | constant | one step, reward 1 | value 1 |
    | seen | one step, a random sign is shown and paid | value equals what is shown |
    | later | two steps, reward 1 at the second | values g, then 1 |
    | chosen | one step, the action's sign is paid | action 1, value 1 |
    | matched | one step, action times the sign shown is paid | action equals the sign, value 1 |
    | remembered | three steps, a sign shown at the first, action times sign paid at the third | value 1 at the third |
    """

    kind: str = setting("matched", "which probe", choices=tuple(LENGTHS))
    num_players: int = setting(1, "players side by side", unit="players", low=1, high=64)
    discount: float = setting(0.9, "weight of the next step against this one", unit="per step", low=0.0, high=1.0)

    @property
    def spec(self) -> Spec:
        return Spec(self.num_players, Real((2,), -1.0, 1.5), Discrete(2), LENGTHS[self.kind], (-1.0, 1.0))

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> ProbeState:
        del level
        sign = jax.random.rademacher(key, (self.num_players,), float)
        return ProbeState(sign, jnp.int32(0), jnp.bool_(False), jnp.bool_(False))

    def observe(self, state: ProbeState) -> Float[Array, "P 2"]:
        """The sign shown (0 where none is), and half the steps so far (0 but in "later" and "remembered")."""
        shown = self.kind in ("seen", "matched", "remembered")
        sign = jnp.where((state.time == 0) & shown, state.sign, 0.0)
        counted = self.kind in ("later", "remembered")
        time = jnp.where(counted, state.time / 2, 0.0)
        return jnp.stack([sign, jnp.full_like(sign, time)], axis=1)

    def step(self, key: PRNGKeyArray, state: ProbeState, action: Int[Array, " P"]) -> tuple[ProbeState, Outcome]:
        del key
        over = state.time + 1 >= LENGTHS[self.kind]
        chosen = 2.0 * action.astype(float) - 1.0
        paid = {"constant": jnp.ones_like(chosen), "seen": state.sign, "later": jnp.ones_like(chosen), "chosen": chosen}
        reward = jnp.where(over, paid.get(self.kind, chosen * state.sign), 0.0)
        return settle(state, ProbeState(state.sign, state.time + 1, over, jnp.bool_(False)), reward)


def probe() -> Probe:
    """A probe, by default "matched"."""
    return Probe()
