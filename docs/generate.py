"""Rewrites what the documentation says of settings, commands, players and recipes from the code that defines them.

A page marks such a block with `<!-- KIND: WORDS -->` above it and `<!-- end -->` below it. What stands between the two
is replaced; everything else stays as it is. Run `python docs/generate.py` after a change; the tests hold every page
against what this makes.
"""

import pathlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tacit import games, settings
from tacit.cli import COMMANDS
from tacit.commands import EVALUATIONS
from tacit.games.channel import Heard
from tacit.games.maze import MazeView
from tacit.learners import HANABI_BOTS, LEARNERS, PLAYERS, TRADERS
from tacit.learners.scripted import MEMORY_ONE
from tacit.policies import POLICIES, place
from tacit.recipes import RECIPES
from tacit.recipes.base import Budget, Target
from tacit.registry import load
from tacit.runs import store
from tacit.runs.computation import Computation
from tacit.runs.exhibits import counted
from tacit.settings import Option, options
from tacit.types import Action, Bits, Discrete, Real

DOCS = pathlib.Path(__file__).resolve().parent
BLOCK = re.compile(r"(<!-- (?P<kind>[a-z]+)(?:: (?P<words>[^>]*?))? -->\n).*?(<!-- end -->)", re.DOTALL)
REGISTRIES = {
    "games": games.GAMES | games.FAMILIES,
    "learners": LEARNERS,
    "players": PLAYERS,
    "policies": POLICIES,
    "recipes": RECIPES,
}
NOTHING = "-"
HEAD = ("Option", "Default", "Allowed", "Unit", "Meaning", "Source")  # of a table of settings


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; bars inside cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def value(of: Any) -> str:
    """A setting's value as one would type it."""
    if of is None:
        return "not given"
    if isinstance(of, bool):
        return "on" if of else "off"
    if isinstance(of, tuple):
        return " ".join(value(item) for item in of) or "none"
    return (f"{of:.10g}" if isinstance(of, float) else str(of)) or "none"


def flag(option: Option, prefix: str) -> str:
    """An option as one would type it."""
    return f"`--{prefix}{option.name.replace('_', '-')}`"


def meaning(option: Option) -> list[str]:
    """The cells of an option that do not depend on a record: allowed values, unit, meaning, source."""
    return [option.allowed or settings.words(option), option.unit or NOTHING, option.help, option.source or NOTHING]


def settings_of(learner: str) -> str:
    """The settings of a learner."""
    described = options(load("learner", LEARNERS, learner).Config)
    return table(HEAD, [[flag(option, "learner."), value(option.default), *meaning(option)] for option in described])


def rules_of(*names: str) -> str:
    """The settings of games that share a page, with the default of each."""
    made = [games.make(name) for name in names]
    rows = []
    for option in options(type(made[0])):
        each = [value(getattr(game, option.name)) for game in made]
        told = each[0] if len(set(each)) == 1 else ", ".join(f"{v} (`{n}`)" for v, n in zip(each, names, strict=True))
        words = meaning(option)
        if value(option.default) not in each:
            words[-1] = NOTHING  # the source is that of another game's default
        rows.append([flag(option, "game."), told, *words])
    return table(HEAD, rows)


def specs_of(*names: str) -> str:
    """What games that share a page promise about themselves."""
    made = [games.make(name) for name in names]
    specs = [game.spec for game in made]
    rows = [
        ["Players", *(str(spec.num_players) for spec in specs)],
        ["Actions of a player", *(space(spec.action) for spec in specs)],
        ["Observation of a player", *(space(spec.observation) for spec in specs)],
        ["Reward of a player in a step", *(f"{spec.reward_range[0]:g} to {spec.reward_range[1]:g}" for spec in specs)],
        ["Longest episode", *(f"{spec.max_length} step{'s' * (spec.max_length > 1)}" for spec in specs)],
        ["Discount", *(value(game.discount) for game in made)],
    ]
    return table(["", *(f"`{name}`" for name in names)], rows)


