"""The meta-game: one step is a whole game, an action is a policy for it, and the state is what the other has learned.

A meta-player chooses the logits of its next policy; the opponent, a learning rule in closed form, plays the policy it
has and learns from the pair of them. The reward is the average reward per round of the game between the two, and a
meta-episode is `length` such steps.

    reset       own logits theta ~ N(0, 1), the opponent phi as its rule begins; one uncounted step is played
    observe     sigmoid of (own theta, the opponent's phi) as just used, own first
    step        theta := action;  reward = V(theta, phi);  phi := learned from (theta, phi)

With two meta-players each of them faces either its own opponent or, where the level says so, the other meta-player
(meta-self-play). A meta-player sits in the seat of the game that its number says, its opponent in the other.

Source: Lu et al. 2022 (Model-Free Opponent Shaping), sections 3 and 5; MetaGames and SymmetricMetaGames in
src/environments.py of its public code.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tacit.errors import Misfit
from tacit.games.base import Game, settle
from tacit.games.matrix import PLAYERS, MatrixGame
from tacit.games.matrix_exact import closed_form, normalized_values, num_logits
from tacit.learners import naive
from tacit.learners.versus import Scripted, logits
from tacit.loops import Make
from tacit.settings import setting
from tacit.types import Learner, Outcome, Real, Spec, State

TRACED = {"traced": True}


class MetaState(NamedTuple):
    """What was just played, what the opponents have learned from it, and how long it has been going on."""

    own: Float[Array, "P n"]  # the logits each meta-player used
    other: Float[Array, "P n"]  # and those it met
    theirs: Float[Array, " P"]  # the reward that brought to whom they met
    opponents: tuple[State, ...]  # one learner's state for each meta-player
    mutual: Bool[Array, ""]  # the meta-players face each other
    round: Int[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class MetaGame(Game):
    """A matrix game played again and again against an opponent that learns.

    Attributes:
        inner: the game.
        opponent: makes the opponent's learning rule, which learns in closed form.
        config: its settings.
    """

    inner: MatrixGame = dataclasses.field(default=MatrixGame(), metadata=TRACED)
    opponent: Make = naive.make
    config: Any = dataclasses.field(default=naive.Config(), metadata=TRACED)
    num_players: int = setting(1, "meta-players, each with an opponent", unit="players", low=1, high=PLAYERS)
    length: int = setting(100, "steps of a meta-episode", unit="games", source="M-FOS code", low=1, high=10**6)
    discount: float = setting(0.99, "weight of the next step", unit="per game", source="M-FOS code", low=0.0, high=1.0)

    @property
    def spec(self) -> Spec:
        size = num_logits(self.inner)
        seen = Real((2 * size,), 0.0, 1.0)
        return Spec(self.num_players, seen, Real((size,)), self.length, self.inner.spec.reward_range)

    def rules(self) -> tuple[Learner, ...]:
        """The opponents, one for each meta-player.

        Raises:
            Misfit: the game has no closed form, or an opponent learns from play.
        """
        game = closed_form(self.inner, "a meta-player")
        rules = tuple(self.opponent(game, self.config, (1 - seat,)) for seat in range(self.num_players))
        if not (rules[0].exact or isinstance(self.opponent, Scripted)):
            raise Misfit("the opponent must learn in closed form here; mfos-recurrent shapes one that learns from play")
        return rules

    def sample_level(self, key: PRNGKeyArray) -> Bool[Array, ""]:
        """Whether the meta-players face each other: true where there are two. The key is consumed."""
        del key
        return jnp.bool_(self.num_players == PLAYERS)

    def reset(self, key: PRNGKeyArray, level: Bool[Array, ""] | None = None) -> MetaState:
        own_key, opponent_key, step_key = jax.random.split(key, 3)
        mutual = self.sample_level(own_key) if level is None else level
        keys = jax.random.split(opponent_key, self.num_players)
        opponents = tuple(rule.init(k) for rule, k in zip(self.rules(), keys, strict=True))
        own = jax.random.normal(own_key, (self.num_players, num_logits(self.inner)))
        zeros = jnp.zeros(self.num_players)
        begun = MetaState(own, own, zeros, opponents, mutual, jnp.int32(0), jnp.bool_(False), jnp.bool_(False))
        return self._play(step_key, begun, own)[0]._replace(round=jnp.int32(0), truncated=jnp.bool_(False))

    def observe(self, state: MetaState) -> Float[Array, "P m"]:
        return jax.nn.sigmoid(jnp.concatenate([state.own, state.other], axis=1))

    def step(self, key: PRNGKeyArray, state: MetaState, action: Float[Array, "P n"]) -> tuple[MetaState, Outcome]:
        new, reward = self._play(key, state, action)
        return settle(state, new, reward)

    def _play(
        self, key: PRNGKeyArray, state: MetaState, action: Float[Array, "P n"]
    ) -> tuple[MetaState, Float[Array, " P"]]:
        keys = jax.random.split(key, self.num_players)
        other, learned, mine, theirs = [], [], [], []
        for seat, rule in enumerate(self.rules()):
            (pair,) = rule.policy(state.opponents[seat])
            met = logits(self.inner, *pair)
            if self.num_players == PLAYERS:
                met = jnp.where(state.mutual, action[1 - seat], met)
            joint = jnp.stack([action[seat], met] if seat == 0 else [met, action[seat]])
            after, told = rule.update(keys[seat], state.opponents[seat], joint, ())
            value = told["value"] if "value" in told else normalized_values(self.inner, joint)
            other.append(met)
            learned.append(after)
            mine.append(value[seat])
            theirs.append(value[1 - seat])
        played = state.round + 1
        ends = (state.terminated, played >= self.length)
        new = MetaState(action, jnp.stack(other), jnp.stack(theirs), tuple(learned), state.mutual, played, *ends)
        return new, jnp.stack(mine)
