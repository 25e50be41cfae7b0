"""Asking a language model again and again: repetitions, limits of a run, and answers kept on disk.

Answers are kept in a file, a line of JSON each, under a key made of the whole request and of where in which episode it
was made. Who asks the same again gets the same answer without a call, so that an interrupted run goes on, and a
finished one can be repeated. An answer that never came is not kept.
"""

import collections
import fcntl
import hashlib
import json
import os
import pathlib
import random
import socket
import threading
from collections.abc import Mapping, Sequence
from typing import IO, Any, NamedTuple

from tacit.errors import RunError, Stopped
from tacit.evaluation.chat_settings import Asking
from tacit.interop.chat import endpoint
from tacit.interop.chat.endpoint import Answer, estimate

IN_A_ROW = 8  # calls given up before the run is
ABOUT = 16  # tokens of an answer's form, where they must be estimated
FIELDS = {"key": str, "model": str, "messages": list, "content": str, "read": int, "written": int}

Messages = Sequence[Mapping[str, str]]


class Spent(NamedTuple):
    """What a run used."""

    calls: int
    read: int
    written: int
    cost: float


class Client:
    """A model at an endpoint, for several threads at once. Close it, or use it in a `with` block.

    Attributes:
        counts: how often what happened: "calls", "cached", "repeated", "lost" (given up), "estimated" (tokens that the
            endpoint did not count), and the failures of `Answer`.
    """

    def __init__(self, asking: Asking, cache: pathlib.Path) -> None:
        """Opens the file with answers.

        Raises:
            InputError: the address, the key or the file is refused; one line says why.
        """
        self.asking = asking
        self.at = endpoint.place(asking.url)
        endpoint.check_key(asking.key_variable, self.at)
        self.counts: collections.Counter[str] = collections.Counter()
        self.stopping, self._why = threading.Event(), "the run is ending"
        self._in_use: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._lost_in_a_row = 0
        self._read = self._written = 0
        self._held = self._held_written = 0  # tokens that calls in flight may still use
        self._file, self._kept = _opened(cache)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *error: object) -> None:
        self.stopping.set()
        endpoint.break_off(self._in_use)  # or whoever interrupts a run would wait for them
        with self._lock:
            self._file.close()

    @property
    def spent(self) -> Spent:
        """What was used so far."""
        return Spent(self.counts["calls"], self._read, self._written, self._cost(self._read, self._written))

    def hide(self, text: str) -> str:
        """A text without the key."""
        return endpoint.hide(text, self.asking.key_variable)

    def ask(self, messages: Messages, model: str, draw: int) -> str | None:
        """The reply to a conversation; None if it was given up.

        Args:
            draw: tells apart the same conversation at different places, and is the request's seed.

        Raises:
            RunError: the endpoint refuses, or is not there.
            Stopped: a limit of the run is reached, or nothing comes any more.
        """
        request: dict[str, Any] = {"model": model, "messages": list(messages), "max_tokens": self.asking.reply_tokens}
        request["temperature"] = self.asking.temperature
        if self.asking.send_seed:
            request["seed"] = draw
        key = hashlib.sha256(json.dumps([str(self.at), request, draw], sort_keys=True).encode()).hexdigest()
        with self._lock:
            if key in self._kept:
                self.counts["cached"] += 1
                return self._kept[key]
        answer = self._until_answered(request)
        if answer is None:
            return None
        read, written = answer.tokens or (0, 0)
        row = {"key": key, "model": model, "temperature": self.asking.temperature, "seed": draw}
        row |= {"messages": list(messages), "content": answer.content, "read": read, "written": written}
        with self._lock:
            self._kept[key] = answer.content
            if not self._file.closed:
                self._file.write((json.dumps(row) + "\n").encode())
                self._file.flush()
        return answer.content

    def _until_answered(self, request: dict[str, Any]) -> Answer | None:
        """Asks until there is a reply; None once it is given up."""
        for attempt in range(1 + self.asking.retries):
            needed = self._admitted(request, attempt)
            try:
                answer = endpoint.call(self.at, self.asking.key_variable, request, self.asking.timeout, self._in_use)
            except RunError:
                self._settled(needed, Answer("failing"))
                raise
            self._settled(needed, answer)
            if not answer.failure:
                return answer
            if answer.absent and not self._heard_of:
                raise RunError(f"{answer.absent} {self.at}; is a server running there?")
            if attempt < self.asking.retries:
                self._pause(attempt, answer.wait)
        with self._lock:
            self.counts["lost"] += 1
            self._lost_in_a_row += 1
            if self._lost_in_a_row >= IN_A_ROW:
                raise self._stop(
                    f"the last {IN_A_ROW} calls of {self.at} were given up after {1 + self.asking.retries} tries each;"
                    f" is the server still there, or --timeout {self.asking.timeout:g} too short? Answers are kept,"
                    " and a repeated run goes on"
                )
        return None

    def _stop(self, why: str) -> Stopped:
        """Ends the run: nothing more is asked, and all who want to are told why."""
        if not self.stopping.is_set():
            self._why = why
            self.stopping.set()
        return Stopped(self._why)

    @property
    def _heard_of(self) -> bool:
        """Whether anything at all has come from the endpoint in this run."""
        return any(self.counts[what] for what in ("replies", "late", "busy", "failing", "unreadable"))

    def _admitted(self, request: dict[str, Any], attempt: int) -> tuple[int, int]:
        """Takes what a call may use off the limits, and says how many tokens that is.

        Raises:
            Stopped: it could go beyond a limit of the run, or the run is ending.
        """
        asking = self.asking
        needed = (ABOUT + sum(estimate(m["content"]) for m in request["messages"]), asking.reply_tokens)
        with self._lock:
            if self.stopping.is_set():
                raise Stopped(self._why)
            read, written = self._read + self._held + needed[0], self._written + self._held_written + needed[1]
            used = {
                "calls": (self.counts["calls"] + 1, asking.max_calls),
                "tokens": (read + written, asking.max_tokens),
                "cost": (self._cost(read, written), asking.max_cost),
            }
            for name, (would_be, most) in used.items():
                if most is not None and would_be > most:
                    raise self._stop(
                        f"one more call could go beyond --max-{name} {most:g}; answers are kept, and a repeated run"
                        " goes on from them"
                    )
            self.counts["calls"] += 1
            self.counts["repeated"] += attempt > 0
            self._held += needed[0]
            self._held_written += needed[1]
        return needed

    def _settled(self, needed: tuple[int, int], answer: Answer) -> None:
        """Counts what a call used in place of what it might have; who turns away asks for nothing."""
        none = answer.failure in ("busy", "failing") or bool(answer.absent)
        written = needed[1] if answer.failure else estimate(answer.content)  # what broke off may still be charged
        used = (0, 0) if none else answer.tokens or (needed[0], written)
        with self._lock:
            self._held -= needed[0]
            self._held_written -= needed[1]
            self._read += used[0]
            self._written += used[1]
            self.counts[answer.failure or "replies"] += 1
            self.counts["estimated"] += not none and answer.tokens is None
            if not answer.failure:
                self._lost_in_a_row = 0

    def _cost(self, read: int, written: int) -> float:
        return (read * self.asking.price_in + written * self.asking.price_out) / 1e6

    def _pause(self, attempt: int, wanted: float) -> None:
        """Waits longer each time, not all threads alike, and as long as the endpoint wants.

        Raises:
            Stopped: that is longer than it should be, or the run is ending.
        """
        if wanted > self.asking.patience:
            raise self._stop(
                f"{self.at} asks for a pause of {wanted:.0f} s, longer than --patience {self.asking.patience:g};"
                " answers are kept, and a repeated run goes on"
            )
        longest = min(self.asking.pause * 2**attempt, self.asking.patience)
        self.stopping.wait(max(wanted, longest * random.uniform(0.5, 1.0)))


