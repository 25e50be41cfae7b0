"""The documentation is held against the code: tables are regenerated, examples run, links and commands exist."""

import ast
import doctest
import importlib.util
import pathlib
import re
import shlex
import sys
import types

import pytest

from tacit import bench, cli, games, learners, recipes
from tacit.commands import EVALUATIONS
from tacit.games.cart_pole import CartPole
from tacit.interop import gymnax, hle
from tacit.recipes import reproduction
from tacit.runs import report, store, training

ROOT = pathlib.Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"# (tacit/[\w/]+)\.py\n")
DOCUMENTED_TOGETHER = {
    "ipd": "prisoners-dilemma",
    "axelrod-ipd": "prisoners-dilemma",
    "imp": "matching-pennies",
    "iterated-chicken": "chicken",
    "iterated-stag-hunt": "stag-hunt",
    "repeated-levers": "levers",
    "phone-booths": "phone-booth",
    "maze-small": "maze",
    "two-fruits": "fruit-choice",
    **dict.fromkeys(("color-digit", "multi-step-digits"), "digits"),
    **dict.fromkeys(("coin-lola", "coin-pola", "coin-mfos", "coin-pax"), "coin"),
    **dict.fromkeys(("hanabi-small", "hanabi-very-small"), "hanabi"),
    **dict.fromkeys((f"tiny-hanabi-{letter}" for letter in "abcdef"), "tiny-hanabi"),
}


def blocks(page, language):
    return [body for found, body in FENCE.findall(page.read_text()) if found == language]


def named(path):
    return str(path.relative_to(ROOT))


def headings(page, level="##"):
    plain = FENCE.sub("", page.read_text())
    return [line[len(level) + 1 :] for line in plain.splitlines() if line.startswith(f"{level} ")]


@pytest.fixture
def registries():
    """Registries that a page may add to."""
    before = [(registry, dict(registry)) for registry in (games.GAMES, learners.LEARNERS)]
    yield
    for registry, entries in before:
        registry.clear()
        registry.update(entries)


def module(name, monkeypatch):
    """A new module of that name, for the length of a test."""
    made = types.ModuleType(name)
    monkeypatch.setitem(sys.modules, name, made)
    parent, _, child = name.rpartition(".")
    if parent:
        monkeypatch.setattr(sys.modules[parent], child, made, raising=False)
    return made


def execute(page, monkeypatch, wanted=bool):
    """Runs a page's Python: files become modules of their names, all other blocks share one, in order."""
    shared = module(f"page_{page.stem.replace('-', '_')}", monkeypatch)
    for body in filter(wanted, blocks(page, "python")):
        file = FILE.match(body)
        space = module(file[1].replace("/", "."), monkeypatch) if file else shared
        exec(compile(body, named(page), "exec"), vars(space))


WITH_PYTHON = [page for page in PAGES if blocks(page, "python")]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=named)
def test_examples_run(page, registries, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.mkdtemp", lambda: str(tmp_path))
    execute(page, monkeypatch)


def test_pages_are_as_generated():
    described = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    generate = importlib.util.module_from_spec(described)
    described.loader.exec_module(generate)
    made = generate.pages()
    assert len(made) > 15
    stale = [named(page) for page, text in made.items() if page.read_text() != text]
    assert not stale, "run `python docs/generate.py`"


def test_every_name_has_its_page():
    shown = {DOCUMENTED_TOGETHER.get(name, name) for name in games.GAMES}
    assert shown == {page.stem for page in (DOCS / "games").glob("*.md")}
    for name in games.GAMES:
        page = DOCS / "games" / f"{DOCUMENTED_TOGETHER.get(name, name)}.md"
        assert f"`{name}`" in page.read_text().split("## Rules")[0]
    assert {*learners.LEARNERS, "players"} == {page.stem for page in (DOCS / "learners").glob("*.md")}
    players = (DOCS / "learners" / "players.md").read_text()
    assert all(f"| `{name}` |" in players for name in learners.PLAYERS)
    assert headings(DOCS / "recipes.md") == list(recipes.RECIPES)
    commands = headings(DOCS / "command-line.md", "###")
    evaluations = [f"evaluate {name}" for name in EVALUATIONS]
    assert commands == [f"tacit {name}" for name in (*cli.COMMANDS, *evaluations)]


@pytest.mark.parametrize("kind", ["games", "learners"])
def test_pages_of_a_kind_have_one_form(kind):
    pages = [page for page in sorted((DOCS / kind).glob("*.md")) if page.stem != "players"]
    forms = {page.stem: headings(page) for page in pages}
    first = next(iter(forms.values()))
    assert len(first) >= 7
    assert all(form == first for form in forms.values()), forms


def anchor(heading):
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page):
    text = FENCE.sub("", page.read_text())
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        path, _, part = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        assert found.is_relative_to(ROOT), target
        if part:
            assert part in [anchor(h) for level in ("#", "##", "###") for h in headings(found, level)], target


