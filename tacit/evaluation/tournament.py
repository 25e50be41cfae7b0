"""Round robins in a repeated matrix game: every entrant meets every other one and its own twin.

Memory-one entrants need no play. With p and q the probabilities of C of both after CC, CD, DC, DD (q from the other's
side), flipped with the noise e,

    p <- (1 - e) p + e (1 - p)      s_1 = start      s_t+1 = s_t P      score = sum_t w_t s_t r / sum_t w_t ,

where P[s] is the distribution over the joint outcomes after s, r the own rewards, and w_t the probability that the
match reaches turn t: 1 up to the last turn, or (1 - ending)^(t - 1). All pairs are one program.

All other entrants play. One scan over the turns advances all matches of all repetitions at once; entrants with the
same policy act in one mapped call, so that the program grows with the kinds of entrants and not with their pairs.
Entrant i has a row of seats, one against each j, and a last one: its own twin's. Noise flips each chosen action on its
own, and both players see what was done.

Sources: Axelrod 1980 (Effective choice in the prisoner's dilemma) for the round robin with twins, 200 turns and 5
repetitions; the Axelrod library (Axelrod-Python/Axelrod: match.py, result_set.py) for noise, endings and scores by
turn. Departure: with endings the closed form divides expected scores by expected turns, where played matches average
each match's own score by turn.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tacit import scale
from tacit.errors import InputError, Misfit
from tacit.evaluation.rules import Rules
from tacit.games.base import Game
from tacit.games.matrix import START, STATES, SWAPPED, MatrixGame
from tacit.games.matrix_exact import transition
from tacit.learners.scripted import MEMORY_ONE
from tacit.types import Params, Policy

SEATS = 2**19  # played at a time; more lanes than that are played one after another


class Entrant(NamedTuple):
    """Who takes part: a policy over the last joint outcome, as matrix games show it, with its parameters."""

    name: str
    policy: Policy
    params: Params


def own_rewards(game: Game) -> tuple[float, ...]:
    """A player's rewards at CC, CD, DC, DD (own action first), the same for both players.

    Raises:
        Misfit: the game is no two-player matrix game, or treats its players differently.
    """
    if not (isinstance(game, MatrixGame) and type(game).step is MatrixGame.step):
        raise Misfit(f"tournaments are played in matrix games (axelrod-ipd, ipd, ...), not in {type(game).__name__}")
    mine, theirs = game.payoff[::2], game.payoff[1::2]
    if mine != tuple(theirs[s] for s in SWAPPED[:START]):
        raise Misfit("a tournament needs a game in which both players have the same payoffs; this one has two sides")
    return mine


def memory_one(entrants: Sequence[Entrant]) -> np.ndarray:
    """Each entrant's probability of C after CC, CD, DC, DD and at the start, `[N, 5]`.

    Raises:
        Misfit: an entrant remembers more than one round.
    """
    for entrant in entrants:
        if jax.tree.leaves(entrant.policy.init_carry()):
            raise Misfit(f"{entrant.name} remembers more than one round and has no closed form; let it play instead")
    each = [x.params if x.policy is MEMORY_ONE else _asked(x.policy, x.params) for x in entrants]
    return np.stack([np.asarray(chances, float) for chances in each])


@functools.partial(jax.jit, static_argnums=0)
def _asked(policy: Policy, params: Params) -> Float[Array, "5"]:
    """P(C) of a policy without memory in each of the five states."""
    key, legal = jax.random.key(0), jnp.ones(2, bool)

    def ask(obs: Float[Array, "5"]) -> Float[Array, ""]:
        extras = policy.act(key, params, (), obs, legal, jnp.bool_(False), jnp.int32(0))[2]
        return jnp.exp(extras.log_probs[0])

    return jax.vmap(ask)(jnp.eye(len(STATES)))


def exact_scores(rewards: Sequence[float], chances: np.ndarray, rules: Rules) -> np.ndarray:
    """Expected score by turn of each entrant (row) against each (column), in closed form, `[N, N]`.

    Args:
        rewards: at CC, CD, DC, DD, own action first.
        chances: `[N, 5]`, see `memory_one`.

    >>> both = np.array([[1.0, 0, 1, 0, 1], [0, 0, 0, 0, 0]])  # tit-for-tat and a defector
    >>> exact_scores((3, 0, 5, 1), both, Rules(turns=200)).round(3).tolist()
    [[3.0, 0.995], [1.02, 1.0]]
    """
    inputs = (jnp.asarray(rewards, float), jnp.asarray(chances, float), rules.noise, rules.ending)
    return np.asarray(_exact(rules.turns, *inputs), float)


@functools.partial(jax.jit, static_argnums=0)
def _exact(
    turns: int, rewards: Float[Array, "4"], chances: Float[Array, "N 5"], noise: Any, ending: Any
) -> Float[Array, "N N"]:
    slipping = (1 - noise) * chances + noise * (1 - chances)

    def pair(mine: Float[Array, "5"], theirs: Float[Array, "5"]) -> Float[Array, ""]:
        after = transition(mine, jnp.stack([theirs[s] for s in SWAPPED]))

        def turn(carry: Any, _: None) -> tuple[Any, None]:
            outcome, weight, score, weights = carry
            score, weights = score + weight * jnp.sum(outcome * rewards), weights + weight
            following = jnp.sum(outcome[:, None] * after[:START], axis=0)
            return (following, weight * (1 - ending), score, weights), None

        first = (after[START], jnp.ones(()), jnp.zeros(()), jnp.zeros(()))
        _, _, score, weights = jax.lax.scan(turn, first, None, length=turns)[0]
        return score / weights

    return jax.vmap(lambda mine: jax.vmap(functools.partial(pair, mine))(slipping))(slipping)


def played_scores(
    rewards: Sequence[float], entrants: Sequence[Entrant], rules: Rules, tournaments: int = 1, seed: int = 0
) -> np.ndarray:
    """Score by turn of each entrant (row) against each (column) in played matches, `[S, R, N, N]`.

    Args:
        rewards: at CC, CD, DC, DD, own action first.
        tournaments: S, each with its own randomness and R repetitions; how many are asked for changes none of them.

    Against its own twin an entrant's score is the mean of both.
    """
    if not entrants:
        raise InputError("a tournament needs entrants")
    kinds, members = _kinds(entrants)
    params = tuple(_stacked([entrants[i].params for i in group]) for group in members)
    lanes = tournaments * rules.repetitions
    width = min(lanes, max(1, SEATS // (len(entrants) * (len(entrants) + 1))))
    options = (rules.turns, rules.noise > 0, rules.ending > 0)
    reals = (jnp.asarray(rewards, float), rules.noise, rules.ending)
    parts = []
    for first in range(0, lanes, width):
        numbers = np.minimum(np.arange(first, first + width), lanes - 1)  # as many each time: one program
        numbers = scale.spread(numbers.astype(np.uint32))
        total, length = _play(kinds, members, *options, params, *reals, jax.random.key(seed), numbers)
        parts.append((np.asarray(total, float) / np.asarray(length, float))[:width])
    scores = np.concatenate(parts)[:lanes]
    return scores.reshape(tournaments, rules.repetitions, *scores.shape[1:])


def _kinds(entrants: Sequence[Entrant]) -> tuple[tuple[Policy, ...], tuple[tuple[int, ...], ...]]:
    """The different policies among the entrants, and who has each."""
    members: dict[Policy, list[int]] = {}
    for i, entrant in enumerate(entrants):
        members.setdefault(entrant.policy, []).append(i)
    return tuple(members), tuple(map(tuple, members.values()))


def _stacked(params: Sequence[Params]) -> Params:
    return jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(leaf) for leaf in leaves]), *params)


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3, 4))
def _play(
    kinds: tuple[Policy, ...],
    members: tuple[tuple[int, ...], ...],
    turns: int,
    noisy: bool,
    ending_early: bool,
    params: tuple[Params, ...],
    rewards: Float[Array, "4"],
    noise: Any,
    ending: Any,
    key: PRNGKeyArray,
    lanes: Int[Array, " L"] | Any,
) -> tuple[Float[Array, "L N N"], Float[Array, "L N N"]]:
    """Total scores and turns of whole round robins, one for each lane."""
    order = np.argsort(np.concatenate(members))
    num = len(order)

    def begun(policy: Policy, group: tuple[int, ...]) -> Any:
        shape = (len(group), num + 1)
        return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (*shape, *leaf.shape)), policy.init_carry())

    def round_robin(lane: Any) -> tuple[Float[Array, "N N"], Float[Array, "N N"]]:
        lane_key = jax.random.fold_in(key, lane)
        length = jnp.full((num, num + 1), float(turns))
        if ending_early:
            length = _lengths(jax.random.fold_in(lane_key, turns), ending, length)

        def turn(state: Any, number: Any) -> tuple[Any, None]:
            carries, seen, total = state
            turn_key = jax.random.fold_in(lane_key, number)
            acts = [
                _act(jax.random.fold_in(turn_key, k), kind, params[k], carries[k], seen[np.array(group)], number == 0)
                for k, (kind, group) in enumerate(zip(kinds, members, strict=True))
            ]
            mine = jnp.concatenate([action for _, action in acts])[order]
            if noisy:
                slips = jax.random.uniform(jax.random.fold_in(turn_key, len(kinds)), mine.shape) < noise
                mine = jnp.where(slips, 1 - mine, mine)
            joint = 2 * mine + _across(mine)
            seen = jax.nn.one_hot(joint, len(STATES))
            gained = jnp.sum(seen[..., :START] * rewards[None, None], axis=-1)
            total = total + jnp.where(number < length, gained, 0.0)
            return (tuple(carry for carry, _ in acts), seen, total), None

        start = jax.nn.one_hot(jnp.full((num, num + 1), START), len(STATES))
        carries = tuple(map(begun, kinds, members))
        first = (carries, start, jnp.zeros((num, num + 1)))
        total = jax.lax.scan(turn, first, jnp.arange(turns))[0][2]
        twins = jnp.eye(num, dtype=bool)
        return jnp.where(twins, (total[:, :num] + total[:, num:]) / 2, total[:, :num]), length[:, :num]

    return jax.vmap(round_robin)(lanes)


def _act(key: PRNGKeyArray, policy: Policy, params: Params, carry: Any, seen: Any, fresh: Bool[Array, ""]) -> Any:
    """All seats of all entrants of one kind act: carries and observations `[members, N + 1, ...]`."""
    keys = jax.random.split(key, seen.shape[:2])
    legal = jnp.ones(2, bool)

    def one(key: Any, params: Params, carry: Any, obs: Float[Array, "5"]) -> tuple[Any, Int[Array, ""]]:
        after, action, _ = policy.act(key, params, carry, obs, legal, fresh)
        return after, action

    return jax.vmap(jax.vmap(one, (0, None, 0, 0)))(keys, params, carry, seen)


def _across(mine: Int[Array, "N seats"]) -> Int[Array, "N seats"]:
    """What the other player in each seat did. The last seat is that of the twin, who meets its entrant's own seat."""
    num = len(mine)
    twins = jnp.eye(num, dtype=bool)
    others = jnp.where(twins, mine[:, num:], mine[:, :num].T)
    return jnp.concatenate([others, jnp.sum(jnp.where(twins, mine[:, :num], 0), axis=1)[:, None]], axis=1)


def _lengths(key: PRNGKeyArray, ending: Any, longest: Float[Array, "N seats"]) -> Float[Array, "N seats"]:
    """Turns of each match: geometric, cut at the longest; one number for both players of a match."""
    num = len(longest)
    drawn = jax.random.uniform(key, (num, num))
    drawn = jnp.triu(drawn) + jnp.triu(drawn, 1).T
    drawn = jnp.concatenate([drawn, jnp.diagonal(drawn)[:, None]], axis=1)
    return jnp.clip(jnp.ceil(jnp.log1p(-drawn) / jnp.log1p(-ending)), 1.0, longest)