def space(of: Any) -> str:
    """A space in words."""
    if isinstance(of, Discrete):
        return f"one of {of.n}"
    if isinstance(of, Bits):
        return f"{of.n} bit{'s' * (of.n > 1)}"
    if isinstance(of, Real):
        many = "s" * (of.shape != (1,))
        return f"{' x '.join(map(str, of.shape))} real number{many}, {of.low:g} to {of.high:g}"
    if isinstance(of, Action):
        return f"{space(of.move)}, and a message of {space(of.message)}"
    if isinstance(of, Heard):
        return f"{space(of.view)}; a message as {space(of.message)}, and whether there was one"
    if isinstance(of, MazeView):
        return f"an image of {space(of.image)}; a direction as {space(of.direction)}"
    return str(of)


def players() -> str:
    """Every scripted player of matrix games: its rule, and its probabilities where it remembers one round."""
    rows = []
    for name, entry in PLAYERS.items():
        if name in HANABI_BOTS or name in TRADERS:
            continue
        player = load("player", PLAYERS, name)
        known = player.policy is MEMORY_ONE
        chances = [f"{chance:.4g}" for chance in player.params] if known else [NOTHING] * 5
        rows.append([f"`{name}`", entry.line, *chances])
    return table(["Name", "Rule", "CC", "CD", "DC", "DD", "start"], rows)


def bots() -> str:
    """Every scripted player of Hanabi with its rules, in order."""
    rows = []
    for name, entry in HANABI_BOTS.items():
        rules = load("player", HANABI_BOTS, name).rules
        words = ", ".join(rule.name.lower().replace("_", " ") for rule in rules)
        rows.append([f"`{name}`", entry.line.removeprefix("Hanabi: "), words])
    return table(["Name", "What it does", "Rules, the first that applies decides"], rows)


def traders() -> str:
    """Every scripted player of the order book."""
    rows = [[f"`{name}`", entry.line.removeprefix("order book: ")] for name, entry in TRADERS.items()]
    return table(["Name", "What it does"], rows)


def listing(kind: str) -> str:
    """The names of a registry with their one line."""
    return table(["Name", "What it is"], [[f"`{name}`", entry.line] for name, entry in REGISTRIES[kind].items()])


def policies() -> str:
    """Every trained policy of Hanabi with what its folder says of it."""
    rows = []
    for name in POLICIES:
        about = store.read_json(place(name) / "policy.json")
        score, engine, of = about.get("score"), about.get("engine"), about["experiment"]
        if not score:
            continue
        learner = of["learner"] + (f", level {about['level']}" if about["level"] else "")
        pairs = [mean_and_error(score[kind]) for kind in ("self_play", "cross_play")]
        theirs = [mean_and_error(engine), f"{engine['differing']} of {engine['n'] * engine['games']}"]
        made = f"`{about['origin']['recipe']}`, {about['origin']['mode']}, {about['provenance']['git']}"
        moves = f"{about['learning']['moves']:.2g}"
        rows.append([f"`{name}`", of["game"], learner, str(of["seeds"]), moves, *pairs, *theirs, made])
    head = ("Name", "Game", "Learner", "Seeds", "Moves of each", "SP", "XP", "HLE", "Differ", "Recipe, mode, commit")
    return table(head, rows)


def mean_and_error(figure: Mapping[str, Any]) -> str:
    """A mean with its standard error in brackets."""
    return f"{figure['mean']:.2f}" + (f" ({figure['se']:.2f})" if figure["se"] is not None else "")


def commands() -> str:
    """Every command with its options."""
    parts = []
    evaluations = [load("evaluation", EVALUATIONS, name).COMMAND for name in EVALUATIONS]
    for command in [*(command for command, _ in COMMANDS.values()), *evaluations]:
        usage = f"tacit {command.name} {command.positional}".rstrip()
        rows = [
            [flag(o, ""), value(o.default), o.allowed or settings.words(o), o.help] for o in options(command.record)
        ]
        shown = table(("Option", "Default", "Allowed", "Meaning"), rows)
        parts.append(f"### tacit {command.name}\n\n{command.line}\n\nUsage: `{usage}`\n\n{shown}")
    return "\n".join(parts)


