"""A network that learns what a Hanabi player holds from how a policy plays, where hands are too many to list.

A player's memory m (a GRU) takes in all that it sees, move by move, those of the others included. The cards of its hand
are then guessed slot by slot, the oldest first, each from the memory and the cards guessed before it:

    P(card x in slot t)  proportional to  left_t(x) exp f_t(x | m, cards in the slots before t)

left_t(x) counts the copies of x that the player has not seen, those in earlier slots taken off; it is 0 where the hints
exclude x. So a sample is always a hand that can be: filled oldest first, no slot ever lacks a card (`beliefs_by_slot`).
With f = 0 it is the grounded belief exactly. An untrained network begins there, and f has to learn only what the
policy's actions tell. The loss is the mean cross-entropy of the cards held, of all players at all moves.

Source: Hu et al. 2021 (Off-Belief Learning), section 5, and its public code (pyhanabi/belief_model). Departures: the
counts in the formula, where that one draws hands until one is possible; a GRU, not an LSTM; the earlier cards are shown
to each slot by a sum of embeddings, not by a second memory; gradients flow through one batch of moves, not whole games.
"""

import functools
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int8, PRNGKeyArray, PyTree

from tacit import nets
from tacit.games.base import Game
from tacit.games.hanabi.beliefs import Facts, facts
from tacit.games.hanabi.cards import one_hot
from tacit.games.hanabi.observation import sections
from tacit.games.hanabi.variant import NOTHING
from tacit.learners.obl_beliefs import Beliefs, hands_of
from tacit.nets_value import Soft, normalized
from tacit.ops.minibatch import shuffled
from tacit.ops.optimizer import descend
from tacit.types import Step


class BeliefNet(eqx.Module):
    """What a hand may be, from all that was seen; `h` slots, `b` cards."""

    embed: eqx.nn.Linear
    memory: eqx.nn.GRUCell
    context: eqx.nn.Linear
    earlier: eqx.nn.Linear
    odds: eqx.nn.Linear

    def __init__(self, inputs: int, slots: int, cards: int, hidden: int) -> None:
        key = jax.random.key(0)  # the leaves are drawn by `nets.drawn`
        self.embed = eqx.nn.Linear(inputs, hidden, key=key)
        self.memory = eqx.nn.GRUCell(hidden, hidden, key=key)
        self.context = eqx.nn.Linear(2 * hidden, hidden, key=key)
        self.earlier = eqx.nn.Linear(slots * cards, hidden, use_bias=False, key=key)
        self.odds = eqx.nn.Linear(hidden, slots * cards, key=key)

    def look(self, obs: PyTree) -> Float[Array, " m"]:
        """What is seen, ready to be remembered."""
        return jax.nn.relu(normalized(nets.affine(self.embed, nets.flatten(obs))))

    def about(self, memory: Float[Array, " m"], look: Float[Array, " m"]) -> Float[Array, " m"]:
        """The context that all slots are guessed from."""
        return nets.affine(self.context, jnp.concatenate([memory, look]))

    def embedded(self, hand: Float[Array, "h b"]) -> Float[Array, "h m"]:
        """What each card of a hand (one-hot) adds to the context of the slots after it."""
        return jnp.einsum("tb,mtb->tm", hand, self.earlier.weight.reshape(-1, *hand.shape))

    def log_odds(self, context: Float[Array, "h m"]) -> Float[Array, "h b"]:
        """The log-odds f of each slot, from its context with the cards before it added."""
        assert self.odds.bias is not None
        slots, width = context.shape
        hidden = jax.nn.relu(jax.vmap(normalized)(context))
        weight, bias = self.odds.weight.reshape(slots, -1, width), self.odds.bias.reshape(slots, -1)
        return jnp.einsum("tm,tbm->tb", hidden, weight) + bias


def belief_net(key: PRNGKeyArray, game: Game, hidden: int) -> BeliefNet:
    """A network that begins as the grounded belief. The key is consumed.

    Raises:
        Misfit: what the game hides are not the cards of a hand of Hanabi.
    """
    rules = hands_of(game, "learned")
    sizes = sections(rules).length, rules.hand_size, rules.num_cards, hidden
    net = nets.drawn(key, eqx.filter_eval_shape(BeliefNet, *sizes))
    return eqx.tree_at(lambda x: x.odds.weight, net, jnp.zeros_like(net.odds.weight))


def _log_chances(log_odds: Array, left: Array, fits: Array) -> Array:
    """Log-probabilities of the cards of a slot, -inf where impossible; the last axis is the cards."""
    may = fits & (left > 0)
    return jax.nn.log_softmax(jnp.where(may, log_odds + jnp.log(jnp.maximum(left, 1).astype(float)), -jnp.inf))


def log_probs(
    net: BeliefNet | None, context: Float[Array, " m"], known: Facts, hand: Int8[Array, " h"]
) -> Float[Array, " h"]:
    """Log-probability of each card of a possible hand, given those in older slots; 0 where there is none.

    Args:
        net: without one, the grounded belief.
    """
    shown = one_hot(hand, known.fits.shape[1])
    counts = shown.astype(jnp.int32)
    left = known.unseen[None] - (jnp.cumsum(counts, axis=0) - counts)
    odds = jnp.zeros(left.shape)
    if net is not None:
        added = net.embedded(shown.astype(float))
        odds = net.log_odds(context[None] + jnp.cumsum(added, axis=0) - added)
    held = jnp.where(known.held[:, None], known.fits, True)  # keeps empty slots finite
    chances = _log_chances(odds, jnp.where(known.held[:, None], left, 1), held)
    return jnp.where(shown, chances, 0.0).sum(axis=1)


