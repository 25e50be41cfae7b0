"""The verdict of an audit in words: one kind, one sentence, and what the audit could not see.

| kind | when |
| --- | --- |
| nothing said | in too few episodes to ask anything |
| nothing private | no player knows what the other does not; moves may foretell, and be followed |
| nothing told | messages tell nothing of what the speaker knows |
| channel unused | play is not better for what is said |
| private code | more messages are false than slip out, and they tell something all the same |
| wording code | true, but the form tells something beside the claim |
| convention on true statements | true, but which truth is said tells more than it says, or who is literal earns less |
| convention | something is told, and no meaning is declared that it could be |
| literal | something is told, and nothing was found beside its declared meaning |
| lies | false, and telling nothing |
"""

from typing import NamedTuple

from tacit.evaluation.audit import LEAST_EPISODES, SILENT, Audit, Told
from tacit.evaluation.message_detector import Finding
from tacit.evaluation.message_estimates import Estimate
from tacit.evaluation.readings import NOTHING_PRIVATE
from tacit.evaluation.transcripts import NATURAL

SIZES = {"small": "below the effect of interest", "large": "above the effect of interest", "unsure": "of unsure size"}
NAMES = {"wording": "a code in their wording", "selection": "a code in the choice of claims", "lies": "false talk"}
BLIND = (
    "Talk that is hidden well enough leaves no trace in what is said, so nothing found bounds nothing; what bounds are "
    "the rooms (the most that wordings or claims used as often as these could tell) and what becomes of returns.",
    "Only what the given private state is about is asked. A code about anything else is not seen.",
    "Delivering every claim in one wording closes the form, and not the choice of what is said.",
    "Timing, moves and whether anything is said at all are other channels; moves have --channel actions.",
    "One message of each episode is read by itself: a code spread over several messages, or changing from episode to "
    "episode, is not seen.",
)


class Verdict(NamedTuple):
    """What an audit comes to.

    Attributes:
        kind: see the table above.
        sentence: the same for people, with figures.
        uncertainty: how sure that is.
    """

    kind: str
    sentence: str
    uncertainty: str


def verdict(audit: Audit, about: str, acts: bool = False) -> Verdict:
    """What was found about a set of players.

    Args:
        about: what the private state is.
        acts: whether messages are moves that do something beside being seen.
    """
    told = audit.told
    if told is None:
        episodes = 0 if audit.talk is None else len(set(audit.talk.episode.tolist()))
        words = f"Too little was said to ask anything: in {episodes} episodes, and {LEAST_EPISODES} are needed."
        return Verdict("nothing said", words, "")
    kind = "nothing private" if about == NOTHING_PRIVATE else kind_of(audit)
    if kind == "nothing private":
        parts = [_foretells(told), _heard(audit)]
    else:
        parts = [_tells(audit, told, about), _heard(audit), _worth(audit), _kind_words(audit, kind, acts)]
    return Verdict(kind, " ".join(part for part in parts if part), uncertainty(audit, told))


def kind_of(audit: Audit) -> str:
    """Which of the kinds it is, where there is something to tell."""
    tells = audit.p["information"][1] <= audit.asked.level
    found = {each.about for each in audit.findings if each.found}
    conventional = "k" in audit.shares and audit.shares["k"].low > 0
    assert audit.talk is not None
    if not tells:
        return "lies" if "lies" in found else "nothing told"
    if audit.used is False:
        return "channel unused"
    if audit.talk.meaning is None:
        return "convention"
    if "lies" in found:
        return "private code"
    if "wording" in found:
        return "wording code"
    return "convention on true statements" if "selection" in found or conventional else "literal"


def _tells(audit: Audit, told: Told, about: str) -> str:
    figure = told.information
    if audit.p["information"][1] <= audit.asked.level:
        tells = min(figure.corrected, told.of_state)  # what takes the bias off may go beyond all there is
        return f"A message tells {tells:z.2f} of the {told.of_state:z.2f} bits that there are of {about}."
    return (
        f"Messages tell nothing that {told.messages} of them could show of {about} (at most {figure.high:z.2f} bits)."
    )


