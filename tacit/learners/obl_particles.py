"""Beliefs of Off-Belief Learning by sampled hands, where all hands are too many to list.

Each player of each game keeps N hands that it may hold, with weights, and moves them on with every move (sequential
importance resampling, `tacit.games.hanabi.beliefs_particles`): when another player acts, a hand's weight is multiplied
by the probability that the level below would have done so, had it seen that hand. Where a game begins, and where no
hand is left, they are drawn from the grounded belief, and what the others' actions told before is lost.

Source: the particles are those of Gordon et al. 1993; the belief is B_pi0 of Hu et al. 2021 (Off-Belief Learning),
section 4, for which the paper learns a network (here `obl_belief_net`).
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Int8, Key, PRNGKeyArray, PyTree

from tacit.games.hanabi import HanabiGame, beliefs_by_slot, hand_hypotheses, observation
from tacit.games.hanabi.beliefs_particles import DEAD, Particles, all_dead, moved
from tacit.games.hanabi.variant import NOTHING, HanabiState
from tacit.learners.obl_beliefs import Beliefs, hands_of, told_by
from tacit.nets_value import Soft
from tacit.types import Step


def particles(game: Any, num: int) -> Beliefs:
    """Beliefs by N = `num` hands for each player.

    Raises:
        Misfit: what the game hides are not the cards of a hand of Hanabi.
    """
    rules = hands_of(game, "particles")

    def begin() -> Particles:
        """None that can be: they are drawn when the game is seen."""
        shape = (rules.players, num)
        nothing = jnp.full((*shape, rules.hand_size), NOTHING, jnp.int8)
        return Particles(nothing, jnp.full(shape, DEAD), (), jnp.zeros(rules.players, jnp.int32))

    def along(keys: Array, below: Soft, net: tuple[()], memory: PyTree, played: Step) -> tuple[PyTree, PyTree]:
        del net

        def one(kept: Particles, inputs: Any) -> tuple[Particles, Int8[Array, "draws h"]]:
            keys, *step = inputs
            return followed(keys, rules, below, kept, *step)

        steps = keys, played.state, played.next_state, played.fresh, played.action[:, :, 0]
        return jax.lax.scan(jax.vmap(one), memory, steps)

    return Beliefs(begin, along)


def followed(
    keys: Key[Array, " draws"],
    game: HanabiGame,
    below: Soft,
    kept: Particles,
    state: HanabiState,
    after: HanabiState,
    fresh: Array,
    action: Int[Array, ""],
) -> tuple[Particles, Int8[Array, "draws h"]]:
    """The particles of all players, leaves `[P, ...]`, after a move, and what its mover supposed that it held.

    It supposes something for each of the keys, which are consumed.
    """
    suppose_keys = jax.vmap(jax.random.split)(keys)
    draw_key, move_key = jax.random.split(suppose_keys[0, 1])
    mover = game.on_turn(state).astype(jnp.int32)
    kept = drawn_anew(draw_key, game, state, kept, fresh)
    weights = kept.log_weights[mover]
    chosen = jax.vmap(lambda key: jax.random.categorical(key, weights))(suppose_keys[:, 0])
    supposed = kept.hands[mover][chosen]
    heard = jnp.zeros(kept.log_weights.shape)
    for offset in range(1, game.players):
        other = (mover + offset) % game.players
        heard = heard.at[other].set(told(game, below, state, mover, other, action, kept.hands[other]))
    players = jnp.arange(game.players)
    did = jnp.where(players == mover, action, game.num_moves)  # all others wait

    def move(key: PRNGKeyArray, player: Array, own: Particles, heard: Array, did: Array) -> Particles:
        return moved(key, game, state, after, player, own, heard, did)

    return jax.vmap(move)(jax.random.split(move_key, game.players), players, kept, heard, did), supposed


def drawn_anew(key: PRNGKeyArray, game: HanabiGame, state: HanabiState, kept: Particles, fresh: Array) -> Particles:
    """The particles of all players, from the grounded belief where a game begins or none is left."""

    def one(key: PRNGKeyArray, player: Array, kept: Particles) -> Particles:
        hands = beliefs_by_slot.sample(key, game, state, player, len(kept.hands))
        lost = all_dead(kept) & ~fresh
        new = Particles(hands, jnp.zeros(len(hands)), (), kept.lost + lost)
        return jax.tree.map(lambda a, b: jnp.where(fresh | lost, a, b), new, kept)

    return jax.vmap(one)(jax.random.split(key, game.players), jnp.arange(game.players), kept)


def told(
    game: HanabiGame,
    below: Soft,
    state: HanabiState,
    mover: Int[Array, ""],
    player: Int[Array, ""],
    action: Int[Array, ""],
    hands: Int8[Array, "N h"],
) -> Float[Array, " N"]:
    """Log-probability of the mover's action if `player` holds each of these hands."""
    views = hand_hypotheses.views(game, state, mover, player, hands)
    return told_by(below, views, observation.sections(game).hands, action)
