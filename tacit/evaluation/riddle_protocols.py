"""What prisoners of the switch riddle say and do, made readable: trees of rules, and messages against what is hidden.

Everything is counted over visits: one day of one sequence of visits, as long as nobody has told. A visit is described
by what a prisoner can know (whether he has been in the room before, what he sees there, what he said last, the day) and
by what nobody knows (how many have been in the room).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Shaped

from tacit.evaluation.switch_riddle import Protocol, check, kinds, played, tabulate
from tacit.games.switch_riddle import SwitchRiddle
from tacit.loops import stack
from tacit.types import Trained

NOTHING = -1  # seen on the first day, and said by who has not been in the room
DEEPEST = 5  # conditions on a path of a tree


class Visits(NamedTuple):
    """Visits, each an entry `[N]`.

    Attributes:
        day: from 1.
        before: how often the visitor had been in the room.
        sees: the message he sees, or `NOTHING`.
        last: the message that he himself sent last, or `NOTHING`.
        been: how many different prisoners have been in the room, he included.
        says: the message he sends.
        tells: whether he tells.
    """

    day: Int[np.ndarray, " N"]
    before: Int[np.ndarray, " N"]
    sees: Int[np.ndarray, " N"]
    last: Int[np.ndarray, " N"]
    been: Int[np.ndarray, " N"]
    says: Int[np.ndarray, " N"]
    tells: Bool[np.ndarray, " N"]


def protocols_of(run: Trained) -> Protocol:
    """The protocols of a run's prisoners, leaves `[S, P, T, H]`.

    Raises:
        Misfit: the game is not the switch riddle, or too large.
    """
    game = check(run.game)
    learner = run.make(game, run.config)

    @jax.jit
    def of_seed(state: object) -> Protocol:
        policies, params = zip(*learner.policy(state), strict=True)
        return jax.vmap(lambda own: tabulate(game, policies[0], own))(stack(params))  # all act by the same functions

    seeds = len(jax.tree.leaves(run.state)[0])
    found = [of_seed(jax.tree.map(lambda leaf, s=s: leaf[s], run.state)) for s in range(seeds)]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *found)


def scores(game: SwitchRiddle, protocols: Protocol) -> Float[np.ndarray, " S"]:
    """Normalized returns, exactly, of sets of prisoners, leaves `[S, P, T, H]`."""
    each = (jax.tree.map(lambda leaf, s=s: leaf[s], protocols) for s in range(len(protocols.tells)))
    return np.array([float(_normalized(game, one)) for one in each])


@jax.jit
def _normalized(game: SwitchRiddle, protocol: Protocol) -> Array:
    return jnp.asarray(played(game, protocol).normalized)


def crossed(game: SwitchRiddle, protocols: Protocol) -> Float[np.ndarray, "S S"]:
    """Normalized returns, exactly, of one prisoner of run i among the others of run j, mean over who it is."""
    seeds, players = protocols.tells.shape[:2]
    matrix = np.zeros((seeds, seeds))
    for i in range(seeds):
        for seat in range(players):

            def mixed(leaf: np.ndarray, i: int = i, seat: int = seat) -> np.ndarray:
                among = leaf.copy()
                among[:, seat] = leaf[i, seat]
                return among

            matrix[i] += scores(game, jax.tree.map(mixed, protocols)) / players
    return matrix


def visits(game: SwitchRiddle, protocol: Protocol, sequences: Int[np.ndarray, "B T"]) -> Visits:
    """All visits in some sequences of visits, as these prisoners, leaves `[P, T, H]`, play them."""
    base, days, (count, _) = kinds(game), game.days, sequences.shape
    tells, says = np.asarray(protocol.tells), np.asarray(protocol.says)
    rows, prisoners = np.arange(count), game.num_players
    history, before = np.zeros((count, prisoners), int), np.zeros((count, prisoners), int)
    last, open_, said = np.full((count, prisoners), NOTHING), np.ones(count, bool), np.full(count, NOTHING)
    found = []
    for day in range(days):
        who = sequences[:, day]
        sees = said if game.talk else np.full(count, NOTHING)
        history = history * base
        history[rows, who] += 1 + np.maximum(sees, 0)
        own = history[rows, who] * base ** (days - 1 - day)
        tell, say = tells[who, day, own], says[who, day, own]
        was, said_last = before[rows, who], last[rows, who]
        before[rows, who] += 1
        been = (before > 0).sum(1)
        all_of = (np.full(count, day + 1), was, sees, said_last, been, say, tell)
        found.append(Visits(*(np.asarray(each)[open_] for each in all_of)))
        last[rows, who], said, open_ = say, say, open_ & ~tell
    return Visits(*(np.concatenate(each) for each in zip(*found, strict=True)))


def all_sequences(game: SwitchRiddle, most: int = 20_000, seed: int = 0) -> Int[np.ndarray, "B T"]:
    """Every sequence of visits; or, where there are more than `most`, so many drawn ones."""
    n, days = game.num_players, game.days
    if n**days > most:
        return np.random.default_rng(seed).integers(0, n, (most, days))
    return np.arange(n**days)[:, None] // n ** np.arange(days)[::-1] % n


class Branch(NamedTuple):
    """A line of a tree: how deep it stands, its condition, what is done (empty where conditions follow), and how often.

    `share` is that of all visits; `sure` the share of those here in which what is done is what it says.
    """

    depth: int
    condition: str
    does: str
    share: float
    sure: float


def deeds(seen: Visits, bits: int) -> Shaped[np.ndarray, " N"]:
    """What is done at each visit, in words."""
    words = np.array([f"says {number:0{bits}b}" for number in range(2**bits)])
    return np.where(seen.tells, "tells", words[seen.says])


def tree(seen: Visits, bits: int = 1) -> list[Branch]:
    """A tree of rules for what is done at visits: each condition is the one that tells most about what is done."""
    conditions = {
        **{f"has been here {'before' if k == 1 else f'{k} times'}": seen.before >= k for k in (1, 2)},
        **{f"sees {number:0{bits}b}": seen.sees == number for number in range(2**bits)},
        **{f"said {number:0{bits}b} last": seen.last == number for number in range(2**bits)},
        **{f"day {day} or later": seen.day >= day for day in range(2, int(seen.day.max()) + 1)},
    }
    done = deeds(seen, bits)
    return _grown(conditions, done, np.ones(len(done), bool), "always", 0)


def _grown(
    conditions: dict[str, Bool[np.ndarray, " N"]],
    done: Shaped[np.ndarray, " N"],
    here: Bool[np.ndarray, " N"],
    condition: str,
    depth: int,
) -> list[Branch]:
    kinds_here, counts = np.unique(done[here], return_counts=True)
    most, share = counts.max() / counts.sum(), float(here.mean())
    leaf = Branch(depth, condition, str(kinds_here[counts.argmax()]), share, float(most))
    told = {name: surprise(done[here]) - _left(done, here, holds) for name, holds in conditions.items()}
    best = max(told, key=lambda name: told[name])
    if most == 1.0 or depth == DEEPEST or told[best] < 1e-9:
        return [leaf]
    holds = conditions[best]
    parts = ((best, here & holds), (f"not: {best}", here & ~holds))
    below = [_grown(conditions, done, part, name, depth + 1) for name, part in parts]
    return [Branch(depth, condition, "", share, float(most)), *below[0], *below[1]]


def surprise(done: Shaped[np.ndarray, " N"]) -> float:
    """Entropy in bits of what is done."""
    shares = np.unique(done, return_counts=True)[1] / max(len(done), 1)
    return float(-(shares * np.log2(shares)).sum())


def _left(done: Shaped[np.ndarray, " N"], here: Bool[np.ndarray, " N"], holds: Bool[np.ndarray, " N"]) -> float:
    """Entropy in bits of what is done here once it is known whether a condition holds."""
    parts = (here & holds, here & ~holds)
    return sum(part.sum() / here.sum() * surprise(done[part]) for part in parts)


def said_when(seen: Visits, days: int, prisoners: int) -> Float[np.ndarray, "T P"]:
    """How often the message is not 0, by day and by how many have been in the room; NaN where that never happens."""
    table = np.full((days, prisoners), np.nan)
    for day in range(days):
        for been in range(prisoners):
            here = (seen.day == day + 1) & (seen.been == been + 1) & ~seen.tells
            if here.any():
                table[day, been] = (seen.says[here] > 0).mean()
    return table
