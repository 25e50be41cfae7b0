"""The entrants of Axelrod's first tournament (1980), as far as they are not classic players already.

Fourteen rules and RANDOM met in 1980; their programs are lost, and what is known are the descriptions in Axelrod's
paper. The rules here are those descriptions as the Axelrod library reads them (version 4.14.0, strategies/
axelrod_first.py, where each reading is argued for). Tit-for-tat, the grudger, Joss and random are the classic players.

Some rules know how long a match is and what it pays: these players are `Informed`, and whoever lets them play tells
them (`tacit.learners.scripted.known`). A policy's carry is what its rule remembers of the match.

Departures: Downing compares its two expectations as whole numbers, without rounding; the anonymous rule draws a
probability between 0.3 and 0.7 in each turn, which is one of 0.5 to everybody else, so that is what it plays.

Source: Axelrod 1980, Effective choice in the prisoner's dilemma, Journal of Conflict Resolution 24(1), appendix.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from tacit.learners.scripted import CD, DC, DD, MEMORY_ONE, Informed, Player, cooperate
from tacit.ops import categorical
from tacit.types import Carry, Params, Policy

FIRST_TOURNAMENT = (
    "tit-for-tat",
    "tideman-and-chieruzzi",
    "nydegger",
    "grofman",
    "shubik",
    "stein-and-rapoport",
    "grudger",
    "davis",
    "graaskamp",
    "downing",
    "feld",
    "joss",
    "tullock",
    "anonymous",
    "random",
)
"""The fifteen by name, in the order in which they came in 1980.

The first eight are nice: never the first to defect, two of them but for the last two turns.
"""

CHI_SQUARED = 3.841458820694124  # of one degree of freedom, exceeded with probability 0.05
LONG = 200  # turns of a match in 1980


class Last(NamedTuple):
    """The round before: how many were played, and who defected in it."""

    rounds: Int[Array, ""]
    mine: Bool[Array, ""]
    theirs: Bool[Array, ""]


Rule = Callable[[Any, Params, Carry, Last], tuple[Carry, Array]]


def _policy(begin: Callable[[], Carry], rule: Rule) -> Policy:
    """The policy of a rule `(key, params, carry, last) -> (carry, probability of C)`; round 0 follows no round."""

    def init_carry() -> Carry:
        return jnp.int32(0), begin()

    def act(key: Any, params: Params, carry: Carry, obs: Any, legal: Any, fresh: Any, given: Any = None) -> Any:
        rounds, memory = jax.tree.map(lambda first, now: jnp.where(fresh, first, now), init_carry(), carry)
        last = Last(rounds, obs[DC] + obs[DD] > 0, obs[CD] + obs[DD] > 0)
        memory, chance = rule(key, params, memory, last)
        return (rounds + 1, memory), *cooperate(key, jnp.asarray(chance, float), legal, given)

    return Policy(init_carry, act)


def _looks_random(rounds: Array, defections: Array) -> Bool[Array, ""]:
    """A chi-squared test does not refuse (at 5 %) that the other tosses a fair coin."""
    return (rounds - 2 * defections) ** 2 <= CHI_SQUARED * rounds


def _near_the_end(params: Float[Array, "5"], last: Last) -> Bool[Array, ""]:
    """The two last turns."""
    return last.rounds >= params[0] - 2


def _nydegger(key: Any, params: Params, score: Int[Array, ""], last: Last) -> tuple[Carry, Array]:
    """Tit-for-tat at first; then D at some of the 64 possible courses of the last three rounds.

    The score is 16 a_1 + 4 a_2 + a_3 with a_1 the last round: 2 for the other's defection, 1 for the own.
    """
    del key, params
    score = jnp.where(last.rounds > 0, 16 * (2 * last.theirs + last.mine) + score // 4, 0)
    third = last.theirs | ((score >> 3) & 1 > 0)  # the other defected in the first round, and not in the second
    early = jnp.where(last.rounds == 2, third, (last.rounds > 0) & last.theirs)
    return score, ~jnp.where(last.rounds < 3, early, (score == np.array(NYDEGGER_DEFECTS)).any())


NYDEGGER_DEFECTS = (1, 6, 7, 17, 22, 23, 26, 29, 30, 31, 33, 38, 39, 45, 49, 54, 55, 58, 61)


class Revenge(NamedTuple):
    """How long retaliation was last, and how many of its defections are left."""

    length: Int[Array, ""]
    left: Int[Array, ""]


def _no_revenge() -> Revenge:
    return Revenge(jnp.int32(0), jnp.int32(0))


def _retaliate(revenge: Revenge, provoked: Array) -> tuple[Revenge, Bool[Array, ""]]:
    """Goes on with retaliation, or begins a new one, longer by a turn, if provoked."""
    going = revenge.left > 0
    begins = provoked & ~going
    length = revenge.length + begins
    left = jnp.where(going, revenge.left - 1, jnp.where(begins, length - 1, 0))
    return Revenge(length, left), going | begins


def _shubik(key: Any, params: Params, revenge: Revenge, last: Last) -> tuple[Carry, Array]:
    """Retaliates against defections that met cooperation, each time for a turn more."""
    del key, params
    revenge, defects = _retaliate(revenge, (last.rounds > 0) & last.theirs & ~last.mine)
    return revenge, ~defects


class Tally(NamedTuple):
    """What Tideman and Chieruzzi keep."""

    revenge: Revenge
    defections: Int[Array, ""]  # of the other, since a fresh start
    lead: Float[Array, ""]  # own score minus the other's
    fresh_start: Int[Array, ""]  # turn of the last one; 0: never
    starting: Bool[Array, ""]  # it began in the turn before


def _no_tally() -> Tally:
    return Tally(_no_revenge(), jnp.int32(0), jnp.zeros(()), jnp.int32(0), jnp.bool_(False))


def _tideman_and_chieruzzi(key: Any, params: Float[Array, "5"], tally: Tally, last: Last) -> tuple[Carry, Array]:
    """Retaliates a turn longer for each of the other's runs of defections; forgets all where a fresh start is due."""
    del key
    length, _, worst, best, _ = params
    begun = last.rounds > 0
    defections = tally.defections + (begun & last.theirs)
    lead = tally.lead + jnp.where(begun, (best - worst) * (1.0 * last.mine - last.theirs), 0.0)
    turn = last.rounds + 1
    waited = (tally.fresh_start == 0) | (turn - tally.fresh_start >= 20)
    unlike_chance = (last.rounds - 2 * defections) ** 2 >= 9 * last.rounds  # by three standard deviations or more
    due = begun & ~tally.starting & waited & (lead >= 10) & (length - turn >= 10) & ~last.theirs & unlike_chance
    revenge, defects = _retaliate(tally.revenge, begun & last.theirs)
    # the second turn of a fresh start passes over everything else
    kept = jax.tree.map(lambda new, old: jnp.where(due, 0, jnp.where(tally.starting, old, new)), revenge, tally.revenge)
    after = Tally(kept, jnp.where(due, 0, defections), lead, jnp.where(due, turn, tally.fresh_start), due)
    return after, ~(_near_the_end(params, last) | (defects & ~due & ~tally.starting))