def sample(key: PRNGKeyArray, net: BeliefNet, context: Float[Array, " m"], known: Facts) -> Int8[Array, " h"]:
    """A hand drawn from the belief, -1 where there is no card. The key is consumed."""
    slots, cards = known.fits.shape
    assert net.odds.bias is not None
    odds_of = net.odds.weight.reshape(slots, cards, -1), net.odds.bias.reshape(slots, cards)
    added = net.earlier.weight.reshape(-1, slots, cards)

    def fill(carry: tuple[Array, Array], slot: Any) -> tuple[tuple[Array, Array], Array]:
        context, left = carry
        key, place, weight, bias, fits, held = slot
        odds = jax.nn.relu(normalized(context)) @ weight.T + bias
        card = jax.random.categorical(key, _log_chances(odds, left, fits)).astype(jnp.int8)
        card = jnp.where(held, card, jnp.int8(NOTHING))
        shown = one_hot(card, cards)
        context = context + added[:, place] @ shown.astype(float)
        return (context, left - shown.astype(jnp.int32)), card

    inputs = jax.random.split(key, slots), jnp.arange(slots), *odds_of, known.fits, known.held
    return jax.lax.scan(fill, (context, known.unseen), inputs)[1]


class Watched(NamedTuple):
    """What all players saw in a batch of play, and what they held; leaves `[T, B, P, ...]`.

    Attributes:
        obs: observations.
        fresh: `[T, B]` where a game began.
        known: what each knew of its hand by the rules.
        hands: what it was.
        memory: `[1, B, P, m]` before the first step.
    """

    obs: PyTree
    fresh: Bool[Array, "T B"]
    known: Facts
    hands: Int8[Array, "T B P h"]
    memory: Float[Array, "1 B P m"]


def watched(game: Any, memory: Float[Array, "B P m"], played: Step) -> Watched:
    """What there is to learn from, and to remember, of a batch of play."""
    players = jnp.arange(game.players)

    def one(state: Any) -> tuple[PyTree, Facts]:
        return game.observe(state), jax.vmap(lambda player: facts(game, state, player))(players)

    obs, known = jax.vmap(jax.vmap(one))(played.state)
    return Watched(obs, played.fresh, known, played.state.hands, memory[None])


def contexts(net: BeliefNet, seen: Watched) -> tuple[Float[Array, "B P m"], Float[Array, "T B P m"]]:
    """The memories after a batch, and what players guess from at each of its steps."""

    def everywhere(function: Any) -> Any:
        return jax.vmap(jax.vmap(function))

    def one(memory: Array, inputs: tuple[Array, Array]) -> tuple[Array, Array]:
        look, fresh = inputs
        memory = everywhere(remember)(look, jnp.where(fresh[:, None, None], 0.0, memory))
        return memory, memory

    remember = functools.partial(nets.remember, net.memory)
    looks = jax.vmap(everywhere(net.look))(seen.obs)
    memory, memories = jax.lax.scan(one, seen.memory[0], (looks, seen.fresh))
    return memory, jax.vmap(everywhere(net.about))(memories, looks)


def loss(net: BeliefNet, seen: Watched) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Mean cross-entropy of the cards held in nats, and that of the grounded belief.

    The mean over a hand's cards comes first, then that over players, games and steps.
    """

    def one(context: Array, known: Facts, hand: Array) -> tuple[Array, Array]:
        held = jnp.maximum(known.held.sum(), 1).astype(float)
        told, counted = (log_probs(each, context, known, hand).sum() for each in (net, None))
        return -told / held, -counted / held

    error, counted = jax.vmap(jax.vmap(jax.vmap(one)))(contexts(net, seen)[1], seen.known, seen.hands)
    return error.mean(), counted.mean()


def studied(
    key: PRNGKeyArray,
    net: BeliefNet,
    opt_state: PyTree,
    optimizer: optax.GradientTransformation,
    seen: Watched,
    epochs: int,
    minibatches: int,
) -> tuple[BeliefNet, PyTree, tuple[Float[Array, ""], Float[Array, ""]]]:
    """The network after some passes over a batch whose games are split into minibatches, and the mean losses."""

    def descent(carry: Any, minibatch: Watched) -> Any:
        net, opt_state = carry
        (error, counted), gradient = jax.value_and_grad(loss, has_aux=True)(net, minibatch)
        return descend(optimizer, gradient, opt_state, net), (error, counted)

    def epoch(carry: Any, key: PRNGKeyArray) -> Any:
        return jax.lax.scan(descent, carry, shuffled(key, seen, minibatches, axis=1))

    (net, opt_state), errors = jax.lax.scan(epoch, (net, opt_state), jax.random.split(key, epochs))
    return net, opt_state, jax.tree.map(jnp.mean, errors)


def learned(game: Any, hidden: int) -> Beliefs:
    """Beliefs by a `BeliefNet` of this width, which knows how the others play from having watched them.

    Raises:
        Misfit: what the game hides are not the cards of a hand of Hanabi.
    """
    players = hands_of(game, "learned").players

    def guess(net: BeliefNet, key: PRNGKeyArray, context: Array, known: Facts, player: Array) -> Array:
        return sample(key, net, context[player], jax.tree.map(lambda leaf: leaf[player], known))

    def along(keys: Array, below: Soft, net: BeliefNet, memory: Array, played: Step) -> tuple[Array, Array]:
        del below
        seen = watched(game, memory, played)
        memory, about = contexts(net, seen)
        everywhere = jax.vmap(jax.vmap(jax.vmap(functools.partial(guess, net), (0, None, None, None))))
        return memory, everywhere(keys, about, seen.known, played.state.player)

    return Beliefs(lambda: jnp.zeros((players, hidden)), along)
