"""`tacit evaluate evolution`: its result, its page, and what is refused."""

import json

import pytest

from tacit import cli
from tacit.evaluation.evolution_settings import KINDS

SMALL = ["--players", "8", "--generations", "20", "--rows", "4", "--seeds", "2"]


def test_on_the_command_line(tmp_path, capsys):
    line = ["evaluate", "evolution", *SMALL, "--start", "tit-for-tat", "--noise", "0", f"--out={tmp_path}"]
    assert cli.main([*line, "--mutation", "0", "--json"]) == 0
    out, _ = capsys.readouterr()
    assert out.count("\n") == 1
    found = json.loads(out)
    assert found["generation"] == [0, 5, 10, 15, 20]
    assert found["late"]["since_generation"] == 10
    assert found["late"]["payoff"] == {"mean": pytest.approx(-1.0, abs=1e-4), "sd": pytest.approx(0.0, abs=1e-4),
                                       "n": 2, "each": pytest.approx([-1.0, -1.0], abs=1e-4)}  # fmt: skip
    assert found["late"]["cooperation"]["mean"] == pytest.approx(1.0, abs=1e-4)
    assert list(found["late"]["kinds"]) == [*KINDS, "other"]
    assert found["late"]["kinds"]["tit-for-tat"]["mean"] == 1.0
    assert found["last_players"] == [[1, 0, 1, 0, 1]] * 2
    page = (tmp_path / "evolution-ipd-001/report.html").read_text()
    assert page.count("<svg") == 4
    assert cli.main([*line, "--mutation", "0"]) == 0
    assert "share of tit-for-tat" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("lola", "got 1 word (lola)"),
        ("--game ipdd", "did you mean ipd?"),
        ("--game chicken", "an iterated game in which both seats earn alike"),
        ("--game imp", "an iterated game in which both seats earn alike"),
        ("--game commons", "not Commons"),
        ("--noise 0.6", "--noise must be >= 0 and <= 0.5, got 0.6"),
        ("--players 1", "--players must be >= 2"),
        ("--selection best", "--selection must be one of exponential, fermi"),
        ("--start nobody", "--start must be one of random"),
        ("--game ipd:discount=1", "discount must be >= 0 and < 1"),
    ],
)
def test_bad_lines_are_one_line(line, words, capsys):
    assert cli.main(["evaluate", "evolution", *line.split()]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert words in error
