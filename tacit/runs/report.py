"""The report of one or several runs: one HTML page that needs nothing from outside itself."""

import html
import json
import pathlib
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tacit.errors import RunError
from tacit.evaluation.basins import basins
from tacit.evaluation.readout import closed_read_out, read_out
from tacit.evaluation.statistics import summarize
from tacit.games.matrix import MatrixGame
from tacit.learners import LEARNERS
from tacit.runs import computation, exhibits, payoff_table, plots, store
from tacit.runs.computation import Computed
from tacit.runs.exhibits import counted
from tacit.runs.store import RunFolder
from tacit.runs.training import Finished, read_back

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; } th, td { border-bottom: 1px solid #ddd; padding: .3rem .6rem; text-align: left; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
pre { background: #f6f6f6; padding: .7rem; overflow: auto; }
.missed { color: #b00020; font-weight: 600; } svg { max-width: 100%; height: auto; } figure { margin: 1rem 0; }
"""


def summary(run: Finished) -> dict[str, Any]:
    """What a run ended with: the last row of each metric over seeds, as plain data."""
    figures = {}
    for name, values in run.metrics.items():
        if name in ("iteration", "wall"):
            continue
        last = values[-1].reshape(values.shape[1], -1)  # [S, players]
        for player in range(last.shape[1]):
            found = summarize(last[:, player])
            label = name if last.shape[1] == 1 else f"{name}, player {player + 1}"
            mean = found.mean if found.n else None
            figures[label] = {"mean": mean, "sd": found.sd, "n": found.n, "spread_kind": "sd over seeds"}
            figures[label] |= {"low": found.low, "high": found.high, "interval": "95 % bootstrap of the mean"}
    experiment = run.experiment
    against = f" against {experiment.against}" if experiment.against else ""
    return {
        "run": str(run.folder.path),
        "experiment": f"{experiment.learner}{against} on {experiment.game}",
        "iterations": experiment.iterations,
        "seeds": experiment.seeds,
        "figures": figures,
    }


def write(paths: Sequence[pathlib.Path]) -> pathlib.Path:
    """Writes the report of these runs into the first one's folder and returns its path.

    Raises:
        RunError: one is no run folder, damaged, or has not finished.
    """
    folders = [RunFolder.open(path) for path in paths]
    sections = [_section(folder) for folder in folders]
    title = ", ".join(folder.path.name for folder in folders)
    body = "\n".join(section for section in sections)
    if len(folders) > 1 and plots.available():
        named = {f"{f.path.name} {name}".strip(): run for f in folders for name, run in _runs(f).items()}
        if runs := _trained(named):
            body = _picture(plots.learning_curves({name: run.metrics for name, run in runs.items()}), "All runs") + body
    page = folders[0].path / "report.html"
    head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
    store.write(page, f"{head}<style>{STYLE}</style></head><body>{body}</body></html>\n".encode())
    return page


def _runs(folder: RunFolder) -> dict[str, Finished | Computed]:
    """The finished runs and computations of a folder by name: the rows of a recipe, or the run itself."""
    config = store.read_json(folder.path / "config.json")
    if "recipe" in config:
        names, paths = config.get("rows"), _row_paths(folder)
        if not isinstance(names, dict) or not names or len(paths) != len(names):
            raise RunError(f"{folder.path} has not finished: {len(paths)} of its rows were begun")
        return {name: _read_back(RunFolder(path)) for name, path in zip(names, paths, strict=True)}
    if payoff_table.is_payoffs(config):
        return {"": payoff_table.read_back(folder)}
    return {"": _read_back(folder)}


def _read_back(folder: RunFolder) -> Finished | Computed:
    computed = computation.is_computation(store.read_json(folder.path / "config.json"))
    return computation.read_back(folder) if computed else read_back(folder)


def _trained(runs: Mapping[str, Finished | Computed]) -> dict[str, Finished]:
    return {name: run for name, run in runs.items() if isinstance(run, Finished)}


def _row_paths(folder: RunFolder) -> list[pathlib.Path]:
    return sorted((folder.path / "rows").glob("*"))


def _section(folder: RunFolder) -> str:
    named = {name or _name(run): run for name, run in _runs(folder).items()}
    trained = _trained(named)
    parts = [f"<h1>{html.escape(folder.path.name)}</h1>"]
    outcome_path = folder.path / "outcome.json"
    if outcome_path.exists():
        outcome = store.read_json(outcome_path)
        parts += [_outcome(outcome), *map(exhibits.html, outcome.get("exhibits", ()))]
    else:
        parts += [_figures(summary(run)) for run in trained.values()]
    computed = [run for run in named.values() if isinstance(run, Computed)]
    parts += [exhibits.html(exhibit) for run in computed for exhibit in run.result.get("exhibits", ())]
    parts += [f"<p>{html.escape(words)}</p>" for words in _unfinished(trained)]
    parts.append(f"<h2>Again</h2><pre>{html.escape(_command(folder))}</pre>")
    if plots.available():
        parts += _pictures(trained) if trained else []
    else:
        parts.append("<p>Pictures need matplotlib: <code>pip install 'tacit[plot]'</code>.</p>")
    for name, run in named.items():
        parts.append(f"<h2>{html.escape(name)}: everything that determined it</h2>")
        for file in ("config.json", "provenance.json"):
            content = json.dumps(store.read_json(run.folder.path / file), indent=1)
            parts.append(f"<details><summary>{file}</summary><pre>{html.escape(content)}</pre></details>")
    return "\n".join(parts)


def _name(run: Finished | Computed) -> str:
    """What a run is called that is no row of a recipe."""
    return run.experiment.learner if isinstance(run, Finished) else run.folder.path.name


def _unfinished(runs: Mapping[str, Finished]) -> list[str]:
    """A line for each run that has not come to its end: the page shows its newest checkpoint."""
    lines = []
    for name, run in runs.items():
        status = run.folder.status()
        if status.get("status") != "done":
            lines.append(f"{name} is not finished ({status.get('status')}); shown is its newest checkpoint.")
    return lines


def _command(folder: RunFolder) -> str:
    """The command that began a run."""
    words = folder.status().get("command") or [""]
    return shlex.join(["tacit", *words[1:]])


MEETING = "Lines are means over seeds, one for each player; bands hold the middle 80 % of the seeds."
BAND = "Lines are means over seeds and players; bands hold the middle 80 % of the seeds."


def _pictures(runs: Mapping[str, Finished]) -> list[str]:
    alone = {name: run.metrics for name, run in runs.items() if not _meets(run)}
    pairs = {name: run.metrics for name, run in runs.items() if _meets(run)}
    curves = plots.learning_curves(alone) if alone else None
    parts = [_picture(curves, "Learning"), f"<p>{BAND}</p>" if curves else ""]
    if pairs:
        parts += [_picture(plots.meetings(pairs), "Rules that meet"), f"<p>{MEETING}</p>"]
    matrix = {name: run for name, run in runs.items() if isinstance(run.game, MatrixGame)}
    if matrix:
        parts.append(_picture(_read_outs(matrix), "What the policies do"))
    closed = [(name, run) for name, run in matrix.items() if _is_exact(run) and run.experiment.learner in LEARNERS]
    closed = [(name, run) for name, run in closed if not run.experiment.against]
    if closed:
        parts.append(_portraits(dict(closed)))
    return parts


def _meets(run: Finished) -> bool:
    """Whether a run is of two rules that meet in closed form, whose players are not alike."""
    learned = run.experiment.learner not in LEARNERS  # and then plays both seats, where nobody else does
    return isinstance(run.game, MatrixGame) and _is_exact(run) and bool(run.experiment.against or learned)


def _is_exact(run: Finished) -> bool:
    return run.make(run.game, run.config).exact


def _read_outs(runs: Mapping[str, Finished]) -> str:
    found = {name: (closed_read_out if _is_exact(run) else read_out)(run) for name, run in runs.items()}
    game = next(iter(runs.values())).game
    first = -1 if game.length == 1 else 0  # a one-shot game has only its start
    probabilities = {name: part.cooperation[:, :, first:] for name, part in found.items()}
    visits = {name: part.visits[:, :, first:] for name, part in found.items()}
    return plots.read_outs(probabilities, visits, game.action_names[0])


def _portraits(runs: Mapping[str, Finished]) -> str:
    panels = {
        name: basins(run.make, run.game, run.config, min(run.experiment.iterations, 200)) for name, run in runs.items()
    }
    game = next(iter(runs.values())).game
    payoffs = np.asarray(game.rewards)
    words = "player 1's final average reward by starting point (color), and the way there from some of them (white)"
    if game.length > 1:
        words += "; both players start alike, with one probability after the other's C and one after its D"
    picture = _picture(plots.portrait(panels, (float(payoffs.min()), float(payoffs.max()))), "Where learning leads")
    return f"{picture}<p>{html.escape(words[0].upper() + words[1:])}.</p>"


def _picture(svg: str | None, title: str) -> str:
    heading = f"<h2>{html.escape(title)}</h2>" if title else ""
    return f"{heading}<figure>{svg}</figure>" if svg else ""


def _outcome(outcome: Mapping[str, Any]) -> str:
    rows = []
    for target in outcome["targets"]:
        verdict = {True: "yes", False: '<span class="missed">missed</span>', None: "not judged"}[target["reached"]]
        unverified = "" if target["verified"] or target["published"] is None else " [unverified]"
        cells = (
            f"<td>{html.escape(target['name'])}</td>",
            f'<td class="n">{_figure(target["published"], target["published_spread"])}{unverified}</td>',
            f'<td class="n">{_figure(target["measured"], target["spread"])}</td>',
            f"<td>{html.escape(target['spread_kind'])}, n = {target['n']}</td>",
            f"<td>{html.escape(target['rule'])}</td><td>{verdict}</td>",
        )
        rows.append(f"<tr>{''.join(cells)}</tr>")
    head = "<tr><th>target</th><th>published</th><th>measured</th><th>spread</th><th>rule</th><th>reached</th></tr>"
    words = f"{outcome['mode']} mode, {counted(outcome['seeds'], 'seeds')}, {outcome['wall_seconds']:.1f} s"
    sources = "; ".join(dict.fromkeys(target["source"] for target in outcome["targets"]))
    details = (f"Published: {sources}.", *outcome.get("details", ()))
    lines = "".join(f"<p>{html.escape(line)}</p>" for line in details)
    return f"<p>{html.escape(outcome.get('title', ''))}</p><p>{words}</p><table>{head}{''.join(rows)}</table>{lines}"


def _figures(found: Mapping[str, Any]) -> str:
    rows = "".join(
        f'<tr><td>{html.escape(name)}</td><td class="n">{_figure(f["mean"], f["sd"])}</td><td>{f["n"]}</td></tr>'
        for name, f in found["figures"].items()
    )
    words = f"{html.escape(found['experiment'])}, {found['iterations']} iterations, {counted(found['seeds'], 'seeds')}"
    return f"<p>{words}</p><table><tr><th>last row</th><th>mean (sd over seeds)</th><th>n</th></tr>{rows}</table>"


def _figure(value: float | None, spread: float | None) -> str:
    if value is None:
        return "-"
    return _number(value) + (f" ({_number(spread)})" if spread is not None else "")


def _number(value: float) -> str:
    """Three decimals, or two digits of what these would show as nothing (p values)."""
    return f"{value:.3f}" if value == 0 or abs(value) >= 0.0005 else f"{value:.1e}"