def _opened(path: pathlib.Path) -> tuple[IO[bytes], dict[str, str]]:
    """The file with answers, held for this process, and the answers in it.

    Raises:
        RunError: it cannot be used, is in use, or a line of it is damaged.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b")
    except OSError as error:
        raise RunError(f"{path} cannot be opened for answers: {error.strerror}") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.seek(0)
        content = file.read()
        end = content.rfind(b"\n") + 1
        kept = dict(_entry(line, f"{path} line {n}") for n, line in enumerate(content[:end].split(b"\n")[:-1], 1))
        if end < len(content):  # a line that was being written when the program was ended
            os.ftruncate(file.fileno(), end)
    except BlockingIOError:
        file.close()
        raise RunError(f"{path} is in use by another run; name another file by --cache") from None
    except RunError:
        file.close()
        raise
    return file, kept


def _entry(line: bytes, where: str) -> tuple[str, str]:
    """Key and reply of a line."""
    try:
        row = json.loads(line)
        fits = isinstance(row, dict) and all(isinstance(row.get(name), kind) for name, kind in FIELDS.items())
    except (ValueError, RecursionError):
        fits, row = False, {}
    if not fits:
        raise RunError(f"{where} is damaged: it holds no answer; delete the line, and it is asked for again")
    return row["key"], row["content"]
