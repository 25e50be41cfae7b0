"""What messages carry, from tables of how often things happen together: information, influence, form. In bits.

The first axes of a table are for any number of tables at once (`*n`). Weights need not sum to 1: counts, shares and
probabilities are the same table here. What counts of N samples are worth, and how sure they are, is in
`message_estimates`.

| figure | formula | says |
| --- | --- | --- |
| message entropy | H(M) | how much of the alphabet is used |
| message information | I(M; X), X what the speaker saw | that the speaker tells something |
| speaker consistency | I(M; A), A what the speaker does next | that messages foretell their own sender |
| instantaneous coordination | I(M; A), A what the listener does next | that both vary together, for whatever reason |
| context independence | mean over a of p(a given m) p(m given a), m the best sign of a | one symbol for each thing |
| causal influence | E_o I(M; A) where m is set, whatever o is | that the listener listens |

Only the last one is about a listener: the others may be high though nobody hears.

Sources: Lowe et al. 2019 (On the Pitfalls of Measuring Emergent Communication), for speaker consistency, instantaneous
coordination and causal influence; Bogin, Geva and Berant 2018 (context independence); Brighton and Kirby 2006
(topographic similarity); Chaabouni et al. 2020 (disentanglement). Departure: the published code of causal influence
takes the mean over messages where the marginal of the action needs the sum, which makes every value larger; here the
marginal is the sum.
"""

import numpy as np
from jaxtyping import Float, Int, Num, Shaped
from scipy.special import entr, rel_entr
from scipy.stats import rankdata

END = -1  # symbols after the end of a message that is shorter than others


def shares(weights: Shaped[np.ndarray, "..."], axes: int = 1) -> Float[np.ndarray, "..."]:
    """Weights divided by their sums over so many last axes; zeros where all are 0."""
    weights = np.asarray(weights, float)
    total = weights.sum(tuple(range(-axes, 0)), keepdims=True)
    return np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)


def entropy(weights: Num[np.ndarray, "*n X"]) -> Float[np.ndarray, "*n"]:
    """H(X), of weights that need not sum to 1."""
    return np.asarray(entr(shares(weights, 1)).sum(-1) / np.log(2))


def information(weights: Num[np.ndarray, "*n X Y"]) -> Float[np.ndarray, "*n"]:
    """I(X; Y) = E log2 p(x, y) / (p(x) p(y))."""
    joint = shares(weights, 2)
    apart = joint.sum(-1, keepdims=True) * joint.sum(-2, keepdims=True)
    return np.asarray(rel_entr(joint, apart).sum((-2, -1)) / np.log(2))


def information_given(weights: Num[np.ndarray, "*n Z X Y"]) -> Float[np.ndarray, "*n"]:
    """I(X; Y | Z): the mean of I(X; Y) over z, each as often as it happens."""
    share = shares(weights.sum((-2, -1)), 1)
    return np.asarray((share * information(weights)).sum(-1))


def speaker_consistency(together: Num[np.ndarray, "*n M A"]) -> Float[np.ndarray, "*n"]:
    """I(M; A) of a message and the speaker's own next action. It may be high though nobody hears."""
    return information(together)


def instantaneous_coordination(together: Num[np.ndarray, "*n M A"]) -> Float[np.ndarray, "*n"]:
    """I(M; A) of a message and the listener's next action. Both may follow something else that both know."""
    return information(together)


def context_independence(together: Num[np.ndarray, "M A"]) -> float:
    """Mean over the a that happen of p(a | m) p(m | a), m being the message for which p(a | m) is highest.

    Of several such messages it is the one that is sent most often with a.
    """
    joint = shares(together, 2)
    of_message, of_thing = joint.sum(1, keepdims=True), joint.sum(0)
    means = np.divide(joint, of_message, out=np.zeros_like(joint), where=of_message > 0)
    said = np.divide(joint, of_thing, out=np.zeros_like(joint), where=of_thing > 0)
    best = np.where(np.isclose(means, means.max(0), rtol=1e-12, atol=0.0), said, -1.0).argmax(0)
    things = np.arange(joint.shape[1])
    return float((means[best, things] * said[best, things])[of_thing > 0].mean())


