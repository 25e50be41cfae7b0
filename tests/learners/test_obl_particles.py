"""Sampled hands as beliefs along play: against the exact belief, and what they can never hold."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tacit import games, nets_value
from tacit.errors import Misfit
from tacit.games.hanabi import HanabiGame, beliefs
from tacit.games.hanabi.beliefs_particles import DEAD, all_dead, marginals
from tacit.games.on_turn import OnTurn
from tacit.learners import obl_particles
from tacit.learners.obl_beliefs import along
from tacit.loops import joint, player, rollout, start
from tacit.nets_value import Soft

GAME = HanabiGame(colors=2, ranks=3, hand=2, information=3, lives=2)
NUM, LENGTH, NUM_GAMES = 2**11, 14, 16


@functools.cache
def play():
    """Random games of a network: the network, and the steps `[T, B, ...]`."""
    net = nets_value.action_values(jax.random.key(1), GAME.spec, 8, "a test")
    params, moves, policy = Soft(net, jnp.float32(0.1)), OnTurn(GAME), nets_value.policy()

    @jax.jit
    def played():
        act = functools.partial(joint((policy,)), params=(params,))
        live = start(jax.random.key(2), moves, (policy,), NUM_GAMES)
        return rollout(jax.random.key(3), moves, act, live, LENGTH)[1]

    return params, jax.tree.map(jnp.asarray, played())


def the_belief(key, belief):
    del key
    return belief


def test_many_hands_agree_with_the_exact_belief():
    params, played = play()[0], jax.tree.map(lambda leaf: leaf[:, :1], play()[1])
    steps = jax.tree.map(lambda leaf: leaf[:, 0], played)

    @jax.jit
    def both():
        def one(kept, inputs):
            key, state, after, fresh, action = inputs
            kept = obl_particles.followed(key[None], GAME, params, kept, state, after, fresh, action)[0]
            return kept, jax.vmap(functools.partial(marginals, GAME))(kept)

        keys = jax.random.split(jax.random.key(4), LENGTH)
        inputs = keys, steps.state, steps.next_state, steps.fresh, steps.action[:, 0]
        shares = jax.lax.scan(one, obl_particles.particles(GAME, NUM).begin(), inputs)[1]
        evidence = jnp.zeros((1, 2, len(GAME.hypotheses().hidden())))
        exact = along(keys[:, None], GAME, params, evidence, played, the_belief)[1][:, 0]
        plain = jax.vmap(lambda state: beliefs.grounded(GAME, state, state.player))(steps.state)
        return shares, *(jax.vmap(functools.partial(beliefs.marginals, GAME))(each) for each in (exact, plain))

    shares, exact, plain = jax.tree.map(np.asarray, both())
    turn, later = np.asarray(steps.state.player[1:]), ~np.asarray(steps.fresh[1:])
    found = shares[np.arange(LENGTH - 1), turn][later]  # what who is on turn next holds then
    # As in the test of the particles themselves: five deviations, twice, at the least effective sample size.
    tolerance = 2 * 5 * 0.5 / (NUM / 2) ** 0.5
    np.testing.assert_allclose(found, exact[1:][later], atol=tolerance)
    assert np.abs(plain - exact).max() > 1.5 * tolerance


@functools.cache
def few():
    """Four hands for each player along some games: all that came of it, whole and cut in two."""
    params, played = play()
    beliefs_of = obl_particles.particles(GAME, 4)

    @jax.jit
    def found():
        keys = jax.random.split(jax.random.key(4), (*played.fresh.shape, 2))
        kept = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (NUM_GAMES, *leaf.shape)), beliefs_of.begin())
        whole = beliefs_of.along(keys, params, (), kept, played)
        halves = []
        for part in (slice(0, 6), slice(6, None)):
            cut = jax.tree.map(lambda leaf, p=part: leaf[p], played)
            kept, supposed = beliefs_of.along(keys[part], params, (), kept, cut)
            halves.append(supposed)
        return whole, (kept, jnp.concatenate(halves))

    return played, *found()


def test_a_batch_cut_in_two_is_the_same():
    _, whole, halves = few()
    jax.tree.map(np.testing.assert_array_equal, whole, halves)


def test_what_is_supposed_can_be_even_where_no_hand_was_left():
    played, (kept, supposed), _ = few()
    check = jax.vmap(functools.partial(beliefs.consistent, GAME), (None, None, 0))  # each of the two draws
    assert jax.jit(jax.vmap(jax.vmap(check)))(played.state, played.state.player, supposed).all()
    assert kept.lost.sum() > 0
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(kept))  # a run's state must be


def test_fresh_games_and_lost_hands_are_drawn_anew():
    state = jax.tree.map(lambda leaf: leaf[0, 0], play()[1].state)
    nothing = obl_particles.particles(GAME, 4).begin()
    assert jax.vmap(all_dead)(nothing).all()
    draw = jax.jit(functools.partial(obl_particles.drawn_anew, jax.random.key(5), GAME))
    for fresh, lost in ((True, 0), (False, 1)):
        found = draw(state, nothing, jnp.bool_(fresh))
        assert found.lost.tolist() == [lost, lost]
        assert (found.log_weights == 0).all()
        assert (found.hands >= 0).all()
    half = found._replace(log_weights=found.log_weights.at[:, :2].set(DEAD))
    kept = draw(state, half, jnp.bool_(False))
    jax.tree.map(np.testing.assert_array_equal, kept, half)


def test_only_hands_of_hanabi_are_sampled():
    with pytest.raises(Misfit, match="belief particles is for hands of Hanabi"):
        obl_particles.particles(games.make("tiny-hanabi-b"), 4)
    assert player(0, obl_particles.particles(GAME, 4).begin().hands).shape == (4, 2)
