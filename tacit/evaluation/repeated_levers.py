"""Best play of repeated levers by players who share neither names nor seats, exactly.

One lever pays c and N equal ones pay 1; both pulls are seen after each round. As nothing is shared, both players follow
one strategy, which treats equal levers alike but may remember everything and draw lots. Let L be the expected loss
against T. If the pulls so far set the players apart (no exchange of the players together with a renaming gives the same
history), some lever of payoff 1 is unique (the only one that was ever pulled, say): both take it, and nothing more is
lost. As long as they do not, a player chooses among roles, its own random numbers aside:

    low    the lever that pays c
    fresh  one of the k levers of payoff 1 that nobody has pulled yet, at random
    old    a lever that was pulled; the exchange makes another one of it, its counterpart (stick and copy)

Both in low get c; both in fresh meet with probability 1 / k; counterparts meet. Two players in any other two roles
lose 1 in this round and are set apart. With masses l, f and m (m: on one pair of counterparts, half on each, which is
best) and a loss of L'_k in the rounds that follow,

    L_k = 1 - l^2 (c - L'_k) - f^2 (1 - (1 - 1/k) (1 + L'_{k-2})) - m^2 (1 - L'_k) / 2.

Once a pair was pulled, L <= 1 by induction, so the last factor is not negative, and the whole mass belongs to the
largest factor. Before, only low and fresh exist, and where both factors are negative a mixture is best. So this is the
best of *all* such strategies, whatever they remember.

Source: the game and the objective, Hu et al. 2020 ("Other-Play" for Zero-Shot Coordination); the dynamic program and
its proof are tacit's own.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Array

from tacit.evaluation.levers import OneApart
from tacit.evaluation.play import play
from tacit.games.levers import LeverGame
from tacit.games.symmetry import Relabeled
from tacit.loops import Result
from tacit.types import Step, Trained


def stick_or_copy(form: OneApart) -> float:
    """Worth of a random equal lever at first, then one's own or the other's last by the toss of a coin until they meet.

    T - 2 (1 - 1 / N) (1 - 2^-T): they miss each other with 1 - 1 / N in the first round and with 1 / 2 in each other.
    """
    return form.high * (form.rounds - 2.0 * (1.0 - 1.0 / form.equal) * (1.0 - 0.5**form.rounds))


def always_low(form: OneApart) -> float:
    """Worth of the lever apart in every round."""
    return form.high * form.low * form.rounds


def seats_known(form: OneApart) -> float:
    """Worth of the best play where the players know who is first: from round 2 on, both pull the first one's lever."""
    return max(always_low(form), form.high * (form.rounds - 1.0 + 1.0 / form.equal))


class Plan(NamedTuple):
    """The best strategy, and what comes of it.

    Attributes:
        value: its worth over all rounds.
        fresh: `[T]` in each round, the probability of a random equal lever if only the lever apart was pulled so far.
        matched: `[T]` probability that both pull the same lever in each round.
        paid: `[T]` expected payoff of each round.
    """

    value: float
    fresh: np.ndarray
    matched: np.ndarray
    paid: np.ndarray


def plan(form: OneApart) -> Plan:
    """The best strategy of players who share neither names nor seats, by dynamic programming. Exact."""
    # [rounds to go, k]: pulls were exchanged, and the players are not set apart
    loss = np.zeros((form.rounds + 1, form.equal + 1))
    role = np.zeros((form.rounds + 1, form.equal + 1), int)
    for left in range(1, form.rounds + 1):
        for k in range(form.equal - 1):
            factors = _factors(form, loss[left - 1], k)
            role[left, k] = int(np.argmax(factors))
            loss[left, k] = 1.0 - factors[role[left, k]]
    start, fresh = _beginning(form, loss)
    return Plan(float(form.high * (form.rounds - start)), fresh[::-1], *_played(form, role, fresh[::-1]))


LOW, FRESH, OLD = range(3)


def _factors(form: OneApart, later: np.ndarray, k: int) -> tuple[float, float, float]:
    """The factors of l^2, f^2 and m^2, given the losses `[k]` that follow."""
    new = 1.0 - (1.0 - 1.0 / k) * (1.0 + later[max(k - 2, 0)]) if k > 0 else -np.inf
    return form.low - later[k], new, (1.0 - later[k]) / 2.0


def _beginning(form: OneApart, loss: np.ndarray) -> tuple[float, np.ndarray]:
    """Loss over all rounds, and the mass on fresh with 1, 2, ... T rounds to go, if only low was pulled before."""
    later, masses = 0.0, []
    for left in range(1, form.rounds + 1):
        low = form.low - later
        fresh = 1.0 - (1.0 - 1.0 / form.equal) * (1.0 + loss[left - 1, max(form.equal - 2, 0)])
        mixed = low < 0.0 and fresh < 0.0
        mass = low / (low + fresh) if mixed else float(fresh > low)
        later = 1.0 - (1.0 - mass) ** 2 * low - mass**2 * fresh
        masses.append(mass)
    return later, np.array(masses)


def _played(form: OneApart, role: np.ndarray, fresh: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probability of a match and expected payoff in each round of the best play."""
    only_low, together, open_ = 1.0, 0.0, np.zeros(form.equal + 1)  # probabilities of how things stand
    matched, paid = np.zeros(form.rounds), np.zeros(form.rounds)
    for round_ in range(form.rounds):
        high, low, after, met = together, 0.0, np.zeros(form.equal + 1), 0.0
        for k in np.flatnonzero(open_):
            how = role[form.rounds - round_, k]
            chance = {LOW: 0.0, FRESH: 1.0 / max(k, 1), OLD: 0.5}[int(how)]
            low += open_[k] * (how == LOW)
            met += open_[k] * chance
            after[k - 2 * (how == FRESH and k >= 2)] += open_[k] * (1.0 - chance)
        p = fresh[round_]
        low += only_low * (1.0 - p) ** 2
        met += only_low * p**2 / form.equal
        after[max(form.equal - 2, 0)] += only_low * p**2 * (1.0 - 1.0 / form.equal)
        together += met + only_low * 2.0 * p * (1.0 - p)  # who was set apart meets from the next round on
        only_low, open_ = only_low * (1.0 - p) ** 2, after
        matched[round_] = high + met + low
        paid[round_] = form.high * (high + met + form.low * low)
    return matched, paid


def stick_or_copy_matched(form: OneApart) -> np.ndarray:
    """The probability `[T]` that stick or copy matches in each round."""
    return 1.0 - (1.0 - 1.0 / form.equal) * 0.5 ** np.arange(form.rounds)


class Played(NamedTuple):
    """What learned policies did with strangers to their names; leaves `[S, ...]`.

    Attributes:
        value: mean return of each run. error: its standard error over the games.
        matched: `[S, T]` how often both pulled the same lever in each round.
    """

    value: np.ndarray
    error: np.ndarray
    matched: np.ndarray


def played(run: Trained, game: LeverGame, num_games: int = 4096, seed: int = 1) -> Played:
    """Lets the two players of each run of PPO meet in a lever game, under names that each has for itself alone."""
    config = dataclasses.replace(run.config, other_play=False)  # the names are the game's affair here
    apart = Result(run.make, Relabeled(game), config, run.state, {})
    return Played(*play(apart, _noted, num_games, seed))


def _noted(step: Step) -> tuple[Array, Array, Array]:
    reward = step.reward[:, :, 0]  # [T, B]
    value = reward.sum(axis=0)
    return value.mean(), value.std() / len(value) ** 0.5, (reward > 0).mean(axis=1)