SOURCES = [path for path in sorted((ROOT / "tacit").rglob("*.py")) if ">>> " in path.read_text()]


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_docstrings_run(path):
    imported = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    documented = (ast.FunctionDef, ast.ClassDef, ast.Module)
    for node in ast.walk(ast.parse(path.read_text())):
        text = ast.get_docstring(node) if isinstance(node, documented) else None
        if text and ">>> " in text:
            name = getattr(node, "name", path.stem)
            globs = dict(vars(imported))
            example = doctest.DocTestParser().get_doctest(text, globs, name, str(path), node.body[0].lineno)
            assert doctest.DocTestRunner().run(example).failed == 0


class Understood(Exception):
    """A command line was understood; what it would do is not done."""


REGISTERS = ("from tacit.games import GAMES", "from tacit.learners import LEARNERS")
PLACEHOLDERS = {
    "COMMAND",
    "LEARNER",
    "GAME",
    "RECIPE",
    "RECIPE...",
    "RULE...",
    "ENTRANT...",
    "MODEL...",
    "NAME",
    "RUN",
    "RUN...",
    "TRANSCRIPT",
    "...",
    "…",
}


def command_lines(page):
    shell = [body for language in ("", "sh") for body in blocks(page, language)]
    inline = re.findall(r"`(tacit [^`]+)`", FENCE.sub("", page.read_text()))
    lines = [*"".join(shell).splitlines(), *(" ".join(code.split()) for code in inline)]
    typed = [re.split(r" {2,}", line)[0] for line in lines]  # what follows more than one space explains
    found = [shlex.split(line, comments=True)[1:] for line in typed if line.startswith("tacit ")]
    return [words for words in found if not any(word in PLACEHOLDERS or word.startswith("[") for word in words)]


WITH_COMMANDS = [page for page in PAGES if command_lines(page)]


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=named)
def test_commands_are_understood(page, registries, tmp_path, monkeypatch, capsys):
    def understood(*args, **kwargs):
        raise Understood

    monkeypatch.chdir(tmp_path)  # where some keep files beside run folders
    for owner, name in ((training, "new_run"), (reproduction, "new_reproduction"), (report, "write"), (bench, "run")):
        monkeypatch.setattr(owner, name, understood)
    for name in ("open", "create"):
        monkeypatch.setattr(store.RunFolder, name, understood)
    monkeypatch.setattr(hle, "library", lambda: None)  # the reference engine need not be installed to be named
    monkeypatch.setattr(gymnax, "task", lambda _: CartPole())  # nor gymnax; its tasks have the same settings
    execute(page, monkeypatch, wanted=lambda body: FILE.match(body) or body.startswith(REGISTERS))
    for argv in command_lines(page):
        if len(argv) == 1 or argv[0] == "list":
            assert argv[0] in cli.COMMANDS
            continue
        if argv[0] == "evaluate" and len(argv) == 2:
            assert argv[1] in EVALUATIONS
            continue
        with pytest.raises(Understood):
            pytest.fail(f"{argv} ended with status {cli.main(argv)}: {capsys.readouterr().err}")


def test_the_new_game_on_the_command_line(registries, tmp_path, monkeypatch, capsys):
    execute(DOCS / "new-game.md", monkeypatch, wanted=lambda body: FILE.match(body) or body.startswith(REGISTERS))
    assert cli.main(["list", "games"]) == 0
    assert "noisy-ipd" in capsys.readouterr().out
    assert cli.main(["train", "naive", "noisy-ipd"]) == 2
    assert "needs a two-player matrix game" in capsys.readouterr().err
    small = ["--learner.num-games", "8", "--learner.length", "20", "--learner.hidden", "16", "--iterations", "2"]
    options = [*small, "--seeds", "2", "--game.noise", "0.1", "--game.length", "20", "--out", str(tmp_path), "--json"]
    assert cli.main(["train", "ppo", "noisy-ipd", *options]) == 0
    assert '"experiment": "ppo on noisy-ipd"' in capsys.readouterr().out
    assert (tmp_path / "ppo-noisy-ipd-001" / "policy.safetensors").exists()
