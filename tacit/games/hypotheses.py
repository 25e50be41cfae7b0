"""All that a player may not know, listed: what beliefs under known policies are computed over.

A belief that follows what others did (Bayes' rule) keeps one logarithm for each hypothesis about what the player cannot
see now:

    log B(h) = log grounded(h) + sum over the others' actions of log pi(action | what they saw, if h) + constant

The rules are all in `grounded`; the sum is the evidence. A game that can list its hypotheses says how with a
`Hypotheses`.
"""

from typing import NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from tacit.types import State


class Views(NamedTuple):
    """What one player sees and may do under each hypothesis about what another one cannot see.

    Only a part of the observation depends on the hypothesis: `Hypotheses.place`. A network whose first layer is linear
    needs the rest of it once, not once for each hypothesis.

    Attributes:
        common: the observation, with zeros at `place`.
        differing: what stands at `place` under each hypothesis.
        legal: the legal actions under each hypothesis.
    """

    common: Float[Array, " n"]
    differing: Float[Array, "H m"]
    legal: Bool[Array, "H A"]


@runtime_checkable
class Hypotheses(Protocol):
    """H hypotheses about what a player cannot see, the same list for every player and state."""

    @property
    def place(self) -> slice:
        """The part of another player's observation that depends on the hypothesis."""
        ...

    def hidden(self) -> PyTree:
        """The hypotheses, as `Game.hidden` has them, leaves `[H, ...]`."""
        ...

    def grounded(self, state: State, player: Int[Array, ""]) -> Float[Array, " H"]:
        """Log-probabilities by the rules alone; -inf where impossible."""
        ...

    def views(self, state: State, viewer: Int[Array, ""], player: Int[Array, ""]) -> Views:
        """What `viewer` sees under each hypothesis about what `player` cannot see."""
        ...

    def revealed(
        self, state: State, player: Int[Array, ""], action: Int[Array, ""], evidence: Float[Array, " H"]
    ) -> Float[Array, " H"]:
        """The evidence about what `player` cannot see after its own action, which may show or change some of it."""
        ...


def posterior(grounded: Float[Array, " H"], evidence: Float[Array, " H"]) -> Float[Array, " H"]:
    """Log-probabilities of the hypotheses. Evidence that leaves none possible is as good as none."""
    return jax.nn.log_softmax(grounded + unless_refuted(grounded, evidence))


def unless_refuted(grounded: Float[Array, " H"], evidence: Float[Array, " H"]) -> Float[Array, " H"]:
    """The evidence, or none (0 of all) where it leaves no hypothesis possible."""
    return jnp.where(jnp.isfinite(grounded + evidence).any(), evidence, 0.0)
