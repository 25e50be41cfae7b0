"""A computation: a result that needs no training, as plain data that round-trips through its file.

A tournament or a table of payoffs is no learner on a game, and yet it has settings, seeds, a run folder and a result.
It is a function

    compute(settings, seeds, seed, say) -> result

of a frozen record of settings (fields made with `tacit.settings.setting`), the number of independent repetitions,
where their randomness starts, and a function that shows a line of words. Its result is a JSON object, which goes into
`result.json` of the run folder; text under the key "files", by name, goes into files of its own there. Under "stopped"
a result that is not whole says why. What the report page shows of it stands under the key "exhibits"
(`tacit.runs.exhibits` has their forms); all other keys are for whoever measures.

A recipe's `rows` may hold computations beside experiments; its `measure` then finds a `Computed` under the row's name.
A row that was done is read back when a recipe goes on; one that was interrupted is computed anew. `tacit evaluate`
puts a single computation into a run folder of its own.
"""

import contextlib
import dataclasses
import pathlib
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tacit import settings
from tacit.errors import InputError, Interrupted, RunError, SettingError, Stopped
from tacit.runs import store
from tacit.runs.store import RunFolder
from tacit.settings import setting

Say = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Computation:
    """Everything that determines a computation's numbers.

    Attributes:
        compute: a module-level function `(settings, seeds, seed, say) -> result`; see the module's first lines.
        settings: a frozen record described with `setting`.
    """

    compute: Callable[[Any, int, int, Say], dict[str, Any]]
    settings: Any
    seeds: int = setting(8, "independent repetitions", low=1, high=10**6)
    seed: int = setting(0, "where their randomness starts", low=0, high=2**32 - 1)

    def __post_init__(self) -> None:
        settings.check(self)

    @property
    def name(self) -> str:
        """What is computed, as text."""
        return f"{self.compute.__module__}:{self.compute.__name__}"


class Computed(NamedTuple):
    """A finished computation: its folder, and the JSON object that came out."""

    folder: RunFolder
    result: dict[str, Any]


def as_dict(computation: Computation) -> dict[str, Any]:
    """What goes into `config.json`, all defaults written out; `from_dict` gives an equal computation back."""
    return {
        "compute": computation.name,
        "settings": settings.as_dict(computation.settings),
        "seeds": computation.seeds,
        "seed": computation.seed,
    }


def from_dict(content: dict[str, Any], like: Computation) -> Computation:
    """The computation in a `config.json`. The function is that of `like`: nothing named in a file is executed.

    Raises:
        RunError: it is another computation, a part is missing or left over, or a value is refused.
    """
    if content.keys() != as_dict(like).keys() or not isinstance(content["settings"], dict):
        raise RunError("config.json is damaged or of another version: it holds no computation")
    if content["compute"] != like.name:
        raise RunError(f"config.json is of another version: it computes {content['compute']!r}, not {like.name}")
    try:
        wanted = settings.replace(like.settings, content["settings"])
        return Computation(like.compute, wanted, content["seeds"], content["seed"])
    except (SettingError, TypeError) as error:
        raise RunError(f"config.json is damaged: {error}") from None


def is_computation(config: dict[str, Any]) -> bool:
    """Whether a `config.json` is that of a computation."""
    return "compute" in config


def new_computation(parent: pathlib.Path, name: str, computation: Computation) -> RunFolder:
    """A new run folder for a computation.

    Raises:
        RunError: it cannot be made.
    """
    folder = RunFolder.create(parent, name)
    begin(folder, computation)
    return folder


def begin(folder: RunFolder, computation: Computation) -> None:
    """Writes into an empty folder what will be computed there."""
    folder.note(kind="computation", status="new", started=store.now())
    store.write_json(folder.path / "config.json", as_dict(computation))


def work(folder: RunFolder, computation: Computation, say: Say) -> Computed:
    """Computes, and writes the result whole or not at all.

    Raises:
        RunError: the folder is busy.
        Interrupted: a signal came; nothing of the result is kept.
        Stopped: it stopped itself before there was a result.
    """
    from tacit import scale

    scale.prepare()  # before anything that starts a backend
    with folder.lock():
        store.write_json(folder.path / "provenance.json", store.provenance())
        folder.note(status="running")
        began = time.monotonic()
        try:
            with _ended_by_signals():
                result = computation.compute(computation.settings, computation.seeds, computation.seed, say)
        except (Interrupted, Stopped) as stop:
            folder.note_stop(stop, time.monotonic() - began)
            raise
        except InputError as error:  # found only while it was computed: an endpoint that refuses, say
            folder.note(status="failed", ended=store.now(), reason=str(error))
            raise
        spent = round(time.monotonic() - began, 3)
        for name, content in result.pop("files", {}).items():
            store.write(folder.path / name, content.encode())
        store.write_json(folder.path / "result.json", result)
        reason = result.get("stopped") or "finished"
        folder.note(status="done", ended=store.now(), reason=reason, wall_seconds=spent)
    return Computed(folder, result)


def read_back(folder: RunFolder) -> Computed:
    """A finished computation.

    Raises:
        RunError: it has not finished, or its result is damaged.
    """
    if folder.status().get("status") != "done":
        raise RunError(f"{folder.path} has not finished; computations are read when they have")
    return Computed(folder, store.read_json(folder.path / "result.json"))


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM, SIGINT and SIGUSR1 end what is computed at once: unlike training it has nothing to bring to a close."""

    def stop(number: int, frame: Any) -> None:
        del frame
        raise Interrupted(number)

    before: dict[int, Any] = {}
    with contextlib.suppress(ValueError):  # outside the main thread signals cannot be caught
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
