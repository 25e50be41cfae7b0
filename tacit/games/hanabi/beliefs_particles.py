"""Beliefs of a Hanabi player under known policies where hands are too many to list: N sampled hands, with weights.

Each particle is a hand, with what the others' policies remember if it is the true one. With every joint action it is
weighed by what that tells, and moved on to the hand that follows (sequential importance resampling):

    w(hand') = w(hand)  prod over j of pi_j(what j did | what j saw, hand)  ways'(hand') / (ways(hand) q(new card))

ways and ways' count how the player's unseen cards make up the hand before and after (`beliefs.log_num_ways`): a hint
that contradicts a hand leaves no way, and a card that is seen elsewhere leaves fewer. When the player itself plays or
discards, the card shows, particles that had another one there are dead, and a new card is drawn by q, in proportion to
the copies left. Particles are drawn anew in proportion to their weights once these are worth fewer than half as many.
Where all are dead, hands come from the grounded belief and what the others' actions told is lost; `lost` counts that.

The mean of weights over hands comes to `beliefs_policy.posterior` as particles grow many.

Source: Gordon et al. 1993 (sequential importance resampling); the belief is B_pi0 of Hu et al. 2021 (Off-Belief
Learning), section 4, for which the paper learns a network.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Int8, Int32, PRNGKeyArray, UInt32

from tacit.games.hanabi import beliefs_by_slot as by_slot
from tacit.games.hanabi.beliefs import Player, facts, log_num_ways, slot_emptied
from tacit.games.hanabi.beliefs_policy import heard
from tacit.games.hanabi.cards import below, one_hot
from tacit.games.hanabi.rules import HanabiGame
from tacit.games.hanabi.variant import NOTHING, HanabiState
from tacit.types import Carry, Params, Policy, Step

DEAD = -1e9  # the logarithm of no weight; a run's state must be finite


class Particles(NamedTuple):
    """Sampled hands of a player that stand for its belief.

    Attributes:
        hands: cards, -1 where there is none.
        log_weights: up to a constant, 0 at most; `DEAD` where a hand cannot be.
        memory: for each other player in order of seats, what its policy remembers under each hand, `[N, ...]`.
        lost: how often all of them were dead.
    """

    hands: Int8[Array, "N h"]
    log_weights: Float[Array, " N"]
    memory: tuple[Carry, ...]
    lost: Int32[Array, ""]


def from_the_deal(
    key: PRNGKeyArray, game: HanabiGame, state: HanabiState, player: int, policies: Sequence[Policy], num: int
) -> Particles:
    """N = `num` particles of a game that just began, from the grounded belief. The key is consumed.

    Args:
        policies: one for each player of the game; the player's own is never asked.
    """
    first = tuple(policy.init_carry() for seat, policy in enumerate(policies) if seat != player)
    memory = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (num, *jnp.shape(leaf))), first)
    return Particles(by_slot.sample(key, game, state, player, num), jnp.zeros(num), memory, jnp.int32(0))


def follow(
    key: PRNGKeyArray,
    game: HanabiGame,
    state: HanabiState,
    after: HanabiState,
    player: int,
    particles: Particles,
    action: Int[Array, " P"],
    policies: Sequence[Policy],
    params: Sequence[Params],
    fresh: Bool[Array, ""] | bool = False,
) -> Particles:
    """The particles after one more joint action, which led from `state` to `after`. The key is consumed.

    An action that no particle leaves possible tells nothing. An ended game is not followed. The other arguments are
    those of `beliefs_policy.follow`.

    Raises:
        Misfit: a policy does not report the log-probability of its actions.
    """
    move_key, anew_key = jax.random.split(key)
    memory, told = heard(game, state, player, particles.hands, particles.memory, action, policies, params, fresh)
    new = moved(move_key, game, state, after, player, particles._replace(memory=memory), told, action[player])
    dead, num = all_dead(new), len(new.hands)
    hands = jax.lax.cond(dead, lambda: by_slot.sample(anew_key, game, after, player, num), lambda: new.hands)
    log_weights = jnp.where(dead, 0.0, new.log_weights)
    new = new._replace(hands=hands, log_weights=log_weights, lost=new.lost + dead)
    ended = state.terminated | state.truncated
    return jax.tree.map(lambda stay, go: jnp.where(ended, stay, go), particles, new)


def all_dead(particles: Particles) -> Bool[Array, ""]:
    """Whether none of the hands can be."""
    return particles.log_weights.max() <= DEAD / 2


def moved(
    key: PRNGKeyArray,
    game: HanabiGame,
    state: HanabiState,
    after: HanabiState,
    player: Player,
    particles: Particles,
    told: Float[Array, " N"],
    action: Int[Array, ""],
) -> Particles:
    """The particles after a move that led from `state` to `after`; all dead if no hand is left. The key is consumed.

    Args:
        told: log-probability of what the others did under each hand.
        action: what `player` did.
    """
    card_key, choice_key = jax.random.split(key)
    alive = particles.log_weights > DEAD / 2
    told = jnp.where(jnp.where(alive, jnp.isfinite(told), False).any(), told, 0.0)
    hands, log_ratio = _moved_on(card_key, game, state, after, player, particles.hands, action)
    log_weights = jnp.where(alive, particles.log_weights + told + log_ratio, -jnp.inf)
    most = log_weights.max()
    none = ~jnp.isfinite(most)
    log_weights = jnp.maximum(log_weights - jnp.where(none, 0.0, most), DEAD)
    num = len(hands)
    few = by_slot.effective_sample_size(log_weights) < num / 2
    chosen = jnp.where(few & ~none, by_slot.resample(choice_key, log_weights, num), jnp.arange(num))
    return particles._replace(
        hands=hands[chosen],
        log_weights=jnp.where(few & ~none, 0.0, log_weights),
        memory=jax.tree.map(lambda leaf: leaf[chosen], particles.memory),
    )


def _moved_on(
    key: PRNGKeyArray,
    game: HanabiGame,
    state: HanabiState,
    after: HanabiState,
    player: Player,
    hands: Int8[Array, "N h"],
    action: Int[Array, ""],
) -> tuple[Int8[Array, "N h"], Float[Array, " N"]]:
    """The hands that follow, and log ways'(hand') - log ways(hand) - log q(new card); -inf where a hand is dead."""
    known, now_known = facts(game, state, player), facts(game, after, player)
    used, slot = slot_emptied(game, state, player, action)
    slots = jnp.arange(game.hand_size)
    shown, replaced = state.hands[player, slot], after.hands[player, -1] != NOTHING

    def one(word: UInt32[Array, ""], hand: Int8[Array, " h"]) -> tuple[Array, Array]:
        shifted = jnp.where(slots >= slot, jnp.append(hand[1:], jnp.int8(NOTHING)), hand)
        left = now_known.unseen - one_hot(shifted, game.num_cards).sum(axis=0, dtype=jnp.int32)
        upto = jnp.cumsum(jnp.maximum(left, 0))
        card = jnp.sum(upto <= below(word, upto[-1].astype(jnp.int8)), dtype=jnp.int8)
        log_q = jnp.log(left[card].astype(float) / upto[-1].astype(float))
        drawn = shifted.at[-1].set(jnp.where(replaced, card, jnp.int8(NOTHING)))
        following = jnp.where(used, drawn, hand)
        ways, now_ways = log_num_ways(known, hand), log_num_ways(now_known, following)
        proposed = jnp.where(used & replaced, log_q, 0.0)
        alive = jnp.isfinite(ways) & jnp.isfinite(now_ways) & jnp.isfinite(proposed) & (~used | (hand[slot] == shown))
        return following, jnp.where(alive, now_ways - ways - proposed, -jnp.inf)

    return jax.vmap(one)(jax.random.bits(key, (len(hands),)), hands)


def marginals(game: HanabiGame, particles: Particles) -> Float[Array, "h b"]:
    """Share of each card in each slot; a row of zeros where there is no card."""
    weights = jax.nn.softmax(particles.log_weights)
    return jnp.einsum("n,nhb->hb", weights, one_hot(particles.hands, game.num_cards).astype(weights.dtype))


def along(
    key: PRNGKeyArray,
    game: HanabiGame,
    player: int,
    policies: Sequence[Policy],
    params: Sequence[Params],
    steps: Step,
    num: int,
) -> tuple[Float[Array, "T h b"], Float[Array, " T"]]:
    """What `player` believes along a game that was played, by N = `num` particles. The key is consumed.

    Args:
        steps: of one game, leaves `[T, ...]` (see `tacit.loops.rollout`); where it begins anew, so does the belief.

    Returns:
        For each step, before its action is seen: the share of each card in each slot, and the effective sample size.
    """
    first_key, scan_key = jax.random.split(key)

    def begun(key: PRNGKeyArray, state: HanabiState) -> Particles:
        return from_the_deal(key, game, state, player, policies, num)

    def one(particles: Particles, inputs: tuple[Array, Step]) -> tuple[Particles, tuple[Array, Array]]:
        key, step = inputs
        begin_key, follow_key = jax.random.split(key)
        particles = jax.lax.cond(step.fresh, lambda: begun(begin_key, step.state), lambda: particles)
        told = marginals(game, particles), by_slot.effective_sample_size(particles.log_weights)
        known = game, step.state, step.next_state, player, particles, step.action, policies, params, step.fresh
        return follow(follow_key, *known), told

    first = begun(first_key, jax.tree.map(lambda leaf: leaf[0], steps.state))
    return jax.lax.scan(one, first, (jax.random.split(scan_key, len(steps.fresh)), steps))[1]
