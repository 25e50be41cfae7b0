"""The page of an audit: the verdict first, then pictures that show why, then all figures."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tacit.evaluation.pairings import summarize
from tacit.evaluation.transcripts import NATURAL
from tacit.runs import exhibits, plots_messages
from tacit.runs.exhibits import Exhibit

DRAWN = 8  # models whose messages are drawn
Content = Mapping[str, Any]
HEAD = ("players", "kind", "verdict", "how sure")
WORDS = (
    "Private state: {about}. In the words of the verdict, a bit halves what is possible; information is corrected for "
    "bias, with 95 % intervals."
)
HEAD_FIGURES = ("players", "messages", "H(M)", "to be told", "told", "low", "high", "by chance", "adj. p", "IC", "SC")
WORDS_FIGURES = (
    "In bits a message. H(M): how much of the alphabet is used; to be told: H(X given O) of the private state; told: "
    "I(M; X given O), and what it would be by chance; IC: I(M; A) with the listener's next action; SC: with the "
    "speaker's own. Adjusted for all tests of a report (Holm)."
)
HEAD_FORM = (
    "players",
    "influence",
    "low",
    "high",
    "of any",
    "of wording",
    "context independence",
    "topographic",
    "positional",
    "bag",
)
WORDS_FORM = (
    "Influence: one message is set, and decides so many bits of what the listener does, each as often as it is said; "
    "of any: all messages alike; of wording: the same claim, worded anew. The rest: one sign for one thing, and "
    "whether parts of messages stand for parts of states; - where there are no parts, or nothing varies."
)
HEAD_PARTS = (
    "players",
    "told",
    "literal",
    "wording",
    "selection",
    "excess",
    "room: wording",
    "room: claims",
    "% false",
)
WORDS_PARTS = (
    "What is told = literal (the declared meaning) + wording (the form) + selection (which truth is said). Excess: "
    "wording and selection beyond those of a speaker that says any truth alike. Rooms: the most that could be there."
)
HEAD_RETURNS = ("players", "delivered", "return", "low", "high", "natural less this", "low", "high", "adj. p")
WORDS_RETURNS = (
    "Mean returns of the same episodes with the same luck. silent: nothing; shuffled: messages of other episodes; "
    "uniform: any message; canonical, synonyms: the same claim in other words; grounded-speaker: any true message; "
    "literal-listener: who takes messages at their word."
)
MEAN = ("mean", "low", "high")
WORDS_SHARES = (
    "w: in the wording; k: in conventions, above 1 where the literal listener does worse than without messages."
)
WORDS_GAPS = "How much less of the channel strangers make: J - J_0 with the own partner, less the same with others."
AXES = ("in seat 0", "in all other seats")
CAPTIONS = {
    "said": "A row is what the speaker knows; bright cells are what is then said. One bright cell in each row, and in "
    "different columns, tells everything; rows that are alike tell nothing.",
    "parts": "Each bar is what a message tells of what the speaker knows. Blue is what messages are declared to mean; "
    "all else is understood only by who knows the code. Where nothing is declared, all is convention.",
    "returns": "The same episodes with the same luck, with something else delivered. What falls to the left was worth "
    "something: without messages (silent, shuffled), in other words (canonical, synonyms), without lies and choice "
    "(grounded-speaker), or heard by somebody who takes them at their word (literal-listener).",
    "strangers": "Players of one run with those of another. Where strangers earn less than partners, something has to "
    "be known that messages do not say by themselves.",
    "agreement": "How often both would say the same in the same state: 1 is one code, 0 are two.",
}


def page(content: Content) -> list[Exhibit]:
    """The exhibits, in order: pictures, then all figures as tables."""
    shown = pictures(content)
    tables = (
        ("Information in parts", HEAD_PARTS, rows_parts(content), WORDS_PARTS),
        ("Returns", HEAD_RETURNS, rows_returns(content), WORDS_RETURNS),
        ("Shares of what messages are worth", ("players", "share", *MEAN), rows_shares(content), WORDS_SHARES),
        ("What messages tell", HEAD_FIGURES, rows_figures(content), WORDS_FIGURES),
        ("Who listens, and the form", HEAD_FORM, rows_form(content), WORDS_FORM),
        ("Outsider gap", ("players", "g"), rows_gaps(content), WORDS_GAPS),
    )
    shown += [exhibits.table(title, head, rows, words) for title, head, rows, words in tables if rows]
    tests = [[name, what, *p] for name, each in content["tests"].items() for what, p in each.items()]
    shown.append(
        exhibits.table("All tests", ("players", "test", "p", "adjusted"), tests, "Holm's method over a report.")
    )
    return [*shown, exhibits.table("What this audit could not see", ("limit",), [[line] for line in content["blind"]])]


def pictures(content: Content) -> list[Exhibit]:
    """The verdict, and pictures of why: what is said when, what that tells, what it is worth, and strangers."""
    rows = [
        [name, found["kind"], found["sentence"], found["uncertainty"]] for name, found in content["verdicts"].items()
    ]
    shown = [exhibits.table(f"Verdict: {headline(content)}", HEAD, rows, WORDS.format(about=content["about"]))]
    return [
        *shown,
        *_beyond(content["beyond"]),
        *_said(content),
        *_parts(content),
        *_returns(content),
        *_strangers(content),
    ]


def headline(content: Content) -> str:
    """The verdict over all players in a few words."""
    kinds = [found["kind"] for found in content["verdicts"].values()]
    if len(kinds) == 1:
        return kinds[0]
    words = ", ".join(f"{kinds.count(kind)} of {len(kinds)} {kind}" for kind in dict.fromkeys(kinds))
    found = summarize(np.array(content["strangers"]["returns"]))
    return f"{words}; own partners earn {found.self_play.mean:.2f}, strangers {found.cross_play.mean:.2f}"


def _said(content: Content) -> list[Exhibit]:
    """What is said in each state: of all in one picture, where that is not too high, or of each of the first ones."""
    each = {name: said for name, said in content["said"].items() if said is not None}
    odds = {name: _odds(np.array(said["counts"], float)) for name, said in each.items()}
    title = "How often each message is said in each state"
    if each and sum(map(len, odds.values())) <= exhibits.MOST_FIGURES:
        rows = [
            f"{name}: {state}" if len(each) > 1 else state for name, said in each.items() for state in said["states"]
        ]
        columns = next(iter(each.values()))["messages"]
        picture = exhibits.heat_map(title, rows, columns, np.concatenate([*odds.values()]))
        return [_explained(picture, "said")]
    return [
        _explained(exhibits.heat_map(f"{title}: {name}", said["states"], said["messages"], odds[name]), "said")
        for name, said in [*each.items()][:DRAWN]
    ]


def _explained(exhibit: Exhibit, which: str) -> Exhibit:
    return exhibit | {"caption": CAPTIONS[which]}


def _odds(counts: np.ndarray) -> np.ndarray:
    total = counts.sum(1, keepdims=True)
    return np.where(total > 0, counts / np.maximum(total, 1), np.nan)


def _parts(content: Content) -> list[Exhibit]:
    """What is told, part by part, beside the room that there is; all of it is convention where nothing is declared.

    Of who says what is false nothing is literal: taken at their word such messages mislead, by any number of bits.
    """
    told = [found for found in content["figures"].values() if found]
    if not told:
        return []
    declared = all(found["parts"] for found in told)
    parts: dict[str, list[float]] = {part: [] for part in ((*PARTS, FALSE) if declared else ("convention",))}
    for found in told:
        lies = any(each["found"] and each["about"] == "lies" for each in found["findings"])
        whole = {(FALSE if declared else "convention"): found["information"]["corrected"]}
        split = {part: found["parts"][part]["corrected"] for part in PARTS} if declared and not lies else whole
        for part, values in parts.items():
            values.append(split.get(part, 0.0))
    marks = {"all there is to tell": [found["of_state"] for found in told]}
    if declared:
        rooms = [found["parts"]["wording_room"]["plain"] + found["parts"]["claims"]["corrected"] for found in told]
        marks |= {"told, had wordings been used in full": rooms}
    names = [name for name, found in content["figures"].items() if found]
    bars = plots_messages.stacks("What a message tells", names, parts, marks, "bits a message")
    return [_explained(bars, "parts")]


FALSE = "by messages that are false"
PARTS = ("literal", "wording", "selection")


def _returns(content: Content) -> list[Exhibit]:
    returns = content["returns"]
    arms = list(dict.fromkeys(arm for each in returns.values() for arm in each))
    if len(arms) < 2:
        return []
    each = [*returns.items()][:DRAWN]
    rows = {name: [_interval(of[arm]) if arm in of else None for arm in arms] for name, of in each}
    title = "Mean return, by what is delivered in place of what was said"
    return [_explained(plots_messages.intervals(title, arms, rows, "return, with 95 % intervals"), "returns")]


def _interval(mean: Mapping[str, float]) -> tuple[float, float, float]:
    return mean["mean"], mean["low"], mean["high"]


def _strangers(content: Content) -> list[Exhibit]:
    met, names = content["strangers"], content["models"]
    if met is None:
        return []
    matrix = np.array(met["returns"])
    found = summarize(matrix)
    groups = [name.partition(":")[0] for name in names]
    title = (
        f"Return among strangers: own partners (framed) {found.self_play.mean:.3g}, others {found.cross_play.mean:.3g}"
    )
    agreement = np.array(met["agreement"], float)
    return [
        _explained(exhibits.square(title, names, matrix, groups, AXES), "strangers"),
        _explained(exhibits.square("How far two codes agree", names, agreement, groups, ("one", "other")), "agreement"),
    ]


def rows_gaps(content: Content) -> list[list[Any]]:
    """How much less of the channel strangers make of each."""
    met = content["strangers"]
    if met is None or met["gaps"] is None:
        return []
    return [[*row] for row in zip(content["models"], met["gaps"], strict=True)]


def _beyond(found: Mapping[str, Mapping[str, float]]) -> list[Exhibit]:
    """What moves of Hanabi tell by the rules, which is literal, and beyond them, which is convention."""
    if not found:
        return []
    parts = {part: [each[part] for each in found.values()] for part in ("by the rules", "beyond them")}
    title = "What a move tells its listener about its hand: by the rules, and beyond them"
    return [plots_messages.stacks(title, [*found], parts, {}, "bits a move")]


def rows_figures(content: Content) -> list[list[Any]]:
    """The rows of the table with `HEAD_FIGURES`."""
    rows = []
    for name, found in content["figures"].items():
        if found:
            told = found["information"]
            figures = [found["entropy"]["corrected"], found["of_state"], told["corrected"], told["low"], told["high"]]
            others = [
                None if found[key] is None else found[key]["corrected"] for key in ("coordination", "consistency")
            ]
            adjusted = content["tests"][name]["information"][1]
            rows.append([name, str(found["messages"]), *figures, told["by_chance"], adjusted, *others])
    return rows


def rows_form(content: Content) -> list[list[Any]]:
    """The rows of the table with `HEAD_FORM`."""
    rows = []
    for name, found in content["figures"].items():
        if found:
            done = content["influence"][name]
            of_message = list(_interval(done["message"])) if "message" in done else [None] * 3
            others = [done[kind]["mean"] if kind in done else None for kind in ("any", "wording")]
            form = [found[key] for key in ("independence", "similarity", "positional", "bag")]
            rows.append([name, *of_message, *others, *form])
    return rows


def rows_parts(content: Content) -> list[list[Any]]:
    """The rows of the table with `HEAD_PARTS`."""
    columns = ("information", *PARTS, "excess")
    rows = []
    for name, found in content["figures"].items():
        if found and found["parts"]:
            parts = found["parts"]
            figures = [parts[column]["corrected"] for column in columns]
            rooms = [parts[room]["plain"] for room in ("wording_room", "claims_room")]
            rows.append([name, *figures, *rooms, 100 * parts["lies"]["plain"]])
    return rows


def rows_returns(content: Content) -> list[list[Any]]:
    """The rows of the table with `HEAD_RETURNS`."""
    rows = []
    if all(len(each) == 1 for each in content["returns"].values()):
        return []  # nothing was altered
    for name, each in content["returns"].items():
        for arm, mean in each.items():
            change = content["changes"][name].get(arm)
            less: Sequence[Any] = [None] * 4
            if arm != NATURAL and change is not None:
                less = [*_interval(change), content["tests"][name][f"return, {arm}"][1]]
            rows.append([name, arm, *_interval(mean), *less])
    return rows


def rows_shares(content: Content) -> list[list[Any]]:
    """Of each model w and k, where messages are worth something."""
    return [[name, share, *_interval(mean)] for name, each in content["shares"].items() for share, mean in each.items()]