class Suspicion(NamedTuple):
    """The other's defections, and whether it looked like a coin when that was last tested."""

    defections: Int[Array, ""]
    random: Bool[Array, ""]


def _stein_and_rapoport(key: Any, params: Float[Array, "5"], seen: Suspicion, last: Last) -> tuple[Carry, Array]:
    """C four times, then tit-for-tat, or D for ever 15 turns where the other looks random; D in the last two turns."""
    del key
    defections = seen.defections + ((last.rounds > 0) & last.theirs)
    tested = ((last.rounds + 1) % 15 == 0) & (last.rounds >= 14)
    random = jnp.where(tested, _looks_random(last.rounds, defections), seen.random)
    defects = (last.rounds >= 4) & (last.theirs | random)
    return Suspicion(defections, random), ~(_near_the_end(params, last) | defects)


def _davis(key: Any, params: Params, hurt: Bool[Array, ""], last: Last) -> tuple[Carry, Array]:
    """C ten times, then D for ever if the other has ever defected."""
    del key, params
    hurt = hurt | ((last.rounds > 0) & last.theirs)
    return hurt, ~(hurt & (last.rounds >= 10))


class Dossier(NamedTuple):
    """What Graaskamp knows of the other."""

    defections: Int[Array, ""]
    before: Bool[Array, ""]  # the own action before the last was D
    mirrors: Bool[Array, ""]  # it has always answered with what was played to it
    equals: Bool[Array, ""]  # it has always done the same at the same time
    random: Bool[Array, ""]  # it once looked random
    next: Int[Array, ""]  # when to defect against it; -1: not yet drawn


def _no_dossier() -> Dossier:
    return Dossier(jnp.int32(0), jnp.bool_(False), jnp.bool_(True), jnp.bool_(True), jnp.bool_(False), jnp.int32(-1))


