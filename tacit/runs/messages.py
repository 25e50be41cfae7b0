"""Audits of messages as a computation: who is audited, from runs or a transcript, and all that came of it as data.

`tacit.runs.messages_page` makes the page of it.
"""

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from tacit.errors import Misfit, RunError, SettingError
from tacit.evaluation import conventions
from tacit.evaluation.audit import LEAST_EPISODES, Asked, Audit, Returns, mean_of, put_together
from tacit.evaluation.audit_play import Strangers, audit, strangers
from tacit.evaluation.audit_settings import Plan
from tacit.evaluation.audit_verdict import BLIND, verdict
from tacit.evaluation.cross_play import Model
from tacit.evaluation.cross_play_settings import Plan as Meeting
from tacit.evaluation.listening import Room
from tacit.evaluation.message_estimates import Estimate
from tacit.evaluation.readings import CHANNELS, Reading, reading_of
from tacit.evaluation.talk import Talk, of_transcript, one_each, returns_of
from tacit.evaluation.transcripts import NATURAL, Transcript, read
from tacit.games.hanabi.rules import HanabiGame
from tacit.runs import cross_play, messages_page
from tacit.runs.computation import Computation, Say

MOST = 24  # sets of players; all pairs of them meet
WATCHED = 100  # games of Hanabi in which bits beyond the rules are read
BEYOND = " By the rules a move tells {:.2f} bits of its listener's hand; {:.2f} more (at most {:.2f}) are convention."
LISTED = 64  # states and messages up to which the table of what was said is kept
IN_TRANSCRIPT = "what the speaker knew"


def computation(plan: Plan, seed: int) -> Computation:
    """An audit as what goes into a run folder.

    Raises:
        InputError: the models, the transcript or the game do not fit; the line says why.
    """
    if transcript_in(plan) is None:
        entering(plan)
    return Computation(audited, plan, 1, seed)


def transcript_in(plan: Plan) -> Transcript | None:
    """The transcript that is named, if it is one.

    Raises:
        RunError: it is damaged, or too short.
        SettingError: it is named beside models, or with a game.
    """
    files = [word for word in plan.models if word.endswith(".jsonl") or pathlib.Path(word).is_file()]
    if not files:
        return None
    if len(plan.models) > 1:
        raise SettingError(f"a transcript is audited by itself; got {len(plan.models)} words")
    if plan.game or plan.channel != "messages":
        raise SettingError("a transcript says what was played and what was said; leave out --game and --channel")
    transcript = read(files[0])
    natural = {message.episode for message in transcript.messages if message.channel == NATURAL}
    if len(natural) < LEAST_EPISODES:
        raise RunError(
            f"{files[0]} has {len(natural)} episodes in channel {NATURAL!r}; an audit needs {LEAST_EPISODES}"
        )
    return transcript


def entering(plan: Plan) -> tuple[Reading, list[Model]]:
    """How the game is read, and who is audited in it.

    Raises:
        SettingError, Misfit, RunError: see `tacit.runs.cross_play.entering`; or there are too many models, or the
            players have nothing that could be read.
    """
    game, models = cross_play.entering(Meeting(plan.game, 1, plan.sampled, plan.models), 1)
    if len(models) > MOST:
        raise SettingError(f"{len(models)} models were named, and {MOST} at most are audited together; name fewer")
    try:
        reading = reading_of(game.held_out, plan.channel)
        reading.names()
    except Misfit as misfit:
        raise Misfit(f"{models[0].name}: {misfit}") from None
    return reading, models


def audited(plan: Plan, seeds: int, seed: int, say: Say) -> dict[str, Any]:
    """Audits everybody; see `result`."""
    del seeds
    asked = Asked(level=plan.level, permutations=plan.permutations, seed=seed)
    transcript = transcript_in(plan)
    if transcript is not None:
        return result([of_file(transcript, asked)], None, IN_TRANSCRIPT)
    reading, models = entering(plan)
    content = among(reading, models, plan.episodes, asked, say)
    if isinstance(reading.game, HanabiGame):
        content["beyond"] = {model.name: beyond(reading.game, model, seed) for model in models}
        for name, bits in content["beyond"].items():
            content["verdicts"][name]["sentence"] += BEYOND.format(*bits.values())
        content["exhibits"] = messages_page.page(content)
    return content


def among(reading: Reading, models: Sequence[Model], episodes: int, asked: Asked, say: Say) -> dict[str, Any]:
    """Audits models, each with its twin, and lets them meet; see `result`."""
    rooms = [Room(reading, model.seats, episodes, asked.seed) for model in models]
    found = []
    for place, (model, room) in enumerate(zip(models, rooms, strict=True)):
        found.append(audit(model.name, room, asked))
        say(f"{model.name} audited, {place + 1} of {len(models)}")
    met = strangers(rooms, found) if len(rooms) > 1 else None
    return result(found, met, reading.about, reading.acts)


