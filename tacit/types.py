"""The records that games, policies and learners exchange.

Axis letters, in this order everywhere: `T` time, `B` parallel games, `P` players, `A` actions, `S` seeds. The player
axis comes first in what a game shows and takes (`[P, ...]`), so a rollout is `[T, B, P, ...]`; games, policies and
losses are written for one game or one player and mapped by whoever needs more.
"""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol, dataclass_transform, runtime_checkable

import jax
from jaxtyping import Array, Bool, Float, PRNGKeyArray, PyTree

from tacit.settings import check

State = PyTree  # what a game or a learner carries from step to step
Carry = PyTree  # what a policy remembers; `()` where it remembers nothing
Params = PyTree
Level = PyTree  # what varies between the instances of a game; `()` where nothing does
Metrics = dict[str, Array]


@dataclass_transform(frozen_default=True)
class Settings:
    """A frozen record of settings (see `tacit.settings`), checked when it is made and never when it is traced.

    Every subclass is a frozen dataclass and a pytree. Settings with a real default are its leaves; all other fields
    are static, part of its form.

    Raises:
        SettingError: a value has the wrong type or lies outside its range.
    """

    def __init_subclass__(cls) -> None:
        dataclasses.dataclass(frozen=True)(cls)
        fields = dataclasses.fields(cls)  # type: ignore[arg-type]
        traced = tuple(field.name for field in fields if field.metadata.get("traced"))
        static = tuple(field.name for field in fields if field.name not in traced)

        def flatten(record: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
            return tuple(getattr(record, name) for name in traced), tuple(getattr(record, name) for name in static)

        def unflatten(form: tuple[Any, ...], leaves: Iterable[Any]) -> Any:
            record = object.__new__(cls)
            for name, value in (*zip(static, form, strict=True), *zip(traced, leaves, strict=True)):
                object.__setattr__(record, name, value)
            return record

        jax.tree_util.register_pytree_node(cls, flatten, unflatten)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            if "convert" in field.metadata:
                object.__setattr__(self, field.name, field.metadata["convert"](getattr(self, field.name)))
        check(self)


class Discrete(NamedTuple):
    """One of `n` choices, an integer in [0, n)."""

    n: int


class Real(NamedTuple):
    """A real array of this shape, between `low` and `high`."""

    shape: tuple[int, ...]
    low: float = -float("inf")
    high: float = float("inf")


class Bits(NamedTuple):
    """`n` numbers, each 0 or 1. A learner may send values in between while it trains."""

    n: int


Space = Discrete | Real | Bits


class Action(NamedTuple):
    """An action with two heads: what a player does and what it says."""

    move: PyTree
    message: PyTree


class Spec(NamedTuple):
    """What a game promises about itself.

    Attributes:
        num_players: P.
        observation: tree of spaces that one player sees.
        action: tree of spaces that one player chooses from (an `Action` of two spaces where messages are sent).
        max_length: an episode has ended after at most this many steps.
        reward_range: smallest and largest reward of one player in one step; infinite where nobody tells.
    """

    num_players: int
    observation: PyTree
    action: PyTree
    max_length: int
    reward_range: tuple[float, float]


class Outcome(NamedTuple):
    """What a step brought: reward `[P]`, and whether the episode ended by the rules or was only cut off."""

    reward: Float[Array, " P"]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class Step(NamedTuple):
    """What happened in a rollout; every leaf starts with `[T, B]`, those of the players with `[T, B, P]`.

    Attributes:
        state: the game's state that was acted on.
        obs: what the players saw of it.
        legal: which actions they were allowed.
        fresh: `[T, B]` true where `obs` is the first of its episode (memories are cleared *before* it).
        action: what they chose.
        extras: what their policies said beside it (log-probabilities, values, ...).
        reward: `[T, B, P]`.
        gained: `[T, B, P]` sum of the episode's rewards so far, this one included; at an end, the episode's return.
        terminated: `[T, B]` true where the step ended the episode by the rules: nothing follows it.
        truncated: `[T, B]` true where the episode was only cut off: its value goes on.
        next_state: what the step led to, before any reset.
        next_obs: what the players saw of that (never the next episode's first observation).
    """

    state: PyTree
    obs: PyTree
    legal: PyTree
    fresh: Bool[Array, "T B"]
    action: PyTree
    extras: PyTree
    reward: Float[Array, "T B P"]
    gained: Float[Array, "T B P"]
    terminated: Bool[Array, "T B"]
    truncated: Bool[Array, "T B"]
    next_state: PyTree
    next_obs: PyTree


class Trajectory(NamedTuple):
    """What one player, or each of several, did and saw in a rollout: the fields of `Step` without the other players.

    Leaves are `[T, B, ...]` for one player and `[N, T, B, ...]` for N of them.
    """

    obs: PyTree
    legal: PyTree
    fresh: Array
    action: PyTree
    extras: PyTree
    reward: Array
    terminated: Array
    truncated: Array
    next_obs: PyTree


class Act(Protocol):
    """One decision: `(key, params, carry, obs, legal, fresh, given) -> (carry, action, extras)`.

    The key is consumed. `fresh` says that `obs` is the first of its episode; the carry is cleared before it is read.
    With `given`, that action is taken (and its log-probability reported) instead of a chosen one.
    """

    def __call__(
        self, key: Any, params: Any, carry: Any, obs: Any, legal: Any, fresh: Any, given: Any = None
    ) -> tuple[Carry, PyTree, PyTree]: ...


class Policy(NamedTuple):
    """How one player acts. Together with its parameters it is all that evaluation, tournaments and play need."""

    init_carry: Callable[[], Carry]
    act: Act


class Choice(NamedTuple):
    """The extras of a policy over discrete actions.

    Attributes:
        log_prob: of the action taken.
        log_probs: `[A]` of all actions; the lowest finite number where illegal.
        entropy: of the distribution, in nats.
        value: the policy's own estimate of what follows; 0 where it has none.
    """

    log_prob: Float[Array, ""]
    log_probs: Float[Array, " A"]
    entropy: Float[Array, ""]
    value: Float[Array, ""]


class Draw(NamedTuple):
    """The extras of a policy whose actions are rows of real numbers, drawn around a mean.

    Attributes:
        log_prob: log-density of the action taken.
        mean: `[A]` what it aimed at.
        entropy: of the distribution, in nats (differential).
        value: the policy's own estimate of what follows.
    """

    log_prob: Float[Array, ""]
    mean: Float[Array, " A"]
    entropy: Float[Array, ""]
    value: Float[Array, ""]


@runtime_checkable
class Trained(Protocol):
    """What evaluation reads: the rule that learned, its game and settings, and its final state, leaves `[S, ...]`."""

    @property
    def make(self) -> Callable[..., "Learner"]: ...
    @property
    def game(self) -> Any: ...
    @property
    def config(self) -> Any: ...
    @property
    def state(self) -> State: ...


class Learner(NamedTuple):
    """A learning rule bound to a game: pure functions over a state that holds everything that changes.

    Attributes:
        init: `(key) -> state`.
        step: `(key, state) -> (state, metrics)`, one whole iteration, its play included.
        policy: `(state) -> ((policy, params), ...)`, one pair for each seat the rule learns in.
        update: `(key, state, experience, carry) -> (state, metrics)`, learning alone. `experience` is a `Step` of all
            players, and `carry` what the players remembered at its start (one entry per player of the game); or, for a
            learner that is `exact`, the joint logits `[P, n]` of all players, and `carry` is `()`.
        with_params: `(state, seat, params) -> state`, writes what `policy(state)` reads.
        exact: the rule learns from the players' policies themselves, in closed form, instead of from play.
        deep: most of its time goes into networks, so that faster programs are worth a slower compiler.
        divided: `step` with its work divided among all devices, for a run of fewer seeds than fill them.
    """

    init: Callable[[PRNGKeyArray], State]
    step: Callable[[PRNGKeyArray, State], tuple[State, Metrics]]
    policy: Callable[[State], tuple[tuple[Policy, Params], ...]]
    update: Callable[[PRNGKeyArray, State, Any, Carry], tuple[State, Metrics]]
    with_params: Callable[[State, int, Params], State]
    exact: bool = False
    deep: bool = False
    divided: Callable[[PRNGKeyArray, State], tuple[State, Metrics]] | None = None
