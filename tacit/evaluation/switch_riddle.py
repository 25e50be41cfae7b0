"""The switch riddle exactly: what an oracle earns, and what given prisoners earn over all sequences of visits.

A prisoner knows only his own history: on which days he was in the room, and what he saw there. So prisoners who draw
nothing are tables over histories. The tables are filled by stepping each prisoner through all of his histories at once,
in one batch; then all n^T equally likely sequences of visits are played by looking up what the visitor does. With
n = 4 and one bit that is 3^10 histories instead of 4^10 sequences of four prisoners.

All returns are undiscounted; normalized ones are divided by the oracle's.

Source: Foerster et al. 2016, section 6.2 ("return / oracle return"); the closed form is inclusion and exclusion.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from tacit.errors import Misfit
from tacit.games.base import Game
from tacit.games.channel import SILENCE, Heard
from tacit.games.switch_riddle import NONE, TELL, SwitchRiddle
from tacit.loops import stack
from tacit.types import Action, Params, Policy

MOST = 2**23  # sequences of visits, or histories of one prisoner


def all_visited(prisoners: int, days: int) -> Fraction:
    """The probability that everybody has been in the room after so many days."""
    n = prisoners
    return sum((Fraction((-1) ** k * math.comb(n, k) * (n - k) ** days, n**days) for k in range(n + 1)), Fraction(0))


def oracle(game: SwitchRiddle) -> float:
    """What prisoners who know who has been in the room earn: they tell as soon as it is true."""
    return float(all_visited(game.num_players, game.days))


def blind(game: SwitchRiddle) -> float:
    """What telling on the last day, whatever happened, earns."""
    return 2 * oracle(game) - 1


class Protocol(NamedTuple):
    """What one prisoner does in the room, for each day and each of his histories, leaves `[T, H]`.

    History h is read as T digits to the base 1 + M (the first day is the highest): 0 outside, 1 + s in the room after
    message s of M (on the first day, and where nobody talks, in the room). Digits of later days do not matter.
    """

    tells: Bool[Array, "T H"]
    says: Int[Array, "T H"]  # the message as a number, its first bit the lowest


class Score(NamedTuple):
    """In how many of all equally likely sequences of visits it was told when it was true, and when it was not."""

    right: Int[Array, ""]
    wrong: Int[Array, ""]
    sequences: int
    oracle: float

    @property
    def value(self) -> Any:
        """The expected return."""
        return (self.right - self.wrong) / self.sequences

    @property
    def normalized(self) -> Any:
        """The expected return divided by the oracle's; 1 where it is told as soon as it is true."""
        return self.value / self.oracle


def kinds(game: SwitchRiddle) -> int:
    """How many things a prisoner can meet with on a day: the base of his histories."""
    return 1 + 2**game.bits if game.talk else 2


def check(game: Game) -> SwitchRiddle:
    """The game, if it can be played through.

    Raises:
        Misfit: it is another game, or has too many sequences of visits.
    """
    if not isinstance(game, SwitchRiddle):
        raise Misfit(f"this needs the switch riddle, not {type(game).__name__}")
    most = max(game.num_players, kinds(game)) ** game.days
    if most > MOST:
        raise Misfit(
            f"{game.num_players} prisoners, {game.days} days and {game.bits} bits have {most:.1e} courses to play"
            f" through, more than {MOST:.1e}: play a sample of games instead"
        )
    return game


