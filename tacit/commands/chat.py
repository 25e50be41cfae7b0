"""`tacit evaluate chat`: a language model plays, and what it says is written down."""

import dataclasses
import pathlib
from typing import Any

from tacit.command_line import Command, Common, parse, prepare
from tacit.commands.computed import carry_out, print_table
from tacit.evaluation.chat_settings import Asking, Meeting, Plan
from tacit.settings import setting


@dataclasses.dataclass(frozen=True)
class Options(Common, Meeting, Asking):
    """Options of `tacit evaluate chat`."""

    seed: int = setting(0, "of the episodes, of all luck, and of what is sent with requests", low=0, high=2**32 - 1)

    def __post_init__(self) -> None:
        Asking.__post_init__(self)
        Meeting.__post_init__(self)


COMMAND = Command(
    "evaluate chat",
    "A language model at an endpoint of OpenAI's form plays a game (referential, phone-booth, ipd:length=10, levers, "
    "hanabi-small, ...) with itself or with others. What was said becomes a transcript for tacit evaluate messages.",
    Options,
    "GAME",
    1,
    1,
)


def run(argv: list[str]) -> int:
    """Plays, and shows what came of it.

    Raises:
        InputError: an option, the key, the game or the partner is refused, or the endpoint refuses; one line says why.
        Stopped: a limit of the run was reached; what was played until then is in the run folder.
    """
    parsed = parse(COMMAND, argv)
    options: Any = parsed.options
    names = [field.name for field in dataclasses.fields(Plan) if field.name != "game"]
    plan = Plan(**{name: getattr(options, name) for name in names}, game=parsed.words[0])
    prepare()
    from tacit.runs import chat

    wanted = chat.computation(plan, options.seed, pathlib.Path(options.out))
    return carry_out(options, "chat", wanted, _show, f"to audit it: tacit evaluate messages {{run}}/{chat.TRANSCRIPT}")


def _show(result: dict[str, Any]) -> None:
    """Prints the tables; an example is on the page."""
    from rich.console import Console

    from tacit.runs import chat

    console = Console(width=max(Console().width, 130))
    print_table(console, "Returns", chat.HEAD_RETURNS, chat.rows_returns(result), chat.WORDS_RETURNS)
    print_table(console, "Replies", chat.HEAD_REPLIES, chat.rows_replies(result), chat.WORDS_REPLIES)
    print_table(console, "Calls, in this run", ("what", "count"), chat.rows_calls(result))
