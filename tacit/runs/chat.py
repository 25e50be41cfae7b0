"""Language models at a table as a computation: who plays, the transcript, and the page about what came of it."""

import dataclasses
import pathlib
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from tacit.errors import SettingError, Stopped
from tacit.evaluation.chat_settings import LITERAL, SELF, Plan
from tacit.evaluation.cross_play import Model
from tacit.evaluation.cross_play_settings import Plan as Meeting
from tacit.evaluation.statistics import summarize
from tacit.evaluation.transcripts import NATURAL, Declared, Transcript, as_text
from tacit.games.base import Game
from tacit.interop.chat import games
from tacit.interop.chat.client import Client
from tacit.interop.chat.players import DEFAULT, FIRST, LOST, REPAIRED, labels
from tacit.interop.chat.table import Play, Table
from tacit.interop.chat.text import TextGame
from tacit.runs import cross_play, exhibits
from tacit.runs.computation import Computation, Say
from tacit.runs.experiment import board
from tacit.runs.experiment import game as game_named

TRANSCRIPT = "transcript.jsonl"
TOLD = 5.0  # seconds between two lines about how far it is
EXAMPLE = 24  # messages that the page shows
HEAD_RETURNS = ("channel", "episodes", "mean return", "low", "high", "change", "low", "high")
WORDS_RETURNS = (
    "Undiscounted, mean over players. Change: to the natural channel in the same episodes. 95 % bootstrap intervals"
    " over episodes."
)
HEAD_REPLIES = ("channel", "decisions", "read at once", "repaired", "by default", "lost", "not read at once")
WORDS_REPLIES = (
    "Repaired: a second reply could be read. By default: neither could, and any allowed action was taken. Lost: no"
    " answer came, and the same was done. Returns are lower for all of these, in all channels."
)


def computation(plan: Plan, seed: int, out: pathlib.Path) -> Computation:
    """A run as what goes into a run folder; nothing is asked yet.

    Args:
        out: where run folders are; answers are kept there, unless the plan says where.

    Raises:
        InputError: the endpoint's address, the key, the game, the partner or the answers that were kept are refused.
    """
    if not plan.url or not plan.model:
        raise SettingError("name the endpoint and the model there, as in --url http://localhost:8080/v1 --model NAME")
    if plan.max_cost is not None and not (plan.price_in or plan.price_out):
        raise SettingError("--max-cost needs prices: give --price-in and --price-out, per million tokens")
    plan = dataclasses.replace(plan, cache=plan.cache or str(out / "chat-answers.jsonl"))
    with Client(plan, pathlib.Path(plan.cache)) as client:
        _table(plan, client, seed)
    return Computation(played, plan, 1, seed)


def entering(plan: Plan) -> tuple[Game, Model | None]:
    """The game, and a trained or scripted partner.

    Raises:
        InputError: a name or a rule is unknown, or they do not fit each other.
    """
    game = game_named(*board(plan.game))
    if plan.partner.startswith(games.OTHER_MODEL) and plan.partner == games.OTHER_MODEL:
        raise SettingError("--partner model: needs the name of a model")
    if not games.opponent(plan):
        return game, None
    try:
        game, models = cross_play.entering(Meeting(plan.game, 1, plan.sampled, (plan.partner,)), 1)
    except SettingError as error:
        raise SettingError(f"--partner: {error}; or {SELF}, {LITERAL}, {games.OTHER_MODEL}NAME") from None
    if len(models) > 1:
        raise SettingError(f"--partner must be one model, got {len(models)}; name one, as in {models[0].name}")
    return game, models[0]


def _table(plan: Plan, client: Client, seed: int) -> Table:
    game, partner = entering(plan)
    text = games.in_words(game, plan.talk, partner is not None)
    names, seats = games.seated(plan, text, partner, client, seed)
    return Table(text, labels(names), seats, plan.channels, seed, plan.longest)


def played(plan: Plan, seeds: int, seed: int, say: Say) -> dict[str, Any]:
    """Plays; see `result`.

    Raises:
        Stopped: a limit was reached, or nothing came any more, before an episode was whole.
    """
    del seeds
    with Client(plan, pathlib.Path(plan.cache)) as client:
        table = _table(plan, client, seed)
        at, lock = [time.monotonic()], threading.Lock()

        def tell(done: int) -> None:
            with lock:
                if time.monotonic() - at[0] < TOLD and done < plan.episodes:
                    return
                at[0] = time.monotonic()
            spent = client.spent
            tokens = spent.read + spent.written
            say(f"{done} of {plan.episodes} episodes, {spent.calls} calls, {tokens} tokens, {_rate(client.counts)}")

        plays, why = table.play(plan.episodes, plan.in_flight, tell)
        if why and not plays:
            raise Stopped(why)
        return result(plan, table, plays, client, why)


def _rate(counts: Counter[str]) -> str:
    """What went wrong with calls, in words."""
    wrong = [f"{counts[what]} {what}" for what in (*FAILURES, "lost") if counts[what]]
    return ", ".join(wrong) or "no failures"


