"""How much of what messages tell is their declared meaning, and how much is convention. In bits.

A game may declare what its messages mean: `claim[m]` is what message m claims, and a claim is true of some private
states x, given what is public, o. Messages of one claim are its wordings. With the true posterior b and the literal
one,

    b(x | m, o)     proportional to  p(x | o) p(m | x, o)
    b_lit(x | l, o) proportional to  p(x | o) literal[o, l, x] ,

what messages tell falls into a literal part and a convention, and the convention into two parts (the chain rule):

    I(X; M | O) = E log2 b_lit / p(x | o)  +  E KL(b || b_lit)         literal + convention
    wording     = I(X; M | L, O)                                       which of the wordings of a claim is used
    selection   = I(X; L | O) - literal                                which of the true claims is made

Both parts are 0 or more. An honest speaker has selection, too, wherever some states have more true claims than others:
saying the rarer truth tells more than it says. So it is held against the reference speaker, which says any true message
with equal chance:

    excess      = convention - convention of the reference speaker, at the same p(x, o)

Where nothing is true of a state that a message claims it of, that is a lie; one lie makes the convention infinite, so
b_lit is then mixed with so much (`mix`) of p(x | o). A claim that is true of no possible state is taken to say nothing.

Whoever speaks, wording is at most H(M | L, O), and I(X; L | O) at most H(L | O). A channel that passes on claims alone,
each in one wording, makes the first bound 0.

Sources: the decomposition is this project's own, from the chain rule; grounded beliefs: Hu et al. 2021 (Off-Belief
Learning).
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int, Num
from scipy.special import rel_entr, xlogy

from tacit.errors import Misfit
from tacit.evaluation.message_estimates import estimates
from tacit.evaluation.message_metrics import causal_influence, entropy, information_given, shares

MIX = 0.01  # of the prior in literal beliefs, where a speaker lies
Part = Any  # an array `[*n]`, or an `Estimate`


class Meaning(NamedTuple):
    """What messages are declared to mean.

    Attributes:
        literal: `[O, L, X]` how far claim l is true of state x given o, 0 to 1; 0 is false.
        claim: `[M]` what each message claims.
    """

    literal: np.ndarray
    claim: np.ndarray

    @property
    def true(self) -> np.ndarray:
        """Whether message m is true of state x given o, `[O, X, M]`."""
        return np.moveaxis(self.literal[:, self.claim] > 0, 1, 2)

    @property
    def wordings(self) -> np.ndarray:
        """1 where message m is a wording of claim l, `[L, M]`."""
        return (np.arange(self.literal.shape[1])[:, None] == self.claim).astype(float)


def declared(literal: Num[np.ndarray, "O L X"], claim: Int[np.ndarray, " M"]) -> Meaning:
    """What messages mean, checked.

    Raises:
        Misfit: truth is not between 0 and 1, or a message makes a claim that there is not.
    """
    claims = literal.shape[1]
    if not ((literal >= 0) & (literal <= 1)).all():
        raise Misfit(f"how far a claim is true must be 0 to 1, got {literal.min():g} to {literal.max():g}")
    if not ((claim >= 0) & (claim < claims)).all():
        raise Misfit(f"messages must make claims 0 to {claims - 1}, got {claim.min()} to {claim.max()}")
    return Meaning(literal.astype(float), claim)


class Parts(NamedTuple):
    """What messages tell, part by part, in bits, but for the rate of lies.

    Attributes:
        information: I(X; M | O) = literal + wording + selection.
        literal: what their declared meaning tells.
        wording: what the form tells, given the claim.
        selection: what the choice of the claim tells beyond its meaning.
        excess: of wording and selection over those of the reference speaker.
        claims: I(X; L | O) = literal + selection.
        wording_room: H(M | L, O), the most that wordings of any speaker with these claims could tell.
        claims_room: H(L | O), the most that claims made as often as these could tell.
        lies: the share of messages that are false.
    """

    information: Part
    literal: Part
    wording: Part
    selection: Part
    excess: Part
    claims: Part
    wording_room: Part
    claims_room: Part
    lies: Part


def decompose(together: Num[np.ndarray, "*n O X M"], meaning: Meaning, mix: float | None = None) -> Parts:
    """What messages tell, part by part, `[*n]` each, exactly from p(o, x, m) or from counts as they are.

    Args:
        mix: how much of the prior is in literal beliefs; `MIX` where the speaker lies and 0 elsewhere if not given.

    Raises:
        Misfit: some state has no true message.
    """
    joint = shares(together, 3)
    state, claims = joint.sum(-1), joint @ meaning.wordings.T
    lies = np.where(meaning.true, 0.0, joint).sum((-3, -2, -1))
    share = np.asarray(np.where(lies > 0, MIX, 0.0) if mix is None else mix)[..., None, None, None]
    told, told_by_claims = information_given(joint), information_given(claims)
    believed = literal_beliefs(state, meaning, share)
    literal = _literal(claims, believed)
    usual = state[..., None] * reference(state, meaning)
    expected = information_given(usual) - _literal(usual @ meaning.wordings.T, believed)
    by_claim = in_contexts(joint, meaning)
    return Parts(
        information=told,
        literal=literal,
        wording=information_given(by_claim),
        selection=told_by_claims - literal,
        excess=told - literal - expected,
        claims=told_by_claims,
        wording_room=_mean_entropy(by_claim.sum(-2)),
        claims_room=_mean_entropy(claims.sum(-2)),
        lies=np.asarray(lies),
    )


def parts_from(counts: Int[np.ndarray, "O X M"], meaning: Meaning, draws: int = 1000, seed: int = 0) -> Parts:
    """The same from the counts of N independent samples: plain, corrected for bias, with intervals.

    Raises:
        Misfit: some state has no true message.
        InputError: there are fewer than two samples.
    """
    mix = MIX if np.where(meaning.true, 0, counts).any() else 0.0  # the same for all that is drawn

    def figures(tables: np.ndarray) -> np.ndarray:
        return np.stack(decompose(tables, meaning, mix), axis=-1)

    return Parts(*estimates(counts, figures, draws, np.random.default_rng(seed)))


def literal_beliefs(
    state: Float[np.ndarray, "*n O X"], meaning: Meaning, mix: Float[np.ndarray, "..."] | float = 0.0
) -> Float[np.ndarray, "*n O L X"]:
    """b_lit: what a listener believes that knows p(x | o) and takes claims at their word."""
    prior = shares(state)[..., None, :]
    taken = prior * meaning.literal
    possible = taken.sum(-1, keepdims=True) > 0
    return (1 - mix) * np.where(possible, shares(taken), prior) + mix * prior


def reference(state: Float[np.ndarray, "*n O X"], meaning: Meaning) -> Float[np.ndarray, "O X M"]:
    """The speaker that says each true message with equal chance, p(m | x, o).

    Raises:
        Misfit: some state has no true message.
    """
    mute = ~meaning.true.any(-1) & (state.reshape(-1, *meaning.true.shape[:2]) > 0).any(0)
    if mute.any():
        context, number = np.argwhere(mute)[0]
        raise Misfit(f"state {number} (public {context}) has no true message; declare one, such as to say nothing")
    return shares(meaning.true)


def in_contexts(together: Num[np.ndarray, "*n O X M"], meaning: Meaning) -> Num[np.ndarray, "*n Z X M"]:
    """The same table with what is public and the claim as the context: `[O L, X, M]`."""
    apart = together[..., :, None, :, :] * meaning.wordings.astype(together.dtype)[:, None, :]
    return apart.reshape(*together.shape[:-3], -1, *together.shape[-2:])


def wording_influence(
    said: Num[np.ndarray, "O M"], does: Float[np.ndarray, "O M A"], meaning: Meaning
) -> Float[np.ndarray, ""]:
    """E_(o, l) I(M; A) where m is set to any wording of claim l with equal chance: 0 if the listener ignores the form.

    Args:
        said: how often each message is sent, which says how often each claim is made.
        does: p(a | o, do m).
    """
    claims = said @ meaning.wordings.T
    contexts, count = claims.shape
    forms = np.broadcast_to(meaning.wordings, (contexts, *meaning.wordings.shape)).reshape(contexts * count, -1)
    each = np.repeat(does, count, axis=0)
    return causal_influence(forms, each, claims.ravel())


def grounded_listener(
    state: Float[np.ndarray, "O X"], meaning: Meaning, payoff: Float[np.ndarray, "O X A"]
) -> Float[np.ndarray, "O M A"]:
    """The listener that earns most where claims are taken at their word; equally good actions are equally likely."""
    expected = literal_beliefs(state, meaning) @ payoff
    best = np.isclose(expected, expected.max(-1, keepdims=True), rtol=1e-9, atol=1e-12)
    return shares(best)[:, meaning.claim]


def grounded_gap(
    said: Num[np.ndarray, "O M"],
    does: Float[np.ndarray, "O M A"],
    grounded: Float[np.ndarray, "O M A"],
    mix: float = MIX,
) -> float:
    """E KL(what the listener does || what a grounded listener does), over what is said.

    Args:
        mix: how much of the grounded listener acts at random. Without that the gap is infinite wherever the listener
            does what a grounded one never would.
    """
    hedged = (1 - mix) * grounded + mix / grounded.shape[-1]
    apart = rel_entr(does, hedged).sum(-1) / np.log(2)
    return float((said / said.sum() * apart).sum())


def _literal(claims: np.ndarray, believed: np.ndarray) -> np.ndarray:
    """E log2 b_lit(x | l, o) / p(x | o), from p(o, x, l) `[*n, O, X, L]` and b_lit; minus infinity if b_lit is 0."""
    prior = shares(claims.sum(-1))[..., None]
    ratio = np.divide(np.swapaxes(believed, -1, -2), prior, out=np.ones_like(claims), where=claims > 0)
    return np.asarray(xlogy(claims, ratio).sum((-3, -2, -1)) / np.log(2))


def _mean_entropy(weights: np.ndarray) -> np.ndarray:
    """H(Y | Z) from p(z, y), `[*n, Z, Y]`."""
    return np.asarray((weights.sum(-1) * entropy(weights)).sum(-1))
