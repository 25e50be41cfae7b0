"""Games. `GAMES` names them as text, so that listing them imports nothing; `FAMILIES` those of other libraries."""

from typing import Any

from tacit.errors import SettingError
from tacit.registry import Entry, load, modify
from tacit.settings import unknown

GAMES = {
    "ipd": Entry("tacit.games.matrix:ipd", "iterated prisoner's dilemma"),
    "axelrod-ipd": Entry("tacit.games.matrix:axelrod_ipd", "iterated prisoner's dilemma, Axelrod's payoffs"),
    "imp": Entry("tacit.games.matrix:imp", "iterated matching pennies, zero-sum"),
    "iterated-chicken": Entry("tacit.games.matrix:iterated_chicken", "cars and cyclists, again and again"),
    "iterated-stag-hunt": Entry("tacit.games.matrix:iterated_stag_hunt", "iterated stag hunt"),
    "prisoners-dilemma": Entry("tacit.games.matrix:prisoners_dilemma", "prisoner's dilemma, played once"),
    "matching-pennies": Entry("tacit.games.matrix:matching_pennies", "matching pennies, played once"),
    "chicken": Entry("tacit.games.matrix:chicken", "cars and cyclists, played once: swerve or go straight"),
    "stag-hunt": Entry("tacit.games.matrix:stag_hunt", "stag hunt, played once"),
    "coin-lola": Entry("tacit.games.coin:lola", "coin game, LOLA's rules: one coin, red takes a tie"),
    "coin-pola": Entry("tacit.games.coin:pola", "coin game, POLA's rules: one coin, both take a tie"),
    "coin-mfos": Entry("tacit.games.coin:mfos", "coin game, M-FOS's rules: two coins, 16 boards of 16 steps"),
    "coin-pax": Entry("tacit.games.coin:pax", "coin game, rules of Pax and JaxMARL: two coins, five moves"),
    "commons": Entry("tacit.games.commons:commons", "several players harvest one stock that grows back"),
    "levers": Entry("tacit.games.levers:levers", "ten levers, nine of them alike: pull the one that the other pulls"),
    "repeated-levers": Entry("tacit.games.levers:repeated_levers", "the same levers twenty times, all pulls seen"),
    "tiny-hanabi-a": Entry("tacit.games.tiny_hanabi:tiny_hanabi_a", "Tiny Hanabi A: two cards, two moves; best 2.25"),
    "tiny-hanabi-b": Entry("tacit.games.tiny_hanabi:tiny_hanabi_b", "Tiny Hanabi B: two cards, two moves; best 1"),
    "tiny-hanabi-c": Entry("tacit.games.tiny_hanabi:tiny_hanabi_c", "Tiny Hanabi C: two cards, two moves; best 2.5"),
    "tiny-hanabi-d": Entry("tacit.games.tiny_hanabi:tiny_hanabi_d", "Tiny Hanabi D: two cards, two moves; best 2.5"),
    "tiny-hanabi-e": Entry(
        "tacit.games.tiny_hanabi:tiny_hanabi_e", "Tiny Hanabi E: two cards, three moves; best 10, safe 8"
    ),
    "tiny-hanabi-f": Entry("tacit.games.tiny_hanabi:tiny_hanabi_f", "Tiny Hanabi F: three cards, two moves; best 7/3"),
    "pet-light": Entry("tacit.games.pet_light:pet_light", "tell a pet by a code that is free, or show it for a price"),
    "witness": Entry(
        "tacit.games.witness:witness", "all that is said is true; more is told by how, and by what is chosen"
    ),
    "hanabi": Entry("tacit.games.hanabi:hanabi", "Hanabi, two to five players, five colors and ranks"),
    "hanabi-small": Entry("tacit.games.hanabi:hanabi_small", "Hanabi, two colors, hands of two cards, one life"),
    "hanabi-very-small": Entry(
        "tacit.games.hanabi:hanabi_very_small", "Hanabi, one color, hands of two cards, one life"
    ),
    "switch-riddle": Entry(
        "tacit.games.switch_riddle:switch_riddle", "prisoners tell by one switch when all have been in its room"
    ),
    "color-digit": Entry(
        "tacit.games.color_digit:color_digit", "two see a colored digit each; what pays is to say whether it is odd"
    ),
    "multi-step-digits": Entry(
        "tacit.games.multi_step_digits:multi_step_digits", "two see a digit each and spell it to the other bit by bit"
    ),
    "phone-booth": Entry("tacit.games.phone_booth:single", "a hint by a telephone that must first be found"),
    "phone-booths": Entry("tacit.games.phone_booth:multi", "the same with three telephones: noisy, dear, and perfect"),
    "referential": Entry("tacit.games.referential:referential", "say which object is meant; the other picks it"),
    "maze": Entry("tacit.games.maze:maze", "find the goal of a maze of which five by five cells are seen"),
    "maze-small": Entry("tacit.games.maze:maze_small", "the same on seven by seven cells, in 60 steps"),
    "frozen-lake": Entry("tacit.games.frozen_lake:frozen_lake", "cross slippery ice to a goal, around holes; 64 cells"),
    "fruit-choice": Entry(
        "tacit.games.fruit:fruit_choice", "kick doors open to reach two fruits; which is right is never shown"
    ),
    "two-fruits": Entry("tacit.games.fruit:two_fruits", "the last decision of fruit choice alone: apple or banana"),
    "farbook": Entry("tacit.games.farbook:farbook", "trade at the best quotes of a book; far from them is cheap talk"),
    "cart-pole": Entry("tacit.games.cart_pole:cart_pole", "keep a pole up on a cart, pushed left or right"),
    "pendulum": Entry("tacit.games.pendulum:pendulum", "swing a pendulum up with a weak motor; actions are numbers"),
    "reacher": Entry("tacit.games.reacher:reacher", "reach a goal with an arm of two links; actions are numbers"),
    "probe": Entry("tacit.games.probes:probe", "tiny games with known answers, for testing learners"),
}


FAMILIES = {
    "gymnax:TASK": Entry("tacit.interop.gymnax:task", "any task of gymnax, where it is installed: gymnax:CartPole-v1"),
}


def family(name: str) -> str:
    """The family that a name belongs to, as `FAMILIES` has it; empty where it names one of our own games."""
    before, colon, _ = name.partition(":")
    return next((form for form in FAMILIES if colon and form.partition(":")[0] == before), "")


def check_name(name: str) -> None:
    """Refuses the name of no game, and imports nothing for it.

    Raises:
        SettingError: it is unknown; the line names the nearest one and all that are allowed.
    """
    if name not in GAMES and not family(name):
        raise SettingError(unknown("game", name, [*GAMES, *FAMILIES]))


def make(name: str, **rules: Any) -> Any:
    """The game of that name, with some of its rules changed.

    Raises:
        SettingError: the name or a rule is unknown, or a value is refused; the line says what is allowed.
        InputError: it is a game of another library, which is not installed.
    """
    check_name(name)
    if form := family(name):
        return modify(load("game", FAMILIES, form)(name.partition(":")[2]), rules)
    return modify(load("game", GAMES, name)(), rules)