FAILURES = ("late", "busy", "failing", "broken", "unreadable")
COUNTS = ("calls", "cached", "repeated", *FAILURES, "lost", "estimated")


def result(plan: Plan, table: Table, plays: Sequence[Play], client: Client, why: str = "") -> dict[str, Any]:
    """What came of it, as plain data.

    The keys: `returns` and `changes` (to the natural channel, same episodes) by channel; `replies` by channel, how
    they came about; `calls`, what became of them; `tokens` and `cost`; `stopped`, why not all was played; `messages`,
    how many, and how many claimed something; `files`, the transcript.
    """
    by = {channel: [play for play in plays if play.channel == channel] for channel in plan.channels}
    means = {channel: {play.episode: float(np.mean(play.returns)) for play in of} for channel, of in by.items()}
    natural = means[NATURAL]
    said = [message for play in plays for message in play.messages]
    spent = client.spent
    content: dict[str, Any] = {
        "game": plan.game,
        "players": list(table.names),
        "stopped": why,
        "returns": {channel: _summary(list(of.values())) for channel, of in means.items() if of},
        "changes": {
            channel: _summary([of[e] - natural[e] for e in of if e in natural])
            for channel, of in means.items()
            if of and channel != NATURAL
        },
        "replies": {channel: _replies(of) for channel, of in by.items() if of},
        "steps": float(np.mean([play.steps for play in plays])),
        "messages": {"all": len(said), "with a claim": sum(message.claim is not None for message in said)},
        "calls": {name: client.counts[name] for name in COUNTS},
        "tokens": {"read": spent.read, "written": spent.written},
        "cost": spent.cost,
    }
    files = {}
    if said:
        files[TRANSCRIPT] = as_text(Transcript(plan.game, table.names, _meaning(table.text), tuple(said)))
    return content | {"exhibits": _exhibits(content, plays), "files": files}


def _summary(values: list[float]) -> dict[str, Any]:
    return summarize(np.array(values))._asdict()


def _replies(plays: Sequence[Play]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for play in plays:
        total += play.replies
    return {kind: total[kind] for kind in (FIRST, REPAIRED, DEFAULT, LOST)}


def _meaning(text: TextGame) -> Declared | None:
    return None if text.literal is None else Declared({}, {None: text.literal})


def rows_returns(content: dict[str, Any]) -> list[list[Any]]:
    """The rows of the table with `HEAD_RETURNS`."""
    rows = []
    for channel, found in content["returns"].items():
        change = content["changes"].get(channel, {})
        rows.append(
            [channel, found["n"], found["mean"], found["low"], found["high"]]
            + [change.get(name) for name in ("mean", "low", "high")]
        )
    return rows


def rows_replies(content: dict[str, Any]) -> list[list[Any]]:
    """The rows of the table with `HEAD_REPLIES`."""
    rows = []
    for channel, of in content["replies"].items():
        total = sum(of.values())
        rows.append([channel, total, *of.values(), 1.0 - of[FIRST] / total if total else None])
    return rows


def rows_calls(content: dict[str, Any]) -> list[list[Any]]:
    """Two columns: what is counted, and how much of it there was."""
    tokens, calls = content["tokens"], content["calls"]
    words = {
        "calls": "calls",
        "cached": "answers used again without a call",
        "repeated": "calls that repeat one",
        "late": "answers that were late",
        "busy": "answers that nobody has time now (429)",
        "failing": "answers that something failed (5xx)",
        "broken": "connections that broke",
        "unreadable": "answers without a reply in them",
        "lost": "replies given up after all tries",
        "estimated": "calls whose tokens are estimated",
    }
    rows = [[words[name], str(count)] for name, count in calls.items()]
    return [
        *rows,
        ["tokens read", str(tokens["read"])],
        ["tokens written", str(tokens["written"])],
        ["cost", content["cost"]],
    ]


HEAD_EXAMPLE = ("episode", "step", "who", "knew", "said", "arrived", "claim", "did next", "the other did next")


def _exhibits(content: dict[str, Any], plays: Sequence[Play]) -> list[exhibits.Exhibit]:
    """The page: returns, replies, calls, and the first messages."""
    shown = [
        exhibits.table("Returns", HEAD_RETURNS, rows_returns(content), WORDS_RETURNS),
        exhibits.table("Replies", HEAD_REPLIES, rows_replies(content), WORDS_REPLIES),
        exhibits.table("Calls, in this run", ("what", "count"), rows_calls(content)),
    ]
    if content["stopped"]:
        shown.insert(0, exhibits.table("Stopped early", ("why",), [[content["stopped"]]]))
    said = [message for play in plays for message in play.messages][:EXAMPLE]
    if said:
        rows = [
            [m.episode, m.step, m.speaker, m.private, m.message, m.delivered]
            + [each or "-" for each in (m.claim, m.own_action, m.action)]
            for m in said
        ]
        number = content["messages"]
        caption = f"The first of {number['all']} messages, of which {number['with a claim']} have a claim."
        shown.append(exhibits.table(f"What was said, channel {said[0].channel}", HEAD_EXAMPLE, rows, caption))
    return shown
