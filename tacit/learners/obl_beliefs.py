"""Beliefs along sampled play: what players suppose of the unseen, by the rules or if all others play by a known policy.

Each player keeps the evidence E, one logarithm for each hypothesis h about what it cannot see. When another one acts,

    E(h) <- E(h) + log pi(action | what the other one sees, if h)

where a share of pi, the doubt, may be legal moves at random. Its belief is grounded(h) exp E(h), normalized. The policy
follows action values and has no memory.

A hypothesis changes only a part d(h) of what the other one sees, and the network's first layer is linear: with o the
rest of the observation, it gives W o + W' d(h). W o is needed once, and W' d(h) once for all games where the list of
d(h) never changes, as that of the hands of Hanabi for two players.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray, PyTree

from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.games.hanabi import HanabiGame
from tacit.games.hypotheses import Hypotheses, Views, posterior
from tacit.nets import affine
from tacit.nets_value import Soft
from tacit.types import State, Step

REFUTED = -1e9  # evidence against a hypothesis under which an action was not legal; a run's state must be finite


class Beliefs(NamedTuple):
    """How players judge, above level 1, what they cannot see.

    Attributes:
        begin: what all players of one game remember of it when it begins, leaves `[P, ...]`.
        along: `(keys[T, B, draws], below, net, memory[B, P, ...], played) -> (memory, supposed[T, B, draws, ...])`:
            what they remember after a batch of play, and what the player on turn supposes at each of its steps, once
            for each key, if all others play by `below`. `net` is a network of beliefs, where one is learned. Keys are
            consumed.
    """

    begin: Callable[[], PyTree]
    along: Callable[..., tuple[PyTree, PyTree]]


def exact(game: Any, expected: bool) -> Beliefs:
    """Beliefs by Bayes' rule over all hypotheses.

    Args:
        expected: suppose the belief itself, log-probabilities `[H]`, instead of a draw from it.

    Raises:
        Misfit: the game cannot list what it hides.
    """
    size, suppose = (
        len(jax.tree.leaves(game.hypotheses().hidden())[0]),
        jax.vmap(functools.partial(supposed_under, game, expected), (0, None)),
    )

    def judged(keys: Array, below: Soft, net: tuple[()], memory: Array, played: Step) -> tuple[Array, PyTree]:
        del net
        return along(keys, game, below, memory, played, suppose)

    return Beliefs(lambda: jnp.zeros((game.spec.num_players, size)), judged)


def supposed_by_rules(game: Any, expected: bool, key: PRNGKeyArray, state: State) -> PyTree:
    """What the player on turn supposes by the rules alone: its belief, or a draw from it."""
    player = game.on_turn(state)
    return game.hypotheses().grounded(state, player) if expected else game.sample_hidden(key, state, player)


def supposed_under(game: Any, expected: bool, key: PRNGKeyArray, belief: Float[Array, " H"]) -> PyTree:
    """The same with a belief that follows the others' actions."""
    index = jax.random.categorical(key, belief)
    return belief if expected else jax.tree.map(lambda leaf: leaf[index], game.hypotheses().hidden())


def told(
    listing: Hypotheses,
    params: Soft,
    state: State,
    mover: Int[Array, ""],
    other: Int[Array, ""],
    action: Int[Array, ""],
) -> Float[Array, " H"]:
    """Log-probability of the mover's action under each hypothesis about what `other` cannot see."""
    return told_by(params, listing.views(state, mover, other), listing.place, action)


def told_by(params: Soft, views: Views, place: slice, action: Int[Array, ""]) -> Float[Array, " H"]:
    """Log-probability of an action under each hypothesis, which differ at a place of what is seen."""
    first = params.net.layers[0]
    rows = affine(first, views.common)[None] + views.differing @ first.weight[:, place].T
    logits = jax.vmap(params.net.rest)(rows) / params.temperature
    total = jax.nn.logsumexp(jnp.where(views.legal, logits, -jnp.inf), axis=1)
    chance = logits[:, action] - total
    if params.doubt is not None:
        chance = jnp.logaddexp(jnp.log1p(-params.doubt) + chance, jnp.log(params.doubt / views.legal.sum(axis=1)))
    return jnp.where(views.legal[:, action], chance, -jnp.inf)


def followed(
    listing: Hypotheses,
    params: Soft,
    state: State,
    mover: Int[Array, ""],
    action: Int[Array, ""],
    evidence: Float[Array, "P H"],
) -> Float[Array, "P H"]:
    """The evidence of all players after one more move, if the others play by `params`."""
    players = len(evidence)
    for offset in range(1, players):
        other = (mover + offset) % players
        heard = evidence[other] + told(listing, params, state, mover, other, action)
        heard -= heard.max()  # small numbers, so that rounding does not grow
        evidence = evidence.at[other].set(jnp.maximum(heard, REFUTED))
    return evidence.at[mover].set(listing.revealed(state, mover, action, evidence[mover]))


Supposed = Callable[[Array, Float[Array, " H"]], PyTree]
"""What a player supposes of the unseen, from keys and its belief: draws, say."""


def along(
    keys: Key[Array, "T B ..."],
    game: Any,
    params: Soft,
    evidence: Float[Array, "B P H"],
    played: Step,
    suppose: Supposed,
) -> tuple[Float[Array, "B P H"], PyTree]:
    """What the player on turn supposes at each step if the others play by `params`, and the evidence afterwards.

    Args:
        keys: one for each step, or several; what is supposed takes them in.
        game: of turns, and with hypotheses.
        evidence: of all players before the first step; where a game begins anew, so does the evidence.
        played: the moves of who is on turn (`tacit.games.on_turn`).

    Returns:
        The evidence, and what was supposed, leaves `[T, B, ...]`.
    """
    listing = game.hypotheses()

    def one(evidence: Float[Array, "P H"], key: Key[Array, "..."], step: Any) -> tuple[Array, PyTree]:
        state, fresh, action = step
        evidence, mover = jnp.where(fresh, 0.0, evidence), game.on_turn(state).astype(jnp.int32)
        belief = posterior(listing.grounded(state, mover), evidence[mover])
        return followed(listing, params, state, mover, action[0], evidence), suppose(key, belief)

    steps = played.state, played.fresh, played.action
    return jax.lax.scan(lambda evidence, x: jax.vmap(one)(evidence, *x), evidence, (keys, steps))


def hands_of(game: Game, belief: str) -> HanabiGame:
    """The game, if what it hides are hands of Hanabi.

    Raises:
        Misfit: it hides something else.
    """
    if not isinstance(game, HanabiGame):
        raise Misfit(f"belief {belief} is for hands of Hanabi, and {type(game).__name__} has none; take exact")
    return game
