"""Particles under known policies: against the exact filter, where hands can be listed."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from random_play import REMEMBERING, random_networks

from tacit import loops
from tacit.games.hanabi import HanabiGame, beliefs
from tacit.games.hanabi import beliefs_particles as particles
from tacit.games.hanabi.beliefs_policy import along
from tacit.ops import categorical
from tacit.types import Policy

NUM = 2**11
STEPS = 18  # more than one game


@functools.cache
def played():
    """Some games, the exact beliefs of player 1 along them, and what its particles say."""
    game = HanabiGame(colors=2, ranks=3, hand=2, information=3, lives=9)
    keys = jax.random.split(jax.random.key(0), 3)
    params = random_networks(keys[0], game)
    policies = (REMEMBERING,) * 2

    @jax.jit
    def found():
        live = loops.start(keys[1], game, policies, 1)
        steps = loops.rollout(keys[1], game, functools.partial(loops.joint(policies), params=params), live, STEPS)[1]
        steps = jax.tree.map(lambda leaf: leaf[:, 0], steps)
        exact = jax.vmap(functools.partial(beliefs.marginals, game))(along(game, 1, policies, params, steps))
        plain = jax.vmap(lambda state: beliefs.marginals(game, beliefs.grounded(game, state, 1)))(steps.state)
        return steps, exact, plain, *particles.along(keys[2], game, 1, policies, params, steps, NUM)

    return jax.tree.map(np.asarray, found())


def test_particles_agree_with_the_exact_filter():
    steps, exact, plain, shares, size = played()
    assert steps.fresh[1:].any()  # the belief began anew
    # A share has a standard deviation of at most 1 / 2 over the root of the effective sample size, which resampling
    # keeps above N / 2. Five of them, and as much again for what a game's few resamplings add.
    tolerance = 2 * 5 * 0.5 / (NUM / 2) ** 0.5
    np.testing.assert_allclose(shares, exact, atol=tolerance)
    assert np.abs(plain - exact).max() > 1.5 * tolerance  # what the policies told matters
    assert size.min() >= NUM / 2 * 0.99


def test_particles_hold_what_the_player_can_hold():
    steps, exact, _, shares, _ = played()
    assert (shares[exact == 0] == 0).all()
    held = steps.state.hands[:, 1] >= 0
    np.testing.assert_allclose(shares.sum(axis=2), held, atol=1e-4)  # sums of 2,048 numbers


def test_particles_that_are_all_dead_are_drawn_anew():
    game = HanabiGame(colors=2, ranks=3, hand=2, information=3, lives=9)
    state = game.reset(jax.random.key(0), game.level([0, 1, 3, 4]))
    play = jnp.array([game.num_moves, game.hand_size])
    state = state._replace(player=jnp.int8(1))
    blind = Policy(tuple, lambda *seen: ((), *categorical.choose(seen[0], jnp.zeros(12), jnp.zeros(()), seen[-1])))

    @jax.jit
    def after():
        first = particles.from_the_deal(jax.random.key(1), game, state, 1, (blind, blind), 64)
        wrong = first._replace(hands=jnp.full_like(first.hands, 5))  # not what is shown
        then = game.step(jax.random.key(2), state, play)[0]
        return then, particles.follow(jax.random.key(3), game, state, then, 1, wrong, play, (blind, blind), ((), ()))

    then, found = after()
    assert int(found.lost) == 1
    assert all(beliefs.consistent(game, then, 1, hand) for hand in found.hands[:8])
