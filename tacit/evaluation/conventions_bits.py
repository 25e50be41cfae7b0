"""How many bits a move of Hanabi tells another player about its hand, by the rules and beyond them.

Mover j does a; the listener i holds x, and by the rules believes B_G. What the rules say of a hint, which slots it
touches, makes B_G into B'_G:

    by the rules:  log2 B'_G(x) / B_G(x)
    beyond them:   log2 pi_j(a | what j sees) - log2 sum over x' of B'_G(x') pi_j(a | what j sees, if i holds x')

The second is the pointwise mutual information of the move and the hand, given all that the rules tell: what a
listener gains that knows the mover's policy over one that takes the hint at its word. It is 0 for whoever moves in the
same way whatever i holds. With hands as the rules have them, its mean is a mutual information and not negative; in play
it is a mean over hands that earlier conventions led to. What was read from all moves so far is

    held:          log2 B_pi(x) / B_G(x)

at the true hand of a player that is to move, with B_pi the belief under the others' policies (`beliefs_policy`).

The listener is who was hinted, and the next player after a play or a discard. It takes j's policy to be
(1 - epsilon) pi_j + epsilon / A, with A actions: every move may have been made without regard to any hand.

Where hands can be listed all is exact, for policies with memory too. Elsewhere N hands are drawn from B'_G. With the
true hand among them the mean is too high on average (and "beyond" is at most log2(N + 1), a lower bound as in
contrastive estimation); without it, its logarithm is too low. Both are given: `beyond` and `at_most`.

Sources: Hu et al. 2021 (Off-Belief Learning), section 4, the beliefs; van den Oord et al. 2018 (contrastive predictive
coding), the bound.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Int8, PRNGKeyArray

from tacit.games.hanabi import beliefs, beliefs_policy
from tacit.games.hanabi import beliefs_by_slot as by_slot
from tacit.games.hanabi.moves import moves
from tacit.games.hanabi.rules import HanabiGame
from tacit.games.hanabi.variant import HanabiState
from tacit.ops import categorical
from tacit.types import Carry, Choice, Params, Policy, Step


class Bits(NamedTuple):
    """What the moves of a game told, in bits, `[T]` each; NaN where a figure cannot be had.

    Attributes:
        by_rules: by the rules.
        beyond: beyond them, exactly or at least.
        at_most: the same, exactly or at most.
        held: what the mover had read from the others' moves when it moved.
    """

    by_rules: Float[Array, "*T"]
    beyond: Float[Array, "*T"]
    at_most: Float[Array, "*T"]
    held: Float[Array, "*T"]


@functools.cache
def hedged(policy: Policy) -> Policy:
    """The policy as a cautious listener takes it; its parameters are those of the policy, and epsilon."""

    def act(
        key: Any, params: Params, carry: Carry, obs: Any, legal: Any, fresh: Any, given: Any = None
    ) -> tuple[Carry, Any, Choice]:
        own, epsilon = params
        carry, action, choice = policy.act(key, own, carry, obs, legal, fresh, given)
        log_probs = jnp.log((1 - epsilon) * jnp.exp(choice.log_probs) + epsilon / len(choice.log_probs))
        return carry, *categorical.choose(key, log_probs, choice.value, action)

    return Policy(policy.init_carry, act)


def listed(game: HanabiGame) -> bool:
    """Whether all hands can be listed."""
    return beliefs.num_hypotheses(game) <= beliefs.MOST_HANDS


def exact(
    game: HanabiGame, policies: Sequence[Policy], params: Sequence[Params], epsilon: Float[Array, ""], steps: Step
) -> Bits:
    """What the moves of one game told, by all hands there are.

    Args:
        policies: one for each player, with its parameters.
        steps: leaves `[T, ...]`.

    Raises:
        Misfit: there are too many hands.
    """
    readers, known = [hedged(policy) for policy in policies], [(own, epsilon) for own in params]
    hands = jnp.asarray(beliefs.hypotheses(game))
    first = tuple(beliefs_policy.no_evidence(game, player, readers) for player in range(game.players))

    def one(evidence: Any, step: Step) -> tuple[Any, Bits]:
        each = [_read(game, player, evidence[player], hands, readers, known, step) for player in range(game.players)]
        after = tuple(following for following, _ in each)
        rows = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(told for _, told in each))
        mover = step.state.player.astype(int)
        told = jax.tree.map(lambda leaf: leaf[listener(game, step.state, step.action[mover])], rows)
        return after, told._replace(held=rows.held[mover])

    return jax.lax.scan(one, first, steps)[1]


def _read(
    game: HanabiGame,
    player: int,
    evidence: beliefs_policy.Evidence,
    hands: Int8[Array, "H h"],
    readers: Sequence[Policy],
    known: Sequence[Params],
    step: Step,
) -> tuple[beliefs_policy.Evidence, Bits]:
    """The evidence of one player after a step, and what the step tells it if it listens."""
    state, facts = step.state, _with_facts(step.state, step.next_state, player)
    true = jnp.argmax((hands == state.hands[player][None]).all(axis=1))
    before, after = beliefs.grounded(game, state, player), beliefs.grounded(game, facts, player)
    asked = game, state, player, hands, evidence.memory, step.action, readers, known, step.fresh
    memory, told = beliefs_policy.heard(*asked)
    log_mean = jax.nn.logsumexp(jnp.where(jnp.isfinite(after), after + told, -jnp.inf))
    believed = beliefs_policy.posterior(game, state, player, evidence)
    figures = after[true] - before[true], told[true] - log_mean, told[true] - log_mean, believed[true] - before[true]
    new = beliefs_policy.weighed(game, state, player, evidence, step.action, memory, told)
    return new, Bits(*(figure / jnp.log(2.0) for figure in figures))


def sampled(
    key: PRNGKeyArray,
    game: HanabiGame,
    policies: Sequence[Policy],
    params: Sequence[Params],
    epsilon: Float[Array, ""],
    step: Step,
    num: int,
) -> Bits:
    """What one move told, by N = `num` hands from the grounded belief; for policies without memory.

    The key is consumed; leaves of the step have no leading axis.
    """
    state, mover = step.state, step.state.player.astype(int)
    action = step.action[mover]
    player = listener(game, state, action)
    facts = _with_facts(state, step.next_state, player)
    hands = jnp.concatenate([state.hands[player][None], by_slot.sample(key, game, facts, player, num)])

    def asked(hand: Int8[Array, " h"]) -> Float[Array, ""]:
        supposed = game.with_hidden(state, player, hand)
        obs, legal = game.observe(supposed)[mover], game.legal(supposed)[mover]
        each = [
            hedged(policy).act(jax.random.key(0), (own, epsilon), (), obs, legal, step.fresh, action)[2].log_prob
            for policy, own in seated(policies, params, mover)
        ]
        return each[0] if len(each) == 1 else jnp.stack(each)[mover]

    told = jax.vmap(asked)(hands)
    of_true = state.hands[player]
    by_rules = by_slot.log_prob(game, facts, player, of_true) - by_slot.log_prob(game, state, player, of_true)
    beyond = told[0] - (jax.nn.logsumexp(told) - jnp.log(num + 1.0))
    at_most = told[0] - (jax.nn.logsumexp(told[1:]) - jnp.log(float(num)))
    return Bits(*(figure / jnp.log(2.0) for figure in (by_rules, beyond, at_most, jnp.nan)))


def seated(policies: Sequence[Policy], params: Sequence[Params], mover: Int[Array, ""]) -> list[tuple[Policy, Params]]:
    """The mover's policy with its parameters; one for each seat where the seats have different policies."""
    if all(policy is policies[0] for policy in policies):
        stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *params)
        return [(policies[0], jax.tree.map(lambda leaf: leaf[mover], stacked))]
    return list(zip(policies, params, strict=True))


def listener(game: HanabiGame, state: HanabiState, action: Int[Array, ""]) -> Int[Array, ""]:
    """Whom a move tells something: who was hinted, else the next player."""
    offset = jnp.asarray(moves(game).target, int)[action]
    return (state.player.astype(int) + jnp.maximum(offset, 1)) % game.players


def _with_facts(state: HanabiState, after: HanabiState, player: int | Int[Array, ""]) -> HanabiState:
    """The state before a move, with what the rules then say about the hand of `player`, who did not move."""
    return state._replace(
        color_mask=state.color_mask.at[player].set(after.color_mask[player]),
        rank_mask=state.rank_mask.at[player].set(after.rank_mask[player]),
    )
