"""What a speaker and a listener earn together when somebody meddles with what is said: exactly, from tables.

    J(natural) = sum over o, x, m, a of p(o, x) p(m | x, o) p(a | o, m) payoff(o, x, a) ,

and the same with the channel or one of the players changed. Two shares say where the return comes from, J_0 being what
is earned without any message:

    wording share      w = (J - J(reworded)) / (J - J_0)            of the gain, what rests on the form of claims
    convention share   k = (J - J(literal listener)) / (J - J_0)    what a literal listener loses

k above 1 says that a listener that takes claims at their word would do better to hear nothing;
k below 0, that it would do better than this one.

Source: this project's own; the arms are those of interventions on a channel in general.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Num

from tacit.evaluation.message_meaning import Meaning, grounded_listener, reference
from tacit.evaluation.message_metrics import shares


class Returns(NamedTuple):
    """Expected returns of one pair of players.

    Attributes:
        natural: messages arrive as they are said.
        canonical: every claim arrives in its first wording.
        reworded: every claim arrives in any of its wordings, all alike: the mean over all new names for them.
        mute: no message arrives, and the listener does the best that can be done without.
        grounded: the speaker is replaced by one that says any true message with equal chance.
        literal: the listener is replaced by the one that earns most by taking claims at their word.
    """

    natural: float
    canonical: float
    reworded: float
    mute: float
    grounded: float
    literal: float

    @property
    def wording_share(self) -> float:
        """w: of what messages are worth, what rests on their form; NaN where they are worth nothing."""
        return self._of_gain(self.reworded)

    @property
    def convention_share(self) -> float:
        """k: of what messages are worth, what a literal listener loses; NaN where they are worth nothing."""
        return self._of_gain(self.literal)

    def _of_gain(self, instead: float) -> float:
        gain = self.natural - self.mute
        return (self.natural - instead) / gain if abs(gain) > SPECK else float("nan")


SPECK = 1e-9  # of return, which is only rounding


def returns(
    state: Num[np.ndarray, "O X"],
    speaker: Float[np.ndarray, "O X M"],
    listener: Float[np.ndarray, "O M A"],
    payoff: Float[np.ndarray, "O X A"],
    meaning: Meaning,
) -> Returns:
    """What a pair of players earns, as it is and under interventions.

    Args:
        state: p(o, x), or numbers in proportion to it.
        speaker: p(m | x, o).
        listener: p(a | o, m).
        payoff: what is paid for action a in state x.

    Raises:
        Misfit: some state has no true message.
    """
    first = np.eye(len(meaning.claim))[meaning.wordings.argmax(1)]  # [L, M]
    canonical, synonym = (forms[meaning.claim] for forms in (first, shares(meaning.wordings)))  # [M, M]
    true, literal = reference(state, meaning), grounded_listener(shares(state, 2), meaning, payoff)
    return Returns(
        natural=earned(state, speaker, listener, payoff),
        canonical=earned(state, speaker @ canonical, listener, payoff),
        reworded=earned(state, speaker @ synonym, listener, payoff),
        mute=float((shares(state, 2)[..., None] * payoff).sum(1).max(-1).sum()),
        grounded=earned(state, true, listener, payoff),
        literal=earned(state, speaker, literal, payoff),
    )


def earned(
    state: Num[np.ndarray, "O X"],
    speaker: Float[np.ndarray, "O X M"],
    listener: Float[np.ndarray, "O M A"],
    payoff: Float[np.ndarray, "O X A"],
) -> float:
    """J of this speaker with this listener."""
    return float(np.einsum("ox,oxm,oma,oxa->", shares(state, 2), speaker, listener, payoff))