def of_file(transcript: Transcript, asked: Asked) -> Audit:
    """The audit of a transcript: returns are compared where an episode was played in both channels."""
    talk = of_transcript(transcript)
    name = f"{', '.join(transcript.players)} in {transcript.game}"
    found = put_together(name, talk, {NATURAL: talk.returns}, asked=asked)
    each = {channel: _returns(transcript, channel) for channel in dict.fromkeys(m.channel for m in transcript.messages)}
    common = set.intersection(*map(set, each.values()))
    if len(each) == 1 or len(common) < 2:
        return found
    returns: Returns = {channel: np.array([of[e] for e in sorted(common)]) for channel, of in each.items()}
    return put_together(name, talk, returns, asked=asked)


def _returns(transcript: Transcript, channel: str) -> dict[int, float]:
    return returns_of([message for message in transcript.messages if message.channel == channel])


def beyond(game: HanabiGame, model: Model, seed: int) -> dict[str, float]:
    """Bits that a move of Hanabi tells its listener about the hand, by the rules and beyond them, as means."""
    figures = conventions.figures(game, conventions.watch(game, model, games=WATCHED, seed=seed))
    parts = {"by the rules": "by_rules", "beyond them": "beyond", "beyond them at most": "at_most"}
    return {words: float(figures[part]["all"].mean or 0.0) for words, part in parts.items()}


def result(audits: Sequence[Audit], met: Strangers | None, about: str, acts: bool = False) -> dict[str, Any]:
    """What came of it, as plain data.

    The keys: `models`; `about`, what the private state is; `verdicts`, of each model its kind, a sentence and how sure
    it is; `figures`, of each what messages tell, in bits; `influence`, of one message on its listener; `returns`, of
    each by what was delivered, and `changes`; `shares`, w and k; `tests`, p-values as they are and adjusted; `said`,
    how often each message was said in each state; `strangers`, what they make of each other; `blind`, what an audit
    cannot see; and of Hanabi `beyond`.
    """
    content: dict[str, Any] = {
        "models": [each.name for each in audits],
        "channel": CHANNELS[acts],
        "about": about,
        "verdicts": {each.name: verdict(each, about, acts)._asdict() for each in audits},
        "figures": {each.name: figures(each) for each in audits},
        "influence": {each.name: {name: mean._asdict() for name, mean in each.influences.items()} for each in audits},
        "returns": {
            each.name: {a: mean_of(r, each.asked)._asdict() for a, r in each.returns.items()} for each in audits
        },
        "changes": {each.name: {arm: change._asdict() for arm, change in each.changes.items()} for each in audits},
        "shares": {each.name: {name: share._asdict() for name, share in each.shares.items()} for each in audits},
        "tests": {each.name: {name: list(map(_finite, p)) for name, p in each.p.items()} for each in audits},
        "said": {each.name: said(each.talk) for each in audits},
        "strangers": None if met is None else _met(met),
        "beyond": {},
        "blind": list(BLIND),
    }
    return content | {"exhibits": messages_page.page(content)}


def figures(found: Audit) -> dict[str, Any]:
    """What messages tell, as plain data; estimates with all their forms."""
    told = found.told
    if told is None:
        return {}
    parts = {} if told.parts is None else told.parts._asdict()
    named = {
        "entropy": told.entropy,
        "information": told.information,
        "coordination": told.coordination,
        "consistency": told.consistency,
    }
    plain: dict[str, Any] = {"messages": told.messages, "of_state": told.of_state, "varied": told.varied}
    plain |= {name: _finite(getattr(told, name)) for name in ("independence", "similarity", "positional", "bag")}
    findings = [
        {"about": each.about, "found": each.found, "size": each.size, "adjusted": _finite(each.adjusted)}
        for each in found.findings
    ]
    estimates = {name: None if figure is None else _plain(figure) for name, figure in named.items()}
    return {**plain, **estimates, "parts": {n: _plain(f) for n, f in parts.items()}, "findings": findings}


def _plain(figure: Estimate) -> dict[str, Any]:
    return {name: _finite(value) for name, value in figure._asdict().items()}


def _finite(value: float) -> float | None:
    """A number as JSON knows it."""
    return value if np.isfinite(value) else None


def said(talk: Talk | None) -> dict[str, Any] | None:
    """How often each message was said in each private state, one of each episode; None where there are many states."""
    if talk is None or max(len(talk.names.states), len(talk.names.messages)) > LISTED:
        return None
    counts = one_each(talk).counts().sum(0)
    return {"states": list(talk.names.states), "messages": list(talk.names.messages), "counts": counts.tolist()}


def _met(met: Strangers) -> dict[str, Any]:
    without = None if met.without is None else met.without.tolist()
    agreement = [[_finite(value) for value in row] for row in met.agreement.tolist()]
    gaps = None if met.gaps is None else met.gaps.tolist()
    return {"returns": met.returns.tolist(), "without": without, "agreement": agreement, "gaps": gaps}
