"""A report is one page that needs nothing from outside, draws what there is, and escapes what it quotes."""

import html.parser
import json
import re

import numpy as np
import pytest

from tacit.errors import InputError, RunError
from tacit.runs import plots, report, training
from tacit.runs.experiment import Experiment
from tacit.runs.store import RunFolder

SHORT = {"length": 4}
TINY = {"num_games": 2, "length": 4, "epochs": 1, "minibatches": 1, "hidden": 2, "recurrent": True}
POOL = {"length": 3, "capacity": 4, "num_players": 2}
RUNS = {
    "exact": Experiment("naive", "ipd", "", {}, SHORT, iterations=3, seeds=2),
    "exact, one shot": Experiment("naive", "chicken", iterations=3, seeds=2),
    "sampled": Experiment("naive-pg", "ipd", "", {"num_games": 2}, SHORT, iterations=3, seeds=1),
    "against a player": Experiment("naive", "ipd", "tit-for-tat", {}, SHORT, iterations=3, seeds=2),
    "recurrent": Experiment("ppo", "ipd", "", TINY, SHORT, iterations=3, seeds=2),
    "commons": Experiment("naive-pg", "commons", "", {"num_games": 2}, POOL, iterations=3, seeds=2),
}
PARTS = {
    "exact": ("Learning", "What the policies do", "Where learning leads"),
    "exact, one shot": ("Learning", "What the policies do", "Where learning leads"),
    "sampled": ("Learning", "What the policies do"),
    "against a player": ("Rules that meet", "What the policies do"),
    "recurrent": ("Learning", "What the policies do"),
    "commons": ("Learning",),
}
ALL_PARTS = {part for parts in PARTS.values() for part in parts}


class Page(html.parser.HTMLParser):
    """What a page consists of."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text, self.open = [], [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.text += data


def check(path):
    """Refuses whatever would be fetched or run; returns the page."""
    text = path.read_text()
    page = Page(text)
    assert text.startswith("<!doctype html>")
    assert not {"script", "link", "iframe", "object", "embed", "img", "base", "form"} & set(page.tags)
    for tag, name, value in page.attributes:
        assert not name.startswith("on")
        if name.rpartition(":")[2] in ("src", "href", "srcset", "data", "action"):
            inside = value.startswith(("#", "data:image/png;base64,"))
            assert inside, (tag, name, value[:80])
    assert not re.search(r"@import|url\((?!#)", text)
    return page


def make(place, wanted, name="run"):
    folder = training.new_run(place, name, wanted)
    training.train(folder, print)
    return folder.path


@pytest.mark.parametrize("name", RUNS)
def test_pages_of_single_runs(name, tmp_path):
    path = report.write([make(tmp_path, RUNS[name])])
    assert path == tmp_path / "run-001/report.html"
    page = check(path)
    assert page.tags.count("svg") == len(PARTS[name])
    for part in ALL_PARTS:
        assert (part in page.text) == (part in PARTS[name])
    seeds = RUNS[name].seeds
    assert f"{RUNS[name].learner}" in page.text
    assert f"3 iterations, {seeds} seed" in page.text
    assert " 1 seeds" not in page.text
    assert f"n={seeds}" in page.text or f"n={seeds}" in path.read_text()
    for word in ("provenance.json", "device_count", "config.json", '"iterations": 3'):
        assert word in page.text


def test_pages_of_several_runs(tmp_path):
    runs = [make(tmp_path, RUNS[name], name.split(",")[0].replace(" ", "-")) for name in ("exact", "against a player")]
    path = report.write(runs)
    assert path == runs[0] / "report.html"
    assert not (runs[1] / "report.html").exists()
    page = check(path)
    assert "All runs" in page.text
    assert page.tags.count("svg") == 1 + 3 + 2
    assert page.tags.count("h1") == 2
    before = path.read_text()
    assert report.write(runs).read_text() == before  # equal pages for equal runs


def test_quoted_text_is_escaped(tmp_path):
    run = make(tmp_path, RUNS["commons"], "<b>&<script>alert(1)<")
    status = json.loads((run / "provenance.json").read_text())
    (run / "provenance.json").write_text(json.dumps(status | {"device": "</pre><script>x</script>"}))
    text = report.write([run]).read_text()
    check(run / "report.html")
    assert "&lt;b&gt;&amp;&lt;script&gt;" in text
    assert "&lt;/pre&gt;&lt;script&gt;" in text
    assert "<script" not in text


def test_outcomes_are_escaped_and_judged():
    target = {"name": "<i>", "published": 1.0, "published_spread": None, "measured": None, "spread": None, "n": 3}
    target |= {
        "source": "a & b",
        "verified": False,
        "spread_kind": "sd over seeds",
        "rule": ">= 1 & <= 2",
        "reached": False,
    }
    outcome = {"mode": "quick", "seeds": 3, "wall_seconds": 1.0, "targets": [target, target | {"reached": None}]}
    text = report._outcome(outcome | {"title": "<u>", "details": ["a < b"]})
    for word in (
        "&lt;i&gt;",
        "&gt;= 1 &amp; &lt;= 2",
        "a &lt; b",
        "1.000 [unverified]",
        "missed",
        "not judged",
        ">-<",
        "a &amp; b",
        "&lt;u&gt;",
    ):
        assert word in text
    assert "<i>" not in text


def test_runs_that_have_nothing_to_show(tmp_path):
    folder = training.new_run(tmp_path, "run", RUNS["exact"])
    with pytest.raises(RunError, match="no usable checkpoint"):
        report.write([folder.path])
    assert not (folder.path / "report.html").exists()


def test_unfinished_runs_say_so(tmp_path):
    run = make(tmp_path, RUNS["commons"])
    assert "not finished" not in check(report.write([run])).text
    RunFolder.open(run).note(status="interrupted")
    words = "naive-pg is not finished (interrupted); shown is its newest checkpoint."
    assert words in check(report.write([run])).text


def test_pages_say_how_to_do_it_again(tmp_path):
    run = make(tmp_path, RUNS["commons"])
    RunFolder.open(run).note(command=["/somewhere/tacit", "train", "naive-pg", "commons", "--out", "a b"])
    assert "tacit train naive-pg commons --out 'a b'" in check(report.write([run])).text


def test_pages_without_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "available", lambda: False)
    path = report.write([make(tmp_path, RUNS["commons"])])
    page = check(path)
    assert page.tags.count("svg") == 0
    assert "pip install 'tacit[plot]'" in page.text
    with pytest.raises(InputError, match="need matplotlib; install it with"):
        plots.figure(1, 1)


def test_summaries_are_plain_data(tmp_path):
    run = make(tmp_path, RUNS["commons"])
    found = report.summary(training.read_back(RunFolder.open(run)))
    json.dumps(found, allow_nan=False)
    assert found["experiment"] == "naive-pg on commons"
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    last = np.array(rows[-1]["reward"])  # [S, P]
    figure = found["figures"]["reward, player 2"]
    assert figure["mean"] == pytest.approx(last[:, 1].mean())
    assert figure["sd"] == pytest.approx(last[:, 1].std(ddof=1))
    assert figure["n"] == 2
