"""Tables of payoffs in run folders: known cells, going on, damage, and the command line."""

import json
import os
import signal

import numpy as np
import pytest

from tacit import cli
from tacit.errors import Interrupted, Misfit, RunError, SettingError
from tacit.evaluation.payoffs import summaries
from tacit.runs import payoff_table, report
from tacit.runs.experiment import board, contestant
from tacit.runs.payoff_table import check, fill, new_table, plan_of, read_tables
from tacit.runs.store import RunFolder


def quiet(told):
    del told


def made(place, rules, game="ipd", **numbers):
    folder = new_table(place, plan_of(rules, game, **({"updates": 2, "seeds": 3} | numbers)))
    return folder, fill(folder, quiet, quiet)


def means(tables, protocol="mean"):
    return np.array([[cell.mean for cell in line] for line in summaries(tables[protocol])])


def test_scripted_players_earn_their_known_values_in_the_dilemma(tmp_path):
    # closed form at discount 0.96, average per round: tit-for-tat v always defect is -2.04, -1.92, and so on
    rules = ["tit-for-tat", "always-defect", "win-stay-lose-shift"]
    _, tables = made(tmp_path, rules, updates=1, seeds=1)
    known = [[-1.0, -2.04, -1.0], [-1.92, -2.0, -0.9796], [-1.0, -2.5102, -1.0]]
    for protocol in ("mean", "last"):
        np.testing.assert_allclose(means(tables, protocol), known, atol=2e-4)


def test_the_first_seat_of_matching_pennies_wins_a_match(tmp_path):
    folder, tables = made(tmp_path, ["always-cooperate", "always-defect"], "imp:discount=0.96", updates=1, seeds=2)
    np.testing.assert_allclose(means(tables), [[1, -1], [-1, 1]], atol=1e-4)  # heads and tails
    np.testing.assert_allclose(tables["last"].column, -tables["last"].row, atol=1e-6)
    assert len(list((folder.path / "rows").iterdir())) == 4
    assert json.loads((folder.path / "rows/002-always-cooperate-v-always-defect/config.json").read_text())[
        "game_settings"]["discount"] == 0.96  # fmt: skip


def test_learning_rules_earn_the_published_payoffs(tmp_path):
    # an independent rerun of the M-FOS protocol had -1.981, -1.519/-1.302 and -1.093 over 4096 trials, with standard
    # deviations of 0.09, 0.34 and 0.135: three standard errors of 300 trials
    _, tables = made(tmp_path, ["naive", "lola:form=taylor"], updates=100, seeds=300)
    found = means(tables)
    assert found[0, 0] == pytest.approx(-1.981, abs=0.016)
    assert found[0, 1] == pytest.approx(-1.519, abs=0.06)
    assert found[1, 0] == pytest.approx(-1.302, abs=0.06)
    assert found[1, 1] == pytest.approx(-1.093, abs=0.024)
    assert means(tables, "last")[1, 1] > found[1, 1]


def test_rules_that_learn_from_play_meet_in_play(tmp_path):
    _, tables = made(tmp_path, ["naive-pg:num_games=4", "grudger"], "ipd:length=6")
    assert tables["mean"].row.shape == (2, 2, 3)
    # two grudgers cooperate; what six rounds are short of an endless game is not made up for
    np.testing.assert_allclose(tables["mean"].row[1, 1], -(1 - 0.96**6), atol=1e-5)


def test_a_table_that_was_cut_off_goes_on(tmp_path):
    rules, begun = ["naive", "tit-for-tat"], []

    def tell(told):
        if len(begun) == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    folder = new_table(tmp_path, plan_of(rules, "ipd", updates=70, seeds=3))
    with pytest.raises(Interrupted):
        fill(folder, tell, begun.append)
    assert begun == ["naive v naive", "naive v tit-for-tat"]
    assert folder.status()["status"] == "interrupted"
    with pytest.raises(RunError, match=r"002-naive-v-tit-for-tat is missing or has not finished"):
        read_tables(folder)
    tables = fill(RunFolder.open(folder.path), quiet, begun.append)
    assert begun[2:] == ["naive v tit-for-tat", "tit-for-tat v tit-for-tat"]
    assert folder.status()["status"] == "done"
    whole = made(tmp_path, rules, updates=70)[1]
    for protocol, found in tables.items():
        np.testing.assert_array_equal(found.row, whole[protocol].row)