def tabulate(game: SwitchRiddle, policy: Policy, params: Params) -> Protocol:
    """A prisoner's protocol. His policy must be deterministic, and say bits.

    What he does does not depend on later days. So most days are stepped with the histories up to the last but two of
    them only, and the last two, which are most of the work, with all of theirs.
    """
    base, days, bits = kinds(game), game.days, jnp.arange(game.bits)[None]

    def met(history: Array, place: Array, day: Array) -> tuple[Heard, Action]:
        digit = history // place % base
        inside = (digit > 0)[:, None]
        received = inside & (day > 0) & game.talk
        message = jnp.where(received, ((digit[:, None] - 1) >> bits & 1).astype(float), SILENCE)
        legal = Action(jnp.concatenate([jnp.ones_like(inside), inside], axis=1), inside)
        return Heard(inside.astype(float), message, received.astype(float)), legal

    def stepped(carry: Any, begin: int, end: int) -> tuple[Any, Protocol]:
        """These days with all histories up to their end, `[base^end]`."""

        def one(carry: Any, day: Array) -> Any:
            obs, legal = met(jnp.arange(base**end), base ** (end - 1 - day), day)
            act = jax.vmap(policy.act, (None, None, 0, 0, 0, None))
            carry, action, _ = act(jax.random.key(0), params, carry, obs, legal, day == 0)
            return carry, Protocol(action.move == TELL, ((action.message > 0.5).astype(int) << bits).sum(axis=1))

        return jax.lax.scan(one, _repeated(carry, base ** (end - begin), 0), jnp.arange(begin, end))

    carry = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], policy.init_carry())
    begin, tables = 0, []
    for end in sorted({max(days - 2, 1), max(days - 1, 1), days}):
        carry, table = stepped(carry, begin, end)
        tables.append(_repeated(table, base ** (days - end), 1))
        begin = end
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *tables)


def _repeated(tree: Any, times: int, axis: int) -> Any:
    """Every entry so many times, one after another: a history's part of a table for each of its continuations."""
    return jax.tree.map(lambda leaf: jnp.repeat(leaf, times, axis), tree)


def played(game: SwitchRiddle, protocols: Protocol) -> Score:
    """All sequences of visits, played by these prisoners, leaves `[P, T, H]`."""
    base, days, n = kinds(game), game.days, game.num_players
    sequence = jnp.arange(n**days)

    def one(carry: Any, day: Array) -> Any:
        history, said, seen, open_ = carry
        visitor = sequence // n ** (days - 1 - day) % n
        inside = visitor[None] == jnp.arange(n)[:, None]
        met = 1 + jnp.where((day > 0) & game.talk, said, 0)
        history = history * base + jnp.where(inside, met[None], 0)
        own = jnp.sum(jnp.where(inside, history, 0), axis=0) * base ** (days - 1 - day)
        tells = protocols.tells[visitor, day, own] & open_
        seen = seen | (1 << visitor)
        true = seen == 2**n - 1
        after = (history, protocols.says[visitor, day, own], seen, open_ & ~tells)
        return after, (jnp.sum(tells & true), jnp.sum(tells & ~true))

    nothing = jnp.zeros_like(sequence)
    first = (jnp.zeros((n, len(sequence)), sequence.dtype), nothing, nothing, jnp.ones(len(sequence), bool))
    right, wrong = jax.lax.scan(one, first, jnp.arange(days))[1]
    return Score(right.sum(), wrong.sum(), n**days, oracle(game))


def exact(game: Game, policies: Sequence[Policy], params: Sequence[Params]) -> Score:
    """What these prisoners earn, over all sequences of visits; pure, so that it can be compiled and mapped over seeds.

    Args:
        policies: one for each prisoner, as they play: deterministic, their messages bits. Those that are the same
            object are stepped together.
        params: theirs.

    Raises:
        Misfit: the game is another one, or too large.
    """
    game = check(game)
    if all(policy is policies[0] for policy in policies):
        each = jax.vmap(lambda p: tabulate(game, policies[0], p), axis_size=len(policies))
        return played(game, each(stack(params)))
    return played(game, stack([tabulate(game, policy, p) for policy, p in zip(policies, params, strict=True)]))


def _count_to_two(key: Any, params: Any, carry: Any, obs: Heard, legal: Any, fresh: Any, given: Any = None) -> Any:
    """One prisoner's part; he remembers whether he has been in the room."""
    del key, params, legal, given
    been = jnp.where(fresh, False, carry)
    inside = obs.view[0] > 0
    two = (obs.received[0] > 0) & (obs.message[0] > 0.5)
    newcomer = inside & ~been
    one_more = newcomer & (obs.received[0] > 0)
    says = jnp.zeros_like(obs.message).at[0].set((two | one_more).astype(float))
    return been | inside, Action(jnp.where(newcomer & two, TELL, NONE), says), ()


COUNT_TO_TWO = Policy(lambda: jnp.bool_(False), _count_to_two)
"""Best play of three prisoners, as good as the oracle's. The bit says "two different prisoners have been here": the
first visitor leaves 0, a newcomer who sees 0 leaves 1, one who sees 1 tells, all others leave what they see."""
