"""`tacit evaluate messages`: what do messages carry, who acts on it, and is it what they say?"""

import dataclasses
from typing import Any

from tacit.command_line import Command, Common
from tacit.commands.computed import evaluate_models, print_table, rounded
from tacit.evaluation.audit_settings import Auditing, Plan
from tacit.settings import setting


@dataclasses.dataclass(frozen=True)
class Options(Common, Auditing):
    """Options of `tacit evaluate messages`."""

    seed: int = setting(0, "of the episodes that all play, of all luck and of all draws", low=0, high=2**32 - 1)


COMMAND = Command(
    "evaluate messages",
    "What do messages carry, who acts on them, and is it what they say? Runs (RUN, or RUN:0,3 for some of their seeds) "
    "and scripted players, or a transcript of what was said (FILE.jsonl).",
    Options,
    "MODEL... | TRANSCRIPT",
    1,
    1000,
)


def run(argv: list[str]) -> int:
    """Audits players and shows what came of it.

    Raises:
        InputError: a model, a transcript, the game or an option is refused; one line says why.
    """
    return evaluate_models(argv, COMMAND, Plan, "messages", _show)


def _show(result: dict[str, Any]) -> None:
    """Prints the verdicts and the main tables; pictures and all figures are on the page."""
    from rich.console import Console

    from tacit.runs import messages_page as page

    console = Console(width=max(Console().width, 130))
    for name, found in result["verdicts"].items():
        console.print(f"{name}: {found['kind'].upper()}. {found['sentence']} {found['uncertainty']}", markup=False)
        console.print()
    tables = (
        ("What messages tell", page.HEAD_FIGURES, page.rows_figures, page.WORDS_FIGURES),
        ("Information in parts", page.HEAD_PARTS, page.rows_parts, page.WORDS_PARTS),
        ("Returns", page.HEAD_RETURNS, page.rows_returns, page.WORDS_RETURNS),
    )
    for title, head, rows_of, words in tables:
        if rows := rows_of(result):
            print_table(console, title, head, rounded(rows), words)
    if result["strangers"] is not None:
        names = result["models"]
        square = [
            [f"{k} {name}", *row]
            for k, (name, row) in enumerate(zip(names, result["strangers"]["returns"], strict=True))
        ]
        head = ("players", *(str(k) for k in range(len(names))))
        print_table(console, "Return among strangers, row in seat 0, column in all other seats", head, square)
    console.print("What this audit could not see:")
    for line in result["blind"]:
        console.print(f"- {line}", markup=False)