DAMAGE = {
    "metrics.jsonl": (lambda text: text.replace("value", "velue"), "finite values of shape"),
    "config.json": (lambda text: text.replace('"seeds": 3', '"seeds": 4'), "not that of this pair"),
    "run.json": (lambda text: text.replace('"done"', '"running"'), "has not finished"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return made(tmp_path_factory.mktemp("whole"), ["tit-for-tat"])[0]


@pytest.mark.parametrize("file", DAMAGE)
def test_damaged_cells_are_named(whole, file):
    path = whole.path / "rows/001-tit-for-tat-v-tit-for-tat" / file
    before, (change, words) = path.read_text(), DAMAGE[file]
    path.write_text(change(before))
    assert path.read_text() != before
    with pytest.raises(RunError, match=words) as raised:
        read_tables(whole)
    assert "001-tit-for-tat-v-tit-for-tat" in str(raised.value)
    path.write_text(before)
    read_tables(whole)


@pytest.mark.parametrize("change", [lambda c: c.pop("rules"), lambda c: c.update(seeds=0), lambda c: c.update(x=1)])
def test_a_damaged_configuration_is_refused(whole, change):
    path = whole.path / "config.json"
    before = path.read_text()
    content = json.loads(before)
    change(content["payoffs"])
    path.write_text(json.dumps(content))
    with pytest.raises(RunError, match=r"config\.json is damaged"):
        read_tables(whole)
    path.write_text(before)


def test_labels_and_settings_as_they_are_typed():
    assert contestant("lola:rate=1.0", "ipd") == ("lola", "lola", {})  # the default is left out
    assert contestant("lola:rate=0.5,form=taylor", "ipd").label == "lola:form=taylor,rate=0.5"
    assert contestant("ppo:recurrent=true", "ipd").settings == {"recurrent": True}
    assert board("ipd:payoff=3/3/0/5/5/0/1/1")[1] == {"payoff": (3.0, 3.0, 0.0, 5.0, 5.0, 0.0, 1.0, 1.0)}
    for text, words in (
        ("lolla", "did you mean lola"),
        ("lola:rat=1", "did you mean rate"),
        ("lola:rate=x", "rate must be a number, got 'x'"),
        ("lola:form", "must be SETTING=VALUE"),
        ("lola:rate=1,rate=2", "given twice"),
        ("lola:steps=1.5", "whole number"),
        ("tit-for-tat:x=1", "allowed: none"),
    ):
        with pytest.raises(SettingError, match=words):
            contestant(text, "ipd")


def test_rules_that_cannot_meet_are_named_with_those_that_can():
    with pytest.raises(Misfit, match=r"naive-pg cannot meet naive: .*\(of these rules, on ipd: naive, lola can meet\)"):
        check(plan_of(["naive", "naive-pg", "lola"], "ipd"))
    with pytest.raises(Misfit, match=r"grudger cannot meet naive: .*more than one round"):
        check(plan_of(["naive", "grudger"], "ipd"))
    with pytest.raises(Misfit, match="a game for 2"):
        check(plan_of(["naive-pg"], "commons"))


def test_on_the_command_line(tmp_path, capsys):
    line = ["evaluate", "payoffs", "tit-for-tat", "always-defect", "always-cooperate", f"--out={tmp_path}"]
    assert cli.main([*line, "--seeds=2", "--updates=2", "--json"]) == 0
    out, _ = capsys.readouterr()
    assert out.count("\n") == 1
    found = json.loads(out)
    assert (found["game"], found["updates"], found["trials"], found["protocol"]) == ("ipd", 2, 2, "mean")
    assert [len(cells) for cells in found["tables"].values()] == [9, 9]
    assert found["tables"]["mean"][1]["mean"] == pytest.approx(-2.04, abs=1e-3)
    known = {(i["rule"], i["into"]): i["invades"] for i in found["population"]["invasions"]}
    assert known["always-defect", "always-cooperate"]
    assert not known["always-defect", "tit-for-tat"]
    run = tmp_path / "payoffs-ipd-001"
    assert "payoff" in (run / "report.html").read_text()
    assert (run / "report.html").read_text().count("<svg") == 4  # two tables, paths, the triangle

    assert cli.main(["evaluate", "payoffs", "--resume", str(run), "--protocol", "last"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for words in ("After the last of 2 updates", "2 trials", "evolutionarily stable", "always-defect invades"):
        assert words in shown
    assert json.loads((run / "payoffs.json").read_text())["protocol"] == "last"
    assert report.write([run]).exists()
    (run / payoff_table.RESULT).unlink()
    assert cli.main(["report", str(run)]) == 2
    assert "has not finished; go on with" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "tacit evaluate payoffs RULE..."),
        ("naive naive", "naive is given twice"),
        ("lola lola:rate=1", "given twice"),
        ("lolla", "did you mean lola?"),
        ("lola --game ipdd", "did you mean ipd?"),
        ("lola --game imp:discuont=0.9", "did you mean discount?"),
        ("lola --game commons", "a game for 2, not for 4"),
        ("lola --protocol first", "--protocol must be one of mean, last"),
        ("lola --seeds 0", "--seeds must be >= 1"),
        ("lola naive-pg", "cannot meet"),
        ("lola --resume x", "RUN"),
        ("--resume nowhere", "no run folder nowhere"),
        ("--resume x --seeds 5", "only --protocol and --json"),
    ],
)
def test_bad_lines_are_one_line(line, words, capsys):
    assert cli.main(["evaluate", "payoffs", *line.split()]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert words in error


def test_a_folder_of_another_kind_is_refused(tmp_path, capsys):
    folder = RunFolder.create(tmp_path, "other")
    folder.note(status="done")
    (folder.path / "config.json").write_text("{}")
    assert cli.main(["evaluate", "payoffs", "--resume", str(folder.path)]) == 2
    assert "is not the run folder of a table of payoffs" in capsys.readouterr().err
