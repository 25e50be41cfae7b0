"""Who may sit at a table: language models, trained and scripted policies, and somebody who takes claims at their word.

A player sits there for one episode and may remember it.
"""

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from tacit.errors import Misfit
from tacit.evaluation.chat_settings import Plan
from tacit.games.channel import SILENCE, Heard
from tacit.interop.chat import words
from tacit.interop.chat.client import Client
from tacit.interop.chat.text import TextGame
from tacit.interop.chat.words import Reply
from tacit.types import Policy, State

TALK, MOVE = 0, 1  # stages of a step
NOTES = 24  # lines about what was before, at most; the last ones
SHOWN_AGAIN = 2000  # characters of a reply that could not be read
FIRST, REPAIRED, DEFAULT, LOST = "first", "repaired", "default", "lost"  # how a reply came about


class Turn(NamedTuple):
    """A decision.

    Attributes:
        episode, step, stage, seat: where it is made.
        state: of the game, on the host.
        raw: the same on the device, for trained players.
        actions: what may be done; empty where there is nothing to choose.
        speaks: something may be said.
        notes: what this seat remembers, line by line.
        heard: the last message that this seat hears now; None if there is none.
    """

    episode: int
    step: int
    stage: int
    seat: int
    state: State
    raw: State
    actions: tuple[str, ...]
    speaks: bool
    notes: tuple[str, ...]
    heard: str | None

    def draw(self, *more: Any) -> int:
        """A number in [0, 2^31) that depends on where the decision is made, and on nothing else."""
        place = json.dumps([self.episode, self.step, self.stage, self.seat, *more])
        return int.from_bytes(hashlib.sha256(place.encode()).digest()[:4]) >> 1


@runtime_checkable
class Player(Protocol):
    """Somebody at a table.

    Attributes:
        mute: it cannot say anything here.
        always: it is asked where it has nothing to choose, too, since it may remember what it sees.
    """

    always: bool
    mute: bool

    def choose(self, turn: Turn) -> tuple[Reply, str]:
        """What it does and says, and how the reply came about ("" if not from a model)."""
        ...


class Model:
    """A language model. It is told the rules, what it remembers and what it sees, and answers with a JSON object."""

    always = mute = False

    def __init__(self, text: TextGame, client: Client, name: str, plan: Plan, seed: int) -> None:
        self.text, self.client, self.name, self.plan, self.seed = text, client, name, plan, seed

    def choose(self, turn: Turn) -> tuple[Reply, str]:
        talk = self._prompt(turn)
        found = Reply(None, "")
        for attempt in range(2):
            content = self.client.ask(talk, self.name, turn.draw(self.seed, attempt))
            if content is None:
                return self._completed(found, turn), LOST
            found = self._read(content, turn)
            if not found.problem:
                return found, (FIRST, REPAIRED)[attempt]
            wanted = self._form(turn)
            talk = [
                *talk,
                {"role": "assistant", "content": content[:SHOWN_AGAIN]},
                {"role": "user", "content": f"This cannot be read: {found.problem}. {wanted}"},
            ]
        return self._completed(found, turn), DEFAULT

    def _completed(self, found: Reply, turn: Turn) -> Reply:
        """What is done where no action could be read: any of those allowed, drawn by where it happens."""
        if found.action is None and turn.actions:
            return Reply(turn.actions[turn.draw(self.seed, "default") % len(turn.actions)], found.message)
        return found

    def _read(self, content: str, turn: Turn) -> Reply:
        found = words.read(content, turn.actions, turn.speaks)
        message = self.client.hide(words.plain(found.message, self.plan.letters))
        problem = found.problem
        if self.plan.vocabulary == "claims" and not self.text.coded:
            claim = self.text.claim(message)
            message = "" if claim is None else self.text.wordings(claim)[0]
        elif (self.plan.vocabulary != "free" or self.text.coded) and message:
            word = words.in_vocabulary(message, self.text.vocabulary)
            if word is None:
                problem = " and ".join(filter(None, [problem, '"message" is not in the vocabulary']))
            message = word or ""
        return Reply(found.action, message, problem)

    def _prompt(self, turn: Turn) -> list[dict[str, str]]:
        lines = list(turn.notes[-NOTES:])
        if len(turn.notes) > NOTES:
            lines.insert(0, "(Earlier events are left out.)")
        if lines:
            lines = ["What happened so far:", *lines, ""]
        lines += [self.text.show(turn.state, turn.seat), "", self._form(turn)]
        return [
            {"role": "system", "content": self.text.rules(turn.seat)},
            {"role": "user", "content": "\n".join(lines)},
        ]

    def _form(self, turn: Turn) -> str:
        """How to answer, with all allowed actions."""
        fields, lines = [], []
        if turn.speaks:
            fields.append('"message": TEXT')
            most = f"at most {self.plan.letters} characters; an empty text says nothing"
            lines.append(f"TEXT is all that the other is told: {most}.")
            if self.text.coded or self.plan.vocabulary == "closed":
                lines.append(f"TEXT must be one of: {json.dumps(list(self.text.vocabulary))}.")
        if turn.actions:
            fields.append('"action": ACTION')
            lines.append(f"ACTION must be one of: {json.dumps(list(turn.actions))}.")
        return " ".join([f"Answer with one JSON object {{{', '.join(fields)}}}.", *lines])


