"""What is known of messages without drawing any: figures in closed form, an inverted code, and an identity.

Every number here has one right value, which a definition or a short sum gives; they are what an audit stands on.
"""

import numpy as np
from scipy.special import rel_entr
from scipy.stats import binom

from tacit.evaluation import message_metrics as metrics
from tacit.evaluation import planted_speakers as planted
from tacit.evaluation.message_meaning import MIX, declared, decompose, literal_beliefs
from tacit.evaluation.table_audit import Returns, returns

UP, DOWN, NOTHING = range(3)  # messages of the booth
RIGHT, WRONG = 1.0, -0.5  # payoffs of its exits


def largest_gap(speakers: int, seed: int) -> float:
    """The largest error of I(X; M | O) = literal + E KL(b || b_lit) = literal + wording + selection, in bits.

    It is taken over random speakers in random scenes, every other of which lies. The divergence of what a listener
    believes from what it would believe at its word is computed from the beliefs themselves.
    """
    generator = np.random.default_rng(seed)
    gaps = []
    for number in range(speakers):
        scene = planted.scattered(generator)
        true = scene.meaning.true if number % 2 else np.ones_like(scene.meaning.true)
        speaker = metrics.shares(np.where(true, generator.exponential(size=true.shape), 0.0))
        joint = scene.state[..., None] * speaker
        told = decompose(joint, scene.meaning)
        believed = metrics.shares(np.swapaxes(joint, 1, 2))  # [O, M, X]
        literal = literal_beliefs(scene.state, scene.meaning, MIX if told.lies > 0 else 0.0)[:, scene.meaning.claim]
        convention = (joint.sum(1)[..., None] * rel_entr(believed, literal)).sum() / np.log(2)
        gaps += [told.information - told.literal - convention, told.wording + told.selection - convention]
    return float(np.abs(gaps).max())


def expected_by_chance(messages: int, states: int = 8, claims: int = 2, wordings: int = 4) -> float:
    """E of I(X; M | L) from the counts of so many messages of the honest speaker in `planted_speakers.halves`, in bits.

    Every cell of a table is a binomial number, so the mean of each entropy is a sum over binomials, and

        I(X; M | L) = H(X) + H(M) - H(L) - H(X, M) ,

    a state having one true claim. To first order in 1 / N it is the usual (|X| - 1) (|M| - 1) / (2 N ln 2), by claim.
    """

    def entropy(cells: int) -> float:  # of that many cells, all alike, as counted
        counted = np.arange(1, messages + 1)
        surprise = counted / messages * np.log2(counted / messages)
        return -cells * float(np.sum(binom.pmf(counted, messages, 1 / cells) * surprise))

    together = states * wordings  # of the pairs of a state and a message that may be
    return entropy(states) + entropy(claims * wordings) - entropy(claims) - entropy(together)


def influences(messages: int = 5) -> tuple[float, float]:
    """Causal influence on a deaf listener, and on one that copies, less the messages' entropy; both are 0."""
    says = np.arange(1.0, messages + 1)[None] / np.arange(1, messages + 1).sum()
    deaf, copies = np.full((1, messages, 3), [0.2, 0.3, 0.5]), np.eye(messages)[None]
    heard = [float(metrics.causal_influence(says, does, np.ones(1))) for does in (deaf, copies)]
    return heard[0], heard[1] - float(metrics.entropy(says)[0])


def closed_forms() -> dict[str, tuple[float, float]]:
    """Figures of messages beside their values by hand."""
    n, noise = 4, 0.25
    copy, apart = np.eye(n) / n, np.full((n, n), 1 / n**2)
    noisy = (1 - noise) * copy + noise * apart  # a quarter of the messages is drawn anew
    right, other = 1 - noise + noise / n, noise / n
    lost = -right * np.log2(right) - (n - 1) * other * np.log2(other)
    objects = np.array([(shape, color) for shape in range(3) for color in range(3)])
    uneven = np.array([0.5, 0.25, 0.125, 0.125])
    return {
        "entropy of 1/2, 1/4, 1/8, 1/8": (float(metrics.entropy(uneven)), 1.75),
        "information, everything told": (float(metrics.information(copy)), 2.0),
        "information, nothing told": (float(metrics.information(apart)), 0.0),
        "information, a quarter drawn anew": (float(metrics.information(noisy)), 2.0 - lost),
        "speaker consistency of a copy": (float(metrics.speaker_consistency(copy)), 2.0),
        "instantaneous coordination of strangers": (float(metrics.instantaneous_coordination(apart)), 0.0),
        "context independence of names": (float(metrics.context_independence(copy)), 1.0),
        "topographic similarity of a symbol for each thing": (
            float(metrics.topographic_similarity(objects, 2 - objects)),
            1.0,
        ),
    }


def inverted() -> tuple[float, Returns]:
    """The share of lies, and the returns, of partners who mean the opposite of what they say.

    One of two exits pays 1 and the other -0.5. The speaker says "up" where it is down, and the listener does the
    opposite of what it hears. Hearing nothing it guesses, which earns 0.25.
    """
    state = np.full((1, 2), 0.5)
    meaning = declared(np.array([[[1, 0], [0, 1], [1, 1]]]), np.arange(3))
    speaker = np.eye(3)[[[DOWN, UP]]]  # [O, X, M]
    listener = np.array([[[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]]])  # [O, M, A]
    payoff = np.array([[[RIGHT, WRONG], [WRONG, RIGHT]]])
    lies = float(decompose(state[..., None] * speaker, meaning).lies)
    return lies, returns(state, speaker, listener, payoff, meaning)