def recipes() -> str:
    """Every recipe: its command, its rows, its targets with their rules, its notes."""
    return "\n".join(recipe_part(name) for name in RECIPES)


def recipe_part(name: str) -> str:
    """What there is to say of one recipe."""
    recipe = load("recipe", RECIPES, name)
    quick = "judges its targets too" if recipe.judged_quick else "measures, but is too small to judge its targets"
    rows, computed = [], []
    for title, row in recipe.rows.items():
        if isinstance(row, Computation):
            described = settings.as_dict(row.settings)
            words = [f"{key} {value(x)}" for key, x in described.items()]
            computed.append([title, f"`{row.name}`", ", ".join(words) or NOTHING, str(row.seeds)])
            continue
        changes = {"learner": row.learner_settings, "game": row.game_settings, "opponent": row.against_settings}
        words = [
            f"`--{prefix}.{key.replace('_', '-')} {value(x)}`"
            for prefix in changes
            for key, x in changes[prefix].items()
        ]
        against = f"`{row.against}`" if row.against else "itself"
        rows.append([title, f"`{row.learner}`", against, f"`{row.game}`", ", ".join(words) or NOTHING])
        rows[-1] += [str(row.iterations), str(row.seeds)]
    parts = [
        f"## {name}\n\n{recipe.title}.\n\nCommand: `tacit reproduce {name}`\n\nPublished in: {recipe.paper}.\n",
        *([table(["Row", "Learner", "Against", "Game", "Settings", "Iterations", "Seeds"], rows)] if rows else []),
        *([table(["Row", "Computation", "Settings", "Seeds"], computed)] if computed else []),
        table(
            ["Target", "Published", "Source", "Rule and reason"], [target_cells(target) for target in recipe.targets]
        ),
        f"Other budgets: `--quick` {budget(recipe.quick)}, `--full` {budget(recipe.full)}. The quick mode {quick}.\n",
    ]
    parts += ["Notes:\n\n" + "".join(f"- {note}\n" for note in recipe.notes)] if recipe.notes else []
    return "\n".join(parts)


def target_cells(target: Target) -> list[str]:
    """One row of a recipe's table of targets."""
    published = NOTHING
    if target.published is not None:
        spread = f" ({target.published_spread:g})" if target.published_spread is not None else ""
        published = f"{target.published:g}{spread}{'' if target.verified else ' [unverified]'}"
    return [target.name, published, target.source, target.rule]


def budget(of: Budget) -> str:
    """How a mode differs from the default, in words."""
    words = [counted(of.seeds, "seeds")] if of.seeds else []
    words += [f"at most {of.iterations} iterations"] if of.iterations else []
    words += [f"{of.raised} iterations"] if of.raised else []
    words += [f"`--learner.{name.replace('_', '-')} {value(x)}`" for name, x in of.learner.items()]
    words += [f"{name} {value(x)}" for name, x in of.settings.items()]
    return " and ".join(words) or "as the default"


KINDS: dict[str, Callable[..., str]] = {
    "settings": settings_of,
    "rules": rules_of,
    "specs": specs_of,
    "players": players,
    "bots": bots,
    "traders": traders,
    "list": listing,
    "policies": policies,
    "commands": commands,
    "recipes": recipes,
}


def remade(text: str) -> str:
    """A page with all its blocks made anew."""

    def block(found: re.Match[str]) -> str:
        made = KINDS[found["kind"]](*(found["words"] or "").split())
        return f"{found[1]}\n{made}\n{found[4]}"

    return BLOCK.sub(block, text)


def pages() -> dict[pathlib.Path, str]:
    """Every page that has such blocks, as it should be."""
    texts = {path: path.read_text() for path in sorted(DOCS.rglob("*.md"))}
    return {path: remade(text) for path, text in texts.items() if BLOCK.search(text)}


def main() -> None:
    """Rewrites the pages that changed."""
    for path, text in pages().items():
        if text != path.read_text():
            path.write_text(text)


if __name__ == "__main__":
    main()
