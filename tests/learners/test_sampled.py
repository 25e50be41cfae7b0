"""Learners from sampled play: what they follow on average is the exact derivative of the finite game."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tacit
from tacit import games
from tacit.errors import Misfit
from tacit.games.matrix_exact import finite_values
from tacit.learners import lola_dice, naive_pg, tabular
from tacit.loops import joint, per_player, rollout, start

SHORT = games.make("ipd", length=5)
LOGITS = jnp.array([[0.5, -0.3, 0.8, -0.6, 0.2], [-0.4, 0.6, 0.1, -0.2, 0.7]])


def exact(logits):
    return finite_values(SHORT, logits, SHORT.length)


def average_direction(module, config, keys=256):
    """Mean and standard error over many updates of where the logits move (per unit of lr)."""
    learner = module.make(SHORT, config)
    state = jax.vmap(learner.init)(jax.random.split(jax.random.key(0), keys))
    state = state._replace(logits=jnp.broadcast_to(LOGITS, (keys, *LOGITS.shape)))
    moved = jax.jit(jax.vmap(learner.step))(jax.random.split(jax.random.key(1), keys), state)[0]
    each = np.asarray((moved.logits - state.logits) / config.lr)
    return each.mean(0), each.std(0, ddof=1) / keys**0.5


def test_naive_follows_the_gradient():
    games_played = 64
    mean, error = average_direction(naive_pg, naive_pg.Config(num_games=games_played))
    jacobian = jax.jacrev(exact)(LOGITS)
    expected = jnp.stack([jacobian[0, 0], jacobian[1, 1]]) * (1 - 1 / games_played)  # what the batch's baseline costs
    assert np.abs((mean - expected) / error).max() < 4.5  # 10 normal deviations: beyond 4.5 once in 15,000 tries


def test_the_decay_of_loaded_dice_lowers_the_variance():
    config = {"num_games": 32, "rate_in": 2.0, "lookaheads": 1}
    plain, loaded = (average_direction(lola_dice, lola_dice.Config(**config, loaded=x))[1] for x in (False, True))
    decayed = average_direction(lola_dice, lola_dice.Config(**config, loaded=True, loaded_decay=0.5))[1]
    # of two variances over 256 updates, the ratio has a standard error of 2 / 256^0.5 = 0.125; over ten entries, less
    assert np.mean((loaded / plain) ** 2) < 1.0
    assert np.mean((decayed / plain) ** 2) < 1 - 2 * 0.125


@pytest.mark.parametrize("loaded", [False, True])
def test_lola_dice_follows_the_gradient_through_the_opponents_step(loaded):
    rate, games_played = 2.0, 256
    config = lola_dice.Config(num_games=games_played, rate_in=rate, lookaheads=1, loaded=loaded, loaded_decay=1.0)
    mean, error = average_direction(lola_dice, config)

    def ahead(own, i):
        logits = LOGITS.at[i].set(own)
        step = jax.jacrev(exact)(logits)[1 - i, 1 - i]
        return exact(logits.at[1 - i].add(rate * step))[i]

    shaped = jnp.stack([jax.grad(ahead)(LOGITS[i], i) for i in range(2)])
    jacobian = jax.jacrev(exact)(LOGITS)
    unshaped = jnp.stack([jacobian[0, 0], jacobian[1, 1]])
    # a step estimated from B games is noisy, which costs terms of order 1/B of the shaping itself
    slack = 4.5 * error + 8 / games_played * np.abs(shaped - unshaped).max()
    assert (np.abs(mean - shaped) < slack).all()
    assert (np.abs(mean - unshaped) > slack).any()  # the shaping term is there to be seen


def test_the_opponent_model_finds_the_policy_behind_the_actions():
    config = lola_dice.Config(num_games=500, model_steps=300, model_lr=5.0)
    policies = (tabular.TABULAR, tabular.TABULAR)
    live = start(jax.random.key(0), SHORT, policies, config.num_games)
    act = functools.partial(lambda everyone, keys, **seen: everyone(keys, tuple(LOGITS), **seen), joint(policies))
    played = rollout(jax.random.key(1), SHORT, act, live, SHORT.length, reset=False)[1]
    theirs = jax.tree.map(lambda leaf: leaf[0], per_player(played, (1,)))
    found, true = (np.asarray(jax.nn.sigmoid(x)) for x in (lola_dice.fitted(jnp.zeros(5), theirs, config), LOGITS[1]))
    visits = np.asarray(theirs.obs.sum((0, 1)))
    assert (np.abs(found - true) < 4 * (true * (1 - true) / visits) ** 0.5).all()


def test_with_a_model_nobody_reads_the_others_logits():
    config = lola_dice.Config(num_games=4, model_opponent=True, model_steps=2, lookaheads=1)
    learner = lola_dice.make(SHORT, config, seats=(0,))
    state = learner.init(jax.random.key(0))
    assert state.logits.shape == (1, 5)
    policies = (tabular.TABULAR, tabular.TABULAR)
    live = start(jax.random.key(0), SHORT, policies, config.num_games)
    act = functools.partial(lambda everyone, keys, **seen: everyone(keys, tuple(LOGITS), **seen), joint(policies))
    played = rollout(jax.random.key(1), SHORT, act, live, SHORT.length, reset=False)[1]
    after, measured = jax.jit(learner.update)(jax.random.key(2), state, played, live.carry)
    assert np.abs(after.logits - state.logits).max() > 0
    assert np.abs(after.models).max() > 0
    assert set(measured) == {"reward", "value"}


def test_lola_dice_cooperates_where_naive_learners_defect():
    game = games.make("ipd", length=50)
    shaping = tacit.run(lola_dice.make, game, lola_dice.Config(rate_in=0.3, lookaheads=1), iterations=60, seeds=8)
    naive = tacit.run(naive_pg.make, game, naive_pg.Config(), iterations=60, seeds=8)
    weight = 1 - 0.96**50  # 50 rounds hold this share of all discounted rounds
    assert shaping.metrics["value"][-10:].mean() / weight > -1.5
    assert naive.metrics["value"][-10:].mean() / weight < -1.9


def test_lola_dice_needs_two_players():
    with pytest.raises(Misfit, match="two players"):
        lola_dice.make(games.make("commons"), lola_dice.Config())
