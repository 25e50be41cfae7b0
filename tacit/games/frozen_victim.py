"""An adversary's own game: a trained, frozen victim drives, and the player's action is what the victim is told.

The player sees the state and the goal; the victim sees the state and the message

    m = 2 pi tanh(action)

beside it, and takes its likeliest action. Rewards and goals are those of the steered game inside, so that what is
earned here is what an adversary earns there. A level is a goal.

Source: Lu et al. 2023, Adversarial Cheap Talk (arXiv 2211.11030), algorithms 3 and 4, and its public code.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tacit.games.around import Around
from tacit.games.cheap_talk import SCALE, columns
from tacit.games.steered import goal_numbers
from tacit.types import Level, Outcome, Real, Spec, State


class FrozenVictim(Around):
    """A steered game (`tacit.games.steered`) in which messages are actions. Whoever plays it may be any learner.

    Attributes:
        policy: the victim's, without memory; the action it returns is the one that is taken.
        params: of the victim's policy.
        words: numbers of a message.
    """

    policy: Any = dataclasses.field()
    params: Any = dataclasses.field(metadata={"traced": True})
    words: int = 2

    @property
    def spec(self) -> Spec:
        seen = columns(self.inner.inner) + goal_numbers(self.inner.inner)
        return Spec(1, Real((seen,)), Real((self.words,)), self.inner.inner.spec.max_length, (0.0, 1.0))

    def reset(self, key: PRNGKeyArray, level: Level | None = None) -> State:
        return self.inner.reset(key, level)

    def inside(self, state: State) -> State:
        return state

    def observe(self, state: State) -> Float[Array, "1 columns"]:
        return jnp.append(self.inner.inner.observe(state.inner)[0], state.goal)[None]

    def step(self, key: PRNGKeyArray, state: State, action: Float[Array, "1 words"]) -> tuple[State, Outcome]:
        seen, legal = self.inner.inner.observe(state.inner)[0], self.inner.legal(state)[0]
        told = jnp.append(seen, SCALE * jnp.tanh(action[0]))
        victim_key = jax.random.fold_in(key, 1)  # the game inside has the key itself, as it has without a victim
        _, driven, _ = self.policy.act(victim_key, self.params, (), told, legal, jnp.bool_(False))
        return self.inner.step(key, state, driven[None])
