"""PAIRED: a teacher builds levels that one student solves and the other, so far, does not.

Three players learn at once by PPO (`tacit.learners.ppo`). In each iteration

    the teacher builds `num_games` levels, one in an episode of the game's editor (`Game.editor`)
    protagonist and antagonist play each level for `length` steps
    the teacher is paid, in the last step of each episode, how far the protagonist falls short on its level
    all three learn from what they did

With R the returns of the episodes that ended on a level, the pay is, by `form`,

    paired        max R(antagonist) - mean R(protagonist)
    flexible      the same, but the student with the higher max R is the antagonist
    population    max of R over all students - mean over the students of their mean R

and, where `clip_regret`, not less than 0. An antagonist that does as well as possible makes it regret, and the game
of teacher and protagonist zero-sum: where neither can gain, the protagonist plays minimax regret. The policy that is
handed on and tested is the protagonist's, the first student's.

Teachers soon settle on few levels; a large `teacher_entropy_weight` keeps them varied (high-entropy PAIRED).

Sources: Dennis et al. 2020 (PAIRED, flexible PAIRED); forms and defaults as in minimax (facebookresearch/minimax,
config maze/paired.json, src/minimax/util/rl/ued_scores.py) and DCD, for the maze's sizes JaxUED (maze_paired.py);
Mediratta et al. 2023 (entropy). Departures: a teacher has the network of PPO, without convolutions; its noise is drawn
once for each level; JaxUED does not clip regret. Mediratta et al. also have students imitate each other; that is left
out.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tacit.errors import Misfit, SettingError
from tacit.games.base import Game
from tacit.learners import ppo
from tacit.loops import Live, joint, rollout, start
from tacit.ops import level_scores
from tacit.ops.level_scores import Episodes
from tacit.settings import options, setting
from tacit.types import Carry, Learner, Level, Metrics, Params, Policy, Step

FORMS = ("paired", "flexible", "population")
PROTAGONIST, ANTAGONIST = 0, 1


class Config(ppo.Config):
    """Settings of PAIRED, beside those of PPO, which its students have, and its teacher where there is no other."""

    form: str = setting("paired", "what the teacher is paid", choices=FORMS)
    clip_regret: bool = setting(True, "it is paid nothing, and not less, where the protagonist does better")
    students: int = setting(2, "students, the first of them the protagonist", unit="students", low=2, high=64)
    teacher_lr: float = setting(1e-4, "step size of the teacher's Adam", source="minimax, paired.json", low=0.0)
    teacher_entropy_weight: float = setting(
        0.05, "weight of the teacher's entropy", source="minimax, paired.json", low=0.0
    )
    teacher_hidden: int = setting(64, "width of the teacher's layers", unit="units", low=1)


class State(NamedTuple):
    """The players: of the students every leaf has a leading axis, one entry for each."""

    students: ppo.State
    teacher: ppo.State


def of_ppo(config: Config, **changes: Any) -> ppo.Config:
    """The settings that PPO knows, some of them changed."""
    return ppo.Config(**{option.name: getattr(config, option.name) for option in options(ppo.Config)} | changes)


def play(
    key: PRNGKeyArray, game: Game, learner: Learner, state: ppo.State, levels: Level | None, count: int, length: int
) -> tuple[Live, Live, Step]:
    """New games of one player: the games before and after, and the steps.

    Args:
        key: consumed.
        levels: each is played again and again; without any, every game is one episode.
    """
    ((policy, params),) = learner.policy(state)
    everyone = joint((policy,))

    def act(keys: Any, **seen: Any) -> Any:
        return everyone(keys, (params,), **seen)

    start_key, play_key = jax.random.split(key)
    first = start(start_key, game, (policy,), count, levels)
    return first, *rollout(play_key, game, act, first, length, levels=levels, reset=levels is not None)


def returns(played: Step) -> tuple[Float[Array, " B"], Float[Array, " B"]]:
    """The mean and the highest return of the episodes that ended on each level."""

    def one(episodes: Episodes) -> tuple[Array, Array]:
        gained = level_scores.returns(episodes)
        return level_scores.mean_over_episodes(episodes, gained), level_scores.highest(episodes, gained)

    ended = played.terminated | played.truncated
    return jax.vmap(one, 1)(Episodes(played.reward[:, :, 0], played.fresh, ended))


def regret(mean: Float[Array, "N B"], highest: Float[Array, "N B"], config: Config) -> Float[Array, " B"]:
    """What the teacher is paid for each level, from the students' mean and highest returns."""
    if config.form == "population":
        short = highest.max(0) - mean.mean(0)
    else:
        short = highest[ANTAGONIST] - mean[PROTAGONIST]
        if config.form == "flexible":
            swapped = highest[PROTAGONIST] - mean[ANTAGONIST]
            short = jnp.where(highest[ANTAGONIST] > highest[PROTAGONIST], short, swapped)
    return jnp.maximum(short, 0.0) if config.clip_regret else short