def causal_influence(
    says: Num[np.ndarray, "*n O M"], does: Num[np.ndarray, "*n O M A"], happens: Num[np.ndarray, "*n O"]
) -> Float[np.ndarray, "*n"]:
    """E_o sum over m of p(m | o) KL(p(a | o, do m) || sum over m' of p(m' | o) p(a | o, do m')): H(M) at most.

    Args:
        says: p(m | o), o being what else the listener sees.
        does: p(a | o, do m), what follows if m is delivered: an action, or numbers of whole sequences of actions, or of
            returns, if the message is set once and the rest runs its course.
        happens: p(o).
    """
    joint = shares(happens, 1)[..., None, None] * shares(says, 1)[..., None] * shares(does, 1)
    return information_given(joint)


def topographic_similarity(meanings: Int[np.ndarray, "N K"], messages: Int[np.ndarray, "N L"]) -> float:
    """Spearman's rank correlation, over pairs, of how far meanings and messages are apart.

    Meanings are as far apart as they have attributes that differ; messages by their edit distance over their mean
    length.

    Args:
        meanings: values of K attributes.
        messages: symbols; a shorter message is filled up with `END`.

    Returns:
        NaN where there is no such correlation: all messages, or all pairs of meanings, are equally far apart.
    """
    one, other = np.triu_indices(len(meanings), 1)
    apart = (meanings[one] != meanings[other]).sum(1)
    length = (messages != END).sum(1)
    mean_length = (length[one] + length[other]) / 2
    said_apart = edit_distance(messages[one], messages[other]) / np.maximum(mean_length, 0.5)
    if len(one) == 0 or np.ptp(apart) == 0 or np.ptp(said_apart) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(apart), rankdata(said_apart))[0, 1])


def edit_distance(one: Int[np.ndarray, "N L"], other: Int[np.ndarray, "N L"]) -> Int[np.ndarray, " N"]:
    """How many symbols must be put in, left out or replaced to make one message of the other, for N pairs."""
    count, length = one.shape
    steps = np.arange(length + 1)
    table = np.zeros((length + 1, length + 1, count), int)
    table[0], table[:, 0] = steps[:, None], steps[:, None]
    for i in range(length):
        for j in range(length):
            same = table[i, j] + (one[:, i] != other[:, j])
            table[i + 1, j + 1] = np.minimum(same, 1 + np.minimum(table[i, j + 1], table[i + 1, j]))
    return table[(one != END).sum(1), (other != END).sum(1), np.arange(count)]


def positional_disentanglement(meanings: Int[np.ndarray, "N K"], messages: Int[np.ndarray, "N L"]) -> float:
    """How far each position of a message is about one attribute alone: 1 if all are.

    It is the mean, over the positions j that vary, of (I(s_j; best attribute) - I(s_j; second best)) / H(s_j).

    Returns:
        NaN where no position varies.
    """
    return _gaps(meanings, messages)


def bag_of_symbols_disentanglement(meanings: Int[np.ndarray, "N K"], messages: Int[np.ndarray, "N L"]) -> float:
    """The same with the number of times that each symbol is said in place of positions: order does not matter."""
    symbols = np.unique(messages[messages != END])
    return _gaps(meanings, (messages[:, :, None] == symbols).sum(1))


def co_occurrences(one: Int[np.ndarray, " N"], other: Int[np.ndarray, " N"]) -> Int[np.ndarray, "X Y"]:
    """How often each value of one thing came with each value of another; rows and columns in order of the values."""
    (_, row), (_, column) = (np.unique(values, return_inverse=True) for values in (one, other))
    counts = np.zeros((row.max() + 1, column.max() + 1), int)
    np.add.at(counts, (row, column), 1)
    return counts


def _gaps(meanings: Int[np.ndarray, "N K"], signs: Int[np.ndarray, "N J"]) -> float:
    """Mean, over signs that vary, of how much more each tells of its best attribute than of the next, as a share."""
    gaps = []
    for sign in signs.T:
        varies = float(entropy(np.unique(sign, return_counts=True)[1]))
        if varies > 0:
            tells = sorted((float(information(co_occurrences(sign, values))) for values in meanings.T), reverse=True)
            gaps.append((tells[0] - (tells[1] if len(tells) > 1 else 0.0)) / varies)
    return float(np.mean(gaps)) if gaps else float("nan")
