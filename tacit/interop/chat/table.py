"""A table: episodes of a game in words, between any players, under several laws of the channel.

Episodes are played on the host, one step of the compiled game after the other, several episodes at a time. The same
episode under two laws has the same deal and the same luck, of models too where they are asked the same.
"""

import concurrent.futures
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from tacit.errors import Misfit, Stopped
from tacit.evaluation.transcripts import NATURAL, Message
from tacit.interop.chat.players import MOVE, TALK, Player, Seat, Turn
from tacit.interop.chat.text import TextGame, on_host
from tacit.interop.chat.words import Reply

Elsewhere = Callable[[int, int, int, str], str]
"""From episode, order, seat and public state to what somebody said there in another episode."""


class Said(NamedTuple):
    """A message on its way; `order` counts the stages of all steps."""

    order: int
    seat: int
    listener: int
    private: str | None
    public: str
    message: str
    delivered: str


class Play(NamedTuple):
    """An episode that was played: what each seat got, how long it was, what was said, and how replies came about."""

    episode: int
    channel: str
    returns: tuple[float, ...]
    steps: int
    messages: tuple[Message, ...]
    said: tuple[Said, ...]
    replies: Counter[str]


class Table:
    """A game in words with somebody in each seat.

    Raises:
        Misfit: a law of the channel needs what the game does not declare.
    """

    def __init__(
        self,
        text: TextGame,
        names: Sequence[str],
        seats: Sequence[Seat],
        channels: Sequence[str],
        seed: int,
        longest: int = 0,
    ) -> None:
        self.text, self.names, self.seats, self.seed = text, tuple(names), tuple(seats), seed
        self.channels, game = tuple(channels), text.game
        self.longest = longest or game.spec.max_length
        check_channels(text, self.channels)
        self.shuffled = jax.jit(game.shuffled)
        self.reset = jax.jit(game.reset)
        self.step = jax.jit(game.step)

    def play(self, episodes: int, at_once: int, say: Callable[[int], None]) -> tuple[list[Play], str]:
        """Plays all episodes under all laws.

        Args:
            say: is told how many episodes are done.

        Returns:
            What was played, in order, and why no more was, if it was not all.
        """
        first = [channel for channel in self.channels if channel != "shuffled"]
        plays, why = self._all(episodes, first, None, at_once, say)
        if "shuffled" in self.channels and not why:
            more, why = self._all(episodes, ["shuffled"], _elsewhere(plays, episodes), at_once, say)
            plays += more
        order = {channel: place for place, channel in enumerate(self.channels)}
        return sorted(plays, key=lambda play: (order[play.channel], play.episode)), why

    def _all(
        self, episodes: int, channels: Sequence[str], elsewhere: Elsewhere | None, at_once: int, say: Any
    ) -> tuple[list[Play], str]:
        plays: list[Play] = []
        why = ""
        pool = concurrent.futures.ThreadPoolExecutor(at_once)
        try:
            waiting = [pool.submit(self._one, episode, channels, elsewhere) for episode in range(episodes)]
            for done, future in enumerate(concurrent.futures.as_completed(waiting), 1):
                found, stop = future.result()
                plays += found
                why = why or stop
                say(done)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        return plays, why

    def _one(self, episode: int, channels: Sequence[str], elsewhere: Elsewhere | None) -> tuple[list[Play], str]:
        """An episode under some laws, and why not under all, if so."""
        found: list[Play] = []
        try:
            for channel in channels:
                found.append(self.episode(episode, channel, elsewhere))
        except Stopped as stop:
            return found, str(stop)
        return found, ""

    def episode(self, episode: int, channel: str = NATURAL, elsewhere: Elsewhere | None = None) -> Play:
        """One episode under one law."""
        text, count = self.text, self.text.players
        keys = jax.random.split(jax.random.fold_in(jax.random.key(self.seed), episode), 3)
        raw = self.reset(keys[0], self.shuffled(keys[1]))
        players = [make() for make in self.seats]
        there = Sitting(self, episode, channel, elsewhere, players)
        returns = np.zeros(count)
        for step in range(self.longest):
            state = on_host(raw)
            if text.announces and text.talk:
                there.stage(step, TALK, state, raw)
            chosen = there.stage(step, MOVE, state, raw)
            moves = [text.actions(state, seat).get(reply.action or "", None) for seat, reply in enumerate(chosen)]
            actions = [
                text.action_of(seat, _only(text.actions(state, seat)) if move is None else move, reply.message)
                for seat, (move, reply) in enumerate(zip(moves, chosen, strict=True))
            ]
            joint = jax.tree.map(lambda *leaves: np.stack(leaves), *actions)
            raw, outcome = self.step(jax.random.fold_in(keys[2], step), raw, joint)
            rewards = np.asarray(outcome.reward, float)
            returns += rewards
            there.after(state, on_host(raw), chosen, rewards.tolist())
            if bool(outcome.terminated) or bool(outcome.truncated):
                break
        ended = bool(outcome.terminated)
        rounded = tuple(float(np.round(each, 9)) for each in returns)
        return Play(
            episode, channel, rounded, step + 1, there.messages(rounded, ended), tuple(there.said), there.replies
        )