def check_fit(game: Game, config: Config, seats: Sequence[int] | None) -> None:
    """Refuses games and settings that do not fit.

    Raises:
        Misfit: the game has several players, or no editor.
        SettingError: the play on a level is too short for an episode, or the form does not have so many students.
    """
    if game.spec.num_players != 1 or (seats is not None and tuple(seats) != (0,)):
        raise Misfit(f"paired needs a game of one player, and {type(game).__name__} has {game.spec.num_players}")
    if config.movers_only or config.other_play:
        raise Misfit("movers-only and other-play are for games of several players, and paired's students play alone")
    longest = game.spec.max_length
    if config.length < longest:
        raise SettingError(f"length must be >= {longest}, so that an episode ends on every level, got {config.length}")
    if config.form != "population" and config.students != 2:
        raise SettingError(f"students must be 2, unless form is population, got {config.students}")


def make(game: Game, config: Config, seats: Sequence[int] | None = None) -> Learner:
    """A teacher and its students.

    Raises:
        Misfit: the game has several players, or no editor.
        SettingError: the play on a level is too short for an episode, the form does not have so many students, or a
            batch cannot be cut into that many minibatches.
    """
    check_fit(game, config, seats)
    editor, count = game.editor, config.num_games
    student = ppo.make(game, of_ppo(config))
    own = {"lr": config.teacher_lr, "entropy_weight": config.teacher_entropy_weight, "hidden": config.teacher_hidden}
    teacher = ppo.make(editor, of_ppo(config, discount=None, guess=False, equivariant=False, **own))

    def init(key: PRNGKeyArray) -> State:
        student_key, teacher_key = jax.random.split(key)
        students: Any = jax.vmap(student.init)(jax.random.split(student_key, config.students))
        return State(students, teacher.init(teacher_key))

    def step(key: PRNGKeyArray, state: State) -> tuple[State, Metrics]:
        build_key, play_key, learn_key = jax.random.split(key, 3)
        blank, done, built = play(build_key, editor, teacher, state.teacher, None, count, editor.spec.max_length)
        levels = jax.vmap(editor.built)(done.state)

        def by_student(key: PRNGKeyArray, student_state: ppo.State) -> tuple[Live, Live, Step]:
            return play(key, game, student, student_state, levels, count, config.length)

        keys = jax.random.split(play_key, config.students)
        first, _, played = jax.vmap(by_student)(keys, state.students)
        mean, highest = jax.vmap(returns)(played)
        paid = regret(mean, highest, config)
        lesson = built._replace(reward=jnp.zeros_like(built.reward).at[-1, :, 0].set(paid))

        keys = jax.random.split(learn_key, config.students + 1)
        after, told = jax.vmap(student.update)(keys[1:], state.students, played, first.carry)
        taught, told_teacher = teacher.update(keys[0], state.teacher, lesson, blank.carry)
        mine = jax.tree.map(lambda leaf: leaf[PROTAGONIST], (told, played))
        metrics = mine[0] | ppo.play_metrics(game, mine[1], 1) | told_of(game, levels, mean, highest, paid)
        metrics["teacher_entropy"] = told_teacher["entropy"].mean()
        return State(after, taught), metrics

    def update(key: PRNGKeyArray, state: State, played: Step, carry: tuple[Carry, ...]) -> tuple[State, Metrics]:
        """The protagonist alone learns from play that was not the teacher's."""
        after, metrics = student.update(key, of(state), played, carry)
        return with_protagonist(state, after), metrics

    def of(state: State) -> ppo.State:
        return jax.tree.map(lambda leaf: leaf[PROTAGONIST], state.students)

    def with_protagonist(state: State, one: ppo.State) -> State:
        students = jax.tree.map(lambda leaf, new: leaf.at[PROTAGONIST].set(new), state.students, one)
        return state._replace(students=students)

    def policies(state: State) -> tuple[tuple[Policy, Params], ...]:
        return student.policy(of(state))

    def with_params(state: State, seat: int, params: Params) -> State:
        return with_protagonist(state, student.with_params(of(state), seat, params))

    return Learner(init, step, policies, update, with_params, deep=student.deep or teacher.deep)


def told_of(game: Game, levels: Level, mean: Array, highest: Array, paid: Array) -> Metrics:
    """What is told of the levels and of those who played them."""
    told = {"regret": paid.mean(), "antagonist": mean[ANTAGONIST].mean(), "highest": highest.max(0).mean()}
    measured = jax.vmap(game.measure_level)(levels)
    return told | {f"level_{name}": jnp.nanmean(values) for name, values in measured.items()}
