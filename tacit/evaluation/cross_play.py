"""Cross-play: do policies that never trained together play well together?

K models meet in every ordered pair, on the same levels and with the same luck. M[i, j] is the mean score with model i
in seat 0 and model j in all other seats; a score is the undiscounted return of an episode, averaged over players (in a
game of common reward, the common return). `tacit.evaluation.pairings` says what the matrix tells.

A level fixes all of an episode's chance that a game can fix beforehand (for Hanabi, the whole deck), and the keys of
resets and steps are the same for every pair, so that two entries of the matrix differ by who played and not by what was
dealt. Pairs whose policies are the same functions are played by one compiled program, many pairs at a time.

Source: the protocol of Hu et al. 2020 ("Other-Play" for zero-shot coordination) and Hu et al. 2021 (Off-Belief
Learning): all ordered pairs of independent runs, greedy actions.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from tacit import scale
from tacit.errors import InputError, Misfit
from tacit.games.base import Game
from tacit.loops import joint, player, rollout, start
from tacit.types import Carry, Choice, Draw, Level, Params, Policy, State, Trained

LANES = 2**14  # games played at a time; more are played one block of pairs after another
TOLD = 10  # times, at most, that is said how far it is

Measure = Callable[[Game, State], dict[str, Array]]
"""From a game and one ended episode's state to what else is wanted of it, one number by name."""


class Model(NamedTuple):
    """One of those who meet: what one training run brought forth, or a scripted player.

    Attributes:
        name: its own.
        group: what it is one of several of: the runs of a learner, say.
        seats: for each seat of the game the policy and the parameters that it plays there.
    """

    name: str
    group: str
    seats: tuple[tuple[Policy, Params], ...]


class CrossPlay(NamedTuple):
    """What was played.

    Attributes:
        models: names `[K]`.
        groups: the group of each, `[K]`.
        scores: `[K, K, N]` score of each game, row in seat 0.
        returns: `[K, K, P]` mean return of each seat.
        measured: whatever else was measured of each game, `[K, K, N]` by name.
    """

    models: tuple[str, ...]
    groups: tuple[str, ...]
    scores: np.ndarray
    returns: np.ndarray
    measured: dict[str, np.ndarray]

    @property
    def matrix(self) -> np.ndarray:
        """Mean score of each ordered pair, `[K, K]`."""
        return self.scores.mean(axis=2)


def by_the_game(game: Game, state: State) -> dict[str, Array]:
    """What the game itself measures of its ended episodes."""
    return game.measure(state)


@functools.cache
def greedy(policy: Policy) -> Policy:
    """The policy that always takes the most probable action: of equal ones the first, of real ones the mean.

    It says so, too: the log-probabilities that it reports are those by which it acts. The same policy gives the same
    object, and so the same compiled programs.

    Raises:
        Misfit: when it acts, if it neither chooses one of several actions nor draws real ones.
    """

    def act(
        key: Any, params: Params, carry: Carry, obs: Any, legal: Any, fresh: Any, given: Any = None
    ) -> tuple[Carry, Any, Any]:
        after, _, extras = policy.act(key, params, carry, obs, legal, fresh, given)
        if isinstance(extras, Draw):
            action = extras.mean if given is None else given
            sure = jnp.where(jnp.all(action == extras.mean), 0.0, jnp.finfo(action.dtype).min)
            return after, action, Draw(sure, extras.mean, jnp.zeros(()), extras.value)
        if not isinstance(extras, Choice):
            raise Misfit("greedy play needs policies that choose one of several actions; let them be --sampled")
        best = jnp.argmax(extras.log_probs).astype(jnp.int32)
        taken = best if given is None else given  # its number; an action may be more than that (what is said with it)
        carry, action, _ = policy.act(key, params, carry, obs, legal, fresh, taken)
        chosen = jnp.arange(len(extras.log_probs)) == best
        log_probs = jnp.where(chosen, 0.0, jnp.finfo(extras.log_probs.dtype).min)
        return carry, action, Choice(log_probs[taken], log_probs, jnp.zeros(()), extras.value)

    return Policy(policy.init_carry, act)


@functools.cache
def seeing(policy: Policy, here: Game, learned: Game) -> Policy:
    """The policy at a table where other things are shown than in the game that it learned; itself, if they are not.

    The same arguments give the same object, and so the same compiled programs.
    """
    shown = here.shown_in(learned)

    def act(
        key: Any, params: Params, carry: Carry, obs: Any, legal: Any, fresh: Any, given: Any = None
    ) -> tuple[Carry, Any, Any]:
        assert shown is not None
        return policy.act(key, params, carry, shown(obs), legal, fresh, given)

    return policy if shown is None else Policy(policy.init_carry, act)


def models_of(run: Trained, group: str, sampled: bool = False) -> list[Model]:
    """One model for each seed of a run, named `GROUP:SEED`; they act greedily unless `sampled`.

    >>> from tacit import games, run
    >>> from tacit.learners import naive
    >>> [model.name for model in models_of(run(naive.make, games.make("ipd"), naive.Config(), iterations=1), "naive")]
    ['naive:0']
    """
    seeds = len(jax.tree.leaves(run.state)[0])
    states = [player(seed, run.state) for seed in range(seeds)]
    learner = run.make(run.game, run.config)
    each = [learner.policy(state) for state in states]
    policies = [policy for policy, _ in each[0]]  # the same functions for every seed, and so one program
    params = [[params for _, params in seats] for seats in each]
    return [model(f"{group}:{seed}", group, policies, params[seed], sampled) for seed in range(seeds)]