class Sitting:
    """What passes between players in an episode."""

    def __init__(
        self, table: Table, episode: int, channel: str, elsewhere: Elsewhere | None, players: Sequence[Player]
    ) -> None:
        self.table, self.text, self.episode, self.channel = table, table.text, episode, channel
        self.elsewhere, self.players = elsewhere, players
        self.notes: list[list[str]] = [[] for _ in players]
        self.heard: list[str | None] = [None] * len(players)
        self.said: list[Said] = []
        self.acted: list[tuple[int, int, str]] = []  # order, seat, action; where there was a choice
        self.replies: Counter[str] = Counter()
        self.fresh = 0  # messages that were passed on

    def stage(self, step: int, stage: int, state: Any, raw: Any) -> list[Reply]:
        """Lets everybody decide at the same time, and passes on what is said before moves."""
        text, talking, order = self.text, stage == TALK, 2 * step + stage
        replies = []
        can = [
            text.speaks(state, seat) and (talking or not text.announces) and not player.mute
            for seat, player in enumerate(self.players)
        ]
        for seat, player in enumerate(self.players):
            actions = () if talking else tuple(text.actions(state, seat))
            actions = actions if len(actions) > 1 else ()
            if not (actions or can[seat] or player.always):
                replies.append(Reply(None, ""))
                continue
            turn = Turn(
                self.episode,
                step,
                stage,
                seat,
                state,
                raw,
                actions,
                can[seat],
                tuple(self.notes[seat]),
                self.heard[seat],
            )
            reply, how = player.choose(turn)
            replies.append(reply)
            if how:
                self.replies[how] += 1
            if actions:
                self.acted.append((order, seat, reply.action or ""))
        if not text.keeps:
            self.heard = [None] * len(self.players)
        for seat, reply in enumerate(replies):
            if can[seat] and (talking or text.sends(state, seat, reply.action or "")):
                self._send(order, seat, state, reply.message)
            elif not text.talk and reply.action is not None and len(text.actions(state, seat)) > 1:
                self._send(order, seat, state, reply.action)  # a move that others see
        if talking:
            self._deliver(state, state)
        return replies

    def _send(self, order: int, seat: int, state: Any, message: str) -> None:
        private, public = self.text.private(state, seat), self.text.public(state)
        delivered = self._changed(order, seat, private, public, message)
        self.said.append(Said(order, seat, self.text.listener(state, seat), private, public, message, delivered))

    def _changed(self, order: int, seat: int, private: str | None, public: str, message: str) -> str:
        """What the law of the channel makes of a message."""
        draw = random.Random(f"{self.table.seed} {self.episode} {order} {seat}")
        text, claim = self.text, self.text.claim(message)
        if self.channel == "silent":
            return ""
        if self.channel == "shuffled" and self.elsewhere is not None:
            return self.elsewhere(self.episode, order, seat, public)
        if self.channel in ("canonical", "synonyms"):
            wordings = ("",) if claim is None else text.wordings(claim)
            return wordings[0] if self.channel == "canonical" else draw.choice(wordings)
        if self.channel == "grounded-speaker":
            true = [each for each, of in (text.literal or {}).items() if private in of]
            return text.wordings(draw.choice(true))[0]
        return message

    def after(self, state: Any, new: Any, chosen: Sequence[Reply], rewards: Sequence[float]) -> None:
        """Notes what a step brought, and passes on what was said with it."""
        for seat, notes in enumerate(self.notes):
            if line := self.text.told(state, [reply.action or "" for reply in chosen], rewards, seat):
                notes.append(line)
        if self.text.talk:
            self._deliver(state, new)
        self.fresh = len(self.said)

    def _deliver(self, before: Any, after: Any) -> None:
        """Passes on the messages that were not yet; those that do not arrive are delivered as nothing."""
        for place in range(self.fresh, len(self.said)):
            message = self.said[place]
            arrived = self.text.arrived(before, after)
            if not arrived:
                self.said[place] = message = message._replace(delivered="")
            self.notes[message.seat].append(f"You said {_quoted(message.message)}.")
            if arrived:
                self.notes[message.listener].append(f"You heard {_quoted(message.delivered)}.")
                self.heard[message.listener] = message.delivered or None
        self.fresh = len(self.said)

    def messages(self, returns: Sequence[float], ended: bool) -> tuple[Message, ...]:
        """What was said, as lines of a transcript."""
        names, rows = self.table.names, []
        for said in self.said:
            own = self._later(said.order, said.seat)
            theirs = self._later(said.order, said.listener)
            action = self.text.answer(theirs, ended)
            private = said.private if said.private is not None else (own[0] if own else "unknown")
            claim = self.text.claim(said.message) if self.text.literal else None
            row = Message(
                self.episode,
                self.channel,
                said.order,
                names[said.seat],
                names[said.listener],
                private,
                said.public,
                said.message,
                said.delivered,
                claim,
                own[0] if own else None,
                action,
                returns[said.listener],
            )
            rows.append(row)
        return tuple(rows)

    def _later(self, order: int, seat: int) -> list[str]:
        """What a seat chose after a moment, in order."""
        return [action for when, who, action in self.acted if who == seat and when > order]


