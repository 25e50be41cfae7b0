"""Games of Hanabi at random, and random networks that play, for the tests beside this file."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from tacit.games.hanabi import HanabiGame
from tacit.ops import categorical
from tacit.types import Policy

LENGTH = 40
MEMORY = 8  # numbers that a random network remembers
VARIANTS = {
    "2 players": HanabiGame(),
    "3 players": HanabiGame(players=3, colors=3, ranks=3, hand=2),
    "5 players": HanabiGame(players=5, colors=4, hand=3, information=4),
    "one rank": HanabiGame(colors=3, ranks=1, hand=2, lives=2),
    "no stock": HanabiGame(colors=2, ranks=2, hand=4),
}


@functools.partial(jax.jit, static_argnums=(0, 2))
def played(game, key, length, level):
    """Random legal play, cautious with lives: states `[length + 1, ...]`, joint actions and rewards `[length, P]`."""
    reset_key, play_key = jax.random.split(key)
    first = game.reset(reset_key, level)

    def step(state, key):
        act_key, step_key = jax.random.split(key)
        words = jax.random.bits(act_key, (64,))[: game.num_moves + 1]  # 64 words compile sooner than fewer
        kind = jnp.arange(game.num_moves + 1) // game.hand_size
        preferred = jnp.where(kind == 1, words >> 4, words >> 1) + 1  # plays seldom come first
        action = jnp.argmax(jnp.where(game.legal(state), preferred[None], 0), axis=-1)
        new, outcome = game.step(step_key, state, action)
        return new, (new, action, outcome.reward)

    states, actions, rewards = jax.lax.scan(step, first, jax.random.split(play_key, length))[1]
    return jax.tree.map(lambda one, more: jnp.concatenate([one[None], more]), first, states), actions, rewards


@functools.cache
def positions(name, seed=0):
    """The states of one random game of that variant on a fixed deck, `[LENGTH + 1, ...]`, beyond its end too."""
    game, key = VARIANTS[name], jax.random.key(seed)
    deck = np.random.default_rng(seed).permutation(np.repeat(np.arange(game.num_cards), game.full_deck))
    return jax.tree.map(np.asarray, played(game, key, LENGTH, jnp.asarray(deck, jnp.int8))[0])


def remembering(key, params, carry, obs, legal, fresh, given=None):
    """A random network with a memory; what it does depends on all that it has seen."""
    memory = jnp.tanh(0.5 * jnp.where(fresh, 0.0, carry) + obs.astype(float) @ params[0])
    log_probs = categorical.log_probs(memory @ params[1], legal)
    return memory, *categorical.choose(key, log_probs, jnp.zeros(()), given)


REMEMBERING = Policy(lambda: jnp.zeros(MEMORY), remembering)


def random_networks(key, game):
    """Parameters of `REMEMBERING` for each player."""
    return [
        (
            0.3 * jax.random.normal(k, (game.spec.observation.shape[0], MEMORY)),
            2 * jax.random.normal(k, (MEMORY, game.num_moves + 1)),
        )
        for k in jax.random.split(key, game.players)
    ]