def model(name: str, group: str, policies: Sequence[Policy], params: Sequence[Params], sampled: bool = False) -> Model:
    """A model from its policies and parameters by seat; it acts greedily unless `sampled`."""
    acting = policies if sampled else [greedy(policy) for policy in policies]
    return Model(name, group, tuple(zip(acting, params, strict=True)))


def cross_play(
    game: Game,
    models: Sequence[Model],
    games: int = 1000,
    seed: int = 0,
    measure: Measure = by_the_game,
    say: Callable[[str], None] | None = None,
) -> CrossPlay:
    """Plays every ordered pair of models, each with its own twin included.

    Args:
        games: N, of each ordered pair; all pairs play the same N levels.
        seed: of levels and luck. Which models take part changes no pair's games.
        measure: a module-level function (programs are cached by it).
        say: is told how far it is.

    Raises:
        InputError: there are no models.
        Misfit: a model has no policy for some seat, or the game has only one player.
    """
    _check(game, models)
    blocks = _blocks(models, max(1, LANES // games))
    _, play_key = jax.random.split(jax.random.key(seed))
    num, found, done = len(models), {}, 0
    with scale.precision_of([model.seats[0][1] for model in models]):
        levels = levels_of(game, games, seed)
        for policies, pairs, width in blocks:
            padded = [*pairs, *[pairs[-1]] * (width - len(pairs))]  # as many each time: one program
            params = scale.spread(_params(models, padded))
            played = _play(policies, measure, games, game, params, levels, play_key)
            for place, pair in enumerate(pairs):
                found[pair] = jax.tree.map(lambda leaf, place=place: np.asarray(leaf[place], float), played)
            tenths, done = TOLD * done // num**2, done + len(pairs)
            if say is not None and TOLD * done // num**2 > tenths:
                say(f"{done} of {num**2} pairs played")
    square = [found[i, j] for i in range(num) for j in range(num)]
    returns, measured = jax.tree.map(lambda *leaves: np.stack(leaves).reshape(num, num, *leaves[0].shape), *square)
    names, groups = tuple(model.name for model in models), tuple(model.group for model in models)
    return CrossPlay(names, groups, returns.mean(axis=3), returns.mean(axis=2), measured)


def levels_of(game: Game, games: int, seed: int) -> Level:
    """The levels that all pairs play for a seed, leaves `[games, ...]`."""
    level_key, _ = jax.random.split(jax.random.key(seed))
    return _levels(game, games, level_key)


def _check(game: Game, models: Sequence[Model]) -> None:
    players = game.spec.num_players
    if not models:
        raise InputError("cross-play needs models")
    if players < 2:
        raise Misfit(f"cross-play needs a game of two or more players, and {type(game).__name__} has one")
    for one in models:
        if len(one.seats) != players:
            raise Misfit(f"{one.name} has policies for {len(one.seats)} seats, and the game has {players}")


Pairs = list[tuple[int, int]]


def _blocks(models: Sequence[Model], most: int) -> list[tuple[tuple[Policy, ...], Pairs, int]]:
    """All ordered pairs, cut into blocks: their policies by seat, the pairs, and how wide a block of theirs is."""
    kinds: dict[tuple[Policy, ...], Pairs] = {}
    devices = len(jax.devices())  # among which a block is divided
    for i, row in enumerate(models):
        for j, column in enumerate(models):
            policies = (row.seats[0][0], *(policy for policy, _ in column.seats[1:]))
            kinds.setdefault(policies, []).append((i, j))
    cut = []
    for policies, pairs in kinds.items():
        count = -(-len(pairs) // most)
        width = -(-len(pairs) // count)
        even = -(-width // devices) * devices
        cut += [(policies, pairs[first : first + width], even) for first in range(0, len(pairs), width)]
    return cut


def _params(models: Sequence[Model], pairs: Pairs) -> tuple[Params, ...]:
    """The parameters in each seat, leaves `[len(pairs), ...]`."""
    seated = [(models[i].seats[0][1], *(params for _, params in models[j].seats[1:])) for i, j in pairs]
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *seated)


@functools.partial(jax.jit, static_argnums=1)
def _levels(game: Game, games: int, key: PRNGKeyArray) -> Level:
    """So many levels."""
    return jax.vmap(game.shuffled)(jax.random.split(key, games))


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _play(
    policies: tuple[Policy, ...],
    measure: Measure,
    games: int,
    game: Game,
    params: tuple[Params, ...],
    levels: Level,
    key: PRNGKeyArray,
) -> tuple[Float[Array, "pairs N P"], dict[str, Array]]:
    """Returns, and what was measured, of every game of some pairs; parameters have leaves `[pairs, ...]`."""
    start_key, play_key = jax.random.split(key)
    everyone = joint(policies)

    def pair(params: tuple[Params, ...]) -> tuple[Float[Array, "N P"], dict[str, Array]]:
        def act(keys: Any, **seen: Any) -> Any:
            return everyone(keys, params, **seen)

        live = start(start_key, game, policies, games, levels)
        live = rollout(play_key, game, act, live, game.spec.max_length, reset=False)[0]
        return live.gained, jax.vmap(functools.partial(measure, game))(live.state)

    return jax.vmap(pair)(params)