def check_channels(text: TextGame, channels: Sequence[str]) -> None:
    """Whether these laws can hold in this game.

    Raises:
        Misfit: one needs messages, claims, or private states that are known beforehand.
    """
    for channel in channels:
        if channel == NATURAL:
            continue
        if not text.talk:
            raise Misfit(f"nothing is said here beside moves, so that channel {channel!r} has nothing to change")
        if channel in ("canonical", "synonyms", "grounded-speaker") and text.literal is None:
            raise Misfit(f"messages claim nothing here, which channel {channel!r} needs")
        if channel == "grounded-speaker" and text.announces:
            raise Misfit(f"what is true depends on what players will do, so that channel {channel!r} cannot be had")


def _quoted(message: str) -> str:
    """A message in quotes that it cannot close by itself."""
    return json.dumps(message, ensure_ascii=False) if message else "nothing"


def _only(actions: Mapping[str, int]) -> int:
    """The move of who has no choice."""
    return next(iter(actions.values()))


def _elsewhere(plays: Sequence[Play], episodes: int) -> Elsewhere:
    """What was said at the same place in the next episode in which somebody spoke there.

    That is one with the same public state, if there is any.
    """
    spoken: dict[tuple[Any, ...], dict[int, str]] = {}
    for play in plays:
        if play.channel == NATURAL:
            for said in play.said:
                for place in ((said.order, said.seat, said.public), (said.order, said.seat)):
                    spoken.setdefault(place, {})[play.episode] = said.message

    def found(episode: int, order: int, seat: int, public: str) -> str:
        following = [(episode + ahead) % episodes for ahead in range(1, episodes)]
        for place in ((order, seat, public), (order, seat)):
            there = spoken.get(place, {})
            for other in following:
                if other in there:
                    return there[other]
        return ""

    return found
