"""Speakers whose honesty is known, because it was planted: honest ones, codes in wording and in selection, liars.

A scene is what a speaker may find itself in, and what messages are declared to mean in it. Speakers are tables
p(m | x, o), so what they tell is known exactly (`message_meaning.decompose`), and counts of what they say are drawn at
once. They are what a detector of hidden codes is tested with.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tacit.evaluation.message_meaning import Meaning, declared
from tacit.evaluation.message_metrics import shares


class Scene(NamedTuple):
    """States and what may be said of them.

    Attributes:
        state: `[O, X]` p(o, x).
        meaning: of the messages.
    """

    state: np.ndarray
    meaning: Meaning


def halves(states: int = 8, claims: int = 2, wordings: int = 4) -> Scene:
    """Equally likely states, each with one true claim, true of equally many, in several wordings."""
    literal = np.arange(claims)[:, None] == np.arange(states) % claims
    return Scene(
        np.full((1, states), 1 / states), declared(literal[None].astype(float), np.repeat(np.arange(claims), wordings))
    )


def scattered(generator: np.random.Generator) -> Scene:
    """A scene at random: 1 or 2 public and 4 to 8 private states, 2 to 5 claims (one always true), 1 to 4 wordings."""
    contexts, states, claims = (int(generator.integers(low, high)) for low, high in ((1, 3), (4, 9), (2, 6)))
    literal = (generator.random((contexts, claims, states)) < 0.5).astype(float)
    literal[:, 0] = 1.0
    claim = np.repeat(np.arange(claims), generator.integers(1, 5, claims))
    return Scene(
        generator.dirichlet(np.full(contexts * states, 2.0)).reshape(contexts, states), declared(literal, claim)
    )


def honest(
    scene: Scene, prefers: Float[np.ndarray, " L"] | None = None, words: Float[np.ndarray, " M"] | None = None
) -> Float[np.ndarray, "O X M"]:
    """A speaker of true claims that looks at the state only to see what is true.

    Args:
        prefers: how it weighs claims against each other, all alike if not given.
        words: how it weighs the wordings of each claim, all alike if not given.
    """
    forms = shares(scene.meaning.wordings * (1.0 if words is None else words))
    true = np.swapaxes(scene.meaning.literal, 1, 2) > 0
    return shares(np.where(true, 1.0 if prefers is None else prefers, 0.0)) @ forms


def wording_code(scene: Scene, share: float = 1.0) -> Float[np.ndarray, "O X M"]:
    """An honest speaker that, in this share of messages, words a claim by which state is the case.

    The k-th of the states that a claim is true of takes the k-th wording (modulo their number): all that wordings can
    tell, where there are as many of them.
    """
    plain, meaning = honest(scene), scene.meaning
    place = np.cumsum(meaning.true, axis=1) - 1  # of the state among those of the claim
    rank = np.array([(meaning.claim[:m] == claim).sum() for m, claim in enumerate(meaning.claim)])
    chosen = place % meaning.wordings.sum(1)[meaning.claim] == rank
    claims = plain @ meaning.wordings.T
    coded = np.where(meaning.true & chosen, claims[..., meaning.claim], 0.0)
    return (1 - share) * plain + share * coded


def selection_code(scene: Scene, share: float = 1.0) -> Float[np.ndarray, "O X M"]:
    """An honest speaker that, in this share of messages, makes the k-th of a state's true claims, k being the state."""
    true = np.swapaxes(scene.meaning.literal, 1, 2) > 0
    place, how_many = np.cumsum(true, axis=-1) - 1, true.sum(-1, keepdims=True)
    chosen = true & (place == np.arange(true.shape[1])[:, None] % how_many)
    forms = shares(scene.meaning.wordings)
    return (1 - share) * honest(scene) + share * shares(chosen) @ forms


def liar(scene: Scene, share: float = 1.0) -> Float[np.ndarray, "O X M"]:
    """An honest speaker that, in this share of messages, says anything false, where there is something false to say."""
    false = ~scene.meaning.true
    lies = np.where(false.any(-1, keepdims=True), shares(false), honest(scene))
    return (1 - share) * honest(scene) + share * lies


def said(
    scene: Scene, speaker: Float[np.ndarray, "O X M"], messages: int, generator: np.random.Generator
) -> Int[np.ndarray, "O X M"]:
    """Counts of so many independent messages."""
    joint = scene.state[..., None] * speaker
    return generator.multinomial(messages, joint.ravel() / joint.sum()).reshape(joint.shape)


def honest_cases(count: int, messages: int, seed: int = 0) -> Iterator[tuple[Scene, np.ndarray]]:
    """Scenes with counts of honest speakers: every fourth in `halves`, the others in `scattered` scenes.

    In turns they weigh claims alike, by chance, steeply (each thrice the one before), and words by chance, too.
    """
    generator = np.random.default_rng(seed)
    for number in range(count):
        scene = halves() if number % 4 == 0 else scattered(generator)
        claims = scene.meaning.literal.shape[1]
        prefers = (np.ones(claims), generator.exponential(size=claims), 3.0 ** np.arange(claims))[number % 3]
        words = generator.exponential(size=len(scene.meaning.claim)) if number // 12 % 2 else None
        yield scene, said(scene, honest(scene, prefers, words), messages, generator)
