"""The meta-game whose inner game is sampled: after each inner episode, the opponent learns from what was played.

A meta-episode is a row of inner episodes, each a new game of a fixed number of steps. All games of a batch are played
against the same opponent, a learner that begins anew with the meta-episode and learns after each inner episode from the
whole batch. A meta-agent sees, beside the game, what both players just gained and whether this step is the last.

Source: Lu et al. 2022 (Model-Free Opponent Shaping), section 5 (coin game); CoinGamePPO in
src/coin_game/coin_game_envs.py of its public code.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from tacit.errors import Misfit, SettingError
from tacit.games.base import Game
from tacit.games.coin import CoinGame
from tacit.learners import ppo
from tacit.loops import Make
from tacit.settings import setting
from tacit.types import Act, Discrete, Learner, Level, Outcome, Policy, Real, Spec, State, Step

ME, OTHER = 0, 1  # the seats of meta-agent and opponent


class Seen(NamedTuple):
    """What a player sees in an inner episode: the game, and what only a meta-agent looks at, leaves `[P, ...]`.

    Attributes:
        obs: what the game shows.
        rewards: `[P, 2]` what the last step paid: the player itself, the other. 0 at the start.
        last: `[P]` 1 at the last step of the inner episode, else 0.
    """

    obs: PyTree
    rewards: PyTree
    last: PyTree


class EpisodeState(NamedTuple):
    """An inner episode after some steps."""

    inner: State
    rewards: Float[Array, "2"]
    time: Int[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class SampledMetaGame(Game):
    """A game that is played again and again against an opponent that learns from play.

    As a game, it is one inner episode.

    Attributes:
        inner: the game.
        opponent: makes the opponent's learning rule.
        config: its settings.
    """

    inner: Any = dataclasses.field(default_factory=CoinGame, metadata={"traced": True})
    opponent: Make = ppo.make
    config: Any = dataclasses.field(default_factory=ppo.Config, metadata={"traced": True})
    length: int = setting(16, "steps of an inner episode", unit="steps", source="M-FOS code", low=1)

    def rule(self, name: str) -> Learner:
        """The opponent's learning rule.

        Args:
            name: who asks, for the message of an error.

        Raises:
            Misfit: the game does not suit a meta-agent, or the opponent does not learn from play.
            SettingError: inner episodes are longer than the game.
        """
        spec = self.inner.spec
        if spec.num_players != 2 or not isinstance(spec.action, Discrete):
            raise Misfit(f"{name} plays games of two players with discrete actions, not {type(self.inner).__name__}")
        if self.length > spec.max_length:
            most = f"{spec.max_length}, the longest episode of the game"
            raise SettingError(f"inner-length must be <= {most}; got {self.length}")
        rule = self.opponent(self.inner, self.config, (OTHER,))
        if rule.exact:
            raise Misfit(f"{name} meets opponents that learn from sampled play (ppo, naive-pg, lola-dice) or scripted")
        return rule

    @property
    def discount(self) -> Any:
        """The game's own."""
        return self.inner.discount

    @property
    def spec(self) -> Spec:
        spec = self.inner.spec
        seen = Seen(spec.observation, Real((2,), *spec.reward_range), Real((), 0.0, 1.0))
        return spec._replace(observation=seen, max_length=self.length)

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> EpisodeState:
        over = jnp.bool_(False)
        return EpisodeState(self.inner.reset(key, level), jnp.zeros(2), jnp.int32(0), over, over)

    def observe(self, state: EpisodeState) -> Seen:
        last = jnp.broadcast_to(state.time == self.length - 1, (2,)).astype(float)
        return Seen(self.inner.observe(state.inner), jnp.stack([state.rewards, state.rewards[::-1]]), last)

    def legal(self, state: EpisodeState) -> PyTree:
        return self.inner.legal(state.inner)

    def sample_level(self, key: PRNGKeyArray) -> Level:
        return self.inner.sample_level(key)

    def step(self, key: PRNGKeyArray, state: EpisodeState, action: PyTree) -> tuple[EpisodeState, Outcome]:
        inner, (reward, terminated, truncated) = self.inner.step(key, state.inner, action)
        time = state.time + 1
        cut = (truncated | (time >= self.length)) & ~terminated
        return EpisodeState(inner, reward, time, terminated, cut), Outcome(reward, terminated, cut)


def looking_at_the_game(policy: Policy) -> Policy:
    """An opponent's policy in an inner episode: it sees the game alone."""
    act: Act = policy.act

    def looking(
        key: Any, params: Any, carry: Any, obs: Seen, legal: Any, fresh: Any, given: Any = None
    ) -> tuple[Any, Any, Any]:
        return act(key, params, carry, obs.obs, legal, fresh, given)

    return Policy(policy.init_carry, looking)


def as_the_game(played: Step) -> Step:
    """The steps of an inner episode as those of the game in it: what an opponent learns from."""
    before, after = (played.state.inner, played.obs.obs), (played.next_state.inner, played.next_obs.obs)
    return played._replace(state=before[0], obs=before[1], next_state=after[0], next_obs=after[1])


def meta_agents(tree: PyTree, axis: int) -> PyTree:
    """The meta-agent's part of leaves with a player axis."""
    return jax.tree.map(lambda leaf: jnp.take(leaf, ME, axis=axis), tree)
