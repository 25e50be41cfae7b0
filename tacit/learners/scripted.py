"""Players that follow a rule and never learn: the classic memory-one players, the Axelrod families, random play.

They play every two-player matrix game (and see what `MatrixGame` shows: the last joint outcome, own action first;
action 0 is C). A memory-one player is five probabilities of C, after CC, CD, DC, DD and at the start; the others
remember more, in their carry. `tacit.learners.PLAYERS` names them; their parameters make them policies like any
other.

Source: names and rules as in the Axelrod library (Axelrod-Python/Axelrod), where each is documented with its origin;
zero-determinant players after Press and Dyson 2012, for the payoffs -1, -3, 0, -2.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax.numpy as jnp
from jaxtyping import Array, Float

from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.games.matrix import STATES, SWAPPED, MatrixGame
from tacit.ops import categorical
from tacit.types import Carry, Choice, Learner, Metrics, Params, Policy, Settings, State

CC, CD, DC, DD, FIRST = range(len(STATES))
LEAST = 1e-30  # a probability of 0, as a logarithm that stays finite


def _no_carry() -> Carry:
    return ()


def cooperate(key: Any, chance: Float[Array, ""], legal: Array, given: Any) -> tuple[Array, Choice]:
    """C with this probability, or the given action. The key is consumed; it must come from a split."""
    good, bad = jnp.where(legal[0], chance, 0.0), jnp.where(legal[1], 1 - chance, 0.0)
    if given is None:  # drawn without logarithms, which cost more than all else where nobody reads the extras
        given = (categorical.uniform(key) * (good + bad) >= good).astype(jnp.int32)
    probs = jnp.stack([good, bad])
    return categorical.choose(key, jnp.log(jnp.maximum(probs / probs.sum(), LEAST)), jnp.zeros(()), given)


def _memory_one(
    key: Any,
    params: Float[Array, "5"],
    carry: Carry,
    obs: Float[Array, "5"],
    legal: Array,
    fresh: Array,
    given: Any = None,
) -> tuple[Carry, Array, Choice]:
    del fresh
    return carry, *cooperate(key, obs @ params, legal, given)


MEMORY_ONE = Policy(_no_carry, _memory_one)
"""Cooperates with the probabilities in its parameters `[5]`, after CC, CD, DC, DD and at the start."""


class Count(NamedTuple):
    """What a counting player remembers of an episode."""

    rounds: Float[Array, ""]  # seen
    against: Float[Array, ""]  # in which the other defected
    running: Float[Array, ""]  # the last ones in a row in which it did


def _no_count() -> Count:
    return Count(jnp.zeros(()), jnp.zeros(()), jnp.zeros(()))


def _counting(
    key: Any,
    params: Float[Array, "4"],
    carry: Count,
    obs: Float[Array, "5"],
    legal: Array,
    fresh: Array,
    given: Any = None,
) -> tuple[Count, Array, Choice]:
    ever, share, row, lenient = params
    defected = obs[CD] + obs[DD]
    seen = Count(carry.rounds + 1, carry.against + defected, jnp.where(defected > 0, carry.running + 1, 0.0))
    carry = Count(*(jnp.where(fresh, 0.0, x) for x in seen))
    angry = (carry.against >= ever) | (carry.running >= row)
    majority = jnp.where(lenient > 0, carry.against > share * carry.rounds, carry.against >= share * carry.rounds)
    return carry, *cooperate(key, jnp.where(angry | majority, 0.0, 1.0), legal, given)


COUNTING = Policy(_no_count, _counting)
"""Defects once the other has defected `ever` times, or `row` times running, or in more than a `share` of the rounds.

Parameters `[4]`: ever, share, row, and whether a share that is met exactly is forgiven (1) or not (0).
"""

NEVER = 1e9  # a number of rounds that is not reached


@runtime_checkable
class Seated(Protocol):
    """What any scripted player can say: how it plays a game."""

    def seated(self, game: Game, seats: Sequence[int]) -> tuple[Policy, list[Array]]:
        """Its policy, and its parameters in each of these seats.

        Raises:
            Misfit: it does not play this game.
        """
        ...


class Player(NamedTuple):
    """A scripted player of matrix games: its policy and its parameters."""

    policy: Policy
    params: tuple[float, ...]

    def seated(self, game: Game, seats: Sequence[int]) -> tuple[Policy, list[Array]]:
        """Its policy, and its parameters in each of these seats.

        Raises:
            Misfit: the game is not a two-player matrix game.
        """
        if not isinstance(game, MatrixGame) and game.spec.observation != MatrixGame().spec.observation:
            fitting = "matrix games (ipd, chicken, ...)"
            raise Misfit(f"scripted players remember joint outcomes and play {fitting}, not {type(game).__name__}")
        informed = isinstance(self, Informed)
        if informed and not isinstance(game, MatrixGame):
            told = f"must know what a round pays and plays matrix games only, not {type(game).__name__}"
            raise Misfit(f"this player {told}")
        rewards = _own_rewards(game) if informed else [()] * game.spec.num_players
        return self.policy, [known(self, game.spec.max_length, rewards[seat]) for seat in seats]


class Informed(Player):
    """A player that knows the match: its parameters are the number of turns and its rewards at CC, CD, DC, DD."""


def known(player: Player, turns: Any, rewards: Sequence[Any]) -> Float[Array, " n"]:
    """A player's parameters in a match of so many turns with these rewards at CC, CD, DC, DD (own action first)."""
    params = (turns, *rewards) if isinstance(player, Informed) else player.params
    return jnp.stack([jnp.asarray(x, float) for x in params])


