"""Learning rules against each other: one rule in the first seat, another in the others, all learning at once.

    everybody plays with the policies it has; then every rule learns from that play, seeing only its own state

Rules in closed form meet through their joint logits, rules that learn from play through whole sampled episodes. A
scripted player is a rule that learns nothing; two of them meet in closed form if both remember one round.

Source: the pairing of Foerster et al. 2018 (LOLA), table 4, and of the M-FOS code: all rules update simultaneously
from the same joint policies.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.games.matrix import START, MatrixGame
from tacit.games.matrix_exact import closed_form, has_closed_form, normalized_values, num_logits
from tacit.learners.scripted import MEMORY_ONE, Player, Seated, fixed
from tacit.learners.tabular import TABULAR
from tacit.loops import Make, episodes
from tacit.ops.returns import normalized
from tacit.types import Learner, Metrics, Params, Policy, State

SURE = 0.999  # the largest probability a scripted player has in closed form, where logits must stay finite
SURER = 1 - 1e-6  # the same where nobody learns, so that no gradient can vanish


@dataclasses.dataclass(frozen=True)
class Scripted:
    """Makes the learner that plays a scripted player; equal players make equal programs."""

    player: Seated

    def __call__(self, game: Game, config: Any, seats: Sequence[int] | None = None) -> Learner:
        del config
        return fixed(self.player, game, seats)


class Pair(NamedTuple):
    """The two rules' own settings."""

    first: Any
    others: Any


@dataclasses.dataclass(frozen=True)
class Versus:
    """Makes one learner out of two rules: `first` learns in seat 0, `others` in all other seats."""

    first: Make
    others: Make

    def __call__(self, game: Game, config: Pair) -> Learner:
        """The learner.

        Raises:
            Misfit: a rule does not fit the game, or one learns in closed form and the other only from play.
        """
        seats = ((0,), tuple(range(1, game.spec.num_players)))
        rules = (self.first(game, config.first, seats[0]), self.others(game, config.others, seats[1]))
        exact = [
            rule.exact for rule, make in zip(rules, (self.first, self.others), strict=True) if not _is_scripted(make)
        ]
        if len(set(exact)) > 1:
            raise Misfit("one of the rules learns in closed form and the other from sampled play; they cannot meet")
        scripts = not exact and has_closed_form(game) and _all_memory_one(self.first, self.others)
        closed = any(exact) or scripts
        experience = _closed(game, SURER if scripts else SURE) if closed else _sampled(game, config)

        def init(key: PRNGKeyArray) -> State:
            return tuple(rule.init(jax.random.fold_in(key, i)) for i, rule in enumerate(rules))

        def step(key: PRNGKeyArray, state: State) -> tuple[State, Metrics]:
            play_key, learn_key = jax.random.split(key)
            played, carry, measured = experience(play_key, policy(state))
            return update(learn_key, state, played, carry)[0], measured

        def update(key: PRNGKeyArray, state: State, played: Any, carry: Any) -> tuple[State, Metrics]:
            keys = jax.random.split(key, len(rules))
            each = [rule.update(k, s, played, carry) for rule, k, s in zip(rules, keys, state, strict=True)]
            return tuple(state for state, _ in each), {}

        def policy(state: State) -> tuple[tuple[Policy, Params], ...]:
            return tuple(pair for rule, s in zip(rules, state, strict=True) for pair in rule.policy(s))

        def with_params(state: State, seat: int, params: Params) -> State:
            which = min(seat, 1)
            changed = rules[which].with_params(state[which], seat - which, params)
            return (changed, state[1]) if which == 0 else (state[0], changed)

        return Learner(init, step, policy, update, with_params, exact=closed)


def joint_logits(
    game: MatrixGame, policies: Sequence[tuple[Policy, Params]], sure: float = SURE
) -> Float[Array, "2 n"]:
    """The logits of both players' policies in closed form (see `logits`)."""
    return jnp.stack([logits(game, policy, params, sure) for policy, params in policies])


def logits(game: MatrixGame, policy: Policy, params: Params, sure: float = SURE) -> Float[Array, " n"]:
    """The logits of one player's policy in closed form; a scripted player's probabilities are kept from 0 and 1.

    Args:
        sure: the largest of those probabilities.

    Raises:
        Misfit: the player remembers more than one round.
    """
    if policy is MEMORY_ONE:
        params = jax.scipy.special.logit(jnp.clip(params, 1 - sure, sure))
    elif policy is not TABULAR:
        raise Misfit("a player that remembers more than one round has no closed form")
    return params[START - num_logits(game) + 1 :]


def _is_scripted(make: Make) -> bool:
    return isinstance(make, Scripted)


def _all_memory_one(*rules: Make) -> bool:
    players = [make.player for make in rules if isinstance(make, Scripted)]
    remembering = [isinstance(player, Player) and player.policy is MEMORY_ONE for player in players]
    return len(players) == len(rules) and all(remembering)


def _closed(game: Game, sure: float) -> Any:
    """What rules in closed form meet through: the joint logits."""
    exact = closed_form(game, "this rule")

    def experience(key: PRNGKeyArray, policies: Any) -> tuple[Any, Any, Metrics]:
        del key
        joint = joint_logits(exact, policies, sure)
        return joint, (), {"value": normalized_values(exact, joint)}

    return experience


def _sampled(game: Game, config: Pair) -> Any:
    """What rules that learn from play meet through: a batch of whole episodes, as large as the larger of theirs."""
    num_games = max(getattr(settings, "num_games", 0) for settings in config) or 64

    def experience(key: PRNGKeyArray, policies: Any) -> tuple[Any, Any, Metrics]:
        players, params = zip(*policies, strict=True)
        carry, played = episodes(key, game, players, params, num_games)
        measured = {"reward": played.reward.mean((0, 1)), "value": normalized(played.reward, game.discount)}
        return played, carry, measured

    return experience
