"""M-FOS by a genetic algorithm: the network that answers best is found by trial, without any gradient.

    species k = champion + N(0, std^2) on every weight,  the last one without noise
    best      = argmax_k  mean reward of `num_games` meta-episodes of species k
    champion := best, if it beats the champion, each on `test_games` fresh meta-episodes

A network answers what both players just did with its own next logits, as M-FOS does (`tacit.learners.mfos`), but
without variance. What was learned plays as M-FOS plays.

Source: Lu et al. 2022 (Model-Free Opponent Shaping), section 5; ga.py and main_mfos_ga.py of its public code: 2048
species of 128 meta-episodes, 2048 test episodes, 64 iterations. Departures: the defaults are smaller; weights begin as
those of `mfos` do.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PRNGKeyArray

from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.learners import mfos
from tacit.learners.meta_game import MetaGame
from tacit.loops import joint, rollout, start
from tacit.settings import setting
from tacit.types import Carry, Learner, Metrics, Params, Policy, Settings

NO_VARIANCE = -60.0  # before its softplus: a standard deviation of 1e-13, which still has a finite log-density

Played, play = mfos.Played, mfos.play


class Config(Settings):
    """Settings of M-FOS by a genetic algorithm."""

    species: int = setting(64, "networks that are tried (the M-FOS code: 2048)", unit="networks", low=2)
    num_games: int = setting(16, "meta-episodes of each (the M-FOS code: 128)", unit="meta-episodes", low=1)
    test_games: int = setting(
        256, "meta-episodes that decide between champion and best (the M-FOS code: 2048)", unit="meta-episodes", low=1
    )
    std: float = setting(2.0, "standard deviation of the noise on every weight", source="M-FOS code", low=0.0)
    hidden: int = setting(256, "width of the one layer", unit="units", source="M-FOS code", low=1)


class State(NamedTuple):
    """The champion: weights and biases of two layers."""

    champion: Any


class Trial(NamedTuple):
    """Mean reward per step of a network, or of several `[K]`, and that of its opponents."""

    reward: Float[Array, "*K"]
    opponent_reward: Float[Array, "*K"]


def _act(key: Any, params: Any, carry: Carry, obs: Any, legal: Any, fresh: Any, given: Any = None) -> Any:
    del key, legal, fresh
    first, last = params
    return carry, last(jnp.tanh(first(obs))) if given is None else given, ()


SURE = Policy(lambda: (), _act)
"""A meta-player without variance; its parameters are the two layers."""


def trial(key: PRNGKeyArray, game: MetaGame, layers: Any, num_games: int) -> Trial:
    """What a network earns in so many meta-episodes. The key is consumed."""
    start_key, play_key = jax.random.split(key)
    live, everyone = start(start_key, game, (SURE,), num_games), joint((SURE,))

    def act(keys: Any, **seen: Any) -> Any:
        return everyone(keys, (layers,), **seen)

    end, played = rollout(play_key, game, act, live, game.length, reset=False)
    theirs = played.state.theirs[1:].sum() + end.state.theirs.sum()
    return Trial(played.reward.mean(), theirs / played.reward.size)


def varied(key: PRNGKeyArray, champion: Any, config: Config) -> Any:
    """The species, leaves `[K, ...]`: the champion with noise, the last without. The key is consumed."""
    leaves, form = jax.tree.flatten(champion)
    noisy = jnp.arange(config.species) < config.species - 1

    def add(key: PRNGKeyArray, leaf: Array) -> Array:
        noise = jax.random.normal(key, (config.species, *leaf.shape))
        return leaf[None] + config.std * noise * noisy.reshape(-1, *(1,) * leaf.ndim)

    keys = jax.random.split(key, len(leaves))
    return jax.tree.unflatten(form, [add(k, leaf) for k, leaf in zip(keys, leaves, strict=True)])


def make(game: Game, config: Config) -> Learner:
    """M-FOS by a genetic algorithm, for player 1 of a meta-game. An iteration is one generation.

    Raises:
        Misfit: the game is not a meta-game with one meta-player.
    """
    if not isinstance(game, MetaGame) or game.num_players > 1:
        raise Misfit("mfos-ga learns against an opponent; name one: tacit train mfos-ga ipd --against naive")
    seen, answer = game.spec.observation.shape[0], game.spec.action.shape[0]

    def init(key: PRNGKeyArray) -> State:
        first, last = mfos.init_params(key, seen, answer, config.hidden).actor
        return State((first, _rows(last, last.weight[:answer], last.bias[:answer])))

    def step(key: PRNGKeyArray, state: State) -> tuple[State, Metrics]:
        vary_key, try_key, learn_key = jax.random.split(key, 3)
        species = varied(vary_key, state.champion, config)
        keys: Key[Array, " K"] = jax.random.split(try_key, config.species)
        tried = jax.vmap(lambda k, layers: trial(k, game, layers, config.num_games))(keys, species)
        return update(learn_key, state, (species, tried), ())

    def update(key: PRNGKeyArray, state: State, experience: Any, carry: Carry) -> tuple[State, Metrics]:
        del carry
        species, tried = experience
        best = jax.tree.map(lambda leaf: leaf[jnp.argmax(tried.reward)], species)
        new_key, old_key = jax.random.split(key)
        new = trial(new_key, game, best, config.test_games)
        old = trial(old_key, game, state.champion, config.test_games)
        better = new.reward > old.reward
        champion, kept = jax.tree.map(lambda a, b: jnp.where(better, a, b), (best, new), (state.champion, old))
        told = {"reward": kept.reward[None], "opponent_reward": kept.opponent_reward[None]}
        return State(champion), told | {"replaced": better.astype(float)}

    def policy(state: State) -> tuple[tuple[Policy, Params], ...]:
        return ((mfos.POLICY, as_mfos(state.champion)),)

    def with_params(state: State, seat: int, params: Any) -> State:
        del state, seat
        first, last = params.actor
        return State((first, _rows(last, last.weight[:answer], last.bias[:answer])))

    return Learner(init, step, policy, update, with_params)


def as_mfos(layers: Any) -> Any:
    """A network as M-FOS has it: the same answers as means, no variance to speak of, and a critic that says 0."""
    first, last = layers
    weight = jnp.concatenate([last.weight, jnp.zeros_like(last.weight)])
    bias = jnp.concatenate([last.bias, jnp.full_like(last.bias, NO_VARIANCE)])
    sizes = first.weight.shape[1], len(last.bias), len(first.bias)
    silent = jax.tree.map(
        lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), eqx.filter_eval_shape(mfos.MetaActorCritic, *sizes)
    )
    return eqx.tree_at(lambda net: net.actor, silent, (first, _rows(last, weight, bias)))


def _rows(layer: Any, weight: Array, bias: Array) -> Any:
    """A layer with other weights; its outputs are counted anew."""
    made = eqx.filter_eval_shape(eqx.nn.Linear, layer.in_features, len(bias), key=jax.random.key(0))
    return eqx.tree_at(lambda x: (x.weight, x.bias), made, (weight, bias))
