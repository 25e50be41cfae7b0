"""Beliefs of a Hanabi player about its own hand when the others' policies are known: what their actions tell.

By Bayes' rule, with B_G the grounded belief (`beliefs.grounded`) and j the other players,

    P(hand | seen and done)  proportional to  B_G(hand) prod over j, t of  pi_j(what j did at t | what j saw, hand).

Counts, hints, draws and revealed cards are all in B_G of the present state, so only the product is followed through the
game: one logarithm for each hypothesis about the present hand, and what the others' policies remember under it. When
the player itself plays or discards, the card shows, hypotheses that had another one there are forgotten, and a newly
drawn card, which nobody has seen yet, inherits the evidence of the older ones.

Exact for any policies, with or without memory, and any number of players, as long as all hands can be enumerated.

Source: Hu et al. 2021 (Off-Belief Learning), section 4, B_pi0.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Int8

from tacit.errors import Misfit
from tacit.games.hanabi.beliefs import grounded, hypotheses, revealed
from tacit.games.hanabi.rules import HanabiGame
from tacit.games.hanabi.variant import HanabiState
from tacit.games.hypotheses import posterior as from_evidence
from tacit.games.hypotheses import unless_refuted
from tacit.types import Carry, Choice, Params, Policy, Step


class Evidence(NamedTuple):
    """What the others' actions have told a player so far.

    Attributes:
        log_likelihood: for each of `hypotheses` about the present hand, the logarithm of the probability of all the
            others' actions, up to a constant.
        memory: for each other player in order of seats, what its policy remembers under each hypothesis, `[H, ...]`.
    """

    log_likelihood: Float[Array, " H"]
    memory: tuple[Carry, ...]


def no_evidence(game: HanabiGame, player: int, policies: Sequence[Policy]) -> Evidence:
    """That of a game which just began.

    Args:
        policies: one for each player of the game; the player's own is never asked.

    Raises:
        Misfit: there are too many hands.
    """
    size = len(hypotheses(game))
    first = tuple(policies[other].init_carry() for other in _others(game, player))
    memory = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (size, *jnp.shape(leaf))), first)
    return Evidence(jnp.zeros(size), memory)


def posterior(game: HanabiGame, state: HanabiState, player: int, evidence: Evidence) -> Float[Array, " H"]:
    """The belief of `player` over its own hand: log-probabilities of `hypotheses`, -inf where impossible.

    Evidence that leaves no possible hand (the others play by other policies than these) is as good as none.
    """
    return from_evidence(grounded(game, state, player), evidence.log_likelihood)


def follow(
    game: HanabiGame,
    state: HanabiState,
    player: int,
    evidence: Evidence,
    action: Int[Array, " P"],
    policies: Sequence[Policy],
    params: Sequence[Params],
    fresh: Bool[Array, ""] | bool = False,
) -> Evidence:
    """The evidence after one more joint action.

    An action that the others' policies never choose, whatever the hand, tells nothing: without that, there would be no
    belief left. An ended game is not followed.

    Args:
        state: the game before the action. Of the player's own hand only a card that it plays or discards is used.
        evidence: up to this state.
        action: what all players do, those who wait included.
        policies: one for each player of the game; the player's own is never asked.
        params: their parameters.
        fresh: the game just began; policies with memory clear it.

    Raises:
        Misfit: a policy does not report the log-probability of its actions.
    """
    hands = jnp.asarray(hypotheses(game))
    memory, told = heard(game, state, player, hands, evidence.memory, action, policies, params, fresh)
    return weighed(game, state, player, evidence, action, memory, told)


def weighed(
    game: HanabiGame,
    state: HanabiState,
    player: int,
    evidence: Evidence,
    action: Int[Array, " P"],
    memory: tuple[Carry, ...],
    told: Float[Array, " H"],
) -> Evidence:
    """The evidence after one more joint action, of which `heard` has said what the others remember and its chances."""
    plain = grounded(game, state, player)
    told = jnp.where(jnp.isfinite(plain), told, -jnp.inf)  # whatever a policy says of a game that cannot be
    believed = unless_refuted(plain, evidence.log_likelihood)
    most = jnp.max(believed + told)  # keeps the numbers small, so that rounding does not grow with the game
    believed = jnp.where(jnp.isfinite(most), believed + told - most, believed)
    after = revealed(game, state, player, action[player], Evidence(believed, memory))
    ended = state.terminated | state.truncated
    return jax.tree.map(lambda stay, go: jnp.where(ended, stay, go), evidence, after)


def heard(
    game: HanabiGame,
    state: HanabiState,
    player: int,
    hands: Int8[Array, "N h"],
    memory: tuple[Carry, ...],
    action: Int[Array, " P"],
    policies: Sequence[Policy],
    params: Sequence[Params],
    fresh: Bool[Array, ""] | bool = False,
) -> tuple[tuple[Carry, ...], Float[Array, " N"]]:
    """What the others remember after a joint action, and its log-probability, if `player` held each of these hands.

    In variants with too many hands to enumerate, this weighs sampled ones (`beliefs_particles`).

    Args:
        memory: for each other player in order of seats, what it remembers so far, `[N, ...]`.

    Raises:
        Misfit: a policy does not report the log-probability of its actions.
    """

    def asked(hand: Array, memory: tuple[Carry, ...]) -> tuple[tuple[Carry, ...], Array]:
        supposed = game.with_hidden(state, player, hand)
        obs, legal = game.observe(supposed), game.legal(supposed)
        after, log_prob = [], jnp.zeros(())
        for other, carry in zip(_others(game, player), memory, strict=True):
            view = obs[other], legal[other], fresh, action[other]
            remembered, told = _log_prob(policies[other], params[other], carry, *view)
            after, log_prob = [*after, remembered], log_prob + told
        return tuple(after), log_prob

    return jax.vmap(asked)(hands, memory)


def _log_prob(
    policy: Policy, params: Params, carry: Carry, obs: Array, legal: Array, fresh: Any, action: Array
) -> tuple[Carry, Float[Array, ""]]:
    key = jax.random.key(0)  # nothing is drawn: the action is given
    carry, _, extras = policy.act(key, params, carry, obs, legal, jnp.asarray(fresh), action)
    if not isinstance(extras, Choice):
        raise Misfit("a belief under policies needs the log-probabilities of their actions, and one of them has none")
    never = ~legal[action] | (extras.log_prob <= jnp.finfo(extras.log_prob.dtype).min)
    return carry, jnp.where(never, -jnp.inf, extras.log_prob)


def _others(game: HanabiGame, player: int) -> tuple[int, ...]:
    return tuple(seat for seat in range(game.players) if seat != player)


def along(
    game: HanabiGame, player: int, policies: Sequence[Policy], params: Sequence[Params], steps: Step
) -> Float[Array, "T H"]:
    """The beliefs of `player` along a game that was played.

    Args:
        steps: of one game, leaves `[T, ...]` (see `tacit.loops.rollout`); where it begins anew, so does the belief.

    Returns:
        For each step, the belief at its state, before the action is seen.
    """
    first = no_evidence(game, player, policies)

    def one(evidence: Evidence, step: Step) -> tuple[Evidence, Array]:
        evidence = jax.tree.map(lambda anew, so_far: jnp.where(step.fresh, anew, so_far), first, evidence)
        belief = posterior(game, step.state, player, evidence)
        return follow(game, step.state, player, evidence, step.action, policies, params, step.fresh), belief

    return jax.lax.scan(one, first, steps)[1]