def _graaskamp(key: Any, params: Params, known: Dossier, last: Last) -> tuple[Carry, Array]:
    """Tit-for-tat for 56 turns, with a probe at turn 51; then the other is judged in every turn.

    It defects for ever on who looks random, and stays tit-for-tat with tit-for-tat and with its like; with all others
    it cooperates but for one defection every 5 to 14 turns.
    """
    del params
    rounds, begun = last.rounds, last.rounds > 0
    defections = known.defections + (begun & last.theirs)
    mirrors = known.mirrors & ((rounds < 2) | (last.theirs == known.before))
    equals = known.equals & (~begun | (last.theirs == last.mine))
    judging = rounds >= 56
    random = known.random | (judging & _looks_random(rounds, defections))
    probing = judging & ~random & ~mirrors & ~equals
    drawn = rounds + 5 + jnp.floor(10 * categorical.uniform(key)).astype(jnp.int32)
    now = probing & (rounds == known.next)
    upcoming = jnp.where(now | (probing & (known.next < 0)), drawn, known.next)
    answers = last.theirs & begun & ~probing
    defects = (rounds == 50) | answers | random | now
    return Dossier(defections, last.mine, mirrors, equals, random, upcoming), ~defects


class Responses(NamedTuple):
    """The own cooperations, the other's answers with C to the own C and D, and the own action before the last."""

    own: Int[Array, ""]
    to_c: Int[Array, ""]
    to_d: Int[Array, ""]
    before: Bool[Array, ""]


def _downing(key: Any, params: Float[Array, "5"], seen: Responses, last: Last) -> tuple[Carry, Array]:
    """Does for ever, as it believes now, what pays more against the other's frequencies of answering C to C and to D.

    It begins with two defections. The other's first action counts as an answer to a cooperation.
    """
    del key
    rounds, begun = last.rounds, last.rounds > 0
    answered = begun & ~last.theirs
    to_c = seen.to_c + (answered & ((rounds == 1) | ~seen.before))
    to_d = seen.to_d + (answered & (rounds > 1) & seen.before)
    own = seen.own + (begun & ~last.mine)
    after_c, after_d = own + 1, jnp.maximum(rounds - own, 2)
    _, both, alone, against, neither = params
    by_c = (to_c * both + (after_c - to_c) * alone) * after_d  # both expectations times the two counts
    by_d = (to_d * against + (after_d - to_d) * neither) * after_c
    chosen = jnp.where(by_c == by_d, last.mine, by_c > by_d)  # where both are equal it changes its action
    return Responses(own, to_c, to_d, last.mine), chosen & (rounds >= 2)


def _feld(key: Any, params: Params, nothing: Carry, last: Last) -> tuple[Carry, Array]:
    """D after D; after C it cooperates with a probability that falls evenly from 1 to 1/2 over 200 turns."""
    del key, params
    chance = jnp.maximum(1 - last.rounds / (2 * LONG), 0.5)
    return nothing, jnp.where((last.rounds > 0) & last.theirs, 0.0, chance)


def _tullock(key: Any, params: Params, window: Int[Array, ""], last: Last) -> tuple[Carry, Array]:
    """C eleven times, then a tenth less often than the other did in the last ten turns (a window of ten bits)."""
    del key, params
    window = ((window << 1) | ((last.rounds > 0) & last.theirs)) & 1023
    chance = jnp.maximum(9 - jax.lax.population_count(window), 0) / 10
    return window, jnp.where(last.rounds < 11, 1.0, chance)


def _zero() -> Int[Array, ""]:
    return jnp.int32(0)


def _no() -> Bool[Array, ""]:
    return jnp.bool_(False)


def _nothing() -> Carry:
    return ()


MATCH = (LONG, 3.0, 0.0, 5.0, 1.0)  # what informed players are told: turns, and rewards at CC, CD, DC, DD
UNINFORMED = (0.0,)

TIDEMAN_AND_CHIERUZZI = Informed(_policy(_no_tally, _tideman_and_chieruzzi), MATCH)
NYDEGGER = Player(_policy(_zero, _nydegger), UNINFORMED)
GROFMAN = Player(MEMORY_ONE, (1, 2 / 7, 2 / 7, 1, 1))
SHUBIK = Player(_policy(_no_revenge, _shubik), UNINFORMED)
STEIN_AND_RAPOPORT = Informed(_policy(lambda: Suspicion(_zero(), _no()), _stein_and_rapoport), MATCH)
DAVIS = Player(_policy(_no, _davis), UNINFORMED)
GRAASKAMP = Player(_policy(_no_dossier, _graaskamp), UNINFORMED)
DOWNING = Informed(_policy(lambda: Responses(_zero(), _zero(), _zero(), _no()), _downing), MATCH)
FELD = Player(_policy(_nothing, _feld), UNINFORMED)
TULLOCK = Player(_policy(_zero, _tullock), UNINFORMED)
ANONYMOUS = Player(MEMORY_ONE, (0.5, 0.5, 0.5, 0.5, 0.5))
