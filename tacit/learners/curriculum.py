"""Curricula of levels: domain randomization, PLR, robust PLR, ACCEL, SFL and SAMPLR, one trainer for all of them.

A student learns by PPO (`tacit.learners.ppo`) on levels that a buffer (`tacit.buffers`) keeps by their scores
(`tacit.ops.level_scores`). Each iteration is one cycle of play, `length` steps on `num_games` levels, of one kind:

    new         random levels are played, scored and offered to the buffer        student learns unless `robust`
    replay      levels drawn from the buffer are played and scored again          student learns
    mutants     the levels just replayed are changed a little (`Game.mutate`),    student learns unless `robust`
                played, scored and offered to the buffer

    kind = mutants if the cycle before was a replay and `mutate`, else replay with probability `replay`, else new

    domain randomization   capacity = 0: nothing is kept, and every cycle is new and learned from
    PLR                    robust = False
    robust PLR             the defaults
    ACCEL                  mutate, replay = 0.8
    SFL                    search_every = 100, score = learnability, priority = uniform, mixed
    SAMPLR                 belief = grounded

With `search_every`, the buffer is emptied every so many iterations and filled with the best of `searches` batches of
random levels, played for `search_length` steps; in between, all cycles are replays, half of whose levels are random if
`mixed`, and scores stay as they are.

With `belief`, the student learns what its actions are worth under a belief about what a level hides, and not on the
level that happens to be replayed. For every step of the real play, which goes on as ever,

    h ~ belief(what is hidden | history),    s' = with_hidden(s_t, h),    one step with the real action and chance

gives r'_t and o'_{t+1} (`tacit.ops.fictitious`), and the student learns from

    delta_t = r'_t + discount V(o'_{t+1}) - V(o_t)

accumulated along the real play, up to the first end, real or supposed. So are replayed levels scored.

Sources: Jiang et al. 2021 (PLR; robust PLR), Parker-Holder et al. 2022 (ACCEL), Rutherford et al. 2024 (SFL), Jiang et
al. 2022 (SAMPLR, whose text could not be read: the algorithm is as remembered); defaults as JaxUED's maze_plr.py.
Departures: kinds of cycles are drawn alike for all runs, so that runs side by side take the same branch; replays begin
after so many new levels were offered, whether or not they were kept; every cycle begins new episodes, in domain
randomization, too; every replayed level has one mutant. SFL searches with as many games as it learns with.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int, PRNGKeyArray

from tacit import buffers
from tacit.buffers import PRIORITIES, LevelBuffer
from tacit.errors import Misfit, SettingError
from tacit.games.base import Game
from tacit.learners import ppo
from tacit.learners.curriculum_belief import Supposing, supposed
from tacit.learners.curriculum_play import Setup, judged, play, random_levels, searched
from tacit.loops import Live
from tacit.ops.agreed import agreed
from tacit.ops.level_scores import SCORES
from tacit.settings import setting
from tacit.types import Carry, Learner, Level, Metrics, Params, Policy, Step

DECISIONS = 9  # seed of the kinds of cycles, which all runs share


class Config(ppo.Config):
    """Settings of curricula, beside those of the student's PPO."""

    capacity: int = setting(
        4000, "levels of the buffer; 0: nothing is kept (DR)", unit="levels", source="JaxUED", low=0, high=10**6
    )
    replay: float = setting(
        0.8, "probability of a replay, if it is not a mutant's turn", source="JaxUED", low=0.0, high=1.0
    )
    fill: float = setting(
        0.5, "new levels offered before the first replay, as a share of the capacity", source="JaxUED", above=0.0
    )
    robust: bool = setting(True, "the student learns from replays alone")
    mutate: bool = setting(False, "after every replay its levels are changed and offered to the buffer (ACCEL)")
    score: str = setting("max-mc", "what makes a level worth playing again", source="JaxUED", choices=SCORES)
    priority: str = setting("rank", "how chances follow from scores", source="JaxUED", choices=PRIORITIES)
    temperature: float = setting(0.3, "1 over the power of ranks or scores", source="JaxUED", above=0.0)
    staleness: float = setting(0.3, "share of chances that comes from age", source="JaxUED", low=0.0, high=1.0)
    top: int = setting(1, "levels that may be drawn with the priority top", unit="levels", low=1)
    distinct: bool = setting(True, "a level that is in the buffer already is not kept twice", source="JaxUED")
    belief: str = setting(
        "none",
        "the student learns under this belief about what levels hide (SAMPLR); own: what really is there",
        choices=("none", "grounded", "own"),
    )
    search_every: int = setting(
        0, "iterations between searches for levels (SFL: 100); 0: none", unit="iterations", low=0
    )
    searches: int = setting(50, "batches of random levels of a search", unit="batches", low=1)
    search_length: int = setting(1000, "steps of play on each level of a search", unit="steps", low=1)
    mixed: bool = setting(False, "after a search, half of every batch is of random levels (SFL)")
    scale: float = setting(1.0, "rewards are divided by it where they are learned from and scored", above=0.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        kept = {"mutate": self.mutate, "search-every": self.search_every, "belief": self.belief != "none"}
        for option in (name for name, wanted in kept.items() if wanted and not self.capacity):
            raise SettingError(f"{option} needs a buffer of levels; capacity must be >= 1, got 0")
        if self.search_every and self.mutate:
            raise SettingError("search-every is for curricula without mutate: what a search found stays as it is")
        if self.mixed and not self.search_every:
            raise SettingError("mixed is for curricula that search; search-every must be >= 1, got 0")


class State(NamedTuple):
    """The student, the buffer, and what decides the next cycle.

    Attributes:
        buffer: a `LevelBuffer`; `()` where nothing is kept.
        parents: the levels of the last cycle, where they may be mutated.
        replayed: the last cycle was a replay.
    """

    student: ppo.State
    buffer: Any
    parents: Level
    replayed: Bool[Array, ""]
    iteration: Int[Array, ""]


class Kind(NamedTuple):
    """What kind of cycle it is; `new` if neither."""

    replay: Bool[Array, ""]
    mutants: Bool[Array, ""]


def decided(config: Config, state: State) -> Kind:
    """What kind of cycle comes next, the same in all runs."""
    if not config.capacity or config.search_every:
        return Kind(jnp.bool_(bool(config.search_every)), jnp.bool_(False))
    chance = jax.random.uniform(jax.random.fold_in(jax.random.key(DECISIONS), state.iteration))
    offered = (state.iteration * config.num_games).astype(float)
    mutants = state.replayed & config.mutate
    return Kind(~mutants & (offered >= config.fill * config.capacity) & (chance < config.replay), mutants)


def chosen(
    key: PRNGKeyArray, setup: Setup, buffer: LevelBuffer, parents: Level, kind: Kind
) -> tuple[LevelBuffer, Level, Int[Array, " B"]]:
    """The levels of a cycle, and the places of those that were drawn from the buffer. The key is consumed."""
    game, config, count = setup.game, setup.config, setup.config.num_games
    nowhere = jnp.zeros(count, jnp.int32)

    def new(buffer: LevelBuffer) -> tuple[LevelBuffer, Level, Array]:
        return buffer, random_levels(key, game, count), nowhere

    def replayed(buffer: LevelBuffer) -> tuple[LevelBuffer, Level, Array]:
        draw_key, level_key = jax.random.split(key)
        others = count // 2 if config.mixed else 0
        buffer, places = buffers.draw(draw_key, buffer, setup.priority, count - others)
        levels = buffers.levels_at(buffer, places)
        if not others:
            return buffer, levels, places
        both = levels, random_levels(level_key, game, others)
        return buffer, jax.tree.map(lambda *parts: jnp.concatenate(parts), *both), nowhere

    def mutated(buffer: LevelBuffer) -> tuple[LevelBuffer, Level, Array]:
        return buffer, jax.vmap(game.mutate)(jax.random.split(key, count), parents), nowhere

    if config.search_every:
        return replayed(buffer)

    def old_or_new(buffer: LevelBuffer) -> tuple[LevelBuffer, Level, Array]:
        return jax.lax.cond(agreed(kind.replay), replayed, new, buffer)

    return jax.lax.cond(agreed(kind.mutants), mutated, old_or_new, buffer) if config.mutate else old_or_new(buffer)


def lesson(key: PRNGKeyArray, setup: Setup, played: Step, kind: Kind) -> Step:
    """The steps as the student learns from them."""
    game, config = setup.game, setup.config

    def grounded(played: Step) -> Step:
        return supposed(key, game, played, config.belief)

    if config.belief != "none":
        played = jax.lax.cond(agreed(kind.replay), grounded, lambda played: played, played)
    return played._replace(reward=played.reward / config.scale)


def learned(
    key: PRNGKeyArray, setup: Setup, student: ppo.State, played: Step, carry: tuple[Carry, ...], learns: Array
) -> tuple[ppo.State, Metrics]:
    """The student after a cycle, and what is told of its learning: NaN where it only played."""

    def update(student: ppo.State) -> tuple[ppo.State, Metrics]:
        return setup.student.update(key, student, played, carry)

    def skip(student: ppo.State) -> tuple[ppo.State, Metrics]:
        return student, jax.tree.map(lambda leaf: jnp.full(leaf.shape, jnp.nan, leaf.dtype), told)

    told = jax.eval_shape(update, student)[1]
    return jax.lax.cond(agreed(learns), update, skip, student)


def check_fit(game: Game, config: Config, seats: Sequence[int] | None) -> None:
    """Refuses games and settings that do not fit.

    Raises:
        Misfit: the game has several players or no levels, or lacks what the settings ask of it.
        SettingError: a cycle is too short for an episode.
    """
    name, key = type(game).__name__, jax.random.key(0)
    if game.spec.num_players != 1 or (seats is not None and tuple(seats) != (0,)):
        raise Misfit(f"curriculum needs a game of one player, and {name} has {game.spec.num_players}")
    if config.movers_only or config.other_play:
        raise Misfit("movers-only and other-play are for games of several players, and curriculum has one student")
    level = jax.eval_shape(game.sample_level, key)
    if not jax.tree.leaves(level):
        raise Misfit(f"curriculum needs a game with levels, and {name} has only one")
    longest = game.spec.max_length
    if config.length < longest:
        raise SettingError(f"length must be >= {longest}, so that an episode ends on every level, got {config.length}")
    if config.search_every and config.search_length < longest:
        raise SettingError(f"search-length must be >= {longest}, the longest episode, got {config.search_length}")
    if config.mutate:
        jax.eval_shape(game.mutate, key, level)
    if config.score == "true-regret":
        jax.eval_shape(game.best, level)
    if config.belief == "grounded":
        jax.eval_shape(lambda key: game.sample_hidden(key, game.reset(key), 0), key)


def make(game: Game, config: Config, seats: Sequence[int] | None = None) -> Learner:
    """A student and its curriculum.

    Raises:
        Misfit: the game has several players or no levels, or lacks what the settings ask of it.
        SettingError: a cycle is too short for an episode, or a batch cannot be cut into that many minibatches.
    """
    check_fit(game, config, seats)
    student = ppo.make(game if config.belief == "none" else Supposing(game), config)
    setup, count = Setup(game, config, student), config.num_games

    def init(key: PRNGKeyArray) -> State:
        level = game.sample_level(key)  # only its form is read
        buffer = buffers.empty(level, config.capacity) if config.capacity else ()
        parents = jax.tree.map(lambda leaf: jnp.zeros((count, *leaf.shape), leaf.dtype), level) if config.mutate else ()
        return State(student.init(key), buffer, parents, jnp.bool_(False), jnp.int32(0))

    def step(key: PRNGKeyArray, state: State) -> tuple[State, Metrics]:
        search_key, choose_key, play_key, learn_key = jax.random.split(key, 4)
        kind, buffer = decided(config, state), state.buffer
        if config.search_every:
            due = agreed(state.iteration % config.search_every == 0)
            search = functools.partial(searched, search_key, setup, state.student)
            buffer = jax.lax.cond(due, search, lambda buffer: buffer, buffer)
        levels, places = random_levels(choose_key, game, count), None
        if config.capacity:
            buffer, levels, places = chosen(choose_key, setup, buffer, state.parents, kind)
        first, live, played = play(play_key, setup, state.student, levels, config.length)
        taught = lesson(play_key, setup, played, kind)
        learns = kind.replay | (not config.robust) | (not config.capacity)
        told: Metrics = {}
        if places is not None:
            buffer, told = rescored(setup, state.student, buffer, levels, places, first, taught, kind)
        after, metrics = learned(learn_key, setup, state.student._replace(live=live), taught, first.carry, learns)
        metrics |= ppo.play_metrics(game, played, 1) | told | shown(game, levels, learns, kind)
        parents = levels if config.mutate else ()
        return State(after, buffer, parents, kind.replay, state.iteration + 1), metrics

    def update(key: PRNGKeyArray, state: State, played: Step, carry: Carry) -> tuple[State, Metrics]:
        after, metrics = student.update(key, state.student, played, carry)
        return state._replace(student=after), metrics

    def policies(state: State) -> tuple[tuple[Policy, Params], ...]:
        return student.policy(state.student)

    def with_params(state: State, seat: int, params: Params) -> State:
        return state._replace(student=student.with_params(state.student, seat, params))

    return Learner(init, step, policies, update, with_params, student.exact, student.deep)


def rescored(
    setup: Setup,
    student: ppo.State,
    buffer: LevelBuffer,
    levels: Level,
    places: Array,
    first: Live,
    taught: Step,
    kind: Kind,
) -> tuple[LevelBuffer, Metrics]:
    """The buffer after a cycle, and what is told of it."""
    config = setup.config
    if not config.search_every:
        before = jnp.where(kind.replay, buffer.best[places], -jnp.inf)
        found = judged(setup, student, levels, first, taught, before)

        def renew(buffer: LevelBuffer) -> LevelBuffer:
            return buffers.update(buffer, places, found)

        def offer(buffer: LevelBuffer) -> LevelBuffer:
            return buffers.insert(buffer, found, setup.priority, config.distinct)

        buffer = jax.lax.cond(agreed(kind.replay), renew, offer, buffer)
    mean = jnp.where(buffer.here, buffer.score, 0.0).sum() / buffer.size.astype(float)
    return buffer, {"kept": buffer.size.astype(float), "score": mean}


def shown(game: Game, levels: Level, learns: Array, kind: Kind) -> Metrics:
    """What is told of the levels that the student learned on."""
    measured = jax.vmap(game.measure_level)(levels)
    told = {f"level_{name}": jnp.where(learns, jnp.nanmean(values), jnp.nan) for name, values in measured.items()}
    return told | {"learned": learns.astype(float), "replayed": kind.replay.astype(float)}
