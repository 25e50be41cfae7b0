"""What the core types carry for games and learners to come: messages with gradients, levels, hidden parts, learners."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

import tacit
from tacit import games
from tacit.games.base import Game, settle
from tacit.games.matrix_exact import normalized_values
from tacit.learners import lola, naive, scripted
from tacit.learners.versus import Pair, Scripted, Versus
from tacit.loops import joint, rollout, start
from tacit.settings import setting
from tacit.types import Action, Discrete, Policy, Real, Spec


class TalkState(NamedTuple):
    """A secret that one player sees, and what was said."""

    secret: Array
    heard: Array
    time: Array
    terminated: Array
    truncated: Array


class Talk(Game):
    """Player 1 sees a number, drawn or given as a level, and says one; player 2 hears it a step later and guesses."""

    discount: float = setting(1.0, "weight of the next step", low=0.0, high=1.0)

    @property
    def spec(self):
        return Spec(2, Real((2,)), Action(Discrete(2), Real((1,))), 2, (-100.0, 0.0))

    def sample_level(self, key):
        return jax.random.normal(key, ())

    def reset(self, key, level=None):
        secret = jax.random.normal(key, ()) if level is None else level
        return TalkState(secret, jnp.zeros(()), jnp.int32(0), jnp.bool_(False), jnp.bool_(False))

    def observe(self, state):
        return jnp.stack([jnp.stack([state.secret, jnp.zeros(())]), jnp.stack([jnp.zeros(()), state.heard])])

    def step(self, key, state, action):
        del key
        over = state.time == 1
        miss = -jnp.square(action.message[1, 0] - state.secret)
        new = TalkState(state.secret, action.message[0, 0], state.time + 1, over, jnp.bool_(False))
        return settle(state, new, jnp.where(over, jnp.stack([miss, miss]), 0.0))

    def hidden(self, state, player):
        return state.secret if player == 1 else ()

    def with_hidden(self, state, player, hidden):
        return state._replace(secret=hidden) if player == 1 else state


def _say(key, params, carry, obs, legal, fresh, given=None):
    del key, legal, fresh
    action = Action(jnp.int32(0), (obs @ params)[None]) if given is None else given
    return carry, action, ()


LINEAR = Policy(lambda: (), _say)


def payoff(params, levels=None, num_games=16):
    game = Talk()
    live = start(jax.random.key(0), game, (LINEAR, LINEAR), num_games, levels)
    everyone = joint((LINEAR, LINEAR))
    act = functools.partial(lambda keys, **seen: everyone(keys, tuple(params), **seen))
    step = rollout(jax.random.key(1), game, act, live, 2, levels=levels, reset=False)[1]
    return step.reward.sum((0, 2)).mean() / 2, step


def test_gradients_pass_from_one_players_message_to_the_others_reward():
    params = jnp.array([[0.7, 0.0], [0.0, 0.4]])  # says 0.7 of the secret, guesses 0.4 of what it hears
    levels = jnp.linspace(-2, 2, 16)
    reward, gradient = jax.value_and_grad(lambda p: payoff(p, levels)[0])(params)
    spread = float(jnp.mean(levels**2))
    np.testing.assert_allclose(reward, -((0.28 - 1) ** 2) * spread, rtol=1e-5)
    np.testing.assert_allclose(gradient[0, 0], -2 * (0.28 - 1) * 0.4 * spread, rtol=1e-5)
    np.testing.assert_allclose(gradient[1, 1], -2 * (0.28 - 1) * 0.7 * spread, rtol=1e-5)


def test_levels_say_what_an_episode_is_about():
    levels = jnp.arange(16.0)
    np.testing.assert_array_equal(payoff(jnp.zeros((2, 2)), levels)[1].state.secret[0], levels)
    drawn = payoff(jnp.zeros((2, 2)))[1].state.secret[0]
    assert len(np.unique(drawn)) == 16


def test_what_a_player_cannot_see_can_be_replaced():
    game = Talk()
    state = game.reset(jax.random.key(0))
    other = game.with_hidden(state, 1, jnp.float32(5.0))
    assert game.hidden(other, 1) == 5.0
    np.testing.assert_array_equal(game.observe(state)[1], game.observe(other)[1])
    assert (np.asarray(game.observe(state)[0]) != np.asarray(game.observe(other)[0])).any()


class Meta(Game):
    """A game whose state is a learner's state: my move is a policy, its transition the other player's learning."""

    discount: float = setting(1.0, "weight of the next update", low=0.0, high=1.0)

    @property
    def spec(self):
        return Spec(1, Real((10,)), Real((5,)), 100, (-3.0, 0.0))

    def learner(self):
        return naive.make(games.make("ipd"), naive.Config(), seats=(1,))

    def reset(self, key, level=None):
        return self.learner().init(key)

    def observe(self, state):
        return jnp.concatenate([jnp.zeros((1, 5)), state.logits], axis=1)

    def step(self, key, state, action):
        both = jnp.concatenate([action, state.logits])
        new = self.learner().update(key, state, both)[0]
        return new, normalized_values(games.make("ipd"), both)[:1]


def test_a_learner_can_be_the_state_of_a_game():
    """Always defecting against a naive learner pays the same in the meta-game as rule against rule."""
    game, defect = Meta(), jnp.full((1, 5), -jnp.log(999.0))

    def play(key):
        def turn(state, key):
            return game.step(key, state, defect)

        return jax.lax.scan(turn, game.reset(key), jax.random.split(key, 100))[1].mean()

    each = jax.jit(jax.vmap(play))(jax.random.split(jax.random.key(0), 512))
    make = Versus(Scripted(scripted.ALWAYS_DEFECT), naive.make)
    pair = Pair(scripted.Config(), naive.Config())
    other = tacit.run(make, games.make("ipd"), pair, iterations=100, every=100, seeds=512).metrics["value"][0, :, 0]
    error = ((each.var(ddof=1) + other.var(ddof=1)) / 512) ** 0.5
    assert abs(float(each.mean()) - other.mean()) < 4 * error
    assert -1.99 < float(each.mean()) < -1.97  # an independent run of this pairing gave -1.986, another first update


def test_lola_is_the_gradient_through_the_other_players_step():
    game = games.make("ipd")
    other = naive.make(game, naive.Config(lr=0.5), seats=(1,))
    logits = jax.random.normal(jax.random.key(0), (2, 5))

    def after_its_step(mine):
        both = jnp.stack([mine, logits[1]])
        theirs = other.update(jax.random.key(0), other.init(jax.random.key(0))._replace(logits=logits[1:]), both)[0]
        return normalized_values(game, jnp.stack([mine, theirs.logits[0]]))[0] / (1 - game.discount)

    learner = lola.make(game, lola.Config(form="lookahead", rate=0.5))
    state = learner.init(jax.random.key(0))._replace(logits=logits)
    moved = jax.jit(learner.step)(jax.random.key(0), state)[0].logits
    np.testing.assert_allclose(moved[0] - logits[0], jax.jit(jax.grad(after_its_step))(logits[0]), atol=2e-4)


def test_evolution_over_a_scan_of_a_learners_steps():
    """What an outer search needs: the fitness of a candidate is a scan of a victim's `step`, mapped over candidates."""
    game = games.make("ipd")

    def fitness(lr):
        learner = naive.make(game, naive.Config(lr=lr))

        def step(state, i):
            return learner.step(jax.random.fold_in(jax.random.key(1), i), state)

        return jax.lax.scan(step, learner.init(jax.random.key(0)), jnp.arange(20))[1]["value"][-1].mean()

    found = jax.jit(jax.vmap(fitness))(jnp.array([0.01, 0.1, 1.0]))
    assert found.shape == (3,)
    assert found[2] < found[0]  # who climbs faster defects sooner


def test_the_public_names_are_there():
    assert tacit.run is not None
    assert set(dir(tacit)) >= {"run", "chunks", "rollout", "unroll", "games", "learners"}
