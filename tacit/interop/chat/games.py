"""Which games language models can play, and who is at the table."""

import re
from collections.abc import Sequence

from tacit.errors import Misfit, SettingError
from tacit.evaluation.chat_settings import LITERAL, SELF, Plan
from tacit.evaluation.cross_play import Model as Opponent
from tacit.games.base import Game
from tacit.games.hanabi import HanabiGame
from tacit.games.levers import LeverGame
from tacit.games.matrix import MatrixGame
from tacit.games.phone_booth import PhoneBooth
from tacit.games.referential import Referential
from tacit.interop.chat.client import Client
from tacit.interop.chat.players import Deciding, Literal, Model, Seat, Trained, deciding
from tacit.interop.chat.text import TextGame
from tacit.interop.chat.text_booth import BoothText
from tacit.interop.chat.text_hanabi import HanabiText
from tacit.interop.chat.text_referential import ReferentialText
from tacit.interop.chat.text_rounds import LeverText, MatrixText

WITH_MESSAGES = {Referential: ReferentialText, PhoneBooth: BoothText}
WITH_TALK = {MatrixGame: (MatrixText, True), LeverGame: (LeverText, False), HanabiGame: (HanabiText, False)}
KINDS = "referential, phone-booth, matrix games (ipd, ...), levers and Hanabi"
OTHER_MODEL = "model:"


def in_words(game: Game, talk: str, trained: bool) -> TextGame:
    """A game in words.

    Args:
        talk: "on", "off", or "auto" for what is usual in the game.
        trained: somebody in it is a trained or scripted policy, who knows only the game's own messages.

    Raises:
        Misfit: it is none of those that can be said in words, or must be talked in.
    """
    for kind, words in WITH_MESSAGES.items():
        if isinstance(game, kind):
            if talk == "off":
                raise Misfit(f"{kind.__name__} is a game of messages; --talk off leaves nothing to play")
            return words(game, coded=trained)
    for kind, (words, usual) in WITH_TALK.items():
        if isinstance(game, kind):
            return words(game, usual if talk == "auto" else talk == "on")
    raise Misfit(f"{type(game).__name__} is not told in words; language models play {KINDS}")


def opponent(plan: Plan) -> bool:
    """Whether the partner is a trained or scripted policy."""
    return plan.partner not in (SELF, LITERAL) and not plan.partner.startswith(OTHER_MODEL)


def seated(
    plan: Plan, text: TextGame, found: Opponent | None, client: Client, seed: int
) -> tuple[list[str], list[Seat]]:
    """Who sits where: names for the transcript, and what makes each player.

    Raises:
        SettingError: there is no such seat.
        Misfit: the partner cannot play here.
    """
    count = text.players
    if plan.seat >= count:
        raise SettingError(f"--seat must be below {count}, the number of players, got {plan.seat}")
    own = _model(plan, text, client, plan.model, seed)
    others = _partners(plan, text, found, client, seed)
    alone = plan.partner != SELF
    names = [plan.partner if alone and seat != plan.seat else plan.model for seat in range(count)]
    plain = [re.sub(r"\s+", " ", name) or "model" for name in names]
    return plain, [others[seat] if alone and seat != plan.seat else own for seat in range(count)]


def _model(plan: Plan, text: TextGame, client: Client, name: str, seed: int) -> Seat:
    return lambda: Model(text, client, name, plan, seed)


def _partners(plan: Plan, text: TextGame, found: Opponent | None, client: Client, seed: int) -> Sequence[Seat]:
    """Who would play each seat if the partner did."""
    if found is not None:
        return [_trained(text, deciding(text, policy, params), seed) for policy, params in found.seats]
    if plan.partner == LITERAL:
        Literal(text, seed)  # raises where it does not fit
        return [lambda: Literal(text, seed)] * text.players
    name = plan.model if plan.partner == SELF else plan.partner.removeprefix(OTHER_MODEL)
    return [_model(plan, text, client, name, seed)] * text.players


def _trained(text: TextGame, policy: Deciding, seed: int) -> Seat:
    return lambda: Trained(text, policy, seed)
