"""The Axelrod library as a place to play: its strategies among our entrants, and our policies among its players.

A match with one of the library's strategies is played by the library's own `Match`, turn by turn: it alone knows what
its strategies may ask of a match. Our policies take part as the library's `Player`s. They draw from the player's own
generator, which the match seeds, so that a seed determines a match; so does the first action, which the library's own
`MemoryOnePlayer` takes for sure.

The library (Axelrod-Python/Axelrod, MIT licence) is not a requirement: `pip install axelrod`. Its name means this
adapter was written against version 4.14.0.
"""

import functools
import importlib.util
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tacit.errors import InputError, SettingError
from tacit.evaluation.rules import Rules
from tacit.evaluation.tournament import Entrant
from tacit.games.matrix import START, STATES
from tacit.learners.scripted import MEMORY_ONE
from tacit.settings import unknown
from tacit.types import Policy

PREFIX = "axelrod:"


class Foreign(NamedTuple):
    """A strategy of the library as an entrant: its name among ours, and the library's class."""

    name: str
    strategy: type


def available() -> bool:
    """Whether the library is installed."""
    return importlib.util.find_spec("axelrod") is not None


def library() -> Any:
    """The library.

    Raises:
        InputError: it is not installed; the line says how to install it.
    """
    if not available():
        raise InputError("strategies of the Axelrod library need that library; install it with: pip install axelrod")
    import axelrod  # pyright: ignore[reportMissingImports]

    return axelrod


def foreign(name: str) -> Foreign:
    """The library's strategy of that class name ("TitForTat"), with or without the prefix "axelrod:".

    Raises:
        InputError: the library is not installed.
        SettingError: it has no such strategy; the line names the nearest one.
    """
    name = name.removeprefix(PREFIX)
    known = {strategy.__name__: strategy for strategy in library().all_strategies}
    if name not in known:
        line = unknown("strategy of the Axelrod library", name, known).partition(";")[0]
        raise SettingError(f"{line}; it has {len(known)}, named as its classes are")
    return Foreign(PREFIX + name, known[name])


def as_player(entrant: Entrant | Foreign) -> Any:
    """An entrant as a player of the library, for its matches and tournaments."""
    if isinstance(entrant, Foreign):
        return entrant.strategy()
    memory_one, any_policy = _classes()
    if entrant.policy is MEMORY_ONE:
        return memory_one(entrant.name, tuple(np.asarray(entrant.params, float).tolist()))
    return any_policy(entrant.name, entrant.policy, entrant.params)


@functools.cache
def _classes() -> tuple[type, type]:
    """The library's players that act by our policies; made here, where the library is known to be installed."""
    axl = library()
    about = {
        "memory_depth": float("inf"),
        "stochastic": True,
        "long_run_time": False,
        "inspects_source": False,
        "manipulates_source": False,
        "manipulates_state": False,
    }

    class MemoryOne(axl.Player):
        """Cooperates with its five probabilities, after CC, CD, DC, DD and at the start."""

        name = "tacit memory one"
        classifier = about | {"memory_depth": 1}

        def __init__(self, title: str, chances: tuple[float, ...]) -> None:
            super().__init__()
            self.name, self.chances = title, chances

        def strategy(self, opponent: Any) -> Any:
            return self._random.random_choice(self.chances[_seen(self, opponent)])

    class AnyPolicy(axl.Player):
        """Acts by a policy, and remembers what it carries."""

        name = "tacit policy"
        classifier = about

        def __init__(self, title: str, policy: Policy, params: Any) -> None:
            super().__init__()
            self.name, self.policy, self.params, self.carry = title, policy, params, policy.init_carry()

        def strategy(self, opponent: Any) -> Any:
            key = jax.random.key(self._random.randint(0, 2**31))
            seen = _seen(self, opponent)
            self.carry, action = _act(self.policy, key, self.params, self.carry, jnp.int32(seen))
            return axl.Action.D if int(action) else axl.Action.C

    return MemoryOne, AnyPolicy


def _seen(player: Any, opponent: Any) -> int:
    """Index of what happened last, own action first."""
    if not player.history:
        return START
    defected = [str(action) == "D" for action in (player.history[-1], opponent.history[-1])]
    return 2 * defected[0] + defected[1]


@functools.partial(jax.jit, static_argnums=0)
def _act(policy: Policy, key: Any, params: Any, carry: Any, seen: Any) -> Any:
    obs, legal = jax.nn.one_hot(seen, len(STATES)), jnp.ones(2, bool)
    after, action, _ = policy.act(key, params, carry, obs, legal, seen == START)
    return after, action


def match_scores(
    pair: tuple[Entrant | Foreign, Entrant | Foreign], rewards: Sequence[float], rules: Rules, seeds: Sequence[int]
) -> np.ndarray:
    """Scores by turn of both players in one match of the library for each seed, `[len(seeds), 2]`.

    Args:
        rewards: at CC, CD, DC, DD, own action first.
    """
    axl = library()
    reward, sucker, temptation, punishment = rewards
    game = axl.Game(r=reward, s=sucker, t=temptation, p=punishment)
    options = {"turns": rules.turns, "noise": float(rules.noise), "prob_end": float(rules.ending) or None}
    players = tuple(map(as_player, pair))
    found = []
    for seed in seeds:
        match = axl.Match(players, game=game, seed=int(seed), **options)
        match.play()
        found.append(match.final_score_per_turn())
    return np.array(found, float).reshape(len(found), 2)


def mixed_scores(
    entrants: Sequence[Entrant | Foreign],
    ours: np.ndarray,
    rewards: Sequence[float],
    rules: Rules,
    seed: int = 0,
) -> np.ndarray:
    """Completes a round robin with the matches in which strategies of the library take part, `[S, R, N, N]`.

    Args:
        ours: `[S, R, M, M]` score by turn among the M entrants that are ours, in their order.
    """
    size, lanes = len(entrants), ours.shape[0] * ours.shape[1]
    scores = np.empty((lanes, size, size))
    at_home = [i for i, entrant in enumerate(entrants) if isinstance(entrant, Entrant)]
    scores[:, np.array(at_home, int)[:, None], np.array(at_home, int)] = ours.reshape(lanes, len(at_home), -1)
    draws = np.random.SeedSequence(seed)
    for i in range(size):
        for j in range(i, size):
            drawn = draws.spawn(1)[0].generate_state(lanes).tolist()
            if i in at_home and j in at_home:
                continue
            found = match_scores((entrants[i], entrants[j]), rewards, rules, drawn)
            scores[:, i, j], scores[:, j, i] = found.T if i != j else (found.mean(axis=1),) * 2
    return scores.reshape(*ours.shape[:2], size, size)
