"""Audits of players at play: what they say, what follows from what is delivered in its place, and strangers.

Strangers are players of other runs. M[i, j] is the mean return with player i of one run in seat 0 and those of run j in
all other seats, on the same episodes for all. Two runs agree in their code as far as they say the same in the same
state,

    E sum over m of min(p_i(m | o, x), p_j(m | o, x))

over the states that both are met in, each as often as the two together: 1 for the same code, and 0 where one never
says what the other does.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from tacit.evaluation.audit import (
    CANONICAL,
    GROUNDED,
    LITERAL,
    SHUFFLED,
    SILENT,
    SYNONYMS,
    UNIFORM,
    USUAL,
    Asked,
    Audit,
    put_together,
)
from tacit.evaluation.listening import Room, hear, influence, talk_of
from tacit.evaluation.literal_listeners import with_literal_listener
from tacit.evaluation.message_meaning import Meaning, reference
from tacit.evaluation.message_metrics import shares
from tacit.evaluation.talk import Talk
from tacit.evaluation.tapped import Law, hushed, replaced, reworded
from tacit.evaluation.transcripts import NATURAL


def audit(name: str, room: Room, asked: Asked = USUAL) -> Audit:
    """The audit of one set of players.

    Raises:
        Misfit: there are not as many players as seats, or the game has too many states.
        InputError: the table of what was said would be too large.
    """
    heard = hear(room)
    if not heard.spoke.any():
        return put_together(name, None, {NATURAL: heard.returns}, asked=asked)
    talk = talk_of(room.reading, heard)
    returns = played(room, talk, heard.returns)
    done = influence(room, talk, asked.seed) if room.reading.settable else None
    return put_together(name, talk, returns, done, asked)


def played(room: Room, talk: Talk, natural: np.ndarray) -> dict[str, Float[np.ndarray, " E"]]:
    """Returns of all episodes under every law that the game allows, natural play first."""
    if room.reading.acts:
        return {NATURAL: natural}
    law, meaning, counts = room.natural, talk.meaning, talk.counts()
    laws: dict[str, Law] = {}
    if meaning is not None:
        if (meaning.wordings.sum(1) > 1).any():
            laws[CANONICAL] = reworded(law, first_wording(meaning))
            laws[SYNONYMS] = reworded(law, next_wording(meaning))
        laws[GROUNDED] = replaced(law, reference(shares(counts.sum(-1), 2), meaning))
    laws[SHUFFLED] = replaced(law, _as_said(counts)[:, None])
    laws[UNIFORM] = replaced(law, np.full(counts.shape, 1 / counts.shape[-1]))
    if room.reading.mute:
        laws[SILENT] = hushed(law)
    found = {NATURAL: natural} | {name: hear(room, law).returns for name, law in laws.items()}
    literal = with_literal_listener(room.reading.game, meaning, room.seats)
    return found if literal is None else found | {LITERAL: hear(room._replace(seats=literal)).returns}


def first_wording(meaning: Meaning) -> Float[np.ndarray, "M M"]:
    """The table that delivers each claim in its first wording."""
    return np.eye(len(meaning.claim))[meaning.wordings.argmax(1)[meaning.claim]]


def next_wording(meaning: Meaning) -> Float[np.ndarray, "M M"]:
    """The table that delivers each claim in the wording after the one that was used, the first after the last."""
    after = np.arange(len(meaning.claim))
    for claim in np.unique(meaning.claim):
        same = np.flatnonzero(meaning.claim == claim)
        after[same] = np.roll(same, -1)
    return np.eye(len(after))[after]


def _as_said(counts: np.ndarray) -> Float[np.ndarray, "O M"]:
    """How often each message is said where the same is public; all alike where that never was."""
    said = counts.sum(1)
    return shares(np.where(said.sum(-1, keepdims=True) > 0, said, 1.0))


class Strangers(NamedTuple):
    """What K sets of players make of each other.

    Attributes:
        returns: `[K, K]` M.
        without: the same where nothing is delivered; None where messages are moves or cannot be taken away.
        agreement: `[K, K]` of their codes; NaN where one of two said nothing.
    """

    returns: Float[np.ndarray, "K K"]
    without: Float[np.ndarray, "K K"] | None
    agreement: Float[np.ndarray, "K K"]

    @property
    def gaps(self) -> Float[np.ndarray, " K"] | None:
        """How much less of the channel strangers make of each: g, with it in seat 0 and one other after another."""
        if self.without is None or len(self.returns) < 2:
            return None
        worth = self.returns - self.without
        others = (worth.sum(1) - np.diagonal(worth)) / (len(worth) - 1)
        return np.diagonal(worth) - others


def strangers(rooms: Sequence[Room], audits: Sequence[Audit]) -> Strangers:
    """Lets players of different rooms, which are alike but for them, play together."""
    count = len(rooms)
    law = hushed(rooms[0].natural) if rooms[0].reading.mute and not rooms[0].reading.acts else None
    returns, without = np.zeros((2, count, count))
    for i, j in np.ndindex(count, count):
        room = rooms[i]._replace(seats=(rooms[i].seats[0], *rooms[j].seats[1:]))
        returns[i, j] = hear(room).returns.mean()
        if law is not None:
            without[i, j] = hear(room, law).returns.mean()
    codes = [None if each.talk is None else each.talk.counts() for each in audits]
    agreement = np.array([[agrees(one, other) for other in codes] for one in codes])
    return Strangers(returns, None if law is None else without, agreement)


def agrees(one: np.ndarray | None, other: np.ndarray | None) -> float:
    """How far two codes agree, from counts `[O, X, M]`."""
    if one is None or other is None:
        return float("nan")
    weight = shares(one, 3).sum(-1) + shares(other, 3).sum(-1)
    both = (one.sum(-1) > 0) & (other.sum(-1) > 0)
    weight = np.where(both, weight, 0.0)
    same = np.minimum(shares(one), shares(other)).sum(-1)
    return float((weight * same).sum() / weight.sum()) if weight.sum() else float("nan")