class Literal:
    """Somebody who says the most precise true claim, and takes every claim at its word."""

    always = mute = False

    def __init__(self, text: TextGame, seed: int) -> None:
        """Takes a seat.

        Raises:
            Misfit: claims say nothing about private states in this game.
        """
        if text.literal is None or text.announces:
            raise Misfit(f"there is no literal partner in {type(text.game).__name__} as it is played here")
        self.text, self.seed = text, seed
        self.believed: str | None = None

    def choose(self, turn: Turn) -> tuple[Reply, str]:
        if turn.heard is not None:
            self.believed = self.text.claim(turn.heard)
        draw, message = random.Random(turn.draw(self.seed)), ""
        if turn.speaks:
            private, literal = self.text.private(turn.state, turn.seat), self.text.literal or {}
            true = [claim for claim, of in literal.items() if private in of]
            message = self.text.wordings(min(true, key=lambda claim: len(literal[claim])))[0]
        action = self.text.follow(turn.state, turn.seat, self.believed, draw) if turn.actions else None
        return Reply(action, message), ""


class Deciding(NamedTuple):
    """A policy with its parameters as one compiled function, and what a player of it begins with."""

    act: Callable[..., tuple[Any, PyTree]]
    first: PyTree


def deciding(text: TextGame, policy: Policy, params: PyTree) -> Deciding:
    """Compiles a policy for the seats of a game; what was said is put into its observation from outside."""
    game = text.game

    def act(key: Any, carry: Any, state: State, seat: Any, fresh: Any, bits: Any, heard: Any) -> tuple[Any, PyTree]:
        obs = jax.tree.map(lambda leaf: leaf[seat], game.observe(state))
        if isinstance(obs, Heard):
            message = jnp.where(heard, jnp.broadcast_to(bits, obs.message.shape), SILENCE).astype(obs.message.dtype)
            obs = obs._replace(message=message, received=jnp.full(obs.received.shape, heard, obs.received.dtype))
        legal = jax.tree.map(lambda leaf: leaf[seat], game.legal(state))
        carry, action, _ = policy.act(key, params, carry, obs, legal, fresh)
        return carry, action

    return Deciding(jax.jit(act), policy.init_carry())


class Trained:
    """A trained or scripted policy of the game. It hears the game's own bits of a message, and says them."""

    always = True

    def __init__(self, text: TextGame, policy: Deciding, seed: int) -> None:
        self.text, self.policy, self.seed = text, policy, seed
        self.mute, self.carry = not text.coded, policy.first

    def choose(self, turn: Turn) -> tuple[Reply, str]:
        if turn.stage == TALK:
            return Reply(None, ""), ""
        key = jax.random.key(turn.draw(self.seed))
        bits = self.text.bits(turn.heard) if turn.heard and self.text.coded else np.zeros(1)
        self.carry, action = self.policy.act(
            key, self.carry, turn.raw, turn.seat, turn.step == 0, bits, bool(turn.heard)
        )
        move, message = self.text.said(turn.seat, jax.tree.map(np.asarray, action))
        names = {number: name for name, number in self.text.actions(turn.state, turn.seat).items()}
        return Reply(names.get(move, f"move {move}"), message), ""


Seat = Callable[[], Player]
"""Makes a player for an episode."""


def labels(seats: Sequence[str]) -> tuple[str, ...]:
    """What players are called in a transcript."""
    return tuple(f"{name} (seat {place})" for place, name in enumerate(seats))