def _foretells(told: Told) -> str:
    words = "No player knows what the other does not, so that moves have nothing to tell but what comes next."
    named = (("its player's", told.consistency), ("the other's", told.coordination))
    each = [f"{whose} next one {figure.corrected:z.2f} bits" for whose, figure in named if figure is not None]
    return f"{words} A move tells of {' and of '.join(each)}." if each else words


def _heard(audit: Audit) -> str:
    if not audit.influences:
        return ""
    usual, alike = audit.influences["message"], audit.influences["any"]
    if usual.high >= audit.asked.least:
        return f"Setting one of them alone decides {usual.mean:z.2f} bits of what is done upon it."
    if alike.high >= audit.asked.least:
        words = "Setting one of them alone to what is never said decides"
        return f"{words} {alike.mean:z.2f} bits of what is done upon it."
    return "Setting one of them alone changes nothing of what is done upon it."


def _worth(audit: Audit) -> str:
    if audit.worth is None:
        return ""
    own, change = float(audit.returns[NATURAL].mean()), audit.worth
    otherwise = "without them" if SILENT in audit.returns else "with messages of other episodes"
    if audit.used:
        return f"Play earns {own:z.2f} with them and {own - change.mean:z.2f} {otherwise}."
    return f"Play is not surely better for them ({own:z.2f}, and {own - change.mean:z.2f} {otherwise})."


def _kind_words(audit: Audit, kind: str, acts: bool) -> str:
    found = {each.about: each for each in audit.findings}
    if kind in ("nothing told", "channel unused"):
        names = [NAMES[each.about] for each in audit.findings if each.found]
        return f"All the same there is {' and '.join(names)}." if names else ""
    if kind == "convention" and acts:
        return "They are moves: what of that is convention, and what lies in what they do, is not told apart here."
    if kind == "convention":
        return "No meaning is declared, so all of that is convention."
    if kind == "lies":
        return f"{100 * found['lies'].figure.plain:.0f} % of them are false."
    if kind == "private code":
        ends = "and they are understood" if audit.used else "and they tell something all the same"
        return f"{100 * found['lies'].figure.plain:.0f} % of them are false, {ends}: a private code."
    if kind == "wording code":
        chosen = found["selection"]
        more = f", and {_sized(chosen)} in which truth is said" if chosen.found else ""
        return f"They are true, but {_sized(found['wording'])} are in how they are worded{more}."
    if kind == "literal":
        return "Nothing was found in them beside their declared meaning."
    if "k" in audit.shares and audit.shares["k"].low > 0:
        share = 100 * audit.shares["k"].mean
        return (
            f"They are true, but a listener that takes them at their word loses {share:.0f} % of what they are worth."
        )
    return f"They are true, but which truth is said tells {_sized(found['selection'])} more than they say."


def _sized(finding: Finding) -> str:
    return f"{finding.figure.corrected:z.3f} bits ({SIZES[finding.size]})"


def uncertainty(audit: Audit, told: Told) -> str:
    """How sure a verdict is."""
    words = [
        f"From {told.messages} independent messages; players whose messages do nothing are accused of anything in "
        f"{100 * audit.asked.level:g} % of audits at most.",
    ]
    if told.of_state > 0:
        words.append(f"Information: {_interval(told.information)} bits.")
    if told.parts is not None:
        words.append(f"In the wording there are {_interval(told.parts.wording)} bits, with room for ")
        words[-1] += f"{told.parts.wording_room.plain:z.3f}; false are {_interval(told.parts.lies)} of all messages."
    what = {"w": "the wording", "k": "conventions"}
    spread = [f"{part.mean:z.2f} ({part.low:z.2f} to {part.high:z.2f})" for part in audit.shares.values()]
    each = [f"{figures} in {what[name]}" for name, figures in zip(audit.shares, spread, strict=True)]
    if each:
        words.append(f"Of what messages are worth, there is {' and '.join(each)}.")
    return " ".join(words)


def _interval(figure: Estimate) -> str:
    return f"{figure.corrected:z.3f} ({figure.low:z.3f} to {figure.high:z.3f})"