def _extortion(chi: float) -> tuple[float, ...]:
    """Press and Dyson's extortioner with the largest phi: forces (own + 2) = chi (other's + 2), and starts with D."""
    phi = 1 / (1 + 2 * chi)
    return (1 - phi * (chi - 1), 1 - phi * (1 + 2 * chi), phi * (chi + 2), 0.0, 0.0)


ALWAYS_COOPERATE = Player(MEMORY_ONE, (1, 1, 1, 1, 1))
ALWAYS_DEFECT = Player(MEMORY_ONE, (0, 0, 0, 0, 0))
RANDOM = Player(MEMORY_ONE, (0.5, 0.5, 0.5, 0.5, 0.5))
TIT_FOR_TAT = Player(MEMORY_ONE, (1, 0, 1, 0, 1))
SUSPICIOUS_TIT_FOR_TAT = Player(MEMORY_ONE, (1, 0, 1, 0, 0))
GENEROUS_TIT_FOR_TAT = Player(MEMORY_ONE, (1, 1 / 3, 1, 1 / 3, 1))
ANTI_TIT_FOR_TAT = Player(MEMORY_ONE, (0, 1, 0, 1, 1))
WIN_STAY_LOSE_SHIFT = Player(MEMORY_ONE, (1, 0, 0, 1, 1))
JOSS = Player(MEMORY_ONE, (0.9, 0, 0.9, 0, 1))
FIRM_BUT_FAIR = Player(MEMORY_ONE, (1, 0, 1, 2 / 3, 1))
STUBBORN = Player(MEMORY_ONE, (1, 1, 0, 0, 0.5))
ALTERNATOR = Player(MEMORY_ONE, (0, 0, 1, 1, 1))
EXTORTION_2 = Player(MEMORY_ONE, _extortion(2.0))
EXTORTION_3 = Player(MEMORY_ONE, _extortion(3.0))
GRUDGER = Player(COUNTING, (1, NEVER, NEVER, 1))
TIT_FOR_TWO_TATS = Player(COUNTING, (NEVER, NEVER, 2, 1))
GO_BY_MAJORITY = Player(COUNTING, (NEVER, 0.5, NEVER, 1))
HARD_GO_BY_MAJORITY = Player(COUNTING, (NEVER, 0.5, NEVER, 0))


class Config(Settings):
    """A scripted player has no settings."""


def _own_rewards(game: Any) -> list[tuple[Any, ...]]:
    """Each player's rewards at CC, CD, DC, DD, its own action first."""
    return [game.payoff[::2], tuple(game.payoff[1::2][s] for s in SWAPPED[:FIRST])]


class Fixed(NamedTuple):
    """The state of a learner that does not learn."""

    params: Array


def fixed(player: Seated, game: Game, seats: Sequence[int] | None = None) -> Learner:
    """The learner that plays a scripted player in its seats and stays as it is.

    Raises:
        Misfit: the player does not play this game.
    """
    seats = tuple(range(game.spec.num_players)) if seats is None else tuple(seats)
    acting, params = player.seated(game, seats)

    def init(key: Any) -> Fixed:
        del key
        return Fixed(jnp.stack(params))

    def update(key: Any, state: Fixed, experience: Any, carry: Any) -> tuple[State, Metrics]:
        del key, experience, carry
        return state, {}

    def policy(state: Fixed) -> tuple[tuple[Policy, Params], ...]:
        return tuple((acting, state.params[i]) for i in range(len(seats)))

    def with_params(state: Fixed, seat: int, params: Params) -> Fixed:
        return Fixed(state.params.at[seat].set(params))

    return Learner(init, lambda key, state: update(key, state, (), ()), policy, update, with_params)
